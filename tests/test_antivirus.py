"""The antivirus: what it finds is refused, and so is what it could not be asked about."""

import io
import os
import socket
import threading
from contextlib import contextmanager

import pytest

from portal import antivirus, storage
from portal.antivirus import NOT_CHECKED, Infected
from portal.models import ScanState, StoredFile
from portal.rules import Refused
from tests import files
from tests.clamav import EICAR, SIGNATURE


@pytest.fixture(params=[0, 1], ids=["socket", "port"])
def clamd(request, clamd_urls):
    return clamd_urls[request.param]


@pytest.mark.parametrize("kind", files.samples())
def test_what_is_clean_passes(clamd, kind):
    assert antivirus.scan(io.BytesIO(files.samples()[kind]), clamd) is None  # it raises what it finds


def test_four_megabytes_are_scanned(clamd):
    assert antivirus.scan(io.BytesIO(os.urandom(4 * 1024 * 1024)), clamd) is None


INFECTED = {
    "alone": EICAR,
    "at the end of a PDF": files.pdf() + EICAR,
    "in a letter": files.docx(word__media__image=EICAR),
    "in a table": b"Nom;x\r\n" + EICAR + b";x\r\n",
}


@pytest.mark.parametrize("where", INFECTED)
def test_what_is_infected_is_refused_and_named(clamd, where):
    with pytest.raises(Infected) as refused:
        antivirus.scan(io.BytesIO(INFECTED[where]), clamd)
    assert refused.value.signature == SIGNATURE
    assert "virus" in str(refused.value) and "Eicar" not in str(refused.value)


# What could not be asked


@contextmanager
def server_that(does):
    """Something that listens where clamd should."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            with listening.accept()[0] as client:
                does(client)

        serving = threading.Thread(target=serve)
        serving.start()
        yield f"tcp://127.0.0.1:{listening.getsockname()[1]}"
        serving.join(10)


def answer(text):
    def does(client):
        while not client.recv(1 << 16).endswith(b"\0\0\0\0"):
            pass
        client.sendall(text)

    return does


STRANGE = {
    "nothing": lambda client: None,
    "less than the whole": lambda client: client.recv(10),
    "an error": answer(b"INSTREAM size limit exceeded. ERROR\0"),
    "another language": answer(b"HTTP/1.0 200 OK\r\n\r\n\0"),
    "a word that ends like another": answer(b"stream: NOT OK\0"),
    "an endless one": answer(b"OK" * 5_000),
    "silence": answer(b""),
}


@pytest.mark.parametrize("does", STRANGE)
def test_an_answer_that_is_not_clear_is_no_answer(does):
    with server_that(STRANGE[does]) as url, pytest.raises(Refused, match="n’a pas pu être contrôlé"):
        antivirus.scan(io.BytesIO(b"x" * 100_000), url)


def test_a_clamd_that_is_not_there_or_that_says_nothing_is_no_answer(monkeypatch, tmp_path):
    for url in ("tcp://127.0.0.1:9", f"unix:{tmp_path}/nobody.sock"):
        with pytest.raises(Refused, match="Réessayez dans quelques minutes"):
            antivirus.scan(io.BytesIO(b"x"), url)
    monkeypatch.setattr(antivirus, "SECONDS", 0.1)
    waiting = threading.Event()
    with server_that(lambda client: waiting.wait(10)) as url:
        with pytest.raises(Refused, match="n’a pas pu être contrôlé"):
            antivirus.scan(io.BytesIO(b"x"), url)
        waiting.set()


def test_more_than_clamd_takes_is_not_known_to_be_clean(clamd):
    with pytest.raises(Refused) as refused:
        antivirus.scan(io.BytesIO(os.urandom(6 * 1024 * 1024)), clamd)
    assert str(refused.value) == NOT_CHECKED


# At the gate


def sent(content):
    return storage.receive(io.BytesIO(content), "a.pdf", account=None, holder="user:1")


def test_at_the_gate_what_is_clean_is_said_to_be(database, clamd, monkeypatch):
    monkeypatch.setattr(storage.store, "antivirus", clamd)
    assert sent(files.pdf()).scan == ScanState.CLEAN


def test_at_the_gate_what_is_infected_is_kept_nowhere(database, clamd, monkeypatch):
    monkeypatch.setattr(storage.store, "antivirus", clamd)
    with pytest.raises(Infected):
        sent(files.pdf() + EICAR)
    assert not StoredFile.select().exists() and not list(storage.store.place.names())


def test_at_the_gate_what_cannot_be_scanned_is_kept_nowhere(database, monkeypatch):
    monkeypatch.setattr(storage.store, "antivirus", "tcp://127.0.0.1:9")
    with pytest.raises(Refused, match="n’a pas pu être contrôlé"):
        sent(files.pdf())
    assert not StoredFile.select().exists() and not list(storage.store.place.names())

"""Nobody forges a line of a log: whatever was typed or sent, one event is one line, and colours no terminal."""

import io
import logging
import re
import unicodedata

import pytest
from peewee import OperationalError

from portal import calling, clock
from portal.faults import UNSEEN
from portal.models import GroupContract
from portal.rules import Refused
from tests import factories, files

FORGED = "00000000 GET home.index : tout va bien"
HOSTILE = [
    f"x\n{FORGED}",
    f"x\r\n{FORGED}",
    f"x\x1b[2K\x1b[1G{FORGED}",
    f"x\u2028{FORGED}",
    f"x\x85{FORGED}",
    f"x\x0b{FORGED}\x0c{FORGED}",
    "x\u202egnitset",
]
ids = [ascii(text[1:4]) for text in HOSTILE]


pytestmark = pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="session")


@pytest.fixture
def lines(app):
    """What a terminal or a file gets: `lines()`, and how many events there were."""
    stream, events = io.StringIO(), []
    handler = logging.StreamHandler(stream)
    handler.addFilter(lambda record: events.append(record) or True)
    logging.getLogger().addHandler(handler)
    yield lambda: (stream.getvalue().removesuffix("\n").split("\n"), len(events))
    logging.getLogger().removeHandler(handler)


def assert_each_on_its_line(lines, least):
    written, events = lines()
    assert len(written) == events >= least, written
    for line in written:
        assert not line.startswith(FORGED)
        assert not [sign for sign in line if unicodedata.category(sign) in UNSEEN], ascii(line)


@pytest.mark.parametrize("name", ["portal.outbox", "portal.storage", "app", "another.library"])
@pytest.mark.parametrize("text", HOSTILE, ids=ids)
def test_what_is_logged_stays_on_its_line(lines, name, text):
    logging.getLogger(name).warning("file %s of %s", text, "a person")
    logging.getLogger(name).error(text)
    assert_each_on_its_line(lines, 2)
    assert "a person" in lines()[0][0]


@pytest.mark.parametrize("text", HOSTILE, ids=ids)
def test_nothing_that_a_browser_sends_begins_a_line(app, signed_in, hr, lines, monkeypatch, text):
    """Its method, address, agent, forwarded address, identifiers and names of files, where the portal fails."""

    def fail(*_):
        raise OperationalError(text)

    app.testing = False
    sent = {"HTTP_USER_AGENT": text, "HTTP_X_FORWARDED_FOR": text, "HTTP_REFERER": text, "HTTP_X_REQUEST_ID": text}
    attached = {"fichier": (io.BytesIO(files.pdf()), text.encode("utf-8", "replace").decode())}
    token = signed_in.token()
    monkeypatch.setattr(app.configuration, "look", fail)
    for method, path in (("GET", f"/salaries?q={FORGED}"), ("GET", f"/{FORGED}"), (text, "/")):
        answer = signed_in.open(path, method=method, environ_overrides=sent | {"PATH_INFO": path.partition("?")[0]})
        assert answer.status_code == 503
    for path in ("/connexion", "/affiliations/fichiers", "/demandes"):
        data = {"identifiant": text.encode("utf-8", "replace").decode(), "csrf_token": token, **attached}
        attached["fichier"][0].seek(0)
        signed_in.open(path, method="POST", data=data, environ_overrides=sent)
        attached = {"fichier": (io.BytesIO(files.pdf()), "x\r\ny.pdf")}
    assert_each_on_its_line(lines, 5)


def test_what_the_management_system_loads_begins_no_line(app, hr, lines, monkeypatch):
    """A number of a contract that holds a line: the worker names it where its tariff cannot be called."""

    def refuse(*_):
        raise Refused("Pas de PMSS.")

    contract = hr.contracts().first()
    factories.tariff(contract, called_by_portal=True)
    GroupContract.update(number=f"HJ\n{FORGED}"[:32]).where(GroupContract.id == contract.id).execute()
    monkeypatch.setattr(calling, "periods_to_call", lambda *_: [(clock.today(), clock.today())])
    monkeypatch.setattr(calling, "issue", refuse)
    calling.call_due(app.settings, clock.now())
    assert_each_on_its_line(lines, 1)
    assert re.search(r"contract HJ\\n00000000", lines()[0][0])

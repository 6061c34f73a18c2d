"""Files: in and out of the store, what waits, what is dropped, and what a kill leaves behind."""

import datetime
import io
import os
import tempfile
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal import clock, storage, tasks
from portal.folder import Unavailable
from portal.models import ScanState, StoredFile, db, vault
from portal.rules import Refused
from portal.sealed_streams import PIECE, TAG, digest_of, opened, sealed
from portal.storage import place_of
from portal.vault import Tampered
from tests import factories, files
from tests.conftest import KEYS


@pytest.fixture(params=["folder", "bucket"], autouse=True)
def place(request, monkeypatch):
    """Where files are in this test."""
    if "database" not in request.fixturenames:  # it needs no store
        return None
    request.getfixturevalue("database")
    if request.param == "bucket":
        monkeypatch.setattr(storage.store, "place", place_of(request.getfixturevalue("bucket_url")))
    return storage.store.place


def sent(content=None, name="attestation.pdf", kinds=("pdf",), account=None, holder="user:1", now=None):
    file = io.BytesIO(files.pdf() if content is None else content)
    return storage.receive(file, name, kinds, account=account, holder=holder, now=now)


def names():
    return {name for name, _ in storage.store.place.names()}


def raw(name):
    with closing(storage.store.place.open(name)) as file:
        return file.read()


# The frame


KEY = bytes(range(32))


def frame(content, name="x", key=KEY):
    return b"".join(sealed(io.BytesIO(content), key, name))


def unframe(content, name="x", key=KEY):
    return b"".join(opened(io.BytesIO(content), key, name))


@settings(deadline=None)
@given(
    st.sampled_from([0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 17]), st.binary(min_size=1, max_size=64)
)
def test_what_is_sealed_opens(size, pattern):
    content = (pattern * (size // len(pattern) + 1))[:size]
    assert unframe(frame(content)) == content


@pytest.mark.parametrize("size", [10, PIECE, 3 * PIECE])
def test_what_was_touched_does_not_open(size):
    good = frame(os.urandom(size))
    pieces = [good[1:][at : at + PIECE + TAG] for at in range(0, len(good) - 1, PIECE + TAG)]
    bad = {
        "a bit": good[:-1] + bytes([good[-1] ^ 1]),
        "cut short": good[:-5],
        "without its last piece": good[:1] + b"".join(pieces[:-1]),
        "longer": good + b"x",
        "a piece twice": good[:1] + b"".join([*pieces, pieces[-1]]),
        "nothing": b"",
        "another version": b"\x02" + good[1:],
    }
    if len(pieces) > 1:
        bad["other order"] = good[:1] + b"".join(reversed(pieces))
    for fault, content in bad.items():
        with pytest.raises(Tampered):
            unframe(content)
            pytest.fail(fault)
    for given_name, key in (("y", KEY), ("x", KEY[::-1])):
        with pytest.raises(Tampered):
            unframe(good, given_name, key)


def test_a_network_that_gives_bytes_one_by_one_changes_nothing():
    class Slow(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 7))

    content = os.urandom(PIECE + 100)
    assert b"".join(opened(Slow(frame(content)), KEY, "x")) == content


def test_the_name_depends_on_the_key_and_on_the_content():
    digests = {digest_of(io.BytesIO(content), key)[0] for content in (b"x", b"y") for key in (KEY, KEY[::-1])}
    assert len(digests) == 4


# In and out


def test_what_was_sent_comes_back_byte_for_byte(database):
    content = files.heavy_pdf(300_000)
    row = sent(content)
    assert storage.content(StoredFile.get_by_id(row.id)) == content
    assert (row.size, row.mime_type, row.file_name) == (len(content), "application/pdf", "attestation.pdf")
    assert row.scan == ScanState.NOT_SCANNED


@pytest.mark.parametrize("content", [files.pdf()[:200], b"x" * 1_000_000], ids=["damaged", "other"])
def test_what_the_gate_refuses_leaves_neither_file_nor_row(database, content):
    """It is put into the store while it is looked at."""
    with pytest.raises(Refused):
        sent(content)
    assert not names() and not StoredFile.select().exists()


def test_a_file_that_the_form_put_on_the_disk_is_kept_without_another_copy(database, monkeypatch):
    monkeypatch.setattr(storage.uploads.shutil, "copyfileobj", None)
    content = files.heavy_pdf(1_000_000)
    with tempfile.SpooledTemporaryFile(1_000) as file:
        file.write(content)
        row = storage.receive(file, "x.pdf", ("pdf",), account=None, holder="user:1")
    assert storage.content(StoredFile.get_by_id(row.id)) == content


def test_the_store_tells_nothing(database):
    content = files.pdf(lambda made: made.docinfo.__setattr__("/Title", "Jugement de divorce"))
    sent(content, "divorce Philippe Barbaud.pdf")
    assert [len(name) for name in names()] == [64]
    assert b"divorce" not in raw(*names()) and b"%PDF" not in raw(*names())
    row = StoredFile.select().dicts().get()
    assert b"Barbaud" not in bytes(row["name"])


def test_the_same_file_sent_twice_has_two_names_and_two_keys(database):
    first, second = sent(), sent()
    assert first.digest != second.digest
    assert first.unseal("key") != second.unseal("key")


def test_a_file_that_was_moved_to_another_row_does_not_open(database):
    first, second = sent(), sent(files.pdf(pages=2))
    storage.store.place.put(first.digest, [raw(second.digest)])
    with pytest.raises(Tampered):
        storage.content(first)


def test_a_key_that_was_moved_to_another_row_does_not_open(database):
    first, second = sent(), sent()
    StoredFile.update(key=second.key).where(StoredFile.id == first.id).execute()
    with pytest.raises(Tampered):
        storage.content(StoredFile.get_by_id(first.id))


def test_a_file_that_is_gone_is_said_in_a_word(database):
    row = sent()
    storage.store.place.delete(row.digest)
    with pytest.raises(Unavailable, match="ENOENT|NoSuchKey"):
        storage.content(row)


def test_what_the_portal_makes_is_kept_as_well(database):
    account = factories.account()
    row = storage.file_away(io.BytesIO(b"%PDF-1.7"), "Bulletin.pdf", "application/pdf", account=account)
    row.attach()
    row = StoredFile.get_by_id(row.id)
    assert (row.scan, row.holder, row.account_id) == (ScanState.OURS, "", account.id)
    assert storage.content(row) == b"%PDF-1.7"


def test_what_is_read_piece_by_piece_may_be_left_in_the_middle(database):
    row = sent(files.heavy_pdf(1_000_000))
    pieces = storage.pieces(row)
    assert len(next(pieces)) == PIECE
    pieces.close()


# Limits


def test_a_person_sends_so_many_files_a_day(database, chosen_settings, monkeypatch):
    monkeypatch.setattr(storage.store, "most_today", 3)
    now = clock.now()
    for _ in range(3):
        sent(now=now)
    with pytest.raises(Refused, match="3 fichiers par jour"):
        sent(now=now)
    assert len(names()) == 3, "what was refused stays nowhere"
    sent(now=now, holder="user:2")
    sent(now=now + datetime.timedelta(days=1, minutes=1))


def test_a_file_that_was_withdrawn_still_counts_that_day(database, monkeypatch):
    monkeypatch.setattr(storage.store, "most_today", 1)
    now = clock.now()
    sent(now=now).drop(now)
    storage.take_away()
    storage.sweep(now)
    with pytest.raises(Refused, match="par jour"):
        sent(now=now)


def test_the_files_of_an_account_have_so_much_room(database, monkeypatch):
    account = factories.account()
    content = files.heavy_pdf(10_000)
    monkeypatch.setattr(storage.store, "most_bytes", 25_000)
    first = sent(content, account=account)
    sent(content, account=account)
    with pytest.raises(Refused, match="espace de ce compte"):
        sent(content, account=account)
    sent(content, account=factories.account("Autre"))
    first.drop()
    sent(content, account=account)


# What waits, what leaves


def test_a_file_is_attached_once(database):
    row = sent()
    assert [one.id for one in StoredFile.waiting("user:1")] == [row.id]
    assert list(StoredFile.waiting("user:2")) == []
    row.attach()
    assert list(StoredFile.waiting("user:1")) == []
    with pytest.raises(Refused):
        StoredFile.get_by_id(row.id).attach()


def test_what_nobody_attached_goes_after_a_day(database):
    now = clock.now()
    waiting, kept = sent(now=now), sent(now=now)
    kept.attach(now)
    storage.sweep(now + datetime.timedelta(hours=23))
    assert storage.take_away() == 0
    storage.sweep(now + datetime.timedelta(hours=25))
    assert storage.take_away() == 1
    assert names() == {kept.digest}
    with pytest.raises(Refused):
        waiting.attach(now)
    storage.sweep(now + datetime.timedelta(hours=25))
    assert [row.id for row in StoredFile.select()] == [kept.id]


def test_a_dropped_file_cannot_be_read_and_leaves_the_store(database):
    row = sent()
    row.attach()
    with db.atomic():
        row.drop()
    gone = StoredFile.get_by_id(row.id)
    assert gone.key is None and bytes(gone.name) == b"" and names()
    assert storage.take_away() == 1
    assert storage.take_away() == 0
    assert names() == set()


def test_a_drop_that_is_rolled_back_never_was(database):
    row = sent()
    with db.atomic() as transaction:
        row.drop()
        transaction.rollback()
    storage.take_away()
    assert storage.content(StoredFile.get_by_id(row.id))


def test_what_no_row_knows_leaves_after_a_day(database):
    now, later = clock.now(), clock.now() + datetime.timedelta(hours=25)
    kept = sent(now=now)
    storage.store.place.put("ab" * 32, [b"x"])
    storage.store.place.put(".part-x", [b"half"])
    assert storage.sweep(now) == (0, 0)
    assert storage.sweep(later) == (2, 0)
    assert names() == {kept.digest}


def test_a_store_that_lost_a_file_is_found_out(app, database):
    lost = [sent(), sent()][1]
    assert storage.missing() == []
    storage.store.place.delete(lost.digest)
    assert storage.missing() == [lost]
    assert "manque" in app.test_cli_runner().invoke(args=["files", "verify"]).output


def test_when_the_row_cannot_be_written_the_file_does_not_stay(database, monkeypatch):
    monkeypatch.setattr(StoredFile, "save", lambda *given, **named: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        sent()
    assert names() == set()


# Keys


def test_turning_the_keys_changes_rows_and_no_file(app, database):
    row = sent()
    before = raw(row.digest)
    old, new = [bytes.fromhex(key) for key in KEYS], os.urandom(32)
    vault.use([new, *old])
    try:
        result = app.test_cli_runner().invoke(args=["vault", "rotate"])
        assert "1\u00a0ligne chiffrée" in result.output
        vault.use([new])
        again = StoredFile.get_by_id(row.id)
        assert again.file_name == "attestation.pdf" and storage.content(again)
        assert raw(row.digest) == before
    finally:
        vault.use(old)


# The worker, and what an operator asks


def test_the_worker_takes_files_away_and_lives_when_the_store_does_not(app, database, at, monkeypatch):
    row = sent()
    row.drop()
    look = tasks.looking(app.configuration)
    place = storage.store.place
    monkeypatch.setattr(storage.store, "place", Closed())
    look()
    monkeypatch.setattr(storage.store, "place", place)
    look()
    assert names(), "it rests for a minute first"
    at(minutes=2)
    look()
    assert names() == set()


class Closed:
    """A store that does not answer."""

    def delete(self, name):
        raise Unavailable("ECONNREFUSED")

    def names(self):
        raise Unavailable("ECONNREFUSED")


def test_an_operator_is_told_whether_every_file_is_there_and_opens(app, database, monkeypatch):
    verify = ["files", "verify", "--read"]
    runner = app.test_cli_runner()
    kept, damaged = sent(), sent()
    assert "Tout est là : 2\u00a0fichiers." in runner.invoke(args=verify).output
    storage.store.place.put(damaged.digest, [raw(damaged.digest)[:-1]])
    result = runner.invoke(args=verify)
    assert result.exit_code == 1 and f"{damaged.public_id} ne s’ouvre pas" in result.output
    assert str(kept.public_id) not in result.output
    monkeypatch.setattr(storage.store, "place", Closed())
    assert "ne répond pas" in runner.invoke(args=verify).output

"""Backups: made while people write, put back on an empty machine, refused when a byte differs; and what must hold."""

import dataclasses
import datetime
import io
import json
import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from app import create_app
from portal import backups, clock, erasing, snapshots, storage
from portal import database as databases
from portal.models import AuditEvent, Beneficiary, StoredFile, User, UserSession, db
from portal.storage import place_of
from tests import factories, files
from tests.clients import CarefulClient
from tests.thorough import often

KEY = bytes(range(32))
NIR = "294063947803145"
IBAN = "FR7630006000011234567890189"


@pytest.fixture
def portal(app, hr, tmp_path):
    """The portal with a little of everything, and a key for its backups."""
    app.settings = dataclasses.replace(app.settings, backup_keys=(KEY,), audit_heads_dir=str(tmp_path / "heads"))
    contract = hr.contracts().first()
    person = factories.beneficiary(contract, "Durand", "Zoé", nir=NIR)
    person.seal("reimbursement_iban", IBAN)
    person.save()
    factories.money(contract)
    factories.lines(factories.statement(contract, months_ago=6), [person])
    kept(files.pdf())
    return app


def kept(content, name="acte.pdf"):
    row = storage.file_away(io.BytesIO(content), name, "application/pdf", account=None)
    with db.atomic():
        row.attach()
    return row


@pytest.fixture
def elsewhere(portal, template, tmp_path):
    """Another machine: a portal with the same keys, without a base nor a file."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    url, throw_away = template(folder, "test_portal_owner")
    made = []

    def start(**values):
        db.close_all()
        emptied(url)
        own = {"database_url": url, "storage_url": f"file://{folder}/files", "audit_heads_dir": "", **values}
        other = create_app(settings=dataclasses.replace(portal.settings, **own), TESTING=True)
        other.test_client_class = CarefulClient
        made.append(other)
        return other

    yield start
    db.close_all()
    throw_away()


def emptied(url):
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).unlink()
        return
    there = databases.connect(url)
    with there.connection_context():
        there.execute_sql("DROP SCHEMA public CASCADE")
        there.execute_sql("CREATE SCHEMA public")
    there.close_all()


def run(app, *command, fails=False):
    """What a command said."""
    result = app.test_cli_runner().invoke(args=[str(word) for word in command])
    assert isinstance(result.exception, SystemExit | None), result.exception
    assert (result.exit_code == 1) == fails, result.output
    return result.output


def test_a_backup_made_while_people_write_is_put_back_elsewhere_and_all_holds(portal, elsewhere, hr, tmp_path, figure):
    stop, begun = threading.Event(), threading.Event()
    contract, people = hr.contracts().first(), often(50, 100_000)
    factories.crowd(contract, people)

    def write():
        with db.connection_context():
            while not stop.is_set():
                with db.atomic():
                    factories.payment(contract, 100)
                    AuditEvent.write("test.write")
                kept(os.urandom(2_000))
                begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert begun.wait(10)
    run(portal, "backup", tmp_path / "backups")
    stop.set()
    writer.join()
    written = AuditEvent.select().count()
    other, at = elsewhere(), time.monotonic()
    assert "Toutes les sessions sont fermées" in run(other, "restore", tmp_path / "backups")
    assert "Tout est en ordre." in run(other, "verify")
    figure("BCK-1", round(time.monotonic() - at), f"s to put back and verify {people} people", at_most=True)
    figure("BCK-1", people, "people backed up while others write, all found elsewhere")
    db.connect(reuse_if_open=True)
    assert 0 < AuditEvent.select().where(AuditEvent.action == "test.write").count() < written
    assert other.test_client().sign_in(hr).location.endswith("/")
    assert Beneficiary.select().where(Beneficiary.birth_name.startswith("Foule")).count() == people
    person = hr.find_by_nir(NIR).get()
    assert (person.birth_name, person.unseal("reimbursement_iban")) == ("Durand", IBAN)


def test_nothing_of_anybody_is_readable_in_a_backup(portal, tmp_path):
    run(portal, "backup", tmp_path / "backups")
    words = [NIR, IBAN, "Durand", "Combe-Noire", "rh@", "Tomachon", "%PDF", KEY.hex()]
    for path in (tmp_path / "backups").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [word for word in words if word.encode() in content], path
            assert not path.stat().st_mode & 0o077


def test_what_a_backup_has_already_is_not_copied_again_and_the_oldest_leave(portal, tmp_path):
    hour, start = datetime.timedelta(hours=1), clock.now()
    made = [backups.make(tmp_path / "backups", portal.settings, start + hour * nth, keep=2)[0] for nth in range(3)]
    assert backups.backups_of(tmp_path / "backups") == made[1:]
    (row,) = StoredFile.select()
    first, second = (one / "files" / row.digest[:2] / row.digest for one in made[1:])
    assert first.samefile(second) and first.stat().st_nlink == 2
    sealed = [(one / backups.BASE).read_bytes()[:5_000] for one in made[1:]]
    assert sealed[0] != sealed[1]  # a key each


def test_files_of_a_bucket_are_kept_too(portal, elsewhere, bucket_url, monkeypatch, tmp_path):
    monkeypatch.setattr(storage.store, "place", place_of(bucket_url))
    StoredFile.delete().execute()
    content = files.pdf(pages=2)
    row = kept(content)
    run(portal, "backup", tmp_path / "backups")
    other = elsewhere(storage_url=f"{bucket_url}-neuf")
    assert "1\u00a0fichier" in run(other, "restore", tmp_path / "backups")
    assert "Tout est en ordre." in run(other, "verify")
    db.connect(reuse_if_open=True)
    assert storage.content(StoredFile.get_by_id(row.id)) == content


# What fails


def full(_):
    raise OSError(28, "No space left on device")


def test_a_backup_that_fails_says_so_and_keeps_the_last_good_one(portal, tmp_path, monkeypatch):
    good, _ = backups.make(tmp_path / "backups", portal.settings, clock.now() - datetime.timedelta(hours=1), keep=1)
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        assert "No space left" in run(portal, "backup", tmp_path / "backups", "--keep", 1, fails=True)
    assert sorted(path.name for path in (tmp_path / "backups").iterdir()) == [".lock", good.name]
    assert backups.check(tmp_path / "backups", portal.settings, migrations())[0] == good


def test_what_a_kill_left_is_taken_away_and_is_never_taken_for_a_backup(portal, tmp_path):
    left = tmp_path / "backups" / ".part-2026-11-01T000000Z"
    left.mkdir(parents=True)
    (left / "base.sealed").write_bytes(b"half")
    with pytest.raises(Exception, match="Aucune sauvegarde"):
        backups.found(tmp_path / "backups")
    run(portal, "backup", tmp_path / "backups")
    assert not left.exists()


def test_one_backup_at_a_time(portal, tmp_path):
    with backups.alone(tmp_path):
        assert "en cours" in run(portal, "backup", tmp_path, fails=True)


def test_without_its_key_no_backup_is_made(portal, tmp_path):
    portal.settings = dataclasses.replace(portal.settings, backup_keys=())
    assert "BACKUP_KEY" in run(portal, "backup", tmp_path / "backups", fails=True)
    assert not (tmp_path / "backups").exists()


def test_a_file_that_is_lost_already_is_told_and_the_rest_is_kept(portal, tmp_path):
    (row,) = StoredFile.select()
    storage.store.place.delete(row.digest)
    assert "1\u00a0fichier manquaient" in run(portal, "backup", tmp_path / "backups", fails=True)
    where, manifest, _ = backups.check(tmp_path / "backups", portal.settings, migrations())
    assert manifest["missing"] == [row.digest] and list(manifest["pieces"]) == [backups.BASE]


def test_a_file_that_leaves_during_the_copy_makes_the_base_be_copied_again(portal, tmp_path, monkeypatch):
    (row,) = StoredFile.select()
    copies = []

    def stored(digest):
        copies.append(digest)
        row.drop()
        storage.take_away()
        return real(digest)

    real = backups.stored
    monkeypatch.setattr(backups, "stored", stored)
    where, manifest = backups.make(tmp_path / "backups", portal.settings)
    assert copies == [row.digest]
    assert manifest["missing"] == [] and list(manifest["pieces"]) == [backups.BASE]


def test_a_store_that_is_away_makes_the_backup_fail(portal, tmp_path, monkeypatch):
    (tmp_path / "a-file").touch()
    monkeypatch.setattr(storage.store, "place", place_of(f"file://{tmp_path}/a-file"))
    assert "ENOTDIR" in run(portal, "backup", tmp_path / "backups", fails=True)
    assert backups.backups_of(tmp_path / "backups") == []


# What is refused, before anything is touched


def migrations():
    from portal.commands import MIGRATIONS

    return [path.stem for path in MIGRATIONS.glob("[0-9]*.py")]


def bend(path, change):
    content = bytearray(path.read_bytes())
    change(content)
    path.write_bytes(content)


def flip(content):
    content[len(content) // 2] ^= 1


def signed_again(backup, key, **values):
    manifest = json.loads((backup / backups.MANIFEST).read_text()) | values
    manifest.pop("signature")
    text = json.dumps(manifest | {"signature": backups.signature(manifest, key)})
    (backup / backups.MANIFEST).write_text(text)


FAULTS = {
    "a bit of the base": (lambda backup: bend(backup / backups.BASE, flip), "abîmée"),
    "the base cut short": (lambda backup: bend(backup / backups.BASE, lambda it: it.pop()), "abîmée"),
    "a bit of a file": (lambda backup: bend(next(backup.glob("files/*/*")), flip), "abîmée"),
    "a file less": (lambda backup: next(backup.glob("files/*/*")).unlink(), "abîmée"),
    "the manifest": (lambda backup: bend(backup / backups.MANIFEST, lambda it: it.insert(3, 32)), None),
    "a word of the manifest": (
        lambda backup: (backup / backups.MANIFEST).write_text(
            (backup / backups.MANIFEST).read_text().replace('"version": 1', '"version": 2')
        ),
        "BACKUP_KEY",
    ),
    "no manifest": (lambda backup: (backup / backups.MANIFEST).write_text("{"), "manifeste"),
    "a later version": (lambda backup: signed_again(backup, KEY, migrations=["9999_future"]), "plus récente"),
    "another database": (lambda backup: signed_again(backup, KEY, database="oracle"), "DATABASE_URL"),
    "another salt": (lambda backup: signed_again(backup, KEY, salt="00" * 32), "ne s’ouvre pas"),
    "another key": (lambda backup: signed_again(backup, bytes(range(1, 33))), "BACKUP_KEY"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_backup_that_was_touched_is_refused_and_nothing_is_written(portal, elsewhere, tmp_path, fault):
    plant, said = FAULTS[fault]
    backup, _ = backups.make(tmp_path / "backups", portal.settings)
    plant(backup)
    other = elsewhere()
    if said is None:  # blanks between its words change nothing that was signed
        run(other, "restore", backup)
        return
    assert said in run(other, "restore", backup, fails=True)
    snapshots.refuse_unless_empty()
    if said != "ne s’ouvre pas":
        assert list(storage.store.place.names()) == []


def test_a_base_that_is_not_empty_is_left_alone(portal, tmp_path):
    backup, _ = backups.make(tmp_path / "backups", portal.settings)
    before = User.select().count()
    assert "n’est pas vide" in run(portal, "restore", backup, fails=True)
    db.connect(reuse_if_open=True)
    assert User.select().count() == before


def test_a_store_that_is_not_empty_is_left_alone(portal, elsewhere, tmp_path):
    backup, _ = backups.make(tmp_path / "backups", portal.settings)
    other = elsewhere()
    storage.store.place.put("ab" * 32, [b"of another portal"])
    assert "STORAGE_URL" in run(other, "restore", backup, fails=True)
    snapshots.refuse_unless_empty()


def test_a_restoration_that_stopped_is_done_again(portal, elsewhere, tmp_path, monkeypatch):
    backup, _ = backups.make(tmp_path / "backups", portal.settings)
    other = elsewhere()
    with monkeypatch.context() as stopped:
        stopped.setattr(snapshots, "put_back", lambda pieces: full(pieces))
        assert "OSError" in run(other, "restore", backup, fails=True)
    assert "Restauré" in run(other, "restore", next(backup.glob("base.sealed")))


def test_the_journal_of_a_base_that_was_there_is_not_played_over_the_restored_one(portal, elsewhere, tmp_path):
    backup, _ = backups.make(tmp_path / "backups", portal.settings)
    other = elsewhere()
    if snapshots.kind() != "sqlite":
        pytest.skip("only SQLite has one")
    for end in ("-wal", "-shm"):
        shutil.copy(backup / backups.BASE, f"{snapshots.path_of_sqlite()}{end}")
    run(other, "restore", backup)
    assert "Tout est en ordre." in run(other, "verify")


def test_an_older_key_still_opens_what_it_sealed(portal, elsewhere, tmp_path):
    backup, _ = backups.make(tmp_path / "backups", portal.settings)
    assert "Restauré" in run(elsewhere(backup_keys=(bytes(range(1, 33)), KEY)), "restore", backup)


def test_nobody_is_signed_in_after_a_restoration_and_the_trail_says_it(portal, elsewhere, hr, tmp_path):
    UserSession.start(hr, clock.now(), "", "")
    backup, _ = backups.make(tmp_path / "backups", portal.settings)
    run(elsewhere(), "restore", backup)
    db.connect(reuse_if_open=True)
    assert UserSession.select().where(UserSession.ended_at.is_null()).count() == 0
    assert AuditEvent.select().order_by(AuditEvent.number.desc()).get().action == "backup.restore"


# ── Who was erased does not come back ────────────────────────────────────────────────────────────────────────────


def erased_after_a_backup(portal, hr, folder):
    """(the backup, which still has somebody; the id of who was erased afterwards)"""
    run(portal, "backup", folder)
    db.connect(reuse_if_open=True)
    person = hr.find_by_nir(NIR).get()
    assert erasing.erase([person], portal.settings, clock.now(), by_order=True)
    return backups.backups_of(folder)[0], person.public_id


def assert_erased(other, public_id):
    said = run(other, "restore", other.source)
    assert "Effacements refaits : 1\u00a0personne." in said
    db.connect(reuse_if_open=True)
    assert not Beneficiary.select().where(Beneficiary.public_id == public_id).exists()
    assert not Beneficiary.select().where(Beneficiary.nir_index.is_null(False)).exists()
    assert "Tout est en ordre." in run(other, "verify")


@pytest.mark.owner
def test_who_was_erased_after_a_backup_is_erased_again_from_the_journal_beside_the_heads(
    portal, elsewhere, hr, tmp_path
):
    source, public_id = erased_after_a_backup(portal, hr, tmp_path / "backups")
    other = elsewhere(audit_heads_dir=portal.settings.audit_heads_dir)
    other.source = source
    assert_erased(other, public_id)


@pytest.mark.owner
def test_or_from_a_later_backup_when_an_older_one_is_put_back(portal, elsewhere, hr, tmp_path):
    source, public_id = erased_after_a_backup(portal, hr, tmp_path / "backups")
    later = clock.now() + datetime.timedelta(minutes=1)
    backups.make(tmp_path / "backups", portal.settings, later)
    other = elsewhere()
    other.source = source
    assert_erased(other, public_id)


def test_a_journal_that_knows_of_nobody_changes_nothing(portal, elsewhere, hr, tmp_path):
    run(portal, "backup", tmp_path / "backups")
    assert "Effacements refaits" not in run(elsewhere(), "restore", tmp_path / "backups")
    db.connect(reuse_if_open=True)
    assert hr.find_by_nir(NIR).exists()

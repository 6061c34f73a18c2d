"""What is killed, locked out or without room: nothing is lost, twice or half done; who waits is told so in French."""

import dataclasses
import datetime
import email
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from app import create_app
from portal import database as databases
from portal import invariants
from portal.models import (
    AffiliationImport,
    Beneficiary,
    ImportRow,
    ImportState,
    MessageState,
    Movement,
    MovementState,
    OutboxMessage,
    UserSession,
    db,
    vault,
)
from tests import crashing, factories
from tests.clients import CarefulClient
from tests.conftest import KEYS
from tests.exchange.test_affiliations import nir, read, words

KILLS = 3  # beyond, a file of affiliations that stops the worker each time is given up


def kill(app, work, folder, keys=KEYS, kills=KILLS):
    """Do a piece of work in processes that are killed; how many were; every invariant held then."""
    chosen = app.settings
    environment = os.environ | {
        "INSTANCE": str(chosen.instance),
        "DATABASE_URL": chosen.database_url,
        "STORAGE_URL": chosen.storage_url,
        "SMTP_URL": chosen.smtp_url,
        "DEMO": "1",
        "SECRET_KEY": chosen.secret_key,
        "VAULT_KEYS": ",".join(keys),
    }
    db.close()
    command = [sys.executable, "-m", "tests.crashing", work, str(folder), str(kills)]
    told = subprocess.run(command, env=environment, check=True, timeout=120, capture_output=True, text=True).stdout
    db.connect(reuse_if_open=True)
    said = Counter(told.splitlines())
    killed = said.pop("killed", 0)
    assert killed >= 2, told
    said.pop("done", None)
    assert not said, said
    return killed


def assert_all_holds(app):
    assert [fault for _, faults in invariants.all_of(app.settings) for fault in faults] == []


def test_an_import_that_is_killed_affiliates_each_once(app, hr, at, figure):
    contract = hr.contracts().first()
    source = read(hr, *[words(contract, number) for number in range(1, 31)])
    source.move(ImportState.CONFIRMING, asked_by=hr)
    figure("CRA-1", kill(app, "confirm", "-"), "kills in an import, none lost, none twice")
    at(minutes=30)
    crashing.confirm(app, "-")
    source = AffiliationImport.get_by_id(source.id)
    if source.state == ImportState.CHECKED:  # given up after three: what is done is kept, and HR confirms the rest
        assert source.ask_to_confirm(hr, with_warnings=True)
        crashing.confirm(app, "-")
    names = Counter(Beneficiary.select(Beneficiary.birth_name).where(Beneficiary.provisional).tuples())
    assert names == Counter((f"Nouveau{number}",) for number in range(1, 31))
    assert Movement.select().count() == 30
    assert ImportRow.select().where(ImportRow.movement.is_null()).count() == 0
    assert_all_holds(app)


def test_a_hand_over_that_is_killed_delivers_each_movement_once_and_whole(app, hr, tmp_path):
    contract = hr.contracts().first()
    source = read(hr, *[words(contract, number) for number in range(1, 21)])
    source.move(ImportState.CONFIRMING, asked_by=hr)
    crashing.confirm(app, "-")
    kill(app, "deliver", tmp_path / "out")
    crashing.deliver(app, tmp_path / "out")
    delivered = Counter()
    for manifest in (tmp_path / "out").glob("*/manifest.json"):
        for name, said in json.loads(manifest.read_text())["files"].items():
            lines = (manifest.parent / name).read_text().splitlines()[1:]
            assert len(lines) == said["rows"]
            delivered.update(lines)
    assert len(delivered) == 20 and set(delivered.values()) == {1}
    assert Movement.select().where(Movement.state == MovementState.HANDED_OVER).count() == 20
    assert_all_holds(app)


def test_a_rotation_that_is_killed_loses_no_value_and_goes_on(app, hr, figure):
    contract, new = hr.contracts().first(), bytes(range(32))
    numbers = [nir(number) for number in range(20)]
    people = [factories.beneficiary(contract, "Durand", nir=number) for number in numbers]
    for _ in range(10):
        factories.message()
    keys = [new.hex(), *KEYS]
    figure("SEC-4", kill(app, "rotate", "-", keys), "kills in a rotation, no value lost")
    vault.use([bytes.fromhex(key) for key in keys])
    try:
        crashing.rotate(app, "-")
        vault.use([new])
        found = Beneficiary.select().where(Beneficiary.id.in_(people))
        assert [person.unseal("nir") for person in found.order_by(Beneficiary.id)] == numbers
        assert_all_holds(app)
    finally:
        vault.use([bytes.fromhex(key) for key in KEYS])


def test_a_mail_run_that_is_killed_loses_none_and_sends_few_twice_under_one_name(app, hr, at, figure):
    for number in range(30):
        factories.message(to=f"personne{number}@example.com")
    figure("MSG-2", kill(app, "send", "-"), "kills in a mail run")
    at(minutes=30)
    crashing.send(app, "-")
    folder = Path(app.settings.smtp_url.removeprefix("file://"))
    sent = [email.message_from_bytes(path.read_bytes()) for path in folder.glob("*.eml")]
    assert {mail["To"] for mail in sent} == {f"personne{number}@example.com" for number in range(30)}
    assert len({mail["Message-ID"] for mail in sent}) == 30
    assert len(sent) <= 30 + KILLS
    assert {state for (state,) in OutboxMessage.select(OutboxMessage.state).tuples()} == {MessageState.SENT}
    assert_all_holds(app)


# Locked out


@contextmanager
def locked(url):
    """Somebody else holds what a sign-in writes, until the end."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")
        return
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE user_session IN SHARE MODE")
        yield
        other.rollback()


def assert_told_to_come_back(response):
    text = response.get_data(as_text=True)
    assert response.status_code == 503
    assert "Le portail est très occupé" in text and "Rien n’a été enregistré" in text
    assert 0 < int(response.headers["Retry-After"]) < 60
    assert "Content-Security-Policy" in response.headers


def test_a_locked_database_is_read_and_who_writes_is_told_to_come_back(client, hr, chosen_settings):
    token = client.token()
    data = {"identifiant": hr.identifier, "mot_de_passe": factories.PASSWORD, "csrf_token": token}
    started = datetime.datetime.now(datetime.UTC)
    with locked(chosen_settings.database_url):
        assert client.get("/connexion").status_code == 200
        assert_told_to_come_back(client.post("/connexion", data))
    assert (datetime.datetime.now(datetime.UTC) - started).total_seconds() < 15
    assert not UserSession.select().exists()
    client.sign_in(hr)
    assert UserSession.select().count() == 1


# Without room


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 16 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    yield folder
    db.close_all()
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_told_nothing_is_half_done_and_room_is_enough_to_go_on(app, hr, small_disk):
    if not app.settings.database_url.startswith("sqlite"):
        pytest.skip("the disk of PostgreSQL is its server’s")
    path = databases.real(db).database
    db.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close_all()
    shutil.copy(path, small_disk / "portal.db")
    there = dataclasses.replace(app.settings, database_url=f"sqlite:///{small_disk}/portal.db")
    other = create_app(settings=there, TESTING=True)
    other.test_client_class = CarefulClient
    client = other.test_client()
    filler = small_disk / "filler"
    token = client.token()
    with open(filler, "wb", buffering=0) as file, pytest.raises(OSError, match="space"):
        while True:
            file.write(b"x" * 4096)
    data = {"identifiant": hr.identifier, "mot_de_passe": factories.PASSWORD, "csrf_token": token}
    refused = [client.post("/connexion", data) for _ in range(3)][-1]
    assert_told_to_come_back(refused)
    filler.unlink()
    client.sign_in(hr)
    db.connect(reuse_if_open=True)
    assert UserSession.select().count() == 1
    assert list(databases.damage(db)) == []
    assert_all_holds(other)

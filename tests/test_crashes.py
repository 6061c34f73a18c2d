"""What is killed, locked out or without room: nothing is lost, twice or half done; who waits is told so in French."""

import dataclasses
import datetime
import email
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
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
from tests.thorough import often

KILLS = 3  # a round; beyond, a file of affiliations that stops the worker each time is given up
IMPORTS, OTHERS = often(2, 200), often(2, 60)  # kills: of an import as many as security asks


class Victims:
    """A piece of work in processes that are killed, some times a round, until there were enough kills."""

    def __init__(self, app, at, work, folder="-", keys=KEYS):
        chosen = app.settings
        self.environment = os.environ | {
            "INSTANCE": str(chosen.instance),
            "DATABASE_URL": chosen.database_url,
            "STORAGE_URL": chosen.storage_url,
            "SMTP_URL": chosen.smtp_url,
            "DEMO": "1",
            "SECRET_KEY": chosen.secret_key,
            "VAULT_KEYS": ",".join(keys),
        }
        self.command = [sys.executable, "-m", "tests.crashing", work, str(folder)]
        self.at, self.killed, self.turn = at, 0, 0

    def rounds(self, wanted=OTHERS):
        """The number of each round, and the hour at which it begins."""
        talk = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen(self.command, env=self.environment, **talk) as self.process:
            while self.killed < wanted:
                assert self.turn < wanted, "most come to their end"
                self.at(minutes=crashing.minutes(self.turn))
                yield self.turn
                self.turn += 1
            self.process.stdin.close()

    def kill(self, times=KILLS):
        """Every invariant held after each; then the hour at which the work is finished."""
        db.close()
        print(self.turn, times, file=self.process.stdin, flush=True)
        said = Counter(line.strip() for line in iter(self.process.stdout.readline, f"{crashing.OVER}\n") if line)
        db.connect(reuse_if_open=True)
        killed = said.pop("killed", 0)
        assert killed + said.pop("done", 0) == times, said
        assert not said, said
        self.killed += killed
        self.at(minutes=crashing.minutes(self.turn) + 30)


def assert_all_holds(app):
    assert [fault for _, faults in invariants.all_of(app.settings) for fault in faults] == []


def newcomers(contract, turn, count):
    """Rows of a file: nobody that an earlier round brought."""
    year, month = 1960 + turn // 12, turn % 12 + 1
    for number in range(1, count + 1):
        own = {"Matricule": f"M{turn}-{number}", "Prénom": f"Paul {month} {year}"}
        born = {"Date de naissance": f"15/{month:02}/{year}", "N° S. Sociale": nir(number, f"{year % 100}{month:02}")}
        yield words(contract, number, **own, **born)


def test_an_import_that_is_killed_affiliates_each_once(app, hr, at, figure):
    contract = hr.contracts().first()
    victims = Victims(app, at, "confirm")
    for turn in victims.rounds(IMPORTS):
        source = read(hr, *newcomers(contract, turn, 30))
        source.move(ImportState.CONFIRMING, asked_by=hr)
        victims.kill()
        crashing.confirm(app, "-")
        source = AffiliationImport.get_by_id(source.id)
        if source.state == ImportState.CHECKED:  # given up after three: what is done is kept, HR confirms the rest
            assert source.ask_to_confirm(hr, with_warnings=True)
            crashing.confirm(app, "-")
        names = Counter(Beneficiary.select(Beneficiary.birth_name).where(Beneficiary.provisional).tuples())
        assert names == Counter({(f"Nouveau{number}",): turn + 1 for number in range(1, 31)})
        assert Movement.select().count() == 30 * (turn + 1)
        assert ImportRow.select().where(ImportRow.movement.is_null()).count() == 0
        assert_all_holds(app)
    figure("CRA-1", victims.killed, "kills in an import, none lost, none twice")


def test_a_hand_over_that_is_killed_delivers_each_movement_once_and_whole(app, hr, at, tmp_path, figure):
    contract, folder = hr.contracts().first(), tmp_path / "out"
    victims = Victims(app, at, "deliver", folder)
    for turn in victims.rounds():
        source = read(hr, *newcomers(contract, turn, 20))
        source.move(ImportState.CONFIRMING, asked_by=hr)
        crashing.confirm(app, "-")
        victims.kill()
        crashing.deliver(app, folder)
        delivered = Counter()
        for manifest in folder.glob("*/manifest.json"):
            for name, said in json.loads(manifest.read_text())["files"].items():
                lines = (manifest.parent / name).read_text().splitlines()[1:]
                assert len(lines) == said["rows"]
                delivered.update(lines)
        assert len(delivered) == 20 * (turn + 1) and set(delivered.values()) == {1}
        assert Movement.select().where(Movement.state == MovementState.HANDED_OVER).count() == 20 * (turn + 1)
        assert_all_holds(app)
    figure("CRA-1", victims.killed, "kills in a hand-over, each movement delivered once")


def test_a_rotation_that_is_killed_loses_no_value_and_goes_on(app, hr, at, figure):
    contract, keys = hr.contracts().first(), [bytes(range(32)), *map(bytes.fromhex, KEYS)]
    numbers = [nir(number) for number in range(20)]
    people = [factories.beneficiary(contract, "Durand", nir=number) for number in numbers]
    found = Beneficiary.select().where(Beneficiary.id.in_(people)).order_by(Beneficiary.id)
    for _ in range(10):
        factories.message()
    victims = Victims(app, at, "rotate", keys=[key.hex() for key in keys])
    try:
        for turn in victims.rounds():
            victims.kill()
            vault.use(crashing.turned(keys, turn))
            crashing.rotate(app, "-")
            vault.use(crashing.turned(keys, turn)[:1])
            assert [person.unseal("nir") for person in found.clone()] == numbers
            assert_all_holds(app)
        figure("SEC-4", victims.killed, "kills in a rotation, no value lost")
    finally:
        vault.use([bytes.fromhex(key) for key in KEYS])


def test_a_rotation_of_a_crowd_that_is_killed_all_along_loses_no_value(app, hr, at, figure):
    """As many people and kills as security asks: one kill each time that so many more are sealed under the new key."""
    count, kills, new = often(1_500, 100_000), often(1, 20), bytes(range(32))
    crowd = factories.crowd(hr.contracts().first(), count)
    keys = [new, *map(bytes.fromhex, KEYS)]
    victims = Victims(app, at, "rotate", keys=[key.hex() for key in keys])
    command = [sys.executable, "-m", "flask", "--app", "app", "vault", "rotate"]
    killed = 0
    try:
        vault.use(keys)
        for turn in range(kills):
            reached = crowd[count * (turn + 1) // (kills + 1)][0].id
            process = subprocess.Popen(command, env=victims.environment, stdout=subprocess.DEVNULL)
            while process.poll() is None and not vault.is_current(Beneficiary.get_by_id(reached).nir):
                time.sleep(0.005)
            process.kill()
            killed += process.wait() == -signal.SIGKILL
        assert killed >= kills - 1  # the last of them may have come to its end
        assert app.test_cli_runner().invoke(args=["vault", "rotate"]).exit_code == 0
        vault.use([new])
        rows = dict(Beneficiary.select(Beneficiary.public_id, Beneficiary.nir).tuples())
        assert [person.public_id for person, _ in crowd if not vault.is_current(rows[person.public_id])] == []
        assert all(Beneficiary.open_nir(person.public_id, rows[person.public_id]) == nir for person, nir in crowd)
        assert_all_holds(app)
        figure("SEC-4", count, "rows turned under kills, none on an old key and none lost")
    finally:
        vault.use([bytes.fromhex(key) for key in KEYS])


def test_a_mail_run_that_is_killed_loses_none_and_sends_few_twice_under_one_name(app, hr, at, figure):
    folder = Path(app.settings.smtp_url.removeprefix("file://"))
    victims = Victims(app, at, "send")
    for turn in victims.rounds():
        people = {f"personne{turn}-{number}@example.com" for number in range(30)}
        for person in people:
            factories.message(to=person)
        before = victims.killed
        victims.kill()
        crashing.send(app, "-")
        sent = [email.message_from_bytes(path.read_bytes()) for path in folder.glob("*.eml")]
        assert {mail["To"] for mail in sent} == people
        assert len({mail["Message-ID"] for mail in sent}) == 30
        assert len(sent) <= 30 + victims.killed - before
        assert {state for (state,) in OutboxMessage.select(OutboxMessage.state).tuples()} == {MessageState.SENT}
        assert_all_holds(app)
        shutil.rmtree(folder)
    figure("MSG-2", victims.killed, "kills in a mail run")


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

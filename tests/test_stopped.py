"""PostgreSQL is stopped, killed, started again; a process is killed: it is said, and what was acknowledged is there."""

import dataclasses
import os
import signal
import subprocess
import sys
import time

import pytest

from portal import database as databases
from portal.models import AuditEvent, UserSession, db
from tests import factories
from tests.conftest import KEYS, postgresql_template
from tests.postgres import throwaway_cluster
from tests.thorough import often

SAFE = ["shared_buffers=32MB", "max_connections=40"]  # as it is installed: fsync and synchronous_commit are on
LEAST = often(40, 5000)  # writes that were acknowledged before the kill


@pytest.fixture(scope="module")
def cluster():
    with throwaway_cluster(SAFE) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def empty(cluster):
    """A migrated, empty database of that server, to copy for each test."""
    return postgresql_template(cluster)


@pytest.fixture
def chosen_settings(chosen_settings, request, tmp_path):
    """On SQLite, or on that server when the test asks for it."""
    if "cluster" not in request.fixturenames:
        return chosen_settings
    url, _ = request.getfixturevalue("empty")(tmp_path)
    return dataclasses.replace(chosen_settings, database_url=url)


pytestmark = pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="session")


def assert_said(answer, since):
    assert answer.status_code == 503
    text = answer.get_data(as_text=True)
    assert "Le portail est très occupé" in text and "Rien n’a été enregistré" in text
    assert answer.headers["Retry-After"] == "5"
    assert time.monotonic() - since < 2


def test_a_server_that_is_stopped_is_said_at_once_and_found_again_alone(cluster, client):
    user = factories.user()
    client.sign_in(user)
    token = client.token()
    db.close_all()
    cluster.stop()
    try:
        for method, path in (("GET", "/"), ("GET", "/salaries"), ("POST", "/compte/affichage"), ("GET", "/nulle-part")):
            since = time.monotonic()
            assert_said(client.open(path, method=method, data={"csrf_token": token}), since)
        fragment = client.fragment("/salaries")
        assert fragment.status_code == 503 and fragment.headers["HX-Retarget"] == "#flash"
        health = client.get("/sante")
        assert health.status_code == 503 and "base de données" in health.get_data(as_text=True)
    finally:
        cluster.start()
    since = time.monotonic()
    assert client.get("/compte").status_code == 200
    assert client.get("/sante").status_code == 200
    client.post("/compte/affichage", {"apparence": "dark", "lignes": "50"})
    assert time.monotonic() - since < 5
    db.connect(reuse_if_open=True)
    assert type(user).get_by_id(user.id).appearance == "dark"


def test_connections_that_a_restart_broke_are_not_used_again(cluster, client):
    """Between two requests: the pool holds lines that are dead."""
    client.sign_in(factories.user())
    if not db.is_closed():
        db.close()
    for _ in range(2):
        cluster.stop()
        cluster.start()
        answers = [client.get("/compte").status_code for _ in range(3)]
        assert answers[-2:] == [200, 200] and answers[0] in (200, 503)
    db.connect(reuse_if_open=True)
    assert UserSession.select().count() >= 1


# ── Acknowledged ─────────────────────────────────────────────────────────────────────────────────────────────────


def writing(settings, under=()):
    """A process that writes for ever, and prints each number once it was told that it is written."""
    environment = os.environ | {
        "INSTANCE": str(settings.instance),
        "DATABASE_URL": settings.database_url,
        "DEMO": "1",
        "SECRET_KEY": settings.secret_key,
        "VAULT_KEYS": ",".join(KEYS),
    }
    command = [*under, sys.executable, "-m", "tests.acknowledging"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def acknowledged(settings, kill):
    """What was acknowledged until `kill(process)`."""
    with writing(settings) as process:
        said = [process.stdout.readline() for _ in range(LEAST)]
        kill(process)
        said += process.stdout.readlines()
        process.kill()
    return {line.strip() for line in said if line.endswith("\n")}


def assert_kept(said):
    kept = {row.object_id for row in AuditEvent.select().where(AuditEvent.action == "test")}
    assert len(said) >= LEAST
    assert said <= kept and len(kept) <= len(said) + 1  # one may have been written, and not yet said
    assert list(databases.damage(db)) == [] and list(AuditEvent.faults()) == []


def test_a_process_that_is_killed_after_an_acknowledgement_lost_nothing(app, database, figure):
    ((synchronous,),) = db.execute_sql("PRAGMA synchronous").fetchall()
    assert synchronous == 2  # FULL: written through before it is said, should the machine stop too
    db.close()
    said = acknowledged(app.settings, lambda process: process.send_signal(signal.SIGKILL))
    db.connect()
    assert_kept(said)
    figure("CRA-2", len(said), "writes acknowledged before a kill, all found")


def test_a_server_that_is_killed_after_an_acknowledgement_lost_nothing(cluster, app, database, figure):
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        assert db.execute_sql(f"SHOW {name}").fetchone() == ("on",)
    AuditEvent.write("before")
    db.close_all()
    said = acknowledged(app.settings, lambda process: cluster.stop(signal.SIGKILL))
    cluster.start()
    databases.wait_until_up(db)
    assert_kept(said)
    figure("CRA-2", len(said), "writes acknowledged before a kill, all found")

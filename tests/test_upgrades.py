"""An upgrade that is killed leaves each migration whole or not begun, and the next one comes to the same schema."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

from portal import commands, models
from portal import database as databases
from portal.models import db
from tests.conftest import KEYS
from tests.upgrading import state

pytestmark = pytest.mark.owner


def emptied(url, tmp_path, name):
    """The address of a base without a table."""
    if url.startswith("sqlite"):
        return f"sqlite:///{tmp_path}/{name}.db"
    with opened(url):
        db.execute_sql("DROP SCHEMA public CASCADE")
        db.execute_sql("CREATE SCHEMA public")
    return url


@contextmanager
def opened(url):
    db.initialize(databases.connect(url))
    try:
        with db.connection_context():
            yield
    finally:
        db.close_all()


def step_by_step(url):
    """Migrations that are recorded → the schema that they make, for each number of them."""
    with opened(url):
        runner = commands.Runner(databases.real(db), str(commands.MIGRATIONS))
        for migration in runner.migrations():
            runner.up(migration.name)
            names, schema = state(db)
            yield tuple(names), schema


def killed_upgrade(settings, url, chance):
    """[[how it ended, names, schema]], of the whole command in processes of its own."""
    environment = os.environ | {
        "INSTANCE": str(settings.instance),
        "DATABASE_URL": url,
        "DEMO": "1",
        "SECRET_KEY": settings.secret_key,
        "VAULT_KEYS": ",".join(KEYS),
    }
    command = [sys.executable, "-m", "tests.upgrading", str(chance)]
    told = subprocess.run(command, env=environment, check=True, timeout=300, capture_output=True, text=True)
    return [json.loads(line) for line in told.stdout.splitlines()]


def test_an_upgrade_that_is_killed_again_and_again_comes_to_the_same_schema(chosen_settings, tmp_path):
    url = chosen_settings.database_url
    whole = dict(step_by_step(emptied(url, tmp_path, "whole")))
    url = emptied(url, tmp_path, "killed")
    times = killed_upgrade(chosen_settings, url, 8)
    kills = [time for time in times if time[0]]
    half = [names for end, names, schema in kills if names and schema != whole[tuple(names)]]
    assert half == []
    assert times[-1][0] == 0 and tuple(times[-1][1]) == max(whole, key=len)
    assert len(kills) >= 8 and len({len(names) for _, names, _ in kills}) >= 5
    with opened(url):
        assert list(databases.differences(db, models.TABLES)) == []
        assert list(databases.damage(db)) == []
        assert commands.migrate(db) == []
    print(f"{len(kills)} kills, 0 half migrations")

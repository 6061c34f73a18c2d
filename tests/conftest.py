"""One empty database for each test, on SQLite and on PostgreSQL; a client that checks the HTML it is given."""

import datetime
import logging
import os
import shutil
import uuid

import pytest
from jinja2 import BytecodeCache
from werkzeug.routing import Rule

from app import create_app
from portal import alarms, commands, configuration, models, settings
from portal.models import db
from tests import factories, s3
from tests.clamav import throwaway_clamd
from tests.clients import CarefulClient, CarefulRunner
from tests.postgres import throwaway_cluster
from tests.s3 import throwaway_server
from tests.trailing import Trailing
from tests.watching import Watch

os.environ.setdefault("PYTHONHASHSEED", "0")
configuration.LIFE = 3600.0  # a slow test does not read it once more than a quick one
KEYS = ("11" * 8 + "0123456789abcdef" * 3, "fedcba9876543210" * 4)
ROLES = {"owner": "test_portal_owner", "superuser": "test"}
BACKENDS = os.environ.get("BACKENDS", "sqlite postgresql").split()


# ── Made once for the thousands of portals that these tests make ─────────────────────────────────────────────────────


class Compiled(BytecodeCache):
    """Templates compiled once, kept in memory; the key holds the source, so that a changed one is compiled anew."""

    def __init__(self):
        self.kept = {}

    def load_bytecode(self, bucket):
        kept = self.kept.get((bucket.key, bucket.checksum))
        if kept is not None:
            bucket.bytecode_from_string(kept)

    def dump_bytecode(self, bucket):
        self.kept[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


def once(compile_builder):
    """What builds the addresses of a rule is compiled once for all the rules that are written alike."""
    kept = {}

    def compiled(rule, append_unknown=True):
        key = (tuple(rule._trace), append_unknown, repr(rule.defaults))
        if key not in kept:
            kept[key] = compile_builder(rule, append_unknown)
        return kept[key]

    return compiled


COMPILED = Compiled()
Rule._compile_builder = once(Rule._compile_builder)


@pytest.fixture(autouse=True)
def watch(record_property):
    """No test may write a NIR or an IBAN in a log: message, arguments, exception. Its lines are counted for LOG-1."""
    hears, root = Watch(), logging.getLogger()
    root.addHandler(hears)
    yield hears
    root.removeHandler(hears)
    record_property("LOG-1", f"{hears.heard} lines of logs heard")
    assert not hears.leaks, hears.leaks


@pytest.fixture
def figure(record_property):
    """Tells the scorecard what a case counted for a row; `at_most`: the most of all cases counts, not their sum."""

    def tell(row, count, of, at_most=False):
        record_property(row, f"{'≤ ' * at_most}{count} {of}")

    return tell


@pytest.fixture
def no_alarm(monkeypatch):
    """Who tries every address of the portal is the burst that is told elsewhere (test_alarms)."""
    monkeypatch.setattr(alarms, "tell", lambda *_: None)


@pytest.fixture(scope="session", params=BACKENDS)
def template(request, tmp_path_factory):
    """A migrated, empty database to copy for each test; (make a copy, throw it away)."""
    if request.param == "sqlite":
        yield sqlite_template(tmp_path_factory.mktemp("template"))
        return
    with throwaway_cluster() as cluster:
        yield postgresql_template(cluster)


def sqlite_template(folder):
    migrate(f"sqlite:///{folder}/template.db")

    def copy(path, role=""):
        shutil.copy(folder / "template.db", path / "portal.db")
        return f"sqlite:///{path}/portal.db", lambda: None

    return copy


def postgresql_template(cluster):
    migrate(cluster.deploy("template_portal"))
    counter = iter(range(10**9))

    def copy(path, role="test_portal"):
        name = f"portal_{next(counter)}"
        cluster.execute(f"CREATE DATABASE {name} TEMPLATE template_portal OWNER portal_owner")
        return cluster.url(name, role), lambda: cluster.execute(f"DROP DATABASE {name} WITH (FORCE)")

    return copy


def migrate(url):
    from portal import database

    models.db.initialize(database.connect(url))
    with db.connection_context():
        commands.migrate(db)
    db.close_all()


@pytest.fixture
def chosen_settings(request, template, tmp_path):
    """On PostgreSQL, the role of the portal, which owns no table, unless a mark of the test names another."""
    role = next((role for mark, role in ROLES.items() if request.node.get_closest_marker(mark)), "test_portal")
    url, throw_away = template(tmp_path, role)
    factories.start_again()
    yield settings.Settings(
        demo=True,
        secret_key="a secret of the tests, long enough to be one",
        vault_keys=tuple(bytes.fromhex(key) for key in KEYS),
        database_url=url,
        storage_url=f"file://{tmp_path}/files",
        smtp_url=f"file://{tmp_path}/outbox",
        sms_url=f"file://{tmp_path}/outbox",
        public_url="http://localhost",
        instance=tmp_path,
        password_cost=(1, 8),
        people_to_confirm=1,  # tests/views/test_four_eyes.py asks for two
    )
    db.close_all()
    throw_away()


@pytest.fixture
def app(chosen_settings):
    app = create_app(settings=chosen_settings, TESTING=True)
    app.test_client_class = CarefulClient
    app.test_cli_runner_class = CarefulRunner
    app.jinja_env.bytecode_cache = COMPILED
    app.trailing = Trailing(app, db.obj)
    yield app
    assert not app.trailing.silent, app.trailing.silent


@pytest.fixture
def trailing(app):
    """What hears that forms leave an event (tests/trailing.py)."""
    return app.trailing


@pytest.fixture
def database(app):
    """An empty, migrated, opened database."""
    db.connect(reuse_if_open=True)
    yield db
    if not db.is_closed():
        db.close()


@pytest.fixture
def client(app, database):
    """A browser, signed out. The connection of the test is its own, so that what is counted is the request's."""
    app.configuration.look()
    return app.test_client()


@pytest.fixture
def hr(database):
    """HR of one account with two companies and three colleges."""
    return factories.hr_user()


@pytest.fixture
def signed_in(client, hr):
    """A browser signed in as that HR person."""
    client.sign_in(hr)
    return client


@pytest.fixture
def queries(app, monkeypatch):
    """The SQL statements that were sent, in order; `queries.clear()` to count from here.

    A session does not write meanwhile that it was seen: on a slow machine, that would fall in one count of two.
    """
    monkeypatch.setattr(models, "SEEN_EVERY", models.LONGEST)
    seen = []

    def note(event):
        seen.append(event.sql)

    db.obj.query_hooks.append(note)
    yield seen
    db.obj.query_hooks.remove(note)


@pytest.fixture
def at(monkeypatch):
    """Set the clock: at(minutes=31) moves it forward from the first call."""
    from portal import clock

    start = clock.now()

    def move(**by):
        monkeypatch.setattr(clock, "now", lambda: start + datetime.timedelta(**by))
        return start + datetime.timedelta(**by)

    return move


@pytest.fixture(scope="session")
def s3_server():
    """The address of an S3 server, which the usual variables of AWS name for as long as it runs."""
    with throwaway_server() as url, pytest.MonkeyPatch.context() as environment:
        for name, value in {**s3.KEYS, "AWS_ENDPOINT_URL": url}.items():
            environment.setenv(name, value)
        yield url


@pytest.fixture
def bucket_url(s3_server):
    """A new bucket, in which the portal has a prefix of its own."""
    from portal import bucket

    name = f"portal-{uuid.uuid4()}"
    bucket.client().create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
    return f"s3://{name}/fichiers"


@pytest.fixture(scope="session")
def clamd_urls():
    """A real clamd: (by its socket, by its port)."""
    with throwaway_clamd() as urls:
        yield urls

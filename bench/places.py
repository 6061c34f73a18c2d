"""A filled database and the settings of a portal on it, thrown away afterwards."""

import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench import data
from portal import commands, credentials, database, models, settings
from tests.postgres import throwaway_cluster

NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass
class Place:
    name: str
    size: int
    url: str  # of who may do anything: what fills the base, and the floors
    environment: dict
    cluster: object = None

    @property
    def served(self):
        """The environment of a portal that is served: on PostgreSQL, as the role that owns no table."""
        own = {"DATABASE_URL": self.cluster.url("portal", "portal")} if self.cluster else {}
        return self.environment | own

    @property
    def settings(self):
        return settings.read(self.environment)


@contextlib.contextmanager
def opened(kind, size, accounts=data.ACCOUNTS):
    """A database of this kind (« sqlite » or « postgresql ») with so many beneficiaries."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        cluster, url = None, f"sqlite:///{folder}/portal.db"
        if kind == "postgresql":
            cluster = stack.enter_context(throwaway_cluster())
            migrate(cluster.deploy("portal"))
            url = cluster.url("portal", "test")
        place = Place(NAMES[kind], size, url, environment(folder, url), cluster)
        models.vault.use(place.settings.vault_keys)
        credentials.use(1, 8)
        data.fill(url, size, accounts)
        yield place


def migrate(url):
    models.db.initialize(database.connect(url))
    with models.db.connection_context():
        commands.migrate(models.db)
    models.db.close_all()


def environment(folder, url):
    keys = {"SECRET_KEY": "a secret of the bench, long enough to be one", "VAULT_KEYS": bytes(range(32)).hex()}
    # Thousands of pages a minute, and a zip of 500 files, are an extraction to the portal.
    unbounded = {"PEOPLE_PER_HOUR": "99999999", "FILES_PER_HOUR": "99999999"}
    return keys | unbounded | {"DATABASE_URL": url, "INSTANCE": str(Path(folder)), "DEMO": "1"}

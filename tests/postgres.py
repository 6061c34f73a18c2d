"""A PostgreSQL cluster that lasts as long as the tests, started as root or not."""

import contextlib
import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

DEPLOY = Path(__file__).parent.parent / "deploy"
OPTIONS = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=64MB", "max_connections=80"]


class Cluster:
    """A server of its own: it can be stopped, or killed, and started again."""

    def __init__(self, folder, command, how):
        self.folder, self.command, self.how, self.server = folder, command, how, None

    def start(self):
        """Killed, it leaves children that end a moment later: until then another one does not start."""
        for _ in range(40):
            with open(f"{self.folder}/log", "ab") as log:
                self.server = subprocess.Popen(self.command, stderr=log, **self.how)
            with contextlib.suppress(psycopg.OperationalError):
                wait_until_ready(self.folder, self.server)
                return
            time.sleep(0.25)
        raise TimeoutError("PostgreSQL does not start")

    def stop(self, how=signal.SIGINT):
        self.server.send_signal(how)
        self.server.wait(20)

    def deploy(self, name):
        """A base without tables and the two roles of a deployment (deploy/roles.sql), neither of them a superuser; and
        two that are the same to the database, but for what a test itself reads and writes: that is the mutual's own.
        What its client asks is not. The address of who owns it.
        """
        for role in ("portal_owner", "portal"):
            self.execute(f"CREATE ROLE {role} LOGIN")
            self.execute(f"CREATE ROLE test_{role} LOGIN IN ROLE {role}")
            self.execute(f"ALTER ROLE test_{role} SET portal.own = 'tests'")
        self.execute(f"CREATE DATABASE {name} OWNER portal_owner")
        self.execute((DEPLOY / "roles.sql").read_text(), name)
        return self.url(name, "portal_owner")

    def url(self, name, user="test_portal"):
        return f"postgresql://{user}@/{name}?host={self.folder}"

    def execute(self, statement, name="postgres"):
        with psycopg.connect(host=self.folder, user="test", dbname=name, autocommit=True) as connection:
            connection.execute(statement)


@contextlib.contextmanager
def throwaway_cluster(options=OPTIONS):
    binaries = find_binaries()
    if not binaries:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is missing: `make test` installs it")
        pytest.skip("PostgreSQL is not installed")
    # The socket's path must stay under 108 bytes: not in pytest's own folders.
    folder = tempfile.mkdtemp(prefix="pg-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)  # nosec B108
    try:
        yield from run(binaries, folder, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(binaries, folder, chosen):
    account = drop_privileges(folder)
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": folder}
    how = {"env": environment, "cwd": folder, "stdout": subprocess.DEVNULL, **account}
    # A French order of letters, so that a key that forgot its collation is found out.
    locale = ["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=fr"]
    initialise = [f"{binaries}/initdb", "-D", f"{folder}/data", "-U", "test", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run([*initialise, *locale], check=True, **how)
    options = [part for option in chosen for part in ("-c", option)]
    command = [f"{binaries}/postgres", "-D", f"{folder}/data", "-k", folder, "-c", "listen_addresses=", *options]
    cluster = Cluster(folder, command, how)
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()


def find_binaries():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), reverse=True) or [shutil.which("initdb") or ""]
    return os.path.dirname(found[0])


def drop_privileges(folder):
    """PostgreSQL refuses to run as root: it runs as its own account then."""
    os.chmod(folder, 0o755)
    if os.geteuid() != 0:
        return {}
    account = next(entry for entry in pwd.getpwall() if entry.pw_name in ("postgres", "nobody"))
    os.chown(folder, account.pw_uid, account.pw_gid)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def wait_until_ready(folder, server):
    for _ in range(200):
        try:
            psycopg.connect(host=folder, user="test", dbname="postgres").close()
            return
        except psycopg.OperationalError:
            if server.poll() is not None:
                raise
            time.sleep(0.05)
    raise TimeoutError("PostgreSQL does not answer")

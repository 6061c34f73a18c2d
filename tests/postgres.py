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

import psycopg
import pytest

OPTIONS = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=64MB", "max_connections=80"]


class Cluster:
    def __init__(self, folder):
        self.folder = folder

    def url(self, name):
        return f"postgresql://test@/{name}?host={self.folder}"

    def execute(self, statement):
        with psycopg.connect(host=self.folder, user="test", dbname="postgres", autocommit=True) as connection:
            connection.execute(statement)


@contextlib.contextmanager
def throwaway_cluster():
    binaries = find_binaries()
    if not binaries:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is missing: `make test` installs it")
        pytest.skip("PostgreSQL is not installed")
    # The socket's path must stay under 108 bytes: not in pytest's own folders.
    folder = tempfile.mkdtemp(prefix="pg-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)  # nosec B108
    try:
        yield from run(binaries, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(binaries, folder):
    account = drop_privileges(folder)
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": folder}
    how = {"env": environment, "cwd": folder, "stdout": subprocess.DEVNULL, **account}
    # A French order of letters, so that a key that forgot its collation is found out.
    locale = ["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=fr"]
    initialise = [f"{binaries}/initdb", "-D", f"{folder}/data", "-U", "test", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run([*initialise, *locale], check=True, **how)
    options = [part for option in OPTIONS for part in ("-c", option)]
    with open(f"{folder}/log", "wb") as log:
        command = [f"{binaries}/postgres", "-D", f"{folder}/data", "-k", folder, "-c", "listen_addresses=", *options]
        server = subprocess.Popen(command, stderr=log, **how)
    try:
        wait_until_ready(folder, server)
        yield Cluster(folder)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(20)


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

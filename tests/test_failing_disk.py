"""A disk that fails (EIO, read-only): it is said, nothing acknowledged is lost, nothing is half done.

On PostgreSQL the disk is its server's, which stops rather than go on (`data_sync_retry=off`): see `test_stopped`.
"""

import contextlib
import errno
import os
import resource
import shutil
import subprocess

import pytest

from portal import database as databases
from portal import storage
from portal.folder import Folder
from portal.models import StoredFile, UserSession, db
from portal.rules import Refused
from tests import factories
from tests.test_crashes import assert_all_holds, assert_told_to_come_back
from tests.test_places_of_files import sent, stored
from tests.test_stopped import LEAST, assert_kept, writing

CALLS = {"flush": "fdatasync", "write": "pwrite64"}


@pytest.fixture
def on_sqlite(app):
    if not app.settings.database_url.startswith("sqlite"):
        pytest.skip("the disk of PostgreSQL is its server’s")


@pytest.fixture
def tracer():
    if not shutil.which("strace"):
        if os.environ.get("CI"):
            pytest.fail("strace is missing: `make test` installs it")
        pytest.skip("strace is not installed")
    if subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no process can be traced here")


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_a_disk_that_begins_to_fail_had_acknowledged_is_there(app, database, on_sqlite, tracer, call):
    """From the fault on, each call answers EIO, as the kernel says it: the process acknowledges nothing more."""
    db.close()
    fault = [
        "strace",
        "-f",
        "-qq",
        "-o",
        os.devnull,
        f"--trace={call}",
        f"--inject={call}:error=EIO:when={LEAST * 20}+",
    ]
    with writing(app.settings, fault) as process:
        said = {line.strip() for line in process.stdout if line.endswith("\n")}
        assert process.wait(60) != 0, "it did not go on as if nothing had been"
    db.connect()
    assert_kept(said)


@contextlib.contextmanager
def failing_writes():
    """Every write to a file of this process is refused by the kernel."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_who_writes_is_told_and_who_reads_goes_on_then_all_is_as_before(app, client, hr, on_sqlite):
    token = client.token()
    data = {"identifiant": hr.identifier, "mot_de_passe": factories.PASSWORD, "csrf_token": token}
    with failing_writes():
        refused = client.post("/connexion", data)
        read = client.get("/aide")
    assert_told_to_come_back(refused)
    assert read.status_code == 200
    assert not UserSession.select().exists()
    client.sign_in(hr)
    assert UserSession.select().count() == 1
    assert list(databases.damage(db)) == []
    assert_all_holds(app)


@pytest.mark.parametrize("fault", [errno.EIO, errno.EROFS, errno.EDQUOT], ids=errno.errorcode.get)
def test_a_file_that_cannot_be_flushed_is_a_sentence_and_leaves_nothing(database, monkeypatch, tmp_path, fault):
    def fail(handle):
        raise OSError(fault, os.strerror(fault))

    monkeypatch.setattr(storage.store, "place", Folder(tmp_path / "files"))
    with monkeypatch.context() as failing, pytest.raises(Refused, match="Réessayez"):
        failing.setattr(os, "fsync", fail)
        sent()
    assert stored() == set() and not StoredFile.select().exists()
    sent()
    assert len(stored()) == 1


def test_a_folder_that_became_read_only_is_a_sentence_and_leaves_nothing(database, monkeypatch, tmp_path):
    """As the kernel leaves a disk that it does not trust any more."""
    (folder := tmp_path / "files").mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", folder], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        monkeypatch.setattr(storage.store, "place", Folder(folder))
        with pytest.raises(Refused, match="Réessayez"):
            sent()
        assert stored() == set() and not StoredFile.select().exists()
    finally:
        subprocess.run(["umount", folder], check=True)

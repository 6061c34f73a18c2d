"""The folder and the bucket by themselves: what they say when they fail, and what a kill leaves in them."""

import datetime
import io
import os
import subprocess
import sys

import pytest

from portal import clock, storage
from portal.folder import Folder
from portal.models import StoredFile
from portal.rules import Refused
from portal.storage import place_of
from tests import files, s3
from tests.conftest import KEYS


def stored():
    return {name for name, _ in storage.store.place.names()}


def sent():
    return storage.receive(io.BytesIO(files.pdf()), "a.pdf", account=None, holder="user:1")


def test_what_the_store_keeps_is_nobody_elses_to_read(database, tmp_path):
    Folder(tmp_path / "files").put("ab" * 32, [b"x"])
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "files").rglob("*"))


def test_a_store_says_whether_it_answers(app, bucket_url, tmp_path):
    (tmp_path / "a-file").touch()
    assert storage.answers(f"file://{tmp_path}/files") and storage.answers(bucket_url)
    assert not storage.answers(f"file://{tmp_path}/a-file/files")
    assert not storage.answers("s3://another-bucket-that-is-not-there")


def test_a_bucket_that_does_not_answer_is_a_sentence(database, monkeypatch):
    from portal import bucket

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    for name, value in s3.KEYS.items():
        monkeypatch.setenv(name, value)
    make = bucket.client.__wrapped__
    monkeypatch.setattr(bucket, "client", lambda attempts=1: make(1))
    monkeypatch.setattr(storage.store, "place", place_of("s3://nowhere"))
    with pytest.raises(Refused, match="Réessayez"):
        sent()
    assert not storage.answers("s3://nowhere")
    assert not StoredFile.select().exists()


def test_a_process_that_is_killed_leaves_no_half_file_and_no_row_without_its_file(
    database, chosen_settings, tmp_path, figure
):
    place = Folder(tmp_path / "killed")
    kills = 50
    given = [chosen_settings.database_url, f"file://{place.path}", ",".join(KEYS), str(kills)]
    subprocess.run([sys.executable, "-m", "tests.victim", *given], check=True, timeout=120)
    storage.store.place = place
    rows = list(StoredFile.select())
    assert len(rows) > 10
    assert {len(storage.content(row)) for row in rows} == {400_000}
    later = clock.now() + datetime.timedelta(days=2)
    storage.sweep(later)
    storage.take_away()
    storage.sweep(later)
    assert stored() == {row.digest for row in StoredFile.select()}
    assert all(row.attached_at for row in StoredFile.select())
    assert storage.missing() == []
    figure("CRA-7", kills, "kills")
    figure("CRA-7", len(rows), "files kept, each whole")


def test_a_full_disk_is_a_sentence_and_leaves_nothing(database, monkeypatch, tmp_path):
    monkeypatch.setattr(storage.store, "place", Folder(tmp_path / "small"))
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(Refused, match="Réessayez"):
        sent()
    assert stored() == set() and not StoredFile.select().exists()

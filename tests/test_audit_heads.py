"""The head of the audit trail, noted outside the database: cutting or rewriting the trail then shows."""

import dataclasses
import stat
import threading
from types import SimpleNamespace

import pytest

from portal import audit_heads, clock, tasks
from portal.models import AuditEvent, AuditHead
from tests.test_backups import run
from tests.test_invariants import cut_the_trail, unchecked_trail

pytestmark = pytest.mark.superuser


@pytest.fixture
def portal(app, database, tmp_path):
    app.settings = dataclasses.replace(app.settings, audit_heads_dir=str(tmp_path / "heads"))
    for _ in range(3):
        AuditEvent.write("test.write")
    return app


def test_a_head_is_printed_and_noted(portal, tmp_path):
    assert run(portal, "audit", "head").startswith("3 ")
    path = tmp_path / "heads" / audit_heads.NAME
    at, number, signed = path.read_text().split()
    assert (number, signed) == ("3", AuditHead.get().hash)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    run(portal, "audit", "head")
    assert path.read_text().count("\n") == 2
    assert "intact" in run(portal, "audit", "verify")


def test_a_trail_that_was_cut_with_its_head_is_found_out(portal):
    run(portal, "audit", "head")
    cut_the_trail()
    assert "coupé : l’événement n° 3" in run(portal, "audit", "verify", fails=True)


def test_a_trail_that_was_written_again_from_the_start_is_found_out(portal):
    run(portal, "audit", "head")
    unchecked_trail("DELETE FROM audit_event")
    AuditHead.delete().execute()
    for _ in range(4):
        AuditEvent.write("test.other")
    assert not list(AuditEvent.faults())
    assert "réécrit" in run(portal, "audit", "verify", fails=True)


def test_what_a_restoration_took_back_is_not_taken_for_removed_and_what_stayed_is_still_watched(portal):
    before = AuditEvent.select().order_by(AuditEvent.number.desc()).get().number
    run(portal, "audit", "head")
    AuditEvent.write("test.lost")
    run(portal, "audit", "head")
    cut_the_trail()  # what a backup of that instant would give back
    assert "coupé" in run(portal, "audit", "verify", fails=True)
    AuditEvent.write("backup.restore")
    audit_heads.note(portal.settings, clock.now(), restored_to=before)
    assert "intact" in run(portal, "audit", "verify")
    unchecked_trail("DELETE FROM audit_event WHERE number >= 3")
    AuditHead.delete().execute()
    assert "coupé" in run(portal, "audit", "verify", fails=True)


def test_without_a_folder_nothing_is_noted(portal, tmp_path):
    portal.settings = dataclasses.replace(portal.settings, audit_heads_dir="")
    run(portal, "audit", "head")
    assert not (tmp_path / "heads").exists()
    assert "intact" in run(portal, "audit", "verify")


def watched(settings):
    return SimpleNamespace(look=lambda: settings)


def test_the_worker_notes_it_each_day_and_goes_on_when_it_cannot(portal, tmp_path, at, caplog):
    look = tasks.looking(watched(portal.settings))
    for days in (0, 0, 1):
        at(days=days)
        look()
    path = tmp_path / "heads" / audit_heads.NAME
    assert path.read_text().count("\n") == 2
    (tmp_path / "a-file").touch()
    tasks.looking(watched(dataclasses.replace(portal.settings, audit_heads_dir=str(tmp_path / "a-file"))))()
    assert "AUDIT_HEADS_DIR" in caplog.text


def test_two_that_note_at_once_write_two_whole_lines(portal, tmp_path):
    head = audit_heads.head()
    threads = [
        threading.Thread(target=lambda: [audit_heads.append(portal.settings, clock.now(), *head) for _ in range(50)])
        for _ in range(2)
    ]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    lines = (tmp_path / "heads" / audit_heads.NAME).read_text().splitlines()
    assert len(lines) == 100 and {len(line.split()) for line in lines} == {3}

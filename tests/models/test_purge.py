"""What is past its term is forgotten, and nothing else is; every table has a term, or a reason to have none."""

import datetime
import io

import pytest

from portal import clock, retention, storage, tasks
from portal.models import (
    TABLES,
    AffiliationImport,
    ImportRow,
    ImportState,
    OneTimeLink,
    OutboxMessage,
    Registration,
    Selection,
    StoredFile,
    Throttle,
    UserSession,
    db,
)
from portal.rules.retention import TERMS, WITHOUT_TERM
from tests import factories

DAY = datetime.timedelta(days=1)


def test_what_is_over_goes_and_what_is_not_stays(database):
    user, now = factories.user(), clock.now()
    for key, forget_at in (("past", now - DAY), ("present", now + DAY)):
        Throttle.create(key=key, failures=1, free_at=now, forget_at=forget_at)
    links = {
        days: OneTimeLink.create(user=user, token_hash=str(days), expires_at=now - days * DAY) for days in (-1, 0.5, 2)
    }
    started = {"now": now, "ended": now, "yesterday": now - DAY, "a year ago": now - 366 * DAY}
    sessions = {name: UserSession.start(user, start, "", "")[0] for name, start in started.items()}
    sessions["ended"].end(now)
    tasks.purge(now, None)
    assert [row.key for row in Throttle.select()] == ["present"]
    assert {row.id for row in OneTimeLink.select()} == {links[-1].id, links[0.5].id}
    assert {row.id for row in UserSession.select()} == {sessions["now"].id, sessions["yesterday"].id}


def test_it_is_done_once_a_day(database, queries):
    now = clock.now()
    day = tasks.purge(now, None)
    queries.clear()
    assert tasks.purge(now, day) == day
    assert not queries
    assert tasks.purge(now + DAY, day) == day + DAY
    assert len(queries) == 27


def test_every_table_has_a_term_or_a_reason_to_have_none():
    names = {table._meta.table_name for table in TABLES}
    assert names - set(TERMS) == set(WITHOUT_TERM), "portal/rules/retention.py says how long each table is kept"
    assert not set(TERMS) & set(WITHOUT_TERM)
    assert set(TERMS) - set(retention.PURGES) == {"registration_unfinished", "registration_incomplete"}
    assert set(retention.PURGES) <= set(TERMS)


@pytest.fixture
def old(hr):
    """One row of several tables, of now."""
    now, account = clock.now(), hr.accounts().first()
    for state in (ImportState.DONE, ImportState.CHECKED):
        source = AffiliationImport.send(account.id, hr, "a.csv", b"x", None)
        source.move(state)
        ImportRow.create(source=source, line=1, content=b"x", verdict="CREATE")
    Selection.create(user_id=hr.id, people=[])
    factories.registration(settled_at=now, state="ACCEPTED")
    sent = factories.message()
    OutboxMessage.update(settled_at=now).where(OutboxMessage.id == sent.id).execute()
    UserSession.start(hr, now, "", "")
    for attached_at in (None, now):
        row = storage.file_away(io.BytesIO(b"x" * 50), "a.pdf", "application/pdf", account=None)
        StoredFile.update(attached_at=attached_at).where(StoredFile.id == row.id).execute()
    return now


def counted():
    tables = (AffiliationImport, ImportRow, Selection, Registration, OutboxMessage, UserSession)
    held = StoredFile.held().count()
    return {table.__name__: table.select().count() for table in tables} | {"held": held}


@pytest.mark.parametrize(
    ("days", "left"),
    [
        (0, {"AffiliationImport": 2, "ImportRow": 2, "Selection": 1, "Registration": 1, "OutboxMessage": 1, "held": 2}),
        (2, {"Selection": 1, "held": 1}),
        (31, {"Selection": 0, "Registration": 1, "UserSession": 1}),
        (366, {"AffiliationImport": 1, "ImportRow": 1, "Registration": 0, "OutboxMessage": 1, "UserSession": 0}),
        (401, {"OutboxMessage": 0}),
        (3 * 366, {"AffiliationImport": 1, "held": 1}),
        (10 * 366, {"AffiliationImport": 1, "held": 1}),
    ],
)
def test_as_years_pass_what_is_left_is_what_the_table_says(old, days, left):
    retention.purge(old + days * DAY)
    found = counted()
    assert found == found | left


def test_a_purge_can_be_foreseen_and_then_does_what_was_foreseen(old, app, monkeypatch):
    later = old + 500 * DAY
    monkeypatch.setattr(clock, "now", lambda: later)
    before = counted()
    runner = app.test_cli_runner()
    foreseen = runner.invoke(args=["purge", "--dry-run"]).output
    assert "Rien n’a été effacé." in foreseen and "Fichiers d’affiliations terminés : 1." in foreseen
    assert counted() == before
    assert db.in_transaction() is False
    done = runner.invoke(args=["retention", "apply"]).output
    assert done.splitlines()[:5] == foreseen.splitlines()[:5]
    assert "Rien n’est arrivé à son terme." in runner.invoke(args=["purge"]).output
    assert [name for name, _ in storage.store.place.names()] == [StoredFile.held().get().digest]


def test_the_terms_are_told(app):
    said = app.test_cli_runner().invoke(args=["retention", "terms"]).output
    assert len(said.splitlines()) == len(TERMS) and "CNIL 2021-122" in said

"""The audit trail is a chain: what is changed, removed, moved or cut shows."""

import threading
from contextlib import suppress

import pytest
from peewee import OperationalError

from portal import database as databases
from portal.models import AuditEvent, AuditHead, db
from tests import factories
from tests.thorough import often

pytestmark = pytest.mark.owner  # who changes the trail may do anything to the tables


@pytest.fixture
def chain(database):
    for number in range(6):
        AuditEvent.write("test", after={"number": number, "words": "accentué"})
    return database


def tamper(database, statement):
    """What someone with the keys of the database may do: lift the triggers, change, put them back."""
    if databases.is_sqlite(database):
        for verb in ("update", "delete"):
            database.execute_sql(f"DROP TRIGGER audit_event_no_{verb}")
    else:
        database.execute_sql("ALTER TABLE audit_event DISABLE TRIGGER USER")
    for part in statement.split(";"):
        database.execute_sql(part)


def test_an_honest_chain_has_no_fault(chain):
    assert list(AuditEvent.faults()) == []


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE audit_event SET action = 'autre' WHERE number = 3", "n° 3 a été modifié"),
        ("UPDATE audit_event SET at = '2020-01-01 00:00:00' WHERE number = 2", "n° 2 a été modifié"),
        ("UPDATE audit_event SET after = NULL WHERE number = 2", "n° 2 a été modifié"),
        ("DELETE FROM audit_event WHERE number = 4", "Il manque l’événement n° 4"),
        ("DELETE FROM audit_event WHERE number = 6", "sa fin ne correspond pas"),
        ("DELETE FROM audit_event", "sa fin ne correspond pas"),
        (
            "UPDATE audit_event SET number = 99 WHERE number = 2;UPDATE audit_event SET number = 2 WHERE number = 3;"
            "UPDATE audit_event SET number = 3 WHERE number = 99",
            "déplacé ou remplacé",
        ),
    ],
)
def test_each_tampering_is_found(chain, statement, words, figure):
    tamper(chain, statement)
    assert any(words in fault.replace("\u00a0", " ") for fault in AuditEvent.faults())
    figure("AUD-2", 1, "tamperings of a row found")


def test_the_command_says_so(app, chain):
    runner = app.test_cli_runner()
    assert runner.invoke(args=["audit", "verify"]).exit_code == 0
    tamper(chain, "UPDATE audit_event SET action = 'autre' WHERE number = 3")
    result = runner.invoke(args=["audit", "verify"])
    assert result.exit_code == 1
    assert "modifié" in result.output


def test_what_is_rolled_back_leaves_no_event(chain):
    with db.atomic() as transaction:
        AuditEvent.write("never")
        transaction.rollback()
    assert list(AuditEvent.faults()) == []
    assert AuditHead.get().number == 6


def again(action):
    """Written in the end: who waited for too long is told to come back, and does."""
    for _ in range(100):
        with suppress(OperationalError):
            return AuditEvent.write(action)
    raise AssertionError("it never was written")


def test_writers_at_the_same_time_make_one_chain(database, figure):
    faults, each = [], often(25, 500)

    def write():
        try:
            with db.connection_context():
                for _ in range(each):
                    again("together")
        except Exception as error:  # noqa: BLE001
            faults.append(error)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    count = AuditEvent.select().count()
    assert count == 8 * each
    figure("AUD-4", count, "events of eight writers, one chain")
    assert list(AuditEvent.faults()) == []


def test_an_event_keeps_who_and_on_what(database):
    user = factories.user()
    event = AuditEvent.write("test", on=user, by=user, origin=("127.0.0.1", "abc"))
    assert (event.user_id, event.object_type, event.object_id) == (user.id, "user", str(user.public_id))
    assert (event.address, event.request_id) == ("127.0.0.1", "abc")

"""The migrations make exactly what the models say, on both databases."""

import pytest
from peewee import DatabaseError

from portal import database as databases
from portal import models
from portal.models import AuditEvent

pytestmark = pytest.mark.owner


def test_migrations_and_models_agree(database):
    assert list(databases.differences(database, models.TABLES)) == []


@pytest.mark.parametrize(
    "fault",
    [
        "ALTER TABLE company ADD COLUMN planted VARCHAR(10)",
        "DROP INDEX managed_account_name_key",
        "CREATE INDEX planted ON company (label)",
    ],
)
def test_a_planted_difference_is_found(database, fault):
    database.execute_sql(fault)
    assert list(databases.differences(database, models.TABLES))


@pytest.mark.parametrize("verb", ["UPDATE audit_event SET action = 'x'", "DELETE FROM audit_event"])
def test_the_audit_trail_only_grows(database, verb):
    AuditEvent.write("test")
    with pytest.raises(DatabaseError, match="append-only"):
        database.execute_sql(verb)
    assert AuditEvent.select().count() == 1


def test_the_commands_say_that_all_is_well(app, database):
    runner = app.test_cli_runner()
    assert "à jour" in runner.invoke(args=["db", "upgrade"]).output
    assert "s’accordent" in runner.invoke(args=["db", "check"]).output


def test_the_check_names_what_differs(app, database):
    database.execute_sql("DROP INDEX managed_account_name_key")
    result = app.test_cli_runner().invoke(args=["db", "check"])
    assert result.exit_code == 1
    assert "managed_account_name_key" in result.output

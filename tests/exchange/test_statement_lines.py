"""Files of the lines of statements: to the cent, all or nothing, never changed once issued, streamed."""

import time

import pytest

from portal.models import AuditEvent, ContributionStatement, StatementLine
from tests import factories
from tests.exchange.test_management_system import (  # noqa: F401
    PERSON,
    STATEMENT,
    load,
    loaded,
    plain,
    write,
)

LINE = {
    "statement_number": "B2601",
    "member_number": PERSON["member_number"],
    "starts_on": "2026-01-01",
    "ends_on": "2026-01-31",
    "structure": "Isolé",
    "price": "1234.50",
    "employer_part": "700.00",
    "employee_part": "534.50",
}
UNKNOWN = {**LINE, "member_number": "900", "employee_name": "Zoé Écuyer"}
COMING = {**STATEMENT, "statement_number": "B2901", "issued_on": "2099-01-15", "due_on": "2099-02-10"}


def lines(write, *rows):  # noqa: F811
    return load("statement-lines", write("statement-lines", *rows))


def test_lines_are_those_of_a_statement_that_the_portal_computed(loaded):  # noqa: F811
    assert lines(loaded, LINE).created == 1
    (row,) = ContributionStatement.get().lines
    assert (row.beneficiary.member_number, row.label) == (PERSON["member_number"], row.beneficiary.full_name)
    assert (row.total, row.price, row.portion, row.is_correction) == (123_450, 123_450, 10_000, False)
    assert row.name_key == row.beneficiary.name_key
    assert lines(loaded, LINE).unchanged == 1
    last = AuditEvent.select().where(AuditEvent.action == "load").order_by(AuditEvent.number.desc()).first()
    assert last.after["kind"] == "statement-lines"


def test_somebody_unknown_has_the_name_of_the_file_and_a_correction_its_own_period(loaded):  # noqa: F811
    half = {**UNKNOWN, "employer_part": "600", "employee_part": "534.50", "portion": "53.33"}
    back = {**UNKNOWN, "correction": "Oui", "starts_on": "2025-12-01", "ends_on": "2025-12-31"}
    assert lines(loaded, half, {**back, "employer_part": "100.00", "employee_part": "0"}).created == 2
    own, correction = StatementLine.select().order_by(StatementLine.is_correction)
    assert (own.beneficiary_id, own.label, own.portion) == (None, "Zoé Écuyer", 5_333)
    assert (correction.is_correction, correction.total) == (True, 10_000)


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"statement_number": "B9"}, "statement_number"),
        ({"employer_part": "700.01"}, "employer_part"),
        ({"employer_part": "700,00"}, "employer_part"),
        ({"employee_part": ""}, "employee_part"),
        ({"starts_on": "2025-12-31"}, "starts_on"),
        ({"ends_on": "2026-02-01"}, "starts_on"),
        ({"ends_on": "2025-12-31"}, "ends_on"),
        ({"member_number": "901"}, "employee_name"),
        ({"correction": "yes"}, "correction"),
        ({"portion": "100.01"}, "portion"),
        ({"structure": ""}, "structure"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_column_and_nothing_is_written(loaded, change, column):  # noqa: F811
    errors = plain(lines(loaded, {**LINE, **change}))
    assert any(f"Ligne 2, colonne « {column} »" in error for error in errors), errors
    assert not StatementLine.select().exists()


def test_a_total_that_lines_do_not_make_is_said_to_the_cent(loaded):  # noqa: F811
    (error,) = plain(lines(loaded, {**LINE, "employee_part": "534.49"}))
    assert error.endswith("les lignes de B2601 font 1 234,49 €, et le bordereau 1 234,50 €. Corrigez-les.")


def test_a_member_of_another_account_and_a_computed_statement_are_refused(loaded):  # noqa: F811
    ContributionStatement.update(computed=True).execute()
    (error,) = plain(lines(loaded, LINE))
    assert "calculé par le portail" in error
    ContributionStatement.update(computed=False).execute()
    stranger = factories.beneficiary(factories.hr_user().contracts().first())
    (error,) = plain(lines(loaded, {**LINE, "member_number": stranger.member_number}))
    assert "n’est pas du compte" in error


def test_lines_of_an_issued_statement_never_change(loaded):  # noqa: F811
    lines(loaded, LINE)
    for change in ({"structure": "Duo"}, {"employer_part": "734.50", "employee_part": "500"}, {"portion": "50"}):
        (error,) = plain(lines(loaded, {**LINE, **change}))
        assert "émis" in error
    more = {**UNKNOWN, "employer_part": "0.01", "employee_part": "0"}
    (error,) = plain(lines(loaded, LINE, more))
    assert "1 234,51 €" in error
    assert StatementLine.select().count() == 1


def test_lines_of_a_statement_to_come_follow_the_last_file(loaded):  # noqa: F811
    load("statements", loaded("statements", COMING))
    coming = {**LINE, "statement_number": "B2901"}
    half = {"employer_part": "400", "employee_part": "217.25"}
    assert lines(loaded, {**coming, **half}, {**UNKNOWN, **half, "statement_number": "B2901"}).created == 2
    assert lines(loaded, {**coming, "structure": "Duo"}).updated == 1
    assert [row.band for row in StatementLine.select()] == ["Duo"]


def test_many_lines_of_many_statements_are_loaded_a_chunk_at_a_time(loaded):  # noqa: F811
    statements = [{**STATEMENT, "statement_number": f"M{number}", "total": "500.00"} for number in range(40)]
    load("statements", loaded("statements", *statements))
    each = {"employer_part": "1.00", "employee_part": "0", "employee_name": "Zoé"}
    rows = [
        {**LINE, **each, "statement_number": f"M{number // 500}", "member_number": f"N{number}"}
        for number in range(20_000)
    ]
    path = loaded("statement-lines", *rows)
    began = time.process_time()
    assert load("statement-lines", path).created == 20_000
    assert time.process_time() - began < 20
    assert load("statement-lines", path).unchanged == 20_000

"""Files of statements and payments: what they refuse, what never changes once issued, and what settles what."""

import datetime
import time

import pytest

from portal import clock
from portal.models import ContributionStatement, ContributionTariff, Payment, PaymentAllocation
from tests.exchange.test_management_system import (  # noqa: F401
    CONTRACT,
    PAYMENT,
    STATEMENT,
    load,
    loaded,
    plain,
    snapshot,
    write,
)

NOT_ISSUED = {**STATEMENT, "statement_number": "B2901", "issued_on": "2099-01-15", "due_on": "2099-02-10"}


def test_amounts_are_kept_in_cents_and_a_payment_finds_what_it_settles(loaded):  # noqa: F811
    statement, payment = ContributionStatement.get(), Payment.get()
    assert (statement.total, statement.settled, payment.amount) == (123_450, 100_000, 100_000)
    rest = {**PAYMENT, "payment_reference": "R2", "amount": "234.50", "paid_on": "2026-02-20"}
    assert load("payments", loaded("payments", rest)).created == 1
    assert ContributionStatement.get().rest == 0
    assert sorted(one.amount for one in PaymentAllocation.select()) == [23_450, 100_000]


def test_a_payment_that_a_file_moves_to_another_contract_settles_the_first_no_more(loaded):  # noqa: F811
    assert load("contracts", loaded("contracts", {**CONTRACT, "contract_number": "K0"})).created == 1
    moved = loaded("payments", {**PAYMENT, "contract_number": "K0"})
    assert load("payments", moved).updated == 1
    assert ContributionStatement.get().settled == 0
    assert not PaymentAllocation.select().exists()
    assert load("payments", moved).unchanged == 1
    assert load("payments", loaded("payments", PAYMENT)).updated == 1
    assert ContributionStatement.get().settled == 100_000


def test_payments_may_be_loaded_before_what_they_settle(loaded):  # noqa: F811
    payment = {**PAYMENT, "payment_reference": "R2", "amount": "500", "paid_on": "2026-03-09"}
    load("payments", loaded("payments", payment))
    later = {**STATEMENT, "statement_number": "B2602", "period_start": "2026-02-01", "period_end": "2026-02-28"}
    load(
        "statements", loaded("statements", {**later, "issued_on": "2026-02-15", "due_on": "2026-03-10", "total": "500"})
    )
    assert ContributionStatement.get(ContributionStatement.number == "B2602").rest == 0


def test_a_credit_note_is_a_negative_statement_that_settles_the_oldest(loaded):  # noqa: F811
    credit = {**STATEMENT, "statement_number": "AV1", "total": "-234.50"}
    assert load("statements", loaded("statements", credit)).created == 1
    rests = dict(ContributionStatement.select(ContributionStatement.number, ContributionStatement.settled).tuples())
    assert rests == {"B2601": 123_450, "AV1": -23_450}


@pytest.mark.parametrize(
    "change",
    [{"total": "1234.51"}, {"payer": "AUTRE"}, {"due_on": "2026-02-11"}, {"period_end": "2026-02-28"}],
)
def test_a_statement_that_was_issued_never_changes(loaded, change):  # noqa: F811
    before = snapshot()
    (error,) = plain(load("statements", loaded("statements", {**STATEMENT, **change})))
    assert "Ligne 2" in error
    assert next(iter(change)) in error
    assert "émis" in error
    assert snapshot() == before
    assert load("statements", loaded("statements", STATEMENT)).unchanged == 1


def test_a_statement_that_is_still_to_be_issued_may_change(loaded):  # noqa: F811
    assert load("statements", loaded("statements", NOT_ISSUED)).created == 1
    assert load("statements", loaded("statements", {**NOT_ISSUED, "total": "99.00"})).updated == 1


@pytest.mark.parametrize(
    ("kind", "row", "change", "column"),
    [
        ("statements", NOT_ISSUED, {"total": "12,50"}, "total"),
        ("statements", NOT_ISSUED, {"total": "1 234.50"}, "total"),
        ("statements", NOT_ISSUED, {"total": "1.234"}, "total"),
        ("statements", NOT_ISSUED, {"total": "١٢"}, "total"),
        ("statements", NOT_ISSUED, {"total": "99999999999999"}, "total"),
        ("statements", NOT_ISSUED, {"product": "P9"}, "product"),
        ("statements", NOT_ISSUED, {"contract_number": "K9"}, "contract_number"),
        ("statements", NOT_ISSUED, {"period_end": "2025-01-01"}, "period_end"),
        ("statements", NOT_ISSUED, {"due_on": "2098-01-01"}, "due_on"),
        ("statements", NOT_ISSUED, {"payer": ""}, "payer"),
        ("payments", PAYMENT, {"amount": "0.00"}, "amount"),
        ("payments", PAYMENT, {"amount": "douze"}, "amount"),
        ("payments", PAYMENT, {"payment_method": "Troc"}, "payment_method"),
        ("payments", PAYMENT, {"contract_number": "K9"}, "contract_number"),
        ("payments", PAYMENT, {"paid_on": "09/02/2026"}, "paid_on"),
        ("payments", PAYMENT, {"paid_on": f"{clock.today() + datetime.timedelta(days=32)}"}, "paid_on"),
    ],
)
def test_what_is_wrong_is_named_by_line_and_column(loaded, kind, row, change, column):  # noqa: F811
    key = "statement_number" if kind == "statements" else "payment_reference"
    before = snapshot()
    outcome = load(kind, loaded(kind, {**row, key: "N1"}, {**row, key: "N2", **change}))
    (error,) = plain(outcome)
    assert "Ligne 3" in error
    assert column in error
    assert snapshot() == before


def test_a_debit_may_be_told_before_the_bank_collects_it(loaded):  # noqa: F811
    soon = {**PAYMENT, "payment_reference": "R2", "paid_on": f"{clock.today() + datetime.timedelta(days=30)}"}
    assert load("payments", loaded("payments", soon)).created == 1


def test_many_rows_of_one_contract_load_in_a_short_time(loaded):  # noqa: F811
    """Twenty thousand payments that match nothing: the time follows their number, not its square."""
    rows = [{**PAYMENT, "payment_reference": f"N{number}", "amount": "0.01"} for number in range(20_000)]
    path = loaded("payments", *rows)
    began = time.process_time()
    assert load("payments", path).created == 20_000
    assert time.process_time() - began < 20
    assert ContributionStatement.get().settled == 120_000
    assert load("payments", path).unchanged == 20_000


TARIFF = {
    "contract_number": "K1",
    "valid_from": "2026-01-01",
    "amount_type": "EUR",
    "family": "117.20",
    "pro_rata": "DAILY",
    "term": "ARREARS",
    "called_by_portal": "Oui",
}


def test_tariffs_load_in_cents_or_in_thousandths_of_the_pmss_and_again_unchanged(loaded):  # noqa: F811
    share = {**TARIFF, "valid_from": "2027-01-01", "amount_type": "PCT_PMSS", "family": "2.999"}
    path = loaded("tariffs", TARIFF, {**share, "called_by_portal": "Non"})
    assert load("tariffs", path).created == 2
    rows = ContributionTariff.select().order_by(ContributionTariff.valid_from)
    assert [(row.family, row.paying_children, row.called_by_portal) for row in rows] == [
        (11_720, 2, True),
        (2_999, 2, False),
    ]
    assert load("tariffs", path).unchanged == 2
    assert load("tariffs", loaded("tariffs", {**TARIFF, "family": "120"})).updated == 1


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"family": ""}, "family"),
        ({"family": "1,5"}, "family"),
        ({"family": "1.255"}, "family"),
        ({"amount_type": "PCT_SALARY"}, "amount_type"),
        ({"pro_rata": "X"}, "pro_rata"),
        ({"term": ""}, "term"),
        ({"called_by_portal": "yes"}, "called_by_portal"),
        ({"paying_children": "-1"}, "paying_children"),
        ({"contract_number": "K9"}, "contract_number"),
        ({"valid_from": "01/01/2026"}, "valid_from"),
    ],
)
def test_a_wrong_tariff_is_named(loaded, change, column):  # noqa: F811
    (error,) = plain(load("tariffs", loaded("tariffs", {**TARIFF, **change})))
    assert "Ligne 2" in error
    assert column in error
    assert not ContributionTariff.select().exists()

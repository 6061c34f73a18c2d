"""Which statements each payment settles: named, of the very amount, together, the oldest; and no cent is lost."""

import datetime
import random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from portal.rules.settlements import (
    DEBIT,
    Due,
    GivenBack,
    Paid,
    Rejected,
    Settled,
    Undone,
    settle,
    settle_and_tell,
    undone,
)

JANUARY = datetime.date(2026, 1, 10)


def day(month, number=10):
    return datetime.date(2026, month, number)


def dues(*amounts):
    """One a month, from January on: ids 1, 2, 3…"""
    return [Due(at, f"PB26{at:02}-01", day(at), amount) for at, amount in enumerate(amounts, 1)]


def paid(id, month, amount, reference="", number=12):
    return Paid(id, reference or f"R{id}", day(month, number), amount)


def told(settled):
    return sorted((one.statement, one.payment, one.amount) for one in settled)


def test_a_payment_settles_the_statement_of_its_very_amount_and_leaves_the_unpaid_one_unpaid():
    assert told(settle(dues(100, 250, 300), [paid(1, 2, 250), paid(2, 3, 300)])) == [(2, 1, 250), (3, 2, 300)]


def test_of_several_alike_the_nearest_by_its_due_date_is_settled():
    assert told(settle(dues(100, 100, 100), [paid(1, 3, 100)])) == [(3, 1, 100)]


def test_of_several_alike_what_is_due_comes_before_what_is_not_yet():
    """Nineteen days late and eleven early: the next ones, in time, would each take another’s place."""
    in_time = [paid(month, month, 100) for month in (2, 3)]
    assert told(settle(dues(100, 100, 100), [paid(1, 1, 100, number=29), *in_time])) == [
        (1, 1, 100),
        (2, 2, 100),
        (3, 3, 100),
    ]
    assert told(settle(dues(100, 100, 100), [paid(1, 1, 100, number=2)])) == [(1, 1, 100)]


def test_the_reference_of_a_transfer_finds_its_statement():
    assert told(settle(dues(100, 100), [paid(1, 2, 100, "VIR PB2601-01 X")])) == [(1, 1, 100)]
    assert told(settle(dues(100, 250), [paid(1, 2, 60, "pb 2601 01")])) == [(1, 1, 60)]


def test_two_halves_make_the_statement_that_they_make():
    found = settle(dues(1_491, 1_413), [paid(1, 2, 706), paid(2, 2, 707, number=20)])
    assert told(found) == [(2, 1, 706), (2, 2, 707)]


def test_one_payment_settles_two_statements_in_a_row():
    assert told(settle(dues(50, 100, 200), [paid(1, 3, 300)])) == [(2, 1, 100), (3, 1, 200)]


def test_what_is_nothing_s_amount_goes_to_the_oldest():
    assert told(settle(dues(100, 100, 100), [paid(1, 3, 170)])) == [(1, 1, 100), (2, 1, 70)]


def test_a_payment_that_the_bank_took_back_settles_nothing():
    assert settle(dues(100, 250), [paid(1, 1, 100), paid(2, 2, -100)]) == []
    assert told(settle(dues(100, 250), [paid(1, 1, 100), paid(2, 2, -30)])) == [(1, 1, 70)]


def test_a_credit_note_settles_the_oldest_that_nothing_paid():
    credit = Due(9, "AV1", day(4), -130)
    found = settle([*dues(100, 250, 300), credit], [paid(1, 2, 250)])
    assert [one for one in found if one.credit] == [Settled(1, None, 9, 100), Settled(3, None, 9, 30)]


amounts = some.integers(min_value=1, max_value=400)
statements = some.lists(
    some.tuples(some.integers(0, 400), some.one_of(amounts, amounts.map(lambda n: -n))), max_size=12
)
money = some.lists(some.tuples(some.integers(0, 400), some.one_of(amounts, amounts.map(lambda n: -n))), max_size=12)


@given(statements, money)
def test_no_cent_is_lost_and_none_is_used_twice(called, came):
    called = [Due(id, f"B{id:03}", JANUARY + datetime.timedelta(n), cents) for id, (n, cents) in enumerate(called, 1)]
    came = [Paid(id, f"R{id}", JANUARY + datetime.timedelta(n), cents) for id, (n, cents) in enumerate(came, 1)]
    found = settle(called, came)
    by_due, by_paid, by_credit = {}, {}, {}
    for one in found:
        assert one.amount > 0
        by_due[one.statement] = by_due.get(one.statement, 0) + one.amount
        side = by_paid if one.payment else by_credit
        key = one.payment or one.credit
        side[key] = side.get(key, 0) + one.amount
    assert all(by_due[due.id] <= due.amount for due in called if due.id in by_due)
    assert all(by_paid[one.id] <= one.amount for one in came if one.id in by_paid)
    assert all(by_credit[one.id] <= -one.amount for one in called if one.id in by_credit)
    open_dues = [due for due in called if due.amount > 0 and by_due.get(due.id, 0) < due.amount]
    if open_dues and not any(one.amount < 0 for one in came):  # as long as something is due, no money lies idle
        assert all(by_paid.get(one.id) == one.amount for one in came)
    shuffled = random.Random(1)
    shuffled.shuffle(called)
    shuffled.shuffle(came)
    assert set(settle(called, came)) == set(found)


def test_thousands_of_one_contract_take_no_time():
    """Sixty thousand rows that match nothing: a square of that would not end."""
    called = [Due(n, f"B{n}", JANUARY + datetime.timedelta(n % 900), 1_000 + n) for n in range(1, 30_001)]
    came = [Paid(n, f"R{n}", JANUARY + datetime.timedelta(n % 900), 7) for n in range(1, 30_001)]
    assert sum(one.amount for one in settle(called, came)) == 7 * 30_000


@pytest.mark.parametrize("empty", [([], []), (dues(100), []), ([], [paid(1, 1, 5)])])
def test_nothing_settles_nothing(empty):
    assert settle(*empty) == []


def debited(id, month, amount, reference="", number=12):
    return paid(id, month, amount, reference, number)._replace(method=DEBIT)


def rejected(id, month, amount, number="PB2601-01", on=20):
    return Rejected(id, f"PS-{id}", number, amount, day(month), day(month, on))


def test_what_a_rejected_debit_had_paid_is_undone_the_one_that_names_the_statement_first():
    came = [debited(1, 2, 100), debited(2, 2, 100, "PRLV PB2601-01")]
    assert undone([rejected(7, 2, 100)], came) == [Undone(7, 2, None)]
    assert undone([rejected(7, 2, 100), rejected(8, 2, 100, "PB2602-01")], came) == [
        Undone(7, 2, None),
        Undone(8, 1, None),
    ]


@pytest.mark.parametrize(
    "came",
    [
        paid(1, 2, 100),  # a transfer
        debited(1, 2, 99),
        debited(1, 2, 100, number=2),  # eight days before its collection
        debited(1, 2, 100, number=21),  # after the reject
        debited(1, 2, -100),
    ],
)
def test_what_is_not_of_that_debit_stays(came):
    assert undone([rejected(7, 2, 100)], [came]) == []


def test_a_reject_that_a_file_says_is_found_and_undoes_its_own_payment():
    came = [debited(1, 2, 100), debited(2, 3, 100), debited(3, 3, -100, number=15)]
    assert undone([rejected(7, 2, 100)], came) == [Undone(7, 1, 3)]
    assert told(settle(dues(0, 100, 100), came)) == [(2, 1, 100)]  # nobody says which: the last one
    came[2] = came[2]._replace(undoes=1)
    assert told(settle(dues(0, 100, 100), came)) == [(3, 2, 100)]


def test_what_is_given_back_is_told_of_the_payments_that_it_undoes():
    came = [paid(1, 1, 500), paid(2, 2, 500), paid(3, 3, 700), paid(4, 4, -500), paid(5, 5, -300, number=20)]
    came.append(paid(6, 6, -600))
    _, given_back = settle_and_tell([], came)
    assert given_back == {2: GivenBack(500, day(4, 12)), 3: GivenBack(700, day(6, 12)), 1: GivenBack(200, day(6, 12))}
    assert settle_and_tell([], reversed(came))[1] == given_back


@given(some.lists(some.tuples(some.integers(-900, 900).filter(bool), some.integers(1, 12)), max_size=9))
def test_a_payment_never_gives_back_more_than_it_was_nor_settles_what_it_gave_back(rows):
    came = [paid(id, month, amount) for id, (amount, month) in enumerate(rows, 1)]
    settled, given_back = settle_and_tell(dues(400, 300, -200, 500), came)
    for one in came:
        spent = sum(part.amount for part in settled if part.payment == one.id)
        assert spent + given_back.get(one.id, (0, None))[0] <= max(0, one.amount)


@pytest.mark.parametrize("reference", ["REMB B2", "VIR 8841"])
def test_a_credit_note_that_was_given_back_settles_nothing_more(reference):
    dues = [Due(2, "B2", day(2, 10), -500), Due(3, "B3", day(3, 10), 300)]
    assert settle(dues, [Paid(1, reference, day(3, 1), -500)]) == []
    assert settle(dues, [Paid(1, reference, day(3, 1), -400)]) == [Settled(3, None, 2, 100)]


def test_who_is_given_back_a_credit_note_keeps_what_they_paid():
    dues = [Due(1, "B1", day(1, 10), 500), Due(2, "B2", day(2, 10), -500)]
    paids = [Paid(1, "B1", day(1, 9), 500), Paid(2, "REMB B2", day(3, 1), -500)]
    assert settle(dues, paids) == [Settled(1, 1, None, 500)]

"""When a statement is issued and due, which periods are called, where somebody was covered, what is corrected."""

import datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from portal.rules.calls import (
    ADVANCE,
    ARREARS,
    Move,
    Stay,
    corrections,
    days_due,
    due_day,
    issue_day,
    periods_to_call,
    stays_of,
)

D = datetime.date
QUARTER = D(2026, 7, 1), D(2026, 9, 30)


@pytest.mark.parametrize(
    ("term", "issued", "due"),
    [(ARREARS, D(2026, 9, 15), D(2026, 10, 10)), (ADVANCE, D(2026, 6, 15), D(2026, 7, 10))],
)
def test_a_statement_is_issued_and_due_by_the_term_of_its_contract(term, issued, due):
    assert issue_day(term, *QUARTER) == issued
    assert due_day(term, *QUARTER, issued) == due
    late = due + datetime.timedelta(20)
    assert due_day(term, *QUARTER, late) == late + datetime.timedelta(14)


def tariff(valid_from, called=True, term=ARREARS):
    return SimpleNamespace(valid_from=valid_from, called_by_portal=called, term=term)


@pytest.mark.parametrize(
    ("today", "tariffs", "expected"),
    [
        (D(2026, 9, 14), [tariff(D(2026, 1, 1))], []),
        (D(2026, 9, 15), [tariff(D(2026, 1, 1))], [QUARTER]),
        (D(2026, 10, 20), [tariff(D(2026, 1, 1))], [QUARTER]),
        (D(2026, 11, 20), [tariff(D(2026, 1, 1))], []),
        (D(2026, 9, 15), [tariff(D(2026, 8, 1))], []),
        (D(2026, 9, 15), [tariff(D(2026, 1, 1)), tariff(D(2026, 7, 1), called=False)], []),
        (D(2026, 6, 15), [tariff(D(2026, 1, 1), term=ADVANCE)], [(D(2026, 4, 1), D(2026, 6, 30)), QUARTER]),
        (D(2026, 9, 15), [], []),
    ],
)
def test_a_period_is_called_once_its_day_has_come_and_not_long_afterwards(today, tariffs, expected):
    assert periods_to_call("Trimestrielle", tariffs, today) == expected


def test_who_changed_contract_was_in_the_other_before():
    moved = Move(False, D(2026, 5, 1), {"contract": 1})
    assert stays_of(Stay(2, D(2020, 1, 1), None), [moved]) == [
        Stay(2, D(2026, 5, 1), None),
        Stay(1, D(2020, 1, 1), D(2026, 4, 30)),
    ]


def test_who_left_before_they_changed_contract_was_never_in_the_second():
    moved = Move(False, D(2026, 5, 1), {"contract": 1})
    assert stays_of(Stay(2, D(2020, 1, 1), D(2026, 3, 9)), [moved]) == [Stay(1, D(2020, 1, 1), D(2026, 3, 9))]


def test_who_came_back_was_there_before_and_away_between():
    before = {"contract": 1, "effective_on": "2019-02-01", "terminated_on": "2025-06-30"}
    assert stays_of(Stay(2, D(2026, 5, 1), None), [Move(True, D(2026, 5, 1), before)]) == [
        Stay(2, D(2026, 5, 1), None),
        Stay(1, D(2019, 2, 1), D(2025, 6, 30)),
    ]


parts = some.tuples(some.integers(0, 9_000), some.integers(0, 9_000))
charged = some.dictionaries(some.sampled_from("abcdef"), parts)


@given(charged, charged)
def test_corrections_bring_what_was_called_to_what_was_due(wanted, called):
    sums = {member: list(amounts) for member, amounts in called.items()}
    for one in corrections(wanted, called):
        mine = sums.setdefault(one.member, [0, 0])
        mine[0] += one.employer
        mine[1] += one.employee
    assert {member: tuple(amounts) for member, amounts in sums.items() if any(amounts)} == {
        member: amounts for member, amounts in wanted.items() if any(amounts)
    }


@pytest.mark.parametrize(
    ("stays", "wholes", "due"),
    [
        ([(2, D(2026, 3, 15), None), (1, D(2020, 1, 1), D(2026, 3, 14))], {1, 2}, ((D(2026, 4, 1), None),)),
        ([(2, D(2026, 3, 15), None), (1, D(2020, 1, 1), D(2026, 3, 14))], {2}, ((D(2026, 3, 15), None),)),
        ([(2, D(2026, 3, 15), None), (1, D(2020, 1, 1), D(2026, 3, 14))], {1}, ((D(2026, 3, 15), None),)),
        ([(2, D(2026, 3, 1), None), (1, D(2020, 1, 1), D(2026, 2, 28))], {1, 2}, ((D(2026, 3, 1), None),)),
        ([(2, D(2026, 3, 15), None), (1, D(2020, 1, 1), D(2026, 3, 5))], {1, 2}, ((D(2026, 3, 15), None),)),
        ([(2, D(2026, 3, 15), D(2026, 3, 20)), (1, D(2020, 1, 1), D(2026, 3, 14))], {1, 2}, ()),
        ([(2, D(2026, 3, 15), None), (2, D(2020, 1, 1), D(2026, 3, 5))], {2}, None),
        ([(2, D(2026, 2, 28), None), (1, D(2026, 2, 10), D(2026, 2, 27))], {1, 2}, ((D(2026, 3, 1), None),)),
        ([], {2}, ()),  # ended before it began
    ],
)
def test_a_month_is_due_once_where_it_began(stays, wholes, due):
    rows = [Stay(*one) for one in stays]
    found = days_due(rows, 2, lambda contract, day: contract in wholes)
    assert found == (due if due is not None else tuple(one[1:] for one in stays))

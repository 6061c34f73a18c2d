"""Direct debits: on the due date or the next banking day, never sooner than announced, never too late for the bank."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.rules import collections

DAYS = st.dates(datetime.date(2020, 1, 1), datetime.date(2035, 12, 31))
D = datetime.date


@pytest.mark.parametrize(
    ("issued", "due", "today", "day"),
    [
        (D(2026, 11, 15), D(2026, 12, 10), D(2026, 12, 1), D(2026, 12, 10)),
        (D(2026, 12, 15), D(2027, 1, 10), D(2026, 12, 20), D(2027, 1, 11)),  # a Sunday
        (D(2026, 3, 1), D(2026, 4, 3), D(2026, 3, 20), D(2026, 4, 7)),  # Good Friday, then Easter Monday
        (D(2026, 11, 15), D(2026, 12, 10), D(2026, 12, 9), D(2026, 12, 10)),
        (D(2026, 11, 15), D(2026, 12, 10), D(2026, 12, 10), None),  # too late for the bank
        (D(2026, 11, 27), D(2026, 12, 10), D(2026, 12, 1), None),  # announced thirteen days before
    ],
)
def test_a_statement_is_debited_on_the_day_that_it_announced(issued, due, today, day):
    assert collections.collection_day(issued, due, today) == day


@given(DAYS, st.integers(0, 60), st.integers(-40, 40))
def test_no_debit_is_early_nor_unannounced_nor_on_a_closed_day(issued, delay, later):
    due, today = issued + datetime.timedelta(days=delay), issued + datetime.timedelta(days=later)
    day = collections.collection_day(issued, due, today)
    if day is not None:
        assert day >= due and day > today
        assert (day - issued).days >= 14
        assert collections.is_banking_day(day)
        assert (day - due).days <= 5


@given(st.lists(st.booleans(), min_size=1, max_size=8))
def test_a_mandate_has_one_first_debit_at_most(used):
    types = collections.sequence_types(used)
    assert len(types) == len(used)
    assert types.count("FRST") == (0 if used[0] else 1)
    assert "FRST" not in types[1:]

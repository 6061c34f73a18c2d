"""SEPA mandates: when one lapses, what a RUM and an ICS may hold."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import documents
from portal.rules import mandates

DAYS = st.dates(datetime.date(2000, 1, 1), datetime.date(2090, 1, 1))


@pytest.mark.parametrize(
    ("used", "lapses"),
    [
        (datetime.date(2023, 11, 26), datetime.date(2026, 11, 26)),
        (datetime.date(2024, 2, 29), datetime.date(2027, 2, 28)),  # the last day of a shorter month
    ],
)
def test_a_mandate_lapses_36_months_after_its_last_use(used, lapses):
    assert mandates.lapses_on(used) == lapses


@given(DAYS)
def test_it_lapses_three_years_later_to_the_day_or_the_one_before(used):
    lapses = mandates.lapses_on(used)
    assert (lapses.year, lapses.month) == (used.year + 3, used.month)
    assert used.day - lapses.day in (0, 1)


@given(st.integers())
def test_what_the_portal_draws_is_a_reference_that_banks_take(_):
    assert mandates.is_reference(f"RUM-{documents.draw_code()}")


@pytest.mark.parametrize("text", ["", "RUM-É", "x" * 36, "RUM_1"])
def test_other_signs_and_lengths_are_no_reference(text):
    assert not mandates.is_reference(text)


@given(st.text(max_size=40))
def test_no_text_stops_the_check_of_an_identifier(text):
    assert mandates.is_creditor_identifier(text) in (True, False)


@pytest.mark.parametrize(
    ("text", "right"), [("FR72ZZZ123456", True), ("FR00ZZZ123456", False), ("²R72ZZZ123456", False)]
)
def test_an_identifier_has_a_right_key(text, right):
    assert mandates.is_creditor_identifier(text) is right

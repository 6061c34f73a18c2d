"""The days of care that may be asked about."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.rules import Refused, cover, dates

TODAY = datetime.date(2026, 11, 26)


@pytest.mark.parametrize("text", ["26/11/2026", "01/09/2024", "26/02/2027", "2026-01-02"])
def test_two_years_back_and_a_quarter_ahead_may_be_asked(text):
    assert cover.day_of_care(text, TODAY)


@pytest.mark.parametrize("text", ["31/07/2024", "27/02/2027", "", "hier", "31/02/2026"])
def test_the_others_are_refused_with_a_sentence(text):
    with pytest.raises(Refused, match=r"\.$"):
        cover.day_of_care(text, TODAY)


@given(st.text(max_size=12) | st.dates().map(lambda day: f"{day:%d/%m/%Y}"))
def test_whatever_is_typed_a_day_or_a_sentence(text):
    try:
        day = cover.day_of_care(text, TODAY)
    except Refused:
        return
    assert dates.months_before(TODAY, cover.MONTHS_BACK) <= day <= dates.months_after(TODAY, cover.MONTHS_AHEAD)

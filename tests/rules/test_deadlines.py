"""Days on which people work, the clock of a complaint, and what a refusal must say."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.rules import Refused, deadlines, threads

DAYS = st.dates(date(2020, 1, 1), date(2040, 12, 31))
OMBUDSMAN = "Médiateur d’exemple, 1 rue du Puits, 39000 Lons, mediateur.example"


@pytest.mark.parametrize(
    ("day", "count", "workable", "working"),
    [
        (date(2026, 12, 21), 10, date(2027, 1, 4), date(2027, 1, 6)),  # Christmas and New Year
        (date(2026, 5, 7), 1, date(2026, 5, 9), date(2026, 5, 11)),  # 8 May, a Friday
        (date(2026, 4, 3), 1, date(2026, 4, 4), date(2026, 4, 7)),  # Easter Monday
        (date(2026, 11, 26), 0, date(2026, 11, 26), date(2026, 11, 26)),
    ],
)
def test_days_are_counted_with_the_holidays(day, count, workable, working):
    assert deadlines.workable_days_after(day, count) == workable
    assert deadlines.working_days_after(day, count) == working


@given(DAYS, st.integers(1, 40))
def test_a_deadline_is_a_day_of_work_and_later_with_more_days(day, count):
    due = deadlines.working_days_after(day, count)
    assert due.weekday() < 5
    assert not deadlines.is_holiday(due)
    assert day + timedelta(days=count) <= deadlines.workable_days_after(day, count) <= due
    assert due < deadlines.working_days_after(day, count + 1)


@pytest.mark.parametrize(
    ("sent", "acknowledge", "answer"),
    [
        (date(2026, 11, 26), date(2026, 12, 8), date(2027, 1, 26)),
        (date(2026, 12, 31), date(2027, 1, 13), date(2027, 2, 28)),
        (date(2027, 12, 31), date(2028, 1, 13), date(2028, 2, 29)),
    ],
)
def test_a_complaint_is_acknowledged_and_answered_in_time(sent, acknowledge, answer):
    assert deadlines.of_complaint(sent) == (acknowledge, answer)


@pytest.mark.parametrize("complainant", threads.COMPLAINANTS)
def test_a_refusal_says_the_recourse_and_who_may_go_to_the_ombudsman(complainant):
    said = threads.recourse(complainant, OMBUDSMAN)
    assert OMBUDSMAN in said
    assert "nouvel examen" in said
    assert ("ne peut être saisi que par un adhérent" in said) == (complainant == threads.COMPANY)


def test_the_mutual_says_its_own_days():
    assert threads.days_of("CARD=1, CONTRACT=15") == {"CARD": 1, "CONTRACT": 15}
    assert threads.days_of("") == {}


@pytest.mark.parametrize("text", ["CARDS=1", "CARD", "CARD=0", "CARD=61", "CARD=un", "CARD=²"])
def test_days_that_are_wrong_are_said(text):
    with pytest.raises(Refused, match="jours ouvrés"):
        threads.days_of(text)

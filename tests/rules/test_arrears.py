"""The days that the law leaves to who owes contributions."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from portal.rules.arrears import Steps, steps

DAYS = st.dates(date(2020, 1, 1), date(2090, 1, 1))


def test_ten_days_then_thirty_then_ten():
    assert steps(date(2026, 9, 30), None, False) == Steps(date(2026, 10, 11))
    found = steps(date(2026, 9, 30), date(2026, 10, 15), False)
    assert (found.suspension_from, found.termination_from) == (date(2026, 11, 14), date(2026, 11, 24))


@given(DAYS, DAYS)
def test_a_scheme_that_a_branch_imposes_is_never_suspended_nor_ended(due_on, notice_on):
    found = steps(due_on, notice_on, True)
    assert found.suspension_from is None and found.termination_from is None


@given(DAYS, st.integers(0, 400))
def test_nothing_comes_earlier_than_the_step_before(due_on, later):
    notice_on = steps(due_on, None, False).notice_from + timedelta(days=later)
    found = steps(due_on, notice_on, False)
    assert due_on + timedelta(days=10) < found.notice_from <= notice_on
    assert found.suspension_from - notice_on == timedelta(days=30)
    assert found.termination_from > found.suspension_from

"""Arrears of contributions: what the law lets the mutual do, and from which day (Code de la mutualité, L221-8)."""

from dataclasses import dataclass
from datetime import date, timedelta

PAID_WITHIN = timedelta(days=10)  # of the due date: on the day after, the mutual may give formal notice
NOTICE_RUNS = timedelta(days=30)  # before cover may be suspended
THEN = timedelta(days=10)  # of suspension, before the contract may be terminated


@dataclass(frozen=True)
class Steps:
    """The first day of each step; none where the law allows it not, or before there was a notice."""

    notice_from: date
    suspension_from: date | None = None
    termination_from: date | None = None


def steps(due_on: date, notice_on: date | None, is_branch_mandated: bool) -> Steps:
    """Of the oldest contribution that is not paid; `notice_on`: the day of the formal notice.

    Where a branch agreement imposes the scheme there is neither suspension nor termination (L221-8, III): the employer
    owes late charges, or goes to court.
    """
    notice_from = due_on + PAID_WITHIN + timedelta(days=1)
    if notice_on is None or is_branch_mandated:
        return Steps(notice_from)
    suspension_from = notice_on + NOTICE_RUNS
    return Steps(notice_from, suspension_from, suspension_from + THEN)

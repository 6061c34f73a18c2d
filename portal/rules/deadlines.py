"""Deadlines: days on which people work in France, the clock of a complaint, and days in which an answer is promised.

Sources: recommendation 2024-R-02 of the ACPR (acknowledged within 10 « jours ouvrables » of the sending, answered
within two months of it); « jours ouvrables »: every day but Sundays and holidays; « jours ouvrés »: Monday to Friday.
"""

from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from portal.rules.dates import months_after

SATURDAY, SUNDAY = 5, 6
DAYS_TO_ACKNOWLEDGE = 10
MONTHS_TO_ANSWER = 2
SOON = 3  # days before a deadline, when it is worth a mark


@lru_cache
def holidays_of(year: int) -> frozenset[date]:
    """The eleven legal holidays of metropolitan France, without those of Alsace and Moselle."""
    from holidays import France  # it takes a tenth of a second, which most starts can do without

    return frozenset(France(years=year))


def is_holiday(day: date) -> bool:
    return day in holidays_of(day.year)


def workable_days_after(day: date, count: int) -> date:
    """The last of so many « jours ouvrables », of which the first is the day after: Monday to Saturday."""
    return _after(day, count, {SUNDAY})


def working_days_after(day: date, count: int) -> date:
    """The last of so many « jours ouvrés », of which the first is the day after: Monday to Friday."""
    return _after(day, count, {SATURDAY, SUNDAY})


def _after(day: date, count: int, idle: set[int]) -> date:
    while count:
        day += timedelta(days=1)
        count -= day.weekday() not in idle and not is_holiday(day)
    return day


class Clock(NamedTuple):
    """Until when a complaint is acknowledged, and answered."""

    acknowledge_by: date
    answer_by: date


def of_complaint(sent_on: date) -> Clock:
    """Counted from its sending, which is the stricter of the two readings; a last day that is a holiday stays."""
    return Clock(workable_days_after(sent_on, DAYS_TO_ACKNOWLEDGE), months_after(sent_on, MONTHS_TO_ANSWER))


def days_left(due_on: date, today: date) -> int:
    return (due_on - today).days

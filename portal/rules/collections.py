"""Direct debits: the day on which a statement is collected, whether it still may be, and the sequence type."""

from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache

from portal.rules.calls import NOTICE

FIRST, RECURRENT = "FRST", "RCUR"
AHEAD = 1  # banking days at least between the file and the collection (EPC130-08, 4.3.4: D-1)


@cache
def closed(year: int) -> frozenset[date]:
    """The days of a year on which TARGET settles nothing, beside Saturdays and Sundays."""
    import holidays  # noqa: PLC0415  slow to import, and few pages need it

    return frozenset(holidays.financial_holidays("ECB", years=year))


def is_banking_day(day: date) -> bool:
    return day.weekday() < 5 and day not in closed(day.year)


def banking_day(day: date) -> date:
    """That day, or the next on which banks settle: never before what was announced."""
    while not is_banking_day(day):
        day += timedelta(days=1)
    return day


def banking_days_after(day: date, count: int) -> date:
    for _ in range(count):
        day = banking_day(day + timedelta(days=1))
    return day


def collection_day(issued_on: date, due_on: date, today: date) -> date | None:
    """When a statement is debited: its due date, which it announced, or the next banking day.

    None when that cannot be any more: too little time is left for the bank, or the statement announced it less than
    fourteen days before (EPC016-06, 5.7.1); what is not debited on its day is paid otherwise, or announced again.
    """
    day = banking_day(due_on)
    in_time = day >= banking_days_after(today, AHEAD)
    return day if in_time and due_on - issued_on >= timedelta(days=NOTICE) else None


def sequence_types(was_used: Iterable[bool]) -> list[str]:
    """Of debits by one mandate in their order: the first ever is FRST, the others RCUR."""
    used, found = False, []
    for before in was_used:
        used = used or before
        found.append(RECURRENT if used else FIRST)
        used = True
    return found

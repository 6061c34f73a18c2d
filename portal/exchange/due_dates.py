"""Due dates of contributions as a calendar (RFC 5545): an event a day, which clients know again by its UID."""

import uuid
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from icalendar import Calendar, Event, vDuration

from portal.formats import SPACE, date_fr, euros, plural
from portal.models import ContributionStatement, GroupContract, Plan

BEFORE = timedelta(days=366)  # how long a due date that is over stays
MOST_TOLD = 12  # statements of one day
EVERY = timedelta(hours=12)  # how often clients are asked to look again


class Called(NamedTuple):
    """What a statement says here: nobody’s name."""

    due_on: date
    issued_on: date
    number: str
    contract: str
    product: str
    total: int
    settled: int


def calendar(statements: Any, name: str, key: str, url: str, now: datetime, today: date) -> bytes:
    """The file of a query of statements. `key`: of whom these are, the same each time; `url`: where they are shown."""
    found = Calendar()
    found.add("prodid", f"-//{url}//Échéancier//FR")
    found.add("version", "2.0")
    found.add("x-wr-calname", name)
    found.add("refresh-interval", EVERY, parameters={"value": "DURATION"})
    found.add("x-published-ttl", vDuration(EVERY))  # « PT12H », which the library writes of the names that it knows
    for day, rows in groupby(called(statements, today), key=attrgetter("due_on")):
        found.add_component(event(day, list(rows), uuid.uuid5(uuid.NAMESPACE_URL, f"{key}/{day}"), url, now, today))
    return found.to_ical()


def called(statements: Any, today: date) -> Iterator[Called]:
    """Those of a year ago and since, by due date; credit notes are due by nobody."""
    row = ContributionStatement
    columns = (row.due_on, row.issued_on, row.number, GroupContract.number, Plan.label, row.total, row.settled)
    joined = statements.select(*columns).join(GroupContract).switch(row).join(Plan)
    since = joined.where(row.due_on >= today - BEFORE, row.total > 0).order_by(row.due_on, row.number)
    return map(Called._make, since.tuples().iterator())


def event(day: date, rows: list[Called], uid: uuid.UUID, url: str, now: datetime, today: date) -> Event:
    found = Event()
    found.add("uid", str(uid))
    found.add("dtstamp", now)
    found.add("dtstart", day)
    found.add("dtend", day + timedelta(days=1))
    found.add("summary", summary(day, rows, today))
    found.add("description", "\n".join(told(rows, today)))
    found.add("url", url)
    found.add("transp", "TRANSPARENT")
    found.add("status", "TENTATIVE" if all(row.issued_on > today for row in rows) else "CONFIRMED")
    return found


def summary(day: date, rows: list[Called], today: date) -> str:
    """« Cotisations à régler : 1 410,00 € »"""
    total, rest = sum(row.total for row in rows), sum(row.total - row.settled for row in rows)
    if not rest:
        return f"Cotisations réglées{SPACE}: {euros(total)}"
    if all(row.issued_on > today for row in rows):
        return f"Cotisations annoncées{SPACE}: {euros(rest)}"
    return f"Cotisations {'en retard' if day < today else 'à régler'}{SPACE}: {euros(rest)}"


def told(rows: list[Called], today: date) -> Iterable[str]:
    for row in rows[:MOST_TOLD]:
        rest = row.total - row.settled
        state = "réglé" if not rest else f"reste {euros(rest)}" if row.settled else f"émis le {date_fr(row.issued_on)}"
        state = "annoncé" if row.issued_on > today else state
        yield f"{row.number}, {row.product}, contrat {row.contract}{SPACE}: {euros(row.total)} ({state})"
    if len(rows) > MOST_TOLD:
        yield f"… et {plural(len(rows) - MOST_TOLD, 'autre bordereau', 'autres bordereaux')}."

"""When a statement is issued and due, which periods are called, where somebody was covered, and what to correct."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from portal.rules.contributions import Days, next_period, period
from portal.rules.dates import month_end, months_after, months_before

ARREARS, ADVANCE = "ARREARS", "ADVANCE"
TERMS = {ARREARS: "À terme échu", ADVANCE: "À échoir"}
ISSUED, DUE = 15, 10  # days of the month
NOTICE = 14  # days at least between a statement and its due date: it tells of a direct debit too
LATEST = timedelta(days=45)  # a period that ended longer ago is not called any more by itself


def issue_day(term: str, start: date, end: date) -> date:
    """The 15th of its last month, or of the month before it."""
    return (month_end(end) if term == ARREARS else months_before(start, 1)).replace(day=ISSUED)


def due_day(term: str, start: date, end: date, issued_on: date) -> date:
    """The 10th of the month that follows, or of its first; fourteen days after it is issued at least."""
    day = months_after(end.replace(day=1), 1) if term == ARREARS else start
    return max(day.replace(day=DUE), issued_on + timedelta(days=NOTICE))


def periods_to_call(frequency: str, tariffs: Sequence[Any], today: date) -> list[tuple[date, date]]:
    """Those whose day has come: `tariffs` in order, each with valid_from, term and called_by_portal."""
    start, end = period(frequency, today - LATEST)
    found = []
    while start <= months_after(today, 14):
        known = [one for one in tariffs if one.valid_from <= start]
        if known and known[-1].called_by_portal and issue_day(known[-1].term, start, end) <= today <= end + LATEST:
            found.append((start, end))
        start, end = next_period(start, end)
    return found


# ── Where somebody was covered ───────────────────────────────────────────────────────────────────────────────────


class Stay(NamedTuple):
    """Somebody in a contract, from a day to a day."""

    contract: int
    starts_on: date
    ends_on: date | None

    def touches(self, start: date, end: date) -> bool:
        return self.starts_on <= end and (self.ends_on is None or self.ends_on >= start)


class Move(NamedTuple):
    """A change of contract, or a return: the day, and what it replaced (`before`, as movements keep it)."""

    is_return: bool
    day: date
    before: Mapping[str, Any]


def stays_of(current: Stay, moves: Iterable[Move]) -> list[Stay]:
    """Where somebody was, the latest first, from where they are and what moved them, the latest first."""
    stays, (contract, starts_on, ends_on) = [], current
    for move in moves:
        stays.append(Stay(contract, max(starts_on, move.day), ends_on))
        contract = move.before.get("contract") or contract
        if move.is_return:
            starts_on = day_of(move.before.get("effective_on")) or move.day
            ends_on = day_of(move.before.get("terminated_on"))
        else:  # who turns out to have left before they moved stays gone
            ends_on = min(ends_on or move.day, move.day - timedelta(days=1))
    stays.append(Stay(contract, starts_on, ends_on))
    return [stay for stay in stays if stay.ends_on is None or stay.ends_on >= stay.starts_on]


def days_due(stays: Sequence[Stay], contract: int, is_whole: Callable[[int, date], bool]) -> tuple[Days, ...]:
    """The days that a contract calls of somebody, the latest first.

    `is_whole`: whether a contract calls the whole of a month that is started. Who goes from one such contract to
    another in the middle of a month owes that month once, where they were on its first day.
    """
    found = []
    for stay, before in zip(stays, [*stays, None][1:], strict=True):
        if stay.contract != contract:
            continue
        start, ends_on = stay.starts_on, stay.ends_on
        follows = before is not None and start.day > 1 and before.ends_on == start - timedelta(days=1)
        if before and follows and all(is_whole(one.contract, start) for one in (before, stay)):
            start = months_after(start.replace(day=1), 1)
        if ends_on is None or start <= ends_on:
            found.append((start, ends_on))
    return tuple(found)


def day_of(iso: str | None) -> date | None:
    return date.fromisoformat(iso) if iso else None


# ── What was wrong ───────────────────────────────────────────────────────────────────────────────────────────────

Parts = tuple[int, int]  # employer’s, employee’s, in cents


class Correction(NamedTuple):
    member: str
    employer: int
    employee: int


def fingerprint(called: Mapping[Parts, Iterable[str]]) -> str:
    """Who is called what, as 64 characters that differ when anything of it does: parts → member numbers."""
    ordered = sorted((parts, sorted(members)) for parts, members in called.items() if any(parts))
    return sha256(repr(ordered).encode()).hexdigest()


def corrections(wanted: Mapping[str, Parts], called: Mapping[str, Parts]) -> list[Correction]:
    """What is to be called more, or given back, by member number."""
    found = []
    for member in [*wanted, *(one for one in called if one not in wanted)]:
        new, old = wanted.get(member, (0, 0)), called.get(member, (0, 0))
        if new != old:
            found.append(Correction(member, new[0] - old[0], new[1] - old[1]))
    return found

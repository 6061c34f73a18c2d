"""The mutual's figures over 24 months: volumes, delays kept, satisfaction; by month in Paris."""

import statistics
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, time

from portal import clock
from portal.history import union
from portal.models import (
    Case,
    Enrolment,
    MessageThread,
    Movement,
    Registration,
    SupportingDocument,
    ThreadMessage,
    ThreadRound,
    ThreadState,
    User,
    Value,
    db,
    fn,
)
from portal.prepared import written_once
from portal.rules import deadlines, threads
from portal.rules.dates import months_before

MONTHS = 24
VOLUMES = ("movements", "enrolments", "proofs", "requests", "complaints", "registrations")
ANSWERS = ("", ThreadState.TREATED, ThreadState.CLOSED)  # events of a thread that answer it


@dataclass
class Month:
    """What happened in a month; None where nothing is known. Shares in percent, of what was answered in it."""

    first: date
    volumes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(VOLUMES, 0))
    kept: dict[str, int | None] = field(default_factory=dict)
    days: dict[str, int | float | None] = field(default_factory=dict)
    satisfaction: float | None = None
    ratings: int = 0


def months(user, today, promised):
    """The 24 months that end with this one, the oldest first; three statements. `promised`: {nature: working days}."""
    firsts = [months_before(today.replace(day=1), back) for back in range(MONTHS - 1, -1, -1)]
    starts = [clock.instant(first, time()) for first in firsts]
    found = [Month(first) for first in firsts]
    for name, place, count in volumes(*starts, role=user.role):
        found[place].volumes[name] = count
    for place, average, count in ratings(*starts, role=user.role):
        found[place].satisfaction, found[place].ratings = round(float(average), 1), count
    for (place, kind), answers in answered(user, starts, promised).items():
        found[place].kept[kind] = round(100 * sum(in_time for in_time, _ in answers) / len(answers))
        found[place].days[kind] = statistics.median(days for _, days in answers)
    return found


def month_of(at, starts):
    """The place of the month of an instant, as an expression: the last months, which hold the most, are tried first."""
    return Case(None, [(at >= start, place) for place, start in reversed(list(enumerate(starts)))])


@written_once(db)
def volumes(*starts, role):
    """(volume, month, how many), in one statement."""
    user = User(role=role)  # of the mutual's staff, each sees every row
    kinds = user.threads()
    every = {
        "movements": (user.movements(), Movement.created_at),
        "enrolments": (user.enrolments(), Enrolment.submitted_at),
        "proofs": (user.supporting_documents(), SupportingDocument.received_at),
        "requests": (kinds.where(MessageThread.kind == threads.REQUEST), MessageThread.created_at),
        "complaints": (kinds.where(MessageThread.kind == threads.COMPLAINT), MessageThread.created_at),
        "registrations": (user.registrations(), Registration.sent_at),
    }
    return union([by_month(name, *parts, starts) for name, parts in every.items()]).tuples()


def by_month(name, query, at, starts):
    month = month_of(at, starts).alias("month")
    dated = query.where(at >= starts[0]).select(month).alias(name)
    counted = dated.select_from(Value(name), dated.c.month, fn.COUNT(dated.c.month))
    return counted.group_by(dated.c.month)


@written_once(db)
def ratings(*starts, role):
    """(month, average, how many) of what was rated."""
    every = ThreadRound.rated(User(role=role).threads(), "rated_at", "rating").alias("every")
    month = month_of(every.c.rated_at, starts).alias("month")
    rated = every.select_from(month, every.c.rating).where(every.c.rated_at >= starts[0]).alias("rated")
    found = rated.select_from(rated.c.month, fn.AVG(rated.c.rating), fn.COUNT(rated.c.rating))
    return found.group_by(rated.c.month).tuples()


def answered(user, starts, promised):
    """{(month, kind): [(in time, days)]} of the first answers that the mutual gave."""
    due, answers = {}, defaultdict(list)
    for row in first_answers(starts[0], role=user.role):
        sent, on = clock.day_of(row.created_at), clock.day_of(instant(row.first))
        wanted = day(row.of_first) or row.answer_by or due_on(due, sent, row.nature, promised)
        place = bisect_right(starts, instant(row.first)) - 1
        answers[place, row.kind].append((on <= wanted, (on - sent).days))
    return answers


@written_once(db)
def first_answers(since, *, role):
    """Threads whose first answer of the mutual's came since then, with its instant."""
    written = ThreadMessage.by_staff & ~ThreadMessage.internal & ThreadMessage.event.in_(ANSWERS)
    first = fn.MIN(ThreadMessage.created_at).alias("first")
    of_first = ThreadRound.select(fn.MIN(ThreadRound.answer_by)).where(ThreadRound.thread == MessageThread.id)
    columns = MessageThread.kind, MessageThread.nature, MessageThread.created_at, MessageThread.answer_by
    found = User(role=role).threads().select(*columns, first, of_first.alias("of_first"))
    found = found.join(ThreadMessage, on=(ThreadMessage.thread == MessageThread.id)).where(written)
    having = fn.MIN(ThreadMessage.created_at) >= since
    return found.group_by(MessageThread.id, *columns).having(having).namedtuples()


def due_on(known, sent, nature, promised):
    """The promised day of a request; each day and delay is counted once."""
    key = sent, promised.get(nature, threads.ALL[nature].days)
    if key not in known:
        known[key] = deadlines.working_days_after(*key)
    return known[key]


def day(found):
    return date.fromisoformat(found) if isinstance(found, str) else found


def instant(found):
    """SQLite gives the least of instants as it keeps them."""
    return type(clock.now()).fromisoformat(found) if isinstance(found, str) else found

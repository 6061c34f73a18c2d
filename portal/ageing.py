"""Enrolments as days pass: drafts that are announced, then forgotten; reminders of who is still to be added."""

import datetime

from portal import clock, database
from portal.models import (
    AuditEvent,
    Beneficiary,
    EmployeeCategory,
    Enrolment,
    EnrolmentState,
    Movement,
    MovementState,
    User,
    db,
)
from portal.readers import tell_readers
from portal.rules.affiliations import reminder_repeated
from portal.rules.retention import TERMS

AT_ONCE = 500  # in one transaction
LIST = "/adhesion"


def each_day(now):
    """Say what will go, forget what was said, remind of what is due."""
    while warn(now) or remind(now) or forget(now):
        pass
    strip(now)


def before(now, days):
    return now - datetime.timedelta(days=days)


def with_readers(query):
    """The same enrolments, with whom it takes to know who is told."""
    return query.join(User).switch(Enrolment).join(EmployeeCategory).switch(Enrolment)


def page_of(enrolment):
    return f"{LIST}/{enrolment.public_id}"


# ── Drafts ───────────────────────────────────────────────────────────────────────────────────────────────────────


def warn(now):
    """Tell who began them that drafts will go, once each; how many. A draft that changes has its time again."""
    soon = before(now, Enrolment.DAYS - Enrolment.WARNED)
    old = Enrolment.select(Enrolment, User, EmployeeCategory).where(
        Enrolment.state.in_(Enrolment.OPEN), Enrolment.updated_at <= soon, Enrolment.warned_at.is_null()
    )
    with db.atomic():
        drafts = list(with_readers(old).order_by(Enrolment.id).limit(AT_ONCE))
        for row in drafts:
            row.warned_at = now
            row.save(only=[Enrolment.warned_at])
        days = {row.kept_until for row in drafts}
        for day in sorted(days):
            some = [row for row in drafts if row.kept_until == day]
            tell_readers(some, "drafts_ending", LIST, now, page_of, until=day)
    return len(drafts)


def forget(now):
    """Delete drafts that nobody changed for so long, none before it was announced, and what was put away; how many."""
    old = Enrolment.updated_at <= before(now, Enrolment.DAYS)
    announced = Enrolment.warned_at <= before(now, Enrolment.WARNED)
    put_away = Enrolment.updated_at <= before(now, Enrolment.DAYS_DISCARDED)
    gone = (
        (Enrolment.state.in_(Enrolment.OPEN) & old & announced)
        | ((Enrolment.state == EnrolmentState.DISCARDED) & put_away)
        | ((Enrolment.state == EnrolmentState.DECLINED) & old)
    )
    with db.atomic():
        rows = list(database.locked(db, Enrolment.select().where(gone).order_by(Enrolment.id).limit(AT_ONCE)))
        for row in rows:
            AuditEvent.write("enrolment.forget", on=row, account=row.account_id, after={"state": row.state}, now=now)
        Enrolment.delete().where(Enrolment.id.in_([row.id for row in rows])).execute()
    return len(rows)


def forget_all(now):
    """Every draft that is due to be forgotten, batch after batch; how many."""
    return sum(iter(lambda: forget(now), 0))


def strip(now):
    """Forget the answers of what the mutual has processed for so long: the people stand elsewhere; how many."""
    settled = Movement.select(Movement.id).where(
        Movement.state == MovementState.PROCESSED, Movement.settled_at <= before(now, TERMS["enrolment_answers"].days)
    )
    whole = Enrolment.update(answers=b"").where(
        Enrolment.state == EnrolmentState.SUBMITTED, Enrolment.answers != b"", Enrolment.movement.in_(settled)
    )
    return whole.execute()


# ── Who is still to be added ─────────────────────────────────────────────────────────────────────────────────────


def remind(now):
    """Remind HR of the spouses and children of people who are covered, on the day that was chosen; how many."""
    today = clock.day_of(now)
    due = (
        with_readers(Enrolment.select(Enrolment, User, EmployeeCategory))
        .join(Movement)
        .join(Beneficiary)
        .where(
            Enrolment.state == EnrolmentState.SUBMITTED,
            Enrolment.spouse_awaited | Enrolment.children_awaited,
            Enrolment.awaited_until <= today,
            Beneficiary.active_on(today),
        )
    )
    with db.atomic():
        rows = list(due.order_by(Enrolment.id).limit(AT_ONCE))
        for row in rows:
            row.awaited_until = reminder_repeated(today)
            row.save(only=[Enrolment.awaited_until])
        tell_readers(rows, "dependents_awaited", LIST, now, page_of)
    return len(rows)

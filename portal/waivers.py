"""Waivers (« dispenses d'affiliation »): asked, decided, proved again, ended; who is reminded, and when."""

import datetime

from portal import clock, outbox, proofs, transitions
from portal.models import (
    AuditEvent,
    DocumentRequest,
    Enrolment,
    EnrolmentState,
    MessageKind,
    Outdated,
    RequestState,
    Waiver,
    WaiverState,
    db,
)
from portal.readers import can_read, in_the_morning, letter, readers_of, tell_readers
from portal.rules import waivers as rules

PERSON = ("title", "birth_name", "used_name", "first_name", "birth_date", "employee_number", "email", "mobile")
AT_ONCE = 500  # in one transaction


# ── Asked ────────────────────────────────────────────────────────────────────────────────────────────────────────


def record(category, person, asked, by, now, form_key=None, enrolment=None):
    """A waiver that HR has on paper: in force. `person`: the columns of PERSON; `asked`: a rules.waivers.Asked."""
    with db.atomic():
        waiver = draw(category, person, asked, now, enrolment)
        waiver.author, waiver.form_key = by, form_key
        begin(waiver, now)
        move(enrolment, Enrolment.OPEN, EnrolmentState.DECLINED, now)
    return waiver


def request(enrolment, person, asked, signed_name, now, form_key=None):
    """A waiver that the employee asks for, and signs by name, instead of the enrolment: HR is told, and decides."""
    with db.atomic():
        waiver = draw(enrolment.category, person, asked, now, enrolment)
        waiver.state, waiver.signed_name, waiver.form_key = WaiverState.REQUESTED, signed_name, form_key
        waiver.keep()
        await_proof(waiver, waiver.effect_on.year, now)
        move(enrolment, Enrolment.OPEN, EnrolmentState.DECLINED, now)
        AuditEvent.write("waiver.request", on=waiver, account=waiver.account_id, after=told_of(waiver), now=now)
        readers = [enrolment.author] if can_read(enrolment.author, waiver.category_id) else readers_of(waiver)
        link = f"/dispenses/{waiver.public_id}"
        outbox.write_many([letter(user, "waiver_requested", now, waiver, link=link) for user in readers])
    return waiver


def draw(category, person, asked, now, enrolment=None):
    """A waiver that is not written yet."""
    waiver = Waiver(account=category.account_id, category=category, enrolment=enrolment, created_at=now)
    for name, value in ({name: person.get(name, "") for name in PERSON} | asked._asdict()).items():
        setattr(waiver, name, value)
    return waiver


def begin(waiver, now):
    """In force from here on, and its proof awaited."""
    case = rules.CASES[waiver.reason]
    waiver.state, waiver.review_due_on = WaiverState.IN_FORCE, rules.first_review(case, waiver.effect_on)
    waiver.keep()
    if not waiver.proved_on:
        await_proof(waiver, waiver.effect_on.year, now)
    if waiver.valid_until and waiver.valid_until < clock.day_of(now):  # recorded for the file of an inspection
        close(waiver, waiver.valid_until, now)


def await_proof(waiver, year, now, due_on=None):
    """Have the proof among the supporting documents that are awaited, once a year."""
    proof = rules.CASES[waiver.reason].proof
    if proof:
        proofs.ask_for_waiver(waiver, proof, now, campaign=f"Dispenses {year}", due_on=due_on)


def move(enrolment, before, after, now):
    """What the waiver makes of the enrolment that it stands for."""
    if enrolment is not None:
        moved = Enrolment.update(state=after, updated_at=now)
        moved.where(Enrolment.id == enrolment.id, Enrolment.state.in_(before)).execute()


def told_of(waiver):
    """What the audit trail keeps of a waiver."""
    kept = waiver.asked._asdict() | {"state": waiver.state, "review_due_on": waiver.review_due_on}
    return {name: value.isoformat() if isinstance(value, datetime.date) else value for name, value in kept.items()}


# ── Decided ──────────────────────────────────────────────────────────────────────────────────────────────────────


def accept(waiver, now, version):
    """HR says yes to what the employee asked for; raises Outdated."""
    with db.atomic():
        row = held(waiver, version, WaiverState.REQUESTED)
        begin(row, now)
        tell_employee(row, "waiver_accepted", now)
    return row


def refuse(waiver, why, now, version):
    """HR says no: the employee must be affiliated, and the enrolment is a draft again; raises Outdated."""
    with db.atomic():
        row = held(waiver, version, WaiverState.REQUESTED)
        row.state, row.remark = WaiverState.REFUSED, why
        row.keep()
        cancel_requests(row, now)
        move(row.enrolment, [EnrolmentState.DECLINED], EnrolmentState.DRAFT, now)
        tell_employee(row, "waiver_refused", now)
    return row


def amend(waiver, category, person, asked, now, version):
    """Correct what was typed; raises Outdated."""
    with db.atomic():
        row = held(waiver, version, *Waiver.OPEN)
        moved = (row.reason, row.effect_on) != (asked.reason, asked.effect_on)
        row.category = category
        for name, value in (person | asked._asdict()).items():
            setattr(row, name, value)
        if moved and row.state == WaiverState.IN_FORCE:
            row.review_due_on = rules.first_review(rules.CASES[row.reason], row.effect_on)
        row.keep()
        if moved:
            cancel_requests(row, now)
            await_proof(row, row.effect_on.year, now)
    return row


def held(waiver, version, *states):
    """This waiver, held, in one of these states; raises Outdated."""
    row = waiver.hold(version)
    if row.state not in states:
        raise Outdated(row)
    return row


# ── Proved again, ended ──────────────────────────────────────────────────────────────────────────────────────────


def prove(waiver, now):
    """A proof has come: nothing is awaited any more, and a yearly review that was near is done."""
    with db.atomic():
        row = waiver.hold(waiver.version)
        today = clock.day_of(now)
        row.proved_on = today
        if row.review_due_on and today >= reminded_from(row.review_due_on):
            renew_review(row, today)
        row.keep()
        DocumentRequest.update(state=RequestState.ACCEPTED, received_at=now, settled_at=now).where(
            DocumentRequest.waiver == row, DocumentRequest.state.in_(UNSETTLED)
        ).execute()
    return row


def keep_proof(waiver, files, by, now):
    """Keep the files that prove a waiver, on what awaited them; raises Outdated when nothing does.

    One that is over awaits nothing any more, and keeps its proof all the same: an inspection looks back for years.
    """
    states = (*DocumentRequest.OPEN, *([RequestState.CANCELLED] if waiver.state == WaiverState.ENDED else []))
    asked = DocumentRequest.select().where(DocumentRequest.waiver == waiver, DocumentRequest.state.in_(states))
    with db.atomic():
        row = asked.order_by(DocumentRequest.id.desc()).first()
        if row is None:
            raise Outdated(None)
        if row.state == RequestState.CANCELLED:
            transitions.change(row.hold(), RequestState.AWAITED, settled_at=None)
        proofs.receive(row, files, by, now)
        proofs.note(row, "ACCEPTED", "")
        return prove(waiver, now)


def proof_asked(waiver):
    """What is, or was last, awaited to prove a waiver; None where nothing was."""
    return DocumentRequest.select().where(DocumentRequest.waiver == waiver).order_by(DocumentRequest.id.desc()).first()


def being_examined(waivers):
    """The ids of those, among these, whose proof came and is not decided."""
    came = DocumentRequest.state == RequestState.RECEIVED, DocumentRequest.waiver.in_([row.id for row in waivers])
    return {row.waiver_id for row in DocumentRequest.select(DocumentRequest.waiver).where(*came)}


UNSETTLED = (RequestState.AWAITED, RequestState.REFUSED, RequestState.RECEIVED)


def renew_review(row, today):
    case = rules.CASES[row.reason]
    row.reviewed_on, row.reminded_at = today, None
    row.review_due_on = rules.next_review(case, row.review_due_on, today)


def renew(waiver, until, now, version):
    """Prolong it: until a later day, or for one more year where it is proved each year; raises Outdated."""
    with db.atomic():
        row = held(waiver, version, WaiverState.IN_FORCE)
        row.reminded_at = None
        if row.review_due_on:
            renew_review(row, clock.day_of(now))
        else:
            row.valid_until, row.reviewed_on = until, clock.day_of(now)
        row.keep()
    return row


def end(waiver, on, why, now, version):
    """The last day of a waiver, which HR says: the employee must be affiliated from the next one; raises Outdated."""
    with db.atomic():
        row = held(waiver, version, WaiverState.IN_FORCE)
        row.remark = why
        if on >= clock.day_of(now):  # to come: the worker ends it
            row.valid_until, row.review_due_on = on, None
            row.keep()
            cancel_requests(row, now)
        else:
            close(row, on, now)
    return row


def close(row, on, now):
    row.state, row.ended_on, row.review_due_on = WaiverState.ENDED, on, None
    row.keep()
    cancel_requests(row, now)


def cancel_requests(row, now):
    """Nothing is awaited of who is affiliated after all."""
    awaited = DocumentRequest.waiver == row, DocumentRequest.state.in_(UNSETTLED)
    DocumentRequest.update(state=RequestState.CANCELLED, settled_at=now).where(*awaited).execute()


def end_of_people(account_id, people, now):
    """End the waivers of people who are affiliated: how many. In the transaction of the affiliation.

    `people`: their `birth_name`, `used_name`, `first_name`, `birth_date` and `effective_on`.
    """
    waived = list(Waiver.select().where(Waiver.account == account_id, Waiver.state == WaiverState.IN_FORCE))
    if not waived:
        return 0
    covered_on = {mark_of(**person): person["effective_on"] for person in people}
    ended = [row for row in waived if (row.birth_date, row.name_key) in covered_on]
    for row in ended:
        last_day = covered_on[row.birth_date, row.name_key] - datetime.timedelta(days=1)
        row.remark = "Affilié depuis."
        close(row, max(row.effect_on, last_day), now)
        AuditEvent.write("waiver.end", on=row, account=row.account_id, after=told_of(row), now=now)
    return len(ended)


def mark_of(birth_name, used_name, first_name, birth_date, **others):
    """What tells a person from others of the account."""
    return birth_date, Waiver(birth_name=birth_name, used_name=used_name, first_name=first_name).sorted_by


# ── What the worker does each day ────────────────────────────────────────────────────────────────────────────────


def each_day(now):
    """End what is over, and remind of what is due."""
    while end_due(now) or remind(now):
        pass


def end_due(now):
    """End the waivers whose last day has passed, and tell HR that these people must be affiliated; how many."""
    today = clock.day_of(now)
    due = Waiver.select().where(Waiver.state == WaiverState.IN_FORCE, Waiver.valid_until < today)
    with db.atomic():
        ended = list(due.order_by(Waiver.id).limit(AT_ONCE))
        for row in ended:
            close(row, row.valid_until, now)
            AuditEvent.write("waiver.end", on=row, account=row.account_id, after=told_of(row), now=now)
        tell_readers(ended, "waivers_ended", "/dispenses?etat=terminee&tri=-echeance", now)
    return len(ended)


def reminded_from(due_on):
    return due_on - datetime.timedelta(days=rules.DAYS_BEFORE)


def remind(now):
    """Remind HR, and the employees who can be reached, of what is due within a month, once for each; how many."""
    soon = clock.day_of(now) + datetime.timedelta(days=rules.DAYS_BEFORE)
    due = Waiver.select().where(
        Waiver.state == WaiverState.IN_FORCE, Waiver.due_on <= soon, Waiver.reminded_at.is_null()
    )
    with db.atomic():
        near = list(due.order_by(Waiver.due_on, Waiver.id).limit(AT_ONCE))
        for row in near:
            row.reminded_at = now
            row.save(only=[Waiver.reminded_at])
            if row.review_due_on:  # last year’s proof proves nothing of this one
                await_proof(row, row.review_due_on.year, now, due_on=row.review_due_on)
            tell_employee(row, "waiver_review" if row.review_due_on else "waiver_ending", now)
        tell_readers(near, "waivers_due", "/dispenses?a=renouveler", now)
    return len(near)


# ── Who is told ──────────────────────────────────────────────────────────────────────────────────────────────────


def tell_employee(row, template, now):
    """By e-mail, otherwise by SMS; not at all without either."""
    words = {"kind": MessageKind.ENROLMENT, "about": row, "not_before": in_the_morning(now)}
    words |= {"first_name": row.first_name, "due_on": row.due_on}
    if row.email:
        outbox.email(row.email, template, now, **words)
    elif row.mobile:
        outbox.sms(row.mobile, template, now, **words)

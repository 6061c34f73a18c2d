"""Reading the audit trail at the mutual: by whom, what, on what, when, from where; and whose data somebody saw."""

import datetime
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import Any

from peewee import JOIN

from portal import database, history
from portal.models import (
    AuditEvent,
    Beneficiary,
    Company,
    Document,
    DocumentRequest,
    Enrolment,
    ManagedAccount,
    MessageThread,
    Movement,
    Reading,
    SupportingDocument,
    User,
    Value,
    db,
    fn,
)
from portal.prepared import written_once

VERIFIED = "audit.verify"
MOST_USERS = 20  # that one name may mean
IN_ORDER = AuditEvent.at.desc(), AuditEvent.number.desc()


# ── Who, and about what ──────────────────────────────────────────────────────────────────────────────────────────


def users(typed):
    """Those whom an identifier, or some of the words of a name, mean; an identifier means one."""
    typed = typed.strip().lower()
    exact = User.known(typed)
    if exact:
        return [exact]
    named = fn.LOWER(User.first_name.concat(" ").concat(User.last_name))
    found = User.select().where(named.contains(typed) | fn.LOWER(User.identifier).contains(typed))
    return list(found.order_by(User.last_name, User.first_name, User.id).limit(MOST_USERS))


@dataclass(frozen=True)
class Subject:
    """An account, a company or a person of whom the trail is asked."""

    kind: str
    id: int
    public_id: Any
    account: int
    label: str

    @property
    def place(self):
        company = self.id if self.kind == "company" else None
        person = self.id if self.kind == "beneficiary" else None
        name = str(history.as_uuid(self.public_id)) if person else str(self.id)
        return history.Place(self.account, company, person, {self.kind: [name]})


def subject(typed):
    """What a number means: a member number, the code of an account, the code or the SIRET of a company; or None."""
    typed = typed.strip()
    name = Beneficiary.first_name.concat(" ").concat(Beneficiary.birth_name)
    people = Beneficiary.select(
        Value("beneficiary").cast("TEXT"),
        Beneficiary.id,
        Beneficiary.public_id.cast("TEXT"),
        Beneficiary.account,
        name,
    ).where(Beneficiary.member_number == typed)
    accounts = ManagedAccount.select(
        *(Value("managed_account").cast("TEXT"), ManagedAccount.id, Value("").cast("TEXT")),
        *(ManagedAccount.id, ManagedAccount.name),
    ).where(ManagedAccount.code == typed)
    companies = Company.select(
        *(Value("company").cast("TEXT"), Company.id, Value("").cast("TEXT"), Company.account, Company.label)
    ).where((Company.code == typed) | (Company.siret == typed.replace(" ", "")))
    found = next(iter(history.union([people, accounts, companies]).limit(1).tuples()), None)
    return Subject(*found) if found else None


# ── The search ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Asked:
    """What narrows the trail; None, or nothing, narrows nothing. `since`, `until`: instants, the latter left out."""

    users: list | None = None
    actions: tuple = ()
    subject: Subject | None = None
    since: datetime.datetime | None = None
    until: datetime.datetime | None = None
    address: str = ""


def events(user, asked):
    """Through the door of the mutual's staff, the latest first."""
    found = user.audit_events()
    if asked.users is not None:
        found = found.where(AuditEvent.user_id.in_([one.id for one in asked.users]))
    if asked.actions:
        found = found.where(AuditEvent.action.in_(asked.actions))
    if asked.subject:
        found = found.where(about(user, asked.subject))
    if asked.since:
        found = found.where(AuditEvent.at >= asked.since)
    if asked.until:
        found = found.where(AuditEvent.at < asked.until)
    if asked.address:
        found = found.where(AuditEvent.address == asked.address)
    return found.order_by(*IN_ORDER)


def about(user, subject):
    place = subject.place
    if subject.kind == "managed_account":
        return AuditEvent.account_id == subject.id
    return history.named(AuditEvent, history.names(user, place))


def before(found, number):
    """Those that come after this one in the order of the list, which is the latest first."""
    at = AuditEvent.alias()
    instant = at.select(at.at).where(at.number == number)
    return found.where(AuditEvent.at <= instant, (AuditEvent.at < instant) | (AuditEvent.number < number))


def with_names(found):
    """And who did it, and in which account."""
    named = found.select_extend(
        User.first_name.alias("first_name"),
        User.last_name.alias("last_name"),
        User.identifier.alias("identifier"),
        ManagedAccount.name.alias("account_name"),
        ManagedAccount.code.alias("account_code"),
    )
    named = named.join(User, JOIN.LEFT_OUTER, on=(AuditEvent.user_id == User.id)).switch(AuditEvent)
    return named.join(ManagedAccount, JOIN.LEFT_OUTER, on=(AuditEvent.account_id == ManagedAccount.id)).objects()


def people(user, public_ids):
    """{public id: person} of these, in one statement."""
    ids = [one for one in map(read_uuid, public_ids) if one]
    if not ids:
        return {}
    found = user.beneficiaries().where(Beneficiary.public_id.in_(ids))
    return {str(person.public_id): person for person in found}


def read_uuid(text):
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def last_verified(user):
    """The event of the last time that the chain was followed from end to end; None when it never was."""
    return next(iter(verified(role=user.role)), None)


@written_once(db)
def verified(*, role):
    return User(role=role).audit_events().where(AuditEvent.action == VERIFIED).order_by(*IN_ORDER).limit(1)


TOLD = AuditEvent.number, AuditEvent.at, AuditEvent.user_role, AuditEvent.action, AuditEvent.address
TOLD += AuditEvent.object_type, AuditEvent.object_id  # not what changed, nor the chain: those are of the event's page


def page_of(user, asked, number, most):
    """As many of them at most, with their names: the latest, or those before this number (0: none)."""
    if asked == Asked(actions=asked.actions) and not number:
        return latest(most, role=user.role, actions=asked.actions)
    found = events(user, asked).select(*TOLD)
    return list(with_names(before(found, number) if number else found).limit(most))


@written_once(db)
def latest(most, *, role, actions):
    """What the page shows as long as nobody narrows it, but to some actions."""
    return with_names(events(User(role=role), Asked(actions=actions)).select(*TOLD)).limit(most)


# ── Whose data somebody saw ──────────────────────────────────────────────────────────────────────────────────────

# Rows that tell of one person: how the person is found from them.
OF_PEOPLE = {
    "document": Document.select(Value("document"), Document.public_id, Document.beneficiary),
    "document_request": DocumentRequest.select(
        Value("document_request"), DocumentRequest.public_id, DocumentRequest.beneficiary
    ),
    "enrolment": Enrolment.select(Value("enrolment"), Enrolment.public_id, Movement.beneficiary).join(Movement),
    "message_thread": MessageThread.select(Value("message_thread"), MessageThread.public_id, MessageThread.beneficiary),
    "movement": Movement.select(Value("movement"), Movement.public_id, Movement.beneficiary),
    "supporting_document": SupportingDocument.select(
        Value("supporting_document"), SupportingDocument.public_id, DocumentRequest.beneficiary
    ).join(DocumentRequest),
}
LISTS = "found", "people"  # where an event keeps the ids of several


@dataclass
class Seen:
    """One person whose data was seen: how often, and when last."""

    person: Any
    times: int
    last: datetime.datetime


def seen(user, asked):
    """([Seen], the last first; {table: how many events} of what leads to no person): one user, between two instants.

    Numbers shown, searches, downloads, acts; and, of the mutual's staff, the pages that were opened.
    """
    found = events(user, asked).order_by()
    kinds = AuditEvent.object_type, AuditEvent.object_id
    counted = found.select(*kinds, fn.COUNT(AuditEvent.number), fn.MAX(AuditEvent.at)).group_by(*kinds)
    by_row = [(kind, name, times, database.as_instant(last)) for kind, name, times, last in counted.tuples() if kind]
    by_row += opened(user, asked)
    times, last, others = Counter(), {}, Counter()
    rows = people_of(by_row)
    for kind, name, count, at in by_row:
        person = name if kind == "beneficiary" else rows.get((kind, name))
        if person:
            note(times, last, person, count, at)
        elif kind not in ("user", "user_session"):
            others[kind] += count
    for event in found.where((AuditEvent.action == "nir.search") | (AuditEvent.object_type == "selection")):
        for name in {name for key in LISTS for name in (event.after or {}).get(key) or ()}:
            note(times, last, name, 1, event.at)
    others.pop("selection", None)
    known = people(user, times)
    met = [Seen(known[name], times[name], last[name]) for name in times if name in known]
    return sorted(met, key=lambda one: one.last, reverse=True), others


def opened(user, asked):
    """[(table, id, times, the last)] of the pages that one member of the staff opened, a row for each day."""
    if asked.actions:
        return []
    found = user.readings().where(Reading.user.in_([one.id for one in asked.users or ()]), Reading.object_type != "")
    if asked.subject:
        found = found.where(history.named(Reading, history.names(user, asked.subject.place)))
    if asked.since:
        found = found.where(Reading.last_at >= asked.since)
    if asked.until:
        found = found.where(Reading.first_at < asked.until)
    if asked.address:
        found = found.where(Reading.address == asked.address)
    told = found.select(Reading.object_type, Reading.object_id, Reading.times, Reading.last_at)
    return [(kind, name, times, database.as_instant(last)) for kind, name, times, last in told.tuples()]


def note(times, last, person, count, at):
    times[person] += count
    last[person] = max(at, last.get(person, at))


def people_of(by_row, at_once=500):
    """{(table, id): public id of the person} of the rows that tell of one; a statement for each 500 of a table."""
    asked = {kind: [name for one, name, *_ in by_row if one == kind and read_uuid(name)] for kind in OF_PEOPLE}
    queries = [
        OF_PEOPLE[kind].where(table(kind).public_id.in_(list(map(uuid.UUID, ids[start : start + at_once]))))
        for kind, ids in asked.items()
        for start in range(0, len(ids), at_once)
    ]
    rows = [row for start in range(0, len(queries), 20) for row in history.union(queries[start : start + 20]).tuples()]
    holders = {person for *_, person in rows if person}
    named = dict(Beneficiary.select(Beneficiary.id, Beneficiary.public_id).where(Beneficiary.id.in_(holders)).tuples())
    return {(kind, str(history.as_uuid(name))): str(named[person]) for kind, name, person in rows if person in named}


def table(kind):
    return OF_PEOPLE[kind].model

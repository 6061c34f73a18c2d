"""The whole history of an account, a company or a person at the mutual: every room in one list, the latest first."""

import datetime
import uuid
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from types import SimpleNamespace
from typing import Any

from peewee import JOIN, SQL

from portal.models import (
    AffiliationImport,
    AuditEvent,
    Company,
    ContributionStatement,
    Document,
    DocumentRequest,
    EmployeeCategory,
    Enrolment,
    FormalNotice,
    GroupContract,
    MessageThread,
    Movement,
    OutboxMessage,
    Payment,
    PermissionGrant,
    Reading,
    Sending,
    SepaMandate,
    StatementLine,
    SupportingDocument,
    User,
    Value,
    Waiver,
    fn,
)

# Written in the audit trail too: the line of the row itself says more.
TOLD_ELSEWHERE = ("enrolment.submit", "thread.begin", "sending.send", "waiver.record", "import.send", "proof.deposit")
APART = {"readings"}  # shown when they are asked for: who read a file is no event of it
MOST_NAMED = 300  # rows of each room whose messages and audit events are looked for, the latest first
NO_TEXT, NO_NUMBER = SQL("CAST('' AS TEXT)"), SQL("CAST(NULL AS BIGINT)")  # PostgreSQL asks of what type in a union
TOLD = {"what": NO_TEXT, "state": NO_TEXT, "label": NO_TEXT, "who": NO_NUMBER, "amount": NO_NUMBER}


@dataclass
class Place:
    """An account, one of its companies, or a person: what narrows each room to it.

    `named`: {table: the ids by which messages and audit events name its rows}.
    """

    account: int
    company: int | None = None
    person: int | None = None
    named: dict[str, list[str]] = field(default_factory=dict)

    @property
    def categories(self):
        found = EmployeeCategory.select(EmployeeCategory.id)
        if self.company:
            return found.where(EmployeeCategory.company == self.company)
        return found.where(EmployeeCategory.account == self.account)

    @property
    def contracts(self):
        return GroupContract.select(GroupContract.id).where(GroupContract.category.in_(self.categories))

    def of_people(self, table):
        """Of rows that know their college, and perhaps whom they are about."""
        return table.beneficiary == self.person if self.person else table.category.in_(self.categories)

    def narrowest(self, account, company, person):
        """The condition of what is known of a row, for the narrowest place that it is about."""
        if self.person:
            return person == self.person
        return company == self.company if self.company else account == self.account


@dataclass(frozen=True)
class Room:
    """One kind of line: its rows, when each was, by which id it is found, and what is told of it."""

    query: Any
    at: Any
    ref: Any
    what: Any = None
    state: Any = None
    label: Any = None
    who: Any = None
    amount: Any = None

    @property
    def table(self):
        return self.ref.model._meta.table_name

    def latest(self, most, *columns):
        key = self.query.model._meta.primary_key
        found = self.query.select(*columns).order_by(self.at.desc(), key.desc()).limit(most)
        return found.alias(f"the_{self.query.model._meta.table_name}").select_from(SQL("*"))

    def lines(self, name, most):
        """The latest of them, as the columns that all rooms have in common."""
        told = [self.column(name) for name in TOLD]
        at, ref = self.at.cast("TEXT").alias("at"), self.ref.cast("TEXT").alias("ref")
        return self.latest(most, at, Value(name).cast("TEXT").alias("room"), ref, *told)

    def column(self, name):
        """What is told under this name, or nothing of the type that the other rooms give."""
        found = getattr(self, name)
        return (TOLD[name] if found is None else found).alias(name)

    def names(self, most):
        """(table, id) of the latest."""
        table = Value(self.table).cast("TEXT").alias("named")
        return self.latest(most, table, self.ref.cast("TEXT").alias("ref"))


def rooms(user, place):
    """{name: Room} of what stands in tables, each through the door of the mutual's staff."""
    found = people_rooms(user, place) | written_rooms(user, place) | money_rooms(user, place)
    return found if place.person else found | company_rooms(user, place)


def people_rooms(user, place):
    movements = user.movements().where(place.of_people(Movement))
    sent = user.enrolments().where(Enrolment.submitted_at.is_null(False))
    of_person = Enrolment.movement.in_(movements.select(Movement.id))
    sent = sent.where(of_person if place.person else Enrolment.category.in_(place.categories))
    asked = user.document_requests().where(place.of_people(DocumentRequest))
    received = SupportingDocument.select().join(DocumentRequest).where(place.of_people(DocumentRequest))
    proof = {"ref": DocumentRequest.public_id, "what": DocumentRequest.document_type}
    return {
        "movements": Room(
            query=movements,
            at=Movement.created_at,
            ref=Movement.public_id,
            what=Movement.kind,
            state=Movement.state,
            label=Movement.label,
            who=Movement.author_id,
        ),
        "enrolments": Room(
            query=sent,
            at=Enrolment.submitted_at,
            ref=Enrolment.public_id,
            what=Enrolment.number,
            state=Enrolment.state,
            label=Enrolment.label,
            who=Enrolment.author,
        ),
        "asked": Room(query=asked, at=DocumentRequest.sent_on, state=DocumentRequest.state, **proof),
        "received": Room(
            query=received,
            at=SupportingDocument.received_at,
            state=SupportingDocument.outcome,
            who=SupportingDocument.author,
            **proof,
        ),
    }


def written_rooms(user, place):
    """Requests, complaints, and what was printed."""
    thread = MessageThread.account, MessageThread.company, MessageThread.beneficiary
    printed = Document.beneficiary == place.person if place.person else Document.account == place.account
    if place.company and not place.person:
        printed = Document.contract.in_(place.contracts)
    return {
        "threads": Room(
            query=user.threads().where(place.narrowest(*thread)),
            at=MessageThread.created_at,
            ref=MessageThread.public_id,
            what=MessageThread.kind,
            state=MessageThread.state,
            label=MessageThread.subject,
            who=MessageThread.author,
            amount=MessageThread.number,
        ),
        "documents": Room(
            query=user.documents().where(printed),
            at=Document.published_on,
            ref=Document.public_id,
            what=Document.document_type,
            label=Document.title,
        ),
    }


def money_rooms(user, place):
    """Statements and payments; of a person, the statements in which they have a line."""
    statements = user.statements().where(ContributionStatement.contract.in_(place.contracts))
    if place.person:
        lines = StatementLine.select(StatementLine.statement).where(StatementLine.beneficiary == place.person)
        statements = user.statements().where(ContributionStatement.id.in_(lines))
    found = {
        "statements": Room(
            query=statements,
            at=ContributionStatement.issued_on,
            ref=ContributionStatement.public_id,
            label=ContributionStatement.number,
            amount=ContributionStatement.total,
        )
    }
    if place.person:
        return found
    payments = Room(
        query=user.payments().where(Payment.contract.in_(place.contracts)),
        at=Payment.paid_on,
        ref=Payment.public_id,
        what=Payment.payment_method,
        label=Payment.reference,
        amount=Payment.amount,
    )
    given = Room(
        query=FormalNotice.select().where(FormalNotice.contract.in_(place.contracts)),
        at=FormalNotice.created_at,
        ref=FormalNotice.public_id,
        who=FormalNotice.author,
        amount=FormalNotice.amount,
    )
    return found | {"payments": payments, "formal_notices": given}


def company_rooms(user, place):
    """What is the company's or the account's, and about nobody in it."""
    companies = Company.select(Company.id).where(Company.account == place.account)
    of_company = SepaMandate.company == place.company if place.company else SepaMandate.company.in_(companies)
    found = {
        "sendings": Room(
            query=user.sendings().where(place.narrowest(Sending.account, Sending.company, None)),
            at=Sending.sent_at,
            ref=Sending.public_id,
            what=Sending.document_type,
            state=Sending.state,
            who=Sending.author,
        ),
        "mandates": Room(
            query=user.mandates().where(of_company),
            at=fn.COALESCE(SepaMandate.signed_at, SepaMandate.created_at),
            ref=SepaMandate.public_id,
            state=SepaMandate.state,
            label=SepaMandate.reference,
            who=SepaMandate.author,
        ),
        "grants": Room(
            query=user.managed_grants().where(place.narrowest(PermissionGrant.account, PermissionGrant.company, None)),
            at=PermissionGrant.created_at,
            ref=PermissionGrant.public_id,
            label=PermissionGrant.name,
            who=PermissionGrant.author,
        ),
        "waivers": Room(
            query=user.waivers().where(Waiver.category.in_(place.categories)),
            at=Waiver.created_at,
            ref=Waiver.public_id,
            what=Waiver.reason,
            state=Waiver.state,
            label=Waiver.first_name.concat(" ").concat(Waiver.birth_name),
            who=Waiver.author,
        ),
    }
    if place.company:
        return found
    imports = Room(
        query=user.imports().where(AffiliationImport.account == place.account),
        at=AffiliationImport.created_at,
        ref=AffiliationImport.public_id,
        state=AffiliationImport.state,
        label=AffiliationImport.file_name,
        who=AffiliationImport.author,
    )
    return found | {"imports": imports}


def named_rooms(user, place, found):
    """Messages, audit events and pages that were opened, which name their rows; one statement to know those rows.

    What is written to each employee of a campaign is told in their own history: it would fill that of their account.
    """
    names = names_of(place, found)
    about_each = () if place.person else (DocumentRequest._meta.table_name,)
    written = {table: ids for table, ids in names.items() if table not in about_each}
    told_here = AuditEvent.action.not_in(TOLD_ELSEWHERE) & ~AuditEvent.action.startswith("movement.")
    events = user.audit_events().where(told_here)
    whole_account = not place.company and not place.person
    about = AuditEvent.account_id == place.account if whole_account else named(AuditEvent, names)
    readings = Room(
        query=user.readings().where(named(Reading, names)),
        at=Reading.last_at,
        ref=Reading.id,
        what=Reading.object_type,
        who=Reading.user,
        amount=Reading.times,
    )
    return {
        "readings": readings,
        "messages": Room(
            query=user.messages().where(named(OutboxMessage, written)),
            at=OutboxMessage.created_at,
            ref=OutboxMessage.public_id,
            what=OutboxMessage.channel,
            state=OutboxMessage.state,
            label=OutboxMessage.subject,
        ),
        "events": Room(
            query=events.where(about),
            at=AuditEvent.at,
            ref=AuditEvent.number,
            what=AuditEvent.action,
            label=AuditEvent.address,
            who=AuditEvent.user_id,
        ),
    }


def names(user, place):
    """{table: ids} of the rows of a place, as messages and audit events name them."""
    return names_of(place, rooms(user, place))


def names_of(place, found):
    named_so = {table: list(ids) for table, ids in place.named.items()}
    for table, ref in union([room.names(MOST_NAMED) for room in found.values()]).tuples():
        named_so.setdefault(table, []).append(str(as_uuid(ref)))
    return named_so


def as_uuid(found):
    """PostgreSQL gives an id with its dashes, SQLite as it keeps it."""
    return found if isinstance(found, uuid.UUID) else uuid.UUID(found)


def named(table, names):
    """Rows about one of these: {table: ids}."""
    each = [(table.object_type == kind) & table.object_id.in_(ids) for kind, ids in names.items()]
    return reduce(or_, each) if each else table.object_id.is_null()


def union(queries):
    whole, *others = queries
    for query in others:
        whole = whole.union_all(query)
    return whole


class History:
    """The lines of a place as `Page` cuts them; `kinds`: the rooms to show, all of them when there is none."""

    def __init__(self, user, place, kinds=()):
        found = rooms(user, place)
        shown = found | named_rooms(user, place, found)
        self.rooms = {name: room for name, room in shown.items() if (name in kinds if kinds else name not in APART)}

    def count(self):
        """How many lines there are, in one statement."""
        if not self.rooms:
            return 0
        counts = union([room.query.select(fn.COUNT(SQL("1")).alias("number")) for room in self.rooms.values()])
        return sum(number for (number,) in counts.tuples())

    def paginate(self, number, size):
        """The lines of a page, in one statement: each room gives no more than could be on it."""
        if not self.rooms:
            return []
        whole = union([room.lines(name, number * size) for name, room in self.rooms.items()]).alias("lines")
        told = [getattr(whole.c, name) for name in ("at", "room", "ref", "what", "state", "label", "amount")]
        found = whole.select_from(*told, User.first_name, User.last_name)
        found = found.join(User, JOIN.LEFT_OUTER, on=(whole.c.who == User.id))
        found = found.order_by(whole.c.at.desc(), whole.c.room, whole.c.ref.desc()).paginate(number, size)
        return [line(*row) for row in found.tuples()]


def line(at, room, ref, what, state, label, amount, first_name, last_name):
    """`at`: an instant, or a day where the room knows no more."""
    is_day = len(at) == len("2026-01-01")
    return SimpleNamespace(
        at=datetime.date.fromisoformat(at) if is_day else datetime.datetime.fromisoformat(at),
        is_day=is_day,
        room=room,
        ref=int(ref) if room in ("events", "readings") else uuid.UUID(ref),
        what=what,
        state=state,
        label=label,
        amount=amount,
        by=f"{first_name} {last_name.upper()}" if last_name else "",
    )

"""« À traiter », at the mutual: what waits in each queue, since when, and how much of it is late."""

import datetime
from dataclasses import dataclass

from portal import alarms, clock, database, taking
from portal.history import union
from portal.models import (
    AuditEvent,
    Case,
    DocumentRequest,
    MessageThread,
    Movement,
    MovementState,
    OutboxMessage,
    Registration,
    RegistrationState,
    RequestState,
    Sending,
    SendingState,
    User,
    Value,
    db,
    fn,
)
from portal.prepared import written_once
from portal.rules import sendings as kinds
from portal.rules import threads as rules
from portal.rules.retention import TERMS

REQUESTS, COMPLAINTS, REGISTRATIONS, PROOFS = "requests", "complaints", "registrations", "proofs"
BANKS, DOCUMENTS, MESSAGES, MOVEMENTS = "bank_details", "documents", "messages", "movements"
ALARMS, ACCESSES = "alarms", "accesses"
LOOKED_AT = datetime.timedelta(days=7)  # how long an alarm stands there
PROMISED = {REQUESTS, COMPLAINTS}  # an answer by a day


@dataclass(frozen=True)
class Queue:
    """`late`: past the day that was promised; `since`: the instant of the oldest, None when nothing waits."""

    count: int = 0
    late: int = 0
    since: datetime.datetime | None = None


def waiting(user, today):
    """{queue: Queue} in one statement, through the door of the mutual's staff."""
    now = clock.now()
    rows = parts(today, now - LOOKED_AT, now - TERMS["proposal"].time, role=user.role)
    return {name: Queue(count, late or 0, database.as_instant(since)) for name, count, late, since in rows}


@written_once(db)
def parts(today, lately, asked_after, *, role):
    user = User(role=role)  # of the mutual's staff, each sees every row
    to_do = user.threads().where(MessageThread.to_do())
    late = MessageThread.due_on < today
    received = user.sendings().where(Sending.state == SendingState.RECEIVED)
    banks = Sending.document_type == kinds.BANK_DETAILS
    told = user.audit_events().where(AuditEvent.action.in_([taking.STOPPED, *alarms.ACTIONS.values()]))
    queues = (
        counted(COMPLAINTS, to_do.where(MessageThread.kind == rules.COMPLAINT), MessageThread.written_at, late),
        counted(REQUESTS, to_do.where(MessageThread.kind == rules.REQUEST), MessageThread.written_at, late),
        counted(
            PROOFS,
            user.document_requests().where(DocumentRequest.state == RequestState.RECEIVED),
            DocumentRequest.received_at,
        ),
        counted(
            REGISTRATIONS,
            user.registrations().where(Registration.state == RegistrationState.RECEIVED),
            Registration.sent_at,
        ),
        counted(BANKS, received.where(banks), Sending.sent_at),
        counted(DOCUMENTS, received.where(~banks), Sending.sent_at),
        counted(MOVEMENTS, user.movements().where(Movement.state == MovementState.RECORDED), Movement.created_at),
        counted(ALARMS, told.where(AuditEvent.at > lately), AuditEvent.at),
        counted(ACCESSES, user.users().where(User.awaits_a_second(asked_after)), User.asked_since(asked_after)),
        counted(MESSAGES, user.messages().where(OutboxMessage.can_be_sent_again()), OutboxMessage.created_at),
    )
    return union(queues).tuples()


def counted(name, query, since, late=None):
    how_many_late = Value(0) if late is None else fn.SUM(Case(None, [(late, 1)], 0))
    return query.select(Value(name), fn.COUNT(since), how_many_late, fn.MIN(since))

"""Reminders of supporting documents: who is written to, once within the delay set; taken back; and letters."""

import datetime
from dataclasses import dataclass, field

from portal import clock, database, guests, outbox
from portal.models import (
    Beneficiary,
    DocumentRequest,
    GuestLink,
    GuestPurpose,
    MessageKind,
    MessageState,
    OutboxMessage,
    Reminder,
    RequestState,
    Waiver,
    db,
    fn,
    insert_many,
)
from portal.rules import proofs as rules

UNDO = datetime.timedelta(minutes=5)
MORNING = datetime.time(9)  # in Paris: nobody's telephone rings at night
AT_ONCE = 500


@dataclass
class Sending:
    """One message: to whom, how, and about which documents of the household."""

    reach: rules.Reach
    to: Beneficiary | Waiver  # the employee
    requests: list[DocumentRequest] = field(default_factory=list)

    @property
    def is_household(self):
        """A link of theirs opens what is awaited; who is not covered gives the document to HR."""
        return isinstance(self.to, Beneficiary)

    @property
    def due_on(self):
        return min((row.due_on for row in self.requests if row.due_on), default=None)


@dataclass
class Plan:
    """What a reminder of some documents would do: the messages, and the documents that none of them is about."""

    sendings: list[Sending] = field(default_factory=list)
    unreachable: list[DocumentRequest] = field(default_factory=list)
    recent: list[DocumentRequest] = field(default_factory=list)  # reminded within the delay
    settled: list[DocumentRequest] = field(default_factory=list)  # not awaited any more

    @property
    def count(self):
        return sum(len(sending.requests) for sending in self.sendings)


def plan(requests, now, days):
    """Who would be written to about these whole requests; `days`: the delay within which nobody is reminded twice."""
    made, today = Plan(), clock.day_of(now)
    sendings: dict[tuple, Sending] = {}
    for row in requests:
        reach = row.reach(today)
        if not row.is_open:
            made.settled.append(row)
        elif is_recent(row, now, days):
            made.recent.append(row)
        elif reach is None:
            made.unreachable.append(row)
        else:
            to = row.answering or row.waiver
            sending = sendings.setdefault((type(to), to.id, reach), Sending(reach, to))
            sending.requests.append(row)
    made.sendings = list(sendings.values())
    return made


def is_recent(row, now, days):
    return row.reminded_at is not None and row.reminded_at > now - datetime.timedelta(days=days)


# ── Sent ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def send(batch, requests, now, days, by):
    """Write what a batch asks for, once, to leave in five minutes: the plan carried out; None when it was sent before.

    `requests`: whole, those that its user may see now.
    """
    with db.atomic():
        if not batch.use(now, now + UNDO):
            return None
        hold(batch.requests)
        chosen = requests.where(DocumentRequest.id.in_(batch.requests)).order_by(DocumentRequest.id)
        made = plan(chosen, now, days)
        write(made.sendings, now, now + UNDO, by, batch)
    return made


def hold(ids):
    """Nobody else reminds of these documents until the end of the transaction."""
    list(database.locked(db, DocumentRequest.select(DocumentRequest.id).where(DocumentRequest.id.in_(ids))))


def write(sendings, now, leaves_at, by=None, batch=None, template=None):
    """The messages, each with its own link, and what is kept of them; `template`: words that are no reminder."""
    households = [sending for sending in sendings if sending.is_household]
    wanted = [guests.Wanted(one.reach.channel, one.reach.recipient, beneficiary=one.to) for one in households]
    drawn = iter(guests.draw_many(GuestPurpose.DEPOSIT, now, wanted, by))
    links = [next(drawn) if sending.is_household else (None, "") for sending in sendings]
    messages = [
        message(sending, guests.path(token) if link else "", now, leaves_at, template)
        for sending, (link, token) in zip(sendings, links, strict=True)
    ]
    outbox.write_many(messages)
    keep(
        [
            Reminder(request=row, batch=batch, channel=sending.reach.channel, message=sent, link=link, author=by)
            for sending, sent, (link, _) in zip(sendings, messages, links, strict=True)
            for row in sending.requests
        ],
        now,
    )


def keep(rows, now):
    """What was sent about each document, and that it was."""
    for row in rows:
        row.created_at = now
    insert_many(Reminder, rows, AT_ONCE)
    about = DocumentRequest.id.in_([row.request_id for row in rows])
    DocumentRequest.update(reminded_at=now).where(about).execute()


def message(sending, link, now, leaves_at, template=None):
    """An e-mail or a text that is not written yet. `link`: the path by which the document is deposited, or nothing."""
    template = template or ("proof_reminder" if sending.is_household else "waiver_reminder")
    words = {
        "first_name": sending.to.first_name if sending.reach.of_employee else "",
        "link": link,
        "count": len(sending.requests),
        "due_on": sending.due_on,
        "late": bool(sending.due_on) and sending.due_on < clock.day_of(now),
    }
    write_one = outbox.text if sending.reach.channel == "SMS" else outbox.letter
    options = {"kind": MessageKind.PROOF, "about": sending.requests[0], "not_before": leaves_at}
    return write_one(sending.reach.recipient, template, now, **options, **words)


PERSONAL = "(lien personnel)"


def previews(sendings, now):
    """What would be read, as (sending, subject, words): the first message of each kind, as it would be written.

    Nothing is drawn nor kept: where the link's token goes, it says so.
    """
    kinds: dict[tuple, Sending] = {}
    for sending in sendings:
        kinds.setdefault((sending.reach.channel, sending.is_household), sending)
    for sending in kinds.values():
        link = guests.path(PERSONAL) if sending.is_household else ""
        made = message(sending, link, now, now)
        yield sending, made.subject, made.unseal()["text"]


def tell(request, template, now, linked=False):
    """Tell who can be reached what became of a document; `linked`: with a link to send it again."""
    row = DocumentRequest.whole(DocumentRequest.select().where(DocumentRequest.id == request.id)).get()
    reach = row.reach(clock.day_of(now))
    if reach is None:
        return
    sending = Sending(reach, row.answering or row.waiver, [row])
    if linked:
        write([sending], now, in_the_morning(now), template=template)
    else:
        outbox.write_many([message(sending, "", now, in_the_morning(now), template)])


# ── Taken back ───────────────────────────────────────────────────────────────────────────────────────────────────


def take_back(batch, now):
    """Keep the messages of a batch from leaving, once: (how many documents it was in time for, of how many).

    None when there is nothing to take back: it was not sent, or was taken back before.
    """
    sent = Reminder.select().where(Reminder.batch == batch, Reminder.taken_back_at.is_null())
    with db.atomic():
        held = batch.hold()
        if held.sent_at is None or held.taken_back_at is not None:
            return None
        OutboxMessage.take_back(sent.select(Reminder.message), now)
        in_time = sent.select(Reminder.id, Reminder.request, Reminder.link).join(OutboxMessage)
        rows = list(in_time.where(OutboxMessage.state == MessageState.TAKEN_BACK))
        Reminder.update(taken_back_at=now).where(Reminder.id.in_([row.id for row in rows])).execute()
        GuestLink.update(cancelled_at=now).where(GuestLink.id.in_([row.link_id for row in rows])).execute()
        last = Reminder.select(fn.MAX(Reminder.created_at)).where(
            Reminder.request == DocumentRequest.id, Reminder.taken_back_at.is_null()
        )
        about = DocumentRequest.id.in_([row.request_id for row in rows])
        DocumentRequest.update(reminded_at=last).where(about).execute()
        if rows:
            batch.taken_back_at = now
            batch.save(only=["taken_back_at"])
        return len(rows), sent.where(Reminder.message.is_null(False)).count()


# ── By themselves ────────────────────────────────────────────────────────────────────────────────────────────────


def in_the_morning(now):
    """Now, or nine o'clock of the day where it is earlier."""
    morning = datetime.datetime.combine(clock.day_of(now), MORNING, clock.PARIS).astimezone(datetime.UTC)
    return max(now, morning.replace(tzinfo=None))


def remind_before_deadlines(now, milestones, days):
    """Remind of what is due soon, so many days before, each once; how many documents."""
    today, total, last = clock.day_of(now), 0, 0
    until = today + datetime.timedelta(days=max(milestones, default=0))
    while rows := upcoming(today, until, last):
        due = [row for row in rows if rules.reminder_due(row.due_on, told_on(row), today, milestones, days)]
        with db.atomic():
            total += remind(due, now, days)
        last = rows[-1].id
    return total


def upcoming(today, until, after):
    """Documents still awaited of people, and due within these days; some, in the order of their ids."""
    due = DocumentRequest.awaited().where(
        DocumentRequest.due_on.between(today, until),
        DocumentRequest.beneficiary.is_null(False),  # waivers are reminded of in their own room
        DocumentRequest.id > after,
    )
    return list(DocumentRequest.whole(due).order_by(DocumentRequest.id).limit(AT_ONCE))


def told_on(row):
    """The last day they were told of it: asked for, or reminded."""
    return max(row.sent_on, clock.day_of(row.reminded_at)) if row.reminded_at else row.sent_on


def remind(rows, now, days):
    """Write about those that are still awaited and not reminded meanwhile; in the caller's transaction.

    Not to who has left since: nobody decides here, and what they would send serves nothing any more.
    """
    ids = [row.id for row in rows]
    hold(ids)
    fresh = DocumentRequest.whole(DocumentRequest.select().where(DocumentRequest.id.in_(ids)))
    made = plan([row for row in fresh if row.matters(clock.day_of(now))], now, days)
    write(made.sendings, now, in_the_morning(now))
    return made.count


def announce(campaign, now, days):
    """Tell who can be reached that a document is asked of them; how many documents. Killed, it goes on where it was."""
    total, last = 0, 0
    asked = DocumentRequest.select().where(
        DocumentRequest.campaign == campaign.label,
        DocumentRequest.state == RequestState.AWAITED,
        DocumentRequest.beneficiary.is_null(False),
        DocumentRequest.reminded_at.is_null(),
    )
    while rows := list(asked.where(DocumentRequest.id > last).order_by(DocumentRequest.id).limit(AT_ONCE)):
        with db.atomic():
            total += remind(rows, now, days)
        last = rows[-1].id
    campaign.announced_at = now
    campaign.save(only=["announced_at"])
    return total

"""How requests and complaints are told in French: whose turn it is and until when, and the messages in order."""

from functools import partial
from types import SimpleNamespace

from flask_login import current_user

from portal import clock, natures
from portal.formats import date_fr, plural
from portal.models import MessageThread, ThreadRound, ThreadState, User, db, fn
from portal.prepared import written_once
from portal.rendering import Sought
from portal.rules import deadlines, threads
from portal.threads import REOPENED

STATES = {
    ThreadState.RECEIVED: ("Reçue", "info", "mail-check"),
    ThreadState.IN_PROGRESS: ("En cours", "info", "clock"),
    ThreadState.AWAITING_ANSWER: ("En attente de votre réponse", "warn", "arrow-back-up"),
    ThreadState.TREATED: ("Traitée", "ok", "circle-check"),
    ThreadState.CLOSED: ("Close", "", "check"),
}
TO_STAFF = STATES | {ThreadState.AWAITING_ANSWER: ("En attente de l’entreprise", "warn", "hourglass")}
# `listed`, `solved` and `attach` are the words that users have known; complaints are « dysfonctionnements » there.
WORDS = {
    threads.REQUEST: SimpleNamespace(
        one="demande",
        many="Demandes",
        la="la demande",
        key="demandes",
        icon="messages",
        new="Faire une demande",
        listed="Demandes",
        solved="de la Demande",
        attach="Joindre un document à votre Demande",
    ),
    threads.COMPLAINT: SimpleNamespace(
        one="réclamation",
        many="Réclamations",
        la="la réclamation",
        key="reclamations",
        icon="message-report",
        new="Faire une réclamation",
        listed="Dysfonctionnements",
        solved="du Dysfonctionnement",
        attach="Joindre un document",
    ),
}
EVENTS = {
    "TAKEN": "prise en charge par {who}",
    "PASSED": "confiée à {first}",
    "ACKNOWLEDGED": "accusé de réception",
    "REOPENED": "rouverte par {who}",
    ThreadState.AWAITING_ANSWER: "en attente de la réponse de l’entreprise",
    ThreadState.TREATED: "traitée par {who}",
    ThreadState.CLOSED: "close par {who}",
}


# Whether the mutual reads them → what comes first: what is due, then the oldest; or what was written last.
IN_ORDER = {
    True: (fn.COALESCE(MessageThread.due_on, "9999-12-31"), MessageThread.written_at, MessageThread.id),
    False: (MessageThread.written_at.desc(), MessageThread.id.desc()),
}


def page_of(found, size, searched, to_staff=False):
    """A page of threads: its ids are found first. `searched`: words were typed, which take long to look for.

    The mutual's own, where no word is typed, are written once (`staff.threads`).
    """
    ids, in_order = found.select(MessageThread.id), IN_ORDER[to_staff]
    if searched:
        find = partial(MessageThread.page_of, ids.order_by(*in_order))
        return Sought(find, size, lambda ids: tell(whole(ids, to_staff), to_staff))
    return Sought(partial(counted_page, ids), size, partial(tell, to_staff=False))


def whole(ids, to_staff, reader=None):
    threads = MessageThread.whole(MessageThread.among(ids), reader or current_user)
    return threads.order_by(*IN_ORDER[to_staff])


def counted_page(ids, number, size):
    """A page of a company's threads, read whole, and how many there are in all: in one statement."""
    total = ids.select(fn.COUNT(MessageThread.id))
    rows = counted_once(ids.order_by(*IN_ORDER[False]).paginate(number, size), total, current_user.id)
    return rows, rows[0].total if rows else total.scalar()


@written_once(db)
def counted_once(ids, total, reader):
    return whole(ids, False, User(id=reader)).select_extend(total.alias("total"))


def tell(found, to_staff):
    today = clock.today()
    return [told(thread, today, to_staff) for thread in found]


def told(thread, today, to_staff=False):
    nature = natures.label(thread.nature)
    return SimpleNamespace(
        public_id=thread.public_id,
        version=thread.last_message,
        number=thread.number,
        kind=thread.kind,
        nature=nature,
        subject=thread.subject,
        created_at=thread.created_at,
        written_at=thread.written_at,
        follow_up=threads.FOLLOWED.get(thread.follow_up, ""),
        state=(TO_STAFF if to_staff else STATES)[thread.state],
        code=thread.state,
        is_open=thread.is_open,
        unread=thread.unread,
        rating=thread.rating,
        rating_comment=thread.rating_comment,
        satisfaction=satisfaction(thread),
        turn=turn(thread, today, to_staff),
        late=is_late(thread, today),
        due_on=thread.due_on,
        place=place(thread),
        account=thread.account.name,
        person=thread.beneficiary if thread.beneficiary_id else None,
        author=thread.author.full_name if thread.author_id else "",
        assignee=thread.assignee.full_name if thread.assignee_id else "",
    )


def satisfaction(thread):
    """« À évaluer », « 4 sur 5 », or nothing while it is open."""
    if thread.rating:
        return f"{thread.rating} sur 5"
    return "" if thread.is_open else "À évaluer"


def is_late(thread, today):
    return thread.due_on is not None and thread.is_open and thread.due_on < today


def turn(thread, today, to_staff):
    """Who has something to do, and until when."""
    if thread.state in thread.OVER:
        return ""
    until = f" au plus tard le {date_fr(thread.due_on)}" if thread.due_on else ""
    if is_late(thread, today):
        days = plural(-deadlines.days_left(thread.due_on, today), "jour")
        return f"Réponse promise pour le {date_fr(thread.due_on)}\u00a0: {days} de retard"
    if thread.state == ThreadState.AWAITING_ANSWER:
        return "À l’entreprise de répondre" if to_staff else "À vous de répondre"
    if thread.is_complaint and not thread.acknowledged_at:
        return f"Accusé de réception à donner{until}" if to_staff else f"La mutuelle accuse réception{until}"
    return f"À répondre{until}" if to_staff else f"La mutuelle répond{until}"


def place(thread):
    """The company, and the college where it is of one; nothing for a whole account."""
    parts = [
        row.label
        for row, there in ((thread.company, thread.company_id), (thread.category, thread.category_id))
        if there
    ]
    return ", ".join(parts)


# ── Its messages ─────────────────────────────────────────────────────────────────────────────────────────────────


def conversation(thread, reader, inside=False):
    """The messages and events of a thread, as this reader sees them."""
    said = thread.conversation(inside)
    again = any(row.event == REOPENED for row, _ in said)
    before = {one.ended_at: ended(one, inside) for one in ThreadRound.of(thread)} if again else {}
    return [message_of(row, reader, files, row.event and before.get(row.created_at, "")) for row, files in said]


def ended(one, inside):
    """What a reopening ended, in a sentence; what was decided, and why, for the mutual alone."""
    said = []
    if one.answered_at:
        said.append(
            f"réponse le {date_fr(clock.day_of(one.answered_at))}, due au plus tard le {date_fr(one.answer_by)}"
        )
    if one.outcome and inside:
        said.append(" – ".join(filter(None, (threads.OUTCOMES[one.outcome], threads.CAUSES.get(one.cause)))))
    if one.rating:
        comment = f", «\u00a0{one.rating_comment}\u00a0»" if one.rating_comment else ""
        said.append(f"évaluée {one.rating} sur 5{comment}")
    return "\u202f; avant\u00a0: " + "\u202f; ".join(said)


def message_of(row, reader, files, before=""):
    who = signed(row)
    event = EVENTS.get(row.event, "").format(who=who, first=row.body.split("\n")[0]) + before
    body = row.body.partition("\n")[2] if row.event == "PASSED" else row.body
    return SimpleNamespace(
        id=row.id,
        at=row.created_at,
        event=event,
        code=row.event,
        signed=who,
        mine=row.author_id == reader.id,
        who="Vous" if row.author_id == reader.id else who,
        initials=row.author.initials if row.author_id else "?",
        by_staff=row.by_staff,
        internal=row.internal,
        paragraphs=[part.split("\n") for part in body.split("\n\n")] if body else [],
        files=files,
    )


def signed(row):
    name = row.author.full_name if row.author_id else "Quelqu’un"
    return f"{name}, mutuelle" if row.by_staff else name

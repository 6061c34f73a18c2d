"""Requests and complaints: opened, answered, taken, passed on, treated, closed; and who is told.

Each verb is one transaction. It holds the thread, and returns it as it is then; where `seen` is given, the last message
that was on the screen, it raises Outdated when something was written since. `by`: who acts. `files`: stored files that
wait. `key`: of the form, which acts once (IntegrityError). `days`: what the mutual promises instead of the rules' own.
"""

from dataclasses import dataclass, field

from portal import clock, database, documents, natures, outbox, reach
from portal.formats import date_fr, datetime_fr
from portal.models import (
    AnswerDraft,
    Beneficiary,
    Company,
    EmployeeCategory,
    ManagedAccount,
    MessageKind,
    MessageThread,
    Outdated,
    ThreadFile,
    ThreadFollower,
    ThreadMessage,
    ThreadRound,
    ThreadState,
    User,
    db,
    fn,
    hash_of,
    message_words,
)
from portal.rules import Refused, deadlines, identifiers
from portal.rules import threads as rules
from portal.rules.rights import Action

FIRST_NUMBER = 100_001
PATHS = {rules.REQUEST: "demandes", rules.COMPLAINT: "reclamations"}
TAKEN, PASSED, ACKNOWLEDGED, REOPENED = "TAKEN", "PASSED", "ACKNOWLEDGED", "REOPENED"
AWAITING, TREATED, CLOSED = ThreadState.AWAITING_ANSWER, ThreadState.TREATED, ThreadState.CLOSED


@dataclass(frozen=True)
class Place:
    """Whose a thread is: an account, perhaps one company of it, one college, one person."""

    account: ManagedAccount
    company: Company | None = None
    category: EmployeeCategory | None = None
    beneficiary: Beneficiary | None = None


@dataclass(frozen=True)
class Asked:
    """What who opens a thread says."""

    kind: str
    nature: str
    subject: str
    body: str
    place: Place
    follow_up: str = "EMAIL"
    complainant: str = ""
    files: list = field(default_factory=list)
    key: str | None = None


def path_of(thread):
    return f"/{PATHS[thread.kind]}/{thread.public_id}"


# ── The company's side ───────────────────────────────────────────────────────────────────────────────────────────


def begin(by, asked, now, days):
    """A new thread with its first message; a complaint has its dated copy at once."""
    with db.atomic():
        thread = MessageThread(
            number=next_number(),
            kind=asked.kind,
            nature=asked.nature,
            subject=asked.subject,
            account=asked.place.account,
            company=asked.place.company,
            category=asked.place.category,
            beneficiary=asked.place.beneficiary,
            author=by,
            follow_up=asked.follow_up,
            complainant=asked.complainant,
            created_at=now,
            written_at=now,
            form_key=asked.key,
        )
        wind(thread, now, days)
        thread.save(force_insert=True)
        say(thread, by, asked.body, now, files=asked.files)
        if thread.is_complaint:
            thread.copy = copy_of(thread, by, asked, now)
        thread.save()
        ThreadFollower.follow(thread, by)
    return thread


def next_number():
    """Numbers follow each other, whoever writes at the same time."""
    database.serialise(db, hash_of("thread number"))
    with reach.own(db, "numbers run through all accounts"):
        return max(FIRST_NUMBER, (MessageThread.select(fn.MAX(MessageThread.number)).scalar() or 0) + 1)


def wind(thread, now, days):
    """Set the days by which the mutual answers, from now on."""
    today = clock.day_of(now)
    if thread.is_complaint:
        thread.acknowledge_by, thread.answer_by = deadlines.of_complaint(today)
        thread.acknowledged_at = thread.answered_at = None
        thread.due_on = thread.acknowledge_by
    else:
        promised = days.get(thread.nature) or natures.days(thread.nature)
        thread.due_on = deadlines.working_days_after(today, promised)


def copy_of(thread, by, asked, now):
    """The dated copy of a complaint that who complains may keep."""
    place = thread.company.label if thread.company_id else thread.account.name
    about = [
        ("Numéro", str(thread.number)),
        ("Envoyée le", datetime_fr(now)),
        ("Par", f"{by.full_name}, {by.role_label.lower()}"),
        ("Pour", rules.COMPLAINANTS[thread.complainant]),
        ("Entreprise", place),
        ("Personne concernée", thread.beneficiary.full_name if thread.beneficiary_id else ""),
        ("Nature", natures.label(thread.nature)),
        ("Objet", thread.subject),
        ("Pièces jointes", ", ".join(file.file_name for file in asked.files)),
        ("Accusé de réception au plus tard le", date_fr(thread.acknowledge_by)),
        ("Réponse au plus tard le", date_fr(thread.answer_by)),
    ]
    return documents.ask(
        "complaint",
        {"lines": [line for line in about if line[1]], "body": asked.body.split("\n")},
        now,
        title=f"Réclamation n°\u00a0{thread.number} du {date_fr(clock.day_of(now))}",
        document_type="COMPLAINT_COPY",
        account=thread.account_id,  # not of the person: in another college, who sees them does not see the thread
    )


def answer(thread, by, body, now, days, files=(), key=None):
    """The company writes: it is the mutual's turn, and a thread that was over is open again."""
    with db.atomic():
        row = thread.hold()
        was_with_mutual = row.state in row.WITH_MUTUAL
        if not row.is_open:
            open_again(row, by, now, days)
        elif not was_with_mutual:
            row.state = ThreadState.IN_PROGRESS
            if not row.is_complaint:  # the regulator's clock does not wait for the company
                wind(row, now, days)
        say(row, by, body, now, files=files, key=key)
        row.save()
        ThreadFollower.follow(row, by)
        AnswerDraft.forget(row, by)
    return row


def reopen(thread, by, now, days):
    """Open again, without a word; raises Outdated when it is open."""
    with db.atomic():
        row = thread.hold()
        if row.is_open:
            raise Outdated(row)
        open_again(row, by, now, days)
        row.save()
        ThreadFollower.follow(row, by)
    return row


def open_again(row, by, now, days):
    """Whoever refused a complaint leaves it to somebody else, as the answer said (rules.recourse).

    One that was closed before any answer still has the regulator's clock, which runs from its sending.
    """
    ThreadRound.keep(row, now)
    if row.outcome in (rules.REFUSED, rules.PARTLY):
        row.assignee = None
    row.state, row.treated_at = ThreadState.IN_PROGRESS, None
    row.rating, row.rating_comment, row.rated_at, row.outcome, row.cause = None, "", None, "", ""
    if row.is_complaint and row.answered_at is None:
        row.due_on = row.answer_by if row.acknowledged_at else row.acknowledge_by
    else:
        wind(row, now, days)
    say(row, by, "", now, event=REOPENED)


def rate(thread, by, rating, comment, now):
    """1 to 5, once it is over; raises Outdated when it is not."""
    with db.atomic():
        row = thread.hold()
        if row.is_open:
            raise Outdated(row)
        row.rating, row.rating_comment, row.rated_at = rating, comment, now
        row.save()
    return row


def close(thread, by, now, seen=None):
    """Nothing more is awaited of anybody; raises Outdated when it is closed, Refused when its answer is still owed."""
    with db.atomic():
        row = held(thread, seen)
        if row.state == CLOSED:
            raise Outdated(row)
        if by.is_staff and row.is_complaint and row.answered_at is None:
            raise Refused("Une réclamation se clôt par sa réponse : répondez d’abord, avec la suite donnée.")
        row.state, row.due_on = CLOSED, None
        say(row, by, "", now, event=CLOSED)
        row.save()
    return row


# ── The mutual's side ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Reply:
    """What the mutual answers, and what it makes of the thread: AWAITING_ANSWER, TREATED or IN_PROGRESS."""

    body: str
    then: str
    outcome: str = ""  # of a complaint that is treated: rules.OUTCOMES
    cause: str = ""
    files: list = field(default_factory=list)
    key: str | None = None


def reply(thread, by, said, now, seen, ombudsman, days):
    """The mutual writes, and says whose turn it is; what refuses a complaint says the recourse by itself."""
    with db.atomic():
        row = held(thread, seen)
        treated = said.then == TREATED
        body = said.body
        if row.is_complaint:
            row.acknowledged_at = row.acknowledged_at or now
            if treated:
                row.outcome, row.cause, row.answered_at = said.outcome, said.cause, now
                if said.outcome in (rules.REFUSED, rules.PARTLY):
                    body = f"{body}\n\n{rules.recourse(row.complainant, ombudsman)}"
        row.state, row.assignee = said.then, row.assignee_id or by
        row.treated_at = now if treated else None
        turn(row, now, days)
        say(row, by, body, now, files=said.files, key=said.key)
        if said.then != ThreadState.IN_PROGRESS:
            say(row, by, "", now, event=said.then)
        row.save()
        AnswerDraft.forget(row, by)
        tell(row, "thread_answered", now)
    return row


def turn(row, now, days):
    """Set the day by which the mutual must do something; none when nothing is its to do.

    The regulator's clock does not wait for the company; a request that waited for it has its days again.
    """
    if row.state in row.OVER or not row.is_complaint and row.state == AWAITING:
        row.due_on = None
    elif row.is_complaint:
        row.due_on = row.answer_by
    elif row.due_on is None:
        wind(row, now, days)


def take(thread, by, now, seen):
    with db.atomic():
        row = held(thread, seen)
        row.assignee = by
        if row.state == ThreadState.RECEIVED:
            row.state = ThreadState.IN_PROGRESS
        say(row, by, "", now, event=TAKEN)
        row.save()
    return row


def pass_on(thread, by, colleague, words, now, seen, tells=True):
    """To a colleague, with a word that the company never reads. `tells`: not when several are, told of at once."""
    with db.atomic():
        row = held(thread, seen)
        row.assignee = colleague
        say(row, by, f"{colleague.full_name}\n{words}".strip(), now, event=PASSED, internal=True)
        row.save()
        if tells:
            tell_colleague(colleague, [row], now)
    return row


def tell_colleague(colleague, rows, now):
    """One e-mail, however many threads of a kind are passed on together."""
    if not rows:
        return
    first, several = rows[0], len(rows) > 1
    where = f"/gestion/{PATHS[first.kind]}?etat=miens" if several else f"/gestion{path_of(first)}"
    words = {"number": first.number, "count": len(rows), "complaint": first.is_complaint, "link": where}
    options = {"kind": MessageKind.REQUEST, "about": None if several else first}
    outbox.email(colleague.identifier, "thread_passed", now, colleague, **options, **words)


def note(thread, by, body, now, key=None):
    """For the mutual alone."""
    with db.atomic():
        row = thread.hold()
        say(row, by, body, now, internal=True, key=key)
        row.save()
    return row


def acknowledge(thread, by, words, now, seen):
    """Tell who complains that it came, and by when it is answered."""
    with db.atomic():
        row = held(thread, seen)
        if row.acknowledged_at or not row.is_complaint:
            raise Outdated(row)
        row.acknowledged_at, row.assignee = now, row.assignee_id or by
        row.state, row.due_on = ThreadState.IN_PROGRESS, row.answer_by
        say(row, by, words, now, event=ACKNOWLEDGED)
        row.save()
        tell(row, "thread_acknowledged", now)
    return row


# ── Written, and told ────────────────────────────────────────────────────────────────────────────────────────────


def held(thread, seen):
    row = thread.hold()
    if seen is not None and row.last_message != seen:
        raise Outdated(row)
    return row


def say(thread, by, body, now, event="", internal=False, files=(), key=None):
    """Write a message or an event in a held thread, which its caller saves."""
    message = ThreadMessage.create(
        thread=thread,
        author=by,
        by_staff=by.is_staff,
        internal=internal,
        event=event,
        body=body,
        created_at=now,
        form_key=key,
    )
    for one in files:
        one.attach(now)
        ThreadFile.create(message=message, file=one)
    first = not thread.last_message
    thread.last_message = message.id
    if internal:
        return message
    thread.last_said, thread.written_at = message.id, now
    heading = f"{thread.number} {natures.label(thread.nature)} {thread.subject} " if first else ""
    if heading or body:
        message_words.put(db, {message.id: heading + body})
    others = ThreadFollower.thread == thread, ThreadFollower.user != by
    ThreadFollower.update(unread=ThreadFollower.unread + 1).where(*others).execute()
    return message


def tell(thread, template, now):
    """Write to who follows it and may see it still; when nobody does, to all who may."""
    allowed = User.of_place(thread.account_id, thread.company_id, thread.category_id, action=Action.WRITE)
    following = {user.id for user in ThreadFollower.of(thread)}
    told = [user for user in allowed if user.id in following]
    if not told:
        told = allowed
        for user in told:
            ThreadFollower.follow(thread, user, unread=1)
    words = {"link": path_of(thread), "number": thread.number, "complaint": thread.is_complaint}
    for user in told:
        tell_one(thread, user, template, now, words)


def tell_one(thread, user, template, now, words):
    """By the means that the author chose; by e-mail to the others."""
    means = thread.follow_up if user.id == thread.author_id else "EMAIL"
    number = mobile_of(user) if means == "SMS" else None
    about = {"kind": MessageKind.REQUEST, "about": thread, **words}
    if number:
        outbox.sms(number, template, now, user, **about)
    elif means != "NONE":
        outbox.email(user.identifier, template, now, user, **about)


def mobile_of(user):
    """The number to which a text may go; None without one."""
    try:
        return identifiers.mobile(user.phone) if user.phone else None
    except Refused:
        return None

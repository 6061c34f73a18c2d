"""« Laisser le salarié compléter »: an enrolment given to the employee, given again, taken back, or ended by them."""

import datetime
from dataclasses import dataclass

from portal import enrolments, guests, outbox, waivers
from portal.enrolments import Closed, household_of
from portal.exchange import affiliation_cells as cells
from portal.exchange.affiliation_cells import NAMES
from portal.household import WAIVER, first, reached_by, waiver_asked
from portal.models import (
    JOIN,
    Beneficiary,
    Decision,
    DocumentRequest,
    Enrolment,
    EnrolmentState,
    GuestChannel,
    GuestLink,
    GuestPurpose,
    MessageKind,
    RequestState,
    Waiver,
    db,
)
from portal.readers import readers_of
from portal.rules import proofs
from portal.rules import waivers as rules

IDENTITY = (cells.BIRTH_NAME, cells.FIRST_NAME, cells.BIRTH_DATE)  # the NIR is the employee's to give
WHO = tuple(NAMES[place] for place in IDENTITY)
AGAIN = datetime.timedelta(minutes=1)  # before the same message may go once more to the same place


def missing(home):
    """What HR has to say before the employee can go on: [(step, name of the box, sentence)]."""
    found = [("garantie", name, sentence) for name, sentence in home.errors("garantie").items()]
    wrong = home.errors("salarie")
    alone = (*WHO, NAMES[cells.MATRICULE])  # what the employee has no box for is HR's to mend
    return found + [("salarie", name, wrong[name]) for name in alone if name in wrong]


def first_name_of(home):
    return home.employee.cells[cells.FIRST_NAME]


# ── Given ────────────────────────────────────────────────────────────────────────────────────────────────────────


def entrust(enrolment, channel, to, by, now):
    """Give a draft to its employee, or give them another link: the one before stops. Whether this was done.

    Asked twice within a minute, it goes once: False the second time. Raises Closed.
    A letter has its link drawn when it is printed (`letter`).
    """
    with db.atomic():
        row = held(enrolment)
        last = latest(row)
        if channel != GuestChannel.LETTER and last and same(last, channel, to) and last.created_at > now - AGAIN:
            return False
        give(row, now)
        if channel != GuestChannel.LETTER:
            send(row, channel, to, by, now)
        return True


def held(enrolment):
    row = enrolment.hold()
    if row is None or not row.is_open:
        raise Closed
    return row


def give(row, now):
    guests.cancel(row, now)
    Enrolment.update(state=EnrolmentState.WITH_EMPLOYEE, updated_at=now, warned_at=None).where(
        Enrolment.id == row.id
    ).execute()


def same(link, channel, to):
    return link.cancelled_at is None and link.channel == channel and link.unseal() == to


def send(row, channel, to, by, now):
    link, token = guests.draw(GuestPurpose.ENROL, now, guests.Wanted(channel, to, enrolment=row), by)
    guests.send(link, token, "guest_enrol", first_name_of(household_of(row.read_whole())), now)


def letter(enrolment, by, now):
    """The token to print in a letter: each print has its own, and the one before stops; raises Closed."""
    with db.atomic():
        row = held(enrolment)
        give(row, now)
        wanted = guests.Wanted(GuestChannel.LETTER, enrolment=row)
        return guests.draw(GuestPurpose.ENROL, now, wanted, by)


def latest(enrolment):
    """The last link that was given for an enrolment, whatever became of it; None before the first."""
    about = GuestLink.enrolment == enrolment, GuestLink.purpose == GuestPurpose.ENROL
    return GuestLink.select().where(*about).order_by(GuestLink.id.desc()).first()


def latest_of(enrolments):
    """The same for several, in one statement: {enrolment id: link}."""
    about = GuestLink.enrolment.in_([row.id for row in enrolments]), GuestLink.purpose == GuestPurpose.ENROL
    return {link.enrolment_id: link for link in GuestLink.select().where(*about).order_by(GuestLink.id)}


# ── Taken back ───────────────────────────────────────────────────────────────────────────────────────────────────


def take_over(enrolment, now):
    """HR goes on with it: the link stops at once. False when it is no longer with the employee."""
    return take_back(enrolment, EnrolmentState.DRAFT, now)


def call_off(enrolment, now):
    """Put it away, as a draft is; it can be restored as long."""
    return take_back(enrolment, EnrolmentState.DISCARDED, now)


def take_back(enrolment, state, now):
    with db.atomic():
        taken = enrolments.move(enrolment, EnrolmentState.WITH_EMPLOYEE, state, now)
        if taken:
            guests.cancel(enrolment, now)
    return taken


# ── Ended by the employee ────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Ended:
    """What a signature came to: the link to what was signed, or why nothing was done."""

    copy: GuestLink | None = None
    covered: bool = False  # somebody like the employee is covered already: HR has to look


def sign(link, now):
    """Use a link whose code was right: its enrolment is sent, or its waiver asked for, once and whole; else nothing.

    None when the link was used already.
    """
    with db.atomic() as transaction:
        if not link.use(now):
            return None
        ended = ask_for_waiver(link, now) if link.decision == Decision.WAIVE else enrol(link, now)
        if ended.copy is None:
            transaction.rollback()
    if ended.covered:
        enrolment = link.enrolment.read_whole()
        tell(enrolment, "enrolment_covered", first_name_of(household_of(enrolment)), now)
    return ended


def enrol(link, now):
    enrolment = link.enrolment.read_whole()
    signature = (link.typed_name, now, link.code_channel)
    sending = enrolments.submit(enrolment, None, now, signature=signature, seen=link.seen_version)
    if not sending.done:
        return Ended(covered=sending.covered is not None)
    tell(enrolment, "enrolment_signed", first_name_of(sending.household), now)
    return Ended(give_copy(link, "guest_copy", sending.household, now))


def ask_for_waiver(link, now):
    enrolment = link.enrolment.read_whole()
    home = household_of(enrolment)
    asked = waiver_asked(home)
    if enrolment.version != link.seen_version or asked is None or rules.faults(asked, home.today):
        return Ended()
    numbers, addresses = contacts(link, home)
    reached = {"email": next(iter(addresses), ""), "mobile": next(iter(numbers), "")}
    waivers.request(enrolment, person_of(home) | reached, asked, link.typed_name, now)
    return Ended(give_copy(link, "guest_waived", home, now))


def contacts(link, home):
    """(mobile numbers, e-mail addresses) of who opened a link."""
    return reached_by(home, link.unseal(), first(home.words(WAIVER), "contact"))


def give_copy(link, template, home, now):
    """The link by which what was signed is read again: by e-mail, otherwise by SMS, otherwise in this browser alone."""
    numbers, addresses = contacts(link, home)
    channel, to = GuestChannel.LETTER, ""
    if addresses or numbers:
        channel, to = (GuestChannel.EMAIL, addresses[0]) if addresses else (GuestChannel.SMS, numbers[0])
    copy, token = guests.draw(GuestPurpose.COPY, now, guests.Wanted(channel, to, enrolment=link.enrolment))
    if to:
        guests.send(copy, token, template, first_name_of(home), now)
    return copy


def person_of(home):
    """Who asks for a waiver, by column."""
    texts = home.employee.cells
    columns = {
        "title": cells.CIVILITY,
        "birth_name": cells.BIRTH_NAME,
        "used_name": cells.USED_NAME,
        "first_name": cells.FIRST_NAME,
    }
    number = first(home.words("salarie"), NAMES[cells.MATRICULE])
    person = {name: texts[place] for name, place in columns.items()}
    return person | {"employee_number": number, "birth_date": home.born(home.employee)}


def keep_waiver(enrolment, words, now):
    """Keep what was typed to stay out until a code signs it; the version to sign. Raises Closed."""
    with db.atomic():
        row = held(enrolment)
        row.seal(row.unseal() | {WAIVER: words})
        row.version, row.updated_at = row.version + 1, now
        row.save(only=["answers", "version", "updated_at"])
    return row.version


# ── What came of it ──────────────────────────────────────────────────────────────────────────────────────────────


def waiver_of(enrolment):
    """What the employee asked for instead of this enrolment; None when they did not."""
    return Waiver.select().where(Waiver.enrolment == enrolment).order_by(Waiver.id.desc()).first()


def awaited(enrolment, waiver):
    """[(first name, words of the document)] that the household, or the waiver, still has to send."""
    about = DocumentRequest.waiver == waiver if waiver else DocumentRequest.beneficiary.in_(household(enrolment))
    found = (
        DocumentRequest.select(DocumentRequest, Beneficiary)
        .join(Beneficiary, JOIN.LEFT_OUTER)
        .where(about, DocumentRequest.state.in_(DocumentRequest.OPEN))
        .order_by(DocumentRequest.id)
    )
    people = [(row.beneficiary if row.beneficiary_id else waiver, proofs.PROOFS[row.document_type]) for row in found]
    return [(person.first_name, proof.label) for person, proof in people]


SHOWN = (*DocumentRequest.OPEN, RequestState.RECEIVED, RequestState.ACCEPTED)


def requests_of(link):
    """What is, or was, awaited of the household of a link, or of the waiver that was signed by it; whole."""
    waiver = waiver_of(link.enrolment) if link.enrolment_id else None
    if waiver:
        about = DocumentRequest.waiver == waiver
    elif link.enrolment_id:
        about = DocumentRequest.beneficiary.in_(household(link.enrolment.read_whole()))
    else:
        about = DocumentRequest.beneficiary.in_(same_household(link.beneficiary))
    requests = DocumentRequest.select().where(about, DocumentRequest.state.in_(SHOWN))
    return DocumentRequest.whole(requests).order_by(DocumentRequest.due_on, DocumentRequest.id)


def household(enrolment):
    """The ids of those whom an enrolment brought; nobody once its affiliation was undone."""
    person = enrolment.movement and enrolment.movement.beneficiary
    return same_household(person) if person else Beneficiary.select(Beneficiary.id).where(False)


def same_household(person):
    """The ids of those of a household, in its account alone."""
    same = Beneficiary.household_number == person.household_number, Beneficiary.account == person.account_id
    return Beneficiary.select(Beneficiary.id).where(*same)


# ── What HR is told ──────────────────────────────────────────────────────────────────────────────────────────────


def tell(enrolment, template, first_name, now):
    """An e-mail to who began the enrolment, or else to who sees the college, without more than the first name."""
    words = {"name": first_name, "link": f"/adhesion/{enrolment.public_id}"}
    for user in readers_of(enrolment):
        outbox.email(user.identifier, template, now, user, kind=MessageKind.ENROLMENT, about=enrolment, **words)


def tell_expired(now):
    """Say once of each link that has just run out that its employee did not go to the end; how many."""
    ran_out = GuestLink.expires_at.between(now - datetime.timedelta(days=2), now)
    due = (
        GuestLink.select()
        .where(GuestLink.purpose == GuestPurpose.ENROL, ran_out, GuestLink.told_at.is_null())
        .where(GuestLink.cancelled_at.is_null(), GuestLink.used_at.is_null())
    )
    told = 0
    for link in list(due):
        with db.atomic():
            mine = GuestLink.update(told_at=now).where(GuestLink.id == link.id, GuestLink.told_at.is_null())
            if mine.execute() == 1:
                whole = link.enrolment.read_whole()
                tell(whole, "enrolment_expired", first_name_of(household_of(whole)), now)
                told += 1
    return told

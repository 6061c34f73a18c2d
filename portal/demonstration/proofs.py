"""The demonstration of what employees are asked: a campaign, reminders that went, files that came, a link in hand."""

import datetime
import io
import secrets

from PIL import Image, ImageDraw, ImageFont

from portal import guests, outbox, reminders, storage
from portal.demonstration.draw import days_ago
from portal.models import (
    Channel,
    DocumentCampaign,
    DocumentRequest,
    EmployeeCategory,
    EnrolmentState,
    GuestLink,
    GuestPurpose,
    HandOver,
    MessageKind,
    MessageState,
    Reminder,
    RequestState,
    ScanState,
    StoredFile,
    SupportingDocument,
    User,
    digest,
)
from portal.proofs import RENEWAL
from portal.rules import proofs

# Days ago, whether the RH asked for it (otherwise it went by itself), and whether it arrived.
REMINDED = ((9, True, True), (16, False, True), (23, True, True), (4, False, False))
FAULTS = {Channel.EMAIL: "550", Channel.SMS: "HTTP 400"}
PAPER, INK, PAGE = (252, 251, 247), (40, 44, 52), (1240, 1754)  # a page at 150 dots an inch


def make_proofs(draw, account):
    """`account`: the guide's."""
    colleges = EmployeeCategory.select(EmployeeCategory.id).where(EmployeeCategory.account == account["id"])
    requests = DocumentRequest.select().where(DocumentRequest.category.in_(colleges))
    ours = list(DocumentRequest.whole(requests).order_by(DocumentRequest.id))
    announce(draw)
    awaited = [row for row in ours if row.state == RequestState.AWAITED and row.beneficiary_id]
    reached = [(row, row.reach(draw.month)) for row in awaited]
    able = [(row, reach) for row, reach in reached if reach]
    for (row, reach), (days, asked, arrived) in zip(able, REMINDED, strict=False):
        remind(draw, row, reach, days_ago(days), User.known("rh@demo.example") if asked else None, arrived)
    for row in ours:
        if row.received_at:
            receive(draw, row)


def announce(draw):
    """The certificates of the school year: everybody was told."""
    proof = proofs.SCHOOL_CERTIFICATE
    label = proofs.campaign(proof, draw.month)
    asked = DocumentRequest.select().where(DocumentRequest.campaign == label)
    first, last = asked.order_by(DocumentRequest.sent_on).first(), asked.order_by(DocumentRequest.due_on.desc()).first()
    own = DocumentRequest.campaign == label, DocumentRequest.document_type == proof.code
    DocumentRequest.update(origin=RENEWAL).where(*own).execute()
    at = datetime.datetime.combine(first.sent_on, datetime.time(8, 5))
    DocumentCampaign.create(
        public_id=draw.uuid(),
        label=label,
        document_type=proof.code,
        sent_on=first.sent_on,
        due_on=last.due_on,
        asked=asked.count(),
        created_at=at,
        announced_at=at,
    )


def remind(draw, row, reach, at, author, arrived=True):
    """A reminder with the link that it carried, whose message was delivered a little later, or failed for good."""
    link, token = link_of(draw, GuestPurpose.DEPOSIT, reach.channel, reach.recipient, at, author, row.answering)
    message = reminders.message(reminders.Sending(reach, row.answering, [row]), guests.path(token), at, at)
    Reminder.create(
        public_id=draw.uuid(),
        request=row,
        channel=reach.channel,
        message=delivered(draw, message) if arrived else failed(draw, message),
        link=link,
        author=author,
        created_at=at,
    )
    DocumentRequest.update(reminded_at=at).where(DocumentRequest.id == row.id).execute()


def link_of(draw, purpose, channel, to, at, author, employee=None, enrolment=None):
    """A link as it was drawn that day: (link, token)."""
    token = secrets.token_urlsafe(32)
    link = GuestLink(public_id=draw.uuid(), purpose=purpose, channel=channel, author=author, token_hash=digest(token))
    link.beneficiary, link.enrolment, link.created_at = employee, enrolment, at
    link.expires_at = at + datetime.timedelta(days=GuestLink.DAYS)
    link.seal(to)
    link.save(force_insert=True)
    return link, token


def delivered(draw, message):
    """A message that went: nothing of its words is kept."""
    message.public_id, message.content, message.attempts = draw.uuid(), None, 1
    message.state, message.settled_at = MessageState.SENT, message.created_at + datetime.timedelta(minutes=6)
    message.save(force_insert=True)
    return message


def failed(draw, message):
    """A message that was tried for two days: its words are kept, to be sent again."""
    words = message.unseal()
    message.public_id = draw.uuid()
    message.seal(words)
    message.attempts, message.state = len(outbox.DELAYS) + 1, MessageState.FAILED
    message.last_error = FAULTS[message.channel]
    message.settled_at = message.created_at + datetime.timedelta(days=2)
    message.save(force_insert=True)
    return message


def receive(draw, row):
    """What the employee sent, and what became of it."""
    person = row.beneficiary
    file = StoredFile(public_id=draw.uuid(), account=row.category.account_id, holder="", mime_type="image/png")
    file.scan = ScanState.OURS
    label = proofs.PROOFS[row.document_type].label
    picture = photograph(label, person.full_name, row.received_at)
    storage.keep(file, picture, f"{label}, {person.full_name}.png", row.received_at)
    file.attach(row.received_at)
    decided = row.state if row.state in (RequestState.ACCEPTED, RequestState.REFUSED) else ""
    SupportingDocument.create(
        public_id=draw.uuid(),
        request=row,
        file=file,
        received_at=row.received_at,
        outcome=decided,
        remark=row.remark,
        hand_over=HandOver.select().first() if decided == RequestState.ACCEPTED else None,
    )


def photograph(title, name, at):
    """A page that says what it would prove, and that it proves nothing."""
    page = Image.new("RGB", PAGE, PAPER)
    write = ImageDraw.Draw(page)
    lines = (title, "", name, f"Fait le {at:%d/%m/%Y}", "", "Document fictif de démonstration")
    for place, line in enumerate(lines):
        write.text((140, 220 + 90 * place), line, INK, ImageFont.load_default(56 if place == 0 else 38))
    out = io.BytesIO()
    page.save(out, "PNG", optimize=True)
    out.seek(0)
    return out


def entrust(draw, enrolment, author):
    """An enrolment that its employee has in hand: the link went by e-mail and was opened."""
    at, words = enrolment.created_at, enrolment.unseal()
    to, first_name = words["coordonnees"]["email"][0], words["salarie"]["prenom"][0]
    link, token = link_of(draw, GuestPurpose.ENROL, "EMAIL", to, at, author, enrolment=enrolment)
    told = {"first_name": first_name, "link": guests.path(token), "not_after": link.expires_at}
    delivered(draw, outbox.letter(to, "guest_enrol", at, kind=MessageKind.ENROLMENT, about=link, **told))
    link.opened_at = days_ago(1)
    link.save(only=["opened_at"])
    enrolment.state = EnrolmentState.WITH_EMPLOYEE
    enrolment.save(only=["state"])

"""Supporting documents: asking for them, each once, and what becomes of them."""

import datetime

from peewee import IntegrityError

from portal import clock, outbox, reminders
from portal.models import (
    Beneficiary,
    BeneficiaryRole,
    DocumentCampaign,
    DocumentRequest,
    GroupContract,
    MessageKind,
    Outdated,
    RequestState,
    SupportingDocument,
    User,
    db,
)
from portal.readers import letter
from portal.rules import proofs as rules
from portal.transitions import change, held

# Where a request comes from.
ENROLMENT, RENEWAL, INSURER, WAIVER = "ENROLMENT", "RENEWAL", "INSURER", "WAIVER"
AT_ONCE = 1_000  # requests written in one statement


# ── Asking ───────────────────────────────────────────────────────────────────────────────────────────────────────


def ask(beneficiary, proof, campaign, origin, now, due_on=None):
    """Await a document of somebody, once for a campaign: the request, made now or already there.

    `proof`: a rules.dependents.Proof. `campaign`: its name, or None for the one that the day calls for. `due_on`: by
    default in thirty days.
    """
    campaign = campaign or rules.campaign(proof, clock.day_of(now))
    ask_many([(beneficiary, proof)], campaign, origin, now, due_on)
    about = DocumentRequest.document_type == proof.code, DocumentRequest.beneficiary == beneficiary
    return DocumentRequest.get(DocumentRequest.campaign == campaign, *about)


def ask_for_waiver(waiver, proof, now, campaign=None, due_on=None):
    """Await the proof of a waiver, once for a campaign: the request, made now or already there."""
    campaign = campaign or rules.campaign(proof, clock.day_of(now))
    row = asked(proof, campaign, WAIVER, now, due_on) | {"category": waiver.category_id, "waiver": waiver.id}
    with db.atomic():
        insert([row])
    about = DocumentRequest.document_type == proof.code, DocumentRequest.waiver == waiver
    return DocumentRequest.get(DocumentRequest.campaign == campaign, *about)


def ask_many(wanted, campaign, origin, now, due_on=None):
    """Await documents of many people, as (beneficiary, proof); who is asked already in this campaign is left as is.

    How many requests are new.
    """
    rows = [
        asked(proof, campaign, origin, now, due_on)
        | {"category": beneficiary.category_id, "beneficiary": beneficiary.id}
        for beneficiary, proof in wanted
    ]
    with db.atomic():
        return insert(rows)


def asked(proof, campaign, origin, now, due_on):
    """The columns of a new request, whomever it is about."""
    today = clock.day_of(now)
    return {
        "campaign": campaign,
        "document_type": proof.code,
        "restricted": proof.restricted,
        "origin": origin,
        "sent_on": today,
        "due_on": due_on or today + datetime.timedelta(days=rules.DAYS_TO_ANSWER),
        "state": RequestState.AWAITED,
    }


def insert(rows):
    """Write those that are not there yet, however many ask at the same time; how many were new."""
    new = 0
    for start in range(0, len(rows), AT_ONCE):
        some = DocumentRequest.insert_many(rows[start : start + AT_ONCE]).on_conflict_ignore()
        new += len(list(some.returning(DocumentRequest.id).execute()))
    return new


# ── Received ─────────────────────────────────────────────────────────────────────────────────────────────────────


def receive(request, files, by, now, form_key=None):
    """Keep files that answer a request, which the mutual then looks at; False when that very form was kept already.

    `files`: StoredFile that wait. `by`: the user, None for the employee. Raises Outdated when it is no longer awaited.
    A form that was kept and comes again once it was refused, from a page that was gone back to, brings other files.
    """
    with db.atomic():
        row = request.hold()
        known = form_key and SupportingDocument.select().where(SupportingDocument.form_key == form_key).exists()
        if known and not row.is_open:
            return False
        if not row.is_open:
            raise Outdated(row)
        for place, file in enumerate(files):
            file.attach(now)
            SupportingDocument.create(
                request=row,
                file=file,
                author=by,
                received_at=now,
                form_key=form_key if place == 0 and not known else None,
            )
        change(row, RequestState.RECEIVED, received_at=now, settled_at=None, remark="")
        if by is None:
            tell_hr([row], "proof_received", now)
    return True


# ── Decided by the mutual ────────────────────────────────────────────────────────────────────────────────────────


def accept(request, now, version):
    """What was received is right; raises Outdated when somebody decided meanwhile."""
    with db.atomic():
        row = held(request, version, RequestState.RECEIVED)
        change(row, RequestState.ACCEPTED, settled_at=now)
        note(row, "ACCEPTED", "")
        reminders.tell(row, "proof_accepted", now)
    return row


def refuse(request, why, now, version, tells_hr=True):
    """It has to be sent again: who can be reached is told why, with a link; and so is HR. Raises Outdated.

    `tells_hr`: not when several are refused together, of which HR is told at once.
    """
    with db.atomic():
        row = held(request, version, RequestState.RECEIVED)
        change(row, RequestState.REFUSED, settled_at=None, remark=why)
        note(row, "REFUSED", why)
        reminders.tell(row, "proof_again", now, linked=True)
        if tells_hr:
            tell_hr([row], "proof_refused", now)
    return row


def note(row, outcome, why):
    """On the files that were just looked at."""
    undecided = SupportingDocument.request == row, SupportingDocument.outcome == ""
    SupportingDocument.update(outcome=outcome, remark=why).where(*undecided).execute()


def tell_hr(rows, template, now):
    """One e-mail to each of HR who sees the college, without a name of anybody."""
    told: dict[User, list] = {}
    readers = {}  # of each college, asked once
    for row in rows:
        if row.category_id not in readers:
            readers[row.category_id] = User.of_category(row.category)
        for user in readers[row.category_id]:
            told.setdefault(user, []).append(row)
    outbox.write_many(
        [
            letter(user, template, now, kind=MessageKind.PROOF, link=page_of(some), count=len(some))
            for user, some in told.items()
        ]
    )


def page_of(rows):
    return f"/justificatifs/{rows[0].public_id}" if len(rows) == 1 else "/justificatifs"


# ── As days pass ─────────────────────────────────────────────────────────────────────────────────────────────────


def each_day(settings, now):
    """Open the campaign of the school year, remind before deadlines, say what has expired."""
    open_school_campaign(settings, now)
    announce(settings, now)
    reminders.remind_before_deadlines(now, settings.milestones, settings.reminder_days)
    while expire(now, settings.proof_grace_days):
        pass


def expire(now, grace):
    """What was due so long ago has expired, and HR is told, but of who has left; how many, some at a time."""
    too_late = DocumentRequest.awaited().where(DocumentRequest.due_on < rules.expires_after(grace, clock.day_of(now)))
    with db.atomic():
        ids = [row.id for row in too_late.order_by(DocumentRequest.id).limit(AT_ONCE)]
        reminders.hold(ids)
        fresh = DocumentRequest.id.in_(ids), DocumentRequest.state.in_(DocumentRequest.OPEN)
        rows = list(DocumentRequest.whole(DocumentRequest.select().where(*fresh)))
        told = [row for row in rows if row.matters(clock.day_of(now))]
        done = {"state": RequestState.EXPIRED, "settled_at": now, "version": DocumentRequest.version + 1}
        DocumentRequest.update(done).where(DocumentRequest.id.in_([row.id for row in rows])).execute()
        tell_hr(told, "proof_expired", now)
    return len(rows)


def open_school_campaign(settings, now):
    """Ask for the certificates of the school year, once, on its day or as soon after it as the worker is there."""
    today = clock.day_of(now)
    year = rules.school_year(today)
    opens, due = settings.school_days(year.start.year)
    label = rules.campaign(rules.SCHOOL_CERTIFICATE, today)
    if not opens <= today <= due or DocumentCampaign.select().where(DocumentCampaign.label == label).exists():
        return None
    opened = {"label": label, "document_type": rules.SCHOOL_CERTIFICATE.code, "sent_on": today, "due_on": due}
    try:
        with db.atomic():
            wanted = [(child, rules.SCHOOL_CERTIFICATE) for child in students(year, today)]
            asked = ask_many(wanted, label, RENEWAL, now, due)
            return DocumentCampaign.create(**opened, asked=asked, created_at=now)
    except IntegrityError:  # another worker was a little faster
        return None


def students(year, today):
    """The children who are covered and of whom the contract's rules ask a certificate for that school year."""
    covered = Beneficiary.terminated_on.is_null() | (Beneficiary.terminated_on >= today)
    children = (
        Beneficiary.select(Beneficiary, GroupContract)
        .join(GroupContract, on=Beneficiary.contract)
        .where(Beneficiary.role == BeneficiaryRole.CHILD, covered)
    )
    for child in children.iterator():
        if rules.certificate_needed(child.birth_date, "", year, *child.contract.child_rules):
            yield child


def announce(settings, now):
    """Write to everybody of the campaigns that nobody was told of yet."""
    for campaign in DocumentCampaign.select().where(DocumentCampaign.announced_at.is_null()):
        reminders.announce(campaign, now, settings.reminder_days)

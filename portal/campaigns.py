"""Campaigns of supporting documents that the mutual opens: what is asked of whom, until when; longer, or no more."""

from dataclasses import dataclass
from datetime import date, time

from peewee import Case

from portal import clock, proofs
from portal.models import (
    Beneficiary,
    DocumentCampaign,
    DocumentRequest,
    ManagedAccount,
    RequestState,
    db,
    fn,
    years_before,
)
from portal.rules import Refused
from portal.rules import proofs as rules
from portal.rules.dependents import Proof

NAME_TAKEN = "Une campagne porte déjà ce nom. Donnez-en un autre."
MOST = 20_000  # people asked at once: beyond, one account after another


@dataclass(frozen=True)
class Wanted:
    """A document, and of whom: those of these roles and ages (years, both ends within), of one account or of all."""

    proof: Proof
    roles: tuple[int, ...]
    due_on: date
    account: ManagedAccount | None = None
    youngest: int | None = None
    oldest: int | None = None
    unless_since: date | None = None  # but who sent it since that day


def people(beneficiaries, wanted, today):
    """Of `beneficiaries` (the door's), those who are covered and of whom the document is wanted."""
    covered = Beneficiary.terminated_on.is_null() | (Beneficiary.terminated_on >= today)
    found = beneficiaries.where(covered, Beneficiary.role.in_(wanted.roles))
    if wanted.account:
        found = found.where(Beneficiary.account == wanted.account)
    if wanted.youngest is not None:
        found = found.where(Beneficiary.birth_date <= years_before(today, wanted.youngest))
    if wanted.oldest is not None:
        found = found.where(Beneficiary.birth_date > years_before(today, wanted.oldest + 1))
    if wanted.unless_since:
        came = DocumentRequest.state.in_((RequestState.RECEIVED, RequestState.ACCEPTED))
        since = clock.instant(wanted.unless_since, time())
        sent = DocumentRequest.select(DocumentRequest.beneficiary).where(
            came,
            DocumentRequest.document_type == wanted.proof.code,
            DocumentRequest.received_at >= since,
            DocumentRequest.beneficiary.is_null(False),
        )
        found = found.where(Beneficiary.id.not_in(sent))
    return found


def open_campaign(label, wanted, beneficiaries, by, now, form_key=None):
    """Ask all of them, in one transaction; the worker writes to them.

    Raises Refused when the name is that of other requests, IntegrityError when another campaign took it meanwhile.
    """
    today = clock.day_of(now)
    with db.atomic():
        if rules.is_own_name(label) or DocumentRequest.select().where(DocumentRequest.campaign == label).exists():
            raise Refused(NAME_TAKEN)
        opened = {"label": label, "document_type": wanted.proof.code, "sent_on": today, "due_on": wanted.due_on}
        campaign = DocumentCampaign.create(**opened, author=by, created_at=now, form_key=form_key)
        chosen = people(beneficiaries, wanted, today).select(Beneficiary.id, Beneficiary.category)
        asked = ((one, wanted.proof) for one in chosen.iterator())
        campaign.asked = proofs.ask_many(list(asked), label, proofs.RENEWAL, now, wanted.due_on)
        campaign.save(only=["asked"])
    return campaign


EXPIRED, CANCELLED = RequestState.EXPIRED, RequestState.CANCELLED


def counted(campaigns):
    """These campaigns, each with how many of its requests are in which state (`counts`) and late (`late`)."""
    found = list(campaigns)
    today, counts = clock.today(), {}
    asked = DocumentRequest.select(
        DocumentRequest.campaign,
        DocumentRequest.document_type,
        DocumentRequest.state,
        fn.COUNT(DocumentRequest.id),
        fn.SUM(Case(None, [(DocumentRequest.due_on < today, 1)], 0)),
    ).where(DocumentRequest.campaign.in_([one.label for one in found]), DocumentRequest.origin == proofs.RENEWAL)
    kinds = DocumentRequest.campaign, DocumentRequest.document_type, DocumentRequest.state
    for label, document, state, count, past in asked.group_by(*kinds).tuples():
        counts.setdefault((label, document), {})[state] = count, past
    for one in found:
        of = counts.get((one.label, one.document_type), {})
        one.counts = {state: count for state, (count, _) in of.items()}
        one.open = sum(one.counts.get(state, 0) for state in DocumentRequest.OPEN)
        one.can_be_extended = bool(one.open or (one.counts.get(EXPIRED) and not one.counts.get(CANCELLED)))
        one.late = sum(past for state, (_, past) in of.items() if state in DocumentRequest.OPEN)
    return found


def extend(campaign, due_on):
    """Until another day, for what is still awaited and for what had expired: how many."""
    awaited = (*DocumentRequest.OPEN, RequestState.EXPIRED)
    reopened = Case(
        DocumentRequest.state, [(RequestState.EXPIRED.value, RequestState.AWAITED.value)], DocumentRequest.state
    )
    with db.atomic():
        campaign.due_on = due_on
        campaign.save(only=["due_on"])
        return change(campaign, awaited, state=reopened, due_on=due_on, settled_at=None)


def stop(campaign, now):
    """Nothing of it is awaited any more: how many were. What came stays, and is looked at."""
    with db.atomic():
        return change(campaign, DocumentRequest.OPEN, state=RequestState.CANCELLED, settled_at=now)


def change(campaign, states, **values):
    rows = DocumentRequest.campaign == campaign.label, DocumentRequest.state.in_(states)
    rows += (DocumentRequest.document_type == campaign.document_type, DocumentRequest.origin == proofs.RENEWAL)
    return DocumentRequest.update(version=DocumentRequest.version + 1, **values).where(*rows).execute()

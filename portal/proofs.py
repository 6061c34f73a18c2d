"""Supporting documents: asking for them, each once, and what becomes of them."""

import datetime

from portal import clock
from portal.models import DocumentRequest, RequestState, db
from portal.rules import proofs as rules

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

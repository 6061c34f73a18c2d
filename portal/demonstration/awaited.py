"""Supporting documents that are awaited, received, refused, accepted or expired."""

import datetime

from portal import clock
from portal.demonstration.people import CHILD
from portal.models import Beneficiary, DocumentRequest
from portal.rules import proofs

# In the guide's account: who, whether their household can be written to, what is asked, its state, days from the first
# of the month to the deadline, and whether the mutual reminded. The first two are late whatever the day: from today.
AWAITED = (
    ("CHILD", True, proofs.SCHOOL_CERTIFICATE, "AWAITED", -8, True),
    ("CHILD", False, proofs.SCHOOL_CERTIFICATE, "AWAITED", -8, True),
    ("SPOUSE", True, proofs.COHABITATION, "AWAITED", 33, False),
    ("CHILD", True, proofs.SCHOOL_CERTIFICATE, "AWAITED", 37, False),
    ("EMPLOYEE", True, proofs.HEALTH_RIGHTS, "AWAITED", 37, True),
    ("SPOUSE", True, proofs.CIVIL_PARTNERSHIP, "AWAITED", 41, False),
    ("EMPLOYEE", True, proofs.BANK_DETAILS, "REFUSED", 49, False),
    ("CHILD", True, proofs.SCHOOL_CERTIFICATE, "RECEIVED", 37, False),
    ("SPOUSE", True, proofs.COHABITATION, "ACCEPTED", 20, False),
    ("EMPLOYEE", True, proofs.BANK_DETAILS, "EXPIRED", -70, True),
)


def make_document_requests(draw, accounts):
    """Those of the guide's account in each state; elsewhere, the certificates of the children who are old enough."""
    ours, *others = [account["id"] for account in accounts]
    covered = Beneficiary.select().where(Beneficiary.terminated_on.is_null()).order_by(Beneficiary.member_number)
    people = list(covered.where(Beneficiary.account == ours))
    reached = {one.household_number for one in people if one.is_employee and (one.mobile or one.email)}
    for role, contact, *asked in AWAITED:
        able = [one for one in people if one.role.name == role]
        draw.shuffle(able)
        able.sort(key=lambda one: one.birth_date if role == "CHILD" else draw.month)  # the eldest children study
        able.sort(key=lambda one: (one.household_number in reached) != contact)
        people.remove(able[0])
        await_document(draw, able[0], *asked)
    born = [draw.month - datetime.timedelta(days=years * 366) for years in (24, 21)]
    students = covered.where(Beneficiary.account.in_(others), Beneficiary.role == CHILD)
    for person in students.where(Beneficiary.birth_date.between(*born)):
        await_document(draw, person, proofs.SCHOOL_CERTIFICATE, "AWAITED", draw.choice((-8, 37, 37)), False)


def await_document(draw, person, proof, state, days, reminded):
    """One document asked for before the month; the mutual reminds three weeks later."""
    late = state == "AWAITED" and days < 0
    due = (clock.today() if late else draw.month) + datetime.timedelta(days=days)
    sent = min(due, draw.month) - datetime.timedelta(days=45)
    at = datetime.datetime.combine(draw.month, datetime.time(10, 5))
    DocumentRequest.create(
        public_id=draw.uuid(),
        category=person.category_id,
        beneficiary=person.id,
        campaign=proofs.campaign(proof, draw.month) if proof.yearly else f"Mise à jour des dossiers {draw.month.year}",
        document_type=proof.code,
        restricted=proof.restricted,
        origin="INSURER",
        sent_on=sent,
        due_on=due,
        insurer_reminded_on=sent + datetime.timedelta(days=21) if reminded else None,
        state=state,
        remark=proofs.REFUSALS["ILLEGIBLE"] if state == "REFUSED" else "",
        received_at=at if state in ("RECEIVED", "ACCEPTED", "REFUSED") else None,
        settled_at=at if state in ("ACCEPTED", "REFUSED", "EXPIRED") else None,
    )

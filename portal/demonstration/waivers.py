"""The demonstration of « Dispenses »: the register in each of its states."""

import datetime

from portal import clock
from portal.demonstration.draw import days_ago
from portal.formats import search_key
from portal.models import DocumentRequest, EmployeeCategory, Waiver
from portal.rules import proofs, waivers

# In the guide's account: the case, days since it began, its state, whether it is proved, and the last day, in days.
WAIVED = (
    ("OP_DEPENDENT", 3, "REQUESTED", False, None),
    ("OP_DEPENDENT", 350, "IN_FORCE", True, None),
    ("OP_OTHER_JOB", 372, "IN_FORCE", False, None),
    ("ACT_CDD_LT12", 120, "IN_FORCE", True, 60),
    ("OP_INDIVIDUAL", 400, "ENDED", True, -40),
    ("OP_CSS", 20, "REFUSED", False, 200),
)


def make_waivers(draw, account):
    """One to decide, one to prove again soon, one that is late, one short contract, one over, one refused."""
    college = EmployeeCategory.select().where(EmployeeCategory.account == account["id"]).order_by(EmployeeCategory.id)
    for case, began, state, proved, last in WAIVED:
        waive(draw, college.first(), case, began, state, proved, last, days_ago(began))


def waive(draw, category, reason, began, state, proved, last, at):
    case, today, sex = waivers.CASES[reason], clock.today(), draw.choice(("M", "F"))
    effect = today - datetime.timedelta(days=began)
    born = draw.month - datetime.timedelta(days=draw.between(24, 55) * 365)
    first, name = draw.first_name(sex, born), draw.word("surnames")
    until = today + datetime.timedelta(days=last) if last is not None else None
    row = Waiver(public_id=draw.uuid(), account=category.account_id, category=category, reason=reason, state=state)
    row.title, row.birth_name, row.first_name, row.birth_date = "Mme" if sex == "F" else "M.", name, first, born
    row.email, row.employee_number = f"{search_key(first)}.{search_key(name)}@example.com", f"D{draw.between(100, 999)}"
    row.occasion, row.cover = case.occasions[0], case.covers[0] if case.covers else ""
    row.requested_on, row.effect_on, row.valid_until, row.created_at = effect, effect, until, at
    row.hired_on = effect if case.hired else None
    row.signed_name = f"{first} {name}" if state in ("REQUESTED", "REFUSED") else ""
    row.proved_on = effect if proved and case.proof else None
    row.review_due_on = waivers.first_review(case, effect) if state == "IN_FORCE" else None
    row.ended_on = until if state == "ENDED" else None
    row.remark = "L’attestation n’est pas à son nom." if state == "REFUSED" else ""
    asked = row.review_due_on and row.review_due_on - datetime.timedelta(days=waivers.DAYS_BEFORE)
    again = bool(asked and asked <= today)  # as the worker would have done on that day
    row.reminded_at = clock.instant(asked, datetime.time(7, 30)) if again else None
    row.keep()
    if case.proof and row.is_open and (again or not proved):
        await_waiver(draw, row, case.proof, asked if again else effect, row.review_due_on if again else None)


def await_waiver(draw, row, proof, sent, due_on):
    DocumentRequest.create(
        public_id=draw.uuid(),
        category=row.category_id,
        waiver=row,
        campaign=f"Dispenses {sent.year}",
        document_type=proof.code,
        origin="WAIVER",
        sent_on=sent,
        due_on=due_on or sent + datetime.timedelta(days=proofs.DAYS_TO_ANSWER),
        state="AWAITED",
    )

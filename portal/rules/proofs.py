"""Supporting documents: each type with its words, the campaigns that ask for it, deadlines, and who is reminded."""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

from portal.rules import Refused, waivers
from portal.rules.dependents import (
    BIRTHDAY,
    CHILD_PROOFS,
    CIVIL_PARTNERSHIP,
    COHABITATION,
    Proof,
    child_proof_needed,
    last_day,
)
from portal.rules.identifiers import takes_texts

SCHOOL_CERTIFICATE = CHILD_PROOFS["STUDENT"]
BANK_DETAILS = Proof("BANK_DETAILS", "RIB")
HEALTH_RIGHTS = Proof("HEALTH_RIGHTS", "Attestation de droits à l’Assurance maladie")
CIVIL_STATUS = Proof("CIVIL_STATUS", "Acte de naissance ou copie du livret de famille")
HOME_ADDRESS = Proof("HOME_ADDRESS", "Justificatif de domicile")

PROOFS = {
    proof.code: proof
    for proof in (
        *CHILD_PROOFS.values(),
        *(CIVIL_PARTNERSHIP, COHABITATION, BANK_DETAILS, HEALTH_RIGHTS, CIVIL_STATUS, HOME_ADDRESS),
        *waivers.PROOFS.values(),
    )
}
# What HR reads in the place of a document that tells of somebody's health (RGPD, art. 9).
CONFIDENTIAL = "Justificatif confidentiel"
# A picture taken with a telephone, or a file: what the mutual opens everywhere.
FORMATS = ("pdf", "png", "jpg", "jpeg")

# The words of the management system, beside those of the portal.
OTHER_WORDS = {
    "Certificat de concubinage": COHABITATION,
    "PACS": CIVIL_PARTNERSHIP,
    "Attestation de droits Assurance maladie": HEALTH_RIGHTS,
    "Acte de naissance": CIVIL_STATUS,
    "Livret de famille": CIVIL_STATUS,
    "Carte mobilité inclusion": CHILD_PROOFS["DISABLED"],
    "Notification de la MDPH": CHILD_PROOFS["DISABLED"],
}
WORDS = {proof.label: proof for proof in PROOFS.values()} | OTHER_WORDS


def by_words(text: str) -> Proof:
    """The type that a file names, whatever its apostrophes."""
    found = WORDS.get(text.replace("'", "’"))
    if found is None:
        raise Refused(f"Ce type de justificatif est inconnu. Écrivez l’un de ceux-ci : {'; '.join(WORDS)}.")
    return found


def shown_to_hr(code: str) -> str:
    """How HR reads a type: nothing of a person's health."""
    proof = PROOFS[code]
    return CONFIDENTIAL if proof.restricted else proof.label


def reason_to_hr(code: str, reason: str) -> str:
    """Why a document was refused, as HR reads it: of what tells of health, the sentence that is ready and no more."""
    if not PROOFS[code].restricted or not reason:
        return reason
    return next((ready for ready in REFUSALS.values() if reason.startswith(ready)), TOLD_TO_EMPLOYEE)


# ── Campaigns ────────────────────────────────────────────────────────────────────────────────────────────────────

DAYS_TO_ANSWER = 30  # where nobody said until when


class SchoolYear(NamedTuple):
    """From 1 September to 31 August."""

    start: date
    end: date

    @property
    def label(self) -> str:
        return f"{self.start.year}-{self.end.year}"


def school_year(on: date) -> SchoolYear:
    """The school year of a day, as schools and their certificates count."""
    first = on.year if on.month >= 9 else on.year - 1
    return SchoolYear(date(first, 9, 1), date(first + 1, 8, 31))


def campaign(proof: Proof, on: date) -> str:
    """The campaign that a document asked for on that day belongs to, when nobody named one.

    What is asked every year has one name a school year: an enrolment in November and the campaign of September ask the
    same child for the same certificate once.
    """
    if proof == SCHOOL_CERTIFICATE:
        return f"Certificats de scolarité {school_year(on).label}"
    return f"{'Dispenses' if proof.code in waivers.PROOFS else 'Adhésions'} {on.year}"


def is_own_name(label: str) -> bool:
    """A name that campaigns take by themselves: one that somebody opens must not be mixed up with them."""
    return bool(
        re.fullmatch(r"(adhésions|dispenses) \d{4}|certificats de scolarité.*", " ".join(label.split()).lower())
    )


def certificate_needed(
    birth_date: date,
    status: str,
    year: SchoolYear,
    child_max_age: int,
    child_student_max_age: int,
    end_rule: str = BIRTHDAY,
) -> bool:
    """A child passes the contract's first limit before this school year ends, and a certificate can keep the cover.

    `status`: "" when nobody told it. Then a certificate is what is asked: those who study are most of those who stay
    covered so late. Those who are past the students' limit before the year begins cannot stay by it.
    """
    proof = child_proof_needed(birth_date, status or "STUDENT", year.end, child_max_age, end_rule)
    return proof == SCHOOL_CERTIFICATE and last_day(birth_date, child_student_max_age, end_rule) >= year.start


# ── Deadlines and reminders ──────────────────────────────────────────────────────────────────────────────────────


def days_left(due_on: date, on: date) -> int:
    """Days until a deadline, which is the last good day; negative once it has passed."""
    return (due_on - on).days


def expires_after(grace: int, on: date) -> date:
    """What was due before this day is too late: the deadline and the days of grace are behind."""
    return on - timedelta(days=grace)


def reminder_due(due_on: date, told_on: date, on: date, milestones: Iterable[int], delay: int) -> bool:
    """A day calls for a reminder before the deadline: so many days before it (15 and 3, say), once for each.

    `told_on`: when they were last told of it, by whomever. Nobody is told twice within `delay` days: a reminder that
    went in the days before stands for this one. A worker that was away on the day makes up for it on the next one.
    """
    left = days_left(due_on, on)
    reached = min((days for days in milestones if 0 <= left <= days), default=None)
    return reached is not None and (due_on - told_on).days > reached + delay


class Reach(NamedTuple):
    """How somebody is reached: the channel, the number or the address, and whether it is the employee's own."""

    channel: str  # SMS or EMAIL
    recipient: str
    of_employee: bool


def reach(employee: tuple[str, str], person: tuple[str, str], adult: bool) -> Reach | None:
    """How to remind of a document: by SMS rather, else by e-mail; None when there is no way.

    The employee is the member and answers for the household; a dependent is written to only where the employee cannot
    be, and never a minor. No text goes to a land line, which people write among mobiles.
    `employee`, `person`: (mobile, e-mail), "" for what is unknown.
    """
    for (mobile, email), of_employee in ((employee, True), (person if adult else ("", ""), False)):
        if takes_texts(mobile):
            return Reach("SMS", mobile, of_employee)
        if email:
            return Reach("EMAIL", email, of_employee)
    return None


# ── Why the mutual refuses a document ────────────────────────────────────────────────────────────────────────────

REFUSALS = {
    "ILLEGIBLE": "Le document n’est pas lisible. Envoyez-le de nouveau, bien net et entier.",
    "INCOMPLETE": "Il manque une page. Envoyez le document entier.",
    "OTHER_DOCUMENT": "Ce n’est pas le document demandé.",
    "OTHER_PERSON": "Le document n’est pas au nom de la bonne personne.",
    "OUTDATED": "Le document n’est plus valable. Envoyez celui de l’année en cours.",
    "NOT_SIGNED": "Le document n’est ni signé ni tamponné.",
}
TOLD_TO_EMPLOYEE = "La mutuelle en dit la raison au salarié seul."

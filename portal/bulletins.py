"""The « bulletin d'adhésion individuel »: what an enrolment says, as it is printed, signed and kept."""

import re

from portal import clock, documents
from portal.formats import SPACE, date_fr, datetime_fr, iban_hidden

CHANNELS = {"EMAIL": "un code envoyé par e-mail", "SMS": "un code envoyé par SMS"}
GAP = rf"[ {SPACE}]?"
# As they are written for people: the start and the end of an IBAN, sex and birth of a NIR, tell them from others.
IBAN = re.compile(rf"\b([A-Z]{{2}}\d{{2}})(?:{GAP}[A-Z0-9]){{11,30}}\b")
NIR = re.compile(rf"\b([1-478]){GAP}(\d\d){GAP}(\d\d){GAP}(?:\d\d|\d[AB]){GAP}\d{{3}}{GAP}\d{{3}}(?:{GAP}\d\d)?\b")
HIDDEN = "••"


def ask(enrolment, employee, blocks, now):
    """Have the bulletin of an enrolment printed, once it is sent: among the documents of the contract and the person.

    `employee`: the beneficiary that it made. `blocks`: last_look.summary, [(step, title, [(label, value)])].
    """
    title = f"Bulletin d’adhésion individuel, {employee.full_name}"
    return documents.ask(
        "enrolment_form",
        words(enrolment, employee, blocks, now),
        now,
        title=title,
        document_type="ENROLMENT_FORM",
        account=enrolment.account_id,
        contract=enrolment.contract_id,
        beneficiary=employee,
    )


def words(enrolment, employee, blocks, now):
    """What the template says, as texts."""
    category, contract = enrolment.category, enrolment.contract
    contract_lines = [
        ("Entreprise", category.company.label),
        ("Collège", f"{category.code} – {category.label}"),
        ("Contrat", contract.number),
        ("Garantie", contract.plan.label),
        ("Date d’effet", date_fr(employee.effective_on)),
    ]
    told = [
        (title, [(label, masked(value)) for label, value in lines])
        for step, title, lines in blocks
        if lines and step != "garantie"
    ]
    return {
        "number": enrolment.number,
        "sent_on": date_fr(clock.day_of(now)),
        "name": employee.full_name,
        "company": category.company.label,
        "blocks": [("Le contrat", contract_lines), *told],
        "awaited": awaited(enrolment),
        "signature": signature(enrolment),
    }


def masked(value):
    """A value without the middle of an IBAN, nor the end of a NIR: they stay in the vault."""
    value = IBAN.sub(lambda found: iban_hidden(re.sub(GAP, "", found[0])), value)
    hidden = SPACE.join((HIDDEN, "•••", "•••", HIDDEN))
    return NIR.sub(rf"\1{SPACE}\2{SPACE}\3{SPACE}{hidden}", value)


def awaited(enrolment):
    """Who is still to be added, in words."""
    both = (("un conjoint", enrolment.spouse_awaited), ("un ou des enfants", enrolment.children_awaited))
    return " et ".join(who for who, is_awaited in both if is_awaited)


def signature(enrolment):
    """Who signed, when and how; None: to be signed by hand."""
    if not enrolment.signed_at:
        return None
    how = CHANNELS.get(enrolment.signed_by, "")
    return {"name": enrolment.signed_name, "at": datetime_fr(enrolment.signed_at), "how": how}


def of(enrolment):
    """The bulletin of an enrolment that was sent; None when its affiliation was undone."""
    person = enrolment.movement and enrolment.movement.beneficiary_id
    return documents.latest("ENROLMENT_FORM", person) if person else None

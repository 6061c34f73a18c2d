"""How a movement is told in French: what it changes, from what to what, who asked for it, and what became of it."""

from itertools import islice
from types import SimpleNamespace

from flask_login import current_user

from portal import clock
from portal.formats import date_fr, phone_fr
from portal.models import (
    Company,
    EmployeeCategory,
    GroupContract,
    ManagedAccount,
    Movement,
    MovementKind,
    MovementState,
)
from portal.rules.proofs import shown_to_hr
from portal.rules.terminations import GROUPS

KINDS = {
    MovementKind.AFFILIATION: "Affiliation",
    MovementKind.TERMINATION: "Radiation",
    MovementKind.REHIRE: "Réembauche",
    MovementKind.CATEGORY: "Changement de collège",
    MovementKind.ADDRESS: "Changement d’adresse",
    MovementKind.NAME: "Changement de nom",
    MovementKind.CONTACT: "Nouvelles coordonnées",
}
STATES = {
    MovementState.RECORDED: "Enregistrée",
    MovementState.HANDED_OVER: "Transmise",
    MovementState.PROCESSED: "Traitée",
    MovementState.REFUSED: "Refusée",
    MovementState.TAKEN_BACK: "Reprise",
}
TONES = {
    MovementState.RECORDED: ("info", "clock"),
    MovementState.HANDED_OVER: ("info", "send"),
    MovementState.PROCESSED: ("ok", "circle-check"),
    MovementState.REFUSED: ("danger", "circle-x"),
    MovementState.TAKEN_BACK: ("", "arrow-back-up"),
}
LABELS = {
    "title": "Civilité",
    "birth_name": "Nom de naissance",
    "used_name": "Nom d’usage",
    "first_name": "Prénom",
    "phone": "Tél fixe",
    "mobile": "Portable",
    "email": "E-mail",
}
PLACES = (MovementKind.CATEGORY, MovementKind.REHIRE)


def with_places(movements):
    """And the college, company and account that they were asked in."""
    named = movements.select_extend(EmployeeCategory, Company, ManagedAccount)
    return named.switch(Movement).join(EmployeeCategory).join(Company).join(ManagedAccount)


def of_person(person, most=50):
    """Everything that was asked for this person, the latest first."""
    return tell(current_user.movements_of(person, most))


def since(person, version):
    """What was asked for this person after this version of them, the latest first."""
    return [one for one in of_person(person) if one.version > version]


def tell(movements, contracts=None):
    """Movements as the pages show them; one more query when some change the college, among these contracts."""
    rows = list(movements)
    places = colleges(rows, contracts)
    return [told(row, places) for row in rows]


def tell_many(movements, contracts, at_once=500):
    """The same for a file, some at a time: it is read when the request is over, and its user gone."""
    rows = movements.iterator()
    while some := list(islice(rows, at_once)):
        yield from tell(some, contracts)


def told(row, places):
    tone, icon = TONES[row.state]
    author = getattr(row, "author", None)
    return SimpleNamespace(
        public_id=row.public_id,
        kind=KINDS[row.kind],
        label=row.label,
        person=row.beneficiary_id and row.beneficiary.public_id,
        lines=lines(row, places),
        state=STATES[row.state],
        tone=tone,
        icon=icon,
        remark=row.remark,
        at=row.created_at,
        by=author.full_name if author and author.id else "",
        effective_on=row.effective_on,
        to_come=row.is_in_progress and row.applied_at is None,
        can_be_taken_back=row.can_be_taken_back,
        version=row.version,
        replaced=row.before or {},
        **where(row),
    )


def where(row):
    """The day it was asked in Paris; whom and where it is about, when the query tells."""
    category = row.__rel__.get("category")
    return {
        "day": clock.day_of(row.created_at),
        "member_number": row.beneficiary.member_number if row.beneficiary_id else "",
        "category": category and category.label,
        "company": category and category.company.label,
        "account": category and category.company.account.name,
    }


def lines(row, places):
    """(what, from, to): « Adresse », « 14 rue du Tomachon… », « 3 rue Pasteur… »."""
    before, after = row.before or {}, row.after or {}
    if row.kind == MovementKind.TERMINATION:
        reason = GROUPS.get(row.reason, "")
        return [("Fin de la couverture", day(before.get("terminated_on")), f"{date_fr(row.effective_on)}, {reason}")]
    if row.kind == MovementKind.ADDRESS:
        return [("Adresse", address(before), address(after))]
    if row.kind == MovementKind.AFFILIATION:
        return [("Pièce demandée", "", shown_to_hr(after["proof"]))] if after.get("proof") else []
    if row.kind in PLACES:
        moved = [("Collège", places.get(before.get("contract"), ""), places.get(after.get("contract"), ""))]
        return moved if before.get("contract") != after.get("contract") else []
    return [
        (label, written(name, before.get(name)), written(name, after.get(name)))
        for name, label in LABELS.items()
        if before.get(name, "") != after.get(name, "")
    ]


def written(name, value):
    return phone_fr(value) if value and name in ("phone", "mobile") else value or ""


def day(iso):
    """2026-12-31 as 31/12/2026."""
    return "/".join(reversed(iso.split("-"))) if iso else ""


def address(values):
    street = " ".join(filter(None, (values.get("street_number"), values.get("street"))))
    town = " ".join(filter(None, (values.get("postal_code"), values.get("city"))))
    country = values.get("country", "")
    parts = (street, values.get("complement"), town, country if country != "France" else "")
    return ", ".join(filter(None, parts))


def colleges(rows, contracts):
    """The colleges that these movements lead from and to: contract id → label."""
    ids = {side["contract"] for row in rows if row.kind in PLACES for side in (row.before, row.after) if side}
    if not ids:
        return {}
    named = (current_user.contracts() if contracts is None else contracts).select(
        GroupContract.id, GroupContract.number, EmployeeCategory.label, Company.label
    )
    found = named.join(EmployeeCategory).join(Company).where(GroupContract.id.in_(ids)).tuples()
    return {id: f"{company}, {college} ({number})" for id, number, college, company in found}

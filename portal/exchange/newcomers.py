"""Newcomers: the people who are affiliated, created with a movement each."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import orjson

from portal import clock, database, proofs, waivers
from portal.exchange.many import draw_ids, draw_uuid, fields, in_words, insert
from portal.exchange.recognising import CONTACT, last_name_key
from portal.formats import search_key, sort_key
from portal.models import (
    ADDRESS,
    Beneficiary,
    BeneficiaryRole,
    Enrolment,
    Movement,
    MovementKind,
    User,
    db,
    vault,
)
from portal.rules.dependents import Proof
from portal.rules.proofs import PROOFS, campaign

AFFILIATION = MovementKind.AFFILIATION.value
SECRETS = ("nir", "reimbursement_iban", "contribution_iban")


@dataclass(eq=False, slots=True)
class Newcomer:
    """Somebody to affiliate: values as `Checked.values`; dependents join an employee, there already or new too.

    `affiliate` gives the ids of the person and of the movement.
    """

    values: dict[str, Any]
    joins: Any = None  # a Beneficiary, another Newcomer, or nobody
    public_id: str = field(default_factory=lambda: in_words(draw_uuid()))  # as the vault names a place
    number: str = ""  # provisional
    household: str = ""
    person: int = 0
    movement: int = 0

    def __post_init__(self) -> None:
        self.number = f"P{self.public_id[-12:].upper()}"  # as random as it


PLAIN = (
    *("role", "title", "birth_name", "used_name", "first_name", "birth_date", "sex", "effective_on"),
    *(*ADDRESS, *CONTACT, "reimbursement_bic", "contribution_bic"),
)
# What the mutual is told besides, and alone keeps.
TOLD = (*PLAIN, "matricule", "base_scheme", "other_cover", "relationship", "child_status", "proof")
PLAINLY, FULLY = itemgetter(*PLAIN), itemgetter(*TOLD)  # in one step: a file has ten thousand rows
PERSON = (
    *("id", "public_id", "account", "category", "contract", "member_number", "household_number", "employee_number"),
    *("provisional", *PLAIN, *SECRETS, "nir_index", "name_key", "first_name_key", "search_key"),
    *("terminated_on", "termination_reason", "version"),
)
MOVEMENT = (
    *("id", "public_id", "category", "beneficiary", "kind", "state", "label", "effective_on", "reason", "after"),
    *("secrets", "member_number", "cause", "author_id", "created_at", "applied_at", "version", "remark"),
)


def affiliate(newcomers: Sequence[Newcomer], account_id: int, by: User | None, now: datetime.datetime) -> None:
    """Create these people and a movement each, all or none.

    The mutual has not numbered them yet: until its own files do, they have a provisional number.
    """
    newcomers = sorted(newcomers, key=lambda one: one.values["role"])  # who is joined comes before who joins
    for one in newcomers:
        head = one.joins
        known = head.household_number if isinstance(head, Beneficiary) else head and head.household
        one.household = known or one.number
    author, at = by.id if by else None, str(now)
    with database.whole(db):
        drawn = (draw_ids(table, len(newcomers)) for table in (Beneficiary, Movement))
        for one, person, movement in zip(newcomers, *drawn, strict=True):
            one.person, one.movement = person, movement
        insert(Beneficiary, fields(Beneficiary, PERSON), (person_row(one, account_id) for one in newcomers))
        insert(Movement, fields(Movement, MOVEMENT), (movement_row(one, author, at) for one in newcomers))
        ask_for_proofs(((made_of(one), one.values["proof"]) for one in newcomers if one.values.get("proof")), now)
        employees = [one.values for one in newcomers if one.values["role"] == BeneficiaryRole.EMPLOYEE]
        waivers.end_of_people(account_id, employees, now)
        come = [one for one in newcomers if one.values["role"] == BeneficiaryRole.SPOUSE]
        Enrolment.spouses_came([one.joins.id for one in come if isinstance(one.joins, Beneficiary)])


def made_of(one: Newcomer) -> Beneficiary:
    return Beneficiary(id=one.person, category=one.values["offer"].category_id)


def ask_for_proofs(codes: Iterable[tuple[Beneficiary, str]], now: datetime.datetime) -> None:
    """Await the document that the link or the situation of each calls for ("" when none does)."""
    wanted: dict[str, list[tuple[Beneficiary, Proof]]] = {}
    for person, code in codes:
        if proof := PROOFS.get(code):
            wanted.setdefault(campaign(proof, clock.day_of(now)), []).append((person, proof))
    for name, some in wanted.items():
        proofs.ask_many(some, name, proofs.ENROLMENT, now)


def person_row(one: Newcomer, account_id: int) -> tuple:
    values, offer = one.values, one.values["offer"]
    names = (values["birth_name"], values["used_name"], values["first_name"], one.number)
    nir = values["nir"]
    secrets = (seal("beneficiary", name, one, values[name]) for name in SECRETS)
    return (
        *(one.person, one.public_id.replace("-", ""), account_id, offer.category_id, offer.contract_id),
        *(one.number, one.household, values["matricule"], True, *PLAINLY(values), *secrets),
        *(vault.index(nir, "nir", account_id) if nir else None, last_name_key(values), sort_key(values["first_name"])),
        *(" ".join(map(search_key, names)), None, "", 1),
    )


def seal(table: str, name: str, one: Newcomer, text: str) -> bytes | None:
    return vault.seal(text, table, name, one.public_id) if text else None


def movement_row(one: Newcomer, author: int | None, at: str) -> tuple:
    values, offer = one.values, one.values["offer"]
    after = dict(zip(TOLD, FULLY(values), strict=True))
    after["contract"], after["household_number"] = offer.contract_id, one.household
    secrets = {name: values[name] for name in SECRETS if values[name]}
    cause = one.joins.movement if isinstance(one.joins, Newcomer) else None
    name = f"{values['first_name']} {(values['used_name'] or values['birth_name']).upper()}"
    label = name[: Movement.label.max_length]  # some letters are two in capitals
    return (
        *(one.movement, one.public_id.replace("-", ""), offer.category_id, one.person, AFFILIATION, "RECORDED", label),
        *(values["effective_on"], "", as_json(after), seal("movement", "secrets", one, as_json(secrets))),
        *(one.number, cause, author, at, at, 1, ""),
    )


def as_json(values: dict[str, Any]) -> str:
    return orjson.dumps(values).decode()

"""Newcomers: the people who are affiliated, created with a movement each."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from secrets import token_hex
from typing import Any
from uuid import UUID, uuid4

import orjson

from portal import clock, database, proofs, waivers
from portal.exchange.many import CHUNK, among, chunks, fields, insert
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


@dataclass
class Newcomer:
    """Somebody to affiliate: values as `Checked.values`; dependents join an employee, there already or new too."""

    values: dict[str, Any]
    joins: Any = None  # a Beneficiary, another Newcomer, or nobody
    public_id: UUID = field(default_factory=uuid4)
    row: str = ""  # the same, as the vault names a place
    number: str = field(default_factory=lambda: f"P{token_hex(6).upper()}")
    household: str = ""

    def __post_init__(self) -> None:
        self.row = str(self.public_id)


PLAIN = (
    *("role", "title", "birth_name", "used_name", "first_name", "birth_date", "sex", "effective_on"),
    *(*ADDRESS, *CONTACT, "reimbursement_bic", "contribution_bic"),
)
TOLD = ("base_scheme", "other_cover", "relationship", "child_status", "proof")  # what the mutual alone keeps
PLAINLY = itemgetter(*PLAIN)  # in one step, where a row has forty of them and a file ten thousand rows
PERSON = (
    *("public_id", "account", "category", "contract", "member_number", "household_number", "employee_number"),
    *("provisional", *PLAIN, *SECRETS, "nir_index", "name_key", "first_name_key", "search_key"),
    *("terminated_on", "termination_reason", "version"),
)
MOVEMENT = (
    *("public_id", "category", "beneficiary", "kind", "state", "label", "effective_on", "reason", "after", "secrets"),
    "member_number",
    *("cause", "author_id", "created_at", "applied_at", "version", "remark"),
)


def affiliate(
    newcomers: Sequence[Newcomer], account_id: int, by: User | None, now: datetime.datetime
) -> dict[UUID, tuple[int, int]]:
    """Create these people and a movement each, all or none: public id → (beneficiary, movement).

    The mutual has not numbered them yet: until its own files do, they have a provisional number.
    """
    newcomers = sorted(newcomers, key=lambda one: one.values["role"])
    for one in newcomers:
        head = one.joins
        known = head.household_number if isinstance(head, Beneficiary) else head and head.household
        one.household = known or one.number
    author, at = by.id if by else None, str(now)
    with db.atomic():
        insert(Beneficiary, fields(Beneficiary, PERSON), (person_row(one, account_id) for one in newcomers))
        people = ids_of(Beneficiary, newcomers)
        movements: dict[UUID, int] = {}
        first = [one for one in newcomers if not isinstance(one.joins, Newcomer)]
        for some in (first, [one for one in newcomers if isinstance(one.joins, Newcomer)]):
            heads = {one.public_id: one.joins.public_id for one in some if isinstance(one.joins, Newcomer)}
            causes = {one: movements[head] for one, head in heads.items()}
            rows = (movement_row(one, people[one.public_id], causes.get(one.public_id), author, at) for one in some)
            insert(Movement, fields(Movement, MOVEMENT), rows)
            movements |= ids_of(Movement, some)
        proving = [one for one in newcomers if one.values.get("proof")]
        ask_for_proofs(((made_of(one, people), one.values["proof"]) for one in proving), now)
        employees = [one.values for one in newcomers if one.values["role"] == BeneficiaryRole.EMPLOYEE]
        waivers.end_of_people(account_id, employees, now)
        come = [one for one in newcomers if one.values["role"] == BeneficiaryRole.SPOUSE]
        Enrolment.spouses_came([one.joins.id for one in come if isinstance(one.joins, Beneficiary)])
    return {one.public_id: (people[one.public_id], movements[one.public_id]) for one in newcomers}


def made_of(one: Newcomer, people: dict[UUID, int]) -> Beneficiary:
    return Beneficiary(id=people[one.public_id], category=one.values["offer"].category_id)


def ask_for_proofs(codes: Iterable[tuple[Beneficiary, str]], now: datetime.datetime) -> None:
    """Await the document that the link or the situation of each calls for ("" when none does)."""
    wanted: dict[str, list[tuple[Beneficiary, Proof]]] = {}
    for person, code in codes:
        if proof := PROOFS.get(code):
            wanted.setdefault(campaign(proof, clock.day_of(now)), []).append((person, proof))
    for name, some in wanted.items():
        proofs.ask_many(some, name, proofs.ENROLMENT, now)


def ids_of(table: Any, newcomers: Sequence[Newcomer]) -> dict[UUID, int]:
    on_sqlite = database.is_sqlite(db)
    found: dict[UUID, int] = {}
    drawn = {one.public_id.hex if on_sqlite else one.public_id: one.public_id for one in newcomers}
    selection = f"SELECT public_id, id FROM {table._meta.table_name} WHERE public_id"  # nosec B608
    for some in chunks(list(drawn), CHUNK):
        found |= {drawn[public_id]: row for public_id, row in among(selection, some)}
    return found


def person_row(one: Newcomer, account_id: int) -> tuple:
    values, offer = one.values, one.values["offer"]
    names = (values["birth_name"], values["used_name"], values["first_name"], one.number)
    nir = values["nir"]
    secrets = (seal("beneficiary", name, one, values[name]) for name in SECRETS)
    return (
        *(one.public_id.hex, account_id, offer.category_id, offer.contract_id, one.number, one.household),
        *(values["matricule"], True, *PLAINLY(values), *secrets),
        *(vault.index(nir, "nir", account_id) if nir else None, last_name_key(values), sort_key(values["first_name"])),
        *(" ".join(map(search_key, names)), None, "", 1),
    )


def seal(table: str, name: str, one: Newcomer, text: str) -> bytes | None:
    return vault.seal(text, table, name, one.row) if text else None


def movement_row(one: Newcomer, person: int, cause: int | None, author: int | None, at: str) -> tuple:
    values = one.values
    after = dict(zip(PLAIN, PLAINLY(values), strict=True))
    for name in TOLD:
        after[name] = values.get(name)
    after["matricule"], after["contract"] = values["matricule"], values["offer"].contract_id
    after["household_number"] = one.household
    secrets = {name: values[name] for name in SECRETS if values[name]}
    label = f"{values['first_name']} {(values['used_name'] or values['birth_name']).upper()}"
    return (
        *(one.public_id.hex, values["offer"].category_id, person, AFFILIATION, "RECORDED", label),
        *(values["effective_on"], "", as_json(after), seal("movement", "secrets", one, as_json(secrets))),
        *(one.number, cause, author, at, at, 1, ""),
    )


def as_json(values: dict[str, Any]) -> str:
    return orjson.dumps(values).decode()

"""Whom an account covers already: what each row of affiliation would do, and for whom."""

import datetime
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from portal import clock
from portal.exchange.affiliation_check import Checked, Context, KnownEmployee
from portal.exchange.affiliation_offers import Offer
from portal.exchange.many import CHUNK, among, chunks
from portal.formats import SPACE, date_fr, of_name, sort_key
from portal.models import (
    ADDRESS,
    Beneficiary,
    BeneficiaryRole,
    Company,
    EmployeeCategory,
    GroupContract,
    MovementKind,
    Plan,
    User,
    vault,
)

CONTACT = ("phone", "mobile", "email")
NIR, NAME, MATRICULE, PLAN = "N° S. Sociale", "Nom", "Matricule", "Garantie"

# ── What an account offers, and whom it covers already ───────────────────────────────────────────────────────────


def offers(user: User, account_id: int) -> list[Offer]:
    """The contracts of this account that the user may affiliate to."""
    found = (
        user.contracts()
        .select(
            GroupContract.id,
            GroupContract.number,
            Company.code,
            Company.label,
            EmployeeCategory.id,
            EmployeeCategory.code,
            EmployeeCategory.label,
            Plan.code,
            Plan.label,
            GroupContract.subscribed_on,
            GroupContract.child_max_age,
            GroupContract.child_student_max_age,
            GroupContract.child_end_rule,
        )
        .join(EmployeeCategory)
        .join(Company)
        .switch(GroupContract)
        .join(Plan)
        .where(EmployeeCategory.account == account_id)
        .order_by(Company.code, EmployeeCategory.code, Plan.code)
    )
    return [Offer(*row) for row in found.tuples()]


def context(user: User, account_id: int) -> Context:
    """What the rows of this account are checked against, as this user may see it."""

    def find_employees(matricules: set[str]) -> dict[str, KnownEmployee]:
        found = by_number(user, account_id, matricules)
        return {number: as_known(people[0], len(people) > 1) for number, people in found.items()}

    return Context(offers=offers(user, account_id), today=clock.today(), find_employees=find_employees)


def employees(user: User, account_id: int, matricules: Iterable[str]) -> dict[str, Beneficiary]:
    """Employees by the number that a file gives them; nobody for a number that several have."""
    return {number: same[0] for number, same in by_number(user, account_id, matricules).items() if len(same) == 1}


def by_number(user: User, account_id: int, matricules: Iterable[str]) -> dict[str, list[Beneficiary]]:
    """Who may be meant by a number: their company's, otherwise the mutual's; who is covered rather than who has left.

    Two companies of one account may each have given a number to somebody.
    """
    wanted = sorted(set(matricules))
    found: dict[str, list[Beneficiary]] = {}
    people = user.beneficiaries().where(Beneficiary.account == account_id, Beneficiary.role == BeneficiaryRole.EMPLOYEE)
    for some in chunks(wanted, CHUNK):
        for number in (Beneficiary.member_number, Beneficiary.employee_number):
            same: dict[str, list[Beneficiary]] = {}
            for person in people.where(number.in_(some)).order_by(Beneficiary.effective_on.desc(), Beneficiary.id):
                same.setdefault(getattr(person, number.name), []).append(person)
            found |= {name: covered_first(persons) for name, persons in same.items()}
    return found


def covered_first(people: list[Beneficiary]) -> list[Beneficiary]:
    """Those who are covered; the one who left last when nobody is."""
    today = clock.today()
    return [one for one in people if one.terminated_on is None or one.terminated_on >= today] or people[:1]


def as_known(person: Beneficiary, several: bool = False) -> KnownEmployee:
    return KnownEmployee(
        several=several,
        contract_id=person.contract_id,
        effective_on=person.effective_on,
        terminated_on=person.terminated_on,
        **{name: getattr(person, name) for name in ADDRESS},
    )


# ── Who is recognised ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Recognised:
    """What a right row would do: "CREATE", "REHIRE", "UPDATE" (`changes` by kind) or "" for nothing; and for whom."""

    checked: Checked
    action: str = "CREATE"
    person: Beneficiary | None = None
    changes: dict[MovementKind, dict[str, Any]] | None = None

    @property
    def verdict(self) -> str:
        """Who is covered already has nothing to weigh: what is new is written, the cover stays as it is."""
        if self.checked.errors:
            return "ERROR"
        if self.action in ("", "UPDATE"):
            return self.action or "UNCHANGED"
        return "WARNING" if self.checked.warnings else "CREATE"

    @property
    def may_join(self) -> bool:
        """Asked for alone: a newcomer, or a dependent who comes back."""
        dependent = self.person is not None and not self.person.is_employee
        return self.action == "CREATE" or (self.action == "REHIRE" and dependent)


class People:
    """Those of an account whom a user may see, found by NIR or by name and birth date, many at once."""

    def __init__(self, user: Any, account_id: int, rows: Sequence[Checked]) -> None:
        nirs = {row.values["nir"] for row in rows if row.values["nir"]}
        indexes = {index: nir for nir in nirs for index in vault.indexes(nir, "nir", [account_id])}
        names = {name_and_birth(row.values) for row in rows}
        ids = {*ids_by_nir(sorted(indexes)), *ids_by_name(account_id, names)}
        self.by_nir: dict[str, list[Beneficiary]] = {}
        self.by_name: dict[tuple, list[Beneficiary]] = {}
        self.matricules = user, account_id, {row.matricule for row in rows if leads(row)} - {""}
        seen = user.beneficiaries().where(Beneficiary.account == account_id)
        for some in chunks(sorted(ids), CHUNK):
            for person in seen.where(Beneficiary.id.in_(some)):
                key = (person.name_key, person.first_name_key, person.birth_date)
                self.by_name.setdefault(key, []).append(person)
                if nir := indexes.get(person.nir_index):
                    self.by_nir.setdefault(nir, []).append(person)

    def find(self, values: dict[str, Any], household: str | None) -> tuple[Beneficiary | None, str]:
        """(the person, "nir" or "name"); dependents are looked for in their household alone."""
        role = values["role"]
        for person in self.by_nir.get(values.get("nir") or "", []):
            if person.role == role and (role == BeneficiaryRole.EMPLOYEE or person.household_number == household):
                return person, "nir"
        for person in self.by_name.get(name_and_birth(values), []):
            if person.role == role and (role == BeneficiaryRole.EMPLOYEE or person.household_number == household):
                return person, "name"
        return None, ""

    def find_dependent(self, values: dict[str, Any], on: datetime.date) -> Beneficiary | None:
        """Whoever is a spouse or a child in some household, and covered that day or later."""
        same = (*self.by_nir.get(values.get("nir") or "", []), *self.by_name.get(name_and_birth(values), []))
        covered = (person for person in same if person.terminated_on is None or person.terminated_on >= on)
        return next((person for person in covered if person.role != BeneficiaryRole.EMPLOYEE), None)

    @cached_property
    def numbered(self) -> dict[tuple[str, str], Beneficiary]:
        """Asked for a newcomer alone."""
        return numbered(*self.matricules)

    def same_number(self, values: dict[str, Any]) -> Beneficiary | None:
        """Who has the matricule of a newcomer already, in the same company, and will not have left before."""
        other = self.numbered.get((values["offer"].company_code, values["matricule"]))
        return None if other and other.terminated_on and other.terminated_on < values["effective_on"] else other


def leads(row: Checked) -> bool:
    return row.values["role"] == BeneficiaryRole.EMPLOYEE


def numbered(user: Any, account_id: int, matricules: Iterable[str]) -> dict[tuple[str, str], Beneficiary]:
    """(company, matricule) → the employee who is covered under it."""
    found: dict[tuple[str, str], Beneficiary] = {}
    people = user.beneficiaries().select(Beneficiary, EmployeeCategory, Company).join(EmployeeCategory).join(Company)
    people = people.where(
        Beneficiary.account == account_id,
        Beneficiary.role == BeneficiaryRole.EMPLOYEE,
        Beneficiary.active_on(clock.today()),
    )
    for some in chunks(sorted(matricules), CHUNK):
        for person in people.where(Beneficiary.employee_number.in_(some)).order_by(Beneficiary.id):
            found.setdefault((person.category.company.code, person.employee_number), person)
    return found


def ids_by_nir(indexes: list[str]) -> Iterator[int]:
    """Of one account alone: it is part of what is blinded."""
    for some in chunks(indexes, CHUNK):
        yield from (row for (row,) in among("SELECT id FROM beneficiary WHERE nir_index", some))


def ids_by_name(account_id: int, wanted: set[tuple]) -> Iterator[int]:
    """By the index of names; a surname alone may be that of hundreds."""
    columns = "id, name_key, first_name_key, CAST(birth_date AS TEXT)"
    found = f"SELECT {columns} FROM beneficiary WHERE account_id = {int(account_id)} AND name_key"  # nosec B608
    wanted = {(name, first_name, day.isoformat()) for name, first_name, day in wanted}
    for some in chunks(sorted({name for name, _, _ in wanted}), CHUNK):
        yield from (row for row, *key in among(found, some) if tuple(key) in wanted)


def name_and_birth(values: dict[str, Any]) -> tuple[str, str, datetime.date]:
    return last_name_key(values), sort_key(values["first_name"]), values["birth_date"]


def last_name_key(values: dict[str, Any]) -> str:
    return sort_key(values["used_name"] or values["birth_name"])


def recognise(
    user: User, account_id: int, rows: Sequence[Checked], known: dict[str, Beneficiary] | None = None
) -> dict[int, Recognised]:
    """What each row would do, by line; what is found out is added to the rows' warnings and errors.

    `known`: employees whom dependents may join, by matricule; by default those of the account.
    """
    right = [row for row in rows if not row.errors]
    people = People(user, account_id, right)
    if known is None:
        joining = {row.matricule for row in right if row.values["role"] != BeneficiaryRole.EMPLOYEE}
        known = employees(user, account_id, joining - {""})
    found = {row.line: Recognised(row, action="") for row in rows if row.errors}
    heads: dict[str, Recognised] = {}
    for row in sorted(right, key=lambda row: row.values["role"]):
        if row.values["role"] == BeneficiaryRole.EMPLOYEE:
            found[row.line] = heads[row.matricule] = recognise_employee(people, row)
        else:
            found[row.line] = recognise_dependent(people, row, heads.get(row.matricule), known.get(row.matricule))
    return found


def recognise_and_hold(
    user: User, account_id: int, rows: Sequence[Checked], known: dict[str, Beneficiary]
) -> dict[int, Recognised]:
    """The same, and nobody changes those who are recognised until the end of the transaction."""
    found = recognise(user, account_id, rows, known)
    versions = {one.person.id: one.person.version for one in found.values() if one.person}
    held = {person.id: person.version for person in Beneficiary.locked(versions)}
    return found if held == versions else recognise(user, account_id, rows, known)


def recognise_employee(people: People, row: Checked) -> Recognised:
    values = row.values
    person, by = people.find(values, None)
    if person is None:
        return newcomer(people, row)
    if by == "nir" and person.birth_date != values["birth_date"]:
        say(
            row.errors,
            NIR,
            "Ce numéro est celui d’une autre personne déjà couverte, née à une autre date. Vérifiez-le.",
        )
        return Recognised(row, action="")
    if by == "name" and values.get("nir") and person.nir_index:
        since = f"une personne de même nom, née le même jour, est déjà couverte (n°{SPACE}{person.member_number})"
        say(row.warnings, NAME, f"Sous un autre n° de sécurité sociale, {since}. Vérifiez que ce n’est pas elle.")
        return newcomer(people, row)
    if person.terminated_on and person.terminated_on < values["effective_on"]:
        until = date_fr(person.terminated_on)
        say(row.warnings, NAME, f"A déjà été couvert{e(person)} jusqu’au {until}{SPACE}: ce sera une réaffiliation.")
        return Recognised(row, "REHIRE", person)
    if person.contract_id != values["offer"].contract_id:
        since = f"Déjà affilié{e(person)} depuis le {date_fr(person.effective_on)} dans un autre contrat"
        say(row.errors, PLAN, f"{since}. Changez son collège depuis sa fiche (n°{SPACE}{person.member_number}).")
        return Recognised(row, action="")
    return recognise_covered(row, person)


def newcomer(people: People, row: Checked) -> Recognised:
    """Somebody to affiliate, whose matricule is another's already or not."""
    if other := people.same_number(row.values):
        whose = f"{of_name(other.full_name)} (n°{SPACE}{other.member_number})"
        theirs = f"Ce matricule est déjà celui {whose}. Vérifiez-le."
        say(row.warnings, MATRICULE, theirs)
    return Recognised(row)


def recognise_dependent(people: People, row: Checked, head: Recognised | None, known: Beneficiary | None) -> Recognised:
    """Whoever joins an employee: one of the same file (`head`), or one who is there (`known`)."""
    if head and head.checked.errors:
        say(row.errors, MATRICULE, f"Corrigez d’abord la ligne {head.checked.line}, celle du salarié.")
    elif head is None and known is None:
        say(row.errors, MATRICULE, "Ce salarié n’est pas, ou n’est plus, dans ce compte. Affiliez-le d’abord.")
    if row.errors:
        return Recognised(row, action="")
    employee = head.person if head else known
    person = people.find(row.values, employee.household_number)[0] if employee else None
    if person is None:
        return Recognised(row, person=None)
    if person.terminated_on and person.terminated_on < row.values["effective_on"]:
        until = date_fr(person.terminated_on)
        say(row.warnings, NAME, f"A déjà été couvert{e(person)} jusqu’au {until}{SPACE}: ce sera une réaffiliation.")
        return Recognised(row, "REHIRE", person)
    return recognise_covered(row, person)


def recognise_covered(row: Checked, person: Beneficiary) -> Recognised:
    """Somebody who is covered already is not affiliated again: the address and contact details may be new."""
    changes = {
        kind: {name: row.values[name] for name in names}
        for kind, names in ((MovementKind.ADDRESS, ADDRESS), (MovementKind.CONTACT, CONTACT))
        if any(row.values[name] and row.values[name] != getattr(person, name) for name in names)
    }
    if MovementKind.CONTACT in changes:  # a blank cell takes nothing away
        contact = changes[MovementKind.CONTACT]
        changes[MovementKind.CONTACT] = {name: value or getattr(person, name) for name, value in contact.items()}
    if not person.provisional:
        what = "seules l’adresse et les coordonnées seront mises à jour" if changes else "rien ne changera"
        since = f"Déjà affilié{e(person)} depuis le {date_fr(person.effective_on)}"
        say(row.warnings, NIR if person.is_employee else NAME, f"{since}{SPACE}: {what}.")
    return Recognised(row, "UPDATE" if changes else "", person, changes)


def e(person: Beneficiary) -> str:
    return "e" * (person.sex == "F")


def say(notes: dict[str, str], column: str, sentence: str) -> None:
    notes[column] = f"{notes[column]} {sentence}" if column in notes else sentence

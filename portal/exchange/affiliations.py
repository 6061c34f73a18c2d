"""Affiliations: who is recognised, who is created; how the rows of a file are staged, mended and confirmed."""

import datetime
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID, uuid4

from portal import clock, database, proofs, waivers
from portal.exchange import affiliation_file
from portal.exchange.affiliation_file import Checked, Context, KnownEmployee, Offer
from portal.exchange.loading import among, insert
from portal.exchange.spreadsheets import Unreadable
from portal.formats import SPACE, date_fr, search_key, sort_key
from portal.models import (
    ADDRESS,
    AffiliationImport,
    Beneficiary,
    BeneficiaryRole,
    Change,
    Company,
    EmployeeCategory,
    Enrolment,
    GroupContract,
    ImportRow,
    ImportState,
    ManagedAccount,
    Movement,
    MovementKind,
    Plan,
    User,
    db,
    to_json,
    vault,
)
from portal.rules.dependents import Proof
from portal.rules.proofs import PROOFS, campaign

CHUNK = 1_000
CONTACT = ("phone", "mobile", "email")
SECRETS = ("nir", "reimbursement_iban", "contribution_iban")
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
        return {number: as_known(person) for number, person in employees(user, account_id, matricules).items()}

    return Context(offers=offers(user, account_id), today=clock.today(), find_employees=find_employees)


def employees(user: User, account_id: int, matricules: Iterable[str]) -> dict[str, Beneficiary]:
    """Employees by the number that a file gives them: their company's, otherwise the mutual's."""
    wanted = sorted(set(matricules))
    found: dict[str, Beneficiary] = {}
    people = user.beneficiaries().where(Beneficiary.account == account_id, Beneficiary.role == BeneficiaryRole.EMPLOYEE)
    for some in chunks(wanted, CHUNK):
        for number in (Beneficiary.member_number, Beneficiary.employee_number):
            found |= {getattr(person, number.name): person for person in people.where(number.in_(some))}
    return found


def as_known(person: Beneficiary) -> KnownEmployee:
    return KnownEmployee(
        contract_id=person.contract_id,
        effective_on=person.effective_on,
        terminated_on=person.terminated_on,
        **{name: getattr(person, name) for name in ADDRESS},
    )


def chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))


# ── Who is recognised ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
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

    def __init__(self, user: User, account_id: int, rows: Sequence[Checked]) -> None:
        nirs = {row.values["nir"] for row in rows if row.values["nir"]}
        indexes = {index: nir for nir in nirs for index in vault.indexes(nir, "nir", [account_id])}
        names = {name_and_birth(row.values) for row in rows}
        ids = {*ids_by_nir(sorted(indexes)), *ids_by_name(account_id, names)}
        self.by_nir: dict[str, list[Beneficiary]] = {}
        self.by_name: dict[tuple, list[Beneficiary]] = {}
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
        known = employees(user, account_id, {row.matricule for row in right if row.matricule})
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
        return Recognised(row)
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
        return Recognised(row)
    if person.terminated_on and person.terminated_on < values["effective_on"]:
        until = date_fr(person.terminated_on)
        say(row.warnings, NAME, f"A déjà été couvert{e(person)} jusqu’au {until}{SPACE}: ce sera une réaffiliation.")
        return Recognised(row, "REHIRE", person)
    if person.contract_id != values["offer"].contract_id:
        since = f"Déjà affilié{e(person)} depuis le {date_fr(person.effective_on)} dans un autre contrat"
        say(row.errors, PLAN, f"{since}. Changez son collège depuis sa fiche (n°{SPACE}{person.member_number}).")
        return Recognised(row, action="")
    return recognise_covered(row, person)


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


# ── Who is created ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Newcomer:
    """Somebody to affiliate: values as `Checked.values`; dependents join an employee, there already or new too."""

    values: dict[str, Any]
    joins: Any = None  # a Beneficiary, another Newcomer, or nobody
    public_id: UUID = field(default_factory=uuid4)
    number: str = field(default_factory=lambda: f"P{uuid4().hex[:12].upper()}")
    household: str = ""


PLAIN = (
    *("role", "title", "birth_name", "used_name", "first_name", "birth_date", "sex", "effective_on"),
    *(*ADDRESS, *CONTACT, "reimbursement_bic", "contribution_bic"),
)
TOLD = ("base_scheme", "other_cover", "relationship", "child_status", "proof")  # what the mutual alone keeps
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
    with db.atomic():
        insert(Beneficiary, fields(Beneficiary, PERSON), (person_row(one, account_id) for one in newcomers))
        people = ids_of(Beneficiary, newcomers)
        movements: dict[UUID, int] = {}
        first = [one for one in newcomers if not isinstance(one.joins, Newcomer)]
        for some in (first, [one for one in newcomers if isinstance(one.joins, Newcomer)]):
            heads = {one.public_id: one.joins.public_id for one in some if isinstance(one.joins, Newcomer)}
            causes = {one: movements[head] for one, head in heads.items()}
            rows = (movement_row(one, people[one.public_id], causes.get(one.public_id), by, now) for one in some)
            insert(Movement, fields(Movement, MOVEMENT), rows)
            movements |= ids_of(Movement, some)
        ask_for_proofs(((made_of(one, people), one.values.get("proof", "")) for one in newcomers), now)
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


def fields(table: Any, names: Iterable[str]) -> list:
    return [table._meta.fields[name] for name in names]


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
        *(values["matricule"], True, *(values[name] for name in PLAIN), *secrets),
        *(vault.index(nir, "nir", account_id) if nir else None, last_name_key(values), sort_key(values["first_name"])),
        *(" ".join(map(search_key, names)), None, "", 1),
    )


def seal(table: str, name: str, one: Newcomer, text: str) -> bytes | None:
    return vault.seal(text, table, name, one.public_id) if text else None


def movement_row(one: Newcomer, person: int, cause: int | None, by: User | None, now: datetime.datetime) -> tuple:
    values = one.values
    told = {name: values.get(name) for name in (*PLAIN, *TOLD)}
    place_in = {"contract": values["offer"].contract_id, "household_number": one.household}
    after = json.dumps(to_json(told) | place_in | {"matricule": values["matricule"]})
    secrets = {name: values[name] for name in SECRETS if values[name]}
    label = f"{values['first_name']} {(values['used_name'] or values['birth_name']).upper()}"
    return (
        *(one.public_id.hex, values["offer"].category_id, person, MovementKind.AFFILIATION.value, "RECORDED", label),
        *(values["effective_on"], "", after, seal("movement", "secrets", one, json.dumps(secrets))),
        *(one.number, cause, by.id if by else None, now, now, 1, ""),
    )


# ── The rows of a file ───────────────────────────────────────────────────────────────────────────────────────────


def place(source: AffiliationImport, line: int) -> str:
    return f"{source.public_id}:{line}"


def seal_row(source: AffiliationImport, row: Checked) -> bytes:
    return vault.seal(plain(row), "import_row", "content", place(source, row.line))


def plain(row: Checked) -> str:
    values = dict(row.values)
    if offer := values.pop("offer", None):
        values["contract_id"] = offer.contract_id
    return json.dumps([row.cells, to_json(values)])


def open_row(source: AffiliationImport, row: ImportRow) -> str:
    return vault.open(row.content, "import_row", "content", place(source, row.line))


def cells_of(source: AffiliationImport, row: ImportRow) -> list[str]:
    """The words of a row, as they are shown and mended."""
    return json.loads(open_row(source, row))[0]


def mark(row: ImportRow) -> str:
    """What tells whether somebody changed the words of a row since it was shown; it says nothing of them."""
    return hashlib.sha256(bytes(row.content)).hexdigest()[:16]


def staged(source: AffiliationImport, one: Recognised) -> tuple:
    row = one.checked
    identity = vault.index(row.identity, "identity", source.account_id) if row.identity else ""
    notes = {"errors": row.errors, "warnings": row.warnings, "repairs": row.repairs}
    return (
        *(source.id, row.line, seal_row(source, row), row.matricule[:64], identity, one.verdict, one.action),
        *(json.dumps({name: said for name, said in notes.items() if said}), one.person and one.person.id),
    )


STAGED = ("source", "line", "content", "matricule", "identity", "verdict", "action", "notes", "beneficiary")


def read(source: AffiliationImport, now: Callable[[], datetime.datetime] = clock.now) -> None:
    """Read, check and save every row of a file that was sent: the work of the worker, begun again when it died."""
    try:
        sheet = affiliation_file.read(BytesIO(source.file()))
        lines = list(sheet.rows)
    except Unreadable as unreadable:
        wrong = isinstance(unreadable, affiliation_file.WrongTemplate)
        source.move(ImportState.FAILED, fault=str(unreadable)[:500], content=None, wrong_template=wrong)
        return
    source.progress(0, len(lines), now())
    checked = affiliation_file.check_rows(lines, context(source.author, source.account_id))
    ImportRow.delete().where(ImportRow.source == source).execute()
    found = recognise(source.author, source.account_id, checked)
    for some in chunks(checked, CHUNK):
        with db.atomic():
            insert(ImportRow, fields(ImportRow, STAGED), (staged(source, found[row.line]) for row in some))
            source.progress(source.done + len(some), len(lines), now())
    source.move(
        ImportState.CHECKED,
        content=None,
        unknown_columns=list(sheet.unknown_columns),
        total=len(lines),
        checked_at=now(),
    )


class Overtaken(Exception):
    """Somebody else changed the row meanwhile; `row` is how it is now."""

    def __init__(self, row: ImportRow) -> None:
        super().__init__("changed meanwhile")
        self.row = row


def mend(source: AffiliationImport, line: int, cells: Sequence[str], by: User, seen: str | None = None) -> ImportRow:
    """Other words for a row: it is checked again with those of the same household or person. The row as it is now.

    `seen`: the mark of the row that was on the screen; raises Overtaken when the row is another by now.
    """
    with db.atomic():
        row = ImportRow.get(ImportRow.source == source, ImportRow.line == line)
        if seen is not None and seen != mark(row):
            raise Overtaken(row)
        surroundings = context(by, source.account_id)
        alone = affiliation_file.check_rows([(line, list(cells))], surroundings)[0]
        identity = vault.index(alone.identity, "identity", source.account_id) if alone.identity else ""
        together = related(source, {row.matricule, alone.matricule} - {""}, {row.identity, identity} - {""})
        words = {one.line: cells_of(source, one) for one in together} | {line: list(cells)}
        checked = affiliation_file.check_rows(sorted(words.items()), surroundings)
        found = recognise(by, source.account_id, checked)
        pending = {one.line: one for one in together if one.confirmed_at is None} | {line: row}
        for one in checked:
            if one.line in pending:
                stage_again(source, pending[one.line], found[one.line])
    return ImportRow.get(ImportRow.source == source, ImportRow.line == line)


def stage_again(source: AffiliationImport, row: ImportRow, found: Recognised) -> None:
    """Write what is said of a row now; its words only where they are others, so that its mark stays."""
    values = dict(zip(STAGED[2:], staged(source, found)[2:], strict=True))
    values["notes"] = json.loads(values["notes"])
    if open_row(source, row) == plain(found.checked):
        del values["content"]
    ImportRow.update(**values).where(ImportRow.id == row.id).execute()


def related(source: AffiliationImport, matricules: set[str], identities: set[str]) -> list[ImportRow]:
    same = ImportRow.matricule.in_(list(matricules)) | ImportRow.identity.in_(list(identities))
    return list(ImportRow.select().where(ImportRow.source == source, same).order_by(ImportRow.line))


# ── Confirming ───────────────────────────────────────────────────────────────────────────────────────────────────


def to_confirm(source: AffiliationImport, with_warnings: bool = True) -> Any:
    """The rows that would do something, and may; without those in warning, the whole of their household waits."""
    ready = ImportRow.select().where(
        ImportRow.source == source,
        ImportRow.confirmed_at.is_null(),
        ImportRow.verdict != "ERROR",
        ImportRow.action != "",
    )
    if with_warnings:
        return ready
    other = ImportRow.alias()
    waiting = other.select(other.matricule).where(
        other.source == source, other.confirmed_at.is_null(), other.verdict == "WARNING", other.action != ""
    )
    return ready.where(ImportRow.verdict != "WARNING", ImportRow.matricule.not_in(waiting))


def confirm(source: AffiliationImport, now: Callable[[], datetime.datetime] = clock.now) -> None:
    """Affiliate every right row, some households at a time, each whole or not at all: what is done stays done."""
    user = source.asked_by or source.author
    waiting = to_confirm(source, source.with_warnings).order_by(ImportRow.matricule, ImportRow.line)
    columns = ("id", "line", "content", "matricule", "identity", "notes")
    pending = list(waiting.select(*fields(ImportRow, columns)).namedtuples())
    source.progress(0, len(pending), now())
    surroundings = {offer.contract_id: offer for offer in offers(user, source.account_id)}
    some: list[ImportRow] = []
    for _, household in groupby(pending, key=attrgetter("matricule")):
        some.extend(household)
        if len(some) >= CHUNK:
            confirm_some(source, some, surroundings, user, now())
            some = []
    if some:
        confirm_some(source, some, surroundings, user, now())
    faults = ImportRow.select().where(ImportRow.source == source, ImportRow.verdict == "ERROR")
    left = faults.exists() or to_confirm(source).exists()
    source.move(ImportState.CHECKED if left else ImportState.DONE, confirmed_at=now())


def confirm_some(
    source: AffiliationImport, rows: Sequence[ImportRow], known: dict[int, Offer], by: User, now: datetime.datetime
) -> None:
    with db.atomic():
        ManagedAccount.hold(source.account_id)  # the same person in two files is affiliated once
        checked = [revived(source, row, known) for row in rows]
        matricules = {row.matricule for row in rows}
        here = employees(by, source.account_id, matricules) | heads_of(by, source, matricules)
        found = recognise_and_hold(by, source.account_id, checked, here)
        done = carry_out([found[row.line] for row in rows], here, source.account_id, by, now)
        conclude(rows, found, done, now)
        source.progress(source.done + len(rows), source.total, now)


def heads_of(user: User, source: AffiliationImport, matricules: set[str]) -> dict[str, Beneficiary]:
    """The employees whom rows of this very file are, or became, by the matricule that it gives them."""
    found: dict[str, Beneficiary] = {}
    for some in chunks(sorted(matricules), CHUNK):
        rows = ImportRow.select(ImportRow.beneficiary, ImportRow.matricule).where(
            ImportRow.source == source, ImportRow.matricule.in_(some), ImportRow.beneficiary.is_null(False)
        )
        numbers = dict(rows.tuples())
        seen = user.beneficiaries().where(Beneficiary.role == BeneficiaryRole.EMPLOYEE)
        found |= {numbers[person.id]: person for person in seen.where(Beneficiary.id.in_(list(numbers)))}
    return found


def conclude(
    rows: Sequence[ImportRow],
    found: dict[int, Recognised],
    done: dict[int, tuple[int, int]],
    now: datetime.datetime,
) -> None:
    """Write on each row what came of it: done, nothing to do after all, or an error that was not there before."""
    made: list[tuple] = []
    others: list[tuple] = []
    for row in rows:
        one = found[row.line]
        if row.line in done:
            made.append((now, *done[row.line], row.id))
        elif one.verdict == "ERROR":
            others.append((None, "ERROR", json.dumps({"errors": one.checked.errors}), "", row.id))
        else:
            others.append((now, "UNCHANGED", json.dumps(row.notes), "", row.id))
    update_each(ImportRow, ("confirmed_at", "beneficiary_id", "movement_id"), made)
    update_each(ImportRow, ("confirmed_at", "verdict", "notes", "action"), others)


def update_each(table: Any, columns: Sequence[str], rows: Sequence[tuple]) -> None:
    """Other values for each row, its id last."""
    sets = ", ".join(f"{name} = {db.param}" for name in columns)
    if rows:
        db.cursor().executemany(f"UPDATE {table._meta.table_name} SET {sets} WHERE id = {db.param}", rows)  # nosec B608


def revived(source: AffiliationImport, row: ImportRow, known: dict[int, Offer]) -> Checked:
    """A row that was right when it was checked, with its values."""
    cells, values = json.loads(open_row(source, row))
    for name in ("birth_date", "effective_on"):
        values[name] = datetime.date.fromisoformat(values[name])
    errors = {}
    values["offer"] = known.get(values.pop("contract_id"))
    if values["offer"] is None:
        errors[PLAN] = "Ce contrat ne vous est plus ouvert. Choisissez-en un autre."
    return Checked(
        line=row.line,
        cells=cells,
        values={} if errors else values,
        errors=errors,
        warnings={},
        repairs={},
        matricule=row.matricule,
        identity=row.identity,
    )


def carry_out(
    rows: Sequence[Recognised], here: dict[str, Beneficiary], account_id: int, by: User, now: datetime.datetime
) -> dict[int, tuple[int, int]]:
    """Do what the rows ask: line → (beneficiary, movement)."""
    done: dict[int, tuple[int, int]] = {}
    newcomers: dict[int, Newcomer] = {}
    heads: dict[str, Newcomer] = {}
    changes: dict[int, list[Change]] = {}
    for one in sorted(rows, key=lambda one: one.checked.values.get("role", 0)):
        row = one.checked
        if one.verdict == "ERROR" or not one.action:
            continue
        if one.action == "CREATE":
            head = heads.get(row.matricule) or here.get(row.matricule)
            joins = head if row.values["role"] != BeneficiaryRole.EMPLOYEE else None
            newcomers[row.line] = Newcomer(row.values, joins)
            if joins is None:
                heads[row.matricule] = newcomers[row.line]
        elif one.person is not None:
            changes[row.line] = list(asked_of(one, one.person))
    back = [one for one in rows if one.checked.line in changes and one.action == "REHIRE"]
    ask_for_proofs(((one.person, one.checked.values.get("proof", "")) for one in back if one.person), now)
    made = affiliate(list(newcomers.values()), account_id, by, now)
    for line, newcomer in newcomers.items():
        done[line] = made[newcomer.public_id]
    flat = [change for some in changes.values() for change in some]
    movements = {id(row.asked): row for row in Movement.record(flat, by, now)} if flat else {}
    for line, some in changes.items():
        done[line] = (some[0].person.id, movements[id(some[0])].id)
    return done


def asked_of(one: Recognised, person: Beneficiary) -> Iterator[Change]:
    values, on = one.checked.values, clock.today()
    if one.action == "REHIRE":
        offer = values["offer"]
        asked = {"contract": offer.contract_id, "category": offer.category_id, "effective_on": values["effective_on"]}
        asked |= {"terminated_on": None, "termination_reason": ""}
        yield Change(person, MovementKind.REHIRE, asked, values["effective_on"])
        return
    for kind, asked in (one.changes or {}).items():
        yield Change(person, kind, asked, on)


# ── Rows that go back ────────────────────────────────────────────────────────────────────────────────────────────


def rejected(source: AffiliationImport) -> Iterator[tuple[list[str], dict[str, str]]]:
    """(cells, what is wrong by column) of the rows in error, in the order of the sheet: for `write_rejected`."""
    rows = ImportRow.select().where(ImportRow.source == source, ImportRow.verdict == "ERROR").order_by(ImportRow.line)
    for row in rows.iterator():
        yield cells_of(source, row), row.notes.get("errors", {})


def rows_of(sources: Sequence[int]) -> Any:
    """The rows of these imports, by their ids."""
    return ImportRow.select().where(ImportRow.source.in_(list(sources)))

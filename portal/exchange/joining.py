"""One affiliation at a time: checked as a row of the file is, and recognised before anything is typed twice."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from portal import clock
from portal.exchange import affiliation_cells as cells
from portal.exchange import confirming, recognising
from portal.exchange.affiliation_cells import TITLES
from portal.exchange.affiliation_check import Checked, Context, KnownEmployee, check_rows
from portal.exchange.affiliation_offers import Offer
from portal.exchange.recognising import People, Recognised
from portal.formats import search_key, sort_key
from portal.models import (
    Beneficiary,
    BeneficiaryRole,
    ImportRow,
    ManagedAccount,
    Movement,
    User,
    db,
    vault,
)

LINE = 1
WHO = (cells.BIRTH_NAME, cells.FIRST_NAME, cells.BIRTH_DATE, cells.NIR)


@dataclass
class Met:
    """Who somebody is: covered already (`person`, `surely` when the NIR says so), waiting in a file, or new.

    `dependent`: the same one covered with somebody else, which forbids nothing.
    """

    cells: list[str]
    errors: dict[str, str] = field(default_factory=dict)
    person: Beneficiary | None = None
    surely: bool = False
    waiting: ImportRow | None = None
    dependent: Beneficiary | None = None


class WholeAccount:
    """Where somebody is looked for who affiliates themselves: nobody's rights bound it, and nobody is shown to them."""

    def beneficiaries(self) -> Any:
        return Beneficiary.select()

    def waiting_in_files(self, account_id: int, identities: Sequence[str]) -> list[ImportRow]:
        return []


def meet(user: User | WholeAccount, account_id: int, texts: Sequence[str], asked: Sequence[int] = WHO) -> Met:
    """Look for an employee of this account by names, birth date and NIR alone; `asked`: those that must be there."""
    checked = check_rows([(LINE, texts)], Context(offers=(), today=clock.today()))[0]
    errors = {TITLES[place]: checked.errors[TITLES[place]] for place in asked if TITLES[place] in checked.errors}
    if errors:
        return Met(checked.cells, errors)
    name, first_name, birth, nir = (checked.cells[place] for place in WHO)
    born = datetime.datetime.strptime(birth, "%d/%m/%Y").date()
    checked.values = {"role": BeneficiaryRole.EMPLOYEE, "birth_name": name, "used_name": "", "first_name": first_name}
    checked.values |= {"birth_date": born, "nir": nir}
    people = People(user, account_id, [checked])
    person, by = people.find(checked.values, None)
    dependent = people.find_dependent(checked.values, clock.today())
    if person is None and not nir:
        person = under_another_name(user, account_id, checked.values)
    return Met(checked.cells, {}, person, by == "nir", waiting(user, account_id, checked), dependent)


def under_another_name(user: User | WholeAccount, account_id: int, values: dict[str, Any]) -> Beneficiary | None:
    """An employee who was born under the name that is typed, the same day, and is sorted by a name of use."""
    born_as = search_key(values["birth_name"])
    people = user.beneficiaries().where(
        Beneficiary.account == account_id,
        Beneficiary.role == BeneficiaryRole.EMPLOYEE,
        Beneficiary.search_key.between(f"{born_as} ", f"{born_as}!"),  # what follows a space: by the index
        Beneficiary.birth_date == values["birth_date"],
        Beneficiary.first_name_key == sort_key(values["first_name"]),
    )
    return people.order_by(Beneficiary.id).first()


def waiting(user: User | WholeAccount, account_id: int, checked: Checked) -> ImportRow | None:
    """The row of a file in which this person waits to be affiliated."""
    rows = user.waiting_in_files(account_id, vault.indexes(checked.identity, "identity", [account_id]))
    return rows[0] if rows else None


def check(
    user: User, account_id: int, texts: Sequence[str], offers: Sequence[Offer], employee: Beneficiary | None = None
) -> Recognised:
    """What affiliating this person would do; `employee`: whom a spouse or a child joins."""

    def find_employees(_: set[str]) -> dict[str, KnownEmployee]:
        return {employee.member_number: recognising.as_known(employee)} if employee else {}

    surroundings = Context(offers=offers, today=clock.today(), find_employees=find_employees)
    checked = check_rows([(LINE, texts)], surroundings)[0]
    if checked.errors:
        return Recognised(checked, action="")
    if employee is None:
        return recognising.recognise(user, account_id, [checked])[LINE]
    checked.values["matricule"] = employee.employee_number
    return recognising.recognise_dependent(People(user, account_id, [checked]), checked, None, employee)


def join(
    user: User,
    account_id: int,
    texts: Sequence[str],
    offers: Sequence[Offer],
    now: datetime.datetime,
    form_key: str | None,
    employee: Beneficiary | None = None,
) -> tuple[Recognised, Movement | None]:
    """Affiliate this person, unless they were meanwhile: what was recognised, and the movement if one was made.

    A dependent who had left comes back; an employee does on their own page, with a contract and a household to choose.
    """
    with db.atomic():
        ManagedAccount.hold(account_id)
        found = check(user, account_id, texts, offers, employee)
        if not found.may_join or found.checked.errors:
            return found, None
        here = {found.checked.matricule: employee} if employee else {}
        made = confirming.carry_out([found], here, account_id, user, now)
        _, movement = made[LINE]
        Movement.update(form_key=form_key).where(Movement.id == movement).execute()
        return found, Movement.select(Movement, Beneficiary).join(Beneficiary).where(Movement.id == movement).get()

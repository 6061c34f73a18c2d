"""Confirming a file of affiliations: its right rows become people and movements, some households at a time."""

import datetime
import json
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from portal import clock
from portal.exchange.affiliation_check import Checked
from portal.exchange.affiliation_offers import Offer
from portal.exchange.many import CHUNK, chunks, fields, nothing_to_collect, update_each
from portal.exchange.newcomers import Newcomer, affiliate, ask_for_proofs
from portal.exchange.recognising import PLAN, Recognised, employees, offers, recognise_and_hold
from portal.exchange.staging import values_of
from portal.models import (
    AffiliationImport,
    Beneficiary,
    BeneficiaryRole,
    Change,
    ImportRow,
    ImportState,
    ManagedAccount,
    Movement,
    MovementKind,
    User,
    db,
)
from portal.rules.rights import Action

AT_ONCE = 5_000  # rows in a transaction: the pages of indexes, which any row changes, are written a few times only


class Pending(NamedTuple):
    """What is asked of a row that waits."""

    id: int
    line: int
    content: bytes
    matricule: str
    identity: str


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


@nothing_to_collect()
def confirm(source: AffiliationImport, now: Callable[[], datetime.datetime] = clock.now) -> None:
    """Affiliate every right row, some households at a time, each whole or not at all: what is done stays done."""
    user = source.asked_by or source.author
    user.acting = Action.ENROL
    waiting = to_confirm(source, source.with_warnings).order_by(ImportRow.matricule, ImportRow.line)
    pending = [Pending(*row) for row in db.execute(waiting.select(*fields(ImportRow, Pending._fields)))]
    source.progress(0, len(pending), now())
    surroundings = {offer.contract_id: offer for offer in offers(user, source.account_id)}
    some: list[Pending] = []
    for _, household in groupby(pending, key=attrgetter("matricule")):
        some.extend(household)
        if len(some) >= AT_ONCE:
            confirm_some(source, some, surroundings, user, now())
            some = []
    if some:
        confirm_some(source, some, surroundings, user, now())
    faults = ImportRow.select().where(ImportRow.source == source, ImportRow.verdict == "ERROR")
    left = faults.exists() or to_confirm(source).exists()
    source.move(ImportState.CHECKED if left else ImportState.DONE, confirmed_at=now())


def confirm_some(
    source: AffiliationImport, rows: Sequence[Pending], known: dict[int, Offer], by: User, now: datetime.datetime
) -> None:
    checked = [revived(source, row, known) for row in rows]  # before others have to wait
    with db.atomic():
        ManagedAccount.hold(source.account_id)  # the same person in two files is affiliated once
        here = already_there(source, checked, by)
        found = recognise_and_hold(by, source.account_id, checked, here)
        done = carry_out([found[row.line] for row in rows], here, source.account_id, by, now)
        conclude(rows, found, done, now)
        source.progress(source.done + len(rows), source.total, now)


def already_there(source: AffiliationImport, rows: Sequence[Checked], by: User) -> dict[str, Beneficiary]:
    """The employees of the dependents whose employee is not among these rows, by matricule."""
    led = {row.matricule for row in rows if row.values.get("role") == BeneficiaryRole.EMPLOYEE}
    wanted = {row.matricule for row in rows} - led
    return employees(by, source.account_id, wanted) | heads_of(by, source, wanted)


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
    rows: Sequence[Pending],
    found: dict[int, Recognised],
    done: dict[int, tuple[int, int]],
    now: datetime.datetime,
) -> None:
    """Write on each row what came of it: done, nothing to do after all, or an error that was not there before."""
    made, wrong, same = [], [], []
    for row in rows:
        one = found[row.line]
        if row.line in done:
            made.append((now, *done[row.line], row.id))
        elif one.verdict == "ERROR":
            wrong.append(("ERROR", json.dumps({"errors": one.checked.errors}), "", row.id))
        else:
            same.append((now, "UNCHANGED", "", row.id))
    update_each(ImportRow, ("confirmed_at", "beneficiary_id", "movement_id"), made)
    update_each(ImportRow, ("verdict", "notes", "action"), wrong)
    update_each(ImportRow, ("confirmed_at", "verdict", "action"), same)


def revived(source: AffiliationImport, row: Pending, known: dict[int, Offer]) -> Checked:
    """A row that was right when it was checked, without its words: nobody reads them any more."""
    checked = Checked(row.line, [], matricule=row.matricule, identity=row.identity)
    values = values_of(source, row)
    offer = known.get(values.pop("contract_id"))
    if offer is None:
        checked.errors[PLAN] = "Ce contrat ne vous est plus ouvert. Choisissez-en un autre."
    else:
        checked.values = values | {"offer": offer}
    return checked


def carry_out(
    rows: Sequence[Recognised], here: dict[str, Beneficiary], account_id: int, by: User, now: datetime.datetime
) -> dict[int, tuple[int, int]]:
    """Do what the rows ask: line → (beneficiary, movement)."""
    newcomers: dict[int, Newcomer] = {}
    heads: dict[str, Any] = {}
    changes: dict[int, list[Change]] = {}
    for one in sorted(rows, key=lambda one: one.checked.values.get("role", 0)):
        row = one.checked
        if one.verdict == "ERROR":
            continue
        leads = row.values["role"] == BeneficiaryRole.EMPLOYEE
        if one.action == "CREATE":
            joins = None if leads else heads.get(row.matricule) or here.get(row.matricule)
            newcomers[row.line] = Newcomer(row.values, joins)
        elif one.action and one.person is not None:
            changes[row.line] = list(asked_of(one, one.person))
        if leads:
            heads[row.matricule] = newcomers.get(row.line) or one.person
    back = [one for one in rows if one.checked.line in changes and one.action == "REHIRE"]
    ask_for_proofs(((one.person, one.checked.values.get("proof", "")) for one in back if one.person), now)
    affiliate(list(newcomers.values()), account_id, by, now)
    done = {line: (newcomer.person, newcomer.movement) for line, newcomer in newcomers.items()}
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

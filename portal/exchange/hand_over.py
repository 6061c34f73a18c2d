"""The hand-over: what users changed and sent, numbered, whole or not there at all, the same when it is done again."""

import csv
import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from portal import outbox, storage
from portal.exchange import handed_papers
from portal.models import (
    ADDRESS,
    Beneficiary,
    EmployeeCategory,
    GroupContract,
    HandOver,
    ManagedAccount,
    MessageKind,
    Movement,
    MovementKind,
    OutboxMessage,
    db,
)

COMMON = ("movement", "requested_at", "account_code", "member_number")
CONTACT = ("phone", "mobile", "email")
AFFILIATION = (
    *("household_number", "matricule", "role", "contract_number", "effective_on", "title", "birth_name", "used_name"),
    *("first_name", "birth_date", "sex", "nir", "base_scheme", "other_cover", "relationship", "child_status"),
    *(*ADDRESS, *CONTACT),
    *("reimbursement_iban", "reimbursement_bic", "contribution_iban", "contribution_bic"),
)
FILES = {
    MovementKind.AFFILIATION: ("affiliations.csv", AFFILIATION),
    MovementKind.TERMINATION: ("terminations.csv", ("terminated_on", "termination_reason")),
    MovementKind.REHIRE: ("rehires.csv", ("effective_on", "contract_number")),
    MovementKind.CATEGORY: ("categories.csv", ("effective_on", "contract_number")),
    MovementKind.ADDRESS: ("addresses.csv", ("effective_on", *ADDRESS)),
    MovementKind.NAME: ("names.csv", ("effective_on", "title", "birth_name", "used_name", "first_name")),
    MovementKind.CONTACT: ("contacts.csv", ("effective_on", *CONTACT)),
}
ROLES = ("Assuré", "Conjoint", "Enfant")


def hand_over(folder: Path, now: datetime) -> Iterator[tuple[int, Path, int]]:
    """Deliver what waits, after what a delivery that was cut short left: (number, where, rows) of each."""
    for cut_short in list(HandOver.select().where(HandOver.written_at.is_null()).order_by(HandOver.number)):
        yield deliver(cut_short, folder, now)
    if opened := HandOver.open(now):
        yield deliver(opened, folder, now)


def deliver(delivery: HandOver, folder: Path, now: datetime) -> tuple:
    where, rows = write(delivery, folder)
    delivered(delivery, now)
    return delivery.number, where, rows


def delivered(delivery: HandOver, now: datetime) -> None:
    """It was written whole: the first time, those who leave are told."""
    with db.atomic():
        first = HandOver.update(written_at=now).where(HandOver.id == delivery.id, HandOver.written_at.is_null())
        if first.execute():
            outbox.write_many([leaving(movement, now) for movement in leavers(delivery)])


def again(number: int, folder: Path) -> tuple[int, Path, int] | None:
    """Write a former delivery once more, the same to the last byte; None when there is none of that number."""
    delivery = HandOver.get_or_none(HandOver.number == number)
    return (number, *write(delivery, folder)) if delivery else None


def leavers(delivery: HandOver) -> list[Movement]:
    """The leavings that are told for good of employees who have an address, one an address."""
    left = delivery.movements.select(Movement, Beneficiary).join(Beneficiary)
    left = left.where(Movement.kind == MovementKind.TERMINATION, Movement.cause.is_null(), Beneficiary.email != "")
    return list({movement.beneficiary.email: movement for movement in left.order_by(Movement.id.desc())}.values())


def leaving(movement: Movement, now: datetime) -> OutboxMessage:
    """What an employee who leaves is sent: where to find their rights, and no date nor number."""
    person = movement.beneficiary
    kind, first_name = MessageKind.MOVEMENT, person.first_name
    return outbox.letter(person.email, "leaving", now, kind=kind, about=movement, first_name=first_name)


def write(delivery: HandOver, folder: Path) -> tuple[Path, int]:
    """A folder of files and their manifest, in one step; and how many rows it holds."""
    where, part = folder / f"{delivery.number:06}", folder / f".{delivery.number:06}.part"
    shutil.rmtree(part, ignore_errors=True)
    (part / handed_papers.FOLDER).mkdir(parents=True)
    contents = Contents(delivery)
    for name, pieces in contents:
        save(part / name, pieces)
    if not contents.manifest["documents"]:
        (part / handed_papers.FOLDER).rmdir()
    else:
        settle_on_disk(part / handed_papers.FOLDER)
    settle_on_disk(part)
    old = folder / f".{delivery.number:06}.old"
    shutil.rmtree(old, ignore_errors=True)
    if where.exists():
        where.rename(old)
    part.rename(where)
    shutil.rmtree(old, ignore_errors=True)
    settle_on_disk(folder)
    return where, contents.rows


class Contents:
    """The files of a delivery in turn, (path in it, pieces): its papers, its tables, then the manifest of all of them.

    Each is to be read to its end before the next is asked for: the manifest tells what went by.
    """

    def __init__(self, delivery: HandOver) -> None:
        self.delivery = delivery
        self.manifest: dict[str, Any] = {"number": delivery.number, "created_at": delivery.created_at.isoformat()}
        self.rows = 0

    def __iter__(self) -> Iterator[tuple[str, Iterable[bytes]]]:
        papers, files = handed_papers.told(self.delivery)
        documents = self.manifest["documents"] = {}
        for path, file in files:
            seen = Seen(storage.pieces(file))
            yield path, seen
            documents[path] = {"bytes": seen.size, "sha256": seen.digest.hexdigest()}
        tables = self.manifest["files"] = {}
        for name, (data, rows) in self.tables(papers):
            yield name, [data]
            tables[name] = {"rows": rows, "sha256": hashlib.sha256(data).hexdigest()}
            self.rows += rows
        yield "manifest.json", [(json.dumps(self.manifest, indent=1) + "\n").encode()]

    def tables(self, papers: dict[str, list[tuple]]) -> Iterator[tuple[str, tuple[bytes, int]]]:
        for kind, (name, columns) in FILES.items():
            yield name, table((*COMMON, *columns), movements(self.delivery, kind, columns))
        for name, rows in papers.items():
            yield name, table(handed_papers.COLUMNS[name], rows)


class Seen:
    """Pieces that are weighed and hashed as they go by."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.pieces, self.size, self.digest = pieces, 0, hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            self.digest.update(piece)
            self.size += len(piece)
            yield piece


def save(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file piece by piece, so that it is on the disk."""
    with open(path, "wb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def settle_on_disk(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def table(columns: tuple[str, ...], rows: Iterable[tuple]) -> tuple[bytes, int]:
    """UTF-8 CSV with `;` and a heading; and how many rows."""
    buffer, count = io.StringIO(), 0
    writer = csv.writer(buffer, delimiter=";", lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow(row)
        count += 1
    return buffer.getvalue().encode(), count


def movements(delivery: HandOver, kind: MovementKind, columns: tuple[str, ...]) -> Iterator[tuple]:
    """The movements of a kind, in the order in which they were asked."""
    contracts = dict(GroupContract.select(GroupContract.id, GroupContract.number).tuples())
    asked = Movement.select(Movement, ManagedAccount.code.alias("account_code")).join(EmployeeCategory)
    asked = asked.join(ManagedAccount).where(Movement.hand_over == delivery, Movement.kind == kind)
    for movement in asked.order_by(Movement.id).objects().iterator():
        values = {**movement.after, **movement.unseal(), "effective_on": movement.effective_on.isoformat()}
        values["contract_number"] = contracts.get(values.get("contract"), "")
        if kind == MovementKind.AFFILIATION:
            values["role"] = ROLES[values["role"]]
        common = (movement.public_id, handed_papers.instant(movement.created_at))
        whose = (movement.account_code, movement.member_number)
        yield (*common, *whose, *(as_text(values.get(name)) for name in columns))


def as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "Oui" if value else "Non"
    return "" if value is None else str(value)

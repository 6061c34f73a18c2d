"""The rows of a file of affiliations: read and saved sealed, mended, given back."""

import datetime
import hashlib
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from operator import itemgetter
from typing import Any

import orjson

from portal import clock
from portal.exchange import affiliation_check, affiliation_file
from portal.exchange.affiliation_check import Checked
from portal.exchange.many import CHUNK, chunks, fields, insert, nothing_to_collect
from portal.exchange.recognising import Recognised, context, recognise
from portal.exchange.spreadsheets import Unreadable
from portal.models import (
    AffiliationImport,
    ImportRow,
    ImportState,
    User,
    db,
    vault,
)

VALUES = (*affiliation_check.VALUES, "contract_id")
IN_ORDER = itemgetter(*affiliation_check.VALUES)  # without their names, which would be half of what is kept


def place(source: AffiliationImport, line: int) -> str:
    return f"{source.place}:{line}"


def seal_row(source: AffiliationImport, row: Checked) -> bytes:
    return vault.seal(plain(row), "import_row", "content", place(source, row.line))


def plain(row: Checked) -> str:
    """A line of JSON for the words, a line for the values (VALUES): each is read without the other."""
    values = (*IN_ORDER(row.values), row.values["offer"].contract_id) if row.values else ()
    return b"\n".join((orjson.dumps(row.cells), orjson.dumps(values))).decode()


def open_row(source: AffiliationImport, row: Any) -> str:
    return vault.open(row.content, "import_row", "content", place(source, row.line))


def parsed(text: str) -> list[Any]:
    return [orjson.loads(line) for line in text.split("\n")]


def cells_of(source: AffiliationImport, row: ImportRow) -> list[str]:
    """The words of a row, as they are shown and mended."""
    return orjson.loads(open_row(source, row).partition("\n")[0])


def values_of(source: AffiliationImport, row: Any) -> dict[str, Any]:
    """What a row that was right when it was checked asks for; `contract_id` in the place of its offer."""
    values = orjson.loads(open_row(source, row).partition("\n")[2])
    if not isinstance(values, dict):  # as files that were checked by an earlier portal have them
        values = dict(zip(VALUES, values, strict=True))
    for name in ("birth_date", "effective_on"):
        values[name] = datetime.date.fromisoformat(values[name])
    return values


def mark(row: ImportRow) -> str:
    """What tells whether somebody changed the words of a row since it was shown; it says nothing of them."""
    return hashlib.sha256(bytes(row.content)).hexdigest()[:16]


def identity_of(source: AffiliationImport, row: Checked) -> str:
    """Who a row is about, blind: the same person has the same in every file of the account."""
    return vault.index(row.identity, "identity", source.account_id) if row.identity else ""


def staged(source: AffiliationImport, one: Recognised) -> tuple:
    row = one.checked
    return (
        *(source.id, row.line, seal_row(source, row), row.matricule[:64], identity_of(source, row)),
        *(one.verdict, one.action, orjson.dumps(notes_of(row)).decode(), one.person and one.person.id),
    )


def notes_of(row: Checked) -> dict[str, dict[str, str]]:
    notes = {"errors": row.errors, "warnings": row.warnings, "repairs": row.repairs}
    return {name: said for name, said in notes.items() if said}


STAGED = ("source", "line", "content", "matricule", "identity", "verdict", "action", "notes", "beneficiary")


@nothing_to_collect()
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
    checked = affiliation_check.check_rows(lines, context(source.author, source.account_id))
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
        fault=sheet.remark[:500],
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
        alone = affiliation_check.check_rows([(line, list(cells))], surroundings)[0]
        identities = {row.identity, identity_of(source, alone)} - {""}
        together = related(source, {row.matricule, alone.matricule} - {""}, identities)
        words = {one.line: cells_of(source, one) for one in together} | {line: list(cells)}
        checked = affiliation_check.check_rows(sorted(words.items()), surroundings)
        found = recognise(by, source.account_id, checked)
        pending = {one.line: one for one in together if one.confirmed_at is None} | {line: row}
        for one in checked:
            if one.line in pending:
                stage_again(source, pending[one.line], found[one.line])
    return ImportRow.get(ImportRow.source == source, ImportRow.line == line)


def stage_again(source: AffiliationImport, row: ImportRow, found: Recognised) -> None:
    """Write what is said of a row now; its words only where they are others, so that its mark stays."""
    values = dict(zip(STAGED[2:], staged(source, found)[2:], strict=True))
    values["notes"] = notes_of(found.checked)
    if parsed(open_row(source, row)) == parsed(plain(found.checked)):
        del values["content"]
    ImportRow.update(**values).where(ImportRow.id == row.id).execute()


def related(source: AffiliationImport, matricules: set[str], identities: set[str]) -> list[ImportRow]:
    same = ImportRow.matricule.in_(list(matricules)) | ImportRow.identity.in_(list(identities))
    return list(ImportRow.select().where(ImportRow.source == source, same).order_by(ImportRow.line))


# ── Rows that go back ────────────────────────────────────────────────────────────────────────────────────────────


def rejected(source: AffiliationImport) -> Iterator[tuple[list[str], dict[str, str]]]:
    """(cells, what is wrong by column) of the rows in error, in the order of the sheet: for `write_rejected`."""
    rows = ImportRow.select().where(ImportRow.source == source, ImportRow.verdict == "ERROR").order_by(ImportRow.line)
    for row in rows.iterator():
        yield cells_of(source, row), row.notes.get("errors", {})


def rows_of(sources: Sequence[int]) -> Any:
    """The rows of these imports, by their ids."""
    return ImportRow.select().where(ImportRow.source.in_(list(sources)))


# ── The keys of the vault ────────────────────────────────────────────────────────────────────────────────────────


def reseal(after: int, most: int = 500) -> tuple[int | None, int]:
    """Seal rows, and index who they are about, under the first key: (last id seen or None, rows changed)."""
    found = ImportRow.select(ImportRow, AffiliationImport).join(AffiliationImport).where(ImportRow.id > after)
    with db.atomic():
        rows = list(found.order_by(ImportRow.id).limit(most))
        old = [row for row in rows if not vault.is_current(row.content)]
        changed = sum(resealed(row.source, row) for row in old)
    return (rows[-1].id if rows else None), changed


def resealed(source: AffiliationImport, row: ImportRow) -> int:
    nobody_known = affiliation_check.Context(offers=(), today=clock.today())
    checked = affiliation_check.check_rows([(row.line, cells_of(source, row))], nobody_known)[0]
    again = vault.seal(open_row(source, row), "import_row", "content", place(source, row.line))
    written = ImportRow.update(content=again, identity=identity_of(source, checked))
    return written.where(ImportRow.id == row.id, ImportRow.content == row.content).execute()

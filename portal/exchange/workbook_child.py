"""The child process that reads a foreign workbook or CSV: a file on its standard input, JSON lines on its output.

It knows nothing of the portal but `portal.exchange.foreign`, and the portal trusts nothing of it but texts: what a
hostile file makes of this process (an abort, a loop, all the memory it may take) ends with it.
`portal.exchange.workbooks` is its only caller.

A line is {"sheet": name} when a sheet begins, [[row, cells], …] for some of the rows that are not empty, {"end": true}
at the end, or {"refused": code}. A date is [ISO text]; the other cells are texts, numbers and booleans.
"""

import io
import json
import re
import sys
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date, datetime
from itertools import islice
from typing import Any

from python_calamine import CalamineError, SheetTypeEnum, SheetVisibleEnum

from portal.exchange import foreign
from portal.exchange.foreign import PIECE, Refused

MOST_CHARACTERS = 1_000  # of a cell: beyond, it is cut, and the checks find it too long
MOST_OUTPUT = 64 * 1024 * 1024  # characters: a text that a small workbook shares among its cells comes back each time
MOST_SHEETS = 20
TOGETHER = 100  # rows of a line, which is quicker to write and to read than a line each
MOST_TOGETHER = 500_000  # characters: longer rows have a line each

Cell = Any  # str, int, float, bool, or [ISO date]


def main() -> None:
    """Arguments: rows and columns to give at most, and the keys of the sheets to give first."""
    foreign.limit()
    most_rows, most_columns, first = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    out = Output(most_rows, most_columns)
    try:
        content = sys.stdin.buffer.read()
        for name, rows in sheets(content, first):
            out.sheet(name, rows)
        out.say({"end": True})
    except Refused as refused:
        out.say({"refused": str(refused)})
    except MemoryError:
        out.say({"refused": "heavy"})
    out.flush()


class Output:
    """The lines of the answer, written together."""

    def __init__(self, most_rows: int, most_columns: int) -> None:
        self.most_rows, self.most_columns = most_rows, most_columns
        self.lines: list[str] = []
        self.weight = self.written = 0

    def sheet(self, name: str | None, rows: Iterable[tuple[int, list[Cell]]]) -> None:
        self.say({"sheet": name})
        found = ([row, cells[: self.most_columns]] for row, cells in islice(rows, self.most_rows))
        while some := list(islice(found, TOGETHER)):
            self.say_rows(some)

    def say_rows(self, rows: list[Any]) -> None:
        line = written(rows)
        if len(line) < MOST_TOGETHER:
            self.add(line)
            return
        for row in rows:
            self.say([row])

    def say(self, message: Any) -> None:
        self.add(written(message))

    def add(self, line: str) -> None:
        self.lines.append(line)
        self.weight += len(line)
        if self.weight > PIECE:
            self.flush()

    def flush(self) -> None:
        self.written += self.weight
        sys.stdout.buffer.write("".join(f"{line}\n" for line in self.lines).encode())
        sys.stdout.buffer.flush()
        self.lines, self.weight = [], 0
        if self.written > MOST_OUTPUT:
            self.written = 0
            raise Refused("heavy")


def written(message: Any) -> str:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def sheets(content: bytes, first: list[str]) -> Iterator[tuple[str | None, Iterator[tuple[int, list[Cell]]]]]:
    """Each sheet with its rows; what the file is, its content tells, never its name."""
    if content.startswith(b"PK\x03\x04"):
        check_archive(content)
        yield from workbook(faults_told(content), first)
    elif content.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        foreign.check_compound(content, {"WORKBOOK", "BOOK"})
        yield from workbook(content, first)
    else:
        yield None, text_rows(content)


# ── Workbooks ────────────────────────────────────────────────────────────────────────────────────────────────────


def workbook(content: bytes, first: list[str]) -> Iterator[tuple[str, Iterator[tuple[int, list[Cell]]]]]:
    book = foreign.workbook_of(content)
    sheets = [sheet for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    shown = [sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible]
    names = shown + [sheet.name for sheet in sheets if sheet.name not in shown]
    try:
        for name in sorted(names, key=lambda name: rank(name, first))[:MOST_SHEETS]:
            sheet = book.get_sheet_by_name(name)
            yield name, sheet_rows(sheet)
            del sheet
    except CalamineError:
        raise Refused("damaged") from None


def rank(name: str, first: list[str]) -> int:
    letters = unicodedata.normalize("NFKD", name).lower()
    key = "".join(letter for letter in letters if letter.isascii() and letter.isalnum())
    return first.index(key) if key in first else len(first)


def sheet_rows(sheet: Any) -> Iterator[tuple[int, list[Cell]]]:
    """The rows that hold something. calamine leaves out the first columns when they are empty, but no row."""
    if sheet.start is not None:
        merged = ranges(sheet)
        under: dict[int, tuple[int, Cell]] = {}
        for row, cells in enumerate(sheet.iter_rows(), 1):
            if values := trimmed([cell[:MOST_CHARACTERS] if type(cell) is str else value(cell) for cell in cells]):
                yield row, values if not merged else filled(row, values, merged, under)


def ranges(sheet: Any) -> dict[int, list[tuple[int, int]]]:
    """Cells that were merged downwards: row where they begin → (place of the first column, last row)."""
    found: dict[int, list[tuple[int, int]]] = {}
    with suppress(CalamineError):
        for (first, column), (last, _) in sheet.merged_cell_ranges or ():
            if first < last and column >= sheet.start[1]:
                found.setdefault(first + 1, []).append((column - sheet.start[1], last + 1))
    return found


def filled(row: int, cells: list[Cell], merged: Any, under: dict[int, tuple[int, Cell]]) -> list[Cell]:
    """What stands in a merged cell is said of each of its rows: the matricule of a household, the code of a company.

    `under`: by place, the merged cells that these rows are in, until which row, and what they hold.
    """
    under.update({place: (last, cells[place]) for place, last in merged.get(row, ()) if place < len(cells)})
    for place in [place for place, (last, _) in under.items() if last < row]:
        del under[place]
    for place, (_, cell) in under.items():
        cells.extend([""] * (place + 1 - len(cells)))
        if cells[place] == "":
            cells[place] = cell
    return cells


def trimmed(cells: list[Cell]) -> list[Cell]:
    """Without the blanks at the end; a row of blanks is nothing."""
    end = len(cells)
    while end and (cells[end - 1] == "" or (isinstance(cells[end - 1], str) and not cells[end - 1].strip())):
        end -= 1
    return cells[:end] if end < len(cells) else cells


def value(cell: Any) -> Cell:
    if isinstance(cell, float):
        return int(cell) if cell.is_integer() else repr(cell)
    if isinstance(cell, (bool, int)):
        return cell
    if isinstance(cell, date):  # a datetime is one
        return [(cell.date() if isinstance(cell, datetime) else cell).isoformat()]
    return str(cell)


# ── What may be opened ───────────────────────────────────────────────────────────────────────────────────────────

SHEET_TYPES = ("spreadsheetml.sheet.main+xml", "spreadsheetml.template.main+xml")
ODS = "application/vnd.oasis.opendocument.spreadsheet"


def check_archive(content: bytes) -> None:
    with foreign.checked_archive(content, foreign.Prologue) as archive:
        if not any(kind.endswith((*SHEET_TYPES, ODS, f"{ODS}-template")) for kind in foreign.types_of(archive)):
            raise Refused("other")


# ── Cells without a value ────────────────────────────────────────────────────────────────────────────────────────────

# calamine reads #N/A, and a formula that was never calculated, as blanks: an IBAN or a date would be lost unseen. They
# are made texts first, which the checks refuse.
ERROR = b't="e"'
XLSX_FAULT = re.compile(rb'(?<=\s)t="e"(?=[^<>]*>)')
FORMULA = re.compile(rb"<(?:\w+:)?f[\s>/]")
UNCALCULATED = re.compile(
    rb"(<((?:\w+:)?)c\s(?![^<>]*\st=)[^<>]*)>"
    rb"(\s*<\2f(?:\s[^<>]*)?(?:/>|>[^<>]*</\2f>)\s*)(?:<\2v\s*/>|<\2v></\2v>)?\s*</\2c>"
)
ODS_FAULT = re.compile(rb'<table:table-cell\s[^<>]*calcext:value-type="error"[^<>]*>')
ODS_VALUE = re.compile(rb'\soffice:(?:value-type|value|string-value|boolean-value|date-value)="[^"<>]*"')


def faults_told(content: bytes) -> bytes:
    """The same workbook, what has no value for its spreadsheet written as text; itself when there is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            told = {name: part for name in archive.namelist() if (part := part_told(name, archive)) is not None}
            return rewritten(archive, told) if told else content
    except foreign.BROKEN:
        raise Refused("damaged") from None


def part_told(name: str, archive: zipfile.ZipFile) -> bytes | None:
    """A part as it is to be read, or None when it stays as it is."""
    lower = name.lower()
    if lower == "content.xml":
        part = archive.read(name)
        told = ODS_FAULT.sub(ods_text, part)
    elif "worksheets/" in lower and lower.endswith(".xml"):
        part = archive.read(name)
        told = XLSX_FAULT.sub(rb't="str"', part) if ERROR in part else part
        if FORMULA.search(told):
            told = UNCALCULATED.sub(rb'\1 t="str">\3<\2v>#CALC!</\2v></\2c>', told)
    else:
        return None
    return None if told == part else told


def ods_text(cell: re.Match[bytes]) -> bytes:
    kept = ODS_VALUE.sub(b"", cell[0])
    return kept.replace(b"<table:table-cell", b'<table:table-cell office:value-type="string"', 1)


def rewritten(archive: zipfile.ZipFile, told: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as again:  # not packed: it is read at once
        for name in archive.namelist():
            again.writestr(name, told[name] if name in told else archive.read(name))
    return file.getvalue()


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def text_rows(content: bytes) -> Iterator[tuple[int, list[Cell]]]:
    """The records of a CSV, numbered from 1, those that hold something."""
    text = foreign.text_of(content)
    for record, cells in enumerate(foreign.records(text, foreign.separator(text)), 1):
        if values := trimmed([cell[:MOST_CHARACTERS] for cell in cells]):
            yield record, values

"""The child process that reads a foreign workbook or CSV: a file on its standard input, JSON lines on its output.

It knows nothing of the portal, and the portal trusts nothing of it but texts: what a hostile file makes of this process
(an abort, a loop, all the memory it may take) ends with it. `portal.exchange.workbooks` is its only caller.

A line is {"sheet": name} when a sheet begins, [row, cells] for each row that is not empty, {"end": true} at the end, or
{"refused": code}. A date is [ISO text]; the other cells are texts, numbers and booleans.
"""

import csv
import io
import json
import resource
import stat
import struct
import sys
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date, datetime
from typing import Any
from xml.parsers import expat  # nosec B407

MEMORY = 400 * 1024 * 1024  # beyond what Python takes to start
CPU_SECONDS = 10
MOST_MEMBERS, MOST_BYTES = 1_000, 100 * 1024 * 1024  # of a zip, once inflated
MOST_CHARACTERS = 1_000  # of a cell: beyond, it is cut, and the checks find it too long
MOST_OUTPUT = 64 * 1024 * 1024  # characters: a text that a small workbook shares among its cells comes back each time
MOST_SHEETS = 20
HEADING_ROWS = 20  # looked at to tell the separator
PIECE = 1 << 16
MOST_PROLOGUE = 1 << 20  # bytes before the first element of an XML part

Cell = Any  # str, int, float, bool, or [ISO date]


class Refused(Exception):
    """A file that is not read; its argument is a code that the parent puts into words."""


def main() -> None:
    """Arguments: rows and columns to give at most, and the keys of the sheets to give first."""
    limit()
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


def limit() -> None:
    """Memory and time run out here, not in the portal."""
    with open("/proc/self/statm") as file:
        started_with = int(file.read().split()[0]) * resource.getpagesize()
    for kind, value in (
        (resource.RLIMIT_AS, started_with + MEMORY),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        resource.setrlimit(kind, (value, value))


class Output:
    """The lines of the answer, written together."""

    def __init__(self, most_rows: int, most_columns: int) -> None:
        self.most_rows, self.most_columns = most_rows, most_columns
        self.lines: list[str] = []
        self.weight = self.written = 0

    def sheet(self, name: str | None, rows: Iterable[tuple[int, list[Cell]]]) -> None:
        self.say({"sheet": name})
        for count, (row, cells) in enumerate(rows, 1):
            if count > self.most_rows:
                return
            self.say([row, cells[: self.most_columns]])

    def say(self, message: Any) -> None:
        line = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
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


def sheets(content: bytes, first: list[str]) -> Iterator[tuple[str | None, Iterator[tuple[int, list[Cell]]]]]:
    """Each sheet with its rows; what the file is, its content tells, never its name."""
    if content.startswith(b"PK\x03\x04"):
        check_archive(content)
        yield from workbook(content, first)
    elif content.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        check_compound(content)
        yield from workbook(content, first)
    else:
        yield None, text_rows(content)


# ── Workbooks ────────────────────────────────────────────────────────────────────────────────────────────────────


def workbook(content: bytes, first: list[str]) -> Iterator[tuple[str, Iterator[tuple[int, list[Cell]]]]]:
    import python_calamine as calamine  # noqa: PLC0415  once the file has been looked at

    kinds = calamine.SheetTypeEnum
    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        found = book.sheets_metadata
        if any(sheet.typ in (kinds.MacroSheet, kinds.Vba) for sheet in found):
            raise Refused("macros")
        names = [sheet.name for sheet in found if sheet.typ == kinds.WorkSheet]
        for name in sorted(names, key=lambda name: rank(name, first))[:MOST_SHEETS]:
            sheet = book.get_sheet_by_name(name)
            yield name, sheet_rows(sheet)
            del sheet
    except calamine.PasswordError:
        raise Refused("locked") from None
    except calamine.CalamineError:
        raise Refused("damaged") from None


def rank(name: str, first: list[str]) -> int:
    letters = unicodedata.normalize("NFKD", name).lower()
    key = "".join(letter for letter in letters if letter.isascii() and letter.isalnum())
    return first.index(key) if key in first else len(first)


def sheet_rows(sheet: Any) -> Iterator[tuple[int, list[Cell]]]:
    """The rows that hold something. calamine leaves out the first columns when they are empty, but no row."""
    if sheet.start is not None:
        for row, cells in enumerate(sheet.iter_rows(), 1):
            if values := trimmed([value(cell) for cell in cells]):
                yield row, values


def trimmed(cells: list[Cell]) -> list[Cell]:
    """Without the blanks at the end; a row of blanks is nothing."""
    end = len(cells)
    while end and (cells[end - 1] == "" or (isinstance(cells[end - 1], str) and not cells[end - 1].strip())):
        end -= 1
    return cells[:end]


def value(cell: Any) -> Cell:
    if isinstance(cell, str):
        return cell[:MOST_CHARACTERS]
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
ODS_MACROS = ("basic/", "scripts/", "dialogs/")


def check_archive(content: bytes) -> None:
    """A zip that is small once open, that hides no macro, no password and no entity, and that is a workbook."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            check_members(members)
            for member in members:
                check_part(content, member)
            check_type(archive)
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, ValueError, NotImplementedError):
        raise Refused("damaged") from None


def check_members(members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MOST_MEMBERS or sum(member.file_size for member in members) > MOST_BYTES:
        raise Refused("heavy")
    names = [member.filename.replace("\\", "/").lower() for member in members]
    if len(set(names)) < len(names):
        raise Refused("damaged")
    for name, member in zip(names, members, strict=True):
        if name.startswith("/") or ".." in name.split("/") or ":" in name.split("/")[0]:
            raise Refused("damaged")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise Refused("damaged")
        if member.flag_bits & 1 or name == "encrypted-package":
            raise Refused("locked")
        if "vbaproject" in name or "/macrosheets/" in name or name.startswith(ODS_MACROS):
            raise Refused("macros")
        if "/embeddings/" in name or "/activex/" in name:
            raise Refused("embedded")


def check_part(content: bytes, member: zipfile.ZipInfo) -> None:
    """A part is as long as it says, and declares no entity: an XML part is looked at as its own encoding reads it."""
    prologue: Prologue | None = Prologue()
    total = 0
    for piece in inflated(content, member):
        total += len(piece)
        if total > member.file_size:
            raise Refused("heavy")
        if prologue:
            try:
                prologue.feed(piece)
            except expat.ExpatError:
                if member.filename.lower().endswith((".xml", ".rels")):
                    raise Refused("damaged") from None
                prologue = None  # a picture, a printer's settings
            else:
                prologue = None if prologue.over else prologue
        if prologue and total > MOST_PROLOGUE:
            raise Refused("damaged")
    if total != member.file_size:
        raise Refused("damaged")


def inflated(content: bytes, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """What a member holds, whatever length it declares."""
    fixed = struct.unpack_from("<4s22xHH", content, member.header_offset)
    if fixed[0] != b"PK\x03\x04":
        raise Refused("damaged")
    start = member.header_offset + 30 + fixed[1] + fixed[2]
    packed = memoryview(content)[start : start + member.compress_size]
    if member.compress_type == zipfile.ZIP_STORED:
        yield bytes(packed)
        return
    if member.compress_type != zipfile.ZIP_DEFLATED:
        raise Refused("damaged")
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    rest = bytes(packed)
    while rest and not inflater.eof:
        yield inflater.decompress(rest, PIECE)
        rest = inflater.unconsumed_tail
    yield inflater.flush()
    if not inflater.eof:
        raise Refused("damaged")


class Prologue:
    """What comes before the first element of an XML part: there and nowhere else may a DTD stand."""

    def __init__(self) -> None:
        self.over = False
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self.end
        self.parser.StartDoctypeDeclHandler = self.refuse

    def feed(self, piece: bytes) -> None:
        try:
            self.parser.Parse(piece)
        except expat.ExpatError:
            if not self.over:
                raise

    def end(self, *_: Any) -> None:
        self.over = True

    def refuse(self, *_: Any) -> None:
        raise Refused("entities")


def check_type(archive: zipfile.ZipFile) -> None:
    names = archive.namelist()
    if "mimetype" in names:
        if archive.read("mimetype").decode("ascii", "replace").strip() not in (ODS, f"{ODS}-template"):
            raise Refused("other")
        if b"encryption-data" in archive.read("META-INF/manifest.xml"):
            raise Refused("locked")
        return
    if "[Content_Types].xml" not in names:
        raise Refused("other")
    types = content_types(archive.read("[Content_Types].xml"))
    if any(word in kind for kind in types for word in ("macroenabled", "vbaproject", "macrosheet")):
        raise Refused("macros")
    if not any(kind.endswith(SHEET_TYPES) for kind in types):
        raise Refused("other")


def content_types(part: bytes) -> set[str]:
    found: set[str] = set()
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda _, attributes: found.add(attributes.get("ContentType", "").lower())
    try:
        parser.Parse(part, True)
    except expat.ExpatError:
        raise Refused("damaged") from None
    return found


FILEPASS = 0x2F


def check_compound(content: bytes) -> None:
    """An .xls without macros. Entries of its directory are 128 bytes long, wherever in the file the directory lies."""
    names = {
        content[at : at + 64].decode("utf-16-le", "replace").partition("\0")[0].upper()
        for at in range(512, len(content) - 127, 128)
        if content[at + 66] in (1, 2, 5)  # a storage, a stream, the root
    }
    if names & {"ENCRYPTEDPACKAGE", "ENCRYPTIONINFO"}:
        raise Refused("locked")
    if "ROOT ENTRY" not in names:
        raise Refused("damaged")
    if not names & {"WORKBOOK", "BOOK"}:
        raise Refused("other")
    if names & {"_VBA_PROJECT", "_VBA_PROJECT_CUR", "VBA"}:
        raise Refused("macros")
    if any(FILEPASS in first_records(content, at) for at in range(512, len(content) - 7, 512) if is_book(content, at)):
        raise Refused("locked")


def is_book(content: bytes, at: int) -> bool:
    """The first record of the stream of a workbook, which begins a sector."""
    return content[at : at + 2] == b"\x09\x08" and content[at + 6 : at + 8] == b"\x05\x00"


def first_records(content: bytes, at: int) -> Iterator[int]:
    """The types of the records of one sector; that of a password is the second or the third."""
    end = min(at + 512, len(content) - 3)
    while at < end:
        kind, length = struct.unpack_from("<HH", content, at)
        yield kind
        at += 4 + length


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────────────────────────

SEPARATORS = ";\t,"
MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
NOT_TEXT = {*range(32), 127} - {9, 10, 11, 12, 13, 28, 29, 30, 31}


def text_rows(content: bytes) -> Iterator[tuple[int, list[Cell]]]:
    """The records of a CSV, numbered from 1, those that hold something."""
    text = decoded(content)
    if any(code < 128 and code in NOT_TEXT for code in map(ord, set(text))):
        raise Refused("other")
    if text.lstrip().startswith("<"):
        raise Refused("page")
    csv.field_size_limit(len(content) + 1)
    for record, cells in enumerate(records(text, separator(text)), 1):
        if values := trimmed([cell[:MOST_CHARACTERS] for cell in cells]):
            yield record, values


def decoded(content: bytes) -> str:
    """A text in UTF-8, in UTF-16 with its mark or without, or else in Windows-1252."""
    encodings = [encoding for mark, encoding in MARKS if content.startswith(mark)] or guessed(content[:4096])
    for encoding in encodings:
        with suppress(UnicodeError):
            return content.decode(encoding)
    raise Refused("other")


def guessed(start: bytes) -> list[str]:
    """Without a mark, the zeros of UTF-16 stand on one side of each pair of bytes."""
    if b"\0" not in start:
        return ["utf-8", "cp1252"]
    low, high = start[::2].count(0), start[1::2].count(0)
    return ["utf-16-le" if high > low else "utf-16-be"]


def separator(text: str) -> str:
    """The one that cuts the first records into the most cells; Excel may have said it on the first line."""
    if text[:4].lower() == "sep=" and text[4:5] in SEPARATORS:
        return text[4]
    beginning = "".join(line for line, _ in zip(io.StringIO(text, newline=""), range(HEADING_ROWS), strict=False))

    def cells(mark: str) -> int:
        with suppress(csv.Error):
            return max(len(list(filter(None, cells))) for cells in csv.reader(io.StringIO(beginning), delimiter=mark))
        return 0

    return max(SEPARATORS, key=cells)


def records(text: str, mark: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    except csv.Error:
        raise Refused("quotes") from None


if __name__ == "__main__":
    main()

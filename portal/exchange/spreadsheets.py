"""Tables in and out: CSV and workbooks read row by row in bounded memory, written so that no cell runs as a formula."""

import csv
import io
import re
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import IO, Any
from xml.etree.ElementTree import Element, ParseError  # nosec B405
from xml.parsers import expat  # nosec B407

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import parse as parse_xml
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ERROR_CODES, Cell
from openpyxl.styles import Font
from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format
from openpyxl.utils import column_index_from_string, get_column_letter
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel, to_excel

from portal.rules.cells import UNCALCULATED


class Unreadable(ValueError):
    """A file that cannot be read as a table; str() is the French sentence to show."""


# ── Out ──────────────────────────────────────────────────────────────────────────────────────────────────────────

# What a spreadsheet may take for a formula, behind blanks and in full width too (CWE-1236).
BLANK = "[\\s\x00-\x1f\x7f\u200b-\u200f\u2060\ufeff]"
FORMULA = re.compile(rf"{BLANK}*[=+\-@＝＋－＠]|[\t\r\n\x00]")
# What XML cannot hold.
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
FORMATS = {"date": "DD/MM/YYYY", "cents": "#,##0.00\u00a0€"}
NARROWEST, WIDEST = 10, 50  # columns, in characters
SAMPLE = 100  # rows looked at to choose the widths
BATCH = 1_000  # lines of CSV in one piece


@dataclass(frozen=True)
class Column:
    """A heading, and what stands under it: "text", "date", "number" or "cents" (whole cents, written in euros)."""

    title: str
    kind: str = "text"


def write_xlsx(columns: Sequence[Column], rows: Iterable[Sequence[Any]], title: str = "Bénéficiaires") -> IO[bytes]:
    """A workbook in a temporary file, at its start: real dates, text that stays text, frozen heading, filters on.

    `rows` is read once, a row at a time: the memory it takes does not follow their number.
    """
    rows = iter(rows)
    sample = list(islice(rows, SAMPLE))
    book = Workbook(write_only=True)
    book.properties.title = book.properties.creator = title
    book.properties.language = "fr-FR"
    sheet = book.create_sheet(re.sub(r"[\[\]:*?/\\]", " ", title)[:31])
    sheet.freeze_panes = "A2"
    for place, column in enumerate(columns):
        longest = max((len(str(row[place] or "")) for row in sample), default=0)
        width = min(max(NARROWEST, len(column.title) + 4, longest + 2), WIDEST)
        sheet.column_dimensions[get_column_letter(place + 1)].width = width
    try:
        count = fill(sheet, columns, chain(sample, rows))
    except BaseException:
        with suppress(Exception):  # openpyxl would leave what was written until the process ends
            sheet.close()
            sheet._writer.cleanup()
        raise
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{count + 1}"
    file = tempfile.TemporaryFile()  # noqa: SIM115 - handed to whoever sends it
    book.save(file)
    file.seek(0)
    return file


def fill(sheet: Any, columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> int:
    sheet.append([heading(sheet, column.title) for column in columns])
    writers = [writer(sheet, column.kind) for column in columns]
    count = 0
    for row in rows:
        sheet.append([write(value) for write, value in zip(writers, row, strict=True)])
        count += 1
    return count


def heading(sheet: Any, title: str) -> WriteOnlyCell:
    cell = text_cell(sheet, title)
    cell.font = Font(bold=True)
    return cell


def text_cell(sheet: Any, text: str) -> WriteOnlyCell:
    """Text that stays text, now and when it is edited."""
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"
    cell.quotePrefix = True
    return cell


def writer(sheet: Any, kind: str) -> Callable[[Any], Any]:
    """How the values of a column become cells; each is written at once, so that one styled cell serves them all."""
    if kind == "text":
        return lambda value: as_text(sheet, value)
    if kind == "number":
        return lambda value: value
    cell = StyledCell(sheet, FORMATS[kind])
    said = hundredth if kind == "cents" else day_number

    def write(value: Any) -> Any:
        if value is None or value == "":
            return None
        cell.value = said(value)
        return cell

    return write


class StyledCell(Cell):
    """A cell with a format, written many times: openpyxl would look for its style, and write its name, each time."""

    has_style, style_id = True, 0

    def __init__(self, sheet: Any, number_format: str) -> None:
        super().__init__(sheet, row=1, column=1)
        self.number_format = number_format
        self.style_id = super().style_id

    def __repr__(self) -> str:
        return "cell"


def hundredth(cents: int) -> float:
    return cents / 100


@lru_cache
def day_number(day: date) -> float:
    """A day as workbooks count them."""
    return to_excel(day)


def as_text(sheet: Any, value: Any) -> Any:
    if value is None or value == "":
        return None
    text = str(value)
    if text.isprintable() and text[0].isalnum():
        return text
    dangerous = FORMULA.match(text) or text in ERROR_CODES
    text = ILLEGAL.sub("", text)
    return text_cell(sheet, text) if dangerous else text


def write_csv(columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """UTF-8 with its mark, `;` and CRLF (RFC 4180), as French spreadsheets open it, a thousand lines at a time."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    writer.writerow([csv_text(column.title) for column in columns])
    yield b"\xef\xbb\xbf" + take(buffer)
    writers = [CSV_WRITERS[column.kind] for column in columns]
    for count, row in enumerate(rows, 1):
        writer.writerow([write(value) for write, value in zip(writers, row, strict=True)])
        if count % BATCH == 0:
            yield take(buffer)
    yield take(buffer)


def take(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()


def csv_text(value: Any) -> str:
    text = "" if value is None else str(value)
    if text.isprintable() and text[:1].isalnum():
        return text
    mark = "'" if FORMULA.match(text) else ""
    return mark + ILLEGAL.sub("", text)


def csv_date(value: date | None) -> str:
    return f"{value:%d/%m/%Y}" if value else ""


def csv_number(value: float | None) -> str:
    return "" if value is None else str(value).replace(".", ",")


def csv_cents(value: int | None) -> str:
    return "" if value is None else f"{value / 100:.2f}".replace(".", ",")


CSV_WRITERS: dict[str, Callable[[Any], str]] = {
    "text": csv_text,
    "date": csv_date,
    "number": csv_number,
    "cents": csv_cents,
}

# ── In ───────────────────────────────────────────────────────────────────────────────────────────────────────────

MOST_MEMBERS, MOST_BYTES = 1_000, 300 * 1024 * 1024
MOST_BYTES_AT_ONCE = 10 * 1024 * 1024  # of a part that is read whole
MOST_COLUMNS = 256
MOST_CHARACTERS = 131_072  # in a field: the limit of csv, one for the whole process, which nothing here changes
PIECE = 1 << 16
UNREADABLE_BOOK = "Le classeur est abîmé, ou n’est pas un vrai .xlsx. Enregistrez-le de nouveau, puis recommencez."
BOOK_FAULTS = (
    *(zipfile.BadZipFile, zlib.error, expat.ExpatError, ParseError, DefusedXmlException),
    *(EOFError, KeyError, IndexError, ValueError, NotImplementedError, RuntimeError),
)

DIGITS = 15  # that spreadsheets count with: what is computed ends with others, as in 1234.5600000000001
ESCAPED = re.compile(r"_x(?![dD][89a-fA-F])([0-9A-Fa-f]{4})_")

Cells = list[Any]  # texts and dates


def rows(path: Path) -> Iterator[tuple[int, Cells]]:
    """(line, cells) of a UTF-8 CSV with `;`, or of the first sheet of an .xlsx that is shown and holds something.

    The heading is line 1; lines of blanks are left out. Raises Unreadable.
    """
    with open(path, "rb") as file:
        start = file.read(8)
    if start.startswith(b"PK\x03\x04"):
        return workbook_rows(path)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable(
            "Ce classeur est ancien ou protégé par un mot de passe. Enregistrez-le en .xlsx sans protection."
        )
    return csv_rows(path)


def holds_something(cells: Cells) -> bool:
    return any(not isinstance(cell, str) or cell.strip() for cell in cells)


def csv_rows(path: Path) -> Iterator[tuple[int, Cells]]:
    line = 0  # the last one read: a field in quotes may hold several
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=";", strict=True)
            for cells in reader:
                started, line = line + 1, reader.line_num
                if any(map(str.strip, cells)):
                    yield started, cells
    except UnicodeDecodeError:
        raise Unreadable("Le fichier n’est pas en UTF-8. Enregistrez-le en « CSV UTF-8 », puis recommencez.") from None
    except csv.Error:
        fault = f"des guillemets ne sont pas fermés, ou un champ dépasse {MOST_CHARACTERS} caractères. Corrigez-la."
        raise Unreadable(f"Ligne {line + 1}\u00a0: {fault}") from None


def workbook_rows(path: Path) -> Iterator[tuple[int, Cells]]:
    """The rows of the first sheet, as long as its heading at least, read as they are unzipped."""
    try:
        with zipfile.ZipFile(path) as archive:
            check_archive(archive)
            sheets, texts, formats, epoch = open_book(archive)
            width = 0
            for sheet in sheets:
                with archive.open(sheet) as stream:
                    for line, cells in pieces(stream, Sheet(texts, formats, epoch)):
                        width = width or len(cells)
                        cells.extend([""] * (width - len(cells)))
                        yield line, cells
                if width:
                    return
    except Unreadable:
        raise
    except BOOK_FAULTS:
        raise Unreadable(UNREADABLE_BOOK) from None


def check_archive(archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    if len(members) > MOST_MEMBERS or sum(member.file_size for member in members) > MOST_BYTES:
        raise Unreadable("Le classeur est trop grand une fois ouvert. Envoyez-le en plusieurs fois, ou en CSV.")
    if any(member.flag_bits & 1 for member in members):
        raise Unreadable("Le classeur est protégé par un mot de passe. Enregistrez-le sans protection.")


def open_book(archive: zipfile.ZipFile) -> tuple[list[str], list[str], list[str], datetime]:
    """The names of the sheets shown, the shared texts, the format of each style, and the day dates count from."""
    book, links = read_part(archive, "xl/workbook.xml"), read_part(archive, "xl/_rels/workbook.xml.rels")
    shown = [one for one in elements(book, "sheet") if one.get("state", "visible") == "visible"]
    if not shown:
        raise Unreadable(UNREADABLE_BOOK)
    targets = {one.attrib["Id"]: one.attrib["Target"] for one in elements(links, "Relationship")}
    linked = (next(value for name, value in one.attrib.items() if name.endswith("}id")) for one in shown)
    found = (targets[link] for link in linked)
    sheets = [target[1:] if target.startswith("/") else str(PurePosixPath("xl") / target) for target in found]
    since_1904 = any(one.get("date1904") in ("1", "true") for one in elements(book, "workbookPr"))
    names = archive.namelist()
    texts = Sheet([], [], CALENDAR_WINDOWS_1900)
    if "xl/sharedStrings.xml" in names:
        with archive.open("xl/sharedStrings.xml") as stream:
            for _ in pieces(stream, texts):
                pass
    formats = read_formats(read_part(archive, "xl/styles.xml")) if "xl/styles.xml" in names else []
    return sheets, texts.texts, formats, CALENDAR_MAC_1904 if since_1904 else CALENDAR_WINDOWS_1900


def read_part(archive: zipfile.ZipFile, name: str) -> Element:
    if archive.getinfo(name).file_size > MOST_BYTES_AT_ONCE:
        raise Unreadable(UNREADABLE_BOOK)
    with archive.open(name) as stream:
        return parse_xml(stream, forbid_dtd=True).getroot()


def elements(root: Element, name: str) -> Iterator[Element]:
    return (element for element in root.iter() if element.tag.rpartition("}")[2] == name)


def read_formats(styles: Element) -> list[str]:
    known = {int(one.attrib["numFmtId"]): one.attrib["formatCode"] for one in elements(styles, "numFmt")}
    cells = next(elements(styles, "cellXfs"), Element("cellXfs"))
    codes = (int(one.get("numFmtId", "0")) for one in cells)
    return [known.get(code) or BUILTIN_FORMATS.get(code, "General") for code in codes]


def pieces(stream: IO[bytes], sheet: "Sheet") -> Iterator[tuple[int, Cells]]:
    """The rows that are complete after each piece of a stream."""
    while piece := stream.read(PIECE):
        sheet.parser.Parse(piece)
        yield from sheet.take()
    sheet.parser.Parse(b"", True)


class Sheet:
    """What expat finds in a sheet, or in the list of shared texts."""

    def __init__(self, shared: list[str], formats: list[str], epoch: datetime) -> None:
        self.shared, self.formats, self.epoch = shared, formats, epoch
        self.texts: list[str] = []  # shared texts, when that is what is read
        self.done: list[tuple[int, Cells]] = []
        self.line, self.cells = 0, []  # type: int, Cells
        self.place, self.kind, self.format = 0, "n", "General"
        self.characters: list[str] = []
        self.reading = self.phonetic = self.formula = False
        # defusedxml does not read piece by piece: a DTD, without which there is no entity, is refused here.
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.hear
        self.parser.StartDoctypeDeclHandler = self.refuse

    def take(self) -> list[tuple[int, Cells]]:
        done, self.done = self.done, []
        return done

    def refuse(self, *_: Any) -> None:
        raise Unreadable(UNREADABLE_BOOK)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        if name in ("v", "t"):
            self.reading = not self.phonetic
        elif name == "f":
            self.formula = True
        elif name == "c":
            self.formula = False
            reference = attributes.get("r", "")
            self.place = column_place(reference.rstrip("0123456789")) if reference else len(self.cells)
            self.kind, self.characters = attributes.get("t", "n"), []
            style = int(attributes.get("s", "0"))
            self.format = self.formats[style] if style < len(self.formats) else "General"
        elif name == "row":
            self.line, self.cells = int(attributes.get("r", self.line + 1)), []
        elif name == "si":
            self.characters = []
        elif name == "rPh":  # how a Japanese text is read aloud
            self.phonetic = True

    def hear(self, text: str) -> None:
        if self.reading:
            self.characters.append(text)

    def end(self, name: str) -> None:
        name = name.rpartition(":")[2]
        if name in ("v", "t"):
            self.reading = False
        elif name == "c":
            if self.characters or (self.formula and self.kind == "n"):
                self.cells.extend([""] * (self.place - len(self.cells)))
                self.cells.append(self.value("".join(self.characters) or UNCALCULATED))
        elif name == "row":
            if holds_something(self.cells):
                self.done.append((self.line, self.cells))
        elif name == "si":
            self.texts.append(unescaped("".join(self.characters)))
        elif name == "rPh":
            self.phonetic = False

    def value(self, text: str) -> str | date:
        """A cell as it would be typed: a date, or text; a number has no « .0 » but the zeros that its format shows."""
        if self.kind == "s":
            return self.shared[int(text)]
        if self.kind == "d":
            return date.fromisoformat(text[:10])
        if self.kind == "b":
            return "VRAI" if text == "1" else "FAUX"
        if self.kind != "n" or text == UNCALCULATED:
            return unescaped(text)
        return number(text, self.format, self.epoch)


def unescaped(text: str) -> str:
    """What XML cannot hold is written _x000D_ in a workbook."""
    return ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


@lru_cache(maxsize=1_024)
def column_place(letters: str) -> int:
    place = column_index_from_string(letters)
    if place > MOST_COLUMNS:
        raise Unreadable(f"Le classeur a plus de {MOST_COLUMNS} colonnes. Retirez celles qui ne servent pas.")
    return place - 1


@lru_cache(maxsize=16_384)
def number(text: str, number_format: str, epoch: datetime) -> str | date:
    if is_date_format(number_format):
        with suppress(OverflowError, ValueError):
            moment = from_excel(float(text), epoch)
            return moment.date() if isinstance(moment, datetime) and moment.time() == time() else str(moment)
    value = float(text) * (100 if "%" in number_format else 1)  # 60 % is kept as 0.6
    if not value.is_integer():
        return f"{value:.{DIGITS}g}"
    zeros = len(number_format) if set(number_format) == {"0"} else 0
    return str(int(value)).zfill(zeros)

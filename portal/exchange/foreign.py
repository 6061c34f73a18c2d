"""What the child processes that open foreign files know of zips, OLE files and texts, before anything is parsed.

It imports nothing of the portal: the children, which have neither its modules nor its environment, are its callers.
"""

import csv
import io
import resource
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from xml.parsers import expat  # nosec B407

import python_calamine as calamine

MEMORY = 400 * 1024 * 1024  # beyond what Python takes to start
CPU_SECONDS = 10
MOST_MEMBERS, MOST_BYTES = 1_000, 100 * 1024 * 1024  # of a zip, once inflated
MOST_PROLOGUE = 1 << 20  # bytes before the first element of an XML part
PIECE = 1 << 16


class Refused(Exception):
    """A file that is not read; its argument is a code that the parent puts into words."""


def limit(memory: int = MEMORY, seconds: int = CPU_SECONDS, written: int = 0) -> None:
    """Memory and time run out here, not in the portal; `written`: bytes of a file at most."""
    with open("/proc/self/statm") as file:
        started_with = int(file.read().split()[0]) * resource.getpagesize()
    for kind, value in (
        (resource.RLIMIT_AS, started_with + memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, written),
    ):
        resource.setrlimit(kind, (value, value))


# ── Zips ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

ODF_MACROS = ("basic/", "scripts/", "dialogs/")
BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, ValueError, NotImplementedError)


@contextmanager
def checked_archive(content: bytes, reader: type["Prologue"]) -> Iterator[zipfile.ZipFile]:
    """A zip that is small once open, that hides no macro, no password and no entity; `reader` looks at its parts."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            check_members(members)
            for member in members:
                check_part(content, member, reader)
            yield archive
    except BROKEN:
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
        if "vbaproject" in name or "/macrosheets/" in name or name.startswith(ODF_MACROS):
            raise Refused("macros")
        if "/embeddings/" in name or "/activex/" in name:
            raise Refused("embedded")


def check_part(content: bytes, member: zipfile.ZipInfo, reader: type["Prologue"]) -> None:
    """A part is as long as it says, and declares no entity: an XML part is looked at as its own encoding reads it."""
    part: Prologue | None = reader()
    total = 0
    for piece in inflated(content, member):
        total += len(piece)
        if total > member.file_size:
            raise Refused("heavy")
        part = part and looked_at(part, member, piece)
        if part and not part.begun and total > MOST_PROLOGUE:
            raise Refused("damaged")
    if total != member.file_size:
        raise Refused("damaged")
    if part:
        looked_at(part, member)


def looked_at(part: "Prologue", member: zipfile.ZipInfo, piece: bytes | None = None) -> "Prologue | None":
    """The part after this piece, or after its end; None when nothing more is to be looked at in it."""
    try:
        if piece is None:
            part.close()
        else:
            part.feed(piece)
    except expat.ExpatError:
        if member.filename.lower().endswith((".xml", ".rels")):
            raise Refused("damaged") from None
        return None  # a picture, a printer's settings
    return None if part.over else part


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

    SEPARATOR: str | None = None

    def __init__(self) -> None:
        self.over = self.begun = False  # nothing more to look at; its first element was seen
        self.parser = expat.ParserCreate(None, self.SEPARATOR)
        self.parser.StartElementHandler = self.enter
        self.parser.StartDoctypeDeclHandler = self.refuse

    def feed(self, piece: bytes) -> None:
        try:
            self.parser.Parse(piece)
        except expat.ExpatError:
            if not self.begun:
                raise

    def close(self) -> None:
        """Whether it ends well is not looked at."""

    def enter(self, name: str, attributes: dict[str, str]) -> None:
        self.over = self.begun = True

    def refuse(self, *_: Any) -> None:
        raise Refused("entities")


def types_of(archive: zipfile.ZipFile) -> set[str]:
    """What an office file says that it is: the type of an OpenDocument, or the types of the parts of the others."""
    names = archive.namelist()
    if "mimetype" in names:
        if b"encryption-data" in archive.read("META-INF/manifest.xml"):
            raise Refused("locked")
        return {archive.read("mimetype").decode("ascii", "replace").strip()}
    if "[Content_Types].xml" not in names:
        raise Refused("other")
    types = content_types(archive.read("[Content_Types].xml"))
    if any(word in kind for kind in types for word in ("macroenabled", "vbaproject", "macrosheet")):
        raise Refused("macros")
    return types


def content_types(part: bytes) -> set[str]:
    found: set[str] = set()
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda _, attributes: found.add(attributes.get("ContentType", "").lower())
    try:
        parser.Parse(part, True)
    except expat.ExpatError:
        raise Refused("damaged") from None
    return found


# ── OLE files ────────────────────────────────────────────────────────────────────────────────────────────────────────

FILEPASS = 0x2F


def check_compound(content: bytes, streams: set[str]) -> set[str]:
    """The names in an OLE file that holds one of `streams`, without macros nor password.

    Entries of its directory are 128 bytes long, wherever in the file the directory lies.
    """
    names = {
        content[at : at + 64].decode("utf-16-le", "replace").partition("\0")[0].upper()
        for at in range(512, len(content) - 127, 128)
        if content[at + 66] in (1, 2, 5)  # a storage, a stream, the root
    }
    if names & {"ENCRYPTEDPACKAGE", "ENCRYPTIONINFO"}:
        raise Refused("locked")
    if "ROOT ENTRY" not in names:
        raise Refused("damaged")
    if not names & streams:
        raise Refused("other")
    if names & {"_VBA_PROJECT", "_VBA_PROJECT_CUR", "VBA"}:
        raise Refused("macros")
    if any(FILEPASS in first_records(content, at) for at in range(512, len(content) - 7, 512) if is_book(content, at)):
        raise Refused("locked")
    return names


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


def workbook_of(content: bytes) -> Any:
    """What calamine makes of a workbook that was looked at already."""
    kinds = calamine.SheetTypeEnum
    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        if any(sheet.typ in (kinds.MacroSheet, kinds.Vba) for sheet in book.sheets_metadata):
            raise Refused("macros")
    except calamine.PasswordError:
        raise Refused("locked") from None
    except calamine.CalamineError:
        raise Refused("damaged") from None
    return book


# ── Texts ────────────────────────────────────────────────────────────────────────────────────────────────────────────

HEADING_ROWS = 20  # looked at to tell the separator
SEPARATORS = ";\t,"
MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
NOT_TEXT = {*range(32), 127} - {9, 10, 11, 12, 13, 28, 29, 30, 31}


def text_of(content: bytes) -> str:
    """The text that a file is; a web page that calls itself a table is none."""
    text = decoded(content)
    if any(code < 128 and code in NOT_TEXT for code in map(ord, set(text))):
        raise Refused("other")
    if text.lstrip().startswith("<"):
        raise Refused("page")
    return text


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

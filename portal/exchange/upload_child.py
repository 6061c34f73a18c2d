"""The child process that looks into a file that somebody sent: on its standard input, as the kind its argument says.

It answers {"length": 0} when the file may be kept as it is, {"length": n} and n bytes when another is to be kept in its
place, or {"refused": code}. It knows nothing of the portal but `portal.exchange.foreign`, and what a hostile file makes
of this process ends with it. `portal.exchange.uploads` is its only caller.
"""

import io
import json
import re
import sys
import warnings
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import pikepdf
from PIL import Image, ImageFile, ImageOps, JpegImagePlugin, UnidentifiedImageError

from portal.exchange import foreign
from portal.exchange.foreign import Refused

MOST_PIXELS = 40_000_000
Image.preinit()  # Pillow would load its formats at the first image, in each fork


def main() -> None:
    foreign.limit()
    kind, made = sys.argv[1], b""
    said: dict[str, int | str]
    try:
        made = CHECKS[kind](sys.stdin.buffer, kind) or b""
        said = {"length": len(made)}
    except Refused as refused:
        said = {"refused": str(refused)}
    except MemoryError:
        said = {"refused": "heavy"}
    sys.stdout.buffer.write(json.dumps(said).encode() + b"\n" + made)
    sys.stdout.buffer.flush()


# ── Images: made anew, so that nothing is left of them but what is seen ──────────────────────────────────────────

SIGNATURES = {"png": b"\x89PNG\r\n\x1a\n", "jpeg": b"\xff\xd8\xff"}


def image(file: BinaryIO, kind: str) -> bytes:
    """The same image without its metadata: where, when and with what it was taken."""
    ImageFile.LOAD_TRUNCATED_IMAGES = False  # weasyprint, where it is in the same process, allows them

    if not file.read(8).startswith(SIGNATURES[kind]):
        raise Refused("other")
    file.seek(0)
    warnings.simplefilter("ignore")  # what Pillow says of strange files, to nobody
    Image.MAX_IMAGE_PIXELS = None  # the header is looked at here
    try:
        with Image.open(file, formats=["PNG", "JPEG"]) as found:
            if found.width * found.height > MOST_PIXELS:
                raise Refused("pixels")
            options = WRITERS[kind](found)
            ImageOps.exif_transpose(found, in_place=True)
            return written(found, options)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, KeyError):
        raise Refused("damaged") from None


def png_options(found: Any) -> dict[str, Any]:
    """A large one takes seconds to press well."""
    return {"format": "PNG", "compress_level": 6 if found.width * found.height < MOST_PIXELS / 8 else 1}


def jpeg_options(found: Any) -> dict[str, Any]:
    """As finely as it was: coarser loses, finer weighs."""
    tables = getattr(found, "quantization", None)
    if found.mode not in ("L", "RGB") or not tables:
        return {"format": "JPEG", "quality": 90}
    sampling = JpegImagePlugin.get_sampling(found)
    return {"format": "JPEG", "qtables": tables, "subsampling": sampling if sampling >= 0 else 0}


WRITERS = {"png": png_options, "jpeg": jpeg_options}


def written(found: Any, options: dict[str, Any]) -> bytes:
    found.load()
    if options["format"] == "JPEG" and found.mode not in ("L", "RGB"):
        found = found.convert("RGB")
    found.info = {name: value for name, value in found.info.items() if name == "transparency"}
    out = io.BytesIO()
    found.save(out, **options, exif=b"", icc_profile=None)
    return out.getvalue()


# ── PDF ──────────────────────────────────────────────────────────────────────────────────────────────────────────

ACTIVE_KEYS = {"/JS", "/JavaScript", "/XFA", "/EmbeddedFiles", "/EF", "/RichMediaContent"}
ACTIVE_VALUES = {
    *("/JavaScript", "/Launch", "/ImportData", "/SubmitForm", "/GoToE", "/GoToR", "/Rendition", "/RichMedia"),
    *("/RichMediaExecute", "/EmbeddedFile", "/FileAttachment", "/Movie", "/Sound", "/3D", "/Screen"),
}


def pdf(file: BinaryIO, kind: str) -> None:
    """A PDF that opens without a password, and has no script, no program to launch and no file within."""
    if not file.read(1024).lstrip(b"\r\n\t \xef\xbb\xbf").startswith(b"%PDF-"):
        raise Refused("other")
    file.seek(0)
    try:
        with pikepdf.open(file, access_mode=pikepdf.AccessMode.mmap) as found:  # one without its table is read a lot
            if not len(found.pages):
                raise Refused("damaged")
            for one in found.objects:
                check_object(one)
    except pikepdf.PasswordError:
        raise Refused("locked") from None
    except (pikepdf.PdfError, pikepdf.ForeignObjectError, RuntimeError, ValueError, TypeError):
        raise Refused("damaged") from None


def check_object(one: Any) -> None:
    """A dictionary, a stream or an array and what stands directly in it; what it refers to comes on its own."""
    waiting = [one]
    while waiting:
        part = waiting.pop()
        if isinstance(part, pikepdf.Array):
            waiting += [value for value in part if is_within(value)]
        elif isinstance(part, (pikepdf.Dictionary, pikepdf.Stream)):
            for key, value in part.items():
                if key in ACTIVE_KEYS:
                    raise Refused("active")
                if key in ("/S", "/Type", "/Subtype") and isinstance(value, pikepdf.Name) and value in ACTIVE_VALUES:
                    raise Refused("active")
                if is_within(value):
                    waiting.append(value)


def is_within(value: Any) -> bool:
    return isinstance(value, (pikepdf.Array, pikepdf.Dictionary)) and not value.is_indirect


# ── Office: zips of XML ──────────────────────────────────────────────────────────────────────────────────────────

MAIN_TYPES = {
    "xlsx": "spreadsheetml.sheet.main+xml",
    "docx": "wordprocessingml.document.main+xml",
    "odt": "application/vnd.oasis.opendocument.text",
}
# The last word of a relationship’s type: what it brings in, where it goes.
PROGRAMS = ("vbaproject", "wordvbadata")
BRING_IN = ("oleobject", "package", "control", "activexcontrolbinary", "afchunk")
GO_OUT = ("externallink", "connections", "subdocument", "frame")
FIELDS = re.compile(r"\s*(DDE|DDEAUTO|LINK|INCLUDETEXT|INCLUDEPICTURE|IMPORT|DATABASE)\b", re.IGNORECASE)
CLICKED = ("", "http", "https", "mailto", "tel")  # nothing happens before somebody clicks
LOCAL_TEMPLATE = re.compile(r"(file:///)?[A-Za-z]:[\\/]")
TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"


def office(file: BinaryIO, kind: str) -> None:
    """A zip of XML whose parts bring in nothing, go nowhere and run nothing."""
    content = file.read()
    if not content.startswith(b"PK\x03\x04"):
        raise Refused("other")
    with foreign.checked_archive(content, Part) as archive:
        if not any(found.endswith(MAIN_TYPES[kind]) for found in foreign.types_of(archive)):
            raise Refused("other")
    if kind == "xlsx":
        foreign.workbook_of(content)


class Part(foreign.Prologue):
    """A part that is read to its end."""

    SEPARATOR = " "  # between the address of a namespace and a name: prefixes may be anything

    def __init__(self) -> None:
        super().__init__()
        self.parser.CharacterDataHandler = self.say
        self.parser.EndElementHandler = self.leave
        self.field: list[str] = []
        self.in_field = False

    def feed(self, piece: bytes) -> None:
        self.parser.Parse(piece)

    def close(self) -> None:
        self.parser.Parse(b"", True)

    def enter(self, name: str, attributes: dict[str, str]) -> None:
        self.begun = True
        namespace, _, element = name.rpartition(" ")
        given = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        if element == "Relationship":
            check_relationship(given)
        elif element == "instrText":
            self.in_field = True
        elif element == "fldChar" and given.get("fldCharType") != "begin":
            self.end_field()
        elif element == "fldSimple":
            check_field(given.get("instr", ""))
        elif element == "event-listener" or (namespace, element) == (TEXT, "script"):
            raise Refused("macros")
        elif element.startswith("dde-"):
            raise Refused("links")
        elif element == "file-entry" and given.get("media-type", "").lower().endswith("oleobject"):
            raise Refused("embedded")
        elif "href" in given and element != "template":
            check_reference(given["href"], clicked=element == "a")

    def say(self, text: str) -> None:
        if self.in_field:
            self.field.append(text)

    def leave(self, name: str) -> None:
        if name.endswith(" instrText"):
            self.in_field = False

    def end_field(self) -> None:
        """What a field does may be written in several pieces."""
        check_field("".join(self.field))
        self.field = []


def check_relationship(given: dict[str, str]) -> None:
    kind, target = given.get("Type", "").rpartition("/")[2].lower(), given.get("Target", "")
    if kind in PROGRAMS:
        raise Refused("macros")
    if kind in BRING_IN:
        raise Refused("embedded")
    if kind in GO_OUT:
        raise Refused("links")
    if given.get("TargetMode", "").lower() == "external":
        if kind == "attachedtemplate" and LOCAL_TEMPLATE.match(target):
            return
        check_reference(target, clicked=kind == "hyperlink")


def check_reference(target: str, clicked: bool) -> None:
    """A part of the same file, or a link that somebody has to click."""
    try:
        scheme = urlsplit(target).scheme.lower()
    except ValueError:
        raise Refused("links") from None
    if target.startswith(("//", "\\\\")):
        raise Refused("links")
    if clicked and scheme not in CLICKED:
        raise Refused("links")
    if not clicked and (scheme not in ("", "data") or target.startswith(("/", "../", "\\"))):
        raise Refused("links")


def check_field(instruction: str) -> None:
    if FIELDS.match(instruction):
        raise Refused("links")


# ── Office before 2007: OLE files, whose directory is read and nothing else ──────────────────────────────────────

STREAMS = {"xls": {"WORKBOOK", "BOOK"}, "doc": {"WORDDOCUMENT"}}
OTHER_FILES = {"\x01OLE10NATIVE", "\x03OBJINFO", "PACKAGE"}


def compound(file: BinaryIO, kind: str) -> None:
    content = file.read()
    if not content.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise Refused("other")
    names = foreign.check_compound(content, STREAMS[kind])
    if names & OTHER_FILES or any(name.startswith("MBD") for name in names):
        raise Refused("embedded")
    if kind == "xls":
        foreign.workbook_of(content)
    else:
        check_word(content)


def check_word(content: bytes) -> None:
    """The stream of the text begins a sector, with its own signature; a bit says whether there is a password."""
    starts = [at for at in range(512, len(content) - 32, 512) if content[at : at + 2] == b"\xec\xa5"]
    if not starts:
        raise Refused("damaged")
    if any(content[at + 11] & 1 for at in starts):
        raise Refused("locked")


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────────────────────────

LOOKED_AT = 1_000  # records
RIGHT = 0.8  # of them have as many cells as the others
WORD = re.compile(r"[\w .'’+/@€%-]*")
FORMULA = re.compile(r"\s*(=(?!\s*\"[^\"]*\"\s*$).*[(|]|[@+-].*\|.*!)", re.DOTALL)  # ="0012" keeps a zero
CODE = re.compile(r"\s*[\[{]|.*<(script|html|body|iframe|svg|object|embed|\?php|!doctype)\b", re.DOTALL | re.IGNORECASE)


def table(file: BinaryIO, kind: str) -> None:
    """A text whose records have as many cells as one another, none of which is a formula that runs."""
    text = foreign.text_of(file.read())
    if CODE.match(text):
        raise Refused("other")
    widths: list[int] = []
    for record in foreign.records(text, foreign.separator(text)):
        if any(FORMULA.match(cell) for cell in record):
            raise Refused("formulas")
        filled = [cell for cell in record if cell.strip()]
        if filled and len(widths) < LOOKED_AT:
            widths.append(len(record) if len(filled) > 1 or WORD.fullmatch(filled[0]) else 0)
    usual = max(set(widths) - {0}, key=widths.count, default=0)
    if not usual or widths.count(usual) < RIGHT * len(widths):
        raise Refused("other")


CHECKS = {
    **dict.fromkeys(("png", "jpeg"), image),
    "pdf": pdf,
    "csv": table,
    **dict.fromkeys(("xlsx", "docx", "odt"), office),
    **dict.fromkeys(("xls", "doc"), compound),
}

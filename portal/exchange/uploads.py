"""The gate of files that people send: what may come, by its content, and in a sentence why something may not."""

import json
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, NamedTuple

from portal.exchange.children import child
from portal.formats import SPACE
from portal.rules import Refused

CHILD = Path(__file__).with_name("upload_child.py")
SECONDS = 30  # on the wall clock; the child has ten of processor time
MOST_BYTES = 4 * 1024 * 1024
MOST_REWRITTEN = 4 * MOST_BYTES  # an image that is written again may weigh more than it did
MOST_NAME = 120


class Kind(NamedTuple):
    label: str
    mime_type: str
    extensions: tuple[str, ...]


KINDS = {  # in the order in which users have known them
    "png": Kind("PNG", "image/png", (".png",)),
    "jpeg": Kind("JPEG", "image/jpeg", (".jpeg", ".jpg")),
    "pdf": Kind("PDF", "application/pdf", (".pdf",)),
    "csv": Kind("CSV", "text/csv", (".csv",)),
    "xlsx": Kind("XLSX", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", (".xlsx",)),
    "xls": Kind("XLS", "application/vnd.ms-excel", (".xls",)),
    "doc": Kind("DOC", "application/msword", (".doc",)),
    "docx": Kind("DOCX", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", (".docx",)),
    "odt": Kind("ODT", "application/vnd.oasis.opendocument.text", (".odt",)),
}
ALL = tuple(KINDS)
PROOFS = ("pdf", "png", "jpeg")
MADE_ANEW = ("png", "jpeg")

EMPTY = "Ce fichier est vide. Choisissez-en un autre."
HEAVY = (
    f"Ce fichier est trop lourd. La limite est de {{most}}{SPACE}Mo{SPACE}: "
    "allégez-le, ou envoyez-le en plusieurs fois."
)
PHOTO = "Ce format de photo n’est pas accepté. Envoyez-la en JPEG, ou prenez-en une capture d’écran."
AS_PDF = "Enregistrez-le en PDF, puis renvoyez-le."
LOST = (
    f"Ce fichier n’a pas pu être contrôlé{SPACE}: il est abîmé, ou trop grand une fois ouvert. "
    "Enregistrez-le de nouveau, puis renvoyez-le."
)
REFUSALS = {
    "other": "Ce fichier n’est pas au format {label}, malgré son nom. Enregistrez-le dans ce format, puis renvoyez-le.",
    "damaged": "Ce fichier est abîmé. Ouvrez-le, enregistrez-le de nouveau, puis renvoyez-le.",
    "heavy": "Ce fichier est trop grand une fois ouvert. Allégez-le, puis renvoyez-le.",
    "pixels": "Cette image a plus de 40 millions de points. Réduisez-la, puis renvoyez-la.",
    "locked": "Ce fichier est protégé par un mot de passe. Retirez la protection, puis renvoyez-le.",
    "macros": f"Ce fichier contient des macros, refusées par prudence. {AS_PDF}",
    "embedded": f"Ce fichier en contient un autre. {AS_PDF}",
    "links": f"Ce fichier va chercher ailleurs une partie de son contenu. {AS_PDF}",
    "entities": f"Ce fichier contient des déclarations qui n’ont rien à y faire. {AS_PDF}",
    "page": "Ce fichier est une page web, malgré son nom. Enregistrez-la en PDF, puis renvoyez-la.",
    "quotes": "Des guillemets ne sont pas fermés dans ce CSV. Enregistrez-le en .xlsx, puis renvoyez-le.",
    "formulas": "Ce CSV contient des formules. Remplacez-les par leurs valeurs, puis renvoyez-le.",
    "active": "Ce PDF contient un programme ou un autre fichier. Imprimez-le au format PDF, puis renvoyez cette copie.",
}


def formats_of(kinds: Sequence[str]) -> str:
    """« PDF, PNG ou JPEG »"""
    *most, last = [KINDS[kind].label for kind in kinds]
    return f"{', '.join(most)} ou {last}" if most else last


def kind_of(name: str, kinds: Sequence[str]) -> str:
    """Which of `kinds` the name says; raises Refused."""
    extension = Path(name.strip().lower()).suffix
    for kind in kinds:
        if extension in KINDS[kind].extensions:
            return kind
    if extension in (".heic", ".heif", ".webp", ".avif") and "jpeg" in kinds:
        raise Refused(PHOTO)
    raise Refused(f"Ce format n’est pas accepté. Envoyez un fichier {formats_of(kinds)}.")


def check_size(file: IO[bytes], most: int = MOST_BYTES) -> None:
    """Raises Refused when there is nothing, or more than so many bytes."""
    size = file.seek(0, 2)
    if not size:
        raise Refused(EMPTY)
    if size > most:
        raise Refused(HEAVY.format(most=most // 1024**2))


@contextmanager
def checked(file: IO[bytes], kind: str) -> Iterator[IO[bytes]]:
    """The file to keep: the one that came, or the image that was made anew of it; raises Refused."""
    with checking(file, kind) as check:
        yield check()


@contextmanager
def checking(file: IO[bytes], kind: str) -> Iterator[Callable[[], IO[bytes]]]:
    """A check that has begun: called, it waits and gives the file to keep, or raises Refused."""
    with on_disk(file) as given, tempfile.TemporaryFile() as made, child(CHILD, given, [kind], SECONDS) as said:

        @cache
        def check() -> IO[bytes]:
            length = verdict(said.readline(1024), kind)
            if pour(said, made, length) != length:
                raise Refused(LOST)
            return made if length else given

        yield check


@contextmanager
def on_disk(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """The file itself when the system knows it, which a heavy one that came by a form is; a copy of the others."""
    try:
        file.fileno()
    except OSError:
        with tempfile.TemporaryFile() as copy:
            file.seek(0)
            shutil.copyfileobj(file, copy)
            yield copy
    else:
        yield file


def verdict(line: bytes, kind: str) -> int:
    """How many bytes of another file the child gives in place of the one it was given."""
    try:
        said = json.loads(line)
        if "refused" in said:
            raise Refused(REFUSALS[said["refused"]].format(label=KINDS[kind].label))
        length = int(said["length"])
    except Refused:
        raise
    except (ValueError, LookupError, TypeError):
        raise Refused(LOST) from None
    if not 0 <= length <= MOST_REWRITTEN:
        raise Refused(REFUSALS["heavy"])
    return length


def pour(source: IO[bytes], target: IO[bytes], most: int) -> int:
    poured = 0
    while poured < most and (piece := source.read(min(1 << 16, most - poured))):
        poured += target.write(piece)
    return poured


# ── Names ────────────────────────────────────────────────────────────────────────────────────────────────────────


def clean_name(name: str, kind: str) -> str:
    """A name that can be shown and saved, with an extension of its kind; never empty."""
    shown = shown_name(name)
    stem, extension = Path(shown).stem, Path(shown).suffix.lower()
    if f".{shown.lower()}" in KINDS[kind].extensions:  # nothing was left of it but its extension
        stem = ""
    if extension not in KINDS[kind].extensions:
        extension = KINDS[kind].extensions[0]
    stem = stem[: MOST_NAME - len(extension)].strip(" .")
    return f"{stem or 'fichier'}{extension}"


def shown_name(name: str) -> str:
    """The last part of a name, without what controls, hides or turns letters around."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    spaced = "".join(" " if letter.isspace() else letter for letter in last)
    kept = (letter for letter in spaced if unicodedata.category(letter)[0] != "C" and letter not in '<>:"|?*')
    whole = re.sub(r" +", " ", "".join(kept)).strip(" .")
    return whole if len(whole) <= 2 * MOST_NAME else f"{whole[:MOST_NAME]}…{whole[-MOST_NAME:]}"

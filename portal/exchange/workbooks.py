"""Workbooks and CSV from outside, read in a child process: whatever a file does to it, the answer is a sentence."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import IO, Any, NamedTuple

from portal.exchange.children import child
from portal.exchange.spreadsheets import Unreadable
from portal.formats import SPACE, weight

CHILD = Path(__file__).with_name("workbook_child.py")
MOST_BYTES = 4 * 1024 * 1024
MOST_COLUMNS = 256
MOST_LINE = 4 * 1024 * 1024  # of what the child says: 257 cells of 1,000 characters hold in one
SECONDS = 30  # on the wall clock; the child has ten of processor time

AGAIN = "Enregistrez-le de nouveau au format .xlsx, puis renvoyez-le."
REFUSALS = {
    "damaged": f"Ce classeur est abîmé. Ouvrez-le dans votre tableur. {AGAIN}",
    "heavy": "Ce classeur est trop grand une fois ouvert. Copiez les lignes utiles dans le modèle, puis renvoyez-le.",
    "locked": "Ce classeur est protégé par un mot de passe. Retirez la protection, puis renvoyez-le.",
    "macros": "Ce classeur contient des macros, refusées par prudence. Enregistrez-le en .xlsx, puis renvoyez-le.",
    "embedded": "Ce classeur contient un autre fichier ou un bouton. Retirez-les, ou copiez les lignes dans le modèle.",
    "entities": f"Ce classeur contient des déclarations qui n’ont rien à y faire. {AGAIN}",
    "page": f"Ce fichier est une page web, malgré son nom. Ouvrez-le dans votre tableur. {AGAIN}",
    "quotes": "Des guillemets ne sont pas fermés dans ce CSV. Enregistrez-le en .xlsx, puis renvoyez-le.",
    "other": "Ce fichier n’est pas un tableau. Envoyez un classeur .xlsx, .xls ou .ods, ou un fichier .csv.",
}
EMPTY = "Ce fichier est vide. Remplissez le modèle, puis renvoyez-le."
LOST = (
    "Ce fichier n’a pas pu être ouvert. Une cellule est peut-être remplie très loin du tableau"
    f"{SPACE}: copiez les lignes utiles dans le modèle, puis renvoyez-le."
)


class Row(NamedTuple):
    """A row that holds something, of a sheet (None in a CSV); its number is that of the sheet, or of the record."""

    sheet: str | None
    number: int
    cells: list[Any]  # str, int, bool, date


def read_rows(source: Path | IO[bytes], most_rows: int, first: Sequence[str] = ()) -> Iterator[Row]:
    """The rows of each sheet of an .xlsx, .xls, .ods or .csv, as the child process reads them; raises Unreadable.

    What the file is, its content tells. The sheets whose `search_key` is in `first` come first, in that order; of each
    sheet, at most `most_rows` rows are given, and MOST_COLUMNS columns and one more.
    """
    with tempfile.TemporaryFile() as file:
        size = file.write(beginning(source))
        check_size(size, source)
        file.seek(0)
        with child(CHILD, file, [str(most_rows), str(MOST_COLUMNS + 1), *first], SECONDS) as said:
            yield from told(iter(lambda: said.readline(MOST_LINE), b""))


def beginning(source: Path | IO[bytes]) -> bytes:
    if isinstance(source, Path):
        with open(source, "rb") as file:
            return file.read(MOST_BYTES + 1)
    return source.read(MOST_BYTES + 1)


def check_size(size: int, source: Path | IO[bytes]) -> None:
    if not size:
        raise Unreadable(EMPTY)
    if size > MOST_BYTES:
        too_much = f"pèse {weight(source.stat().st_size)}" if isinstance(source, Path) else "est trop lourd"
        raise Unreadable(f"Ce fichier {too_much}. La limite est de 4{SPACE}Mo{SPACE}: envoyez-le en plusieurs fois.")


def told(lines: Iterator[bytes]) -> Iterator[Row]:
    """The rows that the child says; one that dies before the end, or that raves, is a file that cannot be opened."""
    sheet = None
    for line in lines:
        try:
            message = json.loads(line)
            if isinstance(message, list):
                for number, cells in message:
                    yield Row(sheet, number, [cell if type(cell) is str else revived(cell) for cell in cells])
            elif "sheet" in message:
                sheet = message["sheet"]
            elif "refused" in message:
                raise Unreadable(REFUSALS[message["refused"]])
            elif "end" in message:
                return
        except Unreadable:
            raise
        except (ValueError, LookupError, TypeError):
            break
    raise Unreadable(LOST)


def revived(cell: Any) -> Any:
    return date.fromisoformat(cell[0]) if isinstance(cell, list) else cell

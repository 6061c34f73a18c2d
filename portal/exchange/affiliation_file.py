"""The pre-affiliation workbook that HR sends, found in whatever file comes back."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import IO, Any

from portal.exchange import affiliation_cells as cells
from portal.exchange.affiliation_cells import COLUMNS, TITLES, as_text
from portal.exchange.spreadsheets import Unreadable
from portal.exchange.workbooks import MOST_COLUMNS, read_rows
from portal.formats import SPACE, THIN_SPACE, number, search_key
from portal.rules.cells import FAULT

SHEET, LISTS = "Salariés", "Listes"
MOST_ROWS = 20_000
HEADING_ROWS = 20  # among which the headings are
FEWEST_HEADINGS = 3
ERROR_TITLE = "Erreur"  # the column that rejected rows go out with
VERSION = 1
VERSION_CELL = re.compile(r"Modèle de préaffiliation, version ([0-9]{1,4})")

ASIDE = re.compile(r"\([^()]*\)")  # « Date de naissance (jj/mm/aaaa) »
HEADINGS = {search_key(title): place for place, title in enumerate(TITLES)}
ALIASES = {key: place for place, column in enumerate(COLUMNS) for key in column.aliases.split()}
# A row of headings has one of these (the sheet « Listes » has none); a file without one of the second is no use.
TELLING = (cells.MATRICULE, cells.BIRTH_NAME, cells.FIRST_NAME)
NEEDED = (cells.TYPE, *TELLING, cells.BIRTH_DATE)
# What a row has of its own; the others may be the same on each.
OF_SOMEBODY = (
    *(cells.BIRTH_NAME, cells.USED_NAME, cells.FIRST_NAME, cells.BIRTH_DATE, cells.NIR, cells.STREET),
    *(cells.PHONE, cells.MOBILE, cells.EMAIL, cells.REIMBURSEMENT_IBAN, cells.CONTRIBUTION_IBAN),
)
MOST_TOLD = 5  # rows or sheets in a sentence


class WrongTemplate(Unreadable):
    """A table that can be read, but is not the template, or is another version of it."""


@dataclass(frozen=True)
class Sheet:
    """What a file holds: its rows as (row of the sheet from 1, or record of the CSV; 30 raw cells as in COLUMNS)."""

    name: str | None  # None in a CSV
    heading_row: int
    unknown_columns: list[str]
    rows: list[tuple[int, list[Any]]]
    remark: str = ""  # what was left aside, in words


def read(source: Path | IO[bytes]) -> Sheet:
    """The rows of an .xlsx, .xls, .ods or .csv, told apart by what they hold; raises Unreadable, or WrongTemplate."""
    reading = Reading()
    most = HEADING_ROWS + MOST_ROWS + 1
    for sheet, row, values in read_rows(source, most, (search_key(SHEET), "salarie", search_key(LISTS))):
        if not reading.hear(sheet, row, values):
            break
    return reading.result()


class Reading:
    """The rows of a file as they come, until a sheet with the headings has gone by."""

    def __init__(self) -> None:
        self.sheet: str | None = None
        self.name: str | None = None
        self.heading_row = self.seen = 0  # rows of this sheet
        self.width = 0  # columns of the sheet up to the last that is ours
        self.in_our_order: Callable[[list[Any]], tuple] = tuple  # from a row of that width and a blank
        self.unknown: list[str] = []
        self.rows: list[tuple[int, list[Any]]] = []
        self.nobody: list[int] = []  # rows that name nobody
        self.others: list[str] = []  # sheets that have headings too, and are not read

    def hear(self, sheet: str | None, row: int, values: list[Any]) -> bool:
        """Take a row; False when nothing more is needed."""
        if sheet != self.sheet:
            self.sheet, self.seen = sheet, 0
        self.seen += 1
        if self.heading_row and sheet == self.name:
            self.take(row, values)
        elif search_key(sheet or "") == search_key(LISTS):
            check_version(values)
        elif self.heading_row:
            self.look_at_another(values)
        elif self.seen <= HEADING_ROWS:
            self.look_for_headings(row, values)
        return True

    def look_at_another(self, values: list[Any]) -> None:
        """A sheet that comes after the one that is read: it may hold people, as where each company has its own."""
        if self.seen <= HEADING_ROWS and self.sheet and self.sheet not in self.others and are_headings(values):
            self.others.append(self.sheet)

    def look_for_headings(self, row: int, values: list[Any]) -> None:
        places, unknown = matched([as_text(value) for value in values])
        found = [ours for _, ours in places]
        if len(set(found)) < FEWEST_HEADINGS or not set(found) & set(TELLING):
            return
        if twice := sorted({place for place in found if found.count(place) > 1}):
            raise Unreadable(f"La colonne « {TITLES[twice[0]]} » figure deux fois. Gardez-en une seule.")
        if lost := [TITLES[place] for place in NEEDED if place not in found]:
            raise WrongTemplate(f"Il manque la colonne « {lost[0]} ». Copiez vos lignes dans le modèle.")
        if len(values) > MOST_COLUMNS:
            raise Unreadable(f"Ce tableau a plus de {MOST_COLUMNS} colonnes. Retirez celles qui ne servent pas.")
        self.name, self.heading_row, self.unknown = self.sheet, row, unknown
        theirs = {ours: place for place, ours in places}
        self.width = max(theirs.values()) + 1
        self.in_our_order = itemgetter(*(theirs.get(ours, self.width) for ours in range(len(COLUMNS))))

    def take(self, row: int, values: list[Any]) -> None:
        whole = values[: self.width]
        taken = list(self.in_our_order(whole + [""] * (self.width + 1 - len(whole))))
        if not any(cell != "" and says_something(as_text(cell)) for cell in taken):
            return
        if not names_somebody(taken) or are_headings(taken):
            self.nobody.append(row)
            return
        if len(self.rows) == MOST_ROWS:
            raise Unreadable(f"Ce fichier a plus de {number(MOST_ROWS)} lignes. Envoyez-le en plusieurs fois.")
        self.rows.append((row, taken))

    def result(self) -> Sheet:
        if not self.heading_row:
            raise WrongTemplate("Ce fichier ne suit pas le modèle : ses titres de colonnes n’ont pas été trouvés.")
        if not self.rows:
            raise Unreadable("Ce fichier n’a aucune ligne sous ses titres. Remplissez-le, puis renvoyez-le.")
        return Sheet(self.name, self.heading_row, self.unknown, self.rows, self.remark())

    def remark(self) -> str:
        return " ".join(filter(None, (left_aside(self.nobody), not_read(self.name or "", self.others))))


def matched(headings: list[str]) -> tuple[list[tuple[int, int]], list[str]]:
    """Which column of ours each heading names, and the headings that name none; the usual variants come second."""
    keys = [key_of(heading) for heading in headings]
    exact = {HEADINGS[key] for key in keys if key in HEADINGS}
    variants = {key: place for key, place in ALIASES.items() if place not in exact}
    known = HEADINGS | variants
    places = [(theirs, known[key]) for theirs, key in enumerate(keys) if key in known]
    unknown = [
        cells.tidy(heading)
        for heading, key in zip(headings, keys, strict=True)
        if heading.strip() and key not in known and key != search_key(ERROR_TITLE)
    ]
    return places, unknown


def are_headings(values: list[Any]) -> bool:
    """A row of headings: those of a sheet, or those that come again where files were put end to end."""
    found = {ours for _, ours in matched([as_text(value) for value in values])[0]}
    return set(NEEDED) <= found


def names_somebody(taken: list[Any]) -> bool:
    """Columns that are filled down beyond the people, or a total, say nothing of anybody."""
    return any(taken[place] != "" and says_something(as_text(taken[place])) for place in OF_SOMEBODY)


def left_aside(rows: list[int]) -> str:
    if not rows:
        return ""
    if len(rows) == 1:
        return f"La ligne {rows[0]} ne nomme personne{SPACE}: elle est laissée de côté."
    told = ", ".join(map(str, rows[:MOST_TOLD])) + "…" * (len(rows) > MOST_TOLD)
    return f"{number(len(rows))} lignes ne nomment personne{SPACE}: elles sont laissées de côté ({told})."


def not_read(sheet: str, others: list[str]) -> str:
    if not others:
        return ""
    told = f"{THIN_SPACE}», «{THIN_SPACE}".join(others[:MOST_TOLD])
    return (
        f"Seul l’onglet «{THIN_SPACE}{sheet}{THIN_SPACE}» est lu{SPACE}: envoyez à part les personnes de"
        f" «{THIN_SPACE}{told}{THIN_SPACE}»."
    )


def says_something(text: str) -> bool:
    """Formulas drawn down beyond the people leave rows of #N/A, of nobody."""
    return bool(text.strip()) and not FAULT.fullmatch(text.strip())


def key_of(heading: str) -> str:
    """Without what it says in brackets of how to fill its column, when only then it is known."""
    key = search_key(heading)
    return key if key in HEADINGS or key in ALIASES else search_key(ASIDE.sub("", heading))


def check_version(values: list[Any]) -> None:
    for value in values:
        match = VERSION_CELL.fullmatch(value) if isinstance(value, str) else None
        if match and int(match[1]) != VERSION:
            raise WrongTemplate("Ce fichier suit une autre version du modèle. Copiez vos lignes dans le modèle actuel.")

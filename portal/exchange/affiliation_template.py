"""The pre-affiliation workbook as it goes out: empty, with the codes of an account, or with the rows to mend."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache
from typing import IO, Any, NamedTuple

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation

from portal.exchange import affiliation_cells as cells
from portal.exchange.affiliation_cells import COLUMNS, TITLES
from portal.exchange.affiliation_check import ASKED
from portal.exchange.affiliation_file import ERROR_TITLE, LISTS, SHEET, VERSION
from portal.exchange.affiliation_offers import CODES, Offer
from portal.exchange.spreadsheets import FORMATS, ILLEGAL, as_text, text_cell

ROWS = 2_000  # that have drop-down lists and messages
WIDTHS = {**dict.fromkeys(range(len(COLUMNS)), 14), cells.BIRTH_NAME: 20, cells.STREET: 30, cells.CITY: 20} | {
    **dict.fromkeys((cells.NIR, cells.FIRST_NAME, cells.USED_NAME), 20),
    **dict.fromkeys((cells.EMAIL, cells.REIMBURSEMENT_IBAN, cells.CONTRIBUTION_IBAN), 32),
    **dict.fromkeys((cells.CIVILITY, cells.GENDER, cells.NUMBER), 9),
}
ERROR_WIDTH = 80
DATES = (cells.BIRTH_DATE, cells.EFFECTIVE_ON)
TEXT, DATE = "@", FORMATS["date"]
NEEDED_FILL, WRONG_FILL = PatternFill("solid", fgColor="DCE9F5"), PatternFill("solid", fgColor="FBE3E1")

LISTED = (
    *(cells.TYPE, cells.CIVILITY, cells.GENDER, cells.BASE_SCHEME, *CODES),
    *(cells.OTHER_COVER, cells.RELATIONSHIP, cells.SITUATION),
)
WORDS = {
    cells.TYPE: ("Salarié", "Conjoint", "Enfant"),
    cells.CIVILITY: ("M.", "Mme"),
    cells.GENDER: ("M", "F"),
    cells.BASE_SCHEME: ("Assuré social", "MSA", "TI"),
    cells.OTHER_COVER: ("Oui", "Non"),
    cells.RELATIONSHIP: ("Conjoint", "Concubin", "PACS"),
    cells.SITUATION: ("À charge", "Étudiant", "Apprenti", "Handicap"),
}
CONTRACTS = (
    *("Code Entreprise", "Libellé entreprise", "Code collège", "Libellé collège", "Garantie", "Libellé garantie"),
    "Souscrit le",
)
FIRST_LIST = len(CONTRACTS) + 2  # columns: the contracts, a gap, the lists, the version
VERSION_COLUMN = FIRST_LIST + len(LISTED) + 1
FIRST_ROW = 3  # of « Listes », under a title and the headings

MESSAGES = {
    cells.TYPE: "Une ligne par personne. Un conjoint ou un enfant porte le matricule du salarié.",
    cells.MATRICULE: "Celui du salarié. Pour un ayant droit, celui du salarié qui l’affilie.",
    cells.BIRTH_NAME: "Le nom de naissance.",
    cells.BIRTH_DATE: "Ainsi : 27/03/1985.",
    cells.NIR: "Les 15 chiffres, clé comprise. Facultatif pour un ayant droit.",
    cells.BASE_SCHEME: "Vide : assuré social.",
    cells.COMPANY: "Un code de l’onglet « Listes ». Vide pour un ayant droit : comme le salarié.",
    cells.COLLEGE: "Un code de l’onglet « Listes ». Vide pour un ayant droit : comme le salarié.",
    cells.PLAN: "Un code de l’onglet « Listes ». Vide pour un ayant droit : comme le salarié.",
    cells.EFFECTIVE_ON: "Ainsi : 01/12/2026. Vide pour un ayant droit : comme le salarié.",
    cells.NUMBER: "Le n° dans la rue, par exemple 4 bis.",
    cells.STREET: "Vide pour un ayant droit : l’adresse du salarié.",
    cells.POSTAL_CODE: "5 chiffres, le zéro en tête compris. À l’étranger, celui du pays, s’il en a un.",
    cells.COUNTRY: "Vide : France.",
    cells.MOBILE: "Par exemple 01 99 00 10 01 ; hors de France, + et l’indicatif du pays.",
    cells.REIMBURSEMENT_IBAN: "Pour les remboursements. Le BIC est facultatif.",
    cells.CONTRIBUTION_IBAN: "Pour les cotisations, s’il est autre.",
    cells.OTHER_COVER: "Oui : la personne a déjà une autre complémentaire santé.",
    cells.RELATIONSHIP: "Pour un conjoint seulement.",
    cells.SITUATION: "Pour un enfant seulement. Vide : à charge.",
}

Rejected = tuple[Sequence[str], Mapping[str, str]]  # the 30 texts of a row, its errors by title of column


def write_template(account_name: str, offers: Sequence[Offer]) -> IO[bytes]:
    """The empty workbook in a temporary file, at its start, with the codes of these contracts."""
    return write(account_name, offers, (), TITLES)


def write_rejected(account_name: str, offers: Sequence[Offer], rows: Iterable[Rejected]) -> IO[bytes]:
    """The same with rows to mend, what is wrong in a last column « Erreur », which is ignored when it comes back."""
    return write(account_name, offers, rows, (*TITLES, ERROR_TITLE))


def write(account_name: str, offers: Sequence[Offer], rows: Iterable[Rejected], titles: Sequence[str]) -> IO[bytes]:
    book = Workbook(write_only=True)
    book.properties.title = ILLEGAL.sub("", f"Préaffiliation, {account_name}")
    book.properties.creator = "Préaffiliation"
    book.properties.language = "fr-FR"
    sheet, lists = book.create_sheet(SHEET), book.create_sheet(LISTS)
    try:
        choices = fill_lists(book, lists, account_name, offers)
        fill_people(sheet, rows, titles, choices)
        file = tempfile.TemporaryFile()  # noqa: SIM115 - handed to whoever sends it
        book.save(file)
    except BaseException:
        for one in (sheet, lists):
            with suppress(Exception):  # openpyxl would leave what was written until the process ends
                one.close()
                one._writer.cleanup()
        raise
    file.seek(0)
    return file


# ── « Salariés » ─────────────────────────────────────────────────────────────────────────────────────────────────


def fill_people(sheet: Any, rows: Iterable[Rejected], titles: Sequence[str], choices: dict[int, str]) -> None:
    """Columns have the formats, not 2,000 empty rows; what is written has its own."""
    sheet.freeze_panes = "A2"
    for place, _ in enumerate(titles):
        dimension = sheet.column_dimensions[get_column_letter(place + 1)]
        dimension.width = WIDTHS.get(place, ERROR_WIDTH)
        dimension.number_format = DATE if place in DATES else TEXT
    needed = ASKED[cells.EMPLOYEE]
    sheet.append([heading(sheet, title, place in needed) for place, title in enumerate(titles)])
    write_cell = writer(sheet)
    for texts, errors in rows:
        told = " ".join(f"{title}\u00a0: {sentence}" for title, sentence in errors.items())
        person = [write_cell(place, text, TITLES[place] in errors) for place, text in enumerate(texts)]
        sheet.append([*person, as_text(sheet, told)])
    for place in range(len(COLUMNS)):
        if rule := validation(place, choices):
            letter = get_column_letter(place + 1)
            rule.add(f"{letter}2:{letter}{ROWS + 1}")
            sheet.data_validations.append(rule)


def heading(sheet: Any, title: str, needed: bool = False) -> WriteOnlyCell:
    cell = text_cell(sheet, title)
    cell.font = Font(bold=True)
    if needed:
        cell.fill = NEEDED_FILL
    return cell


def writer(sheet: Any) -> Callable[[int, str, bool], Any]:
    """How a cell of a row is made; a row is written at once, so that one styled cell serves a whole column."""

    @cache
    def styled(place: int, number_format: str, wrong: bool) -> WriteOnlyCell:
        cell = WriteOnlyCell(sheet)
        cell.number_format = number_format
        cell.quotePrefix = number_format == TEXT
        if wrong:
            cell.fill = WRONG_FILL
        return cell

    def write(place: int, text: str, wrong: bool) -> Any:
        """A text, that stays one when it is edited; a date where one can be read."""
        if not text and not wrong:
            return None
        if place in DATES and cells.DATE.fullmatch(text):
            with suppress(ValueError):
                cell = styled(place, DATE, wrong)
                cell.value = datetime.strptime(text, "%d/%m/%Y").date()
                return cell
        cell = styled(place, TEXT, wrong)
        cell.value = ILLEGAL.sub("", text)
        cell.data_type = "s"  # whatever it begins with
        return cell

    return write


def validation(place: int, choices: dict[int, str]) -> DataValidation | None:
    """The drop-down list of a column, and what is said when a cell of it is chosen."""
    message = MESSAGES.get(place)
    if place not in choices and not message:
        return None
    rule = DataValidation(type="list" if place in choices else None, allow_blank=True)
    if place in choices:
        rule.formula1 = choices[place]
        rule.showErrorMessage = True
        rule.errorTitle, rule.error = TITLES[place], "Choisissez une valeur de la liste."
    if message:
        rule.showInputMessage = True
        rule.promptTitle, rule.prompt = TITLES[place], message
    return rule


# ── « Listes » ───────────────────────────────────────────────────────────────────────────────────────────────────


class List(NamedTuple):
    place: int
    values: Sequence[str]


def fill_lists(book: Any, sheet: Any, account_name: str, offers: Sequence[Offer]) -> dict[int, str]:
    """The contracts with their labels, the lists, the hidden version; the range of each list, by column of ours."""
    lists = [List(place, WORDS.get(place) or codes(place, offers)) for place in LISTED]
    for column in range(1, VERSION_COLUMN + 1):
        sheet.column_dimensions[get_column_letter(column)].width = 18 if column % 2 or column >= FIRST_LIST else 34
    sheet.column_dimensions[get_column_letter(VERSION_COLUMN)].hidden = True
    sheet.freeze_panes = f"A{FIRST_ROW}"
    version = as_text(sheet, f"Modèle de préaffiliation, version {VERSION}")
    title = as_text(sheet, f"Contrats de {account_name}")
    sheet.append([title, *[None] * (VERSION_COLUMN - 2), version])
    headings = [*CONTRACTS, None, *(TITLES[one.place] for one in lists)]
    sheet.append([heading(sheet, text) if text else None for text in headings])
    for row in list_rows(offers, lists):
        sheet.append([as_text(sheet, value) for value in row])
    where = f"{quoted(LISTS)}!${get_column_letter(VERSION_COLUMN)}$1"
    book.defined_names["Version_du_modele"] = DefinedName("Version_du_modele", attr_text=where)
    return {one.place: list_range(column, one) for column, one in enumerate(lists, FIRST_LIST) if one.values}


def codes(place: int, offers: Sequence[Offer]) -> list[str]:
    name = {cells.COMPANY: "company_code", cells.COLLEGE: "category_code", cells.PLAN: "plan_code"}[place]
    return sorted({getattr(offer, name) for offer in offers})


def list_rows(offers: Sequence[Offer], lists: Sequence[List]) -> Iterator[list[str]]:
    contracts = sorted(
        (
            *(offer.company_code, offer.company_label, offer.category_code, offer.category_label),
            *(offer.plan_code, offer.plan_label, f"{offer.subscribed_on:%d/%m/%Y}"),
        )
        for offer in offers
    )
    for row in range(max(len(contracts), *(len(one.values) for one in lists))):
        contract = contracts[row] if row < len(contracts) else [""] * len(CONTRACTS)
        yield [*contract, "", *(one.values[row] if row < len(one.values) else "" for one in lists)]


def list_range(column: int, one: List) -> str:
    letter = get_column_letter(column)
    return f"{quoted(LISTS)}!${letter}${FIRST_ROW}:${letter}${FIRST_ROW + len(one.values) - 1}"


def quoted(sheet: str) -> str:
    return f"'{sheet}'"

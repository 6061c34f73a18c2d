"""The workbook that goes out: its lists, its formats, and that it comes back the same."""

import io
import zipfile
from datetime import datetime

import openpyxl
import pytest

from portal.exchange.affiliation_cells import TITLES
from portal.exchange.affiliation_check import check_rows
from portal.exchange.affiliation_file import WrongTemplate, read
from portal.exchange.affiliation_template import write_rejected, write_template
from portal.exchange.spreadsheets import Unreadable
from tests.exchange.people import OFFERS, context, employee, file, rezipped, spouse

HOSTILE = ["=1+1", "+33199001001", "-2", "@x", "=cmd|' /C calc'!A0", "\t=1", "#N/A", "<b>&amp;", "'x"]


def template(name="Ateliers", offers=OFFERS):
    with write_template(name, offers) as body:
        return body.read()


def opened(body):
    return openpyxl.load_workbook(io.BytesIO(body))


def test_the_sheet_of_people_has_the_thirty_headings_and_nothing_else():
    sheet = opened(template())["Salariés"]
    assert [cell.value for cell in sheet[1]] == list(TITLES)
    assert all(cell.font.bold for cell in sheet[1])
    assert (sheet.freeze_panes, sheet.max_row) == ("A2", 1)


def test_numbers_are_texts_and_dates_are_dates_to_the_bottom():
    columns = opened(template())["Salariés"].column_dimensions
    formats = {title: columns[cell.column_letter].number_format for title, cell in zip(TITLES, heads(), strict=True)}
    assert formats["N° S. Sociale"] == formats["Matricule"] == formats["Code Postal"] == formats["Portable"] == "@"
    assert formats["Date de naissance"] == formats["Date d'effet"] == "DD/MM/YYYY"


def heads():
    return opened(template())["Salariés"][1]


def test_the_file_is_small_and_quick_to_open():
    assert len(template()) < 20_000


def lists(body):
    """Title of a column → the values of its drop-down list."""
    book = opened(body)
    sheet, found = book["Salariés"], {}
    for rule in sheet.data_validations.dataValidation:
        if rule.type == "list":
            area = next(iter(rule.sqref.ranges))
            assert (area.min_row, area.max_row) == (2, 2001)
            where = rule.formula1.split("!")[1].replace("$", "")
            found[sheet.cell(1, area.min_col).value] = [cell.value for (cell,) in book["Listes"][where]]
    return found


def test_drop_down_lists_hold_the_words_and_the_codes_of_the_account():
    assert lists(template()) == {
        "Type": ["Salarié", "Conjoint", "Enfant"],
        "Civilité": ["M.", "Mme"],
        "Sexe": ["M", "F"],
        "Type d'assuré": ["Assuré social", "MSA", "TI"],
        "Code Entreprise": ["AHL01", "PBM02"],
        "Code collège": ["001", "CAD", "NCA"],
        "Garantie": ["CAD-PLUS", "ESS-BASE", "ESS-CONF"],
        "Autre régime": ["Oui", "Non"],
        "Lien": ["Conjoint", "Concubin", "PACS"],
        "Situation": ["À charge", "Étudiant", "Apprenti", "Handicap"],
    }


def test_every_word_of_a_list_is_understood():
    for title, values in lists(template()).items():
        for value in values:
            row = employee()
            row[TITLES.index(title)] = value
            (checked,) = check_rows([(2, row)], context())
            wrong = title in checked.errors and title not in ("Code Entreprise", "Code collège", "Garantie")
            assert not wrong, (title, value)
            assert title not in checked.repairs


def test_the_lists_have_labels_and_a_hidden_version():
    book = opened(template())
    sheet = book["Listes"]
    assert "Cadres Plus" in {cell.value for row in sheet for cell in row}
    where = book.defined_names["Version_du_modele"].attr_text.split("!")[1].replace("$", "")
    assert sheet[where].value == "Modèle de préaffiliation, version 1"
    assert sheet.column_dimensions[sheet[where].column_letter].hidden


def test_messages_help_and_fit():
    rules = opened(template())["Salariés"].data_validations.dataValidation
    assert sum(bool(rule.prompt) for rule in rules) > 10
    assert all(len(rule.prompt or "") <= 255 and len(rule.promptTitle or "") <= 32 for rule in rules)


def test_an_account_without_contracts_has_a_template_too():
    assert "Code Entreprise" not in lists(template(offers=[]))


def test_an_empty_template_has_no_row():
    with pytest.raises(Unreadable, match="aucune ligne"):
        read(file(template()))


def test_a_template_of_another_version_is_told():
    body = template()
    lists_part = zipfile.ZipFile(io.BytesIO(body)).read("xl/worksheets/sheet2.xml")
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        parts = {name: archive.read(name).replace(b"version 1<", b"version 7<") for name in archive.namelist()}
    assert lists_part
    with pytest.raises((WrongTemplate, Unreadable)) as refused:
        read(file(rezipped(body, **parts)))
    assert type(refused.value) is WrongTemplate


def filled(*rows):
    """The template as HR fills it, saved by another program."""
    book = opened(template())
    sheet = book["Salariés"]
    for row in rows:
        sheet.append([cell or None for cell in row])
    body = io.BytesIO()
    book.save(body)
    return body.getvalue()


def test_a_filled_template_comes_back_and_is_right():
    sheet = read(file(filled(employee(), spouse())))
    assert (sheet.name, sheet.heading_row, sheet.unknown_columns) == ("Salariés", 1, [])
    assert [row.verdict for row in check_rows(sheet.rows, context())] == ["ok", "ok"]


def rejected(*rows):
    with write_rejected("Ateliers", OFFERS, rows) as body:
        return body.read()


def test_rejected_rows_go_out_with_their_errors_and_come_back_the_same():
    checked = check_rows([(2, employee(Nom="", nir="1")), (3, spouse(birth="31/02/1980"))], context())
    body = rejected(*((row.cells, row.errors) for row in checked))
    sheet = opened(body)["Salariés"]
    assert sheet.cell(1, 31).value == "Erreur"
    assert "Indiquez le nom." in sheet.cell(2, 31).value
    assert sheet.cell(2, 4).fill.fgColor.rgb.endswith("FBE3E1")
    assert sheet.cell(2, 9).number_format == "@"
    assert sheet.cell(2, 7).value == datetime(1979, 9, 10)
    again = read(file(body))
    assert again.unknown_columns == []
    for first, second in zip(checked, check_rows(again.rows, context()), strict=True):
        assert (first.cells, first.errors, first.line) == (second.cells, second.errors, second.line)


def test_no_cell_that_goes_out_runs():
    rows = []
    for text in HOSTILE:
        row = ["Salarié"] + [text] * 29
        row[4] = "Zoé"  # a row of nothing but #N/A is of nobody
        rows.append((row, {"Nom": text}))
    body = rejected(*rows)
    book = opened(body)
    assert {cell.data_type for sheet in book for row in sheet for cell in row} <= {"s", "n", "inlineStr"}
    for part in zipfile.ZipFile(io.BytesIO(body)).namelist():
        assert b"<f>" not in zipfile.ZipFile(io.BytesIO(body)).read(part)
    assert [read(file(body)).rows[n][1][3] for n in (0, 1, 6)] == ["=1+1", "+33199001001", "#N/A"]


def test_a_hostile_account_name_is_a_text():
    body = template(name="=1+1\x00<", offers=[])
    assert opened(body)["Listes"]["A1"].data_type == "s"

"""Workbooks and CSV: what is written is read back the same, and no cell runs."""

import csv
import datetime
import io
import tracemalloc
import zipfile

import openpyxl
import pytest
import python_calamine
from hypothesis import given
from hypothesis import strategies as st

from portal.exchange import foreign, spreadsheets
from portal.exchange.spreadsheets import Column, Unreadable, rows, write_csv, write_xlsx

COLUMNS = [Column("Nom"), Column("Né(e) le", "date"), Column("Nombre", "number"), Column("Montant", "cents")]
DAY = datetime.date(1985, 3, 27)
HOSTILE = [
    "=1+1",
    "+33199001001",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    " =1+1",
    "\n=1+1",
    "＝1+1",
    "＋1",
    "=cmd|' /C calc'!A0",
    "\x00=1",
]


def workbook(*values):
    with write_xlsx(COLUMNS, values) as file:
        return file.read()


def test_dates_are_dates_and_numbers_stay_text():
    sheet = openpyxl.load_workbook(io.BytesIO(workbook(("00400052", DAY, 7, 1234)))).active
    name, born, number, amount = sheet[2]
    assert (name.value, name.data_type) == ("00400052", "s")
    assert born.value.date() == DAY
    assert born.number_format == "DD/MM/YYYY"
    assert (number.value, amount.value) == (7, 12.34)
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:D2"
    assert sheet["A1"].font.bold


@pytest.mark.parametrize("text", HOSTILE)
def test_no_cell_of_a_workbook_is_a_formula(text):
    body = workbook((text, None, None, None))
    cell = openpyxl.load_workbook(io.BytesIO(body)).active["A2"]
    assert cell.data_type == "s"
    read = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(body)).get_sheet_by_index(0).to_python()
    assert read[1][0].strip() == text.replace("\x00", "").replace("\r", "\n").strip() or read[1][0].strip()
    assert b"<f>" not in zipfile.ZipFile(io.BytesIO(body)).read("xl/worksheets/sheet1.xml")


@pytest.mark.parametrize("text", HOSTILE)
def test_no_field_of_a_csv_begins_like_a_formula(text):
    body = b"".join(write_csv([Column("Nom")], [(text,)])).decode("utf-8-sig")
    (_, (field,)) = list(csv.reader(io.StringIO(body), delimiter=";"))
    assert field[0] == "'"


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), min_size=1, max_size=5))
def test_a_csv_is_read_back_as_it_was(texts):
    body = b"".join(write_csv([Column("Nom")], [(text,) for text in texts])).decode("utf-8-sig")
    read = [row[0] for row in csv.reader(io.StringIO(body, newline=""), delimiter=";")][1:]
    assert [field.removeprefix("'") for field in read] == [text.removeprefix("'") for text in texts]


def test_a_workbook_is_read_like_its_csv(tmp_path):
    path = tmp_path / "book.xlsx"
    path.write_bytes(workbook(("Zoé", DAY, 7, 1250)))
    assert list(rows(path)) == [
        (1, ["Nom", "Né(e) le", "Nombre", "Montant"]),
        (2, ["Zoé", DAY, "7", "12.5"]),
    ]


def test_a_workbook_is_told_by_what_it_holds(tmp_path):
    path = tmp_path / "book.csv"
    path.write_bytes(workbook(("Zoé", None, None, None)))
    assert next(rows(path)) == (1, ["Nom", "Né(e) le", "Nombre", "Montant"])


def sheet_of(body):
    """A workbook whose sheet is these bytes."""
    source, target = zipfile.ZipFile(io.BytesIO(workbook(("x", None, None, None)))), io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in source.infolist():
            content = body if member.filename == "xl/worksheets/sheet1.xml" else source.read(member)
            archive.writestr(member.filename, content)
    return target.getvalue()


HEAD = b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
FAR = HEAD + b'<sheetData><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
ENTITY = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><worksheet/>'


@pytest.mark.parametrize("body", [FAR, ENTITY, ENTITY.decode().encode("utf-16")])
def test_a_hostile_workbook_is_refused_and_stops_nothing(tmp_path, body):
    path = tmp_path / "hostile.xlsx"
    path.write_bytes(sheet_of(body))
    with pytest.raises(Unreadable):
        list(rows(path))


def test_a_bomb_is_refused_before_it_is_opened(tmp_path):
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"\0" * (301 * 1024 * 1024))
    with pytest.raises(Unreadable, match="trop grand"):
        list(rows(path))


def test_ten_thousand_rows_are_written_one_at_a_time():
    read = []

    def lines():
        for number in range(10_000):
            read.append(number)
            yield ("x", DAY, number, number)

    pieces = write_csv(COLUMNS, lines())
    next(pieces)
    next(pieces)
    assert len(read) <= 1_000


@pytest.mark.parametrize(
    "text", ["#N/A", "#REF!", "TRUE", "'", "007", " deux  espaces ", "ligne\nsuivante", "é\ud800!"]
)
def test_text_stays_text(text):
    body, clean = workbook((text, None, None, None)), text.replace("\ud800", "")
    cell = openpyxl.load_workbook(io.BytesIO(body)).active["A2"]
    assert (cell.value, cell.data_type) == (clean, "s")
    assert b"".join(write_csv([Column("Nom")], [(text,)]))


def test_a_workbook_has_a_title_and_columns_wide_enough():
    file = write_xlsx(
        [Column("Nom"), Column("=Titre")], [("Hospeldier-Verguillot de la Combe", "x")], title="Liste : a/b"
    )
    with file:
        book = openpyxl.load_workbook(file)
    assert book.properties.title == "Liste : a/b"
    assert book.active.column_dimensions["A"].width > 30
    assert book.active["B1"].data_type == "s"


def test_a_fault_in_the_rows_leaves_no_file_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def lines():
        yield ("x", None, None, None)
        raise OSError("the database went away")

    with pytest.raises(OSError, match="went away"):
        write_xlsx(COLUMNS, lines())
    assert list(tmp_path.iterdir()) == []


def test_numbers_dates_and_zeros_of_a_workbook_are_read_as_they_are_seen(tmp_path):
    book = openpyxl.Workbook()  # with shared texts, as spreadsheets write them
    sheet = book.active
    sheet.append(["Numéro", "Code", "Montant", "Date", "Heure", "Vrai", "Texte"])
    sheet.append([26100001, 1100, 1330.9000000000001, DAY, datetime.datetime(2026, 1, 2, 3, 4), True, "0039"])
    sheet["B2"].number_format = "00000"
    sheet.append([None, None, None, None, None, None, None])
    sheet.append(["un seul"])
    path = tmp_path / "book.xlsx"
    book.save(path)
    assert list(rows(path)) == [
        (1, ["Numéro", "Code", "Montant", "Date", "Heure", "Vrai", "Texte"]),
        (2, ["26100001", "01100", "1330.9", DAY, "2026-01-02 03:04:00", "VRAI", "0039"]),
        (4, ["un seul", "", "", "", "", "", ""]),
    ]


def test_dates_may_count_from_1904(tmp_path):
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    book.active.append(["Date", DAY])
    book.save(tmp_path / "book.xlsx")
    assert list(rows(tmp_path / "book.xlsx")) == [(1, ["Date", DAY])]


def test_a_percentage_is_read_as_it_is_seen_and_what_is_computed_in_fifteen_digits(tmp_path):
    book = openpyxl.Workbook()
    book.active.append([0.6, 0.575, 0.07, 60])
    for place, shown in enumerate(("0%", "0.00%", "0%", "0"), 1):
        book.active.cell(1, place).number_format = shown
    book.save(tmp_path / "book.xlsx")
    assert list(rows(tmp_path / "book.xlsx")) == [(1, ["60", "57.5", "7", "60"])]
    body = HEAD + b"<sheetData><row r='1'><c><v>1234.5600000000001</v></c></row></sheetData></worksheet>"
    (tmp_path / "book.xlsx").write_bytes(sheet_of(body))
    assert list(rows(tmp_path / "book.xlsx")) == [(1, ["1234.56"])]


def test_a_sheet_that_is_hidden_is_not_read(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["ancien"])
    book.active.sheet_state = "veryHidden"
    book.create_sheet("Feuil2").append(["nouveau"])
    book.save(tmp_path / "book.xlsx")
    assert list(rows(tmp_path / "book.xlsx")) == [(1, ["nouveau"])]


def test_the_first_sheet_that_holds_something_is_read(tmp_path):
    book = openpyxl.Workbook()
    book.active["A1"] = " "
    book.create_sheet("Données").append(["a", True, False])
    book.create_sheet("Autre").append(["b"])
    book.save(tmp_path / "book.xlsx")
    assert list(rows(tmp_path / "book.xlsx")) == [(1, ["a", "VRAI", "FAUX"])]


def test_a_formula_that_was_never_calculated_is_no_blank(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["a", "=A1&1", None])
    book.save(tmp_path / "book.xlsx")
    assert list(rows(tmp_path / "book.xlsx")) == [(1, ["a", "#CALC!"])]


def test_lines_of_blanks_are_left_out(tmp_path):
    book = openpyxl.Workbook()
    for row in (["a", "b"], [" ", "\u00a0"], ["c", DAY]):
        book.active.append(row)
    book.save(tmp_path / "book.xlsx")
    assert list(rows(tmp_path / "book.xlsx")) == [(1, ["a", "b"]), (3, ["c", DAY])]
    (tmp_path / "table.csv").write_text("a;b\n   \n ;\t\nc;d\n", encoding="utf-8")
    assert list(rows(tmp_path / "table.csv")) == [(1, ["a", "b"]), (4, ["c", "d"])]


CELL = '<row r="1"><c r="A1" t="inlineStr"><is>{}</is></c></row>'
NAMESPACE = b'xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


@pytest.mark.parametrize(
    ("inside", "read"),
    [
        ("<r><t>Jean</t></r><r><t>-Luc</t></r>", "Jean-Luc"),
        ("<t>東京</t><rPh sb='0' eb='1'><t>とうきょう</t></rPh>", "東京"),
        ("<t>&#x3D;1+1</t>", "=1+1"),
        ("<t>a_x000D_b_xD800__x41_</t>", "a\rb_xD800__x41_"),
    ],
)
def test_rich_texts_are_read_whole(tmp_path, inside, read):
    body = HEAD + b"<sheetData>" + CELL.format(inside).encode() + b"</sheetData></worksheet>"
    (tmp_path / "book.xlsx").write_bytes(sheet_of(body))
    assert list(rows(tmp_path / "book.xlsx")) == [(1, [read])]


def test_names_with_a_prefix_are_read_too(tmp_path):
    body = (
        b"<x:worksheet " + NAMESPACE + b"><x:sheetData><x:row><x:c t='str'><x:v>a</x:v></x:c><x:c><x:v>2.0</x:v></x:c>"
    )
    (tmp_path / "book.xlsx").write_bytes(sheet_of(body + b"</x:row></x:sheetData></x:worksheet>"))
    assert list(rows(tmp_path / "book.xlsx")) == [(1, ["a", "2"])]


@pytest.mark.parametrize(
    "body",
    [
        HEAD + b"<sheetData><row r='1'><c r='A1' t='s'><v>99</v></c></row></sheetData></worksheet>",
        HEAD + b"<sheetData><row r='1'><c r='A1'><v>deux</v></c></row></sheetData></worksheet>",
        HEAD + b"<sheetData><row r='1'><c r='A1'><v>1</v>",
        b"",
    ],
)
def test_a_damaged_workbook_is_refused(tmp_path, body):
    (tmp_path / "book.xlsx").write_bytes(sheet_of(body))
    with pytest.raises(Unreadable):
        list(rows(tmp_path / "book.xlsx"))


def test_a_truncated_or_former_workbook_is_refused(tmp_path):
    path, body = tmp_path / "book.xlsx", workbook(("x", None, None, None))
    for content in (body[: len(body) // 2], b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)):
        path.write_bytes(content)
        with pytest.raises(Unreadable):
            list(rows(path))


def test_a_large_workbook_is_read_and_written_in_little_memory(tmp_path):
    path = tmp_path / "book.xlsx"
    columns = [Column(f"Colonne {number}") for number in range(20)]
    tracemalloc.start()
    with write_xlsx(columns, ([f"{number:08}"] * 20 for number in range(3_000))) as file:
        path.write_bytes(file.read())
    assert sum(1 for _ in rows(path)) == 3_001
    assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    tracemalloc.stop()


def test_one_file_does_not_change_what_the_next_may_hold():
    """The limit of a field is one for the whole process: nobody sets it for a file of their own."""
    foreign.text_of(b"a;b\n1;2\n")
    assert csv.field_size_limit() == spreadsheets.MOST_CHARACTERS

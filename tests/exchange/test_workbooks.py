"""Foreign workbooks: what is read of each kind, and that none of the hostile ones does more than be refused."""

import io
import re
import resource
import struct
import time
import zipfile
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.exchange import workbooks
from portal.exchange.spreadsheets import Unreadable
from portal.exchange.workbooks import MOST_BYTES, REFUSALS, read_rows
from tests.exchange.people import csv_text, file, ods, rezipped, xlsx, zipped

XLS = Path(__file__).parent.parent / "data" / "prefiliation.xls"
ROWS = [["Nom", "Né le"], ["Éloïse", "x"]]
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def rows(content, most=100, first=()):
    return [tuple(row) for row in read_rows(file(content), most, first)]


def refusal(content):
    with pytest.raises(Unreadable) as refused:
        rows(content)
    return str(refused.value)


# What is read


def test_a_workbook_has_the_rows_of_its_sheets_with_their_numbers():
    content = xlsx([], [], ["", "", "Nom", "n"], [], ["", "", date(1985, 3, 27), 1.0], title="A")
    assert [row[:2] for row in rows(content)] == [("A", 3), ("A", 5)]
    assert rows(content)[0][2][-2:] == ["Nom", "n"]
    assert rows(content)[1][2][-2:] == [date(1985, 3, 27), 1]


def test_numbers_of_fifteen_digits_stay_whole_and_booleans_are_told():
    assert rows(xlsx([187043998930729, True, 1.5]))[0][2] == [187043998930729, True, "1.5"]


def merged(*ranges, rows, first_column=1):
    book = openpyxl.Workbook()
    for number, row in enumerate(rows, 1):
        for column, value in enumerate(row, first_column):
            book.active.cell(number, column, value)
    for cells in ranges:
        book.active.merged_cells.add(cells)  # without making each cell
    body = io.BytesIO()
    book.save(body)
    return body.getvalue()


def test_what_is_merged_downwards_is_said_of_each_row():
    people = [["Matricule", "Nom", "Ville"], ["M1", "a", "Dole"], ["", "b", ""], ["", "c", ""], ["M2", "d", ""]]
    for first_column, ranges in ((1, ("A2:A4", "C2:C3")), (2, ("B2:B4", "D2:D3"))):
        found = [row[2][-3:] for row in rows(merged(*ranges, rows=people, first_column=first_column))]
        assert found[1:] == [["M1", "a", "Dole"], ["M1", "b", "Dole"], ["M1", "c"][-3:], ["M2", "d"]], found


def test_a_merged_title_fills_neither_its_row_nor_those_that_hold_nothing():
    content = merged("A1:C2", "A3:A1048576", rows=[["Les salariés"], [], ["M1", "a", "b"], [], ["", "c"]])
    assert [row[1:] for row in rows(content)] == [(1, ["Les salariés"]), (3, ["M1", "a", "b"]), (5, ["M1", "c"])]


def test_the_sheets_that_are_wanted_come_first():
    content = xlsx(["x"], title="Notes", other_sheets=[("  SALARIÉS", [["y"]]), ("Listes", [["z"]])])
    found = rows(content, first=("salaries", "listes"))
    assert [row[0] for row in found] == ["  SALARIÉS", "Listes", "Notes"]


def uncalculated(*rows):
    """A workbook that holds an error and a formula, as a program writes it that calculates nothing."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    body = io.BytesIO()
    book.save(body)
    return body.getvalue()


def test_what_a_spreadsheet_could_not_calculate_is_no_blank():
    assert rows(uncalculated(["Nom", "#N/A", "=A1&1", "fin"])) == [("Sheet", 1, ["Nom", "#N/A", "#CALC!", "fin"])]


def test_what_libreoffice_could_not_calculate_is_no_blank():
    name = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"
    broken = b'<table:table-cell table:formula="of:=NA()" office:value-type="float" office:value="0" '
    broken += b'calcext:value-type="error"><text:p>#N/A</text:p>'
    plain = b'<table:table-cell office:value-type="string"><text:p>?</text:p>'

    def break_cell(part):
        return part.replace(plain, broken).replace(
            b"<office:document-content", b'<office:document-content xmlns:calcext="%s"' % name.encode()
        )

    with zipfile.ZipFile(file(ods(["Nom", "?", "fin"]))) as archive:
        parts = {one: break_cell(archive.read(one)) for one in archive.namelist()}
    assert rows(zipped(parts)) == [("Salariés", 1, ["Nom", "#N/A", "fin"])]


def test_a_formula_whose_result_is_known_is_read_as_its_result():
    shown = b'<c r="A1" t="str"><f>B1</f><v>Nom</v></c><c r="B1"><f>2+3</f><v>5</v></c>'
    shown += b'<c r="C1" t="str"><f>""</f><v></v></c>'
    content = xlsx(["ici"])
    with zipfile.ZipFile(file(content)) as archive:
        parts = {one: archive.read(one) for one in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = re.sub(b"<c .*</c>", shown, parts[sheet])
    assert rows(zipped(parts)) == [("Salariés", 1, ["Nom", 5])]


def test_a_sheet_that_is_hidden_comes_after_those_that_are_shown():
    book = openpyxl.Workbook()
    book.active.append(["ancien"])
    book.active.sheet_state = "hidden"
    book.create_sheet("Feuil2").append(["nouveau"])
    body = io.BytesIO()
    book.save(body)
    assert [row.cells for row in read_rows(file(body.getvalue()), 100)] == [["nouveau"], ["ancien"]]


def test_an_ods_and_an_xls_are_read():
    assert rows(ods(["Nom"], ["Éloïse"])) == [("Salariés", 1, ["Nom"]), ("Salariés", 2, ["Éloïse"])]
    found = rows(XLS.read_bytes())
    assert len(found) > 60
    assert found[1][2][6] == date(1979, 9, 10)


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_csv_is_read_in_each_encoding_with_each_separator(encoding, separator):
    content = csv_text(["Prénom", "Nom; ou", "x"], ["Éloïse", "a, b", "1"], separator=separator).encode(encoding)
    assert rows(content) == [(None, 1, ["Prénom", "Nom; ou", "x"]), (None, 2, ["Éloïse", "a, b", "1"])]


def test_utf_16_of_the_other_order_has_its_mark():
    assert rows(b"\xfe\xff" + "Prénom;Nom".encode("utf-16-be")) == [(None, 1, ["Prénom", "Nom"])]


def test_records_of_a_csv_are_counted_not_its_lines():
    assert [row[1] for row in rows(b'a;"x\r\ny"\r\n;;\r\nb;c\r\n')] == [1, 3]


def test_the_separator_that_excel_says_is_obeyed():
    assert rows(b"sep=,\r\na;b,c\r\n")[1][2] == ["a;b", "c"]


def test_a_file_on_the_disk_is_read_as_well(tmp_path):
    (tmp_path / "x.pdf").write_bytes(xlsx(["Nom"]))
    assert [row.cells for row in read_rows(tmp_path / "x.pdf", 10)] == [["Nom"]]


def test_only_so_many_rows_come_and_a_long_cell_is_cut():
    assert len(rows(csv_text(*[["a", "b"]] * 50).encode(), most=7)) == 7
    assert len(rows(f"{'x' * 5000};y".encode())[0][2][0]) == 1000


# What is refused


def test_an_empty_file_and_one_too_heavy_are_refused(tmp_path):
    assert "vide" in refusal(b"")
    assert "4\u00a0Mo" in refusal(b"a;b\n" * (MOST_BYTES // 4) + b"a")
    heavy = tmp_path / "x.csv"
    heavy.write_bytes(b"x" * (MOST_BYTES + 1))
    with pytest.raises(Unreadable, match="pèse 4,1\u00a0Mo"):
        list(read_rows(heavy, 10))


def test_four_megabytes_to_the_byte_are_read():
    line = b"abc;" * 255 + b"def\n"
    assert rows((line * (MOST_BYTES // len(line))).ljust(MOST_BYTES, b"x"))


def compound(*names):
    """An OLE file, with nothing but these entries in its directory."""
    entries = (
        name.encode("utf-16-le").ljust(64, b"\0")
        + (b"\0\0\x05" if name == "Root Entry" else b"\0\0\x02").ljust(64, b"\0")
        for name in names
    )
    return OLE.ljust(512, b"\0") + b"".join(entries).ljust(1024, b"\0")


def with_password(xls):
    """The record that says so, after the first one of the stream."""
    start = xls.find(b"\x09\x08\x10\x00\x00\x06\x05\x00")
    return xls[: start + 20] + b"\x2f\x00" + xls[start + 22 :]


def types(kind):
    return f'<Types><Override PartName="/xl/workbook.xml" ContentType="application/{kind}"/></Types>'


DTD = '<?xml version="1.0"{}?><!-- x --><!DOCTYPE x [<!ENTITY e "{}">]><worksheet/>'
MACRO_ENABLED = "vnd.ms-excel.sheet.macroEnabled.main+xml"


def encrypted(content):
    """The bit that says that a member is."""
    body = bytearray(content)
    at = body.find(b"PK\x01\x02")
    body[at + 8] |= 1
    return bytes(body)


def lying(content):
    """Each member says that it holds one byte."""
    body = bytearray(content)
    for mark, size in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = body.find(mark)
        while at >= 0:
            body[at + size : at + size + 4] = struct.pack("<I", 1)
            at = body.find(mark, at + 4)
    return bytes(body)


GOOD = xlsx(*ROWS)
HOSTILE = {
    "declared bomb": (rezipped(GOOD, sheet=b"0" * 105_000_000), "heavy"),
    "lying bomb": (lying(rezipped(GOOD, sheet=b"<x>" + b"0" * 50_000_000)), "heavy"),
    "many members": (rezipped(GOOD, **{f"x{n}": "" for n in range(1001)}), "heavy"),
    "parent folder": (rezipped(GOOD, **{"../../etc/x.xml": "<x/>"}), "damaged"),
    "absolute name": (rezipped(GOOD, **{"/etc/x.xml": "<x/>"}), "damaged"),
    "windows name": (rezipped(GOOD, **{"C:/x.xml": "<x/>"}), "damaged"),
    "dtd": (rezipped(GOOD, sheet=DTD.format("", "x")), "entities"),
    "dtd in utf-16": (rezipped(GOOD, sheet=DTD.format(' encoding="UTF-16"', "x").encode("utf-16")), "entities"),
    "dtd in another part": (rezipped(GOOD, **{"customXml/item.bin": DTD.format("", "x")}), "entities"),
    "external entity": (
        rezipped(GOOD, types=DTD.format("", "x").replace('"x"', 'SYSTEM "file:///etc/passwd"')),
        "entities",
    ),
    "dtd of an ods": (rezipped(ods(["x"]), **{"content.xml": DTD.format("", "x")}), "entities"),
    "macros": (rezipped(GOOD, macros=b"x"), "macros"),
    "macro type": (rezipped(GOOD, types=types(MACRO_ENABLED)), "macros"),
    "macro type in utf-16": (rezipped(GOOD, types=types(MACRO_ENABLED).encode("utf-16")), "macros"),
    "excel 4 macros": (rezipped(GOOD, **{"xl/macrosheets/sheet1.xml": "<x/>"}), "macros"),
    "macros of an ods": (rezipped(ods(["x"]), **{"Basic/Standard/Module1.xml": "<x/>"}), "macros"),
    "macros of an xls": (XLS.read_bytes() + compound("_VBA_PROJECT")[512:], "macros"),
    "embedded file": (rezipped(GOOD, **{"xl/embeddings/oleObject1.bin": b"x"}), "embedded"),
    "encrypted member": (encrypted(GOOD), "locked"),
    "encrypted xlsx": (compound("Root Entry", "EncryptionInfo", "EncryptedPackage"), "locked"),
    "encrypted xls": (with_password(XLS.read_bytes()), "locked"),
    "encrypted ods": (
        rezipped(ods(["x"]), **{"META-INF/manifest.xml": "<manifest><encryption-data/></manifest>"}),
        "locked",
    ),
    "word": (rezipped(GOOD, types=types("wordprocessingml.document.main+xml")), "other"),
    "writer": (rezipped(ods(["x"]), mimetype="application/vnd.oasis.opendocument.text"), "other"),
    "word 97": (compound("Root Entry", "WordDocument"), "other"),
    "plain zip": (zipped({"x.txt": "x"}), "other"),
    "not xml": (rezipped(GOOD, sheet="<a"), "damaged"),
    "truncated": (GOOD[:-200], "damaged"),
    "cut in the middle": (GOOD[: len(GOOD) // 2], "damaged"),
    "a few bytes": (b"PK\x03\x04", "damaged"),
    "ole header alone": (OLE, "damaged"),
    "long prologue": (rezipped(GOOD, sheet=b" " * 2_000_000 + b"<x/>"), "damaged"),
    "truncated xls": (XLS.read_bytes()[:20_000], "other"),
    "html named .xlsx": (b"\r\n<html><table><tr><td>x</td></tr></table></html>", "page"),
    "xml of 2003": ("\ufeff<?xml version='1.0'?><Workbook/>".encode(), "page"),
    "png named .csv": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "other"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\0", "other"),
    "nul in a csv": (b"Nom;Pr\0nom\nx;y\n", "other"),
    "half utf-16": (b"\xff\xfeN\0o", "other"),
    "open quotes": (b'Nom;"Prenom\nx;y\n', "quotes"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_a_sentence(name):
    content, code = HOSTILE[name]
    assert len(content) <= MOST_BYTES
    started = time.monotonic()
    assert refusal(content) == REFUSALS[code]
    assert time.monotonic() - started < 5


def sparse(cell):
    sheet = f'<worksheet><sheetData><row><c r="{cell}"><v>1</v></c><c r="A1"><v>1</v></c></row></sheetData></worksheet>'
    return rezipped(GOOD, sheet=sheet)


def shared_bomb():
    """A long text that a million cells share."""
    texts = f"<sst><si><t>{'x' * 30_000}</t></si></sst>"
    cells = '<c t="s"><v>0</v></c>' * 250
    sheet = f"<worksheet><sheetData>{f'<row>{cells}</row>' * 3_500}</sheetData></worksheet>"
    content = rezipped(GOOD, sheet=sheet)
    return rezipped(content, **{"xl/sharedStrings.xml": texts})


@pytest.mark.parametrize(
    "content",
    [sparse("XFD1048576"), ods(["x"] * 50, repeated=900_000), shared_bomb()],
    ids=["far cell", "repeated rows", "shared text"],
)
def test_what_ends_the_child_is_a_sentence_and_costs_the_portal_little(content):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Unreadable) as refused:
        for _ in read_rows(file(content), 20_000):
            pass
    assert str(refused.value) in (workbooks.LOST, REFUSALS["heavy"])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024


def test_a_child_that_takes_too_long_is_ended(monkeypatch):
    monkeypatch.setattr(workbooks, "SECONDS", 0.05)
    slow = xlsx(*[["x"] * 30] * 3000)
    assert refusal(slow) == workbooks.LOST


def test_a_child_that_says_nothing_understood_is_a_sentence(monkeypatch, tmp_path):
    for number, answer in enumerate(
        ("print('{\"sheet\":', end='')", "print('[')", "import os; os.abort()", 'print(\'{"refused": "?"}\')')
    ):
        script = tmp_path / f"{number}.py"
        script.write_text(f"def main():\n    {answer}")
        monkeypatch.setattr(workbooks, "CHILD", script)
        assert refusal(b"a;b") == workbooks.LOST


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        *((f"{name}_child.py", {"portal.exchange"}) for name in ("workbook", "upload", "text")),
        *((name, set()) for name in ("warm_child.py", "foreign.py")),
    ],
)
def test_the_children_import_nothing_of_the_portal_but_what_they_share(module, allowed):
    found = {
        line.split()[1]
        for line in workbooks.CHILD.with_name(module).read_text().splitlines()
        if line.startswith(("import portal", "from portal"))
    }
    assert found <= {*allowed, "portal.exchange.foreign"} if allowed else not found


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_no_damage_is_a_fault(data):
    content = bytearray(data.draw(st.sampled_from([GOOD, ods(*ROWS), XLS.read_bytes(), csv_text(*ROWS).encode()])))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        rows(bytes(content[: data.draw(st.integers(1, len(content)))]))
    except Unreadable as unreadable:
        assert str(unreadable).endswith(".")


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=1, max_size=200))
def test_no_bytes_are_a_fault(content):
    try:
        rows(content)
    except Unreadable as unreadable:
        assert str(unreadable).endswith(".")


def test_the_member_sizes_of_the_hostile_files_are_what_they_say():
    """The tests above would pass for another reason if these were damaged in another way."""
    with zipfile.ZipFile(file(HOSTILE["lying bomb"][0])) as archive:
        assert {member.file_size for member in archive.infolist()} == {1}
    with zipfile.ZipFile(file(HOSTILE["declared bomb"][0])) as archive:
        assert sum(member.file_size for member in archive.infolist()) > 100 * 1024 * 1024

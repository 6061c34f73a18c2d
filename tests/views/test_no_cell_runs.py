"""No cell of any export runs: formulas in every column of text, and every file that a page of a profile offers."""

import csv
import io
import itertools
import re
import zipfile

import openpyxl
import pytest
from peewee import Value, fn

from portal.models import MessageThread, SupportingDocument
from tests.exchange.test_spreadsheets import HOSTILE
from tests.test_injection import endpoint
from tests.thorough import often
from tests.views.test_markup import columns
from tests.walking import Page, World

TURNS = often(1, len(HOSTILE))  # of the formulas over the columns: in all, each of them stands in each column
MARK = re.compile(r"zq\d+")
STARTS = tuple("=+-@＝＋－＠\t\r\n\0")


def fill(turn):
    """A formula in every column of text of every row, another one in the next column."""
    for number, (table, field) in enumerate(columns()):
        text = HOSTILE[(number + turn) % len(HOSTILE)].replace("\0", "\x1f")  # no base keeps a NUL whole
        key = table._meta.primary_key.cast("TEXT")  # some stand once
        most = getattr(field, "max_length", 10_000)
        table.update({field: fn.SUBSTR(Value(f"{text}zq").concat(key), 1, most)}).execute()
    MessageThread.update(rating=1).execute()
    SupportingDocument.update(outcome="REFUSED").execute()


def offered(app, world):
    """Each form of a page that gives a table, once: where → (browser, address, its fields)."""
    found = {}
    for _, client, answer in world.walk(app):
        for form in Page(answer).forms:
            where = endpoint(app, form.action, form.method.upper())
            if form.method == "post" and "format" in form.fields and where not in found:
                fields = {field: next(filter(None, values), "") for field, values in form.fields.items()}
                found[where] = client, form.action, fields
    return found


def cells(answer):
    """What a spreadsheet reads in each cell, as a program that types it would: (text, whether it is a formula)."""
    if answer.mimetype == "text/csv":
        text = answer.get_data().decode("utf-8-sig")
        return [
            (cell, cell.startswith(STARTS) and not re.fullmatch(r"-?\d+(,\d+)?", cell))
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=";")
            for cell in row
        ]
    body = io.BytesIO(answer.get_data())
    with zipfile.ZipFile(body) as file:
        assert not [name for name in file.namelist() if b"<f>" in file.read(name) or b"<f " in file.read(name)]
    return [
        (str(cell.value), cell.data_type == "f")
        for sheet in openpyxl.load_workbook(body)
        for cell in itertools.chain.from_iterable(sheet.iter_rows())
    ]


@pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="session")
def test_no_cell_of_any_file_that_a_page_offers_is_a_formula(app, database, figure):
    world = World()
    files, seen = offered(app, world), 0
    assert len(files) >= 10
    for turn in range(TURNS):
        fill(turn)
        for (where, (client, address, fields)), kind in itertools.product(files.items(), ("csv", "xlsx")):
            with client.post(address, data=fields | {"format": kind}) as answer:
                assert answer.status_code == 200, (where, answer.status_code)
                found = cells(answer)
            assert [text for text, runs in found if runs] == [], where
            seen += sum(bool(MARK.search(text)) for text, _ in found)
    assert seen
    figure("FIL-12", seen, "cells of exports with a formula typed in, none of which runs")

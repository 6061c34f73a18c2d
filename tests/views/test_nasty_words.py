"""Forty texts that no honest hand types, in every form of every profile: no fault, and none of their signs is kept."""

import re
from itertools import islice

import pytest
from peewee import CharField, TextField

from portal.models import TABLES
from tests.test_injection import ENDING, KEPT, endpoint
from tests.thorough import often
from tests.views.test_markup import CODES
from tests.walking import Page, World

NASTY = [
    *("a\0b", "\x01\x02\x07\x1b[31mrouge", "\x7f\x80\x9f", "a\r\nb: c", "\u2028a\u2029", "\t\v\f"),
    *("\u202eexe.fdp", "\u2066a\u2069", "\u200b\u200d\ufeff", "\u00ad\u180e", "\ufffe\uffff", "\ud7ff\ue000"),
    *("e\u0301" * 40, "Z" + "\u0301" * 200, "ﬃ Å ℌ ²", "İıſß", "１２３４", "٠١٢٣", "Ⅻ½", "\U0001f469\u200d\U0001f467"),
    *("\U0010ffff", "x" * 256, "é" * 4_097, "a" * 70_000, " " * 300, "", "-", "0", "-1", "9" * 5_000),
    *("1e308", "NaN", "2147483648", "31/02/2026", "9999-99-99", "00000000-0000-0000-0000-000000000000"),
    *("'\"><svg onload=x>", "{{7*7}}${7*7}", "../../etc/passwd", "%00%0d%0a%u202e"),
]
# Signs that say nothing and change what others read: they leave before anything is kept (docs/requirements, INP-2).
NEVER_KEPT = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
NO_NUMBERS = ("²", "٣", "9" * 5_000, "-1", "x", "")
A_FORM = often(2, len(NASTY))  # texts that each form is sent


def forms_of(app):
    """Each form that writes, once, with the browser of who has it."""
    found = {}
    for _, client, answer in World().walk(app):
        for form in Page(answer).forms:
            if form.method == "post":
                found.setdefault(endpoint(app, form.action, "POST"), (client, form))
    return {where: found[where] for where in found if where not in ENDING}


def sent(form, text):
    """The form with this text in each box that one writes in."""
    return {
        name: text if name in form.typed and name not in KEPT else next(filter(None, values), "")
        for name, values in form.fields.items()
    }


@pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="session")
def test_a_form_that_comes_empty_or_with_fields_twice_or_odd_ones_is_no_fault(app, database, no_alarm):
    forms, faults = forms_of(app), []
    app.testing = False  # each fault is an answer, and all of them are told
    for where, (client, form) in forms.items():
        token = form.fields["csrf_token"][0]
        kept = {name: next(filter(None, values), "") for name, values in form.fields.items() if name in KEPT}
        twice = {name: [next(filter(None, values), "")] * 2 for name, values in form.fields.items()} | kept
        odd = {f"{name.partition('-')[0]}-{number}-nom": "x" for name in form.fields for number in NO_NUMBERS}
        for fields in ({"csrf_token": token}, kept, twice, kept | odd):
            with client.post(form.action, data=fields) as answer:
                faults += [(where, list(fields))] * (answer.status_code >= 500)
    assert faults == []


@pytest.mark.parametrize("template", ["postgresql"], indirect=True, scope="session")  # which takes neither NUL nor more
def test_no_text_makes_a_form_fail_and_none_of_their_signs_is_kept(app, database, no_alarm, figure):
    assert len(set(NASTY)) == 40
    forms, turn = forms_of(app), 0
    for where, (client, form) in forms.items():
        for text in islice(NASTY * 2, turn, turn + A_FORM):
            with client.post(form.action, data=sent(form, text)) as answer:
                assert answer.status_code < 500, (where, text[:40], answer.status_code)
        turn = (turn + A_FORM) % len(NASTY)
    assert kept() == []
    figure("INP-2", len(forms) * A_FORM, "nasty texts sent to a form, no fault")


def kept():
    """Columns of text in which such a sign is."""
    return [
        f"{table._meta.table_name}.{field.name}"
        for table in TABLES
        for field in table._meta.sorted_fields
        if isinstance(field, CharField | TextField) and field.name not in CODES.get(table._meta.table_name, "").split()
        for (text,) in table.select(field).where(field.is_null(False)).tuples()
        if NEVER_KEPT.search(text)
    ]

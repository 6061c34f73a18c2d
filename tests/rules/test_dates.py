"""The dates: every way of typing one, the sentences that refuse, and the steps of the calendar."""

import re
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.rules import Refused
from portal.rules.dates import age, french_date, iso_date, month_end, months_after, months_before, spreadsheet_date
from tests.thorough import often

thorough = settings(max_examples=often(500, 2000), deadline=None)

TODAY = date(2026, 11, 23)
days = st.dates(date(1900, 1, 1), date(2199, 12, 31))
texts = (
    st.text()
    | st.from_regex(r"[0-9]{1,2}[/. -][0-9]{1,2}[/. -]([0-9]{2}|[0-9]{4})", fullmatch=True)
    | st.from_regex(r"[0-9]{6}([0-9]{2})?|[0-9]{4}-[0-9W]{1,3}-[0-9]{1,2}", fullmatch=True)
)


def refusal(text, **options):
    with pytest.raises(Refused) as refused:
        french_date(text, TODAY, **options)
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("27/03/1985", date(1985, 3, 27)),
        ("27-03-1985", date(1985, 3, 27)),
        ("27.3.85", date(1985, 3, 27)),
        ("27 03 1985", date(1985, 3, 27)),
        ("1/6/26", date(2026, 6, 1)),
        ("01062026", date(2026, 6, 1)),
        ("010626", date(2026, 6, 1)),
        ("2026-06-01", date(2026, 6, 1)),
        (" 2026-6-1 ", date(2026, 6, 1)),
        ("29/02/2024", date(2024, 2, 29)),
    ],
)
def test_a_date_is_read_as_people_type_it(text, day):
    assert french_date(text, TODAY) == day


@thorough
@given(days)
def test_a_date_is_read_back_in_every_form(day):
    for form in ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d%m%Y", "%Y-%m-%d"):
        assert french_date(day.strftime(form), TODAY) == day


@thorough
@given(texts, days, st.booleans())
def test_any_text_is_a_date_or_a_sentence(text, today, birth):
    try:
        assert 1900 <= french_date(text, today, birth).year <= 2199
    except Refused as refused:
        assert re.fullmatch(r"[LÉ][^\n]*\.", str(refused))


@thorough
@given(days, days)
def test_two_digits_of_a_birth_year_are_never_in_the_future(day, today):
    try:
        born = french_date(day.strftime("%d/%m/%y"), today, birth=True)
    except Refused:
        assert (day.month, day.day) == (2, 29) or today.year < 2000
    else:
        assert today - timedelta(days=36525) <= born <= today


@thorough
@given(days)
def test_two_digits_of_a_year_are_within_fifty_years(day):
    try:
        read = french_date(day.strftime("%d/%m/%y"), TODAY)
    except Refused:
        assert (day.month, day.day) == (2, 29)
    else:
        assert -50 <= read.year - TODAY.year < 50


def test_a_birth_tomorrow_was_a_century_ago():
    assert french_date("24/11/26", TODAY, birth=True) == date(1926, 11, 24)
    assert french_date("23/11/26", TODAY, birth=True) == TODAY
    assert french_date("24/11/26", TODAY) == date(2026, 11, 24)


@pytest.mark.parametrize("text", ["", "bonjour", "27/03", "27/03-1985", "٢٧/٠٣/١٩٨٥", "1985", "27/03/198", "270385000"])
def test_a_text_that_is_no_date_is_answered_with_an_example(text):
    assert refusal(text) == "Écrivez la date ainsi : 27/03/1985."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("31/06/2026", "Le 31 juin n’existe pas. Corrigez le jour ou le mois."),
        ("30/02/2024", "Le 30 février n’existe pas. Corrigez le jour ou le mois."),
        ("00/01/2026", "Le 0 janvier n’existe pas. Corrigez le jour ou le mois."),
        ("29/02/2025", "Le 29 février 2025 n’existe pas. Corrigez le jour, le mois ou l’année."),
        ("01/13/2026", "Le mois 13 n’existe pas. Corrigez le mois, de 1 à 12."),
        ("01/01/1899", "L’année va de 1900 à 2199. Corrigez l’année de la date."),
        ("01/01/2200", "L’année va de 1900 à 2199. Corrigez l’année de la date."),
    ],
)
def test_a_day_that_does_not_exist_is_named(text, sentence):
    assert refusal(text) == sentence


@thorough
@given(st.dates())
def test_an_iso_date_is_read_back(day):
    assert iso_date(day.isoformat()) == day


@thorough
@given(texts)
def test_only_what_reads_back_the_same_is_an_iso_date(text):
    try:
        assert iso_date(text).isoformat() == text
    except Refused as refused:
        assert "date" in str(refused)


@pytest.mark.parametrize("text", ["20261123", "2026-W48-1", "2026-11-31", "23/11/2026", " 2026-11-23", "2026-1-1", ""])
def test_another_form_is_no_iso_date(text):
    with pytest.raises(Refused, match="date"):
        iso_date(text)


@pytest.mark.parametrize(
    ("birth", "on", "years"),
    [
        (date(2006, 11, 23), date(2026, 11, 22), 19),
        (date(2006, 11, 23), date(2026, 11, 23), 20),
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
        (date(2026, 11, 23), date(2026, 11, 23), 0),
    ],
)
def test_an_age_changes_on_the_birthday(birth, on, years):
    assert age(birth, on) == years


@thorough
@given(days)
def test_a_month_ends_the_day_before_the_first(day):
    end = month_end(day)
    assert (end + timedelta(days=1)).day == 1
    assert (end.year, end.month) == (day.year, day.month)


@thorough
@given(days, st.integers(0, 600))
def test_months_before_are_counted_one_by_one(day, count):
    expected = day.replace(day=1)
    for _ in range(count):
        expected = (expected - timedelta(days=1)).replace(day=1)
    assert months_before(day, count) == expected


def test_twelve_months_before_is_the_same_month_of_last_year():
    assert months_before(date(2026, 1, 31), 12) == date(2025, 1, 1)
    assert months_before(date(2026, 1, 31), 1) == date(2025, 12, 1)


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("27 mars 1985", date(1985, 3, 27)),
        ("1er février 2027", date(2027, 2, 1)),
        ("1-déc-26", date(2026, 12, 1)),
        ("27 SEPT. 1985", date(1985, 9, 27)),
        ("1985/03/27", date(1985, 3, 27)),
        ("19850327", date(1985, 3, 27)),
        ("27031985", date(1985, 3, 27)),
        ("20012010", date(2010, 1, 20)),
        ("1985-03-27 00:00:00", date(1985, 3, 27)),
        ("1985-03-27T00:00:00.000", date(1985, 3, 27)),
        ("27/03/1985 0:00", date(1985, 3, 27)),
        ("27/03/1985 14:05", date(1985, 3, 27)),
        ("27/03/1985 à 14h", date(1985, 3, 27)),
        ("1985-03-27T22:00:00Z", date(1985, 3, 27)),
        ("Mercredi 27 mars 1985", date(1985, 3, 27)),
        ("31133", date(1985, 3, 27)),
        ("23318", date(1963, 11, 3)),
        ("27/03/1985", date(1985, 3, 27)),
    ],
)
def test_a_date_is_read_as_a_spreadsheet_may_leave_it(typed, day):
    assert spreadsheet_date(typed, TODAY) == day


@pytest.mark.parametrize(
    "typed", ["", "1985", "27 jui 1985", "27 brumaire 1985", "1985/13/27", "31/02/1980", "123456789"]
)
def test_what_no_spreadsheet_means_by_a_date_is_refused(typed):
    with pytest.raises(Refused):
        spreadsheet_date(typed, TODAY)


@given(st.text() | st.text(alphabet="0123456789/-. jfmasond"))
def test_no_text_breaks_the_dates_of_spreadsheets(text):
    try:
        assert spreadsheet_date(text, TODAY, birth=True).year in range(1900, 2200)
    except Refused as refused:
        assert str(refused)


def test_months_after_keep_the_day_or_take_the_last_one():
    assert months_after(date(2026, 11, 23), 12) == date(2027, 11, 23)
    assert months_after(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert months_after(date(2026, 12, 31), 2) == date(2027, 2, 28)

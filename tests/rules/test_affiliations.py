"""Affiliations: the dates that are accepted, and names written with capitals."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.rules import Refused
from portal.rules.affiliations import (
    age_warning,
    birth_date,
    effective_fault,
    effective_warning,
    name_of_person,
    name_with_capitals,
)

TODAY = date(2026, 11, 23)
BIRTH, SUBSCRIBED = date(1985, 3, 27), date(2018, 1, 1)


@pytest.mark.parametrize("day", [TODAY, date(1906, 11, 23)])
def test_people_alive_are_born_until_today_and_not_120_years_before(day):
    assert birth_date(day, TODAY) == day


@pytest.mark.parametrize(("day", "said"), [(TODAY + timedelta(1), "avenir"), (date(1905, 11, 23), "120 ans")])
def test_other_birth_dates_are_refused(day, said):
    with pytest.raises(Refused, match=said):
        birth_date(day, TODAY)


def fault(day, birth=BIRTH):
    return effective_fault(day, SUBSCRIBED, birth, TODAY, 12)


def test_a_cover_begins_within_the_contract_the_life_and_a_year():
    assert fault(SUBSCRIBED) is fault(date(2027, 11, 23)) is None
    assert "01/01/2018" in fault(date(2017, 12, 31))
    assert "naissance" in fault(date(2026, 1, 1), birth=date(2026, 1, 2))
    assert "23/11/2027" in fault(date(2027, 11, 24))


def test_a_cover_of_more_than_three_months_ago_is_told():
    assert effective_warning(date(2026, 8, 1), TODAY, 3) is None
    assert "3 mois" in effective_warning(date(2026, 7, 31), TODAY, 3)


def test_an_employee_who_would_be_a_child_is_told():
    assert age_warning(date(2010, 11, 23), TODAY) is None
    assert "16 ans" in age_warning(date(2010, 11, 24), TODAY)


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("DUPONT", "Dupont"),
        ("dupont", "Dupont"),
        ("ÉLOÏSE", "Éloïse"),
        ("JEAN-PIERRE", "Jean-Pierre"),
        ("DE LA TOUR D'AUVERGNE", "de La Tour d'Auvergne"),
        ("du bellay", "du Bellay"),
        ("VAN DER MEER", "van der Meer"),
        ("L’HERMITTE", "L’Hermitte"),
        ("O'NEILL", "O'Neill"),
        ("DE", "De"),
        ("LY", "Ly"),
        ("McDonald", "McDonald"),
        ("de La Tour", "de La Tour"),
        ("X", "X"),
        ("李", "李"),
    ],
)
def test_a_name_in_letters_of_one_size_gets_its_capitals(typed, written):
    assert name_with_capitals(typed) == written


NAMES = ("Zoé", "D'Ürr", "Benoît-Gonin", "İnci", "Đặng", "Ng", "a", "O`Neill", "Roux (Martin)", "de La Tour", "X" * 80)
REFUSED = [
    ("李", "lettres latines"),
    ("Мария", "lettres latines"),
    ("Zoe\u0301 الأميرة", "lettres latines"),
    ("𝐙𝐨𝐞", "lettres latines"),
    ("Zoé 😀", "signe « 😀 »"),
    ("<b>x</b>", "signe « < »"),
    ("1234", "avec des lettres"),
    ("😀", "avec des lettres"),
    ("", "avec des lettres"),
    ("X" * 81, "80 caractères"),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_papers_write_is_accepted_as_it_is(name):
    assert name_of_person(name) == name


@pytest.mark.parametrize(("name", "said"), REFUSED)
def test_a_name_that_no_register_holds_is_refused_in_a_sentence(name, said):
    with pytest.raises(Refused) as refused:
        name_of_person(name)
    assert said in str(refused.value).replace("\u202f", " ")


@given(st.text() | st.text(alphabet="deDE lLaA'’-ßŉǆİıΣσ"))
def test_a_name_is_written_once_and_for_all(name):
    written = name_with_capitals(name)
    assert name_with_capitals(written) == written

"""How the portal writes dates, amounts, identifiers and names in French, and the keys it searches and sorts by."""

import re
from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal import formats
from portal.formats import search_key, search_words, sort_key
from portal.rules.dates import french_date

thorough = settings(max_examples=500, deadline=None)

TODAY = date(2026, 11, 23)
digits = st.text(alphabet="0123456789")


def test_a_date_is_written_day_first():
    assert formats.date_fr(date(1985, 3, 27)) == "27/03/1985"
    assert formats.date_fr(datetime(1985, 3, 27, 23, 59)) == "27/03/1985"
    assert formats.date_fr(None) == "—"


@thorough
@given(st.dates(date(1900, 1, 1), date(2199, 12, 31)))
def test_a_date_written_is_read_back(day):
    assert french_date(formats.date_fr(day), TODAY) == day


@pytest.mark.parametrize(
    ("instant", "written"),
    [
        (datetime(2026, 11, 20, 16, 42), "20/11/2026 à 17:42"),
        (datetime(2026, 7, 14, 22, 5, 9, 123), "15/07/2026 à 00:05"),
        (datetime(2026, 3, 29, 0, 59), "29/03/2026 à 01:59"),
        (datetime(2026, 3, 29, 1, 0), "29/03/2026 à 03:00"),
        (None, "—"),
    ],
)
def test_an_instant_is_written_in_paris(instant, written):
    assert formats.datetime_fr(instant) == written


def test_a_long_date_names_the_day_and_the_month():
    assert formats.long_date(TODAY) == "lundi 23 novembre 2026"
    assert formats.long_date(date(2026, 8, 1)) == "samedi 1er août 2026"


def test_a_month_is_short():
    assert [formats.month_fr(date(2026, month, 1)) for month in (2, 5, 11)] == ["févr. 2026", "mai 2026", "nov. 2026"]


def test_numbers_have_thin_spaces_and_a_true_minus():
    assert formats.number(7842) == "7 842"
    assert formats.number(-1234567) == "−1 234 567"
    assert formats.euros(-123456) == "−1 234,56 €"
    assert formats.euros(5) == "0,05 €"
    assert formats.euros(-5) == "−0,05 €"
    assert formats.percent(85) == "85 %"


@thorough
@given(st.integers())
def test_an_amount_written_is_read_back(cents):
    plain = formats.euros(cents).replace("−", "-").translate({ord(sign): None for sign in " ,€"})
    assert int(plain) == cents


def test_zero_and_one_are_singular():
    assert [formats.plural(count, "bénéficiaire") for count in (0, 1, 2, 1500)] == [
        "0 bénéficiaire",
        "1 bénéficiaire",
        "2 bénéficiaires",
        "1 500 bénéficiaires",
    ]
    assert formats.plural(3, "ayant droit", "ayants droit") == "3 ayants droit"


def test_a_nir_is_grouped_as_on_the_card():
    assert formats.nir_grouped("294063947803145") == "2 94 06 39 478 031 45"


def test_a_masked_nir_is_as_long_as_a_nir():
    assert re.sub(r"\d", "•", formats.nir_grouped("294063947803145")) == formats.NIR_MASK


def test_an_iban_is_grouped_by_four():
    assert formats.iban_grouped("FR7630006000011234567890189") == "FR76 3000 6000 0112 3456 7890 189"


@thorough
@given(digits)
def test_grouping_loses_no_character(text):
    assert formats.nir_grouped(text).replace(" ", "") == text
    assert formats.iban_grouped(text).replace(" ", "") == text


@pytest.mark.parametrize(
    ("phone", "written"),
    [
        ("+33199001001", "01 99 00 10 01"),
        ("+41446681800", "+41 44 668 18 00"),
        ("", ""),
        ("inconnu", "inconnu"),
    ],
)
def test_a_telephone_is_written_in_pairs_or_as_abroad(phone, written):
    assert formats.phone_fr(phone) == written


@thorough
@given(st.text() | digits.map("+{}".format))
def test_any_telephone_is_written(phone):
    assert " " not in formats.phone_fr(phone) or phone == formats.phone_fr(phone)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("O'Neill", "oneill"),
        ("O’Neill", "oneill"),
        ("Zoé", "zoe"),
        ("Zoe\u0301", "zoe"),
        ("De La Tour", "delatour"),
        ("Benoît-Gonin", "benoitgonin"),
        ("LECŒUR", "lecoeur"),
        ("Lætitia", "laetitia"),
        ("Weiß", "weiss"),
        ("Søren", "soren"),
        ("Łukasz", "lukasz"),
        ("Đorđe", "dorde"),
        ("Yılmaz", "yilmaz"),
        ("İpek", "ipek"),
        ("Núñez", "nunez"),
        ("39200", "39200"),
        ("", ""),
    ],
)
def test_a_search_key_folds_accents_and_ligatures(text, key):
    assert search_key(text) == key


@thorough
@given(st.text())
def test_a_search_key_holds_letters_and_digits_and_is_its_own_key(text):
    assert re.fullmatch("[a-z0-9]*", search_key(text))
    assert search_key(search_key(text)) == search_key(text)
    assert search_key(text) == sort_key(text).replace(" ", "")


@thorough
@given(st.text(alphabet="aàâéèêëîïôöùûüçœÆZÉ' -’"))
def test_a_name_is_found_in_capitals_as_in_small_letters(name):
    assert search_key(name) == search_key(name.upper()) == search_key(name.lower())


@thorough
@given(st.text())
def test_a_sort_key_has_words_kept_apart_by_one_space(text):
    assert re.fullmatch("([a-z0-9]+( [a-z0-9]+)*)?", sort_key(text))


def test_words_kept_apart_sort_before_words_joined():
    names = ["Delatour", "DE LA TOUR", "Zoé", "Éric", "Eric-Paul"]
    assert sorted(names, key=sort_key) == ["DE LA TOUR", "Delatour", "Éric", "Eric-Paul", "Zoé"]


def test_search_words_are_the_keys_typed_each_once():
    assert search_words("  Zoé  zoe O’Neill\u00a0— 39200 ") == ["zoe", "oneill", "39200"]
    assert search_words("a b c d e f g h i j") == list("abcdefgh")
    assert search_words(" ’ ") == []


def test_initials_are_two_capitals():
    assert formats.initials("zoé", " de La Tour") == "ZD"
    assert formats.initials("Élodie", "") == "É"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Corentin LAMY", "de Corentin LAMY"),
        ("Éloïse MARTIN", "d’Éloïse MARTIN"),
        ("Anne ÉPARVIER", "d’Anne ÉPARVIER"),
        ("Œdipe ROY", "d’Œdipe ROY"),
        ("Yves LE GALL", "d’Yves LE GALL"),
        ("Yann LE GALL", "de Yann LE GALL"),
        ("Hélène ROY", "d’Hélène ROY"),
        ("Hervé-Marie ROY", "d’Hervé-Marie ROY"),
        ("Hugo ROY", "d’Hugo ROY"),
        ("Hamza BEN ALI", "de Hamza BEN ALI"),
        ("Hans WEBER", "de Hans WEBER"),
        ("quelqu’un", "de quelqu’un"),
        ("李", "de 李"),
        ("", "de "),
    ],
)
def test_de_is_elided_before_a_vowel_and_the_mute_h_of_known_first_names(name, written):
    assert formats.of_name(name) == written


def test_a_name_in_capitals_keeps_its_accents():
    assert formats.upper_name("Benoît-Gonin") == "BENOÎT-GONIN"

"""The identifiers: what is accepted, what is refused and in which words, and that no text breaks them."""

import re
from datetime import date

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from schwifty import IBAN

from portal.rules import Refused, identifiers
from portal.rules.identifiers import (
    bank_of,
    bic,
    bic_warning,
    email,
    iban,
    nir,
    nir_key,
    nir_warnings,
    phone,
    postal_code,
    siren,
    siret,
)
from tests.thorough import often

thorough = settings(max_examples=often(500, 2000), deadline=None)

EVERY_FUNCTION = [nir, siren, siret, iban, bic, phone, email, postal_code]
WOMAN = "294063947803145"
MAN = "185033947800133"
FRENCH_IBAN = "FR7630006000011234567890189"
SOME_COUNTRIES = ["BE", "CH", "CZ", "DE", "DK", "ES", "FI", "FR", "GB", "IE", "IT", "LU", "MC", "NL", "PL", "PT"]

nearly_right = (
    st.text()
    | st.text(alphabet="0123456789AB .-\u00a0²٣é@+()FR")
    | st.from_regex(r"[1-8][0-9]{4}(2A|2B|[0-9]{2})[0-9]{8}", fullmatch=True)
    | st.from_regex(r"FR[0-9]{2}[0-9A-Z]{20,25}", fullmatch=True)
    | st.from_regex(r"[A-Z]{2}[0-9]{2}[0-9A-Z]{8,30}", fullmatch=True)
    | st.from_regex(r"[A-Z0-9]{6,11}", fullmatch=True)
    | st.from_regex(r"(\+|00?)?[0-9]{3,14}", fullmatch=True)
    | st.from_regex(r"[a-zé.\"-]{1,9}@([a-zé0-9-]{1,9}\.){1,3}[a-z]{1,5}", fullmatch=True)
)


@st.composite
def nirs(draw, first="12"):
    """A fictitious NIR; its key by the method of the norm: 2A and 2B are read 20, less one or two million."""
    sex, year = draw(st.sampled_from(first)), draw(st.integers(0, 99))
    month = draw(st.sampled_from([*range(1, 13), 20, *range(30, 43), *range(50, 100)]))
    department = draw(st.sampled_from([*(f"{number:02}" for number in range(1, 100)), "2A", "2B"]))
    commune, order = draw(st.integers(1, 998)), draw(st.integers(1, 999))
    thirteen = f"{sex}{year:02}{month:02}{department}{commune:03}{order:03}"
    millions = {"2A": 1_000_000, "2B": 2_000_000}.get(department, 0)
    return f"{thirteen}{97 - (int(re.sub('[AB]', '0', thirteen)) - millions) % 97:02}"


def refusal(function, text, **options):
    with pytest.raises(Refused) as refused:
        function(text, **options)
    assert refused.value.__context__ is None, "the context would carry the value"
    return str(refused.value)


@settings(max_examples=2000, deadline=None)
@given(nearly_right)
def test_any_text_is_made_canonical_or_refused_in_a_sentence(text):
    for function in EVERY_FUNCTION:
        try:
            value = function(text)
        except Refused as refused:
            assert re.fullmatch(r"[A-ZÉ][^\n]*\.", str(refused))
            assert "invalide" not in str(refused)
        else:
            assert value.isascii()
            assert function(value) == value


@pytest.mark.parametrize("function", EVERY_FUNCTION)
@pytest.mark.parametrize("text", ["", " ", "²", "٣" * 15, "\x00", "\ud800", "é" * 27, "🧾", "1" * 10_000])
def test_a_nasty_text_is_refused(function, text):
    assert refusal(function, text)


@thorough
@given(nirs())
def test_a_nir_is_accepted_as_it_stands(number):
    assert nir(number) == number


@thorough
@given(nirs(), st.sampled_from([" ", "\u00a0", "\u202f", ".", "-", "\u200b"]))
def test_a_nir_is_accepted_in_groups_and_in_lower_case(number, space):
    groups = (number[:1], number[1:3], number[3:5], number[5:7], number[7:10], number[10:13], number[13:])
    assert nir(f" {space.join(groups).lower()} ") == number


@thorough
@given(nirs(), st.integers(0, 14), st.integers(1, 9))
def test_a_nir_with_one_wrong_digit_is_refused(number, place, step):
    if number[place].isdigit():
        wrong = f"{number[:place]}{(int(number[place]) + step) % 10}{number[place + 1 :]}"
        assert not re.search(r"\d{4}", refusal(nir, wrong)), "the sentence would hold the NIR"


@pytest.mark.parametrize("number", ["185102A00400164", "185102B03300194"])
def test_a_nir_of_corsica_is_accepted(number):
    assert nir(number) == number


@pytest.mark.parametrize(
    ("thirteen", "key"), [("2940639478031", "45"), ("185102A004001", "64"), ("185102B033001", "94")]
)
def test_the_key_completes_the_thirteen_characters_of_a_dsn(thirteen, key):
    assert nir_key(thirteen) == key


def test_a_wrong_key_is_told_with_the_one_expected():
    assert refusal(nir, "294063947803154") == (
        "La clé (2 derniers chiffres) ne correspond pas : 45 attendu, 54 saisi. Vérifiez les 15 chiffres."
    )


def test_a_missing_character_of_a_nir_is_counted():
    assert refusal(nir, WOMAN[:14]) == "Le n° de sécurité sociale a 14 chiffres : il en faut 15."
    assert refusal(nir, "185102A0040015") == "Le n° de sécurité sociale a 14 caractères : il en faut 15."


@pytest.mark.parametrize(
    ("thirteen", "word"),
    [
        ("0940639478031", "commence par 1 ou 2"),
        ("9940639478031", "commence par 1 ou 2"),
        ("29A0639478031", "L’année"),
        ("2941339478031", "Le mois"),
        ("2940039478031", "Le mois"),
        ("2944339478031", "Le mois"),
        ("2940600478031", "Le département"),
        ("294062C478031", "Le département"),
        ("2940639000031", "La commune"),
        ("2940639999999", "La commune"),
        ("2940639478000", "d’ordre"),
    ],
)
def test_the_part_of_a_nir_that_fails_is_named(thirteen, word):
    assert word in refusal(nir, f"{thirteen}{97 - int(re.sub('[A-C]', '0', thirteen)) % 97:02}")


def test_letters_in_place_of_the_key_are_refused():
    assert "La clé" in refusal(nir, "2940639478031AB")


@pytest.mark.parametrize("month", ["20", "30", "42", "50", "99"])
def test_a_month_of_incomplete_civil_status_is_accepted(month):
    thirteen = f"294{month}99478031"
    assert nir(f"{thirteen}{97 - int(thirteen) % 97:02}")


@thorough
@given(nirs(first="3478"))
def test_a_provisional_nir_is_accepted_only_where_it_is_expected(number):
    assert nir(number, provisional=True) == number
    assert "provisoire" in refusal(nir, number)


@thorough
@given(nirs(), st.none() | st.dates(date(1900, 1, 1), date(2199, 12, 31)), st.sampled_from(["M", "F", None, ""]))
def test_warnings_are_sentences_whatever_the_person(number, birth, sex):
    warnings = nir_warnings(number, birth, sex)
    assert all(re.fullmatch(r"Le .*\.", warning) for warning in warnings)
    assert len(warnings) <= (3 if birth else 1)


def test_a_nir_that_agrees_with_the_person_gives_no_warning():
    assert nir_warnings(WOMAN, date(1994, 6, 2), "F") == []
    assert nir_warnings(MAN, date(1985, 3, 27), "M") == []
    assert nir_warnings(MAN, None, None) == []


def test_a_nir_of_the_other_sex_is_a_warning():
    assert nir_warnings(MAN, None, "F") == [
        "Le n° de sécurité sociale est celui d’un homme, le sexe indiqué est féminin."
    ]
    assert nir_warnings(WOMAN, None, "M") == [
        "Le n° de sécurité sociale est celui d’une femme, le sexe indiqué est masculin."
    ]


def test_a_nir_of_another_birth_month_is_a_warning():
    assert nir_warnings(MAN, date(1985, 5, 27), "M") == [
        "Le n° de sécurité sociale indique mars 1985, la date de naissance mai 1985."
    ]


def test_a_nir_of_another_birth_year_is_a_warning():
    assert nir_warnings(MAN, date(1986, 3, 27), "M") == [
        "Le n° de sécurité sociale indique mars 1985, la date de naissance mars 1986."
    ]


def test_a_month_above_twelve_tells_nothing_but_the_year_still_does():
    assert nir_warnings("294309947803170", date(1994, 6, 2), "F") == []
    assert nir_warnings("294309947803170", date(1995, 6, 2), "F") == [
        "Le n° de sécurité sociale indique 1994, la date de naissance 1995."
    ]


@pytest.mark.parametrize(
    ("department", "agrees", "disagrees"),
    [("2A", 1976, 1975), ("2B", 1976, 1975), ("20", 1975, 1976), ("96", 1967, 1968), ("39", 1900, None)],
)
def test_a_department_that_did_not_exist_in_the_birth_year_is_a_warning(department, agrees, disagrees):
    def warnings(year):
        return nir_warnings(f"1{year % 100:02}01{department}00400100", date(year, 1, 5), "M")

    assert warnings(agrees) == []
    if disagrees:
        assert [warning[:18] for warning in warnings(disagrees)] == [f"Le département {department} "]


@pytest.mark.parametrize("text", ["732829320", "732 829 320", "356000000"])
def test_a_siren_is_accepted(text):
    assert siren(text) == text.replace(" ", "")


@pytest.mark.parametrize("text", ["73282932000074", "443 061 841 00047", "35600000000048", "35600000049837"])
def test_a_siret_is_accepted_even_from_la_poste(text):
    assert siret(text) == text.replace(" ", "")


@thorough
@given(st.integers(0, 13), st.integers(1, 9))
def test_a_siret_with_one_wrong_digit_is_refused(place, step):
    right = "73282932000074"
    wrong = f"{right[:place]}{(int(right[place]) + step) % 10}{right[place + 1 :]}"
    assert "clé" in refusal(siret, wrong)


@pytest.mark.parametrize(
    ("function", "text", "words"),
    [
        (siren, "123456789", "clé"),
        (siret, "35600000049838", "clé"),
        (siren, "000000000", "zéros"),
        (siret, "00000000000000", "zéros"),
        (siren, "73282932", "a 8 chiffres : il en faut 9"),
        (siret, "1", "a 1 chiffre : il en faut 14"),
        (siren, "73282932A", "Retirez les lettres"),
        (siren, "", "Indiquez le SIREN."),
    ],
)
def test_a_company_number_is_refused_with_its_reason(function, text, words):
    assert words in refusal(function, text)


@pytest.mark.parametrize("country", SOME_COUNTRIES)
def test_an_iban_of_another_country_is_accepted(country):
    account = str(IBAN.random(country_code=country))
    assert iban(account) == account


@pytest.mark.filterwarnings("error")
def test_the_countries_whose_key_schwifty_cannot_check_give_no_warning():
    for country in identifiers.UNCHECKED_NATIONAL_KEYS:
        assert iban(str(IBAN.random(country_code=country))).startswith(country)


@thorough
@given(st.integers(2, 26), st.integers(1, 9))
def test_an_iban_with_one_wrong_digit_is_refused(place, step):
    wrong = f"{FRENCH_IBAN[:place]}{(int(FRENCH_IBAN[place]) + step) % 10}{FRENCH_IBAN[place + 1 :]}"
    assert "clé" in refusal(iban, wrong)


def test_an_iban_in_groups_is_accepted():
    assert iban(" fr76 3000 6000 0112\u00a03456 7890 189 ") == FRENCH_IBAN


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (FRENCH_IBAN[:-1], "a 26 caractères : il en faut 27 en France"),
        ("FR0630006000011234567890188", "La clé du compte"),
        ("FR7730006000011234567890189", "3e et 4e caractères"),
        ("CH93007620116238529", "longueur"),
        ("XX7630006000011234567890189", "deux lettres de son pays"),
        ("FR76é", "Retirez"),
        ("  ", "Indiquez l’IBAN."),
    ],
)
def test_an_iban_is_refused_with_its_reason(text, words):
    assert words in refusal(iban, text)


@pytest.mark.parametrize("text", ["AGRIFRPP", "agri fr pp xxx", "BNPAFRPPXXX"])
def test_a_bic_is_accepted(text):
    assert bic(text) == text.replace(" ", "").upper()


@pytest.mark.parametrize("text", ["AGRIFRP", "AGRIFRPPXX", "AGRIZZPP", "1GRIFRPP"])
def test_a_bic_of_another_shape_is_refused(text):
    assert "8 ou 11 caractères" in refusal(bic, text)


def test_the_bank_of_an_account_is_found():
    assert bank_of(FRENCH_IBAN) == ("AGRIFRPPXXX", "CREDIT AGRICOLE SA")


@pytest.mark.parametrize("text", ["MC5811222000010123456789030", "FR", ""])
def test_an_unknown_bank_is_told_by_none(text):
    assert bank_of(text) == (None, None)


@pytest.mark.parametrize("text", ["AGRIFRPPXXX", "AGRIFRPP", "AGRIFRPP882", "AGRIFR2A"])
def test_a_bic_of_the_bank_of_the_account_is_not_doubtful(text):
    assert bic_warning(text, FRENCH_IBAN) is None


def test_a_bic_of_another_bank_is_doubtful():
    assert "CREDIT AGRICOLE SA" in bic_warning("BNPAFRPPXXX", FRENCH_IBAN)
    assert "AGRIFRPPXXX" in bic_warning("AGRIBEBB", FRENCH_IBAN)


def test_no_bic_is_doubtful_where_the_bank_is_unknown():
    assert bic_warning("BNPAFRPPXXX", "MC5811222000010123456789030") is None


@thorough
@given(nearly_right)
def test_the_bank_of_any_text_is_two_answers(text):
    assert len(bank_of(text)) == 2


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("01 99 00 10 01", "+33199001001"),
        ("01.99.00.10.01", "+33199001001"),
        ("+33 (0)1 99 00 10 01", "+33199001001"),
        ("0033199001001", "+33199001001"),
        ("199001001", "+33199001001"),
        ("0 800 29 87 56", "+33800298756"),
        ("0692 12 34 56", "+262692123456"),
        ("+262 692 12 34 56", "+262692123456"),
        ("0041 44 668 18 00", "+41446681800"),
    ],
)
def test_a_telephone_is_accepted_as_people_write_it(text, canonical):
    assert phone(text) == canonical


@pytest.mark.parametrize("text", ["0700000000", "0712345678", "06 39 98 00 00", "3639", "01990010", "01990010011"])
def test_a_telephone_that_nobody_has_is_refused(text):
    assert "n’existe pas" in refusal(phone, text)


@pytest.mark.parametrize("text", ["01 99 00 10 01 poste 3", "0800 FLEURS", "", "+", "+33+199001001"])
def test_a_telephone_is_written_in_digits(text):
    assert "en chiffres" in refusal(phone, text)


@pytest.mark.parametrize(
    "text", ["01 42 00 10 01", "03 84 45 00 01", "09 74 00 00 00", "0262 20 00 00", "0590 81 00 00"]
)
def test_no_text_is_sent_to_a_land_line_of_france_or_overseas(text):
    assert not identifiers.takes_texts(phone(text))
    assert "fixe" in refusal(identifiers.mobile, text)


def test_a_number_kept_for_fiction_stands_for_a_mobile_where_it_is_known_and_is_never_typed_for_one():
    assert identifiers.takes_texts("+33199001001")
    assert "fixe" in refusal(identifiers.mobile, "01 99 00 10 01")


@pytest.mark.parametrize(
    "text", ["06 12 34 56 78", "0692 12 34 56", "0690 12 34 56", "+41 79 123 45 67", "+32 470 12 34 56"]
)
def test_a_text_is_sent_to_a_mobile_of_anywhere(text):
    assert identifiers.takes_texts(identifiers.mobile(text))


@pytest.mark.parametrize("number", ["TR330006100519786457841326", "BR1800360305000010009795493C1"])
def test_an_account_out_of_the_sepa_zone_is_pointed_out(number):
    assert "hors de la zone SEPA" in identifiers.sepa_warning(iban(number))


@pytest.mark.parametrize("number", ["DE89370400440532013000", "MC5811222000010123456789030", "CH9300762011623852957"])
def test_an_account_in_the_sepa_zone_is_not(number):
    assert identifiers.sepa_warning(iban(number)) == ""


@thorough
@given(st.from_regex(r"[1-9][0-9]{8}|[67][0-9]{8}|8[0-9]{8}", fullmatch=True), st.sampled_from(["0", "+33", "0033"]))
def test_the_short_way_for_french_telephones_gives_the_verdict_of_the_library(digits, prefix):
    number = phonenumbers.parse(f"+33{digits}")
    verdict = phonenumbers.is_valid_number_for_region(number, "FR")
    assert bool(identifiers._assigned_in_france().fullmatch(prefix + digits)) == verdict
    if verdict:
        assert phone(prefix + digits) == phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        (" Zoe.Lamy@EXEMPLE.fr\u00a0", "Zoe.Lamy@exemple.fr"),
        ("a@xn--exmple-cua.fr", "a@xn--exmple-cua.fr"),
        ("rh+paie@exemple.fr", "rh+paie@exemple.fr"),
    ],
)
def test_an_email_is_accepted_with_its_domain_in_lower_case(text, canonical):
    assert email(text) == canonical


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("zoé@exemple.fr", "sans accent"),
        ("a@b", "de 6 à 100"),
        (f"{'a' * 50}@{'b' * 47}.fr", "de 6 à 100"),
        ("foo@localhost", "ainsi"),
        ("zoe..lamy@exemple.fr", "ainsi"),
        ("zoe lamy@exemple.fr", "ainsi"),
        ("zoe@exemple.fr, max@exemple.fr", "ainsi"),
    ],
)
def test_an_email_is_refused_with_an_example(text, words):
    assert words in refusal(email, text)


def test_a_postal_code_is_accepted_as_it_stands():
    assert postal_code(" 01000 ") == "01000"


@pytest.mark.parametrize("text", ["1000", "39 200", "2A004", "392000", "٣٩٢٠٠"])
def test_a_postal_code_is_never_repaired(text):
    assert "5 chiffres" in refusal(postal_code, text)


@given(st.data())
def test_the_keys_of_a_french_iban_are_those_of_the_library(data):
    """Computed here, since the library is slow: one sign changed, or none."""
    number = str(IBAN.random(country_code="FR"))
    place, sign = data.draw(st.integers(0, 26)), data.draw(st.sampled_from("0189AFKZ"))
    number = number[:place] + sign + number[place + 1 :]
    assert identifiers._is_french_iban(number) == (number[:2] == "FR" and identifiers._iban_fault(number) is None)


@pytest.mark.parametrize(
    "address", ["paul@exemple.fr", "p.d_u-x1@EXEMPLE.fr", "a@b", "x@exemple..fr", f"{'x' * 65}@exemple.fr"]
)
def test_the_short_way_of_an_address_ends_where_the_library_does(address):
    try:
        checked = email(address)
    except Refused:
        checked = None
    assert checked == identifiers._checked_email(address)

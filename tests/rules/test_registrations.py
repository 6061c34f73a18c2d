"""Professional numbers: each with its form and its key."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from portal.rules import Refused
from portal.rules import registrations as rules

TODAY = datetime.date(2026, 11, 26)
LENGTHS = {"RPPS": 11, "ADELI": 9, "FINESS": 9}


@pytest.mark.parametrize(("kind", "length"), LENGTHS.items())
@given(data=st.data())
def test_a_number_with_its_key_is_taken_and_with_another_is_refused(kind, length, data):
    most = "9" * (length - 1)
    body = str(data.draw(st.integers(min_value=1, max_value=int(most)))).zfill(length - 1)
    right = luhn.calc_check_digit(body)
    spaced = f" {body[:3]} {body[3:]}{right}"
    assert rules.number_of(kind, spaced, TODAY) == body + right
    wrong = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != right]))
    with pytest.raises(Refused, match="La clé"):
        rules.number_of(kind, body + wrong, TODAY)


@pytest.mark.parametrize("text", ["07001234", "07 001 234", "26.999.999"])
def test_an_orias_number_begins_with_its_year(text):
    assert len(rules.number_of("ORIAS", text, TODAY)) == 8


@pytest.mark.parametrize("text", ["06001234", "27001234", "0700123", "070012345", "0700123A", "²7001234"])
def test_other_orias_numbers_are_refused(text):
    with pytest.raises(Refused):
        rules.number_of("ORIAS", text, TODAY)


def test_a_corsican_number_keeps_its_letter():
    assert rules.number_of("FINESS", "2a 0000123", TODAY) == "2A0000123"
    assert rules.number_of("ADELI", "2B0000123", TODAY) == "2B0000123"


@given(st.sampled_from(["ORIAS", *LENGTHS]), st.text(max_size=20))
def test_whatever_is_typed_a_number_or_a_sentence(kind, text):
    try:
        found = rules.number_of(kind, text, TODAY)
    except Refused as refused:
        assert str(refused).endswith(".")
    else:
        assert found.isascii()

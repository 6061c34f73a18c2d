"""Codes of an application: those of the RFC, read however they are typed, for a minute and a half."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.rules import totp

RFC = base64.b32encode(b"12345678901234567890").decode()
KEY = totp.written(b"\x01" * totp.SEED)
NOON = 1_800_000_000
STEP = NOON // totp.STEP


@pytest.mark.parametrize(
    ("second", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037")],
)
def test_the_codes_are_those_of_rfc_6238(second, code):
    assert totp.code(RFC, second // totp.STEP) == code
    assert totp.step_of(RFC, code, second, 0) == second // totp.STEP


@pytest.mark.parametrize("typed", ["081 804", " 081804\n", "081\u00a0804", "0 8-1.8\u202f04", "０８１８０４", "٠٨١٨٠٤"])
def test_a_code_is_read_however_it_is_typed(typed):
    assert totp.digits(typed) == "081804"


@pytest.mark.parametrize("typed", ["", "81804", "0081804", "08180a", "08180²4", "ⅥⅥⅥⅥⅥⅥ", "081804081804"])
def test_what_is_no_code_is_none(typed):
    assert totp.digits(typed) == ""
    assert totp.step_of(RFC, typed, 1111111109, 0) is None


@given(st.text(max_size=40))
def test_whatever_is_typed_is_read_without_a_fault(typed):
    assert totp.digits(typed) == "" or (totp.digits(typed).isascii() and len(totp.digits(typed)) == totp.DIGITS)


@pytest.mark.parametrize(("late", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_is_taken_one_step_around_now(late, taken):
    assert (totp.step_of(KEY, totp.code(KEY, STEP), NOON + late * totp.STEP, 0) == STEP) == taken


def test_a_code_of_a_step_that_was_taken_is_of_none():
    assert totp.step_of(KEY, totp.code(KEY, STEP), NOON, STEP - 1) == STEP
    assert totp.step_of(KEY, totp.code(KEY, STEP), NOON, STEP) is None


def test_the_key_is_of_160_bits_and_typed_by_fours():
    assert len(base64.b32decode(KEY)) * 8 == 160
    assert totp.grouped(KEY).split(" ") == [KEY[place : place + 4] for place in range(0, 32, 4)]


def test_the_address_names_who_and_where():
    assert totp.address("ABC", "a@b.example", "Trait d’Union") == (
        "otpauth://totp/Trait%20d%E2%80%99Union:a@b.example"
        "?secret=ABC&issuer=Trait%20d%E2%80%99Union&digits=6&period=30"
    )

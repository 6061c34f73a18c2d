"""What is sealed opens in its own place alone, under any key; and is found again by its blind index."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.vault import Tampered, Vault

OLD, NEW = os.urandom(32), os.urandom(32)


@given(st.text(), st.text())
def test_what_is_sealed_opens_again(text, row):
    vault = Vault([NEW])
    assert vault.open(vault.seal(text, "beneficiary", "nir", row), "beneficiary", "nir", row) == text


@pytest.mark.parametrize("place", [("user", "nir", "1"), ("beneficiary", "iban", "1"), ("beneficiary", "nir", "2")])
def test_a_value_moved_elsewhere_does_not_open(place):
    vault = Vault([NEW])
    with pytest.raises(Tampered):
        vault.open(vault.seal("secret", "beneficiary", "nir", "1"), *place)


def test_one_changed_byte_is_found():
    vault = Vault([NEW])
    sealed = vault.seal("secret", "beneficiary", "nir", "1")
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(Tampered):
            vault.open(bytes(changed), "beneficiary", "nir", "1")


def test_the_first_key_seals_and_every_key_opens():
    old = Vault([OLD]).seal("secret", "t", "c", 1)
    both = Vault([NEW, OLD])
    assert both.open(old, "t", "c", 1) == "secret"
    assert not both.is_current(old)
    assert both.is_current(both.seal("secret", "t", "c", 1))
    with pytest.raises(Tampered):
        Vault([NEW]).open(old, "t", "c", 1)


def test_the_same_text_is_never_sealed_twice_alike():
    vault = Vault([NEW])
    assert len({vault.seal("secret", "t", "c", 1) for _ in range(100)}) == 100


def test_many_are_sealed_each_for_its_own_row_and_a_blank_is_nothing():
    vault = Vault([NEW, OLD])
    texts, rows = ["secret", "", "secret", "autre"], list("abcd")
    sealed = vault.seal_each(texts, "t", "c", rows)
    assert sealed[1] is None
    there = [(value, text, row) for value, text, row in zip(sealed, texts, rows, strict=True) if text]
    assert [vault.open(value, "t", "c", row) for value, _, row in there] == [text for _, text, _ in there]
    assert len({value[5:17] for value, _, _ in there}) == 3  # their nonces
    with pytest.raises(Tampered):
        vault.open(there[0][0], "t", "c", "c")


def test_a_blind_index_finds_the_value_in_its_account_alone_under_any_key():
    old, both = Vault([OLD]), Vault([NEW, OLD])
    assert old.index("294063947803145", "nir", 1) in both.indexes("294063947803145", "nir", [1, 2])
    assert both.index("294063947803145", "nir", 1) != both.index("294063947803145", "nir", 2)
    assert both.index("294063947803145", "nir", 1) != both.index("294063947803145", "iban", 1)


def test_a_blind_index_is_the_same_for_ever():
    """Those that are stored were made so: another way to make them would find nobody."""
    vault = Vault([bytes(range(32))])
    assert vault.index("294063947803145", "nir", 1) == "601da9b66814b99135a9727e1c0511c5"
    assert vault.index("294063947803145", "nir", 1) == "601da9b66814b99135a9727e1c0511c5"


def test_the_exception_does_not_hold_the_value():
    vault = Vault([NEW])
    with pytest.raises(Tampered) as caught:
        vault.open(vault.seal("294063947803145", "t", "c", 1), "t", "c", 2)
    assert "2940" not in str(caught.value)

"""Turning the keys: everything under the first one, found as before, and the old key may go."""

import os

import pytest

from portal.models import Beneficiary, GroupContract, vault
from portal.vault import Tampered
from tests import factories
from tests.conftest import KEYS

NIR = "294063947803145"


@pytest.fixture
def turned(hr):
    """A person sealed under the first key of the tests; then a new first key."""
    contract = GroupContract.get()
    person = factories.beneficiary(contract, "Durand", "Zoé", nir=NIR)
    person.seal("reimbursement_iban", "FR7630006000011234567890189")
    person.save()
    old = [bytes.fromhex(key) for key in KEYS]
    new = os.urandom(32)
    vault.use([new, *old])
    yield person, new
    vault.use(old)


def test_every_value_is_sealed_under_the_first_key_and_found_as_before(app, hr, turned):
    person, new = turned
    assert [found.id for found in hr.find_by_nir(NIR)] == [person.id]
    runner = app.test_cli_runner()
    assert "1\u00a0ligne chiffrée" in runner.invoke(args=["vault", "rotate"]).output
    assert "0\u00a0ligne chiffrée" in runner.invoke(args=["vault", "rotate"]).output
    vault.use([new])
    again = Beneficiary.get_by_id(person.id)
    assert (again.unseal("nir"), again.unseal("reimbursement_iban")) == (NIR, "FR7630006000011234567890189")
    assert [found.id for found in hr.find_by_nir(NIR)] == [person.id]


def test_without_its_key_nothing_opens(turned):
    person, new = turned
    vault.use([new])
    with pytest.raises(Tampered):
        Beneficiary.get_by_id(person.id).unseal("nir")

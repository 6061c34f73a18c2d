"""Turning the keys: everything under the first one, found as before, and the old key may go."""

import os

import pytest

from portal.exchange import joining, staging
from portal.models import Beneficiary, GroupContract, ImportRow, vault
from portal.vault import Tampered
from tests import factories
from tests.conftest import KEYS
from tests.exchange.test_affiliations import read, words

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


def test_the_rows_of_a_file_are_sealed_again_and_their_people_known_again(app, hr):
    contract = hr.contracts().first()
    source = read(hr, words(contract), words(contract, 2, Nom=""))
    old = [bytes.fromhex(key) for key in KEYS]
    new = os.urandom(32)
    vault.use([new, *old])
    texts = [staging.cells_of(source, row) for row in source.rows.order_by(ImportRow.line)]
    assert staging.reseal(0) == (source.rows.order_by(ImportRow.line.desc()).first().id, 2)
    assert staging.reseal(0)[1] == 0
    vault.use([new])
    assert [staging.cells_of(source, row) for row in source.rows.order_by(ImportRow.line)] == texts
    met = joining.meet(hr, source.account_id, texts[0])
    assert met.waiting.line == 2
    vault.use(old)

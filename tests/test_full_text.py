"""Texts are found by the beginning of their words, without accents or case, alike on both databases."""

import pytest

from portal.database import found_first
from portal.full_text import TextIndex, few
from portal.models import Company
from tests import factories

pytestmark = pytest.mark.owner
TEXTS = ("L’Attestation de tiers payant", "Écart sur le BORDEREAU d’appel", "l'attestation d'Émile O’Neill n° 12")


@pytest.fixture
def index(database):
    """Three companies, each with a text."""
    made = TextIndex("company_words")
    made.create(database)
    account = factories.account()
    for text in TEXTS:
        made.put(database, {factories.company(account, label=text).id: text})
    return made


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("attest", {0, 2}),
        ("attestation emile", {2}),
        ("l'attestation", {0, 2}),
        ("ÉCART", {1}),
        ("bordereau dappel", set()),
        ("d'appel bordereau", {1}),
        ("O'Neill", {2}),
        ("tation", set()),
        ('"*) OR (1', set()),  # « or » is a word as any other
        ("12 neill", {2}),
    ],
)
def test_every_word_is_found_by_its_beginning(database, index, typed, found):
    matching = index.matching(database, typed)
    labels = {row.label for row in Company.select().where(found_first(database, Company.id, matching))}
    assert labels == {TEXTS[place] for place in found}


def test_a_few_are_known_by_their_numbers_and_many_are_not(database, index):
    ids = [row.id for row in Company.select().order_by(Company.id)]
    assert [sorted(found) for found in few(database, (index, index), "attestation")] == [[ids[0], ids[2]]] * 2
    assert few(database, (index,), "bordereau") == [[ids[1]]]
    assert few(database, (index,), "introuvable") == [[]]
    assert few(database, (index,), "attestation", most=1) == [None]


@pytest.mark.parametrize("typed", ["", "  ", "’ - !", "«\u202f»"])
def test_without_a_word_there_is_nothing_to_search(database, index, typed):
    assert index.matching(database, typed) is None


def test_what_is_dropped_is_found_no_more(database, index):
    first = Company.select().order_by(Company.id).first()
    index.drop(database, [first.id])
    assert (
        Company.select().where(found_first(database, Company.id, index.matching(database, "attestation"))).count() == 1
    )

"""A signature by a typed name: whose it may be."""

import datetime
from types import SimpleNamespace

import pytest
from werkzeug.datastructures import MultiDict

from portal.forms.guests import Signed, is_name_of, ways_to
from portal.household import Household
from portal.models import GuestLink
from tests.exchange.people import OFFERS

INES = ("Inès", "Lacroix", "Courbet")
TYPED = [
    ("Inès Lacroix", True),
    ("COURBET ines", True),
    ("Mme Inès Courbet née Lacroix", True),
    ("Lacroix-Courbet, Inès", True),
    ("Inès", False),
    ("Lacroix Courbet", False),
    ("Inès Lacroix, sous réserve", False),
    ("pas Inès Lacroix", False),
    ("Inès Lacroixx", False),
    ("x" * 5_000, False),
]


@pytest.mark.parametrize(("typed", "right"), TYPED)
def test_a_signature_is_the_first_name_and_a_last_name_and_nothing_else(typed, right):
    assert is_name_of(typed, *INES) is right


def test_one_word_does_not_stand_for_both_names():
    assert is_name_of("Martin Martin", "Martin", "Martin")
    assert not is_name_of("Martin", "Martin", "Martin")


def test_the_longest_names_are_signed_whole():
    first_name, last_name = ("Anne-" * 16)[:80], ("Lacroix-" * 10)[:80]
    home = Household({"salarie": {"prenom": [first_name], "nom": [last_name]}}, OFFERS[0], datetime.date(2026, 11, 28))
    typed = MultiDict({"signature": f"{first_name} {last_name}"})
    form = Signed(typed, home, GuestLink(recipient=None))
    form.validate()
    assert not form.signature.errors and form.name == f"{first_name} {last_name}"


def test_two_addresses_that_are_masked_alike_are_told_apart():
    link = SimpleNamespace(unseal=lambda: "zoe.lacroix@example.com")
    home = Household({"coordonnees": {"email": ["zoe@example.com"]}}, OFFERS[0], datetime.date(2026, 11, 28))
    labels = [way.label for way in ways_to(home, link).values()]
    assert [label.partition(" (")[2] for label in labels] == ["celui de vos coordonnées)", "celui de votre lien)"]
    link = SimpleNamespace(unseal=lambda: "paul@example.com")
    assert [way.label for way in ways_to(home, link).values()] == [
        "Par courriel à z•••@example.com",
        "Par courriel à p•••@example.com",
    ]


def test_particles_apostrophes_and_hyphens_may_be_left_out():
    assert is_name_of("jean pierre d orgeval", "Jean-Pierre", "d’Orgeval")
    assert is_name_of("DE LA TOUR Zoé", "Zoë", "de La Tour")


def test_names_in_other_letters_are_signed_as_they_are_written():
    assert is_name_of("李 伟", "伟", "李")
    assert is_name_of("anna ΣΟΦΟΣ", "Anna", "Σοφος")
    assert not is_name_of("李", "伟", "李")
    assert not is_name_of("", "伟", "李")


def test_names_that_begin_alike_keep_nobody_waiting():
    assert not is_name_of("a" * 5_000 + "b", "a", "aa", "aaa")

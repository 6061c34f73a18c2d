"""« Aide »: the chapters of one’s own profession first, and all of them."""

import re

import pytest

from portal.models import UserRole
from portal.views.help import CHAPTERS
from tests import factories


def chapters(client):
    """The keys of « Pour vous », then those of the others, as they stand on the page."""
    page = client.get("/aide").get_data(as_text=True)
    main = page[page.index("<main") :]
    own, found, others = main.partition("Pour les autres espaces")
    keys = [re.findall(r"/aide/([a-z-]+)", part) for part in (own, others)]
    return bool(found), *keys


@pytest.mark.parametrize(
    ("role", "first"),
    [
        (UserRole.HEALTH_PROFESSIONAL, {"connexion", "couverture"}),
        (UserRole.STAFF, {"connexion", "messages", "dossiers", "chargements", "utilisateurs", "configuration"}),
    ],
)
def test_each_profession_finds_its_own_chapters_first_and_the_others_after(client, role, first):
    client.sign_in(factories.user(role=role))
    _, own, others = chapters(client)
    assert set(own) == first
    assert sorted(own + others) == sorted(CHAPTERS)


@pytest.mark.parametrize("role", [UserRole.COMPANY, UserRole.BROKER, UserRole.MULTI_ACCOUNT_MANAGER])
def test_what_is_the_mutual_s_stands_after_what_is_a_company_s(client, role):
    client.sign_in(factories.user(role=role))
    _, own, others = chapters(client)
    assert {"adhesion", "habilitations", "messages"} <= set(own) and "couverture" in others
    assert {"dossiers", "configuration"} <= set(others) and sorted(own + others) == sorted(CHAPTERS)


def test_a_visitor_has_one_list(client):
    split, keys, _ = chapters(client)
    assert not split and keys == list(CHAPTERS)

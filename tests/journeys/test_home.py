"""« Accueil »: its figures, what awaits, its accounts, its chart and the table behind it."""

import re

import pytest
from playwright.sync_api import expect

from tests import factories
from tests.journeys import scenery
from tests.journeys.browser import axe, path, same_after_reload, settled, sign_in


@pytest.fixture
def home(page):
    user = scenery.roster()
    for state, unread in (("IN_PROGRESS", False), ("TREATED", True)):
        factories.thread(user, state=state, unread=unread)
    sign_in(page, user)
    page.goto("/")
    return page


def test_the_four_quick_accesses_count_and_lead(home):
    tiles = home.get_by_role("navigation", name="Accès rapides")
    for label, figure, title in (
        ("Contrats en cours", "3", "Liste des contrats"),
        ("Salariés", "65", "Salariés / Bénéficiaires"),
        ("Affiliations en cours", "0", "Gestion des affiliations"),
        ("Documents", "0", "Espace documentaire"),
    ):
        tile = tiles.get_by_role("link", name=label)
        expect(tile.locator("strong")).to_have_text(figure)
        tile.click()
        expect(home.get_by_role("heading", level=1)).to_have_text(title)
        if label == "Salariés":
            expect(home.get_by_text("sur 65 éléments")).to_be_visible()
        home.goto("/")
    same_after_reload(home)


def test_what_awaits_leads_to_those_concerned(home):
    awaiting = home.get_by_role("region", name="À traiter")
    expect(awaiting.get_by_role("listitem")).to_contain_text(
        [re.compile(r"1\s+enfant proche de l’âge limite"), re.compile(r"1\s+demande a reçu une réponse")]
    )
    awaiting.get_by_role("link", name="âge limite").click()
    expect(home.locator("#employees tbody tr")).to_have_count(1)
    expect(home.locator("#employees tbody tr")).to_contain_text("Noé")
    same_after_reload(home)


def test_the_profile_says_who_and_how_many(home):
    profile = home.get_by_role("region", name="Votre profil")
    for words in ("Mme Sylvie Monneret", "Ateliers Combe-Noire", "01\u00a099\u00a000\u00a010\u00a001"):
        expect(profile).to_contain_text(words)
    expect(profile).to_contain_text(re.compile(r"Demandes\s*2, dont 1 en cours"))


def test_the_chart_has_its_figures_in_a_table(home):
    head_count = home.get_by_role("region", name="Effectif par collège")
    said = head_count.get_by_role("img").get_attribute("aria-label")
    assert said.startswith("Salariés par collège de") and "Cadres" in said
    head_count.get_by_text("Voir les chiffres").click()
    table = head_count.get_by_role("table")
    expect(table.get_by_role("columnheader")).to_have_text(["Mois", "Non-cadres", "Cadres", "Ensemble du personnel"])
    expect(table.get_by_role("row")).to_have_count(13)
    last = [int(text) for text in table.get_by_role("row").last.get_by_role("cell").all_inner_texts()]
    assert sum(last) == 65
    axe(home)
    same_after_reload(home)


def test_accounts_are_found_sorted_and_paged(page):
    sign_in(page, scenery.portfolio())
    page.goto("/")
    accounts = page.locator("#home")
    columns = ["Compte", "Contact", "Téléphone", "Email", "Bénéf."]
    expect(accounts.get_by_role("columnheader")).to_have_text(columns)
    expect(accounts.locator(".ui-foot p").first).to_have_text("Affichage de l’élément 1 à 10 sur 105 éléments")
    accounts.get_by_role("link", name="Suivant").click()
    expect(accounts.locator(".ui-foot p").first).to_have_text("Affichage de l’élément 11 à 20 sur 105 éléments")
    accounts.get_by_role("columnheader", name="Compte").get_by_role("link").click()
    expect(accounts.get_by_role("columnheader", name="Compte")).to_have_attribute("aria-sort", re.compile("scending"))
    settled(page)
    accounts.get_by_role("searchbox").fill("zinguerie")
    accounts.get_by_role("searchbox").press("Enter")
    expect(accounts.locator("tbody tr")).to_have_count(1)
    settled(page)
    same_after_reload(page)
    accounts.get_by_role("link", name="Zinguerie Morel").click()
    expect(page.get_by_role("group", name="Périmètre affiché")).to_contain_text("Zinguerie Morel")
    assert path(page).startswith("/salaries?perimetre=")
    same_after_reload(page)

"""« Liste des contrats », and the page of one of them."""

import pytest
from playwright.sync_api import expect

from tests.journeys import scenery
from tests.journeys.browser import axe, path, same_after_reload, settled, sign_in

COLUMNS = ["Contrat", "Entreprise et collège", "Payeur", "Mode règlement", "Périodicité", "Date Souscription"]


@pytest.fixture
def contracts(page):
    sign_in(page, scenery.roster())
    page.goto("/contrats")
    return page


def test_the_list_holds_every_column_and_sorts_on_each(contracts):
    headings = contracts.get_by_role("table", name="Contrats").get_by_role("columnheader")
    expect(headings).to_have_text([*COLUMNS, "Prise en charge"])
    expect(contracts.get_by_text("Affichage de l’élément 1 à 3 sur 3 éléments")).to_be_visible()
    for place, way in ((6, "ascending"), (6, "descending"), (0, "ascending"), (0, "descending")):
        headings.nth(place).get_by_role("link").click()
        expect(headings.nth(place)).to_have_attribute("aria-sort", way)
    settled(contracts)
    assert "tri=-contrat" in path(contracts)
    axe(contracts)
    same_after_reload(contracts)


def test_a_contract_has_a_page_that_leads_to_the_people_it_covers(contracts):
    contracts.get_by_role("row").nth(1).get_by_role("link").click()
    expect(contracts.get_by_role("heading", level=1)).to_contain_text("Contrat HJ")
    for words in ("Payeur", "Mode règlement", "Prélèvement", "Trimestrielle", "60\u202f%", "01/01/2012", "Essentielle"):
        expect(contracts.get_by_role("main")).to_contain_text(words)
    expect(contracts.get_by_role("main")).to_contain_text("Aucun document pour ce contrat.")
    axe(contracts)
    same_after_reload(contracts)
    contracts.get_by_role("main").locator("a[href*='contrat=']").first.click()
    expect(contracts.get_by_role("heading", level=1)).to_have_text("Salariés / Bénéficiaires")
    expect(contracts.locator(".ui-chip")).to_contain_text("Contrat HJ")
    same_after_reload(contracts)

"""« Vérifier une couverture » in a browser: from « Accueil » to the answer, by the card and without it."""

from playwright.sync_api import expect

from portal.models import Beneficiary, UserRole
from tests import factories
from tests.journeys import scenery
from tests.journeys.browser import axe, sign_in


def test_a_health_professional_learns_whether_a_patient_is_covered(page):
    scenery.roster()
    patient = Beneficiary.get(Beneficiary.member_number == "00638300")
    sign_in(page, factories.user(role=UserRole.HEALTH_PROFESSIONAL))
    page.goto("/")
    page.get_by_role("main").get_by_role("link", name="Vérifier une couverture").click()
    page.get_by_label("Numéro d’adhérent").fill(patient.member_number)
    page.get_by_role("button", name="Vérifier", exact=True).click()
    answer = page.get_by_role("status", name="Réponse")
    expect(answer).to_contain_text("Couvert le")
    expect(answer).to_contain_text(patient.contract.number)
    axe(page)
    page.get_by_role("link", name="Un autre patient").click()
    page.get_by_label("N° de sécurité sociale").fill(scenery.NIR)
    page.get_by_label("Date de naissance").fill("01/01/1990")
    page.get_by_role("button", name="Vérifier", exact=True).click()
    expect(answer).to_contain_text("Non trouvé")
    assert page.url.endswith("/couverture")
    axe(page)

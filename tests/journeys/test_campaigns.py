"""The mutual asks many for a document: who and how many is seen before; then it can be made longer, or stopped."""

import datetime

from portal import clock
from portal.models import DocumentRequest, UserRole
from tests import factories
from tests.journeys import scenery
from tests.journeys.browser import expect, sign_in


def test_a_campaign_is_counted_opened_made_longer_and_stopped(page, database):
    scenery.roster()
    sign_in(page, factories.user(role=UserRole.STAFF))
    day = clock.today() + datetime.timedelta(days=40)
    page.complaints.expects(422)
    page.goto("/gestion/justificatifs")
    page.get_by_role("link", name="Campagnes").click()
    page.get_by_role("link", name="Nouvelle campagne").click()
    page.get_by_label("Justificatif demandé").select_option("Attestation de droits à l’Assurance maladie")
    page.get_by_text("Les salariés", exact=True).click()
    page.get_by_label("Date limite").fill(f"{day:%d/%m/%Y}")
    page.get_by_role("button", name="Voir combien de personnes").click()
    expect(page.get_by_role("link", name="Donnez un nom à la campagne.")).to_be_visible()
    page.get_by_label("Nom de la campagne").fill("Droits")
    page.get_by_role("button", name="Voir combien de personnes").click()
    expect(page.get_by_text("Rien n’est encore demandé")).to_be_visible()
    assert not DocumentRequest.select().where(DocumentRequest.campaign == "Droits").exists()
    page.get_by_role("button", name="Ouvrir la campagne").click()
    expect(page.get_by_text("La campagne est ouverte")).to_be_visible()
    page.get_by_role("link", name="Droits").click()
    later = clock.today() + datetime.timedelta(days=80)
    page.get_by_label("Nouvelle date limite").fill(f"{later:%d/%m/%Y}")
    page.get_by_role("button", name="Prolonger").click()
    expect(page.get_by_text("La date limite est changée")).to_be_visible()
    page.get_by_role("link", name="Droits").click()
    page.get_by_role("button", name="Arrêter la campagne").click()
    expect(page.get_by_text("La campagne est arrêtée")).to_be_visible()
    assert not DocumentRequest.awaited().where(DocumentRequest.campaign == "Droits").exists()

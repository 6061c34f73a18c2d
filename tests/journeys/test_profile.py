"""« Mon compte »: appearance, rows per page, password, sessions."""

import pytest
from playwright.sync_api import expect

from portal import clock
from portal.models import UserSession
from tests import factories
from tests.journeys import scenery
from tests.journeys.browser import axe, same_after_reload, sign_in

NEW_PASSWORD = "bouleau timbre cascade lanterne"
PAGE_COLOUR = "getComputedStyle(document.body).backgroundColor"


@pytest.fixture
def user(page):
    signed_in = scenery.roster()
    sign_in(page, signed_in)
    page.goto("/")
    page.locator("summary.ui-user").click()
    page.get_by_role("link", name="Mon compte").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Mon compte")
    return signed_in


def test_the_dark_appearance_applies_everywhere_and_never_on_paper(page, user):
    light = page.evaluate(PAGE_COLOUR)
    page.get_by_text("Sombre", exact=True).click()
    page.get_by_role("button", name="Enregistrer l’affichage").click()
    expect(page.locator("#flash")).to_contain_text("L’affichage est enregistré.")
    dark = page.evaluate(PAGE_COLOUR)
    assert dark != light
    axe(page)
    page.goto("/salaries")
    assert page.evaluate(PAGE_COLOUR) == dark
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
    page.emulate_media(media="screen")
    page.goto("/compte")
    page.get_by_text("Claire", exact=True).click()
    page.get_by_role("button", name="Enregistrer l’affichage").click()
    expect(page.locator("#flash")).to_contain_text("L’affichage est enregistré.")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(PAGE_COLOUR) == light
    same_after_reload(page)


def test_the_preferred_number_of_rows_is_the_one_of_the_lists(page, user):
    page.get_by_label("Lignes par page").select_option("50")
    page.get_by_role("button", name="Enregistrer l’affichage").click()
    expect(page.locator("#flash")).to_contain_text("L’affichage est enregistré.")
    same_after_reload(page)
    page.goto("/salaries")
    expect(page.get_by_text("Affichage de l’élément 1 à 50 sur 67 éléments")).to_be_visible()
    same_after_reload(page)


def fill_passwords(page, now, new, again):
    page.get_by_label("Mot de passe actuel").fill(now)
    page.get_by_label("Nouveau mot de passe").fill(new)
    page.get_by_label("Le même, une seconde fois").fill(again)
    page.get_by_role("button", name="Changer de mot de passe").click()


def test_a_password_is_changed_after_its_faults_are_told(page, user, open_browser):
    other = open_browser(js=page.js)
    sign_in(other, user)
    page.complaints.expects(422)
    fill_passwords(page, factories.PASSWORD, "court", "autre")
    summary = page.get_by_role("alert")
    expect(summary.get_by_role("link")).to_have_count(2)
    expect(summary).to_be_focused()
    axe(page)
    page.goto("/compte")
    fill_passwords(page, "ce n’est pas le bon", NEW_PASSWORD, NEW_PASSWORD)
    expect(page.get_by_role("alert")).to_contain_text("Ce n’est pas votre mot de passe actuel.")
    fill_passwords(page, factories.PASSWORD, NEW_PASSWORD, NEW_PASSWORD)
    expect(page.locator("#flash")).to_contain_text("Votre mot de passe est changé.")
    same_after_reload(page)
    other.goto("/salaries")
    expect(other.get_by_role("heading", level=1)).to_have_text("Se connecter")


def test_another_session_is_seen_and_ended(page, user, open_browser):
    other = open_browser(js=page.js)
    sign_in(other, user)
    page.reload()
    sessions = page.get_by_role("region", name="Sessions ouvertes")
    expect(sessions.get_by_role("listitem")).to_have_count(2)
    expect(sessions).to_contain_text("Cette session")
    sessions.get_by_role("button", name="Fermer la session").click()
    expect(page.locator("#flash")).to_contain_text("La session est fermée.")
    expect(sessions.get_by_role("listitem")).to_have_count(1)
    assert UserSession.select().where(UserSession.ended_at.is_null()).count() == 1
    same_after_reload(page)
    other.goto("/salaries")
    expect(other.get_by_role("heading", level=1)).to_have_text("Se connecter")
    assert len(list(user.open_sessions(clock.now()))) == 1

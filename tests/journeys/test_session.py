"""A session that is lost, about to end, or prolonged; a password that is forgotten."""

import email
import email.policy
import re
from urllib.parse import parse_qsl

from playwright.sync_api import expect

from portal import clock, outbox
from portal.models import UserSession
from tests.journeys import scenery
from tests.journeys.browser import axe, path, same_after_reload, sign_in, type_in
from tests.journeys.test_profile import NEW_PASSWORD
from tests.journeys.test_signing_in import type_password


def end_every_session():
    UserSession.update(ended_at=clock.now()).execute()


def test_a_session_lost_while_filtering_is_found_again_on_the_same_list(page):
    user = scenery.roster()
    sign_in(page, user)
    page.goto("/salaries?tri=-naissance&lignes=10")
    page.complaints.expects(401)
    type_in(page, page.get_by_label("Nom, prénom ou n° d’adhérent"), "perrier")
    expect(page.get_by_text("sur 7 éléments")).to_be_visible()
    left = path(page)
    end_every_session()
    page.get_by_role("columnheader", name="Prénom").get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Se connecter")
    type_password(page, user)
    expect(page.get_by_text("sur 7 éléments")).to_be_visible()
    # With JavaScript one is back on the list one saw; without, on the one that was asked for.
    assert parameters(path(page)) == parameters(left) | ({} if page.js else {"tri": "prenom"})
    same_after_reload(page)


def parameters(address):
    return dict(parse_qsl(address.partition("?")[2]))


def show_idle_banner(page):
    """As if 28 minutes had passed: the clock of the style sheet is moved to its end."""
    banner = page.locator("#idle")
    expect(banner).to_be_hidden()
    page.evaluate("for (const running of document.querySelector('#idle').getAnimations()) running.finish()")
    expect(banner).to_be_visible()
    return banner


def test_two_minutes_before_the_end_one_continues_without_losing_what_is_typed(page):
    sign_in(page, scenery.roster())
    page.goto("/salaries")
    field = page.get_by_label("Début filtre date")
    if page.js:
        type_in(page, field, "01/0")
    else:
        field.fill("01/0")
    banner = show_idle_banner(page)
    axe(page)
    button = banner.get_by_role("button", name="Continuer")
    if page.js:
        button.click()
        expect(banner).to_be_hidden()
        assert len(page.context.pages) == 1
    else:
        with page.context.expect_page() as opened:
            button.click()
        expect(opened.value.get_by_role("heading", level=1)).to_have_text("Session prolongée")
        opened.value.close()
    expect(field).to_have_value("01/0")


def test_a_forgotten_password_is_replaced_by_a_link_that_works_once(page, open_browser):
    user = scenery.roster()
    other = open_browser(js=page.js)
    sign_in(other, user)
    page.goto("/connexion")
    page.get_by_role("link", name="J’ai oublié mon mot de passe").click()
    page.get_by_label("Courriel").fill(user.identifier.upper())
    page.get_by_role("button", name="Recevoir un lien").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Consultez vos courriels")
    same_after_reload(page)
    link = link_of_the_only_letter(page.app.settings)
    page.goto(link)
    page.complaints.expects(422, 410)
    fill(page, "court", "court")
    expect(page.get_by_role("alert")).to_be_focused()
    axe(page)
    fill(page, NEW_PASSWORD, NEW_PASSWORD)
    expect(page.get_by_role("heading", level=1)).to_have_text("Se connecter")
    expect(page.locator("#flash")).to_contain_text("Votre mot de passe est changé.")
    other.goto("/salaries")
    expect(other.get_by_role("heading", level=1)).to_have_text("Se connecter")
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Ce lien ne fonctionne plus")
    page.goto("/connexion")
    type_password(page, user, NEW_PASSWORD)
    expect(page.get_by_role("heading", level=1)).to_have_text("Tableau de bord Entreprises")
    same_after_reload(page)


def fill(page, new, again):
    page.get_by_label("Nouveau mot de passe").fill(new)
    page.get_by_label("Le même, une seconde fois").fill(again)
    page.get_by_role("button", name="Enregistrer ce mot de passe").click()


def link_of_the_only_letter(settings):
    """The path of the link that was written in the outbox."""
    assert outbox.send_due(settings, clock.now()) == 1
    (letter,) = (settings.instance / "outbox").glob("*.eml")
    mail = email.message_from_bytes(letter.read_bytes(), policy=email.policy.default)
    text = mail.get_body(("plain",)).get_content()
    return re.search(r"http://localhost(/mot-de-passe/\S+)", text)[1]

"""A company gives rights to its accountant, changes them, takes them back; and says once a year that they are right."""

import datetime

from playwright.sync_api import expect

from portal import clock, credentials
from portal.models import PermissionGrant, User, UserSession
from tests import factories
from tests.journeys import scenery
from tests.journeys.browser import axe, same_after_reload, sign_in


def test_an_accountant_is_invited_changed_and_removed(page, open_browser, database):
    sign_in(page, scenery.roster())
    page.goto("/habilitations")
    page.get_by_role("link", name="Inviter une personne").click()
    page.get_by_label("Courriel").fill("aude@cabinet.example")
    page.get_by_label("Prénom").fill("Aude")
    page.get_by_label("Nom", exact=True).fill("Sirugue")
    page.get_by_text("Cotisations\u00a0: règlements").click()
    axe(page)
    page.get_by_role("button", name="Donner l’habilitation").click()
    expect(page.locator("#flash")).to_contain_text("L’habilitation d’Aude Sirugue est enregistrée")
    expect(page.get_by_text("Invitation envoyée")).to_be_visible()
    same_after_reload(page)

    invited = User.get(User.identifier == "aude@cabinet.example")
    invited.change_password(credentials.hash_password(factories.PASSWORD), clock.now())
    theirs = open_browser(js=page.js)
    sign_in(theirs, invited)
    theirs.goto("/cotisations")
    expect(theirs.get_by_role("heading", level=1)).to_have_text("Règlement des cotisations")
    expect(theirs.get_by_role("link", name="Demandes")).to_have_count(0)

    page.get_by_role("link", name="Aude Sirugue").click()
    page.get_by_text("Écrire à la mutuelle\u00a0: demandes").click()
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.locator("#flash")).to_contain_text("changée")
    theirs.goto("/cotisations")
    theirs.get_by_role("link", name="Demandes").click()
    expect(theirs.get_by_role("heading", level=1)).to_have_text("Demandes")

    page.get_by_role("link", name="Aude Sirugue").click()
    page.get_by_text("Retirer", exact=True).click()
    page.get_by_role("button", name="Retirer l’habilitation").click()
    expect(page.locator("#flash")).to_contain_text("retirée")
    theirs.complaints.expects(403)
    theirs.goto("/cotisations")
    expect(theirs.get_by_role("heading", level=1)).to_have_text("Vous n’avez pas accès à cette page")


def test_rights_that_are_still_right_are_confirmed(page, database):
    hr = scenery.roster()
    old = factories.user(accounts=list(hr.accounts()))
    long_ago = clock.now() - datetime.timedelta(days=400)
    named = PermissionGrant.named(old, "Odile Burdet")
    PermissionGrant.update(confirmed_at=long_ago, **named).where(PermissionGrant.user == old).execute()
    sign_in(page, hr)
    page.goto("/habilitations?etat=confirmer")
    expect(page.get_by_label("Odile Burdet, Ateliers Combe-Noire")).to_be_checked()
    axe(page)
    page.get_by_role("button", name="Toujours habilités").click()
    expect(page.locator("#flash")).to_contain_text("confirmée pour un an")
    expect(page.get_by_role("heading", name="Rien à confirmer")).to_be_visible()
    same_after_reload(page)


def test_a_right_is_given_after_the_password_and_the_code_without_typing_it_again(page, database):
    hr = scenery.roster()
    key = factories.second_factor(hr)[1]
    sign_in(page, hr)
    page.goto("/habilitations/nouvelle")
    page.get_by_label("Courriel").fill("aude@sirugue.example")
    page.get_by_label("Prénom").fill("Aude")
    page.get_by_label("Nom", exact=True).fill("Sirugue")
    UserSession.update(proved_at=clock.now() - datetime.timedelta(minutes=11)).execute()
    page.complaints.expects(403, 422)
    page.get_by_role("button", name="Donner").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirmez que c’est bien vous")
    expect(page.get_by_label("Votre mot de passe")).to_be_focused()
    axe(page)
    page.get_by_label("Votre mot de passe").fill("ce n’est pas lui")
    page.get_by_label("Code à six chiffres").fill(factories.code_of(key))
    page.get_by_role("button", name="Confirmer").click()
    expect(page.get_by_role("alert")).to_contain_text("Ce n’est pas votre mot de passe.")
    axe(page)
    page.get_by_label("Votre mot de passe").fill(factories.PASSWORD)
    page.get_by_label("Code à six chiffres").fill(factories.code_of(key))
    page.get_by_role("button", name="Confirmer").click()
    expect(page.locator("#flash")).to_contain_text("L’habilitation d’Aude Sirugue est enregistrée.")
    expect(page.get_by_role("heading", level=1)).to_have_text("Habilitations")
    same_after_reload(page)

"""What goes wrong says what to do, and takes nothing away."""

import uuid

from playwright.sync_api import expect

from portal.models import Beneficiary
from tests.journeys import scenery
from tests.journeys.browser import axe, same_after_reload, sign_in


def test_a_page_that_does_not_exist_says_where_to_go(page, hr):
    page.complaints.expects(404)
    page.goto("/nulle-part")
    expect(page.get_by_role("heading", level=1)).to_have_text("Cette page n’existe pas")
    axe(page)
    page.get_by_role("link", name="Revenir à l’accueil").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Mon espace")
    sign_in(page, hr)
    page.goto(f"/salaries/{uuid.uuid4()}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Cette page n’existe pas")


def test_a_person_who_has_gone_leaves_the_list_on_the_screen(page):
    sign_in(page, scenery.roster())
    page.goto("/salaries?q=zoe")
    page.complaints.expects(404)
    Beneficiary.delete().where(Beneficiary.member_number == "00638246").execute()
    page.locator("#employees tbody a").click()
    if page.js:
        expect(page.locator("#flash")).to_contain_text("Cette page n’existe pas.")
        expect(page.locator("#employees tbody tr")).to_have_count(1)
        assert page.url.endswith("/salaries?q=zoe")
        axe(page)
    else:
        expect(page.get_by_role("heading", level=1)).to_have_text("Cette page n’existe pas")


def test_a_network_that_is_gone_is_said_and_what_was_typed_stays(page):
    if not page.js:
        return  # the browser says it by itself
    sign_in(page, scenery.roster())
    page.goto("/salaries")
    page.context.set_offline(True)
    page.locator("#q").fill("zoe")
    expect(page.locator("#flash")).to_contain_text("Pas de réponse")
    page.context.set_offline(False)
    page.complaints.clear()  # what the browser says of it
    expect(page.locator("#q")).to_have_value("zoe")
    page.get_by_role("button", name="Rechercher").click()
    expect(page.locator("#employees tbody tr")).to_have_count(1)
    expect(page.locator("#flash")).to_be_empty()


def test_a_form_whose_token_is_old_explains_itself(page, hr):
    sign_in(page, hr)
    page.goto("/compte")
    page.complaints.expects(400)
    page.evaluate("for (const token of document.querySelectorAll('[name=csrf_token]')) token.value = 'old'")
    page.get_by_role("button", name="Enregistrer l’affichage").click()
    expect(page.get_by_text("Cette page était ouverte depuis trop longtemps")).to_be_visible()
    axe(page)


def test_the_help_can_be_read_signed_out(page):
    page.goto("/aide")
    page.get_by_role("link", name="Se connecter").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Se connecter")
    expect(page.get_by_role("heading", level=2)).to_contain_text(["Se connecter", "J’ai oublié mon mot de passe"])
    page.get_by_role("link", name="Aide", exact=True).click()
    page.get_by_role("link", name="Premiers pas").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Premiers pas")
    same_after_reload(page)

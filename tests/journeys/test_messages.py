"""« Courriels et SMS »: the staff look for what failed and send it again; a user chooses what comes, and when."""

import pytest
from playwright.sync_api import expect

from portal.models import MessageState, OutboxMessage, UserRole
from tests import factories
from tests.journeys import scenery
from tests.journeys.browser import axe, path, same_after_reload, settled, sign_in


@pytest.fixture
def staff(page):
    factories.messages()
    sign_in(page, factories.user(role=UserRole.STAFF))
    page.goto("/")
    page.get_by_role("link", name="Courriels et SMS").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Courriels et SMS")


def rows(page):
    return page.get_by_role("table").get_by_role("row").filter(has=page.get_by_role("cell"))


def test_what_failed_is_found_and_sent_again(page, staff):
    expect(rows(page)).to_have_count(3)
    axe(page)
    page.get_by_label("Nature").select_option("Sécurité")
    if not page.js:
        page.get_by_role("button", name="Filtrer").click()
    expect(rows(page)).to_have_count(1)
    settled(page)
    assert "nature=securite" in path(page)
    same_after_reload(page)
    page.get_by_role("button", name="Renvoyer : Sécurité").click()
    expect(page.locator("#flash")).to_contain_text("1 message part de nouveau")
    expect(page.get_by_role("heading", name="Aucun message ne correspond")).to_be_visible()
    expect(page.locator("#badge-staff_messages")).to_contain_text("2")
    same_after_reload(page)
    axe(page)


def test_all_go_again_at_once(page, staff):
    page.get_by_text("Renvoyer tout").click()
    page.get_by_role("button", name="Renvoyer les 3 messages").click()
    expect(page.locator("#flash")).to_contain_text("3 messages partent de nouveau")
    expect(page.get_by_role("heading", name="Aucun échec")).to_be_visible()
    assert OutboxMessage.select().where(OutboxMessage.state == MessageState.FAILED).count() == 0
    page.get_by_role("link", name="Voir tous les messages").click()
    expect(rows(page)).to_have_count(8)
    same_after_reload(page)


def test_one_chooses_what_comes_and_when(page):
    user = scenery.roster()
    sign_in(page, user)
    page.goto("/compte")
    kind = page.get_by_role("group", name="Fichiers d’affiliations")
    expect(kind.get_by_label("Tout de suite")).to_be_checked()
    kind.get_by_text("Une fois par jour").click()
    page.get_by_role("group", name="Adhésions des salariés").get_by_text("Jamais").click()
    page.get_by_role("button", name="Enregistrer ces choix").click()
    expect(page.locator("#flash")).to_contain_text("Vos choix sont enregistrés.")
    expect(kind.get_by_label("Une fois par jour")).to_be_checked()
    same_after_reload(page)
    axe(page)
    assert {kind: delivery for kind, delivery in user.deliveries().items() if delivery != "AT_ONCE"} == {
        "IMPORT": "DAILY",
        "ENROLMENT": "NONE",
    }

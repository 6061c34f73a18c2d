"""An administrator invites a colleague, changes what they may do, and looks at the portal as somebody sees it."""

import dataclasses

import pytest

from portal.models import AuditEvent, SecondFactor, User, UserRole
from portal.rules import staff_roles
from portal.rules.staff_roles import Duty
from tests import factories
from tests.journeys import scenery
from tests.journeys.browser import axe, expect, same_after_reload, sign_in


def test_a_colleague_is_invited_and_given_other_roles(page, database):
    sign_in(page, factories.user(role=UserRole.ADMIN))
    page.goto("/gestion")
    page.get_by_role("link", name="Utilisateurs", exact=True).click()
    page.get_by_role("link", name="Inviter un gestionnaire").click()
    page.get_by_label("Prénom").fill("Zoé")
    page.get_by_label("Nom", exact=True).fill("Lamy")
    page.get_by_role("textbox", name="Courriel").fill("zoe.lamy@example.com")
    page.get_by_text("journal et données consultées").click()
    page.get_by_role("button", name="Inviter").click()
    expect(page.get_by_text("L’invitation est partie")).to_be_visible()
    page.get_by_text("journal et données consultées").click()
    page.get_by_role("button", name="Enregistrer les rôles").click()
    expect(page.get_by_text("Les rôles sont enregistrés")).to_be_visible()
    page.get_by_role("button", name="Fermer l’accès").click()
    expect(page.get_by_text("L’accès est fermé")).to_be_visible()
    assert User.get(User.last_name == "Lamy").disabled_at is not None


# ── A role that two people give ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def chosen_settings(chosen_settings):
    return dataclasses.replace(chosen_settings, people_to_confirm=2)


@pytest.fixture
def colleague(page, database):
    """To whom an administrator has just proposed the role that gives roles."""
    found = factories.user(role=UserRole.STAFF, last_name="Lamy", duties=staff_roles.USUAL)
    sign_in(page, factories.user(role=UserRole.ADMIN, last_name="Tissot"))
    page.goto(f"/gestion/utilisateurs/{found.public_id}")
    page.get_by_text("accès et rôles de la mutuelle").click()
    page.get_by_role("button", name="Enregistrer les rôles").click()
    expect(page.get_by_text("À confirmer par une seconde personne.")).to_be_visible()
    expect(page.get_by_role("button", name="Confirmer")).to_have_count(0)  # not by who proposed it
    return found


def another(open_browser, page, colleague):
    """The window of a second administrator, on the page of that colleague."""
    window = open_browser(js=page.js)
    sign_in(window, factories.user(role=UserRole.ADMIN, last_name="Perrin"))
    window.goto(f"/gestion/utilisateurs/{colleague.public_id}")
    return window


def test_a_second_person_agrees_to_the_role_that_gives_roles(page, open_browser, colleague):
    window = another(open_browser, page, colleague)
    axe(window)
    window.get_by_role("button", name="Confirmer").click()
    expect(window.get_by_text("Les rôles sont confirmés")).to_be_visible()
    same_after_reload(window)
    assert User.get_by_id(colleague.id).duties & Duty.USERS


def test_a_proposal_lapses_after_seven_days(page, open_browser, colleague, at):
    at(days=6, hours=23)
    early = another(open_browser, page, colleague)
    expect(early.get_by_role("button", name="Confirmer")).to_be_visible()
    at(days=7, minutes=1)
    early.complaints.expects(401, 403)
    late = another(open_browser, page, colleague)
    expect(late.get_by_role("heading", name="Ses rôles à la mutuelle")).to_be_visible()
    expect(late.get_by_text("À confirmer par une seconde personne.")).to_have_count(0)
    expect(late.get_by_text("Proposition tombée.")).to_be_visible()
    expect(late.get_by_text("accès et rôles de la mutuelle")).to_be_visible()
    assert not User.get_by_id(colleague.id).duties & Duty.USERS


def test_a_lost_factor_goes_once_a_second_person_agrees(page, open_browser, database):
    found = factories.user(role=UserRole.STAFF, last_name="Lamy", duties=staff_roles.USUAL)
    factories.second_factor(found)
    sign_in(page, factories.user(role=UserRole.ADMIN, last_name="Tissot"))
    page.goto(f"/gestion/utilisateurs/{found.public_id}")
    page.get_by_role("button", name="Remettre à zéro la double authentification").click()
    expect(page.get_by_text("attend l’accord d’une seconde personne")).to_be_visible()
    expect(page.get_by_role("button", name="Confirmer")).to_have_count(0)
    same_after_reload(page)
    window = open_browser(js=page.js)
    sign_in(window, factories.user(role=UserRole.ADMIN, last_name="Perrin"))
    window.goto("/gestion")
    window.get_by_role("link", name="Accès à confirmer").click()
    window.get_by_role("link", name="Lamy").click()
    axe(window)
    window.get_by_role("button", name="Confirmer").click()
    expect(window.get_by_text("La double authentification est remise à zéro")).to_be_visible()
    same_after_reload(window)
    assert not SecondFactor.of(found).exists()


# ── « Voir comme » ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def shown(page, database):
    """Somebody of a company, whose portal an administrator looks at."""
    user = scenery.roster()
    sign_in(page, factories.user(role=UserRole.ADMIN))
    page.goto(f"/gestion/utilisateurs/{user.public_id}")
    page.get_by_label("Pourquoi").fill("Elle ne trouve pas sa liste")
    page.get_by_role("button", name="Voir le portail comme").click()
    expect(page.get_by_text("en lecture seule")).to_be_visible()
    return user


def test_the_portal_is_looked_at_as_somebody_sees_it(page, shown):
    page.goto("/salaries")
    expect(page.get_by_text("en lecture seule")).to_be_visible()
    expect(page.get_by_role("row", name="Barbaud").first).to_be_visible()
    axe(page)
    same_after_reload(page)
    page.get_by_role("button", name="Quitter").click()
    expect(page.get_by_role("heading", name=shown.full_name)).to_be_visible()
    said = [event.action for event in AuditEvent.select().where(AuditEvent.action.startswith("view_as"))]
    assert said == ["view_as.start", "view_as.end"]


def test_nothing_is_changed_while_one_looks(page, shown):
    page.complaints.expects(403)
    page.goto("/compte")
    page.get_by_label("Lignes par page").select_option("100")
    page.get_by_role("region", name="Affichage").get_by_role("button").click()
    expect(page.get_by_text("rien ne se change ni ne se télécharge ainsi")).to_be_visible()
    assert User.get_by_id(shown.id).rows_per_page == shown.rows_per_page != 100


def test_after_half_an_hour_one_is_oneself_again(page, shown, at):
    at(minutes=14)
    page.goto("/salaries")
    expect(page.get_by_text("en lecture seule")).to_be_visible()
    at(minutes=28)
    page.goto("/salaries")
    at(minutes=31)
    page.goto("/")
    expect(page.get_by_text("en lecture seule")).to_have_count(0)
    expect(page.get_by_role("link", name="Utilisateurs", exact=True)).to_be_visible()

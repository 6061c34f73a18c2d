"""An administrator invites a colleague, changes what they may do, and looks at the portal as somebody sees it."""

from portal.models import User, UserRole
from tests import factories
from tests.journeys import scenery
from tests.journeys.browser import expect, sign_in


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


def test_the_portal_is_looked_at_as_somebody_sees_it(page, database):
    user = scenery.roster()
    page.complaints.expects(403)
    sign_in(page, factories.user(role=UserRole.ADMIN))
    page.goto(f"/gestion/utilisateurs/{user.public_id}")
    page.get_by_label("Pourquoi").fill("Elle ne trouve pas sa liste")
    page.get_by_role("button", name="Voir le portail comme").click()
    expect(page.get_by_text("en lecture seule")).to_be_visible()
    page.goto("/salaries")
    expect(page.get_by_text("en lecture seule")).to_be_visible()
    page.get_by_role("button", name="Quitter").click()
    expect(page.get_by_role("heading", name=user.full_name)).to_be_visible()

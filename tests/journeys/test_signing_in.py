"""From « Mon espace » to « Accueil », and what happens when the password or the session is lost."""

from playwright.sync_api import expect

from tests import factories
from tests.journeys.browser import axe, same_after_reload, sign_in


def type_password(page, user, password=factories.PASSWORD):
    page.get_by_label("Identifiant").fill(user.identifier)
    page.get_by_label("Mot de passe").fill(password)
    page.get_by_role("button", name="Se connecter").click()


def test_a_visitor_signs_in_after_a_wrong_password(page, hr):
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Mon espace")
    page.get_by_role("link", name="CONNEXION à l’espace PRO").click()
    expect(page).to_have_title("Se connecter – Trait d’Union")
    page.complaints.expects(422)
    type_password(page, hr, "mauvais mot de passe")
    summary = page.get_by_role("alert")
    expect(summary.get_by_role("listitem")).to_have_count(1)
    expect(summary).to_contain_text("Cet identifiant et ce mot de passe ne vont pas ensemble.")
    expect(summary).to_be_focused()
    expect(page).to_have_title("Erreur : Se connecter – Trait d’Union")
    expect(page.get_by_label("Identifiant")).to_have_value(hr.identifier)
    axe(page)
    type_password(page, hr)
    expect(page.get_by_role("heading", level=1)).to_have_text("Tableau de bord Entreprises")
    tiles = page.get_by_role("navigation", name="Accès rapides").get_by_role("link")
    expect(tiles).to_contain_text(["Contrats en cours3", "Salariés9", "Affiliations en cours0", "Documents0"])
    same_after_reload(page)


def test_signing_out_leaves_nothing_behind_the_back_button(page, hr):
    sign_in(page, hr)
    page.goto("/salaries")
    expect(page.get_by_text("BARBAUD").first).to_be_visible()
    page.locator("summary.ui-user").click()
    page.get_by_role("button", name="Déconnexion").click()
    expect(page.get_by_text("Vous êtes déconnecté.")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Se connecter")
    assert "BARBAUD" not in page.content()

"""« Inscription » in a browser: from « Mon espace » to the mutual's decision, and to the first sign-in."""

import io
import re

import pytest
from playwright.sync_api import expect

from portal.models import OutboxMessage, Registration, UserRole
from tests import factories, files
from tests.journeys import scenery
from tests.journeys.browser import axe, same_after_reload, sign_in

PASSWORD = "cheval correct pile agrafe montagne"


@pytest.fixture
def contract():
    user = scenery.roster()
    return user.contracts().first()


def link_of():
    text = OutboxMessage.select().order_by(OutboxMessage.id.desc()).get().unseal()["text"]
    return re.search(r"http://\S+?(/inscription/lien/\S+)", text)[1]


def test_somebody_registers_and_the_mutual_opens_the_access(page, contract):
    register(page, contract, "nora.vidal@example.com")
    expect(page.get_by_role("heading", level=1)).to_have_text("Votre inscription est envoyée")
    axe(page)
    sign_in(page, factories.user(role=UserRole.STAFF))
    page.goto("/")
    page.get_by_role("navigation").get_by_role("link", name="Inscriptions").click()
    page.get_by_role("link", name="Nora Vidal").click()
    expect(page.get_by_role("main")).to_contain_text("kbis.pdf")
    axe(page)
    page.get_by_role("button", name="Ouvrir l’accès").click()
    expect(page.get_by_role("main")).to_contain_text("L’accès est ouvert")
    page.context.clear_cookies()
    enter(page, "nora.vidal@example.com")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Tableau de bord")
    assert Registration.get().state == "ACCEPTED"


def test_the_contact_of_the_contract_enters_at_once(page, contract):
    register(page, contract, contract.category.account.email)
    expect(page.get_by_role("heading", level=1)).to_have_text("Votre accès est ouvert")
    axe(page)
    enter(page, contract.category.account.email)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Tableau de bord")


def test_the_mutual_decides_several_at_once(page):
    for name in ("Abel", "Bazin", "Colin", "Denis"):
        health = {"role": UserRole.HEALTH_PROFESSIONAL, "number_kind": "RPPS", "number": "10003456786"}
        factories.registration(email=f"{name.lower()}@example.com", last_name=name, **health)
    factories.registration(email="rh@example.com", last_name="Ernaux")
    page.complaints.expects(409, 422)
    sign_in(page, factories.user(role=UserRole.STAFF))
    page.set_viewport_size({"width": 390, "height": 844})  # where what opens under a button may go off the screen
    page.goto("/gestion/inscriptions")
    tick(page, "Abel", "Bazin")
    page.get_by_text("Demander un complément").click()
    page.get_by_role("button", name="Demander", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Choisissez la raison")
    axe(page)
    page.get_by_role("combobox", name="Raison").select_option("OLD")
    page.get_by_role("textbox", name="Précision").fill("Une photographie suffit.")
    page.get_by_role("button", name="Demander", exact=True).click()
    expect(page.locator("#flash")).to_contain_text("2\u00a0inscriptions renvoyées pour complément")
    expect(page.get_by_role("checkbox")).to_have_count(3)
    same_after_reload(page)
    tick(page, "Colin")
    page.get_by_text("Refuser la sélection").click()
    page.get_by_role("combobox", name="Raison").select_option("NUMBER")
    page.get_by_role("button", name="Refuser", exact=True).click()
    expect(page.locator("#flash")).to_contain_text("1\u00a0inscription refusée")
    tick(page, "Denis", "Ernaux")
    page.get_by_role("button", name="Accepter la sélection").click()
    expect(page.locator("#flash")).to_contain_text("1\u00a0inscription acceptée")
    expect(page.get_by_role("main")).to_contain_text("Ses comptes se choisissent un par un")
    axe(page)
    states = [row.state for row in Registration.select().order_by(Registration.id)]
    assert states == ["INCOMPLETE", "INCOMPLETE", "REFUSED", "ACCEPTED", "RECEIVED"]


def tick(page, *names):
    for name in names:
        page.get_by_role("checkbox", name=f"Cocher Nora {name}").check()
    if page.js:
        expect(page.locator("#ticked-count")).to_contain_text("coch")


def register(page, contract, email):
    page.goto("/")
    page.get_by_role("link", name="INSCRIPTION à l’espace PRO").click()
    page.get_by_text("Espace Entreprise", exact=True).click()
    page.get_by_role("button", name="Suivant").click()
    page.get_by_label("Courriel").fill(email)
    page.get_by_role("button", name="Suivant").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Consultez vos courriels")
    page.goto(link_of())
    page.get_by_role("button", name="C’est bien mon adresse").click()
    axe(page)
    said = {"Prénom": "Nora", "Nom": "Vidal", "Raison sociale": "Ateliers Combe", "Téléphone": "01 99 00 10 20"}
    said |= {"SIRET": contract.category.company.siret, "Numéro de contrat": contract.number}
    said |= {"Choisissez un mot de passe": PASSWORD, "Le même, une seconde fois": PASSWORD}
    for label, words in said.items():
        page.get_by_label(label, exact=True).fill(words)
    kbis = {"name": "kbis.pdf", "mimeType": "application/pdf", "buffer": io.BytesIO(files.pdf()).getvalue()}
    page.get_by_label("Kbis de moins de trois mois").set_input_files(kbis)
    page.get_by_role("button", name="Envoyer mon inscription").click()


def enter(page, email):
    page.goto("/connexion")
    page.get_by_label("Identifiant").fill(email)
    page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Se connecter").click()

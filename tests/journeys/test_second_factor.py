"""A code at the door: the first application added, the code of another day, a lost telephone, « Mon compte »."""

import dataclasses
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from portal.models import Passkey, RecoveryCode, SecondFactor, TrustedDevice
from tests import factories, files
from tests.journeys.browser import axe, path, same_after_reload, sign_in
from tests.journeys.test_signing_in import type_password


@pytest.fixture
def mandatory(page):
    page.app.settings = dataclasses.replace(page.app.settings, second_factor="new_device")


def heading(page, text):
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def show(page, code, button="Continuer"):
    page.get_by_label("Code à six chiffres").fill(code)
    page.get_by_role("button", name=button).click()


def key_on(page):
    return page.locator("code").inner_text().replace(" ", "")


def test_the_first_application_is_added_on_the_way_in(page, hr, mandatory):
    page.goto("/salaries")
    type_password(page, hr)
    heading(page, "Protéger votre accès")
    page.get_by_role("button", name="Commencer").click()
    heading(page, "Ajouter une application de codes")
    same_after_reload(page)
    key = key_on(page)
    page.complaints.expects(422)
    show(page, "12 34", "Vérifier et ajouter")
    expect(page.get_by_role("alert")).to_contain_text("Ce code n’est pas le bon.")
    axe(page)
    assert key_on(page) == key, "a wrong code changes no key"
    page.get_by_label("Nom de cet appareil").fill("Téléphone")
    code = factories.code_of(key)
    show(page, f"{code[:3]} {code[3:]}", "Vérifier et ajouter")
    heading(page, "Vos codes de secours")
    axe(page)
    shown = page.locator("ol code").all_inner_texts()
    with page.expect_download() as download:
        page.get_by_role("link", name="Télécharger").click()
    kept = Path(download.value.path()).read_text().split("\n")
    assert download.value.suggested_filename == "codes-de-secours.txt"
    assert [line.strip() for line in kept[1:] if line] == shown and len(shown) == 10
    page.get_by_role("link", name="Je les ai notés").click()
    heading(page, "Salariés / Bénéficiaires")
    page.goto("/compte")
    expect(page.get_by_role("region", name="Double authentification")).to_contain_text("Il vous en reste 10.")


def test_the_code_is_asked_once_of_a_browser_that_is_trusted(page, hr, mandatory):
    key = factories.second_factor(hr)[1]
    page.goto("/salaries?q=barbaud")
    type_password(page, hr)
    heading(page, "Confirmer que c’est vous")
    expect(page.get_by_label("Code à six chiffres")).to_be_focused()
    page.goto("/salaries")
    heading(page, "Confirmer que c’est vous")
    page.complaints.expects(422)
    show(page, "000000")
    expect(page.get_by_role("alert")).to_contain_text("Attendez le suivant")
    expect(page.get_by_role("alert")).to_be_focused()
    axe(page)
    page.get_by_label("Faire confiance à cet appareil").check()
    show(page, factories.code_of(key))
    heading(page, "Salariés / Bénéficiaires")
    page.locator("summary.ui-user").click()
    page.get_by_role("button", name="Déconnexion").click()
    heading(page, "Se connecter")
    type_password(page, hr)
    heading(page, "Tableau de bord Entreprises")
    assert TrustedDevice.select().count() == 1


def test_who_has_no_telephone_enters_with_a_code_of_recovery(page, hr):
    factories.second_factor(hr)
    drawn = factories.factors.draw_codes()
    RecoveryCode.replace(hr, drawn.values())
    page.goto("/connexion")
    type_password(page, hr)
    page.get_by_role("link", name="utiliser un code de secours").click()
    page.get_by_label("Code de secours").fill(next(iter(drawn)))
    page.get_by_role("button", name="Continuer").click()
    heading(page, "Tableau de bord Entreprises")
    expect(page.get_by_text("il vous en reste 9")).to_be_visible()


def test_half_of_a_sign_in_is_left_for_another_one(page, hr):
    factories.second_factor(hr)
    page.goto("/connexion")
    type_password(page, hr)
    page.get_by_role("button", name="Me déconnecter").click()
    heading(page, "Se connecter")
    page.goto("/salaries")
    heading(page, "Se connecter")


def test_it_is_chosen_in_the_account_and_given_up(page, hr):
    sign_in(page, hr)
    page.goto("/compte")
    block = page.get_by_role("region", name="Double authentification")
    expect(block).to_contain_text("Inactive")
    block.get_by_role("button", name="Activer la double authentification").click()
    show(page, factories.code_of(key_on(page)), "Vérifier et ajouter")
    heading(page, "Vos codes de secours")
    page.get_by_role("link", name="Je les ai notés").click()
    block.get_by_role("link", name="Renommer").click()
    page.get_by_label("Nom").fill("Tablette de l’atelier")
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.locator("#flash")).to_contain_text("Le nom est changé.")
    expect(block).to_contain_text("Tablette de l’atelier")
    assert re.fullmatch(r"/compte(\?perimetre=[^#]*)?(#.*)?", path(page))
    same_after_reload(page)
    block.get_by_role("button", name="Retirer Tablette").click()
    expect(block).to_contain_text("Inactive")
    assert not SecondFactor.select().exists()


def press_key(page, name):
    """As a person does, once the page is ready: its script comes after its words."""
    if page.js:
        page.wait_for_function("() => document.onclick")
    page.get_by_role("button", name=name).click()


def test_a_passkey_is_added_and_answers_in_the_place_of_the_code(open_browser, hr, at):
    """The browser's own, of a device that Chromium imitates."""
    page = open_browser()
    key = factories.second_factor(hr)[1]
    page.server = page.complaints.server = page.server.replace("127.0.0.1", "localhost")  # no passkey is of a number
    page.app.settings = dataclasses.replace(page.app.settings, public_url=page.server)
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    kind = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options = kind | {"isUserVerified": True, "automaticPresenceSimulation": True}
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.goto(f"{page.server}/connexion?suite=/compte/cles-acces")
    type_password(page, hr)
    show(page, factories.code_of(key))
    heading(page, "Ajouter une clé d’accès")
    page.get_by_label("Nom de cette clé").fill("Ordinateur du bureau")
    press_key(page, "Ajouter la clé")
    expect(page.locator("#flash")).to_contain_text("La clé d’accès est ajoutée.")
    expect(page.get_by_role("region", name="Double authentification")).to_contain_text("Ordinateur du bureau")
    page.locator("summary.ui-user").click()
    page.get_by_role("button", name="Déconnexion").click()
    type_password(page, hr)
    heading(page, "Confirmer que c’est vous")
    axe(page)
    press_key(page, "Utiliser une clé d’accès")
    heading(page, "Tableau de bord Entreprises")
    assert Passkey.get().sign_count > 0 or Passkey.get().seen_at
    confirms(page, at)


def confirms(page, at):
    """Eleven minutes later, the same key confirms a form of a region, and one of a page."""
    page.complaints.expects(403)
    at(minutes=11)
    page.goto(f"{page.server}/habilitations/nouvelle")
    page.get_by_label("Courriel").fill("aude@sirugue.example")
    page.get_by_label("Prénom").fill("Aude")
    page.get_by_label("Nom", exact=True).fill("Sirugue")
    page.get_by_role("button", name="Donner").click()
    heading(page, "Confirmez que c’est bien vous")
    axe(page)
    press_key(page, "Utiliser plutôt une clé d’accès")
    expect(page.locator("#flash")).to_contain_text("L’habilitation d’Aude Sirugue est enregistrée.")
    at(minutes=22)
    page.goto(f"{page.server}/compte")
    page.get_by_role("button", name="Faire de nouveaux codes").click()
    heading(page, "Confirmez que c’est bien vous")
    press_key(page, "Utiliser plutôt une clé d’accès")
    heading(page, "Vos codes de secours")
    asks_by_itself(page, at)


def asks_by_itself(page, at):
    """Forms that ask by themselves: one that holds a file, and the change of the password."""
    at(minutes=34)
    page.goto(f"{page.server}/documents")
    page.get_by_text("RIB ou Coordonnées SEPA", exact=True).click()
    page.get_by_role("combobox", name="Entreprise").select_option(index=2)
    page.get_by_label("Titulaire du compte").fill("Ateliers Combe-Noire")
    page.get_by_label("IBAN", exact=True).fill("FR7630006000011234567890189")
    page.locator("input[type=file]").set_input_files(
        {"name": "rib.pdf", "mimeType": "application/pdf", "buffer": files.pdf()}
    )
    axe(page)
    press_key(page, "Envoyer avec ma clé d’accès")
    expect(page.locator("#flash")).to_contain_text("C’est reçu.")
    page.goto(f"{page.server}/compte")
    page.get_by_label("Mot de passe actuel").fill(factories.PASSWORD)
    for label in ("Nouveau mot de passe", "Le même, une seconde fois"):
        page.get_by_label(label).fill("glacier-renard-pelote-41")
    press_key(page, "Changer avec ma clé d’accès, sans code")
    expect(page.locator("#flash")).to_contain_text("Votre mot de passe est changé.")


def test_a_passkey_that_does_not_answer_leaves_the_code(page, hr):
    key = factories.second_factor(hr)[1]
    Passkey.add(hr, "Ordinateur", "AAAA", b"x", 0, hr.created_at)
    page.complaints.expects(422)
    page.goto("/connexion")
    type_password(page, hr)
    press_key(page, "Utiliser une clé d’accès")
    said = page.get_by_text("Aucune clé d’accès n’a répondu" if page.js else "Une clé d’accès a besoin de JavaScript")
    expect(said).to_be_visible()
    show(page, factories.code_of(key))
    heading(page, "Tableau de bord Entreprises")

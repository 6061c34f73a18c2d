"""Supporting documents in a browser: reminded of and taken back; deposited from a telephone, refused, sent again."""

import datetime
import re

import pytest
from playwright.sync_api import expect

from portal import clock, proofs
from portal.models import DocumentRequest, MessageState, OutboxMessage, RequestState, UserRole
from portal.rules import proofs as rules
from tests import factories, files
from tests.entrusted import token_in
from tests.journeys.browser import axe, path, same_after_reload, settled, sign_in

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def certificate(hr):
    """A school certificate that is awaited of a child, whose parent has a mobile."""
    contract = hr.contracts().first()
    born = clock.today() - datetime.timedelta(days=21 * 366)
    means = {"mobile": "+33639980102", "household_number": "F900", "title": "Mme"}
    factories.beneficiary(contract, "Lamy", "Aurélie", birth_date=datetime.date(1968, 4, 12), **means)
    child = factories.beneficiary(contract, "Lamy", "Corentin", role=2, birth_date=born, household_number="F900")
    due = clock.today() + datetime.timedelta(days=3)
    return proofs.ask(child, rules.SCHOOL_CERTIFICATE, "Certificats 2026", proofs.INSURER, clock.now(), due)


@pytest.fixture
def hr_page(page, hr, certificate):
    sign_in(page, hr)
    page.goto("/justificatifs")
    return page


def heading(page, words):
    expect(page.get_by_role("heading", level=1)).to_have_text(words)
    settled(page)


def remind(page):
    """Tick, look at what would go, and let it go."""
    page.get_by_label("Cocher Certificat de scolarité, Corentin LAMY").check()
    if page.js:
        expect(page.locator("#ticked-count")).to_have_text("1 justificatif coché")
    page.get_by_role("button", name="Relancer la sélection").click()
    heading(page, "Relancer")
    expect(page.get_by_role("main")).to_contain_text("Rien n’est encore parti")
    expect(page.get_by_role("blockquote")).to_contain_text("1 justificatif attendu")
    axe(page)
    same_after_reload(page)
    page.get_by_role("button", name="Envoyer le message").click()
    heading(page, "Relance enregistrée")


def latest():
    return OutboxMessage.select().order_by(OutboxMessage.id.desc()).first()


def deposit(page, content, name="certificat.pdf"):
    page.get_by_role("link", name="Envoyer Certificat de scolarité, Corentin").click()
    heading(page, "Certificat de scolarité")
    axe(page)
    kind = "image/png" if name.endswith("png") else "application/pdf"
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": kind, "buffer": content})
    page.get_by_role("button", name="Envoyer à la mutuelle").click()
    heading(page, "Vos justificatifs")
    expect(page.locator("#flash")).to_contain_text("C’est reçu")
    expect(page.get_by_role("main")).to_contain_text("reçu, la mutuelle l’examine")
    axe(page)


def opened(open_browser, js, text):
    """The employee's telephone, in front of what is awaited."""
    phone = open_browser(js=js, viewport=PHONE)
    phone.goto(f"/salarie/{token_in(text)}")
    axe(phone)
    phone.get_by_label("Votre date de naissance").fill("12/04/1968")
    phone.get_by_role("button", name="Continuer").first.click()
    heading(phone, "Vos justificatifs")
    axe(phone)
    return phone


def examine(desk):
    desk.goto("/gestion/justificatifs")
    axe(desk)
    desk.get_by_role("link", name="Certificat de scolarité").click()
    heading(desk, re.compile("^Certificat de scolarité, LAMY Corentin"))
    axe(desk)


def test_what_is_ticked_is_reminded_of_and_taken_back(hr_page, certificate):
    page = hr_page
    axe(page)
    remind(page)
    axe(page)
    same_after_reload(page)
    assert latest().state == MessageState.WAITING
    page.get_by_role("button", name="Annuler la relance").click()
    expect(page.locator("#flash")).to_contain_text("1 relance est reprise")
    assert path(page).partition("?")[0] == "/justificatifs"
    same_after_reload(page)
    assert latest().state == MessageState.TAKEN_BACK
    page.get_by_role("link", name="Certificat de scolarité de Corentin LAMY").click()
    expect(page.get_by_role("main")).to_contain_text("reprise avant l’envoi")
    axe(page)


def test_one_line_is_reminded_of_alone(hr_page, certificate):
    page = hr_page
    page.get_by_role("button", name="Relancer : Certificat de scolarité, Corentin LAMY").click()
    heading(page, "Relancer")
    expect(page.get_by_role("main")).to_contain_text("LAMY Aurélie")


def test_a_document_goes_from_the_reminder_to_its_acceptance(hr_page, open_browser, certificate):
    page = hr_page
    remind(page)
    phone = opened(open_browser, page.js, latest().unseal()["text"])
    deposit(phone, files.noise("PNG"), "photo.png")
    same_after_reload(phone)
    desk = open_browser(js=page.js)
    sign_in(desk, factories.user(role=UserRole.STAFF))
    examine(desk)
    desk.get_by_label("Raison").select_option("ILLEGIBLE")
    desk.get_by_role("button", name="Refuser").click()
    heading(desk, "Justificatifs reçus")
    expect(desk.locator("#flash")).to_contain_text("Le justificatif est refusé")
    page.goto(f"/justificatifs/{certificate.public_id}")
    expect(page.get_by_role("main")).to_contain_text(rules.REFUSALS["ILLEGIBLE"])
    phone.reload()
    expect(phone.get_by_role("main")).to_contain_text(rules.REFUSALS["ILLEGIBLE"])
    axe(phone)
    deposit(phone, files.pdf())
    examine(desk)
    desk.get_by_role("button", name="Accepter").click()
    heading(desk, "Justificatifs reçus")
    assert DocumentRequest.get_by_id(certificate.id).state == RequestState.ACCEPTED
    page.reload()
    expect(page.get_by_role("main")).to_contain_text("Accepté")
    axe(page)
    same_after_reload(page)


def test_hr_deposits_the_document_itself(hr_page):
    page = hr_page
    page.complaints.expects(422)
    page.get_by_role("link", name="Certificat de scolarité de Corentin LAMY").click()
    heading(page, "Certificat de scolarité, Corentin LAMY")
    page.get_by_role("button", name="Envoyer à la mutuelle").click()
    expect(page.get_by_role("main")).to_contain_text("Choisissez un fichier, ou prenez une photo.")
    axe(page)
    piece = {"name": "certificat.pdf", "mimeType": "application/pdf", "buffer": files.pdf()}
    page.locator("input[type=file]").set_input_files(piece)
    page.get_by_role("button", name="Envoyer à la mutuelle").click()
    expect(page.locator("#flash")).to_contain_text("C’est reçu")
    expect(page.get_by_role("main")).to_contain_text("certificat.pdf")
    same_after_reload(page)
    axe(page)


def test_the_mutual_decides_several_at_once(page, hr, certificate):
    contract = hr.contracts().first()
    for number, name in enumerate(("Morel", "Nicod")):
        person = factories.beneficiary(contract, name, "Zoé", household_number=f"F91{number}")
        proofs.ask(person, rules.BANK_DETAILS, "Coordonnées 2026", proofs.INSURER, clock.now(), certificate.due_on)
    DocumentRequest.update(state=RequestState.RECEIVED, received_at=clock.now()).execute()
    page.complaints.expects(422)
    sign_in(page, factories.user(role=UserRole.STAFF))
    page.set_viewport_size(PHONE)  # where what opens under a button may go off the screen
    page.goto("/gestion/justificatifs")
    tick(page, "MOREL Zoé", "NICOD Zoé")
    page.get_by_text("Refuser la sélection").click()
    page.get_by_role("button", name="Refuser", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Choisissez la raison")
    axe(page)
    page.get_by_label("Raison").select_option("ILLEGIBLE")
    page.get_by_label("Précision").press("Enter")
    heading(page, "Justificatifs reçus")
    expect(page.locator("#flash")).to_contain_text("2\u00a0justificatifs refusés")
    tick(page, "LAMY Corentin")
    page.get_by_role("button", name="Accepter la sélection").click()
    expect(page.locator("#flash")).to_contain_text("1\u00a0justificatif accepté")
    expect(page.get_by_role("heading", name="Rien à examiner")).to_be_visible()
    same_after_reload(page)


def tick(page, *names):
    for name in names:
        page.get_by_role("checkbox", name=re.compile(f"Cocher .*{name}")).check()
    if page.js:
        expect(page.locator("#ticked-count")).to_contain_text("coché")

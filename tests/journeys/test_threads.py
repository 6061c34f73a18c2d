"""Requests and complaints in a browser: asked with a file, answered at the desk in another window, rated."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from portal.models import MessageThread, PreparedAnswer, ThreadMessage, UserRole
from tests import factories, files
from tests.journeys import scenery
from tests.journeys.browser import axe, same_after_reload, settled, sign_in


@pytest.fixture
def hr_page(page):
    sign_in(page, scenery.roster())
    return page


@pytest.fixture
def desk(page, open_browser):
    """The mutual's own window, with a prepared answer."""
    window = open_browser(js=page.js)
    sign_in(window, factories.user(role=UserRole.STAFF, first_name="Loïc", last_name="Mathieu"))
    return window


def ask(page, room, words, **chosen):
    """Fill in and send; `chosen`: {label of a list or of a choice: what}."""
    page.goto(f"/{room}")
    page.get_by_role("link", name=words).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(words)
    settled(page)
    axe(page)
    for label, option in chosen.items():
        page.get_by_label(label).select_option(option)
    page.get_by_label("Détail").fill("Carte non reçue")
    page.get_by_label("Votre message").fill("Bonjour,\n\nla carte n’est pas arrivée.")
    page.get_by_label("Entreprise concernée").select_option("Tout le compte")


def test_a_request_is_asked_answered_at_the_desk_and_rated(hr_page, desk):
    page = hr_page
    PreparedAnswer.create(title="Carte renvoyée", body="La carte est repartie.")
    ask(page, "demandes", "Faire une demande", Nature="Attestation de tiers payant")
    piece = {"name": "courrier.pdf", "mimeType": "application/pdf", "buffer": files.pdf()}
    page.locator("input[type=file]").set_input_files(piece)
    page.get_by_role("button", name="Envoyer à la mutuelle").click()
    expect(page.locator("#flash")).to_contain_text("est envoyée")
    expect(page.get_by_role("button", name="courrier.pdf")).to_be_visible()
    axe(page)
    same_after_reload(page)
    desk.goto("/gestion/demandes")
    axe(desk)
    desk.get_by_role("link", name="Carte non reçue").click()
    add_a_word(page, desk)
    answer_it(desk)
    read_it(page)
    rate_it(page)
    same_after_reload(page)


def add_a_word(page, desk):
    """The desk is told of it while somebody writes there: with JavaScript by itself, without on asking."""
    box = desk.get_by_label("Réponse à l’entreprise")
    axe(desk)
    if page.js:
        box.fill("Nous cherch")
        expect(desk.locator("#answer_saved")).to_contain_text("Brouillon enregistré")
    page.get_by_label("Votre réponse").fill("Elle devait arriver lundi.")
    page.get_by_role("button", name="Envoyer", exact=True).click()
    expect(page.locator("#flash")).to_contain_text("Votre réponse est envoyée")
    if not page.js:
        desk.get_by_role("link", name="Actualiser").click()
    expect(desk.get_by_role("main")).to_contain_text("Elle devait arriver lundi.")
    if page.js:
        expect(box).to_have_value("Nous cherch")
    settled(desk)


def answer_it(desk):
    """Take it, insert what is prepared, add a word, send."""
    desk.get_by_role("button", name="Prendre en charge").click()
    expect(desk.get_by_role("main")).to_contain_text("Suivie parLoïc Mathieu")
    desk.get_by_label("Réponse préparée").select_option("Carte renvoyée")
    desk.get_by_role("button", name="Insérer").click()
    box = desk.get_by_label("Réponse à l’entreprise")
    expect(box).to_have_value(re.compile(r"La carte est repartie\.$"))
    box.fill("La carte est repartie. Elle arrive jeudi.")
    desk.get_by_role("button", name="Envoyer la réponse").click()
    expect(desk.locator("#flash")).to_contain_text("La réponse est envoyée")
    axe(desk)
    same_after_reload(desk)


def read_it(page):
    """With JavaScript it comes by itself, and what is being typed stays; without, one asks for it."""
    page.get_by_label("Votre réponse").fill("Merci, je")
    if not page.js:
        page.get_by_role("link", name="Actualiser").click()
    expect(page.locator("#thread_messages")).to_contain_text("Elle arrive jeudi.")
    if page.js:
        expect(page.get_by_label("Votre réponse")).to_have_value("Merci, je")
        page.get_by_label("Votre réponse").fill("")
        settled(page)
    page.goto(page.url)


def rate_it(page):
    page.get_by_text("4 sur 5").click(force=True)
    page.get_by_role("button", name="Évaluer").click()
    expect(page.locator("#flash")).to_contain_text("Merci")
    expect(page.locator("#evaluation")).to_contain_text("4 sur 5")
    assert MessageThread.get().rating == 4
    axe(page)


def test_a_complaint_gives_its_dated_copy_and_what_is_wrong_is_said_first(hr_page):
    page = hr_page
    page.complaints.expects(422)
    ask(page, "reclamations", "Faire une réclamation", Nature="Délai de traitement")
    page.get_by_role("button", name="Envoyer à la mutuelle").click()
    expect(page.get_by_role("main")).to_contain_text("Dites qui réclame")
    expect(page.get_by_label("Votre message")).to_have_value("Bonjour,\n\nla carte n’est pas arrivée.")
    axe(page)
    page.get_by_text("Un salarié ou un membre de sa famille").click()
    page.get_by_role("button", name="Envoyer à la mutuelle").click()
    expect(page.locator("#flash")).to_contain_text("Accusé de réception au plus tard")
    axe(page)
    same_after_reload(page)
    with page.expect_download() as waited:
        page.get_by_role("button", name="Copie datée (PDF)").click()
    assert Path(waited.value.path()).read_bytes().startswith(b"%PDF")
    assert ThreadMessage.select().count() == 1


def test_the_mutual_takes_several_at_once_and_closes_what_was_answered(page, open_browser):
    hr = scenery.roster()
    owed, answered = factories.thread(hr), factories.thread(hr, state="TREATED")
    desk = open_browser(js=page.js)
    desk.complaints.expects(409)
    sign_in(desk, factories.user(role=UserRole.STAFF))
    desk.goto("/gestion/demandes?etat=toutes")
    axe(desk)
    for box in desk.get_by_role("checkbox").all():
        box.check()
    if desk.js:
        expect(desk.locator("#ticked-count")).to_have_text("2 demandes cochées")
    desk.get_by_role("button", name="Clore").click()
    expect(desk.locator("#flash")).to_contain_text("1\u00a0demande close")
    expect(desk.get_by_role("main")).to_contain_text("Elle attend votre réponse")
    axe(desk)
    desk.goto("/gestion/demandes")
    desk.get_by_label(f"Cocher la demande n°\u00a0{owed.number}").check()
    desk.get_by_role("button", name="Prendre en charge").click()
    expect(desk.locator("#flash")).to_contain_text("1\u00a0demande prise en charge")
    same_after_reload(desk)
    assert MessageThread.get_by_id(answered.id).state == "CLOSED"


def test_what_was_typed_is_still_there_when_an_upload_was_too_heavy(hr_page, tmp_path):
    """Without JavaScript the browser sends what nobody looked at first; the page of the refusal says to go back."""
    page = hr_page
    if page.js:
        pytest.skip("what is too heavy is not sent")
    ask(page, "demandes", "Faire une demande", Nature="Attestation de tiers payant")
    page.complaints.expects(413)
    heavy = tmp_path / "a.pdf"
    heavy.write_bytes(b"x" * 22 * 1024 * 1024)
    page.locator("input[type=file]").set_input_files(heavy)
    page.get_by_role("button", name="Envoyer à la mutuelle").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Cet envoi est trop lourd")
    expect(page.get_by_text("garde d’ordinaire ce que vous avez tapé")).to_be_visible()
    page.go_back()
    expect(page.get_by_label("Détail")).to_have_value("Carte non reçue")
    expect(page.get_by_label("Votre message")).to_have_value("Bonjour,\n\nla carte n’est pas arrivée.")
    assert not MessageThread.select().exists()

"""The desk gives a file of the management system, sees it loaded, and takes a hand-over away."""

import threading

import pytest

from portal import clock, loads
from portal.models import ManagedAccount, MovementKind, UserRole, db
from tests import factories
from tests.journeys import scenery
from tests.journeys.browser import axe, expect, same_after_reload, sign_in

HEADING = "account_code;name;first_name;description;contact;phone;email\n"


@pytest.fixture
def desk(page, database):
    sign_in(page, factories.user(role=UserRole.STAFF))
    return page


def work(app):
    """What the worker does, beside the page that waits for it."""

    def once():
        with db.connection_context():
            loads.load_next(app.settings, clock.now())

    thread = threading.Thread(target=once)
    thread.start()
    thread.join()


def give(page, text, then="En attente de chargement"):
    page.goto("/gestion/chargements")
    page.get_by_label("Nature du fichier").select_option("Comptes")
    page.get_by_label("Fichier", exact=True).set_input_files(
        {"name": "comptes.csv", "mimeType": "text/csv", "buffer": (HEADING + text).encode()}
    )
    page.get_by_role("button", name="Charger le fichier").click()
    expect(page.get_by_role("heading", name=then)).to_be_visible()


def see(page, words):
    """With JavaScript the region comes by itself; without, « Actualiser » shows it."""
    heading = page.get_by_role("heading", name=words)
    if not page.js:
        page.get_by_role("link", name="Actualiser").click()
    expect(heading).to_be_visible()


def test_a_file_is_loaded_and_one_that_is_wrong_says_what_to_mend(app, desk):
    give(desk, "C900;Laiterie du Haut;;;;;\n")
    work(app)
    see(desk, "Tout le fichier est chargé")
    give(desk, ";Sans code;;;;;\n")
    work(app)
    see(desk, "Rien n’a été écrit")
    expect(desk.get_by_text("Ligne 2, colonne")).to_be_visible()
    desk.get_by_role("link", name="Chargements").last.click()
    expect(desk.get_by_role("row", name="comptes.csv")).to_have_count(2)


@pytest.fixture
def waiting(desk, at):
    """A file that was given eleven minutes after the sign-in: it waits for the password."""
    at(minutes=11)
    give(desk, "C900;Laiterie du Haut;;;;;\n", "À confirmer")
    axe(desk)
    return desk


def test_a_file_that_waits_is_confirmed_by_the_password_and_loaded(app, waiting):
    waiting.complaints.expects(403)
    waiting.get_by_role("button", name="Charger ce fichier").click()
    expect(waiting.get_by_role("heading", name="Confirmez que c’est bien vous")).to_be_visible()
    waiting.get_by_label("Votre mot de passe").fill(factories.PASSWORD)
    waiting.get_by_role("button", name="Confirmer").click()
    expect(waiting.get_by_role("heading", name="En attente de chargement")).to_be_visible()
    work(app)
    see(waiting, "Tout le fichier est chargé")
    same_after_reload(waiting)


def test_a_file_that_waits_is_abandoned(app, waiting):
    waiting.get_by_role("button", name="Abandonner").click()
    expect(waiting.get_by_role("heading", name="Fichier abandonné")).to_be_visible()
    expect(waiting.get_by_text("Ce fichier est abandonné")).to_be_visible()
    axe(waiting)
    same_after_reload(waiting)
    work(app)
    waiting.get_by_role("link", name="Chargements").last.click()
    expect(waiting.get_by_role("row", name="comptes.csv")).to_contain_text("Abandonné")
    assert not ManagedAccount.select().exists()


def test_a_hand_over_is_prepared_and_downloaded(desk):
    user = scenery.roster()
    person = user.beneficiaries().first()
    person.modify(MovementKind.CONTACT, {"phone": "+33199001001"}, clock.today(), user, clock.now(), 1)
    desk.goto("/gestion/chargements")
    desk.get_by_role("link", name="Transmissions").click()
    desk.get_by_role("button", name="Préparer la transmission").click()
    with desk.expect_download() as taken:
        desk.get_by_role("button", name="Télécharger").click()
    assert taken.value.suggested_filename == "transmission-000001.zip"
    assert taken.value.path().stat().st_size  # once it is all there
    desk.reload()
    expect(desk.get_by_text("À télécharger")).to_have_count(0)

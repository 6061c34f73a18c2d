"""Documents in a browser: several sent and one of them refused, one taken back, one accepted by the mutual."""

import pytest
from playwright.sync_api import expect

from portal import clock
from portal.models import Sending, SendingState, StoredFile, UserRole
from tests import factories, files
from tests.journeys import scenery
from tests.journeys.browser import axe, same_after_reload, settled, sign_in

SIRET = "44306184100047"


@pytest.fixture
def hr(page):
    user = scenery.roster()
    sign_in(page, user)
    page.goto(f"/documents?perimetre={user.accounts().get().code}")
    return user


def pick(page, *chosen):
    types = {"pdf": "application/pdf", "png": "image/png", "csv": "text/csv"}
    page.locator("input[type=file]").set_input_files(
        [{"name": name, "mimeType": types[name[-3:]], "buffer": content} for name, content in chosen]
    )


def send(page):
    page.get_by_role("button", name="Envoyer à la mutuelle").click()


def test_two_files_are_sent_one_is_refused_and_the_other_taken_back(page, hr):
    page.complaints.expects(422)
    axe(page)
    page.get_by_text("Dépôt document groupe", exact=True).click()
    page.get_by_role("combobox", name="Entreprise").select_option("Tout le compte")
    pick(page, ("effectifs.csv", b"a;b\n1;2\n"), ("programme.pdf", b"MZ\x90\x00" * 40))
    send(page)
    expect(page.locator("#fichiers-error")).to_contain_text("programme.pdf")
    expect(page.get_by_label("effectifs.csv")).to_be_checked()
    axe(page)
    send(page)
    expect(page.locator("#flash")).to_contain_text("C’est reçu")
    assert [row.file_name for row in StoredFile.select().where(StoredFile.attached_at.is_null(False))] == [
        "effectifs.csv"
    ]
    axe(page)
    same_after_reload(page)
    page.get_by_role("link", name="Dépôt document groupe").click()
    expect(page.get_by_role("main")).to_contain_text("pas encore")
    settled(page)
    axe(page)
    page.get_by_role("button", name="Retirer ce document").click()
    expect(page.locator("#flash")).to_contain_text("Le document est retiré")
    assert Sending.get().state == SendingState.WITHDRAWN
    axe(page)
    same_after_reload(page)


def test_a_kbis_is_read_and_accepted_in_another_window(page, hr, open_browser):
    page.get_by_text("Kbis", exact=True).click()
    company = hr.companies().first()
    page.get_by_role("combobox", name="Entreprise").select_option(company.code)
    page.get_by_label("SIRET du Kbis").fill(SIRET)
    page.get_by_label("Date du Kbis").fill(f"{clock.today():%d/%m/%Y}")
    pick(page, ("kbis.png", files.image()))
    send(page)
    expect(page.locator("#flash")).to_contain_text("C’est reçu")
    desk = open_browser(js=page.js)
    sign_in(desk, factories.user(role=UserRole.STAFF))
    desk.goto("/gestion/documents")
    axe(desk)
    desk.get_by_role("link", name="Kbis de").click()
    desk.get_by_role("button", name="Lire ce document").click()
    expect(desk.get_by_role("main")).to_contain_text("Contrôles")
    axe(desk)
    same_after_reload(desk)
    desk.get_by_role("button", name="Accepter").click()
    expect(desk.locator("#flash")).to_contain_text("Le document est accepté")
    page.reload()
    expect(page.get_by_role("table")).to_contain_text("Accepté")
    same_after_reload(page)
    assert Sending.get().company.siret == SIRET

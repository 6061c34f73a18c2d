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
    long_name = f"{'é' * 100}.csv"
    pick(page, (long_name, b"a;b\n1;2\n"), ("programme.pdf", b"MZ\x90\x00" * 40))
    send(page)
    expect(page.locator("#fichiers-error")).to_contain_text("programme.pdf")
    expect(page.get_by_label(long_name)).to_be_checked()
    whole = page.viewport_size
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390  # a name without a space is cut into lines
    page.set_viewport_size(whole)
    axe(page)
    send(page)
    expect(page.locator("#flash")).to_contain_text("C’est reçu")
    assert [row.file_name for row in StoredFile.select().where(StoredFile.attached_at.is_null(False))] == [long_name]
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


def read_by_the_desk(hr, *names):
    """Documents of a company that the mutual took in hand, of types that are told apart."""
    company = hr.companies().first()
    words = {"account": company.account_id, "company": company, "author": hr, "read_at": clock.now()}
    return [Sending.create(document_type=name, **words) for name in names]


def test_several_are_decided_at_once_and_what_cannot_be_says_why(page, hr, open_browser):
    group, bank, other = read_by_the_desk(hr, "GROUP", "BANK_DETAILS", "GROUP")
    desk = open_browser(js=page.js)
    desk.complaints.expects(409, 422)
    sign_in(desk, factories.user(role=UserRole.STAFF))
    desk.goto("/gestion/documents")
    axe(desk)
    for box in desk.get_by_role("checkbox").all()[:2]:
        box.check()
    if desk.js:
        expect(desk.locator("#ticked-count")).to_have_text("2 documents cochés")
    desk.get_by_role("button", name="Accepter la sélection").click()
    expect(desk.locator("#flash")).to_contain_text("1\u00a0document accepté")
    expect(desk.get_by_role("main")).to_contain_text("1\u00a0document n’a pas été accepté")
    expect(desk.get_by_role("main")).to_contain_text("se confirme seul")
    axe(desk)
    desk.get_by_role("combobox", name="État").select_option("Tous")
    desk.get_by_role("button", name="Filtrer").click()
    expect(desk.get_by_role("table")).to_contain_text("Accepté")
    desk.goto("/gestion/documents")
    for box in desk.get_by_role("checkbox").all():
        box.check()
    desk.get_by_text("Refuser la sélection").click()
    desk.get_by_role("button", name="Refuser", exact=True).click()
    expect(desk.get_by_role("alert")).to_contain_text("Choisissez la raison")
    axe(desk)
    desk.get_by_label("Raison").select_option("OUTDATED")
    desk.get_by_role("button", name="Refuser", exact=True).click()
    expect(desk.locator("#flash")).to_contain_text("2\u00a0documents refusés")
    expect(desk.get_by_role("heading", name="Rien à traiter")).to_be_visible()
    same_after_reload(desk)
    assert [Sending.get_by_id(one.id).state for one in (group, bank, other)] == ["ACCEPTED", "REFUSED", "REFUSED"]

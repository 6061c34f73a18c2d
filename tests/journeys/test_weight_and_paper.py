"""What goes over the wire, and what comes out of a printer."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

import app as application
from tests.journeys import scenery
from tests.journeys.browser import sign_in

FIRST_VISIT, NEXT_PAGE = 110_000, 15_000  # bytes, headers included
pytestmark = pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="session")


@pytest.fixture(scope="session")
def compressed(tmp_path_factory):
    """The static files as `make` leaves them, with their .gz beside them; the tree is left as it is."""
    folder = tmp_path_factory.mktemp("static") / "static"
    shutil.copytree(application.STATIC, folder, ignore=shutil.ignore_patterns("*.gz", "*.br"))
    command = [sys.executable, "-m", "whitenoise.compress", "-q", str(folder), "webp", "png"]
    subprocess.run(command, check=True, capture_output=True)
    return Path(folder)


@pytest.fixture
def chosen_settings(chosen_settings, compressed, monkeypatch):
    """Put in place before the portal is made."""
    monkeypatch.setattr(application, "STATIC", compressed)
    return chosen_settings


def weight(page, address):
    """Bytes that came over the wire until the page was whole; each answer with its size."""
    wire, names, sizes = page.context.new_cdp_session(page), {}, {}
    wire.send("Network.enable")
    wire.on("Network.responseReceived", lambda event: names.update({event["requestId"]: event["response"]["url"]}))
    wire.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
    page.goto(address, wait_until="networkidle")
    wire.detach()
    return {names.get(request, request).removeprefix(page.server): int(size) for request, size in sizes.items()}


def test_the_first_visit_and_each_page_after_are_light(open_browser):
    page = open_browser(extra_http_headers={"Accept-Encoding": "gzip"})
    first = weight(page, "/connexion")
    assert any("app.css" in name for name in first), first
    assert sum(first.values()) <= FIRST_VISIT, first
    user = scenery.roster()
    sign_in(page, user)
    person = user.beneficiaries().first()
    heaviest = {}
    pages = (
        "/",
        "/salaries",
        "/salaries?lignes=50",
        "/contrats",
        "/perimetre",
        f"/salaries/{person.public_id}",
        "/compte",
    )
    weight(page, "/")  # the icons that only signed-in pages show belong to the first visit
    for address in pages:
        heaviest[address] = sum(weight(page, address).values())
    assert max(heaviest.values()) <= NEXT_PAGE, heaviest


def test_a_signed_in_first_visit_is_light_too(open_browser):
    """From a bookmark, with everything still to load."""
    page = open_browser(extra_http_headers={"Accept-Encoding": "gzip"})
    sign_in(page, scenery.roster())
    sizes = weight(page, "/salaries")
    assert sum(sizes.values()) <= FIRST_VISIT, sizes


def test_a_list_on_paper_is_the_list_alone(open_browser):
    page = open_browser()
    sign_in(page, scenery.roster())
    page.goto("/salaries?qualite=salarie")
    page.emulate_media(media="print")
    expect(page.get_by_role("table", name="Bénéficiaires").locator("tbody tr").last).to_be_visible()
    expect(page.get_by_text("imprimé le")).to_be_visible()
    for hidden in (
        ".ui-nav",
        ".ui-top",
        ".ui-filters",
        ".ui-chips",
        ".ui-foot nav",
        ".ui-idle",
        ".ui-menu",
        ".is-check",
    ):
        expect(page.locator(hidden).first).to_be_hidden()
    page.set_viewport_size({"width": 390, "height": 844})  # a phone prints a table too
    expect(page.get_by_role("columnheader", name="Id contrat")).to_be_visible()

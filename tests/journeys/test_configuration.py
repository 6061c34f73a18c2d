"""The mutual arranges what companies may send: a type is added, renamed, ordered, retired; « Documents » says so."""

import pytest
from playwright.sync_api import expect

from portal.models import UserRole
from tests import factories, files
from tests.journeys import scenery
from tests.journeys.browser import axe, same_after_reload, sign_in

PATH = "/gestion/configuration/documents"


@pytest.fixture
def desk(page, open_browser):
    sign_in(page, factories.user(role=UserRole.ADMIN))
    page.goto(PATH)
    return page


@pytest.fixture
def company(open_browser, desk):
    """Another window, of a company that looks at « Documents »."""
    window, user = open_browser(js=desk.js), scenery.roster()
    sign_in(window, user)
    window.path = f"/documents?perimetre={user.accounts().get().code}"
    return window


def one_of(page, name):
    return page.get_by_role("group", name=name, exact=True)


def keep(page):
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_text("C’est enregistré")).to_be_visible()


def offered(window):
    window.goto(window.path)
    return window.get_by_role("group", name="type de document").get_by_role("radio")


def names(window):
    return [one.evaluate("box => box.labels[0].innerText.split('\\n')[0]") for one in offered(window).all()]


def test_types_are_added_ordered_renamed_and_retired_and_companies_see_it(desk, company):
    axe(desk)
    new = one_of(desk, "Ajouter un type")
    new.get_by_label("Nom").fill("Accord d’entreprise")
    new.get_by_label("Qui est concerné").fill("Toute entreprise de plus de 50 salariés")
    new.get_by_label("Rang dans la liste").fill("1")
    for family in ("images", "tableurs"):
        new.get_by_label(family, exact=True).uncheck()
    new.get_by_label("Proposé aux entreprises").check()
    one_of(desk, "Kbis").get_by_label("Rang dans la liste").fill("2")
    keep(desk)
    same_after_reload(desk)
    assert names(company) == [
        "Accord d’entreprise",
        "Kbis",
        "RIB ou Coordonnées SEPA",
        "Dépôt document groupe",
    ]
    expect(company.get_by_text("Toute entreprise de plus de 50 salariés. Formats : PDF, textes.")).to_be_visible()
    axe(company)

    one_of(desk, "Accord d’entreprise").get_by_label("Nom").fill("Accord collectif")
    one_of(desk, "Dépôt document groupe").get_by_label("Proposé aux entreprises").uncheck()
    keep(desk)
    assert names(company) == ["Accord collectif", "Kbis", "RIB ou Coordonnées SEPA"]
    expect(one_of(desk, "Kbis").get_by_label("Proposé aux entreprises")).to_have_count(0)


def test_a_type_without_a_format_is_refused_where_it_is_written_and_nothing_is_lost(desk):
    desk.complaints.expects(422)
    new = one_of(desk, "Ajouter un type")
    new.get_by_label("Nom").fill("Accord d’entreprise")
    for family in ("PDF", "images", "tableurs", "textes"):
        new.get_by_label(family, exact=True).uncheck()
    desk.get_by_role("button", name="Enregistrer").click()
    new = one_of(desk, "Accord d’entreprise")
    expect(new.get_by_text("Cochez au moins un format.")).to_be_visible()
    expect(new.get_by_label("Nom")).to_have_value("Accord d’entreprise")
    axe(desk)


@pytest.mark.parametrize("size", [(1000, 50), (50, 1000), (400, 100)])
def test_a_logo_of_any_shape_leaves_room_for_the_name_in_the_menu(desk, size):
    desk.goto("/gestion/configuration/identite")
    picture = {"name": "logo.png", "mimeType": "image/png", "buffer": files.image(size=size)}
    desk.get_by_label("Nouveau logo").set_input_files(picture)
    keep(desk)
    for width in (1366, 390, 320):
        desk.set_viewport_size({"width": width, "height": 800})
        desk.goto("/gestion/configuration/identite#menu")
        assert desk.evaluate(
            """() => { const menu = document.querySelector("#menu").getBoundingClientRect();
            return [...document.querySelectorAll(".ui-brand, .ui-brand *")].every(
                one => one.getBoundingClientRect().right <= menu.right && one.scrollWidth <= one.clientWidth + 1); }"""
        )

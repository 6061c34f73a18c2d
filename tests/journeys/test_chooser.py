"""The account and company that the screens show: found, kept, starred, and never mixed between two windows."""

import re

import pytest
from playwright.sync_api import expect

from portal.models import ManagedAccount
from tests.journeys import scenery
from tests.journeys.browser import axe, path, same_after_reload, sign_in


@pytest.fixture
def manager(page):
    """Signed in, with 105 accounts."""
    user = scenery.portfolio()
    sign_in(page, user)
    return user


def code_of(user, name):
    return user.accounts().where(ManagedAccount.name == name).get().code


def chooser(page):
    return page.get_by_role("group", name="Périmètre affiché")


def open_chooser(page, part="Compte"):
    chooser(page).locator("summary", has_text=part).first.click()


def test_two_letters_and_return_choose_an_account_and_stay_on_the_page(page, manager):
    page.goto("/contrats")
    open_chooser(page)
    field = page.get_by_label("Rechercher un compte ou une entreprise")
    if page.js:
        expect(field).to_be_focused()
        page.keyboard.type("aj")
        expect(page.get_by_role("button", name="Acier Jura")).to_contain_text("Entrée")
        expect(field).to_be_focused()
        page.keyboard.press("Enter")
    else:
        field.fill("aj")
        field.press("Enter")
    expect(chooser(page)).to_contain_text("Acier Jura")
    expect(page.get_by_role("heading", level=1)).to_have_text("Liste des contrats")
    assert path(page) == f"/contrats?perimetre={code_of(manager, 'Acier Jura')}"
    same_after_reload(page)


def test_typing_quickly_then_return_chooses_what_was_typed(page, manager):
    """Return may come before the answer to the last letter."""
    page.goto("/salaries")
    open_chooser(page)
    field = page.get_by_label("Rechercher un compte ou une entreprise")
    field.press_sequentially("zinguerie")
    with page.expect_event("load"):
        field.press("Enter")
    expect(chooser(page)).to_contain_text("Zinguerie Morel")
    expect(page.get_by_role("heading", level=1)).to_have_text("Salariés / Bénéficiaires")
    expect(page.locator("#employees tbody tr")).to_have_count(1)


def test_return_with_nothing_typed_opens_the_table(page, manager):
    page.goto("/salaries")
    open_chooser(page)
    page.get_by_label("Rechercher un compte ou une entreprise").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Comptes et entreprises")


def test_the_choice_goes_from_page_to_page_and_stands_in_the_address(page, manager):
    code = code_of(manager, "Zinguerie Morel")
    page.goto(f"/salaries?perimetre={code}")
    menu = page.get_by_role("navigation", name="Menu principal")
    for entry, address in (
        ("Liste des contrats", "/contrats"),
        ("Accueil", "/"),
        ("Salariés / Bénéficiaires", "/salaries"),
    ):
        menu.get_by_role("link", name=entry).click()
        expect(chooser(page)).to_contain_text("Zinguerie Morel")
        assert path(page) == f"{address}?perimetre={code}"
    page.goto("/contrats")  # from a bookmark: the last choice is the one
    expect(chooser(page)).to_contain_text("Zinguerie Morel")
    assert path(page) == f"/contrats?perimetre={code}"
    same_after_reload(page)


def test_two_windows_show_two_accounts(page, manager):
    one, other = code_of(manager, "Acier Jura"), code_of(manager, "Zinguerie Morel")
    page.goto(f"/salaries?perimetre={one}")
    second = page.context.new_page()
    second.goto(f"{page.server}/salaries?perimetre={other}")
    menu = page.get_by_role("navigation", name="Menu principal")
    menu.get_by_role("link", name="Liste des contrats").click()
    expect(chooser(page)).to_contain_text("Acier Jura")
    second.get_by_role("navigation", name="Menu principal").get_by_role("link", name="Liste des contrats").click()
    expect(chooser(second)).to_contain_text("Zinguerie Morel")
    page.reload()
    expect(chooser(page)).to_contain_text("Acier Jura")


def test_a_tab_on_all_accounts_stays_there_while_another_is_on_one(page, manager):
    """Lists, filters, a person and what is recorded: each tab shows and does what its own address says."""
    one = code_of(manager, "Acier Jura")
    page.goto("/salaries")
    assert path(page) == "/salaries?perimetre=tous"
    second = page.context.new_page()
    second.goto(f"{page.server}/contrats?perimetre={one}")
    page.reload()
    expect(page.locator("#employees tbody tr")).to_have_count(3)
    for entry in ("Dispenses", "Adhésion salarié", "Suivi des pièces justificatives", "Salariés / Bénéficiaires"):
        second.get_by_role("navigation", name="Menu principal").get_by_role("link", name=entry).click()
        page.get_by_role("navigation", name="Menu principal").get_by_role("link", name=entry).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(entry)
        expect(second.get_by_role("heading", level=1)).to_have_text(entry)
        assert page.url.endswith("perimetre=tous")
        assert second.url.endswith(f"perimetre={one}")
    expect(second.locator("#employees tbody tr")).to_have_count(1)
    page.get_by_label("Nom, prénom ou n° d’adhérent").fill("zinguerie")
    page.get_by_role("search", name="Rechercher un bénéficiaire").get_by_role("button").click()
    expect(page.locator("#employees tbody tr")).to_have_count(1)
    page.get_by_role("link", name="PERRIER").click()
    page.get_by_role("link", name="Voir la fiche complète").click()
    page.get_by_text("Modifier", exact=True).click()
    page.get_by_role("link", name="Les coordonnées").click()
    page.get_by_label("Téléphone fixe").fill("01 99 00 10 01")
    second.reload()
    page.get_by_role("button", name="Changer les coordonnées").click()
    expect(page.get_by_text("01 99 00 10 01").first).to_be_visible()
    expect(chooser(page)).to_contain_text("Tous mes comptes")
    assert page.url.endswith("perimetre=tous")
    expect(chooser(second)).to_contain_text("Acier Jura")
    same_after_reload(page)


def test_a_company_and_a_college_are_chosen_with_one_click(page):
    sign_in(page, scenery.roster())
    page.goto("/salaries?q=vuillet")
    open_chooser(page, "Entreprise et collège")
    page.get_by_role("link", name=re.compile("LAVANS.*0412702 · collège 001")).click()
    expect(chooser(page)).to_contain_text("ATELIERS COMBE-NOIRE – LAVANS · 001")
    assert "q=vuillet" in page.url
    expect(page.locator("#employees tbody tr")).to_have_count(2)
    same_after_reload(page)


def test_a_starred_account_is_offered_first(page, manager):
    page.goto("/contrats")
    open_chooser(page)
    page.get_by_role("link", name="Tableau de tous les comptes et entreprises").click()
    page.get_by_role("search", name="Rechercher dans le tableau").get_by_role("searchbox").fill("zing")
    page.get_by_role("search", name="Rechercher dans le tableau").get_by_role("button").click()
    page.get_by_role("button", name="Mettre en favori : Zinguerie Morel").click()
    expect(page.locator("#flash")).to_contain_text("Zinguerie Morel est dans vos favoris.")
    expect(page.get_by_role("button", name="Retirer des favoris : Zinguerie Morel")).to_be_visible()
    same_after_reload(page)
    page.goto("/contrats")
    open_chooser(page)
    expect(page.get_by_role("heading", name="Favoris")).to_be_visible()
    page.get_by_role("link", name="Zinguerie Morel").click()
    assert path(page) == f"/contrats?perimetre={code_of(manager, 'Zinguerie Morel')}"


ACCOUNTS = ["Nom", "Prénom", "Compte", "Description", "Contact", "Téléphone", "Email", "Bénéf.", "Favori"]
COMPANIES = [
    "Code Entreprise",
    "Libellé entreprise",
    "Code collège",
    "Libellé collège",
    "Titre destinataire d’appel",
    "Libellé destinataire d’appel",
    "Cotisation",
    "Bénéf.",
]


def test_every_column_of_accounts_and_companies_is_there(page):
    sign_in(page, scenery.roster())
    page.goto("/perimetre")
    for table, columns in (
        ("Comptes en gestion", ACCOUNTS),
        ("Entreprises et collèges de Ateliers Combe-Noire", COMPANIES),
    ):
        headings = page.get_by_role("table", name=table).get_by_role("columnheader")
        expect(headings).to_have_text(columns)
    expect(page.get_by_role("table", name="Entreprises").get_by_role("row").nth(3)).to_have_text(
        re.compile(r"0412702.*LAVANS.*001.*Ensemble du personnel.*Mme.*Service paie.*Entreprise", re.DOTALL)
    )
    axe(page)
    same_after_reload(page)

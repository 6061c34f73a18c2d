"""« Salariés / Bénéficiaires »: look somebody up, narrow, sort, page, and come back to the same list."""

import io
import re

import pytest
from playwright.sync_api import expect
from python_calamine import CalamineWorkbook

from portal.models import AuditEvent, BeneficiaryRole, GroupContract
from tests import factories
from tests.journeys import scenery
from tests.journeys.browser import axe, path, same_after_reload, settled, sign_in, type_in


@pytest.fixture
def people(page):
    """Signed in, in front of the 67 people of one account."""
    sign_in(page, scenery.roster())
    page.goto("/salaries")
    return page


def box(page, label="Nom, prénom ou n° d’adhérent"):
    return page.get_by_role("search", name="Rechercher un bénéficiaire").get_by_label(label, exact=True)


def search(page, text):
    type_in(page, box(page), text)


def lines(page):
    return page.get_by_role("table", name="Bénéficiaires").locator("tbody tr")


def count(page):
    return page.get_by_role("list", name="Filtres actifs").locator("strong")


def show_more(page):
    if page.locator("details.ui-more").get_attribute("open") is None:
        page.get_by_text("Plus de critères").click()


def send(page):
    with page.expect_event("load"):
        page.get_by_role("search", name="Rechercher un bénéficiaire").get_by_role("button", name="Rechercher").click()


FOUND = {
    "zoe": "BARBAUD Zoé",
    "ZOÉ": "BARBAUD Zoé",
    "oneill": "O’NEILL Liam",
    "o'neill": "O’NEILL Liam",
    "zacharie ecuyer": "ÉCUYER Zacharie",
    "Écuyer zach": "ÉCUYER Zacharie",
    "00638246": "BARBAUD Zoé",
}


def test_one_box_finds_a_name_both_in_any_order_or_a_number(people):
    for typed, found in FOUND.items():
        search(people, typed)
        expect(count(people)).to_have_text("1 bénéficiaire")
        for name in found.split():
            expect(lines(people)).to_contain_text(name)
    same_after_reload(people)


def test_typing_keeps_the_words_the_focus_and_the_history_short(people):
    before = people.evaluate("history.length")
    box(people).click()
    people.keyboard.type("barb", delay=120)
    if not people.js:
        people.keyboard.press("Enter")
    expect(count(people)).to_have_text("3 bénéficiaires")
    expect(people).to_have_url(re.compile(r"q=barb(&|$)"))
    expect(box(people)).to_have_value("barb")
    if people.js:
        expect(box(people)).to_be_focused()
        people.keyboard.type("aud")
        expect(people).to_have_url(re.compile("q=barbaud"))
        assert people.evaluate("history.length") == before
        expect(box(people)).to_have_value("barbaud")
    same_after_reload(people)


def test_filters_stand_in_the_address_and_chips_take_them_away_one_by_one(people):
    box(people, "Qualité").select_option("Salarié")
    box(people, "Début filtre date").fill("1/1/2016")
    box(people, "Fin filtre date").fill("31122019")
    send(people)
    chips = people.locator(".ui-chip")
    expect(chips).to_contain_text(["Qualité : Salarié", "Effet depuis le 1/1/2016", "Effet jusqu’au 31122019"])
    settled(people)
    assert "qualite=salarie" in people.url and "du=1%2F1%2F2016" in people.url
    shown = count(people).inner_text()
    same_after_reload(people)
    expect(count(people)).to_have_text(shown)
    people.get_by_role("link", name="Effet depuis le 1/1/2016").click()
    expect(chips).to_have_count(2)
    expect(box(people, "Début filtre date")).to_have_value("")
    expect(box(people, "Fin filtre date")).to_have_value("31122019")
    same_after_reload(people)
    people.get_by_role("link", name="Réinitialiser").click()
    expect(chips).to_have_count(0)
    expect(count(people)).to_have_text("67 bénéficiaires")
    expect(box(people, "Qualité")).to_have_value("")
    same_after_reload(people)


def test_the_rarer_criteria_and_those_who_left(people):
    show_more(people)
    box(people, "Nom").fill("parti")
    send(people)
    expect(people.get_by_role("heading", name="Aucune donnée disponible dans le tableau")).to_be_visible()
    people.get_by_role("link", name="Chercher aussi parmi les radiés").click()
    expect(lines(people)).to_have_count(1)
    expect(lines(people)).to_contain_text("Radié le")
    expect(box(people, "Situation")).to_have_value("tous")
    expect(box(people, "Nom")).to_have_value("parti")
    same_after_reload(people)
    box(people, "Nom").fill("")
    box(people, "Prénom").fill("elo")
    box(people, "Numéro d’adhérent").fill("000")
    box(people, "Situation").select_option("Actifs")
    send(people)
    expect(lines(people).first).to_contain_text("Élodie")
    expect(people.locator(".ui-chip")).to_have_count(2)
    same_after_reload(people)


def test_filters_outlive_a_person_opened_and_closed_a_sort_another_page_and_back(people):
    box(people, "Qualité").select_option("Salarié")
    send(people)
    expect(count(people)).to_have_text("65 bénéficiaires")
    settled(people)
    people.get_by_role("columnheader", name="Né(e) le").get_by_role("link").click()
    expect(people.get_by_role("columnheader", name="Né(e) le")).to_have_attribute("aria-sort", "ascending")
    people.get_by_role("link", name="Page 2").click()
    expect(people.locator(".ui-foot p").first).to_have_text("Affichage de l’élément 26 à 50 sur 65 éléments")
    listed = path(people)
    assert "qualite=salarie" in listed and "tri=naissance" in listed and "page=2" in listed
    name = lines(people).nth(3).get_by_role("link")
    said = name.inner_text()
    name.click()
    panel = people.get_by_role("complementary").filter(has=people.locator("#person"))
    expect(panel).to_be_visible()
    expect(people.locator(".ui-foot p").first).to_have_text("Affichage de l’élément 26 à 50 sur 65 éléments")
    people.get_by_role("link", name="Fermer la fiche").click()
    expect(panel).to_have_count(0)
    assert path(people) == listed
    same_after_reload(people)
    people.go_back()
    expect(panel).to_be_visible()
    people.go_back()
    expect(panel).to_have_count(0)
    assert path(people) == listed
    people.go_back()
    expect(people.locator(".ui-foot p").first).to_have_text("Affichage de l’élément 1 à 25 sur 65 éléments")
    assert said not in lines(people).first.inner_text()
    same_after_reload(people)


def test_a_search_after_a_sort_keeps_the_order_and_the_rows_per_page(people):
    people.get_by_role("columnheader", name="Né(e) le").get_by_role("link").click()
    expect(people.get_by_role("columnheader", name="Né(e) le")).to_have_attribute("aria-sort", "ascending")
    people.get_by_role("navigation", name="Lignes par page").get_by_role("link", name="10", exact=True).click()
    expect(lines(people)).to_have_count(10)
    search(people, "perrier")
    expect(count(people)).to_have_text("7 bénéficiaires")
    expect(people.get_by_role("columnheader", name="Né(e) le")).to_have_attribute("aria-sort", "ascending")
    settled(people)
    assert "tri=naissance" in people.url and "lignes=10" in people.url
    same_after_reload(people)


def test_a_date_that_cannot_be_read_says_so_at_its_field_and_loses_nothing(people):
    box(people).fill("vuillet")
    box(people, "Début filtre date").fill("31/06/2020")
    send(people)
    field = box(people, "Début filtre date")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("31 juin n’existe pas"))
    expect(field).to_have_value("31/06/2020")
    expect(box(people)).to_have_value("vuillet")
    expect(count(people)).to_have_text("7 bénéficiaires")
    axe(people)
    same_after_reload(people)


def test_a_nir_typed_in_the_search_box_leaves_the_address(people):
    search(people, "2 94 06 39 478 031 45")
    expect(people.locator("#flash")).to_contain_text("Un n° de sécurité sociale ne s’écrit pas ici")
    assert "9406" not in people.url.removeprefix(people.server)
    expect(box(people)).to_have_value("")
    same_after_reload(people)


COLUMNS = {
    "Num Adhérent": ("numero", 0),
    "Civ.": ("civilite", 1),
    "Nom": ("nom", 2),
    "Prénom": ("prenom", 3),
    "Né(e) le": ("naissance", 4),
    "Id contrat": ("contrat", 5),
    "Effet": ("effet", 6),
    "Qualité": ("qualite", 7),
}


def test_every_column_sorts_both_ways(people):
    expect(people.get_by_role("table", name="Bénéficiaires").get_by_role("columnheader")).to_have_text(list(COLUMNS))
    for label, (key, place) in COLUMNS.items():
        heading = people.get_by_role("columnheader", name=label, exact=True)
        first_way = "descending" if heading.get_attribute("aria-sort") == "ascending" else "ascending"
        tops = []
        for way in (first_way, "ascending" if first_way == "descending" else "descending"):
            heading.get_by_role("link").click()
            expect(heading).to_have_attribute("aria-sort", way)
            expect(people.locator("th[aria-sort]")).to_have_count(1)
            settled(people)
            assert f"tri={'-' if way == 'descending' else ''}{key}" in people.url
            tops.append(lines(people).first.get_by_role("cell").nth(place + 1).inner_text())  # after the tick
        assert tops[0] != tops[1], f"« {label} » gives the same first line both ways: {tops}"
    same_after_reload(people)


def test_pages_and_rows_per_page(people):
    foot = people.locator(".ui-foot p").first
    expect(foot).to_have_text("Affichage de l’élément 1 à 25 sur 67 éléments")
    expect(lines(people)).to_have_count(25)
    people.get_by_role("link", name="Suivant").click()
    expect(foot).to_have_text("Affichage de l’élément 26 à 50 sur 67 éléments")
    people.get_by_role("link", name="Page 3").click()
    expect(foot).to_have_text("Affichage de l’élément 51 à 67 sur 67 éléments")
    expect(lines(people)).to_have_count(17)
    expect(people.get_by_role("link", name="Page 3")).to_have_attribute("aria-current", "page")
    people.get_by_role("navigation", name="Lignes par page").get_by_role("link", name="50").click()
    expect(foot).to_have_text("Affichage de l’élément 1 à 50 sur 67 éléments")
    expect(lines(people)).to_have_count(50)
    people.get_by_role("link", name="Suivant").click()
    expect(lines(people)).to_have_count(17)
    people.go_back()
    expect(lines(people)).to_have_count(50)
    same_after_reload(people)


def test_a_person_opens_beside_the_list_and_has_a_page(people):
    search(people, "barbaud")
    lines(people).first.get_by_role("link").click()
    title = people.get_by_role("heading", level=2, name="Mme Zoé BARBAUD")
    expect(title).to_be_visible()
    if people.js:
        expect(title).to_be_focused()
    panel = people.get_by_role("complementary", name="Mme Zoé BARBAUD")
    for words in ("Nature contrat", "Santé collective obligatoire", "Date d’effet", "01/01/2016", "39200", "Foyer"):
        expect(panel).to_contain_text(words)
    expect(lines(people)).to_have_count(3)
    axe(people)
    same_after_reload(people)
    people.get_by_role("link", name="Voir la fiche complète").click()
    expect(people.get_by_role("heading", level=1)).to_have_text("Mme Zoé BARBAUD")
    expect(people.get_by_role("region", name="Foyer").get_by_role("listitem")).to_have_count(3)
    axe(people)
    same_after_reload(people)


def test_a_nir_and_an_iban_are_shown_on_a_click_that_is_written_down(people):
    search(people, "zoe")
    lines(people).first.get_by_role("link").click()
    people.get_by_role("link", name="Voir la fiche complète").click()
    identity = people.get_by_role("region", name="Identité")
    expect(identity).to_contain_text("• •• ••")
    for secret in ("94 06 39", scenery.NIR, "3000 6000", scenery.IBAN):
        assert secret not in people.content().replace("\u00a0", " ")
    at = path(people)
    people.get_by_role("button", name="Afficher : N° de sécurité sociale").click()
    expect(identity).to_contain_text("2\u00a094\u00a006\u00a039\u00a0478\u00a0031\u00a045")
    if people.js:
        assert path(people) == at
    people.get_by_role("button", name="Afficher : IBAN, prestations").click()
    expect(identity).to_contain_text("FR76\u00a03000\u00a06000\u00a00112\u00a03456\u00a07890\u00a0189")
    assert scenery.NIR not in people.url
    actions = [event.action for event in AuditEvent.select().order_by(AuditEvent.number)]
    assert actions[-2:] == ["nir.reveal", "reimbursement_iban.reveal"]
    people.goto(at)
    expect(identity).to_contain_text("• •• ••")
    expect(people.get_by_role("region", name="Historique")).to_contain_text("N° de sécurité sociale affiché")
    same_after_reload(people)


def test_a_nir_finds_its_bearer_without_entering_the_address(people):
    people.get_by_text("Par n° de sécurité sociale").click()
    people.get_by_label("N° de sécurité sociale, 15 chiffres").fill("2 94 06 39 478 031 45")
    people.get_by_role("button", name="Trouver").click()
    expect(people.get_by_role("heading", level=1)).to_have_text("Mme Zoé BARBAUD")
    where = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "", people.url.removeprefix(people.server))
    assert "9406" not in re.sub(r"\D", "", where)  # an account's code may hold two of its digits
    assert AuditEvent.select().where(AuditEvent.action == "nir.search").count() == 1
    same_after_reload(people)


def test_all_the_bearers_of_a_nir_are_listed(people):
    factories.beneficiary(GroupContract.get(), "Barbaud", "Léa", nir=scenery.NIR, role=BeneficiaryRole.CHILD)
    people.get_by_text("Par n° de sécurité sociale").click()
    people.get_by_label("N° de sécurité sociale, 15 chiffres").fill(scenery.NIR)
    people.get_by_role("button", name="Trouver").click()
    expect(people.get_by_role("heading", level=1)).to_have_text("Plusieurs personnes portent ce numéro")
    axe(people)
    people.get_by_role("link", name="BARBAUD Léa").click()
    expect(people.get_by_role("heading", level=1)).to_contain_text("Léa BARBAUD")


def test_a_nir_that_nobody_bears_or_with_a_slip_says_what_to_do(people):
    for typed, said in (
        ("1 85 05 78 006 084 91", "Personne ne porte ce n° de sécurité sociale"),
        ("2 94 06 39 478 031 54", "La clé"),
    ):
        people.get_by_text("Par n° de sécurité sociale").click()
        people.get_by_label("N° de sécurité sociale, 15 chiffres").fill(typed)
        people.get_by_role("button", name="Trouver").click()
        expect(people.locator("#flash")).to_contain_text(said)
    same_after_reload(people)


def test_ctrl_click_opens_a_person_in_another_tab(people):
    with people.context.expect_page() as opened:
        lines(people).first.get_by_role("link").click(modifiers=["Control"])
    expect(opened.value.locator("#person")).to_have_text("Mme Zoé BARBAUD")
    expect(people.locator("#person")).to_have_count(0)


def test_a_phone_sorts_too_and_gives_the_whole_screen_to_a_person(people):
    people.set_viewport_size({"width": 390, "height": 844})
    people.get_by_text("Trier par").click()
    people.get_by_role("link", name="Né(e) le").click()
    expect(lines(people).first).to_contain_text("01/01/1960")
    settled(people)
    assert "tri=naissance" in people.url
    lines(people).first.get_by_role("link").click()
    expect(people.locator("#person")).to_be_visible()
    expect(lines(people).first).to_be_hidden()
    expect(box(people)).to_be_hidden()
    axe(people)
    people.get_by_role("link", name="Retour à la liste").click()
    expect(lines(people).first).to_be_visible()
    if people.js:
        expect(lines(people).first.get_by_role("link")).to_be_focused()
    expect(people.locator("#person")).to_have_count(0)
    same_after_reload(people)


def test_a_date_that_cannot_be_read_is_not_hidden_on_a_phone(people):
    people.set_viewport_size({"width": 390, "height": 844})
    people.goto("/salaries?du=31/06/2020")
    expect(box(people, "Début filtre date")).to_be_visible()
    expect(people.get_by_text("31 juin n’existe pas")).to_be_visible()


@pytest.mark.parametrize(("choice", "suffix"), [("Tableur Excel (.xlsx)", "xlsx"), ("Texte (.csv)", "csv")])
def test_what_is_filtered_is_what_is_downloaded(people, choice, suffix):
    search(people, "barbaud")
    expect(count(people)).to_have_text("3 bénéficiaires")
    people.get_by_text("Exporter").click()
    with people.expect_download() as kept:
        people.get_by_role("button", name=choice).click()
    assert kept.value.suggested_filename.endswith(f".{suffix}")
    rows = rows_of(kept.value.path().read_bytes(), suffix)
    assert [row[2:5] for row in rows] == [["Barbaud", "Barbaud", name] for name in ("Zoé", "Marc", "Noé")]


def rows_of(file, suffix):
    if suffix == "csv":
        return [line.split(";") for line in file.decode("utf-8-sig").splitlines()[1:]]
    return CalamineWorkbook.from_filelike(io.BytesIO(file)).get_sheet_by_index(0).to_python()[1:]

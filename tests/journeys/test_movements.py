"""What HR does to the people of the list: they leave, one or many, they move house, somebody else changes them."""

import re

import pytest
from playwright.sync_api import expect

from portal.models import Beneficiary, DocumentRequest, Movement, MovementState
from tests.journeys import scenery
from tests.journeys.browser import axe, same_after_reload, settled, sign_in


@pytest.fixture
def hr(page):
    """HR of 67 people, signed in."""
    user = scenery.roster()
    sign_in(page, user)
    return user


def day(**ahead):
    return f"{scenery.day(**ahead):%d/%m/%Y}"


def open_person(page, name="Barbaud", first_name="Zoé"):
    person = Beneficiary.get(Beneficiary.birth_name == name, Beneficiary.first_name == first_name)
    page.goto(f"/salaries/{person.public_id}")
    return person


def in_the_list(page, kind, *people):
    """Each of these people has this movement in the one list, waiting to be handed over."""
    page.goto("/mouvements?lignes=100")
    for name in people:
        row = page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True)).filter(has_text=kind)
        expect(row).to_have_count(1)
        expect(row).to_contain_text("Enregistrée")


def on_the_page(page, kind):
    """The movements of the person who is shown begin with this one."""
    first = page.locator(".ui-moves li").first
    expect(first).to_contain_text(kind)
    expect(first).to_contain_text("Enregistrée")


def tell_when_and_why(page, last_day, reason):
    """With JavaScript what follows comes by itself; without, one asks for it."""
    page.get_by_label("Dernier jour dans l’entreprise").fill(last_day)
    page.get_by_label("Motif").select_option(label=reason)
    if not page.js:
        page.get_by_role("button", name="Voir ce qui suit").click()
    expect(page.get_by_text("Fin de la couverture")).to_be_visible()
    settled(page)


def test_one_person_leaves_with_the_household_and_it_is_taken_back(page, hr):
    zoe = open_person(page)
    page.get_by_role("link", name="Radier").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Radier Zoé BARBAUD")
    expect(page.get_by_text("Indiquez le dernier jour et le motif")).to_be_visible()
    tell_when_and_why(page, day(days=20), "Licenciement (hors faute lourde)")
    for told in ("Portabilité", "Loi Évin", "Ce qui sera envoyé", "zoe.barbaud@example.com", "Marc et Noé"):
        expect(page.locator("#termination").get_by_text(told).first).to_be_visible()
    axe(page)
    same_after_reload(page)
    page.get_by_role("button", name="Radier 3 personnes").click()
    expect(page.locator("#flash")).to_contain_text("Zoé BARBAUD est radiée au")
    expect(page.locator("main").get_by_text("Enregistrée").first).to_be_visible()
    assert Movement.select().count() == 3
    axe(page)
    same_after_reload(page)
    page.get_by_text("Reprendre").first.click()
    expect(page.locator("#flash")).to_contain_text("repris")
    assert Beneficiary.get_by_id(zoe.id).terminated_on is None
    assert {movement.state for movement in Movement.select()} == {MovementState.TAKEN_BACK}


def test_a_date_that_cannot_be_is_said_and_what_was_typed_stays(page, hr):
    zoe = open_person(page)
    page.goto(f"/salaries/{zoe.public_id}/radiation?date=31/06/2027&motif=demission")
    expect(page.get_by_text("Le 31 juin n’existe pas").first).to_be_visible()
    expect(page.get_by_label("Dernier jour dans l’entreprise")).to_have_value("31/06/2027")
    assert Movement.select().count() == 0
    axe(page)
    same_after_reload(page)


def test_several_ticked_people_leave_and_who_cannot_is_named(page, hr):
    gone = Beneficiary.get(Beneficiary.birth_name == "Parti")
    page.goto("/salaries?situation=tous&qualite=salarie&lignes=100")
    for name in ("Paul Parti", "Liam O’Neill", "Zacharie Écuyer"):
        page.get_by_label(f"Cocher {name}").check()
    if page.js:
        expect(page.locator("#ticked-count")).to_contain_text("3")
    page.get_by_role("button", name="Radier").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Radier 3 personnes")
    tell_when_and_why(page, day(days=20), "Démission")
    expect(page.get_by_text("1 personne ne peut pas être radiée")).to_be_visible()
    axe(page)
    same_after_reload(page)
    page.get_by_role("button", name="Radier 2 personnes").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("2 personnes radiées")
    expect(page.get_by_role("link", name=gone.full_name)).to_be_visible()
    assert Movement.select().count() == 2
    axe(page)
    same_after_reload(page)
    page.get_by_role("link", name="Voir les mouvements").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Mouvements")
    expect(page.get_by_role("table").get_by_text("Radiation").first).to_be_visible()
    same_after_reload(page)


def test_a_household_moves_house_with_the_town_of_its_postal_code(page, hr):
    zoe = open_person(page)
    page.get_by_text("Modifier", exact=True).click()
    page.get_by_role("link", name="L’adresse").click()
    page.get_by_label("Rue").fill("rue Pasteur")
    page.locator("#numero").fill("3")
    page.get_by_label("Code postal").fill("39100")
    if page.js:
        settled(page)
    else:
        page.get_by_role("button", name="Trouver la ville").click()
    expect(page.locator("#towns")).to_contain_text("Dole")
    axe(page)
    page.get_by_label("Ville").fill("Dole")
    page.get_by_role("button", name="Enregistrer l’adresse").click()
    expect(page.locator("#flash")).to_contain_text("Zoé BARBAUD")
    expect(page.locator("main").get_by_text("rue Pasteur").first).to_be_visible()
    expect(page.locator("main").get_by_text("rue du Tomachon").first).to_be_visible()  # the history keeps it
    household = Beneficiary.select().where(Beneficiary.household_number == zoe.household_number)
    assert {person.city for person in household} == {"Dole"}
    axe(page)
    same_after_reload(page)


def test_the_second_to_change_somebody_sees_what_changed_and_loses_nothing(page, open_browser, hr):
    zoe = open_person(page)
    where = f"/salaries/{zoe.public_id}/contact"
    page.goto(where)
    page.get_by_label("Téléphone portable").fill("06 12 34 56 78")
    other = open_browser(js=page.js)
    sign_in(other, hr)
    other.goto(where)
    other.get_by_label("Courriel").fill("zoe@example.org")
    other.get_by_role("button", name="Changer les coordonnées").click()
    expect(other.locator("#flash")).to_contain_text("Zoé BARBAUD")
    page.complaints.expects(409)
    page.get_by_role("button", name="Changer les coordonnées").click()
    expect(page.locator("main")).to_contain_text("zoe@example.org")
    expect(page.get_by_label("Téléphone portable")).to_have_value(re.compile(r"12\s?34\s?56\s?78"))
    expect(page.get_by_label("Courriel")).to_have_value("zoe@example.org")
    axe(page)
    page.get_by_role("button", name="Changer les coordonnées").click()
    expect(page.locator("#flash")).to_contain_text("Zoé BARBAUD")
    again = Beneficiary.get_by_id(zoe.id)
    assert (again.email, again.mobile) == ("zoe@example.org", "+33612345678")


def test_somebody_changes_name_and_the_list_finds_both(page, hr):
    zoe = open_person(page)
    page.get_by_text("Modifier", exact=True).click()
    page.get_by_role("link", name="Le nom").click()
    page.get_by_label("Nom d’usage").fill("Reffay-Barbaud")
    axe(page)
    page.get_by_role("button", name="Changer le nom").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Zoé REFFAY-BARBAUD")
    same_after_reload(page)
    on_the_page(page, "Nom")
    assert Beneficiary.get_by_id(zoe.id).birth_name == "Barbaud"
    for word in ("reffay", "barbaud"):
        page.goto(f"/salaries?q={word}")
        expect(page.get_by_role("link", name="REFFAY-BARBAUD", exact=True)).to_be_visible()
    in_the_list(page, "Reffay-Barbaud", "Zoé BARBAUD")  # as she was called then


def test_an_employee_changes_college_and_the_household_follows(page, hr):
    zoe = open_person(page)
    page.get_by_text("Modifier", exact=True).click()
    page.get_by_role("link", name="Le collège").click()
    page.get_by_role("button", name="Changer de collège").click()
    page.complaints.expects(422)
    expect(page.get_by_role("alert")).to_contain_text("Choisissez le collège")
    offered = page.get_by_label("Collège et contrat")
    offered.select_option(index=page.locator("#contrat option").all_inner_texts().index(named(offered, "Cadres")))
    page.get_by_label("À partir du").fill(day(days=0))
    axe(page)
    page.get_by_role("button", name="Changer de collège").click()
    expect(page.locator("#flash")).to_contain_text("Zoé BARBAUD")
    same_after_reload(page)
    household = Beneficiary.select().where(Beneficiary.household_number == zoe.household_number)
    assert {person.category.label for person in household} == {"Cadres"}
    on_the_page(page, "collège")
    in_the_list(page, "collège", *(person.full_name for person in household))


def test_several_ticked_people_change_college_at_once(page, hr):
    page.goto("/salaries?qualite=salarie&lignes=100")
    for name in ("Zoé Barbaud", "Zacharie Écuyer"):
        page.get_by_label(f"Cocher {name}").check()
    page.get_by_role("button", name="Changer de collège").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Changer 2 personnes de collège")
    offered = page.get_by_label("Collège et contrat")
    offered.select_option(index=page.locator("#contrat option").all_inner_texts().index(named(offered, "Cadres")))
    page.get_by_label("À partir du").fill(day(days=0))
    axe(page)
    page.get_by_role("button", name="Changer de collège").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "2 personnes changées de collège et 2 ayants droit à leur suite"
    )
    axe(page)
    same_after_reload(page)
    in_the_list(page, "collège", "Zoé BARBAUD", "Marc BARBAUD", "Noé BARBAUD", "Zacharie ÉCUYER")
    moved = Beneficiary.select().where(Beneficiary.first_name.in_(["Zoé", "Marc", "Noé", "Zacharie"]))
    assert {person.category.label for person in moved} == {"Cadres"}


def test_contact_details_change_and_it_is_seen_on_the_person_and_in_the_list(page, hr):
    zoe = open_person(page)
    page.get_by_text("Modifier", exact=True).click()
    page.get_by_role("link", name="Les coordonnées").click()
    page.get_by_label("Courriel").fill("zoe@")
    page.complaints.expects(422)
    page.get_by_role("button", name="Changer les coordonnées").click()
    expect(page.get_by_label("Courriel")).to_have_value("zoe@")
    axe(page)
    page.get_by_label("Courriel").fill("zoe@example.org")
    page.get_by_role("button", name="Changer les coordonnées").click()
    expect(page.locator("#flash")).to_contain_text("Zoé BARBAUD")
    on_the_page(page, "oordonnées")
    same_after_reload(page)
    in_the_list(page, "oordonnées", "Zoé BARBAUD")
    assert Beneficiary.get_by_id(zoe.id).email == "zoe@example.org"


def named(field, words):
    """The first choice of a list that holds these words."""
    return next(text for text in field.locator("option").all_inner_texts() if f" {words} " in text)


def test_a_newborn_joins_the_household(page, hr):
    zoe = open_person(page)
    page.get_by_role("link", name="Ajouter un ayant droit").click()
    page.locator("label[for=type-1]").click()
    page.get_by_label("Prénom").fill("Lou")
    page.locator("#nom").fill("Barbaud")
    page.get_by_label("Date de naissance").fill(day(days=-3))
    page.get_by_label("Sexe").select_option(index=1)
    page.get_by_label("Date d’effet").fill(day(days=-3))
    axe(page)
    page.get_by_role("button", name="Ajouter l’ayant droit").click()
    expect(page.locator("#flash")).to_contain_text("Lou BARBAUD")
    expect(page.locator("main").get_by_text("Lou BARBAUD").first).to_be_visible()
    child = Beneficiary.get(Beneficiary.first_name == "Lou")
    assert (child.household_number, child.contract_id) == (zoe.household_number, zoe.contract_id)
    on_the_page(page, "Affiliation")
    same_after_reload(page)
    in_the_list(page, "Affiliation", "Lou BARBAUD")


def test_a_partner_is_taken_out_and_another_joins_with_a_proof(page, hr):
    page.goto(f"/salaries/{Beneficiary.get(Beneficiary.first_name == 'Marc').public_id}")
    page.get_by_role("link", name="Retirer du contrat").click()
    page.get_by_label("Dernier jour").fill(day(days=-1))
    page.get_by_label("Motif").select_option(index=1)
    if not page.js:
        page.get_by_role("button", name="Voir ce qui suit").click()
    settled(page)
    axe(page)
    page.locator("#termination").get_by_role("button", name=re.compile("Retirer|Radier")).click()
    expect(page.locator("#flash")).to_contain_text("Marc BARBAUD")
    on_the_page(page, "Radiation")
    in_the_list(page, "Radiation", "Marc BARBAUD")
    open_person(page)
    page.get_by_role("link", name="Ajouter un ayant droit").click()
    page.locator("label[for=type-0]").click()
    page.get_by_label("Lien").select_option(label="PACS")
    page.get_by_label("Prénom").fill("Léo")
    page.locator("#nom").fill("Vuillet")
    page.get_by_label("Date de naissance").fill("12/05/1991")
    page.get_by_label("Sexe").select_option(index=1)
    page.get_by_label("Date d’effet").fill(day(days=0))
    page.get_by_role("button", name="Ajouter l’ayant droit").click()
    expect(page.locator("#flash")).to_contain_text("Pièce attendue")
    on_the_page(page, "Affiliation")
    axe(page)
    in_the_list(page, "Affiliation", "Léo VUILLET")
    assert DocumentRequest.get().beneficiary.first_name == "Léo"


def test_somebody_who_left_comes_back(page, hr):
    gone = open_person(page, "Parti", "Paul")
    page.get_by_role("link", name="Réembaucher").click()
    page.get_by_label("À partir du").fill(day(days=0))
    page.get_by_label("Collège et contrat").select_option(index=1)
    axe(page)
    page.get_by_role("button", name="Réembaucher Paul PARTI").click()
    expect(page.locator("#flash")).to_contain_text("Paul PARTI")
    expect(page.get_by_role("link", name="Radier")).to_be_visible()
    assert Beneficiary.get_by_id(gone.id).terminated_on is None
    on_the_page(page, "éembauche")
    same_after_reload(page)
    in_the_list(page, "éembauche", "Paul PARTI")

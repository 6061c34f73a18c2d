"""An enrolment in a browser: six steps, the last look, the answer; left, resumed, typed in two tabs, sent twice."""

import re

import pytest
from playwright.sync_api import expect

from portal import clock
from portal.models import Beneficiary, DocumentRequest, Enrolment, EnrolmentState, Movement, UserSession
from tests import enrolling, factories
from tests.enrolling import day, typed, years_ago
from tests.journeys.browser import axe, same_after_reload, settled, sign_in

NEXT = re.compile("^Suivant")


@pytest.fixture
def hr_page(page, hr):
    sign_in(page, hr)
    return page


def box(page, label, exact=True):
    return page.get_by_label(label, exact=exact)


def tick(page, group, label):
    page.get_by_role("group", name=group).get_by_text(label, exact=True).click()


def onward(page, heading):
    """« Suivant », and the step that comes."""
    settled(page)
    page.get_by_role("button", name=NEXT).last.click()
    expect(page.get_by_role("heading", level=2, name=heading, exact=True)).to_be_visible()
    settled(page)
    axe(page)


def begin(page):
    page.goto("/adhesion")
    page.get_by_role("link", name="Nouvelle adhésion").click()
    page.get_by_text(re.compile("SIÈGE, 001")).click()
    box(page, "Date d’effet").fill(typed(day(days=20)))
    onward(page, "Le salarié")


def type_employee(page):
    tick(page, "État civil", "Madame")
    for label, words in (("Nom", "Lacroix"), ("Prénom", "Inès"), ("Date de naissance", "30/06/1994")):
        box(page, label).fill(words)
    box(page, "N° S. Sociale").fill(enrolling.NIR)
    tick(page, "Sexe", "Féminin")
    tick(page, "Type d’assuré", "MSA")
    tick(page, "Est-il couvert", "Non")


def test_a_household_is_enrolled_from_the_first_step_to_its_bulletin(hr_page):
    page = hr_page

    begin(page)
    type_employee(page)
    onward(page, "Coordonnées du salarié")
    type_address(page)
    onward(page, "Coordonnées comptes bancaires")
    page.get_by_role("group", name="Remboursement prestation").get_by_label("IBAN").fill(enrolling.IBAN)
    onward(page, "Le conjoint du salarié")
    type_spouse(page)
    onward(page, "Les enfants à charge du salarié")
    type_children(page)
    onward(page, "Vérification et envoi")
    for words in ("Inès LACROIX", "Paul", "Léo ROUX", "Zoé ROUX", "CREDIT AGRICOLE", "Certificat de scolarité"):
        expect(page.get_by_role("main")).to_contain_text(words)
    same_after_reload(page)
    page.get_by_role("button", name="Envoyer l’adhésion à la mutuelle").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^Adhésion A-"))
    expect(page.get_by_role("main")).to_contain_text("Ce qui se passe maintenant")
    axe(page)
    same_after_reload(page)
    with page.expect_download(timeout=60_000) as download:  # it is printed now, for the first who asks
        page.get_by_role("button", name="Télécharger le bulletin").click(timeout=60_000)
    assert download.value.suggested_filename.endswith(".pdf")
    assert {one.document_type for one in DocumentRequest.select()} == {"CIVIL_PARTNERSHIP", "SCHOOL_CERTIFICATE"}


def type_address(page):
    box(page, "Portable").or_(page.locator("#portable")).first.fill("06 12 34 56 78")
    box(page, "Rue").fill("rue du Pré")
    box(page, "Code Postal").fill("39600")  # of many towns
    if not page.js:
        page.get_by_role("button", name="Trouver la ville").click()
    expect(page.locator("#towns")).to_contain_text("Villes de ce code postal")
    expect(box(page, "Rue")).to_have_value("rue du Pré")
    box(page, "Ville").fill("Arbois")


def type_spouse(page):
    page.get_by_text("Un conjoint est présent sur le contrat").click()
    tick(page, "Lien avec le salarié", "Partenaire lié par un PACS")
    box(page, "Nom").fill("Roux")
    box(page, "Prénom").fill("Paul")
    box(page, "Date de naissance").fill("01/02/1990")
    tick(page, "Sexe", "Masculin")


def type_children(page):
    page.get_by_text("Un ou des enfants sont présents sur le contrat").click()
    born = {"Léo": years_ago(22), "Zoé": years_ago(3)}
    for number, (name, date) in enumerate(born.items(), 1):
        child = page.get_by_role("group", name=f"Enfant {number}")
        child.get_by_label("Nom", exact=True).fill("Roux")
        child.get_by_label("Prénom", exact=True).fill(name)
        child.get_by_label("Date de naissance").fill(typed(date))
        child.get_by_text("Masculin" if name == "Léo" else "Féminin", exact=True).click()
        if number == 1:
            settled(page)
            page.get_by_role("button", name="Ajouter un enfant").click()
            expect(page.get_by_role("group", name="Enfant 2")).to_be_visible()
    if not page.js:
        page.get_by_role("button", name=NEXT).last.click()
    page.get_by_role("group", name="Enfant 1").get_by_text("Étudiant", exact=True).click()


def test_what_is_typed_is_kept_and_resumed_where_it_was_left(hr_page, hr):
    page = hr_page
    begin(page)
    box(page, "Prénom").fill("Inès")
    box(page, "Nom").fill("Lacroix")
    box(page, "Prénom").focus()
    if page.js:  # saved as one types
        settled(page)
        expect(page.locator("#saved")).to_contain_text("Brouillon enregistré à")
    page.get_by_role("button", name="Enregistrer et quitter").click()
    expect(page.get_by_role("main")).to_contain_text("Étape 2 sur 7")
    same_after_reload(page)
    page.get_by_role("link", name="Reprendre : Inès LACROIX").click()
    expect(box(page, "Nom")).to_have_value("Lacroix")
    assert page.url.partition("?")[0].endswith("/salarie")
    same_after_reload(page)


def test_a_session_that_ends_in_the_middle_of_a_step_loses_nothing(hr_page, hr):
    page = hr_page
    begin(page)
    type_employee(page)
    settled(page)
    UserSession.end_all(hr, clock.now())
    page.get_by_role("button", name=NEXT).last.click()
    page.get_by_label("Identifiant").fill(hr.identifier)
    page.get_by_label("Mot de passe", exact=True).fill(factories.PASSWORD)
    page.get_by_role("button", name="Se connecter").click()
    expect(page.get_by_role("main")).to_contain_text("Votre session s’était terminée")
    assert page.url.partition("?")[0].endswith("/salarie")
    expect(box(page, "N° S. Sociale")).to_have_value(re.compile("^2.?94"))
    onward(page, "Coordonnées du salarié")


def test_two_tabs_on_one_draft_do_not_write_over_each_other(hr_page):
    page = hr_page
    page.complaints.expects(409)
    begin(page)
    other = page.context.new_page()
    other.goto(page.url)
    other.js = page.js
    type_employee(other)
    settled(other)
    other.get_by_role("button", name=NEXT).last.click()
    expect(other.get_by_role("heading", level=2, name="Coordonnées du salarié")).to_be_visible()
    type_employee(page)
    box(page, "Prénom").fill("Agnès")
    settled(page)
    page.get_by_role("button", name=NEXT).last.click()
    expect(page.get_by_role("alert")).to_contain_text("Cette étape a changé pendant votre saisie")
    expect(page.get_by_role("alert")).to_contain_text("Agnès")
    axe(page)
    assert Enrolment.get().label == "Inès LACROIX"
    onward(page, "Coordonnées du salarié")
    assert Enrolment.get().label == "Agnès LACROIX"


def test_back_shows_again_what_was_wrong_and_has_no_form_to_send_twice(hr_page):
    page = hr_page
    page.goto("/adhesion/nouvelle")
    page.get_by_text(re.compile("SIÈGE, 001")).click()
    box(page, "Date d’effet").fill("31/06/2026")
    page.get_by_role("button", name=NEXT).last.click()
    expect(page).to_have_title(re.compile("^Erreur"))
    expect(box(page, "Date d’effet")).to_have_value("31/06/2026")
    begin(page)
    type_employee(page)
    box(page, "Date de naissance").fill("31/06/1994")
    settled(page)
    page.get_by_role("button", name=NEXT).last.click()
    expect(page).to_have_title(re.compile("^Erreur"))
    same_after_reload(page)
    box(page, "Date de naissance").fill("30/06/1994")
    onward(page, "Coordonnées du salarié")
    page.go_back()
    expect(page.get_by_role("heading", level=2, name="Le salarié")).to_be_visible()
    expect(box(page, "Date de naissance")).to_have_value("30/06/1994")
    expect(page).not_to_have_title(re.compile("^Erreur"))
    onward(page, "Coordonnées du salarié")


def test_mistakes_are_listed_with_links_to_their_boxes(hr_page):
    page = hr_page
    begin(page)
    type_employee(page)
    box(page, "Date de naissance").fill("31/06/1994")
    settled(page)
    page.get_by_role("button", name=NEXT).last.click()
    expect(page).to_have_title(re.compile("^Erreur"))
    axe(page)
    summary = page.get_by_role("alert").filter(has_text="erreur")
    summary.get_by_role("link").first.click()
    expect(box(page, "Date de naissance")).to_be_focused()
    box(page, "Date de naissance").fill("30/06/1994")
    onward(page, "Coordonnées du salarié")


def test_who_is_awaited_stands_on_the_home_page_until_they_come(hr_page, hr):
    page = hr_page
    draft = factories.enrolment(hr, enrolling.STEPS | {"conjoint": {"presence": "attendu"}})
    page.goto(f"/adhesion/{draft.public_id}/verification")
    box(page, "Me le rappeler le").fill(typed(day(days=40)))
    page.get_by_role("button", name="Envoyer l’adhésion à la mutuelle").click()
    expect(page.get_by_role("main")).to_contain_text("Le conjoint reste à ajouter")
    page.goto("/")
    page.get_by_role("link", name=re.compile("adhésion à compléter")).click()
    task = page.get_by_role("region", name="À compléter")
    expect(task).to_contain_text("envoyée aujourd’hui")
    axe(page)
    task.get_by_role("button", name=re.compile("Plus personne à ajouter")).click()
    expect(task).to_have_count(0)
    assert not Enrolment.get().spouse_awaited


def test_a_second_click_on_send_sends_nothing_more(hr_page, hr):
    page = hr_page
    before = Beneficiary.select().count()
    draft = factories.enrolment(hr, enrolling.STEPS)
    page.goto(f"/adhesion/{draft.public_id}/verification")
    other = page.context.new_page()
    other.goto(page.url)
    for one in (page, other):
        one.get_by_role("button", name="Envoyer l’adhésion à la mutuelle").click()
        expect(one.get_by_role("heading", level=1)).to_contain_text("Adhésion A-")
    expect(other.get_by_role("main")).to_contain_text("était déjà envoyée")
    assert Movement.select().count() == 1 and Beneficiary.select().count() == before + 1
    assert Enrolment.get().state == EnrolmentState.SUBMITTED


def test_a_draft_is_put_away_and_brought_back(hr_page, hr):
    page = hr_page
    factories.enrolment(hr, {"salarie": enrolling.EMPLOYEE})
    page.goto("/adhesion")
    page.get_by_role("button", name="Abandonner : Inès COURBET").click()
    expect(page.get_by_role("main")).to_contain_text("Saisie abandonnée")
    page.get_by_text("Saisies abandonnées (1)").click()
    page.get_by_role("button", name=re.compile("Rétablir")).click()
    expect(page.get_by_role("link", name="Reprendre : Inès COURBET")).to_be_visible()
    same_after_reload(page)

"""« Laisser le salarié compléter » in a browser: HR gives a link; on a telephone, the employee completes and signs."""

import re

import pytest
from playwright.sync_api import expect

from portal.models import Enrolment, EnrolmentState, Waiver, WaiverState
from tests import enrolling, entrusted
from tests.enrolling import day, typed
from tests.journeys.browser import axe, same_after_reload, settled, sign_in
from tests.journeys.test_enrolments import tick

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def given(page, hr):
    """HR has given Inès her enrolment; the words of the message."""
    sign_in(page, hr)
    page.goto("/adhesion")
    page.get_by_role("link", name="Laisser le salarié compléter").first.click()
    axe(page)
    page.locator("input[name=contrat]").first.check(force=True)
    page.get_by_label("Date d’effet").fill(typed(day(days=20)))
    page.get_by_label("Nom", exact=True).fill("Lacroix")
    page.get_by_label("Prénom", exact=True).fill("Inès")
    page.get_by_label("Date de naissance").fill(entrusted.BORN)
    page.get_by_text("Par courriel", exact=True).click()
    page.get_by_label("Son courriel").fill(entrusted.MAIL)
    page.get_by_role("button", name="Confier l’adhésion au salarié").click()
    expect(page.get_by_role("main")).to_contain_text("Le lien du salarié")
    axe(page)
    same_after_reload(page)
    return entrusted.message()["text"]


@pytest.fixture
def phone(page, open_browser, given):
    found = open_browser(js=page.js, viewport=PHONE)
    found.goto(f"/salarie/{entrusted.token_in(given)}")
    axe(found)
    found.get_by_label("Votre date de naissance").fill(entrusted.BORN)
    found.get_by_role("button", name="Continuer").first.click()
    heading(found, "Votre adhésion à la mutuelle")
    return found


def heading(page, words):
    expect(page.get_by_role("heading", level=1)).to_have_text(words)
    settled(page)
    axe(page)


def onward(phone, words):
    settled(phone)
    phone.locator("#step button[value=suivant]").click()
    heading(phone, words)


def type_who(phone):
    tick(phone, "État civil", "Madame")
    phone.get_by_label("N° de Sécurité sociale").fill(enrolling.NIR)
    tick(phone, "Sexe", "Féminin")
    tick(phone, "Votre régime", "MSA")
    tick(phone, "Êtes-vous couvert", "Non")


def test_the_employee_completes_and_signs_on_a_telephone(page, hr, phone):
    same_after_reload(phone)
    phone.get_by_role("link", name="Commencer").click()
    type_who(phone)
    onward(phone, "Vos coordonnées")
    for label, words in (("Rue", "rue du Pré"), ("Code Postal", "39200"), ("Ville", "Saint-Claude")):
        phone.get_by_label(label, exact=True).fill(words)
    onward(phone, "Vos comptes bancaires")
    phone.get_by_role("group", name="Remboursement prestation").get_by_label("IBAN").fill(enrolling.IBAN)
    onward(phone, "Votre conjoint")
    phone.get_by_text("Pas de conjoint sur le contrat").click()
    onward(phone, "Vos enfants à charge")
    phone.get_by_text("Pas d’enfant sur le contrat").click()
    onward(phone, "Relire et signer")
    same_after_reload(phone)
    sign(phone)
    heading(phone, "C’est signé")
    same_after_reload(phone)
    assert Enrolment.get().state == EnrolmentState.SUBMITTED
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Adhésion A-")
    expect(page.get_by_role("main")).not_to_contain_text(enrolling.IBAN[-7:])
    axe(page)


def sign(phone):
    """The name, then the code that was sent; a wrong one first."""
    phone.complaints.expects(422)
    phone.get_by_label("Ce que j’ai indiqué est exact").check()
    phone.get_by_label("J’ai reçu la notice").check()
    phone.get_by_label("Vos prénom et nom").fill("Inès Lacroix")
    phone.get_by_role("button", name="Recevoir mon code de signature").click()
    heading(phone, "Votre code de signature")
    code = entrusted.code()
    type_code(phone, f"{(int(code) + 1) % 1_000_000:06}")
    expect(phone.get_by_role("main")).to_contain_text("Ce code n’est pas le bon")
    assert Enrolment.get().state == EnrolmentState.WITH_EMPLOYEE
    type_code(phone, code)


def type_code(phone, code):
    phone.get_by_label("Votre code à 6 chiffres").fill(code)
    phone.get_by_role("button", name="Signer mon adhésion").click()


def test_the_employee_asks_to_stay_out_on_a_telephone(page, hr, phone):
    phone.get_by_role("link", name="Je demande à ne pas être couvert").click()
    heading(phone, "Je demande à ne pas être couvert")
    phone.locator("label[for=cas-OP_CSS]").click()
    phone.get_by_role("button", name="Continuer", exact=True).click()
    heading(phone, "Je demande à ne pas être couvert")
    expect(phone.get_by_role("main")).to_contain_text("Ce que vous perdez")
    same_after_reload(phone)
    tick(phone, "Quand demandez-vous", "À l’embauche")
    phone.get_by_label("Fin des droits").fill(typed(day(days=200)))
    phone.get_by_label("Mon employeur m’a informé").check()
    phone.get_by_label("Vos prénom et nom").fill("Inès Lacroix")
    phone.get_by_role("button", name="Recevoir mon code de signature").click()
    heading(phone, "Votre code de signature")
    phone.get_by_label("Votre code à 6 chiffres").fill(entrusted.code())
    phone.get_by_role("button", name="Signer ma demande").click()
    heading(phone, "Votre demande est signée")
    same_after_reload(phone)
    waiver = Waiver.get()
    assert (waiver.state, waiver.reason, waiver.valid_until) == (WaiverState.REQUESTED, "OP_CSS", day(days=200))
    page.goto("/dispenses")
    page.get_by_role("main").get_by_role("link", name=re.compile("Lacroix", re.IGNORECASE)).first.click()
    expect(page.get_by_role("main")).to_contain_text("complémentaire santé solidaire")
    axe(page)

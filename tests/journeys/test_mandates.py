"""A mandate in a browser: prepared, signed by a code, downloaded, revoked; with JavaScript and without."""

import re

from portal.models import OutboxMessage, User
from tests import factories
from tests.journeys import scenery
from tests.journeys.browser import axe, same_after_reload, sign_in


def last_code():
    text = OutboxMessage.select().order_by(OutboxMessage.id.desc()).get().unseal()["text"]
    return re.search(r"\b\d{6}\b", text)[0]


def test_a_mandate_is_prepared_signed_and_revoked(page, database):
    user = scenery.roster()
    factories.bank_details(user.companies().first())
    sign_in(page, user)
    page.goto("/cotisations")
    page.get_by_role("link", name="Mandats de prélèvement").click()
    page.get_by_role("link", name="Préparer un mandat").click()
    page.complaints.expects(422)
    page.get_by_text("interentreprises (B2B)").click()
    page.get_by_role("button", name="Lire le mandat").click()
    page.get_by_role("link", name="Écrivez l’adresse").wait_for()
    page.get_by_label("Adresse de l’entreprise").fill("3 rue du Lac, 39000 Lons-le-Saunier")
    page.get_by_role("button", name="Lire le mandat").click()
    page.get_by_label("Vos prénom et nom").fill(User.get_by_id(user.id).full_name)
    page.get_by_label("Fait à").fill("Lons")
    page.get_by_role("button", name="Recevoir mon code").click()
    code = page.get_by_label("Votre code à 6 chiffres")
    code.wait_for()
    axe(page)
    code.fill(last_code())
    page.get_by_role("button", name="Signer le mandat").click()
    page.get_by_text("À remettre à votre banque.").wait_for()
    same_after_reload(page)
    with page.expect_download() as given:
        page.get_by_role("button", name="Mandat (PDF)").click()
    assert given.value.suggested_filename.endswith(".pdf")
    page.get_by_role("button", name="Révoquer le mandat").click()
    page.get_by_text("Plus aucun prélèvement ne partira avec ce mandat.").wait_for()
    same_after_reload(page)

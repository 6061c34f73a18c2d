"""« Gestion des affiliations »: one person recognised or asked for; a file from its upload to its last row mended."""

import re

import pytest
from playwright.sync_api import expect

from portal import tasks
from portal.models import AffiliationImport, Beneficiary, Enrolment, ImportState, Movement, db
from tests.exchange.test_affiliations import child, file_of, newcomers, nir, words
from tests.journeys import scenery
from tests.journeys.browser import axe, same_after_reload, settled, sign_in


@pytest.fixture
def hr(page):
    """HR of one account, in front of « Gestion des affiliations »."""
    user = scenery.roster()
    sign_in(page, user)
    page.goto("/affiliations")
    return user


# ── One ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def look_for(page, name, first_name, birth, number):
    page.get_by_label("Nom", exact=True).fill(name)
    page.get_by_label("Prénom").fill(first_name)
    page.get_by_label("Date de naissance").fill(birth)
    page.get_by_label("N° S. Sociale").fill(number)
    page.get_by_role("button", name="Continuer", exact=True).click()


def test_who_is_covered_is_recognised_before_anything_is_typed_twice(page, hr):
    page.get_by_role("link", name="Affilier un salarié").click()
    axe(page)
    same_after_reload(page)
    look_for(page, "Barbaud", "Zoe", "30/06/1994", scenery.NIR)
    expect(page.get_by_role("alert")).to_contain_text("Zoé BARBAUD est déjà couverte")
    axe(page)
    page.get_by_role("link", name="Ouvrir sa fiche").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("BARBAUD")
    assert Movement.select().count() == 0


def test_a_newcomer_is_asked_for_once(page, hr):
    page.get_by_role("link", name="Affilier un salarié").click()
    look_for(page, "Tournier", "Maël", "15/01/1980", nir(7))
    expect(page.get_by_text("cette personne n’est pas encore couverte")).to_be_visible()
    axe(page)
    page.get_by_label("Contrat", exact=True).select_option(index=1)
    page.get_by_label("Civilité").select_option("M.")
    page.get_by_label("Sexe").select_option(index=1)
    page.get_by_label("Matricule").fill("M77")
    page.get_by_label("Date d’effet").fill(f"{scenery.day():%d/%m/%Y}")
    page.get_by_label("Rue").fill("rue Pasteur")
    page.get_by_label("Code Postal").fill("1000")
    page.get_by_role("button", name="Demander l’affiliation").click()
    page.complaints.expects(422)
    expect(page.get_by_text("Indiquez la ville").first).to_be_visible()
    expect(page.get_by_label("Code Postal")).to_have_value("01000")  # the lost zero is put back
    axe(page)
    page.get_by_label("Ville").fill("Bourg-en-Bresse")
    page.get_by_role("button", name="Demander l’affiliation").click()
    expect(page.locator("#flash")).to_contain_text("Maël TOURNIER : l’affiliation est enregistrée")
    (newcomer,) = newcomers()
    assert (newcomer.postal_code, newcomer.employee_number) == ("01000", "M77")
    axe(page)
    same_after_reload(page)


def test_a_whole_enrolment_goes_on_from_what_was_typed(page, hr):
    page.get_by_role("link", name="Affilier un salarié").click()
    look_for(page, "Tournier", "Maël", "15/01/1980", nir(7))
    page.get_by_label("Contrat", exact=True).select_option(index=1)
    page.get_by_label("Civilité").select_option("M.")
    page.get_by_label("Sexe").select_option(index=1)
    page.get_by_label("Nom d’usage").fill("Tournier-Roux")
    page.get_by_label("Matricule").fill("M77")
    page.get_by_label("Date d’effet").fill(f"{scenery.day():%d/%m/%Y}")
    there = {"Rue": "rue Pasteur", "Complément": "Bât. B", "Code Postal": "39100", "Ville": "Dole"}
    there |= {"Portable": "06 12 34 56 78", "E-mail": "mael@example.org"}
    for label, text in there.items():
        page.get_by_label(label).fill(text)
    page.get_by_role("button", name="Ouvrir une adhésion complète").click()
    expect(page).to_have_url(re.compile("/salarie"))
    who = {"nom": "Tournier", "nomdusage": "Tournier-Roux", "prenom": "Maël", "matricule": "M77"}
    for name, text in (who | {"datedenaissance": "15/01/1980"}).items():
        expect(page.locator(f"main [name={name}]")).to_have_value(text)
    axe(page)
    same_after_reload(page)
    kept = Enrolment.get().unseal()["coordonnees"]  # a later page of it
    where = {"rue": "rue Pasteur", "complement": "Bât. B", "codepostal": "39100", "ville": "Dole"}
    for name, text in (where | {"portable": "06 12 34 56 78", "email": "mael@example.org"}).items():
        assert kept[name] == [text]
    assert not newcomers()


# ── Many ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def send(page, data, name="embauches.csv"):
    page.get_by_label("Fichier des salariés").set_input_files({"name": name, "mimeType": "text/csv", "buffer": data})
    page.get_by_role("button", name="Envoyer le fichier").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def work(page):
    """The worker does what there is to do; the page shows it by itself, or when it is asked."""
    while tasks.import_next():
        pass
    if page.js:
        expect(page.locator("#progress")).to_have_count(0)
    else:
        page.get_by_role("link", name="Actualiser").click()
    settled(page)


def test_a_file_goes_from_the_upload_to_its_last_row(page, hr):
    signed = scenery.offered(hr)
    wrong = words(signed, 2, **{"N° S. Sociale": nir(2)[:-1]})
    hopeless = words(signed, 3, **{"Date d'effet": "31/02/2026", "Code Postal": "1000", "Ville": "Bourg-en-Bresse"})
    data = file_of(words(signed), wrong, child(signed, 2), hopeless)
    send(page, data)
    expect(page.get_by_text("En attente de lecture")).to_be_visible()
    axe(page)
    left_and_found_again(page)
    work(page)
    expect(page.locator("#tile-creer strong")).to_have_text("1")
    expect(page.locator("#tile-erreur strong")).to_have_text("3")
    expect(page.locator("#ligne-3")).to_contain_text("a 14 chiffres : il en faut 15")
    axe(page)
    same_after_reload(page)
    mend(page)
    confirm_what_is_right(page)
    rows = rejected(page)
    send_again(page, rows)
    assert len(newcomers()) == 4
    nothing_twice(page, data)


def left_and_found_again(page):
    where = page.url
    page.goto("/salaries")
    page.goto("/affiliations")
    expect(page.get_by_role("table").get_by_text("En cours de vérification")).to_be_visible()
    page.get_by_role("link", name="embauches.csv").click()
    assert page.url == where


def mend(page):
    """Line 3, in the page: first badly, then well; the child of line 4 is right with it."""
    page.locator("#tile-erreur").click()
    settled(page)
    same_after_reload(page)
    page.get_by_role("link", name="Corriger la ligne 3").click()
    page.complaints.expects(422)
    box = page.get_by_label("N° S. Sociale")
    for number in ("1 80", nir(2)):
        box.fill(number)
        page.get_by_role("button", name="Corriger la ligne 3").click()
        if number == "1 80":
            expect(page.get_by_text("a 3 chiffres : il en faut 15").first).to_be_visible()
            axe(page)
    expect(page.locator("#flash")).to_contain_text("Ligne 3 : à créer.")
    expect(page.locator("#tile-erreur strong")).to_have_text("1")
    expect(page.locator("#tile-creer strong")).to_have_text("3")
    axe(page)
    same_after_reload(page)


def confirm_what_is_right(page):
    page.get_by_role("button", name="Affilier les 3 lignes prêtes").click()
    expect(page.get_by_role("heading", name="Affiliation en cours")).to_be_visible()
    axe(page)
    work(page)
    expect(page.get_by_text("3 lignes sont enregistrées.")).to_be_visible()
    expect(page.locator("#tile-erreur strong")).to_have_text("1")
    assert len(newcomers()) == 3
    same_after_reload(page)


def rejected(page):
    """The rows that are still wrong, downloaded; mended as in a spreadsheet."""
    with page.expect_download() as kept:
        page.get_by_role("button", name="Lignes à corriger").click()
    from portal.exchange import affiliation_file
    from portal.exchange.affiliation_cells import TITLES

    ((_, cells),) = affiliation_file.read(kept.value.path()).rows
    row = dict(zip(TITLES, map(str, cells), strict=True))
    assert row["Date d'effet"] == "31/02/2026"
    return [row | {"Date d'effet": f"{scenery.day():%d/%m/%Y}"}]


def send_again(page, rows):
    page.get_by_role("link", name="Envoyer le fichier corrigé").click()
    send(page, file_of(*rows), "corrige.csv")
    work(page)
    expect(page.locator("#tile-creer strong")).to_have_text("1")
    page.get_by_role("button", name="Affilier la ligne prête").click()
    work(page)
    expect(page.get_by_text("1 ligne est enregistrée.")).to_be_visible()
    axe(page)
    same_after_reload(page)


def nothing_twice(page, data):
    page.goto("/affiliations")
    send(page, data)
    expect(page.get_by_text("Ce même fichier a déjà été envoyé")).to_be_visible()
    work(page)
    expect(page.locator("#tile-inchangee strong")).to_have_text("1")
    expect(page.locator("#tile-erreur strong")).to_have_text("3")
    expect(page.get_by_role("button", name="Affilier")).to_have_count(0)
    assert len(newcomers()) == 4


def test_a_file_that_is_no_template_says_so_and_offers_it(page, hr):
    send(page, b"Produit;Prix\nVis;1\n", "tarif.csv")
    work(page)
    expect(page.get_by_text("Ce fichier n’a pas pu être lu.")).to_be_visible()
    axe(page)
    same_after_reload(page)
    with page.expect_download() as kept:
        page.get_by_role("link", name="Télécharger le modèle").click()
    assert kept.value.suggested_filename == "Base_Import_Standard_Fichier_Prefiliation.xlsx"
    assert AffiliationImport.get().state == ImportState.FAILED


def test_what_is_no_table_is_refused_at_its_field(page, hr):
    page.complaints.expects(422)
    picture = {"name": "salaries.xlsx", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\n"}
    page.get_by_label("Fichier des salariés").set_input_files(picture)
    page.get_by_role("button", name="Envoyer le fichier").click()
    expect(page.get_by_label("Fichier des salariés")).to_have_attribute("aria-invalid", "true")
    axe(page)
    assert not AffiliationImport.select().exists()
    assert not Beneficiary.select().where(Beneficiary.provisional).exists()
    assert db.is_closed() is False

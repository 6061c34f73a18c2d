"""« Espace documentaire » in a browser: open a folder, search, see, take one or many; publish at the mutual."""

import io
import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from portal import printing, publishing
from portal.models import Company, UserRole
from tests import factories, files
from tests.journeys import scenery
from tests.journeys.browser import axe, same_after_reload, settled, sign_in


@pytest.fixture
def hr(page):
    user = scenery.roster()
    written = printing.Letter(recipient=["x"], subject="x", paragraphs=["Le forfait optique."], on=scenery.day())
    told = printing.letters([written], "Tableau")
    factories.publication("Tableau des garanties", folder="GARANTIES/2026", content=told, name="tableau.pdf")
    factories.publication("Modèle de dispense", folder="FORMULAIRES", name="modele.csv", content=files.CSV)
    assert publishing.read_due() == 2
    sign_in(page, user)
    return user


def zipped(page, button):
    with page.expect_download() as waited:
        page.get_by_role("button", name=button).click()
    return zipfile.ZipFile(io.BytesIO(Path(waited.value.path()).read_bytes())).namelist()


def test_hr_opens_a_folder_searches_the_texts_and_takes_documents_away(page, hr):
    page.goto("/espace-documentaire")
    main = page.get_by_role("main")
    expect(main).to_contain_text("2 documents")
    page.get_by_role("navigation", name="Dossiers").get_by_role("link", name="FORMULAIRES").click()
    expect(main.get_by_role("row")).to_have_count(2)
    expect(main.get_by_role("link", name="Modèle de dispense", exact=True)).to_be_visible()
    settled(page)
    same_after_reload(page)
    page.goto("/espace-documentaire")
    page.get_by_role("searchbox").fill("optique")
    page.get_by_role("searchbox").press("Enter")
    expect(main.get_by_role("row")).to_have_count(2)
    settled(page)
    axe(page)
    same_after_reload(page)
    assert zipped(page, "Tout télécharger") == ["GARANTIES/2026/tableau.pdf"]
    page.goto("/espace-documentaire")
    page.get_by_label("Cocher Modèle de dispense").check()
    assert zipped(page, "Télécharger la sélection") == ["FORMULAIRES/modele.csv"]
    page.goto("/espace-documentaire")
    link = page.get_by_role("link", name=re.compile("Tableau des garanties.*aperçu"))
    seen = page.request.get(page.server + link.get_attribute("href"))
    assert seen.headers["content-type"] == "application/pdf" and "sandbox" in seen.headers["content-security-policy"]


def test_the_mutual_publishes_for_one_company_which_alone_reads_it(page):
    user = scenery.roster()
    company = user.companies().order_by(Company.code).first()
    sign_in(page, factories.user(role=UserRole.STAFF))
    page.goto("/gestion/publications")
    page.get_by_role("link", name="Publier un document").click()
    page.get_by_label("Fichier à publier").set_input_files(
        {"name": "avenant.pdf", "mimeType": "application/pdf", "buffer": files.pdf()}
    )
    page.get_by_label("Titre").fill("Avenant n° 3")
    page.get_by_label("Nature").select_option("CONTRACT")
    page.get_by_label("Nouveau dossier").fill("Avenants")
    page.get_by_text("Un compte, une de ses entreprises").click()
    page.get_by_label("Compte", exact=True).fill(company.account.code)
    page.get_by_role("button", name="Chercher").click()
    page.get_by_label("Tout le compte, ou une partie").select_option(company.code)
    settled(page)
    axe(page)
    page.get_by_role("button", name="Publier", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Avenant n° 3")
    expect(page.get_by_role("main")).to_contain_text(f"{company.label} · 1 lecteur")
    settled(page)
    axe(page)
    sign_in(page, user)
    page.goto("/espace-documentaire")
    expect(page.get_by_role("main")).to_contain_text("Avenant n° 3")

"""Certificates in a browser: of one person, of all who are ticked, and of a contract."""

import io
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from portal.models import Beneficiary
from tests.journeys import scenery
from tests.journeys.browser import axe, same_after_reload, settled, sign_in


@pytest.fixture
def hr(page):
    user = scenery.roster()
    sign_in(page, user)
    return user


def downloaded(page, name):
    """What a button gives, by its name and its bytes."""
    with page.expect_download() as waited:
        page.get_by_role("button", name=name).first.click()
    return waited.value.suggested_filename, Path(waited.value.path()).read_bytes()


def test_hr_takes_the_certificate_of_one_person_and_finds_it_again(page, hr):
    zoe = Beneficiary.get(Beneficiary.member_number == "00638246")
    page.goto(f"/salaries/{zoe.public_id}")
    name, data = downloaded(page, "Attestation d’affiliation")
    assert name == "Attestation d’affiliation, Zoé BARBAUD.pdf" and data.startswith(b"%PDF")
    page.reload()
    expect(page.get_by_role("main")).to_contain_text("Attestation d’affiliation, Zoé BARBAUD")
    axe(page)


def test_all_who_are_ticked_come_in_one_zip(page, hr):
    page.goto("/salaries?q=barbaud")
    for who in ("Zoé Barbaud", "Noé Barbaud"):
        page.get_by_label(f"Cocher {who}").check()
    page.get_by_role("button", name="Attestations").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Attestations d’affiliation")
    expect(page.get_by_role("main")).to_contain_text("avec Marc, Noé")
    axe(page)
    same_after_reload(page)
    name, data = downloaded(page, "Télécharger 1 attestation")
    assert name.endswith(".zip")
    assert zipfile.ZipFile(io.BytesIO(data)).namelist() == ["Attestation d’affiliation, Zoé BARBAUD.pdf"]


def test_who_left_gets_a_certificate_with_the_days_of_work(page, hr):
    page.complaints.expects(422)
    gone = Beneficiary.get(Beneficiary.birth_name == "Parti")
    page.goto(f"/salaries/{gone.public_id}")
    page.get_by_role("link", name="Attestation de radiation").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Attestation de radiation")
    settled(page)
    axe(page)
    same_after_reload(page)
    last_day = page.get_by_label("Dernier jour du contrat de travail")
    right = last_day.input_value()
    last_day.fill("31/06/2026")
    page.get_by_role("button", name="Télécharger l’attestation").click()
    expect(page.get_by_role("main")).to_contain_text("Le 31 juin n’existe pas")
    axe(page)
    page.get_by_label("Dernier jour du contrat de travail").fill(right)
    name, data = downloaded(page, "Télécharger l’attestation")
    assert name == "Attestation de radiation, Paul PARTI.pdf" and data.startswith(b"%PDF")


def test_a_contract_gives_its_sheet_for_payroll(page, hr):
    page.goto("/contrats")
    page.get_by_role("row").nth(1).get_by_role("link").click()
    name, data = downloaded(page, "Fiche de paramétrage DSN")
    assert name.startswith("Fiche de paramétrage DSN, contrat HJ") and data.startswith(b"%PDF")

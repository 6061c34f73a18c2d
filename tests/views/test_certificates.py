"""Certificates: who gets one, what it says and what it keeps for itself; once a day, and all ticked as one zip."""

import datetime
import io
import zipfile

import pytest
from pypdf import PdfReader

from portal import clock, documents, printing
from portal.models import AuditEvent, Beneficiary, Document, Plan
from tests import factories
from tests.models.test_documents import SPACE
from tests.test_printing import faults
from tests.views.test_selections import tick

DAY = datetime.timedelta(days=1)


@pytest.fixture
def contract(hr):
    return hr.contracts().order_by(hr.contracts().model.id).first()


@pytest.fixture
def zoe(contract):
    return factories.beneficiary(contract, "Barbaud", "Zoé", title="Mme", sex="F", household_number="F1")


@pytest.fixture
def noe(contract, zoe):
    return factories.beneficiary(contract, "Barbaud", "Noé", role=2, household_number="F1")


def leave(person, on, reason="DISMISSAL"):
    Beneficiary.update(terminated_on=on, termination_reason=reason).where(Beneficiary.id == person.id).execute()


def read(data):
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)
    return " ".join(text.replace(SPACE, " ").split())


def affiliation(client, person):
    return client.post(f"/salaries/{person.public_id}/attestation")


def termination(client, person, **days):
    return client.post(f"/salaries/{person.public_id}/attestation-radiation", days)


def test_an_affiliation_is_attested_with_those_who_are_covered(signed_in, hr, zoe, noe):
    gone = factories.beneficiary(zoe.contract, "Barbaud", "Marc", role=1, household_number="F1")
    leave(gone, clock.today() - DAY)
    answer = affiliation(signed_in, zoe)
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert faults(answer.data) == []
    text = read(answer.data)
    assert "atteste que Mme Zoé BARBAUD est couverte" in text and "depuis le 01/01/2016" in text
    assert zoe.contract.number in text and "Essentielle" in text and zoe.member_number in text
    assert "Noé BARBAUD" in text and "Marc" not in text
    event = AuditEvent.get(AuditEvent.action == "certificate.affiliation")
    assert (event.user_id, event.account_id) == (hr.id, zoe.account_id)


def test_its_code_is_recognised_by_anybody(signed_in, client, zoe):
    affiliation(signed_in, zoe)
    row = Document.get(Document.beneficiary == zoe)
    assert row.check_hash and row.initials == "Z. B."
    assert documents.TYPES[row.document_type] == "Attestation d’affiliation"
    assert row.title in signed_in.get(f"/salaries/{zoe.public_id}").get_data(as_text=True)


def test_the_same_words_of_the_same_day_are_one_document(signed_in, zoe, noe, at):
    first, second = affiliation(signed_in, zoe), affiliation(signed_in, zoe)
    assert first.data == second.data and Document.select().count() == 1
    leave(noe, clock.today() - DAY)
    assert "Noé" not in read(affiliation(signed_in, zoe).data)
    assert Document.select().count() == 2


def test_what_was_withdrawn_is_issued_anew(signed_in, zoe):
    affiliation(signed_in, zoe)
    Document.withdraw(zoe)
    affiliation(signed_in, zoe)
    assert [row.withdrawn_at is None for row in Document.select().order_by(Document.id)] == [False, True]


@pytest.mark.parametrize(
    ("values", "words"), [({"provisional": True}, "pas encore traité"), ({"terminated_on": "2026-01-31"}, "Radiée au")]
)
def test_nothing_is_attested_of_who_is_not_covered_yet_or_any_more(signed_in, zoe, values, words):
    Beneficiary.update(values).where(Beneficiary.id == zoe.id).execute()
    answer = affiliation(signed_in, zoe)
    assert answer.status_code == 303 and Document.select().count() == 0
    assert words in signed_in.get(answer.location).get_data(as_text=True)


def test_a_cover_to_come_and_one_that_ends_are_said_to_be(signed_in, zoe):
    start, end = clock.today() + DAY, clock.today() + 40 * DAY
    values = {"effective_on": start, "terminated_on": end}
    Beneficiary.update(values).where(Beneficiary.id == zoe.id).execute()
    text = read(affiliation(signed_in, zoe).data)
    assert "sera couverte" in text and f"à compter du {start:%d/%m/%Y} et jusqu’au {end:%d/%m/%Y}" in text


def test_a_radiation_is_attested_with_portability_counted_in_days_of_work(signed_in, zoe, noe):
    for one in (zoe, noe):
        leave(one, datetime.date(2026, 9, 30))
    page = signed_in.get(f"/salaries/{zoe.public_id}/attestation-radiation").get_data(as_text=True)
    assert 'value="30/09/2026"' in page and 'value="01/01/2016"' in page
    answer = termination(signed_in, zoe, embauche="04/05/2026", fin="12/09/2026")
    assert answer.status_code == 422  # no contract of employment begins after the cover
    answer = termination(signed_in, zoe, embauche="1/1/16", fin="12/09/2026")
    assert answer.status_code == 200 and faults(answer.data) == []
    text = read(answer.data)
    assert "a été couverte" in text and "du 01/01/2016 au 30/09/2026" in text
    assert "Si elle est indemnisée" in text and "12 mois au plus" in text
    assert "du 13/09/2026 au 12/09/2027" in text
    assert "Noé BARBAUD" in text and "au plus tard le 12/03/2028" in text
    assert "icenciement" not in text


@pytest.mark.parametrize("reason", ["RESIGNATION", "DISMISSAL_SERIOUS"])
def test_no_portability_is_promised_where_the_law_gives_none_and_the_reason_stays_untold(signed_in, zoe, reason):
    leave(zoe, datetime.date(2026, 9, 30), reason)
    text = read(termination(signed_in, zoe, embauche="01/01/2016", fin="30/09/2026").data)
    assert "ortabilité" not in text and "assurance chômage" not in text
    assert "à titre individuel" in text
    assert not any(word in text.lower() for word in ("démission", "faute", "exclu"))


def test_the_household_of_who_died_is_told_its_own_rights(signed_in, zoe):
    leave(zoe, datetime.date(2026, 9, 30), "DEATH")
    text = read(termination(signed_in, zoe, embauche="01/01/2016", fin="30/09/2026").data)
    assert "Ses ayants droit couverts peuvent le rester au moins jusqu’au 30/09/2027" in text


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ({"embauche": "", "fin": "12/09/2026"}, "Indiquez le premier jour"),
        ({"embauche": "01/01/2016", "fin": "01/10/2026"}, "Au plus tard le 30/09/2026"),
        ({"embauche": "01/01/2016", "fin": "31/08/2026"}, "un jour du même mois"),
        ({"embauche": "01/01/2016", "fin": "31/06/2026"}, "Le 31 juin n’existe pas"),
    ],
)
def test_days_that_cannot_be_are_said_at_their_field(signed_in, zoe, days, words):
    leave(zoe, datetime.date(2026, 9, 30))
    answer = termination(signed_in, zoe, **days)
    assert answer.status_code == 422 and words in answer.get_data(as_text=True).replace("\u202f", " ")
    assert Document.select().count() == 0


def test_a_dependent_who_left_needs_no_days(signed_in, noe):
    leave(noe, clock.today() + 3 * DAY, "OTHER")
    text = read(termination(signed_in, noe).data)
    assert "est couvert par" in text and "La couverture prend fin à cette date" in text
    assert "Maintien" not in text and "à titre individuel" not in text


def test_who_stays_has_no_such_page(signed_in, zoe):
    assert signed_in.get(f"/salaries/{zoe.public_id}/attestation-radiation").status_code == 404
    assert termination(signed_in, zoe).status_code == 404


def test_the_actions_follow_the_cover(signed_in, zoe):
    def shown():
        text = signed_in.get(f"/salaries/{zoe.public_id}").get_data(as_text=True)
        return [words for words in ("Attestation d’affiliation", "Attestation de radiation") if words in text]

    assert shown() == ["Attestation d’affiliation"]
    leave(zoe, clock.today() + DAY)
    assert shown() == ["Attestation d’affiliation", "Attestation de radiation"]
    leave(zoe, clock.today() - DAY)
    assert shown() == ["Attestation de radiation"]


# Everyone who is ticked


def test_all_ticked_come_as_one_zip_and_a_dependent_stands_on_the_employee_s(signed_in, contract, zoe, noe):
    paul, gone = factories.beneficiary(contract, "Mermet", "Paul"), factories.beneficiary(contract, "Parti", "Luc")
    leave(gone, clock.today() - DAY)
    where = tick(signed_in, zoe, noe, paul, gone, action="attestation").location
    assert where.startswith("/salaries/attestations/")
    page = signed_in.get(where).get_data(as_text=True).replace(SPACE, " ")
    assert "2 attestations" in page and "Luc PARTI" in page and "Radié au" in page
    assert Document.select().count() == 0
    answer = signed_in.post(where)
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="attestations-affiliation-')
    assert sorted(archive.namelist()) == [
        "Attestation d’affiliation, Paul MERMET.pdf",
        "Attestation d’affiliation, Zoé BARBAUD.pdf",
    ]
    assert "Noé BARBAUD" in read(archive.read("Attestation d’affiliation, Zoé BARBAUD.pdf"))
    event = AuditEvent.get(AuditEvent.action == "certificate.affiliations")
    assert sorted(event.after["people"]) == sorted([str(zoe.public_id), str(paul.public_id)])


def test_one_that_cannot_be_made_is_named_in_the_zip(signed_in, contract, zoe, monkeypatch):
    paul = factories.beneficiary(contract, "Mermet", "Paul")
    where = tick(signed_in, zoe, paul, action="attestation").location
    pdf = printing.pdf

    def fail(template, **words):
        if "MERMET" in words["title"]:
            raise RuntimeError
        return pdf(template, **words)

    monkeypatch.setattr(printing, "pdf", fail)
    archive = zipfile.ZipFile(io.BytesIO(signed_in.post(where).data))
    assert archive.namelist() == ["Attestation d’affiliation, Zoé BARBAUD.pdf", "Documents non préparés.txt"]
    assert "Paul MERMET" in archive.read("Documents non préparés.txt").decode()


def test_nobody_to_attest_of_is_said(signed_in, zoe):
    leave(zoe, clock.today() - DAY)
    where = tick(signed_in, zoe, action="attestation").location
    assert "Aucune attestation" in signed_in.get(where).get_data(as_text=True)
    assert signed_in.post(where).status_code == 303


def test_many_are_read_in_a_few_statements(signed_in, hr, queries):
    where = tick(signed_in, *hr.beneficiaries(), action="attestation").location
    queries.clear()
    assert "9\u00a0attestations" in signed_in.get(where).get_data(as_text=True)
    assert len(queries) <= 7


# The contract


def test_payroll_is_told_how_to_declare_a_contract(signed_in, contract):
    Plan.update(contribution_structure="SINGLE_FAMILY", code="ESS-CONF").where(Plan.id == contract.plan_id).execute()
    answer = signed_in.post(f"/contrats/{contract.public_id}/fiche-dsn")
    assert answer.status_code == 200 and faults(answer.data) == []
    text = read(answer.data)
    for words in (
        contract.number,
        "S21.G00.15.001",
        "999000018",
        "ESS-CONF",
        "S21.G00.81.001",
        "059",
        "73282932000074",
    ):
        assert words in text, words
    row = Document.get()
    assert (row.contract_id, row.beneficiary_id) == (contract.id, None)
    assert row.title in signed_in.get(f"/contrats/{contract.public_id}").get_data(as_text=True)

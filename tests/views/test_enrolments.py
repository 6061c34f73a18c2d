"""« Adhésion salarié »: the six steps, the last look, the sending, and the list of them."""

import datetime
import io
import re

import pytest
from pypdf import PdfReader

from portal.models import (
    AuditEvent,
    Beneficiary,
    BeneficiaryRole,
    Document,
    Enrolment,
    EnrolmentState,
    Movement,
    Waiver,
    WaiverState,
)
from tests import enrolling, factories
from tests.enrolling import begin, children, fill, said, send, years_ago
from tests.test_printing import faults


@pytest.fixture
def draft(signed_in, hr):
    return begin(signed_in, hr)


def whole_household():
    return {
        "conjoint": enrolling.SPOUSE,
        "enfants": children(years_ago(3), years_ago(22)) | {"enfants-1-situation": "Étudiant"},
    }


def test_a_whole_household_is_typed_looked_at_and_sent(signed_in, hr, draft):
    fill(signed_in, draft, **whole_household())
    look = signed_in.get(f"/adhesion/{draft.public_id}/verification")
    page = look.get_data(as_text=True)
    for words in ("Inès COURBET", "Paul", "Roux", "Léoa ROUX", "Léob ROUX", "Copie du PACS", "Certificat de scolarité"):
        assert words in page, words
    sent = signed_in.post(f"/adhesion/{draft.public_id}/verification", enrolling.hidden(page))
    assert sent.status_code == 303, said(sent)
    answer = signed_in.get(sent.headers["Location"]).get_data(as_text=True)
    number = Enrolment.get().number
    assert number in answer
    people = {person.first_name: person for person in Beneficiary.select().where(Beneficiary.provisional)}
    assert set(people) == {"Inès", "Paul", "Léoa", "Léob"}
    assert people["Paul"].role == BeneficiaryRole.SPOUSE
    assert len({person.household_number for person in people.values()}) == 1
    assert people["Inès"].unseal("nir") == "294063947803145"
    assert people["Inès"].unseal("reimbursement_iban") == "FR7630006000011234567890189"
    assert people["Inès"].employee_number == ""
    moved = {row.beneficiary_id: row for row in Movement.select()}
    assert moved[people["Léob"].id].after["child_status"] == "STUDENT"
    assert moved[people["Léoa"].id].cause_id == moved[people["Inès"].id].id
    assert moved[people["Inès"].id].after["base_scheme"] == "MSA"
    assert AuditEvent.select().where(AuditEvent.action == "enrolment.submit").count() == 1


def test_an_enrolment_that_is_sent_has_its_bulletin_to_download_and_to_check(signed_in, hr, draft):
    fill(signed_in, draft, **whole_household())
    look = signed_in.get(f"/adhesion/{draft.public_id}/verification").get_data(as_text=True)
    sent = signed_in.post(f"/adhesion/{draft.public_id}/verification", enrolling.hidden(look))
    document = Document.get()
    path = f"/document/{document.public_id}/telechargement"
    answer = signed_in.get(sent.headers["Location"]).get_data(as_text=True)
    assert path in answer and "faites-le signer au salarié" in answer
    data = signed_in.post(path).data
    assert faults(data) == []
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)
    for words in ("Courbet", "Inès", "Paul", "Léob ROUX", "Copie du PACS", Enrolment.get().number):
        assert words in text, words
    assert re.search(r"FR76\s•••• .* 189, BIC", text.replace("\xa0", " "))
    assert not re.search(r"478\W*031|3000\W*6000", text)
    code = re.search(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}", text)[0]
    assert "Document reconnu" in signed_in.post("/verification", {"code": code}).get_data(as_text=True)


def test_who_is_affiliated_has_no_waiver_any_more(signed_in, hr, draft):
    names = {"last_name": "Lacroix", "used_name": "Courbet", "first_name": "Inès"}
    waiver = factories.waiver(draft.category, birth_date=datetime.date(1994, 6, 30), **names)
    look = signed_in.get(f"/adhesion/{fill(signed_in, draft).public_id}/verification").get_data(as_text=True)
    assert signed_in.post(f"/adhesion/{draft.public_id}/verification", enrolling.hidden(look)).status_code == 303
    assert Waiver.get_by_id(waiver.id).state == WaiverState.ENDED


def test_opening_the_page_makes_no_draft(signed_in, hr):
    assert signed_in.get("/adhesion/nouvelle").status_code == 200
    assert signed_in.get("/adhesion").status_code == 200
    assert Enrolment.select().count() == 0


def test_a_wrong_first_step_makes_no_draft(signed_in, hr):
    answer = signed_in.post("/adhesion/nouvelle", enrolling.contract_words(hr, datedeffet="31/06/2026"))
    assert answer.status_code == 422
    assert Enrolment.select().count() == 0


def test_the_same_first_step_twice_makes_one_draft(signed_in, hr):
    key = {"form_key": "11111111-1111-4111-8111-111111111111"}
    assert begin(signed_in, hr, **key).id == begin(signed_in, hr, **key).id
    assert Enrolment.select().count() == 1


def test_a_step_beyond_the_first_unanswered_leads_back_to_it(signed_in, hr, draft):
    for step in ("coordonnees", "enfants"):
        answer = signed_in.get(f"/adhesion/{draft.public_id}/{step}")
        assert answer.status_code == 303
        assert answer.headers["Location"].endswith("/salarie")
    assert signed_in.get(f"/adhesion/{draft.public_id}/verification").headers["Location"].endswith("/salarie")


def test_what_is_wrong_is_said_with_links_and_kept(signed_in, hr, draft):
    wrong = enrolling.EMPLOYEE | {
        "datedenaissance": "31/06/1994",
        "nssociale": "2 94 06 39 478 031 54",
        "typedassure": "",
    }
    answer = send(signed_in, draft, "salarie", wrong)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "3 erreurs à corriger" in page
    for words in (
        'href="#datedenaissance"',
        'href="#nssociale"',
        'href="#typedassure-0"',
        "Choisissez le type d’assuré.",
    ):
        assert words in page
    again = signed_in.get(f"/adhesion/{draft.public_id}/salarie").get_data(as_text=True)
    assert "31/06/1994" in again
    assert "erreurs à corriger" not in again


def test_previous_keeps_what_is_wrong_without_stopping(signed_in, hr, draft):
    answer = send(signed_in, draft, "salarie", {"nom": "Lacr", "nssociale": "12"}, "precedent")
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith("/garantie")
    assert 'value="Lacr"' in signed_in.get(f"/adhesion/{draft.public_id}/salarie").get_data(as_text=True)


def test_a_draft_is_left_and_resumed_at_its_step(signed_in, hr, draft):
    fill(signed_in, draft, until="comptes")
    answer = send(signed_in, draft, "comptes", {"ibanprestation": "FR76"}, "quitter")
    assert answer.headers["Location"].startswith("/adhesion")
    page = signed_in.get("/adhesion").get_data(as_text=True)
    assert "Inès COURBET" in page
    assert "Étape 4 sur 7" in page
    assert signed_in.get(f"/adhesion/{draft.public_id}").headers["Location"].endswith("/comptes")


def test_sent_twice_an_enrolment_affiliates_once(signed_in, hr, draft):
    fill(signed_in, draft)
    page = enrolling.hidden(signed_in.get(f"/adhesion/{draft.public_id}/verification").get_data(as_text=True))
    for _ in range(2):
        assert signed_in.post(f"/adhesion/{draft.public_id}/verification", page).status_code == 303
    assert Movement.select().count() == 1
    assert Enrolment.get().state == EnrolmentState.SUBMITTED

"""Documents to download, and the page where anybody checks a code."""

import io

import pytest
from pypdf import PdfReader

from portal import bulletins, clock, documents, printing
from portal.models import AuditEvent, Document, Throttle
from tests.models.test_documents import asked, code_of


@pytest.fixture
def person(hr):
    return hr.beneficiaries().first()


def test_the_pages_of_the_person_and_of_the_contract_list_the_bulletin(signed_in, hr, person):
    document = asked(hr, person)
    for path in (f"/salaries/{person.public_id}", f"/contrats/{person.contract.public_id}"):
        text = signed_in.get(path).get_data(as_text=True)
        assert document.title in text and f"/document/{document.public_id}/telechargement" in text
    other = hr.beneficiaries().where(type(person).id != person.id).first()
    assert document.title not in signed_in.get(f"/salaries/{other.public_id}").get_data(as_text=True)


def test_a_contract_lists_its_own_documents_and_the_last_bulletins(signed_in, hr, person, queries):
    for number in range(12):
        asked(hr, person, number=f"A-2026-{number:06}")
    Document.create(
        account=person.account_id,
        contract=person.contract,
        title="Avenant",
        document_type="x",
        published_on="2026-01-01",
    )
    queries.clear()
    text = signed_in.get(f"/contrats/{person.contract.public_id}").get_data(as_text=True)
    assert text.count("/telechargement") == 10
    assert "Avenant" in text
    assert len(queries) <= 8


def test_a_download_makes_the_document_and_is_written_down(signed_in, hr, person):
    document = asked(hr, person)
    path = f"/document/{document.public_id}/telechargement"
    first, second = signed_in.post(path), signed_in.post(path)
    assert first.status_code == 200 and first.mimetype == "application/pdf"
    assert first.headers["Content-Disposition"].startswith("attachment")
    assert first.data == second.data
    assert person.full_name in PdfReader(io.BytesIO(first.data)).pages[0].extract_text()
    downloads = [event for event in AuditEvent.about(document) if event.action == "document.download"]
    assert [(event.user_id, event.account_id) for event in downloads] == [(hr.id, person.account_id)] * 2


def test_what_cannot_be_made_is_said_on_the_page_one_came_from(signed_in, hr, person, monkeypatch):
    document = asked(hr, person)

    def fail(*args, **words):
        raise RuntimeError

    monkeypatch.setattr(printing, "pdf", fail)
    answer = signed_in.post(f"/document/{document.public_id}/telechargement", {"vers": "/contrats"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/contrats")
    assert "n’a pas pu être préparé" in signed_in.get("/contrats").get_data(as_text=True)


def test_what_was_only_announced_has_no_file(signed_in, hr, person):
    announced = Document.create(
        account=person.account_id,
        contract=person.contract,
        title="Avenant",
        document_type="x",
        published_on="2026-01-01",
    )
    assert signed_in.post(f"/document/{announced.public_id}/telechargement").status_code == 404


# Anybody checks a code


@pytest.fixture
def code(hr, person):
    return code_of(documents.made(asked(hr, person)))


def check(client, code):
    return client.post("/verification", {"code": code})


def test_a_code_is_recognised_and_tells_initials_alone(client, code, person):
    answer = check(client, f" {code.lower().replace('-', ' ')} ")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "Document reconnu" in text and "Bulletin d’adhésion individuel" in text and "P. B." in text
    assert person.last_name not in text and person.first_name not in text and person.member_number not in text


def test_another_code_is_unknown(client, code):
    text = check(client, documents.draw_code()).get_data(as_text=True)
    assert "Code inconnu" in text and "reconnu" not in text


def test_what_was_withdrawn_is_said_to_be(client, code):
    Document.update(withdrawn_at=clock.now()).execute()
    assert "Document annulé" in check(client, code).get_data(as_text=True)


def test_the_code_of_a_link_is_written_in_the_form_and_not_checked(client, code, queries):
    queries.clear()
    text = client.get(f"/verification?code={code}").get_data(as_text=True)
    assert f'value="{code}"' in text and "reconnu" not in text
    assert not [sql for sql in queries if "document" in sql]


@pytest.mark.parametrize("typed", ["", "abc", "<script>alert(1)</script>"])
def test_what_cannot_be_a_code_is_said_at_its_field(client, database, typed):
    answer = check(client, typed)
    assert answer.status_code == 422
    assert "Erreur" in answer.get_data(as_text=True)


def test_codes_cannot_be_tried_one_after_the_other(client, code):
    for _ in range(10):
        assert check(client, documents.draw_code()).status_code == 200
    assert check(client, code).status_code == 429
    assert Throttle.select().where(~Throttle.key.startswith("burst:")).count() == 1


def test_who_checks_many_right_codes_is_not_slowed_down(client, code):
    assert {check(client, code).status_code for _ in range(15)} == {200}


def test_the_printed_address_leads_to_the_page(client, hr, person):
    document = asked(hr, person)
    page = printing.html("enrolment_form", title=document.title, code="AAAA-BBBB-CCCC-DDDD", **document.unseal())
    assert "/verification</a>" in page
    assert client.get("/verification?code=AAAA-BBBB-CCCC-DDDD").status_code == 200
    assert bulletins.CHANNELS.keys() == {"EMAIL", "SMS"}

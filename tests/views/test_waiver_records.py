"""« Ajouter une dispense »: every case with its questions, the proof, an enrolment that it replaces."""

import pytest

from portal import clock
from portal.models import (
    AuditEvent,
    DocumentRequest,
    Enrolment,
    EnrolmentState,
    RequestState,
    SupportingDocument,
    Waiver,
)
from portal.rules import waivers as rules
from tests import enrolling, factories, files
from tests.views.test_deposits import send_files
from tests.views.test_waivers import day

NEW = "/dispenses/nouvelle"
WHO = {"civilite": "Mme", "nom": "Lacroix", "prenom": "Inès", "naissance": "30/06/1994", "matricule": "M12"}


def words(hr, case, **more):
    college = hr.categories().first()
    asked = {"college": college.key, "demande": f"{day(-2):%d/%m/%Y}", "effet": f"{day(0):%d/%m/%Y}"}
    rule = rules.CASES[case]
    asked["occasion"] = rule.occasions[0]
    if rule.covers:
        asked["couverture"] = rule.covers[0]
    if rule.hired:
        asked["embauche"] = f"{day(-30):%d/%m/%Y}"
    if rule.until:
        asked["fin"] = f"{day(350 if case == 'ACT_CDD_GE12' else 60):%d/%m/%Y}"
    return {**WHO, **asked, **more}


def send(client, hr, case="OP_CSS", **more):
    return client.post(f"{NEW}?cas={case}", words(hr, case, **more))


def send_with(client, hr, case, pieces):
    return send_files(client, f"{NEW}?cas={case}", *pieces, field="piece", **words(hr, case))


@pytest.mark.parametrize("case", rules.CASES)
def test_every_case_has_its_page_and_enters_the_register(signed_in, hr, case):
    page = signed_in.get(f"{NEW}?cas={case}").get_data(as_text=True)
    assert rules.CASES[case].article in page
    answer = send(signed_in, hr, case)
    if case == "ACT_CDD_GE12" and answer.status_code == 422:
        answer = send(signed_in, hr, case, fin=f"{day(400):%d/%m/%Y}")
    assert answer.status_code == 303, enrolling.said(answer)
    row = Waiver.get()
    assert (row.reason, row.state, row.birth_name, row.author_id) == (case, "IN_FORCE", "Lacroix", hr.id)
    proof = rules.CASES[case].proof
    assert DocumentRequest.select().count() == (1 if proof else 0)
    assert AuditEvent.select().where(AuditEvent.action == "waiver.record").count() == 1


def test_the_cases_are_offered_with_their_article(signed_in, hr):
    page = signed_in.get(NEW).get_data(as_text=True)
    for case in rules.CASES.values():
        assert case.article in page
    assert signed_in.post(f"{NEW}?cas=AUTRE", words(hr, "OP_CSS")).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"nom": ""},
        {"civilite": "Dr"},
        {"naissance": "31/02/1990"},
        {"college": "x"},
        {"demande": ""},
        {"effet": "demain"},
        {"occasion": "x"},
        {"fin": ""},
        {"fin": "01/01/2020"},
        {"courriel": "ines"},
        {"portable": "01 99 00 10 01"},
    ],
)
def test_what_is_wrong_is_said_at_its_box_and_nothing_is_recorded(signed_in, hr, wrong):
    answer = send(signed_in, hr, **wrong)
    assert answer.status_code == 422
    assert f'id="{next(iter(wrong))}' in answer.get_data(as_text=True)
    assert 'value="Inès"' in answer.get_data(as_text=True)
    assert Waiver.select().count() == 0


def test_the_same_form_twice_is_one_waiver(signed_in, hr):
    key = "11111111-1111-4111-8111-111111111111"
    for _ in range(2):
        assert send(signed_in, hr, form_key=key).status_code == 303
    assert Waiver.select().count() == 1


def test_a_foreign_college_is_none(signed_in, hr):
    other = factories.hr_user().categories().first()
    assert send(signed_in, hr, college=other.key).status_code == 422


def test_the_proof_comes_with_it_or_later(signed_in, hr):
    assert send_with(signed_in, hr, "OP_CSS", (("css.pdf", files.pdf()),)).status_code == 303
    row = Waiver.get()
    assert (row.proved_on, DocumentRequest.get().state) == (clock.today(), RequestState.ACCEPTED)
    Waiver.update(proved_on=None).execute()
    DocumentRequest.update(state=RequestState.AWAITED).execute()
    address = f"/dispenses/{row.public_id}/piece"
    assert send_files(signed_in, address, field="piece").status_code == 422
    assert send_files(signed_in, address, ("css.png", files.image()), field="piece").status_code == 303
    assert (Waiver.get().proved_on, SupportingDocument.select().count()) == (clock.today(), 2)
    late = send_files(signed_in, address, ("encore.png", files.image()), field="piece")
    assert (late.status_code, SupportingDocument.select().count()) == (303, 2)


def test_one_that_is_over_is_recorded_with_its_proof(signed_in, hr):
    dates = {"demande": f"{day(-90):%d/%m/%Y}", "effet": f"{day(-80):%d/%m/%Y}", "fin": f"{day(-9):%d/%m/%Y}"}
    sent = send_files(
        signed_in, f"{NEW}?cas=OP_CSS", ("css.pdf", files.pdf()), field="piece", **words(hr, "OP_CSS", **dates)
    )
    assert sent.status_code == 303
    row = Waiver.get()
    assert (row.state, row.proved_on) == ("ENDED", clock.today())
    assert SupportingDocument.get().outcome == "ACCEPTED"


def test_a_proof_that_no_box_asks_for_is_left_out(signed_in, hr):
    sent = send_files(
        signed_in, f"{NEW}?cas=OP_DUE_BEFORE", ("x.pdf", files.pdf()), field="piece", **words(hr, "OP_DUE_BEFORE")
    )
    assert (sent.status_code, Waiver.select().count(), SupportingDocument.select().count()) == (303, 1, 0)


def test_an_enrolment_that_was_begun_gives_way_to_it(signed_in, hr):
    draft = enrolling.fill(signed_in, enrolling.begin(signed_in, hr), until="comptes")
    address = f"{NEW}?cas=OP_CSS&adhesion={draft.public_id}"
    assert 'value="Lacroix"' in signed_in.get(address).get_data(as_text=True)
    assert signed_in.post(address, words(hr, "OP_CSS")).status_code == 303
    assert Enrolment.get().state == EnrolmentState.DECLINED
    assert Waiver.get().enrolment_id == draft.id


def test_a_foreign_enrolment_is_not_found(signed_in, hr):
    theirs = factories.enrolment(factories.hr_user())
    assert signed_in.get(f"{NEW}?cas=OP_CSS&adhesion={theirs.public_id}").status_code == 404

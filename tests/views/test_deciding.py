"""« Justificatifs reçus », several at once: those that are ticked are all accepted, or all refused with one reason."""

import re
import uuid

import pytest

from portal import clock, proofs
from portal.models import DocumentRequest, OutboxMessage, RequestState
from portal.rules import proofs as rules
from tests import factories
from tests.views.batches import desk, left, now, plain, send, states, ticked, written
from tests.views.test_supporting_documents import await_of

PATH = "/gestion/justificatifs"


@pytest.fixture
def staff(app, hr):
    return desk(app)


@pytest.fixture
def received(hr):
    """Three documents of three employees who have an address, all of them there to be examined."""
    contract = hr.contracts().first()
    rows = []
    for number, name in enumerate(("Lamy", "Morel", "Nicod"), 1):
        means = {"email": f"{name.lower()}@example.com", "household_number": f"F90{number}"}
        rows.append(await_of(factories.beneficiary(contract, name, "Aurélie", **means), proof=rules.BANK_DETAILS))
    DocumentRequest.update(state=RequestState.RECEIVED, received_at=clock.now()).execute()
    OutboxMessage.delete().execute()
    return [now(row) for row in rows]


def decide(staff, word, rows, **words):
    return send(staff, f"{PATH}/{word}", rows, **words)


def shown(staff):
    return plain(staff.get(PATH))


def test_those_that_are_ticked_are_accepted_and_each_employee_is_told(staff, received):
    assert decide(staff, "acceptation", received[:2]).status_code == 303
    assert states(received) == [RequestState.ACCEPTED, RequestState.ACCEPTED, RequestState.RECEIVED]
    assert written("proof.accept") == 2
    assert {message.unseal()["to"] for message in OutboxMessage.select()} == {"lamy@example.com", "morel@example.com"}
    assert "2 justificatifs acceptés" in shown(staff)


def test_one_reason_refuses_them_all_and_hr_is_told_once(staff, hr, received):
    assert decide(staff, "refus", received[:2], motif="ILLEGIBLE").status_code == 303
    assert states(received) == [RequestState.REFUSED, RequestState.REFUSED, RequestState.RECEIVED]
    assert all("pas lisible" in now(row).remark for row in received[:2])
    assert written("proof.refuse") == 2
    assert [message.user_id for message in OutboxMessage.select()].count(hr.id) == 1
    assert OutboxMessage.select().count() == 3


@pytest.mark.parametrize("words", [{"motif": ""}, {"motif": "OTHER", "precision": " "}])
def test_without_a_reason_nothing_is_refused_and_the_ticks_stay(staff, received, words):
    answer = decide(staff, "refus", received[:2], **words)
    assert answer.status_code == 422
    assert ticked(answer) == [str(row.public_id) for row in received[:2]]
    assert "chaque salarié la lira" in plain(answer)
    assert states(received) == [RequestState.RECEIVED] * 3


def test_what_somebody_decided_meanwhile_stays_as_it_was_decided(staff, received):
    proofs.refuse(received[0], "Il manque une page.", clock.now(), received[0].version)
    answer = decide(staff, "acceptation", received)
    assert answer.status_code == 409
    assert states(received) == [RequestState.REFUSED, RequestState.ACCEPTED, RequestState.ACCEPTED]
    assert written("proof.accept") == 2
    page = plain(answer)
    assert "2 justificatifs acceptés" in page
    assert "1 justificatif n’a pas été accepté" in page
    assert left(answer) == {str(received[0].public_id): "Quelqu’un d’autre l’a déjà traité."}
    assert "LAMY Aurélie</a>" in page


def test_nothing_is_decided_of_nothing(staff, received):
    strange = [f"{uuid.uuid4()}.1", "", "x", f"{received[0].public_id}.²", str(received[0].public_id)]
    assert staff.post(f"{PATH}/acceptation", {"qui": strange}).status_code == 303
    assert "Cochez d’abord" in shown(staff)
    assert staff.post(f"{PATH}/acceptation", {"qui": ["x.1"]}).status_code == 404
    assert states(received) == [RequestState.RECEIVED] * 3


def test_what_is_decided_already_has_no_box(staff, received):
    proofs.accept(received[0], clock.now(), received[0].version)
    assert shown(staff).count('name="qui"') == 2
    assert 'name="qui"' not in staff.get(f"{PATH}?etat=acceptes").get_data(as_text=True)


def test_companies_decide_nothing(signed_in, received):
    assert decide(signed_in, "acceptation", received).status_code == 403
    assert states(received) == [RequestState.RECEIVED] * 3


def test_the_list_in_the_answer_to_its_form_leads_to_addresses_that_answer(staff, received):
    page = plain(staff.post(f"{PATH}/refus?lignes=10", {"qui": []}))
    assert f'action="{PATH}" role="search"' in page
    for path in set(re.findall(rf'href="({PATH}\?[^"]*)"', page)):
        assert staff.get(path.replace("&amp;", "&")).status_code == 200


def test_an_id_written_otherwise_is_the_same_one(staff, received):
    row = received[0]
    assert staff.post(f"{PATH}/acceptation", {"qui": f"{row.public_id.hex.upper()}.{row.version}"}).status_code == 303
    assert now(row).state == RequestState.ACCEPTED

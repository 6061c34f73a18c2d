"""Requests and complaints, several at once: taken, given to a colleague, closed; each of them checked alone."""

import pytest

from portal import clock, threads
from portal.models import OutboxMessage, ThreadState
from tests import factories
from tests.views.batches import desk, left, now, plain, send, ticked, written

PATH = "/gestion/demandes"
RECEIVED, CLOSED, TREATED = ThreadState.RECEIVED, ThreadState.CLOSED, ThreadState.TREATED
AWAITING, IN_PROGRESS = ThreadState.AWAITING_ANSWER, ThreadState.IN_PROGRESS


@pytest.fixture
def me(hr):
    return factories.user(role="staff", first_name="Zoé", last_name="Abel")


@pytest.fixture
def staff(app, me):
    return desk(app, me)


@pytest.fixture
def colleague(hr):
    return factories.user(role="staff", first_name="Paul", last_name="Zimmer")


def opened(hr, state=RECEIVED, **values):
    row = factories.thread(hr, state=state, **values)
    OutboxMessage.delete().execute()
    return now(row)


def act(staff, word, rows, path=PATH, **words):
    return send(staff, f"{path}/{word}", rows, "last_message", **words)


def test_those_that_nobody_follows_are_taken(staff, me, hr):
    rows = [opened(hr), opened(hr), opened(hr)]
    assert act(staff, "prise-en-charge", rows[:2]).status_code == 303
    assert [now(row).assignee_id for row in rows] == [me.id, me.id, None]
    assert [now(row).state for row in rows] == [IN_PROGRESS, IN_PROGRESS, RECEIVED]
    assert written("thread.take") == 2
    assert "2 demandes prises en charge." in plain(staff.get(PATH))


def test_what_a_colleague_follows_or_what_is_over_is_not_taken_and_says_why(staff, me, hr, colleague):
    free, mine, theirs, over = opened(hr), opened(hr), opened(hr), opened(hr, CLOSED)
    threads.take(mine, me, clock.now(), mine.last_message)
    threads.take(theirs, colleague, clock.now(), theirs.last_message)
    answer = act(staff, "prise-en-charge", [free, now(mine), now(theirs), over])
    assert answer.status_code == 409
    assert now(free).assignee_id == me.id
    assert now(theirs).assignee_id == colleague.id
    said = left(answer)
    assert "Vous la suivez déjà" in said[str(mine.public_id)]
    assert "Un collègue la suit déjà" in said[str(theirs.public_id)]
    assert "déjà clos" in said[str(over.public_id)]
    page = plain(answer)
    assert "1 demande prise en charge." in page
    assert "3 demandes n’ont pas été prises en charge" in page


def test_they_are_given_to_a_colleague_who_is_told_once(staff, hr, colleague):
    rows = [opened(hr), opened(hr)]
    assert act(staff, "attribution", rows, a=str(colleague.public_id)).status_code == 303
    assert {now(row).assignee_id for row in rows} == {colleague.id}
    assert written("thread.pass") == 2
    (message,) = OutboxMessage.select()
    assert (message.user_id, message.subject) == (colleague.id, "2\u00a0demandes vous sont confiées")
    assert message.unseal()["link"] == "/gestion/demandes?etat=miens"
    assert "2 demandes confiées à Paul Zimmer" in plain(staff.get(PATH))
    again = act(staff, "attribution", [now(row) for row in rows], a=str(colleague.public_id))
    assert set(left(again).values()) == {"Ce collègue la suit déjà."}
    assert OutboxMessage.select().count() == 1


def test_one_alone_leads_to_its_page(staff, hr, colleague):
    row = opened(hr, kind="COMPLAINT")
    act(staff, "attribution", [row], "/gestion/reclamations", a=str(colleague.public_id))
    (message,) = OutboxMessage.select()
    assert message.subject == f"La réclamation n°\u00a0{row.number} vous est confiée"
    assert message.unseal()["link"] == f"/gestion/reclamations/{row.public_id}"


@pytest.mark.parametrize("who", ["", "x", "00000000-0000-4000-8000-000000000000"])
def test_without_a_colleague_nothing_is_given_and_the_ticks_stay(staff, hr, who):
    rows = [opened(hr), opened(hr)]
    answer = act(staff, "attribution", rows[:1], a=who)
    assert answer.status_code == 422
    assert "Choisissez un collègue." in plain(answer)
    assert ticked(answer) == [str(rows[0].public_id)]
    assert now(rows[0]).assignee_id is None


def test_hr_is_no_colleague(staff, hr):
    row = opened(hr)
    assert act(staff, "attribution", [row], a=str(hr.public_id)).status_code == 422
    assert now(row).assignee_id is None


def test_what_was_answered_is_closed_and_what_is_owed_stays(staff, hr):
    treated, awaiting, owed, begun = (opened(hr, one) for one in (TREATED, AWAITING, RECEIVED, IN_PROGRESS))
    answer = act(staff, "cloture", [treated, awaiting, owed, begun])
    assert answer.status_code == 409
    assert [now(row).state for row in (treated, awaiting, owed, begun)] == [CLOSED, CLOSED, RECEIVED, IN_PROGRESS]
    assert written("thread.close") == 2
    assert set(left(answer)) == {str(owed.public_id), str(begun.public_id)}
    assert all("répondez d’abord" in why for why in left(answer).values())


def test_a_complaint_without_its_answer_is_not_closed(staff, hr):
    row = opened(hr, AWAITING, kind="COMPLAINT")
    answer = act(staff, "cloture", [row], "/gestion/reclamations")
    assert "se clôt par sa réponse" in left(answer)[str(row.public_id)]
    assert now(row).state == AWAITING


def test_what_was_written_in_meanwhile_stays(staff, hr):
    row = opened(hr)
    threads.answer(row, hr, "Encore un mot.", clock.now(), {})
    assert "y a écrit ou agi" in left(act(staff, "prise-en-charge", [row]))[str(row.public_id)]
    assert now(row).assignee_id is None


def test_a_complaint_is_not_reached_among_requests(staff, hr):
    row = opened(hr, kind="COMPLAINT")
    assert act(staff, "prise-en-charge", [row]).status_code == 303
    assert now(row).assignee_id is None
    assert "Cochez d’abord les demandes" in plain(staff.get(PATH))


def test_companies_do_none_of_it(signed_in, hr, colleague):
    row = opened(hr)
    for word in ("prise-en-charge", "attribution", "cloture"):
        assert act(signed_in, word, [row], a=str(colleague.public_id)).status_code == 403
    assert (now(row).assignee_id, now(row).state) == (None, RECEIVED)

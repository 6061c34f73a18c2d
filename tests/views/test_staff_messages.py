"""« Courriels et SMS »: what failed, why, and « Renvoyer »."""

import pytest

from portal import clock
from portal.models import AuditEvent, MessageKind, MessageState, OutboxMessage, UserRole
from tests import factories
from tests.views.test_terminations import plain


@pytest.fixture
def staff(client, database):
    factories.messages()
    client.sign_in(factories.user(role=UserRole.STAFF))
    return client


def of(state):
    return OutboxMessage.select().where(OutboxMessage.state == state)


def test_what_failed_comes_first_with_its_reason_and_no_address(staff):
    text = plain(staff.get("/gestion/messages"))
    for words in ("3 messages", "Refusé par le serveur du destinataire (550 5.1.1)", "8 essais", "z•••@example.com"):
        assert words in text
    assert "zoe@" not in text
    assert "Votre fichier est vérifié" in text


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("etat=tous", 8),
        ("etat=attente", 1),
        ("etat=envoyes", 1),
        ("nature=securite", 1),
        ("etat=x&nature=y", 3),
    ],
)
def test_the_address_narrows_the_list(staff, query, count):
    answer = staff.get(f"/gestion/messages?{query}")
    assert answer.get_data(as_text=True).count("<tr role=") - 1 == count


@pytest.mark.parametrize("column", ["date", "nature", "destinataire", "etat"])
def test_every_column_sorts_both_ways(staff, column):
    up, down = (staff.get(f"/gestion/messages?etat=tous&tri={way}{column}") for way in ("", "-"))
    assert up.status_code == down.status_code == 200
    assert plain(up) != plain(down)


def test_an_empty_list_says_so(staff):
    assert "Aucun message ne correspond" in plain(staff.get("/gestion/messages?nature=demandes"))
    OutboxMessage.delete().execute()
    assert "Aucun échec" in plain(staff.get("/gestion/messages"))


def test_one_goes_again_once_and_it_is_written_down(staff):
    message = of(MessageState.FAILED).get()
    for _ in range(2):
        answer = staff.post(f"/gestion/messages/{message.public_id}/renvoi", {"vers": "/gestion/messages?tri=nature"})
        assert (answer.status_code, answer.location) == (303, "/gestion/messages?tri=nature")
    again = OutboxMessage.get_by_id(message.id)
    assert (again.state, again.attempts, again.last_error, again.settled_at) == ("WAITING", 0, "", None)
    assert again.unseal()["to"] == "zoe@example.com"
    assert AuditEvent.select().where(AuditEvent.action == "message.send_again").count() == 1


def test_what_went_well_is_never_sent_again(staff):
    for message in OutboxMessage.select().where(OutboxMessage.state != MessageState.FAILED):
        staff.post(f"/gestion/messages/{message.public_id}/renvoi")
    assert of(MessageState.FAILED).count() == 3
    assert of(MessageState.WAITING).count() == 1
    assert not AuditEvent.select().where(AuditEvent.action == "message.send_again").exists()


def test_all_that_failed_go_again_as_far_as_the_filters_say(staff):
    staff.post("/gestion/messages/renvoi?nature=securite&etat=envoyes", {"vers": "/gestion/messages"})
    assert of(MessageState.FAILED).count() == 2
    answer = staff.post("/gestion/messages/renvoi", {"vers": "//ailleurs.example"})
    assert answer.location == "/"
    assert "2 messages partent de nouveau" in plain(staff.get("/gestion/messages"))
    assert of(MessageState.FAILED).count() == 0
    staff.post("/gestion/messages/renvoi")
    written = AuditEvent.select().where(AuditEvent.action == "message.send_all_again")
    assert [event.after for event in written.order_by(AuditEvent.number)] == [{"messages": 1}, {"messages": 2}]


def test_a_link_that_is_no_use_any_more_is_not_sent_again(staff):
    late = factories.message(kind=MessageKind.SECURITY, not_after=clock.now())
    late.settle(MessageState.FAILED, clock.now() + (clock.now() - late.created_at), "Outdated")
    assert "Périmé" in plain(staff.get("/gestion/messages?nature=securite"))
    staff.post("/gestion/messages/renvoi")
    assert [message.id for message in of(MessageState.FAILED)] == [late.id]


def test_the_menu_counts_the_failures_for_the_staff_alone(staff, hr):
    assert "Courriels et SMS3 à traiter" in plain(staff.get("/")).replace("SMS 3", "SMS3")
    staff.sign_in(hr)
    assert "Courriels et SMS" not in plain(staff.get("/"))


def test_the_list_asks_few_queries(staff, queries):
    queries.clear()
    staff.get("/gestion/messages")
    assert len(queries) <= 7, queries

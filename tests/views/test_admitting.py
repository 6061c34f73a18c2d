"""« Inscriptions », several at once: one reason refuses or sends back them all; accepted where no account is chosen."""

import re

import pytest

from portal import clock, registrations
from portal.models import AuditEvent, OutboxMessage, PermissionGrant, Registration, User, UserRole
from portal.rules import registrations as rules
from tests import factories
from tests.views.batches import desk, left, now, plain, send, states, ticked, written

PATH = "/gestion/inscriptions"


@pytest.fixture
def staff(app, database):
    return desk(app)


@pytest.fixture
def waiting(database):
    """Two health professionals, and a company."""
    health = {"role": UserRole.HEALTH_PROFESSIONAL, "number_kind": "RPPS", "number": "10003456786"}
    rows = [factories.registration(email=f"sante{n}@example.com", **health) for n in range(2)]
    return [Registration.get_by_id(row.id) for row in (*rows, factories.registration(email="rh@example.com"))]


def decide(staff, word, rows, **words):
    return send(staff, f"{PATH}/{word}", rows, **words)


def test_health_professionals_are_accepted_and_each_is_told(staff, waiting):
    assert decide(staff, "acceptation", waiting[:2]).status_code == 303
    assert states(waiting) == ["ACCEPTED", "ACCEPTED", "RECEIVED"]
    assert written("registration.accept") == 2
    assert AuditEvent.get(AuditEvent.action == "registration.accept").after == {"accounts": []}
    told = {message.unseal()["to"] for message in OutboxMessage.select()}
    assert told == {"sante0@example.com", "sante1@example.com"}
    assert not PermissionGrant.select().exists()
    assert "2 inscriptions acceptées. Les personnes sont prévenues." in plain(staff.get(PATH))


def test_who_is_given_accounts_is_looked_at_alone(staff, waiting):
    factories.user(identifier="sante1@example.com")
    answer = decide(staff, "acceptation", waiting)
    assert answer.status_code == 409
    assert states(waiting) == ["ACCEPTED", "RECEIVED", "RECEIVED"]
    assert "a un accès depuis" in left(answer)[str(waiting[1].public_id)]
    assert "se choisissent un par un" in left(answer)[str(waiting[2].public_id)]
    assert "1 inscription acceptée. La personne est prévenue." in plain(answer)
    assert User.known("rh@example.com") is None


def test_one_reason_refuses_them_all(staff, waiting):
    assert decide(staff, "refus", waiting, motif="UNKNOWN").status_code == 303
    assert states(waiting) == ["REFUSED"] * 3
    assert written("registration.refuse") == 3
    assert OutboxMessage.select().count() == 3
    assert all("établir votre lien" in message.unseal()["text"] for message in OutboxMessage.select())


@pytest.mark.parametrize("words", [{"motif": ""}, {"motif": "OTHER", "precision": " "}])
def test_without_a_reason_nothing_is_refused_and_the_ticks_stay(staff, waiting, words):
    answer = decide(staff, "refus", waiting[:1], **words)
    assert (answer.status_code, ticked(answer)) == (422, [str(waiting[0].public_id)])
    assert "chaque personne la lira" in plain(answer)
    assert states(waiting) == ["RECEIVED"] * 3


def test_what_is_missing_is_asked_of_them_all_and_each_has_a_link_of_their_own(staff, waiting):
    assert (
        decide(staff, "complement", waiting, **{"plus-motif": "OLD", "plus-precision": "Avant\r\nlundi."}).status_code
        == 303
    )
    assert states(waiting) == ["INCOMPLETE"] * 3
    assert {now(row).remark for row in waiting} == {f"{rules.MORE['OLD']} Avant lundi."}
    assert written("registration.ask_more") == 3
    told = {message.unseal()["to"]: message.unseal() for message in OutboxMessage.select()}
    assert set(told) == {row.email for row in waiting}
    assert all("Avant lundi." in one["text"] for one in told.values())
    assert len({one["link"] for one in told.values()}) == 3
    assert "3 inscriptions renvoyées pour complément. Les personnes sont prévenues." in plain(staff.get(PATH))


@pytest.mark.parametrize("words", [{}, {"plus-motif": "UNKNOWN"}, {"plus-motif": "OTHER"}, {"motif": "UNKNOWN"}])
def test_nothing_is_asked_without_saying_what(staff, waiting, words):
    answer = decide(staff, "complement", waiting[1:], **words)
    assert (answer.status_code, ticked(answer)) == (422, [str(row.public_id) for row in waiting[1:]])
    assert re.search(r'href="#plus-(motif|precision)"', plain(answer))
    assert states(waiting) == ["RECEIVED"] * 3


def test_what_was_decided_meanwhile_is_not_sent_back(staff, waiting):
    registrations.accept(waiting[0], [], None, clock.now(), waiting[0].version)
    answer = decide(staff, "complement", waiting[:2], **{"plus-motif": "MISSING"})
    assert answer.status_code == 409
    assert left(answer) == {str(waiting[0].public_id): "Quelqu’un en a déjà décidé."}
    assert "1 inscription n’a pas été renvoyée pour complément" in plain(answer)
    assert states(waiting[:2]) == ["ACCEPTED", "INCOMPLETE"]


def test_what_somebody_decided_meanwhile_stays(staff, waiting):
    registrations.refuse(waiting[0], "x", None, clock.now(), waiting[0].version)
    answer = decide(staff, "acceptation", waiting[:2])
    assert left(answer) == {str(waiting[0].public_id): "Quelqu’un en a déjà décidé."}
    assert states(waiting[:2]) == ["REFUSED", "ACCEPTED"]


def test_nothing_is_decided_of_nothing(staff, waiting):
    assert staff.post(f"{PATH}/acceptation", {"qui": ["", "x"]}).status_code == 303
    assert "Cochez d’abord les inscriptions" in plain(staff.get(PATH))
    assert plain(staff.get(PATH)).count('name="qui"') == 3
    assert 'name="qui"' not in plain(staff.get(f"{PATH}?etat=acceptees"))


def test_another_duty_decides_nothing(app, waiting):
    other = desk(app, factories.user(role="staff", duties=1))
    assert decide(other, "acceptation", waiting).status_code == 403
    assert decide(other, "refus", waiting, motif="UNKNOWN").status_code == 403
    assert decide(other, "complement", waiting, **{"plus-motif": "OLD"}).status_code == 403
    assert states(waiting) == ["RECEIVED"] * 3

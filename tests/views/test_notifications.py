"""« Mon compte », « Courriels »: at once, once a day or never, for each kind; and what the worker makes of it."""

import datetime

import pytest

from portal import clock, outbox
from portal.models import AuditEvent, Delivery, MessageKind, MessageState, NotificationChoice, OutboxMessage
from tests import factories
from tests.views.test_terminations import plain

CHOICES = {"affiliations": "DAILY", "adhesions": "NONE", "pieces": "AT_ONCE", "demandes": "AT_ONCE"}


def choose(client, **choices):
    return client.post("/compte/notifications", CHOICES | choices)


@pytest.fixture
def noon(monkeypatch):
    """noon(days): the clock at noon in Paris, that many days from now; asked for first: it would end a session."""

    def move(days=0):
        now = clock.instant(first + datetime.timedelta(days=days), datetime.time(12))
        monkeypatch.setattr(clock, "now", lambda: now)
        return now

    first = clock.today()
    move()
    return move


def sent_to(user):
    """What reached the user in the folder: the subjects."""
    rows = OutboxMessage.select().where(OutboxMessage.user == user, OutboxMessage.state == MessageState.SENT)
    return [message.subject for message in rows.order_by(OutboxMessage.settled_at, OutboxMessage.id)]


def test_everything_comes_at_once_until_one_chooses(signed_in, hr):
    page = signed_in.get("/compte").get_data(as_text=True)
    for name in CHOICES:
        assert f'checked class="form-check-input" id="{name}-0"' in page
    assert choose(signed_in).status_code == 303
    assert hr.deliveries() == {
        MessageKind.IMPORT: "DAILY",
        MessageKind.ENROLMENT: "NONE",
        MessageKind.PROOF: "AT_ONCE",
        MessageKind.REQUEST: "AT_ONCE",
    }
    assert "Vos choix sont enregistrés" in plain(signed_in.get("/compte"))
    assert choose(signed_in, affiliations="AT_ONCE").status_code == 303
    assert NotificationChoice.select().count() == 4
    event = AuditEvent.select().where(AuditEvent.action == "notifications.choose").order_by(AuditEvent.number.desc())
    assert (event.first().before["IMPORT"], event.first().after["IMPORT"]) == ("DAILY", "AT_ONCE")


@pytest.mark.parametrize("choices", [{"affiliations": "PARFOIS"}, {"affiliations": ""}, {"securite": "NONE"}])
def test_a_choice_that_is_none_changes_nothing(signed_in, hr, choices):
    answer = choose(signed_in, **choices)
    assert answer.status_code == (303 if "securite" in choices else 422)
    assert MessageKind.SECURITY not in hr.deliveries()


def test_a_wrong_form_of_the_page_leaves_the_others_as_they_were(signed_in, hr):
    choose(signed_in)
    signed_in.post("/compte/affichage", {"apparence": "dark", "lignes": "50"})
    page = signed_in.post("/compte/mot-de-passe", {"actuel": "", "mot_de_passe": "", "confirmation": ""})
    text = page.get_data(as_text=True)
    assert 'checked class="form-check-input" id="affiliations-1"' in text
    assert 'checked class="form-check-input" id="apparence-2"' in text


def test_a_day_is_told_in_one_message_once(noon, app, signed_in, hr):
    choose(signed_in)
    now = noon()
    for number in range(3):
        factories.message(user=hr, to=hr.identifier, now=now, told=f"Fichier {number}", link=f"/affiliations/{number}")
    assert outbox.write_digests(app.settings, now) == outbox.send_due(app.settings, now) == 0
    now = noon(days=1)
    assert outbox.write_digests(app.settings, now) == 1
    assert outbox.write_digests(app.settings, now) == 0
    digest = OutboxMessage.get(OutboxMessage.kind == MessageKind.DIGEST)
    text = digest.unseal()["text"]
    for number in range(3):
        assert f"• Fichier {number}\xa0: http://localhost/affiliations/{number}\n" in text
    assert hr.last_name not in text
    assert outbox.send_due(app.settings, now) == 1
    assert len(sent_to(hr)) == 1
    assert sent_to(hr)[0].startswith("Votre récapitulatif du ")
    grouped = OutboxMessage.select().where(OutboxMessage.digest == digest)
    assert [(message.state, message.content) for message in grouped] == [(MessageState.GROUPED, None)] * 3
    assert outbox.write_digests(app.settings, noon(days=2)) == 0


def test_what_is_written_after_the_digest_waits_for_the_next(noon, app, signed_in, hr):
    choose(signed_in)
    factories.message(user=hr, now=noon())
    assert outbox.write_digests(app.settings, noon()) == 0
    before = clock.instant(clock.today() + datetime.timedelta(days=1), datetime.time(7, 29))
    assert outbox.write_digests(app.settings, before) == 0
    assert outbox.write_digests(app.settings, before + datetime.timedelta(minutes=1)) == 1


def test_the_choice_of_the_moment_of_sending_is_the_one_that_holds(noon, app, signed_in, hr):
    now = noon()
    for told in ("un", "deux"):
        factories.message(user=hr, now=now, told=told)
    choose(signed_in, affiliations="DAILY")
    assert outbox.send_due(app.settings, now) == 0
    choose(signed_in, affiliations="AT_ONCE")
    assert outbox.send_due(app.settings, now) == 2
    assert outbox.write_digests(app.settings, noon(days=1)) == 0
    assert sent_to(hr) == ["un", "deux"]


def test_what_is_unwanted_goes_nowhere_even_if_it_is_wanted_later(noon, app, signed_in, hr):
    now = noon()
    factories.message(user=hr, now=now)
    choose(signed_in, affiliations="NONE")
    factories.message(user=hr, now=now)
    security = factories.message(user=hr, kind=MessageKind.SECURITY, now=now, told="sécurité")
    other = factories.message(now=now)
    assert outbox.send_due(app.settings, now) == 2
    choose(signed_in, affiliations="AT_ONCE")
    assert outbox.send_due(app.settings, now) == outbox.write_digests(app.settings, noon(days=1)) == 0
    states = {message.id: message.state for message in OutboxMessage.select()}
    assert states.pop(security.id) == states.pop(other.id) == MessageState.SENT
    assert list(states.values()) == [MessageState.UNWANTED] * 2


def test_a_long_day_counts_what_it_does_not_list(app, database, noon, monkeypatch):
    monkeypatch.setattr(outbox, "MOST_LINES", 2)
    user = factories.user()
    user.choose_deliveries({MessageKind.IMPORT: Delivery.DAILY})
    for number in range(4):
        factories.message(user=user, now=noon(), told=f"Fichier <{number}>")
    assert outbox.write_digests(app.settings, noon(days=1)) == 1
    content = OutboxMessage.get(OutboxMessage.kind == MessageKind.DIGEST).unseal()
    assert "2\xa0autres messages" in content["text"]
    assert "Fichier &lt;1&gt;" in content["html"]
    assert "<2>" not in content["text"]


def test_two_workers_write_one_digest(noon, app, database):
    """The second finds nothing left: what the first took no longer waits."""
    user = factories.user()
    user.choose_deliveries({MessageKind.IMPORT: Delivery.DAILY})
    factories.message(user=user, now=noon())
    now = noon(days=1)
    waiting = OutboxMessage.awaiting_digest(now, now)
    assert outbox.write_digests(app.settings, now) == 1
    assert waiting == [user.id]
    assert OutboxMessage.group(user.id, now, now) == []

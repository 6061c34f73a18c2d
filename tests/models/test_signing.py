"""The code that signs: six digits, ten minutes, five tries, one use; nothing of it is kept that can be read."""

import datetime
import re
import threading

import pytest

from portal import clock, guests, outbox, signing
from portal.models import Beneficiary, Decision, GuestLink, OutboxMessage, db
from portal.signing import Tried

MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture
def link(hr):
    person = Beneficiary.get()
    drawn, _ = guests.draw("DEPOSIT", clock.now(), guests.Wanted("SMS", "+33639980000", beneficiary=person))
    signing.prepare(drawn, Decision.ENROL, "Léa Vuillet", 3)
    return drawn


def now_there(link):
    return GuestLink.get_by_id(link.id)


def send(link, now=None, channel="SMS", to="+33639980000"):
    return signing.send_code(now_there(link), channel, to, "Léa", now or clock.now())


def code_of(app):
    """What the person reads, before it has gone: nothing of it is kept afterwards."""
    text = OutboxMessage.select().order_by(OutboxMessage.id.desc()).get().unseal()["text"]
    return re.search(r"\b\d{6}\b", text)[0]


def attempt(link, typed, now=None):
    return signing.try_code(link, typed, now or clock.now())


@pytest.mark.parametrize(("channel", "to"), [("SMS", "+33639980000"), ("EMAIL", "lea@example.com")])
def test_a_code_that_was_sent_is_right_however_it_is_written(app, link, channel, to):
    assert send(link, channel=channel, to=to) == 0
    code = code_of(app)
    assert attempt(link, f" {code[:3]} {code[3:]}\n") == Tried.RIGHT
    assert now_there(link).code_channel == channel


def test_neither_the_row_nor_the_message_that_has_gone_tells_the_code(app, link):
    send(link)
    code = code_of(app)
    kept = GuestLink.select().where(GuestLink.id == link.id).dicts().get()
    assert not [value for value in kept.values() if code in str(value)]
    outbox.send_due(app.settings, clock.now())
    row = OutboxMessage.select().dicts().get()
    assert row["content"] is None
    assert not [value for value in row.values() if code in str(value)]
    assert row["not_after"] == now_there(link).code_expires_at


def test_without_a_code_nothing_is_right(link):
    for typed in ("", "000000", "²³", "12345", "1" * 500):
        assert attempt(link, typed) == Tried.OVER


def test_a_code_lasts_ten_minutes(app, link):
    now = clock.now()
    send(link, now)
    code = code_of(app)
    assert attempt(link, code, now + 10 * MINUTE) == Tried.OVER
    assert attempt(link, code, now + 10 * MINUTE - datetime.timedelta(seconds=1)) == Tried.RIGHT


def test_five_tries_and_no_more_even_with_the_right_one(app, link):
    send(link)
    code = code_of(app)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    assert [attempt(link, wrong) for _ in range(5)] == [Tried.WRONG] * 4 + [Tried.OVER]
    assert attempt(link, code) == Tried.OVER


def test_another_code_comes_after_a_minute_and_ends_the_one_before(app, link):
    now = clock.now()
    send(link, now)
    first = code_of(app)
    assert 0 < send(link, now + MINUTE / 2) <= 31
    assert OutboxMessage.select().count() == 1
    assert send(link, now + MINUTE) == 0
    assert OutboxMessage.select().count() == 2
    if code_of(app) != first:
        assert attempt(link, first, now + MINUTE) == Tried.WRONG
    assert attempt(link, code_of(app), now + MINUTE) == Tried.RIGHT


def test_codes_come_ever_more_slowly(link):
    """Nobody makes our gateway send texts all day, nor tries codes by the thousand."""
    now, sent = clock.now(), 0
    for _ in range(24 * 60):
        sent += send(link, now) == 0
        now += MINUTE
    assert sent <= 25


def test_a_changed_decision_asks_for_another_code(app, link):
    send(link)
    code = code_of(app)
    signing.prepare(link, Decision.WAIVE, "Léa Vuillet", 4)
    assert attempt(link, code) == Tried.OVER


def test_the_code_of_one_link_is_not_that_of_another(app, link):
    person = Beneficiary.get()
    other, _ = guests.draw("DEPOSIT", clock.now(), guests.Wanted("LETTER", beneficiary=person))
    send(link)
    send(other)
    GuestLink.update(code_hash=now_there(link).code_hash).where(GuestLink.id == other.id).execute()
    OutboxMessage.delete().where(OutboxMessage.object_id == str(other.public_id)).execute()
    assert attempt(other, code_of(app)) == Tried.WRONG


def test_a_link_that_is_over_signs_nothing(app, link):
    send(link)
    guests_code = code_of(app)
    GuestLink.update(cancelled_at=clock.now()).execute()
    assert attempt(link, guests_code) == Tried.OVER
    assert send(link, clock.now() + 2 * MINUTE) != 0


def at_once(number, work):
    started, found = threading.Barrier(number), []

    def one():
        with db.connection_context():
            started.wait()
            found.append(work())

    db.close()
    workers = [threading.Thread(target=one) for _ in range(number)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    db.connect(reuse_if_open=True)
    return found


def test_twenty_who_sign_at_once_sign_once(app, link):
    send(link)
    code, now = code_of(app), clock.now()
    found = at_once(20, lambda: attempt(link, code, now) == Tried.RIGHT and link.use(now))
    assert sum(found) == 1
    assert now_there(link).used_at == now


def test_twenty_guesses_at_once_are_five(app, link):
    send(link)
    code, now = code_of(app), clock.now()
    wrong = f"{(int(code) + 1) % 10**6:06}"
    found = at_once(20, lambda: attempt(link, wrong, now))
    assert now_there(link).code_tries == 5
    assert found.count(Tried.WRONG) <= 5


def test_twenty_requests_for_a_code_at_once_send_one(link):
    now = clock.now()
    found = at_once(20, lambda: send(link, now))
    assert found.count(0) == 1
    assert OutboxMessage.select().count() == 1

"""E-mails and texts against real servers: that refuse, hang, hang up or are down; and workers that are killed."""

import base64
import contextlib
import dataclasses
import datetime
import email
import os
import re
import signal
import smtplib
import ssl
import subprocess
import sys
import textwrap
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from email import policy
from urllib.parse import urlsplit

import pytest
from peewee import IntegrityError, OperationalError

from portal import carriers, clock, outbox
from portal import database as bases
from portal.models import Channel, MessageKind, MessageState, OutboxMessage, db
from tests import factories, servers

NIR, IBAN = "294063947803145", "FR7630006000011234567890189"


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(carriers, "TIMEOUT", 0.6)


@pytest.fixture
def server(app, database):
    """(mailbox, settings whose e-mails go there)"""
    with servers.smtp() as (mailbox, address):
        yield mailbox, dataclasses.replace(app.settings, smtp_url=address)


@pytest.fixture
def gateway(app, database):
    with servers.gateway() as (received, address):
        yield received, dataclasses.replace(app.settings, sms_url=address)


def write(number, **options):
    now = clock.now()
    letters = [letter(now, f"personne{place}@example.com", **options) for place in range(number)]
    outbox.write_many(letters)
    return now


def letter(now, to, kind=MessageKind.PROOF, **options):
    return outbox.letter(to, "import", now, **{"kind": kind, "told": "Une pièce est attendue", "link": "/x"} | options)


def text(number="+33639980142"):
    return outbox.sms(number, "waiver_refused", clock.now(), kind=MessageKind.ENROLMENT)


def later(now, **by):
    return now + datetime.timedelta(**by)


def ends():
    """(state, tries, last error) of each message, in order."""
    rows = OutboxMessage.select().order_by(OutboxMessage.id)
    return [(message.state, message.attempts, message.last_error) for message in rows]


def read(mail):
    return email.message_from_bytes(mail, policy=policy.default)


# ── What goes well ───────────────────────────────────────────────────────────────────────────────────────────────


def test_many_go_over_one_line_and_arrive_whole(server):
    mailbox, settings = server
    now = write(60)
    assert outbox.send_due(settings, now) == 60
    assert len(mailbox.sessions) == 1
    assert sorted(to for to, _ in mailbox.mails) == sorted(f"personne{place}@example.com" for place in range(60))
    mail = read(mailbox.mails[0][1])
    assert (mail["Subject"], mail["From"]) == (
        "Une pièce est attendue",
        "Trait d’Union <ne-pas-repondre@mutuelle-haut-jura.example>",
    )
    assert mail["To"] == mailbox.mails[0][0]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime.replace(tzinfo=None) - now < datetime.timedelta(seconds=1)
    assert not mail.defects
    assert "Bonjour,\r\n" in mail.get_body(("plain",)).get_content()
    assert '<html lang="fr">' in mail.get_body(("html",)).get_content()
    assert len({read(content)["Message-ID"] for _, content in mailbox.mails}) == 60
    assert outbox.send_due(settings, later(now, days=9)) == 0


def test_nothing_of_what_was_sent_is_kept(server):
    _, settings = server
    now = write(1)
    outbox.send_due(settings, now)
    message = OutboxMessage.get()
    assert (message.state, message.content, message.recipient) == (MessageState.SENT, None, "p•••@example.com")
    assert message.unseal() == {}


def test_what_waits_is_sealed_and_its_recipient_masked(server):
    write(1)
    with pytest.raises(Exception, match="outbox_message"):
        other = outbox.email("x@example.com", "import", clock.now(), kind=MessageKind.IMPORT, told="x")
        other.content = OutboxMessage.get().content
        other.unseal()
    row = OutboxMessage.get()
    values = str({name: value for name, value in row.__data__.items() if name != "content"})
    assert "personne0@" not in values + bytes(row.content).decode("latin-1")
    assert row.unseal()["to"] == "personne0@example.com"


def test_a_thousand_are_written_in_few_statements(server, queries):
    queries.clear()
    write(1_000)
    assert len(queries) <= 8
    assert OutboxMessage.select().count() == 1_000


def test_security_goes_before_what_waits_longer(server):
    mailbox, settings = server
    now = write(30)
    outbox.write_many([letter(later(now, seconds=1), "code@example.com", MessageKind.SECURITY)])
    outbox.send_due(settings, later(now, seconds=2))
    assert mailbox.mails[0][0] == "code@example.com"


def test_nothing_goes_before_its_time_and_it_may_be_taken_back_until_then(server):
    mailbox, settings = server
    now = clock.now()
    soon = later(now, minutes=5)
    outbox.write_many([letter(now, f"{name}@example.com", not_before=soon) for name in ("un", "deux", "trois")])
    first, second, _ = OutboxMessage.select().order_by(OutboxMessage.id)
    assert outbox.send_due(settings, now) == 0
    assert OutboxMessage.take_back([first.id], now) == 1
    assert OutboxMessage.take_back([first.id], now) == 0
    mine = OutboxMessage.claim(soon, 1)
    assert [message.id for message in mine] == [second.id]
    assert OutboxMessage.take_back([second.id], soon) == 0, "a worker has it in hand"
    assert outbox.send_due(settings, soon) == 1
    assert [to for to, _ in mailbox.mails] == ["trois@example.com"]
    assert OutboxMessage.get_by_id(first.id).content is None


def test_what_is_of_no_use_any_more_does_not_go(server):
    mailbox, settings = server
    now = write(1, not_after=later(clock.now(), minutes=10))
    assert outbox.send_due(settings, later(now, minutes=11)) == 0
    assert ends() == [(MessageState.FAILED, 1, "Outdated")]
    assert OutboxMessage.get().content is None
    assert not mailbox.mails


def test_the_fate_of_what_was_written_about_a_row_is_found(server, hr):
    write(1, about=hr)
    write(1)
    assert [message.recipient for message in OutboxMessage.about(hr)] == ["p•••@example.com"]


# ── What goes wrong ──────────────────────────────────────────────────────────────────────────────────────────────


def test_one_refusal_stops_nobody_else_and_is_for_good(server):
    mailbox, settings = server
    mailbox.refuse = {"personne1@example.com": "550 5.1.1 who is that"}
    now = write(4)
    assert outbox.send_due(settings, now) == 3
    assert ends()[1] == (MessageState.FAILED, 1, "550 5.1.1")
    assert len(mailbox.mails) == 3
    assert outbox.send_due(settings, later(now, days=3)) == 0
    mailbox.refuse = {}
    assert OutboxMessage.send_again(OutboxMessage.select(OutboxMessage.id), now) == 1
    assert outbox.send_due(settings, now) == 1


@pytest.mark.parametrize("reply", ["451 4.7.1 greylisted", "550 5.7.1 relaying denied", "421 too busy"])
def test_a_refusal_for_now_is_tried_again(server, reply):
    mailbox, settings = server
    mailbox.refuse = {"personne0@example.com": reply}
    now = write(2)
    assert outbox.send_due(settings, now) == 1
    mailbox.refuse = {}
    assert outbox.send_due(settings, later(now, seconds=59)) == 0
    assert outbox.send_due(settings, later(now, seconds=60)) == 1
    assert [state for state, *_ in ends()] == [MessageState.SENT] * 2


def test_a_line_that_is_cut_in_the_middle_is_taken_up_again(server):
    mailbox, settings = server
    mailbox.drop = {3, 4}
    now = write(6)
    first = outbox.send_due(settings, now)
    assert first + outbox.send_due(settings, later(now, minutes=2)) == 6
    assert Counter(to for to, _ in mailbox.mails) == Counter(f"personne{place}@example.com" for place in range(6))


def test_a_server_that_ends_the_line_after_a_few_is_called_again(server):
    mailbox, settings = server
    mailbox.limit = 4
    now = write(10)
    assert outbox.send_due(settings, now) == 10
    assert len(mailbox.sessions) == 3


def test_one_message_that_hangs_stops_nobody_else(server):
    mailbox, settings = server
    mailbox.hang = {"personne1@example.com"}
    now = write(4)
    assert outbox.send_due(settings, now) == 3
    assert ends()[1] == (MessageState.WAITING, 1, "TimeoutError")


def test_a_server_that_hangs_holds_nobody_for_long(server):
    mailbox, settings = server
    mailbox.hang = {f"personne{place}@example.com" for place in range(30)}
    now = write(30)
    began = time.monotonic()
    assert outbox.send_due(settings, now) == 0
    assert time.monotonic() - began < 5
    mailbox.hang = set()
    assert outbox.send_due(settings, later(now, minutes=1)) == 30


def test_a_server_that_is_down_costs_one_call_and_loses_nothing(server, monkeypatch):
    _, settings = server
    down = dataclasses.replace(settings, smtp_url=f"smtp://127.0.0.1:{servers.free_port()}")
    calls = []
    monkeypatch.setattr(carriers, "connect", lambda address, call=carriers.connect: calls.append(1) or call(address))
    now = write(20)
    assert outbox.send_due(down, now) == 0
    assert len(calls) == 1
    assert {end[:2] for end in ends()} == {(MessageState.WAITING, 1)}
    assert outbox.send_due(settings, later(now, minutes=1)) == 20


def test_after_two_days_it_has_failed_for_good_and_waits_for_someone(server):
    _, settings = server
    down = dataclasses.replace(settings, smtp_url=f"smtp://127.0.0.1:{servers.free_port()}")
    now = begun = write(1)
    while OutboxMessage.get().state == MessageState.WAITING:
        now = max(now, OutboxMessage.get().not_before)
        outbox.send_due(down, now)
    assert datetime.timedelta(hours=36) < now - begun < datetime.timedelta(hours=60)
    assert ends() == [(MessageState.FAILED, 8, "ConnectionRefusedError")]
    assert OutboxMessage.send_again([OutboxMessage.get().id], now) == 1
    assert outbox.send_due(settings, now) == 1


def test_a_message_that_cannot_be_opened_stops_nobody_else(server, caplog):
    mailbox, settings = server
    now = write(3)
    OutboxMessage.update(content=b"x" * 60).where(OutboxMessage.id == OutboxMessage.get().id).execute()
    assert outbox.send_due(settings, now) == 2
    assert ends()[0] == (MessageState.WAITING, 1, "Tampered")
    assert "example.com" not in caplog.text


def test_a_worker_that_is_told_to_stop_gives_back_what_it_had(server):
    mailbox, settings = server
    now = write(10)
    assert outbox.send_due(settings, now, stopped=lambda: len(mailbox.mails) >= 3) == 3
    assert ends()[3:] == [(MessageState.WAITING, 0, "")] * 7
    assert outbox.send_due(settings, now) == 7


# ── What people type ─────────────────────────────────────────────────────────────────────────────────────────────

# What may end a header, begin another, or a part, a tag or a template, as often as security asks (MSG-3).
NASTY = [
    "Zoé\r\nBcc: pirate@example.com\r\n\r\nVoici\x00 <script>alert(1)</script> {{ 7*7 }}",
    "Zoé\nBcc: pirate@example.com",
    "Zoé\rBcc: pirate@example.com",
    "Zoé\r\n\tBcc: pirate@example.com",
    "Zoé\u2028Bcc: pirate@example.com\u2029Bcc: pirate@example.com",
    "Zoé\x0bBcc: pirate@example.com\x0cBcc: pirate@example.com",
    "Zoé\x85Bcc: pirate@example.com\x1cBcc: pirate@example.com",
    "=?utf-8?q?Zo=C3=A9=0D=0ABcc:_pirate@example.com?=",
    "Zoé\r\n.\r\nMAIL FROM:<pirate@example.com>",
    "Zoé\r\n--=====\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script>",
]


def test_no_name_makes_a_header_a_paragraph_nor_a_tag(server, figure):
    mailbox, settings = server
    now = clock.now()
    outbox.write_many([letter(now, "zoe@example.com", first_name=text, told=text) for text in NASTY])
    assert outbox.send_due(settings, now) == len(mailbox.mails) == len(NASTY)
    for to, content in mailbox.mails:
        mail = read(content)
        assert (to, mail["Bcc"], mail["To"]) == ("zoe@example.com", None, "zoe@example.com")
        assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
        assert not [part for part in mail.walk() if part["Bcc"]]
        assert "<script>" not in mail.get_body(("html",)).get_content()
    figure("MSG-3", len(NASTY), "hostile names, none a header")


def test_what_a_hostile_name_says_is_read_as_words(server):
    mailbox, settings = server
    now = clock.now()
    outbox.write_many([letter(now, "zoe@example.com", first_name=NASTY[0], told=NASTY[0])])
    assert outbox.send_due(settings, now) == 1
    mail = read(mailbox.mails[0][1])
    assert mail["Subject"].startswith("Zoé Bcc: pirate@example.com Voici")
    assert "{{ 7*7 }}" in mail.get_body(("html",)).get_content()
    assert mail.get_body(("plain",)).get_content().startswith("Bonjour Zoé Bcc: pirate@example.com Voici")


@pytest.mark.parametrize(
    "to", ["zoe@example.com\r\nBcc: x@example.com", "a b@example.com", "zoé@example.com", "", "<x>"]
)
def test_what_is_no_address_is_refused_for_good(server, to):
    mailbox, settings = server
    now = clock.now()
    outbox.write_many([letter(now, to)])
    assert outbox.send_due(settings, now) == 0
    assert ends() == [(MessageState.FAILED, 1, "ValueError")]
    assert not mailbox.mails


def test_every_template_says_no_number_and_no_name_but_the_first(server, hr):
    """Canaries in all that a template may be told: those that it must not say stand in no mail."""
    mailbox, settings = server
    hr.first_name, hr.last_name = "Zoé", "CANARI"
    now = clock.now()
    for name in outbox.templates.list_templates():
        source = outbox.templates.loader.get_source(outbox.templates, name)[0]
        assert not re.search(r"\b(nir|iban|last_name|birth_name|full_name|birth_date|member_number)\b", source), name
    outbox.write_many([letter(now, "zoe@example.com", user=hr, nir=NIR, iban=IBAN)])
    outbox.send_due(settings, now)
    ((_, content),) = mailbox.mails
    parts = "".join(read(content).get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "Bonjour Zoé" in parts
    for canary in (NIR, NIR[:13], IBAN, "CANARI"):
        assert canary not in parts


# ── Texts ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_text_is_handed_to_the_gateway_with_its_key_and_its_reference(gateway):
    received, settings = gateway
    message = text()
    assert outbox.send_due(settings, message.not_before) == 1
    ((body, headers, path),) = received
    assert path == "/v1/sms"
    assert body == {"to": "+33639980142", "text": body["text"], "reference": message.public_id.hex}
    assert "demande de dispense" in body["text"]
    assert headers["Idempotency-Key"] == message.public_id.hex
    assert headers["Authorization"] == f"Basic {base64.b64encode('portail:clé'.encode()).decode()}"
    row = OutboxMessage.get()
    assert (row.state, row.channel, row.recipient, row.content) == (
        MessageState.SENT,
        Channel.SMS,
        "06\xa0••\xa0••\xa0••\xa042",
        None,
    )


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (400, MessageState.FAILED),
        (422, MessageState.FAILED),
        (401, MessageState.WAITING),
        (408, MessageState.WAITING),
        (429, MessageState.WAITING),
        (302, MessageState.WAITING),
        (500, MessageState.WAITING),
        (503, MessageState.WAITING),
    ],
)
def test_what_a_gateway_answers_is_heeded(gateway, status, state):
    received, settings = gateway
    received.status = status
    now = text().not_before
    assert outbox.send_due(settings, now) == 0
    assert ends() == [(state, 1, f"HTTP {status}")]
    assert received.asked == 1
    received.status = 200
    assert outbox.send_due(settings, later(now, minutes=1)) == (state == MessageState.WAITING)


def test_a_gateway_that_hangs_or_is_down_is_asked_again_under_the_same_reference(gateway):
    received, settings = gateway
    received.wait = 1.0
    now = text().not_before
    assert outbox.send_due(settings, now) == 0
    received.wait = 0
    down = dataclasses.replace(settings, sms_url=f"http://127.0.0.1:{servers.free_port()}/")
    assert outbox.send_due(down, later(now, minutes=1)) == 0
    time.sleep(1.0)
    assert outbox.send_due(settings, later(now, minutes=6)) == 1
    assert len({body["reference"] for body, *_ in received}) == 1
    assert [error for *_, error in ends()] == ["ConnectionRefusedError"]


def test_a_gateway_that_is_down_does_not_hold_e_mails(server):
    mailbox, settings = server
    settings = dataclasses.replace(settings, sms_url=f"http://127.0.0.1:{servers.free_port()}/")
    for number in range(3):
        text(f"+3363998010{number}")
    now = write(2)
    assert outbox.send_due(settings, now) == 2


def test_without_a_gateway_texts_are_files(app, database):
    message = text()
    assert outbox.send_due(app.settings, message.not_before) == 1
    (file,) = (app.settings.instance / "outbox").glob("*.sms.json")
    assert '"to": "+33639980142"' in file.read_text()


# ── Workers that are killed ──────────────────────────────────────────────────────────────────────────────────────

WORKER = """
    from app import create_app
    from portal import clock, outbox
    from portal.models import db
    app = create_app()
    db.connect(reuse_if_open=True)
    while outbox.send_due(app.settings, clock.now()):
        pass
"""


@pytest.mark.parametrize("after", [1, 77, 150])
def test_a_worker_that_is_killed_loses_none_and_sends_at_most_one_twice(server, after, figure):
    mailbox, settings = server
    now = write(200)
    kill_once(settings, lambda: len(mailbox.mails) >= after)
    assert after <= len(mailbox.mails) < 200, "it was killed in the middle"
    assert outbox.send_due(settings, later(now, minutes=1)) + outbox.send_due(settings, later(now, minutes=6)) > 0
    received = Counter(to for to, _ in mailbox.mails)
    assert set(received) == {f"personne{place}@example.com" for place in range(200)}
    assert sum(received.values()) <= 201
    twice = {read(content)["Message-ID"] for to, content in mailbox.mails if received[to] > 1}
    assert len(twice) <= 1, "what goes twice goes under the same name"
    figure("MSG-2", len(received), "mails of a killed worker, none lost")
    figure("MSG-2", len(twice), "mails sent twice")
    assert {state for state, *_ in ends()} == {MessageState.SENT}


def kill_once(settings, happened):
    db.close()
    with started(settings) as worker:
        while not happened() and worker.poll() is None:
            time.sleep(0.002)
        worker.send_signal(signal.SIGKILL)
    db.connect(reuse_if_open=True)


def started(settings):
    environment = os.environ | {
        "INSTANCE": str(settings.instance),
        "DATABASE_URL": settings.database_url,
        "SMTP_URL": settings.smtp_url,
        "PUBLIC_URL": settings.public_url,
        "DEMO": "1",
        "SECRET_KEY": settings.secret_key,
        "VAULT_KEYS": ",".join(key.hex() for key in settings.vault_keys),
    }
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(WORKER)], env=environment)


def test_a_mark_leaves_at_once_without_being_waited_for(server):
    now = write(1)
    message = OutboxMessage.get()
    with bases.lightly(db) as marks:
        message.settle(MessageState.SENT, now, execute=marks.write)
        with ThreadPoolExecutor(1) as another:  # what was handed over is done, whatever becomes of who did
            assert another.submit(seen_sent).result()
    assert ends() == [(MessageState.SENT, 0, "")]


def seen_sent():
    with db.connection_context():
        until = time.monotonic() + 10
        while time.monotonic() < until:
            if OutboxMessage.select().where(OutboxMessage.state == MessageState.SENT).exists():
                return True
            time.sleep(0.01)
    return False


def test_a_mark_that_was_not_done_is_told_and_the_line_serves_again(server):
    write(1)
    wrong = ("UPDATE outbox_message SET state = NULL WHERE id > %s".replace("%s", db.param), [0])
    with bases.lightly(db) as marks, pytest.raises((OperationalError, IntegrityError)):
        marks.write(*wrong)
        marks.wait()
    assert ends() == [(MessageState.WAITING, 0, "")]


def test_nothing_more_goes_once_the_base_is_away_and_what_went_goes_once(server, monkeypatch):
    mailbox, settings = server
    now = write(3)
    written = outbox.Outgoing.written

    def cut(self, *of_message):
        if mailbox.mails:
            raise OperationalError("away")
        return written(self, *of_message)

    with monkeypatch.context() as patch, pytest.raises(OperationalError):
        patch.setattr(outbox.Outgoing, "written", cut)
        outbox.send_due(settings, now)
    assert len(mailbox.mails) == 1
    outbox.send_due(settings, later(now, minutes=6))
    assert Counter(to for to, _ in mailbox.mails) == {f"personne{place}@example.com": 1 for place in range(3)}


def test_two_workers_send_each_message_once(server):
    mailbox, settings = server
    write(120)
    for worker in [started(settings) for _ in range(2)]:
        assert worker.wait(120) == 0
    outbox.send_due(settings, later(clock.now(), minutes=6))
    assert Counter(to for to, _ in mailbox.mails) == {f"personne{place}@example.com": 1 for place in range(120)}


def test_an_example_of_each_state_is_made(database):
    factories.messages()
    assert {message.state for message in OutboxMessage.select()} == set(MessageState)


@pytest.mark.parametrize(
    ("url", "proved"),
    [
        ("smtp://localhost:25", False),
        ("smtp://127.0.0.1:25", False),
        ("smtp://[::1]:25", False),
        ("smtp://relais.example:25", True),
        ("smtp://10.0.0.5:25", True),
        ("smtp://portail:secret@localhost:25", True),
    ],
)
def test_a_server_of_another_machine_or_that_is_told_a_password_proves_its_name(monkeypatch, url, proved):
    class Server:
        def __init__(self, *_, **__):
            self.ehlo_or_helo_if_needed = self.close = lambda: None
            self.has_extn = {"starttls"}.__contains__
            self.login = lambda *_: None

        context = None  # on this machine, without a password: no TLS rather than one that proves nothing

        def starttls(self, context):
            self.context = context

    monkeypatch.setattr(smtplib, "SMTP", Server)
    context = carriers.connect(urlsplit(url)).context
    assert bool(context) == proved
    assert context is None or (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)


@pytest.mark.parametrize("url", ["smtp://relais.example:25", "smtp://10.0.0.5:25"])
def test_no_message_goes_to_another_machine_in_clear(monkeypatch, url):
    class Server:
        def __init__(self, *_, **__):
            self.ehlo_or_helo_if_needed = self.close = lambda: None
            self.has_extn = set().__contains__

    monkeypatch.setattr(smtplib, "SMTP", Server)
    with pytest.raises(smtplib.SMTPNotSupportedError):
        carriers.connect(urlsplit(url))


@pytest.mark.parametrize(("host", "told"), [("relais.example", False), ("localhost", True)])
def test_no_password_goes_to_another_machine_in_clear(monkeypatch, host, told):
    said = []

    class Server:
        def __init__(self, *_, **__):
            self.ehlo_or_helo_if_needed = self.close = lambda: None
            self.has_extn = set().__contains__
            self.login = lambda *words: said.append(words)

    monkeypatch.setattr(smtplib, "SMTP", Server)
    with contextlib.nullcontext() if told else pytest.raises(smtplib.SMTPNotSupportedError):
        carriers.connect(urlsplit(f"smtp://portail:secret@{host}:25"))
    assert said == [("portail", "secret")] * told

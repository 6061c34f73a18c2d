"""Reminders: who is written to, once within the delay, taken back in time, by themselves before a deadline."""

import datetime

import pytest

from portal import clock, outbox, proofs, reminder_letters, reminders, storage
from portal.models import (
    AuditEvent,
    Beneficiary,
    Channel,
    DocumentCampaign,
    DocumentRequest,
    GuestLink,
    OutboxMessage,
    Reminder,
    ReminderBatch,
    RequestState,
)
from portal.rules import proofs as rules
from tests import factories

DAYS = 7
NOON = datetime.datetime(2026, 11, 23, 11)


@pytest.fixture
def today(monkeypatch):
    """Set the clock at noon of a day; `today(3)`: three days later."""

    def at(days=0):
        now = NOON + datetime.timedelta(days=days)
        monkeypatch.setattr(clock, "now", lambda: now)
        return now

    at()
    return at


@pytest.fixture
def households(hr, today):
    """Three households, by SMS, by e-mail and by nothing, each with a grown-up child and a certificate awaited."""
    contract, rows = hr.contracts().first(), []
    means = ({"mobile": "+33639980102", "email": "zoe@example.com"}, {"email": "luc@example.com"}, {})
    for number, reached in enumerate(means):
        together = {"household_number": f"F90{number}"}
        factories.beneficiary(contract, "Barbaud", ("Zoé", "Luc", "Ana")[number], **together, **reached)
        born = datetime.date(2005, 3, number + 1)
        child = factories.beneficiary(contract, "Barbaud", "Noé", role=2, birth_date=born, **together)
        rows.append(ask(child, 20))
    return rows


def ask(person, due=20, proof=rules.SCHOOL_CERTIFICATE, sent=40, **values):
    row = proofs.ask(person, proof, None, proofs.INSURER, clock.now(), day(due))
    values = {"sent_on": day(-sent)} | values
    DocumentRequest.update(values).where(DocumentRequest.id == row.id).execute()
    return DocumentRequest.get_by_id(row.id)


def day(days):
    return NOON.date() + datetime.timedelta(days=days)


def batch_of(user, rows):
    return ReminderBatch.create(user=user, requests=[row.id for row in rows])


def whole(user):
    return DocumentRequest.whole(user.document_requests())


def send(user, rows, now=None):
    return reminders.send(batch_of(user, rows), whole(user), now or clock.now(), DAYS, user)


def messages():
    return [(row.channel, row.unseal()) for row in OutboxMessage.select().order_by(OutboxMessage.id)]


def test_the_employee_is_written_to_by_sms_rather_otherwise_by_email(hr, households):
    made = send(hr, households)
    assert (made.count, len(made.unreachable)) == (2, 1)
    (sms, text), (email, letter) = messages()
    assert (sms, text["to"], email, letter["to"]) == (Channel.SMS, "+33639980102", Channel.EMAIL, "luc@example.com")
    for words in (text["text"], letter["text"]):
        assert "/salarie/" in words
        assert "13/12/2026" in words
        assert not any(secret in words for secret in ("Barbaud", "Noé", "scolarité", "2005"))
    assert "Bonjour Luc" in letter["text"]
    links = list(GuestLink.select().order_by(GuestLink.id))
    assert [link.beneficiary.first_name for link in links] == ["Zoé", "Luc"]
    assert {row.author_id for row in Reminder.select()} == {hr.id}
    reminded = [row.reminded_at for row in DocumentRequest.select().order_by(DocumentRequest.id)]
    assert reminded == [clock.now(), clock.now(), None]


def test_a_household_gets_one_message_for_all_its_documents(hr, households):
    child = households[0].beneficiary
    employee = Beneficiary.get(Beneficiary.household_number == child.household_number, Beneficiary.role == 0)
    both = [households[0], ask(employee, 5, rules.BANK_DETAILS)]
    send(hr, both)
    ((_, text),) = messages()
    assert "2\u00a0justificatifs attendus au plus tard le 28/11/2026" in text["text"]
    assert Reminder.select().count() == 2
    assert len({row.message_id for row in Reminder.select()}) == 1


def test_a_batch_is_sent_once_and_nobody_twice_within_the_delay(hr, households, today):
    batch = batch_of(hr, households)
    assert reminders.send(batch, whole(hr), clock.now(), DAYS, hr).count == 2
    assert reminders.send(batch, whole(hr), clock.now(), DAYS, hr) is None
    again = send(hr, households, today(6))
    assert (again.count, len(again.recent)) == (0, 2)
    assert send(hr, households, today(8)).count == 2
    assert OutboxMessage.select().count() == 4


@pytest.mark.parametrize("state", [RequestState.RECEIVED, RequestState.ACCEPTED, RequestState.CANCELLED])
def test_nobody_is_reminded_of_what_is_not_awaited_any_more(hr, households, state):
    DocumentRequest.update(state=state).where(DocumentRequest.id == households[0].id).execute()
    made = send(hr, households)
    assert [row.id for row in made.settled] == [households[0].id]
    assert len(messages()) == 1


def test_a_batch_is_taken_back_before_it_leaves(hr, households, today, chosen_settings):
    batch = batch_of(hr, households)
    now = clock.now()
    reminders.send(batch, whole(hr), now, DAYS, hr)
    assert outbox.send_due(chosen_settings, now + datetime.timedelta(minutes=4)) == 0
    assert reminders.take_back(batch, now + datetime.timedelta(minutes=4)) == (2, 0)
    assert outbox.send_due(chosen_settings, now + datetime.timedelta(minutes=6)) == 0
    assert {row.reminded_at for row in DocumentRequest.select()} == {None}
    assert all(link.cancelled_at for link in GuestLink.select())
    assert send(hr, households).count == 2


def test_what_has_left_is_not_taken_back_and_the_former_reminder_counts_again(hr, households, today, chosen_settings):
    first = send(hr, households[:1])
    earlier = clock.now()
    now = today(10)
    batch = batch_of(hr, households)
    reminders.send(batch, whole(hr), now, DAYS, hr)
    message = Reminder.get(Reminder.request == households[1], Reminder.batch == batch).message
    OutboxMessage.update(state="SENT").where(OutboxMessage.id == message.id).execute()
    assert (first.count, reminders.take_back(batch, now)) == (1, (1, 1))
    again = [row.reminded_at for row in DocumentRequest.select().order_by(DocumentRequest.id)]
    assert again == [earlier, now, None]


def test_a_thousand_reminders_take_few_statements(hr, households, queries):
    contract = hr.contracts().first()
    people = [factories.beneficiary(contract, email=f"a{number}@example.com") for number in range(120)]
    proofs.ask_many([(one, rules.BANK_DETAILS) for one in people], "2026", proofs.INSURER, clock.now(), day(20))
    rows = list(DocumentRequest.select())
    queries.clear()
    assert send(hr, rows).count == 122
    assert len(queries) <= 16, len(queries)


# ── By themselves ────────────────────────────────────────────────────────────────────────────────────────────────


def each_day(today, last, first=0):
    """Run the worker every day at noon: the days it reminded on."""
    return [
        number for number in range(first, last + 1) if reminders.remind_before_deadlines(today(number), (15, 3), DAYS)
    ]


def test_reminders_go_fifteen_and_three_days_before_and_never_after(households, today):
    assert each_day(today, 30) == [5, 17]
    assert OutboxMessage.select().count() == 4
    assert {row.author_id for row in Reminder.select()} == {None}


def test_a_worker_killed_and_started_again_reminds_nobody_twice(households, today):
    now = today(5)
    assert [reminders.remind_before_deadlines(now, (15, 3), DAYS) for _ in range(3)] == [2, 0, 0]
    assert OutboxMessage.select().count() == 2


def test_a_worker_that_was_away_makes_up_for_one_reminder_only(households, today):
    assert each_day(today, 30, first=18) == [18]


def test_who_was_reminded_by_hr_is_left_in_peace(hr, households, today):
    send(hr, households, today(3))
    assert each_day(today, 30) == [17]


def test_what_was_just_asked_for_is_not_reminded_of(households, today):
    DocumentRequest.update(sent_on=day(0), due_on=day(10)).execute()
    assert each_day(today, 30) == []


def test_who_has_left_since_is_not_written_to_but_who_was_asked_after_leaving_is(households, today):
    people = Beneficiary.id.in_([row.beneficiary_id for row in households])
    Beneficiary.update(terminated_on=day(4)).where(people).execute()
    assert each_day(today, 4) == []
    assert each_day(today, 30) == []
    Beneficiary.update(terminated_on=day(5)).where(people).execute()  # the last day of the cover is one of it
    assert each_day(today, 30) == [5]
    Beneficiary.update(terminated_on=day(-60)).where(people).execute()
    DocumentRequest.update(reminded_at=None, sent_on=day(-40)).execute()
    assert each_day(today, 30) == [5, 17]


@pytest.mark.parametrize("state", [RequestState.RECEIVED, RequestState.ACCEPTED, RequestState.EXPIRED])
def test_what_has_come_is_not_reminded_of(households, today, state):
    DocumentRequest.update(state=state).execute()
    assert each_day(today, 30) == []


def test_nobody_is_written_to_at_night(households, monkeypatch):
    night = datetime.datetime(2026, 11, 28, 0, 5)
    monkeypatch.setattr(clock, "now", lambda: night)
    reminders.remind_before_deadlines(night, (15, 3), DAYS)
    assert {row.not_before for row in OutboxMessage.select()} == {datetime.datetime(2026, 11, 28, 8)}  # 9 h in Paris


def test_a_campaign_is_announced_once_even_when_the_worker_is_killed(households, today, monkeypatch):
    DocumentRequest.update(campaign="2026").execute()
    campaign = DocumentCampaign.create(label="2026", document_type="SCHOOL_CERTIFICATE", sent_on=day(0), due_on=day(20))
    monkeypatch.setattr(reminders, "AT_ONCE", 1)
    write, seen = reminders.write, []

    def die_the_second_time(*arguments):
        seen.append(1)
        if len(seen) == 2:
            raise SystemExit
        return write(*arguments)

    monkeypatch.setattr(reminders, "write", die_the_second_time)
    with pytest.raises(SystemExit):
        reminders.announce(campaign, clock.now(), DAYS)
    assert DocumentCampaign.get().announced_at is None
    assert reminders.announce(DocumentCampaign.get(), clock.now(), DAYS) == 1
    assert OutboxMessage.select().count() == 2
    assert DocumentCampaign.get().announced_at == clock.now()


# ── Letters ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_letters_are_made_once_for_who_cannot_be_reached_otherwise(hr, households):
    batch = batch_of(hr, households)
    asked = whole(hr).where(DocumentRequest.id.in_(batch.requests))
    batch_as_it_was = ReminderBatch.get_by_id(batch.id)
    first = reminder_letters.print_now(batch, asked, "https://portail.example", clock.now(), DAYS)
    again = batch_as_it_was  # another request read it before the letters were made
    assert reminder_letters.print_now(again, asked, "https://portail.example", clock.now(), DAYS) == first
    file = ReminderBatch.get_by_id(batch.id).letters
    assert storage.content(file).startswith(b"%PDF")
    link, reminder = GuestLink.get(), Reminder.get()
    assert (link.channel, link.beneficiary.first_name, reminder.link_id) == ("LETTER", "Ana", link.id)
    assert reminder.request_id == households[2].id
    assert DocumentRequest.get_by_id(households[2].id).reminded_at == clock.now()
    assert AuditEvent.select().where(AuditEvent.action == "reminders.letters").count() == 1


def test_a_letter_is_made_for_a_waiver_whose_employee_cannot_be_reached(hr, today):
    waiver = factories.waiver(hr.contracts().first().category, "OP_CSS", email="", mobile="")
    asked_for = proofs.ask_for_waiver(waiver, rules.PROOFS["CSS_CERTIFICATE"], clock.now(), due_on=day(20))
    batch = batch_of(hr, [asked_for])
    asked = whole(hr).where(DocumentRequest.id.in_(batch.requests))
    file = reminder_letters.print_now(batch, asked, "https://portail.example", clock.now(), DAYS)
    assert storage.content(file).startswith(b"%PDF")
    reminder = Reminder.get()
    assert (reminder.channel, reminder.link_id, reminder.request.waiver_id) == ("LETTER", None, waiver.id)
    row = whole(hr).get()  # as it is now
    assert row.reminded_at == clock.now()
    written = reminder_letters.letter_of_waiver(row, clock.now())
    assert written.recipient == [f"{waiver.title} {waiver.full_name}"] and not written.url
    assert "à votre service du personnel" in " ".join(written.paragraphs)
    assert written.paragraphs[-1] == f"Sans lui, vous serez affilié{'e' * (waiver.title == 'Mme')}."


@pytest.mark.parametrize(("count", "words"), [(1, "Sans lui"), (2, "Sans eux")])
def test_a_letter_agrees_with_how_many_are_awaited(households, count, words):
    (row,) = DocumentRequest.whole(DocumentRequest.select().where(DocumentRequest.id == households[2].id))
    (person,) = reminder_letters.with_companies({row.answering.id: [row]})
    written = reminder_letters.letter(person, [row] * count, "https://portail.example/salarie/x", clock.now())
    assert words in " ".join(written.paragraphs) and written.subject.startswith(f"{count}\u00a0justificatif")


def test_a_letter_holds_the_address_and_names_no_document(households):
    row = next(iter(DocumentRequest.whole(DocumentRequest.select().where(DocumentRequest.id == households[2].id))))
    (person,) = reminder_letters.with_companies({row.answering.id: [row]})
    written = reminder_letters.letter(person, [row], "https://portail.example/salarie/x", clock.now())
    assert written.recipient == ["M. Ana BARBAUD", "14 rue du Tomachon", "39200 Saint-Claude"]
    assert "13/12/2026" in " ".join(written.paragraphs)
    assert "scolarité" not in str(written)

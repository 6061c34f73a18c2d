"""Enrolments as days pass: announced, then forgotten; reminders of who is still to be added; keys that turn."""

import datetime
import os
from types import SimpleNamespace

import pytest

from portal import ageing, clock, commands, enrolments, models, tasks
from portal.models import (
    AuditEvent,
    Beneficiary,
    Enrolment,
    EnrolmentState,
    GuestLink,
    Movement,
    MovementState,
    OutboxMessage,
    UnsentWords,
    vault,
)
from portal.rules.affiliations import REMINDED_AFTER, REMINDED_AGAIN
from tests import enrolling, factories
from tests.conftest import KEYS


def ago(**time):
    return clock.now() - datetime.timedelta(**time)


def letters():
    return [(one.user_id, one.subject, one.unseal()) for one in OutboxMessage.select().order_by(OutboxMessage.id)]


def drafts():
    return {row.id for row in Enrolment.select()}


# Drafts


def test_a_draft_is_announced_once_a_week_before_it_goes(hr):
    old, fresh = factories.enrolment(hr, now=ago(days=83, hours=1)), factories.enrolment(hr, now=ago(days=82))
    ageing.each_day(clock.now())
    ageing.each_day(clock.now())
    [(user, subject, content)] = letters()
    assert (user, subject) == (hr.id, "1\u00a0saisie d’adhésion sera effacée")
    assert f"/adhesion/{old.public_id}" in content["text"]
    kept = Enrolment.get_by_id(old.id)
    assert f"{kept.kept_until:%d/%m/%Y}" in content["text"]
    assert drafts() == {old.id, fresh.id}


def test_many_drafts_make_one_letter_that_names_nobody(hr):
    for _ in range(3):
        factories.enrolment(hr, {"salarie": enrolling.EMPLOYEE}, now=ago(days=85))
    ageing.each_day(clock.now())
    [(_, subject, content)] = letters()
    assert subject == "3\u00a0saisies d’adhésion seront effacées"
    assert not {"Lacroix", "Courbet", "Inès"} & set(content["text"].split())


def test_a_draft_goes_after_ninety_days_and_never_without_an_announcement(hr, at):
    """A worker that was away for months announces first, and waits for a week."""
    draft = factories.enrolment(hr, now=ago(days=200))
    ageing.each_day(clock.now())
    assert drafts() == {draft.id}
    at(days=6, hours=23)
    ageing.each_day(clock.now())
    assert drafts() == {draft.id}
    at(days=7, minutes=1)
    ageing.each_day(clock.now())
    assert drafts() == set()
    [event] = AuditEvent.select().where(AuditEvent.action == "enrolment.forget")
    assert event.object_id == str(draft.public_id)


def test_a_draft_that_changes_has_its_time_again(hr, at):
    draft = factories.enrolment(hr, now=ago(days=84))
    ageing.each_day(clock.now())
    page = SimpleNamespace(key=None, seen=draft.version)
    enrolments.save(draft.read_whole(), "salarie", {"nom": ["Roux"]}, page, "", hr, clock.now())
    at(days=30)
    ageing.each_day(clock.now())
    assert drafts() == {draft.id}
    assert Enrolment.get_by_id(draft.id).warned_at is None


def test_what_was_put_away_goes_after_a_week(hr):
    factories.enrolment(hr, now=ago(days=8), state=EnrolmentState.DISCARDED)
    kept = factories.enrolment(hr, now=ago(days=6), state=EnrolmentState.DISCARDED)
    ageing.each_day(clock.now())
    assert drafts() == {kept.id}
    assert letters() == []


# What was sent


@pytest.fixture
def sent(hr):
    """An enrolment that was sent, whose spouse is awaited."""
    whole = factories.enrolment(hr, enrolling.STEPS | {"conjoint": {"presence": "attendu"}}).read_whole()
    assert enrolments.submit(whole, hr, clock.now()).done
    OutboxMessage.delete().execute()
    return Enrolment.get_by_id(whole.id)


def test_hr_is_reminded_of_a_spouse_on_the_day_and_again_a_month_later(hr, sent, at):
    assert sent.awaited_until == clock.today() + datetime.timedelta(days=REMINDED_AFTER)
    ageing.each_day(clock.now())
    assert letters() == []
    at(days=REMINDED_AFTER)
    ageing.each_day(clock.now())
    ageing.each_day(clock.now())
    [(user, subject, content)] = letters()
    assert (user, subject) == (hr.id, "1\u00a0adhésion à compléter")
    assert f"/adhesion/{sent.public_id}" in content["text"]
    assert "Courbet" not in content["text"]
    at(days=REMINDED_AFTER + REMINDED_AGAIN)
    ageing.each_day(clock.now())
    assert len(letters()) == 2


@pytest.mark.parametrize("ended", ["complete", "gone"])
def test_nobody_is_reminded_of_what_is_over(hr, sent, at, ended):
    if ended == "complete":
        assert enrolments.complete(sent, clock.now())
    else:
        Beneficiary.update(terminated_on=clock.today()).where(Beneficiary.id == sent.movement.beneficiary_id).execute()
    at(days=60)
    ageing.each_day(clock.now())
    assert letters() == []


def test_the_answers_of_what_is_processed_do_not_stay(hr, sent, at):
    Movement.update(state=MovementState.PROCESSED, settled_at=clock.now()).execute()
    at(days=89)
    ageing.strip(clock.now())
    assert Enrolment.get_by_id(sent.id).unseal()
    at(days=91)
    ageing.strip(clock.now())
    row = Enrolment.get_by_id(sent.id)
    assert (row.unseal(), row.number) == ({}, sent.number)


def test_the_worker_does_it_each_day(hr, app, at):
    draft = factories.enrolment(hr, now=ago(days=84))
    tasks.looking(app.configuration)()
    assert Enrolment.get_by_id(draft.id).warned_at


def test_what_a_session_did_not_outlive_goes_after_a_day(hr):
    UnsentWords.keep(hr, "/adhesion/nouvelle", {"nom": ["Roux"]}, ago(days=2))
    kept = UnsentWords.keep(hr, "/adhesion/x/salarie", {"nom": ["Roux"]}, ago(hours=2))
    tasks.purge(clock.now(), None)
    assert [row.id for row in UnsentWords.select()] == [kept.id]


# Keys


def test_a_rotation_seals_what_is_typed_and_finds_the_same_person(app, hr):
    draft = factories.enrolment(hr, {"salarie": enrolling.EMPLOYEE})
    twin = factories.enrolment(hr, {"salarie": enrolling.EMPLOYEE})
    UnsentWords.keep(hr, "/adhesion/nouvelle", {"nom": ["Roux"]}, clock.now())
    link = GuestLink(purpose="ENROL", enrolment=draft, token_hash="a" * 64, channel="EMAIL", expires_at=clock.now())
    link.seal("ines@example.com")
    link.save(force_insert=True)
    old, new = [bytes.fromhex(key) for key in KEYS], os.urandom(32)
    vault.use([new, *old])
    try:
        said = app.test_cli_runner().invoke(args=["vault", "rotate"]).output
        assert "4\u00a0lignes chiffrées" in said
        vault.use([new])
        again, other = Enrolment.get_by_id(draft.id).read_whole(), Enrolment.get_by_id(twin.id)
        assert again.unseal()["salarie"]["nom"] == ["Lacroix"]
        assert again.identity == other.identity != draft.identity
        home = enrolments.household_of(again)
        assert [one.id for one in enrolments.known(hr, again, home).drafts] == [twin.id]
        assert UnsentWords.get().unseal() == {"nom": ["Roux"]}
        assert GuestLink.get().unseal() == "ines@example.com"
    finally:
        vault.use(old)


def test_a_rotation_leaves_what_is_saved_meanwhile(hr, monkeypatch):
    draft = factories.enrolment(hr, {"salarie": enrolling.EMPLOYEE})
    monkeypatch.setattr(vault, "is_current", lambda sealed: False)
    whole = Enrolment.whole

    def read_then_saved(query):
        rows = list(whole(query).where(Enrolment.id == draft.id))
        other = Enrolment.get_by_id(draft.id)
        other.seal({"salarie": {"nom": ["Perrier"]}})
        other.save(only=["answers"])
        return FakeQuery(rows)

    class FakeQuery(list):
        def where(self, *_):
            return self

        order_by = limit = where

    monkeypatch.setattr(Enrolment, "whole", read_then_saved)
    assert enrolments.reseal(0)[1] == 0
    assert Enrolment.get_by_id(draft.id).unseal()["salarie"]["nom"] == ["Perrier"]


def test_a_new_sealed_column_is_turned_too():
    """The rows of files of affiliations are not: they are sealed by their line, and go once they are confirmed."""
    sealed = {(table, name) for table in models.TABLES for name in sealed_columns(table)}
    turned = {(table, name) for table in commands.TABLES for name in sealed_columns(table)} | set(commands.COLUMNS)
    assert sealed - turned == {(Enrolment, "answers"), (models.ImportRow, "content")}


def sealed_columns(table):
    return [field.name for field in table._meta.sorted_fields if isinstance(field, models.SealedField)]

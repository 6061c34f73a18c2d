"""Waivers: asked once, decided, proved again, ended; HR and the employee are told, without a name."""

import datetime

import pytest

from portal import clock, proofs, readers, waivers
from portal.models import (
    AuditEvent,
    Beneficiary,
    DocumentRequest,
    Enrolment,
    EnrolmentState,
    OutboxMessage,
    Outdated,
    PermissionGrant,
    RequestState,
    UserRole,
    Waiver,
    WaiverState,
)
from portal.rules import waivers as rules
from tests import factories

PERSON = {
    "title": "Mme",
    "birth_name": "Vuillet",
    "first_name": "Élodie",
    "birth_date": datetime.date(1990, 5, 17),
    "email": "elodie@example.com",
}


@pytest.fixture
def college(hr):
    return hr.categories().first()


def asked(reason="OP_DEPENDENT", **values):
    case, today = rules.CASES[reason], clock.today()
    right = {"requested_on": today, "effect_on": today, "occasion": case.occasions[0]}
    right |= {"cover": case.covers[0] if case.covers else ""}
    right |= {"valid_until": today + datetime.timedelta(days=200) if case.until else None}
    return rules.Asked(reason, **right | values)


def enrolment(hr, college):
    contract = college.contracts.first() or factories.contract(college)
    row = Enrolment(account=college.account_id, category=college, contract=contract, author=hr, step="salarie")
    row.state = EnrolmentState.WITH_EMPLOYEE
    row.seal({})
    row.save(force_insert=True)
    return row


def letters():
    return [(message.subject, message.unseal()) for message in OutboxMessage.select().order_by(OutboxMessage.id)]


def state(waiver):
    return Waiver.get_by_id(waiver.id).state


def test_a_waiver_is_recorded_with_its_proof_awaited_and_its_review(hr, college):
    made = waivers.record(college, PERSON, asked(), hr, clock.now(), form_key="k")
    row = Waiver.sent("k")
    assert (row.id, row.state, row.author_id) == (made.id, WaiverState.IN_FORCE, hr.id)
    assert row.review_due_on == row.due_on == rules.first_review(rules.CASES["OP_DEPENDENT"], clock.today())
    assert row.name_key == "vuillet elodie"
    [request] = row.document_requests
    assert (request.document_type, request.origin, request.category_id) == ("OTHER_COVER", "WAIVER", college.id)
    assert letters() == []


def test_a_case_without_a_proof_awaits_none(hr, college):
    made = waivers.record(college, PERSON, asked("OP_DUE_BEFORE"), hr, clock.now())
    assert list(made.document_requests) == []
    assert made.due_on is None


def test_a_waiver_that_is_over_is_recorded_as_ended(hr, college):
    old = clock.today() - datetime.timedelta(days=400)
    made = waivers.record(college, PERSON, asked("OP_CSS", effect_on=old, valid_until=old), hr, clock.now())
    assert (state(made), made.ended_on) == (WaiverState.ENDED, old)
    assert [request.state for request in made.document_requests] == [RequestState.CANCELLED]


def test_what_the_employee_asks_for_waits_for_hr_who_is_told(hr, college):
    draft = enrolment(hr, college)
    made = waivers.request(draft, PERSON, asked(), "Élodie Vuillet", clock.now())
    assert (made.state, made.signed_name, made.author_id) == (WaiverState.REQUESTED, "Élodie Vuillet", None)
    assert Enrolment.get().state == EnrolmentState.DECLINED
    [(subject, content)] = letters()
    assert (subject, content["to"]) == ("Une demande de dispense vous attend", hr.identifier)
    assert f"/dispenses/{made.public_id}" in content["text"]
    assert "Vuillet" not in content["text"] and "Élodie" not in content["text"]
    assert [event.action for event in AuditEvent.about(made)] == ["waiver.request"]


def test_accepted_it_is_in_force_and_the_employee_is_told(hr, college):
    made = waivers.request(enrolment(hr, college), PERSON, asked(), "Élodie Vuillet", clock.now())
    waivers.accept(made, clock.now(), made.version)
    row = Waiver.get_by_id(made.id)
    assert (row.state, row.review_due_on is not None, row.version) == (WaiverState.IN_FORCE, True, 2)
    subject, content = letters()[-1]
    assert (subject, content["to"]) == ("Votre demande de dispense est acceptée", "elodie@example.com")
    assert DocumentRequest.select().count() == 1


def test_refused_the_enrolment_is_a_draft_again(hr, college):
    draft = enrolment(hr, college)
    made = waivers.request(draft, PERSON, asked(), "Élodie Vuillet", clock.now())
    waivers.refuse(made, "L’attestation n’est pas à votre nom.", clock.now(), made.version)
    row = Waiver.get_by_id(made.id)
    assert (row.state, row.remark) == (WaiverState.REFUSED, "L’attestation n’est pas à votre nom.")
    assert Enrolment.get_by_id(draft.id).state == EnrolmentState.DRAFT
    assert DocumentRequest.get().state == RequestState.CANCELLED
    assert "attestation" not in letters()[-1][1]["text"]  # the reason is told by HR, not by e-mail


@pytest.mark.parametrize("verb", ["accept", "refuse", "renew", "end", "amend"])
def test_what_somebody_else_changed_is_not_written_over(hr, college, verb):
    row = factories.waiver(college, state=WaiverState.REQUESTED if verb in ("accept", "refuse") else "IN_FORCE")
    words = {"refuse": ["x"], "renew": [None], "end": [clock.today(), "x"], "amend": [college, PERSON, asked()]}
    with pytest.raises(Outdated):
        getattr(waivers, verb)(row, *words.get(verb, []), clock.now(), row.version - 1)


@pytest.mark.parametrize("verb", ["accept", "refuse"])
def test_what_was_decided_is_not_decided_again(hr, college, verb):
    row = factories.waiver(college, state=WaiverState.ENDED)
    with pytest.raises(Outdated):
        getattr(waivers, verb)(row, *(["x"] if verb == "refuse" else []), clock.now(), row.version)


def test_a_phone_is_written_to_where_there_is_no_address(hr, college):
    row = factories.waiver(college, state=WaiverState.REQUESTED, mobile="+33639980102")
    waivers.accept(row, clock.now(), row.version)
    [message] = OutboxMessage.select()
    assert (message.channel, message.unseal()["to"]) == ("SMS", "+33639980102")


def test_correcting_the_case_moves_the_review_and_the_proof(hr, college):
    row = waivers.record(college, PERSON, asked("OP_CSS"), hr, clock.now())
    other = hr.categories().offset(1).first()
    waivers.amend(row, other, PERSON | {"first_name": "Zoé"}, asked("OP_OTHER_JOB"), clock.now(), row.version)
    row = Waiver.get_by_id(row.id)
    assert (row.category_id, row.first_name, row.valid_until) == (other.id, "Zoé", None)
    assert row.review_due_on == row.due_on != None  # noqa: E711
    states = {request.document_type: request.state for request in row.document_requests}
    assert states == {"CSS_CERTIFICATE": RequestState.CANCELLED, "OTHER_COVER": RequestState.AWAITED}


# Proved again


def test_a_proof_settles_what_was_awaited(hr, college):
    row = waivers.record(college, PERSON, asked(), hr, clock.now())
    waivers.prove(row, clock.now())
    assert Waiver.get_by_id(row.id).proved_on == clock.today()
    assert DocumentRequest.get().state == RequestState.ACCEPTED
    assert Waiver.get_by_id(row.id).reviewed_on is None  # the review is far


def test_a_proof_given_near_the_anniversary_is_the_review(hr, college):
    row = factories.waiver(college, effect_on=rules.months_later(clock.today(), -12) + datetime.timedelta(days=20))
    due = row.review_due_on
    waivers.remind(clock.now())
    waivers.prove(Waiver.get_by_id(row.id), clock.now())
    row = Waiver.get_by_id(row.id)
    assert (row.reviewed_on, row.review_due_on) == (clock.today(), rules.months_later(due, 12))
    assert row.reminded_at is None
    assert row.due_on == row.review_due_on


def test_a_waiver_with_a_last_day_is_prolonged_until_another(hr, college):
    row = factories.waiver(college, "OP_CSS")
    later = row.valid_until + datetime.timedelta(days=365)
    waivers.renew(row, later, clock.now(), row.version)
    row = Waiver.get_by_id(row.id)
    assert (row.valid_until, row.due_on, row.reviewed_on) == (later, later, clock.today())


# Ended


def test_hr_ends_a_waiver_at_once_or_on_a_day_to_come(hr, college):
    today = clock.today()
    gone = factories.waiver(college)
    waivers.end(gone, today - datetime.timedelta(days=1), "A changé d’emploi", clock.now(), gone.version)
    assert (state(gone), Waiver.get_by_id(gone.id).ended_on) == (WaiverState.ENDED, today - datetime.timedelta(days=1))
    soon = factories.waiver(college, last_name="Perrier")
    waivers.end(soon, today, "A changé d’emploi", clock.now(), soon.version)
    row = Waiver.get_by_id(soon.id)
    assert (row.state, row.valid_until, row.review_due_on) == (WaiverState.IN_FORCE, today, None)


def test_the_worker_ends_what_is_over_once_and_tells_hr_to_affiliate(hr, college, at):
    yesterday = clock.today() - datetime.timedelta(days=1)
    rows = [factories.waiver(college, "OP_CSS", name, valid_until=yesterday) for name in ("Vuillet", "Perrier")]
    kept = factories.waiver(college, "OP_CSS", "Mermet", valid_until=clock.today())
    assert waivers.end_due(clock.now()) == 2
    assert {state(row) for row in rows} == {WaiverState.ENDED}
    assert state(kept) == WaiverState.IN_FORCE
    assert Waiver.get_by_id(rows[0].id).ended_on == yesterday
    [(subject, content)] = letters()
    assert "2\xa0dispenses terminées" in subject and content["to"] == hr.identifier
    assert "Vuillet" not in content["text"] + content["html"]
    assert waivers.end_due(clock.now()) == 0
    assert len(letters()) == 1
    assert AuditEvent.about(rows[0])[0].action == "waiver.end"
    at(days=1)
    assert waivers.end_due(clock.now()) == 1


def test_hr_and_the_employee_are_reminded_once_a_month_before(hr, college):
    soon = clock.today() + datetime.timedelta(days=30)
    ending = factories.waiver(college, "OP_CSS", valid_until=soon, email="elodie@example.com")
    review = factories.waiver(college, effect_on=rules.months_later(soon, -12), last_name="Perrier")
    factories.waiver(college, "OP_CSS", "Mermet", valid_until=soon + datetime.timedelta(days=1))
    assert waivers.remind(clock.now()) == 2
    told = {content["to"]: subject for subject, content in letters()}
    assert told["elodie@example.com"] == "Votre dispense se termine bientôt"
    assert told[hr.identifier] == "2\xa0dispenses à renouveler"
    assert [request.due_on for request in review.document_requests] == [soon]
    assert list(ending.document_requests) == []
    assert waivers.remind(clock.now()) == 0
    assert len(letters()) == 2


def test_the_proof_of_each_year_is_awaited_even_when_the_last_came(hr, college, at):
    row = waivers.record(college, PERSON, asked(), hr, clock.now())
    waivers.prove(row, clock.now())
    for year in (1, 2):
        at(days=365 * year - 10)
        waivers.remind(clock.now())
        row = Waiver.get_by_id(row.id)
        assert [r.state for r in row.document_requests.order_by(DocumentRequest.id)].count(RequestState.AWAITED) == 1
        waivers.prove(row, clock.now())
    assert DocumentRequest.select().count() == 3


def test_nobody_is_written_to_at_night():
    midnight = datetime.datetime(2026, 11, 22, 23, 5)  # five past midnight in Paris
    assert readers.in_the_morning(midnight) == datetime.datetime(2026, 11, 23, 7)
    noon = datetime.datetime(2026, 11, 23, 11)
    assert readers.in_the_morning(noon) == noon


# Who is told


def test_the_author_is_told_and_when_they_see_it_no_more_all_who_do(hr, college):
    colleague, stranger = factories.user(), factories.hr_user()
    for user, values in ((colleague, {"category": college, "company": college.company}), (stranger, {})):
        if user is colleague:
            PermissionGrant.create(user=user, account=college.account_id, valid_from="2020-01-01", **values)
    factories.user(role=UserRole.STAFF)
    row = factories.waiver(college, author=hr)
    assert readers.readers_of(row) == [hr]
    PermissionGrant.update(valid_to="2021-01-01").where(PermissionGrant.user == hr).execute()
    assert readers.readers_of(row) == [colleague]


# Somebody who is affiliated after all


def test_an_affiliation_ends_the_waiver_the_day_before(hr, college):
    row, other = factories.waiver(college), factories.waiver(college, last_name="Perrier")
    today = clock.today()
    names = {"birth_name": "VUILLET", "used_name": "", "first_name": "élodie", "birth_date": row.birth_date}
    people = [names | {"effective_on": today}, names | {"effective_on": today, "first_name": "Zoé"}]
    assert waivers.end_of_people(college.account_id, people, clock.now()) == 1
    row = Waiver.get_by_id(row.id)
    assert (row.state, row.ended_on) == (WaiverState.ENDED, today - datetime.timedelta(days=1))
    assert state(other) == WaiverState.IN_FORCE
    assert waivers.end_of_people(college.account_id, people, clock.now()) == 0
    assert waivers.end_of_people(factories.account().id, people, clock.now()) == 0


def test_a_waiver_seen_by_its_college_alone(hr, college):
    row = factories.waiver(college)
    other = factories.hr_user()
    assert list(hr.waivers()) == [row]
    assert list(other.waivers()) == []
    assert Beneficiary.select().where(Beneficiary.birth_name == "Vuillet").count() == 0
    assert proofs.WAIVER == "WAIVER"


def test_each_day_the_worker_ends_and_reminds_of_all_there_is(hr, college, monkeypatch):
    yesterday, soon = (clock.today() + datetime.timedelta(days=days) for days in (-1, 9))
    for day in (yesterday, soon):
        for name in ("Vuillet", "Perrier", "Mermet"):
            factories.waiver(college, "OP_CSS", name, valid_until=day)
    monkeypatch.setattr(waivers, "AT_ONCE", 2)
    waivers.each_day(clock.now())
    assert Waiver.select().where(Waiver.state == WaiverState.ENDED).count() == 3
    assert Waiver.select().where(Waiver.reminded_at.is_null(False)).count() == 3
    assert sorted(len(content["text"]) > 0 for _, content in letters()) == [True] * 4

"""« Échéances dans votre agenda »: the file, the private address, when it stops, what it never tells."""

import datetime

import icalendar
import pytest

from portal import clock, tasks
from portal.models import (
    AuditEvent,
    Beneficiary,
    CalendarFeed,
    GroupContract,
    ManagedAccount,
    PermissionGrant,
    Throttle,
    User,
    UserRole,
)
from portal.rules.rights import Action
from portal.views import calendars
from tests import factories
from tests.views.test_terminations import plain


@pytest.fixture
def contract(hr):
    found = hr.contracts().order_by(GroupContract.id).first()
    factories.money(found)
    return found


def drawn(client):
    """The address that a click gives, without the host."""
    page = client.post("/calendrier", follow_redirects=True).get_data(as_text=True)
    return "/calendrier/" + page.partition('value="http')[2].partition('"')[0].rpartition("/")[2]


def count(answer):
    return len(icalendar.Calendar.from_ical(answer.get_data()).walk("VEVENT"))


def test_the_file_has_the_due_dates_of_the_scope_and_is_written_down(signed_in, contract, queries):
    queries.clear()
    answer = signed_in.post("/calendrier/fichier")
    assert len([sql for sql in queries if "contribution_statement" in sql]) == 1
    assert answer.content_type == "text/calendar; charset=utf-8"
    assert "echeances.ics" in answer.headers["Content-Disposition"]
    assert count(answer) == 5
    assert AuditEvent.get(AuditEvent.action == "calendar.export").account_id == contract.category.account_id


def test_an_address_is_shown_once_and_gives_due_dates_without_a_sign_in(app, signed_in, contract):
    path = drawn(signed_in)
    assert len(path) == len("/calendrier/.ics") + 43
    token = path.rpartition("/")[2].removesuffix(".ics")
    assert token not in signed_in.get("/calendrier").get_data(as_text=True)
    assert not CalendarFeed.select().where(CalendarFeed.token_hash == token).exists()
    answer = app.test_client().get(path)
    assert (answer.status_code, count(answer)) == (200, 5)
    assert "Set-Cookie" not in answer.headers
    event = AuditEvent.get(AuditEvent.action == "calendar.open")
    assert event.account_id == contract.category.account_id
    assert token not in str(event.after)


def test_a_calendar_is_told_how_often_to_look_again_in_the_two_ways_that_they_read(app, signed_in, contract):
    text = app.test_client().get(drawn(signed_in)).get_data(as_text=True)
    assert "REFRESH-INTERVAL;VALUE=DURATION:PT12H\r\n" in text
    assert "X-PUBLISHED-TTL:PT12H\r\n" in text


def test_it_names_nobody(app, signed_in, contract, hr):
    ManagedAccount.update(name="CANARI", contact="CANARI").execute()
    GroupContract.update(payer="CANARI").execute()
    Beneficiary.update(birth_name="CANARI").execute()
    text = app.test_client().get(drawn(signed_in)).get_data(as_text=True)
    assert "BEGIN:VEVENT" in text
    for word in ("CANARI", "COMBE-NOIRE", hr.last_name, hr.identifier):
        assert word not in text, word


def test_renewing_ends_the_address_before_and_keeps_one_row(app, signed_in, contract):
    first, second = drawn(signed_in), drawn(signed_in)
    assert first != second
    visitor = app.test_client()
    assert [visitor.get(path).status_code for path in (first, second)] == [404, 200]
    assert CalendarFeed.select().count() == 1


def test_unknown_and_stopped_addresses_answer_alike(app, signed_in, contract):
    path = drawn(signed_in)
    feed = CalendarFeed.get()
    assert signed_in.post(f"/calendrier/{feed.public_id}/fin").status_code == 303
    assert AuditEvent.select().where(AuditEvent.action == "calendar.close").exists()
    visitor = app.test_client()
    answers = [visitor.get(one) for one in (path, "/calendrier/" + "x" * 43 + ".ics")]
    texts = [answer.get_data(as_text=True).partition("<strong>")[0] for answer in answers]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert texts[0] == texts[1]


def disabled(user):
    User.update(disabled_at=clock.now()).where(User.id == user.id).execute()


def lost(user):
    PermissionGrant.update(valid_to="2021-01-01").where(PermissionGrant.user == user.id).execute()


def no_money(user):
    PermissionGrant.update(actions=int(Action.SEE)).where(PermissionGrant.user == user.id).execute()


def another_role(user):
    User.update(role=UserRole.HEALTH_PROFESSIONAL).where(User.id == user.id).execute()


@pytest.mark.parametrize("event", [disabled, lost, no_money, another_role])
def test_it_stops_with_the_right_to_see(app, signed_in, hr, contract, event):
    path = drawn(signed_in)
    event(hr)
    assert app.test_client().get(path).status_code == 404


@pytest.mark.parametrize(("event", "left"), [(disabled, 0), (lost, 0), (no_money, 0), (lambda user: None, 1)])
def test_what_stopped_is_forgotten_and_staff_need_no_grant(signed_in, hr, contract, event, left):
    drawn(signed_in)
    staff = factories.user(role=UserRole.STAFF)
    CalendarFeed.draw(staff, contract.category.account, clock.now())
    event(hr)
    tasks.purge(clock.now(), None)
    assert CalendarFeed.select().where(CalendarFeed.user == hr.id).count() == left
    assert CalendarFeed.select().where(CalendarFeed.user == staff.id).count() == 1


def test_a_grant_of_one_college_gives_its_due_dates_alone(app, client, hr, contract):
    other = hr.contracts().where(GroupContract.category != contract.category_id).first()
    factories.money(other)
    narrow = factories.user()
    grant = {"account": contract.category.account_id, "category": contract.category_id}
    PermissionGrant.create(user=narrow, valid_from="2020-01-01", **grant)
    client.sign_in(narrow)
    text = app.test_client().get(drawn(client)).get_data(as_text=True).replace("\r\n ", "")
    assert contract.number in text
    assert other.number not in text


def test_who_has_several_accounts_chooses_one_first(client, database):
    manager = factories.user(accounts=[factories.account("Un"), factories.account("Deux")])
    client.sign_in(manager)
    assert "choisissez un compte" in plain(client.get("/calendrier?perimetre=tous"))
    answer = client.post("/calendrier", follow_redirects=True)
    assert "Choisissez d’abord un compte" in plain(answer)
    assert not CalendarFeed.select().exists()


def test_addresses_that_open_nothing_are_slowed_down_and_good_ones_are_not(app, signed_in, contract, monkeypatch):
    monkeypatch.setattr(calendars, "FREE_MISSES", 3)
    path, visitor = drawn(signed_in), app.test_client()
    assert [visitor.get(f"/calendrier/{n}.ics").status_code for n in range(4)] == [404, 404, 404, 429]
    assert visitor.get(path).status_code == 200


def test_a_calendar_that_asks_all_the_time_waits(app, signed_in, contract, monkeypatch):
    monkeypatch.setattr(calendars, "FREE_READS", 2)
    path, visitor = drawn(signed_in), app.test_client()
    answers = [visitor.get(path) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    Throttle.update(free_at=clock.now() - datetime.timedelta(seconds=1)).execute()
    assert visitor.get(path).status_code == 200


def test_only_who_sees_money_reaches_the_page(client, database):
    client.sign_in(factories.user(role=UserRole.HEALTH_PROFESSIONAL))
    assert client.get("/calendrier").status_code == 403
    assert client.post("/calendrier").status_code == 403

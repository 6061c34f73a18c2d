"""« Voir comme »: what somebody sees, and nothing that they could do; announced, written down, for half an hour."""

import re

import pytest

from portal import clock
from portal.models import AuditEvent, LibraryVisit, ThreadFollower, User, UserRole, UserSession
from portal.rules.staff_roles import Duty
from tests import factories
from tests.views.test_users import NOBODY, WORDS

PATH = "/gestion/utilisateurs"
OF_ONE_S_OWN = {"staff_viewing.leave", "session.extend"}  # they change nothing of who is looked at


@pytest.fixture
def admin(client):
    client.own = factories.user(UserRole.ADMIN, last_name="Tissot")
    client.sign_in(client.own)
    return client


def start(client, user, why="Il ne trouve pas sa liste"):
    return client.post(f"{PATH}/{user.public_id}/voir", {"motif": why})


@pytest.fixture
def viewing(admin, hr):
    assert start(admin, hr).status_code == 303
    return admin


def token(viewing):
    import re

    return re.search(r'name="csrf_token" value="([^"]+)"', viewing.get("/compte").get_data(as_text=True))[1]


def test_the_pages_are_those_of_the_person_and_say_so(viewing, hr):
    page = viewing.get("/salaries").get_data(as_text=True)
    assert "en lecture seule" in page and hr.full_name in page
    assert hr.beneficiaries().first().birth_name.upper() in page
    assert viewing.get("/gestion").status_code == 403
    assert viewing.get("/gestion/journal").status_code == 403


def test_nothing_is_written_by_any_form_of_the_portal(app, viewing, hr, queries, no_alarm):
    said, seen = token(viewing), 0
    for rule in app.url_map.iter_rules():
        if "POST" not in rule.methods or rule.endpoint in OF_ONE_S_OWN:
            continue
        if getattr(app.view_functions[rule.endpoint], "public", False):
            continue
        words = {name: found[0] for name, found in WORDS.items()} | {"id": hr.beneficiaries().first().public_id}
        with app.test_request_context():
            path = rule.build({name: words.get(name, NOBODY) for name in rule.arguments})[1]
        queries.clear()
        with viewing.open(path, method="POST", data={"csrf_token": said}) as answer:
            assert answer.status_code in (403, 404), f"{path}: {answer.status_code}"
        changing = [sql for sql in queries if not sql.startswith(("SELECT", "PRAGMA", "(SELECT"))]
        written = [sql for sql in changing if not re.search('"(seen_at|throttle)"', sql)]  # what is refused is counted
        assert not written, (path, written)
        seen += 1
    assert seen > 150


def test_continuing_prolongs_one_s_own_session(viewing, at):
    said = token(viewing)
    at(minutes=14)
    assert viewing.post("/session/prolonger", {"csrf_token": said}).status_code == 200
    at(minutes=20)  # more than the quarter of an hour of the staff since anything else was asked for
    assert "en lecture seule" in viewing.get("/").get_data(as_text=True)


def test_reading_marks_nothing_of_theirs(viewing, hr):
    thread = factories.thread(hr, unread=True)
    viewing.get(f"/demandes/{thread.public_id}")
    assert ThreadFollower.get(ThreadFollower.user == hr).unread
    viewing.get("/espace-documentaire")
    assert not LibraryVisit.select().where(LibraryVisit.user == hr).exists()


def test_it_is_written_down_with_why_and_left_by_a_form(viewing, hr):
    event = AuditEvent.get(AuditEvent.action == "view_as.start")
    assert (event.user_id, event.object_id) == (viewing.own.id, str(hr.public_id))
    assert event.after == {"reason": "Il ne trouve pas sa liste"}
    answer = viewing.post(f"{PATH}/voir/fin", {"csrf_token": token(viewing)})
    assert answer.location == f"{PATH}/{hr.public_id}"
    assert viewing.get("/gestion").status_code == 200
    assert AuditEvent.get(AuditEvent.action == "view_as.end").user_id == viewing.own.id


def test_it_ends_by_itself(viewing, at):
    at(minutes=10)
    assert "en lecture seule" in viewing.get("/").get_data(as_text=True)
    at(minutes=20)
    assert "en lecture seule" in viewing.get("/").get_data(as_text=True)
    at(minutes=31)
    page = viewing.get("/gestion").get_data(as_text=True)
    assert "en lecture seule" not in page and "À traiter" in page


@pytest.mark.parametrize("why", ["  ", "pour 294063947803145"])
def test_without_a_reason_that_can_be_written_down_nothing_is_seen(admin, hr, why):
    start(admin, hr, why)
    assert UserSession.select().where(UserSession.viewing.is_null(False)).count() == 0


@pytest.mark.parametrize("role", [UserRole.STAFF, UserRole.ADMIN])
def test_the_mutual_s_own_people_are_not_looked_at(admin, role):
    assert start(admin, factories.user(role)).status_code == 404


def test_who_lost_the_role_sees_no_more(app, hr):
    member = factories.user(UserRole.STAFF, duties=int(Duty.USERS))
    browser = app.test_client()
    browser.sign_in(member)
    start(browser, hr)
    User.update(duties=0).where(User.id == member.id).execute()
    assert "en lecture seule" not in browser.get("/").get_data(as_text=True)


def test_an_access_that_was_closed_is_not_looked_at(viewing, hr):
    User.update(disabled_at=clock.now()).where(User.id == hr.id).execute()
    assert "en lecture seule" not in viewing.get("/").get_data(as_text=True)


def test_a_company_looks_at_nobody(signed_in, hr):
    assert start(signed_in, factories.user()).status_code == 403

"""The employee's side: a link opens nothing before the birth date, and nothing of another link afterwards."""

import datetime
import re
import threading

import pytest
from flask import Blueprint

from portal import guest_session, guests
from portal.guest_session import guest
from portal.models import AuditEvent, Beneficiary, GuestLink, GuestPurpose, Throttle, db
from portal.views import guests as views
from tests import factories
from tests.test_tenancy import same_body

BORN = "12/04/1968"  # factories.beneficiary


@pytest.fixture
def app(app, monkeypatch):
    """A view of the employee's side, planted: what the deposit page is to the guest session."""
    planted = Blueprint("planted", __name__)

    @planted.get("/salarie/<uuid:id>/plante")
    @guest(GuestPurpose.DEPOSIT)
    def show(link):
        return f"<!doctype html><title>Bonjour</title><h1>Bonjour</h1><p>{link.beneficiary.first_name}"

    app.register_blueprint(planted)
    monkeypatch.setitem(views.HOMES, GuestPurpose.DEPOSIT, "planted.show")
    return app


@pytest.fixture
def drawn(hr):
    return draw(hr)


def draw(user, at=None):
    """(link, token) for an employee of that user's."""
    from portal import clock

    person = Beneficiary.get(Beneficiary.category.in_(user.category_ids()))
    return guests.draw("DEPOSIT", at or clock.now(), guests.Wanted("EMAIL", "lea@example.com", beneficiary=person))


def confirm(client, token, born=BORN):
    return client.post(f"/salarie/{token}", {"naissance": born})


def home(link):
    return f"/salarie/{link.public_id}/plante"


# ── The link ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_only_the_hash_of_the_token_is_kept_and_the_address_it_went_to_is_sealed(drawn):
    link, token = drawn
    kept = GuestLink.select().where(GuestLink.id == link.id).dicts().get()
    assert len(token) == 43
    assert not [value for value in kept.values() if token in str(value) or b"lea@" in bytes(str(value), "utf-8")]
    assert link.unseal() == "lea@example.com"
    assert kept["expires_at"] - kept["created_at"] == datetime.timedelta(days=30)


def test_reading_the_link_tells_nothing_of_the_person_and_writes_nothing(client, drawn, queries):
    _, token = drawn
    queries.clear()
    page = client.get(f"/salarie/{token}")
    text = page.get_data(as_text=True)
    assert page.status_code == 200
    assert "Philippe" not in text and "Barbaud" not in text.replace("barbaud", "Barbaud")
    assert page.headers["Referrer-Policy"] == "strict-origin"  # the token goes on to no other address
    assert not [sql for sql in queries if not sql.startswith("SELECT")]


def test_the_birth_date_opens_the_link_and_the_token_is_in_no_address_after_it(client, drawn):
    link, token = drawn
    answer = confirm(client, token)
    assert (answer.status_code, answer.headers["Location"]) == (303, home(link))
    assert "Philippe" in client.get(home(link)).get_data(as_text=True)
    assert GuestLink.get_by_id(link.id).opened_at
    event = AuditEvent.get(AuditEvent.action == "guest.opened")
    assert (event.user_id, event.user_role, event.account_id) == (None, "guest", link.beneficiary.account_id)


@pytest.mark.parametrize("written", ["12041968", "12.4.68", "1968-04-12"])
def test_the_birth_date_is_read_as_people_write_it(client, drawn, written):
    assert confirm(client, drawn[1], written).status_code == 303


def test_a_link_opens_again_as_often_as_one_likes(client, app, drawn):
    confirm(client, drawn[1])
    other = app.test_client()
    assert confirm(other, drawn[1]).status_code == 303
    assert other.get(home(drawn[0])).status_code == client.get(home(drawn[0])).status_code == 200


@pytest.mark.parametrize("why", ["unknown", "expired", "cancelled", "used", "tried"])
def test_a_link_that_does_not_work_gets_one_and_the_same_answer(client, hr, drawn, at, why):
    link, token = drawn
    unknown = client.get("/salarie/" + "x" * 43)
    values = {
        "expired": {"expires_at": at()},
        "cancelled": {"cancelled_at": at()},
        "used": {"used_at": at()},
        "tried": {"birth_tries": GuestLink.MOST_BIRTH_TRIES},
    }.get(why, {"token_hash": "0" * 64})
    confirm(client, token)
    GuestLink.update(values).where(GuestLink.id == link.id).execute()
    for answer in (client.get(f"/salarie/{token}"), confirm(client, token), client.get(home(link))):
        if why == "unknown" and answer.request.path == home(link):
            continue  # the token is forgotten, the session that it opened is not
        assert answer.status_code == 404
        assert same_body(answer, unknown)
    assert "service RH" in unknown.get_data(as_text=True)


def test_it_works_for_thirty_days(client, drawn, at):
    at(days=29, hours=23)
    assert client.get(f"/salarie/{drawn[1]}").status_code == 200
    at(days=30, seconds=1)
    assert client.get(f"/salarie/{drawn[1]}").status_code == 404


# ── Guessing ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_another_birth_date_opens_nothing_and_says_whom_to_ask(client, drawn):
    link, token = drawn
    answer = confirm(client, token, "13/04/1968")
    assert answer.status_code == 422
    assert "service RH" in answer.get_data(as_text=True)
    assert client.get(home(link)).status_code == 404
    assert AuditEvent.select().where(AuditEvent.action == "guest.refused").count() == 1


def test_guesses_are_slowed_down_for_the_link_and_for_the_address(client, hr, drawn, at):
    _, token = drawn
    for _ in range(5):
        assert confirm(client, token, "01/01/1990").status_code == 422
    refused = confirm(client, token)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 14
    Throttle.delete().where(Throttle.key.startswith("guest:")).execute()
    for _ in range(3):  # other links, the same address
        _, another = draw(hr)
        for _ in range(5):
            confirm(client, another, "01/01/1990")
    _, another = draw(hr)
    assert confirm(client, another).status_code == 429
    at(minutes=20)
    assert confirm(client, another).status_code == 303


def test_ten_wrong_days_end_the_link_however_long_one_waits(client, drawn, at):
    link, token = drawn
    for hour in range(10):
        at(hours=hour * 3)
        answer = confirm(client, token, f"{hour + 1:02}/01/1990")
    assert answer.status_code == 404
    at(days=3)
    assert confirm(client, token).status_code == 404
    assert GuestLink.get_by_id(link.id).birth_tries == 10


def test_right_birth_dates_count_for_nothing(client, drawn):
    for _ in range(12):
        assert confirm(client, drawn[1]).status_code == 303
    assert GuestLink.get().birth_tries == 0


def test_twenty_guesses_at_once_are_ten(app, drawn):
    link, _ = drawn
    started, tried = threading.Barrier(20), []

    def guess():
        with db.connection_context():
            mine = GuestLink.known(link.public_id, link.created_at)
            started.wait()
            tried.append(mine.miss())

    db.close()
    workers = [threading.Thread(target=guess) for _ in range(20)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    db.connect(reuse_if_open=True)
    assert sum(tried) == 10


# ── The session ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_session_ends_after_thirty_minutes_and_the_birth_date_opens_it_again(client, drawn, at):
    link, token = drawn
    confirm(client, token)
    for minutes in (29, 58):
        at(minutes=minutes)
        assert client.get(home(link)).status_code == 200
    at(minutes=89)
    asked = client.get(home(link))
    assert (asked.status_code, asked.headers["Location"]) == (303, f"/salarie/{link.public_id}/confirmation")
    assert client.fragment(home(link)).headers["HX-Redirect"] == asked.headers["Location"]
    assert client.get(asked.headers["Location"]).status_code == 200
    assert client.post(asked.headers["Location"], {"naissance": "13/04/1968"}).status_code == 422
    assert client.post(asked.headers["Location"], {"naissance": BORN}).status_code == 303
    assert client.get(home(link)).status_code == 200


def test_it_ends_after_twelve_hours_even_when_used(client, drawn, at):
    confirm(client, drawn[1])
    for minutes in range(25, 12 * 60, 25):
        at(minutes=minutes)
        assert client.get(home(drawn[0])).status_code == 200
    at(minutes=12 * 60 + 1)
    assert client.get(home(drawn[0])).status_code == 303


def test_cancelling_acts_on_the_next_request(client, drawn, at):
    link, token = drawn
    confirm(client, token)
    GuestLink.update(cancelled_at=at()).where(GuestLink.id == link.id).execute()
    assert client.get(home(link)).status_code == 404
    gone = client.fragment(home(link))
    assert (gone.status_code, gone.headers["HX-Refresh"]) == (404, "true")


def test_leaving_ends_every_copy_of_the_cookie(client, app, drawn, at):
    link, token = drawn
    confirm(client, token)
    copied = client.get_cookie("salarie", path="/salarie").value
    at(minutes=1)
    left = client.post(f"/salarie/{link.public_id}/quitter")
    assert left.status_code == 303
    assert client.get(left.headers["Location"]).status_code == 200
    assert client.get(home(link)).status_code == 404
    thief = app.test_client()
    thief.set_cookie("salarie", copied, path="/salarie")
    assert thief.get(home(link)).status_code == 303  # the birth date is asked again
    at(minutes=2)
    assert confirm(client, token).status_code == 303


def test_the_cookie_is_for_the_employee_side_alone_and_cannot_be_written(client, drawn):
    link, token = drawn
    answer = confirm(client, token)
    (cookie,) = [line for line in answer.headers.getlist("Set-Cookie") if line.startswith("salarie=")]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/salarie" in cookie
    assert token not in cookie
    value = client.get_cookie("salarie", path="/salarie").value
    for forged in (value[:-3], value[:5] + "A" + value[6:], "", "e30.x", "[]"):
        client.set_cookie("salarie", forged, path="/salarie")
        assert client.get(home(link)).status_code == 404


def test_one_browser_holds_several_links_and_each_opens_its_own_pages(client, hr):
    (one, first), (two, second) = draw(hr), draw(factories.hr_user())
    confirm(client, first)
    assert client.get(home(two)).status_code == 404
    confirm(client, second)
    assert client.get(home(one)).status_code == client.get(home(two)).status_code == 200
    for _ in range(guest_session.MOST):
        confirm(client, draw(hr)[1])
    assert client.get(home(one)).status_code == 404  # the oldest gave its place


def test_a_user_who_is_signed_in_has_no_way_in_and_keeps_their_own_session(signed_in, hr, drawn):
    link, token = drawn
    assert signed_in.get(home(link)).status_code == 404
    assert confirm(signed_in, token).status_code == 303
    text = signed_in.get(home(link)).get_data(as_text=True)
    assert "Monneret" not in text
    assert signed_in.get("/salaries").status_code == 200
    event = AuditEvent.get(AuditEvent.action == "guest.opened")
    assert event.user_id is None
    signed_in.post("/deconnexion")
    assert signed_in.get(home(link)).status_code == 200
    assert signed_in.get("/salaries").status_code == 303


def test_being_called_prolongs_the_session(client, drawn, at):
    link, token = drawn
    confirm(client, token)
    at(minutes=29)
    assert client.post(f"/salarie/{link.public_id}/prolonger").status_code == 200
    assert client.fragment(f"/salarie/{link.public_id}/prolonger", "POST", data={"csrf_token": client.token()})
    at(minutes=58)
    assert client.get(home(link)).status_code == 200


# ── The walk ─────────────────────────────────────────────────────────────────────────────────────────────────────

BEFORE = {"guests.show", "guests.open_link", "guests.left"}  # what a link without a session may be asked


def guest_rules(app):
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/salarie/") and rule.endpoint not in BEFORE:
            for method in sorted(rule.methods & {"GET", "POST"}):
                yield rule, method


def test_no_guest_view_answers_without_its_own_session(app, client, hr, drawn):
    """Not without a session, nor with another link's: as if the link were unknown."""
    link, _ = drawn
    stranger = app.test_client()
    confirm(stranger, draw(factories.hr_user())[1])
    unknown, seen = "00000000-0000-4000-8000-000000000000", 0
    for rule, method in guest_rules(app):
        assert "id" in rule.arguments, f"{rule}: the employee's side names its link by its public id"
        for browser in (client, stranger):
            found, missing = (ask(browser, app, rule, method, id) for id in (link.public_id, unknown))
            assert found.status_code == 404, f"{method} {rule}"
            assert same_body(found, missing), f"{method} {rule} tells that the link exists"
            seen += 1
    assert seen >= 10


def ask(client, app, rule, method, id):
    words = {"step": "salarie", "value": "x", "piece": "00000000-0000-4000-8000-000000000001"}
    with app.test_request_context():
        path = app.url_for(rule.endpoint, id=id, **{name: words[name] for name in rule.arguments - {"id"}})
    return client.post(path) if method == "POST" else client.get(path)


def test_no_guest_view_forgets_the_session(app):
    """Every address of the employee's side is closed by @guest, or is one of the few that ask for the birth date."""
    asking = BEFORE | {"guests.again", "guests.open_again", "guests.leave"}
    for rule, _ in guest_rules(app):
        assert rule.endpoint in asking or getattr(app.view_functions[rule.endpoint], "guest", None), rule


def test_many_are_drawn_in_a_few_statements(hr, queries, database):
    person = Beneficiary.get()
    wanted = [guests.Wanted("SMS", "+33639980000", beneficiary=person)] * 1_000
    from portal import clock

    queries.clear()
    drawn = guests.draw_many("DEPOSIT", clock.now(), wanted, by=hr)
    assert len(queries) <= 12
    assert len({token for _, token in drawn}) == len({link.id for link, _ in drawn}) == 1_000
    assert GuestLink.usable(drawn[-1][1], clock.now()).id == drawn[-1][0].id


def test_old_links_are_forgotten(hr, drawn, at):
    now = at(days=100)
    assert guests.purge(now) == 0
    assert guests.purge(at(days=121)) == 1


def test_the_pages_say_nothing_of_the_company_side(client, drawn):
    text = client.get(f"/salarie/{drawn[1]}").get_data(as_text=True)
    assert not re.findall(r'href="/(?:connexion|salaries)?"', text)


def test_an_error_on_the_employee_side_leads_to_no_page_of_the_companies(client, drawn):
    confirm(client, drawn[1])
    for answer in (
        client.get("/salarie/a/b/c"),
        client.open(home(drawn[0]), method="DELETE"),
        client.post(f"/salarie/{drawn[0].public_id}/prolonger", {"csrf_token": "x"}),
    ):
        text = answer.get_data(as_text=True)
        assert answer.status_code in (400, 404, 405)
        assert 'href="/"' not in text
        assert "votre mutuelle" in text.lower()

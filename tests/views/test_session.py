"""Signing in and out, being slowed down, being signed out, coming back where one was."""

import datetime
import re
from urllib.parse import urljoin, urlsplit

import pytest

from portal import clock, models
from portal.models import AuditEvent, Throttle, UserRole, UserSession
from tests import factories

# What may be written in « suite » to lead elsewhere, as often as security asks (OUT-6).
ELSEWHERE = [
    *("//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "\\\\evil.example"),
    *("/\t/evil.example", "evil.example", "///evil.example", "/%0d%0aX: 1\r\n", "https:evil.example"),
    *("https:/evil.example", "/%2f%2fevil.example", "%2f%2fevil.example", "／／evil.example", "/／evil.example"),
    *("http://localhost@evil.example", "//localhost.evil.example", " //evil.example", "/..//evil.example"),
    *("/.\\\\evil.example", "/\u2028/evil.example", "data:text/html,x", "/\n/evil.example", "\ufeff//evil.example"),
]


def leads_to(location):
    """The site to which a browser goes: it drops tabs and line ends, and reads « \\ » as « / »."""
    read = re.sub("[\t\r\n]", "", location.strip("\0\x1f\ufeff ")).replace("\\", "/")
    return urlsplit(urljoin("http://localhost/connexion", read)).netloc


def try_password(client, identifier, password="mauvais mot de passe"):
    return client.post("/connexion", {"identifiant": identifier, "mot_de_passe": password})


def test_signing_in_opens_a_session_whose_token_is_kept_nowhere(client, hr, database):
    client.sign_in(hr)
    assert client.get("/").status_code == 200
    session = UserSession.get()
    with client.session_transaction() as cookie:
        token = cookie["_user_id"]
    assert len(token) >= 43
    assert token != session.token_hash
    assert AuditEvent.select().where(AuditEvent.action == "session.start").count() == 1


def test_a_password_is_as_good_after_years_and_nobody_is_made_to_change_it(client, hr, at):
    for years in (1, 5):
        at(days=years * 366)
        assert client.sign_in(hr).headers["Location"] == "/"
        home = client.get("/")
        assert home.status_code == 200 and "mot de passe" not in home.get_data(as_text=True).lower()
        client.post("/deconnexion")


def test_the_staff_come_in_at_their_desk_and_back_where_they_were(client, database):
    clerk = factories.user(accounts=[], role=UserRole.STAFF)
    assert client.sign_in(clerk).headers["Location"] == "/gestion"
    assert client.get("/gestion").status_code == 200
    client.post("/deconnexion")
    data = {"identifiant": clerk.identifier, "mot_de_passe": factories.PASSWORD}
    answer = client.post("/connexion?suite=/salaries?q%3Dbarb", data)
    assert answer.headers["Location"] == "/salaries?q=barb"


def test_an_unknown_identifier_gets_the_same_answer(client, hr):
    known, unknown = try_password(client, hr.identifier), try_password(client, "inconnu@example.com")
    assert known.status_code == unknown.status_code == 422
    strip = lambda answer, name: answer.get_data(as_text=True).replace(name, "")  # noqa: E731

    def without_token(text):
        return re.sub(r'name="csrf_token" value="[^"]+"', "", text)

    assert without_token(strip(known, hr.identifier)) == without_token(strip(unknown, "inconnu@example.com"))


def test_an_unknown_identifier_costs_a_hash_too(client, hr, monkeypatch):
    from argon2 import PasswordHasher

    checked = []
    verify = PasswordHasher.verify
    monkeypatch.setattr(PasswordHasher, "verify", lambda self, *values: checked.append(1) or verify(self, *values))
    try_password(client, hr.identifier)
    try_password(client, "inconnu@example.com")
    assert len(checked) == 2


def test_a_disabled_user_does_not_enter_and_an_open_session_ends(signed_in, hr):
    hr.disabled_at = clock.now()
    hr.save()
    assert signed_in.get("/salaries").status_code == 303
    assert try_password(signed_in, hr.identifier, factories.PASSWORD).status_code == 422


def test_failures_slow_down_and_never_lock_for_ever(client, hr, at):
    for _ in range(5):
        assert try_password(client, hr.identifier).status_code == 422
    refused = try_password(client, hr.identifier, factories.PASSWORD)
    assert refused.status_code == 429
    text = refused.get_data(as_text=True)
    assert "Patientez" in text
    assert f'value="{hr.identifier}"' in text
    assert factories.PASSWORD not in text
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    at(seconds=60)
    assert try_password(client, hr.identifier, factories.PASSWORD).status_code == 303


def test_an_unknown_identifier_is_slowed_down_alike(client, database):
    answers = [try_password(client, "inconnu@example.com").status_code for _ in range(7)]
    assert answers == [422] * 5 + [429] * 2


def test_guesses_in_a_day_are_few(client, hr, at, monkeypatch, figure):
    guesses, moment = 0, 0
    while moment < 24 * 3600:
        now = at(seconds=moment)
        wait = Throttle.wait((f"account:{name(hr)}",), now)
        if wait:
            moment += wait
            continue
        Throttle.count(f"account:{name(hr)}", now, 5)
        guesses += 1
    assert guesses <= 120
    figure("RAT-1", guesses, "passwords tried in a day", at_most=True)


def name(user):
    import hashlib

    return hashlib.sha256(user.identifier.encode()).hexdigest()[:32]


def test_an_address_is_slowed_down_across_accounts(client, database):
    answers = [try_password(client, f"personne{number}@example.com").status_code for number in range(25)]
    assert answers[:20] == [422] * 20
    assert answers[-1] == 429


def test_the_owner_still_enters_from_a_known_browser_while_a_stranger_tries(app, client, hr, database):
    client.sign_in(hr)
    client.post("/deconnexion")
    stranger = app.test_client()
    for _ in range(7):
        stranger.environ_base["REMOTE_ADDR"] = "192.0.2.7"
        try_password(stranger, hr.identifier)
    assert try_password(stranger, hr.identifier, factories.PASSWORD).status_code == 429
    assert try_password(client, hr.identifier, factories.PASSWORD).status_code == 303


def test_counters_are_rows_that_a_restart_keeps(client, hr):
    for _ in range(5):
        try_password(client, hr.identifier)
    waits = Throttle.select().where(~Throttle.key.startswith("burst:"))
    assert waits.count() == 2


@pytest.mark.parametrize(("minutes", "alive"), [(29, True), (31, False)])
def test_a_session_ends_after_thirty_idle_minutes(signed_in, at, minutes, alive):
    signed_in.get("/")
    at(minutes=minutes)
    assert (signed_in.get("/salaries").status_code == 200) == alive


def test_staff_sessions_end_after_fifteen_idle_minutes(client, database, at):
    from portal.models import UserRole

    client.sign_in(factories.user(role=UserRole.STAFF))
    at(minutes=16)
    assert client.get("/salaries").status_code == 303


def test_a_session_lives_twelve_hours_at_most(signed_in, at):
    for hour in range(1, 12 * 3):
        at(minutes=20 * hour)
        if 20 * hour < 12 * 60:
            assert signed_in.get("/salaries").status_code == 200, hour
    at(minutes=12 * 60 + 1)
    assert signed_in.get("/salaries").status_code == 303


def test_continuing_keeps_the_session(signed_in, at):
    signed_in.get("/")
    at(minutes=28)
    assert signed_in.post("/session/prolonger").status_code == 200
    at(minutes=50)
    assert signed_in.get("/salaries").status_code == 200


def test_after_a_lost_session_one_comes_back_where_one_was(signed_in, hr, at):
    at(minutes=40)
    lost = signed_in.get("/salaries?q=barb&page=1")
    assert lost.headers["Location"] == "/connexion?suite=/salaries?q%3Dbarb%26page%3D1"
    again = signed_in.post(lost.headers["Location"], {"identifiant": hr.identifier, "mot_de_passe": factories.PASSWORD})
    assert again.headers["Location"] == "/salaries?q=barb&page=1"


def test_a_fragment_of_a_lost_session_sends_the_whole_page_to_sign_in(signed_in, at):
    at(minutes=40)
    answer = signed_in.get(
        "/salaries?q=x", headers={"HX-Request": "true", "HX-Current-URL": "http://localhost/salaries?q=x"}
    )
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/connexion?suite=/salaries?q%3Dx"
    assert answer.data == b""


def test_a_form_sent_after_a_lost_session_comes_back_to_its_page(signed_in, at):
    at(minutes=40)
    answer = signed_in.post("/compte/affichage", {"csrf_token": "old"}, headers={"Referer": "http://localhost/compte"})
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/connexion?suite=/compte"


def test_what_follows_signing_in_stays_on_this_site(client, hr, figure):
    data = {"identifiant": hr.identifier, "mot_de_passe": factories.PASSWORD}
    for elsewhere in ELSEWHERE:
        answer = client.post("/connexion", data | {"csrf_token": client.token()}, query_string={"suite": elsewhere})
        assert answer.status_code == 303, elsewhere
        assert leads_to(answer.headers["Location"]) == "localhost", elsewhere
    figure("OUT-6", len(ELSEWHERE), "addresses of other sites after a sign-in, none led to")


@pytest.mark.parametrize("elsewhere", ["//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example"])
def test_what_would_lead_elsewhere_is_found(elsewhere):
    assert leads_to(elsewhere) == "evil.example"


def test_signing_out_ends_the_session_for_a_copied_cookie_too(app, signed_in):
    copied = signed_in.get_cookie("session").value
    assert signed_in.post("/deconnexion").status_code == 303
    thief = app.test_client()
    thief.set_cookie("session", copied)
    assert thief.get("/salaries").status_code == 303


def test_reading_the_sign_out_address_signs_nobody_out(signed_in):
    assert signed_in.get("/deconnexion").status_code == 200
    assert signed_in.get("/salaries").status_code == 200


def test_a_new_session_is_drawn_at_each_sign_in(client, hr):
    with client.session_transaction() as cookie:
        cookie["planted"] = "fixation"
    client.sign_in(hr)
    with client.session_transaction() as cookie:
        first = cookie["_user_id"]
        assert "planted" not in cookie
    client.post("/deconnexion")
    client.sign_in(hr)
    with client.session_transaction() as cookie:
        assert cookie["_user_id"] != first


def test_idle_time_is_written_once_in_a_while(signed_in, queries, at, monkeypatch):
    monkeypatch.setattr(models, "SEEN_EVERY", datetime.timedelta(seconds=10))  # what is counted elsewhere leaves it out
    at(seconds=0)
    signed_in.get("/salaries")
    queries.clear()
    signed_in.get("/salaries")
    assert not [sql for sql in queries if sql.startswith("UPDATE")]
    at(seconds=11)
    signed_in.get("/salaries")
    assert len([sql for sql in queries if sql.startswith("UPDATE")]) == 1


def test_a_password_hashed_at_another_cost_is_hashed_again(client, hr):
    from argon2 import PasswordHasher

    hr.password_hash = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(factories.PASSWORD)
    hr.save()
    client.sign_in(hr)
    assert "m=8,t=1,p=1" in type(hr).get_by_id(hr.id).password_hash


def test_the_profile_lists_and_ends_sessions(app, signed_in, hr):
    other = app.test_client()
    other.sign_in(hr)
    assert other.get("/salaries").status_code == 200
    page = signed_in.get("/compte").get_data(as_text=True)
    assert page.count("/sessions/") == 2  # one that may be ended, and all the others
    theirs = UserSession.select().order_by(UserSession.id.desc()).first()
    assert signed_in.post(f"/compte/sessions/{theirs.public_id}/fin").status_code == 303
    assert other.get("/salaries").status_code == 303
    assert signed_in.get("/salaries").status_code == 200


def test_a_session_started_long_ago_is_not_listed(signed_in, hr):
    session = UserSession.get()
    UserSession.create(
        user=hr,
        token_hash="x",
        started_at=session.started_at - datetime.timedelta(hours=13),
        seen_at=session.seen_at,
        address="",
        agent="",
    )
    assert len(list(hr.open_sessions(clock.now()))) == 1

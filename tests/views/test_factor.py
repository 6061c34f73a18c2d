"""The second factor at the door: half of a sign-in reaches nothing, a code enters once, and is not guessed."""

import dataclasses
import re
import threading

import pytest

from portal import clock, factors, outbox
from portal.models import (
    AuditEvent,
    OneTimeLink,
    OutboxMessage,
    RecoveryCode,
    SecondFactor,
    Throttle,
    TrustedDevice,
    UnsentWords,
    UserSession,
    db,
    vault,
)
from portal.rules import totp
from tests import factories
from tests.test_tenancy import PUBLIC, WORDS, address, walk

HALF = {"session.destroy", "factor.ask", "factor.check", "passkeys.challenge", "passkeys.check"}
HALF |= {f"first_factor.{name}" for name in ("new", "create", "key", "confirm")}
NO_ROW = {"id": "00000000-0000-4000-8000-000000000000", "token": "x"}


@pytest.fixture
def asked(app, client):
    """A portal where everyone has a second factor, asked for on a new browser."""
    app.settings = dataclasses.replace(app.settings, second_factor="new_device")
    return app


@pytest.fixture
def key(hr):
    return factories.second_factor(hr)[1]


@pytest.fixture
def half(client, hr, key):
    """A browser that showed the right password, and is asked for the code."""
    assert client.sign_in(hr).headers["Location"] == "/connexion/code"
    return client


def letters():
    return [message.subject for message in OutboxMessage.select().order_by(OutboxMessage.id)]


def codes_in(page):
    return re.findall(r"<code[^>]*>([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4})</code>", page)


def token_of(client):
    with client.session_transaction() as cookie:
        return cookie["_user_id"]


# Half of a sign-in


def test_half_of_a_sign_in_reaches_no_route(app, half, hr, figure):
    seen = 0
    for rule, method in walk(app):
        if rule.endpoint in HALF | PUBLIC:
            continue
        values = NO_ROW | {name: words[0] for name, words in WORDS.items()}
        path = address(app, rule, **values)
        send = half.post if method == "POST" else half.get
        answer = send(path, headers={"Sec-Fetch-Site": "same-origin"})
        if hasattr(app.view_functions[rule.endpoint], "guest"):
            assert hr.last_name not in answer.get_data(as_text=True)
            continue
        assert answer.status_code == 303, f"{method} {path} is reached"
        assert answer.headers["Location"].startswith("/connexion/code"), f"{method} {path}"
        seen += 1
    assert seen >= 200
    figure("AUT-3", seen, "routes asked for, none reached")
    assert UserSession.get().factor_due


def test_what_is_public_knows_nobody_yet(app, half, hr):
    for path in ("/", "/aide", "/aide/connexion", "/connexion", "/deconnexion", "/nulle-part"):
        page = half.get(path, follow_redirects=True).get_data(as_text=True)
        assert hr.last_name not in page and 'id="menu"' not in page, path


def test_only_the_second_step_is_open_to_it(app):
    assert {name for name, view in app.view_functions.items() if hasattr(view, "half_open")} == HALF


def test_a_fragment_is_sent_to_the_code_too(half):
    answer = half.fragment("/salaries")
    assert (answer.status_code, answer.data) == (401, b"")
    assert answer.headers["HX-Redirect"].startswith("/connexion/code")


def test_the_code_opens_the_rest_with_another_token_where_one_was_going(client, hr, key):
    client.post("/connexion?suite=/salaries%3Fq%3Dbarb", {"identifiant": hr.identifier, "mot_de_passe": "x"})
    where = client.post(
        "/connexion?suite=/salaries%3Fq%3Dbarb", {"identifiant": hr.identifier, "mot_de_passe": factories.PASSWORD}
    ).headers["Location"]
    before = token_of(client)
    answer = client.post(where, {"code": factories.code_of(key)})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/salaries?q=barb")
    assert client.get("/salaries").status_code == 200
    assert token_of(client) != before
    assert UserSession.of(before, clock.now()) is None
    assert UserSession.select().count() == 1
    done = [event.action for event in AuditEvent.select().order_by(AuditEvent.number)]
    assert done == ["session.refused", "session.password", "session.start"]


@pytest.mark.parametrize("elsewhere", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:1"])
def test_what_follows_the_code_stays_on_this_site(half, key, elsewhere):
    answer = half.post("/connexion/code", {"code": factories.code_of(key)}, query_string={"suite": elsewhere})
    assert answer.headers["Location"] == "/"


def test_half_of_a_sign_in_can_be_left(half):
    assert half.post("/deconnexion").headers["Location"] == "/connexion"
    assert half.get("/connexion/code").headers["Location"].startswith("/connexion?suite=")
    assert UserSession.select().where(UserSession.ended_at.is_null()).count() == 0


def test_signing_in_again_leaves_no_half_behind(half, hr):
    half.sign_in(hr)
    assert UserSession.select().where(UserSession.ended_at.is_null()).count() == 1


def test_a_half_is_in_no_list_of_sessions(app, half, hr, key):
    whole = app.test_client()
    whole.sign_in(hr)
    whole.post("/connexion/code", {"code": factories.code_of(key)})
    assert len(list(hr.open_sessions(clock.now()))) == 1
    assert whole.get("/compte").get_data(as_text=True).count("/sessions/") == 0


def test_who_is_in_already_is_sent_on(signed_in, hr):
    for path in ("/connexion/code", "/connexion/double-authentification"):
        assert signed_in.get(path).status_code == 303
        assert signed_in.post(path).status_code == 303
    assert not SecondFactor.select().exists()


def test_a_late_form_is_kept_for_who_typed_it_and_never_for_a_password_alone(app, client, hr, key, at):
    client.sign_in(hr)
    client.post("/connexion/code", {"code": factories.code_of(key)})
    late = {"Sec-Fetch-Site": "same-origin"}
    at(minutes=40)
    client.sign_in(hr)
    client.post("/demandes/nouvelle", {"message": "tapé avant"}, headers=late)
    assert UnsentWords.get().user == hr
    UnsentWords.delete().execute()
    thief = app.test_client()
    thief.sign_in(hr)
    thief.post("/demandes/nouvelle", {"message": "planté"}, headers=late)
    assert not UnsentWords.select().exists()


# Codes


def test_a_code_is_taken_once_however_it_is_typed_again(app, hr, key):
    code = factories.code_of(key)
    forms = [
        code,
        f"{code[:3]} {code[3:]}",
        "".join(chr(ord(sign) + 0xFEE0) for sign in code),
        f"0{code}",
        f" {code}\t",
    ]
    entered = []
    for typed in forms:
        browser = app.test_client()
        browser.sign_in(hr)
        entered.append(browser.post("/connexion/code", {"code": typed}).status_code)
    assert entered == [303, 422, 422, 422, 422]


@pytest.mark.parametrize("write", ["{0} {1}", "０{0}{1}", "{0}-{1}"])
def test_a_code_is_read_with_its_spaces(half, key, write):
    code = factories.code_of(key)
    answer = half.post("/connexion/code", {"code": write.format(code[:3], code[3:])})
    assert answer.status_code == (422 if write.startswith("０") else 303)


def test_of_twenty_at_the_same_time_one_enters(hr, key):
    code, shown = factories.code_of(key), []

    def show():
        with db.connection_context():
            shown.append(factors.show(hr, code, clock.now()))

    threads = [threading.Thread(target=show) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(shown) == ["code"] + ["wrong"] * 19


def test_an_application_that_nobody_confirmed_opens_nothing(half, hr):
    begun = factors.begin(hr, clock.now())
    assert half.post("/connexion/code", {"code": factories.code_of(begun.unseal())}).status_code == 422


def test_each_of_two_applications_enters(app, hr, key):
    other = factories.second_factor(hr)[1]
    for one in (key, other):
        browser = app.test_client()
        browser.sign_in(hr)
        assert browser.post("/connexion/code", {"code": factories.code_of(one)}).status_code == 303


def test_a_wrong_code_says_what_to_do_and_is_written_down(half):
    answer = half.post("/connexion/code", {"code": "000000"})
    assert answer.status_code == 422
    assert "Attendez le suivant" in answer.get_data(as_text=True)
    assert AuditEvent.select().where(AuditEvent.action == "factor.refused").count() == 1


def test_guesses_are_five_in_five_minutes_and_the_next_is_told_to_wait(half, key):
    answers = [half.post("/connexion/code", {"code": "000000"}).status_code for _ in range(6)]
    assert answers == [422] * 5 + [429]
    refused = half.post("/connexion/code", {"code": factories.code_of(key)})
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 301
    assert half.get("/salaries").status_code == 303


def test_guesses_of_a_whole_day_are_fifty(hr, at, figure):
    guesses, moment, rests = 0, 0, []
    while moment < 24 * 3600:
        wait = factors.wait("code-account:x", at(seconds=moment))
        guesses, moment = (guesses, moment + wait) if wait else (guesses + 1, moment + 1)
        rests += [wait] if wait else []
    assert guesses == 50
    figure("RAT-1", guesses, "codes tried in a day", at_most=True)
    assert min(rests) <= 300 and max(rests) > 20 * 3600
    assert Throttle.select().count() == 3


def test_right_codes_use_up_no_guess(app, hr, key, at):
    for number in range(8):
        at(seconds=31 * number)
        browser = app.test_client()
        browser.sign_in(hr)
        assert browser.post("/connexion/code", {"code": factories.code_of(key)}).status_code == 303, number


def test_the_owner_still_enters_from_a_known_browser_while_a_stranger_guesses(app, half, hr, key, at):
    half.post("/connexion/code", {"code": factories.code_of(key)})
    half.post("/deconnexion")
    stranger = app.test_client()
    stranger.sign_in(hr)
    at(seconds=31)
    answers = [stranger.post("/connexion/code", {"code": "000000"}).status_code for _ in range(6)]
    assert answers[-1] == 429
    half.sign_in(hr)
    assert half.post("/connexion/code", {"code": factories.code_of(key)}).status_code == 303


# Codes of recovery


@pytest.fixture
def recovery(hr, key):
    drawn = factors.draw_codes()
    RecoveryCode.replace(hr, drawn.values())
    return list(drawn)


def test_a_code_of_recovery_enters_once_and_is_told(app, half, hr, recovery):
    page = half.get("/connexion/code?secours=oui").get_data(as_text=True)
    assert "Code de secours" in page
    typed = recovery[3].lower().replace("-", " ")
    assert half.post("/connexion/code?secours=oui", {"code": typed}).status_code == 303
    assert "il vous en reste 9" in half.get("/").get_data(as_text=True)
    other = app.test_client()
    other.sign_in(hr)
    assert other.post("/connexion/code?secours=oui", {"code": recovery[3]}).status_code == 422
    assert letters()[0] == "Un code de secours a servi"
    assert AuditEvent.select().where(AuditEvent.action == "factor.recover").count() == 1


def test_a_code_of_recovery_is_used_once_by_twenty_at_the_same_time(hr, recovery):
    shown = []

    def use():
        with db.connection_context():
            shown.append(factors.show(hr, recovery[0], clock.now()))

    threads = [threading.Thread(target=use) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(shown) == ["recovery"] + ["wrong"] * 19
    assert RecoveryCode.left(hr).count() == 9


def test_new_codes_end_the_old_ones(half, hr, recovery, key):
    half.post("/connexion/code", {"code": factories.code_of(key)})
    fresh = codes_in(half.post("/compte/double-authentification/codes").get_data(as_text=True))
    assert len(set(fresh)) == 10
    assert not factors.recover(hr, recovery[0], clock.now())
    assert factors.recover(hr, fresh[0], clock.now())


def test_guesses_of_codes_of_recovery_are_counted_with_the_others(half, recovery):
    for number in range(5):
        half.post(f"/connexion/code{'?secours=oui' if number % 2 else ''}", {"code": "AAAA-AAAA-AAAA"})
    assert half.post("/connexion/code?secours=oui", {"code": recovery[0]}).status_code == 429


def test_nothing_in_the_clear_is_in_the_database(hr, key, recovery):
    rows = [repr(row.__data__) for table in (SecondFactor, RecoveryCode, AuditEvent) for row in table.select()]
    for secret in (key, *recovery, *(code.replace("-", "") for code in recovery)):
        assert not [row for row in rows if secret in row]
    assert all(row.code_hash.startswith("$argon2id$") for row in RecoveryCode.select())


def test_a_seed_opens_in_its_own_row_alone(hr, key):
    mine, other = SecondFactor.get(), factories.second_factor(factories.user())[0]
    other.seed = mine.seed
    with pytest.raises(Exception, match="second_factor.seed"):
        other.unseal()


def test_a_seed_follows_the_keys(app, hr, key):
    import os

    from tests.conftest import KEYS

    old, new = [bytes.fromhex(one) for one in KEYS], os.urandom(32)
    vault.use([new, *old])
    assert app.test_cli_runner().invoke(args=["vault", "rotate"]).exit_code == 0
    vault.use([new])
    assert SecondFactor.get().unseal() == key
    vault.use(old)


# Browsers that are trusted


def trust(browser, hr, key):
    browser.sign_in(hr)
    return browser.post("/connexion/code", {"code": factories.code_of(key), "confiance": "y"})


def test_a_trusted_browser_is_not_asked_for_thirty_days(client, hr, key, at):
    cookie = trust(client, hr, key).headers.getlist("Set-Cookie")
    (kept,) = [one for one in cookie if one.startswith("confiance=")]
    assert "HttpOnly" in kept and "SameSite=Lax" in kept and "Path=/" in kept
    assert client.get_cookie("confiance").value != TrustedDevice.get().token_hash
    client.post("/deconnexion")
    at(days=29)
    assert client.sign_in(hr).headers["Location"] == "/"
    assert client.get("/salaries").status_code == 200
    client.post("/deconnexion")
    at(days=31)
    assert client.sign_in(hr).headers["Location"] == "/connexion/code"


def test_trust_is_of_one_user_on_one_browser(app, client, hr, key):
    trust(client, hr, key)
    colleague = factories.user()
    theirs = factories.second_factor(colleague)[1]
    client.post("/deconnexion")
    assert client.sign_in(colleague).headers["Location"] == "/connexion/code"
    client.post("/connexion/code", {"code": factories.code_of(theirs), "confiance": "y"})
    client.post("/deconnexion")
    assert client.sign_in(hr).headers["Location"] == "/", "the colleague's trust took nothing away"
    assert app.test_client().sign_in(hr).headers["Location"] == "/connexion/code"


def test_always_trusts_no_browser(app, client, hr, key):
    app.settings = dataclasses.replace(app.settings, second_factor="always")
    client.sign_in(hr)
    assert "confiance" not in client.get("/connexion/code").get_data(as_text=True)
    trust(client, hr, key)
    assert not TrustedDevice.select().exists()


def test_a_browser_of_before_is_trusted_no_more_where_the_code_is_always_asked(app, client, hr, key):
    trust(client, hr, key)
    client.post("/deconnexion")
    app.settings = dataclasses.replace(app.settings, second_factor="always")
    assert client.sign_in(hr).headers["Location"] == "/connexion/code"


def test_a_link_that_changes_the_password_skips_no_code(client, hr, key):
    trust(client, hr, key)
    client.post("/deconnexion")
    token, new = OneTimeLink.draw(hr, clock.now()), "cheval correct pile agrafe montagne"
    client.post(f"/mot-de-passe/{token}", {"mot_de_passe": new, "confirmation": new})
    assert client.get("/salaries").status_code == 303
    assert client.sign_in(hr, new).headers["Location"] == "/connexion/code"


# Where one is mandatory and there is none yet


def test_the_first_application_is_added_before_anything_else(asked, client, hr):
    client.post("/connexion?suite=/salaries", {"identifiant": hr.identifier, "mot_de_passe": factories.PASSWORD})
    first = client.get("/connexion/code?suite=/salaries").headers["Location"]
    assert first == "/connexion/double-authentification?suite=/salaries"
    assert "six chiffres" in client.get(first).get_data(as_text=True)
    where = client.post(first).headers["Location"]
    page = client.get(where).get_data(as_text=True)
    assert "<svg" in page
    key = re.search(r"<code[^>]*>([A-Z2-7 ]{39})</code>", page)[1].replace(" ", "")
    assert client.get("/salaries").status_code == 303
    assert client.post(where, {"code": "000000"}).status_code == 422
    done = client.post(where, {"code": factories.code_of(key), "nom": "Mon  téléphone"})
    text = done.get_data(as_text=True)
    assert len(codes_in(text)) == 10
    assert 'href="/salaries"' in text
    assert client.get("/salaries").status_code == 200
    assert SecondFactor.get().name == "Mon téléphone"
    assert letters() == ["Une double authentification est ajoutée"]
    assert client.post(where, {"code": factories.code_of(key)}).headers["Location"] == "/compte"


def test_the_code_that_added_it_does_not_enter_again(asked, client, hr):
    client.sign_in(hr)
    client.post("/connexion/double-authentification")
    code = factories.code_of(SecondFactor.get().unseal())
    client.post("/connexion/double-authentification/cle", {"code": code})
    other = asked.test_client()
    other.sign_in(hr)
    assert other.post("/connexion/code", {"code": code}).status_code == 422


def test_a_password_alone_adds_no_second_application(asked, half, hr):
    first = SecondFactor.get()
    for path in ("/connexion/double-authentification", "/connexion/double-authentification/cle"):
        assert half.post(path).headers["Location"] == "/connexion/code"
        assert half.get(path).headers["Location"] == "/connexion/code"
    assert [row.id for row in SecondFactor.select()] == [first.id]


def test_where_it_is_optional_nobody_is_asked_who_has_none(client, hr):
    assert client.sign_in(hr).headers["Location"] == "/"


# « Mon compte »


def begin(browser):
    where = browser.post("/compte/double-authentification").headers["Location"]
    return where, SecondFactor.begun(UserSession.get().user).unseal()


def test_an_application_is_added_named_and_removed(signed_in, hr):
    where, key = begin(signed_in)
    assert "Ajouter une application de codes" in signed_in.get(where).get_data(as_text=True)
    page = signed_in.post(where, {"code": factories.code_of(key), "nom": "Téléphone"}).get_data(as_text=True)
    codes = codes_in(page)
    assert len(codes) == 10
    assert f"1.{codes[0]}"[2:] in page and "data:text/plain" in page
    profile = signed_in.get("/compte").get_data(as_text=True)
    assert "Téléphone" in profile and "Il vous en reste 10" in profile
    assert not [code for code in codes if code in profile]
    assert signed_in.get(where).status_code == 404, "a key is shown until it counts, and never again"
    id = SecondFactor.get().public_id
    signed_in.post(f"/compte/double-authentification/{id}/nom", {"nom": "Tablette"})
    assert "Tablette" in signed_in.get("/compte").get_data(as_text=True)
    signed_in.post(f"/compte/double-authentification/{id}/retrait")
    assert not SecondFactor.select().exists() and not RecoveryCode.select().exists()
    told = ["Une double authentification est ajoutée", "Une double authentification est retirée"]
    assert letters() == told


def test_a_second_application_leaves_the_codes_of_recovery(signed_in, hr, recovery):
    where, key = begin(signed_in)
    answer = signed_in.post(where, {"code": factories.code_of(key)})
    assert answer.status_code == 303
    assert factors.recover(hr, recovery[0], clock.now())


def test_the_last_one_stays_where_one_is_mandatory(asked, half, hr, key):
    half.post("/connexion/code", {"code": factories.code_of(key)})
    id = SecondFactor.get().public_id
    half.post(f"/compte/double-authentification/{id}/retrait")
    assert SecondFactor.of(hr).count() == 1
    factories.second_factor(hr)
    half.post(f"/compte/double-authentification/{id}/retrait")
    assert SecondFactor.of(hr).count() == 1
    assert SecondFactor.get().public_id != id


def test_a_browser_is_trusted_no_more_once_it_is_removed(client, hr, key):
    trust(client, hr, key)
    assert "Appareils de confiance" in client.get("/compte").get_data(as_text=True)
    client.post(f"/compte/double-authentification/appareils/{TrustedDevice.get().public_id}/retrait")
    client.post("/deconnexion")
    assert client.sign_in(hr).headers["Location"] == "/connexion/code"


def test_all_browsers_are_trusted_no_more_at_once(client, hr, key):
    trust(client, hr, key)
    TrustedDevice.trust(hr, "Firefox", clock.now())
    client.post("/compte/double-authentification/appareils/retrait")
    assert not TrustedDevice.select().exists()


def test_no_code_is_drawn_for_who_has_no_application(signed_in):
    assert signed_in.post("/compte/double-authentification/codes").status_code == 303
    assert not RecoveryCode.select().exists()


# Letters, and the loss of a factor


def test_a_new_browser_is_told_and_the_first_is_not(app, client, hr):
    client.sign_in(hr)
    assert letters() == []
    client.post("/deconnexion")
    client.sign_in(hr)
    assert letters() == []
    app.test_client().sign_in(hr)
    assert letters() == ["Connexion depuis un nouvel appareil"]
    outbox.send_due(app.settings, clock.now())


def test_a_browser_that_was_told_is_new_only_once_the_code_was_shown(app, client, hr, key):
    trust(client, hr, key)
    stranger = app.test_client()
    stranger.sign_in(hr)
    stranger.sign_in(hr)
    assert letters() == []
    assert stranger.get_cookie("appareil", path="/connexion") is None


def test_a_lost_factor_is_reset_by_a_command_that_is_told(app, half, hr, key, recovery):
    runner = app.test_cli_runner()
    assert runner.invoke(args=["user", "reset-factor", "inconnu@example.com"]).exit_code == 1
    assert runner.invoke(args=["user", "reset-factor", hr.identifier.upper()]).exit_code == 0
    assert not SecondFactor.select().exists() and not RecoveryCode.select().exists()
    assert half.post("/connexion/code", {"code": recovery[0]}).headers["Location"].startswith("/connexion?")
    assert letters() == ["Une double authentification est retirée"]
    assert AuditEvent.select().where(AuditEvent.action == "factor.reset").get().object_id == str(hr.public_id)
    assert half.sign_in(hr).headers["Location"] == "/"


def test_what_nobody_confirmed_and_what_is_over_is_forgotten(hr, key, at):
    factors.begin(hr, clock.now())
    TrustedDevice.trust(hr, "Firefox", clock.now())
    for days, left in ((0.5, 2), (1.5, 1)):
        SecondFactor.purge(at(days=days))
        assert SecondFactor.select().count() == left
    assert SecondFactor.get().unseal() == key
    TrustedDevice.purge(at(days=29))
    assert TrustedDevice.select().count() == 1
    TrustedDevice.purge(at(days=31))
    assert not TrustedDevice.select().exists()


def test_a_seed_is_of_160_bits_and_never_twice_the_same(hr):
    keys = {factors.begin(hr, clock.now()).unseal() for _ in range(3)}
    assert len(keys) == 3 and {len(key) * 5 for key in keys} == {160}
    assert SecondFactor.select().count() == 1
    assert all(totp.code(key, 1).isdecimal() for key in keys)

"""Every answer: strict headers, no store, tokens that are checked, errors that say what to do."""

import io
import re

import pytest
from peewee import OperationalError

from portal.models import UserRole
from tests import factories
from tests.test_tenancy import WORDS

HEADERS = {
    "Content-Security-Policy": "default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@pytest.mark.parametrize(
    "path", ["/", "/connexion", "/salaries", "/nulle-part", "/aide", "/salaries?perimetre=zzz", "/sante"]
)
def test_every_answer_wears_its_headers(signed_in, path):
    answer = signed_in.get(path)
    for name, start in HEADERS.items():
        assert answer.headers[name].startswith(start), (path, name)
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "Strict-Transport-Security" not in answer.headers
    assert "HX-Request" in answer.headers["Vary"]


def test_static_files_wear_them_too_and_may_be_kept(client):
    with client.get("/static/css/app.css") as answer:
        answer.get_data()
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"] or "max-age" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert client.get("/static/../app.py").status_code == 404


def test_behind_tls_cookies_are_secure_and_hsts_is_sent(chosen_settings):
    import dataclasses

    from app import create_app
    from portal.models import db

    over_tls = dataclasses.replace(chosen_settings, public_url="https://portail.example")
    browser = create_app(settings=over_tls, TESTING=True).test_client()
    with browser.get("/static/css/app.css", base_url="https://localhost") as file:
        assert file.headers["Strict-Transport-Security"].startswith("max-age=63072000")
    answer = browser.get("/connexion", base_url="https://localhost")
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=63072000")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-session=")
    for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in cookie
    db.close_all()


def walk_unsafe(app):
    for rule in app.url_map.iter_rules():
        if "POST" in rule.methods:
            with app.test_request_context():
                values = {"id": "00000000-0000-4000-8000-000000000000", "token": "x"}
                values |= {name: words[0] for name, words in WORDS.items()}
                yield app.url_for(rule.endpoint, **{name: values[name] for name in rule.arguments})


# What a late form leaves behind: what was typed in it, when its session was seen, that it was tried.
LEFT = re.compile('(UPDATE|INTO|FROM) "(unsent_words|user_session|throttle)"|^PRAGMA|^BEGIN|^SAVEPOINT|^RELEASE')


@pytest.mark.parametrize("role", [UserRole.COMPANY, UserRole.ADMIN, UserRole.HEALTH_PROFESSIONAL])
def test_every_form_is_refused_without_its_token_or_with_another(app, client, hr, queries, no_alarm, role, figure):
    """Missing, wrong, of another session of the user, of another user: refused everywhere, and no row changes."""
    user = hr if role == UserRole.COMPANY else factories.user(role=role)
    client.sign_in(user)
    tokens = ["", "faux", "é"]
    for one in (user, factories.user()):
        other = app.test_client()
        other.sign_in(one)
        tokens.append(other.token())
    queries.clear()
    refused, closed = 0, 0
    for path in walk_unsafe(app):
        for token in tokens:
            answer = client.post(path, {"csrf_token": token})
            if answer.status_code == 403:  # a room that is closed to this profile, before any token is looked at
                closed += 1
                continue
            assert answer.status_code == 400, (path, token, answer.status_code)
            assert "rien n’a été enregistré" in answer.get_data(as_text=True)
            refused += 1
    written = [sql for sql in queries if not sql.lstrip("(").startswith("SELECT") and not LEFT.search(sql)]
    assert not written, written[:3]
    figure("CSR-1", refused, "forms refused for their token, no row")
    assert refused >= 5 * {UserRole.COMPANY: 40, UserRole.ADMIN: 60}.get(role, 5)
    assert client.get("/compte").status_code == 200


def test_a_form_of_another_site_is_refused_even_with_a_token(signed_in):
    answer = signed_in.post("/compte/affichage", {"apparence": "dark"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


def test_reading_writes_nothing(app, signed_in, hr, queries, no_alarm):
    """Every GET of the portal: no INSERT, UPDATE or DELETE, but the time at which a session was seen."""
    from portal.models import AffiliationImport, Beneficiary, GroupContract

    person = Beneficiary.get()
    ids = dict.fromkeys(("employees", "terminations", "changes", "colleges", "dependents"), person.public_id)
    ids |= {"contracts": GroupContract.get().public_id, "selections": hr.select_people([person.public_id]).public_id}
    ids |= dict.fromkeys(("enrolments", "enrolment_steps"), factories.enrolment(hr).public_id)
    ids["threads"] = factories.thread(hr).public_id
    ids["imports"] = AffiliationImport.send(person.account_id, hr, "salaries.csv", b"a;b", None).public_id
    for rule in app.url_map.iter_rules():
        if "GET" not in rule.methods:
            continue
        with app.test_request_context():
            id = ids.get(rule.endpoint.partition(".")[0], "00000000-0000-4000-8000-000000000000")
            values = {"id": id, "room": "demandes", "chapter": "connexion", "step": "salarie"}
            values |= {"key": "contacts", "tone": "claire", "number": 1}
            path = app.url_for(rule.endpoint, **{name: values.get(name, "x") for name in rule.arguments})
        queries.clear()
        signed_in.get(path).close()
        # Looking at the library makes it seen; what calendars read is counted, since nobody signs in for it.
        # So is what an account may take in an hour, which a page of people is part of; and what is refused to it.
        sent = [
            sql
            for sql in queries
            if not re.search('"(library_visit|throttle)"', sql) and rule.endpoint != "calendars.feed"
        ]
        written = [
            sql
            for sql in sent
            if not sql.lstrip("(").startswith(("SELECT", "PRAGMA", "WITH")) and 'SET "seen_at"' not in sql
        ]
        assert not written, (path, written)


def test_an_error_is_a_page_or_a_message_above_the_region(signed_in):
    page = signed_in.get("/nulle-part")
    assert page.status_code == 404
    assert "Cette page n’existe pas" in page.get_data(as_text=True)
    fragment = signed_in.fragment("/salaries?fiche=00000000-0000-4000-8000-000000000000")
    assert fragment.status_code == 404
    assert fragment.headers["HX-Retarget"] == "#flash"
    assert "<!doctype" not in fragment.get_data(as_text=True).lower()


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("/salaries/", "/salaries"),
        ("/salaries/?q=zoe&page=2", "/salaries?q=zoe&page=2"),
        ("/aide/connexion//", "/aide/connexion"),
        ("/sante/", "/sante"),
    ],
)
def test_a_last_slash_is_dropped(client, asked, answered):
    answer = client.get(asked)
    assert (answer.status_code, answer.headers["Location"]) == (308, answered)


@pytest.mark.parametrize("path", ["/nulle-part/", "//evil.example/", "/\\evil.example/", "/salaries/recherche-nir/"])
def test_a_last_slash_leads_to_pages_alone(signed_in, path):
    answer = signed_in.get("/", environ_overrides={"PATH_INFO": path})
    assert answer.status_code == 404 or answer.headers["Location"].startswith("http://localhost/")


def test_a_busy_database_is_said_and_asked_again(app, signed_in, monkeypatch):
    from portal.views import employees

    def locked(*_):
        raise OperationalError("database is locked: NIR 294063947803145")

    monkeypatch.setattr(employees.roster, "visible", locked)
    answer = signed_in.get("/salaries")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "Rien n’a été enregistré" in answer.get_data(as_text=True)


def test_a_fault_shows_a_reference_and_logs_no_words(app, signed_in, monkeypatch, caplog):
    from portal.views import employees

    def fail(*_):
        raise ValueError("NIR 294063947803145 de Zoé")

    monkeypatch.setattr(employees.roster, "visible", fail)
    app.testing = False
    answer = signed_in.get("/salaries?q=Durand")
    assert answer.status_code == 500
    text = answer.get_data(as_text=True)
    assert "Traceback" not in text
    assert "294063947803145" not in text + caplog.text
    assert "Durand" not in caplog.text
    reference = caplog.records[-1].getMessage().split()[0]
    assert reference in text


def test_what_is_not_asked_for_this_way_says_how_it_is(signed_in):
    answer = signed_in.post("/salaries")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize(
    "path",
    [
        *("/salaries?q=a%00b", "/?perimetre=%00", "/perimetre?choix=%00", "/salaries?contrat=%00"),
        *("/salaries?q=a&q=%00", "/salaries?q%00=a"),
    ],
)
def test_a_nul_is_refused_before_the_database_sees_it(signed_in, path):
    assert signed_in.get(path).status_code == 400


def test_a_nul_in_a_form_is_refused_too(client, database):
    assert client.post("/connexion", {"identifiant": "a\0b", "mot_de_passe": "x"}).status_code == 400


@pytest.mark.parametrize(
    "body", ["[1, 2]", '"x"', "1e999", "[" * 50_000, '{"identifiant": 5}', '{"identifiant": "\\ud800"}']
)
def test_no_form_is_json(client, database, body):
    headers = {"X-CSRFToken": client.token()}
    assert (
        client.open("/connexion", method="POST", data=body, headers=headers, mimetype="application/json").status_code
        == 400
    )


def test_a_text_that_comes_as_a_file_and_a_file_as_a_text_are_neither(signed_in):
    there = signed_in.post("/connexion", {"identifiant": (io.BytesIO(b"rh"), "a.txt"), "mot_de_passe": "x"})
    assert there.status_code == 422
    assert signed_in.post("/affiliations/nouvelle", {"fichier": "C:\\base.xlsx"}).status_code == 422


@pytest.mark.parametrize("name", ["HX-Current-URL", "Referer", "Origin"])
def test_an_address_that_is_none_leads_to_the_sign_in(client, database, name):
    for told in ("http://[", "http://[::1", "//[x]y/", "javascript:alert(1)"):
        answer = client.open("/compte/affichage", method="POST", headers={name: told, "HX-Request": "true"})
        assert (answer.status_code, answer.headers["HX-Redirect"].partition("?")[0]) == (401, "/connexion"), told
        assert client.open("/salaries", headers={name: told}).status_code == 303


def test_reading_goes_on_while_someone_writes(app, signed_in, at, tmp_path):
    """A locked SQLite base: pages are read, the time a session was seen waits for another page."""
    import sqlite3
    import time

    from portal import database as databases
    from portal.models import db

    if not databases.is_sqlite(db):
        pytest.skip("PostgreSQL readers never wait")
    at(seconds=30)
    other = sqlite3.connect(tmp_path / "portal.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    assert signed_in.get("/salaries").status_code == 200
    assert time.monotonic() - began < 3
    other.execute("ROLLBACK")
    other.close()


def test_health_says_what_does_not_answer(client, app, monkeypatch, tmp_path):
    import dataclasses

    from portal.views import health

    assert client.get("/sante").status_code == 200
    (tmp_path / "a-file").write_text("")
    app.settings = dataclasses.replace(app.settings, storage_url=f"file://{tmp_path}/a-file/files")
    answer = client.get("/sante")
    assert answer.status_code == 503
    assert "stockage" in answer.get_data(as_text=True)

    def down(*_):
        raise OperationalError("down")

    monkeypatch.setattr(health.User, "any_at_all", down)
    assert "base de données" in client.get("/sante").get_data(as_text=True)


@pytest.mark.parametrize("left", ["nothing", "an empty file"])
@pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="session")
def test_health_says_that_the_file_of_the_base_was_removed(client, tmp_path, left):
    assert client.get("/sante").status_code == 200
    for path in tmp_path.glob("portal.db*"):
        path.unlink()
    if left == "an empty file":
        (tmp_path / "portal.db").touch()
    answer = client.get("/sante")
    assert answer.status_code == 503
    assert "base de données" in answer.get_data(as_text=True)
    assert (tmp_path / "portal.db").exists() == (left == "an empty file")


@pytest.mark.parametrize("field", ["identifier", "first_name", "last_name", "role", "password_hash", "id"])
def test_fields_that_a_form_does_not_have_are_ignored(signed_in, hr, field):
    before = getattr(hr, field)
    signed_in.post("/compte/affichage", {"apparence": "dark", "lignes": "50", field: "planted"})
    after = type(hr).get_by_id(hr.id)
    assert getattr(after, field) == before
    assert (after.appearance, after.rows_per_page) == ("dark", 50)

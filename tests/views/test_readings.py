"""Pages that the mutual's staff opened: written once the answer has left, found again by who reads the trail."""

import datetime

import pytest
from peewee import OperationalError

from portal import clock, privacy, readings
from portal.access import RIGHTS
from portal.models import TABLES, Beneficiary, Reading, User, UserRole
from portal.rules.retention import TERMS
from portal.rules.staff_roles import Duty
from tests import factories
from tests.test_tenancy import NOT_ROWS, WORDS, address, stranger, walk  # noqa: F401
from tests.views.test_terminations import plain

NAMES = {table._meta.table_name: table for table in TABLES}


@pytest.fixture
def staff(client, hr):
    client.own = factories.user(UserRole.ADMIN, first_name="Odile", last_name="Perrin")
    client.sign_in(client.own)
    return client


@pytest.fixture
def person(hr):
    return hr.beneficiaries().order_by(Beneficiary.id).first()


def opened(browser, path, status=200, **more):
    answer = browser.get(path, **more)
    assert answer.status_code == status, path
    answer.close()  # as a server does once the last byte has left
    return answer


def noted():
    found = Reading.select().order_by(Reading.id)
    return [(one.endpoint, one.object_type, one.object_id, one.times) for one in found]


# ── What is written down ─────────────────────────────────────────────────────────────────────────────────────────


def pages_with_an_id(app):
    """The endpoints that the mutual's staff may open, whose address names a row."""
    for rule, method in walk(app):
        view = app.view_functions[rule.endpoint]
        closed = getattr(view, "right", None) not in {None, *RIGHTS[UserRole.ADMIN]}
        if method == "GET" and rule.arguments - NOT_ROWS and not closed and not getattr(view, "public", False):
            yield rule


def test_each_page_of_a_row_is_noted_or_tells_of_nobody(app):
    blueprints = {rule.endpoint.partition(".")[0] for rule in pages_with_an_id(app)}
    assert blueprints - readings.SHOWN.keys() <= readings.OF_NOBODY.keys(), "portal/readings.py says what each tells of"
    assert not readings.SHOWN.keys() & readings.OF_NOBODY.keys()
    assert set(readings.SHOWN.values()) <= NAMES.keys()


def test_whatever_page_is_opened_its_row_is_named(app, stranger, client):  # noqa: F811
    """By any address that opens: the table and the public id, as the audit trail names them."""
    client.sign_in(factories.user(UserRole.ADMIN))
    seen = set()
    for rule in pages_with_an_id(app):
        blueprint, _, view = rule.endpoint.partition(".")
        if blueprint not in readings.SHOWN or view == "progress" or rule.endpoint in readings.BY_CODE:
            continue
        path = address(app, rule, **{name: words[0] for name, words in WORDS.items()} | {"id": stranger[blueprint]})
        before = Reading.select().count()
        with client.get(path, query_string={"perimetre": "tous"}) as answer:
            status = answer.status_code
        noted_now = Reading.select().count() - before
        polled = getattr(app.view_functions[rule.endpoint], "polled", False)
        assert noted_now == (status == 200 and not polled), (path, status)
        if noted_now:
            one = Reading.get(Reading.endpoint == rule.endpoint)
            table = NAMES[one.object_type]
            assert table.select().where(table.public_id == one.object_id).exists(), path
            seen.add(blueprint)
    assert {"employees", "staff_dossiers", "contracts", "staff_threads", "staff_proofs", "waivers"} <= seen


def test_a_page_is_one_row_a_day_with_how_often_and_from_where(staff, person, monkeypatch):
    path = f"/gestion/personnes/{person.public_id}"
    for _ in range(3):
        opened(staff, path)
    row = Reading.get()
    assert (row.user_id, row.day, row.times, row.address) == (staff.own.id, clock.today(), 3, "127.0.0.1")
    assert row.first_at < row.last_at
    assert noted() == [("staff_dossiers.person", "beneficiary", str(person.public_id), 3)]
    tomorrow = clock.now() + datetime.timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: tomorrow)
    staff.sign_in(staff.own)
    opened(staff, path)
    assert [times for *_, times in noted()] == [3, 1]


def test_accounts_and_companies_are_named_by_their_number(staff, person):
    company = person.category.company
    opened(staff, f"/gestion/comptes/{company.account.code}")
    opened(staff, f"/gestion/entreprises/{company.code}")
    assert [row[1:3] for row in noted()] == [
        ("managed_account", str(company.account_id)),
        ("company", str(company.id)),
    ]


def test_a_list_is_noted_and_the_person_beside_it(staff, person):
    opened(staff, "/salaries")
    opened(staff, f"/salaries?fiche={person.public_id}")
    assert [row[1:3] for row in noted()] == [("", ""), ("beneficiary", str(person.public_id))]


def test_neither_what_is_not_found_nor_a_redirection_nor_a_form_is(staff, person):
    opened(staff, "/gestion/personnes/00000000-0000-4000-8000-000000000000", 404)
    opened(staff, "/salaries?q=294063947803145", 303)
    staff.post(f"/gestion/personnes/{person.public_id}/iban-prestation").close()
    assert noted() == []


def test_companies_are_not_followed_in_what_they_read_of_their_own(signed_in, person):
    opened(signed_in, f"/salaries/{person.public_id}")
    assert noted() == []


def test_who_looks_as_somebody_else_is_noted_under_their_own_name(staff, hr, person):
    assert staff.post(f"/gestion/utilisateurs/{hr.public_id}/voir", {"motif": "Il ne trouve pas"}).status_code == 303
    opened(staff, f"/salaries/{person.public_id}")
    assert Reading.get(Reading.object_type == "beneficiary").user_id == staff.own.id


# ── Without a cost for who reads ─────────────────────────────────────────────────────────────────────────────────


def test_nothing_is_written_while_the_page_is_read(staff, person, queries):
    queries.clear()
    answer = staff.get(f"/gestion/personnes/{person.public_id}")
    assert not any('"reading"' in sql for sql in queries if not sql.lstrip("(").startswith(("SELECT", "WITH")))
    answer.close()
    assert any(sql.startswith('INSERT INTO "reading"') for sql in queries)


def test_what_a_lock_holds_back_is_written_with_a_later_page(staff, person, monkeypatch):
    path, written = f"/gestion/personnes/{person.public_id}", readings.write

    def locked(some):
        raise OperationalError("database is locked")

    monkeypatch.setattr(readings, "write", locked)
    opened(staff, path)
    opened(staff, path)
    assert noted() == []
    monkeypatch.setattr(readings, "write", written)
    opened(staff, path)
    assert [times for *_, times in noted()] == [3]


def test_no_more_than_so_many_wait(monkeypatch):
    def locked(some):
        raise OperationalError("database is locked")

    monkeypatch.setattr(readings, "write", locked)
    kept = readings.Readings()
    for number in range(readings.MOST + 20):
        kept.note(readings.Opened(1, "x", "", str(number), "", clock.now()))
    assert len(kept.waiting) == readings.MOST
    assert kept.waiting[-1].name == str(readings.MOST + 19)


def test_a_fault_breaks_no_page_and_is_logged_without_words(staff, person, monkeypatch, caplog):
    def fail(*told):
        raise ValueError(f"{person.birth_name}")

    monkeypatch.setattr(readings, "count", fail)
    opened(staff, f"/gestion/personnes/{person.public_id}")
    assert "ValueError" in caplog.text
    assert person.birth_name not in caplog.text


# ── Found again, and forgotten ───────────────────────────────────────────────────────────────────────────────────


def test_what_was_opened_is_among_the_data_seen(staff, person):
    opened(staff, f"/gestion/personnes/{person.public_id}")
    opened(staff, f"/salaries/{person.public_id}")
    opened(staff, "/salaries")
    text = plain(staff.get(f"/gestion/journal/donnees-consultees?qui={staff.own.identifier}"))
    assert person.member_number in text
    assert "1 personne, par Odile" in text.replace("\u00a0", " ").replace("\u202f", " ")
    yesterday = f"{clock.today() - datetime.timedelta(days=1):%d/%m/%Y}"
    for narrowed in (f"au={yesterday}", "reseau=203.0.113.9", "quoi=nir.reveal"):
        text = plain(staff.get(f"/gestion/journal/donnees-consultees?qui={staff.own.identifier}&{narrowed}"))
        assert person.member_number not in text, narrowed


def test_the_history_of_a_file_tells_who_opened_it_to_who_reads_the_trail(app, staff, person):
    path = f"/gestion/personnes/{person.public_id}"
    opened(staff, path)
    opened(staff, path)
    text = plain(staff.get(f"{path}?quoi=consultations")).replace("\u00a0", " ").replace("\u202f", " ")
    assert "Page ouverte : Personne" in text and "2 fois ce jour-là" in text and "Odile PERRIN" in text
    assert "Page ouverte" not in plain(staff.get(path)), "apart, so that it hides nothing of what happened"
    other = app.test_client()
    other.sign_in(factories.user(UserRole.STAFF, duties=Duty.EXCHANGES))
    text = other.get(f"{path}?quoi=consultations").get_data(as_text=True)
    assert "Page ouverte" not in text and "Consultations par la mutuelle" not in text


def test_nobody_but_who_reads_the_trail_reads_them(hr, person):
    Reading.count(hr.id, clock.today(), "employees.show", ("beneficiary", str(person.public_id)), "", clock.now())
    assert hr.readings().count() == 0
    assert factories.user(UserRole.STAFF, duties=Duty.EXCHANGES).readings().count() == 0
    assert factories.user(UserRole.STAFF, duties=Duty.AUDIT).readings().count() == 1


def test_they_are_held_on_the_person(staff, person):
    opened(staff, f"/gestion/personnes/{person.public_id}")
    assert len(privacy.held(person)[Reading]) == 1


def test_they_are_kept_a_year(hr):
    now = clock.now()
    for days in (0, TERMS["reading"].days - 1, TERMS["reading"].days + 2):
        at = now - datetime.timedelta(days=days)
        Reading.count(hr.id, clock.day_of(at), "employees.index", ("", ""), "", at)
    assert Reading.purge(now) == 1
    assert Reading.select().count() == 2
    assert TERMS["reading"].days == 365
    assert User.select().where(User.id == hr.id).exists()

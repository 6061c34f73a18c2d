"""Another company's rows do not exist, whatever the address; and nothing is open that is not said to be."""

import datetime
import re

import pytest

from portal import clock, documents, guests, outbox, proofs
from portal.access import RIGHTS
from portal.models import (
    TABLES,
    AffiliationImport,
    BankDetails,
    Beneficiary,
    CalendarFeed,
    Company,
    Document,
    EmployeeCategory,
    GroupContract,
    ManagedAccount,
    MessageKind,
    Movement,
    Passkey,
    PermissionGrant,
    PreparedAnswer,
    ReminderBatch,
    Sending,
    User,
    UserRole,
    UserSession,
)
from portal.rules import proofs as rules
from portal.rules.rights import ALL, BEHIND, Action
from tests import factories
from tests.trailing import BESIDE

PUBLIC = {
    "home.index",
    "session.new",
    "session.create",
    "session.leave",
    "session.destroy",
    "password.forgotten",
    "password.send",
    "password.sent",
    "password.edit",
    "password.update",
    *(f"registration.{name}" for name in ("start", "choose", "address", "ask", "sent", "confirm", "use")),
    *(f"registration.{name}" for name in ("details", "send", "after")),
    "help.index",
    "help.show",
    "health.show",
    "verification.show",
    "verification.check",
    # The employee’s side before its session; what the session closes is walked in tests/views/test_guests.py.
    "guests.show",
    "guests.open_link",
    "guests.again",
    "guests.open_again",
    "guests.leave",
    "guests.left",
    "calendars.feed",
    *("brand.style", "brand.logo"),
}


@pytest.fixture
def stranger(signed_in):
    """Someone else's rows, by endpoint: what the signed-in person may name but never reach."""
    other = factories.hr_user()
    person = Beneficiary.select().where(Beneficiary.category.in_(other.category_ids())).first()
    person.seal("nir", "294063947803145")
    person.seal("reimbursement_iban", "FR7630006000011234567890189")
    person.save()
    session, _ = UserSession.start(other, clock.now(), "", "")
    contract = GroupContract.select().where(GroupContract.category.in_(other.category_ids())).first()
    movement = Movement.create(category=contract.category, beneficiary=person, kind="ADDRESS", before={}, after={})
    sent = AffiliationImport.send(person.account_id, other, "salaries.csv", b"a;b", None)
    letter = outbox.email("x@example.com", "import", clock.now(), kind=MessageKind.IMPORT, told="x")
    printed = {"title": "x", "document_type": "x", "account": person.account_id, "beneficiary": person}
    document = documents.ask("letters", {}, clock.now(), **printed)
    link, _ = guests.draw("DEPOSIT", clock.now(), guests.Wanted("LETTER", beneficiary=person))
    awaited = proofs.ask(person, rules.BANK_DETAILS, "x", proofs.INSURER, clock.now())
    foreign = factories.enrolment(other)
    given, _ = guests.draw("ENROL", clock.now(), guests.Wanted("LETTER", enrolment=foreign))
    deposited = Sending.create(account=person.account_id, document_type="GROUP", author=other)
    details = BankDetails(company=contract.category.company_id, holder="x", since=clock.now())
    details.seal("FR7630006000011234567890189")
    details.save(force_insert=True)
    return {
        "employees": person.public_id,
        "terminations": person.public_id,
        "changes": person.public_id,
        "colleges": person.public_id,
        "selections": other.select_people([person.public_id]).public_id,
        "certificates": person.public_id,
        "certificate_batches": other.select_people([person.public_id]).public_id,
        "movements": movement.public_id,
        "imports": sent.public_id,
        "mending": sent.public_id,
        "dependents": person.public_id,
        "contracts": contract.public_id,
        "enrolments": foreign.public_id,
        "enrolment_steps": foreign.public_id,
        "entrusting": foreign.public_id,
        "profile": session.public_id,
        "passkeys": Passkey.add(other, "x", "x", b"x", 0, clock.now()).public_id,
        "factors": factories.second_factor(other)[0].public_id,
        "guests": link.public_id,
        "deposits": awaited.public_id,
        "staff_proofs": awaited.public_id,
        "reminding": ReminderBatch.create(user=other, requests=[]).public_id,
        "guest_deposit": link.public_id,
        **dict.fromkeys(("guest_enrolment", "guest_waiver", "guest_signature", "guest_copy"), given.public_id),
        **dict.fromkeys(("waivers", "waiver_records"), factories.waiver(contract.category).public_id),
        **dict.fromkeys(
            ("threads", "answering", "staff_threads", "staff_answering"), factories.thread(other).public_id
        ),
        "staff_messages": letter.public_id,
        "staff_registrations": factories.registration().public_id,
        "prepared_answers": PreparedAnswer.add("x", "x", clock.now()).public_id,
        "document_files": document.public_id,
        **dict.fromkeys(
            ("library", "staff_publication"),
            factories.publication("x", audience="ACCOUNT", account=person.account_id).public_id,
        ),
        **dict.fromkeys(("deposited", "staff_sendings"), deposited.public_id),
        "company_facts": details.public_id,
        "staff_arrears": contract.public_id,
        "granting": PermissionGrant.get(PermissionGrant.user == other).public_id,
        "calendars": CalendarFeed.draw(other, contract.category.account, clock.now())[0].public_id,
        **dict.fromkeys(
            ("staff_debits", "staff_loads", "staff_campaigns"),
            "00000000-0000-4000-8000-000000000002",
        ),
        **dict.fromkeys(
            ("staff_users", "staff_accesses", "staff_agreeing", "staff_viewing"),
            "00000000-0000-4000-8000-000000000002",
        ),
        "mandates": factories.mandate(contract.category.company, other, signed=False).public_id,
        "guarantees": contract.public_id,
        "staff_dossiers": person.public_id,
        "statements": factories.statement(contract, issued_on=clock.today()).public_id,
        **dict.fromkeys(
            ("notices", "staff_notices"), factories.notice(other, account=contract.category.account).public_id
        ),
    }


# What else an address needs beside its id; a new word of an address fails the walk until it is given an example here.
WORDS = {
    "value": ["nir", "iban-prestation", "iban-cotisation"],
    "line": [2],
    "room": ["demandes"],
    "chapter": ["connexion"],
    "profession": ["entreprise"],
    "step": ["salarie"],
    "key": ["contacts"],
    "name": ["password.txt"],
    "code": ["0001"],
    "number": [1],
    "tone": ["claire"],
    "colour": ["0e5566"],
    "mark": ["0" * 16],
    "piece": ["00000000-0000-4000-8000-000000000001"],
}
NOT_ROWS = {"room", "chapter", "token", "step", "profession", "key", "name", "code", "number", "tone", "colour", "mark"}


def walk(app):
    """Every (endpoint, method, values) of the portal that names a row."""
    for rule in app.url_map.iter_rules():
        for method in sorted(rule.methods & {"GET", "POST", "PUT", "PATCH", "DELETE"}):
            yield rule, method


PROFESSIONS = [role for role in RIGHTS if role not in (UserRole.STAFF, UserRole.ADMIN)]
LEFT = {*BESIDE, "audit_event"}  # counters, sessions, and that somebody tried


def everything():
    """All rows of all tables but what each request leaves."""
    tables = [table for table in TABLES if table._meta.table_name not in LEFT]
    return {table: sorted(map(repr, table.select().tuples())) for table in tables}


@pytest.fixture(params=PROFESSIONS)
def visitor(request, app, signed_in, hr):
    """(a browser of each profession, its words of @requires): with accounts of its own, several for a manager."""
    role = request.param
    if role == UserRole.COMPANY:
        return signed_in, RIGHTS[role]
    accounts = [] if role == UserRole.HEALTH_PROFESSIONAL else list(hr.accounts())
    if role == UserRole.MULTI_ACCOUNT_MANAGER:
        accounts += [managed for _ in range(2) for managed in factories.hr_user(people=1).accounts()]
    browser = app.test_client()
    browser.sign_in(factories.user(role, accounts))
    return browser, RIGHTS[role]


def test_every_address_of_another_company_is_not_found(app, visitor, stranger, no_alarm, figure):
    """The same answer as for an id that never was, whatever the profession, by any method; and nothing is written."""
    (browser, words), seen = visitor, 0
    Beneficiary.update(terminated_on=clock.today() - datetime.timedelta(days=9)).where(
        Beneficiary.public_id == stranger["employees"]
    ).execute()  # « Réembaucher » has an address for who left alone
    before = everything()
    for rule, method in walk(app):
        if not rule.arguments - NOT_ROWS:
            continue
        blueprint = rule.endpoint.partition(".")[0]
        assert blueprint in stranger, f"{rule}: give the walk a foreign example"
        right = getattr(app.view_functions[rule.endpoint], "right", None)
        expected = 404 if right is None or right in words else 403  # a profession has no such room at all
        name = next((name for name in ("value", "line", "step", "piece") if name in rule.arguments), "value")
        for word in WORDS[name] if name in rule.arguments else [""]:
            path = address(app, rule, id=stranger[blueprint], **{name: word})
            missing = address(app, rule, id="00000000-0000-4000-8000-000000000000", **{name: word})
            answer = ask(browser, method, path)
            assert answer.status_code == expected, f"{method} {path}: {answer.status_code}"
            assert same_body(answer, ask(browser, method, missing)), f"{method} {path} tells that the row exists"
            seen += 1
    assert seen > 150
    assert everything() == before
    figure("ACC-3", seen, "addresses with an id of others, no leak and no write")


@pytest.mark.parametrize(
    "action", [action for action in Action if action != Action.SEE], ids=lambda action: action.name
)
def test_what_a_grant_does_not_open_is_not_found_whatever_the_address(app, signed_in, hr, stranger, action):
    account = Beneficiary.get(Beneficiary.public_id == stranger["employees"]).account
    PermissionGrant.create(user=hr, account=account, valid_from="2020-01-01", actions=ALL & ~action)
    seen = 0
    for rule, method in walk(app):
        right = getattr(app.view_functions[rule.endpoint], "right", None)
        if "id" not in rule.arguments or right not in BEHIND or BEHIND[right] != action:
            continue
        values = {name: words[0] for name, words in WORDS.items()} | {"id": stranger[rule.endpoint.partition(".")[0]]}
        path = address(app, rule, **values)
        missing = address(app, rule, **values | {"id": "00000000-0000-4000-8000-000000000000"})
        answer = ask(signed_in, method, path)
        assert answer.status_code == 404, f"{method} {path}: {answer.status_code}"
        assert same_body(answer, ask(signed_in, method, missing)), f"{method} {path} tells that the row exists"
        seen += 1
    assert seen >= 2


def test_the_file_of_a_list_asks_for_what_its_page_asks_for(app):
    """« Consulter » must not download what it may not open."""
    views, seen = app.view_functions, 0
    for endpoint, view in views.items():
        room, _, name = endpoint.partition(".")
        page = views.get(f"{room}.index")
        if name in ("download", "export") and page is not None and getattr(view, "right", None) in BEHIND:
            assert BEHIND[view.right] == BEHIND[page.right], endpoint
            seen += 1
    assert seen >= 6


def test_a_page_that_the_grants_do_not_open_says_so_and_is_in_no_menu(app, client, database):
    whole = factories.hr_user()
    narrow = factories.user()
    PermissionGrant.create(user=narrow, account=whole.accounts().first(), valid_from="2020-01-01", actions=Action.SEE)
    client.sign_in(narrow)
    home = client.get("/").get_data(as_text=True)
    for path in ("/cotisations", "/echeancier", "/documents", "/demandes", "/habilitations", "/adhesion"):
        assert f'href="{path}' not in home, path
        answer = client.get(path)
        assert answer.status_code == 403, path
        assert "Demandez ce droit" in answer.get_data(as_text=True)
    assert client.get("/salaries").status_code == 200


def test_every_foreign_scope_is_not_found(signed_in, stranger):
    mine = {account.id for account in User.get().accounts()}
    theirs = ManagedAccount.select().where(ManagedAccount.id.not_in(mine)).first()
    company = Company.get(Company.account == theirs)
    for code in (theirs.code, f"{theirs.code}.{company.code}", f"{theirs.code}.{company.code}.001", "C999999"):
        for path in ("/", "/salaries", "/contrats", "/perimetre"):
            assert signed_in.get(path, query_string={"perimetre": code}).status_code == 404, (path, code)
    assert signed_in.get("/perimetre", query_string={"choix": theirs.code}).status_code == 404
    assert signed_in.post("/perimetre/favoris", {"compte": theirs.code}).status_code == 404
    assert signed_in.get("/salaries", query_string={"fiche": stranger["employees"]}).status_code == 404


def test_no_search_download_or_count_tells_of_another_company(signed_in, stranger):
    person = Beneficiary.get(Beneficiary.public_id == stranger["employees"])
    Beneficiary.update(name_key="zzcanary", search_key="zzcanary x 1", birth_name="ZZCANARY").where(
        Beneficiary.id == person.id
    ).execute()
    for path in (
        "/salaries?q=zzcanary",
        "/salaries?nom=zzcanary&situation=tous",
        f"/salaries?numero={person.member_number}",
    ):
        page = signed_in.get(path).get_data(as_text=True)
        assert "Aucune donnée disponible" in page
        assert "ZZCANARY</" not in page
    rows = signed_in.post("/salaries/telechargement?situation=tous", {"format": "csv"}).get_data(as_text=True)
    assert "ZZCANARY" not in rows
    found = signed_in.post("/salaries/recherche-nir", {"nir": "294063947803145"}, follow_redirects=True)
    assert "Personne ne porte" in found.get_data(as_text=True)


def test_a_grant_that_ended_opens_nothing_on_the_next_request(signed_in, hr, database):
    before = hr.beneficiaries().count()
    PermissionGrant.update(valid_to="2021-01-01").where(PermissionGrant.user == hr).execute()
    assert before > 0
    assert hr.beneficiaries().count() == hr.contracts().count() == hr.accounts().count() == hr.categories().count() == 0
    assert "Aucune donnée disponible" in signed_in.get("/salaries").get_data(as_text=True)


@pytest.mark.parametrize("level", ["company", "category"])
def test_a_grant_of_one_company_or_college_opens_that_one_alone(database, level):
    whole = factories.hr_user()
    account = whole.accounts().first()
    granted = EmployeeCategory.select().where(EmployeeCategory.account == account).order_by(EmployeeCategory.id).first()
    narrow = factories.user()
    which = {"company": granted.company_id} if level == "company" else {"category": granted.id}
    PermissionGrant.create(user=narrow, account=account, valid_from="2020-01-01", **which)
    expected = [
        row.id
        for row in whole.categories()
        if (row.company_id == granted.company_id if level == "company" else row.id == granted.id)
    ]
    assert sorted(row.id for row in narrow.categories()) == sorted(expected)
    assert {person.category_id for person in narrow.beneficiaries()} == set(expected)


def test_a_grant_of_one_college_shows_nothing_of_the_others(client, database):
    """Not through a household, a document, a request, nor the search of accounts."""
    whole = factories.hr_user()
    account = whole.accounts().first()
    mine, *others = EmployeeCategory.select().where(EmployeeCategory.account == account).order_by(EmployeeCategory.id)
    employee = Beneficiary.get(Beneficiary.category == mine)
    theirs = Beneficiary.get(Beneficiary.category == others[-1])
    Beneficiary.update(household_number=employee.household_number, birth_name="CANARI").where(
        Beneficiary.id == theirs.id
    ).execute()
    Company.update(search_key="canari").where(Company.id == others[-1].company_id).execute()
    Document.create(
        account=account,
        contract=GroupContract.get(GroupContract.category == others[-1]),
        title="x",
        document_type="x",
        published_on="2026-01-01",
    )
    factories.thread(whole)
    narrow = factories.user()
    PermissionGrant.create(user=narrow, account=account, category=mine, valid_from="2020-01-01")
    client.sign_in(narrow)
    assert "CANARI" not in client.get(f"/salaries/{employee.public_id}").get_data(as_text=True)
    assert narrow.documents().count() == narrow.threads().count() == 0
    assert whole.documents().count() == whole.threads().count() == 1
    assert list(narrow.find_accounts(["canari"])) == []
    assert [found.id for found in whole.find_accounts(["canari"])] == [account.id]


def test_closed_unless_public(app, client, database, figure):
    seen, asked = set(), 0
    for rule, method in walk(app):
        values = {"id": "00000000-0000-4000-8000-000000000000", "token": "x"}
        path = address(app, rule, **values, **{name: words[0] for name, words in WORDS.items()})
        answer = client.open(path, method=method, headers={"Sec-Fetch-Site": "same-origin"})
        asked_to_sign_in = answer.status_code == 303 and "/connexion" in answer.headers["Location"]
        view = app.view_functions[rule.endpoint]
        if not asked_to_sign_in and not hasattr(view, "guest"):
            seen.add(rule.endpoint)
        assert asked_to_sign_in or getattr(view, "public", False), f"{method} {path} is open"
        asked += 1
    assert seen <= PUBLIC
    figure("ACC-1", asked, "routes asked for")


def test_a_view_that_forgot_to_be_closed_is_found(app, database):

    @app.get("/plantee")
    def planted():
        return "ouverte"

    assert app.test_client().get("/plantee").status_code == 303
    planted.public = True
    assert app.test_client().get("/plantee").status_code == 200


def test_only_what_is_listed_is_public(app):
    views = app.view_functions.items()
    said = {name for name, view in views if getattr(view, "public", False) and not hasattr(view, "guest")}
    assert said == PUBLIC


def test_a_health_professional_reaches_no_company_page(client, database):
    factories.hr_user()
    client.sign_in(factories.user(role=UserRole.HEALTH_PROFESSIONAL))
    assert client.get("/").status_code == 200
    for path in ("/salaries", "/contrats", "/perimetre", "/demandes"):
        assert client.get(path).status_code == 403, path


def address(app, rule, **values):
    values["room"] = "demandes"
    with app.test_request_context():
        return app.url_for(rule.endpoint, **{name: values[name] for name in rule.arguments})


def ask(client, method, path):
    """In all that one sees: an address without its scope is first sent to where it says it, whatever its id."""
    path = f"{path}?perimetre=tous"
    return client.post(path) if method == "POST" else client.open(path, method=method)


def same_body(one, other):
    """The same page but for its reference, which is drawn for each answer."""

    def without(answer):
        text = re.sub(r'(name="csrf_token" value=|<strong>)[^<>]*', "", answer.get_data(as_text=True))
        return text

    return without(one) == without(other) and one.status_code == other.status_code


def test_the_screens_of_the_staff_are_closed_to_all_others_and_say_so_in_no_menu(app, client, hr):
    for role in UserRole:
        client.sign_in(hr if role == UserRole.COMPANY else factories.user(role=role))
        opened = role in (UserRole.STAFF, UserRole.ADMIN)
        page = client.get("/gestion/messages")
        assert page.status_code == (200 if opened else 403), role
        assert ("/gestion/" in client.get("/").get_data(as_text=True)) == opened, role

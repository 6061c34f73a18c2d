"""PostgreSQL shows a connection the rows of whom it reads for, whatever a query forgot to ask (portal.reach)."""

import dataclasses
import io
import json

import psycopg
import pytest
from peewee import (
    BigIntegerField,
    CharField,
    DatabaseError,
    DateField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    ProgrammingError,
)

from app import create_app
from portal import clock, guests, proofs, reach, storage
from portal import database as databases
from portal.models import (
    TABLES,
    AffiliationImport,
    AnswerDraft,
    Beneficiary,
    CalendarFeed,
    Company,
    DebitBatch,
    DirectDebit,
    Document,
    FormalNotice,
    GroupContract,
    ImportRow,
    IndividualProduct,
    ManagedAccount,
    MessageThread,
    Movement,
    PermissionGrant,
    Reading,
    RegistrationFile,
    Reminder,
    ReminderBatch,
    SealedField,
    Selection,
    Sending,
    SentFile,
    SupportingDocument,
    ThreadFile,
    ThreadMessage,
    ThreadRound,
    UserRole,
    db,
)
from portal.rules import proofs as rules
from tests import factories, files
from tests.clients import CarefulClient, CarefulRunner

NAMES = {table._meta.table_name: table for table in TABLES}
PLACES = {"account", "account_id", "company", "company_id", "category", "category_id", "contract", "contract_id"}


def faults_of_names(tables):
    """Tables that are in neither list, in both, or that hold a place of a company and are left open."""
    for table in tables:
        name = table._meta.table_name
        if (name in reach.KEPT) == (name in reach.OPEN):
            yield f"{name}: in one of reach.KEPT and reach.OPEN"
        if name in reach.OPEN and PLACES & set(table._meta.fields) and name != "audit_event":
            yield f"{name}: rows of a company"
        for field in table._meta.fields.values():
            kept = isinstance(field, ForeignKeyField) and field.rel_model._meta.table_name in reach.KEPT
            if name in reach.OPEN and kept and (name, field.name) not in LEADS:
                yield f"{name}.{field.name}: leads to rows of a company"


# What these point to says nothing of a company.
LEADS = {("notice_reading", "notice"), ("file_load", "file")}


def test_every_table_is_kept_or_says_why_not():
    assert list(faults_of_names(TABLES)) == []
    assert set(reach.KEPT) | set(reach.OPEN) == set(NAMES)
    assert not set(reach.KEPT) & set(reach.OPEN)


def test_a_table_that_nobody_named_is_found():
    class Planted(Beneficiary):
        class Meta:
            table_name = "planted"

    assert list(faults_of_names([Planted])) == ["planted: in one of reach.KEPT and reach.OPEN"]


@pytest.fixture
def postgresql(database):
    if databases.is_sqlite(database):
        pytest.skip("SQLite has no row-level security")
    return database


@pytest.fixture
def people(app, postgresql):
    """Two people of HR who share nothing, each with something in every table: (hers, theirs)."""
    users = [factories.hr_user(), factories.hr_user()]
    for user in users:
        fill(user)
    return users


def fill(user):
    """A row of each table for this user."""
    now, contract = clock.now(), user.contracts().order_by(GroupContract.id).first()
    account, company = contract.category.account, contract.category.company
    person = Beneficiary.select().where(Beneficiary.contract == contract).first()
    file = storage.file_away(io.BytesIO(files.pdf()), "x.pdf", "application/pdf", account=account.id)
    IndividualProduct.create(beneficiary=person, plan=contract.plan)
    fill_people(user, contract, person, file, now)
    fill_rooms(user, account, company, file, now)
    factories.money(contract)
    factories.tariff(contract)
    issued = factories.lines(factories.statement(contract, months_ago=6), [person])
    number = {"batch": batch(user, now), "end_to_end": f"E{user.id}", "amount": 1, "sequence": "RCUR"}
    DirectDebit.create(statement=issued, mandate=factories.mandate(company, user), **number)
    day = {"oldest_due_on": issued.due_on, "given_on": clock.today(), "created_at": now}
    FormalNotice.create(contract=contract, amount=1, author=user, **day)


def batch(user, now):
    columns = {field.name: "x" for field in DebitBatch._meta.sorted_fields if type(field) is CharField}
    return DebitBatch.create(**columns | {"number": f"P{user.id}"}, **numbers_of(DebitBatch, now))


def numbers_of(table, now):
    """What its other columns cannot be without."""
    made = {BigIntegerField: 1, IntegerField: 1, DateField: now.date(), DateTimeField: now, SealedField: b"x"}
    wanted = [field for field in table._meta.sorted_fields if not field.null and type(field) in made]
    return {field.name: made[type(field)] for field in wanted}


def fill_people(user, contract, person, file, now):
    category, account = contract.category, contract.category.account
    Movement.create(category=category, beneficiary=person, kind="ADDRESS", before={}, after={})
    sent = AffiliationImport.send(account.id, user, "salaries.csv", b"a;b", None)
    ImportRow.create(source=sent, line=1, content=b"x", verdict="ERROR")
    guests.draw("ENROL", now, guests.Wanted("LETTER", enrolment=factories.enrolment(user)))
    factories.waiver(category)
    awaited = proofs.ask(person, rules.BANK_DETAILS, "x", proofs.INSURER, now)
    SupportingDocument.create(request=awaited, file=file, author=user)
    Reminder.create(request=awaited, channel="LETTER")
    Selection.create(user_id=user.id, people=[str(person.public_id)])
    ReminderBatch.create(user=user, requests=[awaited.id])
    Document.create(
        account=account, contract=contract, title="x", document_type="x", published_on=clock.today(), beneficiary=person
    )


def fill_rooms(user, account, company, file, now):
    thread = factories.thread(user)
    said = ThreadMessage.select().where(ThreadMessage.thread == thread).first()
    ThreadFile.create(message=said, file=file)
    ThreadRound.create(thread=thread, rating=3)
    AnswerDraft.create(thread=thread, user=user, **numbers_of(AnswerDraft, now) | {"body": b"x"})
    SentFile.create(sending=Sending.create(account=account, company=company, document_type="RIB", author=user))
    CalendarFeed.draw(user, account, now)
    user.toggle_favourite(account)
    Reading.count(user.id, now.date(), "staff_dossiers.account", ("managed_account", str(account.id)), "", now)
    factories.notice(user, account=account)
    factories.publication("x", audience="ACCOUNT", account=account)
    RegistrationFile.create(registration=factories.registration(email=f"{user.id}@example.com"), file=file)


def told(user=None, own=""):
    """The connection of the test, told of this user alone, or of nobody."""
    reach.of_nobody(db)
    reach.as_the_mutual(db, own)
    if user:
        reach.of_user(db, user, clock.today())


def seen(table):
    """{key of a row: the row}, as the connection sees them."""
    name, key = table._meta.table_name, table._meta.primary_key.column_name
    rows = db.execute_sql(f'SELECT {key}, to_jsonb(t) FROM "{name}" t').fetchall()
    return dict(rows)


def leaks(mine, other):
    """What is seen without a word, or of both of two people who share nothing, table by table."""
    for name in sorted(reach.KEPT):
        told()
        if seen(NAMES[name]):
            yield f"{name}: seen by nobody"
        told(mine)
        of_mine = seen(NAMES[name])
        told(other)
        of_other = seen(NAMES[name])
        both = [row for key, row in of_mine.items() if key in of_other and row.get("account_id", 0) is not None]
        if both:
            yield f"{name}: {len(both)} rows seen by both"
        told(own="x")
        if len(seen(NAMES[name])) <= len(of_mine):
            yield f"{name}: all of it"


def test_every_table_shows_nothing_to_nobody_and_their_own_to_each(people):
    mine, other = people
    assert list(leaks(mine, other)) == []
    told(mine)
    assert set(seen(ManagedAccount)) == {account.id for account in mine.accounts()} != set()
    assert Beneficiary.select().count() == mine.beneficiaries().count()
    assert MessageThread.select().count() == mine.threads().count() > 0


def test_every_table_has_rows_of_each_so_that_nothing_is_proved_of_an_empty_one(people):
    empty = []
    for name in sorted(reach.KEPT - {"registration", "registration_file", "reading"}):  # the mutual's alone
        for user in people:
            told(user)
            if not seen(NAMES[name]):
                empty.append((name, user.identifier))
    assert empty == []


@pytest.mark.owner
@pytest.mark.parametrize("name", ["company", "beneficiary", "thread_message"])
def test_a_policy_that_is_taken_away_is_found(people, name):
    db.execute_sql(f"DROP POLICY reach ON {name}")
    db.execute_sql(f"CREATE POLICY reach ON {name} USING (TRUE)")
    assert any(fault.startswith(f"{name}: ") for fault in leaks(*people))


@pytest.mark.owner
def test_who_owns_the_tables_is_kept_from_their_rows_as_well(people):
    told()
    assert Beneficiary.select().count() == 0


def test_every_policy_is_there_and_forced_where_it_should_be_and_nowhere_else(postgresql):
    found = db.execute_sql(
        "SELECT relname, relforcerowsecurity, count(polname) FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid "
        "WHERE relrowsecurity GROUP BY relname, relforcerowsecurity"
    ).fetchall()
    assert sorted(found) == sorted((name, True, 1) for name in reach.KEPT)


def test_nothing_is_written_for_another_company(people):
    mine, other = people
    for name in sorted(reach.KEPT - {"registration", "registration_file", "reading"}):
        told(other)
        theirs = [row for row in seen(NAMES[name]).values() if row.get("account_id", 0) is not None][0]
        told(mine)
        with pytest.raises(DatabaseError, match="row-level security"):
            write(name, theirs)
        told(other)  # their own row goes as far as its key, which is taken
        with pytest.raises(DatabaseError, match="unique"):
            write(name, theirs)
    told(mine)
    assert db.execute_sql("DELETE FROM thread_follower WHERE user_id = %s", [other.id]).rowcount == 0
    assert Beneficiary.update(city="X").where(Beneficiary.category.in_(other.category_ids())).execute() == 0


def write(name, row):
    db.execute_sql(f'INSERT INTO "{name}" SELECT (jsonb_populate_record(NULL::"{name}", %s)).*', [json.dumps(row)])


def test_who_has_one_company_of_an_account_sees_nothing_of_the_other(people):
    account = people[0].accounts().first()
    mine, other = people[0].companies().order_by(Company.id)
    narrow = factories.user()
    PermissionGrant.create(user=narrow, account=account, company=mine, valid_from="2020-01-01")
    told(narrow)
    assert set(seen(Company)) == {mine.id}
    assert 0 < Beneficiary.select().count() == narrow.beneficiaries().count() < people[0].beneficiaries().count() + 1
    assert not GroupContract.select().where(GroupContract.category.in_(other.categories.select())).exists()


def test_nobody_gives_themselves_a_habilitation_elsewhere(people):
    mine, other = people
    account = other.accounts().first()
    told(mine)
    with pytest.raises(DatabaseError, match="row-level security"):
        PermissionGrant.create(user=mine, account=account)


def test_what_a_grant_reaches_follows_it_at_once(people):
    mine, other = people
    account = other.accounts().first()
    told(own="x")
    given = PermissionGrant.create(user=mine, account=account)
    told(mine)
    assert ManagedAccount.select().where(ManagedAccount.id == account.id).exists()
    told(own="x")
    PermissionGrant.update(valid_to="2021-01-01").where(PermissionGrant.id == given.id).execute()
    told(mine)
    assert not ManagedAccount.select().where(ManagedAccount.id == account.id).exists()
    told(own="x")
    college = other.categories().first()
    PermissionGrant.create(user=mine, account=account, category=college)
    told(mine)
    assert GroupContract.select().where(GroupContract.category == college).exists()
    told(own="x")
    PermissionGrant.delete().where(PermissionGrant.user == mine).execute()
    told(mine)
    assert ManagedAccount.select().count() == 0


def test_a_connection_forgets_when_it_goes_back_to_the_pool(app, postgresql, hr):
    there = databases.connect(app.settings.database_url.replace("test_portal@", "portal@"))
    with there.connection_context():
        told_of = "SELECT pg_backend_pid(), current_setting('portal.own', true), current_setting('portal.reader', true)"
        reach.of_user(there, hr, clock.today())
        reach.as_the_mutual(there, "x")
        process, *before = there.execute_sql(told_of).fetchone()
    with there.connection_context():
        same, *after = there.execute_sql(told_of).fetchone()
        assert (same, before, [word or "" for word in after]) == (process, ["x", str(hr.id)], ["", ""])
        with pytest.raises(ProgrammingError), there.atomic():
            reach.as_the_mutual(there, "x")
            there.execute_sql("SELECT 1 FROM no_such_table")
        assert there.execute_sql("SELECT count(*) FROM company").fetchone() == (0,)
    there.close_all()


def test_reading_as_the_mutual_ends_where_it_should_whatever_happens(app, postgresql, hr):
    told(hr)
    with reach.own(db, "x"):
        assert ManagedAccount.select().exists()
    factories_before = db.execute_sql("SELECT current_setting('portal.own')").fetchone()
    with pytest.raises(ProgrammingError), reach.own(db, "x"):
        db.execute_sql("SELECT 1 FROM no_such_table")
    with pytest.raises(ProgrammingError), db.atomic(), reach.own(db, "x"):
        db.execute_sql("SELECT 1 FROM no_such_table")
    assert factories_before == db.execute_sql("SELECT current_setting('portal.own')").fetchone() == ("",)


# ── The portal, as a deployment runs it: its own account, which is told nothing beforehand ───────────────────────────


@pytest.fixture
def bare(app, postgresql, hr):
    """The same portal, its base opened by its own account; nothing of it is open when a request comes."""
    factories.hr_user()
    factories.money(hr.contracts().first())
    db.close_all()
    url = app.settings.database_url.replace("test_portal@", "portal@")
    other = create_app(settings=dataclasses.replace(app.settings, database_url=url), TESTING=True)
    other.test_client_class, other.test_cli_runner_class = CarefulClient, CarefulRunner
    yield other
    db.close_all()


def test_a_view_that_forgot_the_user_shows_their_companies_alone(bare, hr):
    bare.add_url_rule("/plantee", "planted", lambda: str(Beneficiary.select().count()))
    client = bare.test_client()
    client.sign_in(hr)
    seen = client.get("/plantee").get_data(as_text=True)
    bare.view_functions["planted"].public = True
    assert bare.test_client().get("/plantee").get_data(as_text=True) == "0"
    with db.connection_context(), reach.own(db, "x"):
        assert 0 < int(seen) == hr.beneficiaries().count() < Beneficiary.select().count()


def test_pages_and_files_are_those_of_the_user(bare, hr):
    client = bare.test_client()
    client.sign_in(hr)
    assert "Barbaud" in client.get("/salaries").get_data(as_text=True)
    lines = client.post("/salaries/telechargement", {"format": "csv"}).get_data(as_text=True).splitlines()
    with db.connection_context(), reach.own(db, "x"):
        assert len(lines) == 1 + hr.beneficiaries().count()


def test_the_staff_see_all_and_a_health_professional_nothing(bare):
    bare.add_url_rule("/plantee", "planted", lambda: str(Beneficiary.select().count()))
    with db.connection_context(), reach.own(db, "x"):
        users = [factories.user(role=role) for role in (UserRole.STAFF, UserRole.HEALTH_PROFESSIONAL)]
        everybody = Beneficiary.select().count()
    found = []
    for user in users:
        client = bare.test_client()
        client.sign_in(user)
        found.append(client.get("/plantee").get_data(as_text=True))
    assert found == [str(everybody), "0"]


@pytest.mark.parametrize("command", [["verify"], ["files", "verify"], ["purge"], ["db", "upgrade"], ["db", "check"]])
def test_commands_work_with_the_account_of_the_portal(bare, command):
    result = bare.test_cli_runner().invoke(args=command)
    assert result.exit_code == 0, result.output


def test_what_the_account_of_the_portal_may_not_do_is_said(bare):
    with db.connection_context():
        db.execute_sql("DELETE FROM schema_migration WHERE name LIKE '0049%%'")
    result = bare.test_cli_runner().invoke(args=["db", "upgrade"])
    assert result.exit_code == 1
    assert "celui qui possède les tables" in result.output
    with db.connection_context(), pytest.raises(ProgrammingError) as refused:
        db.execute_sql("ALTER TABLE company DISABLE ROW LEVEL SECURITY")
    assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)


def test_no_statement_is_compiled(postgresql):
    """A page deep in a list took 0.2 s, and 0.7 s of compiling once policies had made its plan look dear."""
    assert db.execute_sql("SHOW jit").fetchone() == ("off",)


def test_ten_tables_are_read_in_the_order_that_is_quickest(postgresql):
    """By eight, which is the usual bound, a page of payments was cut after all of them had been joined."""
    for bound in ("join_collapse_limit", "from_collapse_limit"):
        assert db.execute_sql(f"SHOW {bound}").fetchone() == ("11",)


@pytest.mark.parametrize("table", ["group_contract", "contribution_statement", "payment"])
def test_what_a_connection_reaches_is_found_once_a_statement(postgresql, table):
    """With EXISTS, the planner took two years of calls of 2,000 contracts for a few rows, and looked each up."""
    policies = "SELECT qual, with_check FROM pg_policies WHERE tablename = %s"
    [(seen, written)] = db.execute_sql(policies, [table]).fetchall()
    assert seen == written
    assert "EXISTS" not in seen

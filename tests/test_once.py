"""What stands once stands once by the database, whoever writes at the same time: its own indexes, read and compared."""

from pathlib import Path

import pytest
from peewee import IntegrityError

from portal import database as databases
from portal.models import TABLES, EmployeeCategory, GroupContract, db
from tests import factories

PORTAL = Path(__file__).parent.parent / "portal"
FORM = "form_key"  # a form that is sent twice does one thing
TOKEN = "token_hash"

# Table → its natural keys, each as « column, column [condition] »; its number and its public id go without saying.
ONCE = {
    "managed_account": {"code"},
    "company": {"code"},
    "employee_category": {"company_id, code"},
    "plan": {"code"},
    "group_contract": {"number"},
    "beneficiary": {"member_number"},
    "individual_product": {"beneficiary_id, plan_id"},
    "stored_file": {"digest"},
    "hand_over": {"number"},
    "movement": {FORM},
    "document": {"check_hash", "fingerprint"},
    "user": {"identifier"},
    "permission_grant": {FORM},
    "favourite": {"user_id, account_id"},
    "affiliation_import": {FORM},
    "import_row": {"source_id, line"},
    "user_session": {TOKEN},
    "one_time_link": {TOKEN},
    "passkey": {"credential_id"},
    "trusted_device": {TOKEN},
    "throttle": {"key"},
    "notification_choice": {"user_id, kind"},
    "enrolment": {FORM, "number"},
    "guest_link": {TOKEN},
    "waiver": {FORM},
    "document_campaign": {"label", FORM},
    "document_request": {"campaign, beneficiary_id, document_type", "campaign, waiver_id, document_type"},
    "supporting_document": {FORM},
    "sending": {FORM},
    "bank_details": {"sending_id", "company_id [since until]"},
    "message_thread": {"number", FORM},
    "thread_message": {FORM},
    "thread_follower": {"thread_id, user_id"},
    "answer_draft": {"thread_id, user_id"},
    "prepared_answer": {"title"},
    "unsent_words": {"user_id, path"},
    "contribution_statement": {"number"},
    "payment": {"reference", "undoes_id"},
    "contribution_tariff": {"contract_id, valid_from"},
    "audit_event": {"number"},
    "publication": {FORM},
    "library_visit": {"user_id"},
    "notice": {FORM},
    "notice_reading": {"user_id, notice_id"},
    "calendar_feed": {TOKEN, "user_id, account_id"},
    "sepa_mandate": {"reference", FORM, "company_id [state]"},
    "registration": {TOKEN, "key_hash", "email [state]"},
    "debit_batch": {"number"},
    "direct_debit": {"end_to_end", "statement_id [rejected_on]"},
    "formal_notice": {"contract_id, oldest_due_on"},
    "configured_value": {"name"},
    "file_load": {FORM},
    "reading": {"user_id, day, endpoint, object_id"},
}
# As many as there are: a history, files of a row, copies that a worker makes anew.
MANY = {
    "selection": "used once: an UPDATE that says so",
    "second_factor": "several applications",
    "recovery_code": "ten of them, each a hash with its own salt",
    "outbox_message": "messages",
    "reminder_batch": "used once: the row is held",
    "reminder": "of one request, one after the other",
    "sent_file": "files of a sending",
    "thread_file": "files of a message",
    "thread_round": "of one thread, one after the other: the thread is held",
    "registration_file": "files of a registration",
    "statement_line": "lines of a statement, corrections too",
    "payment_allocation": "made anew each time",
    "audit_head": "one row, of number 1",
    "library_folder": "by a lock, below",
}
# Where rows that overlap cannot be told by an index, who writes queues first: module, what holds the others off.
BY_LOCK = {
    "a person is affiliated once, from files": ("exchange/confirming.py", "ManagedAccount.hold("),
    "a person is affiliated once, by hand": ("exchange/joining.py", "ManagedAccount.hold("),
    "a person is affiliated once, by an enrolment": ("enrolments.py", "ManagedAccount.hold("),
    "rights of one user on an account": ("grants.py", "ManagedAccount.hold("),
    "a period of a contract is called once": ("calling.py", 'serialise(db, hash_of(f"call contract {contract.id}"))'),
    "a folder has its name once where it is": ("models.py", 'serialise(db, hash_of("library folders"))'),
    "a movement goes in one delivery": ("models.py", 'serialise(db, hash_of("hand-over"))'),
    "one chain": ("models.py", 'serialise(db, hash_of("audit"))'),
}


def unique_keys():
    """Table → {« column, column [columns of the condition] »}, from the catalogue of the database itself."""
    found = {}
    for table, columns, condition in catalogue():
        about = " ".join(name for name in CONDITIONS if condition and name in condition)
        found.setdefault(table, set()).add(", ".join(columns) + (f" [{about}]" if about else ""))
    return found


CONDITIONS = ("since", "until", "state", "rejected_on")


def catalogue():
    if not databases.is_sqlite(db):
        yield from db.execute_sql(
            "SELECT t.relname, array(SELECT attname FROM unnest(indkey) WITH ORDINALITY AS k (number, place) "
            "JOIN pg_attribute ON attrelid = indrelid AND attnum = k.number ORDER BY place), "
            "pg_get_expr(indpred, indrelid) FROM pg_index JOIN pg_class AS t ON t.oid = indrelid "
            "WHERE indisunique AND indisvalid AND indimmediate "
            "AND t.relnamespace = current_schema()::regnamespace"
        ).fetchall()
        return
    for table in (one._meta.table_name for one in TABLES):
        for _, name, unique, _, partial in db.execute_sql("SELECT * FROM pragma_index_list(?)", (table,)).fetchall():
            columns = [row[2] for row in db.execute_sql("SELECT * FROM pragma_index_info(?)", (name,)).fetchall()]
            ((made,),) = db.execute_sql("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchall()
            if unique:
                yield table, columns, made.partition(" WHERE ")[2] if partial else None
        keys = db.execute_sql("SELECT name FROM pragma_table_info(?) WHERE pk", (table,)).fetchall()
        if keys:
            yield table, [name for (name,) in keys], None


def test_what_stands_once_stands_once_by_the_database(database):
    found = unique_keys()
    for table in TABLES:
        name, key = table._meta.table_name, table._meta.primary_key.column_name
        expected = {*ONCE.get(name, ()), key} | ({"public_id"} if "public_id" in table._meta.fields else set())
        assert found[name] == expected, name
    print(f"{sum(map(len, found.values()))} keys of {len(TABLES)} tables")


def test_every_table_says_what_stands_once():
    names = {table._meta.table_name for table in TABLES}
    assert ONCE.keys() | MANY.keys() == names and not ONCE.keys() & MANY.keys()


@pytest.mark.parametrize("what", BY_LOCK)
def test_where_no_index_can_tell_writers_queue(what):
    module, holds = BY_LOCK[what]
    assert holds in (PORTAL / module).read_text()


def test_a_second_row_of_a_key_is_refused_and_leaves_nothing(hr):
    contract = GroupContract.get()
    college = EmployeeCategory.get_by_id(contract.category_id)
    twins = [
        lambda: factories.contract(college, number=contract.number),
        lambda: factories.category(college.company, code=college.code),
        lambda: factories.user(identifier=hr.identifier),
        lambda: [factories.tariff(contract) for _ in range(2)],
        lambda: [factories.payment(contract, reference="R1") for _ in range(2)],
    ]
    for twin in twins:
        before = unique_counts()
        with pytest.raises(IntegrityError), db.atomic():
            twin()
        assert unique_counts() == before


def unique_counts():
    return {table: table.select().count() for table in TABLES}


@pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="session")
def test_a_transaction_holds_the_base_of_sqlite_from_its_start(database):
    """Who reads and then writes is alone from the first statement; PostgreSQL has the locks above."""
    sent = []
    db.connection().set_trace_callback(sent.append)
    with db.atomic():
        GroupContract.select().count()
    assert sent[0] == "BEGIN IMMEDIATE"


@pytest.mark.owner
def test_a_key_that_is_gone_is_found(database):
    before = unique_keys()
    database.execute_sql("DROP INDEX direct_debit_once")
    gone = {(table, key) for table, keys in before.items() for key in keys - unique_keys()[table]}
    assert gone == {("direct_debit", "statement_id [rejected_on]")}

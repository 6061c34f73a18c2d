"""For whom a connection reads: PostgreSQL shows the rows of that reach alone, whatever a query forgot to ask.

The door (`User`) says row by row what a person may see; this is the net beneath it, drawn wider: the companies of the
grants in force that day. SQLite has no such thing: there, all of this does nothing. What a connection is told:

- `portal.reader`, a signed-in user, and what the grants of that day give (`read_for`, in the migrations);
- `portal.own`: why it reads as the mutual itself: for its staff, the worker, a command, or who proved a token.

Told nothing, it sees no row of any company and writes none. It forgets when it goes back to the pool.
"""

from contextlib import contextmanager

from peewee import SQL, Case, fn

from portal.database import is_sqlite, may_be_told

STAFF, WORKER, COMMAND, GUEST = "staff", "worker", "command", "the link of an employee"

# Pages without a sign-in that read rows of companies, by blueprint: what is proved there. Those of an employee
# (`guest`) are among them wherever they are.
BY_TOKEN = {
    "calendars": "the private address of a calendar",
    "guests": GUEST,
    "password": "the link by which a password is chosen",  # nosec B105
    "registration": "the link by which an access is asked for",
    "verification": "the code of a printed document",
}

# Tables whose rows are an account’s, a company’s or a person’s: each has a policy (migrations).
KEPT = {
    *("managed_account", "company", "employee_category", "permission_grant", "favourite", "calendar_feed"),
    *("group_contract", "beneficiary", "individual_product", "movement", "selection", "affiliation_import"),
    *("import_row", "enrolment", "guest_link", "waiver"),
    *("document", "stored_file", "document_request", "supporting_document", "reminder_batch", "reminder"),
    *("sending", "sent_file", "bank_details", "sepa_mandate", "formal_notice"),
    *("message_thread", "thread_message", "thread_file", "thread_follower", "thread_round", "answer_draft"),
    *("contribution_statement", "statement_line", "payment", "payment_allocation", "contribution_tariff"),
    *("direct_debit", "publication", "notice", "registration", "registration_file"),
    "reading",
}
# The others: why nothing is kept from a query that forgot whose rows it reads.
OPEN = {
    **dict.fromkeys(
        ("user", "user_session", "one_time_link", "second_factor", "passkey", "recovery_code", "trusted_device"),
        "read to know who signs in, before there is anybody to read for",
    ),
    **dict.fromkeys(
        ("notification_choice", "unsent_words", "library_visit", "notice_reading"),
        "one person’s own, and of no company",
    ),
    **dict.fromkeys(
        ("plan", "library_folder", "document_campaign", "configured_value", "prepared_answer"), "the same for everybody"
    ),
    **dict.fromkeys(
        ("hand_over", "debit_batch", "file_load"), "lots of the mutual’s own, whose numbers stand on companies’ rows"
    ),
    "outbox_message": "written to anybody; what it says is sealed",
    "throttle": "counters without a name",
    "audit_event": "one chain for all, which each adds to",
    "audit_head": "one chain for all, which each adds to",
}


def columns(database, user, role, day, whole):
    """What a query that loads a user also selects, so that the connection is told in the same statement.

    `user`, `role`, `whole`: columns; without `whole`, the user is half signed in, and the connection reads for nobody.
    """
    if is_sqlite(database):
        return ()
    before = fn.COALESCE(fn.current_setting("portal.own", SQL("true")), "")
    own = Case(None, [(whole & role.in_(["staff", "admin"]), STAFF)], before)
    reader = Case(None, [(whole, user)], None)
    return (
        fn.read_for(reader, day.cast("DATE")).alias("told_reader"),
        fn.set_config("portal.own", own, SQL("false")).alias("told_own"),
    )


def of_user(database, user, day):
    """From now on, the connection reads for this user; as the mutual, for a member of its staff."""
    read_for(database, user.id, day, own=STAFF if user.is_staff else "")


def of_nobody(database):
    read_for(database, None, None, own="")


def read_for(database, reader, day, own):
    if not is_sqlite(database):
        told = "SELECT read_for(%s, %s), set_config('portal.own', %s, false)"
        database.execute_sql(told, [reader, day, own])


def as_the_mutual(database, why):
    """From now on, the connection reads as the mutual itself; it forgets when it goes back to the pool."""
    if not is_sqlite(database):
        database.execute_sql("SELECT set_config('portal.own', %s, false)", [why])


@contextmanager
def own(database, why):
    """As the mutual itself, for what must look beyond what one user sees; afterwards as before."""
    if is_sqlite(database):
        yield
        return
    statement = "SELECT COALESCE(current_setting('portal.own', true), ''), set_config('portal.own', %s, false)"
    before, _ = database.execute_sql(statement, [why]).fetchone()
    try:
        yield
    finally:
        if may_be_told(database):  # in a transaction that failed, going back takes this back too
            as_the_mutual(database, before)

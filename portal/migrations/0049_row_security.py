"""PostgreSQL shows a connection the rows of whom it reads for, and no others (portal.reach)."""

from portal import database

# The grants once more, as places: what the policies look up, which therefore has none itself.
PLACES = (
    """CREATE TABLE reach (
        grant_id INTEGER PRIMARY KEY REFERENCES permission_grant (id) ON DELETE CASCADE,
        user_id INTEGER NOT NULL,
        account_id INTEGER NOT NULL,
        company_id INTEGER,
        valid_from DATE NOT NULL,
        valid_to DATE
    )""",
    "CREATE INDEX reach_user_id ON reach (user_id)",
    """INSERT INTO reach
    SELECT given.id, given.user_id, given.account_id, COALESCE(given.company_id, college.company_id),
        given.valid_from, given.valid_to
    FROM permission_grant given LEFT JOIN employee_category college ON college.id = given.category_id""",
    """CREATE FUNCTION note_reach() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        company INTEGER := NEW.company_id;
    BEGIN
        IF company IS NULL AND NEW.category_id IS NOT NULL THEN
            SELECT company_id INTO STRICT company FROM employee_category WHERE id = NEW.category_id;
        END IF;
        INSERT INTO reach VALUES (NEW.id, NEW.user_id, NEW.account_id, company, NEW.valid_from, NEW.valid_to)
        ON CONFLICT (grant_id) DO UPDATE SET user_id = EXCLUDED.user_id, account_id = EXCLUDED.account_id,
            company_id = EXCLUDED.company_id, valid_from = EXCLUDED.valid_from, valid_to = EXCLUDED.valid_to;
        RETURN NULL;
    END $$""",
    "CREATE TRIGGER note_reach AFTER INSERT OR UPDATE ON permission_grant FOR EACH ROW EXECUTE FUNCTION note_reach()",
)

# The places of the user for whom the connection reads, that day. No view: pg_dump asks none while it dumps.
REACHED = """(SELECT account_id, company_id FROM reach
    WHERE user_id = NULLIF(current_setting('portal.reader', true), '')::INTEGER
    AND valid_from <= NULLIF(current_setting('portal.day', true), '')::DATE
    AND (valid_to IS NULL OR valid_to >= NULLIF(current_setting('portal.day', true), '')::DATE)) reached"""
OWN = "(SELECT COALESCE(current_setting('portal.own', true), '') <> '')"
ME = "user_id = (SELECT NULLIF(current_setting('portal.reader', true), '')::INTEGER)"
ACCOUNT = "{} IN (SELECT account_id FROM " + REACHED + ")"  # nosec B608
WHOLE = f"account_id IN (SELECT account_id FROM {REACHED} WHERE company_id IS NULL)"  # nosec B608
COMPANY = "{} IN (SELECT company_id FROM " + REACHED + " WHERE company_id IS NOT NULL)"  # nosec B608
COLLEGE = (
    "category_id IN (SELECT c.id FROM employee_category c "  # nosec B608
    f"WHERE c.account_id = ANY (ARRAY(SELECT account_id FROM {REACHED})))"
)
FOR_ALL = "account_id IS NULL AND (SELECT COALESCE(current_setting('portal.reader', true), '') <> '')"
IN_ACCOUNT = ACCOUNT.format("account_id")
IN_COMPANY = f"{WHOLE} OR {COMPANY.format('company_id')}"


def through(column, table):
    """Seen with the row that it belongs to, whose own policy is asked."""
    return f"EXISTS (SELECT 1 FROM {table} other WHERE other.id = {column})"  # nosec B608


# Beside the mutual itself, whose rows they are, table by table.
POLICIES = {
    "managed_account": ACCOUNT.format("id"),
    "company": f"{WHOLE} OR {COMPANY.format('id')}",
    "employee_category": IN_COMPANY,
    "favourite": ME,
    "selection": ME,
    "reminder_batch": ME,
    "calendar_feed": IN_ACCOUNT,
    "affiliation_import": IN_ACCOUNT,
    "group_contract": COLLEGE,
    "beneficiary": COLLEGE,
    "movement": COLLEGE,
    "enrolment": COLLEGE,
    "waiver": COLLEGE,
    "document_request": COLLEGE,
    "individual_product": through("beneficiary_id", "beneficiary"),
    "import_row": through("source_id", "affiliation_import"),
    "guest_link": f"{through('enrolment_id', 'enrolment')} OR {through('beneficiary_id', 'beneficiary')}",
    "document": f"{WHOLE} OR {IN_ACCOUNT} AND (contract_id IS NULL AND beneficiary_id IS NULL OR "
    f"{through('contract_id', 'group_contract')} OR {through('beneficiary_id', 'beneficiary')})",
    "stored_file": f"{FOR_ALL} OR {IN_ACCOUNT}",
    "supporting_document": through("request_id", "document_request"),
    "reminder": through("request_id", "document_request"),
    "sending": f"{IN_COMPANY} OR company_id IS NULL AND {IN_ACCOUNT}",
    "sent_file": through("sending_id", "sending"),
    "bank_details": through("company_id", "company"),
    "sepa_mandate": through("company_id", "company"),
    "message_thread": f"{IN_COMPANY} OR company_id IS NULL AND {IN_ACCOUNT}",
    "thread_message": through("thread_id", "message_thread"),
    "thread_file": through("message_id", "thread_message"),
    "thread_follower": through("thread_id", "message_thread"),
    "answer_draft": through("thread_id", "message_thread"),
    "contribution_statement": through("contract_id", "group_contract"),
    "statement_line": through("statement_id", "contribution_statement"),
    "payment": through("contract_id", "group_contract"),
    "payment_allocation": through("statement_id", "contribution_statement"),
    "contribution_tariff": through("contract_id", "group_contract"),
    "formal_notice": through("contract_id", "group_contract"),
    "direct_debit": through("statement_id", "contribution_statement"),
    "publication": f"{FOR_ALL} OR {IN_ACCOUNT}",
    "notice": f"{FOR_ALL} OR {IN_ACCOUNT}",
    "registration": "FALSE",
    "registration_file": "FALSE",
}


def up(migrator, db):
    if database.is_sqlite(db):
        return
    for statement in PLACES:
        db.execute_sql(statement)
    for table, theirs in POLICIES.items():
        keep(db, table, f"{OWN} OR {theirs}")
    # Who manages habilitations sees those of their accounts; gives them where they are themselves.
    keep(db, "permission_grant", f"{OWN} OR {ME} OR {IN_ACCOUNT}", f"{OWN} OR {IN_COMPANY} OR {COLLEGE}")


def keep(db, table, seen, written=None):
    db.execute_sql(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    db.execute_sql(f"CREATE POLICY reach ON {table} USING ({seen}) WITH CHECK ({written or seen})")

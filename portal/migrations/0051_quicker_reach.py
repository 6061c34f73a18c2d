"""What a connection reaches is told once, as lists of ids: a policy compares with them, and looks nothing up."""

from portal import database

# « portal.whole »: accounts in which the reader reaches every company; « portal.accounts »: those and all the others.
READ_FOR = """CREATE FUNCTION read_for(reader INTEGER, on_day DATE) RETURNS TEXT LANGUAGE sql AS $$
    WITH reached AS MATERIALIZED (
        SELECT array_agg(DISTINCT account_id)::TEXT AS accounts,
            (array_agg(DISTINCT account_id) FILTER (WHERE company_id IS NULL))::TEXT AS whole,
            (array_agg(DISTINCT company_id) FILTER (WHERE company_id IS NOT NULL))::TEXT AS companies
        FROM reach WHERE user_id = reader AND valid_from <= on_day AND (valid_to IS NULL OR valid_to >= on_day)
    )
    SELECT set_config('portal.accounts', COALESCE(accounts, ''), false)
        || set_config('portal.whole', COALESCE(whole, ''), false)
        || set_config('portal.companies', COALESCE(companies, ''), false)
        || set_config('portal.reader', COALESCE(reader::TEXT, ''), false)
    FROM reached
$$"""

OWN = "(SELECT COALESCE(current_setting('portal.own', true), '') <> '')"
ME = "user_id = (SELECT NULLIF(current_setting('portal.reader', true), '')::INTEGER)"
FOR_ALL = "account_id IS NULL AND (SELECT COALESCE(current_setting('portal.reader', true), '') <> '')"
COLLEGE = "EXISTS (SELECT 1 FROM employee_category c WHERE c.id = category_id)"  # whose own policy is asked


def among(column, told):
    return f"{column} = ANY ((SELECT NULLIF(current_setting('portal.{told}', true), '')::INTEGER[])::INTEGER[])"


def through(column, table):
    """Seen with the row that it belongs to, whose own policy is asked."""
    return f"EXISTS (SELECT 1 FROM {table} other WHERE other.id = {column})"  # nosec B608


IN_ACCOUNT = among("account_id", "accounts")
WHOLE = among("account_id", "whole")
IN_COMPANY = f"{WHOLE} OR {among('company_id', 'companies')}"

# Beside the mutual itself, whose rows they are: those of the tables whose policy looked the grants up.
POLICIES = {
    "managed_account": among("id", "accounts"),
    "company": f"{WHOLE} OR {among('id', 'companies')}",
    "employee_category": IN_COMPANY,
    "calendar_feed": IN_ACCOUNT,
    "affiliation_import": IN_ACCOUNT,
    "beneficiary": f"{WHOLE} OR {COLLEGE}",
    "enrolment": f"{WHOLE} OR {COLLEGE}",
    "waiver": f"{WHOLE} OR {COLLEGE}",
    "group_contract": COLLEGE,
    "movement": COLLEGE,
    "document_request": COLLEGE,
    "document": f"{WHOLE} OR {IN_ACCOUNT} AND (contract_id IS NULL AND beneficiary_id IS NULL OR "
    f"{through('contract_id', 'group_contract')} OR {through('beneficiary_id', 'beneficiary')})",
    "stored_file": f"{FOR_ALL} OR {IN_ACCOUNT}",
    "sending": f"{IN_COMPANY} OR company_id IS NULL AND {IN_ACCOUNT}",
    "message_thread": f"{IN_COMPANY} OR company_id IS NULL AND {IN_ACCOUNT}",
    "publication": f"{FOR_ALL} OR {IN_ACCOUNT}",
    "notice": f"{FOR_ALL} OR {IN_ACCOUNT}",
}


def up(migrator, db):
    if database.is_sqlite(db):
        return
    db.execute_sql(READ_FOR)
    for table, theirs in POLICIES.items():
        keep(db, table, f"{OWN} OR {theirs}")
    # Who manages habilitations sees those of their accounts; gives them where they are themselves.
    keep(db, "permission_grant", f"{OWN} OR {ME} OR {IN_ACCOUNT}", f"{OWN} OR {IN_COMPANY} OR {COLLEGE}")


def keep(db, table, seen, written=None):
    db.execute_sql(f"ALTER POLICY reach ON {table} USING ({seen}) WITH CHECK ({written or seen})")

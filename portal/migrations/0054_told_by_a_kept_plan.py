"""What a connection reaches is told by a function whose plan the connection keeps: it was planned at each request."""

from portal import database

# As in 0051, whose function PostgreSQL read and planned anew for each statement that called it.
READ_FOR = """CREATE OR REPLACE FUNCTION read_for(reader INTEGER, on_day DATE) RETURNS TEXT LANGUAGE plpgsql AS $$
    DECLARE
        reached RECORD;
    BEGIN
        SELECT array_agg(DISTINCT account_id)::TEXT AS accounts,
            (array_agg(DISTINCT account_id) FILTER (WHERE company_id IS NULL))::TEXT AS whole,
            (array_agg(DISTINCT company_id) FILTER (WHERE company_id IS NOT NULL))::TEXT AS companies
        INTO reached
        FROM reach WHERE user_id = reader AND valid_from <= on_day AND (valid_to IS NULL OR valid_to >= on_day);
        RETURN set_config('portal.accounts', COALESCE(reached.accounts, ''), false)
            || set_config('portal.whole', COALESCE(reached.whole, ''), false)
            || set_config('portal.companies', COALESCE(reached.companies, ''), false)
            || set_config('portal.reader', COALESCE(reader::TEXT, ''), false);
    END $$"""


def up(migrator, db):
    if not database.is_sqlite(db):
        db.execute_sql(READ_FOR)

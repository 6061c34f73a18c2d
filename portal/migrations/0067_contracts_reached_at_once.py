"""Which contracts a connection reaches is found once a statement: two years of calls looked it up at each row."""

from portal import database

OWN = "(SELECT COALESCE(current_setting('portal.own', true), '') <> '')"
POLICIES = {
    "group_contract": "category_id IN (SELECT id FROM employee_category)",
    "contribution_statement": "contract_id IN (SELECT id FROM group_contract)",
    "payment": "contract_id IN (SELECT id FROM group_contract)",
}


def up(migrator, db):
    if database.is_sqlite(db):
        return
    for table, theirs in POLICIES.items():
        seen = f"{OWN} OR {theirs}"
        db.execute_sql(f"ALTER POLICY reach ON {table} USING ({seen}) WITH CHECK ({seen})")

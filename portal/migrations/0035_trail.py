"""Indexes to search the audit trail by who, what, where and when."""

ORDERED = (("at", "number"), *((column, "at", "number") for column in ("user_id", "account_id", "action", "address")))


def up(migrator, db):
    added = [migrator.add_index("audit_event", columns) for columns in ORDERED]
    migrator.migrate(*added, migrator.drop_index("audit_event", "audit_event_user_id"))

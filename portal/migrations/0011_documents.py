"""Documents that the portal prints, with the code that is checked."""

from portal.database import is_sqlite


def up(migrator, db):
    # Columns with a default: no table is made again, which on SQLite would empty what points to its rows.
    instant, blob = ("DATETIME", "BLOB") if is_sqlite(db) else ("TIMESTAMP", "BYTEA")
    for column in (
        'beneficiary_id INTEGER REFERENCES "beneficiary" ("id") ON DELETE SET NULL',
        f"created_at {instant}",
        'file_id INTEGER REFERENCES "stored_file" ("id") ON DELETE SET NULL',
        "check_hash VARCHAR(64)",
        "initials VARCHAR(8) NOT NULL DEFAULT ''",
        f"withdrawn_at {instant}",
        "template VARCHAR(32) NOT NULL DEFAULT ''",
        f"context {blob}",
        f"leased_until {instant}",
        "attempts INTEGER NOT NULL DEFAULT 0",
    ):
        db.execute_sql(f"ALTER TABLE document ADD COLUMN {column}")
    db.execute_sql('CREATE INDEX "document_beneficiary_id" ON "document" ("beneficiary_id")')
    db.execute_sql('CREATE UNIQUE INDEX "document_check_hash" ON "document" ("check_hash")')
    db.execute_sql('CREATE INDEX "document_to_make" ON "document" ("id") WHERE context IS NOT NULL')

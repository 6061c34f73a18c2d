"""What a waiver rests on, who it is reminded to, and when somebody has something to do about it."""

from portal.database import is_sqlite


def up(migrator, db):
    # Columns with a default: no table is made again, which on SQLite would empty what points to its rows.
    key = "TEXT" if is_sqlite(db) else 'TEXT COLLATE "C"'
    for column in (
        f"search_key {key} NOT NULL DEFAULT ''",
        "email VARCHAR(254) NOT NULL DEFAULT ''",
        "mobile VARCHAR(255) NOT NULL DEFAULT ''",
        "occasion VARCHAR(16) NOT NULL DEFAULT ''",
        "cover VARCHAR(32) NOT NULL DEFAULT ''",
        "hired_on DATE",
        "due_on DATE",
        "proved_on DATE",
        "ended_on DATE",
    ):
        db.execute_sql(f"ALTER TABLE waiver ADD COLUMN {column}")
    db.execute_sql("DROP INDEX waiver_state_review_due_on")
    db.execute_sql('CREATE INDEX "waiver_state_due_on" ON "waiver" ("state", "due_on")')

"""What each computed statement was called, as one word: the next one compares, and reads lines only where it differs.

Those issued until now have none: the next statement of their contract reads their lines once, and writes it.
"""

from peewee import CharField


def up(migrator, db):
    migrator.migrate(migrator.add_column("contribution_statement", "called_hash", CharField(64, null=True)))
    db.execute_sql('CREATE INDEX "statement_line_corrections" ON "statement_line" ("statement_id") WHERE is_correction')

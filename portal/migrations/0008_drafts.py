"""What tells of the steps of a draft, and what is typed in a form that a session does not outlive."""

from peewee import BlobField, CharField, DateTimeField, ForeignKeyField, Model, UUIDField

from portal.database import is_sqlite


def up(migrator, db):
    # Columns with a default: no table is made again, which on SQLite would empty what points to its rows.
    key, json = ("TEXT", "TEXT") if is_sqlite(db) else ('TEXT COLLATE "C"', "JSONB")
    db.execute_sql(f"ALTER TABLE enrolment ADD COLUMN saved {json} NOT NULL DEFAULT '{{}}'")
    db.execute_sql(f"ALTER TABLE enrolment ADD COLUMN search_key {key} NOT NULL DEFAULT ''")

    class User(Model):
        class Meta:
            database = db
            legacy_table_names = False
            table_name = "user"

    class UnsentWords(Model):
        public_id = UUIDField(unique=True)
        user = ForeignKeyField(User, index=False, on_delete="CASCADE")
        path = CharField()
        words = BlobField()
        kept_at = DateTimeField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "unsent_words"
            indexes = ((("user", "path"), True),)

    db.create_tables([UnsentWords])

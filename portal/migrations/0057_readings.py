"""Which pages the mutual's staff opened, day by day; the mutual's alone to read, on PostgreSQL."""

from peewee import CharField, DateField, DateTimeField, ForeignKeyField, IntegerField, Model

from portal import database

OWN = "(SELECT COALESCE(current_setting('portal.own', true), '') <> '')"


def up(migrator, db):
    class User(Model):
        class Meta:
            database = db
            legacy_table_names = False
            table_name = "user"

    class Reading(Model):
        user = ForeignKeyField(User, on_delete="CASCADE", index=False)
        day = DateField(index=True)
        endpoint = CharField(64)
        object_type = CharField(32)
        object_id = CharField(64)
        times = IntegerField()
        first_at = DateTimeField()
        last_at = DateTimeField()
        address = CharField(64)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "reading"
            indexes = (
                (("user", "day", "endpoint", "object_id"), True),
                (("object_type", "object_id"), False),
            )

    db.create_tables([Reading])
    if not database.is_sqlite(db):
        db.execute_sql("ALTER TABLE reading ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        db.execute_sql(f"CREATE POLICY reach ON reading USING ({OWN}) WITH CHECK ({OWN})")

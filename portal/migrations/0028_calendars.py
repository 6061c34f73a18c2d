"""The private addresses at which calendars read due dates."""

from peewee import CharField, DateTimeField, ForeignKeyField, Model, UUIDField


def up(migrator, db):
    def meta(table, *indexes):
        values = {"database": db, "legacy_table_names": False, "table_name": table, "indexes": indexes}
        return type("Meta", (), values)

    User = type("User", (Model,), {"Meta": meta("user")})
    ManagedAccount = type("ManagedAccount", (Model,), {"Meta": meta("managed_account")})

    class CalendarFeed(Model):
        public_id = UUIDField(unique=True)
        user = ForeignKeyField(User, on_delete="CASCADE", index=False)
        account = ForeignKeyField(ManagedAccount, on_delete="CASCADE")
        token_hash = CharField(max_length=64, unique=True)
        created_at = DateTimeField()
        Meta = meta("calendar_feed", (("user", "account"), True))

    db.create_tables([CalendarFeed])

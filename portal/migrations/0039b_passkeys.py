"""Passkeys, and the challenge that a session gave."""

from peewee import BigIntegerField, BlobField, CharField, DateTimeField, ForeignKeyField, Model, UUIDField


def up(migrator, db):
    def meta(table):
        return type("Meta", (), {"database": db, "legacy_table_names": False, "table_name": table})

    User = type("User", (Model,), {"Meta": meta("user")})

    class Passkey(Model):
        public_id = UUIDField(unique=True)
        user = ForeignKeyField(User, on_delete="CASCADE")
        name = CharField(60)
        credential_id = CharField(1400, unique=True)
        public_key = BlobField()
        sign_count = BigIntegerField()
        created_at = DateTimeField()
        seen_at = DateTimeField(null=True)
        Meta = meta("passkey")

    db.create_tables([Passkey])
    migrator.migrate(migrator.add_column("user_session", "challenge", CharField(max_length=86, default="")))

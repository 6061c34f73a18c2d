"""The second factor: applications that show codes, codes of recovery, browsers that are trusted."""

from peewee import BlobField, BooleanField, CharField, DateTimeField, ForeignKeyField, IntegerField, Model, UUIDField


def up(migrator, db):
    def meta(table):
        return type("Meta", (), {"database": db, "legacy_table_names": False, "table_name": table})

    User = type("User", (Model,), {"Meta": meta("user")})

    class SecondFactor(Model):
        public_id = UUIDField(unique=True)
        user = ForeignKeyField(User, on_delete="CASCADE")
        name = CharField(60)
        seed = BlobField()
        last_step = IntegerField()
        created_at = DateTimeField()
        confirmed_at = DateTimeField(null=True)
        Meta = meta("second_factor")

    class RecoveryCode(Model):
        user = ForeignKeyField(User, on_delete="CASCADE")
        code_hash = CharField(255)
        used_at = DateTimeField(null=True)
        Meta = meta("recovery_code")

    class TrustedDevice(Model):
        public_id = UUIDField(unique=True)
        user = ForeignKeyField(User, on_delete="CASCADE")
        token_hash = CharField(64, unique=True)
        label = CharField(60)
        created_at = DateTimeField()
        seen_at = DateTimeField()
        expires_at = DateTimeField()
        Meta = meta("trusted_device")

    db.create_tables([SecondFactor, RecoveryCode, TrustedDevice])
    migrator.migrate(
        migrator.add_column("user_session", "factor_due", BooleanField(default=False)),
        migrator.add_column("user_session", "proved_at", DateTimeField(null=True)),
    )

"""Files of the management system that are given at the desk."""

from peewee import CharField, DateTimeField, ForeignKeyField, IntegerField, Model, UUIDField

from portal.models import JSONField


def up(migrator, db):
    def meta(table):
        return type("Meta", (), {"database": db, "legacy_table_names": False, "table_name": table})

    User = type("User", (Model,), {"Meta": meta("user")})
    StoredFile = type("StoredFile", (Model,), {"Meta": meta("stored_file")})

    class FileLoad(Model):
        public_id = UUIDField(unique=True)
        kind = CharField(max_length=32)
        author = ForeignKeyField(User, index=False)
        file = ForeignKeyField(StoredFile, null=True, on_delete="SET NULL", index=False)
        file_name = CharField()
        state = CharField(max_length=16, index=True)
        faults = JSONField()
        total = IntegerField()
        done = IntegerField()
        created = IntegerField()
        updated = IntegerField()
        unchanged = IntegerField()
        attempts = IntegerField()
        leased_until = DateTimeField(null=True)
        created_at = DateTimeField()
        ended_at = DateTimeField(null=True)
        form_key = CharField(max_length=64, null=True, unique=True)
        Meta = meta("file_load")

    db.create_tables([FileLoad])

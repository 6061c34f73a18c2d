"""The files of the store: who sent them, their name there, and the key of each."""

from peewee import BlobField, CharField, DateTimeField, ForeignKeyField, IntegerField, Model, UUIDField


def up(migrator, db):
    class ManagedAccount(Model):
        class Meta:
            database = db
            legacy_table_names = False
            table_name = "managed_account"

    class StoredFile(Model):
        public_id = UUIDField(unique=True)
        account = ForeignKeyField(ManagedAccount, null=True, index=False)
        holder = CharField(max_length=64)
        digest = CharField(max_length=64, null=True, unique=True)
        size = IntegerField()
        mime_type = CharField(max_length=100)
        name = BlobField()
        key = BlobField(null=True)
        scan = CharField(max_length=16)
        created_at = DateTimeField()
        attached_at = DateTimeField(null=True)
        dropped_at = DateTimeField(null=True, index=True)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "stored_file"
            indexes = (
                (("account", "size"), False),
                (("holder", "created_at"), False),
                (("attached_at", "created_at"), False),
            )

    db.create_tables([StoredFile])

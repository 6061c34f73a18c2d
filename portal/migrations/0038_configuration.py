"""What the mutual settles on its own pages."""

from peewee import BlobField, CharField, DateTimeField, ForeignKeyField, Model, TextField


def up(migrator, db):
    class User(Model):
        class Meta:
            database = db
            legacy_table_names = False
            table_name = "user"

    class ConfiguredValue(Model):
        name = CharField(60, unique=True)
        text = TextField()
        content = BlobField(null=True)
        changed_at = DateTimeField()
        changed_by = ForeignKeyField(User, null=True, on_delete="SET NULL", index=False)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "configured_value"

    db.create_tables([ConfiguredValue])

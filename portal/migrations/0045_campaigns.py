"""A campaign that is opened by a form is opened once."""

from peewee import CharField


def up(migrator, db):
    migrator.migrate(
        migrator.add_column("document_campaign", "form_key", CharField(max_length=64, null=True)),
        migrator.add_index("document_campaign", ("form_key",), True),
    )

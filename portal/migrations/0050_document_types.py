"""What companies send keeps the name that its type had then."""

from peewee import CharField


def up(migrator, db):
    migrator.migrate(migrator.add_column("sending", "document_name", CharField(60, default="")))

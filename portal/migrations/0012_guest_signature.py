"""Guest links: what the code that was sent signs, and the name that was typed with it."""

from peewee import BlobField, CharField, DateTimeField, IntegerField


def up(migrator, db):
    migrator.migrate(
        migrator.add_column("guest_link", "code_to", BlobField(null=True)),
        migrator.add_column("guest_link", "decision", CharField(max_length=16, default="")),
        migrator.add_column("guest_link", "typed_name", CharField(default="")),
        migrator.add_column("guest_link", "seen_version", IntegerField(null=True)),
        migrator.add_column("guest_link", "told_at", DateTimeField(null=True)),
    )

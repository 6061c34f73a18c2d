"""Guest links: tries of the birth date, the end of a session, and the code that signs."""

from peewee import CharField, DateTimeField, IntegerField


def up(migrator, db):
    migrator.migrate(
        migrator.add_column("guest_link", "left_at", DateTimeField(null=True)),
        migrator.add_column("guest_link", "birth_tries", IntegerField(default=0)),
        migrator.add_column("guest_link", "code_sent_at", DateTimeField(null=True)),
        migrator.add_column("guest_link", "code_channel", CharField(max_length=16, default="")),
    )

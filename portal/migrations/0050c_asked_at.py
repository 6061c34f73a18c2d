"""When roles were asked of a second person: what was asked long ago lapses."""

from peewee import DateTimeField


def up(migrator, db):
    migrator.migrate(migrator.add_column("user", "duties_asked_at", DateTimeField(null=True)))

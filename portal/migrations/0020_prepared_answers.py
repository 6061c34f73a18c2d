"""Prepared answers: which version of one somebody changes."""

from peewee import IntegerField


def up(migrator, db):
    migrator.migrate(migrator.add_column("prepared_answer", "version", IntegerField(default=1)))

"""When the age that a contract sets ends the cover of a child: that birthday, its month or its year."""

from peewee import CharField


def up(migrator, db):
    migrator.migrate(migrator.add_column("group_contract", "child_end_rule", CharField(16, default="BIRTHDAY")))

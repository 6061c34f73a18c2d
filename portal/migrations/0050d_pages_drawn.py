"""How many pages of a document are laid out, while it is made: the page that waits for it tells."""

from peewee import IntegerField


def up(migrator, db):
    migrator.migrate(migrator.add_column("document", "pages_drawn", IntegerField(default=0)))

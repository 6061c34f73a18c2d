"""What each member of the staff may do: so far, everything that is not an administrator's."""

from peewee import IntegerField

USUAL = 31


def up(migrator, db):
    migrator.migrate(migrator.add_column("user", "duties", IntegerField(default=0)))
    db.execute_sql(f"""UPDATE "user" SET duties = {USUAL} WHERE role = 'staff'""")  # nosec B608

"""What two people agree to: the bank account of a company, the role that gives roles."""

from peewee import DateTimeField, ForeignKeyField, IntegerField, Model


def up(migrator, db):
    meta = type("Meta", (), {"database": db, "legacy_table_names": False, "table_name": "user"})
    User = type("User", (Model,), {"Meta": meta})

    def person():
        return ForeignKeyField(User, null=True, field=User.id, index=False, on_delete="SET NULL")

    migrator.migrate(
        migrator.add_column("bank_details", "approved_by_id", person()),
        migrator.add_column("bank_details", "approved_at", DateTimeField(null=True)),
        migrator.add_column("user", "asked_duties", IntegerField(null=True)),
        migrator.add_column("user", "duties_asked_by_id", person()),
    )

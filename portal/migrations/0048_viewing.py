"""The staff may look at the portal as somebody sees it."""

from peewee import DateTimeField, ForeignKeyField, Model


def up(migrator, db):
    meta = type("Meta", (), {"database": db, "legacy_table_names": False, "table_name": "user"})
    User = type("User", (Model,), {"Meta": meta})
    viewing = ForeignKeyField(User, null=True, field=User.id, index=False, on_delete="SET NULL")
    migrator.migrate(
        migrator.add_column("user_session", "viewing_id", viewing),
        migrator.add_column("user_session", "viewing_until", DateTimeField(null=True)),
    )

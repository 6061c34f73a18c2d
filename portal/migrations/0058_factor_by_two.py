"""Two people agree to take away the second factor that somebody lost: who proposed it, and when."""

from peewee import DateTimeField, ForeignKeyField, Model


def up(migrator, db):
    meta = type("Meta", (), {"database": db, "legacy_table_names": False, "table_name": "user"})
    User = type("User", (Model,), {"Meta": meta})
    first = ForeignKeyField(User, null=True, field=User.id, index=False, on_delete="SET NULL")
    migrator.migrate(
        migrator.add_column("user", "factor_asked_by_id", first),
        migrator.add_column("user", "factor_asked_at", DateTimeField(null=True)),
    )

"""A payment may be written by the portal, which takes back another one: its debit was rejected."""

from peewee import ForeignKeyField, Model


def up(migrator, db):
    meta = type("Meta", (), {"database": db, "legacy_table_names": False, "table_name": "payment"})
    Payment = type("Payment", (Model,), {"Meta": meta})
    undoes = ForeignKeyField(Payment, null=True, field=Payment.id, unique=True, on_delete="CASCADE")
    migrator.migrate(migrator.add_column("payment", "undoes_id", undoes))

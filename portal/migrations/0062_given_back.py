"""What was given back of a payment is said with what settles what, no longer guessed by each page.

Until its contract is settled again, one that settles nothing and whose very amount was taken back later is given back.
"""

from peewee import BigIntegerField, DateField


def up(migrator, db):
    migrator.migrate(
        migrator.add_column("payment", "given_back", BigIntegerField(default=0)),
        migrator.add_column("payment", "given_back_on", DateField(null=True)),
    )
    back = (
        "SELECT MIN(back.paid_on) FROM payment AS back WHERE back.contract_id = payment.contract_id"
        " AND back.amount = -payment.amount AND back.paid_on >= payment.paid_on"
        " AND (back.undoes_id IS NULL OR back.undoes_id = payment.id)"
    )
    settles = "SELECT 1 FROM payment_allocation WHERE payment_allocation.payment_id = payment.id"
    db.execute_sql(
        f"UPDATE payment SET given_back_on = ({back}) WHERE amount > 0 AND NOT EXISTS ({settles})"  # nosec B608
    )
    db.execute_sql("UPDATE payment SET given_back = amount WHERE given_back_on IS NOT NULL")

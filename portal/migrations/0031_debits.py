"""Files of direct debits, and what each asks for."""

from peewee import (
    SQL,
    BigIntegerField,
    BlobField,
    CharField,
    DateField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    Model,
    UUIDField,
)


def up(migrator, db):
    def meta(table):
        return type("Meta", (), {"database": db, "legacy_table_names": False, "table_name": table})

    User = type("User", (Model,), {"Meta": meta("user")})
    SepaMandate = type("SepaMandate", (Model,), {"Meta": meta("sepa_mandate")})
    ContributionStatement = type("ContributionStatement", (Model,), {"Meta": meta("contribution_statement")})

    class DebitBatch(Model):
        public_id = UUIDField(unique=True)
        number = CharField(max_length=32, unique=True)
        scheme = CharField(max_length=4)
        collected_on = DateField(index=True)
        count = IntegerField()
        total = BigIntegerField()
        content = BlobField()
        author = ForeignKeyField(User, null=True, index=False)
        created_at = DateTimeField()
        Meta = meta("debit_batch")

    class DirectDebit(Model):
        batch = ForeignKeyField(DebitBatch)
        statement = ForeignKeyField(ContributionStatement)
        mandate = ForeignKeyField(SepaMandate)
        amount = BigIntegerField()
        sequence = CharField(max_length=4)
        end_to_end = CharField(max_length=35, unique=True)
        rejected_on = DateField(null=True)
        reason = CharField(max_length=4)
        Meta = meta("direct_debit")

    DirectDebit.add_index(
        DirectDebit.index(
            DirectDebit.statement, unique=True, where=SQL("rejected_on IS NULL"), name="direct_debit_once"
        )
    )
    db.create_tables([DebitBatch, DirectDebit])

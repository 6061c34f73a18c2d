"""Contributions: statements and their lines, payments, and what each settles."""

from peewee import (
    BigIntegerField,
    BooleanField,
    CharField,
    DateField,
    Field,
    ForeignKeyField,
    IntegerField,
    Model,
    UUIDField,
)


class KeyField(Field):
    field_type = "KEY"


def up(migrator, db):
    def meta(table, *indexes):
        values = {"database": db, "legacy_table_names": False, "table_name": table, "indexes": indexes}
        return type("Meta", (), values)

    def known(name, table):
        """A table that is there already, for what points to it."""
        return type(name, (Model,), {"Meta": meta(table)})

    Plan = known("Plan", "plan")
    Document = known("Document", "document")
    Beneficiary = known("Beneficiary", "beneficiary")
    GroupContract = known("GroupContract", "group_contract")

    class ContributionStatement(Model):
        public_id = UUIDField(unique=True)
        number = CharField(max_length=32, unique=True)
        contract = ForeignKeyField(GroupContract, index=False)
        plan = ForeignKeyField(Plan, index=False)
        period_start = DateField()
        period_end = DateField()
        payer = CharField()
        issued_on = DateField(index=True)
        due_on = DateField(index=True)
        total = BigIntegerField()
        settled = BigIntegerField()
        computed = BooleanField()
        document = ForeignKeyField(Document, null=True, on_delete="SET NULL", index=False)
        Meta = meta("contribution_statement", (("contract", "period_start"), False))

    class StatementLine(Model):
        public_id = UUIDField(unique=True)
        statement = ForeignKeyField(ContributionStatement, index=False, on_delete="CASCADE")
        beneficiary = ForeignKeyField(Beneficiary, null=True, on_delete="SET NULL")
        member_number = CharField(max_length=32)
        label = CharField()
        name_key = KeyField()
        is_correction = BooleanField()
        band = CharField(max_length=64)
        price = BigIntegerField()
        employer = BigIntegerField()
        employee = BigIntegerField()
        starts_on = DateField()
        ends_on = DateField()
        portion = IntegerField()
        Meta = meta("statement_line", (("statement", "name_key"), False))

    class Payment(Model):
        public_id = UUIDField(unique=True)
        reference = CharField(max_length=32, unique=True)
        contract = ForeignKeyField(GroupContract, index=False)
        paid_on = DateField(index=True)
        payment_method = CharField(max_length=32)
        amount = BigIntegerField()
        Meta = meta("payment", (("contract", "paid_on"), False))

    class PaymentAllocation(Model):
        statement = ForeignKeyField(ContributionStatement, on_delete="CASCADE")
        payment = ForeignKeyField(Payment, null=True, on_delete="CASCADE")
        credit = ForeignKeyField(ContributionStatement, null=True, on_delete="CASCADE", backref="credited")
        amount = BigIntegerField()
        Meta = meta("payment_allocation")

    db.create_tables([ContributionStatement, StatementLine, Payment, PaymentAllocation])

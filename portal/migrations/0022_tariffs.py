"""What contracts cost, and which of them the portal calls."""

from peewee import BooleanField, CharField, DateField, ForeignKeyField, IntegerField, Model


def up(migrator, db):
    def meta(table, *indexes):
        values = {"database": db, "legacy_table_names": False, "table_name": table, "indexes": indexes}
        return type("Meta", (), values)

    GroupContract = type("GroupContract", (Model,), {"Meta": meta("group_contract")})

    class ContributionTariff(Model):
        contract = ForeignKeyField(GroupContract, index=False)
        valid_from = DateField()
        amount_type = CharField(max_length=16)
        single = IntegerField(null=True)
        duo = IntegerField(null=True)
        family = IntegerField(null=True)
        adult = IntegerField(null=True)
        child = IntegerField(null=True)
        paying_children = IntegerField()
        pro_rata = CharField(max_length=16)
        term = CharField(max_length=16)
        called_by_portal = BooleanField()
        Meta = meta("contribution_tariff", (("contract", "valid_from"), True))

    db.create_tables([ContributionTariff])

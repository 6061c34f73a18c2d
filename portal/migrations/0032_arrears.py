"""Arrears: the formal notices that were given, and the contracts whose scheme a branch imposes."""

from peewee import BigIntegerField, BooleanField, DateField, DateTimeField, ForeignKeyField, Model, UUIDField


def up(migrator, db):
    def known(name, table):
        """A table that is there already, for what points to it."""
        meta = type("Meta", (), {"database": db, "legacy_table_names": False, "table_name": table})
        return type(name, (Model,), {"Meta": meta})

    GroupContract = known("GroupContract", "group_contract")
    Document = known("Document", "document")
    User = known("User", "user")

    class FormalNotice(Model):
        public_id = UUIDField(unique=True)
        contract = ForeignKeyField(GroupContract, index=False)
        oldest_due_on = DateField()
        amount = BigIntegerField()
        given_on = DateField()
        author = ForeignKeyField(User, index=False)
        created_at = DateTimeField()
        document = ForeignKeyField(Document, null=True, on_delete="SET NULL", index=False)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "formal_notice"
            indexes = ((("contract", "oldest_due_on"), True),)

    migrator.migrate(migrator.add_column("group_contract", "is_branch_mandated", BooleanField(default=False)))
    db.create_tables([FormalNotice])

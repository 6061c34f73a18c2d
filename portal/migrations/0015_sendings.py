"""What companies send: documents, the date of the last Kbis, bank details."""

from peewee import SQL, BlobField, CharField, DateField, DateTimeField, ForeignKeyField, IntegerField, Model, UUIDField


def up(migrator, db):
    def known(name, table):
        """A table that is there already, for what points to it."""
        meta = type("Meta", (), {"database": db, "legacy_table_names": False, "table_name": table})
        return type(name, (Model,), {"Meta": meta})

    User = known("User", "user")
    Company = known("Company", "company")
    HandOver = known("HandOver", "hand_over")
    StoredFile = known("StoredFile", "stored_file")
    ManagedAccount = known("ManagedAccount", "managed_account")

    class Sending(Model):
        public_id = UUIDField(unique=True)
        account = ForeignKeyField(ManagedAccount, index=False)
        company = ForeignKeyField(Company, null=True)
        document_type = CharField(max_length=16)
        state = CharField(max_length=16)
        note = CharField(max_length=300)
        siret = CharField(max_length=14)
        issued_on = DateField(null=True)
        author = ForeignKeyField(User, index=False)
        sent_at = DateTimeField()
        read_at = DateTimeField(null=True)
        reader = ForeignKeyField(User, null=True, index=False)
        settled_at = DateTimeField(null=True)
        remark = CharField()
        version = IntegerField()
        hand_over = ForeignKeyField(HandOver, null=True)
        form_key = CharField(max_length=64, null=True, unique=True)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "sending"
            indexes = ((("account", "sent_at"), False), (("state", "sent_at"), False))

    class SentFile(Model):
        public_id = UUIDField(unique=True)
        sending = ForeignKeyField(Sending, on_delete="CASCADE")
        file = ForeignKeyField(StoredFile, null=True, on_delete="SET NULL", index=False)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "sent_file"

    class BankDetails(Model):
        public_id = UUIDField(unique=True)
        company = ForeignKeyField(Company)
        sending = ForeignKeyField(Sending, null=True, unique=True, on_delete="SET NULL")
        holder = CharField()
        iban = BlobField()
        bic = CharField(max_length=11)
        bank = CharField()
        since = DateTimeField(null=True)
        until = DateTimeField(null=True)
        hand_over = ForeignKeyField(HandOver, null=True)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "bank_details"

    in_force = SQL("since IS NOT NULL AND until IS NULL")
    BankDetails.add_index(
        BankDetails.index(BankDetails.company, unique=True, where=in_force, name="bank_details_in_force")
    )
    db.create_tables([Sending, SentFile, BankDetails])
    # Added so, no table is made again, which on SQLite would empty what points to its rows.
    db.execute_sql("ALTER TABLE company ADD COLUMN kbis_on DATE")

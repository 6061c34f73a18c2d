"""SEPA mandates of companies."""

from peewee import (
    SQL,
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
    def meta(table, *indexes):
        values = {"database": db, "legacy_table_names": False, "table_name": table, "indexes": indexes}
        return type("Meta", (), values)

    User = type("User", (Model,), {"Meta": meta("user")})
    Company = type("Company", (Model,), {"Meta": meta("company")})
    Document = type("Document", (Model,), {"Meta": meta("document")})

    class SepaMandate(Model):
        public_id = UUIDField(unique=True)
        reference = CharField(max_length=35, unique=True)
        company = ForeignKeyField(Company)
        scheme = CharField(max_length=4)
        state = CharField(max_length=16)
        holder = CharField(max_length=70)
        address = CharField()
        iban = BlobField()
        bic = CharField(max_length=11)
        bank = CharField()
        creditor_identifier = CharField(max_length=35)
        creditor_name = CharField()
        creditor_address = CharField()
        author = ForeignKeyField(User, index=False)
        created_at = DateTimeField()
        code_hash = CharField(max_length=64)
        code_sent_at = DateTimeField(null=True)
        code_expires_at = DateTimeField(null=True)
        code_tries = IntegerField()
        code_channel = CharField(max_length=16)
        code_to = BlobField(null=True)
        signer = ForeignKeyField(User, null=True, index=False, backref="signed_mandates")
        typed_name = CharField()
        place = CharField()
        signed_at = DateTimeField(null=True)
        revoked_at = DateTimeField(null=True)
        last_used_on = DateField(null=True)
        document = ForeignKeyField(Document, null=True, on_delete="SET NULL", index=False)
        version = IntegerField()
        form_key = CharField(max_length=64, null=True, unique=True)
        Meta = meta("sepa_mandate")

    SepaMandate.add_index(
        SepaMandate.index(SepaMandate.company, unique=True, where=SQL("state = 'SIGNED'"), name="sepa_mandate_signed")
    )
    db.create_tables([SepaMandate])

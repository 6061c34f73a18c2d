"""Supporting documents: the files received, campaigns opened here, and reminders sent together."""

from peewee import CharField, DateField, DateTimeField, ForeignKeyField, IntegerField, JSONField, Model, UUIDField


def up(migrator, db):
    def known(name, table):
        """A table that is there already, for what points to it."""
        meta = type("Meta", (), {"database": db, "legacy_table_names": False, "table_name": table})
        return type(name, (Model,), {"Meta": meta})

    User = known("User", "user")
    HandOver = known("HandOver", "hand_over")
    GuestLink = known("GuestLink", "guest_link")
    StoredFile = known("StoredFile", "stored_file")
    DocumentRequest = known("DocumentRequest", "document_request")

    class DocumentCampaign(Model):
        public_id = UUIDField(unique=True)
        label = CharField(unique=True)
        document_type = CharField(max_length=32)
        sent_on = DateField()
        due_on = DateField()
        author = ForeignKeyField(User, null=True, index=False)
        asked = IntegerField()
        created_at = DateTimeField()
        announced_at = DateTimeField(null=True)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "document_campaign"

    class SupportingDocument(Model):
        public_id = UUIDField(unique=True)
        request = ForeignKeyField(DocumentRequest, on_delete="CASCADE")
        file = ForeignKeyField(StoredFile, null=True, on_delete="SET NULL")
        author = ForeignKeyField(User, null=True, index=False)
        received_at = DateTimeField()
        outcome = CharField(max_length=16)
        remark = CharField()
        hand_over = ForeignKeyField(HandOver, null=True)
        form_key = CharField(max_length=64, null=True, unique=True)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "supporting_document"

    class ReminderBatch(Model):
        public_id = UUIDField(unique=True)
        user = ForeignKeyField(User, on_delete="CASCADE")
        requests = JSONField()
        created_at = DateTimeField()
        sent_at = DateTimeField(null=True)
        leaves_at = DateTimeField(null=True)
        taken_back_at = DateTimeField(null=True)
        letters = ForeignKeyField(StoredFile, null=True, on_delete="SET NULL")

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "reminder_batch"

    db.create_tables([DocumentCampaign, SupportingDocument, ReminderBatch])
    added = {"batch_id": ReminderBatch, "link_id": GuestLink}
    migrator.migrate(
        *(
            migrator.add_column(
                "reminder", name, ForeignKeyField(table, null=True, field=table.id, on_delete="SET NULL")
            )
            for name, table in added.items()
        )
    )

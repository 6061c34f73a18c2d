"""Enrolments and the links given to employees, waivers, supporting documents and their reminders."""

from peewee import (
    BlobField,
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    Field,
    ForeignKeyField,
    IntegerField,
    Model,
    UUIDField,
)


class KeyField(Field):
    field_type = "KEY"


def up(migrator, db):
    def known(name, table):
        """A table that is there already, for what points to it."""
        meta = type("Meta", (), {"database": db, "legacy_table_names": False, "table_name": table})
        return type(name, (Model,), {"Meta": meta})

    ManagedAccount = known("ManagedAccount", "managed_account")
    EmployeeCategory = known("EmployeeCategory", "employee_category")
    GroupContract = known("GroupContract", "group_contract")
    User = known("User", "user")
    Movement = known("Movement", "movement")
    Beneficiary = known("Beneficiary", "beneficiary")
    OutboxMessage = known("OutboxMessage", "outbox_message")

    migrator.migrate(migrator.add_column("beneficiary", "iban_private", BooleanField(null=True)))

    class Enrolment(Model):
        public_id = UUIDField(unique=True)
        account = ForeignKeyField(ManagedAccount, index=False)
        category = ForeignKeyField(EmployeeCategory, index=False)
        contract = ForeignKeyField(GroupContract)
        author = ForeignKeyField(User, index=False)
        form_key = CharField(max_length=64, null=True, unique=True)
        state = CharField(max_length=16)
        step = CharField(max_length=16)
        answers = BlobField()
        label = CharField()
        identity = CharField(max_length=32, index=True)
        version = IntegerField()
        created_at = DateTimeField()
        updated_at = DateTimeField()
        warned_at = DateTimeField(null=True)
        number = CharField(max_length=16, null=True, unique=True)
        submitted_at = DateTimeField(null=True)
        movement = ForeignKeyField(Movement, null=True, on_delete="SET NULL")
        signed_name = CharField()
        signed_at = DateTimeField(null=True)
        signed_by = CharField(max_length=16)
        spouse_awaited = BooleanField()
        children_awaited = BooleanField()
        awaited_until = DateField(null=True)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "enrolment"
            indexes = ((("category", "state", "updated_at"), False), (("state", "updated_at"), False))

    db.create_tables([Enrolment])

    class GuestLink(Model):
        public_id = UUIDField(unique=True)
        purpose = CharField(max_length=16)
        enrolment = ForeignKeyField(Enrolment, null=True, on_delete="CASCADE")
        beneficiary = ForeignKeyField(Beneficiary, null=True, on_delete="CASCADE")
        token_hash = CharField(max_length=64, unique=True)
        channel = CharField(max_length=16)
        recipient = BlobField(null=True)
        author = ForeignKeyField(User, null=True, index=False)
        created_at = DateTimeField()
        expires_at = DateTimeField()
        opened_at = DateTimeField(null=True)
        cancelled_at = DateTimeField(null=True)
        used_at = DateTimeField(null=True)
        code_hash = CharField(max_length=64)
        code_expires_at = DateTimeField(null=True)
        code_tries = IntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "guest_link"

    db.create_tables([GuestLink])

    class Waiver(Model):
        public_id = UUIDField(unique=True)
        account = ForeignKeyField(ManagedAccount, index=False)
        category = ForeignKeyField(EmployeeCategory, index=False)
        enrolment = ForeignKeyField(Enrolment, null=True, on_delete="SET NULL")
        author = ForeignKeyField(User, null=True, index=False)
        form_key = CharField(max_length=64, null=True, unique=True)
        title = CharField(max_length=8)
        birth_name = CharField()
        used_name = CharField()
        first_name = CharField()
        birth_date = DateField()
        employee_number = CharField(max_length=32)
        name_key = KeyField()
        reason = CharField(max_length=32)
        requested_on = DateField()
        effect_on = DateField()
        valid_until = DateField(null=True)
        review_due_on = DateField(null=True)
        reviewed_on = DateField(null=True)
        reminded_at = DateTimeField(null=True)
        state = CharField(max_length=16)
        remark = CharField()
        signed_name = CharField()
        created_at = DateTimeField()
        version = IntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "waiver"
            indexes = ((("category", "state", "name_key"), False), (("state", "review_due_on"), False))

    db.create_tables([Waiver])

    class DocumentRequest(Model):
        public_id = UUIDField(unique=True)
        category = ForeignKeyField(EmployeeCategory, index=False)
        beneficiary = ForeignKeyField(Beneficiary, null=True, on_delete="CASCADE")
        waiver = ForeignKeyField(Waiver, null=True, on_delete="CASCADE")
        campaign = CharField()
        document_type = CharField(max_length=32)
        restricted = BooleanField()
        origin = CharField(max_length=16)
        sent_on = DateField()
        due_on = DateField(null=True)
        insurer_reminded_on = DateField(null=True)
        state = CharField(max_length=16)
        remark = CharField()
        reminded_at = DateTimeField(null=True)
        received_at = DateTimeField(null=True)
        settled_at = DateTimeField(null=True)
        version = IntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "document_request"
            indexes = (
                (("campaign", "beneficiary", "document_type"), True),
                (("category", "state", "due_on"), False),
                (("state", "due_on"), False),
            )

    db.create_tables([DocumentRequest])

    class Reminder(Model):
        public_id = UUIDField(unique=True)
        request = ForeignKeyField(DocumentRequest, on_delete="CASCADE")
        channel = CharField(max_length=16)
        message = ForeignKeyField(OutboxMessage, null=True, on_delete="SET NULL")
        author = ForeignKeyField(User, null=True, index=False)
        created_at = DateTimeField()
        taken_back_at = DateTimeField(null=True)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "reminder"

    db.create_tables([Reminder])

"""The first tables, and the triggers that keep the audit trail append-only."""

from peewee import (
    SQL,
    BigIntegerField,
    BlobField,
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    Field,
    ForeignKeyField,
    IntegerField,
    JSONField,
    Model,
    PostgresqlDatabase,
    TextField,
    UUIDField,
)


class KeyField(Field):
    field_type = "KEY"


def up(migrator, db):
    class AuditEvent(Model):
        number = BigIntegerField(primary_key=True)
        at = DateTimeField()
        user_id = IntegerField(index=True, null=True)
        user_role = CharField(max_length=32)
        address = CharField(max_length=64)
        request_id = CharField(max_length=32)
        action = CharField(max_length=64)
        object_type = CharField(max_length=32)
        object_id = CharField(max_length=64)
        account_id = IntegerField(null=True)
        before = JSONField(null=True)
        after = JSONField(null=True)
        previous_hash = CharField(max_length=64)
        hash = CharField(max_length=64)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "audit_event"
            indexes = ((("object_type", "object_id"), False),)

    db.create_tables([AuditEvent])

    class AuditHead(Model):
        id = IntegerField(primary_key=True)
        number = BigIntegerField()
        hash = CharField(max_length=64)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "audit_head"

    db.create_tables([AuditHead])

    class ManagedAccount(Model):
        code = CharField(unique=True, max_length=32)
        name = CharField()
        first_name = CharField(default="")
        description = CharField(default="")
        contact = CharField(default="")
        phone = CharField(default="")
        email = CharField(default="")
        name_key = KeyField(index=True)
        search_key = KeyField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "managed_account"

    db.create_tables([ManagedAccount])

    class Company(Model):
        account = ForeignKeyField(ManagedAccount)
        code = CharField(unique=True, max_length=32)
        label = CharField()
        siret = CharField(max_length=14)
        search_key = KeyField(default="")

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "company"

    db.create_tables([Company])

    class EmployeeCategory(Model):
        account = ForeignKeyField(ManagedAccount)
        company = ForeignKeyField(Company)
        code = CharField(max_length=32)
        label = CharField()
        call_recipient_title = CharField(default="")
        call_recipient_label = CharField(default="")
        contribution_payer = CharField(default="")

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "employee_category"
            indexes = ((("company", "code"), True),)

    db.create_tables([EmployeeCategory])

    class Plan(Model):
        code = CharField(unique=True, max_length=32)
        label = CharField()
        contract_nature = CharField()
        contribution_structure = CharField(max_length=32)
        valid_from = DateField()
        valid_to = DateField(null=True)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "plan"

    db.create_tables([Plan])

    class GroupContract(Model):
        public_id = UUIDField(unique=True)
        number = CharField(unique=True, max_length=32)
        category = ForeignKeyField(EmployeeCategory)
        plan = ForeignKeyField(Plan)
        payer = CharField()
        payment_method = CharField(max_length=32)
        billing_frequency = CharField(max_length=32)
        subscribed_on = DateField()
        employer_share = IntegerField()
        coverage_end_rule = CharField(max_length=32)
        child_max_age = IntegerField()
        child_student_max_age = IntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "group_contract"

    db.create_tables([GroupContract])

    class Beneficiary(Model):
        public_id = UUIDField(unique=True)
        account = ForeignKeyField(ManagedAccount, index=False)
        category = ForeignKeyField(EmployeeCategory, index=False)
        contract = ForeignKeyField(GroupContract)
        member_number = CharField(unique=True, max_length=32)
        household_number = CharField(index=True, max_length=32)
        employee_number = CharField(max_length=32, default="")
        provisional = BooleanField(default=False)
        role = IntegerField()
        title = CharField(max_length=8)
        birth_name = CharField()
        used_name = CharField(default="")
        first_name = CharField()
        birth_date = DateField()
        sex = CharField(max_length=1)
        nir = BlobField(null=True)
        nir_index = CharField(index=True, null=True, max_length=32)
        effective_on = DateField()
        terminated_on = DateField(null=True)
        termination_reason = CharField(max_length=32, default="")
        street_number = CharField(default="")
        street = CharField(default="")
        complement = CharField(default="")
        postal_code = CharField(default="")
        city = CharField(default="")
        country = CharField(default="")
        phone = CharField(default="")
        mobile = CharField(default="")
        email = CharField(default="")
        reimbursement_iban = BlobField(null=True)
        reimbursement_bic = CharField(max_length=11, default="")
        contribution_iban = BlobField(null=True)
        contribution_bic = CharField(max_length=11, default="")
        name_key = KeyField()
        first_name_key = KeyField()
        search_key = KeyField()
        version = IntegerField(default=1)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "beneficiary"
            indexes = (
                (("category", "search_key", "terminated_on"), False),
                (("category", "role", "effective_on", "terminated_on"), False),
            )

    people = Beneficiary
    in_order = (people.name_key, people.household_number, people.role, people.category, people.search_key)
    looked_at = (people.terminated_on, people.id)
    people.add_index(people.index(*in_order, *looked_at, name="beneficiary_in_order"))
    people.add_index(people.index(people.account, *in_order, *looked_at, name="beneficiary_of_account"))
    number = people.index(
        people.account, people.employee_number, where=SQL("employee_number <> ''"), name="beneficiary_employee_number"
    )
    people.add_index(number)
    people.add_index(people.index(people.account, where=SQL("provisional"), name="beneficiary_provisional"))
    db.create_tables([Beneficiary])

    class Document(Model):
        public_id = UUIDField(unique=True)
        account = ForeignKeyField(ManagedAccount)
        contract = ForeignKeyField(GroupContract, null=True)
        title = CharField()
        document_type = CharField(max_length=32)
        published_on = DateField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "document"

    db.create_tables([Document])

    class User(Model):
        public_id = UUIDField(unique=True)
        identifier = CharField(unique=True, max_length=254)
        title = CharField(max_length=8, default="")
        first_name = CharField()
        last_name = CharField()
        organisation = CharField(default="")
        phone = CharField(default="")
        role = CharField(max_length=32)
        password_hash = CharField()
        appearance = CharField(max_length=8, default="auto")
        rows_per_page = IntegerField(default=25)
        disabled_at = DateTimeField(null=True)
        created_at = DateTimeField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "user"

    db.create_tables([User])

    class Favourite(Model):
        user = ForeignKeyField(User)
        account = ForeignKeyField(ManagedAccount)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "favourite"
            indexes = ((("user", "account"), True),)

    db.create_tables([Favourite])

    class IndividualProduct(Model):
        beneficiary = ForeignKeyField(Beneficiary, on_delete="CASCADE")
        plan = ForeignKeyField(Plan)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "individual_product"
            indexes = ((("beneficiary", "plan"), True),)

    db.create_tables([IndividualProduct])

    class HandOver(Model):
        number = IntegerField(unique=True)
        created_at = DateTimeField()
        written_at = DateTimeField(null=True)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "hand_over"

    db.create_tables([HandOver])

    class Movement(Model):
        public_id = UUIDField(unique=True)
        category = ForeignKeyField(EmployeeCategory, index=False)
        beneficiary = ForeignKeyField(Beneficiary, null=True, on_delete="SET NULL")
        kind = CharField(max_length=32)
        state = CharField(max_length=32, default="RECORDED")
        label = CharField(default="")
        member_number = CharField(max_length=32, default="")
        effective_on = DateField()
        reason = CharField(max_length=32, default="")
        before = JSONField(null=True)
        after = JSONField(null=True)
        secrets = BlobField(null=True)
        cause = ForeignKeyField("self", null=True, on_delete="SET NULL")
        author_id = IntegerField(null=True)
        created_at = DateTimeField()
        applied_at = DateTimeField(null=True)
        version = IntegerField(default=0)
        hand_over = ForeignKeyField(HandOver, null=True)
        settled_at = DateTimeField(null=True)
        remark = CharField(default="")
        form_key = CharField(max_length=64, null=True, unique=True)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "movement"
            indexes = (
                (("category", "created_at"), False),
                (("state", "effective_on"), False),
            )

    db.create_tables([Movement])

    class Selection(Model):
        public_id = UUIDField(unique=True)
        user_id = IntegerField(index=True)
        people = JSONField()
        created_at = DateTimeField()
        used_at = DateTimeField(null=True)
        outcome = JSONField(null=True)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "selection"

    db.create_tables([Selection])

    class AffiliationImport(Model):
        public_id = UUIDField(unique=True)
        account = ForeignKeyField(ManagedAccount)
        author = ForeignKeyField(User, index=False)
        asked_by = ForeignKeyField(User, null=True, index=False)
        file_name = CharField()
        sha256 = CharField(max_length=64)
        size = IntegerField()
        content = BlobField(null=True)
        state = CharField(max_length=16, default="WAITING", index=True)
        fault = CharField(max_length=500, default="")
        wrong_template = BooleanField(default=False)
        unknown_columns = JSONField(default=list)
        total = IntegerField(default=0)
        done = IntegerField(default=0)
        created_at = DateTimeField()
        checked_at = DateTimeField(null=True)
        confirmed_at = DateTimeField(null=True)
        leased_until = DateTimeField(null=True)
        attempts = IntegerField(default=0)
        with_warnings = BooleanField(default=True)
        form_key = CharField(max_length=64, null=True, unique=True)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "affiliation_import"
            indexes = ((("account", "created_at"), False),)

    db.create_tables([AffiliationImport])

    class ImportRow(Model):
        source = ForeignKeyField(AffiliationImport, on_delete="CASCADE", index=False)
        line = IntegerField()
        content = BlobField()
        matricule = CharField(max_length=64, default="")
        identity = CharField(max_length=32, default="")
        verdict = CharField(max_length=16)
        action = CharField(max_length=16, default="")
        notes = JSONField(default=dict)
        beneficiary = ForeignKeyField(Beneficiary, null=True, on_delete="SET NULL", index=False)
        movement = ForeignKeyField(Movement, null=True, on_delete="SET NULL", index=False)
        confirmed_at = DateTimeField(null=True)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "import_row"
            indexes = (
                (("source", "line"), True),
                (("source", "verdict"), False),
                (("source", "matricule"), False),
                (("source", "identity"), False),
            )

    db.create_tables([ImportRow])

    class OneTimeLink(Model):
        user = ForeignKeyField(User, on_delete="CASCADE")
        token_hash = CharField(unique=True, max_length=64)
        expires_at = DateTimeField()
        used_at = DateTimeField(null=True)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "one_time_link"

    db.create_tables([OneTimeLink])

    class OutboxMessage(Model):
        recipient = CharField(max_length=254)
        subject = CharField()
        text = TextField()
        created_at = DateTimeField()
        not_before = DateTimeField(index=True)
        sent_at = DateTimeField(index=True, null=True)
        attempts = IntegerField(default=0)
        last_error = CharField(default="")

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "outbox_message"

    db.create_tables([OutboxMessage])

    class PermissionGrant(Model):
        user = ForeignKeyField(User)
        account = ForeignKeyField(ManagedAccount)
        company = ForeignKeyField(Company, null=True)
        category = ForeignKeyField(EmployeeCategory, null=True)
        valid_from = DateField()
        valid_to = DateField(null=True)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "permission_grant"
            indexes = ((("user", "account"), False),)

    db.create_tables([PermissionGrant])

    class ServiceRequest(Model):
        public_id = UUIDField(unique=True)
        number = IntegerField(unique=True)
        account = ForeignKeyField(ManagedAccount)
        kind = CharField()
        subject = CharField()
        status = CharField(max_length=32)
        unread = BooleanField(default=False)
        created_at = DateTimeField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "service_request"

    db.create_tables([ServiceRequest])

    class Throttle(Model):
        key = CharField(primary_key=True, max_length=80)
        failures = IntegerField()
        free_at = DateTimeField()
        forget_at = DateTimeField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "throttle"

    db.create_tables([Throttle])

    class UserSession(Model):
        public_id = UUIDField(unique=True)
        user = ForeignKeyField(User, on_delete="CASCADE")
        token_hash = CharField(unique=True, max_length=64)
        started_at = DateTimeField()
        seen_at = DateTimeField()
        ended_at = DateTimeField(null=True)
        address = CharField(max_length=64)
        agent = CharField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "user_session"

    db.create_tables([UserSession])

    for statement in append_only(db):
        db.execute_sql(statement)


def append_only(db):
    if not isinstance(db, PostgresqlDatabase):
        for verb in ("UPDATE", "DELETE"):
            yield (
                f"CREATE TRIGGER audit_event_no_{verb.lower()} BEFORE {verb} ON audit_event "
                "BEGIN SELECT RAISE(ABORT, 'audit_event is append-only'); END"
            )
        return
    yield (
        "CREATE FUNCTION audit_event_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'audit_event is append-only'; END $$"
    )
    yield (
        "CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE ON audit_event "
        "FOR EACH ROW EXECUTE FUNCTION audit_event_append_only()"
    )
    yield (
        "CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON audit_event "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_event_append_only()"
    )

"""Requests and complaints: their messages, files, followers and drafts; the first requests become threads."""

import uuid

from peewee import (
    SQL,
    BlobField,
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
    UUIDField,
)

from portal.full_text import TextIndex

# How the first requests were called.
NATURES = {
    "Attestation de tiers payant": "CARD",
    "Cotisations": "CONTRIBUTIONS",
    "Portabilité": "PORTABILITY",
    "Modification de contrat": "CONTRACT",
    "Radiation": "TERMINATION",
    "Adhésion": "ENROLMENT",
}


def up(migrator, db):
    def known(name, table):
        """A table that is there already, for what points to it."""
        meta = type("Meta", (), {"database": db, "legacy_table_names": False, "table_name": table})
        return type(name, (Model,), {"Meta": meta})

    names = {
        "ManagedAccount": "managed_account",
        "Company": "company",
        "EmployeeCategory": "employee_category",
        "Beneficiary": "beneficiary",
        "User": "user",
        "Document": "document",
        "StoredFile": "stored_file",
    }
    there = {name: known(name, table) for name, table in names.items()}

    class MessageThread(Model):
        public_id = UUIDField(unique=True)
        number = IntegerField(unique=True)
        kind = CharField(max_length=16)
        nature = CharField(max_length=32)
        subject = CharField(max_length=150)
        account = ForeignKeyField(there["ManagedAccount"], index=False)
        company = ForeignKeyField(there["Company"], null=True, index=False)
        category = ForeignKeyField(there["EmployeeCategory"], null=True, index=False)
        beneficiary = ForeignKeyField(there["Beneficiary"], null=True, on_delete="SET NULL")
        author = ForeignKeyField(there["User"], null=True, index=False)
        follow_up = CharField(max_length=8)
        state = CharField(max_length=16)
        assignee = ForeignKeyField(there["User"], null=True, index=False)
        created_at = DateTimeField()
        written_at = DateTimeField()
        due_on = DateField(null=True)
        treated_at = DateTimeField(null=True)
        last_message = IntegerField()
        last_said = IntegerField()
        rating = IntegerField(null=True)
        rating_comment = CharField(max_length=1000)
        rated_at = DateTimeField(null=True)
        form_key = CharField(max_length=64, null=True, unique=True)
        complainant = CharField(max_length=16)
        acknowledge_by = DateField(null=True)
        acknowledged_at = DateTimeField(null=True)
        answer_by = DateField(null=True)
        answered_at = DateTimeField(null=True)
        outcome = CharField(max_length=16)
        cause = CharField(max_length=16)
        copy = ForeignKeyField(there["Document"], null=True, on_delete="SET NULL", index=False)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "message_thread"
            indexes = (
                (("account", "kind", "written_at"), False),
                (("kind", "state", "due_on"), False),
                (("kind", "written_at"), False),
            )

    class ThreadMessage(Model):
        public_id = UUIDField(unique=True)
        thread = ForeignKeyField(MessageThread, index=False, on_delete="CASCADE")
        author = ForeignKeyField(there["User"], null=True, index=False)
        by_staff = BooleanField()
        internal = BooleanField()
        event = CharField(max_length=16)
        body = TextField()
        created_at = DateTimeField()
        form_key = CharField(max_length=64, null=True, unique=True)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "thread_message"
            indexes = ((("thread", "id"), False),)

    class ThreadFile(Model):
        public_id = UUIDField(unique=True)
        message = ForeignKeyField(ThreadMessage, on_delete="CASCADE")
        file = ForeignKeyField(there["StoredFile"], null=True, on_delete="SET NULL")

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "thread_file"

    class ThreadFollower(Model):
        thread = ForeignKeyField(MessageThread, index=False, on_delete="CASCADE")
        user = ForeignKeyField(there["User"], index=False, on_delete="CASCADE")
        unread = IntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "thread_follower"
            indexes = ((("thread", "user"), True),)

    ThreadFollower.add_index(
        ThreadFollower.index(ThreadFollower.user, where=SQL("unread > 0"), name="thread_follower_unread")
    )

    class AnswerDraft(Model):
        public_id = UUIDField(unique=True)
        thread = ForeignKeyField(MessageThread, index=False, on_delete="CASCADE")
        user = ForeignKeyField(there["User"], index=False, on_delete="CASCADE")
        body = BlobField()
        saved_at = DateTimeField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "answer_draft"
            indexes = ((("thread", "user"), True),)

    class PreparedAnswer(Model):
        public_id = UUIDField(unique=True)
        title = CharField(max_length=100, unique=True)
        body = TextField()
        updated_at = DateTimeField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "prepared_answer"

    db.create_tables([MessageThread, ThreadMessage, ThreadFile, ThreadFollower, AnswerDraft, PreparedAnswer])
    words = TextIndex("message_words")
    words.create(db)

    first = db.execute_sql("SELECT number, account_id, kind, subject, status, created_at FROM service_request")
    for number, account, kind, subject, status, created_at in first.fetchall():
        nature, subject = NATURES.get(kind, "OTHER"), subject[:150]
        thread = MessageThread.create(
            public_id=uuid.uuid4(),
            number=number,
            kind="REQUEST",
            nature=nature,
            subject=subject,
            account=account,
            follow_up="NONE",
            state="IN_PROGRESS" if status == "IN_PROGRESS" else "TREATED",
            created_at=created_at,
            written_at=created_at,
            last_message=0,
            last_said=0,
            rating_comment="",
            complainant="",
            outcome="",
            cause="",
        )
        message = ThreadMessage.create(
            public_id=uuid.uuid4(),
            thread=thread,
            by_staff=False,
            internal=False,
            event="",
            body=subject,
            created_at=created_at,
        )
        MessageThread.update(last_message=message.id, last_said=message.id).where(
            MessageThread.id == thread.id
        ).execute()
        words.put(db, {message.id: f"{number} {kind} {subject}"})
    db.execute_sql("DROP TABLE service_request")

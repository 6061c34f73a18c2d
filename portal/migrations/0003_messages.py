"""E-mails and SMS: their kind, their fate, what they are about; what was written is sealed; what users choose."""

import json
import uuid

from peewee import BlobField, CharField, DateTimeField, ForeignKeyField, Model, UUIDField

from portal.formats import email_masked
from portal.models import vault


def up(migrator, db):
    class User(Model):
        class Meta:
            database = db
            legacy_table_names = False
            table_name = "user"

    class NotificationChoice(Model):
        user = ForeignKeyField(User, on_delete="CASCADE", index=False)
        kind = CharField(max_length=16)
        delivery = CharField(max_length=16)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "notification_choice"
            indexes = ((("user", "kind"), True),)

    db.create_tables([NotificationChoice])

    class OutboxMessage(Model):
        class Meta:
            database = db
            legacy_table_names = False
            table_name = "outbox_message"

    former = db.execute_sql("SELECT id, recipient, text, sent_at FROM outbox_message").fetchall()
    table = "outbox_message"
    migrator.migrate(
        migrator.drop_index(table, "outbox_message_not_before"),
        migrator.drop_index(table, "outbox_message_sent_at"),
        migrator.drop_column(table, "recipient"),
        migrator.drop_column(table, "text"),
        migrator.rename_column(table, "sent_at", "settled_at"),
        migrator.add_column(table, "public_id", UUIDField(null=True)),
        migrator.add_column(table, "channel", CharField(max_length=8, default="EMAIL")),
        migrator.add_column(table, "kind", CharField(max_length=16, default="SECURITY")),
        migrator.add_column(table, "user_id", ForeignKeyField(User, null=True, field=User.id, on_delete="SET NULL")),
        migrator.add_column(table, "object_type", CharField(max_length=32, default="")),
        migrator.add_column(table, "object_id", CharField(max_length=64, default="")),
        migrator.add_column(table, "recipient", CharField(max_length=64, default="")),
        migrator.add_column(table, "content", BlobField(null=True)),
        migrator.add_column(table, "not_after", DateTimeField(null=True)),
        migrator.add_column(table, "state", CharField(max_length=16, default="SENT")),
        migrator.add_column(table, "leased_until", DateTimeField(null=True)),
        migrator.add_column(
            table,
            "digest_id",
            ForeignKeyField(OutboxMessage, null=True, field=OutboxMessage.id, on_delete="SET NULL", index=False),
        ),
    )
    for row in former:
        seal(db, *row)
    migrator.migrate(
        migrator.add_not_null(table, "public_id"),
        migrator.add_index(table, ("public_id",), unique=True),
        migrator.add_index(table, ("state", "not_before")),
        migrator.add_index(table, ("object_type", "object_id")),
    )


def seal(db, message_id, recipient, text, sent_at):
    """What waits goes on waiting, its text sealed."""

    class OutboxMessage(Model):
        public_id = UUIDField()
        recipient = CharField()
        content = BlobField(null=True)
        state = CharField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "outbox_message"

    public_id, content = uuid.uuid4(), None
    if sent_at is None:
        words = json.dumps({"to": recipient, "text": text, "html": "", "link": ""})
        content = vault.seal(words, "outbox_message", "content", public_id)
    OutboxMessage.update(
        public_id=public_id,
        recipient=email_masked(recipient),
        content=content,
        state="SENT" if sent_at else "WAITING",
    ).where(OutboxMessage.id == message_id).execute()

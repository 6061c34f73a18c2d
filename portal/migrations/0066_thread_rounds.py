"""What ended a request or a complaint that is open again: its clock, what was decided, how it was rated."""

from peewee import CharField, DateField, DateTimeField, ForeignKeyField, IntegerField, Model

from portal import database

OWN = "(SELECT COALESCE(current_setting('portal.own', true), '') <> '')"
THEIRS = "EXISTS (SELECT 1 FROM message_thread other WHERE other.id = thread_id)"  # whose own policy is asked


def up(migrator, db):
    class MessageThread(Model):
        class Meta:
            database = db
            legacy_table_names = False
            table_name = "message_thread"

    class ThreadRound(Model):
        thread = ForeignKeyField(MessageThread, index=False, on_delete="CASCADE")
        ended_at = DateTimeField()
        rating = IntegerField(null=True)
        rating_comment = CharField(1000)
        rated_at = DateTimeField(null=True)
        acknowledge_by = DateField(null=True)
        acknowledged_at = DateTimeField(null=True)
        answer_by = DateField(null=True)
        answered_at = DateTimeField(null=True)
        outcome = CharField(16)
        cause = CharField(16)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "thread_round"
            indexes = ((("thread", "ended_at"), False),)

    db.create_tables([ThreadRound])
    if not database.is_sqlite(db):
        db.execute_sql("ALTER TABLE thread_round ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        seen = f"{OWN} OR {THEIRS}"
        db.execute_sql(f"CREATE POLICY reach ON thread_round USING ({seen}) WITH CHECK ({seen})")

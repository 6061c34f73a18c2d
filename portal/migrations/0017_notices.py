"""What the mutual says on « Accueil », and who read it."""

from peewee import (
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


def up(migrator, db):
    def known(name, table):
        """A table that is there already, for what points to it."""
        meta = type("Meta", (), {"database": db, "legacy_table_names": False, "table_name": table})
        return type(name, (Model,), {"Meta": meta})

    User = known("User", "user")
    ManagedAccount = known("ManagedAccount", "managed_account")
    EmployeeCategory = known("EmployeeCategory", "employee_category")

    class Notice(Model):
        public_id = UUIDField(unique=True)
        title = CharField(max_length=120)
        body = TextField()
        is_important = BooleanField()
        account = ForeignKeyField(ManagedAccount, null=True)
        category = ForeignKeyField(EmployeeCategory, null=True)
        starts_on = DateField()
        ends_on = DateField(null=True)
        withdrawn_at = DateTimeField(null=True)
        author = ForeignKeyField(User, index=False)
        created_at = DateTimeField()
        version = IntegerField()
        form_key = CharField(max_length=64, null=True, unique=True)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "notice"

    class NoticeReading(Model):
        notice = ForeignKeyField(Notice, on_delete="CASCADE")
        user = ForeignKeyField(User, on_delete="CASCADE", index=False)
        read_at = DateTimeField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "notice_reading"
            indexes = ((("user", "notice"), True),)

    db.create_tables([Notice, NoticeReading])

"""Registrations: who asks for an access, and what the mutual decides."""

from peewee import SQL, CharField, DateTimeField, ForeignKeyField, IntegerField, Model, TextField, UUIDField


def up(migrator, db):
    def meta(table, *indexes):
        values = {"database": db, "legacy_table_names": False, "table_name": table, "indexes": indexes}
        return type("Meta", (), values)

    User = type("User", (Model,), {"Meta": meta("user")})
    StoredFile = type("StoredFile", (Model,), {"Meta": meta("stored_file")})

    class Registration(Model):
        public_id = UUIDField(unique=True)
        email = CharField(max_length=254)
        role = CharField(max_length=32)
        state = CharField(max_length=16)
        token_hash = CharField(max_length=64, null=True, unique=True)
        token_until = DateTimeField(null=True)
        key_hash = CharField(max_length=64, null=True, unique=True)
        key_until = DateTimeField(null=True)
        first_name = CharField()
        last_name = CharField()
        organisation = CharField()
        phone = CharField(max_length=32)
        siret = CharField(max_length=14)
        contract_number = CharField(max_length=32)
        number_kind = CharField(max_length=8)
        number = CharField(max_length=14)
        asked_for = TextField()
        password_hash = CharField()
        created_at = DateTimeField()
        touched_at = DateTimeField()
        sent_at = DateTimeField(null=True)
        settled_at = DateTimeField(null=True)
        decided_by = ForeignKeyField(User, null=True, index=False, on_delete="SET NULL")
        user = ForeignKeyField(User, null=True, on_delete="SET NULL")
        remark = CharField()
        version = IntegerField()
        Meta = meta("registration", (("state", "sent_at"), False))

    class RegistrationFile(Model):
        public_id = UUIDField(unique=True)
        registration = ForeignKeyField(Registration, on_delete="CASCADE")
        file = ForeignKeyField(StoredFile, null=True, on_delete="SET NULL", index=False)
        Meta = meta("registration_file")

    pending = SQL("state IN ('ASKED', 'CONFIRMED', 'RECEIVED', 'INCOMPLETE')")
    Registration.add_index(
        Registration.index(Registration.email, unique=True, where=pending, name="registration_pending")
    )
    db.create_tables([Registration, RegistrationFile])

"""Habilitations: which actions each opens, who gave it, and when it was last said to be right."""

import uuid

from peewee import CharField, DateTimeField, Field, ForeignKeyField, IntegerField, Model, UUIDField

from portal import clock
from portal.formats import search_key


class KeyField(Field):
    field_type = "KEY"


ALL = 127  # whoever had an account could do everything in it


def up(migrator, db):
    class User(Model):
        identifier = CharField()
        first_name = CharField()
        last_name = CharField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "user"

    class PermissionGrant(Model):
        public_id = UUIDField(null=True)
        user = ForeignKeyField(User)
        name = CharField()
        search_key = CharField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "permission_grant"

    now = clock.now()
    migrator.migrate(
        migrator.add_column("permission_grant", "public_id", UUIDField(null=True)),
        migrator.add_column("permission_grant", "actions", IntegerField(default=ALL)),
        migrator.add_column("permission_grant", "name", CharField(default="")),
        migrator.add_column("permission_grant", "search_key", KeyField(default="")),
        migrator.add_column("permission_grant", "author_id", ForeignKeyField(User, User.id, null=True, index=False)),
        migrator.add_column("permission_grant", "created_at", DateTimeField(default=now)),
        migrator.add_column("permission_grant", "confirmed_at", DateTimeField(default=now)),
        migrator.add_column("permission_grant", "asked_at", DateTimeField(null=True)),
        migrator.add_column("permission_grant", "version", IntegerField(default=1)),
        migrator.add_column("permission_grant", "form_key", CharField(max_length=64, null=True)),
    )
    there = PermissionGrant.select(PermissionGrant.id, User.identifier, User.first_name, User.last_name).join(User)
    for row in list(there):
        name = f"{row.user.first_name} {row.user.last_name}"
        found_by = f"{search_key(name)} {search_key(row.user.identifier)}"
        named = PermissionGrant.update(public_id=uuid.uuid4(), name=name, search_key=found_by)
        named.where(PermissionGrant.id == row.id).execute()
    migrator.migrate(
        migrator.add_not_null("permission_grant", "public_id"),
        migrator.add_index("permission_grant", ("public_id",), True),
        migrator.add_index("permission_grant", ("form_key",), True),
    )

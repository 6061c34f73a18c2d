"""Habilitations: which actions each opens, who gave it, and when it was last said to be right."""

import uuid

from peewee import CharField, DateTimeField, ForeignKeyField, IntegerField, Model, UUIDField

from portal import clock

ALL = 127  # whoever had an account could do everything in it


def up(migrator, db):
    class User(Model):
        class Meta:
            database = db
            legacy_table_names = False
            table_name = "user"

    class PermissionGrant(Model):
        public_id = UUIDField(null=True)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "permission_grant"

    now = clock.now()
    migrator.migrate(
        migrator.add_column("permission_grant", "public_id", UUIDField(null=True)),
        migrator.add_column("permission_grant", "actions", IntegerField(default=ALL)),
        migrator.add_column("permission_grant", "name", CharField(default="")),
        migrator.add_column("permission_grant", "author_id", ForeignKeyField(User, User.id, null=True, index=False)),
        migrator.add_column("permission_grant", "created_at", DateTimeField(default=now)),
        migrator.add_column("permission_grant", "confirmed_at", DateTimeField(default=now)),
        migrator.add_column("permission_grant", "version", IntegerField(default=1)),
        migrator.add_column("permission_grant", "form_key", CharField(max_length=64, null=True)),
    )
    for row in list(PermissionGrant.select(PermissionGrant.id)):
        PermissionGrant.update(public_id=uuid.uuid4()).where(PermissionGrant.id == row.id).execute()
    migrator.migrate(
        migrator.add_not_null("permission_grant", "public_id"),
        migrator.add_index("permission_grant", ("public_id",), True),
        migrator.add_index("permission_grant", ("form_key",), True),
    )

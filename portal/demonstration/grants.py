"""Who else may act for the guide's account: its accountant, somebody invited, one who left, one to confirm."""

from portal.demonstration.draw import days_ago
from portal.models import NO_PASSWORD, PermissionGrant, User, UserRole
from portal.rules.rights import ALL, Action

READS = int(Action.SEE | Action.MONEY)
# Identifier, names, organisation, profile, actions, since and until (days ago), has chosen a password.
PEOPLE = (
    ("comptable", "Aude", "Sirugue", "Cabinet Sirugue", UserRole.COMPANY, READS, 200, None, True),
    ("paie", "Tom", "Lançon", "Ateliers Combe-Noire", UserRole.COMPANY, ALL & ~Action.MANAGE, 4, None, False),
    ("siege", "Odile", "Burdet", "Ateliers Combe-Noire", UserRole.COMPANY, ALL, 500, None, True),
    ("ancien", "Rémi", "Prost", "Cabinet Prost", UserRole.BROKER, ALL & ~Action.MANAGE, 900, 60, True),
)


def make_grants(draw, account, password):
    """`password`: the hash of the demonstration's."""
    author = User.known("rh@demo.example")
    for name, first, last, organisation, role, actions, since, until, came in PEOPLE:
        user = User.create(
            public_id=draw.uuid(),
            identifier=f"{name}@ateliers.example",
            first_name=first,
            last_name=last,
            organisation=organisation,
            role=role,
            password_hash=password if came else NO_PASSWORD,
            created_at=days_ago(since),
        )
        PermissionGrant.create(
            public_id=draw.uuid(),
            user=user,
            account=account["id"],
            actions=actions,
            valid_from=days_ago(since).date(),
            valid_to=days_ago(until).date() if until else None,
            author=author,
            created_at=days_ago(since),
            confirmed_at=days_ago(since),
            **PermissionGrant.named(user),
        )

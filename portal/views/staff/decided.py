"""What was decided of a registration, as the desk reads it afterwards: by whom, when, what it opened, and why."""

from types import SimpleNamespace

from flask_login import current_user

from portal.models import PermissionGrant, RegistrationState
from portal.views import granted

MOST = 20  # accounts on the page
SETTLED = (RegistrationState.ACCEPTED, RegistrationState.REFUSED)


def decision(row):
    """None while nothing is; `opened`: [(account, its rights now, state)], and `more`: how many are left out."""
    if row.state not in (*SETTLED, RegistrationState.INCOMPLETE):
        return None
    opened = opened_by(row) if row.user_id else None
    grants = granted.tell(opened.order_by(PermissionGrant.search_key, PermissionGrant.id).limit(MOST)) if opened else []
    return SimpleNamespace(
        by=row.decided_by.full_name if row.decided_by_id else nobody(row),
        at=row.settled_at,
        why=row.remark,
        is_accepted=row.state == RegistrationState.ACCEPTED,
        opened=grants,
        more=max(0, opened.count() - MOST) if len(grants) == MOST else 0,
    )


def nobody(row):
    """Who it was where the row names nobody: the contract's contact, or somebody whose access was erased."""
    return "le contact du contrat, par courriel" if row.state == RegistrationState.ACCEPTED else "la mutuelle"


def opened_by(row):
    """The habilitations that its acceptance gave, in the same instant; what the person had before is not of them."""
    given = current_user.managed_grants()
    given = given.where(PermissionGrant.user == row.user_id, PermissionGrant.created_at == row.settled_at)
    return PermissionGrant.whole(given)


def noted(accounts):
    """What the trail keeps of an acceptance: the codes of the accounts that it opened."""
    return {"accounts": [account.code for account in accounts]}

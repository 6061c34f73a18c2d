"""How habilitations are told in French: to whom, for what, which rights, and where they stand."""

from types import SimpleNamespace

from flask_login import current_user

from portal import clock
from portal.rules import rights


def tell(rows):
    now = clock.now()
    return [told(row, now) for row in rows]


def told(row, now):
    """`row`: whole (PermissionGrant.whole)."""
    return SimpleNamespace(
        id=row.public_id,
        name=row.name or row.user.full_name,
        identifier=row.user.identifier,
        profile=row.user.role_label,
        is_own=row.user_id == current_user.id,
        account=row.account.name,
        place=place_of(row),
        rights=rights.labels(row.actions),
        has_every_right=row.actions == rights.ALL,
        starts_on=row.valid_from,
        ends_on=row.valid_to,
        state=state(row, now),
        is_over=row.is_over(clock.day_of(now)),
        invited=not row.user.has_password and row.user.is_active,
    )


def place_of(row):
    if row.category_id:
        company = row.company if row.company_id else row.category.company
        return f"{company.label}, {row.category.label}"
    return row.company.label if row.company_id else "Tout le compte"


def state(row, now):
    """Words, tone and icon."""
    today = clock.day_of(now)
    if row.is_over(today):
        return "Terminée", "", "ban"
    if row.confirmed_at <= now - rights.ASKED_AGAIN_AFTER:
        return "À confirmer", "warn", "hourglass"
    if row.valid_from > today:
        return "À venir", "info", "clock"
    return ("En vigueur", "ok", "circle-check") if row.user.has_password else ("Invitation envoyée", "info", "mail")


def facts(grant):
    """What the audit trail keeps of a grant."""
    return {
        "user": str(grant.user.public_id),
        "company": grant.company_id,
        "category": grant.category_id,
        "actions": grant.actions,
        "from": str(grant.valid_from),
        "to": str(grant.valid_to or ""),
    }

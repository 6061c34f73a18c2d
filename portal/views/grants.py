"""« Habilitations »: who may do what for an account, and what is to be said right again once a year."""

from types import SimpleNamespace

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user

from portal import clock, grants
from portal.access import audit, requires
from portal.forms.changes import KEY
from portal.forms.grants import GrantFilter
from portal.models import ManagedAccount, PermissionGrant, db
from portal.rendering import Page, page_size, render
from portal.rules import rights
from portal.views.scope import current_scope

blueprint = Blueprint("grants", __name__, url_prefix="/habilitations")


@blueprint.get("")
@requires("habilitate")
def index():
    form, now = GrantFilter(request.args), clock.now()
    found = form.narrow(in_scope(PermissionGrant.whole(current_user.managed_grants())), now)
    ordered = found.order_by(ManagedAccount.name_key, PermissionGrant.name, PermissionGrant.id)
    page = Page(ordered, page_size(current_user.rows_per_page), rows=tell)
    return render("grants", form=form, page=page, several=not current_scope().account)


def in_scope(found):
    account = current_scope().account
    return found.where(PermissionGrant.account == account.account_id) if account else found


def tell(rows):
    now = clock.now()
    return [told(row, now) for row in rows]


def told(row, now):
    return SimpleNamespace(
        id=row.public_id,
        name=row.name or row.user.full_name,
        identifier=row.user.identifier,
        profile=row.user.role_label,
        is_own=row.user_id == current_user.id,
        account=row.account.name,
        place=place_of(row),
        rights=rights.labels(row.actions),
        starts_on=row.valid_from,
        ends_on=row.valid_to,
        state=state(row, now),
        is_over=is_over(row, now),
        invited=not row.user.has_password and row.user.is_active,
        to_confirm=not is_over(row, now) and row.confirmed_at <= now - rights.ASKED_AGAIN_AFTER,
        version=row.version,
    )


def place_of(row):
    if row.category_id:
        return f"{row.category.company.label if row.company_id is None else row.company.label}, {row.category.label}"
    return row.company.label if row.company_id else "Tout le compte"


def is_over(row, now):
    return row.valid_to is not None and row.valid_to < clock.day_of(now)


def state(row, now):
    """Words, tone and icon."""
    if is_over(row, now):
        return "Terminée", "", "ban"
    if row.confirmed_at <= now - rights.ASKED_AGAIN_AFTER:
        return "À confirmer", "warn", "hourglass"
    if row.valid_from > clock.day_of(now):
        return "À venir", "info", "clock"
    return ("En vigueur", "ok", "circle-check") if row.user.has_password else ("Invitation envoyée", "info", "mail")


# ── « Encore habilités ? » ───────────────────────────────────────────────────────────────────────────────────────


@blueprint.post("/confirmation")
@requires("habilitate")
def confirm():
    """Those that were ticked, as far as they still wait for it."""
    ticked = [key for key in request.form.getlist("habilitation")[:500] if KEY.fullmatch(key)]
    now = clock.now()
    asked = current_user.managed_grants().where(PermissionGrant.to_confirm(now), PermissionGrant.public_id.in_(ticked))
    rows = list(asked)
    with db.atomic():
        for row in rows:
            audit("grant.confirm", on=row, account=row.account_id)
        grants.confirm(rows, now)
    count = len(rows)
    if not count:
        flash("Cochez les habilitations qui sont encore justes.", "warn")
    else:
        flash(
            "L’habilitation est confirmée pour un an."
            if count == 1
            else f"{count} habilitations sont confirmées pour un an.",
            "ok",
        )
    return redirect(url_for("grants.index", etat="confirmer"), 303)

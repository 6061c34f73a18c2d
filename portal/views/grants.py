"""« Habilitations »: who may do what for an account, and what is to be said right again once a year."""

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user

from portal import clock, grants
from portal.access import audit, fresh, requires
from portal.forms.changes import KEY
from portal.forms.grants import GrantFilter
from portal.models import ManagedAccount, PermissionGrant, db
from portal.rendering import Page, page_size, render
from portal.views import granted
from portal.views.scope import current_scope

blueprint = Blueprint("grants", __name__, url_prefix="/habilitations")


@blueprint.get("")
@requires("habilitate")
def index():
    form, now = GrantFilter(request.args), clock.now()
    found = form.narrow(in_scope(PermissionGrant.whole(current_user.managed_grants())), now)
    ordered = found.order_by(ManagedAccount.name_key, PermissionGrant.name, PermissionGrant.id)
    page = Page(ordered, page_size(current_user.rows_per_page), rows=granted.tell)
    return render("grants", form=form, page=page, several=not current_scope().account)


def in_scope(found):
    account = current_scope().account
    return found.where(PermissionGrant.account == account.account_id) if account else found


# ── « Encore habilités ? » ───────────────────────────────────────────────────────────────────────────────────────


@blueprint.post("/confirmation")
@requires("habilitate")
@fresh()
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

"""« Voir comme »: the staff look at the portal as somebody sees it, for half an hour; nothing is changed, nor taken."""

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask_login import current_user

from portal import clock
from portal.access import audit, fresh, requires, while_viewing
from portal.forms import cleaned
from portal.forms.checks import holds_secret
from portal.models import db
from portal.views.staff.users import found

blueprint = Blueprint("staff_viewing", __name__, url_prefix="/gestion/utilisateurs")

MOST_SAID = 200


@blueprint.post("/<uuid:id>/voir")
@requires("staff_users")
@fresh()
def start(id):
    """Why is written down with who; of the mutual's own people, nobody is looked at."""
    row, why = found(id), " ".join(cleaned(request.form.get("motif", "")).split())[:MOST_SAID]
    if row.is_staff or not row.is_active:
        abort(404)
    if not why or holds_secret(why):
        flash("Dites pourquoi vous voulez voir le portail ainsi, sans n° de sécurité sociale ni IBAN.", "warn")
        return redirect(url_for("staff_users.show", id=id), 303)
    with db.atomic():
        current_user.session.view_as(row, clock.now())
        audit("view_as.start", on=row, after={"reason": why})
    return redirect("/", 303)


@blueprint.post("/voir/fin")
@while_viewing
def leave():
    """Back to oneself; once it is over already, the same."""
    shown = current_user._get_current_object() if current_user.viewer else None
    with db.atomic():
        current_user.session.view_as(None, clock.now())
        if shown:
            audit("view_as.end", on=shown)
    return redirect(url_for("staff_users.show", id=shown.public_id) if shown else "/", 303)

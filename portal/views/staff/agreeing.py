"""What a second person agrees to about an access, or puts aside: roles that give power, a lost second factor."""

import datetime

from flask import Blueprint, request

from portal import users
from portal.access import fresh, requires
from portal.views.recording import by
from portal.views.staff.accesses import act

blueprint = Blueprint("staff_agreeing", __name__, url_prefix="/gestion/utilisateurs")


@blueprint.post("/<uuid:id>/roles/decision")
@requires("staff_users")
@fresh()
def roles(id):
    def do(row, now):
        asked = users.decide_duties(row, is_agreed(), by(), now, on_screen())
        return None if asked is None else {"after": {"duties": asked}}

    return decide(id, ("Les rôles sont confirmés.", "user.duties"), "user.duties_refused", do)


def is_agreed():
    return request.form.get("accord") == "oui"


def on_screen():
    """The roles that were proposed when the page was opened."""
    seen = request.form.get("roles", "")
    return int(seen) if seen.isdecimal() and len(seen) < 9 else None


def decide(id, confirmed, refused, do):
    """`confirmed`: (what is said, action) of who agrees; `refused`: the action of who does not."""
    return act(id, *(confirmed if is_agreed() else ("La proposition est écartée.", refused)), do)


@blueprint.post("/<uuid:id>/double-authentification/decision")
@requires("staff_users")
@fresh()
def factor(id):
    def do(row, now):
        return {} if users.decide_factor(row, is_agreed(), by(), now, asked_at()) else None

    return decide(id, ("La double authentification est remise à zéro.", "factor.reset"), "factor.reset_refused", do)


def asked_at():
    """The instant of the proposal that was there when the page was opened."""
    try:
        return datetime.datetime.fromisoformat(request.form.get("demande", ""))
    except ValueError:
        return None

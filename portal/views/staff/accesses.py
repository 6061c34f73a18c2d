"""What is done to one access: its roles, its end, a link, its sessions, its second factor."""

from flask import Blueprint, flash, redirect, request, url_for

from portal import clock, users
from portal.access import audit, fresh, requires
from portal.forms.users import DutiesForm
from portal.models import UserSession, db
from portal.rules import Refused
from portal.views.recording import by
from portal.views.staff.users import ASKED, found, people

WAIT = "Ces rôles attendent l’accord d’une seconde personne\u00a0: rien n’est encore changé."
ALONE = "La double authentification est remise à zéro.", "factor.reset"
BY_TWO = (
    "La remise à zéro attend l’accord d’une seconde personne\u00a0: rien n’est encore changé.",
    "factor.reset_asked",
)

blueprint = Blueprint("staff_accesses", __name__, url_prefix="/gestion/utilisateurs")


def act(id, said, action, do):
    """`do(row, now)`: what is written down of it, None when there was nothing to do; Refused with a sentence.

    `said`: the sentence to show, or what makes it of what is written down.
    """
    row = found(id)
    try:
        with db.atomic():
            noted = do(row, clock.now())
            if noted is not None:
                audit(action, on=row, **noted)
        if noted is None:
            flash("C’était déjà fait.", "info")
        else:
            flash(said(noted) if callable(said) else said, "ok")
    except Refused as refused:
        flash(str(refused), "warn")
    return redirect(url_for("staff_users.show", id=id), 303)


@blueprint.post("/<uuid:id>/roles")
@requires("staff_users")
@fresh()
def set_roles(id):
    form = DutiesForm(request.form)

    def do(row, now):
        (duties, asked), made = users.set_duties(row, form.duties, by(), now, people())
        if asked is None and (made.duties, made.asked_duties) == (duties, None):
            return None
        before = {"duties": duties} | ({} if asked is None else {"asked": asked})
        return {"before": before, "after": {"duties": made.duties, "asked": made.asked_duties}}

    return act(id, roles_said, "user.duties", do)


def roles_said(noted):
    """Those that wait for a second person do not hold yet; the others do at once."""
    before, after = noted["before"], noted["after"]
    if after["asked"] is None:
        fallen = " Ceux qui attendaient une seconde personne ne sont plus demandés." if "asked" in before else ""
        return f"Les rôles sont enregistrés\u00a0: ils valent dès sa prochaine page.{fallen}"
    if before["duties"] == after["duties"]:
        return WAIT
    return f"{ASKED} Les autres changements valent dès sa prochaine page."


@blueprint.post("/<uuid:id>/fermeture")
@requires("staff_users")
@fresh()
def close(id):
    return act(
        id,
        "L’accès est fermé, et ses sessions.",
        "user.close",
        lambda row, now: {} if users.close(row, by(), now) else None,
    )


@blueprint.post("/<uuid:id>/reouverture")
@requires("staff_users")
@fresh()
def reopen(id):
    return act(
        id,
        "L’accès est rouvert.",
        "user.reopen",
        lambda row, now: {} if users.reopen(row, by(), now, people()) else None,
    )


@blueprint.post("/<uuid:id>/lien")
@requires("staff_users")
@fresh()
def send_link(id):
    """A link to choose a password, to the address of the access and to no other."""

    def do(row, now):
        users.guard(row, by())
        if not row.is_active:
            raise Refused("Cet accès est fermé\u00a0: rouvrez-le d’abord.")
        users.send_link(row, "password", now)
        return {}

    return act(id, "Le lien est parti\u00a0: il est valable 30 minutes.", "user.link", do)


@blueprint.post("/<uuid:id>/sessions")
@requires("staff_users")
def end_sessions(id):
    def do(row, now):
        users.guard(row, by())
        ended = UserSession.end_all(row, now)
        return {"after": {"sessions": ended}} if ended else None

    return act(id, "Ses sessions sont terminées.", "user.end_sessions", do)


@blueprint.post("/<uuid:id>/double-authentification")
@requires("staff_users")
@fresh()
def reset_factor(id):
    """A telephone that was lost: another application is added at the next sign-in, once two people agree."""
    told = ALONE if people() == 1 else BY_TWO
    return act(id, *told, lambda row, now: {} if users.reset_factor(row, by(), now, people()) else None)

"""Several « Inscriptions » decided at once: refused with one reason, or accepted where no account is to be chosen."""

from flask import Blueprint, redirect, request, url_for
from flask_login import current_user

from portal import registrations
from portal.access import requires
from portal.formats import plural
from portal.forms.registrations import TickedRefusal
from portal.models import Registration, User, UserRole
from portal.rendering import address
from portal.rules import Refused
from portal.views.recording import by
from portal.views.staff import registrations as queue
from portal.views.staff import together

blueprint = Blueprint("staff_admitting", __name__, url_prefix="/gestion/inscriptions")

NOTHING = "Cochez d’abord les inscriptions, à gauche du nom."
MEANWHILE = "quelqu’un en a déjà décidé."
ALONE = "ses comptes se choisissent un par un\u00a0: ouvrez-la."
KNOWN = "cette adresse a un accès depuis\u00a0: ouvrez-la."


@blueprint.post("/acceptation")
@requires("staff_registrations")
def accept():
    """Health professionals: the others are given accounts, each its own, by who looks at them alone."""

    def act(row, seen, now):
        if row.role != UserRole.HEALTH_PROFESSIONAL:
            raise Refused(ALONE)
        if User.known(row.email):
            raise Refused(KNOWN)
        registrations.accept(row, [], by(), now, seen)

    return decide("registration.accept", act, "acceptée")


@blueprint.post("/refus")
@requires("staff_registrations")
def refuse():
    """With one reason for all, which each reads in their own e-mail."""
    form = TickedRefusal(request.form)
    if not form.validate():
        return queue.listing(form, 422, ticked=together.ticked())

    def act(row, seen, now):
        registrations.refuse(row, form.why, by(), now, seen)

    return decide("registration.refuse", act, "refusée")


def decide(action, act, word):
    """What stays as it was is shown above the list, with why."""
    rows = together.chosen(current_user.registrations(), Registration)
    decided = together.decide(rows, action, act, MEANWHILE, lambda row: None)
    count, rest = len(decided.done), len(decided.left)
    who = "Les personnes sont prévenues" if count > 1 else "La personne est prévenue"
    together.say(decided, f"{plural(count, 'inscription')} {word}{'s' if count > 1 else ''}. {who}.", NOTHING)
    if not decided.left:
        return redirect(address(url_for("staff_registrations.index")), 303)
    title = plural(rest, f"inscription n’a pas été {word}", f"inscriptions n’ont pas été {word}s")
    left = [(row.full_name, url_for("staff_registrations.show", id=row.public_id), why) for row, why in decided.left]
    return queue.listing(TickedRefusal(), 409, left=left, left_title=title)

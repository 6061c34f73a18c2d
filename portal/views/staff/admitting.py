"""Several « Inscriptions » decided at once: refused with one reason, or accepted where no account is to be chosen."""

from functools import partial

from flask import Blueprint, request, url_for
from flask_login import current_user

from portal import registrations
from portal.access import requires
from portal.forms.registrations import TickedRefusal
from portal.models import Registration, User, UserRole
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
    rows = together.chosen(current_user.registrations(), Registration)
    decided = together.decide(rows, action, act, MEANWHILE, lambda row: None)
    after = ". Les personnes sont prévenues." if len(decided.done) > 1 else ". La personne est prévenue."
    again, listed = partial(queue.listing, TickedRefusal()), url_for("staff_registrations.index")
    return together.answer(decided, "inscription", word, after, NOTHING, listed, again, named)


def named(row):
    return row.full_name, url_for("staff_registrations.show", id=row.public_id)

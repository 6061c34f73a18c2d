"""Several « Inscriptions » decided at once: refused or asked for more with one reason, accepted without accounts."""

from flask import Blueprint, request, url_for
from flask_login import current_user

from portal import registrations
from portal.access import requires
from portal.forms.registrations import TickedMore, TickedRefusal
from portal.models import Registration, User, UserRole
from portal.rules import Refused
from portal.views.recording import by
from portal.views.staff import applicants, decided, together

blueprint = Blueprint("staff_admitting", __name__, url_prefix="/gestion/inscriptions")

NOTHING = "Cochez d’abord les inscriptions, à gauche du nom."
MEANWHILE = "Quelqu’un en a déjà décidé."
ALONE = "Ses comptes se choisissent un par un\u00a0: ouvrez-la."
KNOWN = "Cette adresse a un accès depuis\u00a0: ouvrez-la."


@blueprint.post("/acceptation")
@requires("staff_registrations")
def accept():
    """Health professionals: the others are given accounts, each its own, by who looks at them alone."""

    def act(row, seen, now):
        if row.role != UserRole.HEALTH_PROFESSIONAL:
            raise Refused(ALONE)
        if User.known(row.email):
            raise Refused(KNOWN)
        return decided.noted(registrations.accept(row, [], by(), now, seen))

    return decide("registration.accept", act, "acceptée")


@blueprint.post("/refus")
@requires("staff_registrations")
def refuse():
    """With one reason for all, which each reads in their own e-mail."""
    form = TickedRefusal(request.form)
    if not form.validate():
        return applicants.listing(422, refusing=form, ticked=together.ticked())

    def act(row, seen, now):
        registrations.refuse(row, form.why, by(), now, seen)

    return decide("registration.refuse", act, "refusée")


@blueprint.post("/complement")
@requires("staff_registrations")
def ask_more():
    """The same is missing for all; each gets a link of their own to complete it."""
    form = TickedMore(request.form, prefix=applicants.MORE)
    if not form.validate():
        return applicants.listing(422, asking=form, ticked=together.ticked())

    def act(row, seen, now):
        registrations.ask_more(row, form.why, by(), now, seen)

    return decide("registration.ask_more", act, "renvoyée pour complément")


def decide(action, act, word):
    rows = together.chosen(current_user.registrations(), Registration)
    outcome = together.decide(rows, action, act, MEANWHILE, lambda row: None)
    after = ". Les personnes sont prévenues." if len(outcome.done) > 1 else ". La personne est prévenue."
    listed = url_for("staff_registrations.index")
    return together.answer(outcome, "inscription", word, after, NOTHING, listed, applicants.listing, named)


def named(row):
    return row.full_name, url_for("staff_registrations.show", id=row.public_id)

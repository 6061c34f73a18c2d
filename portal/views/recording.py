"""Doing what a form asks of a person once, whoever sends it twice, and telling who was there before."""

from flask import abort, flash
from flask_login import current_user
from peewee import IntegrityError

from portal.models import Movement, Outdated, db
from portal.views import told

TWICE = "Cet envoi était déjà enregistré : rien n’a été fait deux fois."


def person(public_id):
    """One person the user may see, with contract, college, company and account."""
    return next(iter(current_user.people([public_id])), None) or abort(404)


def record(form, act):
    """Do it in one transaction and say so, unless this very form did it already; what was changed meanwhile, or [].

    `act()` writes, audits, and gives the sentence to show.
    """
    if Movement.sent(form.key):
        flash(TWICE, "info")
        return []
    try:
        with db.atomic():
            sentence = act()
    except (Outdated, IntegrityError) as fault:
        if Movement.sent(form.key):  # the other click was a little faster
            flash(TWICE, "info")
            return []
        if not isinstance(fault, Outdated):
            raise
        return overtaken(form, fault.person)
    flash(sentence, "ok")
    return []


def overtaken(form, found):
    """What somebody else changed; the form may be sent again knowingly. 404 when the person is gone."""
    changed = told.since(found or abort(404), form.seen)
    form.version.data = str(found.version)
    return changed or [None]

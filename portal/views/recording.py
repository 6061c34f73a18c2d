"""Doing once what a form asks of a person, however often it is sent, and telling who was there before."""

from flask import abort, flash, redirect, url_for
from flask_login import current_user
from peewee import IntegrityError

from portal import clock
from portal.access import audit
from portal.formats import of_name
from portal.models import Movement, Outdated, db
from portal.rendering import render
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
    replaced = {}
    for one in changed:  # the oldest last: it holds what was on the screen
        replaced |= one.replaced
    form.follow(replaced, found)
    form.version.data = str(found.version)
    return changed or [None]


def by():
    return current_user._get_current_object()


def page(name, found, form, status=200, changed=(), **more):
    """A form about one person. `changed`: what somebody else did meanwhile."""
    back = url_for("employees.show", id=found.public_id)
    more["of_person"] = of_name(found.full_name)
    return render(name, status, person=found, form=form, back=back, changed=changed, **more)


def answer(name, found, form, act, **more):
    """Record a form that is right: back to the person, or the form again with what somebody else changed (409)."""
    changed = record(form, act)
    if changed:
        return page(name, found, form, 409, changed, **more)
    return redirect(url_for("employees.show", id=found.public_id), 303)


def note(found, action, made):
    """Write down what was done, with how many movements it makes."""
    detail = made[0].after | {"movements": len(made)}
    audit(action, on=found, account=found.account_id, before=made[0].before, after=detail)


def unless_overtaken(act, action, on, account, meanwhile, after=None):
    """Do it in one transaction, write it down with what comes `after`, and say so; or say that somebody was there.

    `act(now)` gives the sentence to show, or raises Outdated.
    """
    try:
        with db.atomic():
            said = act(clock.now())
            audit(action, on=on, account=account, after=after)
        flash(said, "ok")
    except Outdated:
        flash(meanwhile, "warn")

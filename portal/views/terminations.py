"""« Radier »: end the cover of one person, with what follows told before one confirms."""

from flask import Blueprint, redirect, request, url_for
from flask_login import current_user

from portal import clock
from portal.access import audit, requires
from portal.forms.terminations import TerminationForm
from portal.models import Beneficiary, to_json
from portal.rendering import render
from portal.views.leaving import Leaving
from portal.views.recording import person, record

blueprint = Blueprint("terminations", __name__, url_prefix="/salaries")


@blueprint.get("/<uuid:id>/radiation")
@requires("move")
def new(id):
    found = person(id)
    form = form_of(found, request.args)
    return page(found, form, leaving=form.asked and form.validate() and leaving(found, form))


def form_of(found, typed):
    return TerminationForm(typed, clock.today(), found.is_employee, found.effective_on, version=str(found.version))


def leaving(found, form):
    followers = current_user.followers([found]) if found.is_employee else []
    return Leaving([found], followers, form, clock.today())


def page(found, form, status=200, leaving=None, changed=()):
    """`leaving`: what follows, once it can be said. `changed`: what somebody else did meanwhile."""
    action, back = url_for(".create", id=found.public_id), url_for("employees.show", id=found.public_id)
    texts = {"people": [found], "action": action, "back": back}
    return render("termination", status, form=form, leaving=leaving or None, changed=changed, **texts)


@blueprint.post("/<uuid:id>/radiation")
@requires("move")
def create(id):
    found = person(id)
    form = form_of(found, request.form)
    if not form.validate():
        return page(found, form, 422)
    follows = leaving(found, form)
    if not follows.going and found.version == form.seen:
        return page(found, form, 422, follows)
    changed = record(form, lambda: terminate(found, form, follows))
    if changed:
        return page(found, form, 409, leaving(found, form), changed)
    return redirect(url_for("employees.show", id=found.public_id), 303)


def terminate(found, form, follows):
    held = found.hold(form.seen)
    leaver = follows.going[0]
    by = current_user._get_current_object()
    made, _ = Beneficiary.terminate([(held, *asked[1:]) for asked in follows.asked], by, clock.now(), form.key)
    audit(
        "movement.terminate",
        on=found,
        account=found.account_id,
        before=to_json({"terminated_on": held.terminated_on}),
        after=made[0].after | {"movements": len(made)},
    )
    others = f", avec {leaver.names}" if leaver.followers else ""
    radiated = "est radiée" if found.sex == "F" else "est radié"
    return f"{found.full_name} {radiated} au {leaver.end:%d/%m/%Y}{others} ({found.category.company.label})."

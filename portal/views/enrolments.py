"""« Adhésion salarié »: what is being typed, what is still to be completed, what was sent and what became of it."""

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask_login import current_user

from portal import clock, enrolments, entrusting
from portal.access import audit, requires
from portal.formats import date_fr
from portal.forms.enrolments import WhenToRemind
from portal.models import EnrolmentState, MovementState, db
from portal.rendering import render
from portal.views import enrolled, entrusted
from portal.views.scope import current_scope

blueprint = Blueprint("enrolments", __name__, url_prefix="/adhesion")


def user():
    return current_user._get_current_object()


@blueprint.get("")
@requires("enrol")
def index():
    """Everything of the scope; htmx asks for the list of what was sent alone."""
    sent = enrolled.sent(request.args.get("q", "").strip()[:100], request.args.get("tri") or "-date")
    return render("enrolments", account=current_scope().account, **sent, **enrolled.under_way())


def enrolment(id):
    return current_user.enrolment(id) or abort(404)


@blueprint.get("/<uuid:id>")
@requires("enrol")
def show(id):
    """What became of an enrolment; a draft is shown at the step where it was left."""
    found = enrolment(id)
    if found.state == EnrolmentState.DRAFT:
        step = found.step
        endpoint = "enrolment_steps.last_look" if step == enrolments.LAST_LOOK else "enrolment_steps.step"
        return redirect(url_for(endpoint, id=id, **({} if step == enrolments.LAST_LOOK else {"step": step})), 303)
    return page(found)


def page(found, form=None, status=200):
    entrusted_to = entrusted.tell(found, clock.now()) if found.state == EnrolmentState.WITH_EMPLOYEE else None
    about = {"told": enrolled.tell(found), "entrusted": entrusted_to, "waiver": None}
    if found.state == EnrolmentState.DECLINED:
        about["waiver"] = entrusting.waiver_of(found)
    return render("enrolment", status, enrolment=found, form=form, **about)


# ── What is done with a whole enrolment ──────────────────────────────────────────────────────────────────────────


def do(found, verb, action, said, missed):
    """Do it once, write it down, say so; or say that it is no longer the time."""
    with db.atomic():
        done = verb(found, clock.now())
        if done:
            audit(action, on=found, account=found.account_id)
    flash(said if done else missed, "ok" if done else "warn")
    return redirect(url_for("enrolments.index"), 303)


@blueprint.post("/<uuid:id>/abandon")
@requires("enrol")
def discard(id):
    found = enrolment(id)
    until = date_fr(clock.day_of(clock.now() + enrolments.RESTORABLE))
    said = f"Saisie abandonnée : {found.label or 'sans nom'}. Vous pouvez la rétablir jusqu’au {until}, ci-dessous."
    return do(found, enrolments.discard, "enrolment.discard", said, "Cette saisie n’est plus en cours.")


@blueprint.post("/<uuid:id>/retablissement")
@requires("enrol")
def restore(id):
    found = enrolment(id)
    said = f"Saisie rétablie : {found.label or 'sans nom'}."
    return do(found, enrolments.restore, "enrolment.restore", said, "Cette saisie n’est pas abandonnée.")


@blueprint.post("/<uuid:id>/correction")
@requires("enrol")
def reopen(id):
    """An enrolment that the mutual refused is a draft again."""
    found = enrolment(id)
    if not (found.movement and found.movement.state == MovementState.REFUSED):
        abort(404)
    said = "L’adhésion est de nouveau une saisie en cours : corrigez-la, puis renvoyez-la."
    return do(found, enrolments.reopen, "enrolment.reopen", said, "Cette adhésion est déjà reprise.")


@blueprint.post("/<uuid:id>/complet")
@requires("enrol")
def complete(id):
    """« Plus personne à ajouter »."""
    found = enrolment(id)
    said = f"Plus personne à ajouter à l’adhésion {found.number} : elle quitte la liste « À compléter »."
    return do(found, enrolments.complete, "enrolment.complete", said, "Cette adhésion est déjà complète.")


@blueprint.post("/<uuid:id>/rappel")
@requires("enrol")
def remind(id):
    found = enrolment(id)
    form = WhenToRemind(request.form, clock.today(), awaited=True)
    if not form.validate():
        return page(found, form, 422)

    def put_off(found, now):
        return enrolments.remind_on(found, form.day)

    said = f"Rappel prévu le {date_fr(form.day)}."
    return do(found, put_off, "enrolment.remind_on", said, "Cette adhésion est déjà complète.")

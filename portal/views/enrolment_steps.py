"""« Adhésion salarié », step by step, once the first (`beginning`) has made the draft; the last look, the sending."""

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask_login import current_user

from portal import clock, enrolments
from portal.access import audit, keeps_words, requires
from portal.exchange import recognising
from portal.forms.enrolments import WhenToRemind
from portal.household import STEP_TITLES, STEPS
from portal.last_look import summary
from portal.models import EnrolmentState, UnsentWords, db
from portal.rendering import redirect_whole, render
from portal.views.stepping import SAVED, Stepping

blueprint = Blueprint("enrolment_steps", __name__, url_prefix="/adhesion")

STEP = f"<any({', '.join(STEPS)}):step>"


def user():
    return current_user._get_current_object()


# ── The steps ────────────────────────────────────────────────────────────────────────────────────────────────────


def draft(id):
    """An enrolment that the user may see, read whole."""
    return current_user.enrolment(id) or abort(404)


def stepping(enrolment):
    first = url_for("enrolment_steps.step", id=enrolment.public_id, step=enrolments.ORDER[0])

    def address_of(step):  # the others are written like the first: each page names them all
        return first.replace(f"/{enrolments.ORDER[0]}", f"/{step}", 1)

    return Stepping(
        enrolment,
        by=user(),
        address_of=address_of,
        leave=url_for("enrolments.index"),
        offers=lambda: recognising.offers(user(), enrolment.account_id),
        known=lambda home: enrolments.known(user(), enrolment, home),
    )


def closed(enrolment):
    """Somebody sent it, gave it to the employee, or put it away."""
    return redirect_whole(url_for("enrolments.show", id=enrolment.public_id))


@blueprint.get(f"/<uuid:id>/{STEP}")
@requires("enrol")
def step(id, step):
    enrolment = draft(id)
    if enrolment.state != EnrolmentState.DRAFT:
        return closed(enrolment)
    return stepping(enrolment).show(step, unsent_words(enrolment, step))


def unsent_words(enrolment, step):
    """What was typed here when the session ended, unless the step was saved since."""
    kept = UnsentWords.of(user(), request.path, clock.now()) if SAVED not in request.args else None
    last = enrolment.saved.get(step, {}).get("at", "")
    return kept.unseal() if kept and kept.kept_at.isoformat() > last else None


@blueprint.post(f"/<uuid:id>/{STEP}")
@requires("enrol")
@keeps_words
def save(id, step):
    enrolment = draft(id)
    if enrolment.state != EnrolmentState.DRAFT:
        return closed(enrolment)
    try:
        return stepping(enrolment).save(step)
    except enrolments.Closed:
        return closed(enrolment)


# ── The last look ────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/<uuid:id>/verification")
@requires("enrol")
def last_look(id):
    enrolment = draft(id)
    if enrolment.state != EnrolmentState.DRAFT:
        return closed(enrolment)
    home = enrolments.household_of(enrolment)
    if home.first_wrong:
        return redirect(stepping(enrolment).review(home.first_wrong), 303)
    return look(enrolment, home, WhenToRemind(None, clock.today(), any(home.awaited), version=enrolment.version))


def look(enrolment, home, form, status=200, changed=False, covered=None):
    return render(
        "enrolment_look",
        status,
        stepping=stepping(enrolment),
        enrolment=enrolment,
        home=home,
        blocks=summary(home),
        doubts=[(STEP_TITLES[step][1], *doubt) for step in STEPS for doubt in home.doubts(step)],
        proofs=home.asked(),
        form=form,
        changed=changed,
        covered=covered,
    )


@blueprint.post("/<uuid:id>/verification")
@requires("enrol")
def submit(id):
    """Send the enrolment, once: what is wrong, or new since it was shown, is told instead."""
    enrolment = draft(id)
    home = enrolments.household_of(enrolment)
    form = WhenToRemind(request.form, clock.today(), any(home.awaited))
    if enrolment.is_open and not form.validate():
        return look(enrolment, home, form, 422)
    try:
        with db.atomic():
            sending = enrolments.submit(enrolment, user(), clock.now(), seen=form.seen, remind_on=form.day)
            if sending.done:
                people = {"number": sending.enrolment.number, "people": len(sending.household.members)}
                audit("enrolment.submit", on=enrolment, account=enrolment.account_id, after=people)
    except enrolments.Closed:
        return closed(enrolment)
    return answer(enrolment, sending, form)


def answer(enrolment, sending, form):
    if sending.done or sending.already:
        if sending.already:
            flash("Cette adhésion était déjà envoyée : rien n’a été fait deux fois.", "info")
        return closed(enrolment)
    if sending.household:
        return redirect(stepping(enrolment).review(sending.household.first_wrong), 303)
    form.version.data = str(sending.enrolment.version)
    whole = enrolment.read_whole()
    return look(whole, enrolments.household_of(whole), form, 409, sending.changed, sending.covered)

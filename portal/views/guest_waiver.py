"""« Je demande à ne pas être couvert »: the employee's case, its questions, what is lost, the signature."""

from flask import Blueprint, abort, request, url_for

from portal import clock, enrolments, entrusting
from portal.access import too_many_tries
from portal.forms.enrolments import as_typed
from portal.forms.guests import WaiverForm
from portal.guest_session import gone, guest
from portal.household import WAIVER
from portal.models import Decision, GuestPurpose
from portal.rendering import redirect_whole, render
from portal.rules import waivers as rules
from portal.views.guest_enrolment import ask_for_code

blueprint = Blueprint("guest_waiver", __name__, url_prefix="/salarie/<uuid:id>/dispense")

ENROL = GuestPurpose.ENROL


@blueprint.get("")
@guest(ENROL)
def show(link):
    """The cases in the employee's words; once one is chosen (`cas`), its questions."""
    reason = request.args.get("cas", "")
    if reason not in rules.OFFERED:
        return render("guest_cases", link=link, cases=[(code, rules.CASES[code]) for code in rules.OFFERED])
    enrolment, home = of(link)
    kept = enrolment.unseal().get(WAIVER, {})
    typed = as_typed(kept) if kept.get("cas") == [reason] else None
    return page(link, WaiverForm(typed, reason, home, link, clock.today()))


def of(link):
    enrolment = link.enrolment.read_whole()
    return enrolment, enrolments.household_of(enrolment)


def page(link, form, status=200):
    return render("guest_waiver", status, link=link, form=form, case=form.case, reason=form.reason, rules=rules)


@blueprint.post("")
@guest(ENROL)
def ask(link):
    """Keep the answers, and send the code that will sign them."""
    reason = request.args.get("cas", "")
    if reason not in rules.OFFERED:
        abort(404)
    enrolment, home = of(link)
    form = WaiverForm(request.form, reason, home, link, clock.today())
    if not form.validate():
        return page(link, form, 422)
    try:
        version = entrusting.keep_waiver(enrolment, form.words(), clock.now())
    except enrolments.Closed:
        return gone()
    wait = ask_for_code(link, Decision.WAIVE, form, home, version)
    if wait:
        form.form_errors.append(too_many_tries(wait))
        return page(link, form, 429)
    return redirect_whole(url_for("guest_signature.show", id=link.public_id))


def address(link):
    """The questions of the case that was chosen."""
    reason = (link.enrolment.unseal().get(WAIVER, {}).get("cas") or [None])[0]
    return url_for("guest_waiver.show", id=link.public_id, cas=reason)

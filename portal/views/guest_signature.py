"""The code that the employee was sent: typed, it signs their enrolment or their waiver, once."""

from flask import Blueprint, redirect, request, url_for

from portal import clock, enrolments, entrusting, guest_session, signing
from portal.access import too_many_tries
from portal.formats import email_masked, phone_masked, plural
from portal.forms.guests import CodeForm
from portal.guest_session import guest
from portal.models import Channel, Decision, GuestPurpose
from portal.rendering import redirect_whole, render
from portal.signing import Tried
from portal.views import guest_enrolment, guest_waiver

blueprint = Blueprint("guest_signature", __name__, url_prefix="/salarie/<uuid:id>/signature")

ENROL = GuestPurpose.ENROL
SAID = {
    Tried.WRONG: "Ce code n’est pas le bon. Vérifiez les six chiffres du dernier message reçu.",
    Tried.OVER: "Ce code ne sert plus : il date de plus de 10 minutes, ou a été essayé trop souvent. "
    "Demandez-en un autre.",
}


def before(link):
    """The page where the decision is taken."""
    return guest_waiver.address(link) if link.decision == Decision.WAIVE else guest_enrolment.look_address(link)


@blueprint.get("")
@guest(ENROL)
def show(link):
    if not link.code_sent_at or not link.decision:
        return redirect(before(link), 303)
    return page(link, CodeForm(None))


def page(link, form, status=200):
    wait = signing.pause(link, clock.now())
    return render("guest_signature", status, link=link, form=form, wait=wait, before=before(link), to=sent_to(link))


def sent_to(link):
    """Where the code went, in words that tell it to its owner alone."""
    to = signing.code_recipient(link)
    if link.code_channel == Channel.SMS:
        return f"par SMS au {phone_masked(to)}"
    return f"par courriel à {email_masked(to)}"


@blueprint.post("")
@guest(ENROL)
def sign(link):
    if not link.code_sent_at or not link.decision:
        return redirect(before(link), 303)
    form, now = CodeForm(request.form), clock.now()
    if not form.validate():
        return page(link, form, 422)
    tried = signing.try_code(link, form.code.data, now)
    guest_session.audit("guest.signature", link, after={"code": tried})
    if tried != Tried.RIGHT:
        form.code.errors = [SAID[tried]]
        return page(link, form, 422)
    return finish(link, now)


def finish(link, now):
    """What was signed is done, once: on to the page that says so. Otherwise back to what has to be looked at."""
    ended = entrusting.sign(link, now)
    if ended is None:  # the other click was a little faster
        return guest_session.finished(link.public_id, now)
    if ended.copy is None:
        return stopped(link) if ended.covered else redirect_whole(before(link))
    guest_session.audit("guest.signed", link, on=link.enrolment, after={"decision": link.decision})
    guest_session.start(ended.copy, now)
    return redirect_whole(url_for("guest_copy.show", id=ended.copy.public_id))


def stopped(link):
    return render("guest_stopped", 409, link=link)


@blueprint.post("/code")
@guest(ENROL)
def send(link):
    """Another code, to the same place: the one before stops."""
    if not link.code_sent_at or not link.decision:
        return redirect(before(link), 303)
    home = enrolments.household_of(link.enrolment.read_whole())
    to, first_name = signing.code_recipient(link), entrusting.first_name_of(home)
    wait = signing.send_code(link, link.code_channel, to, first_name, clock.now())
    if wait:
        form = CodeForm(None)
        form.form_errors.append(too_many_tries(wait) if wait > 60 else f"Patientez {plural(wait, 'seconde')}.")
        return page(link, form, 429)
    guest_session.audit("guest.code", link)
    return redirect_whole(url_for("guest_signature.show", id=link.public_id))

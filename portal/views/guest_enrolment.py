"""The employee completes their own enrolment: what HR entered, the steps that are theirs, the last look, the code."""

from flask import Blueprint, redirect, request, url_for

from portal import clock, enrolments, entrusting, signing
from portal.access import too_many_tries
from portal.enrolments import LAST_LOOK
from portal.forms.guests import SignatureForm
from portal.guest_session import gone, guest
from portal.household import STEPS, YOUR_TITLES
from portal.last_look import summary
from portal.models import Decision, GuestPurpose
from portal.rendering import redirect_whole, render
from portal.views.stepping import Stepping

blueprint = Blueprint("guest_enrolment", __name__, url_prefix="/salarie/<uuid:id>/adhesion")

STEP = f"<any({', '.join(step for step in STEPS if step != 'garantie')}):step>"
ENROL = GuestPurpose.ENROL


def stepping(link):
    id = link.public_id

    def address_of(step):
        if step == LAST_LOOK:
            return url_for("guest_enrolment.last_look", id=id)
        if step == "garantie":  # HR's to say
            return url_for("guest_enrolment.show", id=id)
        return url_for("guest_enrolment.step", id=id, step=step)

    enrolment = link.enrolment.read_whole()
    leave = url_for("guest_enrolment.show", id=id)
    return Stepping(enrolment, None, address_of, leave, page="guest_step", titles=YOUR_TITLES)


@blueprint.get("")
@guest(ENROL)
def show(link):
    """What HR entered, what is asked, and the two ways from here."""
    going = stepping(link)
    home = enrolments.household_of(going.enrolment)
    step = enrolments.first_unanswered(going.enrolment)
    begun = any(step in going.enrolment.saved for step in ("comptes", "conjoint", "enfants"))
    contract, *_ = summary(home)
    return render(
        "guest_enrolment",
        link=link,
        enrolment=going.enrolment,
        home=home,
        contract=contract[2],
        stopped=[sentence for _, _, sentence in entrusting.missing(home)],
        begun=begun,
        onward=going.address_of(step),
    )


@blueprint.get(f"/{STEP}")
@guest(ENROL)
def step(link, step):
    return stepping(link).show(step)


@blueprint.post(f"/{STEP}")
@guest(ENROL)
def save(link, step):
    try:
        return stepping(link).save(step)
    except enrolments.Closed:  # HR took it back meanwhile
        return gone()


# ── The last look ────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/verification")
@guest(ENROL)
def last_look(link):
    going = stepping(link)
    home = enrolments.household_of(going.enrolment)
    if home.first_wrong:
        return redirect(going.review(home.first_wrong), 303)
    return look(link, going, home, SignatureForm(None, home, link, version=going.enrolment.version))


def look(link, going, home, form, status=200, changed=False):
    return render(
        "guest_look",
        status,
        link=link,
        stepping=going,
        enrolment=going.enrolment,
        home=home,
        blocks=summary(home, to_employee=True),
        doubts=[(YOUR_TITLES[step][1], *doubt) for step in STEPS for doubt in home.doubts(step, to_employee=True)],
        proofs=home.asked(to_employee=True),
        form=form,
        changed=changed,
    )


@blueprint.post("/verification")
@guest(ENROL)
def accept(link):
    """Everything is right, accepted and signed by a name: a code goes, which will sign this very version."""
    going = stepping(link)
    home = enrolments.household_of(going.enrolment)
    if home.first_wrong:
        return redirect_whole(going.review(home.first_wrong))
    form = SignatureForm(request.form, home, link)
    if form.seen != going.enrolment.version:
        form.version.data = str(going.enrolment.version)
        return look(link, going, home, form, 409, changed=True)
    if not form.validate():
        return look(link, going, home, form, 422)
    wait = ask_for_code(link, Decision.ENROL, form, home, going.enrolment.version)
    if wait:
        form.form_errors.append(too_many_tries(wait))
        return look(link, going, home, form, 429)
    return redirect_whole(url_for("guest_signature.show", id=link.public_id))


def ask_for_code(link, decision, form, home, version):
    """The seconds to wait before a code can go; 0 when it went, or when one that signs the same is waited for."""
    now, first_name = clock.now(), entrusting.first_name_of(home)
    same = (link.decision, link.typed_name, link.seen_version) == (decision, form.name, version)
    if same and signing.is_waited_for(link, now):
        return 0
    signing.prepare(link, decision, form.name, version)
    return signing.send_code(link, form.channel, form.recipient, first_name, now)


def look_address(link):
    return url_for("guest_enrolment.last_look", id=link.public_id)

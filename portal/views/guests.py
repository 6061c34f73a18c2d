"""The link that an employee was given: who they are, by their birth date; and leaving again."""

from flask import Blueprint, redirect, render_template, request, url_for

from portal import clock, guest_session, guests
from portal.access import public, too_many_tries
from portal.forms.guests import BirthDateForm
from portal.guest_session import gone, guest
from portal.models import GuestLink, GuestPurpose, Throttle, db
from portal.rendering import render_region, wants_fragment

blueprint = Blueprint("guests", __name__, url_prefix="/salarie")

FREE_TRIES, FREE_TRIES_OF_AN_ADDRESS = 5, 20
# Where each kind of link leads once it is opened: an endpoint that takes the link's public id.
HOMES = {
    GuestPurpose.ENROL: "guest_enrolment.show",
    GuestPurpose.COPY: "guest_copy.show",
    GuestPurpose.DEPOSIT: "guest_deposit.show",
}


@blueprint.get("/<token>")
@public
def show(token):
    link = GuestLink.usable(token, clock.now())
    return page(link, BirthDateForm(None, clock.today())) if link else gone()


@blueprint.post("/<token>")
@public
def open_link(token):
    link = GuestLink.usable(token, clock.now())
    return confirm(link) if link else gone()


@blueprint.get("/<uuid:id>/confirmation")
@public
def again(id):
    """The session ended: the same question, in a browser that has answered it before."""
    link = guest_session.opened_before(id)
    return page(link, BirthDateForm(None, clock.today())) if link else gone()


@blueprint.post("/<uuid:id>/confirmation")
@public
def open_again(id):
    link = guest_session.opened_before(id)
    return confirm(link) if link else gone()


def page(link, form, status=200):
    html = render_template("pages/guest_birth_date.html", link=link, form=form, back="id" in request.view_args)
    # The address holds the token: it is told to nobody, not even to ourselves.
    return html, status, {"Referrer-Policy": "strict-origin"}


def confirm(link):
    """Let in who knows the birth date; the tries are counted before they are looked at."""
    form, now = BirthDateForm(request.form, clock.today()), clock.now()
    if not form.validate():
        return page(link, form, 422)
    keys = f"guest:{link.public_id.hex}", f"guest-address:{request.remote_addr}"
    wait = Throttle.wait(keys, now)
    if wait:
        form.form_errors.append(too_many_tries(wait))
        html, status, headers = page(link, form, 429)
        return html, status, headers | {"Retry-After": str(wait)}
    Throttle.count(keys[0], now, FREE_TRIES)
    Throttle.count(keys[1], now, FREE_TRIES_OF_AN_ADDRESS)
    return let_in(link, form, keys, now)


def let_in(link, form, keys, now):
    with db.atomic():
        known = guests.confirm(link, form.born, now)
        guest_session.audit("guest.opened" if known else "guest.refused", link)
        if known:
            Throttle.forgive(keys[0])
            Throttle.take_back(keys[1], now)
    if known:
        guest_session.start(link, now)
        return guest_session.keep(redirect(url_for(HOMES[link.purpose], id=link.public_id), 303))
    if GuestLink.known(link.public_id, now) is None:
        return gone()
    form.refuse()
    return page(link, form, 422)


@blueprint.post("/<uuid:id>/quitter")
@public
def leave(id):
    """« Quitter » ends the session here and in every copy of its cookie."""
    link = guest_session.opened_before(id)
    if link is None:
        return gone()
    with db.atomic():
        link.leave(clock.now())
        guest_session.audit("guest.left", link)
    del guest_session.sessions()[str(id)]
    response = guest_session.keep(redirect(url_for("guests.left"), 303))
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@blueprint.get("/au-revoir")
@public
def left():
    return render_template("pages/guest_left.html")


@blueprint.post("/<uuid:id>/prolonger")
@guest()
def extend(link):
    """« Continuer »: being called is enough, the session was seen."""
    if wants_fragment():
        return render_region("guest_idle", link=link)
    return render_template("pages/guest_extended.html", link=link)

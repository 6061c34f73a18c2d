"""The session of an employee who opened a link: a cookie of its own, checked against the link at each request."""

import datetime
from dataclasses import dataclass
from functools import wraps

from flask import current_app, g, make_response, redirect, render_template, request, url_for
from htmx_flask import make_response as answer_htmx
from itsdangerous import BadSignature, URLSafeSerializer

from portal import alarms, clock
from portal.access import note_link, origin, public
from portal.models import AuditEvent, GuestLink, GuestPurpose
from portal.rendering import redirect_whole, wants_fragment

COOKIE, PATH = "salarie", "/salarie"  # sent to no page of the companies' side, whose own cookie is not read here
IDLE, LONGEST = datetime.timedelta(minutes=30), datetime.timedelta(hours=12)
MOST = 4  # links open in one browser: a couple, or an enrolment and then its documents


@dataclass(frozen=True)
class GuestSession:
    """A link that this browser has opened: when, and when it was last used."""

    started: datetime.datetime
    seen: datetime.datetime

    def alive(self, link, now):
        left = link.left_at is not None and self.started <= link.left_at
        return not left and now - self.seen <= IDLE and now - self.started <= LONGEST


def signer():
    return URLSafeSerializer(current_app.settings.secret_key, salt="guest session")


def sessions():
    """Those of this browser, over or not, by the public id of their link: as the cookie told them, then as changed."""
    if "guest_sessions" not in g:
        g.guest_sessions = told(request.cookies.get(COOKIE, ""))
    return g.guest_sessions


def told(cookie):
    try:
        kept = signer().loads(cookie)
        return {id: GuestSession(*map(datetime.datetime.fromisoformat, times)) for id, times in kept.items()}
    except (BadSignature, AttributeError, TypeError, ValueError):
        return {}


def start(link, now):
    """This browser may go on with a link, the latest of those that it has open."""
    sessions().pop(str(link.public_id), None)
    sessions()[str(link.public_id)] = GuestSession(now, now)


def keep(response):
    """Leave the sessions in the browser, the last MOST of them, until it is closed."""
    last = list(sessions().items())[-MOST:]
    response.set_cookie(
        COOKIE,
        signer().dumps({id: (one.started.isoformat(), one.seen.isoformat()) for id, one in last}),
        secure=current_app.settings.over_tls,
        httponly=True,
        samesite="Lax",
        path=PATH,
    )
    return response


def guest(*purposes):
    """Open a view to the employee who opened the very link that its address names (`id`), for one of these purposes.

    The view gets the link instead of the id. For Flask-Login it is public: a user who is signed in has no way in.
    """
    purposes = {GuestPurpose(purpose) for purpose in purposes} or set(GuestPurpose)

    def decorate(view):
        @wraps(view)
        def guarded(id, **values):
            now, session = clock.now(), sessions().get(str(id))
            link = GuestLink.known(id, now) if session else None
            if link is None and session:
                return finished(id, now)
            if link is None or link.purpose not in purposes:
                return gone()
            if not session.alive(link, now):
                return ask_again(link)
            g.guest = link
            sessions()[str(id)] = GuestSession(session.started, now)
            return keep(make_response(view(link, **values)))

        guarded.guest = purposes
        return public(guarded)

    return decorate


def finished(id, now):
    """Signed, a moment ago or in another tab: on to what was signed, for the browser that had the link open."""
    ended = GuestLink.ended_by(id)
    copy = ended.copy(now) if ended and sessions()[str(id)].alive(ended, now) else None
    if copy is None:
        return gone()
    start(copy, now)
    return keep(redirect_whole(url_for("guest_copy.show", id=copy.public_id)))


def gone():
    """One answer for a link that never was, that is over, or that this browser has not opened."""
    note_link()
    if wants_fragment():
        return answer_htmx("", 404, refresh=True)
    return render_template("pages/guest_gone.html"), 404


def ask_again(link):
    """Unused for too long: the birth date again, then on where one was."""
    where = url_for("guests.again", id=link.public_id)
    return answer_htmx("", 401, redirect=where) if wants_fragment() else redirect(where, 303)


def opened_before(id):
    """The link of this id, when this browser has opened it at some time; None otherwise."""
    return GuestLink.known(id, clock.now()) if str(id) in sessions() else None


def audit(action, link, on=None, **details):
    """Write down what the employee does, and from where: never under the name of a user who is signed in."""
    details.setdefault("account", account_of(link))
    alarms.of_event(action, None, origin(), current_app.settings, clock.now())
    return AuditEvent.write(action, on=on or link, origin=origin(), role="guest", **details)


def account_of(link):
    return link.beneficiary.account_id if link.beneficiary_id else link.enrolment.account_id

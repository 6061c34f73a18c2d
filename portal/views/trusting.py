"""The cookie by which a browser is known as one that its users trust: a token for each of them."""

from flask import current_app, request

from portal import clock
from portal.models import TrustedDevice

MANY = 5  # people of one browser


def name():
    return "__Host-confiance" if current_app.settings.over_tls else "confiance"


def tokens():
    return [token for token in request.cookies.get(name(), "").split(".") if token][:MANY]


def trust(response, user):
    """Ask this browser for no second factor of theirs, for a while."""
    token = TrustedDevice.trust(user, user.session.browser, clock.now())
    response.set_cookie(
        name(),
        ".".join([token, *tokens()][:MANY]),
        max_age=int(TrustedDevice.LASTS.total_seconds()),
        secure=current_app.settings.over_tls,
        httponly=True,
        samesite="Lax",
        path="/",
    )
    return response

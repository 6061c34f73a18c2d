"""« Confirmez que c’est bien vous »: before what is not done by whoever sits at an open session.

It is no address of its own: the answer to the form that was sent holds all that was typed, and sends it again to the
same view with the password, and the code where there is one; or with what a passkey answered, which is two factors by
itself. Right, the view goes on as if nothing had been asked.
"""

from flask import current_app, render_template, request
from flask_login import current_user
from htmx_flask import make_response

from portal.access import ask_to_sign_in, audit, here, renew_session
from portal.forms.factor import ProofForm
from portal.rendering import address, wants_fragment
from portal.views import presence
from portal.views.factor import by

PASSWORD, KEY = "preuve_mot_de_passe", "preuve_cle"  # nosec B105


def init_app(app):
    app.before_request(ask)


def ask():
    """Let a fresh session pass, and one whose user has just shown what they sign in with."""
    when = getattr(current_app.view_functions.get(request.endpoint), "fresh", None)
    if when is None or request.method != "POST" or not current_user.is_authenticated:
        return None
    if presence.is_fresh() or not when():
        return None
    by_key, by_password = KEY in request.form, PASSWORD in request.form
    form = ProofForm(presence.has_code(), **({} if by_password else {"formdata": None}))
    if not (by_key or by_password):
        return show(form, 403)
    right = presence.shows_key(form, request.form[KEY]) if by_key else form.validate() and presence.proves(form)
    if not right:
        audit("session.unproved", on=by())
        return show(form, 422)
    if not renew_session():
        return ask_to_sign_in()
    audit("session.prove", on=by())
    return None


def show(form, status):
    typed = [(name, text) for name, texts in request.form.lists() for text in texts if is_typed(name)]
    by_key = "credential" not in request.form and presence.has_key()  # a key that is added holds the one challenge
    words = {"form": form, "typed": typed, "action": address(), "back": here(), "by_key": by_key}
    if wants_fragment():
        html = render_template("partials/confirming.html", **words)
        return make_response(html, status, retarget="#main", reswap="innerHTML", push_url=False)
    return render_template("pages/confirming.html", **words), status


def is_typed(name):
    return name != "csrf_token" and not name.startswith("preuve_")

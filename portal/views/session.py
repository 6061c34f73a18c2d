"""Signing in and out, and staying signed in."""

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_login import current_user
from itsdangerous import BadSignature, URLSafeSerializer

from portal import clock, credentials, factors
from portal.access import (
    audit,
    close_session,
    half_open,
    hash_of_identifier,
    open_session,
    public,
    safe_path,
    too_many_tries,
    while_viewing,
)
from portal.forms.session import SignIn
from portal.models import AuditEvent, Throttle, User, db
from portal.rendering import render_region, wants_fragment
from portal.views import trusting

blueprint = Blueprint("session", __name__)

FREE_TRIES, FREE_TRIES_OF_AN_ADDRESS = 5, 20
DEVICE = "appareil"


@blueprint.get("/connexion")
@public
def new():
    if current_user.is_authenticated:
        return redirect(safe_path(request.args.get("suite", "/")))
    return show(SignIn())


@blueprint.post("/connexion")
@public
def create():
    form = SignIn()
    if not form.validate():
        return show(form, 422)
    account, origin = throttle_keys(form.identifiant.data)
    wait = Throttle.wait((account, origin), clock.now())
    if wait:
        form.form_errors.append(too_many_tries(wait))
        return *show(form, 429), {"Retry-After": str(wait)}
    count_try(account, origin)
    user = User.known(form.identifiant.data)
    if not credentials.verify(user, form.mot_de_passe.data):
        audit("session.refused", by=user)
        form.form_errors.append(
            "Cet identifiant et ce mot de passe ne vont pas ensemble. Vérifiez-les, puis réessayez."
        )
        return show(form, 422)
    return let_in(user, form.mot_de_passe.data, account, origin)


def show(form, status=200):
    return render_template("pages/session.html", form=form, suite=request.args.get("suite", "")), status


def throttle_keys(identifier):
    """What is slowed down: the account (or this browser of the account, when it signed in before), and the address.

    A stranger who tries passwords slows the account down for unknown browsers, never for its owner's own.
    """
    name = hash_of_identifier(identifier)
    kind = "device" if known_device(name) else "account"
    return f"{kind}:{name}", f"address:{request.remote_addr}"


def count_try(account, origin):
    now = clock.now()
    Throttle.count(account, now, FREE_TRIES)
    Throttle.count(origin, now, FREE_TRIES_OF_AN_ADDRESS)


def let_in(user, password, account, origin):
    """The password is right: a session, or half of one where the second factor is still to be shown."""
    now, suite = clock.now(), request.args.get("suite") or first_page_of(user)
    due = factors.is_due(user, current_app.settings.factor_asked, trusting.tokens(), now)
    with db.atomic():
        Throttle.forgive(account)
        Throttle.take_back(origin, now)
        if credentials.is_stale(user.password_hash):
            user.password_hash = credentials.hash_password(password)
            user.save(only=[User.password_hash])
        open_session(user, factor_due=due)
        if due:
            audit("session.password", on=user, by=user)
            return redirect(url_for("factor.ask", **({"suite": suite} if suite != "/" else {})), 303)
        begin(user, now)
    return remember_device(redirect(safe_path(suite), 303), user)


def first_page_of(user):
    return url_for("desk.index") if user.is_staff else "/"


def begin(user, now):
    """Somebody is in: written down, and told to them when it is from a browser that was not seen before."""
    known = known_device(hash_of_identifier(user.identifier))
    if not known and AuditEvent.was_done("session.start", user):
        factors.tell(user, "new_device", now, browser=user.session.browser, at=now)
    audit("session.start", on=user, by=user)


def devices():
    return URLSafeSerializer(current_app.settings.secret_key, salt="known device")


def known_device(name):
    try:
        return name in devices().loads(request.cookies.get(DEVICE, ""))
    except BadSignature:
        return False


def remember_device(response, user):
    name = hash_of_identifier(user.identifier)
    try:
        names = [known for known in devices().loads(request.cookies.get(DEVICE, "")) if known != name]
    except BadSignature:
        names = []
    response.set_cookie(
        DEVICE,
        devices().dumps([name, *names][:5]),
        max_age=180 * 24 * 3600,
        secure=current_app.settings.over_tls,
        httponly=True,
        samesite="Lax",
        path="/connexion",
    )
    return response


@blueprint.get("/deconnexion")
@public
def leave():
    """A page with the button: an address that is only read signs nobody out."""
    if not current_user.is_authenticated:
        return redirect(url_for("home.index"))
    return render_template("pages/leave.html")


@blueprint.post("/deconnexion")
@public
@half_open
def destroy():
    if current_user.is_authenticated:
        with db.atomic():
            audit("session.end", on=current_user._get_current_object())
            close_session()
        flash("Vous êtes déconnecté.", "ok")
    response = redirect(url_for("session.new"), 303)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@blueprint.post("/session/prolonger")
@while_viewing
def extend():
    """« Continuer »: being called is enough, the session was seen (`access.load_user`)."""
    if wants_fragment():
        return render_region("idle")
    return render_template("pages/extended.html")

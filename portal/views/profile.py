"""« Mon compte »: profile, display, notifications, password, and the sessions that are open."""

from flask import Blueprint, current_app, flash, redirect, request, url_for
from flask_login import current_user

from portal import clock, credentials, factors
from portal.access import audit
from portal.forms.profile import Display, Notifications
from portal.forms.session import ChangedPassword
from portal.models import RecoveryCode, SecondFactor, User, UserSession, db
from portal.rendering import get_or_404, render
from portal.views import presence

blueprint = Blueprint("profile", __name__, url_prefix="/compte")


@blueprint.get("")
def show():
    return page()


def page(status=200, **forms):
    shown = {"apparence": current_user.appearance, "lignes": current_user.rows_per_page}
    forms.setdefault("display", Display(formdata=None, **shown))
    forms.setdefault("notifications", Notifications.of(current_user.deliveries()))
    forms.setdefault("password", ChangedPassword(current_user, formdata=None))
    digest_at = current_app.settings.digest_time.strftime("%-H h %M")
    sessions = list(current_user.open_sessions(clock.now()))
    return render("profile", status, sessions=sessions, digest_at=digest_at, **forms, **second_factor())


def second_factor():
    """What « Double authentification » shows."""
    user = current_user._get_current_object()
    applications = list(SecondFactor.of(user))
    return {
        "factors": applications,
        "with_code": applications and not presence.is_fresh(),
        "recovery": applications and RecoveryCode.left(user).count(),
        "passkeys": applications and list(user.passkeys()),
        "devices": applications and list(user.trusted_devices(clock.now())),
        "mandatory": factors.is_mandatory(current_app.settings.factor_asked),
    }


@blueprint.post("/affichage")
def update_display():
    form = Display()
    if not form.validate():
        return page(422, display=form)
    current_user.appearance, current_user.rows_per_page = form.apparence.data, form.lignes.data
    current_user.save(only=[User.appearance, User.rows_per_page])
    flash("L’affichage est enregistré.", "ok")
    return redirect(url_for("profile.show"), 303)


@blueprint.post("/notifications")
def update_notifications():
    form = Notifications()
    if not form.validate():
        return page(422, notifications=form)
    deliveries = form.deliveries()
    with db.atomic():
        before = current_user.deliveries()
        current_user.choose_deliveries(deliveries)
        audit("notifications.choose", on=current_user._get_current_object(), before=before, after=deliveries)
    flash("Vos choix sont enregistrés. Ils valent aussi pour ce qui attend de partir.", "ok")
    return redirect(url_for("profile.show"), 303)


@blueprint.post("/mot-de-passe")
def update_password():
    form = ChangedPassword(current_user)
    if not (form.validate() and is_current(form)):
        return page(422, password=form)
    with db.atomic():
        hashed = credentials.hash_password(form.mot_de_passe.data)
        current_user.change_password(hashed, clock.now(), but=current_user.session)
        audit("password.change", on=current_user._get_current_object())
    flash("Votre mot de passe est changé. Vos autres sessions sont fermées.", "ok")
    return redirect(url_for("profile.show"), 303)


def is_current(form):
    """The present password; and the code too, or a passkey, where there is one, a while after the sign-in."""
    if not presence.knows_password(form.actuel.data):
        form.actuel.errors = ["Ce n’est pas votre mot de passe actuel. Vérifiez-le, puis réessayez."]
        return False
    asked = presence.asked()
    if asked["key"] and "preuve_cle" in request.form:
        return asked["key"](form, form.preuve_cle.data or "")
    code = asked["code"]
    if code and not code(form.preuve.data or ""):
        form.preuve.errors = ["Ce code n’est pas le bon, ou a déjà servi. Attendez le suivant, puis écrivez-le."]
        return False
    return True


@blueprint.post("/sessions/<uuid:id>/fin")
def end_session(id):
    ended = get_or_404(current_user.open_sessions(clock.now()), UserSession.public_id == id)
    with db.atomic():
        ended.end(clock.now())
        audit("session.revoke", on=ended)
    flash("La session est fermée.", "ok")
    return redirect(url_for("profile.show"), 303)


@blueprint.post("/sessions/fin")
def end_other_sessions():
    with db.atomic():
        UserSession.end_all(current_user._get_current_object(), clock.now(), but=current_user.session)
        audit("session.revoke_others", on=current_user._get_current_object())
    flash("Toutes vos autres sessions sont fermées.", "ok")
    return redirect(url_for("profile.show"), 303)

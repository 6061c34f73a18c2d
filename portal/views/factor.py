"""The second step of a sign-in: a code of the application, or one of recovery."""

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_login import current_user

from portal import clock, factors
from portal.access import (
    ask_to_sign_in,
    audit,
    half_open,
    hash_of_identifier,
    renew_session,
    safe_path,
    too_many_tries,
)
from portal.formats import plural
from portal.forms.factor import CodeForm, RecoveryForm
from portal.models import Passkey, RecoveryCode, SecondFactor, db
from portal.views import trusting
from portal.views.session import begin, known_device, remember_device

blueprint = Blueprint("factor", __name__, url_prefix="/connexion")


def by():
    return current_user._get_current_object()


def suite():
    """Where one was going: kept in each address of these pages."""
    wanted = request.args.get("suite", "/")
    return {"suite": wanted} if wanted != "/" else {}


def onward():
    return redirect(safe_path(request.args.get("suite", "/")), 303)


@blueprint.get("/code")
@half_open
def ask():
    if not current_user.session.factor_due:
        return onward()
    if not SecondFactor.of(by()).exists():
        return redirect(url_for("first_factor.new", **suite()), 303)
    return show(form_asked())


def form_asked():
    return RecoveryForm() if request.args.get("secours") == "oui" else CodeForm()


def show(form, status=200):
    trusted = current_app.settings.factor_asked != "always"
    keys = Passkey.of(by()).exists()
    return render_template("pages/factor.html", form=form, suite=suite(), trusted=trusted, keys=keys), status


@blueprint.post("/code")
@half_open
def check():
    if not current_user.session.factor_due:
        return onward()
    form, now, name = form_asked(), clock.now(), counted_as()
    if not form.validate():
        return show(form, 422)
    wait = factors.wait(name, now)
    if wait:
        form.form_errors.append(too_many_tries(wait))
        return *show(form, 429), {"Retry-After": str(wait)}
    shown = factors.show(by(), form.code.data, now)
    if shown == factors.Shown.WRONG:
        audit("factor.refused", on=by())
        form.code.errors = [form.wrong]
        return show(form, 422)
    factors.take_back(name, now)
    return let_in(form.confiance.data, shown)


def counted_as():
    """Whose codes are counted: of the account, or of this browser when it signed in before.

    A stranger who has the password uses up the codes of unknown browsers, never those of the owner's own.
    """
    name = hash_of_identifier(current_user.identifier)
    return f"code-{'device' if known_device(name) else 'account'}:{name}"


def let_in(trust, shown):
    now = clock.now()
    with db.atomic():
        if not renew_session():
            return ask_to_sign_in()
        if shown == factors.Shown.RECOVERY:
            audit("factor.recover", on=by())
            left = plural(RecoveryCode.left(by()).count(), "code")
            flash(f"Ce code de secours a servi\u00a0: il vous en reste {left}.", "ok")
        if by().factor_asked_at:
            factors.is_not_lost(by())
        begin(by(), now)
        response = remember_device(onward(), by())
        return trusting.trust(response, by()) if trust and current_app.settings.factor_asked != "always" else response

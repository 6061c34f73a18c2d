"""An application of codes is added: as the second step of a sign-in, where it is mandatory and there is none yet."""

from flask import Blueprint, current_app, redirect, render_template, request, url_for

from portal import clock, factors
from portal.access import ask_to_sign_in, audit, half_open, renew_session, safe_path
from portal.forms.factor import AddedFactor
from portal.models import SecondFactor, db
from portal.views.factor import by, suite
from portal.views.session import begin, remember_device

blueprint = Blueprint("first_factor", __name__, url_prefix="/connexion/double-authentification")


def not_here():
    """Only half of a sign-in adds an application here, and only when there is none: a password alone adds no other."""
    if not by().session.factor_due:
        return redirect(url_for("profile.show"), 303)
    return redirect(url_for("factor.ask", **suite()), 303) if SecondFactor.of(by()).exists() else None


@blueprint.get("")
@half_open
def new():
    return not_here() or render_template("pages/factor_new.html", suite=suite())


@blueprint.post("")
@half_open
def create():
    stop = not_here()
    if stop:
        return stop
    factors.begin(by(), clock.now())
    return redirect(url_for("first_factor.key", **suite()), 303)


@blueprint.get("/cle")
@half_open
def key():
    factor = SecondFactor.begun(by())
    return not_here() or (
        show_key(factor, AddedFactor()) if factor else redirect(url_for("first_factor.new", **suite()))
    )


def show_key(factor, form, status=200):
    action = url_for("first_factor.confirm", **suite())
    return render_key(factor, form, action, url_for("first_factor.new", **suite()), True), status


def render_key(factor, form, action, back, half):
    drawing, typed = factors.told(factor, by(), current_app.settings.brand_name)
    words = {"drawing": drawing, "key": typed, "action": action, "back": back, "half": half}
    return render_template("pages/factor_key.html", form=form, **words)


@blueprint.post("/cle")
@half_open
def confirm():
    factor, form = SecondFactor.begun(by()), AddedFactor()
    stop = not_here() or (None if factor else redirect(url_for("first_factor.new", **suite()), 303))
    if stop:
        return stop
    codes = tried(factor, form)
    if codes is None:
        return show_key(factor, form, 422)
    with db.atomic():
        if not renew_session():
            return ask_to_sign_in()
        begin(by(), clock.now())
    page = render_template(
        "pages/factor_codes.html", codes=codes, onward=safe_path(request.args.get("suite", "/")), half=True
    )
    return remember_device(current_app.make_response(page), by())


def tried(factor, form):
    """Codes of recovery of an application that now counts ([]: there are some already); None, and why at the field."""
    now = clock.now()
    shown = factors.step(factor, form.code.data, now) if form.validate() else None
    if shown is not None:
        drawn = {} if SecondFactor.of(by()).exists() else factors.draw_codes()
        with db.atomic():
            if factors.confirm(factor, by(), form.nom.data, shown, drawn, now):
                audit("factor.add", on=by())
                return list(drawn)
    if not form.errors:
        form.code.errors = ["Ce code n’est pas le bon. Vérifiez l’heure de votre téléphone, puis écrivez le suivant."]
    return None

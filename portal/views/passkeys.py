"""Passkeys: the second step of a sign-in; added and removed in « Mon compte », beside an application of codes."""

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from flask_login import current_user

from portal import clock, factors
from portal.access import audit, fresh, half_open, too_many_tries
from portal.forms.factor import NO_ANSWER, NO_SCRIPT, AddedPasskey, CodeForm
from portal.models import Passkey, SecondFactor, db
from portal.rendering import get_or_404
from portal.views.factor import by, counted_as, let_in, onward, show
from portal.views.factors import back
from portal.views.presence import keys

blueprint = Blueprint("passkeys", __name__)


def as_json(text):
    return Response(text, mimetype="application/json")


@blueprint.post("/connexion/cle-acces/defi")
@half_open
def challenge():
    return as_json(keys().ask(by(), current_user.session, current_app.settings))


@blueprint.post("/connexion/cle-acces")
@half_open
def check():
    if not current_user.session.factor_due:
        return onward()
    form, now, name, answer = CodeForm(formdata=None), clock.now(), counted_as(), request.form.get("credential", "")
    wait = factors.wait(name, now)
    if wait:
        form.form_errors = [too_many_tries(wait)]
        return *show(form, 429), {"Retry-After": str(wait)}
    if not keys().is_right(by(), current_user.session, current_app.settings, answer, now):
        audit("factor.refused", on=by())
        form.form_errors = [NO_ANSWER if answer else NO_SCRIPT]
        return show(form, 422)
    factors.take_back(name, now)
    return let_in(request.form.get("confiance"), factors.Shown.PASSKEY)


# ── « Mon compte » ───────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/compte/cles-acces")
def new():
    if not SecondFactor.of(by()).exists():
        return back("Ajoutez d’abord une application de codes\u00a0: une clé d’accès s’y ajoute.", "warn")
    return page(AddedPasskey(formdata=None))


def page(form, status=200):
    return render_template("pages/passkey.html", form=form), status


@blueprint.post("/compte/cles-acces/defi")
def challenge_new():
    return as_json(keys().ask_new(by(), current_user.session, current_app.settings))


@blueprint.post("/compte/cles-acces")
@fresh()
def create():
    if not SecondFactor.of(by()).exists():
        return redirect(url_for("passkeys.new"), 303)
    form, now = AddedPasskey(), clock.now()
    if not form.validate():
        return page(form, 422)
    with db.atomic():
        made = keys().add(by(), current_user.session, current_app.settings, form.nom.data, form.credential.data, now)
        if made:
            factors.tell(by(), "factor_added", now)
            audit("factor.add", on=by())
    if made is None:
        form.form_errors = [NO_ANSWER if form.credential.data else NO_SCRIPT]
        return page(form, 422)
    return back("La clé d’accès est ajoutée.")


@blueprint.post("/compte/cles-acces/<uuid:id>/retrait")
@fresh()
def remove(id):
    key, now = get_or_404(current_user.passkeys(), Passkey.public_id == id), clock.now()
    with db.atomic():
        key.delete_instance()
        factors.tell(by(), "factor_removed", now)
        audit("factor.remove", on=by())
    return back("La clé d’accès est retirée.")

"""« Double authentification » of « Mon compte »: applications, codes of recovery, browsers that are trusted."""

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask_login import current_user

from portal import clock, factors
from portal.access import audit, fresh
from portal.forms.factor import AddedFactor, FactorName
from portal.models import RecoveryCode, SecondFactor, TrustedDevice, db
from portal.rendering import get_or_404
from portal.views.factor import by
from portal.views.first_factor import render_key, tried

blueprint = Blueprint("factors", __name__, url_prefix="/compte/double-authentification")


def back(sentence, tone="ok"):
    flash(sentence, tone)
    return redirect(url_for("profile.show", _anchor="double-authentification"), 303)


@blueprint.post("")
@fresh()
def create():
    begun = factors.begin(by(), clock.now())
    return redirect(url_for("factors.edit", id=begun.public_id), 303)


@blueprint.get("/<uuid:id>")
def edit(id):
    return show(begun(id), AddedFactor())


def begun(id):
    return get_or_404(current_user.factors(), SecondFactor.public_id == id, SecondFactor.confirmed_at.is_null())


def show(factor, form, status=200):
    action = url_for("factors.confirm", id=factor.public_id)
    return render_key(factor, form, action, url_for("profile.show"), False), status


@blueprint.post("/<uuid:id>")
@fresh()
def confirm(id):
    factor, form = begun(id), AddedFactor()
    codes = tried(factor, form)
    if codes is None:
        return show(factor, form, 422)
    return show_codes(codes) if codes else back("L’application est ajoutée.")


def show_codes(codes):
    """The answer to this very click: the codes have no address."""
    return render_template("pages/factor_codes.html", codes=codes, onward=url_for("profile.show"), half=False)


@blueprint.get("/<uuid:id>/nom")
def name(id):
    factor = kept(id)
    return render_template("pages/factor_name.html", factor=factor, form=FactorName(data={"nom": factor.name}))


def kept(id):
    return get_or_404(current_user.factors(), SecondFactor.public_id == id, SecondFactor.confirmed_at.is_null(False))


@blueprint.post("/<uuid:id>/nom")
def rename(id):
    factor, form = kept(id), FactorName()
    if not form.validate():
        return render_template("pages/factor_name.html", factor=factor, form=form), 422
    with db.atomic():
        factor.rename(form.nom.data)
        audit("factor.rename", on=by())
    return back("Le nom est changé.")


@blueprint.post("/<uuid:id>/retrait")
@fresh()
def remove(id):
    factor = kept(id)
    with db.atomic():
        if not factors.remove(factor, by(), current_app.settings.factor_asked, clock.now()):
            return back("C’est votre seule application\u00a0: ajoutez-en une autre avant de retirer celle-ci.", "warn")
        audit("factor.remove", on=by())
    return back("L’application est retirée.")


@blueprint.post("/codes")
@fresh()
def renew():
    """New codes of recovery, where there is something to recover from."""
    if not SecondFactor.of(by()).exists():
        return back("Ajoutez d’abord une application.", "warn")
    drawn = factors.draw_codes()
    with db.atomic():
        RecoveryCode.replace(by(), drawn.values())
        audit("factor.codes", on=by())
    return show_codes(list(drawn))


@blueprint.post("/appareils/<uuid:id>/retrait")
def distrust(id):
    device = get_or_404(current_user.trusted_devices(clock.now()), TrustedDevice.public_id == id)
    with db.atomic():
        device.delete_instance()
        audit("factor.distrust", on=by())
    return back("Le code sera demandé à cet appareil.")


@blueprint.post("/appareils/retrait")
def distrust_all():
    with db.atomic():
        TrustedDevice.forget(by())
        audit("factor.distrust", on=by())
    return back("Le code sera demandé à tous vos appareils.")

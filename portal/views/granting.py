"""An « habilitation » given, changed, taken back; the invitation that goes with it."""

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user
from peewee import IntegrityError

from portal import clock, grants
from portal.access import audit, fresh, refuse_while, requires
from portal.formats import of_name
from portal.forms.grants import ChangeForm, GrantForm
from portal.models import Outdated, PermissionGrant, Throttle, db
from portal.rendering import get_or_404, render
from portal.views.granted import facts, told
from portal.views.recording import TWICE, by
from portal.views.scope import current_scope
from portal.views.seen_whole import places

blueprint = Blueprint("granting", __name__, url_prefix="/habilitations")

INVITED_A_DAY = 50
MEANWHILE = "Quelqu’un a changé cette habilitation entre-temps. Voici ce qui est enregistré maintenant."
LAST = (
    "Cette personne est la dernière à gérer les habilitations de ce compte. "
    "Donnez d’abord ce droit, sans date de fin, à quelqu’un d’autre."
)
OWN = "C’est votre propre habilitation : seule une autre personne qui gère les habilitations peut la changer."


@blueprint.get("/nouvelle")
@requires("habilitate")
def new():
    account = current_scope().account
    if account is None:
        flash("Choisissez d’abord le compte, en haut de la page : une habilitation est donnée pour l’un d’eux.", "warn")
        return redirect(url_for("grants.index"), 303)
    return render("grant_new", form=form_of(account, None), account=account.account_name)


def form_of(account, typed):
    offered = places(account.account_id, each_college=True)
    return GrantForm(typed, clock.today(), grants.may_give(current_user), offered, by())


@blueprint.post("/nouvelle")
@requires("habilitate")
@fresh()
def create():
    account = current_scope().account
    if account is None:
        return new()
    form = form_of(account, request.form)
    if not form.validate():
        return render("grant_new", 422, form=form, account=account.account_name)
    now, key = clock.now(), f"invite:{current_user.id}"
    refuse_while(Throttle.wait((key,), now))
    try:
        with db.atomic():
            Throttle.count(key, now, INVITED_A_DAY, slowest=86_400)
            grant = grants.give(by(), form.person, form.place, form.values(), now, form.key)
            note("grant.give", grant)
    except IntegrityError:  # the same form, sent twice
        flash(TWICE, "info")
    else:
        flash(f"L’habilitation {of_name(grant.name)} est enregistrée. Un courriel l’en prévient.", "ok")
    return redirect(url_for("grants.index"), 303)


def note(action, grant, before=None):
    audit(action, on=grant, account=grant.account_id, before=before, after=facts(grant))


# ── Change, take back ────────────────────────────────────────────────────────────────────────────────────────────


def found(id):
    return get_or_404(PermissionGrant.whole(current_user.managed_grants()), PermissionGrant.public_id == id)


@blueprint.get("/<uuid:id>")
@requires("habilitate")
def edit(id):
    return page(found(id))


def page(grant, form=None, status=200):
    return render("grant", status, grant=told(grant, clock.now()), form=form or change_form(grant))


def change_form(grant, typed=None):
    return ChangeForm.of(typed, clock.today(), grants.may_give(current_user), grant)


@blueprint.post("/<uuid:id>")
@requires("habilitate")
@fresh()
def update(id):
    grant = found(id)
    if grant.user_id == current_user.id:
        flash(OWN, "warn")
        return redirect(url_for("granting.edit", id=id), 303)
    form, before = change_form(grant, request.form), facts(grant)
    if not form.validate():
        return page(grant, form, 422)
    try:
        with db.atomic():
            grants.change(grant, form.values(), clock.now(), form.seen, current_user.is_staff)
            note("grant.change", found(id), before)
    except Outdated:
        flash(MEANWHILE, "warn")
        return page(found(id), status=409)
    except grants.LastAdministrator:
        form.form_errors.append(LAST)
        return page(grant, form, 422)
    flash("L’habilitation est changée\u00a0: elle vaut dès maintenant.", "ok")
    return redirect(url_for("grants.index"), 303)


@blueprint.post("/<uuid:id>/retrait")
@requires("habilitate")
@fresh()
def end(id):
    grant = found(id)
    try:
        with db.atomic():
            if grants.end(grant, clock.now(), current_user.is_staff):
                note("grant.end", grant)
    except grants.LastAdministrator:
        flash(LAST, "warn")
        return redirect(url_for("granting.edit", id=id), 303)
    flash(f"L’habilitation {of_name(grant.name)} est retirée : elle n’ouvre plus rien.", "ok")
    return redirect(url_for("grants.index"), 303)


@blueprint.post("/<uuid:id>/invitation")
@requires("habilitate")
def invite_again(id):
    """Another link, for somebody who has not chosen a password yet."""
    grant, now = found(id), clock.now()
    keys = {f"invite:{current_user.id}": INVITED_A_DAY, f"invited:{grant.user_id}": 3}
    refuse_while(Throttle.wait(keys, now))
    if not grant.user.has_password and not grant.is_over(clock.day_of(now)):
        with db.atomic():
            for key, free in keys.items():
                Throttle.count(key, now, free, slowest=86_400)
            grants.tell(grant, now)
            audit("grant.invite_again", on=grant, account=grant.account_id)
    flash("Une nouvelle invitation est partie.", "ok")
    return redirect(url_for("grants.index"), 303)

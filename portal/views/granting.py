"""An « habilitation » given, changed, taken back; the invitation that goes with it."""

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user
from peewee import IntegrityError

from portal import clock, grants
from portal.access import audit, refuse_while, requires
from portal.forms.grants import ChangeForm, GrantForm
from portal.models import Company, EmployeeCategory, ManagedAccount, Outdated, PermissionGrant, Throttle, db
from portal.rendering import get_or_404, render
from portal.rules import rights
from portal.threads import Place
from portal.views import presence
from portal.views.grants import is_over, told
from portal.views.recording import TWICE, by
from portal.views.scope import current_scope

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
    return GrantForm(typed, clock.today(), places(account.account_id), grants.may_give(current_user), password())


def password():
    return None if presence.is_fresh() else presence.knows_password


def places(account):
    """Where this person may give rights: [(key, label, Place)]; the account, its companies, its colleges."""
    rows = EmployeeCategory.with_companies(current_user.categories().where(EmployeeCategory.account == account))
    whole = current_user.accounts_seen_whole().where(ManagedAccount.id == account).exists()
    of_account = current_user.whole_company_ids().where(Company.account == account)
    companies = {company for (company,) in of_account.tuples()}
    found = {"tout": ("Tout le compte", Place(account))} if whole else {}
    for row in rows:
        if row.company_id in companies:
            found.setdefault(row.company.code, (row.company.label, Place(account, row.company)))
        found[row.key] = (f"{row.company.label}, {row.label}", Place(account, row.company, row))
    return [(key, label, place) for key, (label, place) in found.items()]


@blueprint.post("/nouvelle")
@requires("habilitate")
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
        flash(f"L’habilitation de {grant.name} est enregistrée. Un courriel l’en prévient.", "ok")
    return redirect(url_for("grants.index"), 303)


def note(action, grant, before=None):
    audit(action, on=grant, account=grant.account_id, before=before, after=facts(grant))


def facts(grant):
    """What the audit trail keeps of a grant."""
    return {
        "user": str(grant.user.public_id),
        "company": grant.company_id,
        "category": grant.category_id,
        "actions": grant.actions,
        "from": str(grant.valid_from),
        "to": str(grant.valid_to or ""),
    }


# ── Change, take back ────────────────────────────────────────────────────────────────────────────────────────────


def found(id):
    return get_or_404(PermissionGrant.whole(current_user.managed_grants()), PermissionGrant.public_id == id)


@blueprint.get("/<uuid:id>")
@requires("habilitate")
def edit(id):
    grant = found(id)
    return page(grant, change_form(grant, None, **ChangeForm.given(grant)))


def change_form(grant, typed, **given):
    """What its giver may not give stays as it is."""
    place = Place(grant.account_id, grant.company, grant.category)
    return ChangeForm(typed, clock.today(), grants.may_give(current_user)(place), password(), **given)


def page(grant, form, status=200):
    return render("grant", status, grant=told(grant, clock.now()), form=form, last=grant)


@blueprint.post("/<uuid:id>")
@requires("habilitate")
def update(id):
    grant = found(id)
    form = change_form(grant, request.form)
    if grant.user_id == current_user.id:
        flash(OWN, "warn")
        return redirect(url_for("granting.edit", id=id), 303)
    if not form.validate():
        return page(grant, form, 422)
    before = facts(grant)
    kept = grant.actions & ~form.allowed & rights.ALL
    try:
        with db.atomic():
            values = form.values()
            grants.change(grant, values | {"actions": values["actions"] | kept}, clock.now(), form.seen, is_mutual())
            note("grant.change", found(id), before)
    except Outdated:
        flash(MEANWHILE, "warn")
        return page(found(id), change_form(found(id), None, **ChangeForm.given(found(id))), 409)
    except grants.LastAdministrator:
        form.form_errors.append(LAST)
        return page(grant, form, 422)
    flash("L’habilitation est changée : elle vaut dès maintenant.", "ok")
    return redirect(url_for("grants.index"), 303)


def is_mutual():
    return current_user.is_staff


@blueprint.post("/<uuid:id>/retrait")
@requires("habilitate")
def end(id):
    grant = found(id)
    try:
        with db.atomic():
            if grants.end(grant, clock.now(), is_mutual()):
                note("grant.end", grant)
    except grants.LastAdministrator:
        flash(LAST, "warn")
        return redirect(url_for("granting.edit", id=id), 303)
    flash(f"L’habilitation de {grant.name} est retirée : elle n’ouvre plus rien.", "ok")
    return redirect(url_for("grants.index"), 303)


@blueprint.post("/<uuid:id>/invitation")
@requires("habilitate")
def invite_again(id):
    """Another link, for somebody who has not chosen a password yet."""
    grant, now = found(id), clock.now()
    keys = {f"invite:{current_user.id}": INVITED_A_DAY, f"invited:{grant.user_id}": 3}
    refuse_while(Throttle.wait(keys, now))
    if not grant.user.has_password and not is_over(grant, now):
        with db.atomic():
            for key, free in keys.items():
                Throttle.count(key, now, free, slowest=86_400)
            grants.tell(grant, now)
            audit("grant.invite_again", on=grant, account=grant.account_id)
    flash("Une nouvelle invitation est partie.", "ok")
    return redirect(url_for("grants.index"), 303)

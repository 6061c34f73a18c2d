"""One affiliation: who it is first, then the short form; and asking it once, for dependents too."""

from flask import Blueprint, abort, flash, redirect, request, url_for
from peewee import IntegrityError

from portal import clock, enrolments
from portal.access import audit, requires
from portal.exchange import joining, recognising
from portal.forms.affiliations import EmployeeForm, IdentityForm
from portal.models import Enrolment, Movement, db
from portal.rendering import render
from portal.rules.proofs import shown_to_hr
from portal.views.affiliations import ask_for_account
from portal.views.recording import TWICE, by
from portal.views.scope import current_scope, may

blueprint = Blueprint("joining", __name__, url_prefix="/affiliations")

ASKED = "l’affiliation est enregistrée, et sera transmise à la mutuelle, qui donnera le n° d’adhérent"


@blueprint.get("/nouvelle")
@requires("affiliate")
def new():
    account = current_scope().account
    return identity(IdentityForm(), account) if account else ask_for_account()


def identity(form, account, status=200, met=None):
    form.require(form.PLACES)
    return render("identity", status, form=form, account=account, met=met)


@blueprint.post("/nouvelle")
@requires("affiliate")
def create():
    """« Continuer » says who is known already, or opens the short form, which asks for it or opens an enrolment."""
    account = current_scope().account
    if account is None:
        return ask_for_account()
    step = request.form.get("etape")
    if step != "demander" and step not in WHOLE:
        return recognise(account)
    form = EmployeeForm(request.form, offers_of(account))
    if step in WHOLE:
        return open_enrolment(account, form, WHOLE[step])
    known = [form.offer] if form.offer else form.offers.values()
    return ask(form, account.account_id, known, lambda status: short_form(form, account, status))


def offers_of(account):
    """The contracts of the scope: of the account, or of the company or college that was chosen."""
    offers, scope = recognising.offers(by(), account.account_id), current_scope()
    chosen = {row.category_id for row in scope.chosen}
    return [offer for offer in offers if scope.is_whole_account or offer.category_id in chosen]


def recognise(account):
    form = IdentityForm(request.form)
    met = joining.meet(by(), account.account_id, form.texts())
    form.show(met.cells)
    if met.errors:
        form.tell(met.errors)
        return identity(form, account, 422)
    if met.person:  # a number or a name that was looked up, as in a search
        audit("affiliation.recognise", on=met.person, account=account.account_id)
    known = met.person or met.waiting or met.dependent
    if known and request.form.get("etape") != "continuer" or met.surely:
        return identity(form, account, met=met)
    given = {form.box(place).name: met.cells[place] for place in form.PLACES}
    return short_form(EmployeeForm(None, offers_of(account), **given), account)


def short_form(form, account, status=200):
    return render("affiliation", status, form=form, account=account)


# Button of the short form → where its words go on, as an enrolment.
WHOLE = {
    "adhesion": lambda draft: url_for("enrolment_steps.step", id=draft.public_id, step="salarie"),
    "confier": lambda draft: url_for("entrusting.edit", id=draft.public_id),
}


def open_enrolment(account, form, towards):
    """« Ouvrir une adhésion complète »: a draft that holds what was typed here, once; it begins with a contract."""
    if not may("enrol"):
        abort(403)
    draft = Enrolment.begun_by(by(), form.key)
    if draft is None and form.offer is None:
        form.contrat.errors = ["Choisissez le contrat\u00a0: une adhésion commence par lui."]
        return short_form(form, account, 422)
    if draft is None:
        try:
            with db.atomic():
                draft = enrolments.begin_filled(by(), account.account_id, form, clock.now())
                audit("enrolment.begin", on=draft, account=account.account_id)
        except IntegrityError:  # the other click was a little faster
            draft = Enrolment.begun_by(by(), form.key) or abort(409)
    return redirect(towards(draft), 303)


# ── Asking, once ─────────────────────────────────────────────────────────────────────────────────────────────────


def ask(form, account_id, offers, again, employee=None):
    """Affiliate, or show the form again: what is wrong, what is doubtful, or who is covered already."""
    sent = Movement.sent(form.key)
    if sent:
        return twice(sent)
    found = joining.check(by(), account_id, form.texts(), offers, employee)
    form.show(found.checked.cells)
    form.tell(found.checked.errors)
    if found.checked.errors:
        return again(422)
    if not found.may_join:
        return already(found.person)
    if not form.accepts(found.checked.doubts):
        return again(422)
    try:
        with db.atomic():
            found, movement = joining.join(by(), account_id, form.texts(), offers, clock.now(), form.key, employee)
            if movement:
                detail = {"movement": str(movement.public_id), "with": str(employee.public_id) if employee else None}
                audit("movement.affiliation", on=movement.beneficiary, account=account_id, after=detail)
    except IntegrityError:  # the other click was a little faster
        return twice(Movement.sent(form.key) or abort(409))
    if movement is None:
        return already(found.person or abort(409))
    return asked(movement.beneficiary, found)


def asked(newcomer, found):
    back, proof = found.action == "REHIRE", found.checked.values["proof"]
    told = "la couverture reprend, et sera transmise à la mutuelle" if back else ASKED
    wanted = f" Pièce attendue : {shown_to_hr(proof)}." if proof else ""
    flash(f"{newcomer.full_name} : {told}.{wanted} D’ici là, vous pouvez la reprendre sur cette fiche.", "ok")
    return redirect(url_for("employees.show", id=newcomer.public_id), 303)


def twice(sent):
    flash(TWICE, "info")
    if sent.beneficiary_id is None:
        return redirect(url_for("movements.index"), 303)
    return redirect(url_for("employees.show", id=sent.beneficiary.public_id), 303)


def already(known):
    flash(f"{known.full_name} est déjà dans ce compte : voici sa fiche. Rien n’a été enregistré.", "warn")
    return redirect(url_for("employees.show", id=known.public_id), 303)

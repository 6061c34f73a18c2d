"""« Garanties et contrats » of the configuration: the names of plans, the rules of each contract."""

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user

from portal import clock, guarantees
from portal.access import audit, requires
from portal.forms.guarantees import PlanForm, RulesForm
from portal.models import GroupContract, Outdated, Plan, db
from portal.rendering import get_or_404, render
from portal.views.contracts import with_names

blueprint = Blueprint("guarantees", __name__, url_prefix="/gestion/configuration/garanties")

MEANWHILE = "Un collègue a changé ces règles entre-temps : relisez ce qui suit, puis enregistrez de nouveau."
SAVED = "C’est enregistré : cela vaut pour ce qui se décide à partir de maintenant."


@blueprint.get("")
@requires("staff_configure")
def index():
    return render("guarantees", plans=list(guarantees.with_counts(current_user.plans())), today=clock.today())


def plan_of(code):
    return get_or_404(current_user.plans(), Plan.code == code)


def plan_form(plan, typed):
    return PlanForm(typed, plan, guarantees.version_of(plan, guarantees.SHOWN), clock.today())


@blueprint.get("/plan/<code>")
@requires("staff_configure")
def edit_plan(code):
    plan = plan_of(code)
    return render("guarantee", plan=plan, form=plan_form(plan, None))


@blueprint.post("/plan/<code>")
@requires("staff_configure")
def update_plan(code):
    plan = plan_of(code)
    form = plan_form(plan, request.form)
    if not form.validate():
        return render("guarantee", 422, plan=plan, form=form)
    if not keep(plan, guarantees.SHOWN, form, "plan.change"):
        return render("guarantee", 409, plan=plan, form=form)
    return redirect(url_for("guarantees.index"), 303)


def keep(row, names, form, action, account=None):
    """Write what the form says; False, said in the form, when somebody else was first."""
    try:
        with db.atomic():
            before, after = guarantees.change(row, names, form.columns(), form.seen.data)
            if after:
                audit(action, on=row, account=account, before=told(before), after=told(after))
    except Outdated as fault:
        form.form_errors.append(MEANWHILE)
        form.seen.data = guarantees.version_of(fault.person, names)
        return False
    flash(SAVED if after else "Rien n’a changé.", "ok")
    return True


def told(values):
    """Columns as the audit trail writes them."""
    return {name: value if isinstance(value, bool | int | str | None) else str(value) for name, value in values.items()}


def contract_of(id):
    return get_or_404(with_names(current_user.contracts()), GroupContract.public_id == id)


def rules_form(contract, typed):
    return RulesForm(typed, contract, guarantees.version_of(contract, guarantees.RULES))


@blueprint.get("/contrat/<uuid:id>")
@requires("staff_configure")
def edit(id):
    contract = contract_of(id)
    return render("contract_rules", contract=contract, form=rules_form(contract, None))


@blueprint.post("/contrat/<uuid:id>")
@requires("staff_configure")
def update(id):
    contract = contract_of(id)
    form = rules_form(contract, request.form)
    if not form.validate():
        return render("contract_rules", 422, contract=contract, form=form)
    if not keep(contract, guarantees.RULES, form, "contract.rules", contract.category.account_id):
        return render("contract_rules", 409, contract=contract, form=form)
    return redirect(url_for("contracts.show", id=id), 303)

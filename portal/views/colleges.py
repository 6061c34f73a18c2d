"""Another college or contract of the same account, for one person; and « Réembaucher », which chooses one too."""

import datetime

from flask import Blueprint, abort, request, url_for
from flask_login import current_user

from portal import clock
from portal.access import requires
from portal.formats import date_fr
from portal.forms import changes as forms
from portal.models import Beneficiary, Company, EmployeeCategory, GroupContract, Plan
from portal.views.recording import answer, by, note, page, person

blueprint = Blueprint("colleges", __name__, url_prefix="/salaries")


def contracts_of(people):
    """The contracts of these people's accounts that the user may use, with plan, college and company."""
    named = current_user.contracts().select(GroupContract, Plan, EmployeeCategory, Company)
    joined = named.join(Plan).switch(GroupContract).join(EmployeeCategory).join(Company)
    theirs = EmployeeCategory.account.in_({one.account_id for one in people})
    return list(joined.where(theirs).order_by(Company.code, EmployeeCategory.code, GroupContract.number))


def able_to_move(people, form):
    """Those whom this contract may take, and the others with the reason."""
    account = form.contract.category.account_id
    able = [one for one in people if one.account_id == account]
    return able, [(one, "Ce contrat est celui d’un autre compte.") for one in people if one.account_id != account]


@blueprint.get("/<uuid:id>/college")
@requires("move")
def college(id):
    found = person(id)
    return college_page(found, college_form(found, None))


def college_form(found, typed):
    others = [one for one in contracts_of([found]) if one.id != found.contract_id]
    return forms.CollegeForm(typed, clock.today(), others, earliest=found.effective_on, version=str(found.version))


def college_page(found, form, status=200):
    return page("college", found, form, status, people=[found], action=here(found))


def here(found):
    return url_for(".move", id=found.public_id)


@blueprint.post("/<uuid:id>/college")
@requires("move")
def move(id):
    found = person(id)
    form = college_form(found, request.form)
    why = form.validate() and found.version == form.seen and found.stays_where(form.contract, form.since)
    if why:
        form.contrat.errors = [why]
    if form.errors:
        return college_page(found, form, 422)
    return answer("college", found, form, lambda: move_to(found, form), people=[found], action=here(found))


def move_to(found, form):
    held = found.hold(form.seen)
    made, _ = Beneficiary.move_to([held], form.contract, form.since, by(), clock.now(), form.key)
    note(found, "movement.college", made)
    label = forms.label_of(form.contract)
    return f"{found.full_name} change de collège le {date_fr(form.since)} : {label}."


# ── Coming back ──────────────────────────────────────────────────────────────────────────────────────────────────


def gone(id):
    """An employee who has left, and the dependents who left too; 404 for who is still covered."""
    found = person(id)
    if not (found.is_employee and has_left(found)):
        abort(404)
    members = found.household(by())
    left = [one.public_id for one in members if one.role and has_left(one)]
    return found, current_user.people(left)


def has_left(one):
    return one.terminated_on is not None and one.terminated_on < clock.today()


def rehire_form(found, dependents, typed):
    earliest = found.terminated_on + datetime.timedelta(days=1)
    form = forms.RehireForm(
        typed, clock.today(), contracts_of([found]), dependents, earliest=earliest, version=str(found.version)
    )
    if typed is None:
        together = [str(one.public_id) for one in dependents if one.terminated_on == found.terminated_on]
        form.contrat.data, form.foyer.data = str(found.contract.public_id), together
    return form


@blueprint.get("/<uuid:id>/reembauche")
@requires("move")
def coming_back(id):
    found, dependents = gone(id)
    return page("rehire", found, rehire_form(found, dependents, None))


@blueprint.post("/<uuid:id>/reembauche")
@requires("move")
def rehire(id):
    found, dependents = gone(id)
    form = rehire_form(found, dependents, request.form)
    if not form.validate():
        return page("rehire", found, form, 422)
    return answer("rehire", found, form, lambda: taken_on(found, form))


def taken_on(found, form):
    made = found.rehire(form.contract, form.since, form.back, by(), clock.now(), form.seen, form.key)
    note(found, "movement.rehire", made)
    others = f", avec {' et '.join(one.first_name for one in form.back)}" if form.back else ""
    return (
        f"{found.full_name} est de nouveau couvert{'e' * (found.sex == 'F')} à partir du {date_fr(form.since)}{others}."
    )

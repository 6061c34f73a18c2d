"""« Ajouter un ayant droit »: a spouse or a child who joins an employee, with the proof that is asked for."""

from flask import Blueprint, abort, request, url_for

from portal import clock
from portal.access import requires
from portal.exchange import recognising
from portal.forms.affiliations import DependentForm, proofs
from portal.rendering import render
from portal.views.joining import ask
from portal.views.recording import by, person

blueprint = Blueprint("dependents", __name__, url_prefix="/salaries")


@blueprint.get("/<uuid:id>/ayant-droit")
@requires("affiliate")
def new(id):
    employee = employee_of(id)
    return page(employee, DependentForm(None, (), employee.member_number, type=request.args.get("type")))


def employee_of(id):
    """An employee who is covered: only then may somebody join."""
    found = person(id)
    gone = found.terminated_on and found.terminated_on < clock.today()
    return abort(404) if gone or not found.is_employee else found


def page(employee, form, status=200):
    back = url_for("employees.show", id=employee.public_id)
    return render("dependent", status, form=form, person=employee, back=back, proofs=proofs())


@blueprint.post("/<uuid:id>/ayant-droit")
@requires("affiliate")
def create(id):
    employee = employee_of(id)
    form = DependentForm(request.form, (), employee.member_number)
    offers = recognising.offers(by(), employee.account_id)
    return ask(form, employee.account_id, offers, lambda status: page(employee, form, status), employee)

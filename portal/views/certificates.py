"""Certificates of one person: « Attestation d’affiliation », « Attestation de radiation »."""

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask_login import current_user

from portal import certificates, clock
from portal.access import requires
from portal.forms.certificates import TerminationCertificateForm
from portal.models import Beneficiary
from portal.rendering import render
from portal.views.document_files import given
from portal.views.employees import person

blueprint = Blueprint("certificates", __name__, url_prefix="/salaries")


@blueprint.post("/<uuid:id>/attestation")
@requires("documents")
def affiliation(id):
    found, back = person(id), url_for("employees.show", id=id)
    why = certificates.not_affiliated(found, clock.today())
    if why:
        flash(why, "warn")
        return redirect(back, 303)
    dependents = current_user.followers([found]) if found.is_employee else []
    return given(certificates.affiliation(found, dependents, clock.now()), "certificate.affiliation", back)


@blueprint.get("/<uuid:id>/attestation-radiation")
@requires("documents")
def show_termination(id):
    found = leaver(id)
    return page(found, TerminationCertificateForm(None, found, clock.today()))


def leaver(id):
    """Somebody whose cover ends or ended."""
    found = person(id)
    return found if found.terminated_on else abort(404)


def page(found, form, status=200):
    back = url_for("employees.show", id=found.public_id)
    return render("termination_certificate", status, person=found, form=form, back=back)


@blueprint.post("/<uuid:id>/attestation-radiation")
@requires("documents")
def termination(id):
    found = leaver(id)
    form = TerminationCertificateForm(request.form, found, clock.today())
    days = {}
    if found.is_employee:
        if not form.validate():
            return page(found, form, 422)
        days = {"hired_on": form.hired_on, "last_day": form.last_day}
    made = certificates.termination(found, left_with(found), clock.now(), **days)
    return given(made, "certificate.termination", url_for(".show_termination", id=id))


def left_with(found):
    """The dependents whose cover ends the same day."""
    if not found.is_employee:
        return []
    same = (Beneficiary.household_number == found.household_number) & (Beneficiary.account == found.account_id)
    others = current_user.beneficiaries().where(same, Beneficiary.id != found.id)
    return list(others.where(Beneficiary.terminated_on == found.terminated_on))

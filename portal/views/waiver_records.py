"""« Ajouter une dispense »: what HR has on paper enters the register, its case first; and the proof, when it comes."""

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask_login import current_user
from peewee import IntegrityError

from portal import clock, enrolments, entrusting, waivers
from portal.access import audit, requires
from portal.formats import of_name
from portal.forms.waivers import ProofForm, RecordForm
from portal.models import EmployeeCategory, Outdated, Waiver, db
from portal.rendering import get_or_404, posted, render
from portal.rules import waivers as rules
from portal.views import files
from portal.views.recording import TWICE, by
from portal.views.scope import current_scope

blueprint = Blueprint("waiver_records", __name__, url_prefix="/dispenses")


@blueprint.get("/nouvelle")
@requires("enrol")
def new():
    """The cases of the law; once one is chosen (`cas`), its questions. `adhesion`: the enrolment that it replaces."""
    reason, enrolment = request.args.get("cas", ""), instead_of()
    if reason not in rules.CASES:
        return render("waiver_cases", cases=rules.CASES, bases=rules.BASES, enrolment=enrolment)
    return page(RecordForm(None, reason, colleges(), clock.today(), **known(enrolment)), enrolment)


def instead_of():
    """The enrolment that the address names, which the user may see; None without one."""
    public_id = request.args.get("adhesion")
    return (current_user.enrolment(public_id) or abort(404)) if public_id else None


def colleges():
    """Those of the scope, by company and label: [(key, label, row)]."""
    found = EmployeeCategory.with_companies(current_scope().narrow(current_user.categories(), EmployeeCategory.id))
    return [(row.key, f"{row.company.label}, {row.label}", row) for row in found]


def known(enrolment):
    """What an enrolment says already of the employee, by box."""
    if enrolment is None:
        return {}
    return RecordForm.boxes_of(entrusting.person_of(enrolments.household_of(enrolment)), enrolment.category)


def page(form, enrolment, status=200):
    return render("waiver_record", status, form=form, case=form.case, enrolment=enrolment)


@blueprint.post("/nouvelle")
@requires("enrol")
@files.takes_files
def create():
    reason, enrolment = request.args.get("cas", ""), instead_of()
    if reason not in rules.CASES:
        abort(404)
    form = RecordForm(posted(), reason, colleges(), clock.today())
    files.take_in(form.piece, account=form.category and form.category.account_id)
    if not form.validate():
        return page(form, enrolment, 422)
    try:
        with db.atomic():
            row = waivers.record(form.category, form.person(), form.asked, by(), clock.now(), form.key, enrolment)
            audit("waiver.record", on=row, account=row.account_id, after=waivers.told_of(row))
            if form.piece.files and form.case.proof:
                keep(row, form.piece.files)
    except IntegrityError:  # the same form, sent twice
        flash(TWICE, "info")
        return redirect(url_for("waivers.index"), 303)
    flash(f"La dispense {of_name(row.full_name)} est au registre.", "ok")
    return redirect(url_for("waivers.show", id=row.public_id), 303)


def keep(waiver, pieces):
    """The proof that came, written down."""
    waivers.keep_proof(waiver, pieces, by(), clock.now())
    audit("waiver.prove", on=waiver, account=waiver.account_id, after={"files": len(pieces)})


@blueprint.get("/<uuid:id>/piece")
@requires("enrol")
def proof(id):
    return proof_page(waiver_of(id), ProofForm())


def waiver_of(id):
    return get_or_404(Waiver.whole(current_user.waivers()), Waiver.public_id == id)


def proof_page(waiver, form, status=200):
    return render("waiver_proof", status, waiver=waiver, form=form, case=rules.CASES[waiver.reason])


@blueprint.post("/<uuid:id>/piece")
@requires("enrol")
@files.takes_files
def prove(id):
    waiver, form = waiver_of(id), ProofForm(posted())
    files.take_in(form.piece, account=waiver.account_id)
    if not form.validate():
        return proof_page(waiver, form, 422)
    try:
        with db.atomic():
            keep(waiver, form.piece.files)
        flash("La pièce est gardée avec la dispense.", "ok")
    except Outdated:
        flash("Aucune pièce n’est attendue pour cette dispense\u00a0: rien n’a été gardé.", "warn")
    return redirect(url_for("waivers.show", id=id), 303)

"""What is asked for the people ticked in a list: they leave together, or change college together."""

import datetime

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user

from portal import clock
from portal.access import audit, fresh, requires
from portal.formats import plural
from portal.forms.changes import CollegeForm
from portal.forms.employees import BeneficiaryFilter
from portal.forms.terminations import TerminationForm
from portal.models import Beneficiary, Selection, db
from portal.rendering import address, get_or_404, render
from portal.views import colleges, roster
from portal.views.leaving import Leaving

blueprint = Blueprint("selections", __name__, url_prefix="/salaries")

EARLIEST = datetime.date.min


@blueprint.post("/selection")
@requires("move")
def create():
    """Keep who is ticked, or everyone whom the address filters, and go on to what is asked for them."""
    kept = current_user.select_people(everyone() if request.form.get("tous") else ticked())
    if kept is None:
        flash("Cochez d’abord les personnes concernées, à gauche de leur nom.", "warn")
        return redirect(address("/salaries"), 303)
    if request.form.get("pour") == "attestation":
        return redirect(url_for("certificate_batches.show", id=kept.public_id), 303)
    college = request.form.get("pour") == "college"
    if len(kept.people) == 1:
        return redirect(url_for("colleges.college" if college else "terminations.new", id=kept.people[0]), 303)
    return redirect(url_for("selections.college" if college else "selections.termination", id=kept.public_id), 303)


def ticked():
    return [roster.uuid_or_404(one) for one in request.form.getlist("qui")[: Selection.MOST]]


def everyone():
    form = BeneficiaryFilter(request.args, clock.today(), current_user.child_ages)
    people = form.narrow(roster.visible()).select(Beneficiary.public_id).limit(Selection.MOST)
    return [public_id for (public_id,) in people.tuples()]


def chosen(id):
    """A selection of this user, and its people; they may be fewer than were ticked, if a right to them ended."""
    kept = get_or_404(current_user.selections(), Selection.public_id == id)
    return kept, current_user.people(kept.people)


# ── They leave ───────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/radiation/<uuid:id>")
@requires("move")
def termination(id):
    kept, people = chosen(id)
    if kept.used_at:
        return done(kept, people)
    form = form_of(people, request.args)
    return termination_page(kept, people, form, leaving=form.asked and form.validate() and leaving(people, form))


def form_of(people, typed):
    return TerminationForm(typed, clock.today(), any(person.is_employee for person in people), EARLIEST)


def leaving(people, form):
    followers = current_user.followers([person for person in people if person.is_employee])
    return Leaving(people, followers, form, clock.today())


def termination_page(kept, people, form, status=200, leaving=None):
    addresses = {"action": url_for(".terminate", id=kept.public_id), "back": url_for("employees.index")}
    return render("termination", status, people=people, form=form, leaving=leaving or None, changed=(), **addresses)


@blueprint.post("/radiation/<uuid:id>")
@requires("move")
@fresh()
def terminate(id):
    kept, people = chosen(id)
    form = form_of(people, request.form)
    if kept.used_at:
        return redirect(url_for(".termination", id=id), 303)
    if not form.validate():
        return termination_page(kept, people, form, 422)
    follows = leaving(people, form)
    if not follows.going:
        return termination_page(kept, people, form, 422, follows)
    with db.atomic():
        if kept.use(clock.now()):
            made, refused = Beneficiary.terminate(follows.asked, current_user._get_current_object(), clock.now())
            staying = [*follows.staying, *refused]
            detail = {"date": form.date.data, "motif": form.motif.data}
            conclude(kept, "movement.terminate", "radiée", "radiées", made, staying, detail)
    return redirect(url_for(".termination", id=id), 303)


def conclude(kept, action, one, many, made, staying, detail):
    """Write down what became of the selection, for its page and for the audit, in the caller's transaction."""
    gone = {row.asked.person.id for row in made}
    staying = [(person, why) for person, why in staying if person.id not in gone]  # who was brought along went too
    words = told([row for row in made if not row.asked.cause], [row for row in made if row.asked.cause], one, many)
    reasons = [[str(person.public_id), why] for person, why in staying]
    kept.conclude({"done": len(made), "words": words, "staying": reasons})
    account = made[0].asked.person.account_id if made else None
    people = [str(row.asked.person.public_id) for row in made]
    audit(action, on=kept, account=account, after=detail | {"people": people, "refused": len(staying)})


def told(chosen, brought, one, many):
    """« 2 personnes radiées et 3 ayants droit à leur suite »."""
    words = plural(len(chosen), f"personne {one}", f"personnes {many}")
    others = plural(len(brought), "ayant droit", "ayants droit")
    return f"{words} et {others} à {'sa' if len(chosen) == 1 else 'leur'} suite" if brought else words


def done(kept, people):
    """What became of a selection: the same however often it is sent."""
    by_id = {str(person.public_id): person for person in people}
    staying = [(by_id[id], why) for id, why in kept.outcome["staying"] if id in by_id]
    companies = sorted({person.category.company.label for person in people})
    return render("selection", people=people, outcome=kept.outcome, staying=staying, companies=companies)


# ── They change college ──────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/college/<uuid:id>")
@requires("move")
def college(id):
    kept, people = chosen(id)
    return done(kept, people) if kept.used_at else college_page(kept, people, college_form(people, None))


def college_form(people, typed):
    return CollegeForm(typed, clock.today(), colleges.contracts_of(people))


def college_page(kept, people, form, status=200):
    return render("college", status, people=people, form=form, action=url_for(".move", id=kept.public_id), changed=())


@blueprint.post("/college/<uuid:id>")
@requires("move")
def move(id):
    kept, people = chosen(id)
    if kept.used_at:
        return redirect(url_for(".college", id=id), 303)
    form = college_form(people, request.form)
    if not form.validate():
        return college_page(kept, people, form, 422)
    with db.atomic():
        if kept.use(clock.now()):
            able, staying = colleges.able_to_move(people, form)
            by = current_user._get_current_object()
            made, refused = Beneficiary.move_to(able, form.contract, form.since, by, clock.now())
            detail = {"contract": form.contract.number, "date": form.depuis.data}
            words = ("changée de collège", "changées de collège")
            conclude(kept, "movement.college", *words, made, [*staying, *refused], detail)
    return redirect(url_for(".college", id=id), 303)

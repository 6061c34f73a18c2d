"""What is changed of one person: address, name, contact details."""

from flask import Blueprint, request
from flask_login import current_user

from portal import clock
from portal.access import requires
from portal.formats import date_fr, of_name
from portal.forms import changes as forms
from portal.models import MovementKind, to_json
from portal.rendering import render_region, wants_fragment
from portal.views.recording import answer, by, note, page, person

blueprint = Blueprint("changes", __name__, url_prefix="/salaries")


def modify(found, form, kind, on, household=False):
    """One change of a person, and of the household with them; audited. The movements."""
    made = found.modify(kind, form.values(), on, by(), clock.now(), form.seen, form.key, household)
    note(found, f"movement.{kind.value.lower()}", made)
    return made


# ── Address ──────────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/<uuid:id>/adresse")
@requires("move")
def address(id):
    found = person(id)
    others = household_of(found)
    form = forms.AddressForm(None, clock.today(), found, len(others))
    return page("address", found, form, others=others)


def household_of(found):
    """Those who may move along: an employee's covered dependents."""
    return current_user.followers([found]) if found.is_employee else []


@blueprint.post("/<uuid:id>/adresse")
@requires("move")
def move_house(id):
    """« Enregistrer » records; anything else only looks the town up and shows the form again."""
    found = person(id)
    others = household_of(found)
    form = forms.AddressForm(request.form, clock.today(), found, len(others))
    if request.form.get("etape") != "enregistrer":
        form.propose()
        return render_region("towns", form=form) if wants_fragment() else page("address", found, form, others=others)
    if not form.validate():
        return page("address", found, form, 422, others=others)
    if form.values() == to_json({name: getattr(found, name) for name in form.values()}) and not others:
        form.rue.errors = ["C’est déjà son adresse. Changez-la, ou revenez à la fiche."]
        return page("address", found, form, 422, others=others)
    return answer("address", found, form, lambda: moved(found, form), others=others)


def moved(found, form):
    made = modify(found, form, MovementKind.ADDRESS, form.since, household=form.pour.data == "foyer")
    who = f"{found.full_name} et son foyer ({len(made)} personnes)" if len(made) > 1 else found.full_name
    return f"Nouvelle adresse {of_name(who)}, à partir du {date_fr(form.since)} ({found.category.company.label})."


# ── Name, contact details ────────────────────────────────────────────────────────────────────────────────────────

NAME = (MovementKind.NAME, forms.NameForm, "Changer le nom", "Nouveau nom")
CONTACT = (MovementKind.CONTACT, forms.ContactForm, "Changer les coordonnées", "Nouvelles coordonnées")


@blueprint.get("/<uuid:id>/nom")
@requires("move")
def name(id):
    return edit(person(id), *NAME)


@blueprint.get("/<uuid:id>/contact")
@requires("move")
def contact(id):
    return edit(person(id), *CONTACT)


@blueprint.post("/<uuid:id>/nom")
@requires("move")
def rename(id):
    return update(person(id), *NAME)


@blueprint.post("/<uuid:id>/contact")
@requires("move")
def reach(id):
    return update(person(id), *CONTACT)


def edit(found, kind, form, title, done):
    return page("change", found, form(None, found), title=title)


def update(found, kind, form_class, title, done):
    form = form_class(request.form, found)
    if not form.validate():
        return page("change", found, form, 422, title=title)
    if found.version == form.seen and all(getattr(found, column) == text for column, text in form.values().items()):
        form.form_errors.append("Rien n’a changé. Corrigez ce qui doit l’être, ou revenez à la fiche.")
        return page("change", found, form, 422, title=title)

    def act():
        made = modify(found, form, kind, clock.today())
        return f"{done} {of_name(made[0].asked.person.full_name)} ({found.category.company.label})."

    return answer("change", found, form, act, title=title)

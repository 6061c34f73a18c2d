"""« Inscriptions »: who asks for an access, the oldest first; accepted with accounts, asked for more, or refused."""

from flask import Blueprint, abort, redirect, request, url_for
from flask_login import current_user

from portal import clock, registrations
from portal.access import audit, requires
from portal.forms.registrations import AcceptForm, MoreForm, RegistrationRefusal
from portal.models import ManagedAccount, Registration, RegistrationState
from portal.rendering import get_or_404, render
from portal.views import files
from portal.views.recording import by, unless_overtaken
from portal.views.sent import file as told_file
from portal.views.staff import believing, decided
from portal.views.staff.applicants import IN_ORDER, MORE, listing, told

blueprint = Blueprint("staff_registrations", __name__, url_prefix="/gestion/inscriptions")

MEANWHILE = "Quelqu’un a déjà décidé de cette inscription. Voici ce qui est enregistré maintenant."


@blueprint.get("")
@requires("staff_registrations")
def index():
    return listing()


def found(id):
    return get_or_404(current_user.registrations(), Registration.public_id == id)


@blueprint.get("/<uuid:id>")
@requires("staff_registrations")
def show(id):
    return page(found(id))


def page(row, status=200, **forms):
    one, account = told(row, clock.today()), registrations.account_of(row)
    one.files = [told_file(kept) for kept in row.kept]
    one.is_open = row.state == RegistrationState.RECEIVED
    one.decision = decided.decision(row)
    accepting = forms.get("accepting") or AcceptForm(None, row, accounts_of, [account.code] if account else ())
    refusing, asking = forms.get("refusing") or RegistrationRefusal(), forms.get("asking") or MoreForm(prefix=MORE)
    for form in (accepting, refusing, asking):
        form.version.data = str(row.version)
    shown = {"accepting": accepting, "refusing": refusing, "asking": asking, "checks": believing.checks(row, account)}
    return render("staff_registration", status, one=one, row=row, following=following(row), **shown)


def following(row):
    """The oldest that is still to be decided, once this one is."""
    if row.state == RegistrationState.RECEIVED:
        return None
    waiting = current_user.registrations().where(Registration.state == RegistrationState.RECEIVED)
    return waiting.order_by(*IN_ORDER).first()


def accounts_of(codes):
    return list(current_user.accounts().where(ManagedAccount.code.in_(codes)))


@blueprint.post("/<uuid:id>/acceptation")
@requires("staff_registrations")
def accept(id):
    row = found(id)
    form = AcceptForm(request.form, row, accounts_of)
    if not form.validate():
        return page(row, 422, accepting=form)

    given = {}

    def act(now):
        given.update(decided.noted(registrations.accept(row, form.accounts, by(), now, form.seen)))
        return "L’accès est ouvert. La personne est prévenue."

    return decide(row, "registration.accept", act, given)


@blueprint.post("/<uuid:id>/refus")
@requires("staff_registrations")
def refuse(id):
    row, form = found(id), RegistrationRefusal(request.form)
    if not form.validate():
        return page(row, 422, refusing=form)
    said = "L’inscription est refusée. La personne est prévenue, avec la raison."
    return decide(row, "registration.refuse", because(registrations.refuse, row, form, said))


@blueprint.post("/<uuid:id>/complement")
@requires("staff_registrations")
def ask_more(id):
    row, form = found(id), MoreForm(request.form, prefix=MORE)
    if not form.validate():
        return page(row, 422, asking=form)
    said = "Le complément est demandé. La personne reçoit un lien pour le donner."
    return decide(row, "registration.ask_more", because(registrations.ask_more, row, form, said))


def because(verb, row, form, said):
    """What `decide` does, of a verb that tells the person why."""

    def act(now):
        verb(row, form.why, by(), now, form.seen)
        return said

    return act


def decide(row, action, act, after=None):
    unless_overtaken(act, action, row, None, MEANWHILE, after)
    return redirect(url_for("staff_registrations.show", id=row.public_id), 303)


@blueprint.get("/<uuid:id>/piece/<uuid:piece>")
@requires("staff_registrations")
def preview(id, piece):
    """An image or a PDF, in a page where nothing runs."""
    return files.preview(file_of(found(id), piece))


@blueprint.post("/<uuid:id>/piece/<uuid:piece>")
@requires("staff_registrations")
def download(id, piece):
    row = found(id)
    file = file_of(row, piece)
    audit("registration.download", on=row)
    return files.attachment(file)


def file_of(row, piece):
    return next((one.file for one in row.kept if one.public_id == piece), None) or abort(404)

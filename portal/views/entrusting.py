"""« Laisser le salarié compléter »: HR gives an enrolment to its employee, prints the letter, takes it back."""

from types import SimpleNamespace

from flask import Blueprint, abort, current_app, flash, make_response, redirect, request, url_for
from peewee import IntegrityError

from portal import clock, enrolments, entrusting, printing
from portal.access import audit, requires
from portal.forms.entrusting import InvitationForm, MeansForm
from portal.household import first
from portal.models import Enrolment, EnrolmentState, GuestChannel, db
from portal.rendering import render
from portal.views.enrolments import enrolment
from portal.views.entrusted import letter_of
from portal.views.joining import offers_of
from portal.views.recording import by
from portal.views.scope import current_scope

blueprint = Blueprint("entrusting", __name__, url_prefix="/adhesion")

GONE = "Cette adhésion n’est plus en cours : elle a été envoyée, refusée ou abandonnée."


# ── Somebody new ─────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/confier")
@requires("enrol")
def new():
    account = current_scope().account
    if account is None:
        return ask_for_account()
    return invitation(InvitationForm(None, offers_of(account), canal=GuestChannel.EMAIL.value), account)


def ask_for_account():
    flash("Choisissez d’abord le compte, en haut de la page : les garanties proposées sont les siennes.", "warn")
    return redirect(url_for("enrolments.index"), 303)


def invitation(form, account, status=200, known=None):
    return render("invitation", status, form=form, account=account, known=known, limits=limits_of(form))


def limits_of(form):
    return form.limits(clock.today()) if form.offers else ""


@blueprint.post("/confier")
@requires("enrol")
def create():
    """Make the draft and give it at once; the same form sent twice makes one, and sends one message."""
    account = current_scope().account
    if account is None:
        return ask_for_account()
    form = InvitationForm(request.form, offers_of(account))
    begun = Enrolment.begun_by(by(), form.key)
    if begun:
        return shown(begun)
    form.validate()
    home = form.home(clock.today())
    if home is None or not right(form, home):
        return invitation(form, account, 422)
    draft = Enrolment(account=account.account_id)
    known = enrolments.known(by(), draft, home, entrusting.IDENTITY)
    if known and not form.accepts((), *known.marks):
        return invitation(form, account, 422, known)
    return begin(account.account_id, form)


def right(form, home):
    """Say what is wrong of what the rules of the file check."""
    form.show(home)
    for _, name, sentence in entrusting.missing(home):
        form[name].errors = [sentence]
    return not form.errors


def begin(account_id, form):
    try:
        with db.atomic():
            draft = enrolments.begin_filled(by(), account_id, form, clock.now())
            audit("enrolment.begin", on=draft, account=account_id)
            given = give(draft, form)
    except IntegrityError:  # the other click was a little faster
        return shown(Enrolment.begun_by(by(), form.key) or abort(409))
    return told(draft, form, given)


# ── An enrolment that was begun ──────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/<uuid:id>/confier")
@requires("enrol")
def edit(id):
    """By what means; a draft that does not say yet who it is about goes on where that is said."""
    found = enrolment(id)
    return page(found, MeansForm(None, **proposed(found))) if found.is_open else over(found)


def proposed(found):
    """The means used last; otherwise those that the draft knows."""
    words = found.unseal().get("coordonnees", {})
    last = entrusting.latest(found)
    means = {"courriel": first(words, "email"), "portable": first(words, "portable")}
    if last and last.channel != GuestChannel.LETTER:
        means["courriel" if last.channel == GuestChannel.EMAIL else "portable"] = last.unseal()
    channel = last.channel if last else GuestChannel.EMAIL
    return {"canal": GuestChannel(channel).value, **means}


def page(found, form, status=200):
    home = enrolments.household_of(found)
    again = found.state == EnrolmentState.WITH_EMPLOYEE
    missing = entrusting.missing(home)
    return render("entrust", status, enrolment=found, form=form, home=home, missing=missing, again=again)


@blueprint.post("/<uuid:id>/confier")
@requires("enrol")
def send(id):
    found, form = enrolment(id), MeansForm(request.form)
    if not found.is_open:
        return over(found)
    if not form.validate() or entrusting.missing(enrolments.household_of(found)):
        return page(found, form, 422)
    try:
        with db.atomic():
            given = give(found, form)
    except enrolments.Closed:
        return over(found)
    return told(found, form, given)


def give(found, form):
    given = entrusting.entrust(found, form.channel, form.recipient, by(), clock.now())
    if given:
        audit("enrolment.entrust", on=found, account=found.account_id, after={"channel": form.channel})
    return given


def told(found, form, given):
    if not given:
        flash("Ce lien est parti il y a moins d’une minute\u202f: il n’est pas envoyé une seconde fois.", "warn")
    elif form.channel == GuestChannel.LETTER:
        flash("L’adhésion est confiée. Imprimez la lettre, puis remettez-la au salarié.", "ok")
    else:
        flash("Le lien part. Vous serez prévenu par courriel quand le salarié aura signé.", "ok")
    return shown(found)


def shown(found):
    return redirect(url_for("enrolments.show", id=found.public_id), 303)


def over(found):
    flash(GONE, "warn")
    return shown(found)


@blueprint.post("/<uuid:id>/lettre")
@requires("enrol")
def letter(id):
    """The letter with its own link: each print stops the one before, since no link is kept that can be read."""
    found = enrolment(id)
    try:
        with db.atomic():
            link, token = entrusting.letter(found, by(), clock.now())
            audit("enrolment.letter", on=found, account=found.account_id)
    except enrolments.Closed:
        return over(found)
    written = letter_of(found, link, f"{current_app.settings.public_url}/salarie/{token}", clock.today())
    response = make_response(printing.letters([written], "Compléter mon adhésion"))
    response.headers["Content-Type"] = "application/pdf"
    response.headers["Content-Disposition"] = 'attachment; filename="lettre-adhesion.pdf"'
    return response


# ── Taken back ───────────────────────────────────────────────────────────────────────────────────────────────────

TAKEN = SimpleNamespace(
    over=(
        entrusting.take_over,
        "enrolment.take_over",
        "Vous reprenez cette adhésion : le lien du salarié ne sert plus.",
    ),
    off=(entrusting.call_off, "enrolment.call_off", "Adhésion annulée : le lien du salarié ne sert plus."),
)


@blueprint.post("/<uuid:id>/reprise")
@requires("enrol")
def take_over(id):
    return take_back(enrolment(id), *TAKEN.over)


@blueprint.post("/<uuid:id>/annulation")
@requires("enrol")
def call_off(id):
    return take_back(enrolment(id), *TAKEN.off)


def take_back(found, verb, action, said):
    with db.atomic():
        taken = verb(found, clock.now())
        if taken:
            audit(action, on=found, account=found.account_id)
    if not taken:
        return over(found)
    flash(said, "ok")
    return shown(found)

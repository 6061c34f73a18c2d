"""« Inscription »: a profession, an address confirmed by a link, the details; strangers always read the same."""

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for

from portal import clock, credentials, registrations
from portal.access import audit, note_link, public
from portal.forms.registrations import DetailsForm, EmailForm, ProfessionForm
from portal.models import Outdated, Registration, RegistrationState, db
from portal.rendering import posted
from portal.rules.registrations import PROFESSIONS
from portal.views import files
from portal.views.password import asked_too_often

blueprint = Blueprint("registration", __name__, url_prefix="/inscription")

KEY = "inscription"  # in the browser's cookie: what the link that was used gave to it
OVER = "Cette inscription n’est plus ouverte ici. Demandez un lien avec la même adresse\u00a0: rien n’est perdu."


@blueprint.get("")
@public
def start():
    return render_template("pages/registration.html", form=ProfessionForm())


@blueprint.post("")
@public
def choose():
    form = ProfessionForm(request.form)
    if not form.validate():
        return render_template("pages/registration.html", form=form), 422
    return redirect(url_for("registration.address", profession=form.profession.data), 303)


@blueprint.get("/<profession>")
@public
def address(profession):
    return ask_address(profession, EmailForm())


def ask_address(word, form, status=200):
    chosen = PROFESSIONS.get(word) or abort(404)
    return render_template("pages/registration_email.html", form=form, word=word, profession=chosen), status


@blueprint.post("/<profession>")
@public
def ask(profession):
    form, now = EmailForm(request.form), clock.now()
    if profession not in PROFESSIONS or not form.validate():
        return ask_address(profession, form, 422)
    email = form.courriel.data.lower()
    refused = asked_too_often("register", email, now)
    with db.atomic():
        registrations.ask(email, registrations.ROLES[profession], now, refused)
        audit("registration.ask", after={"profession": profession})
    return redirect(url_for("registration.sent"), 303)


@blueprint.get("/envoye")
@public
def sent():
    """The same whether or not the address is known."""
    return render_template("pages/registration_sent.html")


@blueprint.get("/lien/<token>")
@public
def confirm(token):
    row = Registration.of_link(token, clock.now())
    return render_template("pages/registration_link.html", row=row, token=token) if row else dead()


def dead():
    note_link()
    return render_template("pages/registration_link_used.html"), 410


@blueprint.post("/lien/<token>")
@public
def use(token):
    now = clock.now()
    row = Registration.of_link(token, now)
    if row is None:
        return dead()
    with db.atomic():
        key = row.use_link(now, registrations.TYPES_FOR)
        if key:
            audit("registration.confirm", on=row)
    if key is None:
        return dead()
    session[KEY] = key
    return redirect(url_for("registration.details"), 303)


# ── In the browser that used the link ────────────────────────────────────────────────────────────────────────────


def found():
    return Registration.of_browser(session.get(KEY), clock.now())


def elsewhere(row):
    """Where to go when nothing is to be written here."""
    if row is None:
        flash(OVER, "warn")
        return redirect(url_for("registration.start"), 303)
    return None if row.state in Registration.BEING_WRITTEN else redirect(url_for("registration.after"), 303)


@blueprint.get("/dossier")
@public
def details():
    row = found()
    return elsewhere(row) or page(row, form_of(row, None))


def form_of(row, typed):
    return DetailsForm(typed, row, registrations.profession(row), clock.today())


def page(row, form, status=200):
    return render_template("pages/registration_details.html", row=row, form=form), status


@blueprint.post("/dossier")
@public
@files.takes_files
def send():
    row = found()
    if answer := elsewhere(row):
        return answer
    form, now = form_of(row, posted()), clock.now()
    files.take_in(form.pieces, None, holder=row.holder)
    if not form.validate():
        return page(row, form, 422)
    values = form.values()
    if "mot_de_passe" in form:
        values["password_hash"] = credentials.hash_password(form.mot_de_passe.data)
    try:
        with db.atomic():
            opened = registrations.send(row, values, form.pieces.files, now)
            after = {"accounts": [opened.code]} if opened else None
            audit("registration.open" if opened else "registration.send", on=row, after=after)
    except Outdated:
        pass  # the other click was a little faster
    return redirect(url_for("registration.after"), 303)


@blueprint.get("/suite")
@public
def after():
    """What happens next, told honestly."""
    row = found()
    if row is None or row.state in Registration.BEING_WRITTEN:
        return redirect(url_for("registration.start"), 303)
    return render_template("pages/registration_after.html", opened=row.state == RegistrationState.ACCEPTED)

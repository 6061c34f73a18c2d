"""The first step of « Adhésion salarié », which makes the draft; what is refused of it waits sealed for a day."""

import uuid

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask_login import current_user
from peewee import IntegrityError

from portal import clock, enrolments
from portal.access import audit, keeps_words, requires
from portal.forms.enrolments import ContractStep, as_typed
from portal.models import Enrolment, UnsentWords, db
from portal.views.joining import offers_of
from portal.views.scope import current_scope
from portal.views.stepping import REVIEW, Stepping

blueprint = Blueprint("beginning", __name__, url_prefix="/adhesion")


def user():
    return current_user._get_current_object()


@blueprint.get("/nouvelle")
@requires("enrol")
def new():
    account = current_scope().account
    if account is None:
        return ask_for_account()
    stepping, refused = first_step(account), waiting(request.args.get(REVIEW, type=uuid.UUID))
    unsent = waiting()
    if refused and not (unsent and unsent.kept_at > refused.kept_at):
        form = ContractStep(as_typed(refused.unseal()), offers_of(account))
        return stepping.render("garantie", form, home=check(form))
    return stepping.show("garantie", unsent and unsent.unseal())


def waiting(key=""):
    """What was typed here when the session ended; what was refused of the page that has this key."""
    return None if key is None else UnsentWords.of(user(), place_of(key), clock.now())


def place_of(key=""):
    address = url_for("beginning.new", perimetre=None)
    return f"{address}?{key}" if key else address


def ask_for_account():
    flash("Choisissez d’abord le compte, en haut de la page : les garanties proposées sont les siennes.", "warn")
    return redirect(url_for("enrolments.index"), 303)


def first_step(account):
    address = url_for("beginning.new")
    return Stepping(
        Enrolment(), user(), lambda step: address, url_for("enrolments.index"), offers=lambda: offers_of(account)
    )


def check(form):
    """Say in a form what is wrong in it, or else what is doubtful and was not told; the household, or None."""
    home = form.check(clock.today())
    if not form.errors:
        form.accepts(home.doubts("garantie"))
    return home


@blueprint.post("/nouvelle")
@requires("enrol")
@keeps_words
def create():
    """Make the draft, and go to the second step; the same form sent twice makes one draft."""
    account = current_scope().account
    if account is None:
        return ask_for_account()
    form = ContractStep(request.form, offers_of(account))
    begun = Enrolment.begun_by(user(), form.key)
    if begun is None:
        check(form)
        if form.errors or form.doubts:
            return refuse(form)
        begun = begin(account.account_id, form)
    return redirect(url_for("enrolment_steps.step", id=begun.public_id, step=begun.step), 303)


def refuse(form):
    """To the page that tells what is wrong, which « Back » shows again without a form to send twice."""
    key = form.key or str(uuid.uuid4())
    UnsentWords.keep(user(), place_of(key), form.words() | {"form_key": [key]}, clock.now())
    return redirect(url_for("beginning.new", **{REVIEW: key}), 303)


def begin(account_id, form):
    try:
        with db.atomic():
            draft = enrolments.begin(user(), account_id, form.offer, form.words(), form.key, clock.now())
            for place in (place_of(), place_of(form.key)):
                UnsentWords.forget(user(), place)
            audit("enrolment.begin", on=draft, account=account_id)
            return draft
    except IntegrityError:  # the other click was a little faster
        return Enrolment.begun_by(user(), form.key) or abort(409)

"""A forgotten password: a link that works once, read by GET, used by POST alone."""

import secrets

from flask import Blueprint, flash, redirect, render_template, request, session, url_for

from portal import clock, credentials, outbox
from portal.access import audit, hash_of_identifier, note_link, public
from portal.forms.session import ForgottenPassword, NewPassword
from portal.models import MessageKind, OneTimeLink, Throttle, User, db

blueprint = Blueprint("password", __name__)

PER_DAY, PER_DAY_OF_AN_ADDRESS = 5, 30


@blueprint.get("/mot-de-passe-oublie")
@public
def forgotten():
    return render_template("pages/forgotten.html", form=ForgottenPassword())


@blueprint.post("/mot-de-passe-oublie")
@public
def send():
    form = ForgottenPassword()
    if not form.validate():
        return render_template("pages/forgotten.html", form=form), 422
    answer(form.courriel.data.lower())
    return redirect(url_for("password.sent"), 303)


@blueprint.get("/mot-de-passe-oublie/envoye")
@public
def sent():
    """The same answer whether or not the address is known."""
    return render_template("pages/forgotten_sent.html")


def answer(identifier):
    """Send a link to whoever it is; for an unknown address do as much work, and keep nothing of it."""
    now = clock.now()
    refused = asked_too_often("reset", identifier, now)
    user = User.known(identifier)
    with db.atomic():
        with db.atomic() as mail:
            token = OneTimeLink.draw(user, now) if user else secrets.token_urlsafe(32)
            outbox.write_many([letter(identifier, user, token, now)])
            if refused or user is None or not user.is_active:
                mail.rollback()
        audit("password.asked", on=user, by=user)


def asked_too_often(what, identifier, now):
    """So many a day for an e-mail address, and for where it is asked from; otherwise this one is counted."""
    name = hash_of_identifier(identifier)
    keys = {f"{what}:{name}": PER_DAY, f"{what}-address:{request.remote_addr}": PER_DAY_OF_AN_ADDRESS}
    refused = Throttle.wait(keys, now) > 0
    for key, free in keys.items() if not refused else ():  # a refused request does not push the wait further
        Throttle.count(key, now, free, slowest=86_400)
    return refused


def letter(identifier, user, token, now):
    return outbox.letter(
        identifier,
        "password",
        now,
        user,
        kind=MessageKind.SECURITY,
        link=url_for("password.edit", token=token),
        not_after=now + OneTimeLink.LASTS,
    )


@blueprint.get("/mot-de-passe/<token>")
@public
def edit(token):
    link = OneTimeLink.usable(token, clock.now())
    if link is None:
        return used()
    return show(link, NewPassword(link.user))


def used():
    note_link()
    return render_template("pages/link_used.html"), 410


@blueprint.post("/mot-de-passe/<token>")
@public
def update(token):
    now = clock.now()
    link = OneTimeLink.usable(token, now)
    if link is None:
        return used()
    form = NewPassword(link.user)
    if not form.validate():
        return show(link, form, 422)
    with db.atomic():
        if not link.use(now):
            return used()
        link.user.change_password(credentials.hash_password(form.mot_de_passe.data), now)
        Throttle.forgive(f"account:{hash_of_identifier(link.user.identifier)}")
        audit("password.reset", on=link.user, by=link.user)
    session.clear()
    flash("Votre mot de passe est changé. Connectez-vous avec le nouveau ; vos autres sessions sont fermées.", "ok")
    return redirect(url_for("session.new"), 303)


def show(link, form, status=200):
    return render_template("pages/new_password.html", form=form, user=link.user), status

"""« Faire une demande », « Faire une réclamation »: what it is about, for which company and whom, and who is told."""

from flask import Blueprint, current_app, flash, request, url_for
from flask_login import current_user
from peewee import IntegrityError
from werkzeug.datastructures import MultiDict

from portal import clock, database, statements, threads
from portal.access import audit, keeps_words, requires
from portal.formats import search_words
from portal.forms.threads import NewThreadForm
from portal.models import Beneficiary, MessageThread, UnsentWords, db
from portal.rendering import posted, redirect_whole, render
from portal.views import disputes, exchanged, files, roster
from portal.views.recording import TWICE, by
from portal.views.recording import person as person_or_404
from portal.views.scope import current_scope
from portal.views.seen_whole import places
from portal.views.threads import ROOM, ROOMS

blueprint = Blueprint("asking", __name__)

MOST_FOUND = 10


@blueprint.get(f"/{ROOM}/nouvelle")
@requires("write")
def new(room):
    person, account = whom()
    if account is None:
        return ask_for_account(room)
    kept = UnsentWords.of(by(), request.path, clock.now())
    if kept:
        flash("Voici ce que vous aviez écrit avant la fin de votre session.", "info")
        typed = MultiDict(kept.unseal())
        return page(room, account, form_of(room, account, typed, people(account, typed.get("qui"))))
    return page(room, account, form_of(room, account, None, [person] if person else (), **given(person)))


def whom():
    """(the person that the address names, their account, or that of the line it disputes, or that of the scope)"""
    public_id, line = request.args.get("personne"), disputes.line()
    person = person_or_404(roster.uuid_or_404(public_id)) if public_id else None
    if person is None and line is not None:
        return None, line.statement.contract.category.account_id
    account = person.category.company.account if person else current_scope().account
    return person, getattr(account, "account_id", None) or getattr(account, "id", None)


def given(person):
    line = disputes.line()
    return ({"personne": str(person.public_id)} if person else {}) | (statements.disputed(line) if line else {})


def ask_for_account(room):
    flash("Choisissez d’abord le compte, en haut de la page : votre message le concerne.", "warn")
    return redirect_whole(url_for("threads.index", room=room))


def form_of(room, account, typed, found, **words):
    form = NewThreadForm(typed, ROOMS[room], places(account), found, threads.mobile_of(current_user), **words)
    if len(form.places) == 1 and not form.lieu.data:
        form.lieu.data = next(iter(form.places))
    return form


def page(room, account, form, status=200):
    return render("thread_new", status, form=form, room=room, words=exchanged.WORDS[ROOMS[room]], account=account)


def people(account, typed):
    """The first people of the account whom these words name."""
    words = search_words(typed or "")
    if not words:
        return ()
    found = current_user.beneficiaries().where(Beneficiary.account == account)
    for word in words:
        found = found.where(database.contains(db, Beneficiary.search_key, word))
    return list(found.order_by(Beneficiary.name_key, Beneficiary.first_name_key, Beneficiary.id).limit(MOST_FOUND))


@blueprint.post(f"/{ROOM}/nouvelle")
@requires("write")
@keeps_words
@files.takes_files
def create(room):
    """« Chercher » offers the people of a name; « Envoyer » opens the thread, once."""
    person, account = whom()
    if account is None:
        return ask_for_account(room)
    typed = posted()
    found = [person] if person else people(account, typed.get("qui"))
    form = form_of(room, account, typed, found)
    files.take_in(form.pieces, account=account)
    if typed.get("etape") == "chercher":
        return page(room, account, form)
    if not form.validate():
        return page(room, account, form, 422)
    try:
        with db.atomic():
            thread = threads.begin(by(), asked(form), clock.now(), current_app.settings.promised_days)
            audit("thread.begin", on=thread, account=account, after={"number": thread.number, "kind": thread.kind})
            UnsentWords.forget(by(), request.path)
    except IntegrityError:
        thread = form.key and current_user.threads().where(MessageThread.form_key == form.key).first()
        if not thread:
            raise
        flash(TWICE, "info")
    else:
        flash(sent(thread), "ok")
    return redirect_whole(url_for("threads.show", room=room, id=thread.public_id))


def asked(form):
    place = form.places[form.lieu.data]
    if form.person:
        person = current_user.people([form.person.public_id])[0]
        place = threads.Place(place.account, person.category.company, person.category, person)
    return threads.Asked(
        kind=form.kind,
        nature=form.nature.data,
        subject=form.detail.data,
        body=form.message.data,
        place=place,
        follow_up=form.suivi.data,
        complainant=form.pour.data if form.is_complaint else "",
        files=form.pieces.files,
        key=form.key,
    )


def sent(thread):
    if thread.is_complaint:
        received, answered = (f"{day:%d/%m/%Y}" for day in (thread.acknowledge_by, thread.answer_by))
        return (
            f"Votre réclamation n°\u00a0{thread.number} est envoyée. Accusé de réception au plus tard le {received}, "
            f"réponse au plus tard le {answered}. Sa copie datée est ci-dessous."
        )
    promised = f"La mutuelle répond au plus tard le {thread.due_on:%d/%m/%Y}."
    return f"Votre demande n°\u00a0{thread.number} est envoyée. {promised}"

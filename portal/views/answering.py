"""What the company does in a thread: answer, keep a draft, rate, close, open again; and the files that are in it."""

from flask import Blueprint, abort, current_app, flash, redirect, request, url_for
from peewee import IntegrityError

from portal import clock, documents, threads
from portal.access import audit, keeps_words, requires
from portal.forms.threads import MOST, AnswerForm, RatingForm
from portal.models import AnswerDraft, ThreadFollower, UnsentWords, db
from portal.rendering import address, posted, render_region, wants_fragment
from portal.views import files
from portal.views.recording import TWICE, by, unless_overtaken
from portal.views.threads import ROOM, found, page

blueprint = Blueprint("answering", __name__)

MEANWHILE = "L’état de cet échange a changé entre-temps : rien n’a été fait. Relisez-le."


def back(room, thread):
    return redirect(address(url_for("threads.show", room=room, id=thread.public_id)), 303)


@blueprint.post(f"/{ROOM}/<uuid:id>/reponse")
@requires("write")
@keeps_words
@files.takes_files
def create(room, id):
    """« Envoyer » answers once; « Garder le brouillon », and htmx while one types, keep what is written."""
    thread = found(room, id)
    if wants_fragment():
        return saved(thread)
    form = AnswerForm(posted())
    files.take_in(form.pieces, account=thread.account_id)
    if request.form.get("etape") == "brouillon":
        keep(thread, form)
        UnsentWords.forget(by(), request.path)
        flash("Votre brouillon est gardé.", "ok")
        return back(room, thread)
    if not form.validate():
        return page(room, thread, 422, answer=form)
    try:
        with db.atomic():
            days = current_app.settings.promised_days
            threads.answer(thread, by(), form.reponse.data, clock.now(), days, form.pieces.files, form.key)
            audit("thread.answer", on=thread, account=thread.account_id, after={"files": len(form.pieces.files)})
            UnsentWords.forget(by(), request.path)
    except IntegrityError:
        flash(TWICE, "info")
    else:
        flash("Votre réponse est envoyée.", "ok")
    return back(room, thread)


def saved(thread):
    """Only the line that says so changes; what comes after the answer itself was sent is late, and left out."""
    form = AnswerForm(request.form)
    if not thread.was_answered(form.key):
        keep(thread, form)
    return render_region("answer_saved", draft=AnswerDraft.of(thread, by()))


def keep(thread, form):
    AnswerDraft.keep(thread, by(), (form.reponse.data or "")[:MOST], clock.now())


@blueprint.post(f"/{ROOM}/<uuid:id>/non-lu")
@requires("write")
def unread(room, id):
    thread = found(room, id)
    ThreadFollower.follow(thread, by(), unread=1)
    flash("C’est marqué non lu.", "ok")
    return redirect(address(url_for("threads.index", room=room)), 303)


@blueprint.post(f"/{ROOM}/<uuid:id>/cloture")
@requires("write")
def close(room, id):
    return act(room, id, "thread.close", threads.close, "C’est clos. Vous pouvez le rouvrir à tout moment.")


@blueprint.post(f"/{ROOM}/<uuid:id>/reouverture")
@requires("write")
def reopen(room, id):
    days = current_app.settings.promised_days
    return act(
        room,
        id,
        "thread.reopen",
        lambda thread, user, now: threads.reopen(thread, user, now, days),
        "C’est rouvert : la mutuelle est prévenue. Ajoutez ce qui manque encore.",
    )


def act(room, id, action, verb, said):
    thread = found(room, id)

    def do(now):
        verb(thread, by(), now)
        return said

    unless_overtaken(do, action, thread, thread.account_id, MEANWHILE)
    return back(room, thread)


@blueprint.post(f"/{ROOM}/<uuid:id>/evaluation")
@requires("write")
def rate(room, id):
    thread, form = found(room, id), RatingForm(request.form)
    if not form.validate():
        return page(room, thread, 422, rating=form)
    return act(
        room,
        id,
        "thread.rate",
        lambda row, user, now: threads.rate(row, user, form.rating, form.commentaire.data or "", now),
        "Merci : votre évaluation est enregistrée.",
    )


# ── Its files ────────────────────────────────────────────────────────────────────────────────────────────────────


def file_of(thread, piece, inside=False):
    joined = (one for _, files in thread.conversation(inside) for one in files)
    return next((one for one in joined if one.public_id == piece), None) or abort(404)


@blueprint.get(f"/{ROOM}/<uuid:id>/piece/<uuid:piece>")
@requires("write")
def preview(room, id, piece):
    """An image or a PDF, in a page where nothing runs."""
    return files.preview(file_of(found(room, id), piece).file)


@blueprint.post(f"/{ROOM}/<uuid:id>/piece/<uuid:piece>")
@requires("write")
def download(room, id, piece):
    thread = found(room, id)
    one = file_of(thread, piece)
    audit("thread.download", on=one, account=thread.account_id)
    return files.attachment(one.file)


@blueprint.post(f"/{ROOM}/<uuid:id>/copie")
@requires("write")
def copy(room, id):
    """The dated copy of a complaint."""
    thread = found(room, id)
    if not thread.copy_id:
        abort(404)
    try:
        file = documents.made(thread.copy)
    except documents.NotMade:
        flash("Cette copie n’a pas pu être préparée. Réessayez dans une minute.", "danger")
        return back(room, thread)
    audit("thread.copy", on=thread, account=thread.account_id)
    return files.attachment(file)

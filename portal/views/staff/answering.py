"""What the mutual does in a thread: take it, answer, acknowledge, note, pass it on, close it; and the files in it."""

from flask import Blueprint, current_app, flash, redirect, request, url_for
from flask_login import current_user
from peewee import IntegrityError

from portal import clock, threads
from portal.access import audit, keeps_words, requires
from portal.forms.changes import SentOnce
from portal.forms.staff_threads import NoteForm, PassForm, ReplyForm
from portal.models import Outdated, UnsentWords, db
from portal.rendering import posted, wants_fragment
from portal.rules import Refused
from portal.views import files
from portal.views.answering import file_of, keep, saved
from portal.views.recording import TWICE, by
from portal.views.staff.threads import ROOM, found, page, prepared

blueprint = Blueprint("staff_answering", __name__, url_prefix="/gestion")

MEANWHILE = (
    "Quelqu’un a écrit ou agi dans cet échange depuis que vous l’avez ouvert\u00a0: rien n’est parti. Relisez-le ; "
    "votre texte est gardé."
)
RECEIVED = (
    "Votre réclamation nous est bien parvenue le {sent}. Nous l’étudions, et vous répondrons au plus tard le {due}."
)


def back(room, thread):
    return redirect(url_for("staff_threads.show", room=room, id=thread.public_id), 303)


def act(room, thread, action, verb, said):
    """Do it in one transaction, written down, unless somebody was there before."""
    try:
        with db.atomic():
            verb(clock.now())
            audit(action, on=thread, account=thread.account_id)
            UnsentWords.forget(by(), request.path)
    except Outdated:
        flash(MEANWHILE, "warn")
    except IntegrityError:
        flash(TWICE, "info")
    except Refused as refused:
        flash(str(refused), "warn")
    else:
        flash(said, "ok")
    return back(room, thread)


@blueprint.post(f"/{ROOM}/<uuid:id>/reponse")
@requires("staff_exchanges")
@keeps_words
@files.takes_files
def reply(room, id):
    """« Insérer » writes a prepared answer; « Envoyer » sends once, unless a colleague wrote meanwhile.

    « Garder le brouillon », and htmx while one types, keep what is written: colleagues see that it is.
    """
    thread = found(room, id)
    if wants_fragment():
        return saved(thread)
    form = ReplyForm(posted(), thread, prepared())
    files.take_in(form.pieces, account=thread.account_id)
    if request.form.get("etape") == "inserer":
        form.insert()
        return page(room, thread, reply=form)
    if request.form.get("etape") == "brouillon":
        keep(thread, form)
        UnsentWords.forget(by(), request.path)
        flash("Votre brouillon est gardé.", "ok")
        return back(room, thread)
    if not form.validate():
        return page(room, thread, 422, reply=form)
    said = threads.Reply(
        body=form.reponse.data,
        then=form.ensuite.data,
        outcome=form.issue.data if form.concludes else "",
        cause=form.cause.data if form.concludes else "",
        files=form.pieces.files,
        key=form.key,
    )
    if thread.was_answered(form.key):
        flash(TWICE, "info")
        return back(room, thread)
    if thread.last_message != form.seen:
        keep(thread, form)
    ombudsman, days = current_app.settings.ombudsman, current_app.settings.promised_days
    return act(
        room,
        thread,
        "thread.reply",
        lambda now: threads.reply(thread, by(), said, now, form.seen, ombudsman, days),
        "La réponse est envoyée ; qui suit cet échange est prévenu.",
    )


def seen():
    return SentOnce(request.form).seen


@blueprint.post(f"/{ROOM}/<uuid:id>/prise-en-charge")
@requires("staff_exchanges")
def take(room, id):
    thread = found(room, id)
    said = "C’est à vous. L’entreprise voit que vous vous en occupez."
    return act(room, thread, "thread.take", lambda now: threads.take(thread, by(), now, seen()), said)


@blueprint.post(f"/{ROOM}/<uuid:id>/accuse")
@requires("staff_exchanges")
def acknowledge(room, id):
    thread = found(room, id)
    days = {"sent": f"{clock.day_of(thread.created_at):%d/%m/%Y}"}
    words = RECEIVED.format(**days, due=f"{thread.answer_by:%d/%m/%Y}" if thread.answer_by else "")
    said = "L’accusé de réception est envoyé."
    return act(
        room, thread, "thread.acknowledge", lambda now: threads.acknowledge(thread, by(), words, now, seen()), said
    )


@blueprint.post(f"/{ROOM}/<uuid:id>/note")
@requires("staff_exchanges")
@keeps_words
def note(room, id):
    thread, form = found(room, id), NoteForm(request.form)
    if not form.validate():
        return page(room, thread, 422, note=form)
    said = "La note est gardée, pour la mutuelle seule."
    return act(room, thread, "thread.note", lambda now: threads.note(thread, by(), form.note.data, now, form.key), said)


@blueprint.post(f"/{ROOM}/<uuid:id>/transmission")
@requires("staff_exchanges")
def pass_on(room, id):
    thread = found(room, id)
    form = PassForm(request.form, thread, current_user.colleagues())
    if not form.validate():
        return page(room, thread, 422, passing=form)
    colleague = form.colleagues[form.a.data]
    return act(
        room,
        thread,
        "thread.pass",
        lambda now: threads.pass_on(thread, by(), colleague, form.mot.data or "", now, form.seen),
        f"C’est confié à {colleague.full_name}, qu’un courriel prévient.",
    )


@blueprint.post(f"/{ROOM}/<uuid:id>/cloture")
@requires("staff_exchanges")
def close(room, id):
    thread = found(room, id)
    return act(room, thread, "thread.close", lambda now: threads.close(thread, by(), now, seen()), "C’est clos.")


@blueprint.get(f"/{ROOM}/<uuid:id>/piece/<uuid:piece>")
@requires("staff_exchanges")
def preview(room, id, piece):
    """An image or a PDF, in a page where nothing runs."""
    return files.preview(file_of(found(room, id), piece, inside=True).file)


@blueprint.post(f"/{ROOM}/<uuid:id>/piece/<uuid:piece>")
@requires("staff_exchanges")
def download(room, id, piece):
    thread = found(room, id)
    one = file_of(thread, piece, inside=True)
    audit("thread.download", on=one, account=thread.account_id)
    return files.attachment(one.file)

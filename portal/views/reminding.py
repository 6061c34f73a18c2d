"""« Relancer »: who would be written to, and how; then sent, to leave in five minutes; taken back; and letters."""

from flask import Blueprint, abort, current_app, flash, redirect, request, url_for
from flask_login import current_user

from portal import clock, reminder_letters, reminders
from portal.access import audit, requires
from portal.formats import plural
from portal.forms.supporting_documents import ProofFilter
from portal.models import DocumentRequest, ReminderBatch, db
from portal.rendering import address, get_or_404, render
from portal.views import awaited, files, roster, supporting_documents
from portal.views.recording import by

blueprint = Blueprint("reminding", __name__, url_prefix="/justificatifs/relances")


@blueprint.post("")
@requires("documents")
def create():
    """Keep what is ticked, or everything that the address filters, and show what a reminder would do."""
    ids = everything() if request.form.get("tous") else ticked()
    if not ids:
        flash("Cochez d’abord les justificatifs à relancer, à gauche du nom.", "warn")
        return redirect(address("/justificatifs"), 303)
    batch = ReminderBatch.begin(by(), ids)
    return redirect(url_for("reminding.show", id=batch.public_id), 303)


def ticked():
    chosen = [roster.uuid_or_404(one) for one in request.form.getlist("qui")[: ReminderBatch.MOST]]
    found = current_user.document_requests().where(DocumentRequest.public_id.in_(chosen))
    return [id for (id,) in found.select(DocumentRequest.id).tuples()]


def everything():
    form = ProofFilter(request.args, clock.today(), supporting_documents.campaigns())
    found = form.narrow(supporting_documents.visible()).order_by(DocumentRequest.due_on, DocumentRequest.id)
    return [row.id for row in found.limit(ReminderBatch.MOST)]


def mine(id):
    return get_or_404(current_user.reminder_batches, ReminderBatch.public_id == id)


def seen(batch):
    """What the batch holds and its user may see now, whole."""
    requests = current_user.document_requests().where(DocumentRequest.id.in_(batch.requests))
    return DocumentRequest.whole(requests).order_by(DocumentRequest.due_on, DocumentRequest.id)


@blueprint.get("/<uuid:id>")
@requires("documents")
def show(id):
    batch, now = mine(id), clock.now()
    if batch.sent_at:
        return render(
            "reminded", batch=batch, count=batch.told, leaves=batch.leaves_at > now, letters=unreachable(batch)
        )
    plan = reminders.plan(seen(batch), now, days())
    previews = list(reminders.previews(plan.sendings, now))
    told = {"tell": awaited.tell, "contact": awaited.contact, "name_of": awaited.name_of}
    return render("reminding", batch=batch, plan=plan, previews=previews, days=days(), **told)


def days():
    return current_app.settings.reminder_days


def unreachable(batch):
    """How many documents nobody can be written to about, whose letter is not printed yet."""
    return len(reminders.plan(seen(batch), clock.now(), days()).unreachable)


@blueprint.post("/<uuid:id>/envoi")
@requires("documents")
def send(id):
    batch = mine(id)
    with db.atomic():
        made = reminders.send(batch, DocumentRequest.whole(current_user.document_requests()), clock.now(), days(), by())
        if made:
            audit("reminders.send", on=batch, after={"documents": made.count, "messages": len(made.sendings)})
    if made is None:
        flash("Cette relance était déjà partie : rien n’est envoyé deux fois.", "info")
    return redirect(url_for("reminding.show", id=id), 303)


@blueprint.post("/<uuid:id>/annulation")
@requires("documents")
def take_back(id):
    batch = mine(id)
    with db.atomic():
        taken = reminders.take_back(batch, clock.now())
        if taken:
            in_time, of_all = taken
            audit("reminders.take_back", on=batch, after={"in_time": in_time, "late": of_all - in_time})
    if taken is None:
        flash("Il n’y a rien à reprendre : cette relance n’est pas partie, ou elle est déjà reprise.", "info")
        return redirect(url_for("reminding.show", id=id), 303)
    if in_time:
        flash(f"{plural(in_time, 'relance est reprise', 'relances sont reprises')} : rien ne part.", "ok")
    else:
        flash("Trop tard : les messages sont partis.", "warn")
    return redirect(url_for("supporting_documents.index"), 303)


@blueprint.post("/<uuid:id>/lettres")
@requires("documents")
def letters(id):
    """The letters of those whom no message reaches, as one PDF, each with a link of its own."""
    batch = mine(id)
    if seen(batch).count() < batch.size:
        abort(404)  # some are of a college that they see no more: a letter opens the page of a household
    made = reminder_letters.print_now(batch, seen(batch), current_app.settings.public_url, clock.now(), days())
    if made is None:
        flash("Il n’y a pas de lettre à imprimer : chacun peut être joint, ou vient d’être relancé.", "info")
        return redirect(url_for("reminding.show", id=id), 303)
    audit("reminders.letters_download", on=batch)
    return files.attachment(made)

"""One supporting document: what is awaited and until when, what was sent about it, what came; HR deposits it too."""

from flask import Blueprint, abort, flash, redirect, url_for
from flask_login import current_user

from portal import clock, proofs
from portal.access import audit, requires
from portal.forms.supporting_documents import DepositForm
from portal.models import DocumentRequest, Outdated, db
from portal.rendering import get_or_404, posted, render
from portal.views import awaited, fates, files
from portal.views.recording import TWICE, by

blueprint = Blueprint("deposits", __name__, url_prefix="/justificatifs")

CLOSED = "Ce justificatif n’est plus attendu : il a été reçu ou annulé entre-temps."


def found(id):
    requests = DocumentRequest.whole(current_user.document_requests())
    return get_or_404(requests, DocumentRequest.public_id == id)


@blueprint.get("/<uuid:id>")
@requires("documents")
def show(id):
    return page(found(id), DepositForm())


def page(row, form, status=200):
    (one,) = awaited.tell([row])
    return render("deposit", status, one=one, form=form, sent=sent(row), received=row.received())


def sent(row):
    """What was sent about it: [(reminder, channel, what became of its message)]."""
    now = clock.now()
    return [
        (one, awaited.CHANNELS[one.channel], fates.tell(one.message, now) if one.message_id else None)
        for one in row.sent()
    ]


@blueprint.post("/<uuid:id>")
@requires("documents")
@files.takes_files
def create(id):
    row, form = found(id), DepositForm(posted())
    files.take_in(form.pieces, account=row.category.account_id)
    if not form.validate():
        return page(row, form, 422)
    try:
        with db.atomic():
            kept = proofs.receive(row, form.pieces.files, by(), clock.now(), form.key)
            if kept:
                audit("proof.deposit", on=row, account=row.category.account_id, after={"files": len(form.pieces.files)})
    except Outdated:
        flash(CLOSED, "warn")
        return redirect(url_for("deposits.show", id=id), 303)
    flash(
        "C’est reçu. La mutuelle va l’examiner : son avis s’affichera ici." if kept else TWICE, "ok" if kept else "info"
    )
    return redirect(url_for("deposits.show", id=id), 303)


@blueprint.post("/<uuid:id>/piece/<uuid:piece>")
@requires("documents")
def download(id, piece):
    """A file that came for it; never one that tells of somebody's health."""
    row = found(id)
    document = next((one for one in row.received() if one.public_id == piece and one.file_id), None)
    if document is None or row.restricted:
        abort(404)
    audit("proof.download", on=document, account=row.category.account_id)
    return files.attachment(document.file)

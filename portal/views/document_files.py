"""The file of a document: made at the first download where the worker has not come to it; each download is audited."""

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask_login import current_user

from portal import documents
from portal.access import audit, requires, safe_path
from portal.models import Document
from portal.rendering import get_or_404
from portal.views import files

blueprint = Blueprint("document_files", __name__, url_prefix="/document")


@blueprint.get("/<uuid:id>/apercu")
@requires("see")
def preview(id):
    """In a page where nothing runs; reading makes nothing: one that was never made has none."""
    document = get_or_404(current_user.documents(), Document.public_id == id)
    return files.preview(document.file or abort(404))


@blueprint.post("/<uuid:id>/telechargement")
@requires("see")
def download(id):
    document = get_or_404(current_user.documents(), Document.public_id == id)
    if document.file_id is None and document.context is None:
        abort(404)  # it was announced without its file
    return given(document, "document.download", request.form.get("vers") or url_for("home.index"))


def given(document, action, back):
    """The file of a document, and a line in the audit trail; back to where it was asked for when it cannot be made."""
    try:
        file = documents.made(document)
    except documents.NotYet:
        flash("Ce document est long : il se prépare. Revenez dans une minute.", "info")
        return redirect(safe_path(back), 303)
    except documents.NotMade:
        flash("Ce document n’a pas pu être préparé. Réessayez dans une minute.", "danger")
        return redirect(safe_path(back), 303)
    audit(action, on=document, account=document.account_id)
    return files.attachment(file)

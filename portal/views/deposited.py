"""One document that was sent to the mutual: its state, its files, what it asks for; withdrawn until it is read."""

from flask import Blueprint, abort, flash, redirect, url_for
from flask_login import current_user

from portal import clock, sendings
from portal.access import audit, requires
from portal.models import Outdated, Sending, db
from portal.rendering import get_or_404, render
from portal.views import files, sent

blueprint = Blueprint("deposited", __name__, url_prefix="/documents")

READ = "Trop tard : la mutuelle a déjà ce document en main. Écrivez-lui s’il n’est pas le bon."


def found(id):
    return get_or_404(Sending.whole(current_user.sendings()), Sending.public_id == id)


@blueprint.get("/<uuid:id>")
@requires("documents")
def show(id):
    return page(found(id))


def page(row, iban=""):
    """`iban`: what this very answer reveals."""
    (one,) = sent.tell([row])
    return render("sending", one=one, asked=sent.asked(row, iban))


@blueprint.post("/<uuid:id>/iban")
@requires("documents")
def reveal(id):
    """Show the IBAN once, in the answer to this very click: it has no address, and the click is written down."""
    row = found(id)
    asked = row.proposed() or abort(404)
    audit("bank_details.reveal", on=asked, account=row.account_id)
    return page(row, asked.unseal())


@blueprint.post("/<uuid:id>/retrait")
@requires("documents")
def withdraw(id):
    row = found(id)
    try:
        with db.atomic():
            sendings.withdraw(row, clock.now())
            audit("sending.withdraw", on=row, account=row.account_id)
        flash("Le document est retiré : la mutuelle ne le verra pas.", "ok")
    except Outdated:
        flash(READ, "warn")
    return redirect(url_for("deposited.show", id=id), 303)


@blueprint.get("/<uuid:id>/piece/<uuid:piece>")
@requires("documents")
def preview(id, piece):
    """An image or a PDF, in a page where nothing runs."""
    return files.preview(sent.file_of(found(id), piece))


@blueprint.post("/<uuid:id>/piece/<uuid:piece>")
@requires("documents")
def download(id, piece):
    row = found(id)
    file = sent.file_of(row, piece)
    audit("sending.download", on=row, account=row.account_id)
    return files.attachment(file)

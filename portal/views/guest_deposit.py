"""The employee sends the documents that are awaited of their household, from a telephone."""

from flask import Blueprint, abort, flash, url_for

from portal import clock, entrusting, guest_session, proofs
from portal.forms.supporting_documents import DepositForm
from portal.guest_session import guest
from portal.models import GuestPurpose, Outdated, RequestState, db
from portal.rendering import posted, redirect_whole, render
from portal.rules import proofs as rules
from portal.views import files

blueprint = Blueprint("guest_deposit", __name__, url_prefix="/salarie/<uuid:id>/pieces")

OURS = (GuestPurpose.DEPOSIT, GuestPurpose.COPY)


def one_of(link, piece):
    return next((row for row in entrusting.requests_of(link) if row.public_id == piece), None) or abort(404)


def told(row):
    """How the employee reads one: they know what it is, whatever it tells."""
    person = row.beneficiary if row.beneficiary_id else row.waiver
    return {
        "id": row.public_id,
        "label": rules.PROOFS[row.document_type].label,
        "name": person.first_name,
        "due_on": row.due_on,
        "late": row.is_open and bool(row.due_on) and row.due_on < clock.today(),
        "is_open": row.is_open,
        "state": row.state,
        "remark": row.remark if row.state == RequestState.REFUSED else "",
    }


@blueprint.get("")
@guest(*OURS)
def show(link):
    rows = [told(row) for row in entrusting.requests_of(link)]
    return render(
        "guest_deposits",
        link=link,
        awaited=[row for row in rows if row["is_open"]],
        others=[row for row in rows if not row["is_open"]],
    )


@blueprint.get("/<uuid:piece>")
@guest(*OURS)
def edit(link, piece):
    return page(link, one_of(link, piece), DepositForm())


def page(link, row, form, status=200):
    return render("guest_deposit", status, link=link, one=told(row), form=form)


@blueprint.post("/<uuid:piece>")
@guest(*OURS)
@files.takes_files
def create(link, piece):
    row, form = one_of(link, piece), DepositForm(posted())
    files.take_in(form.pieces, row.category.account_id, holder=f"guest:{link.id}")
    if not form.validate():
        return page(link, row, form, 422)
    try:
        with db.atomic():
            if proofs.receive(row, form.pieces.files, None, clock.now(), form.key):
                guest_session.audit("proof.deposit", link, on=row, after={"files": len(form.pieces.files)})
        flash("C’est reçu. La mutuelle va l’examiner.", "ok")
    except Outdated:
        flash("Ce document n’est plus attendu : il est déjà reçu.", "info")
    return redirect_whole(url_for("guest_deposit.show", id=link.public_id))

"""« Justificatifs reçus »: what came, the oldest first; looked at safely, accepted, or refused with a reason."""

from functools import partial

from flask import Blueprint, abort, redirect, request, url_for
from flask_login import current_user

from portal import proofs, waivers
from portal.access import audit, requires
from portal.forms.supporting_documents import QueueFilter, RefusalForm, TickedRefusal
from portal.models import DocumentRequest, RequestState, User, db, fn
from portal.prepared import written_once
from portal.rendering import Sought, get_or_404, page_size, render, telling_total
from portal.rules import proofs as rules
from portal.views import files
from portal.views.recording import unless_overtaken
from portal.views.staff import together

blueprint = Blueprint("staff_proofs", __name__, url_prefix="/gestion/justificatifs")

MEANWHILE = "Quelqu’un a déjà traité ce justificatif."
IN_ORDER = DocumentRequest.received_at, DocumentRequest.id


def requests():
    return current_user.document_requests()


@blueprint.get("")
@requires("staff_members")
def index():
    return page(TickedRefusal())


def page(refusing, ticked=(), status=200, **more):
    """The list that the address filters; `refusing`: the reason for those that are ticked."""
    form = QueueFilter(request.args)
    known = partial(whole, role=current_user.role, state=form.state)
    find = telling_total(known, lambda: requests().where(DocumentRequest.state == form.state).count())
    listed = Sought(find, page_size(current_user.rows_per_page), read)
    more |= together.of_list("staff_proofs.index")
    return render("staff_proofs", status, form=form, page=listed, refusing=refusing, ticked=ticked, **more)


def read(rows):
    return [told(row) for row in rows]


@written_once(db)
def whole(size, before, *, role, state):
    """A page of those in a state, its rows with how many there are in all."""
    found, one = User(role=role).document_requests().where(DocumentRequest.state == state), DocumentRequest
    ids, total = found.select(one.id).order_by(*IN_ORDER), found.select(fn.COUNT(one.id)).alias("total")
    rows = one.whole(one.among(ids.limit(size).offset(before)))
    return rows.select_extend(total).order_by(*IN_ORDER)


def told(row):
    person = row.beneficiary if row.beneficiary_id else row.waiver
    return {
        "id": row.public_id,
        "version": row.version,
        "document": rules.PROOFS[row.document_type].label,
        "campaign": row.campaign,
        "name": f"{(person.used_name or person.birth_name).upper()} {person.first_name}",
        "born": person.birth_date,
        "company": row.category.company.label,
        "account": row.category.company.account.name,
        "received_at": row.received_at,
        "due_on": row.due_on,
        "state": row.state,
        "remark": row.remark,
    }


def found(id):
    return get_or_404(DocumentRequest.whole(requests()), DocumentRequest.public_id == id)


@blueprint.get("/<uuid:id>")
@requires("staff_members")
def show(id):
    return page_of(found(id), RefusalForm())


def page_of(row, form, status=200):
    form.version.data = str(row.version)
    return render(
        "staff_proof",
        status,
        one=told(row),
        form=form,
        documents=[one for one in row.received() if one.file_id],
        open=row.state == RequestState.RECEIVED,
    )


@blueprint.post("/<uuid:id>/acceptation")
@requires("staff_members")
def accept(id):
    row, form = found(id), RefusalForm(request.form)

    def act(now):
        approve(row, form.seen, now)
        return "Le justificatif est accepté."

    return decide(row, "proof.accept", act)


def approve(row, seen, now):
    """Accepted; and the register of waivers, where it is one's, says that the proof came."""
    accepted = proofs.accept(row, now, seen)
    if accepted.waiver_id:
        waivers.prove(accepted.waiver, now)


@blueprint.post("/<uuid:id>/refus")
@requires("staff_members")
def refuse(id):
    row, form = found(id), RefusalForm(request.form)
    seen = form.seen
    if not form.validate():
        return page_of(row, form, 422)

    def act(now):
        proofs.refuse(row, form.why, now, seen)
        return "Le justificatif est refusé. Le salarié est prévenu s’il peut être joint, et son entreprise."

    return decide(row, "proof.refuse", act)


def decide(row, action, act):
    unless_overtaken(act, action, row, row.category.account_id, MEANWHILE)
    return redirect(url_for("staff_proofs.index"), 303)


@blueprint.get("/<uuid:id>/piece/<uuid:piece>")
@requires("staff_members")
def preview(id, piece):
    """An image or a PDF, in a page where nothing runs."""
    return files.preview(document_of(found(id), piece).file)


@blueprint.post("/<uuid:id>/piece/<uuid:piece>")
@requires("staff_members")
def download(id, piece):
    row = found(id)
    document = document_of(row, piece)
    audit("proof.download", on=document, account=row.category.account_id)
    return files.attachment(document.file)


def document_of(row, piece):
    return next((one for one in row.received() if one.public_id == piece and one.file_id), None) or abort(404)

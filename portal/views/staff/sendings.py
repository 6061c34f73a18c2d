"""« Documents reçus »: what companies sent, the oldest first; read, then accepted, or refused with a reason."""

from functools import partial

from flask import Blueprint, abort, current_app, flash, redirect, request, url_for
from flask_login import current_user

from portal import clock, sendings
from portal.access import audit, fresh, requires
from portal.forms.sendings import AcceptForm, QueueFilter, SendingRefusal, TickedRefusal
from portal.models import Outdated, Sending, SendingState, User, db, fn
from portal.prepared import written_once
from portal.rendering import Sought, get_or_404, page_size, render, telling_total
from portal.rules import Refused
from portal.rules import sendings as kinds
from portal.views import files, sent
from portal.views.recording import by, unless_overtaken
from portal.views.scope import may
from portal.views.staff import comparing, together

blueprint = Blueprint("staff_sendings", __name__, url_prefix="/gestion/documents")

IN_ORDER = Sending.sent_at, Sending.id
MEANWHILE = "Quelqu’un a déjà traité ce document, ou l’entreprise l’a retiré."


@blueprint.get("")
@requires("staff_members")
def index():
    return queue(TickedRefusal())


def queue(refusing, status=200, **more):
    """The list that the address filters; `refusing`: the reason for those that are ticked."""
    form = QueueFilter(request.args)
    asked = form.asked()
    known = partial(listed, role=current_user.role, **asked)
    find = telling_total(known, lambda: form.narrow(current_user.sendings(), **asked).count())
    page = Sought(find, page_size(current_user.rows_per_page), sent.listed)
    more |= together.of_list("staff_sendings.index")
    return render("staff_sendings", status, form=form, page=page, refusing=refusing, **more)


@written_once(db)
def listed(size, before, *, role, state, of_type):
    """A page, its rows with how many there are in all and, for each, how many files came with it."""
    found = QueueFilter.narrow(User(role=role).sendings(), state, of_type)
    ids, total = found.select(Sending.id).order_by(*IN_ORDER), found.select(fn.COUNT(Sending.id))
    counts = total.alias("total"), Sending.file_count().alias("file_count")
    return Sending.listed(ids.limit(size).offset(before), *counts).order_by(*IN_ORDER)


def found(id):
    return get_or_404(Sending.whole(current_user.sendings()), Sending.public_id == id)


@blueprint.get("/<uuid:id>")
@requires("staff_members")
def show(id):
    row = found(id)
    return page(row)


def page(row, status=200, accepting=None, refusing=None, revealed=False):
    """`revealed`: this very answer shows the IBAN that is asked for, and the one in force."""
    (one,) = sent.tell([row])
    refusing = refusing or SendingRefusal()
    refusing.version.data = str(row.version)
    accepting = accepting or AcceptForm(None, row, clock.today())
    unread = row.state == SendingState.RECEIVED and row.read_at is None
    forms = {"accepting": accepting, "refusing": refusing}
    known = {} if unread else {"asked": comparing.asked(row, revealed), "checks": comparing.checks(row)}
    return render("staff_sending", status, one=one, unread=unread, **forms, **known)


@blueprint.post("/<uuid:id>/lecture")
@requires("staff_members")
def read(id):
    """Take it in hand: from now on, its company does not withdraw it any more."""
    row = found(id)
    try:
        with db.atomic():
            if sendings.read(row, by(), clock.now()):
                audit("sending.read", on=row, account=row.account_id)
    except Outdated:
        flash(MEANWHILE, "warn")
        return redirect(url_for("staff_sendings.index"), 303)
    return redirect(url_for("staff_sendings.show", id=id), 303)


@blueprint.post("/<uuid:id>/iban")
@requires("staff_members")
def reveal(id):
    """Show both IBAN once, to be compared with the RIB; the click is written down."""
    row = found(id)
    asked = (row.proposed() if row.read_at else None) or abort(404)
    audit("bank_details.reveal", on=asked, account=row.account_id)
    return page(row, revealed=True)


def changes_an_account():
    return found(request.view_args["id"]).document_type == kinds.BANK_DETAILS


@blueprint.post("/<uuid:id>/acceptation")
@requires("staff_members")
@fresh(changes_an_account)
def accept(id):
    row = found(id)
    form = AcceptForm(request.form, row, clock.today())
    if not form.validate():
        return page(row, 422, accepting=form)
    if row.document_type == kinds.BANK_DETAILS and not agreed(row, form):
        return redirect(url_for("staff_sendings.index"), 303)

    def act(now):
        newest = sendings.accept(row, now, form.seen, form.siret.data or "", form.issued_on)
        return "Le document est accepté." if newest else "Accepté. Un Kbis plus récent dit déjà le SIRET : il reste."

    return decide(row, "sending.accept", act)


def agreed(row, form):
    """Two people find a bank account right before it is in force; False, and what to do is said, at the first."""
    if not may("staff_money"):
        abort(403)
    if current_app.settings.people_to_confirm == 1:
        return True
    try:
        with db.atomic():
            if sendings.agree(row, by(), clock.now(), form.seen):
                return True
            audit("bank_details.approve", on=row, account=row.account_id)
        flash("Votre accord est noté\u00a0: une autre personne doit confirmer ce compte.", "ok")
    except (Outdated, Refused) as fault:
        flash(MEANWHILE if isinstance(fault, Outdated) else str(fault), "warn")
    return False


@blueprint.post("/<uuid:id>/refus")
@requires("staff_members")
def refuse(id):
    row, form = found(id), SendingRefusal(request.form)
    seen = form.seen
    if not form.validate():
        return page(row, 422, refusing=form)

    def act(now):
        sendings.refuse(row, form.why, now, seen)
        return "Le document est refusé. L’entreprise est prévenue, et lira pourquoi."

    return decide(row, "sending.refuse", act)


def decide(row, action, act):
    unless_overtaken(act, action, row, row.account_id, MEANWHILE)
    return redirect(url_for("staff_sendings.index"), 303)


@blueprint.get("/<uuid:id>/piece/<uuid:piece>")
@requires("staff_members")
def preview(id, piece):
    """An image or a PDF, in a page where nothing runs."""
    return files.preview(file_of(id, piece)[1])


@blueprint.post("/<uuid:id>/piece/<uuid:piece>")
@requires("staff_members")
def download(id, piece):
    row, file = file_of(id, piece)
    audit("sending.download", on=row, account=row.account_id)
    return files.attachment(file)


def file_of(id, piece):
    """(sending, file): what is not taken in hand yet is not opened."""
    row = found(id)
    return (row, sent.file_of(row, piece)) if row.read_at else abort(404)

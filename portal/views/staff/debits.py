"""« Prélèvements »: what is to be collected on which day, and the files for the bank."""

from flask import Blueprint, Response, abort, current_app, flash, redirect, request, url_for
from flask_login import current_user

from portal import clock, collecting, rejecting
from portal.access import audit, fresh, requires
from portal.exchange import rejects
from portal.formats import date_fr
from portal.models import DebitBatch, db
from portal.rendering import Page, get_or_404, page_size, render
from portal.rules import Refused
from portal.rules.dates import iso_date
from portal.rules.mandates import SCHEMES
from portal.views.recording import by

blueprint = Blueprint("staff_debits", __name__, url_prefix="/gestion/prelevements")


@blueprint.get("")
@requires("staff_money")
def index():
    return page()


def page(faults=(), status=200):
    rows = collecting.waiting(current_user.statements(), clock.today())
    batches = current_user.debit_batches().order_by(DebitBatch.collected_on.desc(), DebitBatch.id.desc())
    page = Page(batches, page_size(current_user.rows_per_page), rows=rejecting.with_rejects)
    days = [told(*one) for one in collecting.by_file(rows)]
    return render("staff_debits", status, days=days, page=page, schemes=SCHEMES, faults=faults)


def told(day, scheme, rows):
    return {"day": day, "scheme": scheme, "count": len(rows), "total": sum(one.amount for one in rows)}


@blueprint.post("")
@requires("staff_money")
def prepare():
    """Make the file of a day; sent twice, the second finds nothing left."""
    day, scheme, now = asked_day(), request.form.get("schema", ""), clock.now()
    with db.atomic():
        batch = collecting.prepare(day, scheme, current_app.settings, by(), now)
        if batch:
            audit("debit.prepare", on=batch, after=batch.facts())
    if batch:
        flash(
            f"Le fichier {batch.number} du {date_fr(day)} est prêt\u00a0: téléchargez-le, puis donnez-le à la banque.",
            "ok",
        )
    else:
        flash("Plus rien n’est à prélever ce jour-là\u00a0: le fichier est peut-être déjà préparé.", "info")
    return redirect(url_for(".index"), 303)


@blueprint.post("/rejets")
@requires("staff_money")
def take_rejects():
    """What the bank rejected: all of the file, or nothing and a sentence for each fault."""
    sent = request.files.get("fichier")
    if not sent or not sent.filename:
        return page(["Choisissez le fichier de la banque."], 422)
    try:
        found = rejects.read(sent.stream.read(), clock.today())
        with db.atomic():
            taken = rejecting.take(found, clock.now(), by())
            audit("debit.rejects", after=taken._asdict())
    except Refused as refused:
        return page(str(refused).split("\n"), 422)
    flash(rejecting.said(taken), "ok" if taken.marked else "info")
    return redirect(url_for(".index"), 303)


def asked_day():
    try:
        return iso_date(request.form.get("jour", ""))
    except Refused:
        abort(404)


@blueprint.post("/<uuid:id>/fichier")
@requires("staff_money")
@fresh()
def download(id):
    """The file for the bank, with the IBAN in clear: written down each time."""
    batch = get_or_404(current_user.debit_batches(), DebitBatch.public_id == id)
    audit("debit.download", on=batch, after=batch.facts())
    named = {"Content-Disposition": f'attachment; filename="{batch.number}.xml"'}
    return Response(batch.unseal(), content_type="application/xml; charset=utf-8", headers=named)

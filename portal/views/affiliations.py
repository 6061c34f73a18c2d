"""« Gestion des affiliations »: two ways in, the template, a file that is sent, and the earlier ones."""

from flask import Blueprint, flash, redirect, request, send_file, url_for
from flask_login import current_user
from peewee import IntegrityError

from portal.access import audit, requires
from portal.exchange import recognising
from portal.exchange.affiliation_cells import tidy
from portal.exchange.affiliation_template import write_template
from portal.exchange.workbooks import MOST_BYTES
from portal.forms.affiliations import UploadForm
from portal.models import AffiliationImport, ManagedAccount, Movement, MovementKind, MovementState, User, db, fn
from portal.rendering import Page, Sort, page_size, render, wants_fragment
from portal.views import reports
from portal.views.scope import current_scope

blueprint = Blueprint("affiliations", __name__, url_prefix="/affiliations")

TEMPLATE = "Base_Import_Standard_Fichier_Prefiliation.xlsx"
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SORTS = {
    "date": (AffiliationImport.created_at, AffiliationImport.id),
    "fichier": (AffiliationImport.file_name, AffiliationImport.id),
    "compte": (ManagedAccount.name_key, AffiliationImport.id),
    "etat": (AffiliationImport.state, AffiliationImport.id),
}


@blueprint.get("")
@requires("see")
def index():
    return page(UploadForm())


def page(form, status=200):
    account, sort = current_scope().account, Sort(SORTS, request.args.get("tri") or "-date")
    sent = Page(sort.of(visible()), page_size(current_user.rows_per_page), rows=reports.listed)
    asked = [] if wants_fragment() else followed()
    return render("affiliations", status, form=form, account=account, sort=sort, page=sent, asked=asked)


# State of a movement → (word of the address, label, small print, icon, tone).
FOLLOWED = {
    MovementState.RECORDED: (
        "enregistree",
        "Enregistrées",
        "partent au prochain envoi à la mutuelle",
        "clock",
        "plain",
    ),
    MovementState.HANDED_OVER: ("transmise", "Transmises", "la mutuelle les traite", "send", "plain"),
    MovementState.REFUSED: ("refusee", "Refusées", "avec le motif de la mutuelle", "circle-x", "danger"),
}


def followed():
    """The affiliations of the scope that are in progress or refused, by state: (address, count, label, …)."""
    asked = current_scope().narrow(current_user.movements(), Movement.category)
    asked = asked.where(Movement.kind == MovementKind.AFFILIATION).group_by(Movement.state)
    counts = dict(asked.select(Movement.state, fn.COUNT(Movement.id)).tuples())
    return [
        (url_for("movements.index", nature="affiliation", etat=word), counts[state], *told)
        for state, (word, *told) in FOLLOWED.items()
        if counts.get(state)
    ]


def visible():
    """The files of the scope, with their account and who sent them."""
    sent = named(current_user.imports())
    account = current_scope().account
    return sent.where(AffiliationImport.account == account.account_id) if account else sent


def named(sent):
    wanted = [field for field in AffiliationImport._meta.sorted_fields if field.name != "content"]
    joined = sent.select(*wanted, ManagedAccount, User).join(ManagedAccount)
    return joined.switch(AffiliationImport).join(User, on=AffiliationImport.author)


def ask_for_account():
    flash("Choisissez d’abord le compte, en haut de la page : les codes valables sont les siens.", "warn")
    return redirect(url_for("affiliations.index"), 303)


@blueprint.get("/modele")
@requires("affiliate")
def template():
    """The workbook to fill, with the companies, colleges and plans of the account."""
    account = current_scope().account
    if account is None:
        return ask_for_account()
    offers = recognising.offers(current_user._get_current_object(), account.account_id)
    return workbook(write_template(account.account_name, offers), TEMPLATE)


def workbook(file, name):
    response = send_file(file, WORKBOOK, as_attachment=True, download_name=name, max_age=0)
    response.call_on_close(file.close)
    return response


@blueprint.post("/fichiers")
@requires("affiliate")
def create():
    """Keep a file for the worker; sent twice by the same form, once."""
    account, form = current_scope().account, UploadForm(request.form)
    if account is None:
        return ask_for_account()
    chosen = request.files.get("fichier")
    if chosen is None or not chosen.filename:
        form.fichier.errors = ["Choisissez le fichier à envoyer."]
        return page(form, 422)
    data = chosen.stream.read(MOST_BYTES + 1)
    if form.refusal(data):
        return page(form, 422)
    return redirect(url_for("imports.show", id=keep(account.account_id, name_of(chosen), data, form.key)), 303)


def name_of(chosen):
    """The name of a file without its folders, nor anything that hides or turns what is shown."""
    return tidy(chosen.filename.replace("\\", "/").rpartition("/")[2]) or "fichier"


def keep(account_id, file_name, data, key):
    """The public id of the import that this form makes, or made."""
    author = current_user._get_current_object()
    sent = AffiliationImport.sent_by(author, key)
    if sent is None:
        try:
            with db.atomic():
                sent = AffiliationImport.send(account_id, author, file_name, data, key)
                audit("import.send", on=sent, account=account_id, after={"size": sent.size, "sha256": sent.sha256})
        except IntegrityError:  # the other click was a little faster
            sent = AffiliationImport.sent_by(author, key)
            if sent is None:
                raise
    return sent.public_id

"""« Suivi des pièces justificatives »: what the mutual awaits of the people of the scope, and the list as a file."""

from flask import Blueprint, flash, request
from flask_login import current_user

from portal import clock
from portal.access import audit, requires
from portal.exchange.spreadsheets import Column
from portal.forms.supporting_documents import ProofFilter
from portal.models import Beneficiary, Case, Company, DocumentRequest, Employee, Waiver, db, fn
from portal.prepared import written_once
from portal.rendering import Page, Sort, address, page_size, redirect_whole, render
from portal.views import awaited, roster
from portal.views.scope import current_scope

blueprint = Blueprint("supporting_documents", __name__, url_prefix="/justificatifs")

NAME = (fn.COALESCE(Beneficiary.name_key, Waiver.name_key), Beneficiary.first_name_key, DocumentRequest.id)
# What is still awaited first, then by deadline: what is late stands at the top. Those without a date come last.
DUE = (
    Case(None, [(DocumentRequest.state.in_(DocumentRequest.OPEN), 0)], 1),
    fn.COALESCE(DocumentRequest.due_on, "9999-12-31"),
    DocumentRequest.id,
)
SORTS = {
    "limite": DUE,
    "nom": NAME,
    "campagne": (DocumentRequest.campaign, *NAME),
    "salarie": (fn.COALESCE(Employee.name_key, Waiver.name_key), Company.label, DocumentRequest.id),
    "relance": (fn.COALESCE(DocumentRequest.reminded_at, "0001-01-01"), DocumentRequest.id),
    "etat": (DocumentRequest.state, *DUE),
}

OF_PEOPLE = {"nom", "campagne", "salarie"}


@blueprint.get("")
@requires("documents")
def index():
    form, sort = asked()
    if form.secrets():
        flash("Un n° de sécurité sociale ne s’écrit pas ici : cherchez par le nom ou le prénom.", "warn")
        return redirect_whole(address(**dict.fromkeys(form.secrets())))
    page = Page(ids(form, sort), page_size(current_user.rows_per_page), read(sort), total=ids(form).count())
    return render("supporting_documents", form=form, sort=sort, page=page, everyone=not current_scope().account)


def ids(form, sort=None):
    """Of what is shown, in this order: whose they are is looked up where the filters or the order ask for it alone."""
    whole = form.looks_at_people or (sort is not None and sort.key in OF_PEOPLE)
    found = form.narrow(visible() if whole else in_scope()).select(DocumentRequest.id)
    return sort.of(found) if sort else found


def read(sort):
    """What reads a page of these."""
    return lambda cut: awaited.tell(listed(cut, word=sort.word))


@written_once(db)
def listed(ids, *, word):
    return Sort(SORTS, word).of(DocumentRequest.whole(DocumentRequest.among(ids)))


def asked():
    """The filters and the order of the address: what is late first."""
    return ProofFilter(request.args, clock.today(), campaigns()), Sort(SORTS, request.args.get("tri", ""))


def campaigns():
    """The campaigns of the scope, the latest first."""
    requests = in_scope().select(DocumentRequest.campaign).group_by(DocumentRequest.campaign)
    latest = requests.order_by(fn.MAX(DocumentRequest.sent_on).desc(), DocumentRequest.campaign)
    return [name for (name,) in latest.tuples()]


def in_scope():
    return current_scope().narrow(current_user.document_requests(), DocumentRequest.category)


def visible():
    return DocumentRequest.whole(in_scope())


COLUMNS = (
    Column("Campagne"),
    Column("Justificatif"),
    Column("Nom"),
    Column("Prénom"),
    Column("Né(e) le", "date"),
    Column("Num Adhérent"),
    Column("Salarié"),
    Column("Date d’envoi", "date"),
    Column("Date limite", "date"),
    Column("Date relance Mutuelle", "date"),
    Column("Votre dernière relance", "date"),
    Column("Informations Salarié"),
    Column("État"),
    Column("Remarque"),
    Column("Compte"),
    Column("Libellé entreprise"),
    Column("Libellé collège"),
)


@blueprint.post("/telechargement")
@requires("documents")
def download():
    """Exactly what the address filters, as a file; written down."""
    form, sort = asked()
    requests = form.narrow(visible())
    file_format = "csv" if request.form.get("format") == "csv" else "xlsx"
    account = current_scope().account
    with db.atomic():
        detail = {"rows": requests.count(), "format": file_format, "filter": form.words()}
        audit("document_requests.export", account=account and account.account_id, after=detail)
    return roster.send("justificatifs", COLUMNS, map(cells, awaited.tell_many(sort.of(requests))), file_format)


def cells(one):
    dates = (one.sent_on, one.due_on, one.insurer_reminded_on, one.reminded_on)
    person = (one.last_name, one.first_name, one.born, one.member_number, one.employee_name)
    told = (one.contact, one.state[0], one.remark, one.account, one.company, one.category)
    return [one.campaign, one.document, *person, *dates, *told]

"""« Comptes et entreprises » as a file: a row for each company and college of the accounts that are found."""

from flask import Blueprint, request
from flask_login import current_user

from portal.access import audit, requires
from portal.exchange.spreadsheets import Column
from portal.formats import search_words
from portal.forms.checks import is_secret
from portal.models import Beneficiary, ManagedAccount, db
from portal.rendering import address
from portal.views import roster
from portal.views.scope import refuse_secret

blueprint = Blueprint("companies", __name__, url_prefix="/perimetre")

COLUMNS = (
    *(Column("Nom"), Column("Prénom"), Column("Compte"), Column("Description")),
    *(Column("Contact"), Column("Téléphone"), Column("Email")),
    *(Column("Code Entreprise"), Column("Libellé entreprise"), Column("Code collège"), Column("Libellé collège")),
    *(Column("Titre destinataire d’appel"), Column("Libellé destinataire d’appel"), Column("Cotisation")),
    Column("Bénéficiaires", "number"),
)


@blueprint.post("/telechargement")
@requires("export")
def download():
    """The accounts that the address finds; written down."""
    typed = request.args.get("q", "").strip()[:100]
    if is_secret(typed):
        return refuse_secret(address(q=None))
    found = current_user.find_accounts(search_words(typed))
    colleges = list(current_user.colleges_of(found))
    counts = current_user.head_counts(found.select(ManagedAccount.id), by=Beneficiary.category)
    file_format = "csv" if request.form.get("format") == "csv" else "xlsx"
    with db.atomic():
        audit("companies.export", after={"rows": len(colleges), "format": file_format})
    rows = [cells(college, counts.get(college.id, 0)) for college in colleges]
    return roster.send("comptes-et-entreprises", COLUMNS, rows, file_format, "Comptes et entreprises")


def cells(college, count):
    account, company = college.company.account, college.company
    return [
        *(account.name, account.first_name, account.code, account.description),
        *(account.contact, account.phone, account.email),
        *(company.code, company.label, college.code, college.label),
        *(college.call_recipient_title, college.call_recipient_label, college.contribution_payer, count),
    ]

"""« Liste des contrats », and the page of one contract."""

from flask import Blueprint, current_app, flash, request, url_for
from flask_login import current_user

from portal import certificates, clock
from portal.access import audit, requires
from portal.exchange.spreadsheets import Column
from portal.forms.contracts import ContractFilter
from portal.models import Company, ContributionTariff, EmployeeCategory, GroupContract, Plan, db
from portal.rendering import Page, Sort, address, get_or_404, page_size, redirect_whole, render
from portal.rules.contributions import in_force
from portal.rules.dependents import CHILD_ENDS_AFTER
from portal.views import roster
from portal.views.document_files import given
from portal.views.scope import current_scope

blueprint = Blueprint("contracts", __name__, url_prefix="/contrats")

SORTS = {
    "contrat": (GroupContract.number,),
    "entreprise": (Company.label, EmployeeCategory.code, GroupContract.number),
    "payeur": (GroupContract.payer, GroupContract.number),
    "mode": (GroupContract.payment_method, GroupContract.number),
    "periodicite": (GroupContract.billing_frequency, GroupContract.number),
    "souscription": (GroupContract.subscribed_on, GroupContract.number),
    "charge": (GroupContract.employer_share, GroupContract.number),
}


@blueprint.get("")
@requires("see")
def index():
    form, sort, found = asked()
    if form.secrets():
        flash("Un n° de sécurité sociale ou un IBAN ne s’écrit pas ici\u00a0: cherchez par le n° de contrat.", "warn")
        return redirect_whole(address(**dict.fromkeys(form.secrets())))
    return render("contracts", form=form, sort=sort, page=Page(sort.of(found), page_size(current_user.rows_per_page)))


def asked():
    """(the filter, the order, the contracts that are found) of the address."""
    contracts = current_scope().narrow(with_names(current_user.contracts()), GroupContract.category)
    form = ContractFilter(request.args)
    return form, Sort(SORTS, request.args.get("tri", "")), form.narrow(contracts)


def with_names(contracts):
    """Contracts with their plan, college and company, in the same query."""
    return (
        contracts.select(GroupContract, Plan, EmployeeCategory, Company)
        .join(Plan)
        .switch(GroupContract)
        .join(EmployeeCategory)
        .join(Company)
    )


@blueprint.get("/<uuid:id>")
@requires("see")
def show(id):
    contract = get_or_404(with_names(current_user.contracts()), GroupContract.public_id == id)
    covered = contract.head_count(clock.today())
    people_url = url_for("employees.index", contrat=contract.number)
    documents, bulletins = current_user.documents_of_contract(contract)
    lists = {"documents": documents, "bulletins": bulletins, "priced": priced(contract)}
    child_end = CHILD_ENDS_AFTER[contract.child_end_rule]
    return render("contract", contract=contract, covered=covered, people_url=people_url, child_end=child_end, **lists)


def priced(contract):
    """What it costs now, and what it will: [(tariff, [(price in words, amount as it is written, cents, parts)])]."""
    today, more = clock.today(), current_app.settings.pmss_table
    known = ContributionTariff.rules(contract)
    coming = [one for one in known if one.valid_from > today]
    now = in_force(known, today)
    return [(one, one.prices(max(one.valid_from, today), more)) for one in filter(None, (now, *coming))]


@blueprint.post("/<uuid:id>/fiche-dsn")
@requires("documents")
def dsn_sheet(id):
    """« Fiche de paramétrage DSN »: what payroll software is told of the contract."""
    contract = get_or_404(with_names(current_user.contracts()), GroupContract.public_id == id)
    made = certificates.dsn_sheet(contract, current_app.settings.dsn_code, clock.now())
    return given(made, "certificate.dsn_setup_sheet", url_for(".show", id=id))


# ── The download ─────────────────────────────────────────────────────────────────────────────────────────────────

COLUMNS = (
    Column("Contrat"),
    Column("Produit"),
    Column("Code Entreprise"),
    Column("Libellé entreprise"),
    Column("Code collège"),
    Column("Libellé collège"),
    Column("Payeur"),
    Column("Mode règlement"),
    Column("Périodicité"),
    Column("Date Souscription", "date"),
    Column("Prise en charge de la cotisation (%)", "number"),
)


@blueprint.post("/telechargement")
@requires("export")
def download():
    """Exactly what the address filters, as a file; written down."""
    _, sort, found = asked()
    file_format = "csv" if request.form.get("format") == "csv" else "xlsx"
    account = current_scope().account
    with db.atomic():
        detail = {"rows": found.count(), "format": file_format}
        audit("contracts.export", account=account and account.account_id, after=detail)
    return roster.send("contrats", COLUMNS, cells(sort.of(found)), file_format, "Contrats")


def cells(contracts):
    """One at a time: the file is read when the request is over."""
    for contract in contracts.iterator():
        place = contract.category
        yield (
            *(contract.number, contract.plan.label, place.company.code, place.company.label, place.code, place.label),
            *(contract.payer, contract.payment_method, contract.billing_frequency, contract.subscribed_on),
            contract.employer_share / 100,
        )

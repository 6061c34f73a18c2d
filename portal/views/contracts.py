"""« Liste des contrats », and the page of one contract."""

from flask import Blueprint, current_app, request, url_for
from flask_login import current_user

from portal import certificates, clock
from portal.access import requires
from portal.models import Company, ContributionTariff, EmployeeCategory, GroupContract, Plan
from portal.rendering import Page, Sort, get_or_404, page_size, render
from portal.rules.contributions import in_force
from portal.rules.dependents import CHILD_ENDS_AFTER
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
    contracts = current_scope().narrow(with_names(current_user.contracts()), GroupContract.category)
    sort = Sort(SORTS, request.args.get("tri", ""))
    return render("contracts", page=Page(sort.of(contracts), page_size(current_user.rows_per_page)), sort=sort)


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

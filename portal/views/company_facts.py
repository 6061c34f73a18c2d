"""« Kbis et comptes bancaires »: what the mutual knows of each company, and what it has still to confirm."""

from types import SimpleNamespace

from flask import Blueprint, current_app
from flask_login import current_user

from portal import clock
from portal.access import audit, requires
from portal.models import BankDetails, Company, ManagedAccount, Sending, SendingState
from portal.rendering import Page, get_or_404, page_size, render
from portal.rules import sendings as rules
from portal.views.scope import current_scope

blueprint = Blueprint("company_facts", __name__, url_prefix="/documents/entreprises")


@blueprint.get("")
@requires("documents")
def index():
    return page()


def page(shown=None, iban=""):
    """`shown`: the bank details whose IBAN this very answer reveals."""
    scope = current_scope()
    companies = current_user.companies().select(Company, ManagedAccount).join(ManagedAccount)
    if scope.account:
        companies = companies.where(Company.id.in_([row.company_id for row in scope.chosen]))
    listed = companies.order_by(ManagedAccount.name_key, Company.label, Company.id)
    facts = Page(listed, page_size(current_user.rows_per_page), rows=lambda rows: tell(list(rows)))
    return render("company_facts", page=facts, shown=shown and shown.public_id, iban=iban)


def tell(companies):
    """What is known of these companies, in a few statements."""
    ids = [company.id for company in companies]
    details = current_user.bank_details().where(BankDetails.company.in_(ids))
    in_force = {one.company_id: one for one in details.where(BankDetails.in_force())}
    sent = current_user.sendings().where(Sending.company.in_(ids), Sending.state == SendingState.RECEIVED)
    waiting = {(row.company_id, row.document_type): row for row in sent.order_by(Sending.id)}
    return [told(company, in_force, waiting) for company in companies]


def told(company, in_force, waiting):
    until = company.kbis_on and rules.kbis_valid_until(company.kbis_on, current_app.settings.kbis_months)
    return SimpleNamespace(
        label=company.label,
        code=company.code,
        account=company.account.name,
        siret=company.siret,
        kbis_on=company.kbis_on,
        kbis_until=until,
        kbis_is_old=until is not None and until < clock.today(),
        bank=in_force.get(company.id),
        kbis_sent=waiting.get((company.id, rules.KBIS)),
        bank_asked=waiting.get((company.id, rules.BANK_DETAILS)),
    )


@blueprint.post("/<uuid:id>/iban")
@requires("documents")
def reveal(id):
    """Show an IBAN once, in the answer to this very click: it has no address, and the click is written down."""
    details = get_or_404(current_user.bank_details(), BankDetails.public_id == id)
    audit("bank_details.reveal", on=details, account=details.company.account_id)
    return page(details, details.unseal())

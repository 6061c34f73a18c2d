"""The file of an account, a company or a person at the mutual: what it is, who may act on it, and its whole history."""

from flask import Blueprint, abort, request, send_file
from flask_login import current_user

from portal import clock, history, privacy
from portal.access import audit, fresh, requires, shows_people
from portal.folder import Unavailable
from portal.forms.privacy import ExportForm
from portal.models import BankDetails, Company, EmployeeCategory, ManagedAccount, PermissionGrant
from portal.rendering import Page, get_or_404, page_size, render
from portal.views import granted
from portal.views.employees import REVEALED
from portal.views.staff import told_history

blueprint = Blueprint("staff_dossiers", __name__, url_prefix="/gestion")
to_staff = requires("staff")
to_reveal = requires("reveal")  # as on the page that the company sees: to read a file is not to see its numbers
to_control = requires("staff_audit")  # all that is held on somebody leaves the portal

UNAVAILABLE = "Les fichiers ne se lisent pas pour l’instant. Réessayez dans quelques minutes."
MOST = 50  # contracts, and habilitations, told in a file; beyond, their own pages list them


@blueprint.get("/comptes/<path:id>")
@to_staff
def account(id):
    found = get_or_404(current_user.accounts_counted(), ManagedAccount.code == id)
    place = history.Place(found.id, named={"managed_account": [str(found.id)]})
    return page(
        "staff_account",
        place,
        account=found,
        contracts=contracts(EmployeeCategory.account == found.id),
        rights=rights(PermissionGrant.account == found.id),
    )


@blueprint.get("/entreprises/<path:id>")
@to_staff
def company(id):
    return company_page(get_or_404(current_user.companies_with_banks(), Company.code == id))


def company_page(found, iban=None):
    place = history.Place(found.account_id, found.id, named={"company": [str(found.id)]})
    whole_or_hers = PermissionGrant.company.is_null() | (PermissionGrant.company == found.id)
    return page(
        "staff_company",
        place,
        company=found,
        iban=iban,
        contracts=contracts(EmployeeCategory.company == found.id),
        rights=rights((PermissionGrant.account == found.account_id) & whole_or_hers),
    )


@blueprint.post("/entreprises/iban/<path:id>")
@to_reveal
def reveal_iban(id):
    """The account on file of a company, in the answer to this very click, which is written down."""
    found = get_or_404(current_user.companies_with_banks(), Company.code == id, BankDetails.id.is_null(False))
    audit("bank_details.reveal", on=found.bank, account=found.account_id)
    return company_page(found, found.bank.unseal())


@blueprint.get("/personnes/<uuid:id>")
@to_staff
@shows_people
def person(id):
    return person_page(*at_home(id))


def at_home(id):
    found, members = current_user.person_at_home(id)
    return found or abort(404), members


def person_page(found, members, shown=None):
    place = history.Place(found.account_id, None, found.id, named={"beneficiary": [str(found.public_id)]})
    opened = PermissionGrant.holds(found.account_id, found.category.company_id, found.category_id)
    about = {"person": found, "household": members, "products": found.products, "shown": shown or {}}
    return page("staff_person", place, **about, rights=rights(opened))


@blueprint.post("/personnes/<uuid:id>/<any(nir, 'iban-prestation', 'iban-cotisation'):value>")
@to_reveal
def reveal(id, value):
    """Show a sealed value once, in the answer to this very click, which is written down."""
    (found, members), column = at_home(id), REVEALED[value]
    if getattr(found, column) is None:
        abort(404)
    audit(f"{column}.reveal", on=found, account=found.account_id)
    return person_page(found, members, {column: found.unseal(column)})


@blueprint.get("/personnes/<uuid:id>/donnees")
@to_control
def ask_export(id):
    return export_page(at_home(id)[0], ExportForm())


def export_page(found, form, status=200):
    return render("staff_person_export", status, person=found, form=form, tables=privacy.HELD.values())


@blueprint.post("/personnes/<uuid:id>/donnees")
@to_control
@fresh()
def export(id):
    """Everything that is held on a person, in clear, in one archive; why is written down with who."""
    (found, _), form = at_home(id), ExportForm(request.form)
    if not form.validate():
        return export_page(found, form, 422)
    try:
        file = privacy.export(found)
    except Unavailable:
        form.motif.errors = [UNAVAILABLE]
        return export_page(found, form, 503)
    audit("person.export", on=found, account=found.account_id, after={"reason": form.motif.data})
    name = f"donnees-{found.member_number}-{clock.today():%Y-%m-%d}.zip"
    response = send_file(file, "application/zip", as_attachment=True, download_name=name, max_age=0)
    response.call_on_close(file.close)
    return response


def page(name, place, **facts):
    """A file with the page of its history that the address asks for (`quoi`: one kind of lines)."""
    shown = kinds()
    kind = request.args.get("quoi", "")
    kind = kind if kind in shown else ""
    found = history.History(current_user, place, shown[kind][1] if kind else ())
    size = page_size(current_user.rows_per_page)
    lines = Page(found, size, rows=told_history.tell, total=found.count())
    return render(name, lines=lines, kind=kind, kinds=shown, **facts)


def kinds():
    """What the history may be narrowed to by who looks at it."""
    closed = () if current_user.opens("staff_audit") else told_history.OF_AUDIT
    return {key: kind for key, kind in told_history.KINDS.items() if key not in closed}


def contracts(where):
    """(Contracts with plan, college and company; whether there are more)."""
    rows = list(current_user.contracts_with_plans().where(where).limit(MOST + 1))
    return rows[:MOST], len(rows) > MOST


def rights(where):
    """Who may act here now or soon, as the page of habilitations tells it; whether there are more."""
    today = clock.today()
    lasting = PermissionGrant.valid_to.is_null() | (PermissionGrant.valid_to >= today)
    found = PermissionGrant.whole(current_user.managed_grants()).where(where, lasting)
    rows = list(found.order_by(PermissionGrant.search_key, PermissionGrant.id).limit(MOST + 1))
    return granted.tell(rows[:MOST]), len(rows) > MOST

"""« Règlement des cotisations »: how contributions are paid, what is due, what was paid and what that settled."""

from flask import Blueprint, flash, request
from flask_login import current_user

from portal import clock, rejecting
from portal.access import audit, requires
from portal.exchange.spreadsheets import Column
from portal.formats import euros
from portal.forms.contributions import PaymentFilter
from portal.models import GroupContract, Payment, db
from portal.rendering import Page, Sort, address, page_size, redirect_whole, render, wants_fragment
from portal.views import called, roster
from portal.views.scope import current_scope
from portal.views.summing import Sums, chart, figures

blueprint = Blueprint("contributions", __name__, url_prefix="/cotisations")

MOST_SHOWN = 12  # contracts whose means of payment are told one by one
SORTS = {
    "date": (Payment.paid_on, Payment.id),
    "mode": (Payment.payment_method, Payment.paid_on, Payment.id),
    "montant": (Payment.amount, Payment.paid_on, Payment.id),
    "contrat": (GroupContract.number, Payment.paid_on, Payment.id),
}


@blueprint.get("")
@requires("money")
def index():
    (form, sort), sums = asked(), Sums(clock.today())
    if form.secrets():
        flash("Un IBAN ne s’écrit pas ici : cherchez par la référence ou le n° de contrat.", "warn")
        return redirect_whole(address(**dict.fromkeys(form.secrets())))
    found = form.narrow(called.payments())
    if not wants_fragment():
        sums.read_at_once()
    count, total = sums.of_payments(found, form)
    page = Page(ordered(found, sort), page_size(current_user.rows_per_page), rows=shown(sort), total=count)
    listed = {"form": form, "sort": sort, "page": page, "total": total}
    return render("contributions", **listed, **({} if wants_fragment() else summary(sums)))


def asked():
    """The filters and the order of the address: the latest first."""
    return PaymentFilter(request.args, clock.today()), Sort(SORTS, request.args.get("tri") or "-date")


def ordered(found, sort):
    """Those that are found, in the order of the page, with what that order looks at and no more."""
    return sort.of(found.join(GroupContract) if sort.key == "contrat" else found)


def shown(sort):
    """How the rows of a page are read: whole, once it is known which they are."""

    def read(cut):
        rows = Payment.whole(called.payments().where(Payment.id.in_(cut.select(Payment.id))))
        return Payment.with_settled(sort.of(rows))

    return read


def summary(sums):
    """What stands above the list."""
    months, due, paid = sums.curve()
    points, unit = chart(months, due, paid)
    drawn = {"points": points, "unit": unit, "figures": figures(months, due, paid)}
    told = {"today": sums.today, "balance": sums.balance(), "means": means(sums.modes), **drawn}
    of_year = {"paid_this_year": sums.paid_in(sums.today.year)}
    return told | of_year | {"rejected": rejecting.unpaid(called.statements())}


def means(modes):
    """How the contracts of the scope are paid, with the account that is on file; by the mode where they are many."""
    if sum(count for _, count in modes) > MOST_SHOWN:
        return {"contracts": [], "modes": modes}
    contracts = current_scope().narrow(current_user.contracts_with_banks(), GroupContract.category)
    rows = contracts.order_by(GroupContract.number)
    return {"contracts": [(row, row.category.company.bank) for row in rows], "modes": []}


# ── The download ─────────────────────────────────────────────────────────────────────────────────────────────────

COLUMNS = (
    Column("Date", "date"),
    Column("Mode de règlement"),
    Column("Montant (€)", "cents"),
    Column("Référence"),
    Column("Contrat"),
    Column("Code Entreprise"),
    Column("Libellé entreprise"),
    Column("Libellé collège"),
    Column("Bordereaux réglés"),
    Column("Affecté (€)", "cents"),
)


@blueprint.post("/telechargement")
@requires("money")
def download():
    """Exactly what the address filters, as a file; written down."""
    form, sort = asked()
    found = form.narrow(called.payments())
    file_format = "csv" if request.form.get("format") == "csv" else "xlsx"
    account = current_scope().account
    with db.atomic():
        detail = {"rows": found.count(), "format": file_format}
        audit("payments.export", account=account and account.account_id, after=detail)
    return roster.send("reglements", COLUMNS, cells(sort.of(Payment.whole(found))), file_format, "Règlements")


def cells(payments):
    """One by one: the file is read when the request is over."""
    for one in Payment.with_settled(payments):
        place = one.contract.category
        settled = "\n".join(f"{statement.number} : {euros(cents)}" for cents, statement in one.settles)
        company = (place.company.code, place.company.label, place.label)
        row = (one.paid_on, one.payment_method, one.amount, one.reference, one.contract.number, *company, settled)
        yield (*row, sum(cents for cents, _ in one.settles))

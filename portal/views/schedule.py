"""« Échéancier »: the statements of a year, what is due and when, what is announced."""

from flask import Blueprint, flash, request
from flask_login import current_user

from portal import clock
from portal.access import audit, requires
from portal.database import summed
from portal.exchange.spreadsheets import Column
from portal.forms.contributions import ScheduleFilter
from portal.models import Case, ContributionStatement, Plan, db
from portal.rendering import Page, Sort, address, page_size, redirect_whole, render, wants_fragment
from portal.views import called, roster
from portal.views.scope import current_scope

blueprint = Blueprint("schedule", __name__, url_prefix="/echeancier")

Row = ContributionStatement
SORTS = {
    "bordereau": (Row.issued_on, Row.number),
    "produit": (Plan.label, Row.period_start, Row.number),
    "debut": (Row.period_start, Row.number),
    "fin": (Row.period_end, Row.number),
    "payeur": (Row.payer, Row.period_start, Row.number),
    "echeance": (Row.due_on, Row.number),
    "total": (Row.total, Row.number),
}


@blueprint.get("")
@requires("money")
def index():
    today = clock.today()
    form, sort, years = asked(today)
    if form.secrets():
        flash("Un IBAN ne s’écrit pas ici : cherchez par le n° de bordereau ou de contrat.", "warn")
        return redirect_whole(address(**dict.fromkeys(form.secrets())))
    found = form.narrow(Row.whole(called.statements()))
    page = Page(sort.of(found), page_size(current_user.rows_per_page), rows=called.tell)
    due = Case(None, [(Row.issued_on <= today, Row.total - Row.settled)], 0)
    total, rest = found.select(summed(Row.total), summed(due)).tuples().get()
    listed = {"form": form, "sort": sort, "page": page, "total": total, "rest": rest}
    return render("schedule", **listed, **({} if wants_fragment() else summary(form.year, years, today)))


def asked(today):
    """The filters and the order of the address, the latest first; the years to choose among."""
    years = called.years()
    return ScheduleFilter(request.args, years, today), Sort(SORTS, request.args.get("tri") or "-bordereau"), years


def summary(year, years, today):
    """What stands above the list: what is due, what is announced, and a year month by month."""
    year = year or next((one for one in years if one <= today.year), today.year)
    months, *series = zip(*called.of_year(year, today), strict=True)
    points, unit = called.chart(months, *series)
    return {
        "today": today,
        "year": year,
        "years": years,
        "balance": called.balance(today),
        "points": points,
        "unit": unit,
        "figures": called.figures(months, *series),
        "upcoming": called.next_call(today),
        "paid": called.paid_in(year),
    }


# ── The download ─────────────────────────────────────────────────────────────────────────────────────────────────

COLUMNS = (
    Column("Bordereau"),
    Column("Produit"),
    Column("Début", "date"),
    Column("Fin", "date"),
    Column("Payeur"),
    Column("Date bordereau", "date"),
    Column("Échéance", "date"),
    Column("Total période", "cents"),
    Column("Réglé", "cents"),
    Column("Reste à régler", "cents"),
    Column("État"),
    Column("Contrat"),
    Column("Code Entreprise"),
    Column("Libellé entreprise"),
    Column("Libellé collège"),
)


@blueprint.post("/telechargement")
@requires("money")
def download():
    """Exactly what the address filters, as a file; written down."""
    today = clock.today()
    form, sort, _ = asked(today)
    found = form.narrow(Row.whole(called.statements()))
    file_format = "csv" if request.form.get("format") == "csv" else "xlsx"
    account = current_scope().account
    with db.atomic():
        detail = {"rows": found.count(), "format": file_format}
        audit("statements.export", account=account and account.account_id, after=detail)
    return roster.send("echeancier", COLUMNS, cells(sort.of(found), today), file_format, "Échéancier")


def cells(statements, today):
    for row in statements.iterator():
        place = row.contract.category
        period = (row.number, row.plan.label, row.period_start, row.period_end, row.payer, row.issued_on, row.due_on)
        words = called.STATES[row.state(today)][0]
        company = (row.contract.number, place.company.code, place.company.label, place.label)
        yield (*period, row.total, row.settled, row.rest, words, *company)

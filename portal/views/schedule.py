"""« Échéancier »: the statements of a year, what is due and when, what is announced."""

from flask import Blueprint, flash, request
from flask_login import current_user

from portal import clock
from portal.access import audit, requires
from portal.exchange.spreadsheets import Column
from portal.forms.contributions import ScheduleFilter
from portal.models import ContributionStatement, Plan, db
from portal.rendering import Page, Sort, address, page_size, redirect_whole, render, wants_fragment
from portal.views import called, roster
from portal.views.scope import current_scope
from portal.views.summing import Sums, chart, figures

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
    sums = Sums(clock.today())
    if not wants_fragment():
        sums.read_at_once()
    form, sort = asked(sums)
    if form.secrets():
        flash("Un IBAN ne s’écrit pas ici : cherchez par le n° de bordereau ou de contrat.", "warn")
        return redirect_whole(address(**dict.fromkeys(form.secrets())))
    found = form.narrow(called.statements())
    count, total, rest = sums.of_statements(found, form)
    page = Page(ordered(found, sort), page_size(current_user.rows_per_page), rows=shown(sort), total=count)
    listed = {"form": form, "sort": sort, "page": page, "total": total, "rest": rest}
    return render("schedule", **listed, **({} if wants_fragment() else summary(form.year, sums)))


def asked(sums):
    """The filters and the order of the address: the latest first."""
    return ScheduleFilter(request.args, sums.years(), sums.today), Sort(SORTS, request.args.get("tri") or "-bordereau")


def ordered(found, sort):
    """Those that are found, in the order of the page, with what that order looks at and no more."""
    return sort.of(found.join(Plan) if sort.key == "produit" else found)


def shown(sort):
    """How the rows of a page are read, and told: whole, once it is known which they are."""
    return lambda cut: called.tell(sort.of(Row.whole(called.statements().where(Row.id.in_(cut.select(Row.id))))))


def summary(year, sums):
    """What stands above the list: what is due, what is announced, and a year month by month."""
    years, today = sums.years(), sums.today
    year = year or next((one for one in years if one <= today.year), today.year)
    months, *series = zip(*sums.of_year(year), strict=True)
    points, unit = chart(months, *series)
    return {
        "today": today,
        "year": year,
        "years": years,
        "balance": sums.balance(),
        "points": points,
        "unit": unit,
        "figures": figures(months, *series),
        "upcoming": sums.next_call(),
        "paid": sums.paid_in(year),
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
    sums = Sums(clock.today())
    form, sort = asked(sums)
    found = form.narrow(called.statements())
    file_format = "csv" if request.form.get("format") == "csv" else "xlsx"
    account = current_scope().account
    with db.atomic():
        detail = {"rows": found.count(), "format": file_format}
        audit("statements.export", account=account and account.account_id, after=detail)
    return roster.send("echeancier", COLUMNS, cells(sort.of(Row.whole(found)), sums.today), file_format, "Échéancier")


def cells(statements, today):
    for row in statements.iterator():
        place = row.contract.category
        period = (row.number, row.plan.label, row.period_start, row.period_end, row.payer, row.issued_on, row.due_on)
        words = called.STATES[row.state(today)][0]
        company = (row.contract.number, place.company.code, place.company.label, place.label)
        yield (*period, row.total, row.settled, row.rest, words, *company)

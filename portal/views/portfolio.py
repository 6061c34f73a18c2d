"""« Portefeuille »: all the accounts of a manager or a broker at once, what awaits where, and its file."""

from operator import attrgetter

from flask import Blueprint, request
from flask_login import current_user

from portal import clock, portfolio
from portal.access import audit, requires
from portal.exchange.spreadsheets import Column
from portal.formats import search_words
from portal.forms.portfolio import PortfolioFilter
from portal.models import db
from portal.rendering import Listed, Page, Sort, address, page_size, render
from portal.views import roster
from portal.views.scope import refuse_secret

blueprint = Blueprint("portfolio", __name__, url_prefix="/portefeuille")

ORDERS = {
    "compte": lambda line: line.account.name_key,
    "personnes": attrgetter("people"),
    "pieces": attrgetter("proofs", "late_proofs"),
    "demandes": attrgetter("to_answer", "threads"),
    "adhesions": attrgetter("enrolments"),
    "bordereaux": attrgetter("late_statements", "statements"),
}


def asked():
    """(the filters, the order, the lines) of the address."""
    form, sort = PortfolioFilter(request.args), Sort(dict.fromkeys(ORDERS, ()), request.args.get("tri", ""))
    accounts = current_user.find_accounts(search_words(form.q.data or ""))
    found = form.narrow(portfolio.lines(current_user, accounts, clock.today()))
    if sort.asked:
        found = sorted(found, key=ORDERS[sort.key], reverse=sort.descending)
    return form, sort, found


@blueprint.get("")
@requires("portfolio")
def index():
    form = PortfolioFilter(request.args)
    if form.secrets():
        return refuse_secret(address(**dict.fromkeys(form.secrets())))
    form, sort, found = asked()
    page = Page(Listed(found), page_size(current_user.rows_per_page), total=len(found))
    return render("portfolio", form=form, sort=sort, page=page, sums=sums(found))


def sums(found):
    """Of all the lines, whatever the page."""
    names = ("people", "proofs", "to_answer", "enrolments", "late_statements")
    return {name: sum(getattr(line, name) for line in found) for name in names}


COLUMNS = (
    Column("N° de compte"),
    Column("Compte"),
    Column("Contact"),
    Column("Bénéficiaires", "number"),
    Column("Contrats", "number"),
    Column("Pièces attendues", "number"),
    Column("dont en retard", "number"),
    Column("Demandes en cours", "number"),
    Column("dont à répondre", "number"),
    Column("Adhésions à finir", "number"),
    Column("Bordereaux à régler", "number"),
    Column("dont en retard", "number"),
    Column("Prochaine échéance", "date"),
)


@blueprint.post("/telechargement")
@requires("export")
def download():
    """What the address filters, as a file; written down."""
    _, _, found = asked()
    file_format = "csv" if request.form.get("format") == "csv" else "xlsx"
    with db.atomic():
        audit("portfolio.export", after={"rows": len(found), "format": file_format})
    return roster.send("portefeuille", COLUMNS, map(cells, found), file_format, "Portefeuille")


def cells(line):
    account = line.account
    return [
        *(account.code, account.name, account.contact, line.people, line.contracts),
        *(line.proofs, line.late_proofs, line.threads, line.to_answer, line.enrolments),
        *(line.statements, line.late_statements, line.next_due),
    ]

"""The page of a statement: one line an employee, what changed since the one before, what settled it, its PDF."""

from functools import partial

from flask import Blueprint, abort, current_app, flash, redirect, request, url_for
from flask_login import current_user

from portal import clock, printing, rejecting, statements
from portal.access import audit, requires
from portal.exchange.spreadsheets import Column
from portal.forms.contributions import LineFilter
from portal.models import (
    JOIN,
    Beneficiary,
    ContributionStatement,
    Payment,
    PaymentAllocation,
    StatementLine,
    db,
    fn,
)
from portal.rendering import (
    Page,
    Sought,
    address,
    page_size,
    redirect_whole,
    render,
    render_region,
    wants_fragment,
)
from portal.rules.contributions import IN, OUT
from portal.views import called, roster
from portal.views.document_files import given

blueprint = Blueprint("statements", __name__, url_prefix="/echeancier")

MOST_CHANGES = 30  # on the page; the file has them all
ON_A_PAGE = 36  # lines, about
CODE = "Code à lire avec l’application d’une banque : il remplit le virement"
IN_ORDER = (StatementLine.name_key, StatementLine.member_number, StatementLine.id)
KINDS = {IN: ("Entrée", "ok"), OUT: ("Sortie", ""), "CHANGED": ("Modification", "info")}


def statement(id):
    """One that the user may see, with all that its page tells of it."""
    return current_user.statement(id) or abort(404)


@blueprint.get("/<uuid:id>")
@requires("money")
def show(id):
    row, form = statement(id), LineFilter(request.args)
    if form.secrets():
        flash("Un n° de sécurité sociale ne s’écrit pas ici : cherchez par le nom ou le n° d’adhérent.", "warn")
        return redirect_whole(address(**dict.fromkeys(form.secrets())))
    above, lines = {} if wants_fragment() else summary(row), form.narrow(with_people(row)).order_by(*IN_ORDER)
    size = page_size(current_user.rows_per_page)
    if above and not form.in_force():
        page = Page(lines, size, total=above["called"].count)
    else:
        page = Sought(partial(counted, lines), size)
    return render("statement", statement=row, form=form, page=page, **above)


def counted(lines, number, size):
    """One page of these lines, and how many they are in all, in one query while the page is one of them."""
    rows = list(lines.select_extend(fn.COUNT(StatementLine.id).over().alias("in_all")).paginate(number, size).objects())
    if not rows and number > 1:  # beyond the last
        return rows, lines.order_by().count()
    return rows, rows[0].in_all if rows else 0


def with_people(row):
    """Its lines, each with its person when the user may see them."""
    seen = (StatementLine.beneficiary == Beneficiary.id) & Beneficiary.category.in_(current_user.category_ids())
    named = row.lines.select(StatementLine, Beneficiary.public_id.alias("person"))
    return named.join(Beneficiary, JOIN.LEFT_OUTER, on=seen).objects()


def summary(row):
    """What stands above the lines."""
    changes = statements.Changes(row)
    rejected = [rejecting.told(row)] if row.debit else []
    payee = statements.to_transfer(row, current_app.settings.payee, bool(rejected), clock.today())
    return {
        "told": called.told(row, clock.today()),
        "rejected": rejected,
        "payee": payee,
        "code": payee and printing.transfer_code(payee, CODE, on_screen=True),
        "called": changes.called,
        "changes": changes,
        "kinds": KINDS,
        "most": MOST_CHANGES,
        "settled": settled(row),
        "being_made": being_made(row),
        "has_failed": row.document_id is not None and row.document.has_failed(clock.now()),
        "pages_in_all": pages_in_all(changes.called.count),
    }


def settled(row):
    """What settled it, or what a credit note is set against."""
    if row.total < 0:
        against = row.settles.select(PaymentAllocation, ContributionStatement)
        against = against.join(ContributionStatement, on=(PaymentAllocation.statement == ContributionStatement.id))
        return list(against.order_by(ContributionStatement.due_on, PaymentAllocation.id))
    by = row.settled_by.select(PaymentAllocation, Payment)
    by = by.join(Payment, JOIN.LEFT_OUTER, on=(PaymentAllocation.payment == Payment.id))
    return list(by.order_by(Payment.paid_on, PaymentAllocation.id))


def being_made(row):
    return row.document_id is not None and row.document.is_being_made(clock.now())


def pages_in_all(lines):
    """About so many has the PDF of so many lines."""
    return 2 + lines // ON_A_PAGE


# ── The PDF ──────────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.post("/<uuid:id>/bordereau")
@requires("money")
def pdf(id):
    """The statement as a PDF; a long one is made by the worker, and the page says when it is there."""
    row = statement(id)
    if row.issued_on > clock.today():
        abort(404)
    asked = row.document_id is not None and not row.document.has_failed(clock.now())
    with db.atomic():
        made = statements.document_of(row, current_app.settings.payee, clock.now())
        if not asked:
            audit("statement.print", on=row, account=row.contract.category.account_id)
    if made.is_long:
        flash("Le bordereau se prépare : il sera là dans un instant.", "info")
        return redirect(url_for(".show", id=id), 303)
    return given(made, "document.download", url_for(".show", id=id))


@blueprint.get("/<uuid:id>/bordereau")
@requires("money")
def progress(id):
    """The one region that asks again every second; once it is over, the page."""
    row = statement(id)
    if being_made(row) and wants_fragment():
        return render_region("statement_progress", statement=row, pages_in_all=pages_in_all(row.lines.count()))
    return redirect_whole(url_for(".show", id=id))


# ── The files for payroll ────────────────────────────────────────────────────────────────────────────────────────

LINES = (
    Column("Num Adhérent"),
    Column("Matricule"),
    Column("Salarié"),
    Column("Régularisation"),
    Column("Structure"),
    Column("Prix mensuel (€)", "cents"),
    Column("Part employeur (€)", "cents"),
    Column("Part salarié (€)", "cents"),
    Column("Total (€)", "cents"),
    Column("Du", "date"),
    Column("Au", "date"),
    Column("Prorata (%)", "number"),
)
CHANGES = (
    Column("Num Adhérent"),
    Column("Salarié"),
    Column("Mouvement"),
    Column("Cause"),
    Column("Avant (€)", "cents"),
    Column("Après (€)", "cents"),
    Column("Écart (€)", "cents"),
    Column("Écart employeur (€)", "cents"),
    Column("Écart salarié (€)", "cents"),
)


@blueprint.post("/<uuid:id>/telechargement")
@requires("money")
def download(id):
    """The lines, as the address filters them, or every difference with the statement before; written down."""
    row, form = statement(id), LineFilter(request.args)
    file_format = "csv" if request.form.get("format") == "csv" else "xlsx"
    differs = request.form.get("quoi") == "ecarts"
    detail = {"format": file_format, "what": "changes" if differs else "lines"}
    audit("statement.export", on=row, account=row.contract.category.account_id, after=detail)
    if differs:
        return roster.send(f"ecarts-{row.number}", CHANGES, changed(statements.Changes(row)), file_format, "Écarts")
    return roster.send(f"bordereau-{row.number}", LINES, cells(form.narrow(row.lines)), file_format, row.number)


def cells(lines):
    """The lines as rows of `LINES`."""
    line = StatementLine
    columns = (
        *(line.member_number, fn.COALESCE(Beneficiary.employee_number, ""), line.label, line.is_correction),
        *(line.band, line.price, line.employer, line.employee, line.employer + line.employee),
        *(line.starts_on, line.ends_on, line.portion),
    )
    read = lines.select(*columns).join(Beneficiary, JOIN.LEFT_OUTER).order_by(*IN_ORDER)
    for *who, is_correction, band, price, employer, employee, total, start, end, portion in read.tuples().iterator():
        again = "Oui" if is_correction else ""
        yield (*who, again, band, price, employer, employee, total, start, end, portion / 100)


def changed(changes):
    for one, who, why in changes.rows:
        kind = KINDS[one.kind][0]
        yield one.member, who, kind, why, one.before, one.after, one.amount, one.employer, one.employee

"""One file of affiliations: how far it is, what is said of its rows; confirm, take the faulty ones back, drop it."""

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user

from portal import clock
from portal.access import audit, requires
from portal.exchange import confirming, recognising, staging
from portal.exchange.affiliation_template import write_rejected
from portal.formats import plural
from portal.forms.affiliations import RowForm
from portal.models import AffiliationImport, ImportRow, ImportState, db
from portal.rendering import (
    get_or_404,
    number_of,
    page_size,
    redirect_whole,
    render,
    render_region,
    wants_fragment,
)
from portal.views import reports
from portal.views.affiliations import named, workbook
from portal.views.recording import by
from portal.views.scope import may

blueprint = Blueprint("imports", __name__, url_prefix="/affiliations/fichiers")


def source_of(id):
    return get_or_404(named(current_user.imports()), AffiliationImport.public_id == id)


@blueprint.get("/<uuid:id>")
@requires("see")
def show(id):
    source = source_of(id)
    opened = number_of("ligne", 0) or None
    return report(source, opened=opened)


def report(source, status=200, opened=None, form=None):
    """The page of a file; `opened`: the row that is being mended, with what was typed (`form`)."""
    offers = recognising.offers(by(), source.account_id)
    if opened and form is None:
        form = form_of(source, opened, offers)
    counts = reports.counts_of([source])[source.id]
    rows = reports.Report(source, request.args, page_size(current_user.rows_per_page), offers, opened)
    return render(
        "import",
        status,
        source=source,
        counts=counts,
        state=reports.state_of(source, counts),
        report=rows,
        form=form,
        certain=confirming.to_confirm(source, with_warnings=False).count() if counts.doubtful else counts.ready,
        twin=twin(source),
        after=number_of("apres", 0),
    )


def twin(source):
    """The same file sent earlier, as long as it makes a difference."""
    if source.state in (ImportState.DONE, ImportState.DROPPED):
        return None
    earlier = named(current_user.imports()).where(AffiliationImport.same_as(source))
    return earlier.order_by(AffiliationImport.id.desc()).first()


def form_of(source, line, offers, typed=None):
    """The row as a form, when it may be mended; None otherwise."""
    row = reports.rows_of([source]).where(ImportRow.line == line, ImportRow.confirmed_at.is_null()).first()
    if row is None or source.state != ImportState.CHECKED or not may("affiliate"):
        return None
    return row_form(source, row, offers, typed)


def row_form(source, row, offers, typed=None):
    return RowForm(typed, staging.cells_of(source, row), row.notes, offers, staging.mark(row))


@blueprint.get("/<uuid:id>/avancement")
@requires("see")
def progress(id):
    """The one region that asks again every second; once it is over, the report."""
    source = source_of(id)
    if source.is_at_work and wants_fragment():
        return render_region("progress", source=source)
    return redirect_whole(url_for("imports.show", id=id))


@blueprint.post("/<uuid:id>/confirmation")
@requires("affiliate")
def confirm(id):
    """Have the worker affiliate what is ready, with this user’s rights."""
    source = source_of(id)
    with_warnings = request.form.get("avertissements") == "1"
    ready = confirming.to_confirm(source, with_warnings).count()
    if not ready:
        flash("Aucune ligne n’est prête : corrigez d’abord celles en erreur.", "warn")
        return redirect(url_for("imports.show", id=id), 303)
    with db.atomic():
        if source.ask_to_confirm(by(), with_warnings):
            detail = {"rows": ready, "with_warnings": with_warnings}
            audit("import.confirm", on=source, account=source.account_id, after=detail)
    return redirect(url_for("imports.show", id=id), 303)


@blueprint.post("/<uuid:id>/rejets")
@requires("affiliate")
def rejected(id):
    """The rows in error, in the same workbook with a column « Erreur »; written down."""
    source = source_of(id)
    rows = list(staging.rejected(source))
    if not rows:
        flash("Plus aucune ligne n’est en erreur.", "ok")
        return redirect(url_for("imports.show", id=id), 303)
    audit("import.export", on=source, account=source.account_id, after={"rows": len(rows)})
    offers = recognising.offers(by(), source.account_id)
    return workbook(
        write_rejected(source.account.name, offers, rows), f"lignes-a-corriger-{clock.today():%Y-%m-%d}.xlsx"
    )


@blueprint.post("/<uuid:id>/abandon")
@requires("affiliate")
def drop(id):
    """Forget what was not affiliated."""
    source = source_of(id)
    with db.atomic():
        forgotten = source.drop()
        if forgotten is not None:
            audit("import.drop", on=source, account=source.account_id, after={"rows": forgotten})
    if forgotten is None:
        flash("Ce fichier ne peut pas être abandonné maintenant.", "warn")
        return redirect(url_for("imports.show", id=id), 303)
    flash(f"Le fichier est abandonné : {plural(forgotten, 'ligne oubliée', 'lignes oubliées')}.", "ok")
    return redirect(url_for("affiliations.index"), 303)

"""Mending a row of a file in the page: checked at once, with those of the same household or person."""

from flask import Blueprint, abort, flash, redirect, request, url_for

from portal.access import audit, requires
from portal.exchange import recognising, staging
from portal.models import ImportRow, db
from portal.rendering import address
from portal.views import reports
from portal.views.imports import form_of, report, row_form, source_of
from portal.views.recording import by

blueprint = Blueprint("mending", __name__, url_prefix="/affiliations/fichiers")


@blueprint.post("/<uuid:id>/lignes/<int(max=2000000):line>")
@requires("affiliate")
def mend(id, line):
    """Other words for a row, checked at once; right, the next row in error comes next."""
    source = source_of(id)
    offers = recognising.offers(by(), source.account_id)
    if not reports.rows_of([source]).where(ImportRow.line == line).exists():
        abort(404)
    typed = form_of(source, line, offers, request.form)
    try:
        row = checked_again(source, line, typed) if typed else None
    except staging.Overtaken as overtaken:
        row = overtaken.row
        typed.overtake(staging.cells_of(source, row), staging.mark(row))
        if typed.now:
            return report(source, 409, line, typed)
    if row is None:
        flash(f"La ligne {line} ne se corrige plus : elle est affiliée, ou va l’être.", "warn")
        return redirect(url_for("imports.show", id=id), 303)
    if row.verdict == "ERROR":
        return report(source, 422, line, row_form(source, row, offers))
    flash(f"Ligne {line} : {reports.VERDICTS[reports.WORD[row.verdict]][0].lower()}.", "ok")
    back = address(url_for("imports.show", id=id, perimetre=None), ligne=None, apres=line)
    return redirect(f"{back}#ligne-{line}", 303)


def checked_again(source, line, typed):
    """The row with these words; None when the file is being confirmed or dropped."""
    with db.atomic():
        if not source.hold():
            return None
        row = staging.mend(source, line, typed.texts(), by(), typed.vue.data or "")
        audit("import.mend", on=source, account=source.account_id, after={"line": line, "verdict": row.verdict})
        return row

"""One publication at the mutual: its versions and its file; a new version, its withdrawal with notice, a mistake."""

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask_login import current_user

from portal import clock, publishing
from portal.access import audit, requires
from portal.formats import date_fr
from portal.forms.publications import MistakeForm, VersionForm, WithdrawalForm
from portal.models import LibraryFolder, Outdated, Publication, User, db
from portal.rendering import get_or_404, posted, render
from portal.rules.publishing import NATURES, earliest_withdrawal
from portal.views import files
from portal.views.recording import TWICE, by
from portal.views.staff.publications import told

blueprint = Blueprint("staff_publication", __name__, url_prefix="/gestion/publications")

MEANWHILE = "Quelqu’un a changé ou retiré cette publication entre-temps. Voici où elle en est."


def found(id):
    return get_or_404(Publication.whole(current_user.all_publications()), Publication.public_id == id)


@blueprint.get("/<uuid:id>")
@requires("staff_publish")
def show(id):
    return page(found(id))


def page(row, status=200, version=None, withdrawal=None, mistake=None):
    today, nature = clock.today(), NATURES[row.nature]
    return render(
        "staff_publication",
        status,
        row=row,
        one=told(row, today, LibraryFolder.paths()),
        nature=nature,
        readers=User.of_audience(row).count(),
        versions=list(row.versions()),
        is_shown=row.superseded_at is None and row.withdrawn_on is None,
        is_leaving=row.withdrawn_on is not None and row.withdrawn_on > today,
        earliest=None if nature.contractual else earliest_withdrawal(False, today),
        version=version or VersionForm(),
        withdrawal=withdrawal or WithdrawalForm(None, today, nature.contractual),
        mistake=mistake or MistakeForm(),
    )


@blueprint.get("/<uuid:id>/apercu")
@requires("staff_publish")
def preview(id):
    return files.preview(found(id).file or abort(404))


@blueprint.post("/<uuid:id>/telechargement")
@requires("staff_publish")
def download(id):
    row = found(id)
    file = row.file or abort(404)
    audit("publication.download", on=row, account=row.account_id)
    return files.attachment(file)


@blueprint.post("/<uuid:id>/version")
@requires("staff_publish")
@files.takes_files
def replace(id):
    row, form = found(id), VersionForm(posted())
    files.take_in(form.fichier, account=None)
    if not form.validate():
        return page(row, 422, version=form)
    try:
        with db.atomic():
            fresh, is_new = publishing.replace(row, form.fichier.files[0], form.note.data, by(), clock.now(), form.key)
            if is_new:
                audit("publication.replace", on=fresh, account=row.account_id, after={"number": fresh.number})
    except Outdated:
        flash(MEANWHILE, "warn")
        return back(row)
    flash("La nouvelle version est publiée. Les anciennes restent lisibles." if is_new else TWICE, "ok")
    return back(fresh)


@blueprint.post("/<uuid:id>/retrait")
@requires("staff_publish")
def withdraw(id):
    row = found(id)
    form = WithdrawalForm(request.form, clock.today(), NATURES[row.nature].contractual)
    if not form.validate():
        return page(row, 422, withdrawal=form)

    def act(now):
        told_to = publishing.withdraw(row, form.on, form.raison.data, now)
        return {"on": f"{form.on}", "told": told_to}

    return change(
        row, "publication.withdraw", act, f"Retrait annoncé pour le {date_fr(form.on)} : les lecteurs sont prévenus."
    )


@blueprint.post("/<uuid:id>/maintien")
@requires("staff_publish")
def keep(id):
    """Take the announcement back before its day."""
    row = found(id)
    return change(row, "publication.keep", lambda now: publishing.keep_after_all(row, now), "Le document reste publié.")


@blueprint.post("/<uuid:id>/erreur")
@requires("staff_publish")
def take_off(id):
    row, form = found(id), MistakeForm(request.form)
    if not form.validate():
        return page(row, 422, mistake=form)

    def act(now):
        publishing.take_off(row, form.erreur.data, now)
        return {"why": form.erreur.data}

    return change(row, "publication.take_off", act, "Le document n’est plus visible de personne.")


def change(row, action, act, said):
    """`act(now)` changes the row, and gives what is written down; raises Outdated."""
    try:
        with db.atomic():
            audit(action, on=row, account=row.account_id, after=act(clock.now()) or {})
        flash(said, "ok")
    except Outdated:
        flash(MEANWHILE, "warn")
    return back(row)


def back(row):
    return redirect(url_for("staff_publication.show", id=row.public_id), 303)

"""« Espace documentaire »: the tree of folders and the list of files, their search, and what is taken away of them."""

from flask import Blueprint, abort, flash, request
from flask_login import current_user
from peewee import SQL

from portal import clock, library
from portal.access import audit, requires
from portal.formats import number
from portal.forms.library import LibraryFilter
from portal.models import Document, GroupContract, LibraryVisit, Publication
from portal.rendering import Page, Sort, address, get_or_404, page_size, redirect_whole, render
from portal.rules.publishing import NATURES
from portal.views import archives, files, listed_files
from portal.views.scope import current_scope

blueprint = Blueprint("library", __name__, url_prefix="/espace-documentaire")

ORDERS = {
    "date": ("published_on", "title_key", "public_id"),
    "nom": ("title_key", "public_id"),
    "type": ("mime_type", "title_key", "public_id"),
    "taille": ("size", "public_id"),
}
SORTS = {key: tuple(map(SQL, names)) for key, names in ORDERS.items()}


@blueprint.get("")
@requires("documents")
def index():
    form = LibraryFilter(request.args)
    if form.secrets():
        flash("Un n° de sécurité sociale ou un IBAN ne s’écrit pas ici : cherchez par les mots du document.", "warn")
        return redirect_whole(address(**dict.fromkeys(form.secrets())))
    now = clock.now()
    visit = LibraryVisit.of(current_user)
    since = visit.since(now)
    shelf, node = chosen(form, since)
    sort = Sort(SORTS, request.args.get("tri") or "-date")
    keys, rows = shelf.keys(node, ORDERS[sort.key]), listed_files.reader(shelf, sort, since)
    page = Page(sort.of(keys), page_size(current_user.rows_per_page), rows, total=node.count)
    if not current_user.viewer:
        visit.note(now)
    return render("library", form=form, shelf=shelf, node=node, sort=sort, page=page)


def chosen(form, since):
    """What the address shows, and the folder it opens: one that is empty now gives way to the root."""
    shelf = library.Shelf(
        publications(),
        printed(),
        form.q.data or "",
        form.boite.data or "",
        since if form.nouveau.data else None,
    )
    return shelf, shelf.find(request.args.get("dossier", "")) or shelf.root


def publications():
    """What the mutual published for the scope."""
    scope, found = current_scope(), current_user.publications()
    if not scope.account:
        return found
    categories = [row.category_id for row in scope.chosen if row.category_id]
    companies = list({row.company_id for row in scope.chosen if row.company_id})
    plans = current_user.contracts().where(GroupContract.category.in_(categories)).select(GroupContract.plan)
    return found.where(Publication.addressed([scope.account.account_id], companies, categories, plans))


def printed():
    scope, found = current_scope(), current_user.documents()
    return found.where(Document.account == scope.account.account_id) if scope.account else found


# ── One of them ──────────────────────────────────────────────────────────────────────────────────────────────────


def publication(id):
    return get_or_404(current_user.publications(), Publication.public_id == id)


@blueprint.get("/<uuid:id>")
@requires("documents")
def show(id):
    """A document that the mutual published, with its earlier versions."""
    row = publication(id)
    same = current_user.publications().where(Publication.series == row.series)
    versions = list(same.order_by(Publication.number.desc()))
    return render("publication", row=row, versions=versions, nature=NATURES[row.nature].label)


@blueprint.get("/<uuid:id>/apercu")
@requires("documents")
def preview(id):
    return files.preview(publication(id).file or abort(404))


@blueprint.post("/<uuid:id>/telechargement")
@requires("documents")
def download(id):
    row = publication(id)
    file = row.file or abort(404)
    audit("publication.download", on=row, account=row.account_id)
    return files.attachment(file)


# ── Several, as one zip ──────────────────────────────────────────────────────────────────────────────────────────


@blueprint.post("/telechargement")
@requires("documents")
def download_many():
    """Those that are ticked, or all that the address shows: its folder, its words, its toolbox."""
    form = LibraryFilter(request.args)
    shelf, node = chosen(form, LibraryVisit.of(current_user).since(clock.now()))
    ticked = [mark for mark in request.form.getlist("qui") if library.read_uuid(mark[1:])][: library.MOST_TICKED]
    listed = shelf.listed(node) if request.form.get("tous") else shelf.ticked(ticked)
    wanted = library.in_archive(shelf, listed)
    if not wanted:
        flash("Cochez d’abord les documents à télécharger.", "warn")
        return redirect_whole(address("/espace-documentaire"))
    if len(wanted) > library.MOST_AT_ONCE:
        flash(f"{number(len(wanted))} documents, c’est trop pour un seul fichier : choisissez un dossier.", "warn")
        return redirect_whole(address("/espace-documentaire"))
    account = current_scope().account
    detail = {"documents": len(wanted), "folder": node.path, "ticked": [] if request.form.get("tous") else ticked}
    audit("library.download", account=account and account.account_id, after=detail)
    return archives.send("documents", wanted)

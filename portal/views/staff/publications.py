"""« Publications » at the mutual: what it publishes in « Espace documentaire », to whom, in which state; publish."""

from types import SimpleNamespace

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user

from portal import clock, publishing
from portal.access import audit, requires
from portal.formats import date_fr, plural, search_words
from portal.forms.publications import PublicationFilter, PublicationForm
from portal.models import Audience, EmployeeCategory, LibraryFolder, Plan, Publication, User, db
from portal.rendering import Page, address, page_size, posted, redirect_whole, render
from portal.views import files
from portal.views.recording import TWICE, by

blueprint = Blueprint("staff_publications", __name__, url_prefix="/gestion/publications")


@blueprint.get("")
@requires("staff_publish")
def index():
    form, today = PublicationFilter(request.args), clock.today()
    if form.secrets():
        flash("Un n° de sécurité sociale ou un IBAN ne s’écrit pas ici.", "warn")
        return redirect_whole(address(**dict.fromkeys(form.secrets())))
    found = form.narrow(current_user.all_publications().where(Publication.current()), today)
    latest = Publication.whole(found).order_by(Publication.created_at.desc(), Publication.id.desc())
    return render("staff_publications", form=form, page=Page(latest, page_size(current_user.rows_per_page), rows=tell))


def tell(rows):
    today, paths = clock.today(), LibraryFolder.paths()
    return [told(row, today, paths) for row in rows]


def told(row, today, paths):
    return SimpleNamespace(
        id=row.public_id,
        title=row.title,
        number=row.number,
        addressee=addressee(row),
        place=paths[row.folder_id],
        published_on=row.published_on,
        author=row.author.full_name if row.author_id else "",
        state=state(row, today),
    )


def addressee(row):
    """Whom a publication is for."""
    if row.audience == Audience.PLAN:
        return f"Garantie {row.plan.label}"
    parts = [part for part in (row.account, row.company, row.category) if part]
    labels = [getattr(part, "label", None) or part.name for part in parts]
    return " · ".join(labels) or "Toutes les entreprises"


def state(row, today):
    """Words, tone and icon."""
    if row.withdrawn_on and row.withdrawn_on <= today:
        return "Retirée", "", "ban"
    if row.withdrawn_on:
        return f"Retrait le {date_fr(row.withdrawn_on)}", "warn", "hourglass"
    return ("À venir", "info", "clock") if row.published_on > today else ("Publiée", "ok", "eye")


# ── Publish ──────────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/nouvelle")
@requires("staff_publish")
def new():
    return render("staff_publish", form=form_of(None))


def form_of(typed):
    folders = current_user.library_folders()
    paths = LibraryFolder.paths()
    offered = sorted(folders, key=lambda one: paths[one.id].casefold())
    named = {str(one.public_id): (one, paths[one.id]) for one in offered}
    plans = current_user.plans().order_by(Plan.label, Plan.code)
    return PublicationForm(typed, clock.today(), find, colleges, plans, named)


def find(typed):
    return current_user.find_accounts(search_words(typed))


def colleges(account):
    return EmployeeCategory.with_companies(current_user.categories().where(EmployeeCategory.account == account))


@blueprint.post("/nouvelle")
@requires("staff_publish")
@files.takes_files
def create():
    """« Chercher » offers what is within an account; « Publier » publishes, once."""
    form = form_of(posted())
    files.take_in(form.fichier, account=None)
    if request.form.get("etape") == "chercher":
        return render("staff_publish", form=form)
    if not form.validate():
        return render("staff_publish", 422, form=form)
    now = clock.now()
    with db.atomic():
        values = form.columns() | {"folder": publishing.folder_in(*form.folder)}
        row, is_new = publishing.publish(values, form.fichier.files[0], by(), now, form.key)
        if is_new:
            audit(
                "publication.publish", on=row, account=row.account_id, after={"title": row.title, "for": row.audience}
            )
    flash(said(row) if is_new else TWICE, "ok" if is_new else "info")
    return redirect(url_for("staff_publication.show", id=row.public_id), 303)


def said(row):
    if row.published_on > clock.today():
        return f"Enregistré : le document sera publié le {date_fr(row.published_on)}."
    readers = User.of_audience(row).count()
    return f"Publié : {plural(readers, 'personne')} {'peuvent' if readers > 1 else 'peut'} le lire dès maintenant."

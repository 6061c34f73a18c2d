"""« Salariés / Bénéficiaires »: the list, the page of a person, and what may be shown or taken away of them."""

from urllib.parse import parse_qs

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask_login import current_user

from portal import clock
from portal.access import audit, fresh, requires, shows_people
from portal.forms.employees import BeneficiaryFilter, NirSearch
from portal.models import AuditEvent, db
from portal.rendering import Page, Sort, address, page_size, redirect_whole, render, split
from portal.views import roster, told
from portal.views.actions import words
from portal.views.scope import current_scope

blueprint = Blueprint("employees", __name__, url_prefix="/salaries")


@blueprint.get("")
@requires("see")
@shows_people
def index():
    form = BeneficiaryFilter(request.args, clock.today(), current_user.child_ages)
    if form.secrets():
        flash("Un n° de sécurité sociale ne s’écrit pas ici : cherchez-le dans « Par n° de sécurité sociale ».", "warn")
        return redirect_whole(address(**dict.fromkeys(form.secrets())))
    sort = Sort(roster.SORTS, request.args.get("tri", ""))
    everyone = not current_scope().account
    people = form.narrow(roster.visible())
    total = form.narrow(roster.visible(counted=True)).count() if everyone else None
    page = Page(roster.ids(people, sort), page_size(current_user.rows_per_page), rows=roster.rows(sort), total=total)
    listed = {"form": form, "sort": sort, "page": page, "everyone": everyone, "closed": closed()}
    return render("employees", **listed, **chosen())


def chosen():
    """The person shown beside the list (`?fiche=`), if any."""
    return at_home(request.args["fiche"]) if request.args.get("fiche") else {"person": None}


def closed():
    """The id of the person whose panel this very swap takes away: their row has the focus again."""
    if not request.headers.get("HX-Source", "").endswith(("#close", "#back")):
        return ""
    shown = parse_qs(split(request.headers.get("HX-Current-URL", "")).query)
    return shown.get("fiche", [""])[0]


def person(public_id):
    """One person the user may see, with contract, plan, college and company."""
    return current_user.person(roster.uuid_or_404(public_id)) or abort(404)


def at_home(public_id):
    """The same, with their individual products and household."""
    found, members = current_user.person_at_home(roster.uuid_or_404(public_id))
    return {"person": found or abort(404), "household": members, "products": found.products}


@blueprint.get("/<uuid:id>")
@requires("see")
@shows_people
def show(id):
    return page_of(**at_home(id))


def page_of(person, shown=None, **home):
    past = {
        "history": history(person),
        "movements": told.of_person(person),
        "documents": current_user.documents_of(person),
    }
    return render("employee", person=person, shown=shown or {}, **past, **home)


def history(found):
    """What was looked at of this person: words, when, by whom. Movements tell more of what was changed."""
    return [
        {"words": words(event.action), "at": event.at, "by": event.author and event.author.full_name}
        for event in AuditEvent.about(found, movements=False)
    ]


REVEALED = {"nir": "nir", "iban-prestation": "reimbursement_iban", "iban-cotisation": "contribution_iban"}


@blueprint.post("/<uuid:id>/<any(nir, 'iban-prestation', 'iban-cotisation'):value>")
@requires("reveal")
def reveal(id, value):
    """Show a sealed value once, in the answer to this very click: it has no address, and the click is written down."""
    home, column = at_home(id), REVEALED[value]
    found = home["person"]
    if getattr(found, column) is None or found.is_kept_from(current_user, column):
        abort(404)
    audit(f"{column}.reveal", on=found, account=found.account_id)
    return page_of(shown={column: found.unseal(column)}, **home)


@blueprint.post("/recherche-nir")
@requires("reveal")
def find_by_nir():
    form = NirSearch()
    if not form.validate():
        flash(form.nir.errors[0] if form.nir.errors else "Rechargez la page, puis recommencez.", "danger")
        return redirect(url_for("employees.index"), 303)
    in_order = Sort(roster.SORTS, "nom")
    found = roster.rows(in_order)(roster.ids(current_user.find_by_nir(form.nir.data), in_order))
    audit("nir.search", after={"found": [str(row.public_id) for row in found]})
    if not found:
        flash("Personne ne porte ce n° de sécurité sociale dans vos comptes. Vérifiez les 15 chiffres.", "warn")
        return redirect(url_for("employees.index", situation="tous"), 303)
    if len(found) > 1:  # a child may have the number of a parent: the answer to this very click, for it has no address
        return render("nir_found", people=found, back=url_for("employees.index"), page_of="employees.show")
    return redirect(url_for("employees.show", id=found[0].public_id), 303)


@blueprint.post("/telechargement")
@requires("export")
@fresh(lambda: request.form.get("avec_nir") == "1")
def download():
    """Exactly what the address filters, as a file; written down, with whether it holds the NIR."""
    form = BeneficiaryFilter(request.args, clock.today(), current_user.child_ages)
    sort = Sort(roster.SORTS, request.args.get("tri", ""))
    with_nir = request.form.get("avec_nir") == "1"
    people = form.narrow(roster.visible())
    file_format = "csv" if request.form.get("format") == "csv" else "xlsx"
    with db.atomic():
        number = people.count()
        account = current_scope().account
        detail = {"rows": number, "format": file_format, "nir": with_nir, "filter": form.words()}
        audit("beneficiaries.export", account=account and account.account_id, after=detail)
    return roster.download(sort.of(people), file_format, with_nir)

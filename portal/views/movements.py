"""« Mouvements »: what was asked of the mutual, in one list with its download, and « Reprendre »."""

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user

from portal import clock
from portal.access import audit, requires, safe_path
from portal.exchange.spreadsheets import Column
from portal.formats import of_name
from portal.forms.movements import MovementFilter
from portal.models import Beneficiary, Movement, MovementKind, NotTakenBack, db, with_authors
from portal.rendering import Page, Sort, address, get_or_404, page_size, redirect_whole, render
from portal.views import roster, told
from portal.views.scope import current_scope

blueprint = Blueprint("movements", __name__, url_prefix="/mouvements")

SORTS = {
    "date": (Movement.created_at, Movement.id),
    "personne": (Beneficiary.name_key, Beneficiary.first_name_key, Movement.id),
    "nature": (Movement.kind, Movement.id),
    "effet": (Movement.effective_on, Movement.id),
    "etat": (Movement.state, Movement.id),
}


@blueprint.get("")
@requires("see")
def index():
    form, sort = asked()
    if form.secrets():
        flash("Un n° de sécurité sociale ne s’écrit pas ici : cherchez par le nom ou le n° d’adhérent.", "warn")
        return redirect_whole(address(**dict.fromkeys(form.secrets())))
    page = Page(sort.of(form.narrow(visible())), page_size(current_user.rows_per_page), rows=told.tell)
    return render("movements", form=form, sort=sort, page=page, everyone=not current_scope().account)


def asked():
    """The filters and the order of the address: the latest first."""
    form = MovementFilter(request.args, clock.today(), told.KINDS, told.STATES)
    return form, Sort(SORTS, request.args.get("tri") or "-date")


def visible():
    """The movements of the scope, with whom they are about and who asked for them."""
    return current_scope().narrow(told.with_places(with_authors(current_user.movements())), Movement.category)


@blueprint.post("/<uuid:id>/reprise")
@requires("move")
def take_back(id):
    """Undo what was not handed over yet."""
    movement = get_or_404(told.with_places(with_authors(current_user.movements())), Movement.public_id == id)
    kind, back = told.KINDS[movement.kind], safe_path(request.form.get("vers") or back_to(movement))
    try:
        if movement.cause_id and movement.is_in_progress:
            raise NotTakenBack("Ce mouvement suit celui du salarié : reprenez celui du salarié.")
        with db.atomic():
            movement.take_back(clock.now())
            written = {"before": movement.after, "after": movement.before}
            audit("movement.take_back", on=movement, account=movement.category.account_id, **written)
    except NotTakenBack as refusal:
        flash(str(refusal), "warn")
    else:
        flash(f"{kind} {of_name(movement.label)} : reprise. Rien ne sera transmis à la mutuelle.", "ok")
    return redirect(back, 303)


def back_to(movement):
    if movement.beneficiary_id is None or movement.kind == MovementKind.AFFILIATION:
        return url_for("movements.index")
    return url_for("employees.show", id=movement.beneficiary.public_id)


COLUMNS = (
    Column("Demandé le", "date"),
    Column("Par"),
    Column("Num Adhérent"),
    Column("Personne"),
    Column("Nature"),
    Column("Date d’effet", "date"),
    Column("Avant"),
    Column("Après"),
    Column("État"),
    Column("Remarque"),
    Column("Compte"),
    Column("Libellé entreprise"),
    Column("Libellé collège"),
)


@blueprint.post("/telechargement")
@requires("export")
def download():
    """Exactly what the address filters, as a file; written down."""
    form, sort = asked()
    movements = form.narrow(visible())
    file_format = "csv" if request.form.get("format") == "csv" else "xlsx"
    account = current_scope().account
    with db.atomic():
        detail = {"rows": movements.count(), "format": file_format}
        audit("movements.export", account=account and account.account_id, after=detail)
    told_of = cells(sort.of(movements), current_user.contracts())
    return roster.send("mouvements", COLUMNS, told_of, file_format)


def cells(movements, contracts):
    for one in told.tell_many(movements, contracts):
        before, after = ("\n".join(f"{line[0]} : {line[place]}" for line in one.lines) for place in (1, 2))
        told_of = (one.label, one.kind, one.effective_on, before, after, one.state, one.remark)
        yield [one.day, one.by, one.member_number, *told_of, one.account, one.company, one.category]

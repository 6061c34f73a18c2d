"""« Dispenses »: the register of who is not covered, by which case of the law, and what HR decides of each."""

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user

from portal import clock, waivers
from portal.access import audit, requires
from portal.exchange.spreadsheets import Column
from portal.forms import waivers as forms
from portal.models import Outdated, Waiver, WaiverState, db, fn
from portal.rendering import Page, Sort, address, get_or_404, page_size, redirect_whole, render
from portal.rules import waivers as rules
from portal.views import roster
from portal.views.scope import current_scope

blueprint = Blueprint("waivers", __name__, url_prefix="/dispenses")

NAME = (Waiver.name_key, Waiver.id)
# The nearest day on which something is to be done; of those that are over, the last day.
DUE = (fn.COALESCE(Waiver.due_on, Waiver.ended_on, "9999-12-31"), *NAME)
SORTS = {
    "echeance": DUE,
    "nom": NAME,
    "cas": (Waiver.reason, *NAME),
    "effet": (Waiver.effect_on, *NAME),
    "etat": (Waiver.state, *DUE),
}
STATES = {
    WaiverState.REQUESTED: ("À décider", "warn"),
    WaiverState.IN_FORCE: ("En vigueur", "ok"),
    WaiverState.ENDED: ("Terminée", ""),
    WaiverState.REFUSED: ("Refusée", "danger"),
}
MEANWHILE = "Cette dispense a changé entre-temps\u00a0: rien n’a été fait. Relisez-la, puis recommencez s’il le faut."


@blueprint.get("")
@requires("enrol")
def index():
    form, sort = asked()
    if form.secrets():
        flash("Un n° de sécurité sociale ne s’écrit pas ici : cherchez par le nom ou le matricule.", "warn")
        return redirect_whole(address(**dict.fromkeys(form.secrets())))
    page = Page(sort.of(form.narrow(visible())), page_size(current_user.rows_per_page))
    everyone, came = not current_scope().account, waivers.being_examined(page.rows)
    return render("waivers", form=form, sort=sort, page=page, everyone=everyone, came=came, **words())


def asked():
    """The filters and the order of the address: what is due first comes first."""
    return forms.RegisterFilter(request.args, clock.today()), Sort(SORTS, request.args.get("tri", ""))


def visible():
    return Waiver.whole(current_scope().narrow(current_user.waivers(), Waiver.category))


def words():
    return {"cases": rules.CASES, "bases": rules.BASES, "states": STATES, "today": clock.today()}


# ── One of them ──────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/<uuid:id>")
@requires("enrol")
def show(id):
    return page_of(found_or_404(id))


def found_or_404(public_id):
    return get_or_404(Waiver.whole(current_user.waivers()), Waiver.public_id == public_id)


def page_of(waiver, status=200, **sent):
    """Its page, with a form for each thing that may be done; `sent`: the one that is wrong."""
    today = clock.today()
    boxes = {"refusal": forms.RefusalForm, "renewal": forms.RenewalForm, "ending": forms.EndForm}
    drawn = {name: sent.get(name) or box(None, waiver, today) for name, box in boxes.items()}
    wrong = next(iter(sent.values()), None)
    asked_of = {"occasions": rules.OCCASIONS, "covers": rules.COVERS}
    proof = waivers.proof_asked(waiver)
    return render("waiver", status, waiver=waiver, wrong=wrong, proof=proof, **drawn, **asked_of, **words())


def decide(waiver, action, act, sentence):
    """Do it in one transaction, written down, unless somebody was there before; back to its page."""
    try:
        with db.atomic():
            row = act()
            audit(f"waiver.{action}", on=row, account=row.account_id, after=waivers.told_of(row))
    except Outdated:
        flash(MEANWHILE, "warn")
    else:
        flash(sentence, "ok")
    return redirect(url_for("waivers.show", id=waiver.public_id), 303)


@blueprint.post("/<uuid:id>/accord")
@requires("enrol")
def accept(id):
    waiver = found_or_404(id)
    seen = forms.Decided(request.form, waiver, clock.today()).seen
    said = f"Dispense acceptée\u00a0: {waiver.full_name} n’adhère pas à la mutuelle."
    return decide(waiver, "accept", lambda: waivers.accept(waiver, clock.now(), seen), said)


@blueprint.post("/<uuid:id>/refus")
@requires("enrol")
def refuse(id):
    waiver = found_or_404(id)
    form = forms.RefusalForm(request.form, waiver, clock.today())
    if not form.validate():
        return page_of(waiver, 422, refusal=form)
    said = f"Demande refusée\u00a0: {waiver.full_name} doit adhérer à la mutuelle."
    return decide(waiver, "refuse", lambda: waivers.refuse(waiver, form.refus.data, clock.now(), form.seen), said)


@blueprint.post("/<uuid:id>/renouvellement")
@requires("enrol")
def renew(id):
    waiver = found_or_404(id)
    form = forms.RenewalForm(request.form, waiver, clock.today())
    if not form.validate():
        return page_of(waiver, 422, renewal=form)
    said = f"Dispense renouvelée\u00a0: {waiver.full_name}."
    return decide(waiver, "renew", lambda: waivers.renew(waiver, form.on, clock.now(), form.seen), said)


@blueprint.post("/<uuid:id>/fin")
@requires("enrol")
def end(id):
    waiver = found_or_404(id)
    form = forms.EndForm(request.form, waiver, clock.today())
    if not form.validate():
        return page_of(waiver, 422, ending=form)
    said = f"Dernier jour de la dispense\u00a0: {form.on:%d/%m/%Y}. Affiliez {waiver.full_name} à partir du lendemain."
    return decide(waiver, "end", lambda: waivers.end(waiver, form.on, form.motif.data, clock.now(), form.seen), said)


# ── The file for an inspection ───────────────────────────────────────────────────────────────────────────────────

COLUMNS = (
    *(Column("Nom"), Column("Nom de naissance"), Column("Prénom"), Column("Né(e) le", "date"), Column("Matricule")),
    *(Column("Cas"), Column("Base"), Column("Article"), Column("Circonstance"), Column("Autre couverture")),
    *(Column("Demandée le", "date"), Column("Effet", "date"), Column("Embauche", "date")),
    *(Column("Valable jusqu’au", "date"), Column("Pièce"), Column("Pièce reçue le", "date")),
    *(Column("À justifier au plus tard le", "date"), Column("Renouvelée le", "date"), Column("État")),
    *(Column("Terminée le", "date"), Column("Remarque"), Column("Signée par")),
    *(Column("Compte"), Column("Libellé entreprise"), Column("Libellé collège")),
)


@blueprint.post("/telechargement")
@requires("enrol")
def download():
    """Exactly what the address filters, as a file; written down."""
    form, sort = asked()
    rows = form.narrow(visible())
    file_format = "csv" if request.form.get("format") == "csv" else "xlsx"
    account = current_scope().account
    with db.atomic():
        detail = {"rows": rows.count(), "format": file_format, "filter": form.words()}
        audit("waivers.export", account=account and account.account_id, after=detail)
    return roster.send("dispenses", COLUMNS, map(cells, sort.of(rows).iterator()), file_format)


def cells(row):
    case, category = rules.CASES[row.reason], row.category
    who = (row.last_name, row.birth_name, row.first_name, row.birth_date, row.employee_number)
    why = (case.label, rules.BASES[case.basis], case.article)
    how = (rules.OCCASIONS.get(row.occasion, ""), rules.COVERS.get(row.cover, ""))
    proved = (case.proof.label, row.proved_on) if case.proof else ("", None)
    proof = (row.valid_until, *proved, row.review_due_on, row.reviewed_on)
    state = (STATES[row.state][0], row.ended_on, row.remark, row.signed_name)
    where = (category.company.account.name, category.company.label, category.label)
    return [*who, *why, *how, row.requested_on, row.effect_on, row.hired_on, *proof, *state, *where]

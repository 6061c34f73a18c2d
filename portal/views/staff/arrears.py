"""« Impayés »: who owes contributions, the steps that the law allows and their days; formal notices."""

from flask import Blueprint, current_app, flash, redirect, request, url_for
from flask_login import current_user

from portal import arrears, clock
from portal.access import audit, requires
from portal.models import GroupContract, db
from portal.rendering import Listed, Page, get_or_404, page_size, render
from portal.rules import Refused
from portal.views.recording import by

blueprint = Blueprint("staff_arrears", __name__, url_prefix="/gestion/impayes")


@blueprint.get("")
@requires("staff_money")
def index():
    today = clock.today()
    late = Listed(arrears.late(current_user.statements(), today).tuples())
    page = Page(late, page_size(current_user.rows_per_page), rows=arrears.read, total=len(late))
    return render("staff_arrears", page=page, today=today)


def found(id):
    return get_or_404(current_user.contracts(), GroupContract.public_id == id)


@blueprint.post("/<uuid:id>/mise-en-demeure")
@requires("staff_money")
def give_notice(id):
    contract, now = found(id), clock.now()
    owed = arrears.of_contract(contract, current_user.statements(), clock.today())
    if owed is None:
        return back("Ce contrat ne doit plus rien de ce qui était en retard.", "info")
    try:
        with db.atomic():
            given = arrears.give_notice(owed, current_app.settings, by(), now)
            if given:
                audit("arrears.notice", on=contract, account=owed.contract.category.company.account_id)
    except Refused as refused:
        return back(str(refused), "warn")
    if given is None:
        return back("La mise en demeure était déjà établie.", "info")
    return back("La mise en demeure est établie : téléchargez-la, et envoyez-la en recommandé.", "ok")


@blueprint.post("/<uuid:id>/branche")
@requires("staff_money")
def set_branch(id):
    """Whether a branch agreement imposes the scheme: then nothing is ever suspended."""
    contract, mandated = found(id), request.form.get("branche") == "oui"
    with db.atomic():
        arrears.set_branch(contract, mandated)
        before, after = {"branch": contract.is_branch_mandated}, {"branch": mandated}
        audit("contract.branch", on=contract, account=contract.category.account_id, before=before, after=after)
    told = "Régime de branche noté : ni suspension, ni résiliation." if mandated else "Régime de branche retiré."
    return back(told, "ok")


def back(sentence, tone):
    flash(sentence, tone)
    return redirect(url_for("staff_arrears.index"), 303)

"""« Et si j’embauche ? »: what one more employee of a contract costs, the employer's part and the employee's."""

import datetime

from flask import Blueprint, current_app, request
from flask_login import current_user

from portal import clock
from portal.access import requires
from portal.forms.contributions import HireFilter
from portal.models import Company, ContributionTariff, EmployeeCategory, GroupContract
from portal.rendering import render
from portal.rules import Refused
from portal.rules.contributions import hire, with_shares
from portal.rules.dates import months_after
from portal.views.contracts import with_names
from portal.views.scope import current_scope

blueprint = Blueprint("hiring", __name__, url_prefix="/simulation")

MOST_OFFERED = 300  # contracts in one list: beyond, an account is chosen first


@blueprint.get("")
@requires("money")
def index():
    contracts = current_scope().narrow(with_names(current_user.contracts()), GroupContract.category)
    in_order = contracts.order_by(Company.label, EmployeeCategory.code, GroupContract.number)
    offered = list(in_order.limit(MOST_OFFERED + 1))
    too_many = len(offered) > MOST_OFFERED
    form = HireFilter(request.args, [] if too_many else offered, clock.today())
    found, why = cost(form) if form.contract and form.day else (None, None)
    return render("hiring", form=form, too_many=too_many, found=found, why=why)


def cost(form):
    """(rules.Hire until the end of the year, None), or (None, in a sentence why that cannot be said)."""
    contract, year_end = form.contract, datetime.date(form.day.year, 12, 31)
    tariffs = ContributionTariff.rules(contract)
    if not tariffs:
        return None, "La mutuelle n’a pas transmis le tarif de ce contrat au portail."
    following = months_after(year_end, 1)  # what comes in at the end of a year may be due from the next
    shared = with_shares(tariffs, contract.billing_frequency, contract.share_of, form.day, following)
    try:
        found = hire(shared, form.household, year_end, current_app.settings.pmss_table)
    except Refused:
        return None, "Ce tarif suit le plafond de la Sécurité sociale, qui n’est pas encore publié pour cette période."
    if found is None:
        return None, f"Le premier tarif connu de ce contrat prend effet le {tariffs[0].valid_from:%d/%m/%Y}."
    return found, None

"""« Mon espace » for visitors, « Accueil » for those who are signed in."""

from flask import Blueprint, render_template, request
from flask_login import current_user

from portal import clock
from portal.access import public
from portal.formats import month_fr, search_words
from portal.forms.checks import is_secret
from portal.models import (
    Beneficiary,
    BeneficiaryRole,
    GroupContract,
    ManagedAccount,
    MessageThread,
    Movement,
    MovementKind,
    Publication,
    fn,
)
from portal.rendering import Page, Sort, address, render, wants_fragment
from portal.rules.dates import month_end, months_before
from portal.rules.threads import REQUEST
from portal.views import notices, roster
from portal.views.library import printed, publications
from portal.views.scope import current_scope, head_counts, may, refuse_secret
from portal.views.to_do import awaiting

blueprint = Blueprint("home", __name__)

CURVES = 3  # colleges drawn one by one; the others together

SORTS = {
    "compte": (ManagedAccount.name_key, ManagedAccount.id),
    "contact": (ManagedAccount.contact, ManagedAccount.name_key, ManagedAccount.id),
}


@blueprint.get("/")
@public
def index():
    if not current_user.is_authenticated:
        return render_template("pages/welcome.html")
    if not may("see"):
        return render_template("pages/no_company.html", checks_cover=may("check_cover"))
    typed = request.args.get("cq", "").strip()[:100]
    if is_secret(typed):
        return refuse_secret(address(cq=None))
    sort = Sort(SORTS, request.args.get("tri", ""))
    accounts = current_user.find_accounts(search_words(typed))
    page = Page(sort.of(accounts) if sort.asked else accounts, 10)
    listed = {"typed": typed, "sort": sort, "page": page, "head_counts": head_counts(page.rows)}
    return render("home", **listed, **({} if wants_fragment() else figures(clock.today())))


def figures(today):
    """What « Accueil » says of the scope, beside the table of accounts."""
    people = roster.visible().where(Beneficiary.active_on(today), Beneficiary.effective_on <= today)
    by_role = dict(people.select(Beneficiary.role, fn.COUNT(Beneficiary.id)).group_by(Beneficiary.role).tuples())
    asked = in_scope(current_user.threads(), account=MessageThread.account).where(MessageThread.kind == REQUEST)
    by_state = dict(
        asked.select(MessageThread.state, fn.COUNT(MessageThread.id)).group_by(MessageThread.state).tuples()
    )
    movements = in_scope(current_user.movements(), category=Movement.category)
    in_progress = movements.where(
        Movement.kind == MovementKind.AFFILIATION, Movement.state.in_(Movement.IN_PROGRESS)
    ).count()
    months, curves = head_count_curves(today)
    unread, told = notices.for_home()
    return {
        "today": today,
        "notices": unread,
        "notice_count": told,
        "contracts": in_scope(current_user.contracts(), category=GroupContract.category).count(),
        "employees": by_role.get(BeneficiaryRole.EMPLOYEE, 0),
        "covered": sum(by_role.values()),
        "affiliations": in_progress,
        "documents": printed().count() + publications().where(Publication.current()).count(),
        "requests": sum(by_state.values()),
        "requests_in_progress": sum(count for state, count in by_state.items() if state in MessageThread.OPEN),
        "awaiting": awaiting(today),
        "months": months,
        "curves": curves,
    }


def in_scope(query, category=None, account=None):
    """Rows of the chosen account; those that know their college, of the chosen company or college."""
    scope = current_scope()
    if category is not None:
        return scope.narrow(query, category)
    return query.where(account == scope.account.account_id) if scope.account else query


def head_count_curves(today):
    """The ends of eleven months and today, and for the largest colleges the employees of each: (label, numbers)."""
    months = [month_end(months_before(today, n)) for n in range(11, 0, -1)] + [today]
    found = Beneficiary.employed(roster.visible(), months)
    largest = sorted(found.items(), key=lambda item: (-item[1][-1], item[0]))
    shown, rest = largest[:CURVES], largest[CURVES:]
    if rest:
        shown.append(("Autres collèges", [sum(numbers) for numbers in zip(*(curve for _, curve in rest), strict=True)]))
    return [month_fr(month).split()[0] for month in months], shown

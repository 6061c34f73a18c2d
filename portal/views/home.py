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
    EmployeeCategory,
    GroupContract,
    ManagedAccount,
    MessageThread,
    Movement,
    MovementKind,
    Publication,
)
from portal.rendering import Page, Sort, address, render, wants_fragment
from portal.rules import head_counts
from portal.rules.dates import month_end, months_before
from portal.rules.threads import REQUEST
from portal.views import notices, roster, staff, to_do
from portal.views.library import printed, publications
from portal.views.scope import current_scope, may, refuse_secret
from portal.views.tally import Tally, number, numbers

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
    total = None if typed else current_scope().account_count
    page = Page(sort.of(accounts) if sort.asked else accounts, 10, total=total)
    listed = {"typed": typed, "sort": sort, "page": page}
    covered = {"accounts": numbers(current_user.covered_in([row.id for row in page.rows]), Beneficiary.account)}
    if wants_fragment():
        return render("home", **listed, head_counts=by_account(Tally(covered)))
    found, told = figures(clock.today(), covered)
    return render("home", **listed, head_counts=by_account(found), **told)


def by_account(tally):
    """{an account's id: how many are covered now}"""
    return {int(id): count for id, count in tally.by("accounts").items()}


def figures(today, beside):
    """The tally of a whole page, with what is counted `beside`; and what « Accueil » says of the scope."""
    people = roster.visible().where(Beneficiary.active_on(today), Beneficiary.effective_on <= today)
    asked = in_scope(current_user.threads(), account=MessageThread.account).where(MessageThread.kind == REQUEST)
    movements = in_scope(current_user.movements(), category=Movement.category)
    in_progress = Movement.state.in_(Movement.IN_PROGRESS)
    days = [month_end(months_before(today, n)) for n in range(11, 0, -1)] + [today]
    waiting = to_do.waiting(today)
    there, came, went = Beneficiary.employed(roster.visible(), days[0], days[-1])
    found = Tally(
        {
            "people": numbers(people, Beneficiary.role),
            "threads": numbers(asked, MessageThread.state),
            "affiliations": number(movements.where(Movement.kind == MovementKind.AFFILIATION, in_progress)),
            "contracts": number(in_scope(current_user.contracts(), category=GroupContract.category)),
            "printed": number(printed()),
            "published": number(publications().where(Publication.current())),
            "there": numbers(there, EmployeeCategory.label),
            "came": numbers(came, EmployeeCategory.label, Beneficiary.effective_on),
            "went": numbers(went, EmployeeCategory.label, Beneficiary.terminated_on),
            **{name: counting for name, (counting, _) in waiting.items()},
            **(staff.countings(current_user) if may("staff") else {}),
            **beside,
        }
    )
    if may("staff"):
        staff.keep_counts(found)
    unread, notice_count = notices.for_home()
    by_role, by_state = found.by("people"), found.by("threads")
    return found, {
        "today": today,
        "notices": unread,
        "notice_count": notice_count,
        "contracts": found.count("contracts"),
        "employees": by_role.get(str(int(BeneficiaryRole.EMPLOYEE)), 0),
        "covered": sum(by_role.values()),
        "affiliations": found.count("affiliations"),
        "documents": found.count("printed") + found.count("published"),
        "requests": sum(by_state.values()),
        "requests_in_progress": sum(count for state, count in by_state.items() if state in MessageThread.OPEN),
        "awaiting": to_do.told(waiting, found),
        "months": [month_fr(day).split()[0] for day in days],
        "curves": curves(found, days),
    }


def in_scope(query, category=None, account=None):
    """Rows of the chosen account; those that know their college, of the chosen company or college."""
    scope = current_scope()
    if category is not None:
        return scope.narrow(query, category)
    return query.where(account == scope.account.account_id) if scope.account else query


def curves(tally, days):
    """For the largest colleges, the employees of each of these days: (label, numbers)."""
    found = head_counts.follow(tally.by("there").items(), tally.days("came"), tally.days("went"), days)
    largest = sorted(found.items(), key=lambda item: (-item[1][-1], item[0]))
    shown, rest = largest[:CURVES], largest[CURVES:]
    if rest:
        months = zip(*(curve for _, curve in rest), strict=True)
        shown.append(("Autres collèges", [sum(employees) for employees in months]))
    return shown

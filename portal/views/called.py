"""What is called and paid in the scope: the rows, and what is written of each. The figures: `summing`."""

from types import SimpleNamespace

from flask_login import current_user

from portal import clock
from portal.models import ContributionStatement, GroupContract, Payment, StatementState
from portal.rules.contributions import days_late
from portal.views.scope import current_scope

# State → what is written, tone, icon.
STATES = {
    StatementState.UPCOMING: ("À venir", "", "calendar-event"),
    StatementState.DUE: ("À régler", "warn", "clock"),
    StatementState.PARTLY: ("Réglé en partie", "warn", "clock"),
    StatementState.LATE: ("En retard", "danger", "alert-triangle"),
    StatementState.SETTLED: ("Réglé", "ok", "circle-check"),
    StatementState.CREDIT: ("Avoir", "info", "arrow-back-up"),
}
Row = ContributionStatement


def statements():
    """Those of the scope."""
    return in_scope(current_user.statements(), Row)


def payments():
    return in_scope(current_user.payments(), Payment)


def in_scope(query, table):
    """Rows of contracts of the scope; the door has them already when nothing is chosen."""
    if not current_scope().account:
        return query
    chosen = current_scope().narrow(current_user.contracts(), GroupContract.category)
    return query.where(table.contract.in_(chosen.select(GroupContract.id)))


def tell(rows):
    today = clock.today()
    return [told(row, today) for row in rows]


def told(row, today):
    """A statement as lists show it."""
    words, tone, icon = STATES[row.state(today)]
    late = days_late(row.due_on, today) if row.state(today) == StatementState.LATE else 0
    return SimpleNamespace(
        row=row,
        words=words,
        tone=tone,
        icon=icon,
        late=late,
        issued=row.issued_on <= today,
        company=row.contract.category.company,
    )

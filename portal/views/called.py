"""What is called and paid, in words and figures: states, what is due and late, the months of a curve and of a year."""

import datetime
from types import SimpleNamespace

from flask_login import current_user

from portal import clock
from portal.database import summed
from portal.formats import SHORT_MONTHS, THIN_SPACE, month_fr
from portal.models import ContributionStatement, GroupContract, Payment, StatementState, fn
from portal.rules.contributions import days_late
from portal.rules.dates import months_before
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
CURVE = 24  # months
THOUSANDS = 20_000_000  # cents: from 200 000 € on, a chart counts in thousands

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
    return SimpleNamespace(row=row, words=words, tone=tone, icon=icon, late=late, company=row.contract.category.company)


# ── Figures ──────────────────────────────────────────────────────────────────────────────────────────────────────


def balance(today):
    """What is due of the scope: in all, late, next; `credit`: what was paid and settles nothing yet."""
    columns = (Row.due_on, Row.issued_on, summed(Row.total - Row.settled), fn.COUNT(Row.id))
    open_ = statements().where(Row.total != Row.settled).select(*columns).group_by(Row.due_on, Row.issued_on)
    days = list(open_.order_by(Row.due_on).tuples())
    due = [(on, cents, count) for on, issued_on, cents, count in days if issued_on <= today]
    late = [day for day in due if day[0] < today and day[1] > 0]
    coming = [(on, cents) for on, _, cents, _ in days if on >= today and cents > 0]
    next_on = coming[0][0] if coming else None
    paid = payments().select(summed(Payment.amount)).scalar()
    settled = statements().select(summed(Row.settled)).scalar()
    return SimpleNamespace(
        rest=sum(cents for _, cents, _ in due),
        late=sum(cents for _, cents, _ in late),
        late_count=sum(count for _, _, count in late),
        late_since=late[0][0] if late else None,
        next_on=next_on,
        next_amount=sum(cents for on, cents in coming if on == next_on),
        credit=max(0, paid - settled),
    )


def next_call(today):
    """(day, cents, statements) of what is announced first; none: (None, 0, 0)."""
    upcoming = statements().where(Row.issued_on > today, Row.total >= 0)
    days = upcoming.select(Row.issued_on, summed(Row.total), fn.COUNT(Row.id)).group_by(Row.issued_on)
    return next(iter(days.order_by(Row.issued_on).limit(1).tuples()), (None, 0, 0))


def curve(today):
    """What was called and paid each month: (months, called, paid), in cents, the present month last."""
    months = [months_before(today, back) for back in range(CURVE - 1, -1, -1)]
    until = months_before(today, -1)
    called = statements().where(Row.due_on >= months[0], Row.due_on < until, Row.issued_on <= today)
    paid = payments().where(Payment.paid_on >= months[0], Payment.paid_on < until)
    return (
        months,
        by_month(called, Row.due_on, Row.total, months),
        by_month(paid, Payment.paid_on, Payment.amount, months),
    )


def by_month(rows, day, cents, months):
    sums = dict.fromkeys(months, 0)
    for on, amount in rows.select(day, summed(cents)).group_by(day).tuples():
        sums[on.replace(day=1)] += amount
    return list(sums.values())


def of_year(year, today):
    """A year of due dates, month by month: [(month, settled, due, upcoming)], in cents."""
    months = [datetime.date(year, month, 1) for month in range(1, 13)]
    due = statements().where(Row.due_on.between(months[0], datetime.date(year, 12, 31)), Row.total >= 0)
    columns = (Row.due_on, Row.issued_on, summed(Row.settled), summed(Row.total - Row.settled))
    sums = {month: [0, 0, 0] for month in months}
    for on, issued_on, settled, rest in due.select(*columns).group_by(Row.due_on, Row.issued_on).tuples():
        month = sums[on.replace(day=1)]
        month[0] += settled
        month[1 if issued_on <= today else 2] += rest
    return [(month, *amounts) for month, amounts in sums.items()]


def years():
    """The years that have a due date, the latest first."""
    first, last = statements().select(fn.MIN(Row.due_on), fn.MAX(Row.due_on)).tuples().get()
    return list(range(last.year, first.year - 1, -1)) if last else []


def paid_in(year):
    days = datetime.date(year, 1, 1), datetime.date(year, 12, 31)
    return payments().where(Payment.paid_on.between(*days)).select(summed(Payment.amount)).scalar()


def chart(months, *series):
    """What the macros of charts take: (points, unit), in whole euros or thousands."""
    many = max((amount for amounts in series for amount in amounts), default=0) >= THOUSANDS
    divisor, unit = (100_000, "k€") if many else (100, "€")
    short = [SHORT_MONTHS[month.month - 1] for month in months]
    points = [(name, [max(0, amounts[at]) // divisor for amounts in series]) for at, name in enumerate(short)]
    return points, f"{THIN_SPACE}{unit}"


def figures(months, *series):
    """The same with the cents, for the table under the chart."""
    return [(month_fr(month), [amounts[at] for amounts in series]) for at, month in enumerate(months)]

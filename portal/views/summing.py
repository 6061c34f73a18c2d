"""The figures of what is called and paid in the scope: what is due and late, the months of a curve and of a year.

Each table is read once for a page, added up by day; every figure comes from those sums.
"""

import datetime
from functools import cached_property
from types import SimpleNamespace
from typing import NamedTuple

from flask_login import current_user

from portal.database import summed
from portal.formats import SHORT_MONTHS, THIN_SPACE, month_fr
from portal.models import SQL, Case, GroupContract, Payment, fn
from portal.rules.dates import months_before
from portal.views.called import Row, payments, statements
from portal.views.scope import current_scope

CURVE = 24  # months
THOUSANDS = 20_000_000  # cents: from 200 000 € on, a chart counts in thousands


class Day(NamedTuple):
    """The statements of a due date that were issued on the same day; amounts in cents, `calls` without credit notes."""

    due_on: datetime.date
    issued_on: datetime.date
    count: int
    total: int
    settled: int
    called: int
    called_settled: int
    calls: int
    unsettled: int  # statements of either kind


# What stands in the place of what the others of one query have.
NOTHING, NO_MODE, NONE = SQL("NULL"), SQL("''"), [SQL("0")] * 5


def statement_days(*before):
    """Statements of the scope, added up as `Day`."""

    def of_calls(column):
        return Case(None, [(Row.total >= 0, column)], 0)

    open_ = Case(None, [(Row.total != Row.settled, 1)], 0)
    columns = (Row.total, Row.settled, of_calls(Row.total), of_calls(Row.settled), of_calls(1), open_)
    sums = (fn.COUNT(Row.id), *(summed(column) for column in columns))
    return statements().select(*before, Row.due_on, Row.issued_on, *sums).group_by(Row.due_on, Row.issued_on)


def payment_days(mode=None, issued_on=None, *after):
    """Payments of the scope: (day, how many, cents)."""
    before, between = ([], []) if mode is None else ([mode], [issued_on])
    columns = (*before, Payment.paid_on, *between, fn.COUNT(Payment.id), summed(Payment.amount), *after)
    return payments().select(*columns).group_by(Payment.paid_on)


def contract_modes(*after):
    """Contracts of the scope, as many as are paid each way."""
    contracts = current_scope().narrow(current_user.contracts(), GroupContract.category)
    method, count = GroupContract.payment_method, fn.COUNT(GroupContract.id)
    return contracts.select(method, NOTHING, NOTHING, count, SQL("0"), *after).group_by(method)


def date_of(told):
    """A day as SQLite tells it of several tables at once, or PostgreSQL."""
    return datetime.date.fromisoformat(told) if isinstance(told, str) else told


class Sums:
    def __init__(self, today):
        self.today = today

    def read_at_once(self):
        """What a whole page tells, in one query: `days`, `payments` and `modes`."""
        rows = statement_days(NO_MODE).union_all(payment_days(NO_MODE, NOTHING, *NONE)).union_all(contract_modes(*NONE))
        days, self.payments, self.modes = [], [], []
        for mode, day, issued_on, count, total, *more in rows.tuples():
            if mode:
                self.modes.append((mode, count))
            elif issued_on is None:
                self.payments.append((date_of(day), count, total))
            else:
                days.append(Day(date_of(day), date_of(issued_on), count, total, *more))
        self.days, self.modes = sorted(days), sorted(self.modes)

    @cached_property
    def days(self):
        """In the order of their due dates."""
        return [Day(*row) for row in statement_days().order_by(Row.due_on).tuples()]

    @cached_property
    def payments(self):
        """[(day, how many, cents)]"""
        return list(payment_days().tuples())

    @cached_property
    def paid(self):
        """{day: cents}"""
        return {day: cents for day, _, cents in self.payments}

    def of_statements(self, found, form):
        """How many the list has, the cents that they call, and those still to pay; `found` when the form narrows it."""
        if form.in_force():
            due = Case(None, [(Row.issued_on <= self.today, Row.total - Row.settled)], 0)
            return counted(found, Row.total, due)
        rest = sum(day.total - day.settled for day in self.days if day.issued_on <= self.today)
        return sum(day.count for day in self.days), sum(day.total for day in self.days), rest

    def of_payments(self, found, form):
        """How many the list has, and their cents."""
        if form.in_force():
            return counted(found, Payment.amount)
        return sum(count for _, count, _ in self.payments), sum(self.paid.values())

    def balance(self):
        """What is due: in all, late, next; `credit`: what was paid and settles nothing yet."""
        due = [(day, day.total - day.settled) for day in self.days if day.issued_on <= self.today]
        late = [(day, rest) for day, rest in due if day.due_on < self.today and rest > 0]
        coming = [day for day in self.days if day.due_on >= self.today and day.total > day.settled]
        next_on = coming[0].due_on if coming else None
        return SimpleNamespace(
            rest=sum(rest for _, rest in due),
            late=sum(rest for _, rest in late),
            late_count=sum(day.unsettled for day, _ in late),
            late_since=late[0][0].due_on if late else None,
            next_on=next_on,
            next_amount=sum(day.total - day.settled for day in coming if day.due_on == next_on),
            credit=max(0, sum(self.paid.values()) - sum(day.settled for day in self.days)),
        )

    def next_call(self):
        """(day, cents, statements) of what is announced first; none: (None, 0, 0)."""
        announced = [day for day in self.days if day.issued_on > self.today and day.calls]
        first = min((day.issued_on for day in announced), default=None)
        found = [day for day in announced if day.issued_on == first]
        return first, sum(day.called for day in found), sum(day.calls for day in found)

    def curve(self):
        """What was called and paid each month: (months, called, paid), in cents, the present month last."""
        months = [months_before(self.today, back) for back in range(CURVE - 1, -1, -1)]
        called = ((day.due_on, day.total) for day in self.days if day.issued_on <= self.today)
        return months, by_month(called, months), by_month(self.paid.items(), months)

    def of_year(self, year):
        """A year of due dates, month by month: [(month, settled, due, upcoming)], in cents."""
        sums = {datetime.date(year, month, 1): [0, 0, 0] for month in range(1, 13)}
        for day in self.days:
            if month := sums.get(day.due_on.replace(day=1)):
                month[0] += day.called_settled
                month[1 if day.issued_on <= self.today else 2] += day.called - day.called_settled
        return [(month, *amounts) for month, amounts in sums.items()]

    def years(self):
        """The years that have a due date, the latest first."""
        return list(range(self.days[-1].due_on.year, self.days[0].due_on.year - 1, -1)) if self.days else []

    def paid_in(self, year):
        return sum(cents for day, cents in self.paid.items() if day.year == year)


def by_month(amounts, months):
    """Cents of each of these months, of (day, cents) of any."""
    sums = dict.fromkeys(months, 0)
    for day, cents in amounts:
        if (month := day.replace(day=1)) in sums:
            sums[month] += cents
    return list(sums.values())


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


def counted(found, *columns):
    """How many rows these are, and the sums of these columns."""
    return found.select(fn.COUNT(found.model.id), *(summed(column) for column in columns)).order_by().tuples().get()

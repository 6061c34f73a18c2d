"""The figures of what is called and paid in the scope: what is due and late, the months of a curve and of a year.

Each table is read once for a page, added up by day; every figure comes from those sums.
"""

import datetime
from functools import cached_property
from types import SimpleNamespace
from typing import NamedTuple

from portal.database import summed
from portal.formats import SHORT_MONTHS, THIN_SPACE, month_fr
from portal.models import Case, Payment, fn
from portal.rules.dates import months_before
from portal.views.called import Row, payments, statements

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


class Sums:
    def __init__(self, today):
        self.today = today

    @cached_property
    def days(self):
        """In the order of their due dates."""

        def of_calls(column):
            return Case(None, [(Row.total >= 0, column)], 0)

        open_ = Case(None, [(Row.total != Row.settled, 1)], 0)
        columns = (Row.total, Row.settled, of_calls(Row.total), of_calls(Row.settled), of_calls(1), open_)
        sums = (fn.COUNT(Row.id), *(summed(column) for column in columns))
        found = statements().select(Row.due_on, Row.issued_on, *sums).group_by(Row.due_on, Row.issued_on)
        return [Day(*row) for row in found.order_by(Row.due_on).tuples()]

    @cached_property
    def payments(self):
        """[(day, how many, cents)]"""
        found = payments().select(Payment.paid_on, fn.COUNT(Payment.id), summed(Payment.amount))
        return list(found.group_by(Payment.paid_on).tuples())

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

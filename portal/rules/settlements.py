"""Which statements each payment settles, when nobody says so: what names one, what is its very amount, the oldest."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from operator import attrgetter
from typing import NamedTuple

DEBIT = "Prélèvement"  # how a payment came, in the words of the files
EARLY = timedelta(days=7)  # before the collection day, at most, a payment by debit is dated
MOST_TOGETHER = 6  # payments that make one statement, or statements that one payment settles


class Due(NamedTuple):
    """A statement, in cents; a credit note is negative."""

    id: int
    number: str
    due_on: date
    amount: int


class Paid(NamedTuple):
    """A payment, in cents; what was given back, or rejected by the bank, is negative. `undoes`: which one it undoes."""

    id: int
    reference: str
    paid_on: date
    amount: int
    method: str = ""
    undoes: int | None = None


class Rejected(NamedTuple):
    """A debit that the bank rejected, in cents: its name in the file of debits, the number of its statement."""

    id: int
    name: str
    number: str
    amount: int
    collected_on: date
    rejected_on: date


class Undone(NamedTuple):
    """What was paid by a debit that was rejected; `back`: the payment of a file that takes it back, or None."""

    rejected: int
    payment: int
    back: int | None


class Settled(NamedTuple):
    """So many cents of a statement, by a payment or by a credit note (the id of the other is None)."""

    statement: int
    payment: int | None
    credit: int | None
    amount: int


class GivenBack(NamedTuple):
    """So many cents of a payment were rejected by the bank, or given back, the last of them on that day."""

    amount: int
    on: date


def settle(dues: Iterable[Due], paids: Iterable[Paid]) -> list[Settled]:
    """What settles what, as `settle_and_tell`."""
    return settle_and_tell(dues, paids)[0]


def settle_and_tell(dues: Iterable[Due], paids: Iterable[Paid]) -> tuple[list[Settled], dict[int, GivenBack]]:
    """What settles what, and the payments that were given back, by their id; the same whatever the order of the rows.

    A payment goes to the statement that its reference names; else to the one of its very amount, of several the last
    that was due by then, else the next; else, with those beside it, to what they make together; else to the oldest
    (Code civil, 1342-10, which puts what is due before what is not yet).
    """
    desk = Desk(sorted(dues, key=by_day), sorted(paids, key=by_day))
    return desk.settle(), desk.given_back


def undone(rejected: Iterable[Rejected], paids: Iterable[Paid]) -> list[Undone]:
    """Which payments a rejected debit had made, each once; a debit that no file told as paid undoes nothing.

    It is a payment by debit of its very amount, dated about its collection day: the one that names the statement, else
    the first. What a company pays after the reject is another payment, and stays.
    """
    rows = sorted(paids, key=by_day)
    came = [paid for paid in rows if paid.amount > 0 and paid.method == DEBIT]
    backs = [paid for paid in rows if paid.amount < 0]
    found = []
    for one in sorted(rejected, key=lambda one: (one.collected_on, one.id)):
        earliest, latest = one.collected_on - EARLY, max(one.rejected_on, one.collected_on)
        near = [paid for paid in came if paid.amount == one.amount and earliest <= paid.paid_on <= latest]
        payment = min(near, key=lambda paid: plain(one.number) not in plain(paid.reference), default=None)
        if payment is None:
            continue
        came.remove(payment)
        same = (back for back in backs if back.amount == -one.amount and back.paid_on >= payment.paid_on)
        back = next(same, None)
        if back:
            backs.remove(back)
        found.append(Undone(one.id, payment.id, back.id if back else None))
    return found


def by_day(row: Due | Paid) -> tuple:
    return row[2], row[1], row[0]


def plain(text: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", text.upper())


class Desk:
    """What is left of each statement and payment, while they are put together: about linear, whatever their number."""

    def __init__(self, dues: Sequence[Due], paids: Sequence[Paid]) -> None:
        self.dues = [due for due in dues if due.amount > 0]
        self.credits = [due for due in dues if due.amount < 0]
        self.paids = [paid for paid in paids if paid.amount > 0]
        self.owed = {due.id: due.amount for due in self.dues}
        self.left = {paid.id: paid.amount for paid in self.paids}
        self.credit_left = {credit.id: -credit.amount for credit in self.credits}
        self.settled: list[Settled] = []
        self.given_back: dict[int, GivenBack] = {}
        backs = [paid for paid in paids if paid.amount < 0]
        for back in sorted(backs, key=lambda paid: paid.undoes is None):
            self.give_back(back)

    def settle(self) -> list[Settled]:
        for step in (self.named, self.exact, self.payments_together, self.statements_together, self.by_credit):
            step()
        self.oldest()
        return self.settled

    def give_back(self, back: Paid) -> None:
        """What was given back pays the credit note that it names; else it undoes a payment, the one that it names, or
        one of that amount, the last before it, or what came last; and what is left of it pays credit notes."""
        if back.undoes in self.left:
            self.take(back.undoes, self.left[back.undoes], back.paid_on)
            return
        words = plain(back.reference)
        named = [credit for credit in self.credits if plain(credit.number) and plain(credit.number) in words]
        missing = self.pay_credits(named, -back.amount)
        if not missing:
            return
        before = self.paids[: bisect_right(self.paids, back.paid_on, key=attrgetter("paid_on"))]
        same = (paid for paid in reversed(before) if self.left[paid.id] == paid.amount == missing)
        undone = next(same, None)
        for paid in [undone] if undone else reversed(before):
            missing -= self.take(paid.id, missing, back.paid_on)
            if not missing:
                return
        self.pay_credits(self.credits, missing)

    def take(self, paid: int, cents: int, on: date) -> int:
        """What is given back of a payment, as far as it goes: how many cents that is."""
        taken = min(cents, self.left[paid])
        if taken:
            self.left[paid] -= taken
            before = self.given_back.get(paid, GivenBack(0, on))
            self.given_back[paid] = GivenBack(before.amount + taken, max(before.on, on))
        return taken

    def pay_credits(self, credits: Sequence[Due], cents: int) -> int:
        """What was given back of credit notes settles nothing more; how many cents remain."""
        for credit in credits:
            taken = min(cents, self.credit_left[credit.id])
            self.credit_left[credit.id] -= taken
            cents -= taken
        return cents

    def put(self, due: Due, paid: Paid) -> None:
        amount = min(self.owed[due.id], self.left[paid.id])
        if amount:
            self.owed[due.id] -= amount
            self.left[paid.id] -= amount
            self.settled.append(Settled(due.id, paid.id, None, amount))

    def open_dues(self) -> list[Due]:
        return [due for due in self.dues if self.owed[due.id]]

    def open_paids(self) -> list[Paid]:
        return [paid for paid in self.paids if self.left[paid.id]]

    def named(self) -> None:
        numbers = {plain(due.number): due for due in self.dues}
        lengths = sorted({len(number) for number in numbers} - {0}, reverse=True)
        for paid in self.open_paids():
            words = plain(paid.reference)
            pieces = (words[at : at + length] for length in lengths for at in range(len(words) - length + 1))
            for due in [numbers[piece] for piece in pieces if piece in numbers]:
                self.put(due, paid)

    def exact(self) -> None:
        alike: dict[int, list[Due]] = {}
        for due in self.open_dues():
            alike.setdefault(self.owed[due.id], []).append(due)
        for paid in self.open_paids():
            some = alike.get(self.left[paid.id])
            if some:
                self.put(some.pop(nearest(some, paid.paid_on)), paid)

    def payments_together(self) -> None:
        """Payments in a row that make one statement."""
        alike = {self.owed[due.id]: due for due in reversed(self.open_dues())}
        for run in runs(self.open_paids()):
            due = alike.get(sum(self.left[paid.id] for paid in run))
            if due and all(self.left[paid.id] for paid in run) and self.owed[due.id] == due.amount:
                for paid in run:
                    self.put(due, paid)

    def statements_together(self) -> None:
        """Statements in a row that one payment settles."""
        alike: dict[int, Sequence[Due]] = {}
        for run in runs(self.open_dues()):
            alike.setdefault(sum(self.owed[due.id] for due in run), run)
        for paid in self.open_paids():
            run = alike.get(self.left[paid.id], ())
            if sum(self.owed[due.id] for due in run) == self.left[paid.id]:
                for due in run:
                    self.put(due, paid)

    def by_credit(self) -> None:
        """Credit notes take from the oldest."""
        dues = iter(self.open_dues())
        due = next(dues, None)
        for credit in self.credits:
            left = self.credit_left[credit.id]
            while due and left:
                amount = min(left, self.owed[due.id])
                left -= amount
                self.owed[due.id] -= amount
                self.settled.append(Settled(due.id, None, credit.id, amount))
                due = due if self.owed[due.id] else next(dues, None)

    def oldest(self) -> None:
        dues = iter(self.open_dues())
        due = next(dues, None)
        for paid in self.open_paids():
            while due and self.left[paid.id]:
                self.put(due, paid)
                due = due if self.owed[due.id] else next(dues, None)


def nearest(dues: Sequence[Due], day: date) -> int:
    """Which of these, in the order of their due dates: the last that is due on a day, the next when none is yet."""
    return max(0, bisect_right(dues, day, key=attrgetter("due_on")) - 1)


def runs(rows: Sequence) -> Iterator[Sequence]:
    """Two rows and more that follow each other, the shortest first."""
    for length in range(2, min(MOST_TOGETHER, len(rows)) + 1):
        yield from (rows[start : start + length] for start in range(len(rows) - length + 1))

"""Contributions: what each employee of a contract owes for a period, and which statements its payments settle."""

from functools import cache, cached_property
from operator import attrgetter
from typing import NamedTuple

from portal import database
from portal.exchange.many import chunks, fields, insert, update_each
from portal.models import (
    AuditEvent,
    Beneficiary,
    BeneficiaryRole,
    ContributionStatement,
    DebitBatch,
    DirectDebit,
    EmployeeCategory,
    GroupContract,
    Payment,
    PaymentAllocation,
    db,
    hash_of,
)
from portal.rules.contributions import Days, Member, Owed, owed, within
from portal.rules.settlements import DEBIT, Due, Paid, Rejected, Settled, settle_and_tell, undone

EMPLOYEE, CHILD = int(BeneficiaryRole.EMPLOYEE), int(BeneficiaryRole.CHILD)
AT_ONCE = 200  # contracts whose rows are read together


# ── Owed ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Person(NamedTuple):
    """Somebody of a contract and when they were in it, the latest first: a model takes ten times as long to make."""

    id: int
    member_number: str
    household_number: str
    role: int
    birth_name: str
    used_name: str
    first_name: str
    name_key: str
    first_name_key: str
    stays: tuple[Days, ...]

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {(self.used_name or self.birth_name).upper()}"


role_of = attrgetter("role")
NAMED = Person._fields[:-1]  # the columns of a Beneficiary


class Households:
    """Those of a contract as from `since` on: each employee, by name, and which of the compositions their home has.

    Homes that are alike owe alike, and most of a contract are: what they owe is worked out once.
    """

    def __init__(self, people, since):
        homes: dict[str, list] = {}
        seen_of = cache(lambda is_adult, stays: Member.of(is_adult, stays, since))
        for person in people:
            homes.setdefault(person.household_number, []).append(person)
        self.compositions: dict[tuple[Member, ...], int] = {}
        led = []
        for home in homes.values():
            home.sort(key=role_of)
            seen = [seen_of(one.role != CHILD, one.stays) for one in home]
            if home[0].role == EMPLOYEE and seen[0]:  # nobody is called for without an employee
                alike = tuple([member for member in seen if member])
                led.append((home[0], self.compositions.setdefault(alike, len(self.compositions))))
        self.led = sorted(led, key=lambda one: (one[0].name_key, one[0].first_name_key, one[0].id))

    def owed(self, tariffs, start, end, pmss=None):
        """[(employee, rules.Owed)] for a period; those who owe nothing are left out.

        `tariffs`: those of the contract, in the order of their days; `pmss`: of the years that the rules do not know.
        """
        return self.each(self.due(tariffs, start, end, pmss))

    def due(self, tariffs, start, end, pmss=None):
        """[rules.Owed, or None] of each composition, for a period."""
        known: dict[tuple[Member, ...], Owed | None] = {(): None}
        due = []
        for composition in self.compositions:
            seen = within(composition, start, end)
            if seen not in known:
                known[seen] = owed(tariffs, seen, start, end, pmss)
            due.append(known[seen])
        return due

    def each(self, due):
        return [(employee, due[alike]) for employee, alike in self.led if due[alike] is not None]

    def by_parts(self, due):
        """(employer’s, employee’s) → the member numbers of those who owe that."""
        found: dict[tuple[int, int], list] = {}
        for numbers, one in zip(self.numbers, due, strict=True):
            if one is not None:
                found.setdefault((one.employer, one.employee), []).extend(numbers)
        return found

    @cached_property
    def numbers(self):
        """Of each composition, the member numbers of its employees, in order: they are sorted again sooner."""
        found: list[list[str]] = [[] for _ in self.compositions]
        for number, alike in sorted((employee.member_number, alike) for employee, alike in self.led):
            found[alike].append(number)
        return found


def owed_by_employee(contract, tariffs, start, end, pmss=None):
    """The same of those who are in a contract today, wherever they were before."""
    row = Beneficiary
    here = row.contract == contract, row.effective_on <= end, row.active_on(start)
    rows = row.select(row.effective_on, row.terminated_on, *fields(row, NAMED)).where(*here).tuples()
    people = (Person._make((*who, ((since, until),))) for since, until, *who in rows)
    return Households(people, start).owed(tariffs, start, end, pmss)


# ── Settled ──────────────────────────────────────────────────────────────────────────────────────────────────────


def settle_contracts(contract_ids):
    """Say again what settles what in these contracts, in the caller's transaction; what is said already stays.

    A load and a file of rejects at the same time see each other here: the second waits for the first.
    """
    database.serialise(db, hash_of("settle"))
    for some in chunks(sorted(contract_ids), AT_ONCE):
        take_strays_away(some)
    for some in chunks(sorted(contract_ids), AT_ONCE):
        dues, paids = rows_by_contract(ContributionStatement, some), rows_by_contract(Payment, some)
        known, rejected = known_by_contract(some), rejected_by_contract(some)
        for contract in some:
            held = paids.get(contract, ())
            came = [Paid(*row) for *row, _, _ in held]
            if contract in rejected:
                came = follow_rejects(contract, rejected[contract], came)
            settled, given_back = settle_and_tell((Due(*row) for row in dues.get(contract, ())), came)
            if set(settled) != known.get(contract, set()):
                write(contract, settled)
            write_given_back(held, given_back)


def rows_by_contract(table, contract_ids):
    """Contract → the rows of the rule, of statements or of payments."""
    if table is Payment:
        columns = tuple(getattr(table, name) for name in ("id", "reference", "paid_on", "amount"))
        columns += (table.payment_method, table.undoes, table.given_back, table.given_back_on)
    else:
        columns = tuple(getattr(table, name) for name in ("id", "number", "due_on", "total"))
    found: dict[int, list] = {}
    for contract, *row in table.select(table.contract, *columns).where(table.contract.in_(contract_ids)).tuples():
        found.setdefault(contract, []).append(row)
    return found


def known_by_contract(contract_ids):
    """Contract → what was said the last time."""
    statement = ContributionStatement
    found: dict[int, set[Settled]] = {}
    columns = (PaymentAllocation.payment, PaymentAllocation.credit, PaymentAllocation.amount)
    said = PaymentAllocation.select(statement.contract, PaymentAllocation.statement, *columns)
    said = said.join(statement, on=(PaymentAllocation.statement == statement.id))
    for contract, *row in said.where(statement.contract.in_(contract_ids)).tuples():
        found.setdefault(contract, set()).add(Settled(*row))
    return found


# ── Rejected by the bank ─────────────────────────────────────────────────────────────────────────────────────────


def rejected_by_contract(contract_ids):
    """Contract → [Rejected], of those that have any."""
    row, debit = ContributionStatement, DirectDebit
    found: dict[int, list[Rejected]] = {}
    told = (debit.id, debit.end_to_end, row.number, debit.amount, DebitBatch.collected_on, debit.rejected_on)
    rows = debit.select(row.contract, *told).join(row).switch(debit).join(DebitBatch)
    for contract, *one in rows.where(row.contract.in_(contract_ids), debit.rejected_on.is_null(False)).tuples():
        found.setdefault(contract, []).append(Rejected(*one))
    return found


def follow_rejects(contract, rejected, paids):
    """The payments of a contract, with one that takes back each that a rejected debit had made.

    The portal writes it, until a file says the same: then it goes, so that nothing is taken back twice.
    """
    told = [paid for paid in paids if paid.undoes is None]
    pairs = undone(rejected, told)
    wanted = {one.payment: one.rejected for one in pairs if one.back is None}
    backs = {one.back: one.payment for one in pairs}
    ours = {paid.undoes: paid for paid in paids if paid.undoes is not None}
    for paid in (paid for payment, paid in ours.items() if payment not in wanted):
        take_away(contract, paid)
    debits = {one.id: one for one in rejected}
    kept = [
        ours.get(payment) or take_back(contract, debits[debit], payment) for payment, debit in sorted(wanted.items())
    ]
    return [paid._replace(undoes=backs.get(paid.id)) for paid in told] + kept


def take_back(contract, debit, payment):
    """Write that what a debit had paid was not paid, as a payment of the day of the reject."""
    about = {"contract": contract, "paid_on": debit.rejected_on, "payment_method": DEBIT, "amount": -debit.amount}
    row = Payment.create(reference=f"REJET-{debit.name}", undoes=payment, **about)
    write_down("payment.undo", contract, row, {"statement": debit.number})
    return Paid(row.id, row.reference, row.paid_on, row.amount, DEBIT, payment)


def take_away(contract, paid):
    """A file says it now."""
    row = Payment.get_by_id(paid.id)
    write_down("payment.undone_by_file", contract, row, {})
    row.delete_instance()


def take_strays_away(contract_ids):
    """What takes back a payment that a file has moved to another contract since."""
    undone = Payment.alias()
    rows = Payment.select(Payment).join(undone, on=(Payment.undoes == undone.id))
    for row in list(rows.where(Payment.contract.in_(contract_ids), Payment.contract != undone.contract)):
        take_away(row.contract_id, row)


def write_given_back(paids, given_back):
    """Say of each of these payments, as they are read, how much of it was given back, and when."""
    said = [
        (id, before, tuple(given_back.get(id, (0, None)))) for id, *_, cents, on in paids for before in [(cents, on)]
    ]
    update_each(Payment, ["given_back", "given_back_on"], [(*now, id) for id, before, now in said if before != now])


def write_down(action, contract, row, more):
    whose = EmployeeCategory.select(EmployeeCategory.account).join(GroupContract)
    account = whose.where(GroupContract.id == contract).scalar()
    AuditEvent.write(action, on=row, account=account, after={"reference": row.reference, "cents": row.amount} | more)


def write(contract, settled):
    statement = ContributionStatement
    mine = statement.select(statement.id).where(statement.contract == contract)
    PaymentAllocation.delete().where(PaymentAllocation.statement.in_(mine)).execute()
    insert(PaymentAllocation, fields(PaymentAllocation, Settled._fields), settled)
    sums: dict[int, int] = {}
    for one in settled:
        sums[one.statement] = sums.get(one.statement, 0) + one.amount
        if one.credit:
            sums[one.credit] = sums.get(one.credit, 0) - one.amount
    held = mine.select(statement.id, statement.settled).tuples()
    update_each(statement, ["settled"], [(sums.get(id, 0), id) for id, before in held if sums.get(id, 0) != before])

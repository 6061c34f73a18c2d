"""Contributions: what each employee of a contract owes for a period, and which statements its payments settle."""

from portal.exchange.many import chunks, fields, insert, update_each
from portal.models import Beneficiary, BeneficiaryRole, ContributionStatement, Payment, PaymentAllocation
from portal.rules.contributions import Member, owed
from portal.rules.settlements import Due, Paid, Settled, settle

AT_ONCE = 200  # contracts whose rows are read together


# ── Owed ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def owed_by_employee(people, tariffs, start, end, pmss=None):
    """[(employee, rules.Owed)] of these people, by name; those who owe nothing are left out.

    `tariffs`: those of the contract, in the order of their days; `pmss`: of the years that the rules do not know.
    """
    known = {}  # households that are alike owe alike: most are there for the whole period
    charged = []
    for employee, members in households(people):
        alike = tuple(clipped(one, start, end) for one in members)
        if alike not in known:
            known[alike] = owed(tariffs, alike, start, end, pmss)
        if known[alike] is not None:
            charged.append((employee, known[alike]))
    return charged


def clipped(one, start, end):
    """What a period sees of somebody's cover."""
    return Member(one.is_adult, max(one.starts_on, start), one.ends_on if one.ends_on and one.ends_on < end else None)


def households(people):
    """[(employee, [rules.Member], the employee first)], by name; nobody is called for without an employee."""
    homes: dict[str, list] = {}
    for person in sorted(people, key=lambda one: one.role):
        homes.setdefault(person.household_number, []).append(person)
    led = [home for home in homes.values() if home[0].role == BeneficiaryRole.EMPLOYEE]
    led.sort(key=lambda home: (home[0].name_key, home[0].first_name_key, home[0].id))
    return [(home[0], [member(person) for person in home]) for home in led]


def member(person):
    return Member(person.role != BeneficiaryRole.CHILD, person.effective_on, person.terminated_on)


def covered_between(contract, start, end):
    """Who is covered by a contract on one day of a period at least."""
    here = Beneficiary.contract == contract, Beneficiary.effective_on <= end
    return list(Beneficiary.select().where(*here, Beneficiary.active_on(start)))


# ── Settled ──────────────────────────────────────────────────────────────────────────────────────────────────────


def settle_contracts(contract_ids):
    """Say again what settles what in these contracts, in the caller's transaction; what is said already stays."""
    for some in chunks(sorted(contract_ids), AT_ONCE):
        dues, paids = rows_by_contract(ContributionStatement, some), rows_by_contract(Payment, some)
        known = known_by_contract(some)
        for contract in some:
            settled = settle(
                (Due(*row) for row in dues.get(contract, ())), (Paid(*row) for row in paids.get(contract, ()))
            )
            if set(settled) != known.get(contract, set()):
                write(contract, settled)


def rows_by_contract(table, contract_ids):
    """Contract → the rows of the rule, of statements or of payments."""
    if table is Payment:
        columns = (Payment.id, Payment.reference, Payment.paid_on, Payment.amount)
    else:
        columns = (table.id, table.number, table.due_on, table.total)
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

"""Statements and payments of the demonstration: two years of each contract, of which these last months alone are late.

Of the guide’s account: a statement to pay by transfer, one whose debit the bank will reject, an affiliation that came
late and is called on the next statement.
"""

import datetime

from portal import clock, contributions
from portal.collecting import METHOD
from portal.exchange.many import fields, insert
from portal.models import (
    Beneficiary,
    Company,
    ContributionStatement,
    ContributionTariff,
    EmployeeCategory,
    GroupContract,
    Payment,
    Plan,
    StatementLine,
    fn,
)
from portal.rules.calls import ARREARS
from portal.rules.collections import banking_day
from portal.rules.contributions import BANDS, DAILY, MONTHS, PCT_PMSS, PMSS, Tariff, next_period, period
from portal.rules.dates import month_end, months_after, months_before

MONTHS_CALLED = 24
PRICES = {"SINGLE": 4_180, "DUO": 7_960, "FAMILY": 11_720, "ADULT": 4_050, "CHILD": 2_135}
MENDED = datetime.timedelta(days=25)  # ago at least: it is disputed since
REMINDED = 24, 55  # days after its due date, what was forgotten comes
UNPAID = 3  # statements of a monthly contract that pays no more
RISE = 104  # percent, each January


def make_money(draw, ours):
    """`ours`: the guide’s account, whose statements have their lines, one to come, one in halves, one that is late."""
    contracts = GroupContract.select(GroupContract, Plan, EmployeeCategory, Company).join(Plan).switch(GroupContract)
    contracts = list(contracts.join(EmployeeCategory).join(Company).order_by(GroupContract.id))
    employees = counted()
    statements, payments = [], []
    debtor = next(one for one in contracts if one.category.account_id != ours["id"] and owes(one))
    for contract in contracts:
        detailed = contract.category.account_id == ours["id"]
        called = detail(draw, contract) if detailed else roughly(draw, contract, employees.get(contract.id, 0))
        if detailed and contract.category.code == "001" and contract.payment_method == METHOD:
            call_one_late(called)
        statements += called
        payments += paid(draw, contract, called, detailed, contract is debtor)
    keep(ContributionStatement, ("contract", "plan", "payer", *CALLED), statements)
    keep(Payment, PAID, payments)
    make_lines(draw, [row for row in statements if row["charges"]])
    make_tariffs(draw, contracts, ours)
    contributions.settle_contracts([contract.id for contract in contracts])


def owes(contract):
    """Whether it may be the one that pays no more."""
    return contract.billing_frequency == "Mensuelle" and contract.payment_method == "Virement"


CALLED = ("public_id", "number", "period_start", "period_end", "issued_on", "due_on", "total", "settled", "computed")
PAID = ("public_id", "reference", "contract", "paid_on", "payment_method", "amount", "given_back")


def keep(table, names, rows):
    insert(table, fields(table, names), [tuple(written(table, name, row[name]) for name in names) for row in rows])


def written(table, name, value):
    return table._meta.fields[name].db_value(value)


def counted():
    """Contract → its employees today."""
    here = Beneficiary.select(Beneficiary.contract, fn.COUNT(Beneficiary.id)).group_by(Beneficiary.contract)
    return dict(here.where(Beneficiary.role == 0, Beneficiary.active_on(clock.today())).tuples())


def periods(draw, contract):
    """Those of two years, the present one last."""
    start, end = period(contract.billing_frequency, months_before(draw.month, MONTHS_CALLED - 1))
    while start <= draw.month:
        yield start, end
        start, end = next_period(start, end)


def statement(draw, contract, start, end, total, charges=()):
    """Issued on the 15th of the last month of its period, due on the 10th of the next."""
    number = f"B{start:%y%m}-{contract.number}"
    columns = {"public_id": draw.uuid(), "number": number, "period_start": start, "period_end": end}
    days = {"issued_on": end.replace(day=15), "due_on": months_after(end.replace(day=10), 1)}
    whose = {"contract": contract.id, "plan": contract.plan_id, "payer": contract.payer}
    return columns | days | whose | {"total": total, "settled": 0, "computed": False, "charges": charges}


def roughly(draw, contract, employees):
    """Of contracts whose detail is not told: so many employees at about the price of a household."""
    months, rows = MONTHS[contract.billing_frequency], []
    for start, end in periods(draw, contract):
        people = max(1, employees + draw.between(-1, 1))
        each = 7_200 * RISE ** (start.year - 2020) // 100 ** (start.year - 2020)
        rows.append(statement(draw, contract, start, end, people * each * months + draw.between(-990, 990)))
    return rows


def detail(draw, contract):
    """Of the guide's account: what its employees owe, by the structure of the contract; and the next, to come."""
    wanted = list(periods(draw, contract))
    if wanted[-1][1] == month_end(draw.month):  # it is issued this month: there is always one to come
        wanted.append(next_period(*wanted[-1]))
    tariffs = [tariff(contract, year) for year in range(wanted[0][0].year, wanted[-1][1].year + 1)]
    rows = []
    for start, end in wanted:
        charges = [(*one, False) for one in contributions.owed_by_employee(contract.id, tariffs, start, end)]
        rows.append(statement(draw, contract, start, end, total_of(charges), charges))
    return rows


def total_of(charges):
    return sum(due.total for _, due, _ in charges)


def call_one_late(called):
    """Somebody was told of too late for the statement of a period: the next one, of some time ago, mends it."""
    issued = [row for row in called if row["issued_on"] <= clock.today() - MENDED]
    if len(issued) < 2:
        return
    before, last = issued[-2:]
    after = {employee.id for employee, _, _ in last["charges"]}
    stay = [one for one in before["charges"] if one[0].id in after]
    employee, due, _ = max(stay, key=lambda one: (one[1].starts_on, one[0].member_number))
    of_period = due._replace(starts_on=before["period_start"], ends_on=before["period_end"])
    before["charges"] = [one for one in before["charges"] if one[0].id != employee.id]
    last["charges"] = [*last["charges"], (employee, of_period, True)]
    for row in (before, last):
        row["total"] = total_of(row["charges"])


def tariff(contract, year):
    """That of the demonstration, a little more each January."""
    structure = contract.plan.contribution_structure
    risen = {band: PRICES[band] * RISE ** (year - 2024) // 100 ** (year - 2024) for band in BANDS[structure]}
    return Tariff(datetime.date(year, 1, 1), structure, risen, contract.employer_share)


PRICED = ("contract", "valid_from", "amount_type", "single", "duo", "family", "adult", "child")
PRICED += ("paying_children", "pro_rata", "term", "called_by_portal")


def make_tariffs(draw, contracts, ours):
    """Of each contract until next January; a third of the others’ follow the PMSS, one in ten is not known."""
    rows = []
    for place, contract in enumerate(contracts):
        detailed = contract.category.account_id == ours["id"]
        if detailed or place % 3:
            years = range(draw.month.year - 2, draw.month.year + 2)
            rows += [priced(contract, tariff(contract, year)) for year in years] if detailed or place % 10 else []
        else:
            rows.append(priced(contract, of_pmss(contract, draw.month.year - 2)))
    keep(ContributionTariff, PRICED, rows)


def priced(contract, rule):
    prices = {band.lower(): amount for band, amount in rule.amounts.items()}
    blank = dict.fromkeys(("single", "duo", "family", "adult", "child"))
    how = {"amount_type": rule.amount_type, "pro_rata": rule.pro_rata, "paying_children": rule.paying_children}
    called = {"term": ARREARS, "called_by_portal": False}
    return {"contract": contract.id, "valid_from": rule.valid_from} | blank | prices | how | called


def of_pmss(contract, year):
    """About the same prices, in thousandths of a percent of the PMSS."""
    prices = {band: PRICES[band] * 1_000 // PMSS[2024] for band in BANDS[contract.plan.contribution_structure]}
    how = {"amount_type": PCT_PMSS, "pro_rata": DAILY}
    structure = contract.plan.contribution_structure
    return Tariff(datetime.date(year, 1, 1), structure, prices, contract.employer_share, **how)


def paid(draw, contract, called, detailed, owes):
    """Nearly all on time; elsewhere, of what is not debited, one in twenty comes when it was asked for again.

    Of ours, the last but four comes in two halves. What is debited comes on its day, as the file of debits asks for it.
    `owes`: the contract paid none of its last statements, the oldest of which may be given formal notice of.
    """
    rows, due = [], [row for row in called if row["due_on"] <= clock.today()]
    unpaid = due[-UNPAID:] if owes else []
    for place, row in enumerate(called):
        late = draw.between(0, 4) if draw.random() < 0.85 else draw.between(6, 20)
        forgotten, reminded = draw.random() < 0.05 and not detailed, draw.between(*REMINDED)
        late = reminded if forgotten else late
        by_debit = contract.payment_method == METHOD
        on = banking_day(row["due_on"]) if by_debit else row["due_on"] + datetime.timedelta(days=late)
        half = row["total"] // 2 if detailed and not by_debit and place == len(called) - 5 else 0
        for part, amount in enumerate(filter(None, (half, row["total"] - half)), 1):
            on += datetime.timedelta(days=9 * (part - 1))
            waits = row in unpaid or (detailed and is_to_transfer(contract, called, row))
            if on <= clock.today() and not waits:
                rows.append(payment(draw, contract, row, part, on, amount))
            else:
                draw.uuid()
    return rows


def is_to_transfer(contract, called, row):
    """Of ours, the last statement that is issued is still to pay, whatever the day."""
    issued = [one for one in called if one["issued_on"] <= clock.today()]
    return contract.payment_method == "Virement" and row is issued[-1]


def payment(draw, contract, row, part, on, amount):
    reference = f"R{row['number'][1:]}-{part}"
    paid = {"public_id": draw.uuid(), "reference": reference, "contract": contract.id, "paid_on": on}
    return paid | {"payment_method": contract.payment_method, "amount": amount, "given_back": 0}


def make_lines(draw, statements):
    numbers = [row["number"] for row in statements]
    known = ContributionStatement.select(ContributionStatement.number, ContributionStatement.id)
    ids = dict(known.where(ContributionStatement.number.in_(numbers)).tuples())
    rows = []
    for row in statements:
        for employee, due, is_correction in row["charges"]:
            who = (draw.uuid(), ids[row["number"]], employee.id, employee.member_number, employee.full_name)
            rows.append((*who, employee.name_key, is_correction, *due))
    names = ("public_id", "statement", "beneficiary", "member_number", "label", "name_key", "is_correction")
    names += ("band", "price", "employer", "employee", "starts_on", "ends_on", "portion")
    keep(StatementLine, names, [dict(zip(names, row, strict=True)) for row in rows])

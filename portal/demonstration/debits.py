"""A file of direct debits of the demonstration, as the bank takes it, and one of its debits that came back."""

from portal import clock, collecting, contributions
from portal.demonstration.draw import days_ago
from portal.exchange.sepa import direct_debits
from portal.models import (
    Company,
    ContributionStatement,
    DebitBatch,
    DirectDebit,
    EmployeeCategory,
    GroupContract,
    MandateState,
    Payment,
    SepaMandate,
    User,
)
from portal.rules.collections import FIRST, RECURRENT, banking_day, banking_days_after
from portal.rules.mandates import CORE

REJECTED = "002"  # the college of the guide’s account whose debit came back
PREPARED = 6  # days before the collection


def debit_once(draw, managed, settings):
    """What was last due by debit of the guide’s account was collected, with what others owed; one came back."""
    today = clock.today()
    rows = [one for one in debited() if banking_day(one.due_on) < today]
    ours = [one for one in rows if one.contract.category.account_id == managed["id"]]
    if not ours:
        return
    day = max(banking_day(one.due_on) for one in ours)
    debits = [debit(one) for one in rows if banking_day(one.due_on) == day]
    batch = DebitBatch(public_id=draw.uuid(), number=f"PS{day.year}-0001", scheme=CORE, collected_on=day)
    batch.created_at, batch.author = days_ago((today - day).days + PREPARED), User.known("gestion@demo.example")
    batch.count, batch.total = len(debits), sum(one.amount for one in debits)
    used: set[int] = set()
    for place, one in enumerate(debits, 1):
        is_first = one.statement in ours and one.mandate_id not in used
        one.end_to_end, one.sequence = f"{batch.number}-{place}", FIRST if is_first else RECURRENT
        used.add(one.mandate_id)
    told = map(collecting.told, debits)
    batch.seal(direct_debits(settings.payee, settings.creditor_identifier, CORE, day, told))
    batch.save(force_insert=True)
    for one in debits:
        one.batch = batch
        one.save(force_insert=True)
    SepaMandate.update(last_used_on=day).where(SepaMandate.id.in_(used)).execute()
    for one in debits:
        if one.statement in ours and one.statement.contract.category.code == REJECTED:
            send_back(draw, one, min(banking_days_after(day, 2), today))


def debited():
    """What was paid by debit, of companies whose mandate is signed, each statement with its mandate."""
    row, mandate = ContributionStatement, SepaMandate
    signed = (mandate.company == Company.id) & (mandate.state == MandateState.SIGNED)
    joined = row.select(row, GroupContract, EmployeeCategory, Company, mandate).join(GroupContract)
    joined = joined.join(EmployeeCategory).join(Company).join(mandate, on=signed, attr="mandate")
    return joined.where(GroupContract.payment_method == collecting.METHOD, row.settled > 0).order_by(row.number)


def debit(statement):
    mandate = statement.contract.category.company.mandate
    return DirectDebit(statement=statement, mandate=mandate, amount=statement.total)


def send_back(draw, rejected, day):
    """As `rejecting.take`, some time ago, and with ids that the seed gives."""
    rejected.rejected_on, rejected.reason = day, "AM04"
    rejected.save()
    statement = rejected.statement
    came = Payment.get(Payment.contract == statement.contract_id, Payment.reference == f"R{statement.number[1:]}-1")
    Payment.create(
        public_id=draw.uuid(),
        reference=f"REJET-{rejected.end_to_end}",
        contract=statement.contract_id,
        paid_on=day,
        payment_method=collecting.METHOD,
        amount=-rejected.amount,
        undoes=came,
    )
    contributions.settle_contracts([statement.contract_id])

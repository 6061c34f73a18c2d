"""A file of direct debits of the demonstration, as the bank takes it, and one of its debits that came back."""

from types import SimpleNamespace

from portal import clock, collecting, contributions
from portal.demonstration.draw import days_ago
from portal.models import (
    Company,
    ContributionStatement,
    DebitBatch,
    EmployeeCategory,
    GroupContract,
    MandateState,
    Payment,
    SepaMandate,
    User,
)
from portal.rules.collections import banking_day, banking_days_after
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
    debits = [to_collect(one, one in ours) for one in rows if banking_day(one.due_on) == day]
    batch = DebitBatch(public_id=draw.uuid(), scheme=CORE, collected_on=day, author=User.known("gestion@demo.example"))
    batch.created_at = days_ago((today - day).days + PREPARED)
    for one in collecting.keep(batch, debits, settings).debits:
        if one.statement in ours and one.statement.contract.category.code == REJECTED:
            send_back(draw, one, min(banking_days_after(day, 2), today))


def debited():
    """What was paid by debit, of companies whose mandate is signed, each statement with its mandate."""
    row, mandate = ContributionStatement, SepaMandate
    signed = (mandate.company == Company.id) & (mandate.state == MandateState.SIGNED)
    joined = row.select(row, GroupContract, EmployeeCategory, Company, mandate).join(GroupContract)
    joined = joined.join(EmployeeCategory).join(Company).join(mandate, on=signed, attr="mandate")
    return joined.where(GroupContract.payment_method == collecting.METHOD, row.settled > 0).order_by(row.number)


def to_collect(statement, is_first):
    """A row of `collecting`; the mandates of the others were used before."""
    mandate = statement.contract.category.company.mandate
    mandate.last_used_on = None if is_first else clock.day_of(mandate.signed_at)
    return SimpleNamespace(statement=statement, mandate=mandate, amount=statement.total)


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

"""Arrears: which contracts owe contributions, what may be done and when, and the formal notices that are given."""

from dataclasses import dataclass
from datetime import date

from peewee import JOIN, IntegrityError

from portal import clock, documents
from portal.database import summed
from portal.formats import date_fr, euros
from portal.models import (
    Company,
    ContributionStatement,
    Document,
    EmployeeCategory,
    FormalNotice,
    GroupContract,
    ManagedAccount,
    Plan,
    StatementState,
    db,
    fn,
)
from portal.rules import Refused
from portal.rules import arrears as rules

LETTER = "FORMAL_NOTICE"


@dataclass(frozen=True)
class Arrears:
    """What a contract owes; `notice`: the one that was given for it, or None."""

    contract: GroupContract
    count: int
    amount: int
    due_on: date
    notice: FormalNotice | None
    steps: rules.Steps


def late(statements, today):
    """(contract, how many are late, cents that are late, the oldest due date) of these statements, as a query."""
    row = ContributionStatement
    found = statements.where(row.in_state(StatementState.LATE, today)).group_by(row.contract)
    oldest = fn.MIN(row.due_on)
    columns = (row.contract.alias("contract"), fn.COUNT(row.id).alias("count"), summed(row.total - row.settled))
    return found.select(*columns, oldest.alias("oldest")).order_by(oldest, row.contract)


def read(rows):
    """[Arrears] of some rows of `late`, as tuples, in one statement."""
    known = placed([contract for contract, *_ in rows])
    contracts = {one.id: one for one in known}
    notices = {(one.id, one.notice.oldest_due_on): one.notice for one in known if one.notice}
    found = []
    for key, count, amount, oldest in rows:
        due_on = date.fromisoformat(oldest) if isinstance(oldest, str) else oldest
        contract, notice = contracts[key], notices.get((key, due_on))
        steps = rules.steps(due_on, notice and notice.given_on, contract.is_branch_mandated)
        found.append(Arrears(contract, count, amount, due_on, notice, steps))
    return found


def placed(ids):
    """These contracts with plan, college, company and account, once for each `notice` that was given (or None)."""
    named = (
        GroupContract.select(GroupContract, Plan, EmployeeCategory, Company, ManagedAccount, FormalNotice, Document)
        .join(Plan)
        .switch(GroupContract)
        .join(EmployeeCategory)
        .join(Company)
        .join(ManagedAccount)
        .switch(GroupContract)
        .join(FormalNotice, JOIN.LEFT_OUTER, on=(FormalNotice.contract == GroupContract.id), attr="notice")
        .join(Document, JOIN.LEFT_OUTER)
    )
    found = list(named.where(GroupContract.id.in_(ids)))
    for one in found:
        one.notice = getattr(one, "notice", None)
    return found


def of_contract(contract, statements, today):
    """What one contract owes now; None when nothing is late."""
    mine = late(statements.where(ContributionStatement.contract == contract), today)
    return next(iter(read(list(mine.tuples()))), None)


def give_notice(owed, settings, by, now):
    """The formal notice for what is late, printed; None when it was given already. Refused before its day."""
    today = clock.day_of(now)
    if today < owed.steps.notice_from:
        raise Refused(f"La mise en demeure n’est possible qu’à partir du {date_fr(owed.steps.notice_from)}.")
    try:
        with db.atomic():
            return FormalNotice.create(
                contract=owed.contract,
                oldest_due_on=owed.due_on,
                amount=owed.amount,
                given_on=today,
                author=by,
                created_at=now,
                document=letter(owed, settings, today, now),
            )
    except IntegrityError:  # a colleague was a little faster
        return None


def letter(owed, settings, today, now):
    contract = owed.contract
    about = {"account": contract.category.company.account_id, "contract": contract, "document_type": LETTER}
    return documents.ask("formal_notice", words(owed, settings, today), now, title=title(owed), **about)


def title(owed):
    return f"Mise en demeure, contrat {owed.contract.number}"


def words(owed, settings, today):
    """Those of the letter that is given on a day."""
    contract = owed.contract
    company = contract.category.company
    after = rules.steps(owed.due_on, today, contract.is_branch_mandated)
    return {
        "company": company.label,
        "siret": company.siret,
        "contract": contract.number,
        "plan": contract.plan.label,
        "count": owed.count,
        "amount": euros(owed.amount),
        "due_on": date_fr(owed.due_on),
        "given_on": date_fr(today),
        "insurer": settings.insurer_name,
        "address": settings.insurer_address,
        "suspension_from": after.suspension_from and date_fr(after.suspension_from),
        "termination_from": after.termination_from and date_fr(after.termination_from),
    }


def set_branch(contract, is_mandated):
    """Whether a branch agreement imposes the scheme of a contract."""
    GroupContract.update(is_branch_mandated=is_mandated).where(GroupContract.id == contract.id).execute()

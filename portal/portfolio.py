"""« Portefeuille »: what each account of somebody holds and awaits, side by side."""

import datetime
from dataclasses import dataclass

from portal.models import (
    Case,
    ContributionStatement,
    DocumentRequest,
    EmployeeCategory,
    Enrolment,
    GroupContract,
    ManagedAccount,
    MessageThread,
    StatementState,
    ThreadState,
    Value,
    fn,
)
from portal.rules.rights import Action

STATEMENTS, CONTRACTS, PROOFS, THREADS, ENROLMENTS = "statements", "contracts", "proofs", "threads", "enrolments"


@dataclass
class Line:
    """One account; `late`: of the documents, of the answers that the mutual awaits, of the statements."""

    account: ManagedAccount
    people: int = 0
    contracts: int = 0
    proofs: int = 0
    late_proofs: int = 0
    threads: int = 0
    to_answer: int = 0
    enrolments: int = 0
    statements: int = 0
    late_statements: int = 0
    next_due: datetime.date | None = None

    @property
    def awaited(self):
        """How many things wait for who manages the account."""
        return self.proofs + self.to_answer + self.enrolments + self.late_statements

    @property
    def late(self):
        return self.late_proofs + self.late_statements


def lines(user, accounts, today):
    """[Line] of these accounts, a query of the door's, in their order; in three statements."""
    found = {account.id: Line(account) for account in accounts}
    for account, count in user.head_counts(list(found)).items():
        found[account].people = count
    for account, kind, count, other, day in waiting(user, today).tuples():
        if account not in found:
            continue
        line = found[account]
        setattr(line, kind, count)
        if kind == PROOFS:
            line.late_proofs = other
        elif kind == THREADS:
            line.to_answer = other
        elif kind == STATEMENTS:
            line.late_statements, line.next_due = other, day and as_day(day)
    return list(found.values())


def as_day(day):
    """SQLite gives the least of dates as it keeps them."""
    return datetime.date.fromisoformat(day) if isinstance(day, str) else day


def waiting(user, today):
    """(account, kind, how many, how many of these are late or to be answered, the next day) in one statement.

    Each of them as far as the grants open it: who may not see contributions is told nothing of statements.
    """
    account = EmployeeCategory.account
    statement, request, thread = ContributionStatement, DocumentRequest, MessageThread
    late = statement.in_state(StatementState.LATE, today)
    unpaid = late | statement.in_state(StatementState.DUE, today) | statement.in_state(StatementState.PARTLY, today)
    statements = of_contracts(user.able(Action.MONEY).statements().join(GroupContract)).where(unpaid)
    contracts = of_contracts(user.contracts())
    proofs = user.able(Action.DOCUMENTS).document_requests().join(EmployeeCategory)
    proofs = proofs.where(request.state.in_(request.OPEN))
    threads = user.able(Action.WRITE).threads().where(thread.state.in_(thread.OPEN))
    enrolments = user.able(Action.ENROL).enrolments().join(EmployeeCategory).where(Enrolment.state.in_(Enrolment.OPEN))
    due_later = Case(None, [(statement.due_on >= today, statement.due_on)])
    parts = (
        counted(statements, account, STATEMENTS, statement.id, late, fn.MIN(due_later)),
        counted(contracts, account, CONTRACTS, GroupContract.id),
        counted(proofs, account, PROOFS, request.id, request.due_on < today),
        counted(threads, thread.account, THREADS, thread.id, thread.state == ThreadState.AWAITING_ANSWER),
        counted(enrolments, account, ENROLMENTS, Enrolment.id),
    )
    whole, *others = parts
    for part in others:
        whole = whole.union_all(part)
    return whole


def of_contracts(query):
    return query.join(EmployeeCategory)


def counted(query, account, kind, key, late=None, day=None):
    """How many rows each account has, by `key`, and how many of these are `late`; the first part says what `day` is."""
    how_many_late = fn.SUM(Case(None, [(late, 1)], 0)) if late is not None else Value(0)
    columns = (account, Value(kind), fn.COUNT(key), how_many_late, Value(None) if day is None else day)
    return query.select(*columns).group_by(account)

"""Direct debits: which statements are to be collected on which day, and the file that asks the bank for them, once."""

from itertools import groupby
from operator import attrgetter
from types import SimpleNamespace

from portal import clock, database, mandates
from portal.exchange.sepa import Debit, direct_debits
from portal.models import (
    AuditEvent,
    Company,
    ContributionStatement,
    DebitBatch,
    DirectDebit,
    EmployeeCategory,
    GroupContract,
    MandateState,
    Plan,
    SepaMandate,
    db,
    hash_of,
)
from portal.rules.collections import collection_day, sequence_types

METHOD = "Prélèvement"


def waiting(statements, today):
    """What is to be collected of these statements: rows with statement, mandate, day, amount; by day and scheme."""
    row, mandate = ContributionStatement, SepaMandate
    debited = DirectDebit.select(DirectDebit.statement).where(DirectDebit.rejected_on.is_null())
    rows = (
        statements.select(row, Plan, GroupContract, EmployeeCategory, Company, mandate)
        .join(Plan)
        .switch(row)
        .join(GroupContract)
        .join(EmployeeCategory)
        .join(Company)
        .join(mandate, on=(mandate.company == Company.id) & (mandate.state == MandateState.SIGNED), attr="mandate")
        .where(GroupContract.payment_method == METHOD, row.issued_on <= today, row.total > row.settled)
        .where(row.due_on >= today, row.id.not_in(debited))
    )
    found = [to_collect(one, today) for one in rows.order_by(row.due_on, row.number)]
    found = [one for one in found if one.day and one.mandate.state_on(one.day) == MandateState.SIGNED]
    return sorted(found, key=attrgetter("day", "scheme", "statement.number"))


def to_collect(statement, today):
    mandate = statement.contract.category.company.mandate
    day = collection_day(statement.issued_on, statement.due_on, today)
    return SimpleNamespace(statement=statement, mandate=mandate, scheme=mandate.scheme, day=day, amount=statement.rest)


def by_file(rows):
    """[(day, scheme, rows)]: one file a collection day, and a scheme, which a file has one of."""
    return [(*key, list(some)) for key, some in groupby(rows, key=attrgetter("day", "scheme"))]


def prepare(day, scheme, settings, by, now):
    """Make the file of a day and a scheme, and keep what it asks for; None when nothing is left to collect."""
    with db.atomic():
        database.serialise(db, hash_of("collect"))
        rows = waiting(ContributionStatement.select(), clock.day_of(now))
        rows = [one for one in rows if (one.day, one.scheme) == (day, scheme)]
        elsewhere = mandates.off_file([one.mandate for one in rows])
        rows = [one for one in rows if one.mandate.id not in elsewhere]
        if not rows:
            return None
        return keep(DebitBatch(scheme=scheme, collected_on=day, author=by, created_at=now), rows, settings)


def keep(batch, rows, settings):
    """The file of these rows, numbered and written with its debits, in the caller's transaction; `batch`: not saved."""
    day = batch.collected_on
    batch.number = next_number(day.year)
    batch.count, batch.total = len(rows), sum(one.amount for one in rows)
    debits = [debit for _, some in groupby_mandate(rows) for debit in debits_of(some)]
    for place, debit in enumerate(debits, 1):
        debit.end_to_end = f"{batch.number}-{place}"
    batch.seal(direct_debits(settings.payee, settings.creditor_identifier, batch.scheme, day, map(told, debits)))
    batch.save(force_insert=True)
    for debit in debits:
        debit.batch = batch
        debit.save(force_insert=True)
    used = [one.mandate.id for one in rows]
    SepaMandate.update(last_used_on=day).where(SepaMandate.id.in_(used)).execute()
    return batch


def groupby_mandate(rows):
    return groupby(sorted(rows, key=attrgetter("mandate.id", "statement.number")), key=attrgetter("mandate.id"))


def debits_of(rows):
    """The debits by one mandate, in their order."""
    rows = list(rows)
    types = sequence_types(one.mandate.last_used_on is not None for one in rows)
    for one, sequence in zip(rows, types, strict=True):
        yield DirectDebit(statement=one.statement, mandate=one.mandate, amount=one.amount, sequence=sequence)


def told(debit):
    """As the file takes it."""
    mandate = debit.mandate
    signed_on, words = clock.day_of(mandate.signed_at), f"Cotisations {debit.statement.number}"
    account = mandate.holder, mandate.unseal(), mandate.bic
    return Debit(debit.end_to_end, debit.amount, debit.sequence, mandate.reference, signed_on, *account, words)


def next_number(year):
    """« PS2026-0001 »: in the caller’s transaction, which lets one file be made at a time."""
    last = DebitBatch.last_number(f"PS{year}-")
    return f"PS{year}-{int(last.rpartition('-')[2]) + 1 if last else 1:04}"


def collect(settings, now, until):
    """Make every file whose collection day has come near: (batches); for the command."""
    rows = waiting(ContributionStatement.select(), clock.day_of(now))
    made = []
    for day, scheme, _ in by_file(rows):
        if day > until:
            continue
        with db.atomic():  # a file is never there without its line in the audit trail
            batch = prepare(day, scheme, settings, None, now)
            if batch:
                AuditEvent.write("debit.prepare", on=batch, after=batch.facts(), now=now)
                made.append(batch)
    return made

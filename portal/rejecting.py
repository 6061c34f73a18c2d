"""Direct debits that the bank rejected: marked once, with what follows for the mandate, and said to the company."""

from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from portal import clock, contributions, database, mandates
from portal.formats import date_fr, euros, plural
from portal.models import (
    AuditEvent,
    Company,
    ContributionStatement,
    DebitBatch,
    DirectDebit,
    MandateState,
    SepaMandate,
    db,
    fn,
    hash_of,
)
from portal.rules import Refused, rejects
from portal.transitions import change


class Taken(NamedTuple):
    """What a file of rejects did."""

    marked: int
    known: int
    mandates_ended: int


def said(taken):
    """In a sentence."""
    told = [plural(taken.marked, "rejet enregistré", "rejets enregistrés")]
    told += [f"{plural(taken.known, 'déjà connu', 'déjà connus')}"] if taken.known else []
    told += [plural(taken.mandates_ended, "mandat terminé", "mandats terminés")] if taken.mandates_ended else []
    return f"{', '.join(told)}." if taken.marked or taken.known else "Ce fichier ne dit aucun rejet."


def take(found, now, by=None):
    """Mark these debits (exchange.rejects.Reject) as rejected: all of them or none; what was marked already stays.

    What such a debit had paid is not paid any more, and a mandate whose first debit was rejected was not used.
    Raises Refused, with a sentence for each that is wrong.
    """
    with db.atomic():
        database.serialise(db, hash_of("collect"))
        debits = by_reference(one.end_to_end for one in found)
        refuse_wrong(found, debits, clock.day_of(now))
        asked = {one.end_to_end: one for one in found}
        new = [debits[name] for name in asked if debits[name].rejected_on is None]
        for debit in new:
            debit.rejected_on, debit.reason = asked[debit.end_to_end].on, asked[debit.end_to_end].code
            debit.save(only=[DirectDebit.rejected_on, DirectDebit.reason])
        contributions.settle_contracts({debit.statement.contract_id for debit in new})
        ended = [follow_up(some, now, by) for some in by_mandate(new)]
    return Taken(len(new), len(asked) - len(new), sum(ended))


def by_reference(names):
    """end_to_end → debit, with its mandate, company and statement."""
    joined = DirectDebit.select(DirectDebit, SepaMandate, Company, ContributionStatement, DebitBatch)
    joined = joined.join(SepaMandate).join(Company).switch(DirectDebit).join(ContributionStatement)
    joined = joined.switch(DirectDebit).join(DebitBatch)
    found, names = {}, list(dict.fromkeys(names))
    for at in range(0, len(names), 500):
        found |= {one.end_to_end: one for one in joined.where(DirectDebit.end_to_end.in_(names[at : at + 500]))}
    return found


def refuse_wrong(found, debits, today):
    faults, told = [], {}
    for one in found:
        debit, first = debits.get(one.end_to_end), told.setdefault(one.end_to_end, one)
        if debit is None:
            faults.append(f"Ligne {one.line} : cette référence n’est d’aucun prélèvement du portail.")
        elif one.amount not in (None, debit.amount):
            faults.append(f"Ligne {one.line} : ce montant n’est pas celui du prélèvement, {euros(debit.amount)}.")
        elif one.on > today:
            faults.append(f"Ligne {one.line} : le rejet est daté d’un jour à venir, le {date_fr(one.on)}.")
        elif one.on < clock.day_of(debit.batch.created_at):
            faults.append(f"Ligne {one.line} : le rejet est daté d’avant le fichier de prélèvements.")
        elif (one.on, one.code) != (first.on, first.code):  # which of the two says whether the mandate goes on
            faults.append(f"Ligne {one.line} : ce prélèvement est déjà à la ligne {first.line}, et y est autre.")
    if faults:
        raise Refused("\n".join(faults[:100]))


def by_mandate(debits):
    ordered = sorted(debits, key=attrgetter("mandate_id", "id"))
    return [list(some) for _, some in groupby(ordered, key=attrgetter("mandate_id"))]


def follow_up(debits, now, by):
    """What these rejects mean for their one mandate, and an e-mail to the company; 1 when the mandate has ended."""
    mandate = debits[0].mandate
    held = mandate.hold()
    used = DirectDebit.select(fn.MAX(DebitBatch.collected_on)).join(DebitBatch)
    held.last_used_on = used.where(DirectDebit.mandate == mandate, DirectDebit.rejected_on.is_null()).scalar()
    held.save(only=[SepaMandate.last_used_on])
    ends = held.state == MandateState.SIGNED and any(rejects.reason(one.reason).ends_mandate for one in debits)
    if ends:
        change(held, MandateState.REVOKED, revoked_at=now)
    mandates.tell_company(mandate.company, "debit_rejected", now, "/cotisations", about=mandate, ends=ends)
    for one in debits:
        about = {"statement": one.statement.number, "code": one.reason, "mandate_ended": ends}
        AuditEvent.write("debit.reject", on=one.batch, account=mandate.company.account_id, after=about, now=now, by=by)
    return int(ends)


def with_rejects(batches):
    """These files of debits, with how many of each the bank rejected as `rejected`."""
    rows = list(batches)
    debit, count = DirectDebit, fn.COUNT(DirectDebit.id)
    counted = debit.select(debit.batch, count).where(debit.batch.in_(rows), debit.rejected_on.is_null(False))
    counts = dict(counted.group_by(debit.batch).tuples()) if rows else {}
    for one in rows:
        one.rejected = counts.get(one.id, 0)
    return rows


def unpaid(statements, at_most=6):
    """Of these statements, those that are still to pay and whose debit was rejected, the latest first."""
    row, debit, live = ContributionStatement, DirectDebit, DirectDebit.alias()
    again = live.select(live.id).where(live.statement == row.id, live.rejected_on.is_null())
    joined = statements.select(row, debit).join(debit, on=(debit.statement == row.id), attr="debit")
    joined = joined.where(debit.rejected_on.is_null(False), row.total > row.settled, ~fn.EXISTS(again))
    return [told(one) for one in joined.order_by(debit.rejected_on.desc(), debit.id.desc()).limit(at_most)]


class Told(NamedTuple):
    """A reject, as it is said to the company."""

    statement: ContributionStatement
    amount: str
    on: str
    why: str
    what: str


def told(statement):
    known = rejects.reason(statement.debit.reason)
    return Told(statement, euros(statement.debit.amount), date_fr(statement.debit.rejected_on), known.why, known.what)

"""Statements that the portal computes, of contracts that the mutual lets it call: issued once, mended on the next."""

import copy
import logging

from portal import clock, database
from portal.contributions import owed_by_employee
from portal.exchange.many import insert
from portal.models import (
    AuditEvent,
    Beneficiary,
    ContributionStatement,
    ContributionTariff,
    EmployeeCategory,
    GroupContract,
    Movement,
    MovementKind,
    MovementState,
    Plan,
    StatementLine,
    db,
    fn,
    hash_of,
)
from portal.rules import Refused
from portal.rules.calls import Move, Stay, corrections, due_day, issue_day, periods_to_call, stays_of
from portal.rules.dates import months_before

log = logging.getLogger(__name__)
CORRECTED = 12  # months back: what is older, the mutual corrects


def call_due(settings, now):
    """Issue what is to be issued today: how many statements; each once, in a transaction of its own."""
    today, issued = clock.day_of(now), 0
    for contract, tariffs in contracts_called():
        for start, end in periods_to_call(contract.billing_frequency, tariffs, today):
            try:
                issued += issue(contract, tariffs, start, end, settings.pmss_table, now)
            except Refused as refused:  # the others are issued all the same
                log.error("contract %s from %s: %s", contract.number, start, refused)
    return issued


def contracts_called():
    """The contracts that the portal calls, or called, with all their tariffs in order."""
    tariffs = ContributionTariff.by_contract()
    called = [id for id, some in tariffs.items() if any(row.called_by_portal for row in some)]
    contracts = GroupContract.select(GroupContract, Plan, EmployeeCategory).join(Plan).switch(GroupContract)
    found = contracts.join(EmployeeCategory).where(GroupContract.id.in_(called)).order_by(GroupContract.id)
    return [(contract, tariffs[contract.id]) for contract in found]


def issue(contract, rows, start, end, pmss, now):
    """Compute and issue one statement, with what corrects those before; 0 when it is issued, or nothing is due."""
    today, tariffs = clock.day_of(now), [row.rule(contract) for row in rows]
    with db.atomic():
        database.serialise(db, hash_of(f"call contract {contract.id}"))
        if called_already(contract, start, end):
            return 0
        here = Presence(contract)
        lines = [line_of(employee, owed) for employee, owed in here.owed(tariffs, start, end, pmss)]
        lines += [line for before in earlier(contract, start) for line in corrected(here, before, tariffs, pmss)]
        if not lines:
            return 0
        term = [row for row in rows if row.valid_from <= start][-1].term
        statement = write(contract, start, end, term, today, lines)
        written = {"number": statement.number, "total": statement.total, "lines": len(lines)}
        place = contract.category.account_id
        AuditEvent.write("statement.issue", on=statement, account=place, after=written, now=now, role="worker")
    return 1


def called_already(contract, start, end):
    """That period is called, whoever did it: the portal or the management system."""
    row = ContributionStatement
    same = row.contract == contract, row.plan == contract.plan_id, row.period_start <= end, row.period_end >= start
    return row.select().where(*same).exists()


def write(contract, start, end, term, today, lines):
    issued_on = max(issue_day(term, start, end), today)
    statement = ContributionStatement.create(
        number=next_number(issued_on.year),
        contract=contract,
        plan=contract.plan_id,
        period_start=start,
        period_end=end,
        payer=contract.payer,
        issued_on=issued_on,
        due_on=due_day(term, start, end, issued_on),
        total=sum(line.total for line in lines),
        computed=True,
    )
    columns = [field for name, field in StatementLine._meta.fields.items() if name not in ("id", "statement")]
    own = StatementLine.statement.db_value(statement)
    rows = ((own, *(field.db_value(line.__data__.get(field.name)) for field in columns)) for line in lines)
    insert(StatementLine, [StatementLine.statement, *columns], rows)
    return statement


def next_number(year):
    """« BP2026-000123 »: numbers of a year follow each other, whoever issues at the same time."""
    database.serialise(db, hash_of("statement number"))
    start, row = f"BP{year}-", ContributionStatement
    last = row.select(fn.MAX(row.number)).where(row.number.startswith(start), row.computed).scalar()
    return f"{start}{int(last.removeprefix(start)) + 1 if last else 1:06}"


# ── Who was there ────────────────────────────────────────────────────────────────────────────────────────────────


# Of a person: a model of all their columns takes three times as long.
NEEDED = (
    *(Beneficiary.id, Beneficiary.member_number, Beneficiary.household_number, Beneficiary.role),
    *(Beneficiary.contract, Beneficiary.effective_on, Beneficiary.terminated_on),
    *(Beneficiary.birth_name, Beneficiary.used_name, Beneficiary.first_name),
    *(Beneficiary.name_key, Beneficiary.first_name_key),
)


class Presence:
    """Who is or was in a contract, and from when to when: as movements tell, wherever they are now."""

    def __init__(self, contract):
        self.contract, moves = contract, moves_of(contract)
        people = (Beneficiary.contract == contract) | Beneficiary.id.in_(list(moves))
        self.people = []
        for person in Beneficiary.select(*NEEDED).where(people):
            current = Stay(person.contract_id, person.effective_on, person.terminated_on)
            stays = [stay for stay in stays_of(current, moves.get(person.id, ())) if stay.contract == contract.id]
            if stays:
                self.people.append((person, stays))
        self.members = {person.member_number for person, _ in self.people}

    def owed(self, tariffs, start, end, pmss):
        """[(employee, rules.Owed)]"""
        return owed_by_employee(self.between(start, end), tariffs, start, end, pmss)

    def between(self, start, end):
        for person, stays in self.people:
            stay = next((stay for stay in stays if stay.touches(start, end)), None)
            if stay and (stay.starts_on, stay.ends_on) == (person.effective_on, person.terminated_on):
                yield person
            elif stay:
                there = copy.copy(person)
                there.__data__ = person.__data__ | {"effective_on": stay.starts_on, "terminated_on": stay.ends_on}
                yield there


def moves_of(contract):
    """Person → what moved them, in this account, the latest first."""
    kinds = (MovementKind.CATEGORY, MovementKind.REHIRE)
    undone = (MovementState.REFUSED, MovementState.TAKEN_BACK)
    rows = Movement.select(Movement).join(EmployeeCategory).where(Movement.kind.in_(kinds))
    rows = rows.where(EmployeeCategory.account == contract.category.account_id, Movement.applied_at.is_null(False))
    found = {}
    for row in rows.where(Movement.state.not_in(undone)).order_by(Movement.effective_on.desc(), Movement.id.desc()):
        if row.beneficiary_id:
            move = Move(row.kind == MovementKind.REHIRE, row.effective_on, row.before or {})
            found.setdefault(row.beneficiary_id, []).append(move)
    return found


def line_of(employee, owed):
    who = {"beneficiary": employee.id, "member_number": employee.member_number, "label": employee.full_name}
    return StatementLine(**who, name_key=employee.name_key, **owed._asdict())


# ── What was wrong on the statements before ──────────────────────────────────────────────────────────────────────


def earlier(contract, start):
    """The statements that the portal computed for this contract within a year, the oldest first."""
    row = ContributionStatement
    before = row.computed, row.contract == contract, row.period_start < start
    recent = row.period_start >= months_before(start, CORRECTED)
    return list(row.select().where(*before, recent).order_by(row.period_start))


def corrected(here, before, tariffs, pmss):
    """Lines that put right what was called for a period: late entries and departures, families, undone affiliations."""
    period = before.period_start, before.period_end
    wanted = {employee.member_number: (employee, owed) for employee, owed in here.owed(tariffs, *period, pmss)}
    called = called_for(before)
    sums = {member: (line.employer, line.employee) for member, line in called.items()}
    due = {member: (owed.employer, owed.employee) for member, (_, owed) in wanted.items()}
    for one in corrections(due, sums, kept(here, before, wanted, called)):
        line = line_of(*wanted[one.member]) if one.member in wanted else copied(called[one.member])
        line.is_correction, line.employer, line.employee = True, one.employer, one.employee
        line.starts_on, line.ends_on = period
        yield line


def called_for(before):
    """Member → the line of that period, its parts with those of the corrections that it had since."""
    line, same = StatementLine, ContributionStatement.contract == before.contract_id
    rows = line.select().join(ContributionStatement).where(same)
    own = line.statement == before
    since = line.is_correction & (line.starts_on == before.period_start) & (line.ends_on == before.period_end)
    found = {}
    for row in rows.where((own & ~line.is_correction) | since).order_by(line.id):
        first = found.setdefault(row.member_number, row)
        if first is not row:
            first.employer, first.employee = first.employer + row.employer, first.employee + row.employee
    return found


def kept(here, before, wanted, called):
    """Whom nothing is corrected for: who is in another contract by a load, which does not say since when."""
    gone = [line.beneficiary_id for member, line in called.items() if member not in here.members]
    loaded = Beneficiary.select(Beneficiary.member_number).where(Beneficiary.id.in_([id for id in gone if id]))
    new = [member for member in wanted if member not in called]
    other = StatementLine.select(StatementLine.member_number).join(ContributionStatement)
    other = other.where(ContributionStatement.contract != before.contract_id, ~StatementLine.is_correction)
    other = other.where(StatementLine.starts_on <= before.period_end, StatementLine.ends_on >= before.period_start)
    elsewhere = other.where(StatementLine.member_number.in_(new))
    return {member for query in (loaded, elsewhere) for (member,) in query.tuples()}


def copied(line):
    """Of somebody to whom nothing is due any more."""
    who = {"beneficiary": line.beneficiary_id, "member_number": line.member_number, "label": line.label}
    return StatementLine(**who, name_key=line.name_key, band=line.band, price=line.price, portion=0)

"""Statements that the portal computes, of contracts that the mutual lets it call: issued once, mended on the next."""

import logging
from functools import cache
from typing import NamedTuple

from peewee import DateField

from portal import clock, database
from portal.contributions import NAMED, Households, Person
from portal.exchange.many import CHUNK, chunks, draw_uuids, fields, insert, nothing_to_collect
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
from portal.rules.calls import (
    Move,
    Stay,
    corrections,
    day_of,
    days_due,
    due_day,
    fingerprint,
    issue_day,
    periods_to_call,
    stays_of,
)
from portal.rules.contributions import BANDS, STARTED_MONTH, in_force
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


@nothing_to_collect()
def issue(contract, rows, start, end, pmss, now):
    """Compute and issue one statement, with what corrects those before; 0 when it is issued, or nothing is due."""
    today, share = clock.day_of(now), contract.share_of(start)
    tariffs = tariffs_of(contract, rows, contract.plan, share, start, end)
    with db.atomic():
        database.serialise(db, hash_of(f"call contract {contract.id}"))
        if called_already(contract, start, end):
            return 0
        people, before = list(people_of(contract)), earlier(contract, start)
        here = Households(people, min([start, *(statement.period_start for statement in before)]))
        due = here.due(tariffs, start, end, pmss)
        lines = [line_of(employee, owed) for employee, owed in here.each(due)]
        lines += corrected(people, here, [(one, as_called(contract, rows, one)) for one in before], pmss)
        if not lines:
            return 0
        term = [row for row in rows if row.valid_from <= start][-1].term
        kept = {"employer_share": share, "called_hash": fingerprint(here.by_parts(due))}
        statement = write(contract, start, end, term, today, lines, kept)
        written = {"number": statement.number, "total": statement.total, "lines": len(lines)}
        place = contract.category.account_id
        AuditEvent.write("statement.issue", on=statement, account=place, after=written, now=now, role="worker")
    return 1


def tariffs_of(contract, rows, plan, share, start, end):
    """The tariffs of a period as the rules take them; Refused when one has no price that the plan asks for.

    They are loaded for a plan: a contract that is put on another one may wait for its own, and is not called for 0 €.
    """
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        if row.valid_from <= end and (following is None or following.valid_from > start):
            missing = [band for band in BANDS[plan.contribution_structure] if getattr(row, band.lower()) is None]
            if missing:
                raise Refused(f"the tariff from {row.valid_from} has no price {missing[0]}")
    return [row.rule(contract, plan, share) for row in rows]


def called_already(contract, start, end):
    """That period is called, whoever did it: the portal, whatever the plan was then, or the management system."""
    row = ContributionStatement
    same = (
        row.contract == contract,
        row.computed | (row.plan == contract.plan_id),
        row.period_start <= end,
        row.period_end >= start,
    )
    return row.select().where(*same).exists()


def write(contract, start, end, term, today, lines, kept):
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
        total=sum(line.employer + line.employee for line in lines),
        computed=True,
        **kept,
    )
    drawn = zip(draw_uuids(len(lines)), lines, strict=True)
    rows = ((statement.id, public_id, *line) for public_id, line in drawn)
    insert(StatementLine, fields(StatementLine, ("statement", "public_id", *Line._fields)), rows)
    return statement


def next_number(year):
    """« BP2026-000123 »: numbers of a year follow each other, whoever issues at the same time."""
    database.serialise(db, hash_of("statement number"))
    start, row = f"BP{year}-", ContributionStatement
    number = fn.SUBSTR(row.number, len(start) + 1).cast("INTEGER")  # as text, 999999 would stand above 1000000
    last = row.select(fn.MAX(number)).where(row.number.startswith(start), row.computed).scalar()
    return f"{start}{(last or 0) + 1:06}"


# ── Who was there ────────────────────────────────────────────────────────────────────────────────────────────────


class Line(NamedTuple):
    """What a statement will say of one employee: the columns of StatementLine, days as their text."""

    beneficiary: int | None
    member_number: str
    label: str
    name_key: str
    is_correction: bool
    band: str
    price: int
    employer: int
    employee: int
    starts_on: str
    ends_on: str
    portion: int


def people_of(contract):
    """Who is or was in a contract, and from when to when: as movements tell, wherever they are now."""
    row, moves, day = Beneficiary, moves_of(contract), cache(day_of)
    is_whole = whole_months({contract.id} | {move.before.get("contract") for some in moves.values() for move in some})
    columns = as_text((*fields(row, NAMED), row.contract, row.effective_on, row.terminated_on))
    elsewhere = [among & (row.contract != contract) for among in parted(row.id, list(moves))]

    def days_of(now_in, since, until, moves=()):
        stays = stays_of(Stay(now_in, day(since), day(until)), moves)
        return days_due(stays, contract.id, is_whole)

    alike = cache(days_of)  # nothing moved most people, and many came on the same day
    for there in (row.contract == contract, *elsewhere):
        for *who, now_in, since, until in db.execute_sql(*row.select(*columns).where(there).sql()):
            moved = moves.get(who[0], ())
            here = days_of(now_in, since, until, moved) if moved else alike(now_in, since, until)
            if here or contract.id in {now_in, *(move.before.get("contract") for move in moved)}:
                yield Person(*who, here)  # whose days all turn out to be wrong is given back what was called


def whole_months(contracts):
    """Whether a contract of these calls, on a day, the whole of a month that is started."""
    tariffs, row = {}, ContributionTariff
    for among in parted(row.contract, sorted(id for id in contracts if id)) if len(contracts) > 1 else ():
        for one in row.select().where(among).order_by(row.valid_from):
            tariffs.setdefault(one.contract_id, []).append(one)

    def is_whole(contract, day):
        tariff = in_force(tariffs.get(contract, ()), day)
        return tariff is not None and tariff.pro_rata == STARTED_MONTH

    return is_whole


def as_text(columns):
    """Columns whose days come as their text, on both databases."""
    return [column.cast("TEXT") if isinstance(column, DateField) else column for column in columns]


def moves_of(contract):
    """Person → what moved them, in this account, the latest first."""
    rows = moved(Movement, EmployeeCategory.account == contract.category.account_id)
    found = {}
    for row in rows.order_by(Movement.effective_on.desc(), Movement.id.desc()):
        if row.beneficiary_id:
            move = Move(row.kind == MovementKind.REHIRE, row.effective_on, row.before or {})
            found.setdefault(row.beneficiary_id, []).append(move)
    return found


def moved(columns, among):
    """The changes of contract and the returns that are done, of some of them."""
    row, kinds = Movement, (MovementKind.CATEGORY, MovementKind.REHIRE)
    undone = (MovementState.REFUSED, MovementState.TAKEN_BACK)
    done = row.kind.in_(kinds), row.applied_at.is_null(False), row.state.not_in(undone)
    return row.select(columns).join(EmployeeCategory).where(*done, among)


def line_of(employee, owed):
    name = employee.full_name[: StatementLine.label.max_length]
    who = employee.id, employee.member_number, name, employee.name_key
    days = owed.starts_on.isoformat(), owed.ends_on.isoformat()
    return Line(*who, False, owed.band, owed.price, owed.employer, owed.employee, *days, owed.portion)


# ── What was wrong on the statements before ──────────────────────────────────────────────────────────────────────


def earlier(contract, start):
    """The statements that the portal computed for this contract within a year, the oldest first, with their plan."""
    row = ContributionStatement
    before = row.computed, row.contract == contract, row.period_start < start
    recent = row.period_start >= months_before(start, CORRECTED)
    return list(row.select(row, Plan).join(Plan).where(*before, recent).order_by(row.period_start))


def as_called(contract, rows, statement):
    """The tariffs with the plan and the employer’s share of a statement: what is noted since does not reach it."""
    kept = statement.employer_share
    share = contract.share_of(statement.period_start) if kept is None else kept
    return tariffs_of(contract, rows, statement.plan, share, statement.period_start, statement.period_end)


def corrected(people, here, statements, pmss):
    """Lines that put right what was called for periods: late entries and departures, families, undone affiliations.

    `statements`: [(statement, its tariffs)]. Where what is due is what was called, no line is read.
    """
    numbers = {person.id: person.member_number for person in people}
    told = told_by_loads([one for one, _ in statements])
    for before, tariffs in statements:
        due = here.due(tariffs, before.period_start, before.period_end, pmss)
        if before.id in told or before.called_hash != fingerprint(here.by_parts(due)):
            called, was = called_for(before, numbers)
            lines = list(correcting(before, here.each(due), called, was, numbers))
            remember(before, None if before.id in told else called_since(called, lines))
            yield from lines


def told_by_loads(statements):
    """The ids of those whose period a loaded statement corrects: it may change, so it is read each time."""
    row, statement = StatementLine, ContributionStatement
    contracts = {one.contract_id for one in statements}
    days = row.select(*as_text((row.starts_on, row.ends_on))).join(statement).distinct()
    loaded = days.where(statement.contract.in_(contracts), ~statement.computed, row.is_correction)
    told = set(db.execute_sql(*loaded.sql()))
    return {one.id for one in statements if (f"{one.period_start}", f"{one.period_end}") in told}


def called_since(called, lines):
    """The same with what these lines correct."""
    since = dict(called)
    for line in lines:
        add(since, line.member_number, line.employer, line.employee)
    return since


def remember(statement, called):
    """Keep what its period was called; None: it is not to be relied on."""
    kept = None if called is None else fingerprint(by_parts(called.items()))
    if kept != statement.called_hash:
        row = ContributionStatement
        row.update(called_hash=kept).where(row.id == statement.id).execute()


def by_parts(called):
    """(employer’s, employee’s) → the members who are called that, of (member, parts)."""
    found = {}
    for member, parts in called:
        found.setdefault(parts, []).append(member)
    return found


def correcting(before, owed, called, was, numbers):
    """The lines of one period: what is owed for it, [(employee, rules.Owed)], less what was called."""
    found = corrections({employee.member_number: (one.employer, one.employee) for employee, one in owed}, called)
    if not found:
        return
    period = before.period_start.isoformat(), before.period_end.isoformat()
    wanted = {employee.member_number: (employee, one) for employee, one in owed}
    asked = {name for one in found for name in (one.member, was.get(one.member, one.member))}
    about = reversed(lines_about(before, sorted(asked)))
    lines = {numbers.get(line.beneficiary, line.member_number): line for line in about}
    kept = left_as_called(before, found, lines, wanted, numbers)
    for one in found:
        if one.member not in kept:
            line = line_of(*wanted[one.member]) if one.member in wanted else lines[one.member]._replace(portion=0)
            days = {"starts_on": period[0], "ends_on": period[1]}
            parts = {"employer": one.employer, "employee": one.employee}
            yield line._replace(member_number=one.member, is_correction=True, **parts, **days)


def called_for(before, numbers):
    """Member → (employer’s, employee’s) of the period of a statement, with the corrections that it had since.

    Each by the number that they have now (`numbers`: person → number): the mutual numbers newcomers after they were
    called. Beside it, member → the number that lines of theirs say, of those who have another since.
    """
    row, found, was = StatementLine, {}, {}
    for query in about(before, (row.beneficiary, row.member_number, row.employer, row.employee)):
        for person, number, *parts in db.execute_sql(*query.sql()):
            member = numbers.get(person, number)
            if member != number:
                was[member] = number
            add(found, member, *parts)
    return found, was


def add(sums, member, employer, employee):
    before = sums.get(member)
    sums[member] = (before[0] + employer, before[1] + employee) if before else (employer, employee)


def lines_about(before, members):
    """The lines of these people for the period of a statement, its own first, then the oldest."""
    row = StatementLine
    queries = about(before, as_text(fields(row, Line._fields)))
    found = [query.where(among).order_by(row.id) for query in queries for among in parted(row.member_number, members)]
    return [Line(*line) for query in found for line in db.execute_sql(*query.sql())]


def about(before, columns):
    """These columns of the lines of a statement, and of those that correct its period since: two readings.

    As one it would read all the lines of its contract.
    """
    row, statement = StatementLine, ContributionStatement
    lines, days = row.select(*columns), (row.starts_on == before.period_start, row.ends_on == before.period_end)
    since = lines.join(statement).where(statement.contract == before.contract_id, row.is_correction, *days)
    return lines.where(row.statement == before, ~row.is_correction), since


def left_as_called(before, found, lines, wanted, numbers):
    """Whom nothing is corrected for: who is in another contract by a load, which does not say since when.

    Known by who they are: the mutual may have numbered them again between the two.
    """
    gone = {member: line.beneficiary for member, line in lines.items() if line.beneficiary not in numbers}
    new = {one.member: wanted[one.member][0].id for one in found if one.member not in lines}
    person = Beneficiary
    loaded = [
        person.select(person.id).where(among) for among in parted(person.id, sorted({*filter(None, gone.values())}))
    ]
    here = {id for query in loaded for (id,) in query.tuples()}
    called = called_elsewhere(before, new) if new else set()
    return {member for member, id in gone.items() if id in here} | called


def called_elsewhere(before, people):
    """Of these, member → person, those who are called for that period in another contract, what it gave back deducted.

    A change of college that says its day is none of it: each contract knows from it which days are its own.
    """
    ids, line, statement = sorted(people.values()), StatementLine, ContributionStatement
    known = {id for among in parted(Movement.beneficiary, ids) for (id,) in moved(Movement.beneficiary, among).tuples()}
    there = line.starts_on <= before.period_end, line.ends_on >= before.period_start
    other = line.select(line.beneficiary, line.member_number, line.employer, line.employee).join(statement)
    other = other.where(statement.contract != before.contract_id, *there)
    whose = [
        *parted(line.beneficiary, ids),
        *(line.beneficiary.is_null() & one for one in parted(line.member_number, list(people))),
    ]
    sums, members = {}, {id: member for member, id in people.items()}
    for among in whose:
        for id, number, *parts in other.where(among).tuples():
            add(sums, members.get(id, number), *parts)
    return {member for member, parts in sums.items() if any(parts) and people[member] not in known}


def parted(column, values):
    """Conditions that together say « one of these », however many they are."""
    return [column.in_(some) for some in chunks(values, CHUNK)]

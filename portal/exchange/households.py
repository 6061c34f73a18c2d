"""What a whole file of people must leave true: each household that is covered has its employee."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from portal.exchange.loading import CHUNK, Report
from portal.exchange.many import chunks
from portal.models import Beneficiary, BeneficiaryRole

Household = tuple[Any, str]  # account, number

UNKNOWN = "Ce foyer est inconnu\u00a0: il n’a pas d’assuré. Ajoutez l’assuré, ou corrigez le numéro."
LEFT = "L’assuré quitte ce foyer et y laisse des ayants droit. Changez-les avec lui, ou corrigez la ligne."


class Households:
    """Hears of the rows as they are read and as they are written; `check` tells the report what is wrong at the end."""

    def __init__(self, report: Report, today: date) -> None:
        self.report, self.today = report, today
        self.led: set[Household] = set()  # by an employee of the file
        self.orphans: dict[Household, list[int]] = {}  # those of other people before their employee: lines
        self.excused: set[str] = set()  # whose employee could not be read: their numbers
        self.left: dict[Household, int] = {}  # by their employee: the line that says so

    def hear(self, households: Iterable[Household], are_employees: Iterable[bool], lines: Iterable[int]) -> None:
        for household, is_employee, line in zip(households, are_employees, lines, strict=True):
            if is_employee:
                self.led.add(household)
            elif household not in self.led:
                self.orphans.setdefault(household, []).append(line)

    def check(self) -> None:
        self.check_orphans()
        if not self.report.count:  # and all is written
            self.check_left()

    def check_orphans(self) -> None:
        """Nobody is covered without the employee of the household, in this file or in the database."""
        alone = {pair: lines for pair, lines in self.orphans.items() if pair not in self.led}
        alone = {pair: lines for pair, lines in alone.items() if pair[0] and pair[1] not in self.excused}
        for some, members in found(alone):
            for pair in some:
                for line in () if any(map(leads, members[pair])) else alone[pair]:
                    self.report.fault("household_number", UNKNOWN, line)

    def check_left(self) -> None:
        for some, members in found(self.left):
            for pair in some:
                covered = [one for one in members[pair] if not one.terminated_on or one.terminated_on >= self.today]
                if covered and not any(map(leads, members[pair])):
                    self.report.fault("household_number", LEFT, self.left[pair])


def leads(member: Any) -> bool:
    return member.role == BeneficiaryRole.EMPLOYEE


def found(households: Iterable[Household]) -> Iterator[tuple[Sequence[Household], dict[Household, list[Any]]]]:
    """Some of these households at a time, and who is in each."""
    row = Beneficiary
    columns = (row.account, row.household_number, row.role, row.terminated_on)
    for some in chunks(list(households), CHUNK):
        members: dict[Household, list[Any]] = defaultdict(list)
        there = row.household_number.in_([number for _, number in some])
        for one in row.select(*columns).where(there).namedtuples():
            members[one.account, one.household_number].append(one)
        yield some, members

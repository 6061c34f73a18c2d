"""Statements of histories drawn at random: what is kept with each of them calls the same as reading all their lines."""

import datetime
import random

import pytest

from portal import calling, clock
from portal.models import (
    Beneficiary,
    BeneficiaryRole,
    ContributionStatement,
    ContributionTariff,
    Movement,
    StatementLine,
    db,
)
from portal.rules.calls import fingerprint
from portal.rules.dates import month_end, months_before
from tests import factories

MONTHS, LONG_AGO = 8, datetime.date(2016, 1, 1)
PRICES = {"amount_type": "EUR", "pro_rata": "DAILY", "term": "ARREARS", "called_by_portal": True}


class History:
    """A contract that the portal calls each month, and what is learnt of it too late, drawn from a seed."""

    def __init__(self, seed):
        self.chance, self.month = random.Random(seed), months_before(clock.today(), MONTHS)
        self.hr = factories.hr_user(people=0)
        about = {"plan": factories.plan(contribution_structure="SINGLE_FAMILY"), "billing_frequency": "Mensuelle"}
        college = self.hr.categories().first()
        self.contract, self.other = (factories.contract(college, number=one, **about) for one in ("K1", "K2"))
        self.loaded = factories.statement(self.contract, months_ago=MONTHS + 20)
        for contract in (self.contract, self.other):
            ContributionTariff.create(contract=contract, valid_from=LONG_AGO, single=4_000, family=11_001, **PRICES)
        for _ in range(8):
            self.somebody_comes()

    def day(self):
        """Of the last months, or soon."""
        return self.month - datetime.timedelta(self.chance.randrange(-20, 110))

    def anybody(self):
        there = Beneficiary.select().where(Beneficiary.role == BeneficiaryRole.EMPLOYEE).order_by(Beneficiary.id)
        return self.chance.choice(list(there))

    def somebody_comes(self):
        since = {"effective_on": self.chance.choice([LONG_AGO, self.day()])}
        home = factories.beneficiary(self.contract, "Arbez", **since).household_number
        if self.chance.random() < 0.5:
            factories.beneficiary(self.contract, role=BeneficiaryRole.CHILD, household_number=home, **since)

    def somebody_leaves(self):
        Beneficiary.update(terminated_on=self.day()).where(Beneficiary.id == self.anybody().id).execute()

    def somebody_was_never_there(self):
        if Beneficiary.select().count() > 3:
            Beneficiary.delete().where(Beneficiary.id == self.anybody().id).execute()

    def somebody_moves(self):
        person, day = self.anybody(), min(self.day(), clock.today())
        there = self.other if person.contract_id == self.contract.id else self.contract
        Beneficiary.move_to([person], there, day, self.hr, clock.now())
        Movement.apply_due(clock.now())

    def a_load_puts_somebody_elsewhere(self):
        Beneficiary.update(contract=self.other).where(Beneficiary.id == self.anybody().id).execute()

    def the_price_was_another(self):
        since = months_before(self.month, self.chance.randrange(1, 4))
        tariff = ContributionTariff.get_or_none(contract=self.contract, valid_from=since)
        tariff = tariff or ContributionTariff(contract=self.contract, valid_from=since, family=11_001, **PRICES)
        tariff.single = self.chance.randrange(4_000, 4_400)
        tariff.save()

    def a_loaded_line_corrects(self):
        computed = list(ContributionStatement.select().where(ContributionStatement.computed))
        if computed:
            before = self.chance.choice(computed)
            days = {"starts_on": before.period_start, "ends_on": before.period_end, "is_correction": True}
            factories.lines(self.loaded, [self.anybody()], price=-500, **days)

    def loaded_lines_go(self):
        StatementLine.delete().where(StatementLine.statement == self.loaded).execute()

    def goes_on(self):
        learnt = [self.somebody_comes, self.somebody_leaves, self.somebody_was_never_there, self.somebody_moves]
        learnt += [self.a_load_puts_somebody_elsewhere, self.the_price_was_another]
        learnt += [self.a_loaded_line_corrects, self.loaded_lines_go]
        for what in self.chance.choices(learnt, k=self.chance.randrange(4)):
            what()

    def issue(self):
        """[what its lines say] of the statement of the month."""
        contract, rows = next(one for one in calling.contracts_called() if one[0].id == self.contract.id)
        end = month_end(self.month)
        calling.issue(contract, rows, self.month, end, {}, clock.instant(end, datetime.time(9)))
        found = StatementLine.select().join(ContributionStatement).where(ContributionStatement.computed)
        lines = found.where(ContributionStatement.period_start == self.month)
        return sorted(
            (one.member_number, one.is_correction, one.starts_on, one.ends_on, one.band, one.employer, one.employee)
            for one in lines
        )

    def issue_by_reading_all(self):
        """The same, of a base that kept nothing."""
        with db.atomic() as writing:
            ContributionStatement.update(called_hash=None).execute()
            lines = self.issue()
            writing.rollback()
        return lines


def called(statement):
    """Member → what all the lines say of the period of a statement."""
    sums, days = {}, (statement.period_start, statement.period_end)
    for line in StatementLine.select(StatementLine, ContributionStatement).join(ContributionStatement):
        corrects = line.is_correction and (line.starts_on, line.ends_on) == days
        own = line.statement_id == statement.id and not line.is_correction
        if own or corrects and line.statement.contract_id == statement.contract_id:
            before = sums.get(line.member_number, (0, 0))
            sums[line.member_number] = (before[0] + line.employer, before[1] + line.employee)
    return sums


@pytest.mark.parametrize("seed", (5, 6, 9, 11))
def test_what_is_kept_with_statements_calls_the_same_as_all_their_lines(database, seed):
    history, relied_on = History(seed), 0
    for _ in range(MONTHS):
        history.goes_on()
        assert history.issue_by_reading_all() == history.issue()
        computed = list(ContributionStatement.select().where(ContributionStatement.computed))
        told = calling.told_by_loads(computed)
        for statement in computed:
            sums = called(statement)
            assert calling.called_for(statement, {}) == (sums, {})
            if statement.called_hash and statement.id not in told:
                assert statement.called_hash == fingerprint(calling.by_parts(sums.items()))
                relied_on += 1
        history.month = month_end(history.month) + datetime.timedelta(1)
    assert relied_on > MONTHS


def test_a_statement_issued_when_nothing_was_kept_is_read_once(database, monkeypatch):
    history, read = History(1), []
    history.issue()
    ContributionStatement.update(called_hash=None).execute()
    called_for = calling.called_for
    monkeypatch.setattr(
        calling, "called_for", lambda before, numbers: read.append(before.number) or called_for(before, numbers)
    )
    for _ in range(2):
        history.month = month_end(history.month) + datetime.timedelta(1)
        history.issue()
    assert len(read) == 1

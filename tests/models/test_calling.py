"""Statements that the portal computes: issued once, never changed, corrected on the next; nobody is called twice."""

import datetime
import time
import uuid

import pytest

from portal import calling, clock
from portal.exchange import management_system
from portal.models import (
    AuditEvent,
    Beneficiary,
    BeneficiaryRole,
    ContributionStatement,
    ContributionTariff,
    GroupContract,
    Plan,
    db,
)
from portal.rules import Refused
from portal.rules.dates import month_end, months_after, months_before
from tests import factories

START = datetime.date(2020, 1, 1)


@pytest.fixture
def contract(database):
    """Called by the portal each month, in advance, isolated or family: 40 € and 110 €, half each."""
    hr = factories.hr_user(people=0)
    plan = factories.plan(contribution_structure="SINGLE_FAMILY")
    made = factories.contract(
        hr.categories().first(), plan=plan, billing_frequency="Mensuelle", employer_share=5_000, number="K1"
    )
    tariff(made)
    return calling.contracts_called()[0][0]


def tariff(contract, **values):
    defaults = {"valid_from": START, "amount_type": "EUR", "single": 4_000, "family": 11_001, "pro_rata": "DAILY"}
    return ContributionTariff.create(
        contract=contract, **defaults | {"term": "ARREARS", "called_by_portal": True} | values
    )


def issue(contract, months_ago, pmss=None):
    """The statement of a month, issued on its last day; None when none was."""
    start = months_before(clock.today(), months_ago)
    rows = ContributionTariff.by_contract()[contract.id]
    now = clock.instant(month_end(start), datetime.time(9))
    if not calling.issue(contract, rows, start, month_end(start), pmss, now):
        return None
    return ContributionStatement.select().order_by(ContributionStatement.id.desc()).first()


def lines(statement):
    return {
        (line.member_number, line.is_correction, line.starts_on.month): (line.band, line.employer, line.employee)
        for line in statement.lines
    }


def test_each_employee_has_a_line_and_the_total_is_theirs(contract):
    alone, father = factories.beneficiary(contract, "Arbez"), factories.beneficiary(contract, "Mermet")
    factories.beneficiary(contract, "Mermet", role=BeneficiaryRole.CHILD, household_number=father.household_number)
    statement = issue(contract, 1)
    month = statement.period_start.month
    assert lines(statement) == {
        (alone.member_number, False, month): ("Isolé", 2_000, 2_000),
        (father.member_number, False, month): ("Famille", 5_501, 5_500),
    }
    assert (statement.total, statement.computed) == (15_001, True)
    assert statement.issued_on == month_end(statement.period_start)
    assert statement.due_on == month_end(statement.period_start) + datetime.timedelta(14)


def test_it_is_issued_once_whoever_asks(contract):
    factories.beneficiary(contract)
    assert issue(contract, 1)
    assert issue(contract, 1) is None
    assert ContributionStatement.select().count() == 1
    (event,) = AuditEvent.select().where(AuditEvent.action == "statement.issue")
    assert event.after["lines"] == 1


def test_a_period_that_the_management_system_called_is_left_to_it(contract):
    factories.beneficiary(contract)
    factories.statement(contract, months_ago=1)
    assert issue(contract, 1) is None


def test_nothing_is_issued_for_nobody(contract):
    assert issue(contract, 1) is None


def test_numbers_of_a_year_follow_each_other(contract):
    factories.beneficiary(contract)
    first, second = issue(contract, 2), issue(contract, 1)
    year, number = first.number.split("-")
    assert first.number == f"{year}-000001"
    assert int(second.number[-6:]) in (1, 2)  # January starts again


def test_a_late_departure_is_given_back_on_the_next_and_the_first_stays_as_it_is(contract):
    stays, gone = factories.beneficiary(contract, "Arbez"), factories.beneficiary(contract, "Mermet")
    first = issue(contract, 2)
    before = lines(first)
    half = first.period_start + datetime.timedelta(14)
    Beneficiary.update(terminated_on=half).where(Beneficiary.id == gone.id).execute()
    second = issue(contract, 1)
    days = month_end(half).day
    due = (4_000 * 15 * 2 + days) // (2 * days)  # 15 days of the month, to the nearest cent
    given_back = lines(second)[gone.member_number, True, half.month]
    assert given_back[1] + given_back[2] == due - 4_000
    assert (stays.member_number, False, second.period_start.month) in lines(second)
    assert lines(first) == before
    assert ContributionStatement.get_by_id(first.id).total == 8_000


def test_a_late_entry_is_called_on_the_next_once(contract):
    factories.beneficiary(contract, "Arbez")
    first = issue(contract, 3)
    late = factories.beneficiary(contract, "Tardy", effective_on=first.period_start)
    second, third = issue(contract, 2), issue(contract, 1)
    assert lines(second)[late.member_number, True, first.period_start.month] == ("Isolé", 2_000, 2_000)
    assert not any(correction for _, correction, _ in lines(third))


def test_more_given_back_than_called_is_a_credit_note(contract):
    gone = factories.beneficiary(contract, "Mermet")
    first = issue(contract, 2)
    Beneficiary.update(terminated_on=first.period_start - datetime.timedelta(1)).where(
        Beneficiary.id == gone.id
    ).execute()
    assert issue(contract, 1).total == -4_000


def test_a_share_that_changes_is_for_the_periods_that_follow_and_corrects_none_before(contract):
    one = factories.beneficiary(contract, "Mermet")
    first = issue(contract, 3)
    changed = first.period_start + datetime.timedelta(40)  # while the second period runs
    former = [[changed.isoformat(), 5_000]]
    GroupContract.update(employer_share=10_000, former_shares=former).where(GroupContract.id == contract.id).execute()
    contract.employer_share, contract.former_shares = 10_000, former
    for months_ago, share, parts in ((2, 5_000, (2_000, 2_000)), (1, 10_000, (4_000, 0))):
        statement = issue(contract, months_ago)
        assert statement.employer_share == share
        assert lines(statement) == {(one.member_number, False, statement.period_start.month): ("Isolé", *parts)}


def test_a_statement_called_before_a_change_keeps_its_share_even_of_none(contract):
    factories.beneficiary(contract, "Mermet")
    contract.employer_share = 0
    first = issue(contract, 2)
    contract.employer_share, contract.former_shares = 6_000, [[(first.period_start).isoformat(), 0]]
    second = issue(contract, 1)
    assert [(line.is_correction, line.employer, line.employee) for line in second.lines] == [(False, 2_400, 1_600)]


def test_a_late_departure_is_given_back_with_the_share_that_was_called(contract):
    factories.beneficiary(contract, "Arbez")
    gone = factories.beneficiary(contract, "Mermet")
    first = issue(contract, 2)
    Beneficiary.update(terminated_on=first.period_start - datetime.timedelta(1)).where(
        Beneficiary.id == gone.id
    ).execute()
    contract.employer_share = 10_000
    corrections = [line for line in issue(contract, 1).lines if line.is_correction]
    assert [(one.member_number, one.employer, one.employee) for one in corrections] == [
        (gone.member_number, -2_000, -2_000)
    ]


def test_a_load_keeps_the_share_of_before_once_a_day(contract):
    kind = management_system.Contracts(None, datetime.date(2026, 3, 5))
    kind.keep_share("K1", 6_000)
    kind = management_system.Contracts(None, datetime.date(2026, 3, 5))
    kind.keep_share("K1", 7_000)
    GroupContract.update(employer_share=7_000).execute()
    management_system.Contracts(None, datetime.date(2026, 5, 1)).keep_share("K1", 8_000)
    row = GroupContract.get(number="K1")
    row.employer_share = 8_000
    shares = [row.share_of(datetime.date(2026, month, 1)) for month in range(1, 7)]
    assert shares == [5_000, 5_000, 5_000, 7_000, 8_000, 8_000]


def test_a_plan_that_changes_calls_no_period_again_and_corrects_none(contract):
    one = factories.beneficiary(contract, "Mermet")
    first = issue(contract, 2)
    contract.plan = factories.plan(contribution_structure="UNIFORM_FAMILY")
    contract.save()
    assert issue(contract, 2) is None
    second = issue(contract, 1)
    assert lines(second) == {(one.member_number, False, second.period_start.month): ("Famille", 5_501, 5_500)}
    assert first.plan_id != second.plan_id


def test_a_plan_whose_prices_are_not_known_is_never_called_for_nothing(contract):
    factories.beneficiary(contract)
    first = issue(contract, 2)
    contract.plan = factories.plan(contribution_structure="ADULT_CHILD")
    with pytest.raises(Refused, match="no price ADULT"):
        issue(contract, 1)
    tariff(contract, valid_from=months_before(clock.today(), 1), adult=3_000, child=1_000)
    assert issue(contract, 1).total == 3_000
    assert first.total == 4_000


def test_a_number_follows_a_million_of_them(contract):
    factories.beneficiary(contract)
    first = issue(contract, 1)
    year = first.issued_on.year
    for number in (999_999, 1_000_000):
        ContributionStatement.update(number=f"BP{year}-{number}").execute()
        assert calling.next_number(year) == f"BP{year}-{number + 1}"
    factories.statement(contract, months_ago=3, number=f"BP{year}-999999", computed=True)
    assert calling.next_number(year) == f"BP{year}-1000001"


def test_an_affiliation_that_was_undone_is_given_back(contract):
    factories.beneficiary(contract, "Arbez")
    undone = factories.beneficiary(contract, "Mermet")
    first = issue(contract, 2)
    Beneficiary.delete().where(Beneficiary.id == undone.id).execute()
    assert lines(issue(contract, 1))[undone.member_number, True, first.period_start.month][1:] == (-2_000, -2_000)


def test_who_moves_to_another_college_is_called_in_each_for_its_days(contract):
    mover = factories.beneficiary(contract, "Mermet")
    other = factories.contract(
        GroupContract.get_by_id(contract.id).category, plan=contract.plan_id, billing_frequency="Mensuelle", number="K2"
    )
    tariff(other)
    first = issue(contract, 2)
    day = months_after(first.period_start, 1) + datetime.timedelta(9)
    hr = factories.user(accounts=[contract.category.account_id])
    Beneficiary.move_to([mover], other, day, hr, clock.now())
    calling.Movement.apply_due(clock.now())
    second = issue(contract, 1)
    there = next(one for one, _ in calling.contracts_called() if one.number == "K2")
    elsewhere = issue(there, 1)
    (mine,), (theirs,) = second.lines, elsewhere.lines
    assert (mine.starts_on, mine.ends_on) == (second.period_start, day - datetime.timedelta(1))
    assert (theirs.starts_on, theirs.ends_on) == (day, elsewhere.period_end)
    assert not mine.is_correction
    assert not theirs.is_correction


def test_a_month_that_is_started_is_called_once_of_who_moves_in_its_middle(contract):
    mover = factories.beneficiary(contract, "Mermet")
    child = factories.beneficiary(
        contract, "Mermet", role=BeneficiaryRole.CHILD, household_number=mover.household_number
    )
    category = GroupContract.get_by_id(contract.id).category
    other = factories.contract(category, plan=contract.plan_id, billing_frequency="Mensuelle", number="K2")
    tariff(other, family=15_000)
    ContributionTariff.update(pro_rata="STARTED_MONTH").execute()
    day = months_before(clock.today(), 2) + datetime.timedelta(14)
    hr = factories.user(accounts=[contract.category.account_id])
    Beneficiary.move_to([mover, child], other, day, hr, clock.now())
    calling.Movement.apply_due(clock.now())
    there = next(one for one, _ in calling.contracts_called() if one.number == "K2")
    called = [issue(one, months_ago) for months_ago in (2, 1) for one in (contract, there)]
    assert [one and one.total for one in called] == [11_001, None, None, 15_000]


def test_who_left_and_came_back_in_a_month_is_called_for_both_stays(contract):
    back = factories.beneficiary(contract, "Mermet")
    start = months_before(clock.today(), 1)
    left, again = start + datetime.timedelta(4), start + datetime.timedelta(14)
    Beneficiary.update(terminated_on=left).where(Beneficiary.id == back.id).execute()
    hr = factories.user(accounts=[contract.category.account_id])
    row = Beneficiary.get_by_id(back.id)
    row.rehire(GroupContract.get_by_id(contract.id), again, [], hr, clock.now(), row.version)
    calling.Movement.apply_due(clock.now())
    (line,) = issue(contract, 1).lines
    days = month_end(start).day
    assert line.portion == (10_000 * (5 + days - 14) * 2 + days) // (2 * days)
    assert (line.starts_on, line.ends_on) == (start, month_end(start))


def test_who_a_load_put_elsewhere_without_a_day_is_not_corrected(contract):
    moved = factories.beneficiary(contract, "Mermet")
    factories.beneficiary(contract, "Arbez")
    issue(contract, 2)
    other = factories.contract(GroupContract.get_by_id(contract.id).category, plan=contract.plan_id, number="K2")
    Beneficiary.update(contract=other).where(Beneficiary.id == moved.id).execute()
    assert moved.member_number not in {line.member_number for line in issue(contract, 1).lines}


def renumber(person, number):
    """As a load does for whom the portal had given a provisional number."""
    Beneficiary.update(member_number=number, provisional=False).where(Beneficiary.id == person.id).execute()


def test_who_is_numbered_after_they_were_called_is_neither_called_again_nor_given_back(contract):
    person = factories.beneficiary(contract, provisional=True)
    factories.beneficiary(contract, "Mermet")
    issue(contract, 3)
    renumber(person, "M-2")
    for months_ago in (2, 1):
        statement = issue(contract, months_ago)
        assert statement.total == 8_000
        assert {(number, late) for number, late, _ in lines(statement)} >= {("M-2", False)}
        assert not any(line.is_correction for line in statement.lines)


def test_who_is_numbered_and_left_late_is_given_back_what_their_old_number_was_called_once(contract):
    person = factories.beneficiary(contract, provisional=True)
    factories.beneficiary(contract, "Mermet")
    first = issue(contract, 3)
    renumber(person, "M-2")
    left = first.period_start - datetime.timedelta(1)
    Beneficiary.update(terminated_on=left).where(Beneficiary.id == person.id).execute()
    second, third = issue(contract, 2), issue(contract, 1)
    assert lines(second)["M-2", True, first.period_start.month][1:] == (-2_000, -2_000)
    assert (second.total, third.total) == (0, 4_000)


def test_who_is_numbered_and_put_elsewhere_by_a_load_without_a_day_is_not_corrected(contract):
    person = factories.beneficiary(contract, provisional=True)
    factories.beneficiary(contract, "Mermet")
    issue(contract, 2)
    other = factories.contract(contract.category, number="K2")
    renumber(person, "M-2")
    Beneficiary.update(contract=other).where(Beneficiary.id == person.id).execute()
    assert issue(contract, 1).total == 4_000


def second_contract(contract, **values):
    """Another of the same college, called by the portal too, with somebody of its own."""
    other = factories.contract(
        contract.category, plan=contract.plan_id, billing_frequency="Mensuelle", employer_share=5_000, number="K2"
    )
    tariff(other, **values)
    factories.beneficiary(other, "Verne")
    return next(one for one, _ in calling.contracts_called() if one.number == "K2")


def put_by_a_load(person, contract):
    Beneficiary.update(contract=contract.id).where(Beneficiary.id == person.id).execute()


def test_who_a_load_renumbers_and_puts_elsewhere_is_not_called_there_for_what_was_called_here(contract):
    person = factories.beneficiary(contract, provisional=True)
    there = second_contract(contract)
    assert [issue(one, 2).total for one in (contract, there)] == [4_000, 4_000]
    renumber(person, "M-2")
    put_by_a_load(person, there)
    assert issue(contract, 1) is None
    assert issue(there, 1).total == 8_000  # two employees, of whom none for the month before


def test_who_takes_the_number_of_somebody_called_elsewhere_is_called_all_the_same(contract):
    gone = factories.beneficiary(contract, "Mermet", member_number="M-7")
    there = second_contract(contract)
    assert [issue(one, 2).total for one in (contract, there)] == [4_000, 4_000]
    renumber(gone, "M-8")
    late = factories.beneficiary(there, "Arbez", member_number="M-7")
    second = issue(there, 1)
    assert (late.member_number, True) in {(number, again) for number, again, _ in lines(second)}
    assert second.total == 12_000


def test_an_affiliation_made_again_elsewhere_is_called_once(contract):
    undone = factories.beneficiary(contract, "Mermet", member_number="M-7")
    there = second_contract(contract)
    first, _ = issue(contract, 2), issue(there, 2)
    Beneficiary.delete().where(Beneficiary.id == undone.id).execute()
    factories.beneficiary(there, "Mermet", member_number="M-7")
    assert issue(contract, 1).total == -first.total
    assert issue(there, 1).total == 12_000


def test_who_was_called_late_and_is_then_put_elsewhere_by_a_load_is_not_called_there_again(contract):
    factories.beneficiary(contract, "Arbez")
    there = second_contract(contract)
    issue(contract, 3), issue(there, 3)
    late = factories.beneficiary(contract, "Mermet")
    assert issue(contract, 2).total == 12_000  # two months of theirs
    issue(there, 2)
    put_by_a_load(late, there)
    assert [issue(one, 1).total for one in (contract, there)] == [4_000, 8_000]


def test_who_is_numbered_and_corrected_and_then_put_elsewhere_by_a_load_is_left_as_called(contract):
    person = factories.beneficiary(contract, provisional=True)
    factories.beneficiary(contract, "Arbez")
    first = issue(contract, 3)
    renumber(person, "M-2")
    half = first.period_start + datetime.timedelta(14)
    Beneficiary.update(terminated_on=half).where(Beneficiary.id == person.id).execute()
    assert ("M-2", True, first.period_start.month) in lines(issue(contract, 2))
    Beneficiary.update(terminated_on=None, contract=second_contract(contract).id).where(
        Beneficiary.id == person.id
    ).execute()
    assert issue(contract, 1).total == 4_000


def test_who_moves_late_is_given_back_here_and_called_there(contract):
    mover = factories.beneficiary(contract, "Mermet")
    there = second_contract(contract, single=5_000)
    first, _ = issue(contract, 2), issue(there, 2)
    hr = factories.user(accounts=[contract.category.account_id])
    Beneficiary.move_to([mover], GroupContract.get_by_id(there.id), first.period_start, hr, clock.now())
    calling.Movement.apply_due(clock.now())
    given_back, called = issue(contract, 1), issue(there, 1)
    assert given_back.total == -4_000
    assert lines(called)[mover.member_number, True, first.period_start.month][1:] == (2_500, 2_500)
    assert called.total == 15_000


def test_who_turns_out_to_have_moved_then_left_within_a_month_is_given_back_all_that_was_called_since(contract):
    """No day of theirs is the second contract’s to call any more: they are not taken for somebody put elsewhere."""
    mover = factories.beneficiary(contract, "Mermet")
    there = second_contract(contract)
    ContributionTariff.update(pro_rata="STARTED_MONTH").execute()
    start = months_before(clock.today(), 3)
    hr = factories.user(accounts=[contract.category.account_id])
    moved_on = start + datetime.timedelta(9)
    Beneficiary.move_to([mover], GroupContract.get_by_id(there.id), moved_on, hr, clock.now())
    calling.Movement.apply_due(clock.now())
    assert issue(there, 2).total == 8_000
    left_on = moved_on + datetime.timedelta(5)
    Beneficiary.update(terminated_on=left_on).where(Beneficiary.id == mover.id).execute()
    corrected = lines(issue(there, 1))
    assert corrected[mover.member_number, True, months_after(start, 1).month] == ("Isolé", -2_000, -2_000)


def test_who_turns_out_to_have_left_before_they_moved_is_called_until_they_left(contract):
    mover = factories.beneficiary(contract, "Mermet")
    there = second_contract(contract)
    start = months_before(clock.today(), 1)
    hr = factories.user(accounts=[contract.category.account_id])
    moved_on = start + datetime.timedelta(19)
    Beneficiary.move_to([mover], GroupContract.get_by_id(there.id), moved_on, hr, clock.now())
    calling.Movement.apply_due(clock.now())
    left_on = start + datetime.timedelta(9)
    Beneficiary.update(terminated_on=left_on).where(Beneficiary.id == mover.id).execute()
    (line,) = issue(contract, 1).lines
    assert (line.starts_on, line.ends_on) == (start, left_on)
    assert mover.member_number not in {line.member_number for line in issue(there, 1).lines}


def test_a_family_that_left_follows_the_employee_who_turns_out_to_have_moved_before(contract):
    """A college that is learnt late: the child whose age ended the cover since was in it until then."""
    father = factories.beneficiary(contract, "Mermet")
    child = factories.beneficiary(
        contract, "Mermet", role=BeneficiaryRole.CHILD, household_number=father.household_number
    )
    there = second_contract(contract)
    start = months_before(clock.today(), 2)
    ended = month_end(start)
    Beneficiary.update(terminated_on=ended).where(Beneficiary.id == child.id).execute()
    hr = factories.user(accounts=[contract.category.account_id])
    Beneficiary.move_to([father], GroupContract.get_by_id(there.id), start, hr, clock.now())
    calling.Movement.apply_due(clock.now())
    first, second = lines(issue(there, 2)), lines(issue(there, 1))
    assert first[father.member_number, False, start.month] == ("Famille", 5_501, 5_500)
    assert second[father.member_number, False, months_after(start, 1).month] == ("Isolé", 2_000, 2_000)


def test_the_worker_issues_what_is_due_and_nothing_twice(contract, chosen_settings):
    factories.beneficiary(contract)
    today = clock.today()
    now = clock.instant(max(today, today.replace(day=20)), datetime.time(9))
    assert calling.call_due(chosen_settings, now) >= 1
    assert calling.call_due(chosen_settings, now) == 0


def test_a_share_of_a_pmss_that_is_not_known_issues_nothing_and_stops_no_other(contract, chosen_settings, caplog):
    ContributionTariff.update(amount_type="PCT_PMSS", single=1_250).execute()
    factories.beneficiary(contract)
    known = {clock.today().year: 4_005, clock.today().year - 1: 4_005}
    assert issue(contract, 1, known).total == 5_006
    assert calling.call_due(chosen_settings, clock.instant(datetime.date(2050, 1, 20), datetime.time(9))) == 0
    assert "2050" in caplog.text or "2049" in caplog.text


def test_five_thousand_employees_are_computed_in_little_more_than_their_inserts(contract):
    row = factories.beneficiary(contract).__data__
    fields = [field for field in Beneficiary._meta.sorted_fields if field.name != "id"]
    for at in range(0, 5_000, 200):
        own = [
            {"public_id": uuid.uuid4(), "member_number": f"M{n}", "household_number": f"H{n}"}
            for n in range(at, at + 200)
        ]
        many = [[(row | one).get(field.name) for field in fields] for one in own]
        Beneficiary.insert_many(many, fields).execute()
    began = time.process_time()
    statement = issue(contract, 1)
    took = time.process_time() - began
    cursor = db.execute_sql(f"SELECT * FROM statement_line WHERE statement_id = {statement.id}")
    names, rows = [column[0] for column in cursor.description], cursor.fetchall()
    assert len(rows) == 5_001
    sql = f"INSERT INTO statement_line ({', '.join(names)}) VALUES ({', '.join([db.param] * len(names))})"
    places = names.index("id"), names.index("public_id")
    again = [list(row) for row in rows]
    for row in again:
        row[places[0]], row[places[1]] = row[places[0]] + len(rows), uuid.uuid4().hex
    began = time.process_time()
    for row in again:
        db.cursor().execute(sql, row)
    assert took < 4 * (time.process_time() - began) + 0.2


def test_the_plan_of_the_contract_is_that_of_the_statement(contract):
    factories.beneficiary(contract)
    assert issue(contract, 1).plan_id == Plan.get(Plan.contribution_structure == "SINGLE_FAMILY").id

"""A query written once gives each caller their own rows, on the day it is asked."""

import datetime

import pytest
from peewee import JOIN, ColumnBase, fn

from portal import clock
from portal.models import (
    Beneficiary,
    EmployeeCategory,
    GroupContract,
    ManagedAccount,
    Movement,
    PermissionGrant,
    User,
    UserRole,
    UserSession,
    db,
    live_session,
)
from portal.prepared import written_once
from tests import factories


def test_the_same_text_serves_each_user_their_own_people(hr):
    other = factories.hr_user()
    mine, theirs = (list(user.beneficiaries()) for user in (hr, other))
    assert {person.id for person in mine}.isdisjoint(person.id for person in theirs)
    assert hr.person(mine[0].public_id) == mine[0]
    assert other.person(mine[0].public_id) is None
    codes = {row.account.code for row in mine}
    assert {row.account_code for row in hr.scope_rows(codes)} == codes
    assert codes.isdisjoint(row.account_code for row in other.scope_rows(codes))


def test_a_right_that_ended_closes_a_text_already_written(hr):
    person = hr.beneficiaries().first()
    assert hr.person(person.public_id) and hr.scope_rows()[0].account_count == 1
    PermissionGrant.update(valid_to=clock.today() - datetime.timedelta(days=1)).execute()
    assert hr.person(person.public_id) is None
    assert hr.scope_rows()[0].account_count == 0


def test_the_day_is_asked_each_time(hr, at):
    person = hr.beneficiaries().first()
    PermissionGrant.update(valid_to=clock.today()).execute()
    assert hr.person(person.public_id)
    at(days=1)
    assert hr.person(person.public_id) is None


def test_rows_are_models_and_the_statement_is_the_same(database, hr, queries):
    _, token = UserSession.start(hr, clock.now(), "", "")
    queries.clear()
    assert UserSession.of(token, clock.now()).user == hr
    assert UserSession.of("another", clock.now()) is None
    assert live_session("nobody", clock.today()) == []
    assert len(set(queries)) == 1


@pytest.mark.parametrize("kind", ["models", "objects", "tuples", "namedtuples", "dicts"])
def test_rows_are_read_as_peewee_reads_them_at_the_first_call_and_the_next(hr, kind):
    """Rows are read by what peewee keeps to itself (_get_cursor_wrapper, initialize, process_row, _row_spec)."""

    def people(number):
        joined = Beneficiary.select(Beneficiary, GroupContract).join(GroupContract)
        found = joined.where(Beneficiary.member_number == number)
        return found if kind == "models" else getattr(found, kind)()

    once = written_once(db)(people)
    everyone = list(hr.beneficiaries())
    assert len(everyone) > 1
    for person in everyone:
        [ours], [theirs] = once(person.member_number), list(people(person.member_number))
        assert type(ours).__name__ == type(theirs).__name__
        if kind in ("models", "objects"):
            assert not ours.is_dirty()
            assert ours.__data__ == theirs.__data__
            assert ours.public_id == person.public_id
            assert ours.role is person.role
        else:
            assert ours == theirs
        if kind == "models":
            assert ours.__rel__ == theirs.__rel__
            assert ours.contract.__data__ == theirs.contract.__data__


def test_what_is_joined_to_rows_that_follow_is_made_once_and_never_taken_for_another(database):
    both = [factories.contract(factories.category(factories.company(factories.account()))) for _ in range(2)]
    everyone = [factories.beneficiary(both[place], name) for place, name in ((0, "A"), (0, "B"), (1, "C"), (0, "D"))]

    def people(least):
        joined = Beneficiary.select(Beneficiary, GroupContract, EmployeeCategory).join(GroupContract)
        return joined.join(EmployeeCategory).where(Beneficiary.id >= least).order_by(Beneficiary.id)

    first, second, other, last = found = written_once(db)(people)(everyone[0].id)
    assert [(row.id, row.contract.id, row.contract.category.id) for row in found] == [
        (row.id, row.contract.id, row.contract.category.id) for row in people(everyone[0].id)
    ]
    assert first.contract is second.contract and first.contract.category is second.contract.category
    assert other.contract is not first.contract and last.contract is not other.contract
    assert not any(one.is_dirty() for row in found for one in (row, row.contract, row.contract.category))


def test_what_changes_the_shape_is_written_apart(hr):
    person = hr.beneficiaries().first()
    stranger, admin = factories.hr_user(), factories.user(UserRole.ADMIN)
    for _ in range(2):
        assert stranger.person(person.public_id) is None
        assert admin.person(person.public_id) == person


def test_each_number_of_arguments_has_its_text(hr):
    @written_once(db)
    def names(*numbers):
        return Beneficiary.select(Beneficiary.member_number).where(Beneficiary.member_number.in_(numbers)).tuples()

    everyone = sorted(person.member_number for person in hr.beneficiaries())
    for count in (1, 2, 3, 2, 1):
        assert sorted(names(*everyone[:count])) == [(number,) for number in everyone[:count]]


def test_a_sub_query_stands_where_an_argument_does(hr):
    @written_once(db)
    def names(ids):
        return Beneficiary.among(ids).select(Beneficiary.member_number).order_by(Beneficiary.member_number).tuples()

    everyone = sorted(person.member_number for person in hr.beneficiaries())
    for number in (*everyone, "nobody"):
        ids = hr.beneficiaries().select(Beneficiary.id).where(Beneficiary.member_number == number)
        assert names(ids) == [(found,) for found in everyone if found == number]


def test_two_keywords_of_one_value_are_two_queries(hr):
    @written_once(db)
    def numbers(_, *, least=0, most=10**9):
        return Beneficiary.select(Beneficiary.id).where(Beneficiary.id >= least, Beneficiary.id <= most).tuples()

    (first, *_) = ids = sorted(person.id for person in hr.beneficiaries())
    assert len(numbers(0, least=first)) == len(ids)
    assert len(numbers(0, most=first)) == 1


def test_a_day_left_in_the_text_is_refused(database):
    @written_once(db)
    def born_before(_):
        return Beneficiary.select().where(Beneficiary.birth_date < datetime.date(2000, 1, 1))

    with pytest.raises(TypeError, match="a day must be an argument"):
        born_before(1)


def test_an_outer_join_and_a_value_of_the_roots_own_are_read_as_peewee_reads_them(hr):
    known, unknown = (
        factories.thread(hr),
        Movement.create(category=hr.categories().first(), before={}, after={}, kind="X"),
    )
    person = hr.beneficiaries().first()
    there = Movement.create(category=person.category_id, author=hr, beneficiary=person, before={}, after={}, kind="Y")

    def movements(least):
        joined = Movement.select(
            Movement, User.id, User.first_name, Beneficiary, fn.COALESCE(User.title, "").alias("word")
        )
        joined = joined.join(User, JOIN.LEFT_OUTER, on=(Movement.author_id == User.id), attr="author")
        joined = joined.switch(Movement).join(Beneficiary, JOIN.LEFT_OUTER).where(Movement.id >= least)
        return joined.order_by(Movement.id)

    once, plainly = written_once(db)(movements), list(movements(unknown.id))
    assert known and [row.id for row in plainly] == [unknown.id, there.id]
    for _ in range(2):
        for row, expected in zip(once(unknown.id), plainly, strict=True):
            assert (row.__data__, row.word, row._dirty) == (expected.__data__, expected.word, expected._dirty)
            assert row.author == expected.author and row.beneficiary == expected.beneficiary
            assert row.author is None or row.author.__data__ == expected.author.__data__
            assert row.beneficiary is None or row.beneficiary.__data__ == expected.beneficiary.__data__


class Counted(ColumnBase):
    """A condition that counts how many times it is written."""

    written = 0

    def __sql__(self, ctx):
        self.written += 1
        return ctx.literal("1 = 1")


def test_a_query_within_queries_is_written_once(hr):
    condition = Counted()
    people = Beneficiary.select(Beneficiary.id).where(condition)
    for _ in range(3):
        people = Beneficiary.select(Beneficiary.id).where(Beneficiary.id.in_(people))
    sql, _ = people.sql()
    assert (condition.written, sql.count(" IN (SELECT ")) == (1, 3)
    assert len(list(people)) == Beneficiary.select().count()


def test_an_empty_list_holds_nothing_and_the_others_hold_all(hr):
    everyone = Beneficiary.select().count()
    assert Beneficiary.select().where(Beneficiary.id.in_([])).count() == 0
    assert Beneficiary.select().where(Beneficiary.id.not_in([])).count() == everyone > 0
    nobody = Beneficiary.select(Beneficiary.id).where(Beneficiary.id < 0)
    assert Beneficiary.select().where(Beneficiary.id.in_(nobody)).count() == 0
    assert Beneficiary.select().where(Beneficiary.id.not_in(nobody)).count() == everyone


def test_rows_of_one_table_are_read_as_peewee_reads_them(hr):
    def people(least):
        return Beneficiary.select().where(Beneficiary.id >= least).order_by(Beneficiary.id)

    def some(least):
        some = Beneficiary.id, Beneficiary.public_id, Beneficiary.birth_date, Beneficiary.category
        return people(least).select(*some, Beneficiary.role)

    for query in (people, some):
        once = written_once(db)(query)
        for row, expected in zip(once(0), query(0), strict=True):
            assert (row.__data__, row._dirty) == (expected.__data__, set())
            assert type(row) is Beneficiary and row == expected


def test_flat_rows_of_several_tables_are_read_as_peewee_reads_them(hr):
    def people(least):
        columns = Beneficiary.id, Beneficiary.birth_date, EmployeeCategory.id, EmployeeCategory.label.alias("college")
        joined = Beneficiary.select(*columns, fn.LENGTH(EmployeeCategory.label).alias("letters"))
        joined = joined.join(EmployeeCategory).where(Beneficiary.id >= least).order_by(Beneficiary.id)
        return joined.objects()

    for row, expected in zip(written_once(db)(people)(0), people(0), strict=True):
        assert type(row) is Beneficiary and vars(row) == vars(expected)
        assert int(row.letters) == len(row.college)


def test_the_accounts_of_one_user_never_stand_in_the_query_of_another(hr):
    other = factories.hr_user()
    for user, stranger in ((hr, other), (other, hr)):
        seen = {account.id for account in user.accounts()}
        found = ManagedAccount.select(ManagedAccount.id).where(ManagedAccount.id.in_(user.account_ids()))
        assert {account.id for account in found} == seen != set()
        assert {id for id in seen if user.sees_whole(id)} == seen
        assert not any(stranger.sees_whole(id) for id in seen)
        kept = GroupContract.select().where(GroupContract.id.in_(user.contract_ids()))
        assert set(kept) == set(user.contracts()) and set(kept).isdisjoint(stranger.contracts())
    PermissionGrant.update(valid_to=clock.today() - datetime.timedelta(days=1)).execute()
    assert not any(hr.sees_whole(account.id) for account in ManagedAccount.select())
    assert not GroupContract.select().where(GroupContract.id.in_(hr.contract_ids()))


def test_a_column_of_another_name_is_read_by_its_name(hr):
    def people(least):
        return Beneficiary.select(Beneficiary.id, Beneficiary.role.alias("place")).where(Beneficiary.id >= least)

    for row in written_once(db)(people)(0):
        assert row.place == Beneficiary.get_by_id(row.id).role

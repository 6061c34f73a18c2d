"""Movements: what they change and when, who follows, how they are undone, and that a form sent twice does one thing."""

import datetime
from functools import partial
from threading import Barrier, Thread

import pytest

from portal import clock, reach
from portal.models import (
    Beneficiary,
    BeneficiaryRole,
    Change,
    Movement,
    MovementKind,
    MovementState,
    NotTakenBack,
    Outdated,
    db,
)
from tests import factories
from tests.thorough import often

DAY = datetime.timedelta(days=1)
ADDRESS = {
    "street_number": "3",
    "street": "rue Pasteur",
    "complement": "",
    "postal_code": "39100",
    "city": "Dole",
    "country": "France",
}


@pytest.fixture
def household(hr):
    """An employee, the spouse and a child of the first college."""
    contract = hr.contracts().first()
    employee = factories.beneficiary(contract, household_number="FOYER")
    spouse = factories.beneficiary(
        contract, first_name="Anne", household_number="FOYER", role=BeneficiaryRole.SPOUSE, sex="F"
    )
    child = factories.beneficiary(contract, first_name="Léo", household_number="FOYER", role=BeneficiaryRole.CHILD)
    return employee, spouse, child


def again(*people):
    return [Beneficiary.get_by_id(person.id) for person in people]


def leave(*people, on=None, by=None, reason="RESIGNATION"):
    on = on or clock.today()
    return Beneficiary.terminate([(person, on, reason) for person in people], by, clock.now())


def test_an_employee_who_leaves_takes_the_household_along(hr, household):
    movements, refused = leave(household[0], by=hr)
    assert not refused
    assert [row.kind for row in movements] == [MovementKind.TERMINATION] * 3
    assert {person.terminated_on for person in again(*household)} == {clock.today()}
    assert {person.termination_reason for person in again(*household)} == {"RESIGNATION"}
    assert {row.cause_id for row in movements} == {None, movements[0].id}
    assert {person.version for person in again(*household)} == {2}


def test_who_cannot_leave_is_named_and_the_others_go(hr, household):
    gone = factories.beneficiary(hr.contracts().first(), terminated_on=clock.today() - 30 * DAY)
    movements, refused = leave(household[0], gone, by=hr)
    assert [person.id for person, _ in refused] == [gone.id]
    assert "Déjà radié" in refused[0][1]
    assert gone.id not in {row.beneficiary_id for row in movements}
    assert len(movements) == 3


def test_a_dependent_who_left_before_stays_gone_and_a_later_end_is_brought_forward(hr, household):
    employee, spouse, child = household
    before, later = clock.today() - 10 * DAY, clock.today() + 90 * DAY
    Beneficiary.change([(spouse, {"terminated_on": before}), (child, {"terminated_on": later})])
    leave(employee, by=hr)
    assert [person.terminated_on for person in again(*household)] == [clock.today(), before, clock.today()]


def test_a_termination_is_taken_back_with_what_it_brought_about(hr, household):
    movements, _ = leave(household[0], by=hr)
    movements[0].take_back(clock.now())
    assert {person.terminated_on for person in again(*household)} == {None}
    assert {row.state for row in Movement.select()} == {MovementState.TAKEN_BACK}
    with pytest.raises(NotTakenBack):
        Movement.get_by_id(movements[0].id).take_back(clock.now())


def test_what_was_handed_over_is_not_taken_back(hr, household):
    movements, _ = leave(household[0], by=hr)
    Movement.update(state=MovementState.HANDED_OVER).execute()
    with pytest.raises(NotTakenBack):
        movements[0].take_back(clock.now())
    assert again(household[0])[0].terminated_on == clock.today()


def test_an_older_change_is_not_taken_back_over_a_newer_one(hr, household):
    employee = household[0]
    first = employee.modify(MovementKind.ADDRESS, ADDRESS, clock.today(), hr, clock.now(), 1)[0]
    newer = ADDRESS | {"street": "rue Voltaire"}
    second = employee.modify(MovementKind.ADDRESS, newer, clock.today(), hr, clock.now(), 2)[0]
    with pytest.raises(NotTakenBack):
        first.take_back(clock.now())
    second.take_back(clock.now())
    Movement.get_by_id(first.id).take_back(clock.now())
    assert again(employee)[0].street == "rue du Tomachon"


def test_a_move_to_come_waits_for_its_day(hr, household, at):
    employee = household[0]
    on = clock.today() + 5 * DAY
    employee.modify(MovementKind.ADDRESS, ADDRESS, on, hr, clock.now(), 1, household=True)
    assert again(employee)[0].street == "rue du Tomachon"
    assert Movement.apply_due(clock.now()) == 0
    at(days=5)
    assert Movement.apply_due(clock.now()) == 3
    assert {person.city for person in again(*household)} == {"Dole"}
    assert Movement.apply_due(clock.now()) == 0


def test_somebody_else_changed_the_person_meanwhile(hr, household):
    employee = household[0]
    employee.modify(MovementKind.CONTACT, {"email": "a@exemple.fr"}, clock.today(), hr, clock.now(), 1)
    with pytest.raises(Outdated) as raised:
        employee.modify(MovementKind.CONTACT, {"email": "b@exemple.fr"}, clock.today(), hr, clock.now(), 1)
    assert raised.value.person.email == "a@exemple.fr"
    assert Movement.select().count() == 1


def test_of_two_who_change_at_the_same_time_one_wins_and_nothing_is_lost(hr, household, figure):
    employee, pairs = household[0], often(5, 100)
    for pair in range(pairs):
        version, start, ends = employee.version + pair, Barrier(2), []
        change = partial(at_the_barrier, start, ends, employee.id, hr, version)
        threads = [Thread(target=change, args=(f"{name}{pair}@exemple.fr",)) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ((_, won), (why, seen)) = sorted(ends)
        assert why == "outdated" and seen == won == again(employee)[0].email
    assert Movement.select().count() == pairs
    figure("CON-1", pairs, "pairs at the same time, of which one won and the other saw it")


def at_the_barrier(start, ends, id, by, version, email):
    with db.connection_context():
        reach.as_the_mutual(db, "x")
        person = Beneficiary.get_by_id(id)
        start.wait(20)
        try:
            person.modify(MovementKind.CONTACT, {"email": email}, clock.today(), by, clock.now(), version)
            ends.append(("done", email))
        except Outdated as late:
            ends.append(("outdated", late.person.email))


def test_a_new_name_is_found(hr, household):
    names = {"title": "Mme", "birth_name": "Barbaud", "used_name": "Éparvier", "first_name": "Anne"}
    household[1].modify(MovementKind.NAME, names, clock.today(), hr, clock.now(), 1)
    person = again(household[1])[0]
    assert (person.name_key, person.search_key.split()[:3]) == ("eparvier", ["barbaud", "eparvier", "anne"])


def test_a_change_of_college_takes_the_dependents_along(hr, household):
    other = hr.contracts().offset(1).first()
    strangers = factories.beneficiary(other)
    movements, refused = Beneficiary.move_to([household[0], strangers], other, clock.today(), hr, clock.now())
    assert [person.id for person, _ in refused] == [strangers.id]
    assert {(person.contract_id, person.category_id) for person in again(*household)} == {(other.id, other.category_id)}
    movements[0].take_back(clock.now())
    assert {person.contract_id for person in again(*household)} == {household[0].contract_id}


def test_the_same_form_is_recorded_once(hr, household):
    change = Change(household[0], MovementKind.CONTACT, {"phone": "+33199001001"}, clock.today())
    first = Movement.record([change], hr, clock.now(), form_key="k")
    assert Movement.sent("k") == first[0]
    assert Movement.sent("other") is None


def test_a_refusal_puts_back_what_was_there(hr, household):
    movement = household[0].modify(MovementKind.ADDRESS, ADDRESS, clock.today(), hr, clock.now(), 1)[0]
    movement.refuse("Adresse incomplète", clock.now())
    assert again(household[0])[0].city == "Saint-Claude"
    assert Movement.get().remark == "Adresse incomplète"


def test_five_hundred_people_leave_in_a_few_statements(hr, queries):
    contract = hr.contracts().first()
    people = [factories.beneficiary(contract) for _ in range(500)]
    queries.clear()
    movements, _ = leave(*people, by=hr)
    assert len(movements) == 500
    assert len(queries) < 15


def test_the_same_movements_are_not_handed_over_twice(hr, household):
    from portal.models import HandOver

    leave(household[0], by=hr)
    first = HandOver.open(clock.now())
    assert (first.number, first.movements.count()) == (1, 3)
    assert HandOver.open(clock.now()) is None
    household[0].modify(MovementKind.CONTACT, {"email": "a@exemple.fr"}, clock.today(), hr, clock.now(), 2)
    assert HandOver.open(clock.now()).number == 2

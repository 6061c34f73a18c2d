"""A few movements in each state."""

import datetime

from portal.demonstration.people import EMPLOYEE
from portal.models import (
    ADDRESS,
    Beneficiary,
    EmployeeCategory,
    GroupContract,
    HandOver,
    Movement,
    MovementKind,
    MovementState,
    User,
)
from portal.rules.dates import month_end, months_before


def make_movements(draw, account):
    """A few in each state, about people of the guide's account as they are: nobody comes, goes or changes by them."""
    people = Beneficiary.select().where(Beneficiary.account == account["id"]).order_by(Beneficiary.member_number)
    leaving = list(people.where(Beneficiary.terminated_on.is_null(False)))
    stay = people.where(Beneficiary.terminated_on.is_null(), Beneficiary.role == EMPLOYEE)
    moved, renamed, back, *others = stay
    reached = next(person for person in others if person.email)
    other = next(
        one
        for one in GroupContract.select()
        .join(EmployeeCategory)
        .where(EmployeeCategory.account == account["id"])
        .order_by(GroupContract.id)
        if one.id != back.contract_id
    )
    morning = datetime.datetime.combine(draw.month, datetime.time(8, 30))
    given = HandOver.create(number=1, created_at=morning, written_at=morning)
    state, kind = MovementState, MovementKind
    for person, now in zip(leaving, (state.PROCESSED, state.HANDED_OVER, state.RECORDED), strict=False):
        after = {"terminated_on": person.terminated_on.isoformat(), "termination_reason": person.termination_reason}
        before = {"terminated_on": None, "termination_reason": ""}
        move(draw, person, kind.TERMINATION, now, before, after, person.terminated_on, given, reason="RESIGNATION")
    here = {name: getattr(moved, name) for name in ADDRESS}
    before = here | {"street_number": "8", "street": "rue de la Poyat", "complement": ""}
    move(draw, moved, kind.ADDRESS, state.PROCESSED, before, here, draw.month, given)
    after = {"used_name": draw.word("surnames")}
    why = "Joignez la copie de l’acte de mariage."
    move(draw, renamed, kind.NAME, state.REFUSED, {"used_name": ""}, after, draw.month, given, remark=why)
    move(draw, reached, kind.CONTACT, state.RECORDED, {"email": ""}, {"email": reached.email}, draw.month)
    here = {name: getattr(back, name) for name in ADDRESS}
    move(draw, back, kind.ADDRESS, state.TAKEN_BACK, here, here | {"street_number": "2 bis"}, draw.month)
    after = {"contract": other.id, "category": other.category_id}
    before = {"contract": back.contract_id, "category": back.category_id}
    move(draw, back, kind.CATEGORY, state.RECORDED, before, after, month_end(months_before(draw.month, -3)))


def move(draw, person, kind, state, before, after, on, given=None, **more):
    """One movement, asked some days before the month by the RH of the account."""
    asked = datetime.datetime.combine(draw.month, datetime.time(9, 12)) - datetime.timedelta(days=draw.between(2, 20))
    waits = on > draw.month and kind == MovementKind.CATEGORY
    Movement.create(
        public_id=draw.uuid(),
        category=person.category_id,
        beneficiary=person.id,
        kind=kind,
        state=state,
        label=person.full_name,
        member_number=person.member_number,
        effective_on=on,
        before=before,
        after=after,
        author_id=User.known("rh@demo.example").id,
        created_at=asked,
        applied_at=None if waits else asked,
        version=person.version,
        hand_over=given
        if state in (MovementState.PROCESSED, MovementState.HANDED_OVER, MovementState.REFUSED)
        else None,
        settled_at=asked if state not in Movement.IN_PROGRESS else None,
        **more,
    )

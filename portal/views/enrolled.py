"""How enrolments are listed and told in French: under way, to be completed, sent."""

from types import SimpleNamespace

from flask import url_for
from flask_login import current_user

from portal import clock, database, enrolments, entrusting
from portal.enrolments import ORDER
from portal.formats import plural, search_words
from portal.forms.enrolments import WhenToRemind
from portal.household import STEP_TITLES
from portal.models import (
    JOIN,
    Beneficiary,
    Company,
    EmployeeCategory,
    Enrolment,
    EnrolmentState,
    GroupContract,
    ManagedAccount,
    Movement,
    MovementState,
    Plan,
    User,
    db,
)
from portal.rendering import Page, Sort, page_size
from portal.views import entrusted
from portal.views.scope import current_scope
from portal.views.told import STATES, TONES

SORTS = {
    "date": (Enrolment.submitted_at, Enrolment.id),
    "numero": (Enrolment.number,),
    "salarie": (Enrolment.search_key, Enrolment.id),
}
DRAFTS = 10  # on a page


def visible(*more):
    """The enrolments of the scope with what a line names, and nothing that is sealed. `more`: other tables, joined."""
    wanted = [field for field in Enrolment._meta.sorted_fields if field.name != "answers"]
    named = (*wanted, GroupContract, Plan, EmployeeCategory, Company, ManagedAccount, User, *more)
    joined = current_user.enrolments().select(*named).join(GroupContract).join(Plan).switch(Enrolment)
    joined = joined.join(EmployeeCategory).join(Company).switch(Enrolment).join(ManagedAccount).switch(Enrolment)
    return current_scope().narrow(joined.join(User).switch(Enrolment), Enrolment.category)


# ── Sent ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def sent(typed, order):
    """The list of what was sent, found by name or number."""
    sort = Sort(SORTS, order)
    found = visible(Movement).join(Movement, JOIN.LEFT_OUTER).where(Enrolment.state == EnrolmentState.SUBMITTED)
    for word in search_words(typed):
        found = found.where(database.contains(db, Enrolment.search_key, word))
    page = Page(sort.of(found), page_size(current_user.rows_per_page), rows=lambda cut: [line(row) for row in cut])
    return {"page": page, "sort": sort, "typed": typed}


def line(row):
    tone, icon = TONES.get(state_of(row), ("", "clock"))
    return SimpleNamespace(
        enrolment=row,
        url=url_for("enrolments.show", id=row.public_id),
        state=STATES.get(state_of(row), "Envoyée"),
        tone=tone,
        icon=icon,
        effective_on=row.movement.effective_on if row.movement_id else None,
    )


def state_of(row):
    return row.movement.state if row.movement_id else None


# ── Under way ────────────────────────────────────────────────────────────────────────────────────────────────────


def under_way():
    """Drafts, those that were put away, and what is to be completed."""
    latest = open_ones().order_by(Enrolment.updated_at.desc(), Enrolment.id)
    put_away = visible().where(Enrolment.state == EnrolmentState.DISCARDED).order_by(Enrolment.updated_at.desc())
    return {
        "drafts": Page(latest, DRAFTS, rows=drafts, parameter="saisies"),
        "discarded": list(put_away.limit(DRAFTS)),
        "awaited": [waiting(row) for row in awaited().order_by(Enrolment.submitted_at)],
    }


def open_ones():
    return visible().where(Enrolment.state.in_(Enrolment.OPEN))


def drafts(rows):
    rows = list(rows)
    given = [row for row in rows if row.state == EnrolmentState.WITH_EMPLOYEE]
    links = entrusting.latest_of(given) if given else {}
    return [draft(row, links.get(row.id)) for row in rows]


def draft(row, link=None):
    """A line of the list; `link`: the last one that its employee was given."""
    place, given = ORDER.index(row.step), row.state == EnrolmentState.WITH_EMPLOYEE
    return SimpleNamespace(
        enrolment=row,
        url=url_for("enrolments.show", id=row.public_id),
        where=f"Étape {place + 1} sur {len(ORDER)}",
        step=STEP_TITLES[row.step][1],
        age=age(row.created_at),
        with_employee=given,
        ended=bool(link) and entrusted.ended(link, clock.now()),
        link=entrusted.in_short(link, clock.now()) if given else None,
    )


def age(instant):
    """« aujourd’hui », « il y a 3 jours »."""
    days = (clock.today() - clock.day_of(instant)).days
    return f"il y a {plural(days, 'jour')}" if days > 0 else "aujourd’hui"


def awaited():
    """Enrolments of people who are covered, whose spouse or children are still to be added."""
    found = visible(Movement, Beneficiary).join(Movement).join(Beneficiary)
    awaits = Enrolment.spouse_awaited | Enrolment.children_awaited
    return found.where(awaits, Enrolment.state == EnrolmentState.SUBMITTED, Beneficiary.active_on(clock.today()))


def waiting(row):
    person = row.movement.beneficiary
    kinds = (("Conjoint", "le conjoint", row.spouse_awaited), ("Enfant", "un enfant", row.children_awaited))
    return SimpleNamespace(
        enrolment=row,
        person=person,
        url=url_for("enrolments.show", id=row.public_id),
        age=age(row.submitted_at),
        form=WhenToRemind(None, clock.today(), True, rappel=f"{row.awaited_until or clock.today():%d/%m/%Y}"),
        adding=[
            (words, url_for("dependents.new", id=person.public_id, type=kind))
            for kind, words, wanted in kinds
            if wanted
        ],
    )


# ── One ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def tell(row):
    """What became of one enrolment, read whole."""
    movement = row.movement
    person = movement.beneficiary if movement else None
    tone, icon = TONES.get(state_of(row), ("", "clock"))
    home = enrolments.household_of(row) if row.unseal() else None
    awaits = row.spouse_awaited or row.children_awaited
    return SimpleNamespace(
        movement=movement,
        person=person,
        state=STATES.get(state_of(row), ""),
        tone=tone,
        icon=icon,
        refused=state_of(row) == MovementState.REFUSED,
        proofs=home.asked() if home else [],
        waiting=waiting(row) if awaits and person else None,
        copy=entrusted.copy_of(row),
        bulletin=bulletin_of(person) if person else None,
    )


def bulletin_of(person):
    """What was printed of the enrolment; None for one that was sent before any was."""
    return next((one for one in current_user.documents_of(person) if one.document_type == "ENROLMENT_FORM"), None)

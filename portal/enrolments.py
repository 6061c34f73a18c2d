"""Enrolments: a draft that is begun, saved step by step, sent once; what awaits afterwards; what is forgotten."""

import datetime
import json
from dataclasses import dataclass, field

from portal import bulletins, clock, database, guests, outbox, reach
from portal.exchange import affiliation_cells as cells
from portal.exchange import joining
from portal.exchange.affiliation_offers import Offer
from portal.exchange.many import update_as_read
from portal.exchange.newcomers import Newcomer, affiliate
from portal.formats import of_name, search_key
from portal.household import KEY, PRIVATE, STEPS, Household
from portal.last_look import summary
from portal.models import (
    Beneficiary,
    Enrolment,
    EnrolmentState,
    GuestChannel,
    GuestPurpose,
    ManagedAccount,
    MessageKind,
    db,
    fn,
    hash_of,
    vault,
)
from portal.rules import identifiers
from portal.rules.affiliations import reminder_proposed

LAST_LOOK = "verification"
ORDER = (*STEPS, LAST_LOOK)
BY_EMPLOYEE = "le salarié"


class Closed(Exception):
    """The enrolment was sent, given to the employee, or discarded meanwhile."""


def offer_of(enrolment):
    """The contract of an enrolment that was read whole (`Enrolment.whole`)."""
    contract, category = enrolment.contract, enrolment.category
    return Offer(
        contract_id=contract.id,
        contract_number=contract.number,
        company_code=category.company.code,
        company_label=category.company.label,
        category_id=category.id,
        category_code=category.code,
        category_label=category.label,
        plan_code=contract.plan.code,
        plan_label=contract.plan.label,
        subscribed_on=contract.subscribed_on,
        child_max_age=contract.child_max_age,
        child_student_max_age=contract.child_student_max_age,
        child_end_rule=contract.child_end_rule,
    )


def household_of(enrolment):
    return Household(enrolment.unseal(), offer_of(enrolment), clock.today())


def first_unanswered(enrolment):
    """The first step that is not right, as it was when it was saved; the last look when all are."""
    return next((step for step in STEPS if not enrolment.saved.get(step, {}).get("right")), LAST_LOOK)


def previous(step):
    return ORDER[max(0, ORDER.index(step) - 1)]


def following(step):
    return ORDER[ORDER.index(step) + 1]


# ── Typing ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Saved:
    """What saving a step did: the draft as it is now; `theirs`, who wrote meanwhile, when nothing was saved."""

    enrolment: Enrolment
    household: Household
    theirs: dict = field(default_factory=dict)  # of Enrolment.saved
    words: dict = field(default_factory=dict)  # that they wrote


def begin(author, account_id, offer, words, form_key, now):
    """A draft, made by the first step; with its form key, the same form makes one only."""
    draft = Enrolment(
        account=account_id, category=offer.category_id, contract=offer.contract_id, author=author, form_key=form_key
    )
    draft.created_at, draft.version = now, 0
    write(draft, {}, "garantie", words, offer, note(draft, None, NEXT, author, now))
    draft.step = following("garantie")
    draft.save(force_insert=True)
    return draft


def begin_filled(author, account_id, form, now):
    """A draft of what was entered on one page; `form`: its offer, its key and version, its words by step."""
    words = form.words_by_step()
    draft = begin(author, account_id, form.offer, words.pop("garantie"), form.key, now)
    draft = draft.read_whole()
    for step, texts in words.items():
        save(draft, step, texts, form, NEXT, author, now)
    return draft.read_whole()


def note(row, key, action, by, now):
    """What tells of a step who wrote it."""
    who = by.full_name if by else BY_EMPLOYEE
    return {"key": key, "sent": bool(action), "by": who, "at": now.isoformat(), "version": row.version + 1}


def save(enrolment, step, words, form, action, by, now, offer=None):
    """Keep the words of a step, right or wrong; raises Closed.

    `form` has `.key`, that of the page, and `.seen`, the version that it was drawn from: when somebody wrote the same
    step from another page since then, nothing is saved and it is told. `action`: the button that leaves the page, after
    which what htmx still sends of that page is late, and left out; "" for htmx. `offer`: another contract.
    `by`: None for the employee.
    """
    row = enrolment
    while True:
        if row is None or not row.is_open:
            raise Closed
        its = offer or offer_of(row)
        answers, last, version = row.unseal(), row.saved.get(step, {}), row.version
        same_page = form.key is not None and last.get("key") == form.key
        if last and not same_page and last["version"] > form.seen:
            return Saved(row, Household(answers | {step: words}, its, clock.today()), last, answers[step])
        if same_page and last["sent"] and not action:
            return Saved(row, Household(answers, its, clock.today()))
        row.category, row.contract = its.category_id, its.contract_id
        home = write(row, answers, step, words, its, note(row, form.key, action, by, now))
        row.step = following(step) if action == NEXT and row.saved[step]["right"] else step
        if put(row, version):
            return Saved(row, home)
        row = Enrolment.whole(Enrolment.select()).where(Enrolment.id == row.id).first()  # somebody wrote meanwhile


NEXT = "suivant"
WRITTEN = (
    *("category_id", "contract_id", "answers", "saved", "label", "search_key", "identity", "version"),
    *("updated_at", "warned_at", "step"),
)


def put(row, version):
    """Write what saving a step changes of a draft, unless it is another since that version; whether that is done."""
    values = [getattr(row, name) for name in WRITTEN]
    values[WRITTEN.index("saved")] = json.dumps(row.saved)
    return update_as_read(Enrolment, WRITTEN, values, {"id": row.id, "version": version, "state": row.state})


def write(row, answers, step, words, offer, noted):
    """Put the words of a step in a draft that is about to be written."""
    answers = answers | {step: words}
    home = Household(answers, offer, clock.today())
    row.saved = row.saved | {step: noted}
    for each in row.saved:
        row.saved[each]["right"] = not home.errors(each)
    row.seal(answers)
    row.label, row.search_key = home.employee.name[:255], search_key(home.employee.name)
    row.identity = index_of(home, row.account_id)
    row.version, row.updated_at, row.warned_at = noted["version"], datetime.datetime.fromisoformat(noted["at"]), None
    return home


def index_of(home, account_id):
    """Blind: the same employee has the same in one account; nothing of one who is not named."""
    return vault.index(home.identity, "identity", account_id) if home.identity else ""


# ── Somebody who is known already ────────────────────────────────────────────────────────────────────────────────


@dataclass
class Known:
    """Who the employee may be: a cover, a row of a file, other drafts."""

    met: joining.Met
    drafts: list

    def __bool__(self):
        return bool(self.met.person or self.met.waiting or self.met.dependent or self.drafts)

    @property
    def marks(self):
        """What tells one from another."""
        found = (self.met.person, self.met.dependent, *self.drafts)
        waiting = [self.met.waiting.id] if self.met.waiting else []
        return [str(one.public_id) for one in found if one] + waiting


def known(user, enrolment, home, asked=joining.WHO):
    """What is known here of the employee that a draft names; `asked`: the columns that tell who it is."""
    met = joining.meet(user, enrolment.account_id, home.employee.cells, asked)
    identities = vault.indexes(home.identity, "identity", [enrolment.account_id])
    others = user.drafts_of(enrolment.account_id, identities)
    return Known(met, [draft for draft in others if draft.id != enrolment.id])


def same_number(user, enrolment, home):
    """What to tell of a « Matricule » that another employee of the company has: (label of the box, sentence)."""
    number = home.employee.cells[cells.MATRICULE]
    if not number or number == KEY:
        return []
    others = user.employees_numbered(enrolment.account_id, number, enrolment.category.company_id)
    return [("Matricule", f"C’est aussi celui {of_name(one.full_name)}. Vérifiez-le.") for one in others]


# ── Sending ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Sending:
    """What sending came to: the enrolment, sent now (`done`) or `already`; otherwise why nothing was done."""

    enrolment: Enrolment
    done: bool = False
    already: bool = False
    changed: bool = False  # since it was shown
    household: Household | None = None  # in which something is wrong
    covered: Beneficiary | None = None  # the employee is, already


def submit(enrolment, by, now, signature=None, seen=None, remind_on=None):
    """Affiliate the household of a draft, once, whole or not at all; raises Closed.

    `by`: None for the employee, who signs: `signature` is (typed name, when, EMAIL or SMS). `seen`: the version that
    was shown. `remind_on`: when to remind of those who are still to be added.
    """
    with db.atomic():
        ManagedAccount.hold(enrolment.account_id)
        row = enrolment.hold()
        if row is None or not (row.is_open or row.state == EnrolmentState.SUBMITTED):
            raise Closed
        if row.state == EnrolmentState.SUBMITTED:
            return Sending(row, already=True)
        if seen is not None and row.version != seen:
            return Sending(row, changed=True)
        home = Household(row.unseal(), offer_of(enrolment), clock.today())
        if home.first_wrong:
            return Sending(row, household=home)
        met = joining.meet(by or joining.WholeAccount(), row.account_id, home.employee.cells)
        if met.person and (met.surely or home.somebody_else != str(met.person.public_id)):
            return Sending(row, covered=met.person)
        carry_out(row, home, by, now)
        if any(home.awaited):
            row.awaited_until = remind_on or reminder_proposed(clock.day_of(now))
        row.signed_name, row.signed_at, row.signed_by = signature or ("", None, "")
        row.save()
        row.category, row.contract = enrolment.category, enrolment.contract
        bulletins.ask(row, row.movement.beneficiary, summary(home, filed=True), now)
        if by is not None:
            give_copy(row, home, by, now)
    return Sending(row, done=True, household=home)


def carry_out(row, home, by, now):
    """Create the people and their movements, and write in the enrolment what came of it."""
    employee = Newcomer(home.values(home.employee))
    household = [employee, *(Newcomer(home.values(member), employee) for member in home.members[1:])]
    affiliate(household, row.account_id, by, now)
    row.movement_id = employee.movement
    if home.words("comptes").get(PRIVATE):
        Beneficiary.update(iban_private=True).where(Beneficiary.id == employee.person).execute()
    row.state, row.submitted_at, row.updated_at = EnrolmentState.SUBMITTED, now, now
    row.number = row.number or next_number(now)
    row.search_key = f"{search_key(row.label)} {search_key(row.number)}"
    row.spouse_awaited, row.children_awaited = home.awaited
    row.step, row.version = LAST_LOOK, row.version + 1


def give_copy(enrolment, home, by, now):
    """Tell an employee whom HR enrolled, by e-mail or else by SMS: their birth date opens the bulletin."""
    person = home.values(home.employee)
    mobile = person["mobile"] if identifiers.takes_texts(person["mobile"]) else ""
    ways = ((GuestChannel.EMAIL, outbox.email, person["email"]), (GuestChannel.SMS, outbox.sms, mobile))
    for channel, write, to in ways:
        if to:
            link, token = guests.draw(GuestPurpose.COPY, now, guests.Wanted(channel, to, enrolment=enrolment), by)
            words = {"first_name": person["first_name"], "link": guests.path(token), "not_after": link.expires_at}
            write(to, "enrolment_copy", now, kind=MessageKind.ENROLMENT, about=enrolment, **words)
            return channel
    return None


def next_number(now):
    """A-2026-000123: counted in the year."""
    database.serialise(db, hash_of("enrolment number"))
    start = f"A-{clock.day_of(now).year}-"
    with reach.own(db, "numbers run through all accounts"):
        last = Enrolment.select(fn.MAX(Enrolment.number)).where(Enrolment.number.startswith(start)).scalar()
    return f"{start}{int(last.removeprefix(start)) + 1 if last else 1:06}"


# ── What is done with a whole one ────────────────────────────────────────────────────────────────────────────────

RESTORABLE = datetime.timedelta(days=Enrolment.DAYS_DISCARDED)


def discard(enrolment, now):
    """Put a draft away; False when it is none any more."""
    return move(enrolment, EnrolmentState.DRAFT, EnrolmentState.DISCARDED, now)


def restore(enrolment, now):
    return move(enrolment, EnrolmentState.DISCARDED, EnrolmentState.DRAFT, now)


def move(enrolment, before, after, now):
    moved = Enrolment.update(state=after, updated_at=now, warned_at=None)
    return moved.where(Enrolment.id == enrolment.id, Enrolment.state == before).execute() == 1


def reopen(enrolment, now):
    """A draft again, of what the mutual refused; False when it is one already."""
    return Enrolment.reopen([enrolment.movement_id], now) == 1


def complete(enrolment, now):
    """Nobody else is to be added; False when nobody was."""
    awaits = Enrolment.spouse_awaited | Enrolment.children_awaited
    done = Enrolment.update(spouse_awaited=False, children_awaited=False, awaited_until=None)
    return done.where(Enrolment.id == enrolment.id, awaits).execute() == 1


def remind_on(enrolment, day):
    awaits = Enrolment.spouse_awaited | Enrolment.children_awaited
    return Enrolment.update(awaited_until=day).where(Enrolment.id == enrolment.id, awaits).execute() == 1


# ── Keys that turn ───────────────────────────────────────────────────────────────────────────────────────────────


def reseal(after, most=200):
    """Seal answers, and index who they are about, under the first key: (last id seen or None, rows changed)."""
    with db.atomic():
        rows = list(Enrolment.whole(Enrolment.select()).where(Enrolment.id > after).order_by(Enrolment.id).limit(most))
        changed = 0
        for row in rows:
            before = row.answers
            if before and not vault.is_current(before):
                row.seal(row.unseal())
                again = {"answers": row.answers, "identity": index_of(household_of(row), row.account_id)}
                held = Enrolment.id == row.id, Enrolment.answers == before  # not what somebody saved meanwhile
                changed += Enrolment.update(again).where(*held).execute()
    return (rows[-1].id if rows else None), changed

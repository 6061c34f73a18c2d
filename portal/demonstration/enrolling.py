"""Enrolments: drafts, one that an employee completes, those that were sent."""

import datetime

from portal import bulletins, clock, documents, enrolments
from portal.demonstration.draw import days_ago, iban
from portal.demonstration.movements import move
from portal.demonstration.people import EMPLOYEE
from portal.demonstration.proofs import entrust
from portal.formats import search_key
from portal.last_look import summary
from portal.models import (
    Beneficiary,
    EmployeeCategory,
    Enrolment,
    EnrolmentState,
    GroupContract,
    HandOver,
    Movement,
    MovementKind,
    MovementState,
    User,
)
from portal.rules.dates import month_end

# Of the guide's account: days ago, the steps that are typed. The last one is told that it will go.
BEGUN = ((2, 4), (12, 2), (86, 1))
ENTRUSTED = 4  # days ago


def make_enrolments(draw, account, people):
    """Drafts at several steps, and two that were sent, of people who are covered: one whose spouse is awaited."""
    author, contract = User.known("rh@demo.example"), first_contract(account)
    for days, typed in BEGUN:
        begin(draw, author, contract, days, dict(list(household_of_nobody(draw, contract, people).items())[:typed]))
    Enrolment.update(warned_at=clock.now()).where(Enrolment.updated_at < days_ago(84)).execute()
    covered = Beneficiary.select().where(
        Beneficiary.contract == contract, Beneficiary.role == EMPLOYEE, Beneficiary.terminated_on.is_null()
    )
    latest = list(covered.order_by(Beneficiary.effective_on.desc(), Beneficiary.member_number).limit(2))
    for number, (person, days) in enumerate(zip(reversed(latest), (40, 18), strict=True), 1):
        send(draw, author, contract, person, days, number, household_of_nobody(draw, contract, people))


def first_contract(account):
    ours = GroupContract.select().join(EmployeeCategory).where(EmployeeCategory.account == account["id"])
    return ours.order_by(GroupContract.id).first()


def entrust_one(draw, account, people):
    """One that its employee completes: HR said who it is, the employee has begun."""
    author, contract = User.known("rh@demo.example"), first_contract(account)
    steps = dict(list(household_of_nobody(draw, contract, people).items())[:3])
    entrust(draw, begin(draw, author, contract, ENTRUSTED, steps), author)


def household_of_nobody(draw, contract, people):
    """What is typed of somebody who is not covered, step by step."""
    sex = draw.choice(("M", "F"))
    born = draw.month.replace(day=12) - datetime.timedelta(days=draw.between(24, 50) * 365)
    first, name = draw.first_name(sex, born), draw.word("surnames")
    who = {"nom": name, "prenom": first, "datedenaissance": f"{born:%d/%m/%Y}", "sexe": sex}
    said = {"civilite": "Mme" if sex == "F" else "M.", "typedassure": "Assuré social", "autreregime": "Non"}
    town = draw.choice(list(draw.towns))
    reached = {"email": f"{search_key(first)}.{search_key(name)}@example.com"}
    where = {"rue": draw.word("streets"), "codepostal": draw.towns[town], "ville": town}
    return {
        "garantie": {"contrat": contract.number, "datedeffet": f"{month_end(draw.month):%d/%m/%Y}"},
        "salarie": who | said | {"nssociale": people.nir(born, sex)},
        "coordonnees": reached | where,
        "comptes": {"ibanprestation": iban(draw)},
        "conjoint": {"presence": "aucun"},
        "enfants": {"presence": "aucun"},
    }


def begin(draw, author, contract, days, steps):
    """A draft with these steps, as it would have been typed that day."""
    at, category = days_ago(days), contract.category
    row = Enrolment(public_id=draw.uuid(), account=category.account_id, category=category, contract=contract)
    row.author, row.created_at, row.version = author, at, 0
    answers = {}
    for step, words in steps.items():
        kept = {name: [text] for name, text in words.items()}
        noted = enrolments.note(row, None, enrolments.NEXT, author, at)
        enrolments.write(row, answers, step, kept, enrolments.offer_of(row), noted)
        answers[step] = kept
    row.step = enrolments.following(step)
    row.save(force_insert=True)
    return row


def words_of(person):
    """What was typed of somebody who is covered."""
    return {
        "civilite": person.title,
        "nom": person.birth_name,
        "nomdusage": person.used_name,
        "prenom": person.first_name,
        "datedenaissance": f"{person.birth_date:%d/%m/%Y}",
        "sexe": person.sex,
        "nssociale": person.unseal("nir"),
    }


def send(draw, author, contract, person, days, number, steps):
    """What was sent of somebody who is covered since; the second one's spouse is awaited."""
    steps["conjoint"] = {"presence": "attendu" if number == 2 else "aucun"}
    steps["garantie"]["datedeffet"] = f"{person.effective_on:%d/%m/%Y}"
    steps["salarie"] |= words_of(person)
    row = begin(draw, author, contract, days, steps)
    at, given = days_ago(days), HandOver.select().first()
    after = {"base_scheme": "GENERAL"}
    move(draw, person, MovementKind.AFFILIATION, MovementState.PROCESSED, {}, after, person.effective_on, given)
    row.movement = Movement.select().where(Movement.beneficiary == person).order_by(Movement.id.desc()).first()
    Movement.update(created_at=at, settled_at=at).where(Movement.id == row.movement_id).execute()
    row.state, row.submitted_at, row.updated_at, row.step = EnrolmentState.SUBMITTED, at, at, enrolments.LAST_LOOK
    row.number = f"A-{clock.day_of(at).year}-{number:06}"
    row.search_key = f"{search_key(row.label)} {search_key(row.number)}"
    row.spouse_awaited, row.awaited_until = number == 2, clock.today() + datetime.timedelta(days=5)
    row.save()
    print_bulletin(draw, row, person, at)


def print_bulletin(draw, row, person, at):
    title = f"Bulletin d’adhésion individuel, {person.full_name}"
    asked = documents.row_of(at, title, "ENROLMENT_FORM", row.account_id, row.contract_id, person)
    asked.public_id, asked.template = draw.uuid(), "enrolment_form"
    asked.seal(bulletins.words(row, person, summary(enrolments.household_of(row), filed=True), at))
    documents.enter(asked)

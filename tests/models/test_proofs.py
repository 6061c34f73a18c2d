"""Documents are asked for once a campaign, however often and at the same time."""

import datetime
import threading

from portal import clock, proofs
from portal.models import DocumentRequest, RequestState, Waiver, db
from portal.rules import proofs as rules
from tests import factories


def child(**values):
    contract = factories.contract(factories.category(factories.company(factories.account())))
    return factories.beneficiary(contract, role=2, birth_date=datetime.date(2005, 3, 1), **values)


def test_a_document_is_asked_for_once_a_campaign(database):
    person, now = child(), clock.now()
    first = proofs.ask(person, rules.SCHOOL_CERTIFICATE, None, proofs.ENROLMENT, now)
    again = proofs.ask(person, rules.SCHOOL_CERTIFICATE, None, proofs.RENEWAL, now)
    assert (first.id, first.origin, first.state) == (again.id, again.origin, RequestState.AWAITED)
    assert (first.category_id, first.beneficiary_id, first.version) == (person.category_id, person.id, 1)
    assert first.due_on == clock.today() + datetime.timedelta(days=rules.DAYS_TO_ANSWER)
    other = proofs.ask(person, rules.SCHOOL_CERTIFICATE, "2031", proofs.RENEWAL, now, datetime.date(2031, 10, 31))
    assert (other.due_on, DocumentRequest.select().count()) == (datetime.date(2031, 10, 31), 2)


def test_what_tells_of_health_is_marked(database):
    asked = proofs.ask(child(), rules.PROOFS["DISABILITY"], None, proofs.ENROLMENT, clock.now())
    assert asked.restricted


def test_many_are_asked_in_a_few_statements_and_only_the_new_ones_count(database, queries):
    people = [child() for _ in range(3)]
    now, wanted = clock.now(), [(person, rules.SCHOOL_CERTIFICATE) for person in people]
    assert proofs.ask_many(wanted[:1], "2031", proofs.RENEWAL, now) == 1
    queries.clear()
    assert proofs.ask_many(wanted * 400, "2031", proofs.RENEWAL, now) == 2
    assert len(queries) <= 4
    assert DocumentRequest.select().count() == 3


def test_what_was_settled_is_not_asked_again(database):
    person, now = child(), clock.now()
    asked = proofs.ask(person, rules.SCHOOL_CERTIFICATE, None, proofs.ENROLMENT, now)
    DocumentRequest.update(state=RequestState.ACCEPTED).execute()
    again = proofs.ask(person, rules.SCHOOL_CERTIFICATE, None, proofs.RENEWAL, now)
    assert (again.id, again.state) == (asked.id, RequestState.ACCEPTED)


def test_two_who_ask_at_the_same_time_make_one_request(database):
    person, now, found = child(), clock.now(), []

    def ask():
        with db.connection_context():
            found.append(proofs.ask(person, rules.BANK_DETAILS, None, proofs.ENROLMENT, now).id)

    both = [threading.Thread(target=ask) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(found) == 2
    assert len(set(found)) == DocumentRequest.select().count() == 1


def test_the_proof_of_a_waiver_is_asked_for_once_a_campaign(database):
    category, now = factories.category(factories.company(factories.account())), clock.now()
    waiver = Waiver.create(
        account=category.account_id,
        category=category,
        birth_name="Barbaud",
        first_name="Zoé",
        birth_date=datetime.date(1994, 6, 30),
        name_key="barbaud",
        reason="OP_CSS",
        requested_on=clock.today(),
        effect_on=clock.today(),
    )
    first, again = (proofs.ask_for_waiver(waiver, rules.PROOFS["CSS_CERTIFICATE"], now) for _ in range(2))
    assert first.id == again.id
    assert (first.waiver_id, first.beneficiary_id, first.category_id) == (waiver.id, None, category.id)

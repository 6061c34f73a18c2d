"""People ticked in the list: they leave or change college together, in a few statements, once."""

import datetime

import pytest

from portal import clock
from portal.models import AuditEvent, Beneficiary, BeneficiaryRole, GroupContract, Movement, Selection
from tests import factories
from tests.test_tenancy import same_body
from tests.views.test_terminations import fr, plain, sent

DAY = datetime.timedelta(days=1)


@pytest.fixture
def contracts(hr):
    return list(hr.contracts().order_by(GroupContract.id))


@pytest.fixture
def people(contracts):
    Beneficiary.delete().execute()
    return [factories.beneficiary(contracts[0], f"Nom{number}") for number in range(3)]


def tick(client, *people, action="radiation", **more):
    data = {"qui": [str(one.public_id) for one in people], "pour": action} | more
    return client.post("/salaries/selection", data)


def preview(client, where, on=None, reason="demission"):
    return client.get(where.partition("?")[0], query_string={"date": fr(on or clock.today()), "motif": reason})


def test_ticked_people_leave_together_and_the_result_is_said(signed_in, people):
    where = tick(signed_in, *people).location
    assert where.startswith("/salaries/radiation/")
    assert Movement.select().count() == 0
    page = preview(signed_in, where)
    assert "Radier 3 personnes au" in plain(page)
    answer = signed_in.post(where, sent(signed_in, page))
    assert answer.location == where
    result = plain(signed_in.get(where))
    assert "3 personnes radiées" in result
    assert "ATELIERS COMBE-NOIRE – SIÈGE" in result
    event = AuditEvent.get(AuditEvent.action == "movement.terminate")
    assert sorted(event.after["people"]) == sorted(str(one.public_id) for one in people)


def test_who_cannot_leave_is_named_and_the_others_go(signed_in, people):
    Beneficiary.update(terminated_on=clock.today() - 9 * DAY).where(Beneficiary.id == people[0].id).execute()
    where = tick(signed_in, *people).location
    page = preview(signed_in, where)
    assert "1 personne ne peut pas être radiée" in plain(page)
    assert "Philippe NOM0 : Déjà radié au" in plain(page)
    signed_in.post(where, sent(signed_in, page))
    result = plain(signed_in.get(where))
    assert "2 personnes radiées" in result
    assert "Philippe NOM0 : Déjà radié au" in result


def test_a_selection_is_used_once(signed_in, people):
    where = tick(signed_in, *people).location
    fields = sent(signed_in, preview(signed_in, where))
    answers = [signed_in.post(where, fields) for _ in range(2)]
    assert {answer.location for answer in answers} == {where}
    assert Movement.select().count() == 3
    assert same_body(signed_in.get(where), signed_in.get(where))


def test_one_tick_goes_to_the_page_of_that_person_and_none_says_so(signed_in, people):
    assert tick(signed_in, people[0]).location == f"/salaries/{people[0].public_id}/radiation"
    nobody = tick(signed_in)
    assert nobody.location == "/salaries"
    assert "Cochez d’abord" in plain(signed_in.get("/salaries"))


def test_everyone_whom_the_list_filters(signed_in, people, contracts):
    factories.beneficiary(contracts[1], "Autre")
    where = signed_in.post("/salaries/selection?q=nom", {"tous": "3", "pour": "radiation"}).location
    assert len(Selection.get().people) == 3
    assert "Radier 3 personnes" in plain(signed_in.get(where))


def test_another_company_s_people_are_not_taken_along(signed_in, people):
    other = factories.hr_user()
    theirs = Beneficiary.get(Beneficiary.category.in_(other.category_ids()))
    tick(signed_in, *people, theirs)
    assert str(theirs.public_id) not in Selection.get().people


def test_dependents_ticked_alone_have_reasons_of_their_own_and_follow_otherwise(signed_in, people, contracts):
    employee = people[0]
    child = factories.beneficiary(
        contracts[0], "Nom0", "Léo", household_number=employee.household_number, role=BeneficiaryRole.CHILD
    )
    stray = factories.beneficiary(contracts[0], "Seul", "Zoé", role=BeneficiaryRole.CHILD)
    text = plain(preview(signed_in, tick(signed_in, employee, child, stray).location))
    assert "Radier 2 personnes au" in text
    assert "Zoé SEUL : Un ayant droit se retire depuis sa fiche" in text
    text = plain(preview(signed_in, tick(signed_in, child, stray).location, reason="fin-de-charge"))
    assert "N’est plus à charge" in text
    assert "Portabilité" not in text


def test_five_hundred_people_leave_in_a_few_statements(signed_in, contracts, queries):
    Beneficiary.delete().execute()
    for number in range(500):
        employee = factories.beneficiary(contracts[number % 3], email="a@exemple.fr" if number % 2 else "")
        if number % 5 == 0:
            role = {"household_number": employee.household_number, "role": BeneficiaryRole.CHILD}
            factories.beneficiary(contracts[number % 3], **role)
    where = signed_in.post("/salaries/selection?qualite=salarie", {"tous": "500", "pour": "radiation"}).location
    queries.clear()
    page = preview(signed_in, where)
    assert len(queries) <= 8, queries
    text = plain(page)
    assert "500 personnes choisies et 100 ayants droit à leur suite" in text
    assert "250 salariés par courriel" in text
    fields = sent(signed_in, page)
    token = signed_in.token()
    queries.clear()
    assert signed_in.post(where, fields | {"csrf_token": token}).status_code == 303
    assert len(queries) < 30, len(queries)
    assert Movement.select().count() == 600


def test_ticked_people_change_college(signed_in, people, contracts):
    other = factories.beneficiary(contracts[1], "Déjà")
    where = tick(signed_in, *people, other, action="college").location
    assert where.startswith("/salaries/college/")
    target = contracts[1]
    fields = {"contrat": str(target.public_id), "depuis": fr(clock.today())}
    assert signed_in.post(where, {"depuis": "x"}).status_code == 422
    assert signed_in.post(where, fields).location == where
    result = plain(signed_in.get(where))
    assert "3 personnes changées de collège" in result
    assert "Philippe DÉJÀ : Déjà dans ce collège" in result
    assert {Beneficiary.get_by_id(one.id).contract_id for one in people} == {target.id}
    signed_in.post(where, fields)
    assert Movement.select().count() == 3


def test_the_result_tells_who_was_chosen_from_the_dependents_who_follow(signed_in, people, contracts):
    for number, employee in enumerate(people[:2]):
        household = {"household_number": employee.household_number, "role": BeneficiaryRole.CHILD}
        factories.beneficiary(employee.contract, "Nom", f"Léo{number}", **household)
    where = tick(signed_in, *people, action="college").location
    signed_in.post(where, {"contrat": str(contracts[1].public_id), "depuis": fr(clock.today())})
    assert "personnes changées de collège et 2 ayants droit à leur suite" in plain(signed_in.get(where))
    where = tick(signed_in, people[0], people[2]).location
    signed_in.post(where, sent(signed_in, preview(signed_in, where)))
    assert "2 personnes radiées et 1 ayant droit à leur suite" in plain(signed_in.get(where))


def test_a_dependent_who_is_ticked_too_and_follows_is_not_among_those_who_stay(signed_in, people, contracts):
    employee = people[0]
    household = {"household_number": employee.household_number, "role": BeneficiaryRole.CHILD}
    child = factories.beneficiary(employee.contract, "Nom0", "Léo", **household)
    where = tick(signed_in, employee, child, action="college").location
    signed_in.post(where, {"contrat": str(contracts[1].public_id), "depuis": fr(clock.today())})
    result = plain(signed_in.get(where))
    assert "1 personne changée de collège et 1 ayant droit à sa suite" in result
    assert "Léo" not in result


def test_a_contract_of_another_account_is_no_choice(signed_in, people):
    foreign = factories.hr_user().contracts().first()
    where = tick(signed_in, *people, action="college").location
    answer = signed_in.post(where, {"contrat": str(foreign.public_id), "depuis": fr(clock.today())})
    assert answer.status_code == 422
    assert Movement.select().count() == 0


def test_the_ticks_add_little_to_the_list(signed_in, people):
    page = signed_in.get("/salaries").get_data(as_text=True)
    assert page.count('name="qui"') == 3
    assert 'name="qui"' not in signed_in.get(f"/salaries?fiche={people[0].public_id}").get_data(as_text=True)

"""« Garanties et contrats »: the names of plans and the rules of contracts, changed by the mutual's staff."""

import datetime
import re

import pytest

from portal.models import AuditEvent, GroupContract, Plan, UserRole
from tests import factories

HOME = "/gestion/configuration/garanties"


@pytest.fixture
def contract(hr):
    return hr.contracts().order_by(GroupContract.id).get()


@pytest.fixture
def desk(client, hr):
    client.sign_in(factories.user(role=UserRole.STAFF))
    return client


def seen(desk, path):
    return re.search(r'name="seen"[^>]*value="(\w+)"', desk.get(path).get_data(as_text=True))[1]


def rules(desk, path, **changes):
    sent = {
        "fin": "END_OF_MONTH",
        "enfant": "21",
        "etudiant": "28",
        "limite": "BIRTHDAY",
        "seen": seen(desk, path),
    } | changes
    return desk.post(path, {name: value for name, value in sent.items() if value is not None})


def test_a_company_changes_no_rule(client, hr, contract):
    client.sign_in(hr)
    for path in (HOME, f"{HOME}/plan/{contract.plan.code}", f"{HOME}/contrat/{contract.public_id}"):
        assert client.get(path).status_code == 403
    assert "Changer les règles" not in client.get(f"/contrats/{contract.public_id}").get_data(as_text=True)


def test_the_list_counts_contracts_in_few_statements(desk, contract, queries):
    page = desk.get(HOME).get_data(as_text=True)
    assert contract.plan.label in page
    assert len(queries) <= 14
    queries.clear()
    desk.get(HOME)
    assert len(queries) <= 6


def test_a_plan_is_renamed_and_closed(desk, contract):
    path = f"{HOME}/plan/{contract.plan.code}"
    day = f"{contract.plan.valid_from + datetime.timedelta(days=400):%d/%m/%Y}"
    answer = desk.post(path, {"nom": "Confort Plus", "fin": day, "seen": seen(desk, path)})
    assert answer.status_code == 303
    plan = Plan.get_by_id(contract.plan_id)
    assert (plan.label, f"{plan.valid_to:%d/%m/%Y}") == ("Confort Plus", day)
    event = AuditEvent.get(AuditEvent.action == "plan.change")
    assert event.after["label"] == "Confort Plus"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [({"nom": ""}, "Donnez un nom"), ({"fin": "01/01/1901"}, "Au plus tôt"), ({"fin": "demain"}, "date")],
)
def test_a_plan_that_cannot_be_is_refused(desk, contract, changes, sentence):
    path = f"{HOME}/plan/{contract.plan.code}"
    answer = desk.post(path, {"nom": "Confort", "fin": "", "seen": seen(desk, path)} | changes)
    assert answer.status_code == 422 and sentence in answer.get_data(as_text=True)
    assert Plan.get_by_id(contract.plan_id).label == contract.plan.label


def test_rules_of_a_contract_are_changed_and_written_down(desk, contract):
    path = f"{HOME}/contrat/{contract.public_id}"
    assert path in desk.get(f"/contrats/{contract.public_id}").get_data(as_text=True)
    answer = rules(desk, path, enfant="18", etudiant="25", fin="CONTRACT_END_DATE", limite="END_OF_YEAR", branche="y")
    assert answer.status_code == 303
    now = GroupContract.get_by_id(contract.id)
    assert (now.child_max_age, now.child_student_max_age) == (18, 25)
    assert (now.coverage_end_rule, now.is_branch_mandated) == ("CONTRACT_END_DATE", True)
    assert now.child_end_rule == "END_OF_YEAR"
    page = desk.get(f"/contrats/{contract.public_id}").get_data(as_text=True)
    assert "jusqu’au 31 décembre de l’année de cet anniversaire" in page
    event = AuditEvent.get(AuditEvent.action == "contract.rules")
    assert event.account_id == contract.category.account_id and event.after["child_max_age"] == 18


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"enfant": "-1"}, "âge en années"),
        ({"enfant": "31"}, "âge en années"),
        ({"etudiant": "12"}, "plus bas"),
        ({"fin": "JAMAIS"}, "quand finit la couverture"),
        ({"limite": "JAMAIS"}, "quand finit la couverture d’un enfant"),
        ({"enfant": None}, "Indiquez un âge"),
    ],
)
def test_rules_that_cannot_be_are_refused(desk, contract, changes, sentence):
    answer = rules(desk, f"{HOME}/contrat/{contract.public_id}", **changes)
    assert answer.status_code == 422 and sentence in answer.get_data(as_text=True)
    assert GroupContract.get_by_id(contract.id).child_max_age == contract.child_max_age


def test_two_colleagues_do_not_erase_each_other(desk, contract):
    path = f"{HOME}/contrat/{contract.public_id}"
    late = seen(desk, path)
    rules(desk, path, enfant="18", etudiant="25")
    answer = rules(desk, path, enfant="20", etudiant="26", seen=late)
    assert answer.status_code == 409 and "entre-temps" in answer.get_data(as_text=True)
    assert GroupContract.get_by_id(contract.id).child_max_age == 18


def test_what_does_not_exist_is_not_found(desk):
    assert desk.get(f"{HOME}/plan/INCONNUE").status_code == 404
    assert desk.get(f"{HOME}/contrat/00000000-0000-4000-8000-000000000000").status_code == 404

"""Campaigns that the mutual opens: of whom, counted first, asked once; longer, stopped; told to who can be reached."""

import datetime

import pytest

from portal import campaigns, clock, proofs, tasks
from portal.models import (
    AuditEvent,
    Beneficiary,
    BeneficiaryRole,
    DocumentCampaign,
    DocumentRequest,
    ManagedAccount,
    OutboxMessage,
    RequestState,
    UserRole,
)
from portal.rules import proofs as rules
from tests import factories

PATH = "/gestion/campagnes"
KEY = "9b2f6f0e-3a86-4a55-9d1e-1f3f8a7e2c11"


@pytest.fixture
def staff(client):
    client.sign_in(factories.user(UserRole.STAFF))
    return client


def day(days):
    return clock.today() + datetime.timedelta(days=days)


def french(when):
    return f"{when:%d/%m/%Y}"


def typed(**changes):
    given = {"document": "HEALTH_RIGHTS", "nom": "Droits 2027", "qui": "salaries", "pour": "tous", "etape": "ouvrir"}
    return given | {"limite": french(day(40)), "form_key": KEY} | changes


def born(person, years, days=0):
    """So many years old since so many days."""
    today = clock.today() - datetime.timedelta(days=days)
    day = 28 if (today.month, today.day) == (2, 29) else today.day
    Beneficiary.update(birth_date=today.replace(year=today.year - years, day=day)).where(
        Beneficiary.id == person.id
    ).execute()


@pytest.fixture
def people(hr):
    """Three employees, a spouse and two children of the first one."""
    first, *others = hr.beneficiaries().order_by(Beneficiary.id)
    Beneficiary.delete().where(Beneficiary.id.in_([one.id for one in others[2:]])).execute()
    whole = {"household_number": first.household_number}
    return [
        factories.beneficiary(first.contract, "Barbaud", name, role=role, **whole)
        for name, role in (
            ("Zoé", BeneficiaryRole.SPOUSE),
            ("Léa", BeneficiaryRole.CHILD),
            ("Tom", BeneficiaryRole.CHILD),
        )
    ]


def test_it_is_counted_before_and_nothing_is_kept(staff, people):
    answer = staff.post(f"{PATH}/nouvelle", typed(etape="compter"))
    assert answer.status_code == 200
    page = answer.get_data(as_text=True).replace("\u00a0", " ")
    assert "3 personnes" in page
    assert "Ouvrir la campagne" in page
    assert not DocumentCampaign.select().exists()
    assert not DocumentRequest.select().exists()


def test_each_is_asked_once_whatever_is_clicked(staff, people):
    for _ in range(2):
        assert staff.post(f"{PATH}/nouvelle", typed()).status_code == 303
    assert DocumentRequest.select().count() == 3
    campaign = DocumentCampaign.get()
    assert (campaign.asked, campaign.label, campaign.due_on) == (3, "Droits 2027", day(40))
    assert {row.due_on for row in DocumentRequest.select()} == {day(40)}
    assert AuditEvent.select().where(AuditEvent.action == "campaign.open").count() == 1


def test_the_worker_writes_to_who_can_be_reached_without_waiting_for_the_next_day(app, staff, people):
    Beneficiary.update(email="zoe@example.com").where(Beneficiary.role == BeneficiaryRole.EMPLOYEE).execute()
    watched = type("Watched", (), {"look": lambda self: app.settings})()
    look = tasks.looking(watched)
    look()
    before = OutboxMessage.select().count()
    staff.post(f"{PATH}/nouvelle", typed())
    look()
    assert OutboxMessage.select().count() > before
    assert DocumentCampaign.get().announced_at is not None
    after = OutboxMessage.select().count()
    look()
    assert OutboxMessage.select().count() == after


@pytest.mark.parametrize(
    ("qui", "more", "found"),
    [
        ("enfants", {}, {"Léa", "Tom"}),
        ("conjoints", {}, {"Zoé"}),
        ("enfants", {"age_min": "18"}, {"Tom"}),
        ("enfants", {"age_max": "17"}, {"Léa"}),
        ("enfants", {"age_min": "18", "age_max": "18"}, {"Tom"}),
        ("enfants", {"age_max": "19"}, {"Léa", "Tom"}),
    ],
)
def test_roles_and_ages_are_those_of_today(staff, people, qui, more, found):
    _, lea, tom = people
    born(lea, 18, days=-1)  # tomorrow
    born(tom, 18)
    staff.post(f"{PATH}/nouvelle", typed(qui=qui, **more))
    assert {row.beneficiary.first_name for row in DocumentRequest.select()} == found


def test_an_account_alone_and_who_left_is_not_asked(staff, people):
    factories.hr_user()
    lea = people[1]
    Beneficiary.update(terminated_on=day(-1)).where(Beneficiary.id == lea.id).execute()
    code = ManagedAccount.get_by_id(lea.account_id).code
    staff.post(f"{PATH}/nouvelle", typed(qui="famille", pour="compte", compte=code))
    asked = list(DocumentRequest.select())
    assert {row.beneficiary.account_id for row in asked} == {lea.account_id}
    assert lea.id not in {row.beneficiary_id for row in asked}
    assert len(asked) == 5


def test_who_sent_it_this_year_is_left_alone_when_it_is_asked(staff, people):
    employee = Beneficiary.get(Beneficiary.role == BeneficiaryRole.EMPLOYEE)
    sent = proofs.ask(employee, rules.HEALTH_RIGHTS, "Avant", proofs.RENEWAL, clock.now())
    long_ago = clock.now() - datetime.timedelta(days=300)
    DocumentRequest.update(state=RequestState.ACCEPTED, received_at=long_ago).where(
        DocumentRequest.id == sent.id
    ).execute()
    staff.post(f"{PATH}/nouvelle", typed(sauf="y"))
    assert DocumentRequest.select().where(DocumentRequest.campaign == "Droits 2027").count() == 2
    staff.post(f"{PATH}/nouvelle", typed(nom="Tous", form_key=KEY.replace("9", "8")))
    assert DocumentRequest.select().where(DocumentRequest.campaign == "Tous").count() == 3


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"document": "RIEN"}, "Choisissez le justificatif"),
        ({"nom": ""}, "Donnez un nom"),
        ({"nom": "294063947803145"}, "sécurité sociale"),
        ({"qui": ""}, "Dites à qui"),
        ({"pour": "x"}, "Dites de quelles entreprises"),
        ({"pour": "compte", "compte": "INCONNU"}, "Aucun compte ne correspond"),
        ({"age_min": "dix"}, "Écrivez un âge"),
        ({"age_min": "٣"}, "Écrivez un âge"),
        ({"age_min": "1" * 400}, "Écrivez un âge"),
        ({"age_min": "00012345"}, "Écrivez un âge"),
        ({"age_max": "0000999999"}, "Écrivez un âge"),
        ({"age_min": "20", "age_max": "18"}, "sous le premier"),
        ({"limite": ""}, "Indiquez la date limite"),
        ({"limite": "31/02/2027"}, "n’existe pas"),
        ({"limite": french(clock.today())}, "passée"),
        ({"limite": french(day(400))}, "plus d’un an"),
        ({"qui": "conjoints", "age_min": "119"}, "Personne ne correspond"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_asked(staff, people, changes, said):
    answer = staff.post(f"{PATH}/nouvelle", typed(**changes))
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)
    assert not DocumentRequest.select().exists()


def test_a_name_is_taken_once(staff, people):
    staff.post(f"{PATH}/nouvelle", typed())
    answer = staff.post(f"{PATH}/nouvelle", typed(form_key=KEY.replace("9", "8")))
    assert answer.status_code == 422
    assert "porte déjà ce nom" in answer.get_data(as_text=True)
    assert DocumentRequest.select().count() == 3


@pytest.mark.parametrize(
    "name", ["Adhésions 2026", "dispenses  2027", "Certificats de scolarité 2026-2027", "Ancienne"]
)
def test_the_name_of_other_requests_is_not_taken_and_they_stay(staff, people, name):
    """« Arrêter » would end them."""
    employee = Beneficiary.get(Beneficiary.role == BeneficiaryRole.EMPLOYEE)
    other = proofs.ask(employee, rules.HOME_ADDRESS, "Ancienne", proofs.INSURER, clock.now())
    answer = staff.post(f"{PATH}/nouvelle", typed(nom=name))
    assert answer.status_code == 422
    assert "porte déjà ce nom" in answer.get_data(as_text=True)
    assert [row.id for row in DocumentRequest.select()] == [other.id]


def test_what_came_later_under_its_name_for_another_document_is_not_its_own(staff, people):
    staff.post(f"{PATH}/nouvelle", typed())
    employee = Beneficiary.get(Beneficiary.role == BeneficiaryRole.EMPLOYEE)
    other = proofs.ask(employee, rules.HOME_ADDRESS, "Droits 2027", proofs.INSURER, clock.now())
    staff.post(f"{PATH}/{DocumentCampaign.get().public_id}/arret")
    assert DocumentRequest.get_by_id(other.id).state == RequestState.AWAITED


def test_too_many_at_once_is_said(staff, people, monkeypatch):
    monkeypatch.setattr(campaigns, "MOST", 2)
    assert staff.post(f"{PATH}/nouvelle", typed()).status_code == 422
    assert not DocumentRequest.select().exists()


def test_a_longer_one_takes_back_what_had_expired(staff, people):
    staff.post(f"{PATH}/nouvelle", typed())
    campaign, states = DocumentCampaign.get(), (RequestState.EXPIRED, RequestState.AWAITED, RequestState.ACCEPTED)
    for row, state in zip(DocumentRequest.select().order_by(DocumentRequest.id), states, strict=True):
        DocumentRequest.update(state=state).where(DocumentRequest.id == row.id).execute()
    assert staff.post(f"{PATH}/{campaign.public_id}/prolongation", {"limite": french(day(90))}).status_code == 303
    found = [(row.state, row.due_on) for row in DocumentRequest.select().order_by(DocumentRequest.id)]
    assert found == [("AWAITED", day(90)), ("AWAITED", day(90)), ("ACCEPTED", day(40))]
    assert DocumentCampaign.get().due_on == day(90)
    answer = staff.post(f"{PATH}/{campaign.public_id}/prolongation", {"limite": french(day(-1))})
    assert answer.status_code == 422
    assert DocumentCampaign.get().due_on == day(90)


def test_one_that_is_stopped_is_not_made_longer(staff, people):
    staff.post(f"{PATH}/nouvelle", typed())
    campaign, first = DocumentCampaign.get(), DocumentRequest.get()
    DocumentRequest.update(state=RequestState.EXPIRED).where(DocumentRequest.id == first.id).execute()
    staff.post(f"{PATH}/{campaign.public_id}/arret")
    words = {"limite": french(day(90))}
    page = staff.post(f"{PATH}/{campaign.public_id}/prolongation", words, follow_redirects=True)
    assert "plus rien n’y est attendu" in page.get_data(as_text=True)
    assert DocumentRequest.get_by_id(first.id).state == RequestState.EXPIRED


def test_a_last_day_is_not_brought_forward(staff, people):
    staff.post(f"{PATH}/nouvelle", typed())
    answer = staff.post(f"{PATH}/{DocumentCampaign.get().public_id}/prolongation", {"limite": french(day(10))})
    assert answer.status_code == 422
    assert DocumentCampaign.get().due_on == day(40)


def test_what_the_management_system_asks_under_its_name_is_not_its_own(staff, people):
    staff.post(f"{PATH}/nouvelle", typed())
    other = proofs.ask(people[0], rules.HEALTH_RIGHTS, "Droits 2027", proofs.INSURER, clock.now())
    assert campaigns.counted([DocumentCampaign.get()])[0].open == 3
    staff.post(f"{PATH}/{DocumentCampaign.get().public_id}/arret")
    assert DocumentRequest.get_by_id(other.id).state == RequestState.AWAITED


def test_one_that_is_stopped_awaits_nothing_more_and_keeps_what_came(staff, people):
    staff.post(f"{PATH}/nouvelle", typed())
    campaign, first = DocumentCampaign.get(), DocumentRequest.get()
    DocumentRequest.update(state=RequestState.RECEIVED).where(DocumentRequest.id == first.id).execute()
    assert staff.post(f"{PATH}/{campaign.public_id}/arret").status_code == 303
    states = sorted(row.state for row in DocumentRequest.select())
    assert states == ["CANCELLED", "CANCELLED", "RECEIVED"]
    page = staff.get(f"{PATH}/{campaign.public_id}").get_data(as_text=True)
    assert "Arrêter la campagne" not in page


def test_the_list_counts_in_the_same_statements_however_many(staff, people, queries):
    def asked():
        queries.clear()
        assert staff.get(PATH).status_code == 200
        return len(queries)

    staff.post(f"{PATH}/nouvelle", typed())
    few = asked()
    for number in range(12):
        DocumentCampaign.create(label=f"C{number}", document_type="HEALTH_RIGHTS", sent_on=day(0), due_on=day(1))
    assert asked() == few


def test_only_the_desk_opens_campaigns(signed_in):
    assert signed_in.get(PATH).status_code == 403
    assert signed_in.post(f"{PATH}/nouvelle", typed()).status_code == 403

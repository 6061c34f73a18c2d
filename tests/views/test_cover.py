"""« Vérifier une couverture »: one exact answer or « non trouvé », limited by the hour, written down."""

import datetime

import pytest

from portal import clock
from portal.models import AuditEvent, Beneficiary, BeneficiaryRole, User, UserRole
from portal.rules.identifiers import nir_key
from tests import factories

NIR = "1850339478031" + nir_key("1850339478031")
OTHER = "1850339478032" + nir_key("1850339478032")
BORN = datetime.date(1985, 3, 27)


@pytest.fixture
def patient(database):
    contract = factories.contract(factories.category(factories.company(factories.account())))
    born = {"birth_date": BORN, "effective_on": "2020-01-01", "member_number": "00638999"}
    return factories.beneficiary(contract, nir=NIR, street="rue Cachée", **born)


@pytest.fixture
def doctor(client, patient):
    client.sign_in(factories.user(role=UserRole.HEALTH_PROFESSIONAL))
    return client


def asked(client, status=200, **typed):
    answer = client.post("/couverture", {"soins": f"{clock.today():%d/%m/%Y}"} | typed)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def by_nir(client, nir=NIR, born="27/03/1985", **typed):
    return asked(client, nir=nir, naissance=born, **typed)


def test_a_person_who_is_covered_is_told_with_contract_and_terms_and_nothing_more(doctor, patient):
    for page in (by_nir(doctor), asked(doctor, adherent=patient.member_number)):
        assert "Couvert le" in page
        assert patient.contract.number in page
        assert patient.contract.plan.label in page
        assert "n° AMC 99900001" in page
        assert "tarif de responsabilité" in page
        for kept in ("Barbaud", "BARBAUD", "Philippe", "rue Cachée", "Combe-Noire"):
            assert kept not in page


def test_the_day_of_care_decides(doctor, patient):
    today = clock.today()
    Beneficiary.update(terminated_on=today).where(Beneficiary.id == patient.id).execute()
    assert "Couvert le" in by_nir(doctor)
    assert "Non trouvé" in by_nir(doctor, soins=f"{today + datetime.timedelta(days=1):%d/%m/%Y}")
    Beneficiary.update(effective_on=today, terminated_on=None).where(Beneficiary.id == patient.id).execute()
    assert "Non trouvé" in by_nir(doctor, soins=f"{today - datetime.timedelta(days=1):%d/%m/%Y}")


def test_not_found_is_the_same_page_whatever_is_wrong(doctor, patient):
    pages = {
        "wrong birth date": by_nir(doctor, born="28/03/1985"),
        "unknown number": by_nir(doctor, nir=OTHER),
    }
    Beneficiary.update(terminated_on="2021-01-01").where(Beneficiary.id == patient.id).execute()
    pages["gone"] = by_nir(doctor)
    assert all("Non trouvé" in page for page in pages.values())
    assert len({page.partition('aria-label="Réponse"')[2].partition("<form")[0] for page in pages.values()}) == 1


def test_a_member_number_with_another_birth_date_is_not_found(doctor, patient):
    assert "Non trouvé" in asked(doctor, adherent=patient.member_number, naissance="28/03/1985")
    assert "Couvert le" in asked(doctor, adherent=patient.member_number, naissance="27/03/1985")
    assert "Non trouvé" in asked(doctor, adherent="0063")


def test_a_child_is_named_by_the_number_of_a_parent(doctor, patient):
    child = factories.beneficiary(
        patient.contract,
        role=BeneficiaryRole.CHILD,
        household_number=patient.household_number,
        birth_date=datetime.date(2019, 5, 4),
        effective_on="2020-01-01",
    )
    assert "Couvert le" in by_nir(doctor, born="04/05/2019")
    Beneficiary.update(household_number="ailleurs").where(Beneficiary.id == child.id).execute()
    assert "Non trouvé" in by_nir(doctor, born="04/05/2019")


def test_somebody_whom_the_mutual_has_not_registered_yet_is_not_found(doctor, patient):
    Beneficiary.update(provisional=True).where(Beneficiary.id == patient.id).execute()
    assert "Non trouvé" in by_nir(doctor)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, "Indiquez le n° d’adhérent"),
        ({"nir": NIR}, "indiquez la date de naissance"),
        ({"nir": NIR[:13] + "00", "naissance": "27/03/1985"}, "La clé"),
        ({"nir": "²" * 15, "naissance": "27/03/1985"}, "chiffres"),
        ({"adherent": "1", "naissance": "31/02/1985"}, "date"),
        ({"adherent": "1", "soins": "01/01/2020"}, "trop anciens"),
        ({"adherent": "1", "soins": "01/01/2090"}, "trop loin"),
        ({"adherent": "1", "soins": ""}, "date"),
        ({"adherent": "9" * 61}, "trop longue"),
        ({"adherent": "' OR 1=1 --"}, "chiffres et des lettres"),
        ({"adherent": "²"}, "chiffres et des lettres"),
        ({"adherent": "1", "soins": "<b>"}, "Écrivez la date"),
    ],
)
def test_what_is_badly_typed_is_explained(doctor, typed, said):
    assert said in asked(doctor, 422, **typed)
    assert not AuditEvent.select().where(AuditEvent.action == "cover.check").exists()


def test_each_check_is_written_down_by_a_blind_index(doctor, patient):
    by_nir(doctor)
    by_nir(doctor, born="28/03/1985")
    asked(doctor, adherent=patient.member_number)
    events = list(AuditEvent.select().where(AuditEvent.action == "cover.check").order_by(AuditEvent.number))
    assert [event.after["found"] for event in events] == [True, False, True]
    assert [event.object_id for event in events] == [str(patient.public_id), "", str(patient.public_id)]
    assert events[0].after["index"] == events[1].after["index"] != events[2].after["index"]
    assert all(NIR not in str(event.after) and patient.member_number not in str(event.after) for event in events)


def test_an_hour_has_so_many_checks_then_a_sentence_and_the_next_hour_again(doctor, patient, at, monkeypatch):
    from portal.views import cover

    monkeypatch.setattr(cover, "AN_HOUR", 3)
    for _ in range(3):
        by_nir(doctor)
    refused = asked(doctor, 429, nir=NIR, naissance="27/03/1985")
    assert "vérifications par heure" in refused
    assert "ou appelez le 01" in refused
    assert "Couvert le" not in refused
    at(minutes=61)
    doctor.sign_in(User.get(User.role == UserRole.HEALTH_PROFESSIONAL))
    assert "Couvert le" in by_nir(doctor)


def test_who_guesses_is_stopped_sooner(doctor, patient, monkeypatch):
    from portal.views import cover

    monkeypatch.setattr(cover, "MISSES_AN_HOUR", 2)
    for _ in range(5):
        by_nir(doctor)  # what is found is no guess
    by_nir(doctor, born="28/03/1985")
    by_nir(doctor, born="29/03/1985")
    refused = asked(doctor, 429, nir=NIR, naissance="27/03/1985")
    assert "Couvert le" not in refused


def test_health_professionals_see_this_page_in_their_menu_and_nobody_else_does(client, hr, doctor):
    page = doctor.get("/").get_data(as_text=True)
    assert 'href="/couverture"' in page
    for other in ("/salaries", "/contrats", "/demandes", "/gestion/"):
        assert f'href="{other}' not in page
    for user in (hr, *(factories.user(role=role) for role in (UserRole.STAFF, UserRole.ADMIN, UserRole.BROKER))):
        client.sign_in(user)
        assert client.get("/couverture").status_code == client.post("/couverture").status_code == 403
        assert 'href="/couverture"' not in client.get("/?perimetre=tous").get_data(as_text=True)
        assert user.covered(clock.today(), member_number="00638999") is None


def test_a_check_asks_for_few_statements_however_many_accounts(doctor, patient, queries):
    for number in range(30):
        factories.account(f"Compte {number}")
    by_nir(doctor)
    queries.clear()
    by_nir(doctor)
    assert len(queries) <= 26

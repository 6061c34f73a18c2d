"""« Et si j’embauche ? » and the tariff of a contract: what is said, what is not known, the door."""

import datetime

import pytest

from portal import clock
from portal.models import GroupContract, Plan, UserRole
from portal.rules.dates import months_after
from tests import factories
from tests.views.test_terminations import fr, plain

HIRED = datetime.date(clock.today().year, clock.today().month, 1)


@pytest.fixture
def contract(hr):
    """Isolé / Duo / Famille, 60 % by the employer."""
    found = hr.contracts().order_by(GroupContract.id).first()
    Plan.update(contribution_structure="SINGLE_DUO_FAMILY").where(Plan.id == found.plan_id).execute()
    return found


def asked(client, contract, **words):
    typed = {"contrat": contract.number, "date": fr(HIRED), **words}
    return plain(client.get("/simulation", query_string=typed))


def test_a_hire_is_told_a_month_and_until_the_end_of_the_year(signed_in, contract):
    factories.tariff(contract)
    text = asked(signed_in, contract)
    assert "Par mois 40,01 € Isolé" in text
    assert "Votre part, par mois 24,01 € 60 % de la cotisation" in text
    assert "Part du salarié, par mois 16,00 €" in text
    months = 13 - HIRED.month
    assert f"D’ici au 31/12/{HIRED.year} {euro(4_001 * months)}" in text
    assert f"Employeur : {euro(2_401 * months)} , salarié : {euro(1_600 * months)}" in text


def test_the_share_is_that_of_the_period_that_is_asked_for(signed_in, contract):
    """It changed on the second of a month: that month is still called with the one of before."""
    factories.tariff(contract)
    changed = HIRED.replace(day=2).isoformat()
    values = {"billing_frequency": "Mensuelle", "former_shares": [[changed, 5_000]]}
    GroupContract.update(values).where(GroupContract.id == contract.id).execute()
    text = asked(signed_in, contract)
    assert "Votre part, par mois 20,01 € 50 % de la cotisation" in text
    later = 12 - HIRED.month  # the months after it are called with the new one
    assert f"Employeur : {euro(2_001 + 2_401 * later)} , salarié : {euro(2_000 + 1_600 * later)}" in text
    following = asked(signed_in, contract, date=fr(months_after(HIRED, 1)))
    assert "Votre part, par mois 24,01 € 60 % de la cotisation" in following


def euro(cents):
    return f"{cents // 100},{cents % 100:02} €"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"conjoint": "oui"}, "75,01 € Duo"),
        ({"conjoint": "oui", "enfants": "2"}, "110,00 € Famille"),
        ({"conjoint": "x", "enfants": "zz"}, "40,01 € Isolé"),
    ],
)
def test_the_family_makes_the_price(signed_in, contract, words, said):
    factories.tariff(contract)
    assert f"Par mois {said}" in asked(signed_in, contract, **words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"date": "31/02/2026"}, "n’existe pas"),
        ({"date": "01/01/1990"}, "à moins d’un an"),
        ({"date": ""}, "Indiquez la date d’embauche"),
        ({"contrat": "HJ-INCONNU"}, "Ce contrat n’est pas dans la liste"),
        ({"contrat": ""}, "Choisissez un contrat"),
    ],
)
def test_what_cannot_be_read_is_said(signed_in, contract, words, said):
    factories.tariff(contract)
    text = asked(signed_in, contract, **words)
    assert said in text
    assert "Par mois" not in text


def test_what_is_not_known_is_said_in_a_sentence(signed_in, contract):
    assert "n’a pas transmis le tarif" in asked(signed_in, contract)
    later = months_after(clock.today(), 30)
    factories.tariff(contract, later)
    assert f"prend effet le {fr(later)}" in asked(signed_in, contract)


def test_a_price_that_follows_a_pmss_not_published_yet_says_so(signed_in, contract, monkeypatch):
    factories.tariff(contract, amount_type="PCT_PMSS", single=1_250)
    monkeypatch.setattr("portal.rules.contributions.PMSS", {})
    assert "pas encore publié" in asked(signed_in, contract)
    assert "PMSS pas encore publié" in plain(signed_in.get(f"/contrats/{contract.public_id}"))


def test_a_contract_that_covers_the_employee_alone_says_so(signed_in, contract):
    Plan.update(contribution_structure="SINGLE_ONLY").where(Plan.id == contract.plan_id).execute()
    factories.tariff(contract)
    assert "couvre le salarié seul" in asked(signed_in, contract, enfants="1")


def test_the_contract_of_another_company_is_not_there(signed_in, contract):
    other = factories.hr_user().contracts().first()
    factories.tariff(other)
    text = asked(signed_in, other)
    assert "Ce contrat n’est pas dans la liste" in text
    assert other.number not in text


def test_it_is_closed_to_who_sees_no_money_and_asks_little(signed_in, client, contract, queries):
    factories.tariff(contract)
    queries.clear()
    signed_in.get("/simulation", query_string={"contrat": contract.number})
    assert len(queries) <= 5
    client.sign_in(factories.user(role=UserRole.HEALTH_PROFESSIONAL))
    assert client.get("/simulation").status_code == 403


def test_the_page_of_a_contract_tells_its_tariff_now_and_to_come(signed_in, contract):
    page = f"/contrats/{contract.public_id}"
    assert "ne connaît pas le tarif" in plain(signed_in.get(page))
    factories.tariff(contract, datetime.date(2019, 1, 1), single=1)
    factories.tariff(contract)
    coming = months_after(HIRED, 2)
    factories.tariff(contract, coming, single=4_200)
    text = plain(signed_in.get(page))
    assert "Depuis le 01/01/2020" in text
    assert "Isolé 40,01 € 24,01 € 16,00 €" in text
    assert f"À partir du {fr(coming)}" in text
    assert "42,00 €" in text
    assert "01/01/2019" not in text
    assert "Et si j’embauche" in text

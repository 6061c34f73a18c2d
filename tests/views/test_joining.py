"""One affiliation: who it is first, recognised before anything is typed twice; then asked, once."""

import datetime
import re

import pytest

from portal import clock
from portal.exchange.affiliation_cells import NAMES, TITLES
from portal.models import AuditEvent, Beneficiary, BeneficiaryRole, DocumentRequest, Enrolment, Movement, MovementKind
from tests import factories
from tests.exchange.test_affiliations import newcomers, nir, read, words
from tests.views.test_terminations import fr, plain

BORN = datetime.date(1980, 1, 15)
WHO = ("Nom", "Prénom", "Date de naissance", "N° S. Sociale")
LEFT_OUT = ("Type", "Code Entreprise", "Code collège", "Garantie")  # the contract stands for them


@pytest.fixture
def contract(hr):
    return hr.contracts().first()


def boxes(cells, titles=TITLES):
    return {NAMES[TITLES.index(title)]: cells.get(title, "") for title in titles}


def identity(contract, **others):
    return boxes(words(contract, **others), WHO)


def look_for(client, contract, etape="", **others):
    return client.post("/affiliations/nouvelle", identity(contract, **others) | {"etape": etape})


def short_form(client, contract, **others):
    """What is sent of the short form, right unless told otherwise."""
    page = look_for(client, contract, "continuer").get_data(as_text=True)
    key = re.search(r'name="form_key"[^>]*value="([^"]+)"', page)[1]
    typed = boxes(words(contract, **others), [title for title in TITLES if title not in LEFT_OUT])
    return typed | {"contrat": contract.number, "etape": "demander", "form_key": key}


def test_a_whole_enrolment_takes_what_was_typed_along_once(signed_in, contract):
    typed = short_form(signed_in, contract) | {"etape": "adhesion", "codepostal": "39200", "rue": "rue du Pré"}
    for _ in range(2):
        answer = signed_in.post("/affiliations/nouvelle", typed)
        assert answer.status_code == 303
    draft = Enrolment.get()
    assert answer.headers["Location"].startswith(f"/adhesion/{draft.public_id}/salarie")
    said = draft.unseal()
    assert said["garantie"]["contrat"] == [contract.number]
    assert said["salarie"]["nom"] == [typed["nom"]]
    assert (said["coordonnees"]["rue"], said["coordonnees"]["codepostal"]) == (["rue du Pré"], ["39200"])
    assert f'value="{typed["nom"]}"' in signed_in.get(answer.headers["Location"]).get_data(as_text=True)
    assert Enrolment.select().count() == 1


def test_the_short_form_leads_to_a_link_for_the_employee(signed_in, contract):
    typed = short_form(signed_in, contract) | {"etape": "confier", "email": "zoe@exemple.fr"}
    answer = signed_in.post("/affiliations/nouvelle", typed)
    assert answer.headers["Location"].startswith(f"/adhesion/{Enrolment.get().public_id}/confier")
    page = signed_in.get(answer.headers["Location"]).get_data(as_text=True)
    assert 'value="zoe@exemple.fr"' in page
    assert typed["prenom"] in page


def test_a_whole_enrolment_begins_with_a_contract_and_loses_nothing(signed_in, contract):
    typed = short_form(signed_in, contract) | {"etape": "adhesion", "contrat": ""}
    answer = signed_in.post("/affiliations/nouvelle", typed)
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert "une adhésion commence par lui" in page
    assert f'value="{typed["nom"]}"' in page
    assert Enrolment.select().count() == 0


def again_with_doubts(answer, typed):
    told = re.search(r'name="averti"[^>]*value="([^"]*)"', answer.get_data(as_text=True))[1]
    return typed | {"averti": told}


def test_a_newcomer_comes_to_the_short_form_with_what_was_typed(signed_in, contract):
    assert "Affilier un salarié" in plain(signed_in.get("/affiliations/nouvelle", follow_redirects=True))
    page = look_for(signed_in, contract).get_data(as_text=True)
    assert "cette personne n’est pas encore couverte" in page.replace("\u00a0", " ")
    assert re.search(r'name="nom"[^>]*value="Nouveau1"', page)
    assert Movement.select().count() == 0


def test_who_is_wrong_is_refused_and_kept(signed_in, contract):
    answer = look_for(signed_in, contract, **{"Nom": "", "N° S. Sociale": "1 80"})
    assert answer.status_code == 422
    text = plain(answer)
    assert "Le n° de sécurité sociale a 3 chiffres" in text
    assert "Erreur : Affilier un salarié" in text


def test_who_has_that_number_is_offered_and_there_is_no_way_round(signed_in, contract):
    factories.beneficiary(contract, "Ancien", "Paul", nir=nir(1))
    answer = look_for(signed_in, contract, "continuer")
    text = plain(answer)
    assert "Paul ANCIEN est déjà couvert" in text
    assert "Ouvrir sa fiche" in text
    assert "Ce n’est pas la même personne" not in text
    assert AuditEvent.get(AuditEvent.action == "affiliation.recognise")


def test_who_has_that_name_and_birth_is_offered_and_may_be_another(signed_in, contract):
    factories.beneficiary(contract, "Nouveau1", "Paul", birth_date=BORN)
    assert "vérifiez que c’est la même personne" in plain(look_for(signed_in, contract))
    assert "pas encore couverte" in plain(look_for(signed_in, contract, "continuer"))


def test_who_waits_in_a_file_is_offered_there(signed_in, hr, contract):
    read(hr, words(contract))
    text = plain(look_for(signed_in, contract))
    assert "Cette personne attend déjà dans un fichier" in text
    assert "Elle est à la ligne 2 de « f.csv »" in text


def test_another_account_s_people_are_not_recognised(signed_in, contract):
    stranger = factories.contract(factories.category(factories.company(factories.account("Autre"))))
    factories.beneficiary(stranger, "Nouveau1", "Paul", nir=nir(1))
    assert "pas encore couverte" in plain(look_for(signed_in, contract))


def test_the_affiliation_is_asked_once_however_often_it_is_sent(signed_in, hr, contract):
    typed = short_form(signed_in, contract)
    answers = [signed_in.post("/affiliations/nouvelle", typed) for _ in range(2)]
    (newcomer,) = newcomers()
    assert {answer.location.partition("?")[0] for answer in answers} == {f"/salaries/{newcomer.public_id}"}
    movement = Movement.get()
    assert (movement.kind, movement.author_id) == (MovementKind.AFFILIATION, hr.id)
    assert newcomer.unseal("nir") == nir(1)
    event = AuditEvent.get(AuditEvent.action == "movement.affiliation")
    assert nir(1) not in str(event.after)
    page = plain(signed_in.get(f"/salaries/{newcomer.public_id}"))
    assert "Affiliation" in page
    assert "Enregistrée" in page


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"Date d'effet": "31/02/2026"}, "n’existe pas"),
        ({"Date d'effet": "01/01/1900"}, "Au plus tôt le"),
        ({"Code Postal": "12"}, "code postal"),
        ({"E-mail": "paul"}, "adresse"),
        ({"Portable": "06 12"}, "téléphone"),
        ({"Rue": ""}, "rue"),
    ],
)
def test_what_is_wrong_is_said_by_the_rules_of_the_file(signed_in, contract, changed, said):
    answer = signed_in.post("/affiliations/nouvelle", short_form(signed_in, contract, **changed))
    assert answer.status_code == 422
    assert said.lower() in plain(answer).lower()
    assert not newcomers()


def test_a_contract_of_another_account_is_no_choice(signed_in, contract):
    other = factories.contract(factories.category(factories.company(factories.account("Autre"))))
    answer = signed_in.post("/affiliations/nouvelle", short_form(signed_in, contract) | {"contrat": other.number})
    assert answer.status_code == 422
    assert "Choisissez le contrat" in plain(answer)


def test_a_doubt_is_said_once_then_accepted(signed_in, contract):
    typed = short_form(signed_in, contract, Sexe="F", Civilité="Mme")
    answer = signed_in.post("/affiliations/nouvelle", typed)
    assert answer.status_code == 422
    assert "À vérifier avant d’envoyer" in plain(answer)
    assert not newcomers()
    assert signed_in.post("/affiliations/nouvelle", again_with_doubts(answer, typed)).status_code == 303
    assert len(newcomers()) == 1


def test_who_was_affiliated_meanwhile_is_not_twice(signed_in, hr, contract):
    typed = short_form(signed_in, contract)
    factories.beneficiary(contract, "Nouveau1", "Paul", nir=nir(1), birth_date=BORN)
    answer = signed_in.post("/affiliations/nouvelle", typed)
    assert "est déjà dans ce compte" in plain(signed_in.get(answer.location))
    assert not newcomers()


# ── Dependents ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def employee(contract):
    return factories.beneficiary(contract, "Lamy", "Corentin", household_number="FOYER")


def joins(client, employee, **typed):
    where = f"/salaries/{employee.public_id}/ayant-droit"
    page = client.get(where).get_data(as_text=True)
    key = re.search(r'name="form_key"[^>]*value="([^"]+)"', page)[1]
    person = {"nom": "Lamy", "prenom": "Léa", "datedenaissance": "02/02/2015", "sexe": "Féminin", "type": "Enfant"}
    return where, person | {"datedeffet": fr(clock.today()), "form_key": key} | typed


def test_a_child_joins_with_the_contract_and_address_of_the_employee(signed_in, employee):
    where, typed = joins(signed_in, employee)
    answers = [signed_in.post(where, typed) for _ in range(2)]
    assert {answer.status_code for answer in answers} == {303}
    (child,) = newcomers()
    assert (child.role, child.household_number) == (BeneficiaryRole.CHILD, "FOYER")
    assert (child.contract_id, child.city) == (employee.contract_id, employee.city)


def test_a_partner_joins_with_the_proof_that_is_awaited(signed_in, employee):
    who = {"type": "Conjoint", "lien": "PACS", "prenom": "Alix", "datedenaissance": "02/02/1985"}
    where, typed = joins(signed_in, employee, **who)
    answer = signed_in.post(where, typed)
    assert answer.status_code == 303  # at once: a document that is awaited is no doubt
    assert "Pièce attendue" in plain(signed_in.get(answer.location))
    (partner,) = newcomers()
    assert DocumentRequest.get().beneficiary_id == partner.id


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"type": ""}, "Choisissez"),
        ({"prenom": ""}, "prénom"),
        ({"datedeffet": "01/01/2010"}, "Au plus tôt le"),
        ({"datedenaissance": "02/02/1990"}, "ans"),
    ],
)
def test_a_dependent_who_cannot_join_is_refused(signed_in, employee, typed, said):
    where, fields = joins(signed_in, employee, **typed)
    answer = signed_in.post(where, fields)
    assert answer.status_code == 422
    assert said.lower() in plain(answer).lower()
    assert not newcomers()


def test_nobody_joins_who_has_left_nor_a_dependent(signed_in, contract, employee):
    child = factories.beneficiary(contract, household_number="FOYER", role=BeneficiaryRole.CHILD)
    Beneficiary.update(terminated_on="2024-01-31").where(Beneficiary.id == employee.id).execute()
    for person in (employee, child):
        assert signed_in.get(f"/salaries/{person.public_id}/ayant-droit").status_code == 404

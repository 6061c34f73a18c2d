"""What is changed of one person: recorded once, told in the history, and never over what somebody else changed."""

import datetime
import re

import pytest

from portal import clock
from portal.models import AuditEvent, Beneficiary, BeneficiaryRole, GroupContract, Movement, MovementKind, MovementState
from tests import factories
from tests.views.test_employees import sent
from tests.views.test_terminations import fr, plain

DAY = datetime.timedelta(days=1)
MOVE = {
    "numero": "3",
    "rue": "rue Pasteur",
    "complement": "",
    "code_postal": "39100",
    "ville": "Dole",
    "pays": "France",
}
NAME = {"civilite": "Mme", "naissance": "Barbaud", "usage": "Éparvier", "prenom": "Anne"}


@pytest.fixture
def contracts(hr):
    return list(hr.contracts().order_by(GroupContract.id))


@pytest.fixture
def employee(contracts):
    return factories.beneficiary(contracts[0], "Lamy", "Corentin", household_number="FOYER")


@pytest.fixture
def child(contracts, employee):
    return factories.beneficiary(
        contracts[0], "Lamy", "Clémence", household_number="FOYER", role=BeneficiaryRole.CHILD, sex="F"
    )


def form(client, where):
    """The hidden fields of the form of an address."""
    text = client.get(where).get_data(as_text=True)
    return dict(re.findall(r'name="(version|form_key)"[^>]*value="([^"]+)"', text))


def send(client, person, what, **fields):
    where = f"/salaries/{person.public_id}/{what}"
    button = {"etape": "enregistrer"} if what == "adresse" else {}
    return client.post(where, form(client, where) | button | fields)


def again(person):
    return Beneficiary.get_by_id(person.id)


# ── Address ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_household_moves_house(signed_in, hr, employee, child):
    answer = send(signed_in, employee, "adresse", **MOVE, depuis=fr(clock.today()), pour="foyer")
    assert answer.location == f"/salaries/{employee.public_id}"
    assert {again(one).city for one in (employee, child)} == {"Dole"}
    page = plain(signed_in.get(answer.location))
    assert "Nouvelle adresse de Corentin LAMY et son foyer (2 personnes), à partir du" in page
    assert "Adresse : 14 rue du Tomachon, 39200 Saint-Claude → 3 rue Pasteur, 39100 Dole" in page
    assert "par Sylvie Monneret" in page
    event = AuditEvent.get(AuditEvent.action == "movement.address")
    assert (event.before["city"], event.after["city"]) == ("Saint-Claude", "Dole")


def test_one_may_move_alone_and_later(signed_in, employee, child, at):
    later = clock.today() + 5 * DAY
    answer = send(signed_in, employee, "adresse", **MOVE, depuis=fr(later), pour="seul")
    assert again(employee).city == "Saint-Claude"
    assert "À venir" in plain(signed_in.get(answer.location))
    at(days=5)
    Movement.apply_due(clock.now())
    assert (again(employee).city, again(child).city) == ("Dole", "Saint-Claude")


def test_the_postal_code_gives_its_towns(signed_in, employee):
    where = f"/salaries/{employee.public_id}/adresse"
    typed = MOVE | {"ville": "", "depuis": fr(clock.today()), "etape": "ville"}
    page = signed_in.post(where, form(signed_in, where) | typed)
    assert page.status_code == 200
    assert '<option value="Foucherans">' in page.get_data(as_text=True)
    assert 'value="rue Pasteur"' in page.get_data(as_text=True)
    region = signed_in.fragment(where, "POST", data=typed | {"code_postal": "39600", "csrf_token": signed_in.token()})
    assert region.get_data(as_text=True).lstrip().startswith('<div id="towns"')
    assert Movement.select().count() == 0


def test_a_code_of_one_town_writes_it(signed_in, employee):
    where = f"/salaries/{employee.public_id}/adresse"
    page = signed_in.post(where, MOVE | {"ville": "", "code_postal": "25000", "etape": "ville"})
    assert re.search(r'id="ville"[^>]*value="Besançon', page.get_data(as_text=True))


@pytest.mark.parametrize("code", ["39999", "39200"])
def test_a_doubt_is_said_once_and_then_accepted(signed_in, employee, code):
    where = f"/salaries/{employee.public_id}/adresse"
    fields = form(signed_in, where) | MOVE | {"code_postal": code, "depuis": fr(clock.today()), "etape": "enregistrer"}
    page = signed_in.post(where, fields)
    assert page.status_code == 422
    assert "Enregistrer quand même" in plain(page)
    told = re.search(r'name="averti"[^>]*value="([^"]+)"', page.get_data(as_text=True))[1]
    assert signed_in.post(where, fields | {"averti": told, "ville": "Dijon"}).status_code == 422
    assert signed_in.post(where, fields | {"averti": told}).status_code == 303
    assert again(employee).postal_code == code


def test_an_address_abroad_needs_no_french_code(signed_in, employee):
    abroad = MOVE | {"code_postal": "1003", "ville": "Lausanne", "pays": "Suisse", "depuis": fr(clock.today())}
    assert send(signed_in, employee, "adresse", **abroad).status_code == 303
    assert again(employee).country == "Suisse"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"rue": ""}, "Indiquez la rue"),
        ({"code_postal": "3910"}, "Le code postal a 5 chiffres"),
        ({"depuis": "31/02/2026"}, "n’existe pas"),
        ({"depuis": "01/01/2199"}, "Au plus tard le"),
        ({"ville": "x" * 300}, "Au plus 100 caractères"),
        ({"pour": "voisins"}, "Choisissez une des réponses proposées"),
    ],
)
def test_a_wrong_address_is_refused_and_kept(signed_in, employee, child, wrong, said):
    answer = send(signed_in, employee, "adresse", **MOVE | {"depuis": fr(clock.today()), "pour": "foyer"} | wrong)
    assert answer.status_code == 422
    assert said in plain(answer)
    assert Movement.select().count() == 0


# ── Name, contact details ────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_name_is_told_and_found(signed_in, employee):
    answer = send(signed_in, employee, "nom", **NAME)
    page = plain(signed_in.get(answer.location))
    assert "Nouveau nom d’Anne ÉPARVIER" in page
    assert "Prénom : Corentin → Anne" in page
    assert "ÉPARVIER" in plain(signed_in.get("/salaries?q=eparvier"))


def test_a_name_is_checked_by_its_rule_but_for_what_came_from_the_mutual(signed_in, employee):
    Beneficiary.update(used_name="王").where(Beneficiary.id == employee.id).execute()
    wrong = send(signed_in, again(employee), "nom", **NAME | {"usage": "王", "prenom": "Zoé 😀"})
    assert wrong.status_code == 422
    assert "n’a pas de signe" in plain(wrong) and "lettres latines" not in plain(wrong)
    assert send(signed_in, again(employee), "nom", **NAME | {"usage": "王"}).status_code == 303
    assert send(signed_in, again(employee), "nom", **NAME | {"usage": "李"}).status_code == 422


def test_contact_details_are_checked_by_their_rules(signed_in, employee):
    wrong = send(signed_in, employee, "contact", fixe="0712", portable="", courriel="nulle part")
    assert wrong.status_code == 422
    assert "Écrivez le courriel ainsi" in plain(wrong)
    send(signed_in, employee, "contact", fixe="01 99 00 10 01", portable="", courriel="c.lamy@exemple.fr")
    assert (again(employee).phone, again(employee).email) == ("+33199001001", "c.lamy@exemple.fr")
    assert "Tél fixe : 01 99 00 10 01" in plain(signed_in.get(f"/salaries/{employee.public_id}"))


def test_a_number_that_was_there_is_no_fault_of_who_changes_the_e_mail(signed_in, employee):
    Beneficiary.update(mobile="+33639980102").where(Beneficiary.id == employee.id).execute()
    kept = {"portable": "+33639980102", "courriel": "c.lamy@example.com"}
    assert send(signed_in, employee, "contact", **kept).status_code == 303
    assert again(employee).email == "c.lamy@example.com"


@pytest.mark.parametrize(
    ("kept", "shown"), [("+33639980102", "06 39 98 01 02"), ("+41227910000", "+41 22 791 00 00"), ("0384", "0384")]
)
def test_a_number_is_shown_as_it_is_said_and_kept_as_it_was(signed_in, employee, kept, shown):
    Beneficiary.update(mobile=kept).where(Beneficiary.id == employee.id).execute()
    page = signed_in.get(f"/salaries/{employee.public_id}/contact").get_data(as_text=True)
    [there] = re.findall(r'name="portable"[^>]*value="([^"]*)"', page)
    assert re.sub(r"\s", " ", there) == shown
    answer = send(signed_in, employee, "contact", portable=there, courriel="c.lamy@example.com")
    assert answer.status_code == 303
    assert (again(employee).mobile, again(employee).email) == (kept, "c.lamy@example.com")


def test_what_somebody_else_wrote_stays_where_nothing_was_typed(signed_in, hr, employee):
    where = f"/salaries/{employee.public_id}/contact"
    fields = form(signed_in, where) | {"portable": "", "courriel": "c.lamy@example.com"}
    employee.modify(MovementKind.CONTACT, {"mobile": "+33612345678"}, clock.today(), hr, clock.now(), 1)
    page = signed_in.post(where, fields).get_data(as_text=True)
    assert re.search(r'name="portable"[^>]*value="06\s12\s34\s56\s78"', page)
    assert re.search(r'name="courriel"[^>]*value="c.lamy@example.com"', page)


def test_nothing_changed_is_no_movement(signed_in, employee):
    answer = send(signed_in, employee, "contact", fixe="", portable="", courriel="")
    assert answer.status_code == 422
    assert "Rien n’a changé" in plain(answer)


def test_the_same_form_sent_twice_is_one_movement(signed_in, employee):
    where = f"/salaries/{employee.public_id}/contact"
    fields = form(signed_in, where) | {"courriel": "c.lamy@exemple.fr"}
    assert [signed_in.post(where, fields).status_code for _ in range(2)] == [303, 303]
    assert Movement.select().count() == 1
    assert "rien n’a été fait deux fois" in plain(signed_in.get(f"/salaries/{employee.public_id}"))


@pytest.mark.parametrize(
    ("what", "fields"),
    [
        ("adresse", MOVE | {"depuis": "", "pour": "seul"}),
        ("nom", NAME),
        ("contact", {"courriel": "c.lamy@exemple.fr"}),
    ],
)
def test_two_people_at_once_the_second_is_told_and_loses_nothing(signed_in, hr, employee, what, fields):
    where = f"/salaries/{employee.public_id}/{what}"
    fields = form(signed_in, where) | fields | {"etape": "enregistrer"}
    if what == "adresse":
        fields["depuis"] = fr(clock.today())
    other = factories.user(accounts=[hr.accounts().get()], first_name="Loïc", last_name="Mathieu")
    employee.modify(MovementKind.CONTACT, {"mobile": "+33639980102"}, clock.today(), other, clock.now(), 1)
    answer = signed_in.post(where, fields)
    assert answer.status_code == 409
    text = plain(answer)
    assert "Cette fiche a changé pendant votre saisie" in text
    assert "Nouvelles coordonnées par Loïc Mathieu" in text
    typed = {"adresse": "rue Pasteur", "nom": "Éparvier", "contact": "c.lamy@exemple.fr"}[what]
    assert f'value="{typed}"' in answer.get_data(as_text=True)
    assert Movement.select().count() == 1
    version = re.search(r'name="version"[^>]*value="(\d+)"', answer.get_data(as_text=True))[1]
    assert signed_in.post(where, fields | {"version": version}).status_code == 303


def test_a_version_that_makes_no_sense_records_nothing(signed_in, employee):
    for version in ("", "x", "²", "99999999999"):
        fields = {"version": version, "courriel": "c.lamy@exemple.fr"}
        assert signed_in.post(f"/salaries/{employee.public_id}/contact", fields).status_code == 409
    assert Movement.select().count() == 0


# ── College, coming back ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_change_of_college_is_told_with_its_names(signed_in, contracts, employee, child):
    answer = send(signed_in, employee, "college", contrat=str(contracts[1].public_id), depuis=fr(clock.today()))
    assert {again(one).contract_id for one in (employee, child)} == {contracts[1].id}
    page = plain(signed_in.get(answer.location))
    assert "Collège : ATELIERS COMBE-NOIRE – SIÈGE, Non-cadres" in page
    assert "→ ATELIERS COMBE-NOIRE – SIÈGE, Cadres" in page


def test_only_contracts_of_the_account_are_choices(signed_in, employee):
    foreign = factories.hr_user().contracts().first()
    answer = send(signed_in, employee, "college", contrat=str(foreign.public_id), depuis=fr(clock.today()))
    assert answer.status_code == 422
    assert str(foreign.public_id) not in answer.get_data(as_text=True)


def test_who_left_comes_back_with_the_household(signed_in, contracts, employee, child):
    left = clock.today() - 60 * DAY
    Beneficiary.change(
        [(one, {"terminated_on": left, "termination_reason": "RESIGNATION"}) for one in (employee, child)]
    )
    where = f"/salaries/{employee.public_id}/reembauche"
    page = signed_in.get(where).get_data(as_text=True)
    assert re.search(r'<input[^>]*checked[^>]*name="foyer"', page)
    early = form(signed_in, where) | {"contrat": str(contracts[1].public_id), "depuis": fr(left)}
    assert "Au plus tôt le" in plain(signed_in.post(where, early))
    fields = {"contrat": str(contracts[1].public_id), "depuis": fr(clock.today()), "foyer": [str(child.public_id)]}
    answer = signed_in.post(where, form(signed_in, where) | fields)
    assert {(again(one).terminated_on, again(one).contract_id) for one in (employee, child)} == {
        (None, contracts[1].id)
    }
    assert again(employee).effective_on == clock.today()
    page = plain(signed_in.get(answer.location))
    assert "est de nouveau couvert à partir du" in page
    assert "Réembauche" in page
    movement = Movement.get(Movement.beneficiary == employee)
    signed_in.post(f"/mouvements/{movement.public_id}/reprise")
    assert {again(one).terminated_on for one in (employee, child)} == {left}


def test_who_is_still_covered_is_not_taken_on_again(signed_in, employee):
    assert signed_in.get(f"/salaries/{employee.public_id}/reembauche").status_code == 404


# ── The history, the list ────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_of_a_person_asks_few_queries_with_movements(signed_in, contracts, employee, queries):
    for number in range(1, 6):
        send(signed_in, employee, "contact", courriel=f"a{number}@exemple.fr")
    signed_in.get(f"/salaries/{employee.public_id}")
    queries.clear()
    signed_in.get(f"/salaries/{employee.public_id}")
    assert len(sent(queries)) <= 7, queries


def test_the_history_says_what_became_of_it(signed_in, employee):
    send(signed_in, employee, "contact", courriel="a@exemple.fr")
    Movement.get().refuse("Courriel d’un tiers", clock.now())
    page = plain(signed_in.get(f"/salaries/{employee.public_id}"))
    assert "Refusée" in page
    assert "Courriel d’un tiers" in page
    assert Movement.get().state == MovementState.REFUSED

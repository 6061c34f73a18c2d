"""« Radier »: what follows is told first, who cannot leave is named, a form sent twice does one thing, taken back."""

import datetime
import re

import pytest

from portal import clock
from portal.models import (
    AuditEvent,
    Beneficiary,
    BeneficiaryRole,
    Document,
    GroupContract,
    Movement,
    MovementKind,
    MovementState,
    UserRole,
)
from tests import factories

DAY = datetime.timedelta(days=1)


def fr(day):
    return f"{day:%d/%m/%Y}"


def plain(answer):
    text = re.sub(r"<[^>]*>", " ", answer.get_data(as_text=True))
    return " ".join(text.replace("\u00a0", " ").replace("\u202f", " ").split())


@pytest.fixture
def contract(hr):
    return GroupContract.select().where(GroupContract.category.in_(hr.category_ids())).first()


@pytest.fixture
def employee(contract):
    return factories.beneficiary(contract, "Lamy", "Corentin", household_number="FOYER", email="c.lamy@example.com")


@pytest.fixture
def family(contract, employee):
    """His wife and their daughter."""
    shared = {"household_number": "FOYER", "sex": "F"}
    return (
        factories.beneficiary(contract, "Lamy", "Isabelle", role=BeneficiaryRole.SPOUSE, **shared),
        factories.beneficiary(contract, "Lamy", "Clémence", role=BeneficiaryRole.CHILD, **shared),
    )


def sent(client, page):
    """The hidden fields of the confirmation that a page holds."""
    text = page.get_data(as_text=True)
    fields = dict(re.findall(r'<input[^>]* name="(version|form_key|date|motif)"[^>]* value="([^"]*)"', text))
    return fields | dict(re.findall(r'type="hidden" name="(date|motif)" value="([^"]*)"', text))


def preview(client, person, on=None, reason="demission"):
    return client.get(
        f"/salaries/{person.public_id}/radiation", query_string={"date": fr(on or clock.today()), "motif": reason}
    )


def confirm(client, person, **changes):
    fields = sent(client, preview(client, person, changes.pop("on", None), changes.pop("reason", "demission")))
    return client.post(f"/salaries/{person.public_id}/radiation", fields | changes)


def again(person):
    return Beneficiary.get_by_id(person.id)


def test_what_follows_is_told_before_one_confirms(signed_in, employee, family, contract):
    page = preview(signed_in, employee, datetime.date(2026, 12, 10), "licenciement")
    text = plain(page)
    assert "31/12/2026 , à la fin du mois" in text
    assert "avec lui, Isabelle et Clémence LAMY , 2 ayants droit" in text
    assert "Probable , gratuitement, du 11/12/2026 au 10/12/2027 au plus tard (12 mois)" in text
    assert "Loi Évin" in text
    assert "par courriel (c.lamy@example.com)" in text
    assert "Radier 3 personnes au 31/12/2026" in text
    assert Movement.select().count() == 0


def test_a_contract_may_end_on_the_very_day(signed_in, employee, contract):
    GroupContract.update(coverage_end_rule="CONTRACT_END_DATE").where(GroupContract.id == contract.id).execute()
    assert "Radier Corentin LAMY au 10/12/2026" in plain(preview(signed_in, employee, datetime.date(2026, 12, 10)))


def test_gross_misconduct_shuts_out_portability_and_no_email_means_the_post(signed_in, employee):
    Beneficiary.update(email="").where(Beneficiary.id == employee.id).execute()
    text = plain(preview(signed_in, employee, reason="faute-lourde"))
    assert "Exclue par la loi" in text
    assert "par la poste" in text


def test_a_person_leaves_with_the_household(signed_in, hr, employee, family):
    answer = confirm(signed_in, employee)
    assert (answer.status_code, answer.location) == (303, f"/salaries/{employee.public_id}")
    assert {again(person).termination_reason for person in (employee, *family)} == {"RESIGNATION"}
    assert Movement.select().where(Movement.kind == MovementKind.TERMINATION).count() == 3
    page = plain(signed_in.get(answer.location))
    assert "Corentin LAMY est radié au" in page
    assert "avec Isabelle et Clémence LAMY (ATELIERS COMBE-NOIRE – SIÈGE)" in page
    assert "Enregistrée" in page
    event = AuditEvent.get(AuditEvent.action == "movement.terminate")
    assert (event.user_id, event.object_id) == (hr.id, str(employee.public_id))
    assert event.after["termination_reason"] == "RESIGNATION"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"date": "31/06/2026"}, "Le 31 juin n’existe pas"),
        ({"date": ""}, "Indiquez le dernier jour"),
        ({"motif": ""}, "Choisissez le motif"),
        ({"motif": "vacances"}, "Choisissez une des réponses proposées"),
        ({"date": "01/01/2010"}, "Au plus tôt le 01/01/2016"),
        ({"date": "01/01/2199"}, "Au plus tard le"),
    ],
)
def test_what_cannot_be_is_refused_and_what_was_typed_is_kept(signed_in, employee, typed, said):
    fields = {"date": fr(clock.today()), "motif": "demission", "version": "1"} | typed
    answer = signed_in.post(f"/salaries/{employee.public_id}/radiation", fields)
    assert answer.status_code == 422
    assert said in plain(answer)
    assert Movement.select().count() == 0
    if typed.get("date"):
        assert f'value="{typed["date"]}"' in answer.get_data(as_text=True)


def test_the_same_form_sent_twice_is_one_termination(signed_in, employee):
    fields = sent(signed_in, preview(signed_in, employee))
    first = signed_in.post(f"/salaries/{employee.public_id}/radiation", fields)
    second = signed_in.post(f"/salaries/{employee.public_id}/radiation", fields)
    assert (first.status_code, first.location) == (second.status_code, second.location)
    assert Movement.select().count() == 1


def test_who_has_the_longest_names_of_the_mutual_s_own_system_leaves_too(signed_in, contract):
    long = ("Constitutionnellement-" * 12)[:255]
    person = factories.beneficiary(contract, long, long)
    assert signed_in.post(f"/salaries/{person.public_id}/attestation").status_code == 200
    page = preview(signed_in, person)
    assert signed_in.post(f"/salaries/{person.public_id}/radiation", sent(signed_in, page)).status_code == 303
    assert len(Movement.get().label) == 255
    assert len(Document.get().title) == 255


def test_who_has_left_is_not_terminated_again(signed_in, employee):
    confirm(signed_in, employee)
    text = plain(preview(signed_in, employee))
    assert "Corentin LAMY : Déjà radié au" in text
    assert "Radier Corentin LAMY au" not in text


def test_somebody_changed_the_person_meanwhile(signed_in, hr, employee):
    fields = sent(signed_in, preview(signed_in, employee))
    other = factories.user(accounts=[hr.accounts().get()], first_name="Loïc", last_name="Mathieu")
    employee.modify(MovementKind.CONTACT, {"email": "autre@example.com"}, clock.today(), other, clock.now(), 1)
    answer = signed_in.post(f"/salaries/{employee.public_id}/radiation", fields)
    assert answer.status_code == 409
    text = plain(answer)
    assert "Nouvelles coordonnées par Loïc Mathieu" in text
    assert "c.lamy@example.com → autre@example.com" in text
    assert again(employee).terminated_on is None
    knowingly = signed_in.post(f"/salaries/{employee.public_id}/radiation", sent(signed_in, answer))
    assert knowingly.status_code == 303
    assert again(employee).terminated_on is not None


def test_a_dependent_is_removed_for_reasons_of_their_own(signed_in, employee, family):
    wife, _ = family
    page = plain(preview(signed_in, wife, reason="separation"))
    assert "Divorce" in page
    assert "Portabilité" not in page
    confirm(signed_in, wife, reason="separation")
    assert again(wife).terminated_on is not None
    assert again(employee).terminated_on is None


def test_a_date_long_past_is_warned_about(signed_in, employee):
    assert "remonte à plus de 3 mois" in plain(preview(signed_in, employee, clock.today() - 200 * DAY))


def test_it_is_taken_back_until_it_is_handed_over(signed_in, employee, family):
    confirm(signed_in, employee)
    movement = Movement.get(Movement.beneficiary == employee)
    answer = signed_in.post(f"/mouvements/{movement.public_id}/reprise", follow_redirects=True)
    assert "Radiation de Corentin LAMY : reprise" in plain(answer)
    assert {again(person).terminated_on for person in (employee, *family)} == {None}
    assert AuditEvent.select().where(AuditEvent.action == "movement.take_back").count() == 1
    confirm(signed_in, employee)
    Movement.update(state=MovementState.HANDED_OVER).where(Movement.state == MovementState.RECORDED).execute()
    newer = Movement.select().where(Movement.beneficiary == employee).order_by(Movement.id.desc()).get()
    answer = signed_in.post(f"/mouvements/{newer.public_id}/reprise", follow_redirects=True)
    assert "déjà transmis à la mutuelle" in plain(answer)
    assert again(employee).terminated_on is not None


def test_what_follows_an_employee_is_not_taken_back_alone(signed_in, employee, family):
    confirm(signed_in, employee)
    theirs = Movement.get(Movement.beneficiary == family[0])
    assert "reprenez celui du salarié" in plain(
        signed_in.post(f"/mouvements/{theirs.public_id}/reprise", follow_redirects=True)
    )
    assert again(family[0]).terminated_on is not None


def test_a_fragment_holds_what_follows_alone(signed_in, employee):
    answer = signed_in.fragment(
        f"/salaries/{employee.public_id}/radiation", query_string={"date": fr(clock.today()), "motif": "retraite"}
    )
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert '<section id="termination"' in text
    assert "<h1" not in text
    unfinished = signed_in.fragment(
        f"/salaries/{employee.public_id}/radiation", query_string={"date": "31/", "motif": "retraite"}
    )
    assert "Écrivez la date ainsi" in plain(unfinished)


def test_a_page_asks_few_queries(signed_in, employee, family, queries):
    queries.clear()
    assert preview(signed_in, employee).status_code == 200
    assert len(queries) <= 7, queries


def test_who_may_not_move_people_is_refused(client, database, hr, employee):
    client.sign_in(factories.user(role=UserRole.HEALTH_PROFESSIONAL))
    assert client.get(f"/salaries/{employee.public_id}/radiation").status_code == 403

"""« Laisser le salarié compléter »: HR gives a link, sees where it stands, gives another, takes the enrolment back."""

import datetime
import re

import pytest

from portal import clock, entrusting, outbox
from portal.models import (
    AuditEvent,
    Beneficiary,
    Enrolment,
    EnrolmentState,
    GuestChannel,
    GuestLink,
    OutboxMessage,
)
from tests import enrolling, factories
from tests.enrolling import said
from tests.entrusted import BORN, MAIL, given, invite, message, token_in

KEY = "11111111-1111-4111-8111-111111111111"


def show(client, enrolment):
    return client.get(f"/adhesion/{enrolment.public_id}").get_data(as_text=True)


def test_a_new_employee_is_given_a_link_that_their_birth_date_opens(signed_in, app, hr):
    enrolment, token = given(signed_in, hr)
    assert (enrolment.state, enrolment.label) == (EnrolmentState.WITH_EMPLOYEE, "Inès LACROIX")
    phone = app.test_client()
    assert phone.get(f"/salarie/{token}").status_code == 200
    assert phone.post(f"/salarie/{token}", {"naissance": "01/07/1994"}).status_code == 422
    assert phone.post(f"/salarie/{token}", {"naissance": BORN}).status_code == 303
    assert [event.action for event in AuditEvent.select().order_by(AuditEvent.number)][-3:] == [
        "enrolment.entrust",
        "guest.refused",
        "guest.opened",
    ]


def test_the_message_holds_the_first_name_and_the_link_and_nothing_else_of_anybody(signed_in, hr):
    enrolment, _ = given(signed_in, hr)
    written = message(GuestLink.get())
    for text in (written["text"], written["html"]):
        assert "Inès" in text
        for word in ("Lacroix", "LACROIX", "30/06", "1994", "Combe-Noire", "COMBE", enrolment.contract.number, MAIL):
            assert word not in text, word
    row = OutboxMessage.get()
    assert row.not_after == GuestLink.get().expires_at
    assert "Lacroix" not in f"{row.subject} {row.recipient}"


def test_a_draft_leads_to_being_given_until_it_is(signed_in, hr):
    draft = enrolling.fill(signed_in, enrolling.begin(signed_in, hr), until="coordonnees")
    way = f'href="/adhesion/{draft.public_id}/confier'
    assert way in signed_in.get("/adhesion").get_data(as_text=True)
    Enrolment.update(state=EnrolmentState.WITH_EMPLOYEE).execute()
    assert way not in signed_in.get("/adhesion").get_data(as_text=True)


def test_by_text_the_link_goes_to_a_mobile_alone(signed_in, hr):
    refused = invite(signed_in, hr, canal="SMS", portable="01 99 00 10 01")
    assert refused.status_code == 422
    assert any("téléphone fixe" in sentence for sentence in said(refused))
    enrolment, token = given(signed_in, hr, canal="SMS", portable="06 12 34 56 78")
    row = OutboxMessage.get()
    assert (row.channel, row.recipient) == ("SMS", "06\u00a0••\u00a0••\u00a0••\u00a078")
    assert token in row.unseal()["text"]
    assert "par SMS au" in show(signed_in, enrolment)


def test_by_letter_the_link_is_drawn_when_it_is_printed(signed_in, hr):
    answer = invite(signed_in, hr, canal="LETTER", courriel="")
    enrolment = Enrolment.get()
    assert answer.status_code == 303
    assert GuestLink.select().count() == OutboxMessage.select().count() == 0
    assert "imprimez la lettre" in show(signed_in, enrolment)
    for _ in range(2):
        printed = signed_in.post(f"/adhesion/{enrolment.public_id}/lettre")
        assert (printed.status_code, printed.mimetype) == (200, "application/pdf")
        assert printed.data.startswith(b"%PDF")
        assert "attachment" in printed.headers["Content-Disposition"]
    first, second = GuestLink.select().order_by(GuestLink.id)
    assert (first.channel, first.cancelled_at is None, second.cancelled_at) == (GuestChannel.LETTER, False, None)
    assert AuditEvent.select().where(AuditEvent.action == "enrolment.letter").count() == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"canal": ""}, "Choisissez comment"),
        ({"canal": "PIGEON"}, "Choisissez comment"),
        ({"courriel": ""}, "Indiquez son courriel."),
        ({"courriel": "ines"}, "prenom.nom@exemple.fr"),
        ({"canal": "SMS"}, "Indiquez son portable."),
        ({"nom": ""}, "nom"),
        ({"datedenaissance": "31/06/1994"}, "31 juin"),
        ({"datedenaissance": "30/06/2090"}, ""),
        ({"datedeffet": ""}, ""),
        ({"contrat": "HJ000000"}, "garantie"),
    ],
)
def test_what_is_missing_or_wrong_is_said_and_nothing_goes(signed_in, hr, words, told):
    answer = invite(signed_in, hr, **words)
    assert answer.status_code == 422
    assert any(told in sentence for sentence in said(answer))
    assert Enrolment.select().count() == GuestLink.select().count() == OutboxMessage.select().count() == 0


def test_what_is_wrong_is_told_in_the_order_of_the_page(signed_in, hr):
    words = dict.fromkeys(("contrat", "datedeffet", "nom", "prenom", "datedenaissance", "courriel"), "")
    html = invite(signed_in, hr, **words).get_data(as_text=True)
    links = re.findall(r'<li><a href="#([a-z]+)', html)
    assert [link.removesuffix("-0") for link in links][1:] == [
        "datedeffet",
        "nom",
        "prenom",
        "datedenaissance",
        "courriel",
    ]


def test_the_same_form_twice_makes_one_enrolment_and_sends_one_message(signed_in, hr):
    for _ in range(2):
        assert invite(signed_in, hr, form_key=KEY).status_code == 303
    assert Enrolment.select().count() == GuestLink.select().count() == OutboxMessage.select().count() == 1


def test_somebody_who_is_covered_or_has_a_draft_already_is_told_first(signed_in, hr):
    person = Beneficiary.get()
    same = {"nom": person.birth_name, "prenom": person.first_name, "datedenaissance": f"{person.birth_date:%d/%m/%Y}"}
    answer = invite(signed_in, hr, **same)
    assert answer.status_code == 422
    assert "est déjà couvert" in answer.get_data(as_text=True)
    assert Enrolment.select().count() == 0
    told = enrolling.hidden(answer.get_data(as_text=True))["averti"]
    assert invite(signed_in, hr, averti=told, **same).status_code == 303
    again = invite(signed_in, hr, **same)
    assert "a déjà une saisie en cours" in again.get_data(as_text=True)


def test_somebody_covered_under_a_married_name_is_known_by_the_name_of_their_birth(signed_in, hr):
    contract = hr.contracts().first()
    born = datetime.date(1994, 6, 30)
    factories.beneficiary(contract, "Lacroix", "Inès", used_name="Courbet", birth_date=born, sex="F")
    factories.beneficiary(contract, "Lacroix-Roux", "Inès", birth_date=born, sex="F")
    answer = invite(signed_in, hr)
    assert answer.status_code == 422
    assert "Inès COURBET est déjà couverte" in answer.get_data(as_text=True)
    assert invite(signed_in, hr, prenom="Iris").status_code == 303


def test_what_the_employee_has_no_box_for_is_mended_before_it_is_given(signed_in, hr):
    draft = enrolling.begin(signed_in, hr)
    enrolling.send(signed_in, draft, "salarie", enrolling.EMPLOYEE | {"matricule": "7" * 40}, action="quitter")
    assert "32 caractères au plus" in signed_in.get(f"/adhesion/{draft.public_id}/confier").get_data(as_text=True)
    sent = signed_in.post(f"/adhesion/{draft.public_id}/confier", {"canal": "EMAIL", "courriel": MAIL})
    assert (sent.status_code, GuestLink.select().count()) == (422, 0)


def test_a_draft_that_was_begun_is_given_once_it_says_who_it_is_about(signed_in, hr):
    draft = enrolling.begin(signed_in, hr)
    page = signed_in.get(f"/adhesion/{draft.public_id}/confier").get_data(as_text=True)
    assert "Il manque ce que vous seul pouvez dire" in page
    assert signed_in.post(f"/adhesion/{draft.public_id}/confier", {"canal": "LETTER"}).status_code == 422
    enrolling.fill(signed_in, draft, until="comptes")
    page = signed_in.get(f"/adhesion/{draft.public_id}/confier").get_data(as_text=True)
    assert "06 12 34 56 78" in page.replace("\u00a0", " ")
    answer = signed_in.post(f"/adhesion/{draft.public_id}/confier", {"canal": "EMAIL", "courriel": MAIL})
    assert answer.status_code == 303
    assert Enrolment.get().state == EnrolmentState.WITH_EMPLOYEE
    closed = signed_in.get(f"/adhesion/{draft.public_id}/salarie")
    assert (closed.status_code, closed.headers["Location"]) == (303, f"/adhesion/{draft.public_id}")


def test_another_link_stops_the_one_before(signed_in, app, hr, at):
    enrolment, first = given(signed_in, hr)
    at(minutes=5)
    other = {"canal": "EMAIL", "courriel": "autre@example.com"}
    assert signed_in.post(f"/adhesion/{enrolment.public_id}/confier", other).status_code == 303
    second = token_in(message()["text"])
    phone = app.test_client()
    assert phone.get(f"/salarie/{first}").status_code == 404
    assert phone.get(f"/salarie/{second}").status_code == 200
    assert "a•••@example.com" in show(signed_in, enrolment)


def test_the_same_means_twice_within_a_minute_is_a_double_click(signed_in, hr, at):
    enrolment, _ = given(signed_in, hr)
    again = {"canal": "EMAIL", "courriel": MAIL}
    held = signed_in.post(f"/adhesion/{enrolment.public_id}/confier", again, follow_redirects=True)
    assert OutboxMessage.select().count() == 1
    assert "n’est pas envoyé une seconde fois" in held.text and "Le lien part" not in held.text
    assert AuditEvent.select().where(AuditEvent.action == "enrolment.entrust").count() == 1
    at(seconds=61)
    sent = signed_in.post(f"/adhesion/{enrolment.public_id}/confier", again, follow_redirects=True)
    assert "Le lien part" in sent.text
    assert OutboxMessage.select().count() == 2
    assert GuestLink.select().where(GuestLink.cancelled_at.is_null()).count() == 1


def test_hr_sees_where_it_stands(signed_in, app, hr, at):
    enrolment, token = given(signed_in, hr)
    assert "Message en cours d’envoi" in show(signed_in, enrolment)
    assert "Pas encore ouvert" in show(signed_in, enrolment)
    outbox.send_due(app.settings, clock.now())
    assert "Message parti le" in show(signed_in, enrolment).replace("\u00a0", " ")
    app.test_client().post(f"/salarie/{token}", {"naissance": BORN})
    assert "Ouvert le" in show(signed_in, enrolment)
    for _ in range(10):
        GuestLink.get().miss()
    assert "Lien bloqué" in show(signed_in, enrolment)
    GuestLink.update(birth_tries=0).execute()
    at(days=31)
    signed_in.sign_in(hr)
    assert "Lien expiré le" in show(signed_in, enrolment)


def test_the_list_of_drafts_says_where_the_link_stands_and_offers_another(signed_in, app, hr, at, queries):
    enrolment, _ = given(signed_in, hr)
    another = f'href="/adhesion/{enrolment.public_id}/confier'

    def listed():
        return signed_in.get("/adhesion").get_data(as_text=True)

    assert "Chez le salarié" in listed() and another not in listed()
    GuestLink.update(birth_tries=10).execute()
    assert "Lien bloqué" in listed() and another in listed() and "Chez le salarié" not in listed()
    GuestLink.update(birth_tries=0).execute()
    at(days=31)
    signed_in.sign_in(hr)
    page = listed()
    assert "Lien expiré le" in page and another in page and "Chez le salarié" not in page


def test_the_list_asks_for_the_links_of_all_its_drafts_at_once(signed_in, hr, queries):
    def asked():
        queries.clear()
        assert signed_in.get("/adhesion").status_code == 200
        return len(queries)

    given(signed_in, hr)
    asked()
    few = asked()
    for number in range(3):
        invite(signed_in, hr, nom=f"Lacroix{'abc'[number]}", courriel=f"a{number}@example.com")
    assert Enrolment.select().count() == 4
    assert asked() == few


def test_the_name_of_who_is_enrolled_takes_its_elision(signed_in, hr):
    enrolment, _ = given(signed_in, hr)
    assert "Adhésion d’Inès LACROIX" in show(signed_in, enrolment)


def test_a_message_that_could_not_be_delivered_is_told(signed_in, hr):
    enrolment, _ = given(signed_in, hr)
    OutboxMessage.update(state="FAILED").execute()
    assert "n’a pas pu être remis" in show(signed_in, enrolment)


@pytest.mark.parametrize(
    ("path", "state"), [("reprise", EnrolmentState.DRAFT), ("annulation", EnrolmentState.DISCARDED)]
)
def test_taking_it_back_ends_the_link_and_the_open_session_at_once(signed_in, app, hr, path, state):
    enrolment, token = given(signed_in, hr)
    phone = app.test_client()
    phone.post(f"/salarie/{token}", {"naissance": BORN})
    link = GuestLink.get()
    assert signed_in.post(f"/adhesion/{enrolment.public_id}/{path}").status_code == 303
    assert Enrolment.get().state == state
    assert phone.get(f"/salarie/{token}").status_code == 404
    assert phone.get(f"/salarie/{link.public_id}/adhesion").status_code == 404
    again = signed_in.post(f"/adhesion/{enrolment.public_id}/{path}", follow_redirects=True)
    assert "n’est plus en cours" in again.get_data(as_text=True)
    assert AuditEvent.select().where(AuditEvent.action.in_(["enrolment.take_over", "enrolment.call_off"])).count() == 1


def test_hr_is_told_once_that_a_link_ran_out(signed_in, app, hr, at):
    given(signed_in, hr)
    OutboxMessage.delete().execute()
    assert entrusting.tell_expired(at(days=29)) == 0
    assert entrusting.tell_expired(at(days=30, minutes=1)) == 1
    assert entrusting.tell_expired(at(days=30, minutes=2)) == 0
    row = OutboxMessage.get()
    assert row.user_id == hr.id
    assert "Inès" in row.unseal()["text"]
    assert "Lacroix" not in row.unseal()["text"]


def test_no_one_is_told_of_a_link_that_was_replaced_or_used(signed_in, hr, at):
    given(signed_in, hr)
    GuestLink.update(used_at=clock.now()).execute()
    assert entrusting.tell_expired(at(days=30, minutes=1)) == 0


def test_who_may_not_enrol_gives_nothing(client, database):
    factories.hr_user()
    client.sign_in(factories.user(role="health_professional"))
    assert client.get("/adhesion/confier").status_code == 403


def test_giving_takes_few_queries(signed_in, hr, queries):
    signed_in.get("/adhesion")
    queries.clear()
    invite(signed_in, hr)
    assert len(queries) <= 55


def test_a_link_lives_thirty_days(signed_in, hr):
    given(signed_in, hr)
    link = GuestLink.get()
    assert link.expires_at - link.created_at == datetime.timedelta(days=30)

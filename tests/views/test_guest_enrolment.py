"""The employee completes, accepts, signs by a code, or asks to stay out; and HR sees what concerns HR."""

import datetime
import re

import pytest

from portal import clock, entrusting
from portal.models import (
    AuditEvent,
    Beneficiary,
    BeneficiaryRole,
    Document,
    DocumentRequest,
    Enrolment,
    EnrolmentState,
    GuestLink,
    GuestPurpose,
    OutboxMessage,
    PermissionGrant,
    Waiver,
    WaiverState,
)
from portal.rules import proofs as rules
from tests import enrolling, factories
from tests.enrolling import IBAN, NIR, SPOUSE, children, years_ago
from tests.entrusted import SIGNATURE, accept, base, code, given, message, opened, sign, token_in, type_all, type_step


@pytest.fixture
def phone(app, signed_in, hr):
    """The employee's telephone, the link opened."""
    _, token = given(signed_in, hr)
    return opened(app, token)


@pytest.fixture
def ready(phone):
    """Everything typed, at the last look."""
    type_all(phone)
    return phone


def seen(phone, path=""):
    return phone.get(f"{base()}/adhesion{path}").get_data(as_text=True)


# ── Completing ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_employee_sees_what_hr_entered_and_what_is_asked(phone, hr):
    page = seen(phone)
    assert "Ce que votre employeur a indiqué" in page
    assert hr.contracts().first().number in page
    assert "Commencer" in page
    assert "Je demande à ne pas être couvert" in page


def test_the_contract_is_not_the_employee_s_to_change(phone):
    assert phone.get(f"{base()}/adhesion/garantie").status_code == 404
    assert phone.post(f"{base()}/adhesion/garantie", {"contrat": "x"}).status_code == 404


def test_identity_came_from_hr_and_the_rest_is_typed(phone):
    page = seen(phone, "/salarie")
    assert 'value="Inès"' in page
    assert 'value="Lacroix"' in page
    wrong = enrolling.told(phone, type_step(phone, "salarie", enrolling.EMPLOYEE | {"nssociale": "1"}))
    assert any("1 erreur à corriger" in one for one in enrolling.said(wrong))
    type_all(phone)
    look = seen(phone, "/verification")
    assert "Relire et signer" in look
    assert "30/06/1994" in look


def test_reading_any_page_writes_nothing(ready, queries):
    for path in ("", "/salarie", "/coordonnees", "/comptes", "/conjoint", "/enfants", "/verification"):
        queries.clear()
        assert ready.get(f"{base()}/adhesion{path}").status_code == 200
        assert not [sql for sql in queries if sql.split()[0] in ("INSERT", "UPDATE", "DELETE")], path
        assert len(queries) <= 8, path


def test_who_reads_is_not_told_to_see_the_employee(phone):
    answer = enrolling.told(phone, type_step(phone, "salarie", enrolling.EMPLOYEE | {"autreregime": "Oui"}))
    assert any("Vous pouvez la demander" in one for one in enrolling.said(answer))
    type_all(phone, salarie=enrolling.EMPLOYEE)
    type_step(phone, "conjoint", SPOUSE | {"lien": ""})
    pages = answer.get_data(as_text=True), seen(phone, "/conjoint?revoir=oui"), seen(phone, "/verification")
    assert "Choisissez son lien avec vous." in pages[1]
    assert not any("le salarié." in page for page in pages)


def test_a_step_that_is_not_reached_leads_back_to_the_first_that_is_not_right(phone):
    answer = phone.get(f"{base()}/adhesion/enfants")
    assert (answer.status_code, "/salarie" in answer.headers["Location"]) == (303, True)


# ── Signing ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_signing_sends_the_enrolment_once_dated_and_kept(ready, app, hr):
    assert accept(ready).status_code == 303
    digits = code()
    assert Enrolment.get().state == EnrolmentState.WITH_EMPLOYEE
    answer = sign(ready, digits)
    row = Enrolment.get()
    assert (answer.status_code, answer.headers["Location"].endswith("/copie")) == (303, True)
    assert (row.state, row.signed_name) == (EnrolmentState.SUBMITTED, "Inès Lacroix")
    assert abs(row.signed_at - clock.now()) < datetime.timedelta(minutes=1)
    copy = ready.get(answer.headers["Location"]).get_data(as_text=True)
    assert "C’est signé" in copy
    assert row.number in copy
    assert sign(ready, digits).status_code in (302, 303, 404)
    assert Beneficiary.select().where(Beneficiary.birth_name == "Lacroix").count() == 1
    assert [event.action for event in AuditEvent.select().where(AuditEvent.action == "guest.signed")] == [
        "guest.signed"
    ]


def test_hr_is_told_by_first_name_alone(ready, hr):
    accept(ready)
    sign(ready)
    told = next(row for row in OutboxMessage.select() if row.user_id == hr.id)
    text = told.unseal()["text"]
    assert "Inès" in text
    assert "Lacroix" not in text
    assert GuestLink.get(GuestLink.purpose == GuestPurpose.ENROL).used_at is not None


def test_the_iban_that_the_employee_gave_is_not_shown_to_hr(ready, signed_in):
    accept(ready)
    sign(ready)
    person = Beneficiary.get(Beneficiary.birth_name == "Lacroix")
    assert person.iban_private
    for path in (f"/salaries/{person.public_id}", f"/adhesion/{Enrolment.get().public_id}"):
        page = signed_in.get(path).get_data(as_text=True).replace("\u00a0", "")
        assert IBAN[-7:].replace(" ", "") not in page.replace(" ", "")
    for value in ("iban-prestation", "iban-cotisation"):
        revealed = signed_in.post(f"/salaries/{person.public_id}/{value}")
        assert IBAN.replace(" ", "") not in revealed.get_data(as_text=True).replace("\u00a0", "").replace(" ", "")
    assert not AuditEvent.select().where(AuditEvent.action.endswith("iban.reveal")).exists()


def test_the_employee_alone_reads_the_name_of_a_proof_of_disability(phone, signed_in, hr):
    child = children(years_ago(30)) | {"enfants-0-situation": "Handicap"}
    type_all(phone, enfants=child)
    for page in (seen(phone, "/enfants"), seen(phone, "/verification")):
        assert rules.PROOFS["DISABILITY"].label in page
    signed_in.post(f"/adhesion/{Enrolment.get().public_id}/reprise")
    for path in ("enfants", "verification"):
        page = signed_in.get(f"/adhesion/{Enrolment.get().public_id}/{path}").get_data(as_text=True)
        assert rules.CONFIDENTIAL in page
        assert rules.PROOFS["DISABILITY"].label not in page


def test_what_the_employee_typed_is_not_seen_by_hr_before_the_end(ready, signed_in):
    page = signed_in.get(f"/adhesion/{Enrolment.get().public_id}").get_data(as_text=True)
    for word in (NIR.replace(" ", ""), NIR, IBAN, "rue du Pré"):
        assert word not in page.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"exact": ""}, "Relisez"),
        ({"notice": ""}, "notice"),
        ({"signature": "Marc Dupont"}, "Inès COURBET"),
        ({"signature": ""}, "Inès COURBET"),
        ({"envoi": "9"}, "Choisissez où envoyer le code."),
    ],
)
def test_what_is_not_accepted_sends_no_code(ready, words, told):
    before = OutboxMessage.select().count()
    answer = accept(ready, **words)
    assert answer.status_code == 422
    assert any(told in sentence for sentence in enrolling.said(answer))
    assert OutboxMessage.select().count() == before


def test_five_wrong_codes_end_the_code_and_the_right_one_is_then_wrong_too(ready):
    accept(ready)
    digits = code()
    wrong = f"{(int(digits) + 1) % 1_000_000:06}"
    for _ in range(5):
        assert sign(ready, wrong).status_code == 422
    late = sign(ready, digits)
    assert late.status_code == 422
    assert any("Demandez-en un autre" in sentence for sentence in enrolling.said(late))
    assert Enrolment.get().state == EnrolmentState.WITH_EMPLOYEE


def test_half_a_code_is_said_and_uses_no_try(ready):
    accept(ready)
    digits = code()
    for half in (digits[:3], "x", f"{digits}7"):
        answer = sign(ready, half)
        assert answer.status_code == 422 and "Le code a six chiffres" in answer.get_data(as_text=True)
    assert GuestLink.get().code_tries == 0
    assert sign(ready, f"{digits[:3]} {digits[3:]}").status_code == 303


def test_a_code_signs_for_ten_minutes(ready, at):
    accept(ready)
    digits = code()
    at(minutes=11)
    assert sign(ready, digits).status_code == 422


def test_what_was_changed_after_the_last_look_is_looked_at_again(ready):
    page = enrolling.hidden(seen(ready, "/verification"))
    type_step(ready, "coordonnees", enrolling.ADDRESS | {"n": "5"})
    answer = ready.post(f"{base()}/adhesion/verification", page | SIGNATURE)
    assert answer.status_code == 409
    assert "Quelque chose a changé" in answer.get_data(as_text=True)


def test_a_code_does_not_sign_what_was_changed_since(ready):
    accept(ready)
    digits = code()
    type_step(ready, "coordonnees", enrolling.ADDRESS | {"n": "5"})
    answer = sign(ready, digits)
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith("/verification")
    assert Enrolment.get().state == EnrolmentState.WITH_EMPLOYEE


def test_the_family_comes_with_the_proofs_that_it_calls_for(phone):
    type_all(phone, conjoint=SPOUSE, enfants=children(years_ago(4)))
    assert "Pièces à envoyer" in seen(phone, "/verification")
    accept(phone)
    where = sign(phone).headers["Location"]
    assert Beneficiary.select().where(Beneficiary.household_number != "").count() >= 3
    assert DocumentRequest.select().count() >= 1
    assert "Pièces à envoyer" in phone.get(where).get_data(as_text=True)


def test_an_iban_is_looked_at_in_groups_that_a_phone_does_not_cut(ready):
    assert "FR76 3000 6000 0112 3456 7890 189, BIC" in seen(ready, "/verification")


def test_the_employee_reads_the_link_of_their_partner_with_themselves(phone):
    type_all(phone, conjoint=SPOUSE)
    page = seen(phone, "/verification")
    assert "Lien avec vous" in page and "Lien avec le salarié" not in page


def test_somebody_covered_meanwhile_stops_it_and_hr_is_told(ready, hr):
    accept(ready)
    digits, person = code(), Beneficiary.get(Beneficiary.role == BeneficiaryRole.EMPLOYEE)
    person.birth_name, person.used_name, person.first_name = "Lacroix", "", "Inès"
    person.birth_date = datetime.date(1994, 6, 30)
    for name, key in person.keys().items():
        setattr(person, name, key)
    person.save()
    answer = sign(ready, digits)
    assert (answer.status_code, Enrolment.get().state) == (409, EnrolmentState.WITH_EMPLOYEE)
    assert "votre employeur doit d’abord vérifier" in answer.get_data(as_text=True)
    assert any(row.user_id == hr.id for row in OutboxMessage.select())


def test_somebody_covered_is_found_and_told_of_when_who_gave_the_link_has_left(ready, hr):
    other = factories.user(accounts=[Enrolment.get().account])
    PermissionGrant.delete().where(PermissionGrant.user == hr).execute()
    test_somebody_covered_meanwhile_stops_it_and_hr_is_told(ready, other)
    assert not [row for row in OutboxMessage.select() if row.user_id == hr.id]


def test_what_is_wrong_before_signing_is_told_in_the_order_of_the_page(ready):
    answer = accept(ready, signature="x", exact="", notice="")
    told = re.findall(r'<li><a href="#([a-z]+)', answer.get_data(as_text=True))
    assert told == ["exact", "notice", "signature"]


def test_hr_takes_it_back_while_the_employee_types(ready, signed_in):
    signed_in.post(f"/adhesion/{Enrolment.get().public_id}/reprise")
    assert ready.get(f"{base()}/adhesion/comptes").status_code == 404
    assert ready.post(f"{base()}/adhesion/comptes", enrolling.ACCOUNTS).status_code == 404
    assert ready.post(f"{base()}/signature", {"code": "123456"}).status_code == 404


def test_the_copy_is_reached_by_its_own_link_and_birth_date(ready, app):
    accept(ready)
    sign(ready)
    texts = [row.unseal()["text"] for row in OutboxMessage.select().order_by(OutboxMessage.id)]
    token = token_in(next(text for text in reversed(texts) if "/salarie/" in text))
    other = opened(app, token)
    copy = GuestLink.get(GuestLink.purpose == GuestPurpose.COPY)
    assert "C’est signé" in other.get(f"{base(copy)}/copie").get_data(as_text=True)
    assert other.get(f"{base(copy)}/adhesion").status_code == 404


def test_the_employee_saves_their_bulletin_which_is_made_once(ready):
    accept(ready)
    where = sign(ready).headers["Location"]
    page = ready.get(where).get_data(as_text=True)
    assert f'action="{where}/bulletin"' in page
    for _ in range(2):
        saved = ready.post(f"{where}/bulletin")
        assert (saved.status_code, saved.mimetype, saved.data[:5]) == (200, "application/pdf", b"%PDF-")
    assert Document.select().where(Document.document_type == "ENROLMENT_FORM").count() == 1
    assert (
        AuditEvent.select().where(AuditEvent.action == "document.download", AuditEvent.user_role == "guest").count()
        == 2
    )


def test_who_was_enrolled_by_hr_opens_their_bulletin_by_their_birth_date(app, signed_in, hr):
    draft = enrolling.fill(signed_in, enrolling.begin(signed_in, hr))
    look = enrolling.page_of(signed_in, draft, "verification")
    assert signed_in.post(f"/adhesion/{draft.public_id}/verification", {**look, "attestation": "y"}).status_code == 303
    copy = GuestLink.get(GuestLink.purpose == GuestPurpose.COPY)
    phone = opened(app, token_in(message(draft)["text"]))
    page = phone.get(f"{base(copy)}/copie").get_data(as_text=True)
    assert "Votre employeur vous a inscrit" in page
    assert "signé" not in page
    assert phone.post(f"{base(copy)}/copie/bulletin").status_code == 200


# ── Staying out ──────────────────────────────────────────────────────────────────────────────────────────────────

CSS = {"occasion": "HIRING", "fin": "31/12/2027", "consequences": "y", "signature": "Inès Lacroix", "envoi": "0"}


def ask_to_stay_out(phone, case="OP_CSS", **words):
    address = f"{base()}/dispense?cas={case}"
    page = enrolling.hidden(phone.get(address).get_data(as_text=True))
    return phone.post(address, page | CSS | words)


def test_the_cases_of_the_law_are_offered_in_the_employee_s_words(phone):
    page = phone.get(f"{base()}/dispense").get_data(as_text=True)
    assert "complémentaire santé solidaire" in page
    assert phone.post(f"{base()}/dispense?cas=AUTRE", CSS).status_code == 404


def test_a_legal_case_is_signed_and_enters_the_register(phone, signed_in, hr):
    answer = ask_to_stay_out(phone)
    assert answer.status_code == 303, enrolling.said(answer)
    assert Waiver.select().count() == 0
    assert sign(phone).status_code == 303
    waiver = Waiver.get()
    assert (waiver.state, waiver.reason, waiver.signed_name) == (WaiverState.REQUESTED, "OP_CSS", "Inès Lacroix")
    assert waiver.valid_until == datetime.date(2027, 12, 31)
    assert DocumentRequest.select().where(DocumentRequest.waiver == waiver).count() == 1
    assert Enrolment.get().state != EnrolmentState.WITH_EMPLOYEE
    assert Beneficiary.select().where(Beneficiary.birth_name == "Lacroix").count() == 0
    copy = GuestLink.get(GuestLink.purpose == GuestPurpose.COPY)
    assert "Votre demande est signée" in phone.get(f"{base(copy)}/copie").get_data(as_text=True)
    assert any(row.user_id == hr.id for row in OutboxMessage.select())
    page = signed_in.get(f"/adhesion/{Enrolment.get().public_id}").get_data(as_text=True)
    assert f"/dispenses/{waiver.public_id}" in page


@pytest.mark.parametrize("words", [{"fin": ""}, {"fin": "31/02/2027"}, {"consequences": ""}, {"signature": "x"}])
def test_a_case_without_its_answers_is_not_asked(phone, words):
    answer = ask_to_stay_out(phone, **words)
    assert answer.status_code == 422
    assert Waiver.select().count() == 0


def test_nobody_is_told_of_a_link_that_was_signed(ready, at):
    accept(ready)
    sign(ready)
    OutboxMessage.delete().execute()
    assert entrusting.tell_expired(at(days=30, minutes=1)) == 0


def test_the_code_goes_by_a_message_without_a_name(ready):
    accept(ready)
    text = message()["text"]
    assert "Lacroix" not in text
    assert "/salarie/" not in text

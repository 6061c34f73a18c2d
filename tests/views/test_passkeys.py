"""Passkeys: added beside an application, they enter once a challenge; whatever is not right enters nowhere."""

import io
import uuid

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from portal.models import AuditEvent, BankDetails, Company, OutboxMessage, Passkey, SecondFactor, UserSession
from tests import factories, files
from tests.authenticator import PRESENT, Authenticator

ELSEWHERE = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA"


@pytest.fixture
def app_key(hr):
    return factories.second_factor(hr)[1]


def add(browser, holder, **lies):
    options = browser.post("/compte/cles-acces/defi").get_json()
    answer = holder.create(options, **lies)
    return browser.post("/compte/cles-acces", {"nom": "Ordinateur", "credential": answer})


@pytest.fixture
def holder(client, hr, app_key):
    """The authenticator of HR, added; they have signed out."""
    client.sign_in(hr)
    client.post("/connexion/code", {"code": factories.code_of(app_key)})
    made = Authenticator()
    assert add(client, made).status_code == 303
    client.post("/deconnexion")
    return made


@pytest.fixture
def half(client, hr, holder):
    assert client.sign_in(hr).headers["Location"] == "/connexion/code"
    return client


def asked(browser):
    return browser.post("/connexion/cle-acces/defi").get_json()


def show(browser, answer, **more):
    return browser.post("/connexion/cle-acces", {"credential": answer} | more)


def test_a_key_enters_and_another_token_is_drawn(half, holder, hr):
    assert "Utiliser une clé d’accès" in half.get("/connexion/code").get_data(as_text=True)
    before = UserSession.select().order_by(UserSession.id.desc()).get().token_hash
    assert show(half, holder.get(asked(half))).status_code == 303
    assert half.get("/salaries").status_code == 200
    assert UserSession.select().order_by(UserSession.id.desc()).get().token_hash != before
    key = Passkey.get()
    assert (key.sign_count, key.name) == (1, "Ordinateur") and key.seen_at


def test_what_is_asked_is_at_least_128_bits_verified_and_of_this_user(half, holder):
    options, again = asked(half), asked(half)
    assert len(options["challenge"]) * 6 >= 128 and options["challenge"] != again["challenge"]
    assert options["userVerification"] == "required" and options["rpId"] == "localhost"
    assert len(options["allowCredentials"]) == 1


LIES = {
    "another origin": {"origin": "http://localhost.evil.example"},
    "another port": {"origin": "http://localhost:8080"},
    "another site": {"host": "evil.example"},
    "the holder was not verified": {"flags": PRESENT},
    "nobody was there": {"flags": 0},
    "another challenge": {"challenge": ELSEWHERE},
    "the answer to a making": {"type": "webauthn.create"},
    "another key": {"key": ec.generate_private_key(ec.SECP256R1())},
    "a counter that stood still": {"count": 0},
}


@pytest.mark.parametrize("lie", LIES)
def test_what_is_not_right_enters_nowhere(half, holder, lie):
    if "count" in LIES[lie]:
        Passkey.update(sign_count=5).execute()
    answer = show(half, holder.get(asked(half), **LIES[lie]))
    assert (answer.status_code, "Aucune clé d’accès" in answer.get_data(as_text=True)) == (422, True)
    assert half.get("/salaries").status_code == 303
    assert AuditEvent.select().where(AuditEvent.action == "factor.refused").count() == 1


def test_an_answer_is_taken_once(app, half, holder, hr):
    answer = holder.get(asked(half))
    other = app.test_client()
    other.sign_in(hr)
    assert show(other, answer).status_code == 422, "the challenge is of the session that it was given to"
    assert show(half, answer).status_code == 303
    again = app.test_client()
    again.sign_in(hr)
    asked(again)
    assert show(again, answer).status_code == 422


def test_a_wrong_answer_spends_the_challenge(half, holder):
    options = asked(half)
    assert show(half, holder.get(options, flags=PRESENT)).status_code == 422
    assert show(half, holder.get(options)).status_code == 422


def test_the_key_of_somebody_else_enters_nowhere(app, half, holder):
    colleague = factories.user()
    key = factories.second_factor(colleague)[1]
    browser, theirs = app.test_client(), Authenticator()
    browser.sign_in(colleague)
    browser.post("/connexion/code", {"code": factories.code_of(key)})
    add(browser, theirs)
    assert show(half, theirs.get(asked(half))).status_code == 422


APPROVED = {
    -7,
    -8,
    -35,
    -36,
    -37,
    -38,
    -39,
    -257,
    -258,
    -259,
}  # ECDSA, EdDSA, RSA; with SHA-256 or more (RFC 9053, 8812)


def test_a_key_is_made_for_approved_signatures_alone(client, hr, app_key):
    client.sign_in(hr)
    client.post("/connexion/code", {"code": factories.code_of(app_key)})
    asked_of = {one["alg"] for one in client.post("/compte/cles-acces/defi").get_json()["pubKeyCredParams"]}
    assert asked_of and asked_of <= APPROVED


@pytest.mark.parametrize("answer", ["", "{}", "[]", "null", "x" * 30_000, '{"id": 1}', '{"rawId": "é"}'])
def test_whatever_is_sent_is_refused_without_a_fault(half, answer):
    asked(half)
    assert show(half, answer).status_code == 422


def test_without_a_script_the_page_says_that_one_is_needed(half):
    assert "JavaScript" in show(half, "").get_data(as_text=True)
    assert "<noscript>" in half.get("/connexion/code").get_data(as_text=True)


def test_tries_are_counted_with_the_codes(app, half, holder, hr):
    stranger = app.test_client()
    stranger.sign_in(hr)
    answers = [show(stranger, "{}").status_code for _ in range(6)]
    assert answers == [422] * 5 + [429]
    assert stranger.post("/connexion/code", {"code": "000000"}).status_code == 429


def test_a_browser_may_be_trusted_after_a_key_too(half, holder, hr):
    show(half, holder.get(asked(half)), confiance="y")
    half.post("/deconnexion")
    assert half.sign_in(hr).headers["Location"] == "/"


@pytest.mark.parametrize("lie", ["another origin", "another site", "the holder was not verified", "another challenge"])
def test_a_key_that_was_not_made_rightly_is_not_added(client, hr, app_key, lie):
    client.sign_in(hr)
    client.post("/connexion/code", {"code": factories.code_of(app_key)})
    assert add(client, Authenticator(), **LIES[lie]).status_code == 422
    assert not Passkey.select().exists()


def test_a_key_is_added_once_and_several_may_be(half, holder):
    show(half, holder.get(asked(half)))
    assert add(half, holder).status_code == 422
    assert add(half, Authenticator()).status_code == 303
    assert Passkey.select().count() == 2
    subjects = [message.subject for message in OutboxMessage.select()]
    assert subjects.count("Une double authentification est ajoutée") == 2


def test_a_key_stands_beside_an_application_and_goes_with_it(half, holder, hr):
    show(half, holder.get(asked(half)))
    id = SecondFactor.get().public_id
    half.post(f"/compte/double-authentification/{id}/retrait")
    assert not Passkey.select().exists()
    assert half.get("/compte/cles-acces").status_code == 303
    assert add(half, Authenticator()).status_code == 303
    assert not Passkey.select().exists()


def test_a_key_is_removed_and_enters_no_more(app, half, holder, hr):
    show(half, holder.get(asked(half)))
    half.post(f"/compte/cles-acces/{Passkey.get().public_id}/retrait")
    other = app.test_client()
    other.sign_in(hr)
    assert show(other, holder.get(asked(other))).status_code == 422


def test_a_key_is_added_only_by_who_signed_in_a_moment_ago(half, holder, at):
    show(half, holder.get(asked(half)))
    at(minutes=11)
    answer = add(half, Authenticator())
    assert answer.status_code == 403
    assert Passkey.select().count() == 1


# ── Before what is sensitive ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def late(half, holder, at):
    """Signed in by the key, eleven minutes ago."""
    show(half, holder.get(asked(half)))
    at(minutes=11)
    return half


WHERE = "/compte/double-authentification/codes"


def test_a_key_confirms_in_the_place_of_the_password_and_the_code_and_what_was_typed_stays(late, holder):
    first = late.post(WHERE, {"mot": "tapé"})
    page = first.get_data(as_text=True)
    assert first.status_code == 403 and 'data-passkey="/connexion/cle-acces/defi?perimetre=' in page
    assert page.count('name="mot" value="tapé"') == 2
    before = UserSession.select().order_by(UserSession.id.desc()).get().token_hash
    answer = late.post(WHERE, {"mot": "tapé", "preuve_cle": holder.get(asked(late))})
    assert answer.status_code in (200, 303)
    assert UserSession.select().order_by(UserSession.id.desc()).get().token_hash != before
    assert late.post(WHERE).status_code in (200, 303), "it is not asked again"
    assert AuditEvent.select().where(AuditEvent.action == "session.prove").count() == 1


@pytest.mark.parametrize("name", list(LIES))
def test_an_answer_that_lies_confirms_nothing(late, holder, name):
    answer = late.post(WHERE, {"preuve_cle": holder.get(asked(late), **LIES[name])})
    assert answer.status_code == 422 and "n’a répondu comme il faut" in answer.get_data(as_text=True)
    assert late.post(WHERE).status_code == 403
    assert AuditEvent.select().where(AuditEvent.action == "session.unproved").count() == 1


def test_an_answer_confirms_once_and_none_says_that_it_takes_a_script(late, holder):
    given = holder.get(asked(late))
    assert late.post(WHERE, {"preuve_cle": given}).status_code in (200, 303)
    UserSession.update(proved_at=None).execute()
    again = late.post(WHERE, {"preuve_cle": given})
    assert again.status_code == 422
    assert "a besoin de JavaScript" in late.post(WHERE, {"preuve_cle": ""}).get_data(as_text=True)


def test_who_has_no_key_is_offered_none_and_confirms_by_none(signed_in, hr, at):
    factories.second_factor(hr)
    at(minutes=11)
    assert "data-passkey" not in signed_in.post(WHERE).get_data(as_text=True)
    stranger = Authenticator()
    stranger.create(signed_in.post("/compte/cles-acces/defi").get_json())
    assert signed_in.post(WHERE, {"preuve_cle": stranger.get(asked(signed_in))}).status_code == 422


def test_a_key_that_is_being_added_is_confirmed_by_the_password(late):
    """Its answer holds the one challenge of the session."""
    options = late.post("/compte/cles-acces/defi").get_json()
    page = late.post("/compte/cles-acces", {"nom": "Clé USB", "credential": Authenticator().create(options)})
    assert page.status_code == 403 and "data-passkey" not in page.get_data(as_text=True)


# ── In the forms that ask by themselves ──────────────────────────────────────────────────────────────────────────


def bank_details(browser, **more):
    """What « Documents » sends of new bank details, with a file."""
    company = Company.select().order_by(Company.id).first()
    said = {
        "type": "BANK_DETAILS",
        "entreprise": company.code,
        "titulaire": "Combe-Noire",
        "form_key": str(uuid.uuid4()),
    }
    file = io.BytesIO(files.pdf()), "rib.pdf", "application/pdf"
    return browser.post("/documents", said | {"iban": "FR7630006000011234567890189", "fichiers": file} | more)


def test_a_key_sends_new_bank_details_with_their_file(late, holder):
    assert "Envoyer avec ma clé d’accès" in late.get("/documents").get_data(as_text=True)
    assert bank_details(late).status_code == 422
    assert bank_details(late, preuve_cle=holder.get(asked(late)), iban="faux").status_code == 422
    assert not BankDetails.select().exists()
    assert bank_details(late, preuve_cle=holder.get(asked(late))).status_code == 303
    assert BankDetails.select().count() == 1


def test_what_is_wrong_in_the_form_uses_up_no_answer(late, holder):
    given = holder.get(asked(late))
    assert bank_details(late, preuve_cle=given, titulaire="").status_code == 422
    assert bank_details(late, preuve_cle=given).status_code == 303
    assert bank_details(late, preuve_cle=given).status_code == 422, "once"


@pytest.mark.parametrize("name", list(LIES))
def test_an_answer_that_lies_sends_no_bank_details_and_changes_no_password(late, holder, name):
    for send in (bank_details, new_password):
        answer = send(late, preuve_cle=holder.get(asked(late), **LIES[name]))
        assert answer.status_code == 422 and "n’a répondu comme il faut" in answer.get_data(as_text=True)
        assert "a besoin de JavaScript" in send(late, preuve_cle="").get_data(as_text=True)
    assert not BankDetails.select().exists()
    assert not AuditEvent.select().where(AuditEvent.action == "password.change").exists()


def new_password(browser, actuel=factories.PASSWORD, **more):
    chosen = dict.fromkeys(("mot_de_passe", "confirmation"), "glacier-renard-pelote-41")
    return browser.post("/compte/mot-de-passe", chosen | {"actuel": actuel} | more)


def test_a_key_changes_the_password_beside_the_present_one(late, holder):
    assert "Changer avec ma clé d’accès" in late.get("/compte").get_data(as_text=True)
    assert new_password(late).status_code == 422, "nor code nor key"
    assert new_password(late, "pas le bon", preuve_cle=holder.get(asked(late))).status_code == 422
    assert new_password(late, preuve_cle=holder.get(asked(late))).status_code == 303
    assert AuditEvent.select().where(AuditEvent.action == "password.change").count() == 1


def test_these_forms_offer_no_key_to_who_has_none_or_has_just_signed_in(signed_in, hr, half, at):
    factories.second_factor(hr)
    for minutes in (0, 11):
        at(minutes=minutes)
        for path in ("/documents", "/compte"):
            page = signed_in.get(path).get_data(as_text=True)
            assert "data-passkey" not in page, (minutes, path)

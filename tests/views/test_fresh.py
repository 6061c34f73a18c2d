"""What is not done by whoever sits at an open session: asked for the password, and the code, ten minutes after."""

import re

import pytest

from portal import clock, factors
from portal.models import AuditEvent, Movement, PermissionGrant, SecondFactor, Sending, UserRole, UserSession
from tests import factories
from tests.test_tenancy import WORDS, address, walk
from tests.views.test_selections import preview, sent, tick

ASKED = "Confirmez que c’est bien vous"
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
FRESH = {
    "staff_accesses.close",
    "staff_viewing.start",
    "staff_users.create",
    "staff_agreeing.roles",
    "staff_agreeing.factor",
    "staff_accesses.reopen",
    "staff_accesses.reset_factor",
    "staff_accesses.send_link",
    "staff_accesses.set_roles",
    "granting.create",
    "granting.update",
    "granting.end",
    "grants.confirm",
    "selections.terminate",
    "factors.create",
    "passkeys.create",
    "passkeys.remove",
    "factors.confirm",
    "factors.remove",
    "factors.renew",
    "employees.download",
    "staff_hand_overs.download",
    "staff_loads.confirm",
    "staff_debits.download",
    "staff_sendings.accept",
    "staff_dossiers.export",
}


def text(answer):
    return answer.get_data(as_text=True)


def proof(answer, password=factories.PASSWORD, **code):
    """What the page holds, with the password."""
    held = {name: value for name, value in HIDDEN.findall(text(answer)) if name != "csrf_token"}
    return held | {"preuve_mot_de_passe": password} | {f"preuve_{name}": typed for name, typed in code.items()}


def given(**boxes):
    new = {"courriel": "aude@example.com", "prenom": "Aude", "nom": "Sirugue", "profil": "company"}
    return new | {"du": f"{clock.today():%d/%m/%Y}", "form_key": "k" * 32} | boxes


@pytest.fixture
def place(signed_in):
    page = text(signed_in.get("/habilitations/nouvelle"))
    return re.search(r'<option[^>]*value="([^"]+)"', page[page.index('name="lieu"') :])[1]


def test_these_views_ask_and_no_other(app):
    assert {name for name, view in app.view_functions.items() if hasattr(view, "fresh")} == FRESH


def test_eleven_minutes_after_each_of_them_asks_first(app, client, at):
    """Whatever the row: it is asked before anything is looked for."""
    client.sign_in(factories.user(role=UserRole.ADMIN))
    other = app.test_client()
    other.sign_in(factories.hr_user())
    at(minutes=11)
    seen = set()
    for rule, method in walk(app):
        if method != "POST" or rule.endpoint not in FRESH - {"staff_sendings.accept"}:  # which asks of some rows
            continue
        values = {"id": "00000000-0000-4000-8000-000000000000"} | {name: words[0] for name, words in WORDS.items()}
        browser = client if rule.endpoint.startswith("staff") else other
        answer = browser.post(address(app, rule, **values), {"avec_nir": "1"})
        assert (answer.status_code, ASKED in text(answer)) == (403, True), rule.endpoint
        seen.add(rule.endpoint)
    assert seen == FRESH - {"staff_sendings.accept"}


@pytest.mark.parametrize(("minutes", "status"), [(0, 303), (9, 303), (11, 403)])
def test_a_right_is_given_at_once_or_after_the_password(signed_in, hr, place, at, minutes, status):
    at(minutes=minutes)
    first = signed_in.post("/habilitations/nouvelle", given(lieu=place, droits="2"))
    assert first.status_code == status
    if status == 403:
        before = UserSession.get().token_hash
        assert "Aude" in text(first) and not PermissionGrant.select().where(PermissionGrant.name == "Aude Sirugue")
        wrong = signed_in.post("/habilitations/nouvelle", proof(first, "pas le bon"))
        assert (wrong.status_code, "Ce n’est pas votre mot de passe" in text(wrong)) == (422, True)
        assert signed_in.post("/habilitations/nouvelle", proof(wrong)).status_code == 303
        assert UserSession.get().token_hash != before, "another token"
    made = PermissionGrant.get(PermissionGrant.name == "Aude Sirugue")
    assert made.actions & 2


def test_once_confirmed_it_is_not_asked_again_for_ten_minutes(signed_in, hr, at):
    at(minutes=11)
    first = signed_in.post("/compte/double-authentification")
    assert signed_in.post("/compte/double-authentification", proof(first)).status_code == 303
    at(minutes=20)
    assert signed_in.post("/compte/double-authentification").status_code == 303
    at(minutes=22)
    assert signed_in.post("/compte/double-authentification").status_code == 403
    assert signed_in.get("/salaries").status_code == 200


def test_the_code_is_asked_for_too_where_there_is_one_and_is_used_up(signed_in, hr, at):
    key = factories.second_factor(hr)[1]
    at(minutes=11)
    remove = f"/compte/double-authentification/{SecondFactor.get().public_id}/retrait"
    first = signed_in.post(remove)
    code = factories.code_of(key)
    for wrong in (proof(first), proof(first, code="000000"), proof(first, "pas le bon", code=code)):
        assert signed_in.post(remove, wrong).status_code == 422
    assert SecondFactor.of(hr).count() == 1
    assert signed_in.post(remove, proof(first, code=code)).status_code == 303
    assert SecondFactor.of(hr).count() == 0
    done = [event.action for event in AuditEvent.select().order_by(AuditEvent.number)]
    assert done.count("session.unproved") == 3 and done[-2:] == ["session.prove", "factor.remove"]


def test_guesses_are_counted_and_what_was_typed_stays(signed_in, hr, at):
    factories.second_factor(hr)
    at(minutes=11)
    where = "/compte/double-authentification/codes"
    answers = [signed_in.post(where, proof(signed_in.post(where, {"mot": "tapé"}), code="000000")) for _ in range(6)]
    assert "Patientez" in text(answers[-1]) and 'value="tapé"' in text(answers[-1])
    assert factors.is_full("code-account:x", clock.now()) == 0
    answers = [signed_in.post(where, proof(answers[-1], "pas le bon", code="000000")) for _ in range(7)]
    assert "Trop d’essais" in text(answers[-1])


def test_a_list_asks_only_when_it_holds_the_nir(signed_in, hr, at):
    at(minutes=11)
    assert signed_in.post("/salaries/telechargement", {"format": "csv"}).status_code == 200
    first = signed_in.post("/salaries/telechargement?q=x", {"format": "csv", "avec_nir": "1"})
    assert first.status_code == 403 and 'action="/salaries/telechargement?q=x"' in text(first)
    file = signed_in.post("/salaries/telechargement?q=x", proof(first))
    assert file.mimetype == "text/csv"


def test_many_people_leave_after_the_password_alone(signed_in, hr, at):
    contract = hr.contracts().first()
    people = [factories.beneficiary(contract, f"Nom{number}") for number in range(3)]
    where = tick(signed_in, *people).location
    page = preview(signed_in, where)
    at(minutes=11)
    first = signed_in.post(where, sent(signed_in, page))
    assert first.status_code == 403 and Movement.select().count() == 0
    last = signed_in.post(where, proof(first))
    assert last.status_code == 303
    assert Movement.select().count() == len(people)


def test_htmx_is_given_the_question_in_place_of_the_page(signed_in, at):
    at(minutes=11)
    answer = signed_in.post(
        "/habilitations/nouvelle", given(), headers={"HX-Request": "true", "HX-Current-URL": "http://localhost/x"}
    )
    assert answer.status_code == 403
    assert answer.headers["HX-Retarget"] == "#main"
    assert text(answer).lstrip().startswith('<div id="confirming"')


def test_the_password_is_changed_with_the_code_too(signed_in, hr, at):
    key = factories.second_factor(hr)[1]
    new = "cheval correct pile agrafe montagne"
    form = {"actuel": factories.PASSWORD, "mot_de_passe": new, "confirmation": new}
    at(minutes=11)
    assert 'name="preuve"' in text(signed_in.get("/compte"))
    refused = signed_in.post("/compte/mot-de-passe", form)
    assert refused.status_code == 422 and "Ce code n’est pas le bon" in text(refused)
    assert signed_in.post("/compte/mot-de-passe", form | {"preuve": factories.code_of(key)}).status_code == 303


@pytest.mark.parametrize(("kind", "is_asked"), [("BANK_DETAILS", True), ("KBIS", False)])
def test_the_mutual_accepts_an_account_after_the_password_and_a_kbis_without(client, hr, at, kind, is_asked):
    company = hr.companies().first()
    row = Sending.create(account=company.account_id, company=company, document_type=kind, author=hr)
    client.sign_in(factories.user(role=UserRole.STAFF))
    at(minutes=11)
    answer = client.post(f"/gestion/documents/{row.public_id}/acceptation", {"version": "9", "form_key": "k" * 32})
    assert (answer.status_code == 403, ASKED in text(answer)) == (is_asked, is_asked)

"""« Mandats de prélèvement »: prepared on the account on file, signed by a name and a code, printed whole, revoked."""

import datetime
import io
import re

import pypdf
import pytest

from portal import clock, mandates
from portal.models import (
    AuditEvent,
    BankDetails,
    Document,
    MandateState,
    OutboxMessage,
    PermissionGrant,
    SepaMandate,
    UserRole,
    db,
)
from portal.rules.rights import ALL, Action
from tests import factories
from tests.views.test_terminations import plain

IBAN = "FR7630006000011234567890189"


@pytest.fixture
def company(hr):
    return hr.companies().first()


@pytest.fixture
def mandate(hr, company):
    return factories.mandate(company, hr, signed=False)


def here(mandate, word=""):
    return f"/cotisations/mandats/{mandate.public_id}{word}"


def last_code():
    text = OutboxMessage.select().order_by(OutboxMessage.id.desc()).get().unseal()["text"]
    return re.search(r"\b\d{6}\b", text)[0]


def sign(client, hr, mandate, place="Saint-Claude"):
    answer = client.post(here(mandate, "/code"), {"signature": hr.full_name, "lieu": place})
    assert answer.status_code == 303
    return client.post(here(mandate, "/signature"), {"code": last_code()})


def now_there(mandate):
    return SepaMandate.get_by_id(mandate.id)


def text_of(answer):
    read = pypdf.PdfReader(io.BytesIO(answer.get_data()))
    return len(read.pages), re.sub(r"\s+", " ", " ".join(page.extract_text() for page in read.pages))


def test_a_mandate_is_prepared_on_the_account_on_file(signed_in, company):
    factories.bank_details(company)
    sent = {"entreprise": company.code, "schema": "B2B", "adresse": "3 rue du Lac, 39000 Lons", "form_key": "k" * 36}
    assert company.label in plain(signed_in.get(f"/cotisations/mandats/nouveau?entreprise={company.code}"))
    answer = signed_in.post("/cotisations/mandats/nouveau", sent)
    assert answer.status_code == 303
    (made,) = SepaMandate.select()
    assert answer.location.startswith(here(made))
    assert (made.unseal(), made.scheme, made.state) == (IBAN, "B2B", "TO_SIGN")
    page = signed_in.get(here(made)).get_data(as_text=True)
    assert IBAN not in page and "FR76 3000" not in page
    for said in (made.reference, "FR72ZZZ123456", "Mutuelle du Haut-Jura", "3 rue du Lac", "Recevoir mon code"):
        assert said in page


@pytest.mark.parametrize("missing", ["entreprise", "schema", "adresse"])
def test_what_is_missing_is_said_and_nothing_is_prepared(signed_in, company, missing):
    factories.bank_details(company)
    sent = {"entreprise": company.code, "schema": "CORE", "adresse": "3 rue du Lac"} | {missing: ""}
    assert signed_in.post("/cotisations/mandats/nouveau", sent).status_code == 422
    assert not SepaMandate.select().exists()


def test_without_an_account_on_file_a_rib_is_asked_for(signed_in, company):
    assert "Envoyer un RIB" in plain(signed_in.get("/cotisations/mandats"))
    assert signed_in.get("/cotisations/mandats/nouveau").status_code == 303
    sent = {"entreprise": company.code, "schema": "CORE", "adresse": "3 rue du Lac"}
    assert signed_in.post("/cotisations/mandats/nouveau", sent).status_code == 422


def test_the_account_of_another_company_is_no_choice(signed_in):
    other = factories.hr_user().companies().first()
    factories.bank_details(other)
    factories.bank_details(factories.company(signed_in_account()))
    sent = {"entreprise": other.code, "schema": "CORE", "adresse": "3 rue du Lac"}
    assert signed_in.post("/cotisations/mandats/nouveau", sent).status_code == 422


def signed_in_account():
    return PermissionGrant.select().order_by(PermissionGrant.id).first().account


def test_a_name_and_a_code_sign_once_and_everybody_there_is_told(signed_in, hr, mandate):
    colleague = factories.user(accounts=[mandate.company.account])
    assert sign(signed_in, hr, mandate).status_code == 303
    row = now_there(mandate)
    assert (row.state, row.typed_name, row.place, row.signer_id) == ("SIGNED", hr.full_name, "Saint-Claude", hr.id)
    assert row.signed_at and not row.code_hash and row.code_to is None
    told = [one.user_id for one in OutboxMessage.select().where(OutboxMessage.subject.contains("mandat"))]
    assert sorted(told) == sorted([hr.id, colleague.id])
    assert signed_in.post(here(mandate, "/signature"), {"code": "123456"}).status_code == 404
    actions = [one.action for one in AuditEvent.select()]
    assert actions.count("mandate.sign") == 1
    assert "Signé" in plain(signed_in.get("/cotisations/mandats"))


@pytest.mark.parametrize(
    ("signature", "lieu"), [("Quelqu’un d’autre", "Lons"), ("", "Lons"), (None, ""), (None, IBAN), (None, "x" * 61)]
)
def test_another_name_or_no_place_gets_no_code(signed_in, hr, mandate, signature, lieu):
    name = hr.full_name if signature is None else signature
    assert signed_in.post(here(mandate, "/code"), {"signature": name, "lieu": lieu}).status_code == 422
    assert not OutboxMessage.select().exists()


def test_a_wrong_code_signs_nothing_and_the_sixth_try_is_over(signed_in, hr, mandate):
    signed_in.post(here(mandate, "/code"), {"signature": hr.full_name, "lieu": "Lons"})
    wrong = "000000" if last_code() != "000000" else "111111"
    for _ in range(5):
        assert signed_in.post(here(mandate, "/signature"), {"code": wrong}).status_code == 422
    answer = signed_in.post(here(mandate, "/signature"), {"code": last_code()})
    assert answer.status_code == 422
    assert "ne sert plus" in plain(answer)
    assert now_there(mandate).state == MandateState.TO_SIGN


def test_the_code_of_a_colleague_signs_nothing_in_my_name(client, hr, mandate):
    colleague = factories.user(accounts=[mandate.company.account])
    client.sign_in(hr)
    client.post(here(mandate, "/code"), {"signature": hr.full_name, "lieu": "Lons"})
    client.sign_in(colleague)
    assert client.post(here(mandate, "/signature"), {"code": last_code()}).status_code == 422
    assert now_there(mandate).state == MandateState.TO_SIGN


@pytest.mark.parametrize(("scheme", "pages", "words"), [("CORE", 1, "8 semaines"), ("B2B", 2, "Feuille à remettre")])
def test_the_pdf_has_the_obligatory_mentions(signed_in, hr, company, scheme, pages, words):
    row = factories.mandate(company, hr, scheme=scheme)
    answer = signed_in.post(here(row, "/pdf"))
    assert answer.mimetype == "application/pdf"
    count, text = text_of(answer)
    assert count == pages
    mentions = ("Mandat de prélèvement SEPA", row.reference, "FR72ZZZ123456", "Mutuelle du Haut-Jura", row.holder)
    more = ("FR76 3000 6000 0112 3456 7890 189", "3 rue du Lac", "Récurrent", "vous autorisez", hr.full_name, "Lons")
    for said in (*mentions, *more, words):
        assert said in text, said


def test_a_new_signature_takes_the_place_of_the_one_before(signed_in, hr, company):
    first = factories.mandate(company, hr)
    second = factories.mandate(company, hr, signed=False)
    sign(signed_in, hr, second)
    assert [now_there(one).state for one in (first, second)] == ["REVOKED", "SIGNED"]


def test_who_signs_may_revoke_once(signed_in, hr, company):
    row = factories.mandate(company, hr)
    version = str(row.version)
    assert signed_in.post(here(row, "/revocation"), {"version": version}).status_code == 303
    assert now_there(row).state == MandateState.REVOKED
    late = signed_in.post(here(row, "/revocation"), {"version": version}, follow_redirects=True)
    assert "entre-temps" in plain(late)
    assert sum(one.action == "mandate.revoke" for one in AuditEvent.select()) == 1


def test_what_is_not_used_for_36_months_has_expired(signed_in, hr, company):
    row = factories.mandate(company, hr)
    old = clock.now() - datetime.timedelta(days=3 * 366)
    SepaMandate.update(signed_at=old).execute()
    assert now_there(row).state_on(clock.today()) == MandateState.EXPIRED
    assert "a expiré" in plain(signed_in.get(here(row)))
    SepaMandate.update(last_used_on=clock.today()).execute()
    assert now_there(row).state_on(clock.today()) == MandateState.SIGNED


def test_the_mutual_sees_mandates_and_signs_none(client, hr, company):
    row = factories.mandate(company, hr, signed=False)
    client.sign_in(factories.user(UserRole.STAFF))
    assert row.reference in plain(client.get("/cotisations/mandats"))
    page = plain(client.get(here(row)))
    assert "pas encore signé" in page and "Recevoir mon code" not in page
    for word in ("/code", "/signature", "/revocation"):
        assert client.post(here(row, word)).status_code == 403


def test_who_sees_no_contributions_reaches_neither_mandate_nor_its_pdf(client, hr, company):
    row = factories.mandate(company, hr)
    narrow = factories.user()
    PermissionGrant.create(user=narrow, account=company.account, valid_from="2020-01-01", actions=ALL & ~Action.MONEY)
    document = Document.get_by_id(row.document_id)
    client.sign_in(narrow)
    assert client.get("/cotisations/mandats").status_code == 403
    assert client.get(here(row)).status_code == 404
    assert client.post(f"/document/{document.public_id}/telechargement").status_code == 404
    client.sign_in(hr)
    assert client.post(f"/document/{document.public_id}/telechargement").status_code == 200


def test_the_list_of_mandates_asks_a_handful_of_statements(signed_in, hr, company, queries):
    for _ in range(3):
        factories.mandate(company, hr)
    queries.clear()
    signed_in.get("/cotisations/mandats")
    assert len(queries) <= 9, queries


def test_two_signed_mandates_of_a_company_cannot_be(hr, company):
    factories.mandate(company, hr)
    other = mandates.begin(
        factories.BankDetails.get(), "CORE", "3 rue du Lac", ("FR72ZZZ123456", "M", "A"), hr, clock.now()
    )
    with pytest.raises(Exception, match=r"(?i)unique"), db.atomic():
        SepaMandate.update(state="SIGNED").where(SepaMandate.id == other.id).execute()


def test_an_account_that_was_replaced_since_is_not_signed(signed_in, hr, company, mandate):
    signed_in.post(here(mandate, "/code"), {"signature": hr.full_name, "lieu": "Lons"})
    code = last_code()
    BankDetails.update(until=clock.now()).execute()
    factories.bank_details(company, "FR7610096000501234567890184")
    told = plain(signed_in.post(here(mandate, "/signature"), {"code": code}, follow_redirects=True))
    assert "un autre compte depuis" in told
    assert now_there(mandate).state == MandateState.TO_SIGN
    assert not AuditEvent.select().where(AuditEvent.action == "mandate.sign").exists()
    assert "un autre compte depuis" in plain(
        signed_in.post(here(mandate, "/code"), {"signature": hr.full_name, "lieu": "Lons"}, follow_redirects=True)
    )


def test_of_two_that_are_signed_the_last_is_in_force(signed_in, hr, company, mandate):
    other = factories.mandate(company, hr, signed=False)
    for one in (mandate, other):
        assert sign(signed_in, hr, one).status_code == 303
    assert [now_there(one).state for one in (mandate, other)] == [MandateState.REVOKED, MandateState.SIGNED]

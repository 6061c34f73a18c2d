"""« Documents »: sent by a company, withdrawn until it is read, then accepted or refused by the mutual."""

import datetime
import io

import pytest
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import encode_multipart

from portal import clock
from portal.models import (
    AuditEvent,
    BankDetails,
    Company,
    EmployeeCategory,
    MandateState,
    OutboxMessage,
    PermissionGrant,
    Sending,
    SendingState,
    SentFile,
    SepaMandate,
    StoredFile,
)
from tests import enrolling, factories, files

IBAN, OTHER_IBAN = "FR7630006000011234567890189", "FR1420041010050500013M02606"
SIRET = "44306184100047"


@pytest.fixture
def company(hr):
    return hr.companies().order_by(Company.id).first()


@pytest.fixture
def staff(app, hr):
    desk = app.test_client()
    desk.sign_in(factories.user(role="staff"))
    return desk


def text(client, address):
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def send(client, *pieces, address="/documents", **words):
    page = enrolling.hidden(client.get(address).get_data(as_text=True))
    data = page | words | {"csrf_token": client.token()}
    data["fichiers"] = [FileStorage(io.BytesIO(content), name) for name, content in pieces]
    boundary, body = encode_multipart(MultiDict(data))
    return client.open(address, method="POST", data=body, content_type=f"multipart/form-data; boundary={boundary}")


def kbis(client, company, **others):
    words = {"type": "KBIS", "entreprise": company.code, "siret": SIRET, "extrait": f"{clock.today():%d/%m/%Y}"}
    return send(client, ("kbis.pdf", files.pdf()), **words | others)


def rib(client, company, iban=IBAN, **others):
    words = {"type": "BANK_DETAILS", "entreprise": company.code, "titulaire": "ATELIERS COMBE-NOIRE", "iban": iban}
    return send(client, ("rib.pdf", files.pdf()), **words | others)


def group(client, *pieces, **others):
    return send(
        client, *(pieces or [("liste.csv", b"a;b\n1;2\n")]), **{"type": "GROUP", "entreprise": "compte"} | others
    )


def desk_of(row):
    return f"/gestion/documents/{row.public_id}"


def take(staff, row):
    assert staff.post(f"{desk_of(row)}/lecture").status_code == 303


def decide(staff, row, word, **words):
    seen = str(Sending.get_by_id(row.id).version)
    return staff.post(f"{desk_of(row)}/{word}", {"version": seen, **words})


def accept_kbis(staff, row, siret=SIRET, day=None):
    return decide(staff, row, "acceptation", siret=siret, extrait=f"{day or clock.today():%d/%m/%Y}")


# ── Sent ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_says_types_formats_and_limit_before_anything(signed_in):
    page = text(signed_in, "/documents")
    for words in ("Veuillez choisir un type de document", "Kbis", "RIB ou Coordonnées SEPA", "Dépôt document groupe"):
        assert words in page
    assert "png, jpeg, jpg, pdf, csv, xlsx, xls, doc, docx et odt" in page
    assert "Taille max.\u00a0: 4\u00a0Mo" in page
    assert "Rien n’a encore été envoyé" in page


def test_the_files_of_a_group_are_each_followed_alone(signed_in, hr):
    assert group(signed_in, ("a.csv", b"a;b\n1;2\n"), ("b.pdf", files.pdf()), note="Pour juin").status_code == 303
    assert [row.note for row in Sending.select()] == ["Pour juin"] * 2
    assert SentFile.select().count() == StoredFile.select().where(StoredFile.attached_at.is_null(False)).count() == 2
    page = text(signed_in, "/documents")
    assert "a.csv" in page and "b.pdf" in page and "pas encore lu" in page
    assert AuditEvent.select().where(AuditEvent.action == "sending.send").count() == 2


def test_the_pages_of_a_kbis_are_one_sending(signed_in, company):
    words = {"type": "KBIS", "entreprise": company.code, "siret": SIRET, "extrait": f"{clock.today():%d/%m/%Y}"}
    assert send(signed_in, ("1.png", files.image()), ("2.png", files.image()), **words).status_code == 303
    assert (Sending.select().count(), SentFile.select().count()) == (1, 2)


def test_the_same_form_twice_is_kept_once(signed_in, company):
    key = "11111111-1111-4111-8111-111111111111"
    for _ in range(2):
        assert rib(signed_in, company, form_key=key).status_code == 303
    assert (Sending.select().count(), BankDetails.select().count()) == (1, 1)
    assert "rien n’a été fait deux fois" in text(signed_in, "/documents")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"type": ""}, "Choisissez le type de document."),
        ({"entreprise": "E999999"}, "Choisissez une des réponses proposées."),
        ({"entreprise": "compte"}, "celui d’une seule entreprise"),
        ({"siret": "12345678901234"}, "La clé (dernier chiffre) du SIRET"),
        ({"extrait": "31/06/2026"}, "Le 31 juin n’existe pas"),
        ({"extrait": "01/01/2031"}, "Cette date est à venir"),
        ({"extrait": "01/01/2020"}, "a plus de 3 mois"),
    ],
)
def test_what_a_kbis_says_is_checked(signed_in, company, words, said):
    answer = kbis(signed_in, company, **words)
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)
    assert not Sending.select().exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"iban": "FR7630006000011234567890180"}, "La clé"),
        ({"titulaire": ""}, "Recopiez le titulaire"),
        ({"bic": "AGRI"}, "Le BIC a 8 ou 11 caractères"),
    ],
)
def test_what_a_rib_says_is_checked(signed_in, company, words, said):
    answer = rib(signed_in, company, **words)
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)
    assert not BankDetails.select().exists()


def test_a_renamed_program_is_refused_beside_its_name_and_the_other_file_stays(signed_in):
    answer = group(signed_in, ("bon.pdf", files.pdf()), ("carte.pdf", b"MZ" * 500))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "carte.pdf\u00a0: Ce fichier n’est pas au format PDF" in page
    assert "bon.pdf" in page and "déjà reçu" in page
    assert not Sending.select().exists()


def test_each_file_that_is_refused_is_counted_above_the_form(signed_in):
    answer = group(signed_in, ("carte.pdf", b"MZ" * 500), ("vide.pdf", b""), ("bon.pdf", files.pdf()))
    above = answer.get_data(as_text=True).partition('role="alert"')[2].partition("</ul>")[0]
    assert "2 erreurs à corriger" in above and "carte.pdf" in above and "vide.pdf" in above


def test_without_an_account_one_is_chosen_first(client, database):
    user = factories.user(accounts=[factories.account(), factories.account("Verreries")])
    client.sign_in(user)
    assert "Choisissez d’abord le compte." in text(client, "/documents?perimetre=tous")
    assert client.post("/documents", {"type": "GROUP"}).status_code == 303
    assert not Sending.select().exists()


def test_a_file_is_previewed_where_nothing_runs_and_saved(signed_in):
    group(signed_in, ("plan.pdf", files.pdf()), ("liste.csv", b"a;b\n1;2\n"))
    kept = {one.file.file_name: one for one in SentFile.select()}
    where = {name: f"/documents/{one.sending.public_id}/piece/{one.public_id}" for name, one in kept.items()}
    shown = signed_in.get(where["plan.pdf"])
    assert (shown.status_code, "sandbox" in shown.headers["Content-Security-Policy"]) == (200, True)
    assert signed_in.get(where["liste.csv"]).status_code == 404
    saved = signed_in.post(where["liste.csv"])
    assert saved.headers["Content-Disposition"].startswith("attachment")
    assert AuditEvent.select().where(AuditEvent.action == "sending.download").count() == 1
    other = f"/documents/{kept['plan.pdf'].sending.public_id}/piece/{kept['liste.csv'].public_id}"
    assert signed_in.post(other).status_code == 404


# ── Withdrawn ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_is_withdrawn_until_it_is_read_and_its_files_leave(signed_in, company):
    rib(signed_in, company)
    row = Sending.get()
    assert "Retirer ce document" in text(signed_in, f"/documents/{row.public_id}")
    signed_in.post(f"/documents/{row.public_id}/retrait")
    assert Sending.get().state == SendingState.WITHDRAWN
    assert not BankDetails.select().exists()
    assert StoredFile.get().dropped_at is not None
    page = text(signed_in, f"/documents/{row.public_id}")
    assert "Aucun fichier" in page and "Retirer ce document" not in page


def test_once_read_it_is_not_withdrawn(signed_in, staff):
    group(signed_in)
    row = Sending.get()
    take(staff, row)
    signed_in.post(f"/documents/{row.public_id}/retrait")
    assert Sending.get().state == SendingState.RECEIVED
    page = text(signed_in, f"/documents/{row.public_id}")
    assert "déjà ce document en main" in page and "Retirer ce document" not in page


def test_what_was_withdrawn_is_not_read(signed_in, staff):
    group(signed_in)
    row = Sending.get()
    signed_in.post(f"/documents/{row.public_id}/retrait")
    assert staff.post(f"{desk_of(row)}/lecture").headers["Location"].endswith("/gestion/documents")
    assert Sending.get().read_at is None


# ── Decided ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_is_opened_nor_decided_before_it_is_taken_in_hand(signed_in, staff):
    group(signed_in, ("plan.pdf", files.pdf()))
    row, piece = Sending.get(), SentFile.get().public_id
    page = text(staff, desk_of(row))
    assert "Lire ce document" in page and "plan.pdf" not in page
    assert staff.get(f"{desk_of(row)}/piece/{piece}").status_code == 404
    decide(staff, row, "acceptation")
    assert Sending.get().state == SendingState.RECEIVED
    take(staff, row)
    assert "plan.pdf" in text(staff, desk_of(row))
    assert staff.get(f"{desk_of(row)}/piece/{piece}").status_code == 200


def test_reading_twice_is_written_down_once(signed_in, staff):
    group(signed_in)
    for _ in range(2):
        take(staff, Sending.get())
    assert AuditEvent.select().where(AuditEvent.action == "sending.read").count() == 1


def test_an_accepted_group_document_is_told(signed_in, staff, hr):
    group(signed_in)
    take(staff, Sending.get())
    assert decide(staff, Sending.get(), "acceptation").status_code == 303
    assert Sending.get().state == SendingState.ACCEPTED
    told = OutboxMessage.get()
    assert (told.user_id, "accepté" in told.subject) == (hr.id, True)
    assert "Accepté" in text(signed_in, "/documents")


def test_a_refusal_needs_a_reason_which_is_read(signed_in, staff):
    group(signed_in)
    row = Sending.get()
    take(staff, row)
    assert decide(staff, row, "refus", motif="").status_code == 422
    assert decide(staff, row, "refus", motif="OTHER").status_code == 422
    assert decide(staff, row, "refus", motif="ILLEGIBLE", precision="Page 2.").status_code == 303
    page = text(signed_in, "/documents")
    assert "Refusé" in page and "n’est pas lisible" in page and "Page 2." in page
    assert "La raison se lit ici" in OutboxMessage.get().unseal()["text"]


def test_two_who_decide_at_once_decide_once(signed_in, staff):
    group(signed_in)
    row = Sending.get()
    take(staff, row)
    seen = str(Sending.get().version)
    for word in ("acceptation", "refus"):
        staff.post(f"{desk_of(row)}/{word}", {"version": seen, "motif": "ILLEGIBLE"})
    assert Sending.get().state == SendingState.ACCEPTED
    assert "déjà traité" in text(staff, "/gestion/documents")


def test_an_accepted_kbis_gives_the_siret_and_its_validity(signed_in, staff, company):
    kbis(signed_in, company)
    take(staff, Sending.get())
    mended = "73282932000074"
    assert accept_kbis(staff, Sending.get(), siret="1").status_code == 422
    assert accept_kbis(staff, Sending.get(), siret=mended).status_code == 303
    known = Company.get_by_id(company.id)
    assert (known.siret, known.kbis_on, mended in known.search_key) == (mended, clock.today(), True)
    assert Sending.get().siret == mended


def test_an_older_kbis_than_the_last_changes_nothing(signed_in, staff, company):
    Company.update(kbis_on=clock.today(), siret="73282932000074").where(Company.id == company.id).execute()
    kbis(signed_in, company)
    take(staff, Sending.get())
    accept_kbis(staff, Sending.get(), day=clock.today() - datetime.timedelta(days=9))
    assert Company.get_by_id(company.id).siret == "73282932000074"
    assert "Un Kbis plus récent" in text(staff, "/gestion/documents")


def test_the_old_account_stays_until_the_mutual_confirms_the_new_one(signed_in, staff, company, hr):
    old = BankDetails(company=company, holder="X", since=clock.now())
    old.seal(OTHER_IBAN)
    old.save(force_insert=True)
    assert rib(signed_in, company, iban=OTHER_IBAN).status_code == 422
    assert rib(signed_in, company).status_code == 303
    assert OutboxMessage.get().user_id == hr.id
    assert [one.id for one in BankDetails.select().where(BankDetails.in_force())] == [old.id]
    take(staff, Sending.get())
    decide(staff, Sending.get(), "acceptation")
    (now,) = BankDetails.select().where(BankDetails.in_force())
    assert (now.unseal(), now.bic, BankDetails.get_by_id(old.id).until is not None) == (IBAN, "AGRIFRPPXXX", True)


def test_a_mandate_on_the_old_account_ends_when_the_new_one_is_confirmed(signed_in, staff, company, hr):
    factories.bank_details(company, OTHER_IBAN)
    mandate = factories.mandate(company, hr)
    rib(signed_in, company)
    assert SepaMandate.get_by_id(mandate.id).state == MandateState.SIGNED
    take(staff, Sending.get())
    decide(staff, Sending.get(), "acceptation")
    assert SepaMandate.get_by_id(mandate.id).state == MandateState.REVOKED
    assert "Votre mandat de prélèvement ne sert plus" in [message.subject for message in OutboxMessage.select()]


def test_a_refused_rib_changes_nothing(signed_in, staff, company):
    rib(signed_in, company)
    take(staff, Sending.get())
    decide(staff, Sending.get(), "refus", motif="OTHER_IBAN")
    assert not BankDetails.select().where(BankDetails.in_force()).exists()


def test_no_iban_stands_in_a_message_the_audit_or_a_page(signed_in, staff, company):
    rib(signed_in, company)
    take(staff, Sending.get())
    pages = [text(signed_in, "/documents"), text(staff, desk_of(Sending.get())), text(staff, "/gestion/documents")]
    pages += [str(message.unseal()) for message in OutboxMessage.select()]
    pages += [f"{event.before} {event.after}" for event in AuditEvent.select()]
    assert not any(IBAN in page.replace("\u00a0", "").replace(" ", "") for page in pages)


# ── Bank details and Kbis, as both sides see them ────────────────────────────────────────────────────────────────


def there(company, iban=OTHER_IBAN):
    details = BankDetails(company=company, holder="COMBE-NOIRE", since=clock.now())
    details.seal(iban)
    details.save(force_insert=True)
    return details


def plain(answer):
    assert answer.status_code == 200
    return answer.get_data(as_text=True).replace("\u00a0", "")


def revealed():
    return AuditEvent.select().where(AuditEvent.action == "bank_details.reveal").count()


def test_an_iban_is_shown_on_a_click_that_is_written_down(signed_in, company):
    old = there(company)
    rib(signed_in, company)
    page = text(signed_in, "/documents/entreprises")
    assert "changement demandé" in page and "COMBE-NOIRE" in page
    assert OTHER_IBAN in plain(signed_in.post(f"/documents/entreprises/{old.public_id}/iban"))
    asked = plain(signed_in.post(f"/documents/{Sending.get().public_id}/iban"))
    assert IBAN in asked and OTHER_IBAN not in asked and "à confirmer par la mutuelle" in asked
    assert revealed() == 2


def test_what_asks_for_no_account_reveals_none(signed_in, staff):
    group(signed_in)
    row = Sending.get()
    take(staff, row)
    assert signed_in.post(f"/documents/{row.public_id}/iban").status_code == 404
    assert staff.post(f"{desk_of(row)}/iban").status_code == 404


def test_the_mutual_compares_what_is_asked_with_what_is_in_force(signed_in, staff, company):
    there(company)
    rib(signed_in, company, titulaire="Quelqu’un d’autre")
    row = Sending.get()
    assert staff.post(f"{desk_of(row)}/iban").status_code == 404
    take(staff, row)
    page = text(staff, desk_of(row))
    assert "Les clés de l’IBAN sont justes" in page and "Titulaire : Quelqu’un d’autre" in page.replace("\u00a0", " ")
    both = plain(staff.post(f"{desk_of(row)}/iban"))
    assert IBAN in both and OTHER_IBAN in both
    assert revealed() == 1


def test_the_mutual_is_told_of_another_siret_and_of_a_later_sending(signed_in, staff, company):
    kbis(signed_in, company)
    kbis(signed_in, company)
    row = Sending.select().order_by(Sending.id).first()
    take(staff, row)
    page = text(staff, desk_of(row))
    assert "Le SIREN change" in page and "Un envoi plus récent attend aussi" in page


def test_a_company_s_kbis_is_shown_with_its_validity(signed_in, company):
    assert "aucun" in text(signed_in, "/documents/entreprises")
    today = clock.today()
    for days, said in ((10, "valable jusqu’au"), (200, "à renouveler")):
        Company.update(kbis_on=today - datetime.timedelta(days=days)).where(Company.id == company.id).execute()
        assert said in text(signed_in, "/documents/entreprises")


def test_a_change_of_account_asks_for_the_code_too_where_there_is_one(signed_in, hr, company, at):
    key = factories.second_factor(hr)[1]
    at(minutes=11)
    assert "Code à six chiffres" in text(signed_in, "/documents")
    right = {"mot_de_passe": factories.PASSWORD}
    for code in ("", "000000"):
        refused = rib(signed_in, company, preuve=code, **right)
        assert refused.status_code == 422 and "Ce code n’est pas le bon" in refused.get_data(as_text=True)
    assert rib(signed_in, company, preuve=factories.code_of(key), **right).status_code == 303
    assert BankDetails.select().count() == 1


def test_a_change_of_account_asks_for_the_password_ten_minutes_after_signing_in(signed_in, company, at):
    at(minutes=0)
    assert "mot_de_passe" not in text(signed_in, "/documents")
    at(minutes=11)
    assert "mot_de_passe" in text(signed_in, "/documents")
    for typed, said in (("", "Indiquez votre mot de passe"), ("faux", "Ce n’est pas votre mot de passe")):
        answer = rib(signed_in, company, mot_de_passe=typed)
        assert answer.status_code == 422 and said in answer.get_data(as_text=True)
    assert kbis(signed_in, company).status_code == 303
    assert rib(signed_in, company, mot_de_passe=factories.PASSWORD).status_code == 303
    assert BankDetails.select().count() == 1


def test_who_has_one_college_sees_no_account_of_the_company(app, hr, company):
    details = there(company)
    narrow, college = factories.user(), hr.categories().where(EmployeeCategory.company == company).first()
    PermissionGrant.create(user=narrow, account=college.account, category=college, valid_from="2020-01-01")
    browser = app.test_client()
    browser.sign_in(narrow)
    assert "COMBE-NOIRE</" not in text(browser, "/documents/entreprises").partition("<main")[2].replace("SIÈGE", "")
    assert browser.post(f"/documents/entreprises/{details.public_id}/iban").status_code == 404


# ── Who sees it ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_has_one_college_sees_what_they_sent_alone(app, signed_in, hr, company):
    kbis(signed_in, company)
    group(signed_in)
    narrow = factories.user()
    college = hr.categories().first()
    account = college.account
    PermissionGrant.create(user=narrow, account=account, category=college, valid_from=datetime.date(2020, 1, 1))
    browser = app.test_client()
    browser.sign_in(narrow)
    assert "Rien n’a encore été envoyé" in text(browser, "/documents")
    assert browser.get(f"/documents/{Sending.get().public_id}").status_code == 404
    assert kbis(browser, college.company).status_code == 303
    assert narrow.sendings().count() == 1
    assert hr.sendings().count() == 3
    assert "Tout le compte" not in text(browser, "/documents")


def test_the_list_is_narrowed_by_state_and_type(signed_in, company):
    kbis(signed_in, company)
    group(signed_in)
    assert "liste.csv" not in text(signed_in, "/documents?genre=kbis")
    assert "Aucun document ne correspond" in text(signed_in, "/documents?etat=refuses")


def test_the_list_reads_as_many_statements_however_long_it_is(signed_in, staff, queries):
    counts = []
    for number in (1, 5):
        group(signed_in, *[(f"{number}{place}.csv", b"a;b\n1;2\n") for place in range(number)])
        for client, address in (
            (signed_in, "/documents"),
            (signed_in, "/documents/entreprises"),
            (staff, "/gestion/documents"),
        ):
            queries.clear()
            text(client, address)
            counts.append(len(queries))
    assert counts[:3] == counts[3:]
    assert max(counts) <= 14


def test_the_menu_counts_what_waits_for_the_mutual(signed_in, staff):
    group(signed_in)
    badge = 'id="badge-staff_sendings"><span class="ui-count">1<'
    assert badge in text(staff, "/gestion/documents")
    take(staff, Sending.get())
    assert badge in text(staff, "/gestion/documents")
    decide(staff, Sending.get(), "acceptation")
    assert badge not in text(staff, "/gestion/documents")

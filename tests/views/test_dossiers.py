"""« Recherche » at the mutual, and the file of an account, a company or a person with its whole history."""

import datetime
import io
import zipfile

import pytest

from portal import clock, privacy, proofs, threads
from portal.folder import Unavailable
from portal.models import AuditEvent, Company, GroupContract, ManagedAccount, MessageThread, Movement, UserRole
from portal.rules import proofs as rules
from portal.rules.staff_roles import Duty
from tests import factories
from tests.views.test_terminations import plain

NIR = "294063947803145"
MOST = 10  # statements of a page


@pytest.fixture
def staff(client, database):
    client.sign_in(factories.user(role=UserRole.STAFF, first_name="Odile", last_name="Perrin"))
    return client


@pytest.fixture
def person(hr):
    """One of whom something is in every room."""
    found = factories.beneficiary(GroupContract.select().order_by(GroupContract.id).first(), "Vuillermoz", "Zoé", NIR)
    Movement.create(category=found.category, beneficiary=found, kind="ADDRESS", label=found.full_name, author_id=hr.id)
    row = proofs.ask(found, rules.HOME_ADDRESS, "2026", proofs.INSURER, clock.now())
    factories.message(about=row, told="Un justificatif vous est demandé")
    thread = factories.thread(hr, place=threads.Place(found.account))
    MessageThread.update(beneficiary=found).where(MessageThread.id == thread.id).execute()
    factories.lines(factories.statement(found.contract), [found])
    AuditEvent.write("nir.reveal", on=found, account=found.account_id, by=hr, origin=("192.0.2.7", "r1"))
    return found


def file_of(person):
    return f"/gestion/personnes/{person.public_id}"


# ── The search ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("typed", "heading"),
    [("combe-noire", "Comptes"), ("siege", "Entreprises"), ("vuillermoz zoe", "Personnes")],
)
def test_one_box_finds_accounts_companies_and_people(staff, person, typed, heading):
    answer = staff.get(f"/gestion/dossiers?q={typed}").get_data(as_text=True)
    assert f"<h2>{heading}</h2>" in answer


def test_numbers_find_what_bears_them(staff, person):
    company = Company.select().order_by(Company.id).first()
    for typed in (person.member_number, company.siret, company.siret[:9], company.code, person.account.code):
        assert (
            "/gestion/" in staff.get(f"/gestion/dossiers?q={typed}").get_data(as_text=True).split("staff_search", 2)[2]
        )
    found = staff.get(f"/gestion/dossiers?q={person.member_number}").get_data(as_text=True)
    assert file_of(person) in found


def test_many_are_cut_and_a_group_is_paged_alone(staff, hr):
    contract = GroupContract.select().first()
    for number in range(12):
        factories.beneficiary(contract, "Perrodin", f"Prénom{number:02}")
    text = staff.get("/gestion/dossiers?q=perrodin").get_data(as_text=True)
    assert text.count("/gestion/personnes/") == 5
    assert "groupe=personnes" in text
    page = staff.get("/gestion/dossiers?q=perrodin&groupe=personnes&lignes=10&page=2").get_data(as_text=True)
    assert page.count("/gestion/personnes/") == 2


def test_what_is_not_found_says_so(staff):
    assert "Qui cherchez-vous" in plain(staff.get("/gestion/dossiers"))
    assert "Rien ne correspond" in plain(staff.get("/gestion/dossiers?q=introuvable"))


def test_a_nir_never_stays_in_the_address(staff):
    answer = staff.get(f"/gestion/dossiers?q={NIR}")
    assert (answer.status_code, answer.location) == (303, "/gestion/dossiers")


def test_a_nir_leads_to_the_person_and_is_written_down_without_it(staff, person):
    answer = staff.post("/gestion/dossiers/nir", {"nir": NIR})
    assert (answer.status_code, answer.location) == (303, file_of(person))
    event = AuditEvent.select().where(AuditEvent.action == "nir.search").get()
    assert event.after == {"found": [str(person.public_id)]}


@pytest.mark.parametrize("nir", ["", "123", "187054220108745"])
def test_a_nir_that_is_wrong_or_nobodys_says_so(staff, person, nir):
    answer = staff.post("/gestion/dossiers/nir", {"nir": nir})
    assert (answer.status_code, answer.location) == (303, "/gestion/dossiers")


# ── The files ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_file_of_a_person_tells_everything_and_masks_the_nir(staff, person):
    text = plain(staff.get(file_of(person)))
    for words in (
        "Zoé VUILLERMOZ",
        "Changement d’adresse",
        "Pièce demandée : Justificatif de domicile",
        "Carte non reçue",
        "Bordereau B",
        "Courriel, Un justificatif vous est demandé",
        "N° de sécurité sociale affiché",
        "Qui peut agir",
    ):
        assert words.replace("\u00a0", " ") in text.replace("\u00a0", " "), words
    assert NIR not in text.replace(" ", "")


def test_the_nir_is_revealed_by_a_click_that_is_written_down(staff, person):
    answer = staff.post(f"{file_of(person)}/nir")
    assert answer.status_code == 200
    assert "94 06 39 478 031" in plain(answer).replace("\u202f", " ").replace("\u00a0", " ")
    assert AuditEvent.select().where(AuditEvent.action == "nir.reveal").count() == 2
    assert staff.post(f"{file_of(person)}/iban-prestation").status_code == 404


@pytest.mark.parametrize("duties", [0, int(Duty.EXCHANGES | Duty.AUDIT)])
def test_who_reads_files_alone_is_shown_no_number(app, person, duties):
    company = person.category.company
    factories.bank_details(company)
    reader = app.test_client()
    reader.sign_in(factories.user(UserRole.STAFF, duties=duties))
    for page, asked in (
        (file_of(person), f"{file_of(person)}/nir"),
        (f"/gestion/entreprises/{company.code}", f"/gestion/entreprises/iban/{company.code}"),
    ):
        answer = reader.get(page)
        assert answer.status_code == 200 and f'action="{asked}"' not in answer.text
        refused = reader.post(asked)
        assert refused.status_code == 403 and NIR not in refused.text and "FR76" not in refused.text
    assert not AuditEvent.select().where(AuditEvent.action == "bank_details.reveal").exists()


@pytest.mark.parametrize(
    ("kind", "shown", "hidden"),
    [
        ("mouvements", "Changement d’adresse", "Carte non reçue"),
        ("demandes", "Carte non reçue", "Changement d’adresse"),
        ("journal", "N° de sécurité sociale affiché", "Carte non reçue"),
        ("courriels", "Un justificatif vous est demandé", "Carte non reçue"),
    ],
)
def test_the_history_shows_one_kind_alone(staff, person, kind, shown, hidden):
    text = plain(staff.get(f"{file_of(person)}?quoi={kind}"))
    assert shown in text
    assert hidden not in text


def test_the_history_is_in_order_and_paged(staff, person):
    for day in range(30):
        at = clock.now() - datetime.timedelta(days=day + 1)
        Movement.create(category=person.category, beneficiary=person, kind="NAME", label=f"jour{day:02}", created_at=at)
    first = staff.get(f"{file_of(person)}?quoi=mouvements&lignes=10&page=2").get_data(as_text=True)
    assert [first.index(f"jour{day:02}") for day in range(9, 19)] == sorted(
        first.index(f"jour{day:02}") for day in range(9, 19)
    )
    assert "jour08" not in first
    assert "jour19" not in first


def test_the_files_of_accounts_and_companies_show_what_is_in_them(staff, person, hr):
    company = person.category.company
    factories.mandate(company, hr)
    for address in (f"/gestion/comptes/{person.account.code}", f"/gestion/entreprises/{company.code}"):
        text = plain(staff.get(address))
        for words in ("Changement d’adresse", "Mandat SEPA", "Bordereau B", person.contract.number):
            assert words in text, (address, words)


def test_what_is_written_to_each_employee_of_a_campaign_is_in_their_own_history(staff, person):
    """Of an account, it would fill the history: the piece that was asked is its line there."""
    said = "Un justificatif vous est demandé"
    assert said in plain(staff.get(file_of(person)))
    for address in (f"/gestion/comptes/{person.account.code}", f"/gestion/entreprises/{person.category.company.code}"):
        text = plain(staff.get(address))
        assert said not in text and "Pièce demandée" in text


def test_the_iban_of_a_company_is_revealed_by_a_click(staff, person):
    company = person.category.company
    factories.bank_details(company)
    assert "FR76" not in plain(staff.get(f"/gestion/entreprises/{company.code}"))
    answer = staff.post(f"/gestion/entreprises/iban/{company.code}")
    assert "FR76" in plain(answer)
    assert AuditEvent.select().where(AuditEvent.action == "bank_details.reveal").count() == 1
    other = Company.select().where(Company.id != company.id).first()
    assert staff.post(f"/gestion/entreprises/iban/{other.code}").status_code == 404


def test_what_does_not_exist_is_not_found(staff, person):
    for address in ("comptes/absent", "entreprises/absente", "personnes/00000000-0000-4000-8000-000000000000"):
        assert staff.get(f"/gestion/{address}").status_code == 404


def test_a_file_without_history_says_so(staff, database):
    account = factories.account("Compte neuf")
    text = plain(staff.get(f"/gestion/comptes/{account.code}"))
    for words in ("Rien encore", "Aucun contrat", "Personne n’a d’habilitation ici"):
        assert words in text


def test_pages_ask_little_however_much_there_is(staff, person, queries):
    addresses = [
        "/gestion/dossiers?q=a",
        "/gestion/dossiers?q=a&groupe=personnes",
        file_of(person),
        f"/gestion/comptes/{person.account.code}",
        f"/gestion/entreprises/{person.category.company.code}",
    ]
    for _ in range(2):
        for address in addresses:
            queries.clear()
            assert staff.get(address).status_code == 200
            asked = [sql for sql in queries if not sql.startswith("PRAGMA")]
            assert len(asked) <= MOST, (address, queries)
        for number in range(15):
            AuditEvent.write("nir.reveal", on=person, account=person.account_id)
            Movement.create(category=person.category, beneficiary=person, kind="NAME", label=str(number))


def test_companies_have_none_of_it(signed_in, person):
    account = ManagedAccount.select().first()
    for address in ("dossiers", f"comptes/{account.code}", f"personnes/{person.public_id}", "journal", "chiffres"):
        assert signed_in.get(f"/gestion/{address}").status_code == 403, address


# ── Everything that is held on a person ──────────────────────────────────────────────────────────────────────────


def test_the_desk_exports_what_is_held_and_says_why_in_the_trail(staff, person):
    address = f"{file_of(person)}/donnees"
    assert address in staff.get(file_of(person)).get_data(as_text=True)
    assert NIR not in staff.get(address).get_data(as_text=True)
    refused = staff.post(address)
    assert refused.status_code == 422 and "Choisissez pourquoi" in plain(refused)
    assert not AuditEvent.select().where(AuditEvent.action == "person.export").exists()
    with staff.post(address, data={"motif": "ACCESS"}) as answer, zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert NIR in archive.read("donnees/beneficiary.json").decode()
    event = AuditEvent.get(AuditEvent.action == "person.export")
    assert (event.object_id, event.after) == (str(person.public_id), {"reason": "ACCESS"})


def test_nobody_but_the_desk_exports_a_person(client, hr, person):
    client.sign_in(hr)
    for answer in (client.get(f"{file_of(person)}/donnees"), client.post(f"{file_of(person)}/donnees")):
        assert answer.status_code == 403


def test_a_store_that_is_away_is_said(staff, person, monkeypatch):
    def away(row):
        raise Unavailable("EIO")

    monkeypatch.setattr(privacy, "export", away)
    answer = staff.post(f"{file_of(person)}/donnees", data={"motif": "ACCESS"})
    assert answer.status_code == 503 and "Réessayez" in plain(answer)

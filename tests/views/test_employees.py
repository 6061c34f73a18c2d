"""« Salariés / Bénéficiaires »: what the list finds, keeps in its address, shows, hides and gives away."""

import datetime
import re

import pytest

from portal.models import AuditEvent, Beneficiary, BeneficiaryRole, GroupContract, IndividualProduct, UserRole
from tests import factories

NIR, IBAN = "294063947803145", "FR7630006000011234567890189"


@pytest.fixture
def contract(hr):
    return GroupContract.select().where(GroupContract.category.in_(hr.category_ids())).first()


def names(page):
    """Surnames of the rows, in order."""
    text = page if isinstance(page, str) else page.get_data(as_text=True)
    return re.findall(r'id="row-[^>]*>([^<]+)<', text)


@pytest.fixture
def people(signed_in, contract):
    Beneficiary.delete().execute()
    for last, first in (("O'Neill", "Sean"), ("Émile", "Zoé"), ("Dupond", "Anne"), ("Ferreira da Silva", "José")):
        factories.beneficiary(contract, last, first)
    factories.beneficiary(contract, "Zola", "Emma", used_name="D’Alembert")
    return signed_in


def test_names_are_sorted_without_accents_or_case(people):
    assert names(people.get("/salaries")) == ["D’ALEMBERT", "DUPOND", "ÉMILE", "FERREIRA DA SILVA", "O&#39;NEILL"]


def test_a_dependent_stands_under_their_own_household_alone(people, contract):
    """A husband of another name comes after a stranger: nothing says that he belongs there."""
    anne = Beneficiary.get(Beneficiary.birth_name == "Dupond")
    for last, first in (("Dupond", "Luc"), ("Duroc", "Guy")):
        spouse = {"role": BeneficiaryRole.SPOUSE, "household_number": anne.household_number}
        factories.beneficiary(contract, last, first, **spouse)
    factories.beneficiary(contract, "Durand", "Ève")
    page = people.get("/salaries").get_data(as_text=True)
    assert names(page)[1:5] == ["DUPOND", "DUPOND", "DURAND", "DUROC"]
    rows = re.findall(r'<tr role="row" class="([^"]*)"', page)
    assert rows[1:5] == ["", "is-dependent is-under", "", "is-dependent"]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("zoe", ["ÉMILE"]),
        ("oneill", ["O&#39;NEILL"]),
        ("o’neill sean", ["O&#39;NEILL"]),
        ("sean o'neill", ["O&#39;NEILL"]),
        ("EMILE Zoé", ["ÉMILE"]),
        ("eil", ["O&#39;NEILL"]),
        ("zola", ["D’ALEMBERT"]),
        ("alembert emma", ["D’ALEMBERT"]),
        ("dasilva", ["FERREIRA DA SILVA"]),
        ("da silva", ["FERREIRA DA SILVA"]),
        ("personne", []),
        ("%", ["D’ALEMBERT", "DUPOND", "ÉMILE", "FERREIRA DA SILVA", "O&#39;NEILL"]),
        ("_", ["D’ALEMBERT", "DUPOND", "ÉMILE", "FERREIRA DA SILVA", "O&#39;NEILL"]),
    ],
)
def test_one_box_finds_a_person_by_any_name_in_any_order(people, typed, found):
    assert names(people.get("/salaries", query_string={"q": typed})) == found


def test_a_member_number_is_found(people):
    person = Beneficiary.get(Beneficiary.first_name == "Anne")
    assert names(people.get("/salaries", query_string={"q": person.member_number})) == ["DUPOND"]
    assert names(people.get("/salaries", query_string={"numero": person.member_number})) == ["DUPOND"]


def test_surname_and_first_name_have_boxes_of_their_own(people):
    assert names(people.get("/salaries?nom=emile")) == ["ÉMILE"]
    assert names(people.get("/salaries?nom=zola")) == ["D’ALEMBERT"]
    assert names(people.get("/salaries?prenom=jose")) == ["FERREIRA DA SILVA"]
    assert names(people.get("/salaries?nom=zoe")) == []


def test_effective_dates_narrow_the_list_in_any_french_writing(people, contract):
    factories.beneficiary(contract, "Récente", effective_on=datetime.date(2026, 6, 15))
    assert names(people.get("/salaries?du=01062026&au=30/6/26")) == ["RÉCENTE"]
    assert "RÉCENTE" not in names(people.get("/salaries?au=31/12/2025"))


def test_a_date_that_cannot_be_read_says_so_and_narrows_nothing(people):
    page = people.get("/salaries", query_string={"du": "31/02/2026", "q": "zoe"})
    assert page.status_code == 200
    assert names(page) == ["ÉMILE"]
    text = page.get_data(as_text=True)
    assert 'value="31/02/2026"' in text
    assert "février" in text


def test_terminated_people_are_apart(people, contract):
    yesterday = datetime.date.today() - datetime.timedelta(days=2)
    factories.beneficiary(contract, "Partie", terminated_on=yesterday)
    factories.beneficiary(contract, "Partante", terminated_on=datetime.date.today() + datetime.timedelta(days=20))
    assert "PARTIE" not in names(people.get("/salaries"))
    assert names(people.get("/salaries?situation=radies")) == ["PARTIE"]
    assert {"PARTIE", "PARTANTE", "DUPOND"} <= set(names(people.get("/salaries?situation=tous")))
    assert names(people.get("/salaries?situation=a-venir")) == ["PARTANTE"]


def test_children_near_the_age_limit_of_their_contract_are_found(people, contract):
    today = datetime.date.today()
    soon = (today + datetime.timedelta(days=30)).replace(year=today.year - contract.child_max_age)
    factories.beneficiary(contract, "Bientôt", birth_date=soon, role=BeneficiaryRole.CHILD)
    factories.beneficiary(contract, "Petit", birth_date=today.replace(year=today.year - 3, day=1), role=2)
    assert names(people.get("/salaries?situation=age-limite")) == ["BIENTÔT"]


def test_children_near_the_age_limit_are_found_by_the_rule_of_their_contract(people, contract):
    GroupContract.update(child_end_rule="END_OF_MONTH").execute()
    first = datetime.date.today().replace(day=1)
    for name, day in (("Ce Mois", first), ("Passé", first - datetime.timedelta(days=1))):
        born = day.replace(year=day.year - contract.child_max_age, day=min(day.day, 28))
        factories.beneficiary(contract, name, birth_date=born, role=BeneficiaryRole.CHILD)
    assert names(people.get("/salaries?situation=age-limite")) == ["CE MOIS"]


@pytest.mark.parametrize(
    "nonsense",
    [
        "qualite=roi&situation=x&tri=-rien&page=0&lignes=7",
        "page=-1",
        "page=99999999999999999999",
        "page=²",
        "lignes=100000",
        "tri=;drop table",
        "du=x&au=%F0%9F%92%A9",
        "q=" + "a%20" * 300,
        "q[]=x&q=y&q=z",
        "perimetre=",
        "fiche=",
    ],
)
def test_an_address_that_makes_no_sense_narrows_nothing_and_never_fails(people, nonsense):
    assert people.get(f"/salaries?{nonsense}").status_code == 200


@pytest.mark.parametrize("column", ["nom", "prenom", "numero", "civilite", "naissance", "contrat", "effet", "qualite"])
def test_every_column_sorts_both_ways(people, column):
    up = names(people.get(f"/salaries?tri={column}"))
    down = people.get(f"/salaries?tri=-{column}").get_data(as_text=True)
    assert 'aria-sort="descending"' in down
    assert sorted(up) == sorted(names(down))
    if column in ("nom", "prenom", "numero"):
        assert names(down) == up[::-1]


def test_pages_say_where_they_are(signed_in, contract):
    for number in range(58):
        factories.beneficiary(contract, f"Nom{number:02}")
    text = signed_in.get("/salaries").get_data(as_text=True)
    assert "Affichage de l’élément <strong>1 à 25</strong> sur 67 éléments" in text
    assert len(names(text)) == 25
    last = signed_in.get("/salaries?page=3").get_data(as_text=True)
    assert "<strong>51 à 67</strong>" in last
    assert signed_in.get("/salaries?page=99").get_data(as_text=True).count("51 à 67") == 1
    assert len(names(signed_in.get("/salaries?lignes=50"))) == 50


def test_links_keep_the_filters(people):
    text = people.get("/salaries?q=e&situation=tous&tri=-effet").get_data(as_text=True)
    row = re.search(r'id="row-[^"]+" href="([^"]+)"', text)[1].replace("&amp;", "&")
    assert row.startswith("/salaries?q=e&situation=tous&tri=-effet&fiche=")


def test_a_fragment_is_the_region_of_the_page(people):
    page = people.get("/salaries?q=zoe").get_data(as_text=True)
    fragment = people.fragment("/salaries?q=zoe").get_data(as_text=True)
    assert "<!doctype" not in fragment.lower()
    region = fragment[: fragment.index("</section>")]

    def without_token(text):
        return re.sub(r'value="[\w.-]{60,}"', "", text)

    assert without_token(region) in without_token(page)


@pytest.mark.parametrize(
    "typed", [NIR, "2 94 06 39 478 031 45", "2.94.06.39.478.031.45", NIR[:13], "1 85 05 2A 004 123 45"]
)
def test_a_nir_never_stays_in_an_address(people, typed):
    answer = people.get("/salaries", query_string={"q": typed, "situation": "tous"})
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/salaries?situation=tous"
    fragment = people.fragment("/salaries", query_string={"q": typed})
    assert fragment.headers["HX-Redirect"] == "/salaries"
    assert "Par n° de sécurité sociale" in people.get("/salaries").get_data(as_text=True).replace("\u00a0", " ")


@pytest.fixture
def sealed(contract):
    person = factories.beneficiary(contract, "Durand", "Zoé", nir=NIR)
    person.seal("reimbursement_iban", IBAN)
    person.save()
    return person


@pytest.mark.parametrize(
    ("address", "written"), [("nir", "2 94 06 39 478 031 45"), ("iban-prestation", "FR76 3000 6000 0112 3456 7890 189")]
)
def test_a_sealed_value_is_masked_until_an_explicit_click_that_is_audited(signed_in, sealed, hr, address, written):
    page = f"/salaries/{sealed.public_id}"
    before = signed_in.get(page).get_data(as_text=True).replace("\u00a0", " ")
    assert written not in before
    assert "•" in before
    assert AuditEvent.select().where(AuditEvent.action.contains("reveal")).count() == 0
    shown = signed_in.post(f"{page}/{address}").get_data(as_text=True).replace("\u00a0", " ")
    assert written in shown
    event = AuditEvent.select().where(AuditEvent.action.contains("reveal")).get()
    assert (event.user_id, event.object_id) == (hr.id, str(sealed.public_id))
    again = signed_in.get(page).get_data(as_text=True).replace("\u00a0", " ")
    assert written not in again


def test_a_value_that_is_not_there_cannot_be_revealed(signed_in, sealed):
    assert signed_in.post(f"/salaries/{sealed.public_id}/iban-cotisation").status_code == 404


@pytest.mark.parametrize("address", ["iban-prestation", "iban-cotisation"])
def test_an_iban_that_the_employee_gave_is_not_shown_to_the_company(signed_in, client, sealed, address):
    sealed.seal("contribution_iban", IBAN)
    sealed.iban_private = True
    sealed.save()
    page = f"/salaries/{sealed.public_id}"
    text = signed_in.get(page).get_data(as_text=True)
    assert text.count("qui seule le voit") == 2
    assert "iban-" not in text
    assert signed_in.post(f"{page}/{address}").status_code == 404
    assert AuditEvent.select().where(AuditEvent.action.contains("reveal")).count() == 0
    assert signed_in.post(f"{page}/nir").status_code == 200  # what HR entered is still theirs to see
    client.post("/deconnexion")
    client.sign_in(factories.user(role=UserRole.STAFF))
    assert "FR76" in client.post(f"{page}/{address}").get_data(as_text=True)


def test_a_nir_is_found_by_post_and_audited_without_it(signed_in, sealed):
    answer = signed_in.post("/salaries/recherche-nir", {"nir": "2 94 06 39 478 031 45"})
    assert answer.headers["Location"] == f"/salaries/{sealed.public_id}"
    assert AuditEvent.select().where(AuditEvent.action == "nir.search").count() == 1
    wrong = signed_in.post("/salaries/recherche-nir", {"nir": "2 94 06 39 478 031 46"}, follow_redirects=True)
    assert "clé" in wrong.get_data(as_text=True)


def test_all_who_have_the_number_are_shown_and_named_in_the_audit(signed_in, sealed, contract):
    child = factories.beneficiary(contract, "Durand", "Léo", nir=NIR, role=BeneficiaryRole.CHILD)
    stranger = GroupContract.select().where(GroupContract.category.in_(factories.hr_user().category_ids())).first()
    factories.beneficiary(stranger, "Ailleurs", nir=NIR)
    answer = signed_in.post("/salaries/recherche-nir", {"nir": NIR})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert f'href="/salaries/{sealed.public_id}' in text
    assert f'href="/salaries/{child.public_id}' in text
    assert "AILLEURS" not in text
    assert NIR not in text.replace("\u00a0", "").replace(" ", "")
    event = AuditEvent.select().where(AuditEvent.action == "nir.search").get()
    assert sorted(event.after["found"]) == sorted([str(sealed.public_id), str(child.public_id)])
    assert NIR not in str(event.after)


def test_a_search_that_finds_nobody_is_audited_too(signed_in, contract):
    signed_in.post("/salaries/recherche-nir", {"nir": NIR})
    assert AuditEvent.select().where(AuditEvent.action == "nir.search").get().after == {"found": []}


def test_the_page_of_a_person_says_it_all(signed_in, sealed, contract):
    option = factories.plan(label="Renfort optique")
    IndividualProduct.create(beneficiary=sealed, plan=option)
    child = factories.beneficiary(
        contract, "Durand", "Léo", household_number=sealed.household_number, role=BeneficiaryRole.CHILD
    )
    text = signed_in.get(f"/salaries/{sealed.public_id}").get_data(as_text=True)
    for words in ("Santé collective obligatoire", "Renfort optique", "Léo DURAND", "39200 Saint-Claude", "01/01/2016"):
        assert words in text
    assert "Renfort optique" not in signed_in.get(f"/salaries/{child.public_id}").get_data(as_text=True)


def test_what_was_looked_at_stays_in_the_history_however_much_moved_since(signed_in, sealed):
    AuditEvent.write("person.export", on=sealed)
    for _ in range(25):
        AuditEvent.write("movement.address", on=sealed)
    page = signed_in.get(f"/salaries/{sealed.public_id}").text
    history = page[page.index("Historique") :]
    assert "Données d’une personne exportées" in history
    assert "movement." not in history
    assert "person.export" not in history


@pytest.mark.parametrize("path", ["/salaries", "/salaries?q=barb", "/salaries?page=2", "/salaries?tri=-effet"])
def test_a_page_of_the_list_asks_at_most_six_queries(signed_in, hr, queries, path):
    queries.clear()
    signed_in.get(path)
    assert len(sent(queries)) <= 6, queries


def sent(queries):
    """Without the settings of SQLite's own connection: they ask nothing of the base."""
    return [sql for sql in queries if not sql.startswith("PRAGMA")]


def test_many_accounts_ask_no_more_queries(client, database, queries):
    accounts = [factories.account(f"Compte {number}") for number in range(30)]
    for account in accounts:
        factories.beneficiary(factories.contract(factories.category(factories.company(account))))
    user = factories.user(accounts=accounts)
    client.sign_in(user)
    person = Beneficiary.get()
    client.get(f"/salaries?perimetre={accounts[0].code}")
    for path in (
        "/salaries?perimetre=tous",
        f"/salaries?perimetre={accounts[0].code}",
        f"/salaries/{person.public_id}?perimetre={accounts[0].code}",
    ):
        queries.clear()
        assert client.get(path).status_code == 200
        assert len(sent(queries)) <= (7 if "/salaries/" in path else 5), (path, queries)  # one counts who is looked at
    queries.clear()
    client.fragment(f"/salaries?perimetre=tous&fiche={person.public_id}")
    assert len(sent(queries)) <= 6  # a page of the list and a person, in one answer


def test_a_download_is_exactly_what_is_filtered(people):
    text = people.post("/salaries/telechargement?q=zoe", {"format": "csv"}).get_data().decode("utf-8-sig")
    lines = text.strip().split("\r\n")
    assert len(lines) == 2
    assert "Zoé" in lines[1]
    assert "S. Sociale" not in lines[0]


def test_a_file_that_is_made_as_it_goes_out_needs_nothing_of_the_request(people, database):
    """Outside the tests nobody holds a connection open: the request gives its own back before the file is read."""
    whole = people.post("/salaries/telechargement", {"format": "csv"}).get_data()
    database.close()
    assert people.post("/salaries/telechargement", {"format": "csv"}).get_data() == whole
    assert database.is_closed()


def test_a_download_holds_the_nir_only_when_asked_and_says_so_in_the_audit(people, contract):
    factories.beneficiary(contract, "Durand", "Zoé", nir=NIR)
    plain = people.post("/salaries/telechargement", {"format": "csv"}).get_data().decode("utf-8-sig")
    assert NIR not in plain
    asked = people.post("/salaries/telechargement", {"format": "csv", "avec_nir": "1"}).get_data().decode("utf-8-sig")
    assert NIR in asked
    exports = AuditEvent.select().where(AuditEvent.action == "beneficiaries.export").order_by(AuditEvent.number)
    assert [event.after["nir"] for event in exports] == [False, True]


def test_the_audit_of_a_download_says_what_it_was_narrowed_by(people):
    narrowed = {"q": "zoe", "qualite": "salarie", "du": "x", "nom": NIR, "tri": "-effet"}
    people.post("/salaries/telechargement", {"format": "csv"}, query_string=narrowed).get_data()
    event = AuditEvent.select().where(AuditEvent.action == "beneficiaries.export").get()
    assert event.after["filter"] == {"q": "zoe", "qualite": "salarie"}
    assert NIR not in str(event.after)


def test_a_spreadsheet_has_real_dates_text_numbers_and_no_formula(people, contract):
    import io

    import openpyxl

    factories.beneficiary(contract, "=cmd|' /C calc'!A0", "+33")
    with people.post("/salaries/telechargement", {"format": "xlsx"}) as answer:
        body = answer.get_data()
    sheet = openpyxl.load_workbook(io.BytesIO(body)).active
    headings = [cell.value for cell in sheet[1]]
    assert headings[:5] == ["Num Adhérent", "Civilité", "Nom", "Nom de naissance", "Prénom"]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref
    born = sheet.cell(row=2, column=headings.index("Né(e) le") + 1)
    assert isinstance(born.value, datetime.datetime)
    assert isinstance(sheet.cell(row=2, column=1).value, str)
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)

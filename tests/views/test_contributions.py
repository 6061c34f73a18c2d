"""« Règlement des cotisations » and « Échéancier »: what is due and late, filters, totals, downloads, the door."""

import csv
import datetime
import io
import re

import openpyxl
import pytest

from portal import clock
from portal.models import (
    AuditEvent,
    BankDetails,
    ContributionStatement,
    EmployeeCategory,
    GroupContract,
    Payment,
    PermissionGrant,
    StatementState,
)
from tests import factories
from tests.views.test_terminations import fr, plain

DAY = datetime.timedelta(days=1)
IBAN = "FR7630006000011234567890189"


@pytest.fixture
def contract(hr):
    """One of this HR person's, with a statement in each state."""
    found = hr.contracts().order_by(GroupContract.id).first()
    factories.money(found)
    return found


def test_every_state_has_its_statement_and_its_condition(contract):
    today = clock.today()
    states = [row.state(today) for row in ContributionStatement.select()]
    assert sorted(states) == sorted(StatementState)
    for state in StatementState:
        (found,) = ContributionStatement.select().where(ContributionStatement.in_state(state, today))
        assert found.state(today) == state


@pytest.mark.parametrize("path", ["/cotisations", "/echeancier"])
def test_what_is_due_late_and_next_is_said_first(signed_in, contract, path):
    text = plain(signed_in.get(path))
    # late 1 300 less a credit note of 50; half of 1 410 is to pay, and 999
    assert "1 bordereau en retard : 1 250,00 €" in text
    assert f"Reste à régler {euro(125_000 + 71_000 + 99_900)}" in text
    assert f"Prochaine échéance {euro(71_000)} le {fr(clock.today() + 9 * DAY)}" in text


def test_each_statement_that_is_issued_is_printed_from_its_line(signed_in, contract):
    """No other: what is only announced has no PDF yet, a credit note to come no more than a call."""
    ContributionStatement.update(issued_on=clock.today() + DAY).where(ContributionStatement.total < 0).execute()
    page = signed_in.get("/echeancier?annee=&lignes=100").get_data(as_text=True)
    issued = {row.public_id: row.issued_on <= clock.today() for row in ContributionStatement.select()}
    assert len(set(issued.values())) == 2
    for public_id, printed in issued.items():
        assert (f'formaction="/echeancier/{public_id}/bordereau' in page) == printed
        shown = signed_in.get(f"/echeancier/{public_id}").get_data(as_text=True)
        assert ("Bordereau (PDF)" in shown) == printed
    one = next(public_id for public_id, printed in issued.items() if printed)
    with signed_in.post(f"/echeancier/{one}/bordereau", data={"csrf_token": signed_in.token()}) as answer:
        assert answer.mimetype == "application/pdf"


def euro(cents):
    return (
        f"{cents // 100:,},{cents % 100:02} €".replace(",", " ", 1)
        if cents >= 100_000
        else f"{cents // 100},{cents % 100:02} €"
    )


def test_payments_are_listed_with_what_each_settles(signed_in, contract):
    text = plain(signed_in.get("/cotisations"))
    half = Payment.select().order_by(Payment.id.desc()).get()
    (number,) = [row.number for row in ContributionStatement.select() if row.number in half.reference]
    assert f"{number} pour 700,00 €" in text
    assert "Total : 1 900,00 €" in text


def test_what_settles_nothing_yet_is_said_to_be_in_advance(signed_in, hr):
    contract = hr.contracts().first()
    factories.payment(contract, 4_200)
    text = plain(signed_in.get("/cotisations"))
    assert "42,00 € réglés d’avance" in text
    assert "pas encore affecté" in text


def test_what_was_taken_back_is_said_to_be_so_and_what_came_again_is_not(signed_in, hr):
    contract, today = hr.contracts().first(), clock.today()
    for cents, days in ((4_200, 20), (4_200, 10), (-4_200, 8), (4_200, 2)):
        factories.payment(contract, cents, paid_on=today - datetime.timedelta(days=days))
    text = plain(signed_in.get("/cotisations"))
    assert text.count(f"rejeté ou rendu le {today - datetime.timedelta(days=8):%d/%m/%Y}") == 1
    assert text.count("pas encore affecté") == 2


def test_a_payment_that_was_given_back_is_told_so_whatever_page_of_the_list_shows_it(signed_in, hr):
    contract, today = hr.contracts().first(), clock.today()
    for days in (12, 11, 10):
        factories.payment(contract, 4_200, paid_on=today - days * DAY)
    factories.payment(contract, -4_200, paid_on=today - 9 * DAY)
    pages = [
        plain(signed_in.get(f"/cotisations?lignes=10&du={day:%d/%m/%Y}&au={day:%d/%m/%Y}"))
        for day in (today - 12 * DAY, today - 11 * DAY, today - 10 * DAY)
    ]
    assert [page.count("rejeté ou rendu le") for page in pages] == [0, 0, 1]


def test_what_is_given_back_of_a_payment_in_part_is_told_with_what_it_still_settles(signed_in, hr):
    contract, today = hr.contracts().first(), clock.today()
    called = factories.statement(contract, 3_000, 1)
    factories.payment(contract, 5_000, paid_on=today - 9 * DAY, reference=called.number)
    factories.payment(contract, -1_500, paid_on=today - 3 * DAY)
    text = plain(signed_in.get("/cotisations"))
    assert f"{called.number} 15,00 € rejetés ou rendus le {today - 3 * DAY:%d/%m/%Y}" in text
    assert "5,00 € pas encore affectés" in text


def test_a_credit_note_that_is_paid_out_takes_no_payment_back(signed_in, hr):
    contract, today = hr.contracts().first(), clock.today()
    credit = factories.statement(contract, -5_000, 1)
    factories.payment(contract, 5_000, paid_on=today - 9 * DAY)
    factories.payment(contract, -5_000, paid_on=today - 3 * DAY, reference=f"REMB {credit.number}")
    text = plain(signed_in.get("/cotisations"))
    assert "rejeté ou rendu le" not in text and "pas encore affecté" in text


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("etat=retard", 1),
        ("etat=a-regler", 2),
        ("etat=regles", 1),
        ("etat=a-venir", 1),
        ("etat=avoirs", 1),
        ("etat=x&annee=1900&tri=z&page=9", 6),
        ("q=ZZZ", 0),
        ("q=b0", 6),
    ],
)
def test_the_schedule_is_narrowed_by_the_address(signed_in, contract, query, count):
    said = f"{count} échéance{'s' if count > 1 else ''}"
    assert said in plain(signed_in.get(f"/echeancier?{query}"))


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("mode=Virement", 2),
        ("mode=Chèque", 0),
        ("q=VIR", 1),
        ("du={tomorrow}", 0),
        ("au={tomorrow}", 2),
        ("du=31/02/2026", 2),
    ],
)
def test_payments_are_narrowed_by_the_address(signed_in, contract, query, count):
    query = query.format(tomorrow=fr(clock.today() + DAY))
    text = plain(signed_in.get(f"/cotisations?{query}"))
    assert f"{count} règlement{'s' if count > 1 else ''}" in text.partition("Liste des règlements")[2]
    assert ("n’existe pas" in text) == ("31/02" in query)


def test_a_period_that_ends_before_it_starts_is_said_and_does_not_hide_what_came_since(signed_in, contract):
    text = plain(signed_in.get("/cotisations?du=1/1/2000&au=31/12/1999"))
    assert "Cette date est avant le début de la période" in text
    assert "2 règlements" in text
    assert "Depuis le 01/01/2000" in text


def test_an_iban_does_not_stay_in_an_address(signed_in, contract):
    for path in ("/cotisations", "/echeancier"):
        answer = signed_in.get(path, query_string={"q": IBAN})
        assert answer.status_code == 303
        assert IBAN not in answer.headers["Location"]


def test_the_account_on_file_is_masked_and_seen_only_with_the_whole_company(signed_in, client, hr, contract):
    details = BankDetails(company=contract.category.company_id, holder="COMBE-NOIRE SAS", since=clock.now())
    details.seal(IBAN)
    details.save(force_insert=True)
    page = signed_in.get("/cotisations").get_data(as_text=True)
    assert "COMBE-NOIRE SAS" in page
    assert f"•••• {IBAN[-4:]}</span>" in page.replace("\u00a0", " ")
    assert IBAN[-5:] not in page.replace("\u00a0", "")
    narrow = factories.user()
    PermissionGrant.create(
        user=narrow, account=contract.category.account_id, category=contract.category_id, valid_from="2020-01-01"
    )
    client.sign_in(narrow)
    page = client.get("/cotisations").get_data(as_text=True)
    assert contract.number in page
    assert "COMBE-NOIRE SAS" not in page


def test_a_grant_of_one_college_sees_the_money_of_that_college_alone(client, hr, contract):
    other = hr.contracts().where(GroupContract.category != contract.category_id).first()
    theirs = factories.money(other)
    narrow = factories.user()
    PermissionGrant.create(
        user=narrow, account=contract.category.account_id, category=contract.category_id, valid_from="2020-01-01"
    )
    assert {row.contract_id for row in narrow.statements()} == {contract.id}
    assert {row.contract_id for row in narrow.payments()} == {contract.id}
    client.sign_in(narrow)
    assert theirs.reference not in client.get("/cotisations").get_data(as_text=True)
    assert other.number not in client.post("/echeancier/telechargement", {"format": "csv"}).get_data(as_text=True)


def test_the_scope_chosen_narrows_lists_figures_and_downloads(signed_in, hr, contract):
    other = hr.contracts().where(GroupContract.category != contract.category_id).first()
    college = EmployeeCategory.get_by_id(other.category_id)
    scope = f"{college.company.account.code}.{college.company.code}.{college.code}"
    for path in ("/cotisations", "/echeancier"):
        text = plain(signed_in.get(path, query_string={"perimetre": scope}))
        assert "Aucune donnée disponible" in text
        assert "Reste à régler 0,00 €" in text
    rows = signed_in.post(f"/cotisations/telechargement?perimetre={scope}", {"format": "csv"}).get_data(as_text=True)
    assert len(rows.strip().splitlines()) == 1


def test_what_is_filtered_is_downloaded_and_written_down(signed_in, contract):
    answer = signed_in.post("/echeancier/telechargement?etat=retard", {"format": "csv"})
    (row,) = csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff")), delimiter=";")
    assert (row["Total période"], row["Réglé"], row["Reste à régler"]) == ("1300,00", "50,00", "1250,00")
    assert row["État"] == "En retard"
    with signed_in.post("/cotisations/telechargement") as answer:
        sheet = openpyxl.load_workbook(io.BytesIO(answer.get_data())).active
    assert sheet.title == "Règlements"
    assert [sheet.cell(2, column).value for column in (2, 3)] == ["Virement", 700]
    assert [event.action for event in AuditEvent.select().order_by(AuditEvent.number).limit(20)][-2:] == [
        "statements.export",
        "payments.export",
    ]


def test_a_year_is_drawn_month_by_month_with_its_figures(signed_in, contract):
    today = clock.today()
    text = plain(signed_in.get("/echeancier"))
    assert f"Échéances de {today.year}" in text
    year = (today + 9 * DAY).year
    assert "Voir les chiffres" in plain(signed_in.get(f"/echeancier?annee={year}"))


@pytest.mark.parametrize(("path", "most"), [("/cotisations", 6), ("/echeancier", 4), ("/echeancier?q=B0", 5)])
def test_a_page_asks_as_much_of_many_statements_as_of_few(signed_in, hr, queries, path, most):
    counts = []
    for _ in range(2):
        for contract in hr.contracts():
            factories.money(contract)
        signed_in.get(path)
        queries.clear()
        signed_in.get(path)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= most, queries


def test_all_that_tells_of_money_asks_for_the_same_right(app):
    rooms = ("contributions.", "schedule.", "statements.")
    views = {name: view for name, view in app.view_functions.items() if name.startswith(rooms)}
    assert len(views) >= 8
    assert {view.right for view in views.values()} == {"money"}


def test_lists_are_counted_and_added_up_the_same_whether_or_not_they_are_narrowed(signed_in, contract):
    for path, all_of_them in (("/cotisations", "du=01/01/2000"), ("/echeancier", "q=B")):
        region = [
            plain(signed_in.fragment(address)).partition("Total :")[2].partition("lignes par page")[0]
            for address in (path, f"{path}?{all_of_them}")
        ]
        assert region[0] == region[1] and "€" in region[0]


@pytest.mark.parametrize(("path", "key"), [("/cotisations", "contrat"), ("/echeancier", "produit")])
def test_an_order_by_what_stands_beside_is_kept_on_each_page(signed_in, hr, path, key):
    for contract in [*hr.contracts()] * 3:
        factories.money(contract)

    def rows(size, number=1):
        html = signed_in.fragment(f"{path}?tri={key}&lignes={size}&page={number}").get_data(as_text=True)
        return re.findall(r'<tr role="row">\s*<td.*?</tr>', html, re.DOTALL)

    assert len(rows(100)) > 12
    assert rows(10) + rows(10, 2) == rows(100)[:20]

"""The page of a statement: its lines, what changed and why, what settled it, its PDF, its files, what is disputed."""

import csv
import io
import re

import openpyxl
import pypdf
import pytest
from segno import helpers

from portal import clock, contributions, documents, printing, statements
from portal.models import (
    AuditEvent,
    Beneficiary,
    ContributionStatement,
    Document,
    GroupContract,
    MessageThread,
    PermissionGrant,
    StatementLine,
)
from tests import factories
from tests.views.test_terminations import plain


@pytest.fixture
def contract(hr):
    found = hr.contracts().order_by(GroupContract.id).first()
    GroupContract.update(payment_method="Virement").where(GroupContract.id == found.id).execute()
    return found


@pytest.fixture
def people(contract):
    return [factories.beneficiary(contract, name) for name in ("Arbez", "Écuyer", "Mermet", "Zimmer")]


@pytest.fixture
def called(contract, people):
    """Arbez left, Zimmer came, Écuyer has a family now, Mermet pays the same and has a correction."""
    arbez, ecuyer, mermet, zimmer = people
    factories.lines(factories.statement(contract, months_ago=2), [arbez, ecuyer, mermet])
    now = factories.lines(factories.statement(contract, months_ago=1), [mermet, zimmer])
    factories.lines(now, [ecuyer], 11_001, band="Famille", employer=5_501)
    return factories.lines(now, [mermet], -1_200, is_correction=True, band="")


def test_the_page_tells_the_lines_the_parts_and_what_is_left(signed_in, called, contract):
    factories.payment(contract, 5_000, reference=called.number)
    text = plain(signed_in.get(f"/echeancier/{called.public_id}"))
    assert called.total == 4_000 + 4_000 + 11_001 - 1_200
    assert "Total de la période 178,01 €" in text
    assert "Part de l’employeur 89,01 €" in text
    assert "Part des salariés 89,00 €" in text
    assert "Reste à régler 128,01 €" in text
    assert called.number in text.partition("Réglé par")[2]


def test_what_is_paid_by_transfer_says_where_to_with_its_reference(signed_in, called, contract):
    address = f"/echeancier/{called.public_id}"
    assert f"Montant 178,01 € Référence {called.number}" in plain(signed_in.get(address))
    factories.payment(contract, called.total, reference=called.number)
    assert "Pour régler par virement" not in plain(signed_in.get(address))
    GroupContract.update(payment_method="Chèque").where(GroupContract.id == contract.id).execute()
    unpaid = factories.statement(contract, months_ago=3)
    assert "Pour régler par virement" not in plain(signed_in.get(f"/echeancier/{unpaid.public_id}"))


def test_a_credit_note_says_what_it_is_set_against_and_no_period_compares_with_it(signed_in, called, contract):
    credit = factories.statement(contract, -5_000, months_ago=1, number="AV1")
    following = factories.statement(contract, months_ago=0)
    contributions.settle_contracts([contract.id])
    text = plain(signed_in.get(f"/echeancier/{credit.public_id}"))
    oldest = ContributionStatement.select().order_by(ContributionStatement.due_on).first()
    assert f"Bordereau {oldest.number} 50,00 €" in text.partition("Imputé sur")[2]
    assert "Avoir −50,00 € à déduire de ce qui est dû" in text
    assert "Déjà imputé 50,00 €" in text
    assert "ne se compare à aucun bordereau" in text
    assert "Reste à régler" not in text
    text = plain(signed_in.get(f"/echeancier/{following.public_id}"))
    assert f"Depuis le bordereau {called.number}" in text


def test_what_changed_is_told_with_its_cause_and_adds_up(signed_in, called):
    text = plain(signed_in.get(f"/echeancier/{called.public_id}"))
    for words in (
        "1 entrée, 1 sortie, 2 modifications",
        "la famille a changé : Isolé → Famille",
        "régularisation : −12,00 €",
        f"entrée le {called.period_start:%d/%m/%Y}",
        "+58,01 €",
    ):
        assert words in text, words
    changes = statements.Changes(called)
    assert sum(one.amount for one, _, _ in changes.rows) == changes.amount == 5_801


def test_the_first_statement_has_nothing_to_be_compared_with(signed_in, contract, people):
    first = factories.lines(factories.statement(contract), people)
    assert "C’est le premier bordereau" in plain(signed_in.get(f"/echeancier/{first.public_id}"))


def test_a_statement_without_detail_says_so(signed_in, contract):
    bare = factories.statement(contract)
    assert "n’a pas transmis le détail" in plain(signed_in.get(f"/echeancier/{bare.public_id}"))


def test_lines_are_found_by_name_and_number(signed_in, called, people):
    for typed in ("ecuyer", people[1].member_number):
        text = plain(signed_in.fragment(f"/echeancier/{called.public_id}?q={typed}"))
        assert "1 ligne" in text
        assert "ÉCUYER" in text
    answer = signed_in.get(f"/echeancier/{called.public_id}", query_string={"q": "294063947803145"})
    assert answer.status_code == 303
    assert "294063" not in answer.headers["Location"]


def rows_of(answer):
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff")), delimiter=";"))


def test_the_files_for_payroll_hold_lines_and_differences(signed_in, called, people):
    path = f"/echeancier/{called.public_id}/telechargement"
    lines = rows_of(signed_in.post(path, {"format": "csv"}))
    assert [row["Total (€)"] for row in lines] == ["110,01", "40,00", "-12,00", "40,00"]
    assert [row["Régularisation"] for row in lines] == ["", "", "Oui", ""]
    (one,) = rows_of(signed_in.post(f"{path}?q=zimmer", {"format": "csv"}))
    assert one["Num Adhérent"] == people[3].member_number
    with signed_in.post(path, {"format": "xlsx", "quoi": "ecarts"}) as answer:
        sheet = openpyxl.load_workbook(io.BytesIO(answer.get_data())).active
    amounts = [row[6] for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert round(sum(amounts), 2) == 58.01
    events = [event.action for event in AuditEvent.select().order_by(AuditEvent.number)]
    assert events.count("statement.export") == 3


def test_the_pdf_is_made_once_with_its_detail_and_the_transfer(signed_in, called):
    path = f"/echeancier/{called.public_id}/bordereau"
    with signed_in.post(path) as answer:
        read = pypdf.PdfReader(io.BytesIO(answer.get_data()))
    text = " ".join("\n".join(page.extract_text() for page in read.pages).replace("\u202f", " ").split())
    for words in (called.number, "178,01 €", "Référence à indiquer", "Ce qui a changé", "ÉCUYER", "Isolé → Famille"):
        assert words in text, words
    assert read.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert read.trailer["/Root"]["/Lang"] == "fr"
    signed_in.post(path).close()
    assert Document.select().where(Document.document_type == "CONTRIBUTION_STATEMENT").count() == 1
    assert AuditEvent.select().where(AuditEvent.action == "statement.print").count() == 1


def test_the_code_of_the_transfer_holds_amount_account_and_reference(called, chosen_settings):
    words = statements.words(
        ContributionStatement.whole(ContributionStatement.select()).order_by(ContributionStatement.id.desc()).get(),
        chosen_settings.payee,
        clock.now(),
    )
    payee = words["payee"]
    assert (payee["cents"], payee["reference"]) == (called.total, called.number)
    assert helpers.make_epc_qr(payee["name"], payee["iban"], payee["cents"] / 100, text=payee["reference"]).error == "M"


def test_the_code_of_a_transfer_says_what_the_page_says(signed_in, hr, called, contract, monkeypatch, chosen_settings):
    made, make = [], helpers.make_epc_qr
    monkeypatch.setattr(helpers, "make_epc_qr", lambda *some, **more: made.append((some, more)) or make(*some, **more))
    name, iban, bic = chosen_settings.payee
    path = f"/echeancier/{called.public_id}"
    factories.payment(contract, 7_801, reference=called.number)
    assert "Montant 100,00 € " in plain(signed_in.get(path))
    GroupContract.update(payment_method="Prélèvement").where(GroupContract.id == contract.id).execute()
    assert "virement</title>" not in signed_in.get(path).get_data(as_text=True)
    factories.rejected_debit(called, factories.mandate(contract.category.company, hr))
    assert 'fill="#fff"' in signed_in.get(path).get_data(as_text=True).split("virement</title>")[1].split("</svg>")[0]
    assert made == [((name, iban, 100), {"text": called.number, "bic": bic or None})] * 2


def test_a_long_name_of_the_mutual_leaves_its_code_of_a_transfer(monkeypatch):
    made, make = [], helpers.make_epc_qr
    monkeypatch.setattr(helpers, "make_epc_qr", lambda *some, **more: made.append(some) or make(*some, **more))
    payee = {"name": "é" * 71, "iban": "FR7630006000011234567890189", "bic": "", "cents": 10_000, "reference": "B1"}
    assert "<svg" in printing.transfer_code(payee, "Code")
    assert [len(name) for name, *_ in made] == [70]


def make_long():
    return documents.make_long(clock.now(), lambda: False)


def test_a_long_statement_is_made_by_the_worker_while_the_page_waits(signed_in, called, monkeypatch):
    monkeypatch.setattr(Document, "LONG", 100)
    path = f"/echeancier/{called.public_id}"
    assert signed_in.post(f"{path}/bordereau").status_code == 303
    assert "Le bordereau se prépare" in plain(signed_in.get(path))
    assert "Actualiser" in plain(signed_in.fragment(f"{path}/bordereau"))
    Document.update(pages_drawn=2).execute()
    assert 'max="2" value="2"' in signed_in.fragment(f"{path}/bordereau").get_data(as_text=True)
    assert make_long() == 1
    assert "Le bordereau se prépare" not in plain(signed_in.get(path))
    assert signed_in.fragment(f"{path}/bordereau").headers["HX-Redirect"].endswith(path)
    with signed_in.post(f"{path}/bordereau") as answer:
        assert answer.mimetype == "application/pdf"


def test_a_long_one_is_never_made_by_the_page_wherever_it_is_asked_for(signed_in, called, monkeypatch):
    monkeypatch.setattr(Document, "LONG", 100)
    signed_in.post(f"/echeancier/{called.public_id}/bordereau")
    document = Document.get(Document.document_type == "CONTRIBUTION_STATEMENT")
    answer = signed_in.post(f"/document/{document.public_id}/telechargement", follow_redirects=True)
    assert "il se prépare" in plain(answer)
    assert Document.get_by_id(document.id).file_id is None
    assert make_long() == 1


def test_one_that_the_worker_gave_up_says_so_and_is_made_when_it_is_asked_again(signed_in, called, monkeypatch):
    monkeypatch.setattr(Document, "LONG", 100)
    path = f"/echeancier/{called.public_id}"
    signed_in.post(f"{path}/bordereau")
    Document.update(attempts=Document.MOST_ATTEMPTS).execute()
    assert make_long() == 0
    page = plain(signed_in.get(path))
    assert "n’a pas pu être préparé" in page and "mise en page" not in page
    signed_in.post(f"{path}/bordereau")
    assert "La mise en page commence" in plain(signed_in.get(path))
    assert make_long() == 1


def test_what_is_not_issued_has_no_pdf(signed_in, contract):
    coming = factories.statement(contract, months_ago=-2)
    assert signed_in.post(f"/echeancier/{coming.public_id}/bordereau").status_code == 404


def test_a_line_is_disputed_by_a_request_that_holds_it(signed_in, called, people):
    page = signed_in.get(f"/echeancier/{called.public_id}").get_data(as_text=True)
    line = StatementLine.get(StatementLine.beneficiary == people[1], StatementLine.statement == called)
    path = next(link for link in re.findall(r'href="([^"]*nouvelle[^"]*)"', page) if str(line.public_id) in link)
    form = plain(signed_in.get(path.replace("&amp;", "&")))
    assert f"Bordereau n° {called.number}" in form
    assert "Famille, 110,01 € par mois" in form
    asked = {"nature": "CONTRIBUTIONS", "detail": "Ligne", "message": "Trop cher", "lieu": "tout", "suivi": "EMAIL"}
    asked |= {"personne": str(people[1].public_id)}
    assert signed_in.post(path.replace("&amp;", "&"), asked).status_code == 303
    assert MessageThread.get().beneficiary_id == people[1].id


def test_the_line_of_another_company_is_not_there_to_be_disputed(signed_in):
    other = factories.hr_user()
    contract = other.contracts().first()
    foreign = factories.lines(factories.statement(contract), [Beneficiary.get(Beneficiary.contract == contract)])
    line = foreign.lines.get()
    assert signed_in.get(f"/demandes/nouvelle?ligne={line.public_id}").status_code == 404
    assert signed_in.get("/demandes/nouvelle?ligne=x").status_code == 404


def test_a_person_who_moved_to_a_college_that_is_not_seen_has_no_link(client, hr, called, people, contract):
    other = hr.contracts().where(GroupContract.category != contract.category_id).first()
    Beneficiary.update(category=other.category_id, contract=other).where(Beneficiary.id == people[3].id).execute()
    narrow = factories.user()
    PermissionGrant.create(
        user=narrow, account=contract.category.account_id, category=contract.category_id, valid_from="2020-01-01"
    )
    client.sign_in(narrow)
    page = client.get(f"/echeancier/{called.public_id}").get_data(as_text=True)
    assert people[3].full_name in page
    assert str(people[3].public_id) not in page


@pytest.mark.parametrize("more", ["", "?q=a", "?page=2"])
def test_the_page_asks_as_much_of_many_lines_as_of_few(signed_in, hr, called, contract, queries, more):
    GroupContract.update(payment_method="Prélèvement").where(GroupContract.id == contract.id).execute()
    factories.rejected_debit(called, factories.mandate(contract.category.company, hr))
    statements.document_of(called, ("Mutuelle", "FR7630006000011234567890189", ""), clock.now())
    counts = []
    for _ in range(2):
        signed_in.get(f"/echeancier/{called.public_id}{more}")
        queries.clear()
        page = plain(signed_in.get(f"/echeancier/{called.public_id}{more}"))
        assert "Prélèvement rejeté" in page and "Pour régler par virement" in page
        counts.append(len(queries))
        factories.lines(called, [factories.beneficiary(contract, f"Arnaud{n}") for n in range(60)])
    assert counts[0] == counts[1] <= 6, queries


def test_a_page_of_lines_beyond_the_last_is_the_last(signed_in, called, contract):
    factories.lines(called, [factories.beneficiary(contract, f"Mermet{n}") for n in range(60)])
    for more in ("?page=99", "?q=mermet&page=99"):
        page = plain(signed_in.fragment(f"/echeancier/{called.public_id}{more}"))
        assert "MERMET9" in page and "MERMET0 " not in page
    assert "Aucun salarié ne correspond" in plain(signed_in.get(f"/echeancier/{called.public_id}?q=zzz&page=9"))

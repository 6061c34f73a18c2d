"""« Gestion des affiliations »: the template, a file that is sent, kept once, and listed with what became of it."""

import io
import re
import uuid

import pytest
from openpyxl import load_workbook

from portal.exchange import workbooks
from portal.models import AffiliationImport, AuditEvent, ImportState, UserRole
from tests import factories
from tests.exchange.test_affiliations import confirmed, file_of, read, words
from tests.views.test_terminations import plain


@pytest.fixture
def contract(hr):
    return hr.contracts().first()


def send(client, data, name="embauches.csv", key=None):
    form = {"form_key": key or key_of(client), "fichier": (io.BytesIO(data), name)}
    return client.post("/affiliations/fichiers", form, content_type="multipart/form-data")


def key_of(client):
    page = client.get("/affiliations", follow_redirects=True).get_data(as_text=True)
    return re.search(r'name="form_key"[^>]*value="([^"]+)"', page)[1]


def test_a_file_is_kept_for_the_worker_and_written_down(signed_in, hr, contract):
    answer = send(signed_in, file_of(words(contract)), "../../Paie/embauches.csv")
    source = AffiliationImport.get()
    assert (answer.status_code, answer.location.partition("?")[0]) == (
        303,
        f"/affiliations/fichiers/{source.public_id}",
    )
    assert (source.state, source.file_name, source.author_id) == (ImportState.WAITING, "embauches.csv", hr.id)
    assert source.rows.count() == 0
    event = AuditEvent.get(AuditEvent.action == "import.send")
    assert (event.object_id, set(event.after)) == (str(source.public_id), {"size", "sha256"})
    page = plain(signed_in.get(answer.location))
    assert "En attente de lecture" in page
    assert "Vous pouvez quitter cette page" in page


def test_the_same_form_sent_twice_is_one_file(signed_in, contract):
    key, data = key_of(signed_in), file_of(words(contract))
    first, second = (send(signed_in, data, key=key).location for _ in range(2))
    assert first == second
    assert AffiliationImport.select().count() == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "Ce fichier est vide"),
        (b"Nom;" * 300, "La limite est de 4 Mo"),
        (b"%PDF-1.7 ...", "n’est pas un tableau"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "n’est pas un tableau"),
        (b"MZ\x90\x00 salaries.xlsx", "n’est pas un tableau"),
    ],
    ids=["empty", "heavy", "pdf", "png", "program"],
)
def test_what_is_no_table_is_refused_at_once_whatever_its_name(signed_in, monkeypatch, data, said):
    assert workbooks.MOST_BYTES == 4 * 1024 * 1024
    monkeypatch.setattr(workbooks, "MOST_BYTES", 1_000)
    answer = send(signed_in, data, "salaries.xlsx")
    assert answer.status_code == 422
    assert said in plain(answer)
    assert AffiliationImport.select().count() == 0


def test_no_file_is_said(signed_in):
    answer = signed_in.post("/affiliations/fichiers", {"form_key": key_of(signed_in)})
    assert answer.status_code == 422
    assert "Choisissez le fichier à envoyer" in plain(answer)


def test_the_template_has_the_codes_of_the_account(signed_in, hr, contract):
    with signed_in.get("/affiliations/modele", follow_redirects=True) as answer:
        assert answer.headers["Content-Disposition"].endswith("Base_Import_Standard_Fichier_Prefiliation.xlsx")
        book = load_workbook(io.BytesIO(answer.data))
    codes = {cell.value for row in book["Listes"].iter_rows() for cell in row}
    assert {contract.category.company.code, contract.category.code, contract.plan.code} <= codes


def test_without_an_account_one_is_asked_to_choose(client, database):
    accounts = [factories.account("Acier Jura"), factories.account("Zinguerie Morel")]
    client.sign_in(factories.user(accounts=accounts))
    for answer in (client.get("/affiliations/modele?perimetre=tous"), send(client, b"a;b;c", key=str(uuid.uuid4()))):
        assert answer.status_code == 303
    assert "Choisissez d’abord le compte" in plain(client.get("/affiliations?perimetre=tous"))
    assert AffiliationImport.select().count() == 0


def test_the_list_says_what_became_of_each_file(signed_in, hr, contract):
    confirmed(read(hr, words(contract)))
    read(hr, words(contract, 2), words(contract, 3, Nom=""))
    text = plain(signed_in.get("/affiliations"))
    for said in ("Terminé", "Enregistrée : 1", "À confirmer", "À créer : 1", "Erreur : 1", hr.full_name):
        assert said in text, said
    assert "Enregistrées" in text
    assert "partent au prochain envoi à la mutuelle" in text


@pytest.mark.parametrize("column", ["date", "fichier", "etat"])
@pytest.mark.parametrize("way", ["", "-"])
def test_every_column_sorts_both_ways(signed_in, hr, contract, column, way):
    read(hr, words(contract))
    assert signed_in.fragment(f"/affiliations?tri={way}{column}").status_code == 200


def test_another_company_s_files_are_not_listed(client, database, hr, contract):
    source = read(hr, words(contract))
    client.sign_in(factories.hr_user())
    assert "Aucun fichier envoyé" in plain(client.get("/affiliations"))
    assert client.get(f"/affiliations/fichiers/{source.public_id}").status_code == 404


def test_the_list_asks_few_queries(signed_in, hr, contract, queries):
    for number in range(1, 9):
        read(hr, words(contract, number))
    signed_in.get("/affiliations")
    queries.clear()
    signed_in.get("/affiliations")
    assert len(queries) <= 12


def test_who_may_not_affiliate_sends_nothing(client, database, hr, contract):
    source = read(hr, words(contract))
    client.sign_in(factories.user(role=UserRole.HEALTH_PROFESSIONAL))
    for address in (f"/affiliations/fichiers/{source.public_id}/confirmation", "/affiliations/nouvelle"):
        assert client.post(address).status_code == 403

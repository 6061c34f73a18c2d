"""« Mon espace » for visitors; « Accueil » with figures that are counted."""

import datetime
import re

import pytest

from portal import clock, enrolments
from portal.models import Beneficiary, Document, GroupContract, Movement, Sending
from tests import enrolling, factories


def test_a_visitor_sees_two_doors(client, database):
    text = client.get("/").get_data(as_text=True)
    for words in ("Mon espace", "Espace Individuel", "Espace PRO", "CONNEXION", "INSCRIPTION", "TÉLÉCHARGER L’AIDE"):
        assert words in text
    assert "Application mobile" not in text


def tile(text, words):
    return re.search(rf"<span>{words}</span><strong>([^<]+)</strong>", text)[1]


def test_the_four_figures_are_counted(signed_in, hr):
    contract = GroupContract.get()
    factories.beneficiary(contract, role=1)
    gone = datetime.date.today() - datetime.timedelta(days=3)
    factories.beneficiary(contract, terminated_on=gone)
    account = contract.category.account
    Document.create(account=account, title="Notice", document_type="notice", published_on=gone)
    Movement.create(category=contract.category, kind="AFFILIATION")
    Movement.create(category=contract.category, kind="AFFILIATION", state="PROCESSED")
    text = signed_in.get("/").get_data(as_text=True)
    assert tile(text, "Contrats en cours") == "3"
    assert tile(text, "Salariés") == "9"
    assert "10 avec les ayants droit" in text
    assert tile(text, "Affiliations en cours") == "1"
    assert tile(text, "Documents") == "1"


def test_figures_of_another_company_are_not_counted(signed_in, hr):
    other = factories.hr_user(people=7)
    account = other.accounts().first()
    Document.create(account=account, title="Autre", document_type="notice", published_on=datetime.date.today())
    factories.thread(other, unread=True)
    text = signed_in.get("/").get_data(as_text=True)
    assert (tile(text, "Contrats en cours"), tile(text, "Salariés"), tile(text, "Documents")) == ("3", "9", "0")
    assert "0, dont 0 en cours" in text
    assert "Tout est à jour" in text


def test_what_awaits_is_named_with_the_way_to_it(signed_in, hr):
    contract = GroupContract.get()
    soon = datetime.date.today() + datetime.timedelta(days=10)
    factories.beneficiary(contract, "Partante", terminated_on=soon)
    factories.thread(hr, unread=True)
    text = signed_in.get("/").get_data(as_text=True).replace("\u00a0", " ")
    assert "1 radiation à venir" in text
    assert f">Le {soon:%d/%m/%Y}<" in text
    assert "situation=a-venir" in text
    assert "1 demande a reçu une réponse" in text
    assert "1, dont 1 en cours" in text
    factories.beneficiary(contract, "Partant", terminated_on=soon + datetime.timedelta(days=5))
    text = signed_in.get("/").get_data(as_text=True).replace("\u00a0", " ")
    assert "2 radiations à venir" in text
    assert f">Dès le {soon:%d/%m/%Y}<" in text


def test_a_refused_document_is_named_until_it_is_sent_again(signed_in, hr, at):
    sent = {"author": hr, "account": hr.accounts().first(), "document_type": "GROUP"}
    refused = Sending.create(**sent, state="REFUSED", settled_at=clock.now())
    text = signed_in.get("/").get_data(as_text=True).replace("\u00a0", " ")
    assert "1 document refusé, à renvoyer" in text
    assert "/documents?etat=refuses" in text
    company = hr.companies().first()
    Sending.create(**sent | {"document_type": "KBIS"}, company=company)
    Sending.create(**sent, state="WITHDRAWN")
    assert hr.sendings().where(Sending.to_send_again(clock.now())).get() == refused
    Sending.create(**sent)
    assert "à renvoyer" not in signed_in.get("/").get_data(as_text=True)
    Sending.create(**sent | {"document_type": "KBIS"}, company=company, state="REFUSED", settled_at=clock.now())
    assert "1 document refusé, à renvoyer" in signed_in.get("/").get_data(as_text=True).replace("\u00a0", " ")
    assert not hr.sendings().where(Sending.to_send_again(at(days=61))).exists()


def test_head_counts_follow_who_comes_and_goes(signed_in, hr):
    contract = GroupContract.get()
    Beneficiary.delete().execute()
    today = clock.today()
    factories.beneficiary(contract, effective_on=datetime.date(2015, 1, 1))
    factories.beneficiary(contract, effective_on=today - datetime.timedelta(days=100))
    left = today - datetime.timedelta(days=200)
    factories.beneficiary(contract, effective_on=datetime.date(2015, 1, 1), terminated_on=left)
    months = [today - datetime.timedelta(days=days) for days in (300, 150, 50, 0)]
    curves = Beneficiary.employed(hr.beneficiaries(), months)
    assert list(curves.values()) == [[2, 1, 2, 2]]
    assert "Voir les chiffres" in signed_in.get("/").get_data(as_text=True)


def test_a_day_of_leaving_still_counts(database, hr):
    contract = GroupContract.get()
    Beneficiary.delete().execute()
    days = [datetime.date(2026, 1, 31), datetime.date(2026, 2, 28), datetime.date(2026, 3, 31)]
    factories.beneficiary(contract, effective_on=days[1], terminated_on=days[1])
    assert list(Beneficiary.employed(hr.beneficiaries(), days).values()) == [[0, 1, 0]]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_figures_agree_with_their_words(signed_in, hr, number):
    contract = GroupContract.get()
    for _ in range(number):
        Document.create(
            account=contract.category.account, title="x", document_type="notice", published_on=datetime.date(2026, 1, 2)
        )
        Movement.create(category=contract.category, kind="AFFILIATION")
    text = signed_in.get("/").get_data(as_text=True)
    assert tile(text, "Documents") == str(number)
    assert ("pas encore traitées" in text) == (number > 1)
    assert "sur 1 élément</p>" in text


def test_the_table_of_accounts_is_searched_and_sorted(client, database):
    accounts = [factories.account(name) for name in ("Zénith", "Émail", "Bois")]
    client.sign_in(factories.user(accounts=accounts))
    text = client.get("/").get_data(as_text=True)
    table = text[text.index('id="home"') :]
    assert table.index("Bois") < table.index("Émail") < table.index("Zénith")
    found = client.fragment("/?cq=email").get_data(as_text=True)
    assert "Émail" in found
    assert "Bois" not in found
    assert "Tableau de bord" not in found


@pytest.mark.parametrize("typed", ["2 94 06 39 478 031 45", "FR76 3000 6000 0112 3456 7890 189"])
def test_a_nir_typed_in_the_search_of_accounts_leaves_the_address(signed_in, typed):
    answer = signed_in.get("/", query_string={"cq": typed, "tri": "-compte"})
    assert answer.headers["Location"] == "/?tri=-compte"
    assert "ne s’écrit pas ici" in signed_in.get("/").get_data(as_text=True)
    assert signed_in.fragment("/", query_string={"cq": typed}).headers["HX-Redirect"] == "/"


def test_a_contract_says_its_terms_and_who_is_covered(signed_in, hr):
    contract = GroupContract.get()
    contract.employer_share = 6_250
    contract.save()
    text = signed_in.get(f"/contrats/{contract.public_id}").get_data(as_text=True)
    for words in (
        "62,5\u202f%",
        "37,5\u202f%",
        "Trimestrielle",
        "01/01/2012",
        "À la fin du mois du départ",
        "Aucun document",
    ):
        assert words in text
    people = re.search(r'href="([^"]+)">Voir ces personnes', text)[1].replace("&amp;", "&")
    assert "sur 3 éléments" in signed_in.get(people).get_data(as_text=True)


def test_contracts_sort_on_every_column(signed_in):
    for column in ("contrat", "entreprise", "payeur", "mode", "periodicite", "souscription", "charge"):
        for direction in ("", "-"):
            assert signed_in.get(f"/contrats?tri={direction}{column}").status_code == 200


@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
def test_the_theme_that_was_chosen_is_worn(signed_in, theme):
    signed_in.post("/compte/affichage", {"apparence": theme, "lignes": "10"})
    text = signed_in.get("/salaries").get_data(as_text=True)
    media = re.search(r'dark\.css[^"]*" media="([^"]+)"', text)
    expected = {"light": None, "dark": "screen", "auto": "screen and (prefers-color-scheme: dark)"}[theme]
    assert (media and media[1]) == expected
    assert "Lignes par page" in text


def test_enrolments_that_are_begun_or_incomplete_wait_there_with_their_age(signed_in, hr):
    ago = clock.now() - datetime.timedelta(days=12)
    factories.enrolment(hr, now=ago)
    sent = factories.enrolment(hr, enrolling.STEPS | {"enfants": {"presence": "attendu"}})
    enrolments.submit(sent.read_whole(), hr, clock.now())
    text = signed_in.get("/").get_data(as_text=True).replace("\u00a0", " ")
    assert "1 saisie d’adhésion en cours" in text
    assert f"Depuis le {clock.day_of(ago):%d/%m/%Y}" in text
    assert "1 adhésion à compléter" in text
    assert "#a-completer" in text and 'id="a-completer"' in signed_in.get("/adhesion").get_data(as_text=True)

"""« Mon espace » for visitors; « Accueil » with figures that are counted."""

import datetime
import re

import pytest

from portal import clock, enrolments, proofs
from portal.models import AffiliationImport, Beneficiary, Document, GroupContract, Movement, PermissionGrant, Sending
from portal.rules import proofs as proof_rules
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
    text = signed_in.get("/").get_data(as_text=True)
    drawn = re.search(r"<tbody>.*?</tbody>", text[text.index('id="head-count"') :], re.DOTALL)[0]
    numbers = [int(number) for number in re.findall(r"<td class=\"ui-num\">(\d+)</td>", drawn)]
    assert (numbers[0], min(numbers), numbers[-1], len(numbers)) == (2, 1, 2, 12)


def test_each_statement_of_the_home_page_counts_many_things(client, queries, database):
    for user in (factories.hr_user(people=3), factories.user(role="staff")):
        client.sign_in(user)
        client.get("/")
        queries.clear()
        assert client.get("/").status_code == 200
        assert len(queries) <= 6, queries


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
    text = client.get("/?perimetre=tous").get_data(as_text=True)
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


def lines_to_do(text):
    """[(tone, words)] of « À traiter », in the order of the page."""
    listed = text.replace("\u00a0", " ").partition('class="ui-todo"')[2].partition("</ul>")[0]
    return re.findall(r'ui-dot is-(\w+)">.*?<strong>([^<]+)</strong>', listed, re.DOTALL)


def awaited_everywhere(user):
    """Late: a statement, a document; then a document, a checked file, a waiver, a mandate, an old habilitation."""
    contract, today = GroupContract.select().order_by(GroupContract.id).get(), clock.today()
    ago = today - datetime.timedelta(days=20)
    factories.statement(contract, issued_on=ago, due_on=ago)
    people = user.beneficiaries().where(Beneficiary.contract == contract).limit(2)
    for person, days in zip(people, (-3, 9), strict=True):
        due = today + datetime.timedelta(days=days)
        proofs.ask(person, proof_rules.BANK_DETAILS, None, proofs.INSURER, clock.now(), due)
    sent = AffiliationImport.send(contract.category.account_id, user, "entrees.csv", b"x", None)
    AffiliationImport.update(state="CHECKED").where(AffiliationImport.id == sent.id).execute()
    factories.waiver(contract.category, state="REQUESTED")
    factories.mandate(contract.category.company, user, signed=False)
    own = (PermissionGrant.user == user) & (PermissionGrant.account == contract.category.account_id)
    PermissionGrant.update(confirmed_at=clock.now() - datetime.timedelta(days=400)).where(own).execute()


def test_what_is_late_comes_first_and_everything_that_waits_is_there(signed_in, hr):
    awaited_everywhere(hr)
    sent = {"author": hr, "account": hr.accounts().first(), "document_type": "GROUP"}
    Sending.create(**sent, state="REFUSED", settled_at=clock.now())
    factories.thread(hr, unread=True)
    text = signed_in.get("/").get_data(as_text=True)
    assert lines_to_do(text) == [
        ("danger", "1 bordereau en retard"),
        ("danger", "1 pièce justificative en retard"),
        ("warn", "1 pièce justificative attendue"),
        ("warn", "1 document refusé, à renvoyer"),
        ("warn", "1 fichier d’affiliations à confirmer"),
        ("warn", "1 dispense à décider"),
        ("warn", "1 mandat de prélèvement à signer"),
        ("warn", "1 habilitation à confirmer"),
        ("info", "1 demande a reçu une réponse"),
    ]
    for way in (
        "/echeancier?etat=retard",
        "/justificatifs?echeance=retard",
        "#affiliations",
        "/dispenses?etat=demandee",
        "/cotisations/mandats",
        "/habilitations?etat=confirmer",
    ):
        assert way in text


def test_documents_that_are_not_late_are_less_urgent(signed_in, hr):
    due = clock.today() + datetime.timedelta(days=9)
    proofs.ask(hr.beneficiaries().first(), proof_rules.BANK_DETAILS, None, proofs.INSURER, clock.now(), due)
    text = signed_in.get("/").get_data(as_text=True)
    assert lines_to_do(text) == [("warn", "1 pièce justificative attendue")]
    assert f">Jusqu’au {due:%d/%m/%Y}<" in text


@pytest.mark.parametrize(("actions", "lines"), [(1, 0), (1 + 4, 2), (1 + 8, 2), (1 + 16, 2), (127, 7)])
def test_what_waits_is_told_to_who_may_do_it(client, hr, actions, lines):
    """1 to consult, 4 to affiliate, 8 contributions, 16 documents."""
    awaited_everywhere(hr)
    colleague = factories.user()
    PermissionGrant.create(user=colleague, account=hr.accounts().get(), valid_from="2020-01-01", actions=actions)
    client.sign_in(colleague)
    assert len(lines_to_do(client.get("/").get_data(as_text=True))) == lines


def test_what_waits_is_that_of_the_scope(client, database):
    there = [factories.hr_user().accounts().first() for _ in range(2)]
    both = factories.user(accounts=there)
    awaited_everywhere(both)
    client.sign_in(both)
    mine = GroupContract.select().order_by(GroupContract.id).get().category.account
    other = next(account for account in there if account != mine)
    assert len(lines_to_do(client.get(f"/?perimetre={mine.code}").get_data(as_text=True))) == 7
    assert lines_to_do(client.get(f"/?perimetre={other.code}").get_data(as_text=True)) == []

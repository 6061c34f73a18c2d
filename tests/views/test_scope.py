"""The chooser: what it finds, what it keeps, what it never opens."""

import re

import pytest

from portal import clock, proofs
from portal.forms.scope import Scope
from portal.models import AuditEvent, Beneficiary, Favourite, PermissionGrant
from portal.rules import proofs as rules
from portal.rules import rights
from tests import factories

NAMES = ("Ateliers Combe-Noire", "Acier Jura", "Cabinet du Tacon", "Scierie de la Joux Verte", "Émaillerie Comtoise")


@pytest.fixture
def manager(client, database):
    """Someone who manages several accounts, signed in."""
    accounts = [factories.account(name) for name in NAMES]
    for account in accounts:
        company = factories.company(account, account.name, search_key=f"{account.name.lower()[:4]}zone 999{account.id}")
        factories.beneficiary(factories.contract(factories.category(company)), account.name.split()[0])
    user = factories.user(accounts=accounts)
    client.sign_in(user)
    client.codes = {account.name: account.code for account in accounts}
    return client


def chosen(answer):
    return re.search(r"perimetre=([\w.]+)", answer.headers["Location"])[1]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("at", "Ateliers Combe-Noire"),
        ("ac", "Acier Jura"),
        ("sj", "Scierie de la Joux Verte"),
        ("em", "Émaillerie Comtoise"),
        ("ta", "Cabinet du Tacon"),
        ("combe noire", "Ateliers Combe-Noire"),
        ("joux scierie", "Scierie de la Joux Verte"),
        ("sciezone", "Scierie de la Joux Verte"),
    ],
)
def test_two_letters_and_return_choose_an_account(manager, typed, found):
    """Return sends the first match of the live list: by the start of the name, by initials, by a company."""
    live = manager.fragment("/perimetre", query_string={"q": typed, "vers": "/salaries"}).get_data(as_text=True)
    first = re.search(r'name="choix" value="([^"]+)"', live)[1]
    assert first == manager.codes[found]
    answer = manager.get("/perimetre", query_string={"q": typed, "vers": "/salaries?q=e&page=3", "choix": first})
    assert answer.headers["Location"] == f"/salaries?q=e&perimetre={first}"


def test_a_bare_address_says_of_an_only_account_what_its_own_address_says(hr):
    proofs.ask(hr.beneficiaries().first(), rules.BANK_DETAILS, "x", proofs.INSURER, clock.now())
    some = rights.Action.SEE | rights.Action.DOCUMENTS
    PermissionGrant.update(actions=some).where(PermissionGrant.user == hr).execute()
    bare = Scope.read(hr, "")
    own = Scope.read(hr, bare.code)
    assert (own.code, own.awaited, own.actions) == (hr.accounts().first().code, 1, some)
    assert (bare.code, bare.awaited, bare.actions, bare.rows) == (own.code, own.awaited, own.actions, bare.chosen)
    assert [row.category_id for row in bare.rows] == [row.category_id for row in own.rows] != []


def test_what_several_grants_let_do_counts_together_and_one_account_once(hr):
    account = hr.accounts().first()
    PermissionGrant.update(actions=rights.Action.SEE).where(PermissionGrant.user == hr).execute()
    PermissionGrant.create(user=hr, account=account, actions=rights.Action.SEE | rights.Action.WRITE)
    scope = Scope.read(hr, "")
    assert (scope.account_count, scope.actions) == (1, rights.Action.SEE | rights.Action.WRITE)


def test_return_before_the_list_has_come_chooses_the_first_match(manager):
    answer = manager.get("/perimetre", query_string={"q": "acier", "vers": "/contrats", "choix": "premier"})
    assert answer.headers["Location"] == f"/contrats?perimetre={manager.codes['Acier Jura']}"


@pytest.mark.parametrize("typed", ["", "personne"])
def test_return_without_any_match_opens_the_table(manager, typed):
    answer = manager.get("/perimetre", query_string={"q": typed, "vers": "/contrats", "choix": "premier"})
    assert answer.headers["Location"] == f"/perimetre?q={typed}&vers=%2Fcontrats"
    assert manager.get(answer.headers["Location"]).status_code == 200


def test_return_presses_the_hidden_button_first(manager):
    """The first submit button of a form is the one that Return presses."""
    page = manager.get("/contrats?perimetre=tous").get_data(as_text=True)
    form = page[page.index('action="/perimetre') :]
    assert re.search(r"<button[^>]*>", form)[0].count('name="choix" value="premier"') == 1


def test_more_typed_than_was_drawn_chooses_what_matches_now(manager):
    old = manager.codes["Acier Jura"]
    answer = manager.get("/perimetre", query_string={"q": "ateliers", "choix": old, "vers": "/"})
    assert chosen(answer) == manager.codes["Ateliers Combe-Noire"]


@pytest.mark.parametrize("typed", ["2 94 06 39 478 031 45", "FR76 3000 6000 0112 3456 7890 189"])
def test_a_nir_or_an_iban_leaves_the_address(manager, typed):
    answer = manager.get("/perimetre", query_string={"q": typed, "tri": "numero"})
    assert answer.headers["Location"] == "/perimetre?tri=numero"
    assert "ne s’écrit pas ici" in manager.get("/perimetre").get_data(as_text=True)
    table = manager.fragment("/perimetre", query_string={"q": typed})
    assert table.headers["HX-Redirect"] == "/perimetre"
    live = manager.fragment("/perimetre", query_string={"q": typed, "vers": "/salaries?q=e"})
    assert live.headers["HX-Redirect"] == "/salaries?q=e"
    sent = manager.get("/perimetre", query_string={"q": typed, "vers": "/salaries", "choix": "premier"})
    assert typed not in sent.headers["Location"]


def test_the_choice_narrows_every_list_and_follows_every_link(manager):
    code = manager.codes["Acier Jura"]
    page = manager.get(f"/salaries?perimetre={code}").get_data(as_text=True)
    assert "ACIER" in page
    assert "ATELIERS" not in page
    menu = re.findall(r'<li><a href="(/[^"]*)"', page)
    assert len([link for link in menu if f"perimetre={code}" in link]) >= 10
    assert f'name="perimetre" value="{code}"' in page


@pytest.mark.parametrize("path", ["/compte", "/aide", "/aide/connexion"])
def test_pages_that_show_no_list_keep_the_choice_of_their_window(manager, path):
    code, other = manager.codes["Acier Jura"], manager.codes["Cabinet du Tacon"]
    manager.get(f"/salaries?perimetre={other}")  # another window, since
    page = manager.get(f"{path}?perimetre={code}").get_data(as_text=True)
    menu = re.findall(r'<li><a href="(/[^"]*)"', page)
    assert len([link for link in menu if f"perimetre={code}" in link]) >= 10
    assert f'href="/?perimetre={code}"' in page
    assert other not in menu


def test_what_is_saved_in_mon_compte_keeps_the_choice(manager):
    code = manager.codes["Acier Jura"]
    page = manager.get(f"/compte?perimetre={code}").get_data(as_text=True)
    sent = re.search(r'action="(/compte/affichage[^"]*)"', page)[1]
    answer = manager.post(sent, {"apparence": "dark", "lignes": "10"})
    assert answer.headers["Location"] == f"/compte?perimetre={code}"


def test_help_has_the_menu_of_who_is_signed_in_and_no_other(manager, app):
    assert "Menu principal" in manager.get("/aide?perimetre=tous").get_data(as_text=True)
    visitor = app.test_client().get("/aide")
    assert visitor.status_code == 200
    assert "Menu principal" not in visitor.get_data(as_text=True)


def test_the_last_choice_is_remembered_and_the_address_says_so(manager):
    code = manager.codes["Acier Jura"]
    manager.get(f"/contrats?perimetre={code}")
    assert manager.get("/salaries?q=e").headers["Location"] == f"/salaries?q=e&perimetre={code}"
    assert manager.get("/salaries?perimetre=tous").status_code == 200
    assert manager.get("/salaries").headers["Location"] == "/salaries?perimetre=tous"


def test_a_remembered_choice_that_is_no_longer_mine_is_forgotten(manager):
    from portal.models import PermissionGrant

    manager.get(f"/contrats?perimetre={manager.codes['Acier Jura']}")
    PermissionGrant.delete().where(PermissionGrant.account == 0).execute()
    PermissionGrant.update(valid_to="2021-01-01").where(
        PermissionGrant.account.in_(
            PermissionGrant.select(PermissionGrant.account).where(
                PermissionGrant.account == Beneficiary.get(Beneficiary.birth_name == "Acier").account_id
            )
        )
    ).execute()
    assert manager.get("/salaries").headers["Location"] == "/salaries?perimetre=tous"


@pytest.mark.parametrize("level", [1, 2])
def test_a_company_or_a_college_may_be_chosen(signed_in, hr, level):
    college = hr.categories().first()
    parts = [college.account.code, college.company.code, college.code][: level + 1]
    page = signed_in.get(f"/salaries?perimetre={'.'.join(parts)}").get_data(as_text=True)
    expected = 6 if level == 1 else 3
    assert f"sur {expected} éléments" in page
    assert signed_in.get(f"/contrats?perimetre={'.'.join(parts)}").status_code == 200


def test_codes_may_hold_dots(client, database):
    account = factories.account("Point", code="A.B")
    factories.beneficiary(factories.contract(factories.category(factories.company(account, code="E.1"), "0.1")))
    client.sign_in(factories.user(accounts=[account, factories.account("Autre", code="A")]))
    assert "sur 1 élément<" in client.get("/salaries?perimetre=A.B.E.1.0.1").get_data(as_text=True)


def test_accounts_looked_at_lately_are_offered_though_their_codes_hold_dots(client, database):
    accounts = [factories.account(name, code=code) for name, code in (("Point", "A.B"), ("Autre", "A"))]
    factories.beneficiary(factories.contract(factories.category(factories.company(accounts[0], code="E.1"), "0.1")))
    client.sign_in(factories.user(accounts=accounts))
    client.get("/contrats?perimetre=A.B.E.1.0.1")
    page = client.get("/contrats?perimetre=tous").get_data(as_text=True)
    recents = page[page.index("Consultés récemment") :].partition("</section>")[0]
    assert "Point" in recents
    assert "Autre" not in recents


def test_the_table_holds_every_column(manager):
    text = manager.get(f"/perimetre?perimetre={manager.codes['Acier Jura']}").get_data(as_text=True)
    for heading in ("Compte", "Nom", "Prénom", "Description", "Contact", "Téléphone", "Email"):
        assert f">{heading}<" in re.sub(r"<svg.*?</svg>", "", text, flags=re.DOTALL)
    for heading in (
        "Code Entreprise",
        "Libellé entreprise",
        "Code collège",
        "Libellé collège",
        "Titre destinataire d’appel",
        "Libellé destinataire d’appel",
        "Cotisation",
    ):
        assert heading in text


def test_favourites_come_first_and_go(manager):
    code = manager.codes["Scierie de la Joux Verte"]
    assert manager.post("/perimetre/favoris", {"compte": code, "vers": "/perimetre"}).status_code == 303
    assert Favourite.select().count() == 1
    page = manager.get("/contrats?perimetre=tous").get_data(as_text=True)
    assert page.index("Favoris") < page.index("Scierie de la Joux Verte")
    manager.post("/perimetre/favoris", {"compte": code, "vers": "//evil.example"})
    assert Favourite.select().count() == 0


def test_an_account_without_a_company_is_shown_empty(client, database):
    client.sign_in(factories.user(accounts=[factories.account("Vide"), factories.account("Autre")]))
    account = client.get("/perimetre").get_data(as_text=True)
    assert "Vide" in account
    code = re.search(r"perimetre=(C\d+)", account)[1]
    assert "Aucune donnée disponible" in client.get(f"/salaries?perimetre={code}").get_data(as_text=True)


def test_the_file_holds_a_row_for_each_college_that_the_user_may_see(manager, queries):
    """Of the accounts that the address finds, and of no other; who counts people there counts those covered now."""
    ours, other = factories.account("Zinguerie du Crêt", first_name="Paul"), factories.account("Zone interdite")
    company = factories.company(ours, "Zinguerie – Siège")
    colleges = [factories.category(company, code=code, label=f"Collège {code}") for code in ("001", "002")]
    for college in (*colleges, factories.category(factories.company(other, "Zone"))):
        factories.beneficiary(factories.contract(college), "Roux")
    gone = factories.beneficiary(factories.contract(colleges[0]), "Parti")
    Beneficiary.update(terminated_on=clock.today()).where(Beneficiary.id == gone.id).execute()
    user = factories.user(accounts=[ours, factories.account("Acier Jura bis")])
    PermissionGrant.update(category=colleges[1], company=company).where(PermissionGrant.account == ours).execute()
    manager.post("/deconnexion")
    manager.sign_in(user)
    queries.clear()
    answer = manager.post("/perimetre/telechargement?q=z&perimetre=tous", data={"format": "csv"})
    head, *rows = [line.split(";") for line in answer.get_data(as_text=True).lstrip("\ufeff").splitlines()]
    assert head[0] == "Nom" and head[-1] == "Bénéficiaires"
    assert [(row[0], row[8], row[9], row[-1]) for row in rows] == [
        ("Zinguerie du Crêt", "Zinguerie – Siège", "002", "1")
    ]
    assert AuditEvent.select().where(AuditEvent.action == "companies.export").get().after == {
        "rows": 1,
        "format": "csv",
    }
    with manager.post("/perimetre/telechargement?perimetre=tous") as answer:
        assert answer.headers["Content-Disposition"].endswith(".xlsx")


def test_the_list_of_companies_counts_who_is_covered_in_each_college(manager):
    account = factories.account("Menuiserie Vuillet")
    company = factories.company(account, "Menuiserie")
    for code, many in (("001", 3), ("002", 1), ("003", 0)):
        contract = factories.contract(factories.category(company, code=code))
        for number in range(many):
            factories.beneficiary(contract, f"Nom {number}")
    manager.post("/deconnexion")
    manager.sign_in(factories.user(accounts=[account]))
    page = manager.get("/perimetre").get_data(as_text=True)
    counts = re.findall(r'data-label="Bénéficiaires" class="ui-num">(\d+)<', page)
    assert counts == ["4", "3", "1", "0"]

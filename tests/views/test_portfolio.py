"""« Portefeuille »: each account with what awaits, as far as the grants open it; sorted, narrowed, downloaded."""

import datetime

import pytest

from portal import clock, proofs
from portal.formats import search_key, sort_key
from portal.models import AuditEvent, Beneficiary, ManagedAccount, PermissionGrant, UserRole
from portal.rules import proofs as rules
from portal.rules.rights import ALL, Action
from tests import factories
from tests.views.test_terminations import plain

HOME = "/portefeuille"
OF_ALL = f"{HOME}?perimetre=tous"
DAY = datetime.timedelta(days=1)


@pytest.fixture
def broker(database):
    """With two accounts: one where nothing waits, one where everything does."""
    quiet, busy = factories.hr_user(people=1), factories.hr_user(people=2)
    accounts = [one.accounts().get() for one in (quiet, busy)]
    for account, name in zip(accounts, ("Calme", "Zélée"), strict=True):
        ManagedAccount.update(name=name, name_key=sort_key(name), search_key=search_key(name)).where(
            ManagedAccount.id == account.id
        ).execute()
    contract = busy.contracts().first()
    person = Beneficiary.get(Beneficiary.contract == contract)
    proofs.ask(person, rules.BANK_DETAILS, "x", proofs.INSURER, clock.now(), due_on=clock.today() - DAY)
    factories.thread(busy, state="AWAITING_ANSWER")
    factories.thread(busy)
    factories.statement(contract, issued_on=clock.today() - 40 * DAY, due_on=clock.today() - 9 * DAY)
    factories.statement(contract, issued_on=clock.today() - 4 * DAY, due_on=clock.today() + 9 * DAY)
    factories.enrolment(busy)
    return factories.user(role=UserRole.BROKER, accounts=accounts)


def test_each_account_has_its_figures_side_by_side(client, broker):
    client.sign_in(broker)
    page = plain(client.get(OF_ALL))
    line = page.split("Zélée")[1]
    assert "6" in line and "1 dont 1 en retard 2 dont 1 à répondre 1 2 dont 1 en retard" in line
    assert f"{clock.today() + 9 * DAY:%d/%m/%Y}" in line
    assert "9 bénéficiaires, 1 pièce attendue, 1 demande à répondre, 1 adhésion à finir, 1 bordereau en retard" in page


def test_what_a_grant_does_not_open_is_not_counted(client, broker):
    PermissionGrant.update(actions=ALL & ~(Action.MONEY | Action.WRITE)).where(PermissionGrant.user == broker).execute()
    client.sign_in(broker)
    line = plain(client.get(OF_ALL)).split("Zélée")[1]
    assert "1 dont 1 en retard 0 1 0 —" in line


def test_it_is_narrowed_and_sorted(client, broker):
    client.sign_in(broker)
    for narrowed in ("?voir=attente", "?voir=retard", "?q=zel"):
        page = plain(client.get(f"{HOME}{narrowed}&perimetre=tous"))
        assert "Zélée" in page and "Calme" not in page.split("Rechercher")[-1], narrowed
    ordered = plain(client.get(f"{OF_ALL}&tri=-personnes"))
    assert ordered.index("Zélée") < ordered.index("Calme")
    assert "Aucun compte ne correspond" in plain(client.get(f"{OF_ALL}&q=introuvable"))


def test_the_file_holds_what_is_shown_and_is_written_down(client, broker):
    client.sign_in(broker)
    file = client.post(f"{HOME}/telechargement?voir=retard", {"format": "csv"}).get_data(as_text=True)
    assert "Zélée" in file and "Calme" not in file
    assert AuditEvent.get(AuditEvent.action == "portfolio.export").after["rows"] == 1


def test_three_hundred_accounts_take_as_many_statements_as_one(client, broker, queries):
    client.sign_in(broker)
    queries.clear()
    client.get(OF_ALL)
    few = len(queries)
    for _ in range(40):
        PermissionGrant.create(user=broker, account=factories.account(), valid_from="2020-01-01")
    queries.clear()
    client.get(OF_ALL)
    assert few == len(queries) <= 6, queries


def test_one_account_is_no_portfolio_in_the_menu_and_the_mutual_has_none(client, database):
    client.sign_in(factories.hr_user())
    assert HOME not in client.get("/").get_data(as_text=True)
    client.sign_in(factories.user(role=UserRole.STAFF))
    assert client.get(OF_ALL).status_code == 403

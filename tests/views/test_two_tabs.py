"""Two tabs of one browser, on different accounts: what is chosen in one never changes what the other shows or does."""

import re
from urllib.parse import parse_qs, urlsplit

import html5lib
import pytest
from werkzeug.exceptions import HTTPException

from portal.models import PermissionGrant, Waiver
from tests import factories
from tests.journeys import test_every_page as every
from tests.walking import enter, examples

# What shows no list, and leads nowhere but back to the address that it was asked from, or out.
OF_NO_SCOPE = {"session.destroy", "session.extend", "document_files.download"}
# (blueprint of the page, what it leads to): rows that lead to the account they name.
NAMED = {
    ("home", "employees.index"),
    ("scope", "scope.index"),
    ("imports", "affiliations.index"),
    ("imports", "affiliations.template"),
}


@pytest.fixture
def accounts(client, database):
    """The codes of two accounts of who is signed in."""
    accounts = [factories.account(name) for name in ("Acier Jura", "Scierie de la Joux")]
    for account in accounts:
        factories.beneficiary(factories.contract(factories.category(factories.company(account))), account.name[:5])
    client.user = factories.user(accounts=accounts)
    client.sign_in(client.user)
    return [account.code for account in accounts]


def test_a_bare_page_of_several_accounts_says_that_it_shows_all(client, accounts):
    assert client.get("/salaries?q=e&tri=nom").headers["Location"] == "/salaries?q=e&tri=nom&perimetre=tous"
    assert client.get("/").headers["Location"] == "/?perimetre=tous"
    assert client.get("/contrats?perimetre=tous").status_code == 200


@pytest.mark.parametrize("path", ["/", "/salaries", "/contrats", "/dispenses", "/adhesion", "/documents"])
def test_all_stays_all_while_another_tab_chooses(client, accounts, path):
    mine = client.get(path).headers["Location"]
    before = client.get(mine).get_data(as_text=True)
    client.get(f"/salaries?perimetre={accounts[0]}")
    after = client.get(mine).get_data(as_text=True)
    assert chosen(before) == chosen(after) == "Tous mes comptes"


def test_an_only_account_stays_whole_while_another_tab_chooses_a_college(signed_in, hr):
    """Its pages do not have to say their scope: one that does not shows all of it, whatever was chosen elsewhere."""
    college = hr.categories().first()
    whole = r"sur (\d+) éléments"
    [before] = re.findall(whole, signed_in.get("/salaries").get_data(as_text=True))
    narrower = f"{college.account.code}.{college.company.code}.{college.code}"
    [fewer] = re.findall(whole, signed_in.get(f"/salaries?perimetre={narrower}").get_data(as_text=True))
    assert int(fewer) < int(before)
    assert re.findall(whole, signed_in.get("/salaries").get_data(as_text=True)) == [before]


def chosen(page):
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    return next(one.text.strip() for one in tree.iter() if one.get("class") == "ui-scope-value")


def test_what_is_recorded_of_all_comes_back_to_all(client, accounts):
    person = client.user.beneficiaries().first()
    page = client.get(f"/salaries/{person.public_id}/contact?perimetre=tous").get_data(as_text=True)
    client.get(f"/salaries?perimetre={accounts[1]}")  # the other tab
    [form] = html5lib.parse(page, namespaceHTMLElements=False).find(".//main").iter("form")
    fields = {one.get("name"): one.get("value") or "" for one in form.iter("input")}
    answer = client.post(form.get("action"), fields | {"fixe": "01 99 00 10 01"})
    assert answer.headers["Location"] == f"/salaries/{person.public_id}?perimetre=tous"


def test_the_register_of_waivers_is_of_the_account_that_is_chosen(client, accounts):
    for account in client.user.accounts():
        college = account.companies.get().categories.get()
        person = {"last_name": f"DE {account.code}", "first_name": "Zoé"}
        factories.waiver(college, **person)
    assert Waiver.select().count() == 2
    page = client.get(f"/contrats?perimetre={accounts[0]}").get_data(as_text=True)
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    link = next(a.get("href") for a in tree.iter("a") if "Dispenses" in "".join(a.itertext()))
    shown = client.get(link).get_data(as_text=True)
    assert f"DE {accounts[0]}" in shown
    assert f"DE {accounts[1]}" not in shown


@pytest.mark.parametrize("wanted", ["tous", "C000001"])
def test_every_link_and_form_of_every_page_says_its_scope(app, client, no_alarm, wanted):
    user = every.user_for("hr")
    pages = examples(user, ("hr",))
    other = factories.account("Autre")
    factories.beneficiary(factories.contract(factories.category(factories.company(other))))
    PermissionGrant.create(user=user, account=other, valid_from="2020-01-01")
    enter(client, user)  # the examples hold a second factor of that user
    client.get(f"/salaries?perimetre={other.code}")  # the other tab
    assert user.accounts().first().code == "C000001"
    adapter, faults, seen = app.url_map.bind("localhost"), set(), 0
    for name, address in pages.items():
        answer = client.get(address + ("&" if "?" in address else "?") + f"perimetre={wanted}")
        if answer.status_code == 303:  # to be done in one account: said on the list
            assert wanted == "tous", name
            continue
        assert answer.status_code == 200, name
        here = adapter.match(address.partition("?")[0])[0].partition(".")[0]
        for endpoint, said in leads(answer.get_data(as_text=True), adapter):
            seen += 1
            if said != wanted and endpoint not in OF_NO_SCOPE and not (said and (here, endpoint) in NAMED):
                faults.add((name, endpoint, said))
    assert not faults
    assert seen > 1_500


def leads(page, adapter):
    """Each link and form of a page, the chooser's own links aside: (endpoint, the scope that it says)."""
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    aside = {id(part) for box in tree.iter("div") if box.get("class") == "ui-scope" for part in box.iter("a")}
    for element in tree.iter():
        method = "POST" if element.get("formaction") or element.get("method") == "post" else "GET"
        where = urlsplit(element.get("href") or element.get("action") or element.get("formaction") or "")
        if element.tag not in ("a", "form", "button") or id(element) in aside or where.netloc or not where.path:
            continue
        try:
            endpoint, _ = adapter.match(where.path, method)
        except HTTPException:  # a form that each of its buttons sends elsewhere; a file that is served beside
            continue
        said = parse_qs(where.query).get("perimetre", [None])[0]
        yield endpoint, field_of(element, tree) if element.tag == "form" and method == "GET" else said


def field_of(form, tree):
    """The scope that a form to read with sends: its own fields take the place of its action's query."""
    fields = [*form.iter("input"), *(one for one in tree.iter("input") if one.get("form") == form.get("id", ""))]
    return next((one.get("value") for one in fields if one.get("name") == "perimetre"), None)

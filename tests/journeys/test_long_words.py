"""A word that no screen is wide enough for is cut: no page of a phone scrolls sideways for it."""

import pytest

from portal.models import Company, EmployeeCategory, GroupContract, ManagedAccount, Plan
from tests import factories
from tests.journeys.browser import sign_in

WORD = "Anticonstitutionnellement" * 8
PAGES = (
    "/",
    "/salaries",
    "/salaries?situation=tous",
    f"/salaries?q={WORD[:90]}",
    "/salaries?fiche={person}",
    "/salaries/{person}",
    "/contrats",
    "/contrats/{contract}",
    "/perimetre",
    "/perimetre?q={word}",
    "/compte",
)
# What is cut off, and, when the page scrolls sideways, what sticks out of the screen.
TOO_WIDE = """() => {
  const out = element => element.getBoundingClientRect().right > innerWidth + 1;
  const cut = element => element.scrollWidth > element.clientWidth + 1 && !element.closest(".visually-hidden");
  const found = [...document.querySelectorAll("main :is(h1, h2, p, dd)")].filter(cut);
  if (document.documentElement.scrollWidth > innerWidth) found.push(...document.querySelectorAll("main *"));
  return found.filter(element => cut(element) || out(element)).map(element => element.outerHTML.slice(0, 120));
}"""


@pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="session")
def test_a_word_of_two_hundred_letters_widens_no_page_of_a_phone(open_browser):
    user = factories.hr_user(people=1)
    contract = GroupContract.get()
    family = {"household_number": "F1", "used_name": WORD, "city": WORD, "street": WORD, "email": f"{WORD}@example.com"}
    person = factories.beneficiary(contract, WORD, WORD, **family)
    factories.beneficiary(contract, WORD, WORD, role=2, **family)
    ManagedAccount.update(name=WORD, description=WORD, contact=WORD, email=f"{WORD}@example.com").execute()
    Company.update(label=WORD).execute()
    EmployeeCategory.update(label=WORD, call_recipient_label=WORD).execute()
    Plan.update(label=WORD, contract_nature=WORD).execute()
    GroupContract.update(payer=WORD).execute()
    type(user).update(first_name=WORD, last_name=WORD, organisation=WORD).execute()
    page = open_browser(viewport={"width": 390, "height": 844})
    sign_in(page, user)
    wide = {}
    for address in PAGES:
        page.goto(address.format(person=person.public_id, contract=contract.public_id, word=WORD[:90]))
        wide[address] = page.evaluate(TOO_WIDE)
    assert not any(wide.values()), "\n".join(f"{address}: {found[:3]}" for address, found in wide.items())

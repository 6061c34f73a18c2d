"""With the keyboard alone: each stop is in view, not covered, and its outline can be seen."""

import pytest
from playwright.sync_api import expect

from tests.journeys import scenery
from tests.journeys.browser import sign_in

STOP = """() => {
  const active = document.activeElement;
  if (!active || active === document.body) return null;
  const shown = active.matches("input.visually-hidden") ? active.nextElementSibling : active;
  const style = getComputedStyle(shown), box = shown.getBoundingClientRect();
  const x = Math.min(Math.max(box.left + box.width / 2, 1), innerWidth - 2);
  const y = Math.min(Math.max(box.top + box.height / 2, 1), innerHeight - 2);
  const top = document.elementFromPoint(x, y);
  const words = (active.innerText || active.getAttribute("aria-label") || active.id || "").trim().slice(0, 40);
  const mine = top && (shown.contains(top) || top.contains(shown) || top.closest("label, summary, a, .ui-search"));
  return {
    said: `${active.tagName} ${words.replace(/\\s+/g, " ")}`,
    faults: [
      style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 ? "" : `outline ${style.outline}`,
      box.bottom > 0 && box.top < innerHeight && box.width > 0 ? "" : "out of view",
      mine ? "" : `covered by ${top && top.outerHTML.slice(0, 60)}`,
    ].filter(Boolean),
  };
}"""
MOST = 160


def stops(page):
    """Tab through the page, from its top to its end."""
    page.evaluate("document.activeElement.blur()")
    for _ in range(MOST):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop is None:
            return
        yield stop
    raise AssertionError(f"more than {MOST} tab stops: {page.url}")


ADDRESSES = ["/", "/contrats", "/salaries?lignes=10", "/salaries?q=barbaud&fiche={person}", "/perimetre", "/compte"]


@pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="session")
@pytest.mark.parametrize("size", [(1366, 768), (390, 844)], ids=["laptop", "phone"])
def test_each_tab_stop_is_seen(open_browser, size):
    page = open_browser(viewport=dict(zip(("width", "height"), size, strict=True)))
    faults = walk(page, "/connexion")
    user = scenery.roster()
    sign_in(page, user)
    person = user.beneficiaries().first()
    for address in ADDRESSES:
        faults += walk(page, address.format(person=person.public_id))
    assert not faults, "\n".join(faults)


def walk(page, address):
    page.goto(address)
    seen = list(stops(page))
    assert seen[0]["said"].endswith("Aller au contenu"), "the first stop is the way to the contents"
    return [f"{address}: {stop['said']}: {', '.join(stop['faults'])}" for stop in seen if stop["faults"]]


@pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="session")
def test_menus_open_and_close_from_the_keyboard(open_browser):
    page = open_browser()
    sign_in(page, scenery.portfolio(6))
    page.goto("/salaries")
    summary = page.locator(".ui-scope summary").first
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Rechercher un compte ou une entreprise")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".ui-scope details").first).not_to_have_attribute("open", "")
    expect(summary).to_be_focused()
    page.locator("summary.ui-user").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Mon compte").first).to_be_focused()
    for _ in range(2):
        page.keyboard.press("Tab")
    expect(page.locator("details.ui-menu[open]")).to_have_count(0)


@pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="session")
def test_the_menu_of_a_phone_opens_and_closes_without_script(open_browser):
    page = open_browser(js=False, viewport={"width": 390, "height": 844})
    sign_in(page, scenery.portfolio(6))
    page.goto("/contrats")
    menu = page.get_by_role("navigation", name="Menu principal")
    expect(menu).to_be_hidden()
    page.get_by_role("link", name="Ouvrir le menu").click()
    expect(menu).to_be_visible()
    page.get_by_role("link", name="Fermer le menu").click()
    expect(menu).to_be_hidden()
    page.get_by_role("link", name="Ouvrir le menu").click()
    menu.get_by_role("link", name="Salariés / Bénéficiaires").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Salariés / Bénéficiaires")
    expect(menu).to_be_hidden()
    page.get_by_role("link", name="Filtres", exact=True).click()
    expect(page.get_by_label("Qualité")).to_be_visible()

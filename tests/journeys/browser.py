"""What a journey does again and again: sign in, reload, look for what axe finds."""

import difflib
import re

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import expect

from portal import clock
from portal.models import UserSession

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Its violations alone: what it passes is some hundred kilobytes at each look, that nobody reads.
VIOLATIONS = "options => axe.run(options).then(found => found.violations)"

# <main> as it would be sent: what was typed or ticked becomes an attribute, what the browser alone knows goes.
MAIN = """() => {
  const main = document.querySelector("main"), copy = main.cloneNode(true);
  const live = main.querySelectorAll("input, select"), fields = copy.querySelectorAll("input, select");
  live.forEach((field, n) => {
    if (field.type === "password") fields[n].removeAttribute("value");
    else fields[n].setAttribute("value", field.value);
    if (field.checked !== undefined) fields[n].toggleAttribute("checked", field.checked);
  });
  for (const option of copy.querySelectorAll("option")) option.removeAttribute("selected");
  for (const details of copy.querySelectorAll("details")) details.removeAttribute("open");
  for (const flash of copy.querySelectorAll("#flash")) flash.remove();
  for (const token of copy.querySelectorAll("[name=csrf_token], [name=form_key]")) token.setAttribute("value", "");
  for (const element of [copy, ...copy.querySelectorAll("*")]) {
    for (const name of ["autofocus", "data-htmx-powered"]) element.removeAttribute(name);
    element.classList.remove("htmx-request", "htmx-added", "htmx-settling", "htmx-swapping");
    if (element.classList.length === 0) element.removeAttribute("class");
  }
  return copy.outerHTML;
}"""
PRINTED = re.compile(r"imprimé le [^<]* par")


def sign_in(page, user, **half):
    """Give the browser the session of that person (`factor_due`: half of one); the form itself has its own journey."""
    _, token = UserSession.start(user, clock.now(), "127.0.0.1", page.evaluate("navigator.userAgent"), **half)
    cookie = page.app.session_interface.get_signing_serializer(page.app).dumps({"_user_id": token, "_fresh": True})
    page.context.add_cookies([{"name": "session", "value": cookie, "url": page.server, "httpOnly": True}])


def main_of(page):
    """The main region, with nothing in it that two answers may differ by."""
    html = PRINTED.sub("", page.evaluate(MAIN))
    return [line.strip() for line in re.sub(r"\s*(<[^>]*>)\s*", r"\n\1\n", html).split("\n") if line.strip()]


def same_after_reload(page):
    """The address is the truth: asked for again, it gives what is on the screen."""
    settled(page)
    before = main_of(page)
    page.goto(page.url.partition("#")[0])
    after = main_of(page)
    told = "\n".join(difflib.unified_diff(before, after, "on the screen", "asked for again", lineterm="", n=1))
    assert before == after, f"{page.url} gives another page than the one on the screen:\n{told}"


def settled(page):
    """The page is whole, and no region of it is being asked for."""
    page.wait_for_load_state("load")
    if page.js:
        expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)


def type_in(page, field, text):
    """Write in a search field: with JavaScript the answer comes by itself, without one presses Return."""
    if page.js:
        with page.expect_response(lambda answer: answer.request.headers.get("hx-request") == "true"):
            field.fill(text)
    else:
        field.fill(text)
        with page.expect_event("load"):
            field.press("Enter")
    settled(page)


def axe(page, only=None):
    """Nothing that axe finds (WCAG 2.2 A and AA, good practice), or by these rules only.

    It is a script: a page without them is looked at when the same journey is made with JavaScript.
    """
    if not page.js:
        return
    rules = {"type": "rule", "values": only} if only else {"type": "tag", "values": TAGS}
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    heard = len(page.complaints)
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate(VIOLATIONS, options)
    del page.complaints[heard:]  # axe tries styles of its own, which our policy refuses
    assert not found, "\n".join(told(page, violation) for violation in found)


def told(page, violation):
    nodes = [f"{node['html'][:160]} — {node['failureSummary'][:200]}" for node in violation["nodes"][:3]]
    return f"{page.url}: {violation['id']} ×{len(violation['nodes'])} ({violation['help']})\n  " + "\n  ".join(nodes)


def path(page):
    """The address without the server: /salaries?q=zoe."""
    return page.url.removeprefix(page.server)

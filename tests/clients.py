"""A test client that signs in, and checks the HTML of every page and fragment that it is given."""

import re
from contextlib import contextmanager

import html5lib
from flask.testing import FlaskClient, FlaskCliRunner

from portal import database
from portal.models import db
from tests import factories

PARSER_COMPLAINTS_THAT_MATTER = {
    "unexpected-end-tag",
    "expected-closing-tag-but-got-eof",
    "unexpected-cell-in-table-body",
    "unexpected-start-tag-implies-end-tag",
    "duplicate-attribute",
    "end-tag-too-early",
}


class CarefulClient(FlaskClient):
    """Its `get` and `post` fail when a page is not what every page must be."""

    def open(self, *args, **kwargs):
        with as_a_stranger():
            response = super().open(*args, **kwargs)
        if response.mimetype == "text/html" and response.data:
            check_html(response.get_data(as_text=True))
        return response

    def sign_in(self, user, password=factories.PASSWORD):
        response = self.post("/connexion", data={"identifiant": user.identifier, "mot_de_passe": password})
        assert response.status_code == 303, response.get_data(as_text=True)[:2000]
        return response

    def fragment(self, path, method="GET", **kwargs):
        """What htmx asks for."""
        return self.open(path, method=method, headers={"HX-Request": "true"}, **kwargs)

    def post(self, path, data=None, **kwargs):
        """Send a form with the token of the session, as a browser would have found it in the page."""
        data = dict(data or {})
        if "csrf_token" not in data:
            data["csrf_token"] = self.token()
        return super().post(path, data=data, **kwargs)

    def token(self):
        with as_a_stranger():
            page = FlaskClient.open(self, "/connexion").get_data(as_text=True)
        found = re.search(r'name="csrf_token" value="([^"]+)"', page)
        if not found:  # signed in: any page of the portal holds one
            with as_a_stranger():
                page = FlaskClient.open(self, "/compte", follow_redirects=True).get_data(as_text=True)
            found = re.search(r'name="csrf_token" value="([^"]+)"', page)
        return found[1]


class CarefulRunner(FlaskCliRunner):
    """A command finds the connection as a process of its own would."""

    def invoke(self, *args, **kwargs):
        with as_a_stranger():
            return super().invoke(*args, **kwargs)


@contextmanager
def as_a_stranger():
    """The connection of the test, which a request shares, has been told nothing when it comes, as out of the pool."""
    if database.is_sqlite(db) or db.is_closed():
        yield
        return
    db.connection().execute("SELECT set_config('portal.own', '', false)")
    try:
        yield
    finally:
        if not db.is_closed() and database.may_be_told(db):
            db.connection().execute(database.FORGET)


def check_html(text):
    """Valid, one h1 that the title starts with, unique ids, labelled fields, forms with an action."""
    whole = text.lstrip().lower().startswith("<!doctype")
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    tree = parser.parse(text) if whole else parser.parseFragment(text)
    faults = [(where, code) for where, code, _ in parser.errors if code in PARSER_COMPLAINTS_THAT_MATTER]
    assert not faults, f"not valid HTML: {faults[:5]}"
    elements = list(tree.iter())
    ids = [element.get("id") for element in elements if element.get("id")]
    assert len(ids) == len(set(ids)), f"ids used twice: {sorted({i for i in ids if ids.count(i) > 1})}"
    if whole:
        check_headings(elements)
    labelled = {element.get("for") for element in elements if element.tag == "label"}
    inside = {id(field) for label in elements if label.tag == "label" for field in label.iter()}
    for element in elements:
        if element.tag in ("input", "select", "textarea") and element.get("type") not in ("hidden", "submit"):
            named = element.get("id") in labelled or element.get("aria-label") or id(element) in inside
            assert named or not whole, f"a field without label: {element.attrib}"
        for name in ("href", "action"):
            beyond = (element.get(name) or "").partition("?")[2].partition("?")[2]
            assert "=" not in beyond, f"an address with two queries: {element.attrib}"
        if element.tag == "form":
            assert element.get("action"), f"a form without action: {element.attrib}"
            if element.get("method", "").lower() == "post":
                assert any(child.get("name") == "csrf_token" for child in element.iter()), "a form without its token"


def check_headings(elements):
    headings = ["".join(element.itertext()).split() for element in elements if element.tag == "h1"]
    assert len(headings) == 1, f"{len(headings)} h1 in the page"
    title = "".join(next(element for element in elements if element.tag == "title").itertext()).split()
    title = title[2:] if title[:2] == ["Erreur", ":"] else title
    assert title[: len(headings[0])] == headings[0], f"the title {title} does not start with the h1 {headings[0]}"

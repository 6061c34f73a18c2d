"""One database with an example for every page of every profile (test_every_page.PAGES), and a browser for each."""

import re
from html.parser import HTMLParser

from flask.testing import FlaskClient

from portal import clock
from portal.models import Company, Registration, SepaMandate, UserRole, UserSession
from tests import factories
from tests.clients import CarefulClient
from tests.journeys import test_every_page as every


class World:
    """`pages`: name → address; `looking`: profile → who looks, None without an account."""

    def __init__(self):
        self.looking = {"visitor": None, "employee": None}
        self.pages = examples(None, ("visitor",))
        Registration.update(email="autre@example.com").execute()  # another asks for an access too
        for who in ("staff", "manager", "doctor", "half", "bare"):
            self.looking[who] = every.user_for(who)
            self.pages |= examples(self.looking[who], (who,))
        self.looking["hr"] = every.user_for("hr")
        self.pages |= examples(self.looking["hr"], ("hr", "desk")) | examples(factories.hr_user(), ("employee",))
        self.looking["desk"] = factories.user(role=UserRole.STAFF)

    def walk(self, app, *profiles):
        """Read every page, of these profiles or of all: (name, its browser, the answer)."""
        for name, address in self.pages.items():
            if not profiles or every.PAGES[name][1] in profiles:
                client = self.browser(app, name)
                answer = client.get(address)
                assert answer.status_code == every.REFUSED.get(name, 200), (name, answer.status_code)
                yield name, client, answer

    def browser(self, app, name):
        """One that may read that page: the session of its user, or of its link, without the form of it."""
        client, who, address = FlaskClient(app), every.PAGES[name][1], self.pages[name]
        user, link = self.looking[who], address.split("/")[2:3]
        if user:
            enter(client, user, factor_due=who in ("half", "bare"))
        elif link and link[0] in every.BORN_ON:
            token, born = every.BORN_ON[link[0]]
            words = {"naissance": born, "csrf_token": CarefulClient.token(client)}
            assert client.post(f"/salarie/{token}", data=words).status_code == 303
        return client


def enter(client, user, **half):
    _, token = UserSession.start(user, clock.now(), "127.0.0.1", "Firefox", **half)
    app = client.application
    cookie = app.session_interface.get_signing_serializer(app).dumps({"_user_id": token, "_fresh": True})
    client.set_cookie("session", cookie)


def examples(user, profiles):
    """Rows for the pages of these profiles: name of the page → address."""
    pages = {name: address for name, (_, who, address) in every.PAGES.items() if who in profiles}
    made = {"campaigns": ""}
    words = [word for address in pages.values() for word in re.findall(r"{(\w+)}", address)]
    # What is accepted is so for all that was sent; an application that is begun ends with the next.
    for word in sorted(words, key=lambda word: {"bank_known": 0, "begun_factor": 2}.get(word, 1)):
        if word not in made:
            made[word] = every.EXAMPLES[word](user)
            made |= made_with(word, user)
    return {name: address.format(**made) for name, address in pages.items()}


def made_with(word, user):
    """What came with an example is the example of another word: it stands once."""
    if word == "priced":
        return {"tariff": user.contracts().get().public_id}
    if word == "mandates":
        there = SepaMandate.company.in_(user.companies().select(Company.id))
        signed = dict(SepaMandate.select(SepaMandate.state, SepaMandate.public_id).where(there).tuples())
        return {"unsigned": signed.pop("TO_SIGN"), "mandate": signed.pop("SIGNED")}
    return {}


class Form:
    """`fields`: name → the values that it offers, the one that it has first; `typed`: those that one writes in."""

    def __init__(self, method, action):
        self.method, self.action, self.fields, self.typed = method, action, {}, set()


class Page(HTMLParser):
    """`text`: the words of <main>; `forms`; `links`: addresses with a query."""

    def __init__(self, answer):
        super().__init__()
        self.text, self.forms, self.links, self.inside, self.select = [], [], [], 0, None
        self.feed(answer.get_data(as_text=True))
        self.close()

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.inside += tag == "main"
        if tag == "form":
            self.forms.append(Form(found.get("method", "get").lower(), found["action"]))
        elif tag == "a" and "?" in found.get("href", ""):
            self.links.append(found["href"])
        elif tag == "option" and self.select and self.forms:
            self.note(self.select, found.get("value", ""))
        elif tag in ("input", "select", "textarea", "button") and found.get("name") and self.forms:
            self.select = found["name"] if tag == "select" else None
            self.note(found["name"], *([] if tag == "select" else [found.get("value", "")]))
            if tag == "textarea" or found.get("type", "text") in ("text", "search", "email", "tel") and tag == "input":
                self.forms[-1].typed.add(found["name"])

    def note(self, name, *values):
        self.forms[-1].fields.setdefault(name, []).extend(values)

    def handle_endtag(self, tag):
        self.inside -= tag == "main"

    def handle_data(self, data):
        if self.inside and data.strip():
            self.text.append(data.strip())

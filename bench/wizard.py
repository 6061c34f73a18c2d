"""A step of the enrolment: its POST, the 303, the page that comes; beside a floor that writes and shows as much."""

import http.client
import json
import os
import re
import tempfile
from pathlib import Path
from urllib.parse import urlencode

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench import data
from bench.browser import TOKEN, Browser
from bench.imports import opened
from bench.report import table, verdict
from bench.servers import serve
from portal.household import STEP_TITLES
from portal.models import Enrolment, User, db
from tests import enrolling, factories

CPU, BYTES = 2.5, 1
TIMES, ROUNDS = 120, 3
HIDDEN = ("csrf_token", "version", "form_key", "averti")
FORM = "application/x-www-form-urlencoded"
KEY = bytes(range(32))
BOX = re.compile(r'<input(?=[^>]*\btype="(?:text|hidden)")(?=[^>]*\bname="([\w-]+)")[^>]*?\bvalue="([^"]*)"[^>]*>')


def steps():
    """What is typed in each step, two children included."""
    children = enrolling.children(enrolling.years_ago(3), enrolling.years_ago(22))
    return enrolling.STEPS | {"conjoint": enrolling.SPOUSE, "enfants": children | {"enfants-1-situation": "Étudiant"}}


def show(place):
    with opened(place.settings):
        user = User.known(data.EVERYONE)
        ours, theirs = (factories.enrolment(user, steps()).public_id for _ in range(2))
        Enrolment.update(identity="").where(Enrolment.public_id == theirs).execute()  # nobody's double
        seal_as_the_floor_does(theirs)
    db.close_all()
    with tempfile.TemporaryDirectory() as folder:
        environment = place.environment | {"BENCH_TEMPLATES": folder, "BENCH_KEY": KEY.hex()}
        with serve("app:create_app", place.served, place.cluster) as portal:
            browser = Browser(portal).sign_in(data.EVERYONE, data.PASSWORD)
            captured = {
                step: browser.get(f"/adhesion/{ours}/{step}?perimetre=tous") for step in (*steps(), "verification")
            }
            for step, html in captured.items():
                Path(folder, f"{step}.html").write_text(as_template(html))
            with serve("bench.wizard_floor:create_app", environment, place.cluster) as bare:
                rows = [measure(step, portal, bare, browser, ours, theirs) for step in steps()]
    heads = ("", "octets", "écart %", "CPU ms", "CPU plancher", "× CPU", "")
    table(f"Une étape de l’adhésion (POST, 303, GET), {place.name}", heads, rows)


def seal_as_the_floor_does(public_id):
    """The floor has a key of its own, and no place in what it seals."""
    row = Enrolment.get(Enrolment.public_id == public_id)
    nonce = os.urandom(12)
    sealed = nonce + AESGCM(KEY).encrypt(nonce, json.dumps(row.unseal()).encode(), None)
    Enrolment.update(answers=sealed).where(Enrolment.id == row.id).execute()


def as_template(html):
    """The same page, with the boxes and the tokens to be filled."""
    token = TOKEN.search(html)[1]
    html = html.replace(token, "{{ token }}")

    def fill(match):
        name, value = match[1], match[2]
        if name in ("version", "form_key"):
            return match[0].replace(f'value="{value}"', f'value="{{{{ {name} }}}}"')
        if name == "csrf_token" or not value:
            return match[0]
        return match[0].replace(f'value="{value}"', f"value=\"{{{{ words['{name}'] }}}}\"")

    return BOX.sub(fill, html)


def measure(step, portal, bare, browser, ours, theirs):
    """One line: the size of the page, its gap to the floor's, what both cost in ms of CPU, and the verdict."""
    sides = [Walker(portal, browser, ours, step), Walker(bare, browser, theirs, step)]
    sizes = [side.go(20) for side in sides]
    costs = [[side.cost() for side in sides] for _ in range(ROUNDS)]
    mine, floors = (min(side) for side in zip(*costs, strict=True))
    gap = abs(sizes[0] - sizes[1]) / sizes[0] * 100
    said = verdict(mine / floors, CPU), "" if gap <= BYTES else "  ! pages différentes"
    return [STEP_TITLES[step][1], sizes[0], gap, mine, floors, *said]


class Walker:
    """Goes through one step again and again, over one connection."""

    def __init__(self, server, browser, draft, step):
        self.server, self.headers = server, browser.headers
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self.path = f"/adhesion/{draft}/{step}?perimetre=tous"
        self.words = steps()[step] | self.hidden(self.ask("GET", self.path)[2])

    def hidden(self, html):
        found = {name: value for name, value in re.findall(BOX, html) if name in HIDDEN}
        return found | {"csrf_token": TOKEN.search(html)[1], "action": "suivant"}

    def ask(self, method, path, body=None):
        kind = {"Content-Type": FORM} if body else {}
        self.connection.request(method, path, body, self.headers | kind)
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()

    def go(self, times):
        """The size of the last page."""
        for _ in range(times):
            status, headers, _ = self.ask("POST", self.path, urlencode(self.words))
            assert status == 303, (self.path, status)  # nosec B101
            status, _, html = self.ask("GET", headers["Location"])
            assert status == 200, (headers["Location"], status)  # nosec B101
            self.words |= {name: value for name, value in self.hidden(html).items() if name in ("version", "form_key")}
        return len(TOKEN.sub("", html).encode())

    def cost(self):
        """CPU of the server and of its database for one step, in ms."""
        before = sum(self.server.used())
        self.go(TIMES)
        return (sum(self.server.used()) - before) * 1_000 / TIMES

"""The pages that HR asks for all day, beside the floors: what a request costs, how long it takes, its statements."""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from app import create_app
from bench import data, floor, templates
from bench.browser import TOKEN, Browser, signed_in_client
from bench.report import figure, table, verdict
from bench.servers import Cost, serve
from portal.models import db

PAGES = {
    "first": ("Première page", "/salaries?perimetre=tous", {}),
    "search": ("Recherche d’un morceau de nom", "/salaries?perimetre=tous&q=bert", {}),
    "page": ("Page 3 000", "/salaries?perimetre=tous&page=3000", {}),
    "fragment": ("Fragment d’un filtre", "/salaries?perimetre=tous&q=martin&situation=tous", {"HX-Request": "true"}),
    "person": ("Fiche d’une personne", None, {}),
}
ROUNDS = 3
CPU, P99, STATEMENTS, BYTES = 2.5, 3, 6, 1
HEADS = (
    "",
    "octets",
    "écart %",
    "req/s",
    "p50 ms",
    "p99 ms",
    "p99 plancher",
    "CPU ms",
    "dont base",
    "CPU plancher",
    "dont base",
    "× CPU des serveurs",
    "× CPU en tout",
    "× p99",
    "requêtes SQL",
)


@dataclass
class Measured:
    """A page: its size in bytes, how far its floor's is in percent, and what each costs."""

    size: int
    gap: float
    ours: Cost
    floor: Cost


def measure(place, seconds):
    """What « bonjour » costs, and every page on the portal and on its floor: {page: measured}."""
    with tempfile.TemporaryDirectory() as folder, serve("app:create_app", place.served, place.cluster) as portal:
        browser = Browser(portal).sign_in(data.EVERYONE, data.PASSWORD)
        person = someone(browser.get("/salaries?perimetre=tous"))
        addresses = {page: (path or person, headers) for page, (_, path, headers) in PAGES.items()}
        captured = {page: browser.get(path, **headers) for page, (path, headers) in addresses.items()}
        write_templates(place, captured, Path(folder))
        environment, measured = place.environment | {"BENCH_TEMPLATES": folder}, {}
        with serve("bench.floor:create_app", environment, place.cluster) as bare:
            hello = bare.cost("/bonjour", {}, seconds)
            for page, (path, headers) in addresses.items():
                headers = browser.headers | headers
                gap = difference(captured[page], bare.get(path, headers)[2])
                pair = in_turn(portal, bare, path, headers, seconds)
                measured[page] = Measured(len(captured[page].encode()), gap, *pair)
    return hello, measured


def someone(listed):
    """The page of the first person of a list."""
    return f"/salaries/{re.search(r'fiche=([0-9a-f-]{36})', listed)[1]}?perimetre=tous"


def in_turn(portal, bare, path, headers, seconds):
    """The portal, its floor, and again: whatever else the machine does falls on both. The calmest round of each."""
    for server in (portal, bare):
        server.cost(path, headers, 1)
    rounds = [(portal.cost(path, headers, seconds), bare.cost(path, headers, seconds)) for _ in range(ROUNDS)]
    return [min(costs, key=lambda cost: cost.cpu) for costs in zip(*rounds, strict=True)]


def write_templates(place, captured, folder):
    """Each page as the template of its floor."""
    database = floor.Database(place.url)
    for page, html in captured.items():
        if page == "person":
            public_id = re.search(r'action="/salaries/([0-9a-f-]{36})/', html)[1]
            key = public_id.replace("-", "") if database.is_sqlite else public_id
            person = floor.details(one(database, floor.PERSON.partition("WHERE")[0] + "WHERE b.public_id = :key", key))
            text = templates.of_person(html, person, floor.MEMBER)
        else:
            text = templates.of_list(
                html, lambda key: floor.written(one(database, f"{floor.LIST} WHERE b.member_number = :key", key))
            )
        (folder / f"{page}.html").write_text(text)
    database.connection.close()


def one(database, sql, key):
    [row] = database.rows(sql, key=key)
    return row


def difference(ours, theirs):
    """How far the floor's page is from the portal's, in percent of its bytes; the token differs each time."""
    ours, theirs = (len(TOKEN.sub("", text).encode()) for text in (ours, theirs))
    return abs(ours - theirs) / ours * 100


def statements(place):
    """{page: SQL statements of one request}, signed in, on a connection already open."""
    app, seen, counts = create_app(settings=place.settings), [], {}
    client, _ = signed_in_client(app)
    person = someone(client.get("/salaries?perimetre=tous").get_data(as_text=True))
    db.obj.query_hooks.append(lambda event: seen.append(event.sql))
    for page, (_, path, headers) in PAGES.items():
        seen.clear()
        client.get(path or person, headers=headers)
        counts[page] = len(seen)
    db.close_all()
    return counts


def show(place, seconds):
    hello, measured = measure(place, seconds)
    counts = statements(place)
    rows = [["« bonjour » (Flask nu)", "", "", hello.rate, hello.p50, hello.p99, "", hello.cpu, *[""] * 7]]
    rows += [row_of(PAGES[page][0], found, counts[page]) for page, found in measured.items()]
    table(f"Pages, {place.name}, {figure(place.size)} bénéficiaires", HEADS, rows)
    for page, found in measured.items():
        if found.ours.faults or found.floor.faults or found.gap > BYTES:
            faults = f"{found.ours.faults} + {found.floor.faults} réponses en défaut"
            print(f"  ! {PAGES[page][0]} : {faults}, écart {figure(found.gap)} %")
    return measured


def row_of(label, found, count):
    ours, floor = found.ours, found.floor
    return [
        *(label, found.size, found.gap, ours.rate, ours.p50, ours.p99, floor.p99),
        *(ours.cpu, ours.database, floor.cpu, floor.database),
        verdict(ours.worker / floor.worker, CPU),
        verdict(ours.cpu / floor.cpu, CPU),
        verdict(ours.p99 / floor.p99, P99) if floor.p99 else "",
        verdict(count, STATEMENTS),
    ]

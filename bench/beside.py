"""Pages of the portal beside a floor that asks the same of the database and draws the same bytes out of it."""

import json
import os
import sqlite3
import tempfile
from pathlib import Path

import psycopg
from flask import Flask, session
from itsdangerous import URLSafeTimedSerializer
from jinja2 import Environment

from app import create_app
from bench import data, drawing, pages
from bench.browser import Browser, signed_in_client
from bench.report import figure, table, verdict
from bench.servers import serve
from portal.models import db

HEADS = ("", "octets", "req/s", "p50 ms", "p99 ms", "CPU ms", "CPU plancher", "× CPU", "× p99", "requêtes SQL")


def floor():
    """Flask, the statements of each page through the driver alone, and one compiled template that draws its rows.

    It opens the cookie of the session and signs a token for the forms, as the pages do.
    """
    app, folder = Flask(__name__), Path(os.environ["BENCH_PAGES"])
    asked = json.loads((folder / "pages.json").read_text())
    url = os.environ["DATABASE_URL"]
    is_sqlite = url.startswith("sqlite")
    path = url.removeprefix("sqlite:///")
    one = sqlite3.connect(path, check_same_thread=False) if is_sqlite else psycopg.connect(url, autocommit=True)
    numbered = None if is_sqlite else psycopg.RawCursor(one)
    app.secret_key = os.environ["SECRET_KEY"]
    signer = URLSafeTimedSerializer(app.secret_key, salt="wtf-csrf-token")
    jinja = Environment(autoescape=True, keep_trailing_newline=True)
    templates = [jinja.from_string(page["template"]) for page in asked]

    @app.get("/<int:number>")
    def page(number):
        token = signer.dumps(session["csrf_token"])
        asks = [(numbered if "$1" in sql else one, sql, values) for sql, values in asked[number]["statements"]]
        rows = [driver.execute(sql, values).fetchall() for driver, sql, values in asks]
        return templates[number].render(token=token, **drawing.fill(asked[number]["lists"], rows))

    app.add_url_rule("/bonjour", view_func=lambda: "bonjour", endpoint="hello")
    return app


def capture(place, addresses, who):
    """Each page: its text and its reading statements, as a signed-in browser asks for it."""
    app, seen, found = create_app(settings=place.settings), [], []
    client, _ = signed_in_client(app, who)
    db.obj.query_hooks.append(lambda event: seen.append((event.sql, event.params)))
    for path, headers in addresses:
        client.get(path, headers=headers)  # what is prepared once
        seen.clear()
        answer = client.get(path, headers=headers)
        if answer.status_code != 200:
            raise SystemExit(f"{path} a répondu {answer.status_code}.")
        asked = [(sql, [plain(value) for value in values or ()]) for sql, values in seen if reads(sql)]
        text = answer.get_data(as_text=True)
        count = len(seen)
        with db.connection_context():
            rows = [ask(sql, values).fetchall() for sql, values in asked]
        template, lists = drawing.as_template(text, rows)
        found.append({"text": text, "template": template, "lists": lists, "statements": asked, "count": count})
    db.close_all()
    return found


def reads(sql):
    """Whether it is a statement that reads: a union of several stands in brackets on PostgreSQL."""
    return sql.lstrip("(").startswith(("SELECT", "WITH"))


def ask(sql, values):
    """As the portal does: what it wrote once is in PostgreSQL's own numbers."""
    return db.execute_numbered(sql, values) if "$1" in sql else db.execute_sql(sql, values)


def plain(value):
    return value if isinstance(value, (int, str, type(None))) else str(value)


def show(title, place, seconds, addresses, who=data.EVERYONE):
    """`addresses`: {name: (path, headers)}, as `who` asks for them."""
    captured, rows = capture(place, addresses.values(), who), []
    with tempfile.TemporaryDirectory() as folder, serve("app:create_app", place.served, place.cluster) as portal:
        Path(folder, "pages.json").write_text(json.dumps(captured))
        browser, environment = Browser(portal).sign_in(who, data.PASSWORD), place.environment
        browser.get("/compte?perimetre=tous")  # which keeps what signs the tokens of forms
        with serve("bench.beside:floor", environment | {"BENCH_PAGES": folder}, place.cluster) as bare:
            for number, (name, (path, headers)) in enumerate(addresses.items()):
                headers = browser.headers | headers
                for server, address in ((portal, path), (bare, f"/{number}")):
                    server.cost(address, headers, seconds)
                warn(name, captured[number]["text"], bare.get(f"/{number}", headers)[2])
                rounds = [
                    (portal.cost(path, headers, seconds), bare.cost(f"/{number}", headers, seconds))
                    for _ in range(pages.ROUNDS)
                ]
                ours, theirs = (min(costs, key=lambda cost: cost.cpu) for costs in zip(*rounds, strict=True))
                rows.append(row_of(name, captured[number], ours, theirs))
    table(title, HEADS, rows)


def warn(name, ours, theirs):
    """What is measured is the same page, or nothing is."""
    gap = pages.difference(ours, theirs)
    if gap > pages.BYTES:
        print(f"  ! {name} : écart {figure(gap)} %")


def row_of(name, page, ours, theirs):
    cpu, p99 = verdict(ours.cpu / theirs.cpu, pages.CPU), verdict(ours.p99 / theirs.p99, pages.P99)
    costs = (len(page["text"].encode()), ours.rate, ours.p50, ours.p99, ours.cpu, theirs.cpu)
    return [name, *costs, cpu, p99 if theirs.p99 else "", verdict(page["count"], pages.STATEMENTS)]

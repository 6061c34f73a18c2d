"""Pages of the portal beside a floor that asks the same of the database and writes the same bytes, and nothing else."""

import json
import os
import sqlite3
import tempfile
from pathlib import Path

import psycopg
from flask import Flask

from app import create_app
from bench import data, pages
from bench.browser import Browser, signed_in_client
from bench.report import table, verdict
from bench.servers import serve
from portal.models import db

HEADS = ("", "octets", "req/s", "p50 ms", "p99 ms", "CPU ms", "CPU plancher", "× CPU", "× p99", "requêtes SQL")


def floor():
    """Flask, the statements of each page through the driver alone, and its text from one template."""
    app, folder = Flask(__name__), Path(os.environ["BENCH_PAGES"])
    asked = json.loads((folder / "pages.json").read_text())
    url = os.environ["DATABASE_URL"]
    is_sqlite = url.startswith("sqlite")
    path = url.removeprefix("sqlite:///")
    one = sqlite3.connect(path, check_same_thread=False) if is_sqlite else psycopg.connect(url, autocommit=True)
    texts = [app.jinja_env.from_string("{% raw %}" + page["text"] + "{% endraw %}") for page in asked]

    @app.get("/<int:number>")
    def page(number):
        for sql, values in asked[number]["statements"]:
            one.execute(sql, values).fetchall()
        return texts[number].render()

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
        asked = [(sql, [plain(value) for value in values or ()]) for sql, values in seen if "SELECT" in sql[:9]]
        found.append({"text": answer.get_data(as_text=True), "statements": asked, "count": len(seen)})
    db.close_all()
    return found


def plain(value):
    return value if isinstance(value, (int, str, type(None))) else str(value)


def show(title, place, seconds, addresses, who=data.EVERYONE):
    """`addresses`: {name: (path, headers)}, as `who` asks for them."""
    captured, rows = capture(place, addresses.values(), who), []
    with tempfile.TemporaryDirectory() as folder, serve("app:create_app", place.served, place.cluster) as portal:
        Path(folder, "pages.json").write_text(json.dumps(captured))
        browser, environment = Browser(portal).sign_in(who, data.PASSWORD), place.environment
        with serve("bench.beside:floor", environment | {"BENCH_PAGES": folder}, place.cluster) as bare:
            for number, (name, (path, headers)) in enumerate(addresses.items()):
                headers = browser.headers | headers
                for server, address in ((portal, path), (bare, f"/{number}")):
                    server.cost(address, headers, seconds)
                rounds = [
                    (portal.cost(path, headers, seconds), bare.cost(f"/{number}", {}, seconds))
                    for _ in range(pages.ROUNDS)
                ]
                ours, theirs = (min(costs, key=lambda cost: cost.cpu) for costs in zip(*rounds, strict=True))
                rows.append(row_of(name, captured[number], ours, theirs))
    table(title, HEADS, rows)


def row_of(name, page, ours, theirs):
    cpu, p99 = verdict(ours.cpu / theirs.cpu, pages.CPU), verdict(ours.p99 / theirs.p99, pages.P99)
    costs = (len(page["text"].encode()), ours.rate, ours.p50, ours.p99, ours.cpu, theirs.cpu)
    return [name, *costs, cpu, p99 if theirs.p99 else "", verdict(page["count"], pages.STATEMENTS)]

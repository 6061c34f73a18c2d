"""No SQL is made of words: what is typed anywhere reaches the database beside the statement, never within it."""

import ast
import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from werkzeug.exceptions import HTTPException

from tests.walking import Page, World

ROOT = Path(__file__).parent.parent
HARMLESS = "zqx"
HOSTILE = """zqx'") OR 1=1 UNION SELECT 1; DROP TABLE "user" --%_\\"""
KEPT = {"csrf_token", "form_key", "cle", "version"}  # without them, nothing else is looked at
ENDING = ("session.destroy", "guests.leave")

# Calls that are given SQL which is no plain text, and of what it is made.
MADE = {
    "portal/calling.py": "queries of peewee",
    "portal/database.py": "names of tables of the models, settings of the connection",
    "portal/demonstration/draw.py:insert": "names of tables and columns of the models",
    "portal/exchange/confirming.py:confirm": "a query of peewee",
    "portal/exchange/loading.py:Mirror.update": "names of tables and columns of the models",
    "portal/exchange/loading.py:indexed_afterwards": "what the database says of its own indexes",
    "portal/exchange/many.py": "names of tables and columns of the models",
    "portal/full_text.py": "names of indexes of the models",
    "portal/migrations": "texts of the migrations themselves",
    "portal/models.py:rewrite": "names of tables and columns of the models",
    "portal/prepared.py:Text.ask": "what peewee wrote, its values beside it",
    "portal/reach.py": "plain texts, which have a name",
    "portal/snapshots.py:of_sqlite": "what the snapshot's own reader asks",
    "portal/snapshots.py:of_postgresql": "what the snapshot's own reader asks",
}
TAKING_SQL = {"execute_sql", "execute_numbered", "SQL", "raw", "execute", "executemany", "executescript"}


# ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────


def made_sql(tree, where=()):
    """Where a text that is not plain is given to what takes SQL: « Class.function »."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Call) and node.args and not isinstance(node.args[0], ast.Constant):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in TAKING_SQL:
                yield ".".join(where)
        named = isinstance(node, ast.FunctionDef | ast.ClassDef)
        yield from made_sql(node, (*where, node.name) if named else where)


def test_no_sql_is_made_but_in_a_few_named_places():
    found = set()
    for path in [*(ROOT / "portal").rglob("*.py"), ROOT / "app.py"]:
        file = str(path.relative_to(ROOT))
        found |= {f"{file}:{where}" for where in made_sql(ast.parse(path.read_text()))}
    unknown = {place for place in found if not place.startswith(tuple(MADE))}
    unused = {start for start in MADE if not any(place.startswith(start) for place in found)}
    assert (unknown, unused) == (set(), set())


def test_sql_that_is_made_is_found():
    planted = "class Room:\n    def find(self, word):\n        return SQL(f\"name LIKE '{word}'\")\n"
    assert list(made_sql(ast.parse(planted))) == ["Room.find"]


# ── Trying ───────────────────────────────────────────────────────────────────────────────────────────────────────


def words_of(answer):
    """What the page says, without what repeats what was typed, nor the reference of an error."""
    text = " ".join(words for words in Page(answer).text if HARMLESS not in words.lower())
    return re.sub(r"\b[0-9a-f]{16}\b", "", text)


def endpoint(app, action, method):
    try:
        return app.url_map.bind("localhost").match(urlsplit(action).path, method)[0]
    except HTTPException:
        return None


def narrowing(app, address, page):
    """What may be asked of a list: (path, name of a filter, a search, an order)."""
    path = urlsplit(address).path
    for form in page.forms:
        if form.method == "get":
            yield from ((urlsplit(form.action).path or path, name) for name in form.fields)
    for link in page.links:
        if (urlsplit(link).path or path) == path:
            yield from ((path, name) for name, _ in parse_qsl(urlsplit(link).query))


def typed(form, everything):
    """What is sent: hostile words in each field that one writes in, or in all."""
    for name, values in form.fields.items():
        hostile = name not in KEPT and (everything or name in form.typed)
        yield name, HOSTILE if hostile else next(filter(None, values), "")


def test_hostile_words_are_words_in_every_filter_search_order_and_form(app, database, queries, at):
    at()  # a page says when it was printed
    world, asked, sent = World(), {}, {}
    for name, client, answer in world.walk(app):
        page = Page(answer)
        for where in narrowing(app, world.pages[name], page):
            asked.setdefault((endpoint(app, where[0], "GET"), where[1]), (client, *where))
        for form in page.forms:
            if form.method == "post":
                sent.setdefault(endpoint(app, form.action, "POST"), (client, form))
    queries.clear()
    for client, path, name in asked.values():
        harmless, hostile = (client.get(path, query_string={name: words}) for words in (HARMLESS, HOSTILE))
        assert hostile.status_code == harmless.status_code < 500, (path, name, hostile.status_code)
        assert words_of(hostile) == words_of(harmless), (path, name)
    for where, (client, form) in sent.items():
        for everything in (False, True) if where not in ENDING else ():
            with client.post(form.action, data=dict(typed(form, everything))) as answer:
                assert answer.status_code < 500, (where, answer.status_code)
    assert [sql for sql in queries if HARMLESS in sql.lower()] == []
    print(f"{len(asked)} filters, {len(sent)} forms, {len(queries)} statements, 0 made of words")
    assert len(asked) > 150 and len(sent) > 150

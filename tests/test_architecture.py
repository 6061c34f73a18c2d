"""The shape of the code: who may import whom, one door to the data, one word a thing."""

import ast
from pathlib import Path

import pytest

from portal import models

PORTAL = Path(__file__).parent.parent / "portal"
OURS = "portal"

# A layer, and what it must not know. « portal » alone: nothing of ours.
FORBIDDEN = {
    "rules": {"flask", "peewee", "portal.models", "portal.views", "portal.forms", "portal.exchange", "portal.clock"},
    "models.py": {"flask", "htmx_flask", "flask_wtf", "wtforms", "portal.views", "portal.forms", "portal.rendering"},
    "vault.py": {"flask", "peewee", "portal"},
    "carriers.py": {"flask", "peewee", "portal"},
    "wrong_use.py": {"flask", "peewee", "portal"},
    "mime.py": {"flask", "peewee", "portal"},
    "drawing.py": {"flask", "peewee", "portal"},
    "forms": {"portal.views", "portal.access", "htmx_flask", "flask_login"},
    "rendering.py": {"portal.models", "portal.views", "portal.forms", "peewee"},
    "exchange": {"flask", "portal.views", "portal.forms", "portal.rendering", "portal.access"},
    "tasks.py": {"flask", "portal.views", "portal.forms", "portal.rendering"},
    "alarms.py": {"flask", "portal.views", "portal.forms", "portal.rendering", "portal.access"},
    "outbox.py": {"flask", "portal.views", "portal.forms", "portal.rendering"},
    "enrolments.py": {"flask", "portal.views", "portal.forms", "portal.rendering"},
    "ageing.py": {"flask", "portal.views", "portal.forms", "portal.rendering"},
    "readers.py": {"flask", "portal.views", "portal.forms", "portal.rendering"},
    "household.py": {"flask", "peewee", "portal.models", "portal.views", "portal.forms", "portal.rendering"},
    "last_look.py": {"flask", "peewee", "portal.models", "portal.views", "portal.forms", "portal.rendering"},
    "signing.py": {"flask", "portal.views", "portal.forms", "portal.rendering", "portal.access"},
    "guests.py": {"flask", "portal.views", "portal.forms", "portal.rendering", "portal.access"},
    "proofs.py": {"flask", "portal.views", "portal.forms", "portal.rendering"},
    "sendings.py": {"flask", "portal.views", "portal.forms", "portal.rendering", "portal.access"},
    "documents.py": {"flask", "portal.views", "portal.forms", "portal.rendering", "portal.access"},
    "bulletins.py": {"flask", "portal.views", "portal.forms", "portal.rendering", "portal.access"},
    "reminders.py": {"flask", "portal.views", "portal.forms", "portal.rendering"},
    "reminder_letters.py": {"flask", "portal.views", "portal.forms", "portal.rendering"},
    "waivers.py": {"flask", "portal.views", "portal.forms", "portal.rendering", "portal.access"},
    **dict.fromkeys(
        (
            *(
                "configuration.py",
                "factors.py",
                "passkeys.py",
                "guarantees.py",
                "loads.py",
                "campaigns.py",
                "users.py",
                "natures.py",
                "document_types.py",
                "wording.py",
                "history.py",
                "trail.py",
                "figures.py",
                "rejecting.py",
                "grants.py",
                "rejecting.py",
                "registrations.py",
                "mandates.py",
                "collecting.py",
                "arrears.py",
                "portfolio.py",
                "desk.py",
                "taking.py",
            ),
            *(
                "audit_heads.py",
                "backups.py",
                "erasing.py",
                "invariants.py",
                "privacy.py",
                "retention.py",
                "snapshots.py",
            ),
        ),
        {"flask", "portal.views", "portal.forms", "portal.rendering", "portal.access"},
    ),
    "printing.py": {"flask", "peewee", "portal.models", "portal.views", "portal.forms", "portal.rendering"},
    "storage.py": {"flask", "portal.views", "portal.forms", "portal.rendering", "portal.access"},
    "folder.py": {"flask", "peewee", "portal"},
    "full_text.py": {"flask", "portal.models", "portal.views", "portal.forms", "portal.rendering"},
    "bucket.py": {"flask", "peewee", "portal.models", "portal.storage"},
    "antivirus.py": {"flask", "peewee", "portal.models", "portal.storage"},
    "sealed_streams.py": {"flask", "peewee", "portal.models", "portal.storage"},
    "formats.py": {"flask", "peewee", "portal.models", "portal.views", "portal.forms"},
}
FORMS_MAY_TAKE = {"portal.rendering": {"SIZES"}}
QUERY_ROOTS = {"select", "get", "get_or_none", "get_by_id", "filter", "update", "delete", "raw", "insert", "create"}
TABLES = {table.__name__ for table in models.TABLES}
OPEN_VERBS = {"FlaskForm"}


def modules(layer):
    path = PORTAL / layer
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def faults_of_imports(source, forbidden):
    return [
        name
        for name in imported(ast.parse(source))
        if any(name == no or name.startswith(no + ".") for no in forbidden) and name != "portal.rules.Refused"
    ]


def direct_queries(source):
    """Models asked directly, instead of through the user: `Employee.select`, `.get`, `.update`…"""
    return [
        f"line {node.lineno}: {node.value.id}.{node.attr}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in TABLES
        and node.attr in QUERY_ROOTS
    ]


@pytest.mark.parametrize("layer", FORBIDDEN)
def test_a_layer_knows_only_the_layers_below_it(layer):
    for module in modules(layer):
        assert not faults_of_imports(module.read_text(), FORBIDDEN[layer]), module.name


def test_rules_import_nothing_of_ours_but_rules():
    for module in modules("rules"):
        ours = [name for name in imported(ast.parse(module.read_text())) if name and name.startswith("portal")]
        assert all(name.startswith("portal.rules") for name in ours), (module.name, ours)


def test_views_and_forms_read_tables_through_the_user():
    for module in modules("views") + modules("forms"):
        assert not direct_queries(module.read_text()), module.name


def test_views_open_no_query_of_their_own_in_templates():
    """A template asks the database nothing: no call on a query from a template."""
    for template in PORTAL.glob("p*/*.html"):
        text = template.read_text()
        for verb in (".select(", ".where(", ".count()", ".get("):
            assert verb not in text or verb == ".get(", f"{template.name}: {verb}"


@pytest.mark.parametrize(
    ("layer", "fault"),
    [
        ("rules", "from portal.models import User"),
        ("models.py", "import flask"),
        ("forms", "from flask_login import current_user"),
        ("rendering.py", "from portal.models import User"),
        ("vault.py", "from portal import clock"),
    ],
)
def test_a_planted_import_is_found(layer, fault):
    assert faults_of_imports(fault, FORBIDDEN[layer])


@pytest.mark.parametrize("fault", ["Beneficiary.select()", "rows = Company.get(Company.id == 1)", "User.update(x=1)"])
def test_a_planted_query_is_found(fault):
    assert direct_queries(fault)


def test_no_word_of_another_vocabulary():
    names = {
        node.name
        for module in PORTAL.rglob("*.py")
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.ClassDef)
    }
    for word in ("Service", "Manager", "Mixin", "Repository", "Serializer"):
        assert not {name for name in names if name.endswith(word)}, word


def test_every_module_opens_with_a_sentence():
    for module in PORTAL.rglob("*.py"):
        if module.parent.name == "migrations" or not module.read_text().strip():
            continue
        assert ast.get_docstring(ast.parse(module.read_text())), module


def test_tables_have_names_of_their_own_and_every_index_exists(database):
    """peewee names an index after the table: two tables of one name would silently share it."""
    names = [table._meta.table_name for table in models.TABLES]
    assert len(names) == len(set(names))
    for table in models.TABLES:
        wanted = {index._name for index in table._meta.fields_to_index()}
        found = {index.name for index in database.get_indexes(table._meta.table_name)}
        assert wanted <= found, (table, wanted - found)

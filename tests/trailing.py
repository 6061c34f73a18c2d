"""Heard in every test of the suite: a form that changed rows left an event in the audit trail; and read in its code."""

import ast
import inspect
import re
from functools import cache
from pathlib import Path

from flask import g, has_request_context, request

PORTAL = Path(__file__).parent.parent / "portal"
WRITES = re.compile(r'\s*(?:INSERT INTO|UPDATE|DELETE FROM) "(\w+)"')
TRAIL = "audit_event"

# Of a session, of a counter, of what is not sent yet: what a form leaves beside what it does.
BESIDE = {"answer_draft", "audit_head", "library_visit", "stored_file", "throttle", "unsent_words", "user_session"}

# Forms that nothing is written down for, and why.
SAYS_NOTHING = {
    "answering.unread": "one's own mark of what is unread",
    "enrolment_steps.save": "a draft: that it was begun and that it was sent are events",
    "factors.create": "an application that does not count before its first code, which is an event",
    "first_factor.create": "the same, at the first sign-in",
    "guest_enrolment.accept": "a code goes; the signature is the event",
    "guest_enrolment.save": "a draft, of which the signature is the event",
    "guest_waiver.ask": "a draft, of which the signature is the event",
    "guests.extend": "a session goes on",
    "notices.read": "one's own mark of what was read",
    "notices.unread_again": "one's own mark of what was read",
    "passkeys.challenge": "a question to a key; the sign-in is the event",
    "passkeys.challenge_new": "a question to a key; its addition is the event",
    "profile.update_display": "colours and rows a page",
    "registration.choose": "a choice of where to go on",
    "reminding.create": "people who are ticked; what is sent to them is the event",
    "scope.star": "one's own favourites",
    "selections.create": "people who are ticked; what is done with them is the event",
    "session.extend": "a session goes on",
    "verification.check": "a public check, counted by address, that opens nothing",
}
SOMETIMES = {
    "document_files.download": "a document that could not be made: tried, and nothing given",
    "reminding.send": "a batch of which nothing was left to send",
}


# ── Heard ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Trailing:
    """`silent`: [(endpoint, tables)] of forms that were taken, changed rows and left no event."""

    def __init__(self, app, database):
        self.silent, self.execute = [], database._execute_cursor
        self.undo = database.rollback
        database._execute_cursor, database.rollback = self.executed, self.undone
        app.before_request_funcs.setdefault(None, []).insert(0, self.begin)
        app.after_request(self.look)

    def begin(self):
        g.changed = set()

    def executed(self, sql, params, **options):
        cursor = self.execute(sql, params, **options)
        if has_request_context() and "changed" in g:
            if sql.startswith("ROLLBACK"):  # to a savepoint
                g.changed.clear()
            elif (found := WRITES.match(sql)) and cursor.rowcount:
                g.changed.add(found[1])
        return cursor

    def undone(self):
        if has_request_context() and "changed" in g:
            g.changed.clear()
        return self.undo()

    def look(self, response):
        changed = g.get("changed", set()) - BESIDE
        taken = request.method == "POST" and response.status_code < 400
        if taken and changed and TRAIL not in changed and request.endpoint not in SAYS_NOTHING | SOMETIMES:
            self.silent.append((request.endpoint, sorted(changed)))
        return response


# ── Read ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def module(name):
    """(functions and methods by name, what is imported from the portal by name) of one of its modules; or None."""
    path = PORTAL.parent.joinpath(*name.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if not path.exists():
        return None
    nodes = list(ast.walk(ast.parse(path.read_text())))
    imported = [node for node in nodes if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("portal")]
    return (
        {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)},
        {one.asname or one.name: (node.module, one.name) for node in imported for one in node.names},
    )


def calls(name, function):
    """Functions of the portal that this one names: [(module, function)]."""
    functions, imported = module(name)
    for node in ast.walk(functions[function]):
        if isinstance(node, ast.Name):
            yield imported.get(node.id, (name, node.id))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in imported:
            yield ".".join(imported[node.value.id]), node.attr


def says(name, function, seen):
    """Whether the trail is written by this function, or by one that it comes to."""
    if (name, function) in {("portal.access", "audit"), ("portal.models.AuditEvent", "write")}:
        return True
    if name == "portal.alarms":  # tells of a burst, of refusals: not of what this form did
        return False
    if (name, function) in seen or not module(name) or function not in module(name)[0]:
        return False
    seen.add((name, function))
    return any(says(*called, seen) for called in calls(name, function))


def silent_forms(app):
    """Endpoints of all forms, and of those that come to no event."""
    forms = {rule.endpoint for rule in app.url_map.iter_rules() if "POST" in rule.methods}
    views = {endpoint: inspect.unwrap(app.view_functions[endpoint]) for endpoint in forms}
    return forms, {name for name, view in views.items() if not says(view.__module__, view.__name__, set())}

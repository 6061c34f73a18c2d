"""What the tests of several rows decided at once share: a desk, the ticks of a form, and what stays with its reason."""

import re

from portal.models import AuditEvent
from tests import factories

STAYS = re.compile(r'<li><a href="/gestion/\w*/([0-9a-f-]*)">[^<]*</a><span[^>]*> : </span>([^<]*)<')


def desk(app, user=None):
    """A browser of the mutual's staff."""
    browser = app.test_client()
    browser.sign_in(user or factories.user(role="staff"))
    return browser


def send(browser, address, rows, seen="version", **words):
    """Ticks these rows and presses the button of that address; `seen`: the column that says what was on the screen."""
    return browser.post(address, {"qui": [f"{row.public_id}.{getattr(row, seen)}" for row in rows], **words})


def now(row):
    """The row as it is kept."""
    return type(row).get_by_id(row.id)


def states(rows):
    return [now(row).state for row in rows]


def plain(answer):
    return answer.get_data(as_text=True).replace("\u00a0", " ").replace("\u202f", " ")


def ticked(answer):
    """The ids that are still ticked."""
    return re.findall(r'name="qui" value="([^".]*)[^>]* checked', plain(answer))


def left(answer):
    """{id: why} of what stays as it was; each reason is a sentence."""
    said = dict(STAYS.findall(plain(answer)))
    assert said, "nothing stays, or no reason is written"
    assert all(why[0].isupper() and why.endswith(".") for why in said.values()), said
    return said


def written(action):
    """How many events of the trail say so."""
    return AuditEvent.select().where(AuditEvent.action == action).count()

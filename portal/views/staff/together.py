"""Several rows of a queue decided at once: those that are ticked, each looked at again alone, whole or as it was."""

from dataclasses import dataclass, field
from functools import partial

from flask import flash, redirect, request, url_for

from portal import clock
from portal.access import audit
from portal.formats import plural
from portal.models import Outdated, db
from portal.rendering import address
from portal.rules import Refused
from portal.views.roster import uuid_or_404

MOST = 100  # rows of the longest page


@dataclass
class Decided:
    """`done`: rows; `left`: [(row, why it stays as it was)]."""

    done: list = field(default_factory=list)
    left: list = field(default_factory=list)


def ticked():
    """{public id: version that was on the screen} of what is ticked, as far as it can be read."""
    pairs = (text.partition(".") for text in request.form.getlist("qui")[:MOST])
    readable = ((id, seen) for id, _, seen in pairs if seen.isascii() and seen.isdigit() and len(seen) < 9)
    return {uuid_or_404(id): int(seen) for id, seen in readable}


def chosen(query, model):
    """The rows that are ticked, as the door lets them through, in one order for all who hold them."""
    return sorted(query.where(model.public_id.in_(list(ticked()))), key=lambda one: one.id)


def decide(rows, action, act, meanwhile, account_of=lambda row: row.account_id):
    """Do `act(row, version on the screen, now)` to each and write it down; what it refuses stays, and is told with why.

    `act` gives what the event tells besides, or None; `meanwhile`: what is said of one that somebody else decided. Each
    reason is a sentence, as it would be said alone.
    """
    seen, now, decided = ticked(), clock.now(), Decided()
    for row in rows:
        try:
            with db.atomic():
                told = act(row, seen[row.public_id], now)
                audit(action, on=row, account=account_of(row), after=told)
        except Outdated:
            decided.left.append((row, meanwhile))
        except Refused as why:
            decided.left.append((row, str(why)))
        else:
            decided.done.append(row)
    return decided


def answer(decided, one, word, after, nothing, listed, again, named):
    """Back to the list; or, with 409, the list with what stays as it was above it, and why.

    `one`: what a row is called, « document »; `word`: what was done to it, « accepté », in the plural with an s at its
    first word; `after`: the rest of the sentence; `nothing`: what a form says where nothing was ticked; `listed`: the
    list's address; `again(status, left=…, left_title=…)`: the list; `named(row)`: its name and address.
    """
    count, rest = len(decided.done), len(decided.left)
    if count:
        flash(f"{plural(count, one)} {agreed(word, count)}{after}", "ok")
    elif not rest:
        flash(nothing, "warn")
    if not rest:
        return redirect(address(listed), 303)
    title = f"{plural(rest, one)} {'n’ont' if rest > 1 else 'n’a'} pas été {agreed(word, rest)}"
    return again(409, left=[(*named(row), why) for row, why in decided.left], left_title=title)


def agreed(word, count):
    """« prises en charge »."""
    first, _, rest = word.partition(" ")
    return f"{first}{'s' if count > 1 else ''} {rest}".strip()


def of_list(endpoint, **values):
    """What a list needs to be shown again in the answer to its form: the addresses are those of the list itself."""
    there = partial(address, url_for(endpoint, **values))
    return {
        "list_address": url_for(endpoint, **values),
        "page_address": lambda number: there(page=number),
        "size_address": lambda size: there(lignes=size, page=None),
    }

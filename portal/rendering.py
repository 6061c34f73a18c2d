"""A page for the browser, or only its region for htmx; pages of a list; addresses that keep what was chosen."""

import math
from urllib.parse import parse_qs, urlencode, urlsplit

from flask import abort, g, redirect, render_template, request
from htmx_flask import make_response
from werkzeug.datastructures import CombinedMultiDict

SIZES = (10, 25, 50, 100)


def render(name, status=200, **context):
    """Answer with pages/<name>.html, or with partials/<name>.html when htmx swaps the region alone."""
    if wants_fragment() and request.method == "GET" and is_for_another_region(name):
        return redirect_whole(address())
    if wants_fragment():
        html = render_template(f"partials/{name}.html", **context)
        beside = "" if "guest" in g else render_template("partials/out_of_band.html")  # an employee has no menu
        return html + beside, status, stay(status)
    return render_template(f"pages/{name}.html", **context), status


def is_for_another_region(name):
    """A form was sent from one region, and the answer led to a page that has another: it is asked for whole."""
    _, _, target = request.headers.get("HX-Target", "").partition("#")
    return target not in ("", name)


def render_region(name, status=200, **context):
    """Answer with a region that is no page of its own: the list of a chooser while one types in it."""
    return render_template(f"partials/{name}.html", **context), status


def stay(status):
    """A form in error keeps the address of its page: sent again, that address would not answer to GET."""
    return {"HX-Push-Url": "false"} if status >= 400 else {}


def wants_fragment():
    return bool(request.htmx) and not request.htmx.history_restore_request


def posted():
    """What a form sent, its files too."""
    return CombinedMultiDict((request.files, request.form))


def split(address):
    """The parts of an address that a browser told: none of what is no address (« http://[ »)."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def redirect_whole(where):
    """Send the browser elsewhere, out of the region that it was swapping too."""
    if wants_fragment():
        return make_response("", 200, redirect=where)
    return redirect(where, 303)


def get_or_404(query, *conditions):
    return query.where(*conditions).first() or abort(404)


def address(path=None, **changes):
    """The present address with some of its parameters changed; None takes one away.

    `path`: another one, which may have parameters of its own, as those that `url_for` gives.
    """
    path, _, own = (path or request.path).partition("?")
    pieces = asked_for()
    if own:
        pieces = pieces | {name: urlencode({name: values}, doseq=True) for name, values in parse_qs(own).items()}
    if changes:
        pieces = pieces | {name: written(name, value) for name, value in changes.items()}
    query = "&".join(filter(None, pieces.values()))
    return f"{path}?{query}" if query else path


def asked_for():
    """The parameters of this request, by name, each as an address writes it: a page with pages asks for a dozen."""
    if "asked_for" not in g:
        g.asked_for = {name: urlencode({name: values}, doseq=True) for name, values in request.args.lists()}
    return g.asked_for


def written(name, value):
    if value is None:
        return ""
    return f"{name}={value}" if type(value) is int else urlencode({name: value}, doseq=True)


def number_of(name, default, most=10**6):
    """A whole number of the address, never below 1; the default when it is none."""
    text = request.args.get(name, "")
    return min(max(int(text), 1), most) if text.isascii() and text.isdigit() and len(text) < 9 else default


class Page:
    """One page of a query, never out of bounds: its rows, and what the list says of itself."""

    def __init__(self, query, size=25, rows=None, parameter="page", total=None):
        """`rows` reads the rows of a query that is already cut; `parameter` names the page's number in the address.

        `total`: how many there are, where that is known already.
        """
        self.size = size
        self.total = query.order_by().count() if total is None else total
        self.count = max(1, math.ceil(self.total / size))
        self.number = min(number_of(parameter, 1), self.count)
        cut = query.paginate(self.number, size)
        self.rows = list(rows(cut) if rows else cut)

    @property
    def first(self):
        return (self.number - 1) * self.size + 1 if self.total else 0

    @property
    def last(self):
        return min(self.number * self.size, self.total)

    @property
    def window(self):
        """1 2 3 … 9: the first three, the neighbours of the present one, the last; None for a gap."""
        near = {1, 2, 3, self.count, self.number - 1, self.number, self.number + 1}
        shown = sorted(n for n in near if 1 <= n <= self.count)
        gaps = {n for n, following in zip(shown, shown[1:], strict=False) if following > n + 1}
        return [part for n in shown for part in ((n, None) if n in gaps else (n,))]


class Sought(Page):
    """A page of what takes long to find: `find(number, size)` gives its rows and how many there are in all, at once."""

    def __init__(self, find, size=25, rows=None, parameter="page"):
        asked, self.size = number_of(parameter, 1), size
        found, self.total = find(asked, size)
        self.count = max(1, math.ceil(self.total / size))
        self.number = min(asked, self.count)
        if self.number < asked:
            found, _ = find(self.number, size)
        self.rows = list(rows(found) if rows else found)


def telling_total(listed, count):
    """What `Sought` finds by: `listed(size, before)` gives rows, each with how many there are in all, `total`.

    `count()` says it where there is no row to say it.
    """

    def find(number, size):
        rows = listed(size, (number - 1) * size)
        return rows, rows[0].total if rows else count()

    return find


class Listed(list):
    """Rows that are there already, cut in pages as a query is: `Page(Listed(rows), size, total=len(rows))`."""

    def paginate(self, number, size):
        return self[(number - 1) * size : number * size]


class Sort:
    """The order that the address asks for (`tri=-effet`): a key of `columns`, or the first of them."""

    def __init__(self, columns, asked):
        """`columns`: key → the columns to order by, in order."""
        key = asked.removeprefix("-")
        self.asked = known = key in columns
        self.key = key if known else next(iter(columns))
        self.descending = known and asked.startswith("-")
        self.columns = columns[self.key]
        self.word = f"-{self.key}" if self.descending else self.key

    def of(self, query):
        return query.order_by(*(column.desc() if self.descending else column.asc() for column in self.columns))

    def url(self, word):
        """The same list in another order, from its first page."""
        return address(tri=word, page=None)


def page_size(preferred):
    """Rows on a page: what the address says, otherwise what the user prefers."""
    size = number_of("lignes", preferred)
    return size if size in SIZES else preferred

"""A captured page as a template that draws its lists anew from the rows that its statements give.

Each text of a line that a column of its row gives, as it is or written in French, becomes a hole: a floor that reads
the rows, writes those columns and fills the holes makes the same bytes.
"""

import datetime
import re
import uuid

from markupsafe import escape

from bench.templates import TOKEN
from portal.formats import date_fr, datetime_fr

LISTS = (
    (re.compile(r"<tbody[^>]*>(.*?)</tbody>", re.DOTALL), re.compile(r"<tr\b.*?</tr>", re.DOTALL)),
    (re.compile(r'<ul class="ui-reqs">(.*?)</ul>', re.DOTALL), re.compile(r"<li\b.*?</li>", re.DOTALL)),
    (
        re.compile(r'<ol class="ui-thread"[^>]*>(.*?)</ol>', re.DOTALL),
        re.compile(r'<li class="ui-(?:msg|event).*?</li>', re.DOTALL),
    ),
)
SHORTEST = 3  # letters of a text that is looked for
WAYS = {
    "text": str,
    "upper": lambda value: str(value).upper(),
    "day": lambda value: date_fr(datetime.date.fromisoformat(str(value))),
    "instant": lambda value: datetime_fr(datetime.datetime.fromisoformat(str(value))),
    "id": lambda value: str(uuid.UUID(str(value))),
}


def write(value, way):
    """A column written in one of these ways; no text when it is not of that kind."""
    try:
        return "" if value is None else WAYS[way](value)
    except ValueError:
        return ""


def as_template(html, results):
    """(the page as a template, how each of its lists is filled). `results`: the rows of each statement of the page.

    A list is filled from one statement, the one that has most of its texts: {"statement": its number, "columns":
    [(place, way)], "forms": for each line, which of the list's forms it has}.
    """
    lists, pieces, rest = [], [], html
    for whole, line in LISTS:
        for body in whole.findall(html):
            lines = line.findall(body)
            found = best(lines, results)
            if found:
                number, columns, forms = found
                kinds = list(dict.fromkeys(forms))
                lists.append({"statement": number, "columns": columns, "forms": [kinds.index(form) for form in forms]})
                before, _, rest = rest.partition(body)
                pieces += [raw(before), loop(f"list{len(lists) - 1}", kinds)]
    return "".join([*pieces, raw(rest)]), lists


def best(lines, results):
    """(number of a statement, columns, form of each line): of those that have a row for each line.

    They may have one more: a page asks for it to know whether there are others.
    """
    fit = [number for number, rows in enumerate(results) if lines and len(rows) - len(lines) in (0, 1)]
    tried = [(number, *holes(lines, results[number][: len(lines)])) for number in fit]
    return max(tried, key=lambda one: sum(form.count("{{ row") for form in one[2]), default=None)


def holes(lines, rows):
    """The columns that lines show and how they are written; then each line as a template that shows them."""
    every = [(place, way) for place in range(len(rows[0])) for way in WAYS]
    written = [[write(row[place], way) for place, way in every] for row in rows]
    shown = [
        any(is_in(texts[at], line) for texts, line in zip(written, lines, strict=True)) for at in range(len(every))
    ]
    columns = [column for column, one in zip(every, shown, strict=True) if one]
    forms = [
        form_of(line, [text for text, one in zip(texts, shown, strict=True) if one])
        for line, texts in zip(lines, written, strict=True)
    ]
    return columns, forms


def is_in(text, line):
    return len(text) >= SHORTEST and re.search(rf"(?<!\w){re.escape(escape(text))}(?!\w)", line)


def form_of(line, texts):
    places = {str(escape(text)): place for place, text in reversed(list(enumerate(texts))) if len(text) >= SHORTEST}
    if not places:
        return raw(line)
    longest_first = sorted(places, key=len, reverse=True)
    pieces = re.split(rf"(?<!\w)({'|'.join(map(re.escape, longest_first))})(?!\w)", line)
    return "".join(f"{{{{ row[{places[piece]}] }}}}" if at % 2 else raw(piece) for at, piece in enumerate(pieces))


def raw(html):
    """A piece that stays as it is, but for the token of its forms."""
    pieces = TOKEN.sub("\\1\0", html).split("\0")
    return "{{ token }}".join(f"{{% raw %}}{piece}{{% endraw %}}" for piece in pieces)


def loop(name, kinds):
    choices = (f"{{% {'elif' if at else 'if'} form == {at} %}}{kind}" for at, kind in enumerate(kinds))
    return f"{{% for form, row in {name} %}}{''.join(choices)}{{% endif %}}{{% endfor %}}"


def fill(lists, results):
    """{name: [(form, texts of a line)]}, for the template."""
    return {
        f"list{at}": [
            (form, [write(row[place], way) for place, way in one["columns"]])
            for form, row in zip(one["forms"], results[one["statement"]], strict=False)  # a line may have come since
        ]
        for at, one in enumerate(lists)
    }

"""Several countings of a page in one statement: each has a name, and rows of what is counted, how many, and when."""

from collections import defaultdict

from portal import database
from portal.history import union
from portal.models import SQL, Value, fn

NO_WORD, NO_TIME = SQL("CAST(NULL AS TEXT)"), SQL("CAST(NULL AS TIMESTAMP)")


def number(query, column=None):
    """How many rows there are, and the least instant or day of this column."""
    since = NO_TIME if column is None else fn.MIN(column)
    return lambda name: query.order_by().select(Value(name), NO_WORD, fn.COUNT(query.model.id), since)


def few(query, most):
    """How many rows there are, `most` at most: others are not looked at."""
    ids = query.order_by().select(query.model.id).limit(most)
    return lambda name: ids.select_from(Value(name), NO_WORD, fn.COUNT(SQL("1")), NO_TIME)


def numbers(query, by, *days):
    """How many rows there are for each value of `by`, and each day of a column."""
    when = days[0] if days else NO_TIME
    grouped = query.order_by().group_by(by, *days)
    return lambda name: grouped.select(Value(name), by.cast("TEXT"), fn.COUNT(query.model.id), when)


class Tally:
    """`countings`: {name: number(…), few(…) or numbers(…)}."""

    def __init__(self, countings):
        self.rows = defaultdict(list)
        for name, word, count, when in union([part(name) for name, part in countings.items()]).tuples():
            self.rows[name].append((word, count, database.as_instant(when)))

    def count(self, name):
        return self.rows[name][0][1]

    def since(self, name):
        return self.rows[name][0][2]

    def by(self, name):
        """{value, in words: how many}"""
        return {word: count for word, count, _ in self.rows[name]}

    def days(self, name):
        """[(value, how many, day)]"""
        return [(word, count, when.date()) for word, count, when in self.rows[name]]

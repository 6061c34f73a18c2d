"""Queries written once: on a hot page, peewee takes longer to write a statement than the database to answer it.

A function marked `@written_once` makes a query out of its arguments. It is called once with blanks in their place; what
it is called with afterwards goes where the blanks are: an argument must be a value, or a sub-query, and nothing else;
what changes the shape of the query is a keyword, and each of its values is written apart.
"""

import datetime
from functools import wraps

from peewee import ColumnBase, SelectBase


class Blank(ColumnBase):
    """Stands in a query for the argument of this place: a value, or a sub-query on the right of IN."""

    def __init__(self, place, of_query):
        self.place, self.of_query = place, of_query

    def __sql__(self, ctx):
        gap = Gap(self.place, ctx.state.converter)
        if self.of_query:
            ctx.literal(f"({gap.mark})")
        return ctx.value(gap, converter=False, add_param=not self.of_query)


class Gap:
    """Stands among the values of a text for the argument of this place, as its column wants it."""

    def __init__(self, place, convert):
        self.place, self.convert, self.mark = place, convert, f"\0{place}\0"

    def filled(self, argument):
        if isinstance(argument, Blank):  # within a query that is being written once itself
            return Gap(argument.place, self.convert)
        return self.convert(argument) if self.convert else argument


class Part(ColumnBase):
    """A sub-query whose text is there already."""

    def __init__(self, text, values):
        self.text, self.values = text, values

    def __sql__(self, ctx):
        ctx.literal(self.text)
        for value in self.values:
            ctx.value(value, converter=False, add_param=False)
        return ctx


class Text:
    """A query as it was written: its SQL, its values with gaps among them, and how its rows are read."""

    def __init__(self, query):
        self.query, self.reader = query, None
        self.sql, self.values = query.sql()
        if any(isinstance(value, datetime.date) for value in self.values):
            raise TypeError("a day must be an argument: this one would stay for ever")

    def filled(self, arguments):
        """The SQL and its values, with these arguments in the gaps."""
        sql, values = self.sql, []
        for value in self.values:
            argument = arguments[value.place] if isinstance(value, Gap) else None
            if isinstance(argument, SelectBase):
                inner, inner_values = argument.sql()
                sql = sql.replace(value.mark, inner)
                values.extend(inner_values)
            else:
                values.append(value.filled(argument) if isinstance(value, Gap) else value)
        return sql, values

    def read(self, cursor):
        if self.reader is None:
            reader = self.query._get_cursor_wrapper(cursor)
            reader.initialize()
            self.reader = reader
        return [self.reader.process_row(row) for row in cursor.fetchall()]


def texts(database, build):
    """The text of `build` for a number of arguments and a shape, written at the first call; one for each database."""
    known = {}

    def of(arguments, shape):
        queries = tuple(isinstance(argument, SelectBase) for argument in arguments)
        key = (type(database.obj), queries, *shape.values())
        if key not in known:
            known[key] = Text(build(*map(Blank, range(len(queries)), queries), **shape))
        return known[key]

    return of


def written_once(database):
    """The function gives all the rows of its query, such as the query gives them: models, tuples, namedtuples."""

    def decorate(build):
        text_of = texts(database, build)

        @wraps(build)
        def rows(*arguments, **shape):
            text = text_of(arguments, shape)
            return text.read(database.execute_sql(*text.filled(arguments)))

        return rows

    return decorate


def part_written_once(database):
    """The function gives its query to stand within another, on the right of IN."""

    def decorate(build):
        text_of = texts(database, build)

        @wraps(build)
        def part(*arguments, **shape):
            sql, values = text_of(arguments, shape).filled(arguments)
            return Part(f"({sql})", values)

        return part

    return decorate

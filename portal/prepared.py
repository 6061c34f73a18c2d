"""Queries written once: on a hot page, peewee takes longer to write a statement than the database to answer it.

A function marked `@written_once` makes a query out of its arguments. It is called once with blanks in their place; what
it is called with afterwards goes where the blanks are: an argument must be a value, or a sub-query, and nothing else;
what changes the shape of the query is a keyword, and each of its values is written apart.
"""

import datetime
from functools import wraps

from peewee import AutoField, CharField, ColumnBase, ForeignKeyField, IntegerField, SelectBase, TextField


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
        self.gaps = [(index, value) for index, value in enumerate(self.values) if isinstance(value, Gap)]

    def filled(self, arguments):
        """The SQL and its values, with these arguments in the gaps."""
        sql, values = self.sql, list(self.values)
        for index, gap in reversed(self.gaps):  # the last first: what a sub-query brings moves those behind it
            argument = arguments[gap.place]
            if isinstance(argument, SelectBase):
                inner, inner_values = argument.sql()
                sql = sql.replace(gap.mark, inner)
                values[index : index + 1] = inner_values
            else:
                values[index] = gap.filled(argument)
        return sql, values

    def read(self, cursor):
        if self.reader is None:
            reader = self.query._get_cursor_wrapper(cursor)
            reader.initialize()
            self.reader = models_of(reader) or reader.process_row
        return [self.reader(row) for row in cursor.fetchall()]


AS_THEY_COME = (AutoField, CharField, IntegerField, TextField)  # and no kind of these


def models_of(reader):
    """A quick reader of models, each column one of their fields, or a value of the root's own; None for other rows.

    peewee asks of each value whose it is and whether it is one; here that is asked once.
    """
    if not hasattr(reader, "src_to_dest") or not all(is_model for *_, is_model in reader._constructor_list):
        return None
    links = reader.src_to_dest
    optional = {dest for _, _, dest, _, is_outer, _ in links if is_outer}
    if optional & {source for source, *_ in links}:  # whether they are there depends on what is beyond them
        return None
    parts, beside = columns_of(reader)
    if parts is None:
        return None

    def models(row):
        made = {}
        for key, (model, columns) in parts.items():
            if key in optional and all(row[place] is None for place, *_ in columns):
                made[key] = None
                continue
            made[key] = one = model(__no_default__=True)
            data = one.__data__
            for place, name, convert in columns:
                data[name] = convert(row[place]) if convert else row[place]
        root = made[reader.model]
        for place, name, convert in beside:
            setattr(root, name, convert(row[place]) if convert else row[place])
        for source, name, dest, _, _, is_key in links:
            if is_key and made[dest] is None:
                made[source].__rel__[name] = None
            else:
                setattr(made[source], name, made[dest])
        for one in made.values():
            if one is not None:
                one._dirty.clear()
        return root

    return models


def columns_of(reader):
    """({key: (model, [(place, name, convert)])}, the same of values that are no field of the root's); or (None, ())."""
    known = {key: (model, []) for key, model, _ in reader._constructor_list}
    beside = []
    for place, key, name, convert in reader._row_spec:
        field = known[key][0]._meta.fields.get(name) if key in known else None
        if field is not None:
            value = field.rel_field if isinstance(field, ForeignKeyField) else field
            known[key][1].append((place, name, None if type(value) in AS_THEY_COME else convert))
        elif key == reader.model:
            beside.append((place, name, convert))
        else:
            return None, ()
    return {key: part for key, part in known.items() if part[1]}, beside


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

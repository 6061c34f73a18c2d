"""Queries written once: on a hot page, peewee takes longer to write a statement than the database to answer it.

A function marked `@written_once` makes a query out of its arguments. It is called once with blanks in their place; what
it is called with afterwards goes where the blanks are: an argument must be a value, or a sub-query, and nothing else;
what changes the shape of the query is a keyword, and each of its values is written apart.
"""

import datetime
from functools import wraps
from operator import itemgetter

from peewee import (
    AutoField,
    BooleanField,
    CharField,
    ColumnBase,
    DateField,
    ForeignKeyField,
    IntegerField,
    ModelObjectCursorWrapper,
    SelectBase,
    TextField,
    UUIDField,
)


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

    @property
    def kind(self):
        """The same for two gaps that are filled with the same value, of a type that PostgreSQL is told."""
        field = getattr(self.convert, "__self__", None)
        field = field.rel_field if type(field) is ForeignKeyField else field
        return (self.place, type(field)) if type(field) in TOLD else self


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

    def __init__(self, query, may_number):
        self.query, self.reader = query, None
        self.sql, self.values = query.sql()
        if any(isinstance(value, datetime.date) for value in self.values):
            raise TypeError("a day must be an argument: this one would stay for ever")
        self.gaps = [(index, value) for index, value in enumerate(self.values) if isinstance(value, Gap)]
        self.is_numbered = may_number and not any(gap.mark in self.sql for _, gap in self.gaps)
        if self.is_numbered:
            self.number()

    def number(self):
        """$1, $2… in place of %s: the driver has nothing to look for, and what comes again is given once.

        It keeps no reading of a statement of more than 4,096 signs or 50 values: it would take longer than the answer.
        """
        first, *pieces = (piece.replace("%%", "%") for piece in self.sql.split("%s"))
        numbers, values = {}, []
        for value, piece in zip(self.values, pieces, strict=True):
            kind = value.kind if isinstance(value, Gap) else object()
            if kind not in numbers:
                values.append(value)
                numbers[kind] = len(values)
            first += f"${numbers[kind]}{piece}"
        self.sql, self.values = first, values
        self.gaps = [(index, value) for index, value in enumerate(values) if isinstance(value, Gap)]

    def ask(self, database, arguments):
        execute = database.execute_numbered if self.is_numbered else database.execute_sql
        return execute(*self.filled(arguments))

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
            self.reader = models_of(reader) or (lambda rows: [reader.process_row(row) for row in rows])
        return self.reader(cursor.fetchall())


TOLD = {AutoField, BooleanField, DateField, IntegerField, UUIDField}  # of words, it finds the type at each place

AS_THEY_COME = (AutoField, CharField, IntegerField, TextField)  # and no kind of these


def models_of(reader):
    """A quick reader of models, each column one of their fields, or a value of the root's own; None for other rows.

    peewee asks of each value whose it is and whether it is one; here that is asked once. What is joined to a row and
    comes again with the next, the contract of a household, is made once, and is the same for both.
    """
    if isinstance(reader, ModelObjectCursorWrapper) and reader.constructor is reader.model:
        return rows_of(reader)
    if not hasattr(reader, "src_to_dest") or not all(is_model for *_, is_model in reader._constructor_list):
        return None
    links = reader.src_to_dest
    optional = {dest for _, _, dest, _, is_outer, _ in links if is_outer}
    if optional & {source for source, *_ in links}:  # whether they are there depends on what is beyond them
        return None
    parts, beside = columns_of(reader)
    return Models(reader.model, parts, beside, links, optional).read if parts else None


def rows_of(reader):
    """The same of flat rows (`objects`): what is no field of theirs stands beside, under the name that peewee gives it.

    None when a column that is not theirs has the name of one of their fields.
    """
    own, beside, fields = [], [], reader.model._meta.combined
    for at, (field, name) in enumerate(zip(reader.fields, reader.unique_columns, strict=True)):
        convert = reader.converters[at]
        if field is not None and field.model is reader.model and field.name == name:
            own.append((at, name, converter_of(field, convert)))
        elif name not in fields:
            beside.append((at, name, convert))
        else:
            return None
    return lambda rows: [with_beside(made_of(row, reader.model, own), row, beside) for row in rows]


def with_beside(one, row, columns):
    for place, name, convert in columns:
        setattr(one, name, convert(row[place]) if convert else row[place])
    return one


class Models:
    """Rows as models: the root of each, `beside` whose fields stand values of its own, and what `links` join to it."""

    def __init__(self, key, parts, beside, links, optional):
        self.root, self.beside, self.optional = parts[key], beside, optional
        self.joined = {other: part for other, part in parts.items() if other != key}
        places = [place for _, columns in self.joined.values() for place, *_ in columns]
        self.joined_values = itemgetter(*places) if places else len
        of_source = {source: [link[1:] for link in links if link[0] == source] for source, *_ in links}
        self.to_root, self.beyond = of_source.pop(key, ()), of_source

    def read(self, rows):
        found, before, joined = [], None, {}
        for row in rows:
            values = self.joined_values(row)
            if values != before:
                before, joined = values, self.joined_to(row)
            root = made_of(row, *self.root)
            tie(with_beside(root, row, self.beside), self.to_root, joined)
            found.append(root)
        return found

    def joined_to(self, row):
        made = {
            key: None if key in self.optional and is_blank(row, part[1]) else made_of(row, *part)
            for key, part in self.joined.items()
        }
        for key, links in self.beyond.items():
            tie(made[key], links, made)
        return made


def is_blank(row, columns):
    return all(row[place] is None for place, *_ in columns)


def made_of(row, model, columns):
    one = model(__no_default__=True)
    data = one.__data__
    for place, name, convert in columns:
        data[name] = convert(row[place]) if convert else row[place]
    return one


def tie(one, links, others):
    """What a row leads to; none of it is a change to be saved."""
    for name, dest, _, _, is_key in links:
        if is_key and others[dest] is None:
            one.__rel__[name] = None
        else:
            setattr(one, name, others[dest])
    one._dirty.clear()


def converter_of(field, convert):
    """How the values of a column are read; None when they are as they come."""
    value = field.rel_field if isinstance(field, ForeignKeyField) else field
    return None if type(value) in AS_THEY_COME else convert


def columns_of(reader):
    """({key: (model, [(place, name, convert)])}, the same of values that are no field of the root's); or (None, ())."""
    known = {key: (model, []) for key, model, _ in reader._constructor_list}
    beside = []
    for place, key, name, convert in reader._row_spec:
        field = known[key][0]._meta.fields.get(name) if key in known else None
        if field is not None:
            known[key][1].append((place, name, converter_of(field, convert)))
        elif key == reader.model:
            beside.append((place, name, convert))
        else:
            return None, ()
    return {key: part for key, part in known.items() if part[1]}, beside


def texts(database, build, is_part=False):
    """The text of `build` for a number of arguments and a shape, written at the first call; one for each database."""
    known = {}

    def of(arguments, shape):
        queries = tuple(isinstance(argument, SelectBase) for argument in arguments)
        key = (type(database.obj), queries, *shape.items())
        if key not in known:
            may_number = not is_part and hasattr(database.obj, "execute_numbered")
            known[key] = Text(build(*map(Blank, range(len(queries)), queries), **shape), may_number)
        return known[key]

    return of


def written_once(database):
    """The function gives all the rows of its query, such as the query gives them: models, tuples, namedtuples."""

    def decorate(build):
        text_of = texts(database, build)

        @wraps(build)
        def rows(*arguments, **shape):
            text = text_of(arguments, shape)
            return text.read(text.ask(database, arguments))

        return rows

    return decorate


def part_written_once(database):
    """The function gives its query to stand within another, on the right of IN."""

    def decorate(build):
        text_of = texts(database, build, is_part=True)

        @wraps(build)
        def part(*arguments, **shape):
            sql, values = text_of(arguments, shape).filled(arguments)
            return Part(f"({sql})", values)

        return part

    return decorate

"""Many rows at once: inserted, changed and found, by the fastest way of each database."""

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from peewee import Field

from portal import database
from portal.models import Table, db

CHUNK = 1_000


def chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))


@contextmanager
def nothing_to_collect() -> Iterator[None]:
    """Rows by the thousand, all of them in use: Python does not look for what may go (15 % of the CPU)."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def fields(table: Any, names: Iterable[str]) -> list:
    return [table._meta.fields[name] for name in names]


def insert(table: type[Table], fields: Sequence[Field], values: Iterable[tuple]) -> None:
    """Many rows at once, by the fastest way of each database."""
    name, columns = quoted(table._meta.table_name), ", ".join(quoted(column.column_name) for column in fields)
    if database.is_sqlite(db):
        marks = ", ".join("?" * len(fields))
        db.cursor().executemany(f"INSERT INTO {name} ({columns}) VALUES ({marks})", values)  # nosec B608
        return
    # PostgreSQL copies nothing into a table that has policies (portal.reach): beside it first, then all at once.
    with db.atomic():
        cursor = db.cursor()
        cursor.execute(f"CREATE TEMPORARY TABLE incoming AS SELECT {columns} FROM {name} WITH NO DATA")  # nosec B608
        with cursor.copy(f"COPY incoming ({columns}) FROM STDIN") as copy:
            for row in values:
                copy.write_row(row)
        cursor.execute(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM incoming")  # nosec B608
        cursor.execute("DROP TABLE incoming")


def among(selection: str, values: Sequence[Any]) -> list[tuple]:
    """The rows of a selection, which ends with the column that has one of these values."""
    if database.is_sqlite(db):
        return db.execute_sql(f"{selection} IN ({', '.join('?' * len(values))})", values).fetchall()
    return db.execute_sql(f"{selection} = ANY(%s)", (list(values),)).fetchall()


def update_each(table: Any, columns: Sequence[str], rows: Sequence[tuple]) -> None:
    """Other values for each row, its id last."""
    sets = ", ".join(f"{name} = {db.param}" for name in columns)
    update = f"UPDATE {table._meta.table_name} SET {sets} WHERE id = {db.param}"  # nosec B608
    if len(rows) == 1:
        db.execute_sql(update, rows[0])
    elif rows:
        db.cursor().executemany(update, rows)


def quoted(name: str) -> str:
    return f'"{name}"'

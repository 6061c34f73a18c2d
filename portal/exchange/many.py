"""Many rows at once: inserted, changed and found, by the fastest way of each database."""

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import urandom
from typing import Any

from peewee import Field

from portal import database
from portal.models import Table, db

CHUNK = 1_000
UUID = 16  # bytes
# RFC 9562: where a UUID says how it was drawn, and what each byte that was drawn becomes there.
VERSION, VERSION_4 = slice(6, None, UUID), bytes(0x40 | byte & 0x0F for byte in range(256))
VARIANT, VARIANT_1 = slice(8, None, UUID), bytes(0x80 | byte & 0x3F for byte in range(256))


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


def insert(
    table: type[Table], fields: Sequence[Field], values: Iterable[tuple], same: Mapping[Field, Any] | None = None
) -> None:
    """Many rows at once, by the fastest way of each database; `same`: what every row has, said once."""
    same = same or {}
    name, columns = quoted(table._meta.table_name), ", ".join(quoted(column.column_name) for column in fields)
    into = f"INSERT INTO {name} ({', '.join(quoted(column.column_name) for column in (*fields, *same))})"  # nosec B608
    literals = list(map(literal, same.values()))
    if database.is_sqlite(db):
        db.cursor().executemany(f"{into} VALUES ({', '.join([*('?' * len(fields)), *literals])})", values)
        return
    # PostgreSQL copies nothing into a table that has policies (portal.reach): beside it first, then all at once.
    with db.atomic():
        cursor = db.cursor()
        cursor.execute(f"CREATE TEMPORARY TABLE incoming AS SELECT {columns} FROM {name} WITH NO DATA")  # nosec B608
        with cursor.copy(f"COPY incoming ({columns}) FROM STDIN") as copy:
            for row in values:
                copy.write_row(row)
        cursor.execute(f"{into} SELECT {', '.join([columns, *literals])} FROM incoming")  # nosec B608
        cursor.execute("DROP TABLE incoming")


def literal(value: Any) -> str:
    """The default of a column, as both databases write it."""
    if value is None or isinstance(value, bool):
        return {None: "NULL", True: "TRUE", False: "FALSE"}[value]
    if isinstance(value, int):
        return str(int(value))
    text = str(getattr(value, "value", value)).replace("'", "''")
    return f"'{text}'"


def draw_uuids(count: int) -> list[str]:
    """The 32 digits of so many random UUIDs (version 4), which the standard library draws one by one."""
    drawn = bytearray(urandom(UUID * count))
    drawn[VERSION] = drawn[VERSION].translate(VERSION_4)
    drawn[VARIANT] = drawn[VARIANT].translate(VARIANT_1)
    digits = drawn.hex()
    return [digits[start : start + 2 * UUID] for start in range(0, len(digits), 2 * UUID)]


def draw_uuid() -> str:
    return draw_uuids(1)[0]


def in_words(digits: str) -> str:
    """A UUID as addresses and the vault write it."""
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def draw_ids(table: type[Table], count: int) -> Sequence[int]:
    """The ids of so many rows to come, in the caller's transaction: nobody else gets them."""
    name = table._meta.table_name
    if database.is_sqlite(db):  # whoever is in a transaction writes alone
        last = db.execute_sql(f"SELECT COALESCE(MAX(id), 0) FROM {name}").fetchone()[0]  # nosec B608
        return range(last + 1, last + 1 + count)
    sequence = "nextval(pg_get_serial_sequence(%s, 'id'))"
    drawn = db.execute_sql(f"SELECT {sequence} FROM generate_series(1, %s)", (name, count))  # nosec B608
    return [number for (number,) in drawn]


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


def update_as_read(table: Any, columns: Sequence[str], values: Sequence[Any], read: dict[str, Any]) -> bool:
    """Other values for the one row that still has those that were read; whether it has."""
    sets = ", ".join(f"{name} = {db.param}" for name in columns)
    same = " AND ".join(f"{name} = {db.param}" for name in read)
    update = f"UPDATE {table._meta.table_name} SET {sets} WHERE {same}"  # nosec B608
    return bool(db.execute_sql(update, (*values, *read.values())).rowcount)


def quoted(name: str) -> str:
    return f'"{name}"'

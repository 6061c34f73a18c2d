"""Opens SQLite or PostgreSQL, pooled; the only place that knows which of the two it is."""

import datetime
import re
import select
import time
from contextlib import contextmanager, nullcontext, suppress
from functools import cache, reduce
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from peewee import (
    OP,
    SQL,
    ColumnBase,
    Expression,
    InterfaceError,
    NodeList,
    OperationalError,
    SelectBase,
    SqliteDatabase,
    fn,
)
from playhouse.pool import MaxConnectionsExceeded, PooledPostgresqlDatabase, PooledSqliteDatabase
from psycopg import Error as DriverError
from psycopg import RawCursor
from psycopg.errors import InsufficientPrivilege
from psycopg.pq import ExecStatus, TransactionStatus

PRAGMAS = {
    "journal_mode": "wal",
    "busy_timeout": 5000,
    "foreign_keys": 1,
    "synchronous": "full",  # an acknowledged write survives a power cut; NORMAL may lose the last ones
    "cache_size": -32_000,
    "wal_autocheckpoint": 8_000,  # pages: those of indexes, that thousands of rows change again and again, go home once
    "temp_store": "memory",
    "secure_delete": 1,  # what is erased leaves the pages of the file too
}

# What is raised when the database is away for a while: locked, stopped, or out of connections.
AWAY = (OperationalError, InterfaceError, MaxConnectionsExceeded)

# peewee writes what stands on the right of IN a first time, only to see whether it is « () »: a query within a query
# within a query eight times over. A query never is: it is written once.
is_empty_list = Expression._is_rhs_empty
Expression._is_rhs_empty = lambda self, right, context: (
    not isinstance(right, SelectBase) and is_empty_list(self, right, context)
)

# Keys are ASCII made by formats.search_key: compared byte by byte, the order is the same on both databases.
FIELD_TYPES = {"sqlite": {"KEY": "TEXT"}, "postgresql": {"KEY": 'TEXT COLLATE "C"'}}


def connect(url):
    """A pooled database, not yet opened, for `sqlite:///path` or `postgresql://user:password@host:port/name`."""
    address = urlsplit(url)
    if address.scheme == "sqlite":
        return open_sqlite(unquote(address.path.removeprefix("/")))
    return Forgetful(
        url,
        prefer_psycopg3=True,
        max_connections=20,
        timeout=5,
        autoconnect=False,
        # Who waits for a lock is told to come back, as on SQLite; compiling a statement takes longer than any of ours;
        # a list and its door are some ten tables, whose order is the planner's to find.
        options="-c lock_timeout=5s -c jit=off -c join_collapse_limit=11 -c from_collapse_limit=11",
        field_types=FIELD_TYPES["postgresql"],
    )


FORGET = ";".join(f"RESET portal.{told}" for told in ("reader", "accounts", "whole", "companies", "own")).encode()


class Forgetful(PooledPostgresqlDatabase):
    """Its connections come back to the pool without what they were told (`portal.reach`), or not at all."""

    def _can_reuse(self, connection):
        """Nobody waits for it to forget: whether it did is asked when somebody needs it again."""
        if not super()._can_reuse(connection):
            return False
        with suppress(DriverError):
            connection.pgconn.send_query(FORGET)
            return True
        return False

    def _is_closed(self, connection):
        """Whether it forgot tells that the server is there; one that goes away afterwards says so by itself."""
        return not has_forgotten(connection) or (has_news(connection) and super()._is_closed(connection))

    def cursor(self, named_cursor=None, numbered=False, ahead=None):
        if ahead is not None:
            return ahead
        if not numbered:
            return super().cursor(named_cursor)
        connection = self.connection()
        if not hasattr(connection, "numbered"):
            connection.numbered = RawCursor(connection)
        return connection.numbered

    def execute_numbered(self, sql, values):
        """For a statement with $1, $2…: the cursor that answers is the connection's own, to be read before the next."""
        return self._execute_cursor(sql, values, numbered=True)

    def execute_ahead(self, sql, values, ahead):
        """As any other is counted and told, and without its answer (`Ahead`)."""
        return self._execute_cursor(sql, values, ahead=ahead)


def has_forgotten(connection):
    """The answer to `FORGET`, one for each of its statements."""
    with suppress(DriverError):
        answers = list(iter(connection.pgconn.get_result, None))
        return bool(answers) and all(answer.status == ExecStatus.COMMAND_OK for answer in answers)
    return False


def has_news(connection):
    """Whether something can be read where nothing was asked: a notice, or the end."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def open_sqlite(path):
    with suppress(OSError):  # a folder that cannot be made is said when the base is opened, as any other fault
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    return PooledSqliteDatabase(
        path,
        max_connections=20,
        timeout=5,
        autoconnect=False,
        lock_type="IMMEDIATE",  # a transaction that reads and then writes never meets « database is locked »
        pragmas=PRAGMAS,
        field_types=FIELD_TYPES["sqlite"],
        check_same_thread=False,
    )


def is_sqlite(database):
    return isinstance(real(database), PooledSqliteDatabase)


def real(database):
    return getattr(database, "obj", None) or database


def may_be_told(database):
    """Whether PostgreSQL takes another statement: not in a transaction that failed, nor once the line is cut."""
    connection = database.connection()
    return not connection.closed and connection.info.transaction_status != TransactionStatus.INERROR


def owns_tables(database):
    """Whether this account may change tables; on PostgreSQL, the portal’s own may be one that writes rows alone."""
    if is_sqlite(database):
        return True
    asked = "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'beneficiary'::regclass"
    return database.execute_sql(asked).fetchone()[0]


def is_forbidden(fault):
    """Whether PostgreSQL refused what this account may not do, as opposed to what it could not."""
    return isinstance(fault.orig, InsufficientPrivilege)


def contains(database, column, word):
    """`column` holds `word`, both of them keys. instr() is the fastest on SQLite, LIKE may use trigrams elsewhere.

    `word` may be what stands for it in a query that is written once (`portal.prepared`).
    """
    if is_sqlite(database):
        return fn.INSTR(column, word) > 0
    return column.like(f"%{word}%" if isinstance(word, str) else NodeList((SQL("'%%' ||"), word, SQL("|| '%%'"))))


def summed(column):
    """The sum of a column of cents: a whole number on PostgreSQL too, 0 without a row."""
    return fn.COALESCE(fn.SUM(column).cast("BIGINT"), 0)


def all_bits(database, column, bits):
    """The bits of `column` that one row or another has, among these; NULL without a row. SQLite looks for each."""
    if is_sqlite(database):
        return reduce(ColumnBase.bin_or, [fn.MAX(column.bin_and(int(bit))) for bit in bits])
    return fn.BIT_OR(column)


def held_row_by_row(database, column, query):
    """`column` IN `query`, asked of each row as it comes along the index of its order.

    Otherwise SQLite finds the rows by an index of the column, and PostgreSQL by a join: both must sort them afterwards.
    """
    if is_sqlite(database):
        return Expression(NodeList((SQL("+"), column), glue=""), OP.IN, query)
    return Expression(column.in_(query), OP.IS, SQL("TRUE"))


def found_first(database, column, query):
    """`column` IN `query`, which is answered whole before any row is looked at.

    Of words PostgreSQL guesses how many rows hold them, and of a plan that serves again for others not even that: it
    might ask each message, or each thread, whether it is one of the few.
    """
    if is_sqlite(database):
        return column.in_(query)
    return Expression(column, OP.EQ, fn.ANY(fn.ARRAY(query)))


def serialise(database, lock):
    """Make writers of one thing queue until the end of the transaction (SQLite's IMMEDIATE already does)."""
    if not is_sqlite(database):
        database.execute_sql("SELECT pg_advisory_xact_lock(%s)", (lock,))


def whole(database):
    """A transaction, or the caller's, for a verb that nobody catches: a savepoint would copy each page that changes."""
    return nullcontext() if database.in_transaction() else database.atomic()


def locked(database, query):
    """The rows of a query, held until the end of the transaction (SQLite's IMMEDIATE holds the whole base)."""
    return query if is_sqlite(database) else query.for_update()


@contextmanager
def without_waiting(database, milliseconds=0):
    """For a write that may be left out: on SQLite it does not queue behind another writer, or for so long at most."""
    if not is_sqlite(database):
        yield
        return
    database.execute_sql(f"PRAGMA busy_timeout = {int(milliseconds)}")
    try:
        yield
    finally:
        database.execute_sql(f"PRAGMA busy_timeout = {PRAGMAS['busy_timeout']}")


@contextmanager
def in_little_memory(database):
    """For thousands of rows written one after the other: SQLite keeps fewer pages that it will not look at again."""
    if not is_sqlite(database):
        yield
        return
    database.execute_sql("PRAGMA cache_size = -8000")
    try:
        yield
    finally:
        database.execute_sql(f"PRAGMA cache_size = {PRAGMAS['cache_size']}")


@contextmanager
def lightly(database):
    """For marks that come by the hundred: each survives a kill at once, and a power cut after the next other write."""
    sqlite = is_sqlite(database)
    database.execute_sql("PRAGMA synchronous = NORMAL" if sqlite else "SET synchronous_commit TO off")
    ahead = Ahead(database)
    try:
        yield ahead
        ahead.wait()
    finally:
        ahead.drain()
        full = f"PRAGMA synchronous = {PRAGMAS['synchronous']}"
        database.execute_sql(full if sqlite else "RESET synchronous_commit")


class Ahead:
    """Statements that leave for PostgreSQL at once, each a transaction of its own, while one goes on with other things.

    Whoever is killed meanwhile has them done: they are in the server's hands. Their answer is read by `wait`, before
    what must not come before them, and before the next one. SQLite, and a transaction, are written to on the spot.
    """

    def __init__(self, database):
        self.database, self.line = database, None
        if not is_sqlite(database) and not database.in_transaction():
            self.line = database.connection().pgconn
        self.is_awaited = False

    def write(self, sql, values):
        """`values`: texts, numbers, instants, bytes, None. Raises what was wrong of the statement before."""
        if self.line is None:
            self.database.execute_sql(sql, values)
        else:
            self.wait()
            self.database.execute_ahead(sql, values, self)

    def execute(self, sql, values):
        """As a cursor does, for peewee."""
        self.line.send_query_params(numbered(sql), [as_text(value) for value in values])
        self.is_awaited = True
        while self.line.flush():
            select.select([], [self.line.socket], [])

    def wait(self):
        """Until the last one is done; raises OperationalError when it was not."""
        awaited, answers = self.is_awaited, self.drain()
        if awaited and (not answers or any(answer.status != ExecStatus.COMMAND_OK for answer in answers)):
            raise OperationalError("a statement that was sent ahead was not done")

    def drain(self):
        """The answers that had not been read."""
        answers = []
        if self.is_awaited:
            self.is_awaited = False
            with suppress(DriverError):
                answers = list(iter(self.line.get_result, None))
        return answers


def as_text(value):
    """A value as PostgreSQL reads it."""
    value = getattr(value, "obj", value)  # peewee wraps bytes
    if isinstance(value, bytes | bytearray | memoryview):
        return b"\\x" + bytes(value).hex().encode()
    return None if value is None else str(value).encode()


@cache
def numbered(sql):
    """A statement of peewee's, as libpq takes it."""
    first, *others = sql.split("%s")
    return "".join((first, *(f"${place}{rest}" for place, rest in enumerate(others, 1)))).encode()


def refresh_statistics(database):
    """What the planner knows of the tables, after many rows came in; and that their indexes may answer alone.

    Of an account that does not own them, PostgreSQL takes it as a remark, and looks at them by itself a little later.
    """
    within = is_sqlite(database) or database.in_transaction()  # where nothing can be vacuumed
    database.execute_sql("ANALYZE" if within else "VACUUM ANALYZE")


def rub_out(database, names):
    """What was erased from these tables leaves the files: out of a transaction, and others wait meanwhile.

    SQLite wrote zeroes over it (`secure_delete`), in the log first, which is cut here; PostgreSQL writes tables anew.
    False when somebody reads the log all the while: then it is cut later; or when this account does not own the tables.
    """
    if is_sqlite(database):
        database.execute_sql("ANALYZE")  # samples of indexes
        ((busy, *_),) = database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return not busy
    if not owns_tables(database):
        return False
    for name in names:
        database.execute_sql(f'VACUUM (FULL, ANALYZE) "{name}"')
    return True


def as_instant(found):
    """SQLite gives the least or the last of instants as it keeps them: in words."""
    return datetime.datetime.fromisoformat(found) if isinstance(found, str) else found


def still_there(database):
    """Raises when the file of SQLite was removed: the connections of the pool go on reading what is no more."""
    if is_sqlite(database):
        fresh = SqliteDatabase(f"file:{quote(real(database).database)}?mode=rw", uri=True)
        with fresh.connection_context():
            fresh.execute_sql('SELECT 1 FROM "user" LIMIT 1')


def wait_until_up(database, seconds=10):
    """Open a connection, trying again while a server is starting; the last error when it never does."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            database.connect(reuse_if_open=True)
            return
        except OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def damage(database):
    """One sentence for each fault that the database finds in its own file, indexes or constraints."""
    if is_sqlite(database):
        for (said,) in database.execute_sql("PRAGMA integrity_check").fetchall():
            if said != "ok":
                yield f"SQLite : {said}"
        return
    for (name,) in database.execute_sql(
        "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid OR NOT indisready"
    ).fetchall():
        yield f"PostgreSQL : l’index {name} n’est pas valide."
    for (name,) in database.execute_sql("SELECT conname FROM pg_constraint WHERE NOT convalidated").fetchall():
        yield f"PostgreSQL : la contrainte {name} n’a pas été vérifiée."
    for (count,) in database.execute_sql(
        "SELECT checksum_failures FROM pg_stat_database WHERE datname = current_database() AND checksum_failures > 0"
    ).fetchall():
        yield f"PostgreSQL : {count} pages abîmées sur le disque."


# ── Do migrations and models agree? ──────────────────────────────────────────────────────────────────────────────


def differences(database, tables):
    """One sentence for each table or index that the database has otherwise than the models would make it."""
    found = describe(database)
    expected = expect(database, tables)
    names = {table._meta.table_name for table in tables}
    found = {name: text for name, text in found.items() if name.split(" ")[0] in names}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            yield f"{name} : les modèles disent « {expected.get(name)} », la base « {found.get(name)} »."


def expect(database, tables):
    """What the models would make, made for a moment: in memory, or among tables that pass, and are rolled back."""
    if is_sqlite(database):
        scratch = SqliteDatabase(":memory:", field_types=FIELD_TYPES["sqlite"])
        with scratch.bind_ctx(tables):
            scratch.create_tables(tables)
            return describe(scratch)
    with database.atomic() as transaction:
        database.execute_sql("SET LOCAL search_path TO pg_temp")
        database.create_tables(tables, safe=False)
        description = describe(database)
        transaction.rollback()
    return description


def describe(database):
    """Every table and index of the present schema, in words that can be compared."""
    if isinstance(real(database), SqliteDatabase):
        return describe_sqlite(database)
    columns = database.execute_sql(
        "SELECT table_name, column_name, concat_ws(' ', data_type, character_maximum_length, is_nullable, "
        "collation_name) FROM information_schema.columns WHERE table_schema = current_schema()"
    ).fetchall()
    indexes = database.execute_sql(
        "SELECT tablename, indexname, regexp_replace(indexdef, ' ON [a-z0-9_]+[.]', ' ON ') FROM pg_indexes "
        "WHERE schemaname = current_schema()"
    ).fetchall()
    constraints = database.execute_sql(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = current_schema()::regnamespace AND conrelid <> 0"
    ).fetchall()
    plain = [(table, name, without_casts(text)) for table, name, text in [*indexes, *constraints]]
    return {f"{table} {name}".replace('"', ""): text for table, name, text in [*columns, *plain]}


def without_casts(text):
    """PostgreSQL writes a condition otherwise once it was dumped and restored: its casts and brackets move."""
    return re.sub(r"::(character varying|text)(\[\])?|[()]", "", text)


def describe_sqlite(database):
    """Columns, foreign keys and indexes: the text of a table that a migration altered is not that of a new one."""
    rows = list(database.execute_sql("SELECT tbl_name, type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    found = {f"{table} index {name}": " ".join(sql.split()) for table, kind, name, sql in rows if kind == "index"}
    for table in (name for _, kind, name, _ in rows if kind == "table"):
        columns = database.execute_sql('SELECT name, type, "notnull", pk FROM pragma_table_xinfo(?)', (table,))
        found |= {f"{table} column {name}": " ".join(map(str, rest)) for name, *rest in columns}
        keys = database.execute_sql('SELECT "from", "table", "to", on_delete FROM pragma_foreign_key_list(?)', (table,))
        found |= {f"{table} key {name}": " ".join(map(str, rest)) for name, *rest in keys}
    return found

"""The whole base at one instant, as a stream of bytes, and back: SQLite copies itself, PostgreSQL is dumped."""

import gzip
import os
import shutil
import sqlite3
import subprocess  # nosec B404
import tempfile
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from portal import database
from portal.folder import make_sure
from portal.models import db
from portal.rules import Refused

NOT_EMPTY = "La base n’est pas vide : une restauration n’écrase rien. Donnez-lui une base neuve (DATABASE_URL)."


def kind():
    return "sqlite" if database.is_sqlite(db) else "postgresql"


@contextmanager
def taken():
    """(the stream to read to its end, ask): `ask(statement)` gives rows of that very instant."""
    with of_sqlite() if database.is_sqlite(db) else of_postgresql() as (stream, ask):
        yield stream, ask


def refuse_unless_empty():
    """Raises Refused when there is anything in the base."""
    if database.is_sqlite(db):
        path = path_of_sqlite()
        if path.exists() and path.stat().st_size:
            raise Refused(NOT_EMPTY)
        return
    database.wait_until_up(db)
    if db.get_tables():
        raise Refused(NOT_EMPTY)


def put_back(pieces):
    """The base of these pieces, where none is: there whole, or not at all."""
    put = to_sqlite if database.is_sqlite(db) else to_postgresql
    put(pieces)


# ── SQLite ───────────────────────────────────────────────────────────────────────────────────────────────────────


def path_of_sqlite():
    return Path(database.real(db).database)


@contextmanager
def of_sqlite():
    """In one step, which holds nobody up; beside the base, where a copy in clear is as safe as the base itself."""
    with tempfile.TemporaryDirectory(prefix=".copy-", dir=path_of_sqlite().parent) as folder:
        copy = Path(folder) / "base"
        with closing(sqlite3.connect(copy)) as made:
            db.connection().backup(made)
            made.execute("PRAGMA journal_mode = DELETE")  # all of it in one file
            packed = Path(folder) / "base.gz"
            with open(copy, "rb") as file, gzip.open(packed, "wb", compresslevel=1) as out:
                shutil.copyfileobj(file, out)
            with open(packed, "rb") as stream:
                yield stream, lambda statement: made.execute(statement).fetchall()


def to_sqlite(pieces):
    path = path_of_sqlite()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".copy-", dir=path.parent) as folder:
        packed, whole = Path(folder) / "base.gz", Path(folder) / "base"
        with open(packed, "wb") as out:
            out.writelines(pieces)
        with gzip.open(packed, "rb") as file, open(whole, "wb") as out:
            shutil.copyfileobj(file, out)
            out.flush()
            os.fsync(out.fileno())
        with closing(sqlite3.connect(f"file:{quote(str(whole))}?mode=ro", uri=True)) as made:
            if made.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                raise Refused("La base de cette sauvegarde est abîmée : reprenez la sauvegarde d’avant.")
        for left in ("-wal", "-shm"):  # of a base that was there before: SQLite would play it over this one
            path.with_name(path.name + left).unlink(missing_ok=True)
        whole.replace(path)
        make_sure(path.parent)


# ── PostgreSQL ───────────────────────────────────────────────────────────────────────────────────────────────────

NOT_WHOSE = ("--no-owner", "--no-privileges")  # who puts it back owns it; who else may read and write, roles.sql says


@contextmanager
def of_postgresql():
    """pg_dump, in the snapshot of the transaction that is asked."""
    with db.atomic():
        db.execute_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        (snapshot,) = db.execute_sql("SELECT pg_export_snapshot()").fetchone()
        options = ("--format=custom", *NOT_WHOSE, "--enable-row-security", f"--snapshot={snapshot}")
        with run("pg_dump", *options, stdout=subprocess.PIPE) as dump:
            yield dump.stdout, lambda statement: db.execute_sql(statement).fetchall()
            finish(dump)


def to_postgresql(pieces):
    command = ("pg_restore", "--single-transaction", "--exit-on-error", *NOT_WHOSE)
    with run(*command, stdin=subprocess.PIPE) as restored:
        try:
            with suppress(BrokenPipeError):  # its own sentence says why
                restored.stdin.writelines(pieces)
                restored.stdin.close()
        except BaseException:
            restored.kill()  # nothing of its transaction stays
            raise
        finish(restored)


def run(program, *options, **pipes):
    """A program of PostgreSQL, told the base by its address; the password is not on the command line, which all see."""
    address = urlsplit(database.real(db).database)
    hidden = address._replace(netloc=f"{quote(address.username or '')}@{address.netloc.rpartition('@')[2]}")
    environment = os.environ | {"PGOPTIONS": "-c portal.own=backup"}  # every row: portal.reach
    environment |= {"PGPASSWORD": unquote(address.password)} if address.password else {}
    try:
        return subprocess.Popen(  # nosec B603
            [program, f"--dbname={hidden.geturl()}", *options], env=environment, stderr=subprocess.DEVNULL, **pipes
        )
    except FileNotFoundError:
        raise Refused(f"Le programme {program} manque : installez postgresql-client, puis recommencez.") from None


def finish(process):
    if process.wait():
        raise Refused(f"{process.args[0]} s’est arrêté (code {process.returncode}).")

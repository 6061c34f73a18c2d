"""Loads a file of the management system: checks it row by row, writes what differs, all of it or nothing."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import islice
from operator import add, itemgetter
from pathlib import Path
from typing import Any

import psycopg
from peewee import DateField, Field, PeeweeException

from portal import clock, database
from portal.exchange.many import among, draw_uuids, insert, nothing_to_collect, quoted
from portal.exchange.spreadsheets import Unreadable, rows
from portal.formats import SPACE, THIN_SPACE, number, plural
from portal.models import AuditEvent, Table, db, hash_of
from portal.rules import Refused
from portal.rules.cells import refuse_fault

CHUNK = 1_000  # rows between two visits to the database
MOST_ERRORS = 100
REMEMBERED = 8_192  # cells of a column
CENTURY = 40_000  # as many for days
MANY_ROWS = 10_000  # written: beyond, the planner must look at the tables again
DATABASE_ERRORS = (PeeweeException, sqlite3.Error, psycopg.Error)

Key = Any  # one value, or a tuple of them
Records = dict[Key, tuple]
Line = tuple[int, list]  # its number, its cells


class Column:
    """A heading, how its cells are read (or refused), and what a blank stands for when a blank may be.

    What is read is remembered, so many cells at a time (`again`); 0 where values do not come again.
    """

    def __init__(
        self, name: str, parse: Callable[[str], Any], required: bool = True, blank: Any = "", again: int = REMEMBERED
    ) -> None:
        self.name, self.parse, self.required, self.blank = name, parse, required, blank
        self.known = Known(self.read, again) if again else None

    def read(self, text: str) -> Any:
        if text:
            refuse_fault(text)
            return self.parse(text)
        if self.required:
            raise Refused("Cette valeur est obligatoire.")
        return self.blank

    def read_all(self, cells: Sequence[Any]) -> list[Any]:
        if self.known is not None:
            return list(map(self.known.__getitem__, cells))
        return list(map(self.read, as_texts(cells)))


class Known(dict):
    """What cells of a column mean: a look at a dictionary for each, where Python calls nothing of ours."""

    def __init__(self, read: Callable[[str], Any], most: int) -> None:
        self.read, self.most = read, most

    def __missing__(self, cell: Any) -> Any:
        value = self.read(as_text(cell))
        if len(self) >= self.most:
            self.clear()
        self[cell] = value
        return value


@dataclass
class Outcome:
    """What a load did: rows of the file by what became of them, or the sentences that say why nothing was done."""

    label: str
    errors: list[str] = field(default_factory=list)
    created: int = 0
    updated: int = 0
    unchanged: int = 0

    @property
    def summary(self) -> str:
        counts = ((self.created, "créé"), (self.updated, "modifié"), (self.unchanged, "inchangé"))
        told = ", ".join(plural(count, word).replace(SPACE, " ") for count, word in counts)
        nothing = "" if self.created or self.updated else " Rien n’a changé."
        return f"{self.label}{SPACE}: {told}.{nothing}"


class Report:
    """The faults of a file, a sentence each: the first hundred, and how many more."""

    def __init__(self) -> None:
        self.line = 0
        self.sentences: list[tuple[int, str]] = []
        self.count = 0

    def fault(self, column: str, sentence: str, line: int = 0) -> None:
        line, quoted = line or self.line, f"«{THIN_SPACE}{column}{THIN_SPACE}»"
        self.add(f"Ligne {line}, colonne {quoted}{SPACE}: {sentence}", line)

    def add(self, sentence: str, line: int = 0) -> None:
        self.count += 1
        if self.count <= MOST_ERRORS:
            self.sentences.append((line, sentence))

    def told(self) -> list[str]:
        told = [sentence for _, sentence in sorted(self.sentences, key=itemgetter(0))]
        more = self.count - len(told)
        if not more:
            return told
        others = "autre erreur" if more == 1 else "autres erreurs"
        return [*told, f"… et {number(more)} {others}."]


# ── The file ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Kind:
    """A kind of file: its columns, how a row becomes a record, and where the records go. Each kind fills it in."""

    label: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]  # the columns that tell one row from another
    mirror: "Mirror"

    def __init__(self, report: Report, today: date) -> None:
        self.report, self.today = report, today

    def records(self, lines: Sequence[int], columns: Sequence[Sequence]) -> Records:
        """The rows of a chunk, their references found; tells the report what is wrong."""
        rows, records = list(zip(*columns, strict=True)), {}
        self.look_up(rows)
        for self.report.line, row in zip(lines, rows, strict=True):
            key, record = self.record(row)
            records[key] = record
        return records

    def look_up(self, rows: list[tuple]) -> None:
        """Fetch at once what the rows of a chunk refer to, before each becomes a record."""

    def record(self, row: tuple) -> tuple[Key, tuple]:
        """The row as (key, values of the table)."""
        raise NotImplementedError

    def refused(self, cells: Mapping[str, str]) -> None:
        """A row that could not be read went by."""

    def write(self, records: Records) -> tuple[set[Key], set[Key]]:
        """Bring the tables to these records: (keys created, keys updated)."""
        return self.mirror.apply(records)

    def finish(self) -> None:
        """Check what only the whole file tells."""


def read(kind: Kind, path: Path) -> Iterator[Records]:
    """The records of a file, a chunk at a time; what is wrong goes to the report, and the reading goes on."""
    report, lines = kind.report, rows(path)
    typed = [str(cell).strip() for cell in next(lines, (1, []))[1]]
    heading = without_end(typed, 0)
    if not check_heading(report, heading, [column.name for column in kind.columns]):
        return
    places = [heading.index(column.name) for column in kind.columns]
    seen: dict[Key, int] = {}
    while chunk := list(islice(lines, CHUNK)):
        numbers, columns = parse(kind, places, complete(chunk, len(heading), len(typed), report))
        if numbers:
            numbers, columns = once(kind, seen, numbers, columns)
        yield kind.records(numbers, columns) if numbers else {}


def without_end(cells: list, width: int) -> list:
    """Without the blanks at the end, beyond so many cells."""
    end = len(cells)
    while end > width and cells[end - 1] == "":
        end -= 1
    return cells[:end] if end < len(cells) else cells


def complete(chunk: list[Line], width: int, typed: int, report: Report) -> list[Line]:
    """The lines that have as many fields as the heading.

    `typed`: with the blanks at its end, which each line of some exports has; of one that has more, who knows where?
    """
    if typed != width:
        chunk = [(line, without_end(cells, width) if len(cells) == typed else cells) for line, cells in chunk]
    for line, cells in chunk:
        if len(cells) != width:
            fields = plural(len(cells), "champ").replace(SPACE, " ")
            report.add(f"Ligne {line}{SPACE}: {fields}, alors que la ligne 1 en a {width}.", line)
    return [line for line in chunk if len(line[1]) == width]


def parse(kind: Kind, places: list[int], chunk: list[Line]) -> tuple[Sequence[int], Sequence[Sequence]]:
    """The lines whose cells can all be read, and their values: one column after another, which is the quickest."""
    if not chunk:
        return (), ()
    lines, rows = zip(*chunk, strict=True)
    columns = list(zip(*rows, strict=True))
    try:
        return lines, [column.read_all(columns[place]) for column, place in zip(kind.columns, places, strict=True)]
    except Refused:
        parsed = list(parse_each(kind, places, chunk))
    lines, rows = zip(*parsed, strict=True) if parsed else ((), ())
    return lines, list(zip(*rows, strict=True))


def parse_each(kind: Kind, places: list[int], chunk: list[Line]) -> Iterator[tuple[int, tuple]]:
    for line, cells in chunk:
        kind.report.line = line
        if (row := parse_row(kind, as_texts([cells[place] for place in places]))) is not None:
            yield line, row


def parse_row(kind: Kind, texts: list[str]) -> tuple | None:
    """One line, each of its faults told."""
    row, before = [], kind.report.count
    for column, text in zip(kind.columns, texts, strict=True):
        try:
            row.append(column.read(text))
        except Refused as refused:
            kind.report.fault(column.name, str(refused))
    if kind.report.count == before:
        return tuple(row)
    kind.refused(dict(zip((column.name for column in kind.columns), texts, strict=True)))
    return None


def once(
    kind: Kind, seen: dict[Key, int], lines: Sequence[int], columns: Sequence[Sequence]
) -> tuple[Sequence[int], Sequence[Sequence]]:
    """Without the lines whose key another one had before. `seen`: the line of each key, which this completes."""
    keyed = [values for column, values in zip(kind.columns, columns, strict=True) if column.name in kind.key]
    keys = keyed[0] if len(keyed) == 1 else list(zip(*keyed, strict=True))
    if len(set(keys)) == len(keys) and seen.keys().isdisjoint(keys):
        seen.update(zip(keys, lines, strict=True))
        return lines, columns
    kept = []
    for place, (key, line) in enumerate(zip(keys, lines, strict=True)):
        if (first := seen.setdefault(key, line)) == line:
            kept.append(place)
        else:
            said = f"la ligne {first} porte déjà ce code. Gardez une seule des deux lignes."
            kind.report.fault(kind.key[-1], said, line)
    return [lines[place] for place in kept], [[values[place] for place in kept] for values in columns]


def check_heading(report: Report, heading: list[str], wanted: list[str]) -> bool:
    if not any(heading):
        report.add("Le fichier est vide. Sa première ligne porte les titres des colonnes.")
    elif not set(heading) & set(wanted):
        begins = ";".join(wanted[:3])
        report.add(
            f"Ligne 1{SPACE}: ce n’est pas la ligne de titres de cette sorte de fichier, qui contient {begins}…"
            " Vérifiez la sorte du fichier, et le point-virgule entre les colonnes."
        )
    else:
        for name in [name for name in wanted if name not in heading]:
            report.fault(name, "cette colonne manque. Ajoutez-la, séparée des autres par un point-virgule.", 1)
        for name in dict.fromkeys(name for name in heading if name not in wanted):
            report.fault(name, "cette colonne est inconnue. Retirez-la, ou corrigez son titre.", 1)
        for name in dict.fromkeys(name for name in wanted if heading.count(name) > 1):
            report.fault(name, "cette colonne figure deux fois. Gardez-en une seule.", 1)
    return not report.count


def as_texts(cells: Sequence[Any]) -> list[str]:
    try:
        return list(map(str.strip, cells))
    except TypeError:
        return list(map(as_text, cells))


def as_text(cell: Any) -> str:
    """A workbook has true dates."""
    return cell.strip() if isinstance(cell, str) else cell.isoformat()


# ── The database ─────────────────────────────────────────────────────────────────────────────────────────────────


class Mirror:
    """Rows of a table, found by their key and made equal to records; what is alike already is not touched."""

    drawn: tuple[str, ...] = ("public_id",)  # columns that a new row gets from `draw`, where the table has them

    def __init__(self, table: type[Table], key: tuple[str, ...], names: tuple[str, ...]) -> None:
        fields = table._meta.fields
        self.table, self.key, self.names = table, key, names
        self.fields = [fields[name] for name in names]
        drawn = [field for name, field in fields.items() if name in self.drawn]
        others = [field for name, field in fields.items() if name not in ("id", *self.drawn, *names)]
        self.same = {field: field.default() if callable(field.default) else field.default for field in others}
        self.inserted = [*self.fields, *drawn]
        self.identity = itemgetter(*(names.index(name) for name in key))
        columns = ", ".join(map(in_text, self.fields))
        table_name, first = quoted(table._meta.table_name), quoted(fields[key[0]].column_name)
        self.selection = f"SELECT id, {columns} FROM {table_name} WHERE {first}"  # nosec B608

    def apply(self, records: Records) -> tuple[set[Key], set[Key]]:
        """(keys created, keys updated)."""
        found = self.find(records)
        new = [key for key in records if key not in found]
        insert(self.table, self.inserted, map(add, map(records.__getitem__, new), self.draw(new)), self.same)
        others = {key: (row, old, records[key]) for key, (row, old) in found.items() if old != records[key]}
        self.update([(row, self.change(key, row, old, new)) for key, (row, old, new) in others.items()])
        return set(new), set(others)

    def find(self, records: Records) -> dict[Key, tuple[int, tuple]]:
        """The rows that are there already: key → (id, values)."""
        wanted = list({key[0] for key in records} if len(self.key) > 1 else records)
        rows = among(self.selection, wanted)
        found = ((self.identity(row[1:]), row) for row in rows)
        return {key: (row[0], row[1:]) for key, row in found if key in records}

    def draw(self, keys: Sequence[Key]) -> Iterable[tuple]:
        """What each of these new rows has that its file does not say."""
        if "public_id" in self.table._meta.fields:
            return zip(draw_uuids(len(keys)), strict=True)
        return [()] * len(keys)

    def change(self, key: Key, row: int, old: tuple, new: tuple) -> dict[str, Any]:
        """The columns of a row that change, and their new values."""
        return {name: new[place] for place, name in enumerate(self.names) if old[place] != new[place]}

    def update(self, updates: Iterable[tuple[int, dict[str, Any]]]) -> None:
        """Each row is written its own changes; those that change the same columns go together."""
        alike: dict[tuple[str, ...], list[tuple]] = {}
        for row, values in updates:
            alike.setdefault(tuple(values), []).append((*values.values(), row))
        for names, changes in alike.items():
            columns = [self.table._meta.fields[name].column_name for name in names]
            sets = [f"{quoted(column)} = {db.param}" for column in columns]
            if "version" in self.table._meta.fields:
                sets.append("version = version + 1")
            table = quoted(self.table._meta.table_name)
            statement = f"UPDATE {table} SET {', '.join(sets)} WHERE id = {db.param}"  # nosec B608
            db.cursor().executemany(statement, changes)


@contextmanager
def indexed_afterwards(table: type[Table], key: str, lines: int) -> Iterator[None]:
    """An empty table that many rows will fill has its indexes made at the end: they take a third of the time.

    The index that begins with the key stays: rows are found by it meanwhile.
    """
    if lines < MANY_ROWS or table.select().exists() or not database.owns_tables(db):
        yield
        return
    catalogue = "sqlite_master WHERE type = 'index' AND tbl_name", "name, sql"
    if not database.is_sqlite(db):
        catalogue = "pg_indexes WHERE schemaname = current_schema() AND tablename", "indexname, indexdef"
    source, columns = catalogue
    indexes = among(f"SELECT {columns} FROM {source}", [table._meta.table_name])  # nosec B608
    kept = f"{table._meta.table_name}_{table._meta.fields[key].column_name}"
    primary = f"{table._meta.table_name}_pkey"
    others = [(name, made) for name, made in indexes if made and name != primary and not name.startswith(kept)]
    for name, _ in others:
        db.execute_sql(f"DROP INDEX {quoted(name)}")
    yield
    for _, made in others:
        db.execute_sql(made)


def in_text(field: Field) -> str:
    """A column as it is read and written here: a date is its ISO text, which both databases take."""
    column = quoted(field.column_name)
    return f"CAST({column} AS TEXT)" if isinstance(field, DateField) else column


# ── The whole ────────────────────────────────────────────────────────────────────────────────────────────────────

Progress = Callable[..., AbstractContextManager]


def load(
    name: str,
    make: type[Kind],
    path: Path,
    progress: Progress | None = None,
    now: datetime | None = None,
    within: Callable[[Outcome], None] | None = None,
) -> Outcome:
    """Load one file in one transaction; `progress` is click.progressbar or its like, `now` an instant in UTC.

    `within` is called in that transaction, once all is written.
    """
    now = now or clock.now()
    outcome, report = Outcome(make.label), Report()
    digest, lines = weigh(path)
    try:
        with nothing_to_collect(), database.in_little_memory(db), db.atomic() as transaction:
            begin()
            kind = make(report, now.replace(tzinfo=UTC).astimezone(clock.PARIS).date())
            with progress(length=lines, label=make.label) if progress else nullcontext() as bar:
                with indexed_afterwards(kind.mirror.table, kind.mirror.key[0], lines):
                    fill(kind, path, outcome, bar)
                kind.finish()
            if report.count:
                transaction.rollback()
            else:
                written = {key: getattr(outcome, key) for key in ("created", "updated", "unchanged")}
                after = {"kind": name, "file": Path(path).name, "sha256": digest, **written}
                AuditEvent.write("load", after=after, now=now)
                if within:
                    within(outcome)
    except DATABASE_ERRORS as error:
        if within and isinstance(error, database.AWAY):  # who waits for the outcome tries again
            raise
        # Its message may hold a row: the class alone is told.
        report.add(f"La base de données a refusé le fichier ({type(error).__name__}){SPACE}: rien n’a été écrit.")
    if report.count:
        return Outcome(make.label, errors=report.told())
    if outcome.created + outcome.updated > MANY_ROWS:
        database.refresh_statistics(db)
    return outcome


def begin() -> None:
    """One load at a time; PostgreSQL plans each query anew: what suited an empty table does not suit a full one."""
    database.serialise(db, hash_of("load"))
    if not database.is_sqlite(db):
        db.execute_sql("SET LOCAL plan_cache_mode = force_custom_plan")
        db.execute_sql("SET LOCAL enable_seqscan = off")


def weigh(path: Path) -> tuple[str, int]:
    """The SHA-256 of a file, and about how many lines it has."""
    digest, lines = hashlib.sha256(), 0
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
            lines += piece.count(b"\n")
    return digest.hexdigest(), lines


def fill(kind: Kind, path: Path, outcome: Outcome, bar: Any) -> None:
    """Write chunk after chunk, until a fault is found: then the rest of the file is only checked."""
    try:
        for records in read(kind, path):
            if bar is not None:
                bar.update(len(records))
            if records and not kind.report.count:
                created, updated = kind.write(records)
                outcome.created += len(created)
                outcome.updated += len(updated)
                outcome.unchanged += len(records) - len(created) - len(updated)
    except Unreadable as unreadable:
        kind.report.add(str(unreadable))

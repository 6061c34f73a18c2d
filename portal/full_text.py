"""Search in long texts, messages and documents: their words are kept beside the rows, in an index of the database."""

from peewee import SQL

from portal import database as databases
from portal.formats import SEARCH_WORDS, sort_key

CREATE = {
    True: ("CREATE VIRTUAL TABLE {name} USING fts5(words, tokenize = 'ascii')",),
    False: (
        "CREATE TABLE {name} (id BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)",
        "CREATE INDEX {name}_words ON {name} USING gin (words)",
    ),
}
PUT = {
    True: "INSERT INTO {name} (rowid, words) VALUES (?, ?)",
    False: "INSERT INTO {name} (id, words) VALUES (%s, to_tsvector('simple', %s))",
}
DROP = {True: "DELETE FROM {name} WHERE rowid = ?", False: "DELETE FROM {name} WHERE id = %s"}
MATCHING = {
    True: "(SELECT rowid FROM {name} WHERE {name} MATCH ?)",
    False: "(SELECT id FROM {name} WHERE words @@ to_tsquery('simple', %s))",
}
# Told of a limit, PostgreSQL might read every row in the hope of the first: what is found is found whole there.
FEW = {
    True: "SELECT {place}, rowid FROM (SELECT rowid FROM {name} WHERE {name} MATCH ? LIMIT ?)",
    False: "SELECT {place}, id FROM (WITH found AS MATERIALIZED ("
    "SELECT id FROM {name} WHERE words @@ to_tsquery('simple', %s)) SELECT id FROM found LIMIT %s) AS few_{name}",
}
FEW_ROWS = 200
LONGEST = 500_000  # characters of one text: PostgreSQL keeps 1 MB of words at most


class TextIndex:
    """The words of the rows of one table, each known by its number; `create` is for a migration.

    Words are kept without accents nor case, and found by their beginning: « attest » finds « L’Attestation ».
    """

    def __init__(self, name):
        self.name = name

    def write(self, statements, database):
        return statements[databases.is_sqlite(database)].format(name=self.name)

    def create(self, database):
        for statement in CREATE[databases.is_sqlite(database)]:
            database.execute_sql(statement.format(name=self.name))

    def put(self, database, texts):
        """Keep these texts, {number of the row: text}, in the caller’s transaction; one a row, until it is dropped."""
        put = self.write(PUT, database)
        for number, text in texts.items():
            database.execute_sql(put, (number, sort_key(text[:LONGEST])))

    def drop(self, database, numbers):
        drop = self.write(DROP, database)
        for number in numbers:
            database.execute_sql(drop, (number,))

    def merge(self, database):
        """Words that were dropped leave the index itself, where FTS5 only crosses them out (a GIN index: `rub_out`)."""
        if databases.is_sqlite(database):
            database.execute_sql(f"INSERT INTO {self.name} ({self.name}) VALUES ('optimize')")  # nosec B608

    def matching(self, database, typed):
        """The numbers of the rows that hold every word, for `database.found_first`; None when no word was typed."""
        query = query_of(database, typed)
        return SQL(self.write(MATCHING, database), (query,)) if query else None


def few(database, indexes, typed, most=FEW_ROWS):
    """What `matching` gives of each index, read now, in one statement: lists; None for more numbers than `most`."""
    query, found = query_of(database, typed), [[] for _ in indexes]
    asked = FEW[databases.is_sqlite(database)]
    parts = [asked.format(place=place, name=index.name) for place, index in enumerate(indexes)]
    for place, number in database.execute_sql(" UNION ALL ".join(parts), (query, most + 1) * len(parts)).fetchall():
        found[place].append(number)
    return [numbers if len(numbers) <= most else None for numbers in found]


def query_of(database, typed):
    """What the index is asked for; empty when no word was typed."""
    words = sort_key(typed).split()[:SEARCH_WORDS]
    if databases.is_sqlite(database):
        return " ".join(f'"{word}"*' for word in words)
    return " & ".join(f"{word}:*" for word in words)

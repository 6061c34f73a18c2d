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
        words = sort_key(typed).split()[:SEARCH_WORDS]
        if not words:
            return None
        sqlite = databases.is_sqlite(database)
        query = " ".join(f'"{word}"*' for word in words) if sqlite else " & ".join(f"{word}:*" for word in words)
        return SQL(self.write(MATCHING, database), (query,))

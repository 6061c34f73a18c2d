"""« Espace documentaire »: what the mutual publishes and what the portal prints, as one tree and one list."""

import uuid
from dataclasses import dataclass, field
from functools import partial

from peewee import JOIN, SQL, Case

from portal import database, documents
from portal.documents import FILED, FOLDERS, OTHERS
from portal.formats import SEARCH_WORDS, sort_key
from portal.models import Document, LibraryFolder, Publication, StoredFile, db, document_words, fn, publication_words

TOOLBOXES = {"salarie": "Salarié", "garantie": "Garantie", "entreprise": "Entreprise"}
ROOT = "racine"
MOST_TICKED = 500
MOST_AT_ONCE = 2_000  # in one zip


# ── What somebody finds in it ────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Node:
    """A folder of the tree; `ids`: of the mutual's folders from it on, `types`: what the portal prints in it."""

    key: str
    name: str
    path: str = ""
    count: int = 0
    weight: int = 0  # bytes, as far as they are known
    folders: list["Node"] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    types: list[str] = field(default_factory=list)

    def add(self, count, weight):
        self.count += count
        self.weight += weight

    def every(self):
        """It, then those beneath it."""
        yield self
        for one in self.folders:
            yield from one.every()


class Shelf:
    """What somebody sees of the library, narrowed by words, a toolbox and an instant; queries come through the door."""

    def __init__(self, publications, printed, typed="", toolbox="", since=None):
        self.publications, self.documents = publications.where(Publication.current()), printed
        if since:
            self.publications = self.publications.where(Publication.shown_at > since)
            self.documents = self.documents.where(Document.created_at > since)
        if toolbox in TOOLBOXES:
            types = [kind for own in FOLDERS.values() if own.toolbox == toolbox for kind in own.types]
            self.publications = self.publications.where(Publication.toolbox == toolbox)
            self.documents = self.documents.where(Document.document_type.in_(types))
        asked = meant(typed)
        if asked:
            words = " ".join(asked)
            self.publications = holding(self.publications, Publication, publication_words, words)
            self.documents = holding(self.documents, Document, document_words, words)
        self.root = self.tree()

    def tree(self):
        """The folders in which there is something, with how much there is from each on."""
        published, printed = self.counted()
        beneath: dict[int | None, list] = {}
        for one in LibraryFolder.select().order_by(LibraryFolder.name_key, LibraryFolder.id):
            beneath.setdefault(one.parent_id, []).append(one)
        folders = [self.node(one, "", published, beneath) for one in beneath.get(None, ())]
        folders = sorted([*folders, *self.printed(printed)], key=lambda node: sort_key(node.name))
        root = Node(ROOT, "racine (tous les dossiers)", folders=[node for node in folders if node.count])
        for node in root.folders:
            root.add(node.count, node.weight)
        return root

    def counted(self):
        """How many and how many bytes, as far as they are known, by folder and by kind; in one statement."""
        how_much = fn.COUNT(SQL("1")), fn.COALESCE(fn.SUM(StoredFile.size), 0)
        nothing, file = SQL("NULL"), {"join_type": JOIN.LEFT_OUTER}
        published = self.publications.select(Publication.folder.alias("place"), nothing.alias("kind"), *how_much)
        published = published.join(StoredFile, on=(Publication.file == StoredFile.id), **file)
        printed = self.documents.select(nothing, Document.document_type, *how_much)
        printed = printed.join(StoredFile, on=(Document.file == StoredFile.id), **file)
        every = published.group_by(Publication.folder).union_all(printed.group_by(Document.document_type))
        rows = list(every.tuples())
        by_folder = {place: (count, int(size)) for place, kind, count, size in rows if kind is None}
        return by_folder, {kind: (count, int(size)) for _, kind, count, size in rows if kind is not None}

    def node(self, row, above, counted, beneath):
        node = Node(str(row.public_id), row.name, f"{above}{row.name}", ids=[row.id])
        node.add(*counted.get(row.id, (0, 0)))
        for one in beneath.get(row.id, ()):
            under = self.node(one, f"{node.path}/", counted, beneath)
            if under.count:
                node.folders.append(under)
                node.add(under.count, under.weight)
                node.ids += under.ids
        return node

    def printed(self, counted):
        """The folders of what the portal prints."""
        nodes = {key: Node(key, own.name, own.name) for key, own in FOLDERS.items()}
        for kind, how_much in counted.items():
            node = nodes[FILED.get(kind, OTHERS)]
            node.add(*how_much)
            node.types.append(kind)
        return nodes.values()

    def find(self, key):
        """The folder of that key; None when nothing is in it, or there is none."""
        return next((node for node in self.root.every() if node.key == key), None)

    def listed(self, node):
        """What is in a folder and beneath it, as one query of `COLUMNS`."""
        if node is self.root:
            return published(self.publications).union_all(printed(self.documents))
        if node.types:
            return printed(self.documents.where(Document.document_type.in_(node.types)))
        return published(self.publications.where(Publication.folder.in_(node.ids)))

    def ticked(self, marks):
        """Those of these marks (« P » or « D », then the public id) that are seen."""
        ids = {kind: [one[1:] for one in marks if one[:1] == kind] for kind in "PD"}
        ids = {kind: [found for found in map(read_uuid, some) if found] for kind, some in ids.items()}
        publications = self.publications.where(Publication.public_id.in_(ids["P"]))
        return published(publications).union_all(printed(self.documents.where(Document.public_id.in_(ids["D"]))))

    def paths(self):
        """The paths of the mutual's folders, by their number."""
        return {node.ids[0]: node.path for node in self.root.every() if node.ids}


def holding(query, table, index, words):
    """Those of a query on `table` whose texts, kept in `index`, hold each of these words."""
    return query.where(database.found_first(db, table.id, index.matching(db, words)))


def meant(typed):
    """The words to look for: « l’attestation » is looked for without its article."""
    typed_words = sort_key(typed).split()
    return [word for word in typed_words if len(word) > 1][:SEARCH_WORDS] or typed_words[:SEARCH_WORDS]


def read_uuid(text):
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def published(publications):
    """The columns of the list, out of what the mutual publishes."""
    return publications.select(
        SQL("'P'").alias("kind"),
        Publication.public_id.alias("public_id"),  # two tables have one: SQLite must be told which is the column
        Publication.title,
        Publication.title_key,
        Publication.nature,
        Publication.published_on,
        Publication.shown_at,
        Publication.number,
        Publication.folder_id.alias("folder_id"),
        Publication.withdrawn_on,
        Case(None, [(Publication.file.is_null(), 0)], 1).alias("ready"),
        fn.COALESCE(StoredFile.mime_type, "").alias("mime_type"),
        fn.COALESCE(StoredFile.size, 0).alias("size"),
    ).join(StoredFile, JOIN.LEFT_OUTER, on=(Publication.file == StoredFile.id))


def printed(found):
    """The same columns, out of what the portal prints: its size is known once it is made."""
    nothing = SQL("NULL")
    can_be_read = Document.file.is_null(False) | Document.context.is_null(False)
    return found.select(
        SQL("'D'").alias("kind"),
        Document.public_id.alias("public_id"),
        Document.title,
        Document.title_key,
        Document.document_type.alias("nature"),
        Document.published_on,
        Document.created_at.alias("shown_at"),
        SQL("1").alias("number"),
        nothing.alias("folder_id"),
        nothing.alias("withdrawn_on"),
        Case(None, [(can_be_read, 1)], 0).alias("ready"),
        fn.COALESCE(StoredFile.mime_type, documents.PDF).alias("mime_type"),
        fn.COALESCE(StoredFile.size, 0).alias("size"),
    ).join(StoredFile, JOIN.LEFT_OUTER, on=(Document.file == StoredFile.id))


def in_archive(shelf, listed):
    """What is listed, as archives take it: [(folder, title, what gives the file)]; without what has no file."""
    rows = [row for row in listed.namedtuples() if row.ready]
    paths = shelf.paths()
    return [(place(row, paths), row.title, partial(file_of, row.kind, row.public_id)) for row in rows]


def place(row, paths):
    """The path of the folder of a row; `paths`: of the mutual's folders."""
    return paths.get(row.folder_id, "") if row.kind == "P" else FOLDERS[FILED.get(row.nature, OTHERS)].name


def file_of(kind, public_id):
    """The file of a row that came through the door, made now where it is printed; raises documents.NotMade."""
    if kind == "D":
        return documents.made(Document.get(Document.public_id == public_id))
    row = Publication.get(Publication.public_id == public_id)
    if row.file is None:
        raise documents.NotMade
    return row.file

"""« Espace documentaire »: what the mutual publishes and what the portal prints, as one tree and one list."""

import uuid
from dataclasses import dataclass, field
from functools import partial

from peewee import JOIN, SQL, Case

from portal import database, documents, full_text
from portal.documents import FILED, FOLDERS, OTHERS
from portal.formats import SEARCH_WORDS, sort_key
from portal.models import Document, LibraryFolder, Publication, StoredFile, db, document_words, fn, publication_words

TOOLBOXES = {"salarie": "Salarié", "garantie": "Garantie", "entreprise": "Entreprise"}
ROOT = "racine"
MOST_TICKED = 500
MOST_AT_ONCE = 2_000  # in one zip

# What the list tells of a file: of what the mutual publishes, and of what the portal prints, whose size is known once
# it is made. Two tables have a `public_id`: SQLite must be told by its name which is the column.
NOTHING, OF_FILE = SQL("NULL"), ("mime_type", "size")
PUBLISHED = {
    "kind": SQL("'P'"),
    "public_id": Publication.public_id,
    "title": Publication.title,
    "title_key": Publication.title_key,
    "nature": Publication.nature,
    "published_on": Publication.published_on,
    "shown_at": Publication.shown_at,
    "number": Publication.number,
    "folder_id": Publication.folder_id,
    "withdrawn_on": Publication.withdrawn_on,
    "ready": Case(None, [(Publication.file.is_null(), 0)], 1),
    "mime_type": fn.COALESCE(StoredFile.mime_type, ""),
    "size": fn.COALESCE(StoredFile.size, 0),
}
PRINTED = {
    "kind": SQL("'D'"),
    "public_id": Document.public_id,
    "title": Document.title,
    "title_key": Document.title_key,
    "nature": Document.document_type,
    "published_on": Document.published_on,
    "shown_at": Document.created_at,
    "number": SQL("1"),
    "folder_id": NOTHING,
    "withdrawn_on": NOTHING,
    "ready": Case(None, [(Document.file.is_null(False) | Document.context.is_null(False), 1)], 0),
    "mime_type": fn.COALESCE(StoredFile.mime_type, documents.PDF),
    "size": fn.COALESCE(StoredFile.size, 0),
}


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
            words, indexes = " ".join(asked), (publication_words, document_words)
            few = full_text.few(db, indexes, words)  # a page asks three times: what is rare is looked for once
            self.publications = self.publications.where(holding(Publication, publication_words, words, few[0]))
            self.documents = self.documents.where(holding(Document, document_words, words, few[1]))
        self.root = self.tree()

    def tree(self):
        """The folders in which there is something, with how much there is from each on."""
        published, printed = self.counted()
        beneath: dict[int | None, list] = {}
        in_order = LibraryFolder.select().order_by(LibraryFolder.name_key, LibraryFolder.id)
        for one in in_order if published else ():
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

    def listed(self, node, names=tuple(PUBLISHED)):
        """What is in a folder and beneath it, as one query of the columns of these names."""
        if node is self.root:
            return published(self.publications, names).union_all(printed(self.documents, names))
        if node.types:
            return printed(self.documents.where(Document.document_type.in_(node.types)), names)
        return published(self.publications.where(Publication.folder.in_(node.ids)), names)

    def keys(self, node, order):
        """The same rows, as no more than these columns and their kind: narrow ones are sorted in half the time."""
        return self.listed(node, ("kind", *order))

    def ticked(self, marks):
        """Those of these marks (« P » or « D », then the public id) that are seen."""
        ids = {kind: [one[1:] for one in marks if one[:1] == kind] for kind in "PD"}
        ids = {kind: [found for found in map(read_uuid, some) if found] for kind, some in ids.items()}
        publications = self.publications.where(Publication.public_id.in_(ids["P"]))
        return published(publications).union_all(printed(self.documents.where(Document.public_id.in_(ids["D"]))))

    def paths(self):
        """The paths of the mutual's folders, by their number."""
        return {node.ids[0]: node.path for node in self.root.every() if node.ids}


def holding(table, index, words, few=None):
    """A condition: its texts, kept in `index`, hold each of these words. `few`: the numbers of those, when known."""
    return table.id << few if few is not None else database.found_first(db, table.id, index.matching(db, words))


def meant(typed):
    """The words to look for: « l’attestation » is looked for without its article."""
    typed_words = sort_key(typed).split()
    return [word for word in typed_words if len(word) > 1][:SEARCH_WORDS] or typed_words[:SEARCH_WORDS]


def read_uuid(text):
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def published(publications, names=tuple(PUBLISHED)):
    """The columns of the list, or those of these names, out of what the mutual publishes."""
    return columns_of(publications, Publication, PUBLISHED, names)


def printed(found, names=tuple(PRINTED)):
    """The same columns, out of what the portal prints."""
    return columns_of(found, Document, PRINTED, names)


def columns_of(found, table, columns, names):
    chosen = found.select(*(columns[name].alias(name) for name in names))
    needs_file = any(name in OF_FILE for name in names)
    return chosen.join(StoredFile, JOIN.LEFT_OUTER, on=(table.file == StoredFile.id)) if needs_file else chosen


def whole(cut):
    """The rows of a page of `Shelf.keys`, with all columns and in no order; `public_id` is one of the keys’."""
    named = cut.cte("named")
    of_kind = {kind: named.select(named.c.public_id).where(named.c.kind == kind) for kind in "PD"}
    publications = published(Publication.select().where(Publication.public_id.in_(of_kind["P"])))
    found = printed(Document.select().where(Document.public_id.in_(of_kind["D"])))
    return publications.union_all(found).with_cte(named)


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

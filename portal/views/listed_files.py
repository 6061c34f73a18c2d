"""The files of « Espace documentaire » as its list tells them."""

from types import SimpleNamespace

from flask import url_for

from portal import library
from portal.views.files import SHOWN

TYPES = {  # icon, word
    "application/pdf": ("file-type-pdf", "PDF"),
    "text/csv": ("file-type-csv", "CSV"),
    "image/png": ("files", "Image"),
    "image/jpeg": ("files", "Image"),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ("file-spreadsheet", "Tableur"),
    "application/vnd.ms-excel": ("file-spreadsheet", "Tableur"),
}
TEXT = ("notes", "Texte")


def reader(shelf, sort, since):
    """How to read the rows of a page of `shelf.keys`, in their order."""

    def rows(cut):
        paths = shelf.paths()
        return [tell(row, library.place(row, paths), since) for row in sort.of(library.whole(cut)).namedtuples()]

    return rows


def tell(row, place, since):
    icon, word = TYPES.get(row.mime_type, TEXT)
    published = row.kind == "P"
    room = "library" if published else "document_files"
    can_be_seen = row.ready and row.size and row.mime_type in SHOWN
    return SimpleNamespace(
        mark=f"{row.kind}{row.public_id}",
        title=row.title,
        place=place,
        icon=icon,
        type=word,
        day=row.published_on,
        size=row.size,
        number=row.number,
        withdrawn_on=row.withdrawn_on,
        is_new=bool(row.shown_at and row.shown_at > since),
        ready=row.ready,
        page=url_for("library.show", id=row.public_id) if published else "",
        preview=url_for(f"{room}.preview", id=row.public_id) if can_be_seen else "",
        download=url_for(f"{room}.download", id=row.public_id) if row.ready else "",
    )

"""Several documents as one zip, read and made while it goes out; a note in it names those that could not be."""

from flask import Response

from portal import clock, documents, storage
from portal.exchange.archives import Member, archive
from portal.folder import Unavailable
from portal.formats import in_paris
from portal.views import files, roster

LEFT_OUT = "Documents non préparés.txt"
LEFT_OUT_WORDS = "Ces documents n’ont pas pu être préparés. Téléchargez-les un à un depuis le portail :"


def send(name, wanted):
    """`name`: of the zip, without the day; `wanted`: (folder or "", title, what gives the file or raises NotMade)."""
    response = Response(roster.connected(archive(members_of(wanted))), mimetype="application/zip")
    response.headers["Content-Disposition"] = files.named("attachment", f"{name}-{clock.today():%Y-%m-%d}.zip")
    return response


def members_of(wanted):
    left_out = []
    for folder, title, file_of in wanted:
        try:
            file = file_of()
            pieces = storage.pieces(file)
            first = next(pieces)
        except (documents.NotMade, Unavailable):
            left_out.append(title)
            continue
        yield Member(f"{folder}/{file.file_name}".lstrip("/"), in_paris(file.created_at), following(first, pieces))
    if left_out:
        note = "\r\n".join([LEFT_OUT_WORDS, *left_out]).encode()
        yield Member(LEFT_OUT, in_paris(clock.now()), [note])


def following(first, pieces):
    """All pieces, the first of which was read to know that the store answers."""
    yield first
    yield from pieces

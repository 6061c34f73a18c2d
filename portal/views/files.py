"""Files for views: those that a form sends are taken in, those that are kept are given back, and nothing runs."""

import unicodedata
from itertools import chain
from urllib.parse import quote

from flask import Response, abort
from flask_login import current_user

from portal import storage
from portal.access import audit
from portal.forms.uploads import MOST_TOGETHER
from portal.models import StoredFile

MOST_SENT = MOST_TOGETHER + 1024 * 1024  # in one request: the files, and the rest of the form
SHOWN = {"application/pdf", "image/png", "image/jpeg"}
NOTHING_RUNS = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"


def takes_files(view):
    """Let a form with several files come to this view: the limit of each is then said at its field."""
    view.most_bytes = MOST_SENT
    return view


def take_in(field, account, holder=None):
    """Pass the files of an UploadField through the gate; `holder` when who sends them has not signed in."""
    waiting = current_user.waiting_files() if holder is None else StoredFile.waiting(holder)
    field.receive(waiting, account, current_user.holder if holder is None else holder)
    for signature in field.infected:
        audit("file.infected", account=getattr(account, "id", account), after={"signature": signature})


def attachment(row):
    """The file, to be saved under its own name."""
    return answer(row, "attachment")


def preview(row):
    """An image or a PDF in a page where nothing runs; 404 for anything else."""
    return answer(row, "inline") if row.mime_type in SHOWN else abort(404)


def answer(row, disposition):
    pieces = storage.pieces(row)
    first = next(pieces)  # a store that does not answer is told before anything is
    response = Response(chain((first,), pieces), mimetype=row.mime_type)
    response.call_on_close(pieces.close)
    response.content_length = row.size
    response.headers["Content-Disposition"] = named(disposition, row.file_name)
    response.headers["Content-Security-Policy"] = NOTHING_RUNS
    return response


def named(disposition, name):
    """The name for old browsers in ASCII, and as it is for the others (RFC 6266)."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().replace("\\", "").replace('"', "")
    return f"{disposition}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"

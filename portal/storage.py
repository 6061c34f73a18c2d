"""Files, encrypted, in a folder or an S3 bucket: what comes in passes the gate, what goes out is read piece by piece.

A file is in the store before its row is committed, and its row is dropped before it leaves the store: what a kill
leaves behind is a file that no row knows, which `sweep` takes away.
"""

import logging
import os
from contextlib import closing, suppress
from datetime import timedelta
from itertools import islice
from urllib.parse import unquote, urlsplit

from portal import antivirus, clock
from portal.exchange import uploads
from portal.folder import Folder, Unavailable
from portal.models import ScanState, StoredFile
from portal.rules import Refused
from portal.sealed_streams import digest_of, opened, sealed
from portal.vault import Tampered

log = logging.getLogger(__name__)

UNAVAILABLE = "Ce fichier n’a pas pu être enregistré. Réessayez dans quelques minutes."
TABLES = ("csv", "xlsx")
MOST_OF_TABLE = 64 * 1024 * 1024  # bytes: some 300,000 beneficiaries
LEFT_BEHIND = timedelta(days=1)  # what no row knows for so long was left by a process that was killed


class Store:
    """Where files are and how many there may be; one for the process, filled at the start by `use`."""

    def use(self, settings):
        self.place = place_of(settings.storage_url)
        self.antivirus = settings.clamd_url
        self.most_today, self.most_bytes = settings.files_per_day, settings.account_space_mo * 1024 * 1024


store = Store()
use = store.use


def answers(url):
    """The store can be written to."""
    try:
        return place_of(url).answers()
    except Unavailable:
        return False


# ── In ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def receive(file, name, kinds=uploads.ALL, *, account, holder, now=None):
    """Check a file that somebody sends and keep it, waiting to be attached; raises Refused with what to show.

    `kinds`: which of `uploads.KINDS` may come. `account`: None when it belongs to none. `holder`: who sends it.
    """
    kind = uploads.kind_of(name, kinds)
    uploads.check_size(file)
    scan = scanned(file)
    row = StoredFile(account=account, holder=holder, mime_type=uploads.KINDS[kind].mime_type, scan=scan)
    limits = {"most_today": store.most_today, "most_bytes": store.most_bytes}
    with uploads.checking(file, kind) as check:
        content = check() if kind in uploads.MADE_ANEW else file  # another goes into the store meanwhile
        return keep(row, content, uploads.clean_name(name, kind), now, check, **limits)


def scanned(file):
    """What the antivirus, when there is one, finds clean; raises Refused."""
    if not store.antivirus:
        return ScanState.NOT_SCANNED
    antivirus.scan(file, store.antivirus)
    return ScanState.CLEAN


def receive_table(file, name, holder, now=None):
    """The same for a file of the management system: what loads it reads it with care, whatever it is."""
    kind = uploads.kind_of(name, TABLES)
    uploads.check_size(file, MOST_OF_TABLE)
    row = StoredFile(account=None, holder=holder, mime_type=uploads.KINDS[kind].mime_type, scan=scanned(file))
    return keep(row, file, uploads.clean_name(name, kind), now)


def file_away(file, name, mime_type, *, account, now=None):
    """Keep a file that the portal made, waiting to be attached."""
    return keep(StoredFile(account=account, holder="", mime_type=mime_type, scan=ScanState.OURS), file, name, now)


def keep(row, file, name, now=None, check=None, most_today=None, most_bytes=None):
    """The file into the store, then its row, unless `check` raises Refused."""
    key = os.urandom(32)
    row.digest, row.size = digest_of(file, key)
    row.created_at = now or clock.now()
    row.seal("name", name)
    row.seal("key", key.hex())
    try:
        store.place.put(row.digest, sealed(file, key, row.digest))
    except Unavailable as fault:
        log.error("storage: %s", fault)
        raise Refused(UNAVAILABLE) from None
    try:
        if check:
            check()
        row.add(most_today, most_bytes)
    except BaseException:
        with suppress(Unavailable):  # the sweep will
            store.place.delete(row.digest)
        raise
    return row


# ── Out ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def pieces(row):
    """The content, decrypted piece by piece; raises Unavailable or vault.Tampered."""
    with store.place.said(), closing(store.place.open(row.digest)) as file:
        yield from opened(file, bytes.fromhex(row.unseal("key")), row.digest)


def content(row):
    """The whole content, for what needs it in one go."""
    return b"".join(pieces(row))


# ── What is left behind ──────────────────────────────────────────────────────────────────────────────────────────


def take_away(most=100):
    """Take dropped files out of the store: how many. Raises Unavailable."""
    leaving = StoredFile.select(StoredFile.id, StoredFile.digest)
    leaving = list(leaving.where(StoredFile.dropped_at.is_null(False), StoredFile.digest.is_null(False)).limit(most))
    for row in leaving:
        store.place.delete(row.digest)
        StoredFile.update(digest=None).where(StoredFile.id == row.id).execute()
    return len(leaving)


def sweep(now):
    """Once a day: drop what nobody attached, take away what no row knows, forget rows without content.

    How many files that no row knew, and how many rows. Raises Unavailable.
    """
    StoredFile.drop_unattached(now)
    files = sum(1 for name in strays(now) if store.place.delete(name) is None)
    empty = StoredFile.delete().where(StoredFile.digest.is_null(), StoredFile.created_at < now - StoredFile.WAITS)
    return files, empty.execute()


def strays(now):
    """What is in the store for more than a day and in no row."""
    old = (name for name, since in store.place.names() if since < now - LEFT_BEHIND)
    while names := list(islice(old, 500)):
        known = {
            digest for (digest,) in StoredFile.select(StoredFile.digest).where(StoredFile.digest.in_(names)).tuples()
        }
        yield from (name for name in names if name not in known)


def missing():
    """Rows whose file is not in the store: a backup has to be restored."""
    there = {name for name, _ in store.place.names()}
    return [row for row in StoredFile.held().iterator() if row.digest not in there]


def unreadable():
    """Rows whose file is there and does not open to its end."""
    return [row for row in StoredFile.held().iterator() if not opens(row)]


def opens(row):
    try:
        return sum(len(piece) for piece in pieces(row)) == row.size
    except Tampered:
        return False
    except Unavailable:
        return True  # it is missing, which is told apart


# ── Where ────────────────────────────────────────────────────────────────────────────────────────────────────────


def place_of(url):
    """The folder or the bucket of `file:///path` or `s3://bucket/prefix`."""
    address = urlsplit(url)
    if address.scheme != "s3":
        return Folder(unquote(address.path))
    from portal.bucket import Bucket  # noqa: PLC0415  it takes long to load, and most have a folder

    return Bucket(address.netloc, unquote(address.path.strip("/")))

"""Files of the management system that are given at the desk: kept, then loaded by the worker as `load` would."""

import datetime
import logging
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from peewee import IntegrityError

from portal import clock, database, outbox, storage
from portal.exchange import management_system
from portal.faults import place_of
from portal.folder import Unavailable
from portal.models import FileLoad, LoadState, MessageKind, Outdated, db

MARK = "chargement"  # how the names of its files begin, in the folder of the instance
REST = datetime.timedelta(minutes=1)  # before a store that did not answer is asked again
TOLD_EVERY = 0.5  # seconds between two words of how far it is
STOPPED = "Le chargement s’est arrêté trois fois avant la fin, et rien n’a été écrit. Prévenez l’exploitant du portail."
log = logging.getLogger(__name__)


def labels():
    """Kind of file → what it is called, in the order in which they are loaded."""
    return {name: kind.label for name, kind in management_system.KINDS.items()}


# ── At the desk ──────────────────────────────────────────────────────────────────────────────────────────────────


def send(kind, file, name, author, form_key, note, confirmed=True):
    """The load that this form makes, or made; `note(load)` writes it down with it. Raises rules.Refused.

    `confirmed`: the worker may have it; else it waits for `FileLoad.confirm`.
    """
    if (sent := sent_by(author, form_key)) is not None:
        return sent
    kept = storage.receive_table(file, name, author.holder)
    try:
        with db.atomic():
            kept.attach()
            state = LoadState.WAITING if confirmed else LoadState.TO_CONFIRM
            given = {"kind": kind, "author": author, "file": kept, "file_name": kept.file_name, "form_key": form_key}
            made = FileLoad.create(state=state, **given)
            note(made)
    except IntegrityError:  # the other click was a little faster; what nobody attached is swept away
        if (sent := sent_by(author, form_key)) is None:
            raise
        return sent
    return made


def sent_by(author, form_key):
    return FileLoad.get_or_none(FileLoad.author == author, FileLoad.form_key == form_key) if form_key else None


def percent(load, settings):
    """How far it is, 0 when that is not known yet."""
    with suppress(OSError, ValueError):
        return int(Path(mark_of(load, settings)).read_text())
    return load.percent


# ── The worker ───────────────────────────────────────────────────────────────────────────────────────────────────


def load_next(settings, now):
    """Load the next file; 1 when there was one."""
    load = FileLoad.take(now)
    if load is None:
        return 0
    if load.attempts > FileLoad.MOST_ATTEMPTS:
        load.end(LoadState.FAILED, now, faults=[STOPPED])
        tell(load)
        return 1
    try:
        with copied(load, settings) as path:
            outcome = management_system.load(load.kind, path, Meter(load, settings), within=succeeded(load))
        if outcome.errors:
            load.end(LoadState.FAILED, clock.now(), faults=outcome.errors)
    except Unavailable as fault:
        log.warning("storage: %s", fault)
        load.give_back(now + REST, load.attempts - 1)
        return 0
    except database.AWAY:
        raise
    except Outdated:  # its lease was over, and another worker has it: what this one wrote is undone
        return 1
    except Exception as error:
        log.error("load %s: %s", load.public_id, place_of(error))
        load.give_back(now + REST, load.attempts)
        return 1
    tell(load)
    return 1


@contextmanager
def copied(load, settings):
    """The file under its own name, in a folder that goes with it; what a kill leaves, `sweep` takes away."""
    with tempfile.TemporaryDirectory(prefix=f"{MARK}-", dir=settings.instance) as folder:
        path = Path(folder, load.file_name)
        with open(path, "wb") as file:
            file.writelines(storage.pieces(load.file))
        yield path


def succeeded(load):
    """Said in the transaction of the load itself: done once, whatever is killed."""

    def say(outcome):
        counts = {"created": outcome.created, "updated": outcome.updated, "unchanged": outcome.unchanged}
        load.end(LoadState.DONE, clock.now(), **counts)

    return say


def tell(load):
    """An e-mail to who gave the file, in case the page was left."""
    now, failed = clock.now(), FileLoad.get_by_id(load.id).state == LoadState.FAILED
    told = f"Le fichier «\u202f{labels()[load.kind]}\u202f» " + ("n’a pas été chargé" if failed else "est chargé")
    words = {"told": told, "link": f"/gestion/chargements/{load.public_id}"}
    user = load.author
    outbox.email(user.identifier, "import", now, user, kind=MessageKind.IMPORT, about=load, **words)


class Meter:
    """How far a load is, for `management_system.load`.

    Its transaction shows nothing before its end: on PostgreSQL another connection says it; on SQLite, where nobody
    else writes meanwhile, a small file of the instance does.
    """

    def __init__(self, load, settings):
        self.load, self.mark = load, Path(mark_of(load, settings))
        self.done, self.total, self.said_at = 0, 0, None

    def __call__(self, length, label):
        self.total = length
        return self

    def __enter__(self):
        self.aside = ThreadPoolExecutor(1)  # its connection is its own
        return self

    def __exit__(self, *_):
        self.aside.shutdown()
        self.mark.unlink(missing_ok=True)

    def update(self, rows):
        self.done += rows
        now = clock.now()
        if self.said_at is None or (now - self.said_at).total_seconds() >= TOLD_EVERY:
            self.said_at = now
            if database.is_sqlite(db):
                self.mark.write_text(str(min(99, self.done * 100 // max(1, self.total))))
            else:
                self.aside.submit(self.say, self.done, self.total, now).result()

    def say(self, *told):
        with db.connection_context():
            self.load.progress(*told)


def mark_of(load, settings):
    return settings.instance / f"{MARK}-{load.public_id}"


def sweep(settings):
    """At the worker's start: copies of files, and marks, of one that was killed."""
    for left in settings.instance.glob(f"{MARK}-*"):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)

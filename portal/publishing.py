"""What the mutual publishes: put in the library, replaced, withdrawn with notice, and read for its words."""

import tempfile
import uuid
from datetime import time

from peewee import IntegrityError

from portal import clock, documents, outbox, storage
from portal.exchange.texts import words_of
from portal.folder import Unavailable
from portal.formats import sort_key
from portal.models import LibraryFolder, MessageKind, Outdated, Publication, User, db, publication_words
from portal.readers import letter

# ── Published, replaced, withdrawn ───────────────────────────────────────────────────────────────────────────────


def publish(values, file, by, now, form_key=None):
    """Publish a file: the row, and whether this very form did it now. `values`: by column."""
    try:
        with db.atomic():
            known = Publication.sent(form_key)
            if known:
                return known, False
            return keep(Publication(series=uuid.uuid4(), **values), file, by, now, form_key), True
    except IntegrityError:  # the other click was a little faster
        known = Publication.sent(form_key)
        if known is None:
            raise
        return known, False


def keep(row, file, by, now, form_key):
    file.attach(now)
    row.file, row.author, row.created_at, row.form_key = file, by, now, form_key
    row.title_key = sort_key(row.title)
    row.shown_at = max(now, clock.instant(row.published_on, time()))
    row.save(force_insert=True)
    publication_words.put(db, {row.id: named(row)})
    return row


def named(row):
    """What it is found by before its text is read."""
    names, folder = [row.title, row.note], row.folder
    while folder:
        names.append(folder.name)
        folder = folder.parent
    return " ".join(names)


KEPT = ("series", "folder", "toolbox", "title", "nature", "audience", "account", "company", "category", "plan")


def replace(row, file, note, by, now, form_key=None):
    """A new version, from today on: the row, and whether this very form did it now; raises Outdated."""
    with db.atomic():
        known = Publication.sent(form_key)
        if known:
            return known, False
        mine = Publication.update(superseded_at=now).where(
            Publication.id == row.id, Publication.superseded_at.is_null(), Publication.withdrawn_on.is_null()
        )
        if mine.execute() != 1:
            raise Outdated(None)
        values = {name: getattr(row, name) for name in KEPT}
        number = row.versions().first().number + 1  # above that of a version taken off as a mistake too
        made = Publication(number=number, published_on=max(clock.day_of(now), row.published_on), note=note, **values)
        return keep(made, file, by, now, form_key), True


def folder_in(parent, name):
    """That folder, or the one of that name within it, made when there is none; in the caller's transaction."""
    return LibraryFolder.at(parent, name) if name else parent


def withdraw(row, on, why, now):
    """Announce that all its versions are out of reach from that day on: how many were told; raises Outdated."""
    told = {"withdrawn_on": on, "withdrawal_told_at": now, "withdrawal_reason": why}
    same = Publication.update(told).where(Publication.series == row.series, Publication.withdrawn_on.is_null())
    with db.atomic():
        if not same.execute():
            raise Outdated(None)
        words = {"kind": MessageKind.NOTICE, "link": f"/espace-documentaire/{row.public_id}", "on": on}
        readers = User.of_audience(row)
        letters = [letter(user, "withdrawal", now, about=row, **words) for user in readers]
        outbox.write_many(letters)
    return len(letters)


def keep_after_all(row, now):
    """Take the announcement back before its day; raises Outdated."""
    none = {"withdrawn_on": None, "withdrawal_told_at": None, "withdrawal_reason": ""}
    to_come = Publication.withdrawn_on > clock.day_of(now)
    same = Publication.update(none).where(Publication.series == row.series, to_come)
    if not same.execute():
        raise Outdated(None)


def take_off(row, why, now):
    """A version that was published by mistake is out of reach at once; the one before it is shown again."""
    gone = {"withdrawn_on": clock.day_of(now), "withdrawal_told_at": now, "withdrawal_reason": why}
    with db.atomic():
        before = row.versions().where(Publication.number < row.number, Publication.withdrawn_on.is_null()).first()
        if before:
            gone["superseded_at"] = now
            Publication.update(superseded_at=None).where(Publication.id == before.id).execute()
        mine = Publication.update(gone).where(
            Publication.id == row.id, Publication.superseded_at.is_null(), Publication.withdrawn_on.is_null()
        )
        if mine.execute() != 1:
            raise Outdated(None)
        publication_words.drop(db, [row.id])


# ── The words of what is published ───────────────────────────────────────────────────────────────────────────────


def read_due(most=2):
    """Put the words of PDFs that were published into the index, a few at a time: how many."""
    done = 0
    for row in list(Publication.to_read().limit(most)):
        mine = Publication.update(attempts=Publication.attempts + 1).where(
            Publication.id == row.id, Publication.attempts == row.attempts
        )
        if mine.execute() == 1:
            done += read(row)
    return done


def read(row):
    try:
        text = text_of(row.file)
    except Unavailable:  # it is not the file's fault: later
        Publication.update(attempts=row.attempts).where(Publication.id == row.id).execute()
        return 0
    with db.atomic():
        publication_words.drop(db, [row.id])
        publication_words.put(db, {row.id: f"{named(row)} {text}"})
        Publication.update(read_at=clock.now()).where(Publication.id == row.id).execute()
    return 1


def text_of(file):
    if file.mime_type != documents.PDF:
        return ""
    with tempfile.TemporaryFile() as copy:
        copy.writelines(storage.pieces(file))
        copy.flush()
        return words_of(copy)

"""Backups: the base at one instant and the files that it names, in a folder that only BACKUP_KEY opens.

A backup is DIR/2026-11-26T180512Z/ with `manifest.json` (what there is: sizes, SHA-256, rows a table, the head of the
audit trail; signed), `base.sealed`, and `files/ab/abcd…` as they are in the store: encrypted there already, each under
a key that the base holds. Files that the backup before has are linked to it, not copied. It has its name once it is
whole: what is stopped half-way leaves the one before as the last.
"""

import fcntl
import hashlib
import hmac
import json
import os
import shutil
import sqlite3
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from peewee import DatabaseError

from portal import audit_heads, clock, snapshots, storage
from portal.folder import Unavailable, make_sure
from portal.models import TABLES, AuditEvent, StoredFile, UserSession, db
from portal.rules import Refused
from portal.sealed_streams import PIECE, opened, sealed
from portal.vault import Tampered, derive

NAME = "%Y-%m-%dT%H%M%SZ"
PART = ".part-"
BASE, MANIFEST = "base.sealed", "manifest.json"
TRIES = 5  # files leave the store while others are copied: the base is then copied again
NO_KEY = "BACKUP_KEY manque : donnez une clé de 32 octets, que vous gardez ailleurs que les sauvegardes."


# ── Making one ───────────────────────────────────────────────────────────────────────────────────────────────────


def make(folder, settings, now=None, keep=14):
    """A new backup, and the oldest beyond `keep` taken away: (where it is, its manifest). Raises Refused."""
    if not settings.backup_keys:
        raise Refused(NO_KEY)
    now = now or clock.now()
    try:
        with alone(folder):
            whole, part = folder / now.strftime(NAME), folder / f"{PART}{now.strftime(NAME)}"
            try:
                part.mkdir()
                manifest = fill(part, settings.backup_keys, now, last_good(folder, settings.backup_keys))
                part.rename(whole)
            except BaseException:
                shutil.rmtree(part, ignore_errors=True)
                raise
            make_sure(folder)
            for old in backups_of(folder)[:-keep]:
                shutil.rmtree(old)
    except (OSError, Unavailable, DatabaseError, sqlite3.Error) as fault:
        raise Refused(f"La sauvegarde a échoué ({type(fault).__name__} : {word_of(fault)}). Rien n’a changé.") from None
    AuditEvent.write("backup.make", after={"name": whole.name, "files": len(manifest["pieces"]) - 1})
    return whole, manifest


def word_of(fault):
    """What a disk or a store says; a database's own words may hold a value."""
    return fault.strerror if isinstance(fault, OSError) else str(fault) if isinstance(fault, Unavailable) else "base"


@contextmanager
def alone(folder):
    """One at a time in a folder; what a kill left there is taken away."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused("Une autre sauvegarde est en cours dans ce dossier.") from None
        for left in folder.glob(f"{PART}*"):
            shutil.rmtree(left)
        yield


def fill(part, keys, now, last):
    """The base, then the files that it names; the manifest last."""
    salt = os.urandom(32)
    for _ in range(TRIES):
        with snapshots.taken() as (stream, ask):
            base = write(part / BASE, sealed(stream, base_key(keys[0], salt), BASE))
            facts = facts_of(ask)
        pieces, missing = copy_files(part, facts.pop("digests"), last)
        if not gone_meanwhile(missing):
            break
    manifest = {"version": 1, "made_at": now.isoformat(), "database": snapshots.kind(), "salt": salt.hex(), **facts}
    manifest |= {"pieces": {BASE: base, **pieces}, "missing": missing}
    text = json.dumps(manifest | {"signature": signature(manifest, keys[0])}, indent=1)
    write(part / MANIFEST, [text.encode()])
    return manifest


def facts_of(ask):
    """What the base says of itself at the instant of the copy."""
    held = ask("SELECT digest FROM stored_file WHERE dropped_at IS NULL AND digest IS NOT NULL ORDER BY id")
    names = [table._meta.table_name for table in TABLES]
    return {
        "digests": [digest for (digest,) in held],
        "erased": [name for (name,) in ask("SELECT object_id FROM audit_event WHERE action = 'person.erase'")],
        "audit_head": next(map(list, ask("SELECT number, hash FROM audit_head")), [0, "0" * 64]),
        "migrations": sorted(name for (name,) in ask("SELECT name FROM schema_migration")),
        "rows": {name: ask(f'SELECT count(*) FROM "{name}"')[0][0] for name in names},  # nosec B608
    }


def copy_files(part, digests, last):
    """(path → [size, SHA-256] of the files that the base names, those that the store has not)."""
    pieces, missing = {}, []
    before, known = last or (None, {"pieces": {}})
    for digest in digests:
        path = f"files/{digest[:2]}/{digest}"
        (part / path).parent.mkdir(parents=True, exist_ok=True)
        try:
            same = known["pieces"].get(path)
            linked = same and link(before / path, part / path)
            pieces[path] = same if linked else write(part / path, stored(digest))
        except Unavailable as fault:
            if str(fault) not in ("ENOENT", "NoSuchKey", "404"):  # the store itself is away
                raise
            missing.append(digest)
    return pieces, missing


def link(there, here):
    """The same file, where the disk can; False when it is to be copied."""
    try:
        if not here.exists():
            os.link(there, here)
        return True
    except OSError:
        return False


def stored(digest):
    place = storage.store.place
    with place.said(), closing(place.open(digest)) as file:
        while piece := file.read(PIECE):
            yield piece


def gone_meanwhile(missing):
    """Of files that the store has not, whether some left it while the others were copied."""
    return bool(missing) and StoredFile.held().where(StoredFile.digest.in_(missing)).count() < len(missing)


def write(path, pieces):
    """A file that is on the disk to its end: [size, SHA-256]."""
    digest, size = hashlib.sha256(), 0
    try:
        with open(path, "wb") as out:
            for piece in pieces:
                digest.update(piece)
                size += out.write(piece)
            out.flush()
            os.fsync(out.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return [size, digest.hexdigest()]


# ── The manifest ─────────────────────────────────────────────────────────────────────────────────────────────────


def base_key(key, salt):
    return derive(key, b"backup " + salt)


def signature(manifest, key):
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    return hmac.new(derive(key, b"backup manifest"), text.encode(), hashlib.sha256).hexdigest()


def read(backup, keys):
    """(its manifest, the key that signed it); raises Refused."""
    try:
        manifest = json.loads((backup / MANIFEST).read_bytes())
        signed = manifest.pop("signature")
    except (OSError, ValueError, KeyError, AttributeError):
        raise Refused(f"{backup} n’est pas une sauvegarde : son manifeste ne se lit pas.") from None
    for key in keys:
        if hmac.compare_digest(signature(manifest, key).encode(), str(signed).encode()):
            return manifest, key
    raise Refused("BACKUP_KEY n’ouvre pas cette sauvegarde : il faut la clé du jour où elle a été faite.")


def backups_of(folder):
    """Those that are whole, the oldest first."""
    return sorted(path.parent for path in folder.glob(f"[0-9]*/{MANIFEST}"))


def last_good(folder, keys):
    """(the last backup, its manifest), to link files to; None without one that these keys know."""
    for backup in reversed(backups_of(folder)):
        try:
            return backup, read(backup, keys)[0]
        except Refused:
            continue
    return None


# ── Putting one back ─────────────────────────────────────────────────────────────────────────────────────────────


def found(source):
    """The backup that a path names: itself, a file of it, or the last of the folder."""
    if (source / MANIFEST).is_file():
        return source
    if source.is_file():
        return source.parent
    backups = backups_of(source)
    if not backups:
        raise Refused(f"Aucune sauvegarde dans {source}.")
    return backups[-1]


def check(source, settings, known_migrations):
    """(where it is, its manifest, its key) of a backup of which every byte is as it was written. Raises Refused."""
    if not settings.backup_keys:
        raise Refused(NO_KEY)
    backup = found(source)
    manifest, key = read(backup, settings.backup_keys)
    if manifest["database"] != snapshots.kind():
        raise Refused(f"Cette sauvegarde est celle d’une base {manifest['database']} : changez DATABASE_URL.")
    if not set(manifest["migrations"]) <= set(known_migrations):
        raise Refused("Cette sauvegarde vient d’une version plus récente du portail : installez-la d’abord.")
    for path, expected in manifest["pieces"].items():
        if sum_of(backup / path) != expected:
            raise Refused(f"La sauvegarde est abîmée : {path} n’est pas ce qui a été écrit. Rien n’a été restauré.")
    return backup, manifest, key


def erased(backup, keys):
    """The ids of people erased since, as this backup and those beside it say: none of them may come back."""
    ids = set()
    for one in {backup, *backups_of(backup.parent)}:
        with suppress(Refused):
            ids |= set(read(one, keys)[0].get("erased", ()))
    return ids


def sum_of(path):
    try:
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return [file.tell(), digest]
    except OSError:
        return None


def refuse_unless_empty(manifest):
    """Raises Refused when the base has anything, or the store a file that this backup has not."""
    snapshots.refuse_unless_empty()
    ours = {Path(path).name for path in manifest["pieces"]}
    if any(name not in ours for name, _ in storage.store.place.names()):
        raise Refused("Le stockage des fichiers n’est pas vide : donnez-en un neuf (STORAGE_URL).")


def put_back(backup, manifest, key):
    """The files, then the base: stopped half-way, there is no base yet, and it may be done again. Raises Refused."""
    for path in manifest["pieces"]:
        if path != BASE:
            with open(backup / path, "rb") as file:
                storage.store.place.put(Path(path).name, iter(lambda file=file: file.read(PIECE), b""))
    try:
        with open(backup / BASE, "rb") as file:
            snapshots.put_back(opened(file, base_key(key, bytes.fromhex(manifest["salt"])), BASE))
    except Tampered:
        raise Refused("La base de cette sauvegarde ne s’ouvre pas. Rien n’a été restauré.") from None


def conclude(backup, manifest, settings, now):
    """Once the schema is that of the code: nobody is signed in, and both trails say that there was a restoration."""
    with db.atomic():
        UserSession.update(ended_at=now).where(UserSession.ended_at.is_null()).execute()
        made_at = datetime.fromisoformat(manifest["made_at"])
        AuditEvent.write("backup.restore", after={"name": backup.name, "made_at": made_at.isoformat()})
    audit_heads.note(settings, now, restored_to=manifest["audit_head"][0])

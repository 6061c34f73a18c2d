"""The head of the audit trail, noted each day outside the database: whoever cuts the end of the trail must forge both.

A line of `AUDIT_HEADS_DIR/audit-heads.txt` is: instant, number, hash; after a restoration, « restored » and the number
down to which the trail went back, so that what came after it is not taken for removed.
"""

import fcntl
import os
from pathlib import Path

from portal.models import AuditEvent, AuditHead

NAME = "audit-heads.txt"


def head():
    """(number, hash) of the last event."""
    last = AuditHead.get_or_none()
    return (last.number, last.hash) if last else (0, "0" * 64)


def note(settings, now, restored_to=None):
    """Add a line for the present head; nothing without a folder. Raises OSError."""
    if settings.audit_heads_dir:
        append(settings, now, *head(), *(("restored", restored_to) if restored_to is not None else ()))


def append(settings, now, *words, name_of_file=NAME):
    """A line that is on the disk when this returns."""
    folder = Path(settings.audit_heads_dir)
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / name_of_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        os.write(handle, f"{now:%Y-%m-%dT%H:%M:%SZ} {' '.join(map(str, words))}\n".encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def noted(settings):
    """[(instant, number, hash)] of the heads that must be in the trail, the oldest first."""
    kept = []
    path = Path(settings.audit_heads_dir) / NAME
    for line in path.read_text().splitlines() if settings.audit_heads_dir and path.exists() else ():
        at, number, signed, *restored = line.split()
        if restored:
            kept = [one for one in kept if one[1] <= int(restored[1])]
        kept.append((at, int(number), signed))
    return kept


def faults(settings):
    """One sentence for each head that was noted and that the trail has not, or has otherwise."""
    for at, number, signed in noted(settings):
        if not number:
            continue
        event = AuditEvent.get_or_none(AuditEvent.number == number)
        if event is None:
            yield f"Le journal a été coupé : l’événement n° {number}, noté le {at[:10]}, n’y est plus."
        elif event.hash != signed:
            yield f"L’événement n° {number} n’est pas celui qui a été noté le {at[:10]} : le journal a été réécrit."

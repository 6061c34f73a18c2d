"""What one account may take away in an hour: rows, revealed numbers, files, people looked at; counted in the database.

A stolen account reads as fast as it can; an honest day never comes near. What is refused is not counted, so that
a smaller file still leaves. The mutual is told once an hour, as of every alarm (`portal.alarms`).
"""

import logging
from dataclasses import dataclass
from datetime import timedelta

from peewee import OperationalError

from portal import alarms, database
from portal.formats import number as grouped
from portal.formats import plural
from portal.models import AuditEvent, Throttle, db

log = logging.getLogger(__name__)

HOUR = timedelta(hours=1)
LOCKED = 250  # milliseconds that a page waits at most to be counted
STOPPED = "extraction.stopped"
ROWS, REVEALS, FILES, PEOPLE = "rows", "reveals", "files", "people"


@dataclass(frozen=True)
class Kind:
    """`setting`: how many an hour."""

    setting: str
    words: str
    advice: str = ""


KINDS = {
    ROWS: Kind(
        "rows_per_hour", "lignes téléchargées", " Un fichier plus petit part peut-être encore : filtrez la liste."
    ),
    REVEALS: Kind("reveals_per_hour", "numéros affichés"),
    FILES: Kind("files_per_hour", "fichiers téléchargés"),
    PEOPLE: Kind("people_per_hour", "personnes consultées"),
}
# What an event of the trail takes away: by the end of its name, and the number of it that it says.
ENDS = {
    "export": (ROWS, "rows"),
    "reveal": (REVEALS, ""),
    "search": (REVEALS, ""),
    "download": (FILES, "documents"),
    "letters_download": (FILES, ""),
    "print": (FILES, ""),
}


def of_event(action, after):
    """(kind, number) that an event takes away; None when it takes nothing."""
    kind, number = ENDS.get(action.rpartition(".")[2], (None, ""))
    return kind and (kind, (after or {}).get(number, 1))


def take(user, kind, number, settings, now):
    """Count so many before they are given: seconds to wait when they are too many; 0 when they may go."""
    most = getattr(settings, KINDS[kind].setting)
    return Throttle.take(key_of(user, kind), number, now, most, HOUR)


class Looks:
    """People that pages show, counted in memory and written by the hundredth of the bound: a page seldom writes.

    A process that ends forgets less than a hundredth of the bound for each account.
    """

    def __init__(self):
        self.waiting = {}  # by user: people shown and not yet written

    def add(self, user, number, settings, now):
        """Before they are shown: seconds to wait when they are too many, otherwise 0."""
        number += self.waiting.get(user.id, 0)
        if number <= settings.people_per_hour // 100:
            self.waiting[user.id] = number
            return 0
        try:
            with database.without_waiting(db, LOCKED):
                seconds = take(user, PEOPLE, number, settings, now)
        except OperationalError:  # who reads waits for no writer: it is written with a later page
            self.waiting[user.id], seconds = number, 0
        else:
            if not seconds:
                self.waiting.pop(user.id, None)
        return seconds


def key_of(user, kind):
    return f"taken:{kind}:{user.id}"


def sentence(kind, seconds, settings):
    """What the page says: how much, when to go on, whom to call."""
    most = grouped(getattr(settings, KINDS[kind].setting))
    minutes = plural(-(-seconds // 60), "minute")
    return (
        f"Votre compte est à la limite de ce qui se prend en une heure ({most} {KINDS[kind].words}). "
        f"Reprenez dans {minutes}.{KINDS[kind].advice} "
        f"Si votre travail en demande plus, appelez le {settings.support_phone}."
    )


def tell(user, kind, origin, settings, now):
    """Once an hour for each account and kind: the trail, which the desk reads, and the log."""
    with db.atomic():
        if Throttle.allow(f"told:{kind}:{user.id}", now, 1, HOUR):
            return
        AuditEvent.write(STOPPED, on=user, by=user, after={"kind": kind}, origin=origin, now=now)
        link = f"/gestion/journal?quoi={STOPPED}"
        alarms.write(alarms.EXTRACTION, alarms.EXTRACTED, link, settings, now)
    log.warning("extraction: user %s reached its limit of %s an hour", user.id, kind)

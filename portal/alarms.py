"""What looks like an attack is counted in the database, and told to the mutual once a burst.

A burst is more in an hour than honest work makes, of one account, of one network address or of the whole portal. It is
an event of the trail (who, from where), a line of « À traiter », a line of the log, and an e-mail to SECURITY_EMAIL,
which names nobody: one an hour for each kind, however many accounts are tried.
"""

import logging
import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from peewee import OperationalError

from portal import database, outbox
from portal.models import AuditEvent, MessageKind, Throttle, db

log = logging.getLogger(__name__)

HOUR = timedelta(hours=1)
LOCKED = 250  # milliseconds that a refusal waits at most to be counted
LEAST_ROOM = 0.15  # of a disk
ACCOUNT, ADDRESS, PORTAL = "account", "address", "portal"  # whose burst it is
GUESSED, GUESSING, SPRAYED, CODES = "sign_in", "sign_in_address", "sign_in_portal", "codes"
REFUSALS, LINKS, DISK, EXTRACTION = "refusals", "links", "disk", "extraction"


@dataclass(frozen=True)
class Burst:
    """`most`: how many an hour of `whose` are nothing yet; `words`: of the e-mail, after « Le portail signale »."""

    most: int
    whose: str
    words: str


BURSTS = {
    GUESSED: Burst(10, ACCOUNT, "des mots de passe faux, à la suite, pour un même accès"),
    GUESSING: Burst(25, ADDRESS, "des connexions refusées, à la suite, depuis une même adresse du réseau"),
    SPRAYED: Burst(200, PORTAL, "beaucoup de connexions refusées, sur tout le portail"),
    CODES: Burst(10, ACCOUNT, "des codes faux, ou des confirmations refusées, à la suite, dans un même accès"),
    REFUSALS: Burst(30, ACCOUNT, "un accès qui demande, à la suite, des pages qui ne lui sont pas ouvertes"),
    LINKS: Burst(
        20, ADDRESS, "des liens ou des codes de document essayés à la suite, depuis une même adresse du réseau"
    ),
}
EXTRACTED = "un accès qui a pris tout ce qui se prend en une heure"
FULL = "un disque du serveur qui a moins de 15 % de place"
ACTIONS = {kind: f"alert.{kind}" for kind in (*BURSTS, DISK)}
# What an event of the trail is one more of.
OF_EVENT = {
    "session.refused": (GUESSED, GUESSING, SPRAYED),
    "session.unproved": (CODES,),
    "factor.refused": (CODES,),
    "guest.refused": (LINKS,),
}


def of_event(action, by, origin, settings, now):
    for kind in OF_EVENT.get(action, ()):
        note(kind, by, origin, settings, now)


def note(kind, by, origin, settings, now):
    """One more of what is seldom. `by`: the user, or None; `origin`: (address, request id), as in the trail.

    What is not counted since the database is busy is counted with the next one: who is refused waits for no writer.
    """
    burst = BURSTS[kind]
    whose = {ACCOUNT: by and by.id, ADDRESS: origin[0], PORTAL: PORTAL}[burst.whose]
    if not whose:
        return
    try:
        with database.without_waiting(db, LOCKED):
            if Throttle.take(f"burst:{kind}:{whose}", 1, now, burst.most, HOUR):
                tell(kind, whose, by, origin, settings, now)
    except OperationalError:
        log.warning("alert: a refusal was not counted (%s)", kind)


def tell(kind, whose, by, origin, settings, now):
    """Once an hour for each of them."""
    burst = BURSTS[kind]
    with db.atomic():
        if Throttle.allow(f"told:{kind}:{whose}", now, 1, HOUR):
            return
        after = {"more_than": burst.most}
        AuditEvent.write(ACTIONS[kind], on=by, by=by, after=after, origin=origin, now=now, role="visitor")
        write(kind, burst.words, f"/gestion/journal?quoi={ACTIONS[kind]}", settings, now)
    log.warning("alert: %s, more than %s in an hour, %s", kind, burst.most, f"user {by.id}" if by else "a visitor")


def write(kind, words, link, settings, now):
    """To who answers for security: one e-mail an hour of each kind; who, and from where, is in the trail alone."""
    if Throttle.allow(f"alert:{kind}", now, 1, HOUR):
        return
    to = settings.security_email or settings.dpo_email
    outbox.email(to, "alert", now, kind=MessageKind.SECURITY, told=words, link=link)


# ── The machine ──────────────────────────────────────────────────────────────────────────────────────────────────


def watch_disks(settings, now):
    """Told once a day while one of them is nearly full: there is time to make room before anything is refused."""
    if not any(is_nearly_full(folder) for folder in folders(settings)):
        return
    with db.atomic():
        if Throttle.allow(f"told:{DISK}", now, 1, timedelta(days=1)):
            return
        AuditEvent.write(ACTIONS[DISK], now=now, role="worker")
        write(DISK, FULL, f"/gestion/journal?quoi={ACTIONS[DISK]}", settings, now)
    log.warning("alert: a disk has less than %.0f %% of room", LEAST_ROOM * 100)


def is_nearly_full(folder):
    try:
        room = shutil.disk_usage(next(one for one in (folder, *folder.parents) if one.exists()))
    except OSError:  # another machine's that is away
        return False
    return room.free < LEAST_ROOM * room.total


def folders(settings):
    """Those that the portal writes to on this machine, or will make there; each may be a disk of its own."""
    places = {settings.instance, Path(settings.audit_heads_dir or settings.instance)}
    if settings.storage_url.startswith("file://"):
        places.add(Path(unquote(urlsplit(settings.storage_url).path)))
    if settings.database_url.startswith("sqlite:///"):
        places.add(Path(unquote(settings.database_url.removeprefix("sqlite:///"))).parent)
    return places

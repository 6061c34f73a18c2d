"""A signature: a typed name, and a code sent to a telephone or an address, that signs once.

What is signed is a row: the link of an employee, or the mandate of a company. It has the columns `code_…` and `live`.
"""

import datetime
import secrets
from enum import StrEnum

from portal import outbox
from portal.models import Channel, GuestLink, MessageKind, Throttle, db, vault

DIGITS, LASTS, TRIES = 6, datetime.timedelta(minutes=10), 5
PAUSE = datetime.timedelta(seconds=60)  # between two codes
FREE_CODES = 8  # then they come ever more slowly: a link lets some hundred codes be tried a day, of a million


class Tried(StrEnum):
    """What a code that was typed is worth."""

    RIGHT = "RIGHT"
    WRONG = "WRONG"
    OVER = "OVER"  # none was sent, too long ago, or tried too often: another one has to be asked


def prepare(link, decision, name, version):
    """What the next code will sign: the decision, the typed name, and the answers as they were shown."""
    values = {"decision": decision, "typed_name": name, "seen_version": version, "code_hash": ""}
    GuestLink.update(values).where(GuestLink.id == link.id).execute()


def send_code(link, channel, to, first_name, now, template="guest_code", **more):
    """Draw a code and send it; the seconds to wait when it is too early for another one, 0 when it goes."""
    with db.atomic():
        wait = pause(link, now) or Throttle.wait([throttle_key(link)], now)
        if wait:
            return wait
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
        drawn = {"code_hash": hashed(link, code), "code_tries": 0, "code_channel": channel}
        drawn |= {"code_sent_at": now, "code_expires_at": now + LASTS, "code_to": sealed(link, to)}
        earlier = link.code_sent_at
        table = type(link)
        same = table.code_sent_at.is_null() if earlier is None else table.code_sent_at == earlier
        if table.update(drawn).where(table.id == link.id, same, table.live(now)).execute() != 1:
            return int(PAUSE.total_seconds())  # the other click was a little faster
        Throttle.count(throttle_key(link), now, FREE_CODES, slowest=86_400)
        send = outbox.sms if channel == Channel.SMS else outbox.email
        words = {"first_name": first_name, "code": code, "not_after": now + LASTS} | more
        send(to, template, now, kind=MessageKind.SECURITY, about=link, **words)
    return 0


def sealed(link, to):
    return vault.seal(to, link._meta.table_name, "code_to", link.public_id)


def code_recipient(link):
    """The number or the address that the last code went to."""
    return vault.open(link.code_to, link._meta.table_name, "code_to", link.public_id)


def pause(link, now):
    """Seconds before another code may be asked."""
    left = link.code_sent_at + PAUSE - now if link.code_sent_at else datetime.timedelta(0)
    return max(0, int(left.total_seconds()) + 1) if left > datetime.timedelta(0) else 0


def throttle_key(link):
    return f"guest-code:{link.public_id.hex}"


def hashed(link, code):
    """Under a key of the vault: of six digits, a bare hash tells everything."""
    return vault.index(code, "guest_code", link.public_id)


def try_code(link, typed, now):
    """Count the try, then look at it; outside of the transaction that signs, so that a failure stays counted."""
    table = type(link)
    left = table.update(code_tries=table.code_tries + 1).where(
        table.id == link.id,
        table.code_hash != "",
        table.code_tries < TRIES,
        table.code_expires_at > now,
        table.live(now),
    )
    if left.execute() != 1:
        return Tried.OVER
    kept = table.select(table.code_hash, table.code_tries).where(table.id == link.id).get()
    digits = "".join(sign for sign in typed if sign.isdecimal() and sign.isascii())
    possible = vault.indexes(digits, "guest_code", [link.public_id])
    if any(secrets.compare_digest(kept.code_hash, one) for one in possible):
        return Tried.RIGHT
    return Tried.OVER if kept.code_tries >= TRIES else Tried.WRONG


def is_waited_for(link, now):
    """Whether a code was sent that may still be typed."""
    return bool(link.code_hash) and link.code_tries < TRIES and link.code_expires_at > now

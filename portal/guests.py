"""The links given to employees: drawn, opened by a birth date, cancelled; no menu and no account behind them."""

import datetime
import secrets
from dataclasses import dataclass

from portal import outbox
from portal.exchange.affiliation_cells import BIRTH_DATE, NAMES
from portal.models import (
    Beneficiary,
    Enrolment,
    GuestChannel,
    GuestLink,
    GuestPurpose,
    MessageKind,
    digest,
    insert_many,
)
from portal.rules import Refused, dates
from portal.rules.retention import TERMS

WHO, BORN = "salarie", NAMES[BIRTH_DATE]  # the step and the box of an enrolment that hold the birth date


@dataclass(frozen=True)
class Wanted:
    """A link to be drawn: for an enrolment, or for an employee who is covered."""

    channel: GuestChannel
    recipient: str = ""  # address or number; "" for a letter
    enrolment: Enrolment | None = None
    beneficiary: Beneficiary | None = None


def draw(purpose, now, wanted, by=None):
    """(link, token): the token opens the link and is kept nowhere; the caller puts `path(token)` in a message."""
    return draw_many(purpose, now, [wanted], by)[0]


def draw_many(purpose, now, wanted, by=None):
    """The same for many, in a few statements: [(link, token)] in their order."""
    drawn = []
    for one in wanted:
        token = secrets.token_urlsafe(32)
        link = GuestLink(
            purpose=GuestPurpose(purpose),
            enrolment=one.enrolment,
            beneficiary=one.beneficiary,
            token_hash=digest(token),
            channel=GuestChannel(one.channel),
            author=by,
            created_at=now,
            expires_at=now + datetime.timedelta(days=GuestLink.DAYS),
        )
        link.seal(one.recipient)
        drawn.append((link, token))
    insert_many(GuestLink, [link for link, _ in drawn])
    return drawn


def path(token):
    """Where the employee goes: the settings' public address comes before it."""
    return f"/salarie/{token}"


def send(link, token, template, first_name, now):
    """Write the message that carries a link, in the caller's transaction; a letter carries it otherwise."""
    words = {"first_name": first_name, "link": path(token), "not_after": link.expires_at}
    write = outbox.sms if link.channel == GuestChannel.SMS else outbox.email
    return write(link.unseal(), template, now, kind=MessageKind.ENROLMENT, about=link, **words)


def born_on(link):
    """The birth date that opens a link; None when nobody said it."""
    if link.beneficiary_id:
        return link.beneficiary.birth_date
    said = link.enrolment.unseal().get(WHO, {}).get(BORN) or [""]
    try:
        return dates.french_date(said[0], link.created_at.date(), birth=True)
    except Refused:
        return None


def confirm(link, born, now):
    """Whether the employee was born that day; each wrong day counts, and the tenth ends the link."""
    if not link.miss():
        return False
    if born is None or born != born_on(link):
        return False
    link.open(now)
    return True


def cancel(enrolment, now):
    """End the links of an enrolment that still work, and so the sessions that they opened; how many."""
    live = GuestLink.update(cancelled_at=now).where(GuestLink.enrolment == enrolment, GuestLink.live(now))
    return live.execute()


def purge(now):
    """Forget links some time after they ended: what came of them stands elsewhere."""
    return GuestLink.delete().where(GuestLink.expires_at < now - TERMS["guest_link"].time).execute()

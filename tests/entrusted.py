"""An enrolment given to its employee, and what they type; a browser that opened the link."""

import re

from portal import clock, entrusting, guests
from portal.models import Enrolment, GuestChannel, GuestLink, OutboxMessage
from tests import enrolling

BORN = "30/06/1994"
WHO = {"nom": "Lacroix", "prenom": "Inès", "datedenaissance": BORN}
MAIL = "ines@example.com"


def invite(client, user, **words):
    """HR gives somebody new a link; the answer."""
    given = {**enrolling.contract_words(user), **WHO, "canal": "EMAIL", "courriel": MAIL}
    return client.post("/adhesion/confier", given | words)


def message(about=None):
    """The last message, as it waits: its text, with the link."""
    messages = OutboxMessage.about(about) if about else OutboxMessage.select().order_by(OutboxMessage.id.desc())
    return messages.first().unseal()


def token_in(text):
    return re.search(r"/salarie/([\w-]{43})", text)[1]


def given(client, user, **words):
    """(the enrolment, the token of its link)."""
    answer = invite(client, user, **words)
    assert answer.status_code == 303, enrolling.said(answer)
    return Enrolment.get(), token_in(message(GuestLink.get())["text"])


def entrusted(user, channel=GuestChannel.EMAIL, to=MAIL):
    """(enrolment, link, token), without a browser."""
    return user, channel, to, clock, entrusting, guests

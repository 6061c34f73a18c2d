"""An enrolment given to its employee, and what they type; a browser that opened the link."""

import re

from portal.models import Enrolment, GuestLink, OutboxMessage
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


def opened(app, token):
    """The employee's telephone, once the link was opened."""
    phone = app.test_client()
    assert phone.post(f"/salarie/{token}", {"naissance": BORN}).status_code == 303
    return phone


def base(link=None):
    return f"/salarie/{(link or GuestLink.get()).public_id}"


def type_step(phone, step, words, action="suivant", link=None):
    """Send the form of a step, from a page that was drawn now."""
    address = f"{base(link)}/adhesion/{step}"
    page = enrolling.hidden(phone.get(address).get_data(as_text=True))
    return phone.post(address, {**page, **words, "action": action})


def type_all(phone, until="verification", **steps):
    for step, words in enrolling.STEPS.items():
        if step == until:
            break
        answer = type_step(phone, step, steps.get(step, words))
        assert answer.status_code == 303, (step, enrolling.said(answer))


SIGNATURE = {"exact": "y", "notice": "y", "signature": "Inès Lacroix", "envoi": "0"}


def accept(phone, **words):
    """Accept the last look: the code goes."""
    address = f"{base()}/adhesion/verification"
    page = enrolling.hidden(phone.get(address).get_data(as_text=True))
    return phone.post(address, page | SIGNATURE | words)


def code():
    """The six digits of the last message."""
    return re.search(r"\b(\d{6})\b", message()["text"])[1]


def sign(phone, digits=None):
    return phone.post(f"{base()}/signature", {"code": digits or code()})

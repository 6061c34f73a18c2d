"""E-mails and SMS: written in the transaction of their cause, sent afterwards by the worker, tried again when it fails.

`email` and `sms` write one message; `letter` and `text` make one that `write_many` writes with others. A template is
emails/<name>.txt (or <name>.sms.txt), which sets `subject`, and perhaps `action`, the words of its button. Its
paragraphs make the HTML too, unless there is an emails/<name>.html. It is told what the caller gives, `first_name`, and
`url`: the whole address of `link`, a path of the portal. No message holds more of a person than the first name, nor a
link that signs in by itself.
"""

import datetime
import logging
import re
import time
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import (
    ChoiceLoader,
    DictLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    select_autoescape,
)

from portal import clock, database, formats
from portal.carriers import Gateway, Later, Post, Refused, Silent, Unreachable
from portal.mime import mail
from portal.models import Channel, MessageKind, MessageState, OutboxMessage, User, db, insert_many, named
from portal.settings import Brand

# Seconds before each new try; after the last, two days later, the message has failed for good.
DELAYS = [60, 300, 1_800, 7_200, 21_600, 43_200, 86_400]
AT_ONCE = 25  # messages in a worker's hands: after a kill, they wait for the end of its lease
LONGEST = 60.0  # seconds of sending before the worker looks at its other work

SET = ("subject", "action")  # by a template
log = logging.getLogger(__name__)

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
BLANK = re.compile(r"[ \t\r\n]+")  # not the spaces that hold French signs to their word
OURS = FileSystemLoader(Path(__file__).parent / "emails")
own_texts: dict[str, str] = {}  # file name → what the mutual wrote in place of ours (portal.wording)
templates = Environment(
    loader=ChoiceLoader([DictLoader(own_texts), OURS]),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
WRITTEN = (formats.date_fr, formats.datetime_fr, formats.euros, formats.long_date, formats.number, formats.phone_fr)
templates.filters |= {written.__name__: written for written in WRITTEN}
templates.globals |= {"plural": formats.plural}
first_words = templates.overlay(loader=OURS, cache_size=100)


def use(settings):
    """How the mutual presents itself, and where the portal is: for the templates."""
    templates.globals |= {"brand": Brand(settings), "public_url": settings.public_url}
    if settings.own_texts != own_texts:
        own_texts.clear()
        own_texts.update(settings.own_texts)
        if templates.cache:
            templates.cache.clear()


# ── Writing ──────────────────────────────────────────────────────────────────────────────────────────────────────


def email(to, template, now, user=None, **options):
    """Leave an e-mail to be sent, in the caller's transaction: it goes if its cause stays. Options: see `letter`."""
    return write_many([letter(to, template, now, user, **options)])[0]


def sms(number, template, now, user=None, **options):
    """Leave a text to be sent to a number (E.164). Options: see `letter`."""
    return write_many([text(number, template, now, user, **options)])[0]


def write_many(messages):
    """Write messages that `letter` and `text` made: a few statements for a thousand of them."""
    with db.atomic():
        insert_many(OutboxMessage, messages, at_once=500)
    return messages


def letter(to, template, now, user=None, *, kind, about=None, not_before=None, not_after=None, **context):
    """An e-mail that is not written yet.

    `user`: whose choice of « à la fois, une fois par jour, jamais » it follows; none for who does not sign in here.
    `about`: the row whose page tells what became of it. `not_before`: it may be taken back until then. `not_after`:
    of no use any more. `context`: what the template says, each word on one line; `link`: a path of the portal.
    """
    words = told(user, context)
    page = composed(f"{template}.txt", lambda found: found.make_module(words))
    words |= {"action": "Ouvrir la page"} | {name: one_line(said) for name, said in vars(page).items() if name in SET}
    words |= {"paragraphs": paragraphs(str(page)), "has_choice": user is not None and kind.is_wished}
    own = templates.select_template([f"{template}.html", "letter.html"])
    content = {"to": to, "link": words["link"], "html": own.render(words)}
    content["text"] = templates.get_template("layout.txt").render(words).strip() + "\n"
    message = unsent(Channel.EMAIL, formats.email_masked(to), now, user, kind, about, not_before, not_after)
    message.subject = words["subject"]
    message.seal(content)
    return message


def text(number, template, now, user=None, *, kind, about=None, not_before=None, not_after=None, **context):
    """A text that is not written yet; the options of `letter`."""
    words = told(user, context)
    said = composed(f"{template}.sms.txt", lambda found: found.render(words))
    body = BLANK.sub(" ", said).strip()
    message = unsent(Channel.SMS, formats.phone_masked(number), now, user, kind, about, not_before, not_after)
    message.seal({"to": number, "link": words["link"], "text": body})
    return message


def composed(name, make):
    """What `make` draws from a template; from ours where the mutual's own cannot be drawn: a message always goes."""
    try:
        return make(templates.get_template(name))
    except (TemplateError, TypeError, ValueError) as fault:
        if name not in own_texts:
            raise
        log.error("the mutual's own %s: %s", name, type(fault).__name__)
        return make(first_words.get_template(name))


def told(user, context):
    """What a template may say: strings on one line, so that a name never makes a paragraph."""
    words = {"first_name": user.first_name if user else "", "link": ""} | context
    words = {name: one_line(value) if isinstance(value, str) else value for name, value in words.items()}
    return words | {"url": templates.globals["public_url"] + words["link"]}


def one_line(words):
    return CONTROL.sub(" ", words).strip()


def paragraphs(body):
    """The text between empty lines, each on one line."""
    return [BLANK.sub(" ", part).strip() for part in re.split(r"\n\s*\n", body) if part.strip()]


def unsent(channel, recipient, now, user, kind, about, not_before, not_after):
    object_type, object_id = named(about)
    return OutboxMessage(
        channel=channel,
        recipient=recipient,
        kind=kind,
        user=user and user.id,
        object_type=object_type,
        object_id=object_id,
        created_at=now,
        not_before=not_before or now,
        not_after=not_after,
    )


# ── Once a day ───────────────────────────────────────────────────────────────────────────────────────────────────

MOST_LINES = 50  # of a digest; the others are counted


def write_digests(settings, now):
    """Write one e-mail to each user who chose so, with a line for each message that was kept for it; how many.

    Asked again and again, it writes no second one: what a digest tells no longer waits.
    """
    until = last_time_of_digests(settings, now)
    written = 0
    for user in User.select().where(User.id.in_(OutboxMessage.awaiting_digest(until, now))):
        with db.atomic():
            grouped = OutboxMessage.group(user.id, until, now)
            if grouped:
                digest(user, grouped, now).tell_instead_of(grouped)
                written += 1
    return written


def last_time_of_digests(settings, now):
    today = clock.day_of(now)
    at = clock.instant(today, settings.digest_time)
    return at if at <= now else clock.instant(today - datetime.timedelta(days=1), settings.digest_time)


def digest(user, grouped, now):
    lines = [(message.subject, templates.globals["public_url"] + message.unseal()["link"]) for message in grouped]
    told = {"day": clock.day_of(now), "lines": lines[:MOST_LINES], "others": len(lines[MOST_LINES:])}
    return email(user.identifier, "digest", now, user, kind=MessageKind.DIGEST, link="/", **told)


# ── Sending ──────────────────────────────────────────────────────────────────────────────────────────────────────


def send_due(settings, now, most=1_000, stopped=lambda: False):
    """Send what is due, over one connection: the number sent. What fails waits longer each time, and is never lost.

    A message is marked as sent right after its server accepted it: a worker that is killed in between, and in between
    alone, leaves one message that is sent again, under the same Message-ID or reference. The mark leaves at once, and
    its answer is read before the next message does: one is opened and composed while the other is marked.
    """
    if not OutboxMessage.due(now).exists():
        return 0
    sent, until = 0, time.monotonic() + LONGEST
    with Post(settings.smtp_url) as post:
        outgoing = Outgoing(settings, post, now, over=lambda: stopped() or time.monotonic() > until)
        while sent < most and not outgoing.over():
            OutboxMessage.forget_unwanted(now)
            batch = OutboxMessage.claim(now, min(AT_ONCE, most - sent))
            with database.lightly(db) as outgoing.marks:
                done = sum(outgoing.send(message) for message in batch)
            sent += done
            if not done:
                break
    return sent


class Outgoing:
    """Messages on their way, one after the other: one that is refused or put off does not stop the others."""

    def __init__(self, settings, post, now, over):
        self.settings, self.post, self.now, self.over = settings, post, now, over
        self.sender = parseaddr(settings.mail_from)
        self.last: dict[str, Exception] = {}  # by channel: the fault of the message before,
        self.away: dict[str, str] = {}  # and what puts off all the others
        self.marks: database.Ahead  # of the batch in hand

    def send(self, message):
        """True when it was accepted."""
        if self.over():
            message.attempts -= 1
            message.put_off(message.not_before, execute=self.marks.write)
        elif message.is_outdated(self.now):
            self.settle(message, MessageState.FAILED, "Outdated")
        elif message.channel in self.away:
            self.try_later(message, self.away[message.channel])
        else:
            return self.try_now(message)
        return False

    def try_now(self, message):
        try:
            self.hand_over(message)
        except Refused as refusal:
            self.settle(message, MessageState.FAILED, str(refusal))
            self.last.pop(message.channel, None)
        except (Later, Unreachable) as fault:
            self.try_later(message, str(fault))
            self.heed(message.channel, fault)
        except database.AWAY:  # no mark can be written: the batch waits for the end of its lease
            raise
        except Exception as fault:  # whatever is wrong with this one, the next goes
            log.error("message %s: %s", message.public_id, type(fault).__name__)
            self.try_later(message, type(fault).__name__)
        else:
            self.settle(message, MessageState.SENT)
            self.last.pop(message.channel, None)
            return True
        return False

    def hand_over(self, message):
        content = message.unseal()
        name = f"{message.id}.{message.public_id.hex}"
        written = self.written(message, content, name) if message.channel == Channel.EMAIL else None
        self.marks.wait()
        if written is None:
            Gateway(self.settings.sms_url).send(content["to"], content["text"], message.public_id.hex, name)
        else:
            self.post.send(self.sender[1], content["to"], written, name)

    def written(self, message, content, name):
        try:
            return mail(
                message_id=f"{name}@{urlsplit(self.settings.public_url).hostname}",
                sender=(self.sender[0] or self.settings.brand_name, self.sender[1]),
                to=content["to"],
                subject=message.subject,
                at=message.created_at,
                text=content["text"],
                html=content["html"],
            )
        except ValueError:
            raise Refused("ValueError") from None

    def settle(self, message, state, error=""):
        message.settle(state, self.now, error, execute=self.marks.write)

    def try_later(self, message, error):
        if message.attempts > len(DELAYS):
            self.settle(message, MessageState.FAILED, error)
        else:
            until = self.now + datetime.timedelta(seconds=DELAYS[message.attempts - 1])
            message.put_off(until, error, execute=self.marks.write)

    def heed(self, channel, fault):
        """Two servers' silences in a row are no message's fault: the others wait too."""
        silent = isinstance(fault, Silent) and isinstance(self.last.get(channel), Silent)
        if silent or isinstance(fault, Unreachable):
            self.away[channel] = str(fault)
        self.last[channel] = fault

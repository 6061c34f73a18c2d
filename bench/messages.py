"""What people receive: a thousand reminders over one line beside smtplib alone, a bulletin beside WeasyPrint alone."""

import dataclasses
import smtplib
import time
from urllib.parse import urlsplit

from app import create_app
from bench import apart, data
from bench.money import drawn
from bench.report import figure, table, verdict
from bench.wizard import steps
from portal import clock, documents, drawing, enrolments, outbox, printing
from portal.models import Document, MessageKind, User, db
from tests import factories
from tests.servers import smtp

MAILS, ROUNDS = 1_000, 3
RATE, PRINTED = 2, 1.3  # times as long at most


def reminders():
    """The e-mails of so many people, who are asked for a proof."""
    words = {"count": 1, "late": False, "due_on": clock.today(), "link": f"/lien/{'a' * 43}"}
    return [
        outbox.letter(f"personne{number}@example.com", "proof_reminder", clock.now(), kind=MessageKind.PROOF, **words)
        for number in range(MAILS)
    ]


def send(settings):
    """The worker's sending, its marks in the database with it: seconds on the clock."""
    create_app(settings=settings)
    with db.connection_context():
        outbox.write_many(reminders())
        yield
        began = time.monotonic()
        sent = outbox.send_due(settings, clock.now())
        yield sent, time.monotonic() - began


def send_bare(address, mails):
    yield
    began = time.monotonic()
    with smtplib.SMTP(address.hostname, address.port) as line:
        for to, content in mails:
            line.sendmail("portail@example.com", [to], content)
    yield len(mails), time.monotonic() - began


def show_mails(place):
    rounds = []
    for _ in range(ROUNDS):
        with smtp() as (mailbox, url):
            settings = dataclasses.replace(place.settings, smtp_url=url)
            ours = apart.measured(send, settings).gave
            bare = apart.measured(send_bare, urlsplit(url), list(mailbox.mails)).gave
        rounds.append((ours, bare))
    ours, bare = (min(found, key=lambda one: one[1]) for found in zip(*rounds, strict=True))
    row = ["Relances envoyées", ours[0], ours[0] / ours[1], bare[0] / bare[1], verdict(ours[1] / bare[1], RATE)]
    table(f"E-mails, {place.name}", ("", "envoyés", "par s", "smtplib nu, par s", "× durée"), [row])


def bulletin(settings):
    """The worker prints it; then asks again: (its page, whether it was made, made a second time)."""
    create_app(settings=settings)
    with db.connection_context():
        user = User.known(data.EVERYONE)
        draft = factories.enrolment(user, steps()).read_whole()
        with db.atomic():
            enrolments.submit(draft, user, clock.now())
        document = Document.select().order_by(Document.id.desc()).get()
        drawing.engine()
        html = printing.html(document.template, title=document.title, code="x", **document.unseal())
        yield
        made = documents.make_due(clock.now())
        yield html, made, documents.make_due(clock.now())


def show_bulletin(place):
    asked = apart.measured(bulletin, place.settings)
    html, made, again = asked.gave
    bare = apart.measured(drawn, html)
    ratio = verdict(asked.cpu / bare.cpu, PRINTED)
    heads = ("", "fait", "refait", "CPU s", "WeasyPrint nu, CPU s", "× CPU")
    table(f"Bulletin d’adhésion, {place.name}", heads, [["", figure(made), figure(again), asked.cpu, bare.cpu, ratio]])


def show(place):
    show_mails(place)
    show_bulletin(place)

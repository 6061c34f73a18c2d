"""A template of prints/ in, an accessible PDF out: tagged (PDF/UA-1), in French, its fonts within, nothing elsewhere.

`letters` prints one letter for each of several people, with a link that a telephone reads (QR code).
"""

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import segno
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from segno import helpers

from portal import formats
from portal.drawing import draw
from portal.exchange.children import child
from portal.settings import Brand

templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "prints"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
WRITTEN = (
    *(formats.date_fr, formats.datetime_fr, formats.euros, formats.iban_grouped, formats.long_date),
    *(formats.number, formats.phone_fr, formats.share, formats.upper_name),
)
templates.filters |= {written.__name__: written for written in WRITTEN}
templates.globals |= {"plural": formats.plural}

CHILD = Path(__file__).with_name("drawing_child.py")
SECONDS = 900  # on the clock; the child has its own seconds of the processor


class CutShort(Exception):
    """What drew ended before it was done: its argument is the class of the fault, where it could say it."""


def use(settings):
    """How the mutual presents itself, and where the portal is: for the templates."""
    templates.globals |= {"brand": Brand(settings), "public_url": settings.public_url}


def pdf(template, **context):
    """prints/<template>.html with these words, as the bytes of a PDF/UA-1 document; raises Elsewhere."""
    return draw(html(template, **context))


def html(template, **context):
    """The page that is drawn."""
    return templates.get_template(f"{template}.html").render(context)


def pdf_apart(template, laid_out, **context):
    """The same, drawn by a process of its own, whose memory and time are bounded; raises CutShort.

    `laid_out`: hears the number of each page that is laid out; what it raises ends the drawing.
    """
    page = html(template, **context)
    with memory_file(page) as file, TemporaryDirectory() as folder, child(CHILD, file, [folder], SECONDS) as said:
        for line in said:
            word, what = line.split()
            if word == b"pages":
                laid_out(int(what))
            elif word == b"pdf" and len(data := said.read(int(what))) == int(what):
                return data
            elif word == b"fault":
                raise CutShort(what.decode())
    raise CutShort


@contextmanager
def memory_file(text):
    """A file that no disk holds: what is printed tells of people."""
    with os.fdopen(os.memfd_create("page"), "wb") as file:
        file.write(text.encode())
        yield file


# ── Letters ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Letter:
    """What is printed for one person: `recipient`, the lines of the envelope; `url`, the whole address of a link."""

    recipient: list[str]
    subject: str
    paragraphs: list[str]
    on: date
    url: str = ""
    sender: list[str] = field(default_factory=list)  # the company’s lines; none: the mutual writes
    after: list[str] = field(default_factory=list)  # what follows the link
    reference: str = ""


def letters(written, title):
    """Letters as one PDF, each from its first page; `title`: of the whole."""
    return pdf("letters", letters=written, title=title)


def qr_code(url, words):
    """An address as a drawing; `words` tell it to who does not see it. Error correction M: for paper."""
    drawn = segno.make(url, error="m", micro=False)
    # segno escapes the title; the rest is its own drawing
    return Markup(drawn.svg_inline(scale=4, border=2, title=words, omitsize=True))  # nosec B704


NAME = 70  # signs of a payee, at most


def transfer_code(payee, words, on_screen=False):
    """A transfer as a drawing that banking apps read (EPC069-12). payee: name, iban, bic, cents, reference.

    `on_screen`: dark on light whatever the page looks like, since no reader of codes knows of dark pages.
    """
    amount = Decimal(payee["cents"]) / 100
    name = payee["name"].strip()[:NAME].strip()
    drawn = helpers.make_epc_qr(name, payee["iban"], amount, text=payee["reference"], bic=payee["bic"] or None)
    colours = {"dark": "#000", "light": "#fff", "border": 4} if on_screen else {"border": 2}
    # segno escapes the title; the rest is its own drawing
    return Markup(drawn.svg_inline(scale=4, title=words, omitsize=True, **colours))  # nosec B704


templates.globals |= {"qr_code": qr_code, "transfer_code": transfer_code}

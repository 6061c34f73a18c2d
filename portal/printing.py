"""A template of prints/ in, an accessible PDF out: tagged (PDF/UA-1), in French, its fonts within, nothing elsewhere.

`letters` prints one letter for each of several people, with a link that a telephone reads (QR code).
"""

import logging
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

import segno
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from segno import helpers

from portal import formats
from portal.settings import Brand

STATIC = Path(__file__).parent.parent / "static"
HERE = "https://static.invalid/"  # what the addresses of a print start with: only files of static/ are behind it
TYPES = {".ttf": "font/ttf", ".woff2": "font/woff2", ".svg": "image/svg+xml", ".png": "image/png"}

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
one_at_a_time = threading.Lock()  # Pango and fontconfig keep their state for the whole process


class Pages(logging.Handler):
    """How many pages are laid out of what is being drawn, as WeasyPrint tells its log."""

    count = 0

    def emit(self, record):
        if record.msg.startswith("Step 5") and record.args:
            self.count = record.args[0]

    @contextmanager
    def counted(self):
        """Heard for one drawing alone: one that its log kept would outlive its fonts, which then end the process."""
        log, self.count = logging.getLogger("weasyprint.progress"), 0
        log.propagate = False
        log.setLevel(logging.INFO)
        log.addHandler(self)
        try:
            yield
        finally:
            log.removeHandler(self)


pages = Pages()


class Elsewhere(ValueError):
    """A print that asks for something that is no font nor picture of ours."""


def use(settings):
    """How the mutual presents itself, and where the portal is: for the templates."""
    templates.globals |= {"brand": Brand(settings), "public_url": settings.public_url}


def pdf(template, **context):
    """prints/<template>.html with these words, as the bytes of a PDF/UA-1 document; raises Elsewhere."""
    return draw(html(template, **context))


def html(template, **context):
    """The page that is drawn."""
    return templates.get_template(f"{template}.html").render(context)


def draw(page):
    """A whole HTML page as the bytes of a PDF; raises Elsewhere."""
    tools = engine()
    with one_at_a_time, pages.counted():
        try:
            document = tools.HTML(string=page, base_url=HERE, url_fetcher=tools.fetcher)
            return document.write_pdf(
                pdf_variant="pdf/ua-1", stylesheets=[tools.style], font_config=tools.fonts, cache=tools.pictures
            )
        except tools.Fatal as fault:
            raise Elsewhere(str(fault)) from None


@cache
def engine():
    """WeasyPrint, its fonts and our style, read once: the import alone takes more time than ten documents."""
    from weasyprint import CSS, HTML  # noqa: PLC0415
    from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415
    from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse  # noqa: PLC0415

    class StaticFiles(URLFetcher):
        """Serves the fonts and pictures of static/; asking for anything else stops the drawing."""

        def fetch(self, url, headers=None):
            return URLFetcherResponse(url, *served(url))

    fetcher, fonts = StaticFiles(fail_on_errors=True), FontConfiguration()
    style = (Path(__file__).parent / "prints" / "print.css").read_text(encoding="utf-8")
    return SimpleNamespace(
        HTML=HTML,
        Fatal=FatalURLFetchingError,
        fetcher=fetcher,
        fonts=fonts,
        style=CSS(string=style, base_url=HERE, url_fetcher=fetcher, font_config=fonts),
        pictures={},
    )


def served(url):
    """The bytes and headers of a file of static/."""
    path = (STATIC / unquote(url.removeprefix(HERE))).resolve()
    if not url.startswith(HERE) or not path.is_relative_to(STATIC.resolve()) or path.suffix not in TYPES:
        raise Elsewhere(url)
    return path.read_bytes(), {"Content-Type": TYPES[path.suffix]}


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


def transfer_code(payee, words):
    """A transfer as a drawing that banking apps read (EPC069-12). payee: name, iban, bic, cents, reference."""
    amount = Decimal(payee["cents"]) / 100
    name = payee["name"].strip()[:NAME].strip()
    drawn = helpers.make_epc_qr(name, payee["iban"], amount, text=payee["reference"], bic=payee["bic"] or None)
    # segno escapes the title; the rest is its own drawing
    return Markup(drawn.svg_inline(scale=4, border=2, title=words, omitsize=True))  # nosec B704


templates.globals |= {"qr_code": qr_code, "transfer_code": transfer_code}

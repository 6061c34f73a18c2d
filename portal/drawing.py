"""A whole HTML page in, a PDF/UA-1 document out: WeasyPrint, our style, our fonts. It knows nothing of the portal."""

import logging
import threading
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

STATIC = Path(__file__).parent.parent / "static"
HERE = "https://static.invalid/"  # what the addresses of a print start with: only files of static/ are behind it
TYPES = {".ttf": "font/ttf", ".woff2": "font/woff2", ".svg": "image/svg+xml", ".png": "image/png"}
VARIANT = "pdf/ua-1"

one_at_a_time = threading.Lock()  # Pango and fontconfig keep their state for the whole process


class Elsewhere(ValueError):
    """A print that asks for something that is no font nor picture of ours."""


def draw(page, laid_out=None):
    """A whole HTML page as the bytes of a PDF; raises Elsewhere. `laid_out`: hears the number of each page."""
    tools = engine()
    with one_at_a_time, heard(laid_out):
        try:
            document = tools.HTML(string=page, base_url=HERE, url_fetcher=tools.fetcher)
            return document.write_pdf(
                pdf_variant=VARIANT, stylesheets=[tools.style], font_config=tools.fonts, cache=tools.pictures
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


@contextmanager
def heard(laid_out):
    """For one drawing alone: a listener that the log kept would outlive its fonts, which then end the process."""
    if laid_out is None:
        yield
        return
    log, listener = logging.getLogger("weasyprint.progress"), Pages(laid_out)
    log.propagate = False
    log.setLevel(logging.INFO)
    log.addHandler(listener)
    try:
        yield
    finally:
        log.removeHandler(listener)


class Pages(logging.Handler):
    """Tells the number of each page that is laid out, as WeasyPrint tells its log."""

    BEGINS = "Step 5 - Creating layout - Page "

    def __init__(self, laid_out):
        super().__init__()
        self.laid_out = laid_out

    def emit(self, record):
        if record.msg.startswith(self.BEGINS):
            self.laid_out(record.args[0])

"""A browser, with JavaScript and without, in front of a live server; whatever it complains of fails the journey."""

import os
import re
import shutil
import threading
import traceback

import pytest
from playwright.sync_api import expect, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.conftest import BACKENDS

WIDE = {"width": 1366, "height": 900}
PDF_VIEWER = ("chrome://resources/", "chrome-extension://mhjfbmdgcfjbbpaeojofohoefgiehjai/")  # the browser's own
OURS = ("data:", "about:", "blob:", *PDF_VIEWER)
FRENCH = {"locale": "fr-FR", "timezone_id": "Europe/Paris"}
EXPECTED_STATUS = re.compile(r"Failed to load resource: the server responded with a status of (\d+)")
PATIENCE = 10_000  # milliseconds: two cores, shared
expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(config, items):
    """Every journey goes both ways on SQLite, and with JavaScript on PostgreSQL: the database knows of no script."""
    if "sqlite" in BACKENDS:
        twice = [item for item in items if made_already(getattr(item, "callspec", None))]
        config.hook.pytest_deselected(items=twice)
        items[:] = [item for item in items if item not in set(twice)]


def made_already(callspec):
    return bool(callspec) and callspec.params.get("template") == "postgresql" and callspec.params.get("page") is False


@pytest.fixture(scope="session")
def browser():
    arguments = ["--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--no-first-run"]
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        yield launched
        launched.close()


def chromium():
    """Debian's; otherwise Playwright's own, when it has one (None)."""
    known = (os.environ.get("CHROMIUM"), "/usr/lib/chromium/chromium", shutil.which("chromium"))
    return next((path for path in known if path and os.access(path, os.X_OK)), None)


class QuietHandler(WSGIRequestHandler):
    def log(self, kind, message, *values):
        pass

    def connection_dropped(self, error, environ=None):
        """A browser that goes to another page lets go of what it was being sent, which this server leaves open."""
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if hasattr(sent := frame.f_locals.get("application_iter"), "close"):
                sent.close()


@pytest.fixture
def server(app, database):
    """The address of the portal, listening; the test keeps a connection of its own to look at the rows."""
    listening = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}"
    listening.shutdown()
    thread.join()
    listening.server_close()


class Complaints(list):
    """What the browser says is wrong; `expects(404)`: an answer that the test provokes."""

    def __init__(self, server):
        super().__init__()
        self.server, self.statuses = server, set()

    def expects(self, *statuses):
        self.statuses.update(statuses)

    def listen(self, context):
        context.on("console", self.hear)
        context.on("weberror", lambda fault: self.append(f"script: {fault.error}"))
        context.on("request", self.check_host)
        context.on("response", self.check_answer)

    def hear(self, message):
        if message.type in ("error", "warning"):
            self.append(f"console: {message.text} ({message.location.get('url', '')})")

    def check_host(self, request):
        if not request.url.startswith((f"{self.server}/", *OURS)):
            self.append(f"asked elsewhere: {request.url}")

    def check_answer(self, response):
        if response.status >= 500:
            self.append(f"{response.status}: {response.url}")

    def unexpected(self):
        return [line for line in self if not self.is_expected(line)]

    def is_expected(self, line):
        status = EXPECTED_STATUS.search(line)
        return bool(status) and int(status[1]) in self.statuses


@pytest.fixture
def open_browser(browser, app, server):
    """Open a window: open_browser(js=False, viewport=…); what it complained of is looked at when the test ends."""
    windows = []

    def open_window(js=True, viewport=WIDE, **options):
        context = browser.new_context(base_url=server, java_script_enabled=js, viewport=viewport, **FRENCH | options)
        context.set_default_timeout(PATIENCE)
        complaints = Complaints(server)
        complaints.listen(context)
        page = context.new_page()
        page.js, page.app, page.server, page.complaints = js, app, server, complaints
        windows.append(page)
        return page

    yield open_window
    for page in windows:
        page.context.close()
    assert not [line for page in windows for line in page.complaints.unexpected()]


@pytest.fixture(params=[True, False], ids=["js", "no_js"])
def page(request, open_browser):
    """A window of a laptop, once with JavaScript and once without (`page.js`)."""
    return open_browser(js=request.param)

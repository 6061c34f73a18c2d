"""An SMTP server and a gateway of texts for tests: real ones, on this machine, that do as they are told."""

import asyncio
import json
import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller


class Mailbox:
    """What an SMTP server received, and how it answers: `refuse` by recipient or "" for all, `drop`, `hang`."""

    def __init__(self):
        self.mails, self.sessions, self.tries = [], set(), 0
        self.refuse = {}  # recipient, or "" for every one → reply
        self.drop = set()  # numbers of the tries at which the line is cut, in the middle of the message
        self.hang = set()  # recipients that it never answers about
        self.limit = None  # mails that it takes over one line

    async def handle_MAIL(self, server, session, envelope, address, options):
        session.mails = getattr(session, "mails", 0) + 1
        if self.limit and session.mails > self.limit:
            asyncio.get_running_loop().call_later(0.01, server.transport.close)
            return "421 4.7.0 enough for one line"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        reply = self.refuse.get(address) or self.refuse.get("")
        if reply:
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.tries += 1
        if self.tries in self.drop:
            server.transport.abort()
            return "250 never heard"
        if self.hang & set(envelope.rcpt_tos):
            await asyncio.sleep(30)
        self.sessions.add(id(session))
        self.mails.append((envelope.rcpt_tos[0], envelope.content))
        return "250 OK"


@contextmanager
def smtp(**options):
    """A server that listens: (its mailbox, its address)."""
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield mailbox, f"smtp://127.0.0.1:{controller.port}"
    finally:
        controller.stop()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def gateway():
    """A gateway of texts: (what it received, its address); `received.status` is what it answers, `wait` when."""
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(received.wait)
            if received.status == 200:
                received.append((json.loads(body), dict(self.headers), self.path))
            received.asked += 1
            self.send_response(received.status)
            if received.status == 302:
                self.send_header("Location", "/ailleurs")
            self.end_headers()

        def log_message(self, *_):
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield received, f"http://portail:cl%C3%A9@127.0.0.1:{listening.server_port}/v1/sms"
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


class Received(list):
    status, wait, asked = 200, 0, 0

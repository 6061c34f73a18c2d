"""Asks clamd whether a file is infected (INSTREAM); what could not be asked is not known to be clean."""

import contextlib
import socket
import struct
from collections.abc import Iterator
from typing import IO
from urllib.parse import unquote, urlsplit

from portal.formats import SPACE
from portal.rules import Refused

PIECE = 64 * 1024
SECONDS = 30  # for one step of the conversation: a large workbook takes clamd a few tenths
MOST_SAID = 1024  # bytes of an answer

NOT_CHECKED = "Ce fichier n’a pas pu être contrôlé. Réessayez dans quelques minutes."
INFECTED = f"Ce fichier contient un virus{SPACE}: il n’a pas été gardé. Vérifiez l’appareil d’où il vient."


class Infected(Refused):
    """A file that is refused because of what the antivirus found, named in `signature` for the audit trail."""

    def __init__(self, signature: str) -> None:
        super().__init__(INFECTED)
        self.signature = signature


def scan(file: IO[bytes], url: str) -> None:
    """Raises Infected, or Refused when clamd cannot be asked; `url`: tcp://host:port or unix:/path."""
    try:
        said = ask(file, url)
    except OSError:
        raise Refused(NOT_CHECKED) from None
    verdict = said.removeprefix("stream: ")
    if verdict.endswith(" FOUND"):
        raise Infected(verdict.removesuffix(" FOUND")[:100])
    if verdict != "OK":  # INSTREAM size limit exceeded, or anything else that is no clear answer
        raise Refused(NOT_CHECKED)


def ask(file: IO[bytes], url: str) -> str:
    file.seek(0)
    with connected(url) as clamd:
        clamd.sendall(b"zINSTREAM\0")
        while piece := file.read(PIECE):
            clamd.sendall(struct.pack(">I", len(piece)) + piece)
        clamd.sendall(struct.pack(">I", 0))
        answer = b""
        while not answer.endswith(b"\0") and len(answer) < MOST_SAID and (more := clamd.recv(MOST_SAID)):
            answer += more
    return answer.rstrip(b"\0").decode("ascii", "replace")


@contextlib.contextmanager
def connected(url: str) -> Iterator[socket.socket]:
    address = urlsplit(url)
    if address.scheme == "unix":
        clamd = socket.socket(socket.AF_UNIX)
        where: str | tuple[str, int] = unquote(address.path)
    else:
        clamd = socket.socket()
        where = (address.hostname or "", address.port or 3310)
    with clamd:
        clamd.settimeout(SECONDS)
        clamd.connect(where)
        yield clamd

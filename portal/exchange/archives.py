"""Many files as one zip, made while it goes out: its size in memory does not follow theirs."""

import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import PurePosixPath
from typing import IO, NamedTuple, cast

MOST = 64 * 1024  # bytes that wait to go out


class Member(NamedTuple):
    name: str  # with its folders: « Attestations/Zoé.pdf »
    at: datetime
    pieces: Iterable[bytes]


class Outlet:
    """What the zip is written to: it goes nowhere but forward."""

    def __init__(self) -> None:
        self.waiting = bytearray()

    def write(self, data: bytes) -> int:
        self.waiting += data
        return len(data)

    def flush(self) -> None:
        """Nothing waits behind it."""

    def take(self) -> bytes:
        taken = bytes(self.waiting)
        self.waiting.clear()
        return taken


def archive(members: Iterable[Member]) -> Iterator[bytes]:
    """The bytes of the zip; two members of one name get a number. PDF is pressed already: nothing is here."""
    outlet, names = Outlet(), set[str]()
    with zipfile.ZipFile(cast(IO[bytes], outlet), "w") as made:
        for member in members:
            info = zipfile.ZipInfo(free(member.name, names), member.at.timetuple()[:6])
            info.external_attr = 0o644 << 16
            with made.open(info, "w") as file:
                for piece in member.pieces:
                    file.write(piece)
                    if len(outlet.waiting) > MOST:
                        yield outlet.take()
            yield outlet.take()
    yield outlet.take()


def free(name: str, taken: set[str]) -> str:
    """The name, or « name (2) », whatever their case: most systems tell « A » from « a » no more than zip tools do."""
    path, number, found = PurePosixPath(name), 1, name
    while found.lower() in taken:
        number += 1
        found = str(path.with_name(f"{path.stem} ({number}){path.suffix}"))
    taken.add(found.lower())
    return found

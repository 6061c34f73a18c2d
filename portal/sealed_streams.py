"""A file encrypted piece by piece under a key of its own, so that 4 Mo or 4 Go take the same memory.

The frame is that of STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015): version (1 byte), then pieces of 64 KiB, each
AES-256-GCM with its tag. The nonce of a piece is its number and whether it is the last: pieces that are moved, left out
or cut off do not open. The name of the file is authenticated with each piece. A key seals one file and no other: it is
what makes counted nonces safe.
"""

import hashlib
import hmac
from collections.abc import Iterator
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal.vault import Tampered, derive

VERSION = b"\x01"
PIECE = 64 * 1024
TAG = 16


def digest_of(file: IO[bytes], key: bytes) -> tuple[str, int]:
    """A keyed hash of the content, and its size: the hash tells nothing to who has not the key, and names the file.

    It is the HMAC of the GMAC of each piece: of a heavy file, a fifth of the time of its HMAC. Nobody can look for two
    files of one name, since the key is drawn when the file is there, and is told to nobody.
    """
    file.seek(0)
    cipher, size = AESGCM(derive(key, b"pieces of a file name")), 0
    tags: list[bytes] = []
    while piece := file.read(PIECE):
        tags.append(cipher.encrypt(nonce(len(tags), last=False), b"", piece))
        size += len(piece)
    signer = hmac.new(derive(key, b"file name"), b"".join(tags), hashlib.sha256)
    return signer.hexdigest(), size


def sealed(file: IO[bytes], key: bytes, name: str) -> Iterator[bytes]:
    """The file, from its beginning, encrypted; what comes through a pipe, from where it is."""
    cipher, number = AESGCM(derive(key, b"file")), 0
    if file.seekable():
        file.seek(0)
    yield VERSION
    piece = file.read(PIECE)
    while following := file.read(PIECE):
        yield cipher.encrypt(nonce(number, last=False), piece, name.encode())
        piece, number = following, number + 1
    yield cipher.encrypt(nonce(number, last=True), piece, name.encode())


def opened(file: IO[bytes], key: bytes, name: str) -> Iterator[bytes]:
    """The pieces of what `sealed` made, each authenticated before it is given; raises Tampered."""
    cipher, number = AESGCM(derive(key, b"file")), 0
    if exactly(file, 1) != VERSION:
        raise Tampered("file")
    piece: bytes | None = exactly(file, PIECE + TAG)
    while piece is not None:
        following = exactly(file, PIECE + TAG) or None
        try:
            yield cipher.decrypt(nonce(number, last=following is None), piece, name.encode())
        except InvalidTag:
            raise Tampered("file") from None
        piece, number = following, number + 1


def exactly(file: IO[bytes], size: int) -> bytes:
    """As many bytes as are asked for, fewer only at the end: a network gives them as they come."""
    read = file.read(size)
    while 0 < len(read) < size and (more := file.read(size - len(read))):
        read += more
    return read


def nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11) + bytes([last])

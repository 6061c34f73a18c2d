"""NIR, IBAN and the like: encrypted for one table, column and row, found again by a blind index.

A sealed value is: version (1 byte), key name (4), nonce (12), AES-256-GCM ciphertext and tag. The table, column and row
are authenticated with it, so that a value moved elsewhere does not open. The first key seals, every key opens.
A blind index is the start of an HMAC-SHA256 under a key of its own, drawn from each vault key: it finds the exact value
within one account and tells nothing across accounts.
"""

import hashlib
import os
from collections.abc import Iterable, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = b"\x01"
NONCE = 12
HEAD = 1 + 4 + NONCE
INDEX = 16


class Tampered(Exception):
    """A sealed value that does not open: changed, moved to another row, or sealed by a key that is gone."""


class Vault:
    """Seals and opens with the keys that the settings gave; one for the process, filled at the start by `use`."""

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        if keys:
            self.use(keys)

    def use(self, keys: Sequence[bytes]) -> None:
        self.ciphers = {hashlib.sha256(key).digest()[:4]: AESGCM(derive(key, b"seal")) for key in keys}
        self.first = next(iter(self.ciphers))
        self.signers = [HMAC(derive(key, b"blind index"), hashes.SHA256()) for key in keys]

    def seal(self, text: str, table: str, column: str, row: object) -> bytes:
        """Encrypt `text` for one place."""
        return self.seal_by(os.urandom(NONCE), text, table, column, row)

    def seal_each(self, texts: Sequence[str], table: str, column: str, rows: Iterable[object]) -> list[bytes | None]:
        """Encrypt these texts, each for its own row, a blank as nothing; their nonces are drawn at once."""
        return [
            self.seal_by(nonce, text, table, column, row) if text else None
            for nonce, text, row in zip(draw_nonces(len(texts)), texts, rows, strict=True)
        ]

    def seal_by(self, nonce: bytes, text: str, table: str, column: str, row: object) -> bytes:
        sealed = self.ciphers[self.first].encrypt(nonce, text.encode(), place(table, column, row))
        return VERSION + self.first + nonce + sealed

    def open(self, sealed: bytes, table: str, column: str, row: object) -> str:
        """Decrypt what was sealed for this very place; raises Tampered."""
        sealed = bytes(sealed)
        cipher = self.ciphers.get(sealed[1:5])
        if sealed[:1] != VERSION or cipher is None:
            raise Tampered(f"{table}.{column}")
        try:
            return cipher.decrypt(sealed[5:HEAD], sealed[HEAD:], place(table, column, row)).decode()
        except InvalidTag:
            raise Tampered(f"{table}.{column}") from None

    def is_current(self, sealed: bytes) -> bool:
        """Sealed by the first key; otherwise a rotation has it to do."""
        return bytes(sealed[1:5]) == self.first

    def index(self, text: str, column: str, account: object) -> str:
        """The blind index to store beside a sealed value."""
        return blind(self.signers[0], text, column, account)

    def indexes(self, text: str, column: str, accounts: Iterable[object]) -> list[str]:
        """Every blind index under which the value may be stored in these accounts."""
        return [blind(signer, text, column, account) for account in accounts for signer in self.signers]


def blind(signer: HMAC, text: str, column: str, account: object) -> str:
    signer = signer.copy()  # its key is set up already, which takes longer than to sign
    signer.update(f"{column}\0{account}\0{text}".encode())
    return signer.finalize()[:INDEX].hex()


def draw_nonces(count: int) -> list[bytes]:
    """So many nonces."""
    random = os.urandom(NONCE * count)
    return [random[start : start + NONCE] for start in range(0, len(random), NONCE)]


def place(table: str, column: str, row: object) -> bytes:
    return f"{table}.{column}:{row}".encode()


def derive(key: bytes, purpose: bytes) -> bytes:
    """A key for one purpose (RFC 5869), so that the one that seals never signs."""
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"trait-d-union " + purpose).derive(key)

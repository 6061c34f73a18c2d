"""Codes of an application on a telephone (RFC 6238): six digits, a new one every thirty seconds, each taken once."""

import base64
import hmac
import unicodedata
from urllib.parse import quote

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

SEED = 20  # octets: 160 bits (RFC 4226, § 4 R6)
DIGITS, STEP = 6, 30
WINDOW = 1  # steps before and after now: clocks differ, and one types slowly (RFC 6238, § 5.2)


def written(seed: bytes) -> str:
    """A seed as applications take it: base32, without its filling."""
    return base64.b32encode(seed).decode().rstrip("=")


def grouped(key: str) -> str:
    """A key to be typed, four signs at a time."""
    return " ".join(key[place : place + 4] for place in range(0, len(key), 4))


def address(key: str, identifier: str, issuer: str) -> str:
    """What a QR code tells an application (Key Uri Format)."""
    label = quote(f"{issuer}:{identifier}", safe="@:")
    return f"otpauth://totp/{label}?secret={key}&issuer={quote(issuer, safe='')}&digits={DIGITS}&period={STEP}"


def digits(typed: str) -> str:
    """The code that was typed, in plain digits: however it was spaced, from whatever keyboard; "" when it is none."""
    signs = [sign for sign in unicodedata.normalize("NFKC", typed) if sign.isalnum()]
    found = [unicodedata.decimal(sign, -1) for sign in signs]
    return "".join(map(str, found)) if len(found) == DIGITS and -1 not in found else ""


def code(key: str, step: int) -> str:
    """The code of one step of thirty seconds."""
    # The standard's own, that every application knows: no collision of SHA-1 helps against an HMAC.
    counted = TOTP(base64.b32decode(key + "=" * (-len(key) % 8)), DIGITS, SHA1(), STEP)  # nosec B303
    return counted.generate(step * STEP).decode()


def step_of(key: str, typed: str, second: float, after: int) -> int | None:
    """The step, later than `after`, whose code this is at that second (since 1970, UTC); None when it is of none."""
    plain, now, found = digits(typed), int(second) // STEP, None
    for step in range(now - WINDOW, now + WINDOW + 1):
        right = hmac.compare_digest(code(key, step), plain)
        found = step if right and step > after else found
    return found

"""How the columns of the management system’s files are read: each from its text, or a sentence that refuses it."""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from portal.exchange.loading import Column
from portal.formats import SPACE
from portal.rules import Refused, dates, identifiers

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,31}")
# Control characters, and those that hide or turn what is shown.
FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)
SHARE = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,2}))?")
AGE = re.compile(r"[0-9]{1,2}")
# The commonest local parts: only their domain has to be asked of the rule, and domains come again.
PLAIN_LOCAL_PART = re.compile(r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*")
LONGEST_LOCAL_PART = 64
MOST_CHARACTERS = 255


def words(text: str) -> str:
    """Words of one line, as long as a column of the database."""
    if len(text) <= MOST_CHARACTERS and text.isascii() and text.isprintable():
        return text
    text = unicodedata.normalize("NFC", text)
    if FORBIDDEN.search(text):
        raise Refused("Ce texte contient un saut de ligne ou un caractère invisible. Retirez-le.")
    if len(text) > MOST_CHARACTERS:
        raise Refused(f"Ce texte a {len(text)} caractères{SPACE}: il en faut {MOST_CHARACTERS} au plus.")
    return text


def code(text: str) -> str:
    if not CODE.fullmatch(text):
        raise Refused("Un code a de 1 à 32 lettres sans accent, chiffres, points, tirets ou barres. Corrigez-le.")
    return text


def codes(text: str) -> tuple[str, ...]:
    """Codes separated by commas, each once."""
    return tuple(dict.fromkeys(code(part.strip()) for part in text.split(",") if part.strip()))


def one_of(*same: str, **meanings: Any) -> Callable[[str], Any]:
    """One of these words, as it is written, or what it means."""
    known = {word: word for word in same} | meanings
    sentence = f"Cette valeur est inconnue. Écrivez {', '.join(list(known)[:-1])} ou {list(known)[-1]}."

    def parse(text: str) -> Any:
        if text not in known:
            raise Refused(sentence)
        return known[text]

    return parse


def day(text: str) -> str:
    """A date as its text, which is what both databases take, and what comes in the same order."""
    value = dates.iso_date(text)
    if value.year not in dates.YEARS:
        raise Refused(f"L’année de cette date va de {dates.YEARS.start} à {dates.YEARS.stop - 1}. Corrigez-la.")
    return text


def share(text: str) -> int:
    """A percentage with a point and two decimals at most, in hundredths."""
    match = SHARE.fullmatch(text)
    hundredths = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) if match else -1
    if hundredths not in range(10_001):
        raise Refused("Un pourcentage va de 0 à 100, avec un point et deux décimales au plus, par exemple 62.5.")
    return hundredths


AMOUNT = re.compile(r"(-?)([0-9]{1,9})(?:\.([0-9]{1,2}))?")


def cents(text: str) -> int:
    """An amount in euros with a point and two decimals at most, in cents; negative for what is given back."""
    match = AMOUNT.fullmatch(text)
    if not match:
        raise Refused("Ce montant est mal écrit. Écrivez-le en euros, avec un point et deux décimales : 1234.56.")
    value = int(match[2]) * 100 + int((match[3] or "").ljust(2, "0"))
    return -value if match[1] else value


def age(text: str) -> int:
    if not AGE.fullmatch(text):
        raise Refused("Un âge s’écrit en années entières, de 0 à 99.")
    return int(text)


def email(text: str) -> str:
    local, _, domain = text.partition("@")
    plain = len(local) <= LONGEST_LOCAL_PART and PLAIN_LOCAL_PART.fullmatch(local)
    if plain and len(text) in identifiers.EMAIL_LENGTHS and (checked := checked_domain(domain)):
        return text if checked == domain else f"{local}@{checked}"
    return identifiers.email(text)


@lru_cache(maxsize=4_096)
def checked_domain(domain: str) -> str:
    """A domain as the rule writes it, or nothing when it has to see the whole address."""
    try:
        return identifiers.email(f"prenom@{domain}").partition("@")[2]
    except Refused:
        return ""


postal_code = lru_cache(maxsize=8_192)(identifiers.postal_code)
nir = partial(identifiers.nir, provisional=True)
optional = partial(Column, required=False)

"""The towns of a French postal code, and the doubt to raise when an address does not agree with them."""

import gzip
import re
import unicodedata
from functools import cache
from pathlib import Path

TOWNS = Path(__file__).parent.parent / "data" / "towns.txt.gz"
NAMED = 5  # towns that a warning names

LETTERS = str.maketrans({"œ": "oe", "æ": "ae"})
CEDEX = re.compile(r"\bcedex\b", re.IGNORECASE)
ASIDE = re.compile(r"\(.*?\)|\barrondissement\b|\b[0-9]+(?:er|e|eme)?\b")
SHORT = {"st": "saint", "ste": "sainte", "sts": "saints", "stes": "saintes", "s/": "sur"}


def towns(postal_code: str) -> tuple[str, ...]:
    """The communes of a postal code, sorted, with their arrondissement in Paris, Lyon and Marseille; () when unknown.

    Source: INSEE (COG 2026) and La Poste; Monaco is added. CEDEX codes are unknown.
    """
    return _names(postal_code)[0]


def town_warning(postal_code: str, city: str) -> str | None:
    """What to check in a French address, in French, or None; never an error, for the base is never complete.

    Silent on a CEDEX city, on an empty one, and on a former commune that people still write, such as Morez.
    """
    if not city.strip() or CEDEX.search(city):
        return None
    present, former = _names(postal_code)
    if not present:
        return f"Le code postal {postal_code} n’est pas connu. Vérifiez-le."
    key = _key(city)
    if any(_key(name) == key for name in present + former):
        return None
    town = f"la commune attendue est {_listed(present)}"
    return f"Pour le code postal {postal_code}, {town}. Vérifiez le code postal et la commune."


def _listed(names: tuple[str, ...]) -> str:
    """« Dole », « Dole ou Foucherans », « A, B, C, D ou l’une de 3 autres »."""
    if len(names) > NAMED:
        names = (*names[: NAMED - 1], f"l’une de {len(names) - NAMED + 1} autres")
    return " ou ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else names[0]


def _key(name: str) -> str:
    """The letters that two ways of writing a town share: « ST CLAUDE », « Saint-Claude », « Lyon 3e », « LYON »."""
    letters = unicodedata.normalize("NFKD", name).casefold().translate(LETTERS)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    words = re.findall(r"[a-z]+/?", ASIDE.sub(" ", plain))
    return "".join(SHORT.get(word, word.rstrip("/")) for word in words)


def _names(postal_code: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The present communes of a code, then the former ones."""
    present, _, former = _lines().get(postal_code, "").partition("\t")
    return tuple(present.split("|")) if present else (), tuple(former.split("|")) if former else ()


@cache
def _lines() -> dict[str, str]:
    """Postal code → « Commune|Commune<tab>Former|Former », cut only when a code is asked for."""
    text = gzip.decompress(TOWNS.read_bytes()).decode()
    return {line[:5]: line[6:] for line in text.splitlines()}

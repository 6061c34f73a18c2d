"""Which passwords are refused: short, common, personal or easy to guess (CNIL 2022-100, OWASP ASVS 6.2)."""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path

DATA = Path(__file__).parent.parent / "data"
SHORTEST, SHORTEST_FOR_STAFF, LONGEST = 15, 16, 1000
SCORE = 3  # of zxcvbn, from 0 to 4: more than a hundred million guesses
SCORED = 72  # characters, for zxcvbn takes a time that grows with their square

EXAMPLE = "Choisissez par exemple quatre mots sans rapport entre eux."

# zxcvbn tries every mixture of these signs with every letter they may stand for: one crafted password cost 4 s.
SIGNS = str.maketrans("@([{<!|$+%", "accccilstx")


def refusal(password: str, about: Iterable[str] = (), staff: bool = False) -> str | None:
    """Why a password is refused, in French, or None; `about`: names of person and company, e-mail."""
    shortest = SHORTEST_FOR_STAFF if staff else SHORTEST
    length = len(unicodedata.normalize("NFC", password))
    if length < shortest:
        return f"Le mot de passe est trop court : il faut au moins {shortest} caractères. {EXAMPLE}"
    if length > LONGEST:
        return "Le mot de passe dépasse 1 000 caractères. Raccourcissez-le."
    if _is_personal(password, about):
        return f"Le mot de passe contient votre nom, celui de l’entreprise ou « mutuelle ». {EXAMPLE}"
    if _is_common(password):
        return f"Ce mot de passe est trop courant. {EXAMPLE}"
    if _is_guessable(password):
        return f"Ce mot de passe est trop facile à deviner. {EXAMPLE}"
    return None


def _is_personal(password: str, about: Iterable[str]) -> bool:
    letters = _letters(password)
    # Only what stands before the @ of an e-mail names the person: refusing « orange » or « gmail » would help nobody.
    names = " ".join(_plain(text.partition("@")[0]) for text in about)
    words = re.findall(r"[^\W\d_]{4,}", names)
    return any(word in letters for word in ["mutuelle", *words])


def _is_common(password: str) -> bool:
    plain = _plain(password)
    core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", plain)
    forms = {plain, core, _letters(password)}
    return any(form in _lines("common-passwords.txt") for form in forms | {_period(form) for form in forms})


def _is_guessable(password: str) -> bool:
    from zxcvbn import zxcvbn  # type: ignore[import-untyped]  # noqa: PLC0415  slow to import

    # Always the same words: zxcvbn keeps them in a global, so a person's own would leak into another thread's answer.
    plain = _without_accents(password)[:SCORED].translate(SIGNS)
    return bool(zxcvbn(plain, user_inputs=_lines("french-words.txt"))["score"] < SCORE)


def _period(text: str) -> str:
    """The shortest piece that, repeated, makes the text: « motdepasse » for « motdepassemotdepasse »."""
    return text[: (text + text).find(text, 1)]


def _letters(text: str) -> str:
    return re.sub(r"[\W\d_]+", "", _plain(text))


def _plain(text: str) -> str:
    return _without_accents(text).casefold()


def _without_accents(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


@cache
def _lines(name: str) -> dict[str, None]:
    """The lines of a list of ours, in its order: zxcvbn reads the first ones as the likeliest."""
    return dict.fromkeys((DATA / name).read_text(encoding="utf-8").split())

"""The four professions that may register: how each is called, and what each must say and show."""

from collections.abc import Callable
from datetime import date
from typing import NamedTuple

from portal.rules import Refused, identifiers


class Profession(NamedTuple):
    label: str
    organisation: str  # how the firm is called in the form
    proof: str  # what must be shown
    numbers: tuple[str, ...] = ()  # kinds of professional numbers, of which one is given
    has_siret: bool = False
    has_contract: bool = False
    asks_accounts: bool = False


# By the word of the address, in the order in which they are offered.
PROFESSIONS = {
    "professionnel-de-sante": Profession(
        "Espace professionnel de santé",
        "Cabinet, officine ou établissement",
        "Carte de professionnel de santé, ou attestation d’inscription à l’ordre",
        ("RPPS", "ADELI", "FINESS"),
    ),
    "courtier": Profession(
        "Espace Courtier", "Cabinet", "Attestation d’immatriculation à l’ORIAS", ("ORIAS",), asks_accounts=True
    ),
    "entreprise": Profession(
        "Espace Entreprise", "Raison sociale", "Kbis de moins de trois mois", has_siret=True, has_contract=True
    ),
    "multi-compte": Profession(
        "Espace Gestionnaire Multi Compte",
        "Société",
        "Mandat de chaque entreprise, ou délibération du groupe",
        has_siret=True,
        asks_accounts=True,
    ),
}

# Why the mutual asks for more, or refuses.
MORE = {
    "UNREADABLE": "Le justificatif n’est pas lisible. Envoyez-le de nouveau, en entier.",
    "OLD": "Le justificatif est trop ancien. Envoyez-en un de moins de trois mois.",
    "MISSING": "Il manque un justificatif qui dise que vous agissez pour cette entreprise.",
    "CONTRACT": "Le numéro de contrat ne correspond pas au SIRET. Vérifiez les deux.",
}
REFUSALS = {
    "UNKNOWN": "Nous n’avons pas pu établir votre lien avec l’entreprise.",
    "NO_CONTRACT": "Cette entreprise n’a pas de contrat chez nous.",
    "NUMBER": "Votre numéro professionnel n’est pas confirmé par le registre.",
    "BY_COMPANY": "Demandez cet accès à l’entreprise : elle invite elle-même, dans «\u202fHabilitations\u202f».",
}


def orias(text: str, today: date) -> str:
    """The 8 digits of an ORIAS number, which begins with the year of the registration (from 2007); it has no key."""
    number = _digits_only(text, "Le n° ORIAS", 8)
    if not 7 <= int(number[:2]) <= today.year % 100:
        raise Refused("Le n° ORIAS commence par l’année d’immatriculation sur deux chiffres, depuis 07. Vérifiez-le.")
    return number


def rpps(text: str) -> str:
    """The 11 digits of a RPPS number, Luhn key checked."""
    return _with_key(_digits_only(text, "Le n° RPPS", 11), "du n° RPPS")


def adeli(text: str) -> str:
    """The 9 characters of an ADELI number, key checked; of a Corsican one (2A, 2B), the form alone."""
    return _with_department(text, "Le n° ADELI", "du n° ADELI")


def finess(text: str) -> str:
    """The 9 characters of a FINESS number, key checked; of a Corsican one (2A, 2B), the form alone."""
    return _with_department(text, "Le n° FINESS", "du n° FINESS")


def number_of(kind: str, text: str, today: date) -> str:
    """A professional number in its canonical form; raises Refused."""
    if kind == "ORIAS":
        return orias(text, today)
    check: dict[str, Callable[[str], str]] = {"RPPS": rpps, "ADELI": adeli, "FINESS": finess}
    return check[kind](text)


def _digits_only(text: str, name: str, length: int) -> str:
    number = identifiers.SEPARATORS.sub("", text)
    if not (number.isascii() and number.isdigit()):
        raise Refused(f"{name} ne contient que des chiffres. Recopiez-le.")
    if len(number) != length:
        raise Refused(f"{name} a {len(number)} chiffre{'s' * (len(number) > 1)} : il en faut {length}.")
    if not number.strip("0"):
        raise Refused(f"{name} ne peut pas avoir que des zéros. Recopiez-le.")
    return number


def _with_department(text: str, name: str, of_name: str) -> str:
    number = identifiers.SEPARATORS.sub("", text).upper()
    if number[:2] in ("2A", "2B") and len(number) == 9:
        _digits_only(number[2:], name, 7)
        return number
    return _with_key(_digits_only(text, name, 9), of_name)


def _with_key(number: str, of_name: str) -> str:
    from stdnum import luhn  # noqa: PLC0415  a visitor's form alone needs it

    if not luhn.is_valid(number):
        raise Refused(f"La clé (dernier chiffre) {of_name} ne correspond pas. Vérifiez tous les chiffres.")
    return number

"""The file of direct debits for the mutual’s bank: pain.008.001.08, checked against its schema as it is written."""

import re
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from sepaxml import SepaDD
from text_unidecode import unidecode  # of sepaxml, which takes accents away by it and leaves « & », « < », « * »

SCHEMA = "pain.008.001.08"
OTHER = re.compile(r"[^A-Za-z0-9/?:().,'+ -]+")  # than the signs that every bank takes (EPC217-08)
NAME, WORDS = 70, 140
UNNAMED = "NOTPROVIDED"


class Debit(NamedTuple):
    """One collection, in cents."""

    end_to_end: str
    amount: int
    sequence: str
    mandate: str
    signed_on: date
    holder: str
    iban: str
    bic: str
    words: str


def direct_debits(
    creditor: tuple[str, str, str], identifier: str, scheme: str, day: date, debits: Iterable[Debit]
) -> str:
    """The text of the file; `creditor`: (name, IBAN, BIC). Raises sepaxml.validation.ValidationError."""
    name, iban, bic = creditor
    told = {"name": plain(name, NAME), "IBAN": iban, "batch": True, "creditor_id": identifier, "currency": "EUR"}
    told |= {"instrument": scheme} | ({"BIC": bic} if bic else {})
    file = SepaDD(told, schema=SCHEMA, clean=True)
    for one in debits:
        file.add_payment(payment(one, day))
    return file.export(validate=True).decode()


def payment(one: Debit, day: date) -> dict:
    """A dict of its own: the library changes it."""
    about = {"name": plain(one.holder, NAME), "IBAN": one.iban, "amount": one.amount, "type": one.sequence}
    about |= {"mandate_id": one.mandate, "mandate_date": one.signed_on, "description": plain(one.words, WORDS)}
    about["collection_date"] = day
    return about | {"endtoend_id": one.end_to_end} | ({"BIC": one.bic} if one.bic else {})


def plain(text: str, most: int) -> str:
    """A text in the signs of the banks, « Fils & Cie » as « Fils + Cie »; no « / » at an end, nor two together."""
    words = OTHER.sub(" ", unidecode(text).replace("&", "+")).split()
    kept = re.sub("/{2,}", "/", " ".join(words)).strip("/ ")
    return kept[:most].strip("/ ") or UNNAMED

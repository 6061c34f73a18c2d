"""The file of direct debits for the mutual’s bank: pain.008.001.08, checked against its schema as it is written."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from sepaxml import SepaDD

SCHEMA = "pain.008.001.08"


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
    told = {"name": name, "IBAN": iban, "batch": True, "creditor_id": identifier, "currency": "EUR"}
    told |= {"instrument": scheme} | ({"BIC": bic} if bic else {})
    file = SepaDD(told, schema=SCHEMA, clean=True)
    for one in debits:
        file.add_payment(payment(one, day))
    return file.export(validate=True).decode()


def payment(one: Debit, day: date) -> dict:
    """A dict of its own: the library changes it."""
    about = {"name": one.holder, "IBAN": one.iban, "amount": one.amount, "type": one.sequence, "collection_date": day}
    about |= {"mandate_id": one.mandate, "mandate_date": one.signed_on, "description": one.words}
    return about | {"endtoend_id": one.end_to_end} | ({"BIC": one.bic} if one.bic else {})

"""What companies send to the mutual: the types of documents, how long a Kbis is good, why one is refused."""

import json
import re
from datetime import date
from typing import Any, NamedTuple

from portal.rules import Refused
from portal.rules.dates import french_date
from portal.rules.terminations import months_later

KBIS, BANK_DETAILS, GROUP = "KBIS", "BANK_DETAILS", "GROUP"
FEEDING = (KBIS, BANK_DETAILS)  # accepted, they change what the mutual knows of one company: they are always offered
OWN = re.compile(r"OWN_\d{1,3}")  # the code of a type that the mutual added
MOST_TYPES = 20
# What may be sent, by family: its name, the kinds of files of it (exchange.uploads.KINDS).
FORMATS = {
    "pdf": ("PDF", ("pdf",)),
    "images": ("images", ("png", "jpeg")),
    "tableurs": ("tableurs", ("csv", "xlsx", "xls")),
    "textes": ("textes", ("docx", "doc", "odt")),
}


class DocumentType(NamedTuple):
    """What a company may send. `about`: whom it concerns, "" for everybody; `formats`: families of FORMATS."""

    label: str
    about: str = ""
    formats: tuple[str, ...] = tuple(FORMATS)
    of_company: bool = True  # it is one company's; else it may be about the whole account
    offered: bool = True  # to who sends one; those that were sent keep its name

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of files that it takes."""
        return tuple(kind for family, (_, kinds) in FORMATS.items() if family in self.formats for kind in kinds)


TYPES = {
    KBIS: DocumentType("Kbis"),
    BANK_DETAILS: DocumentType("RIB ou Coordonnées SEPA"),
    GROUP: DocumentType("Dépôt document groupe", of_company=False),
}

# Why the mutual refuses; another reason is written.
REFUSALS = {
    "ILLEGIBLE": "Le document n’est pas lisible. Envoyez-le de nouveau, bien net et entier.",
    "INCOMPLETE": "Il manque une page. Envoyez le document entier.",
    "OTHER_DOCUMENT": "Ce n’est pas le document annoncé.",
    "OTHER_COMPANY": "Le document n’est pas au nom de cette entreprise.",
    "OUTDATED": "Le document est trop ancien. Envoyez-en un récent.",
    "OTHER_IBAN": "L’IBAN saisi n’est pas celui du document. Vérifiez-le, puis renvoyez les deux.",
}


def arranged(text: str) -> dict[str, DocumentType]:
    """Code → type, in the mutual's order. `text`: JSON of [code, *DocumentType] in that order, "" for the portal's."""
    said: list[list[Any]] = json.loads(text) if text else []
    own = {code: DocumentType(label, about, tuple(formats), *more) for code, label, about, formats, *more in said}
    return own | {code: one for code, one in TYPES.items() if code not in own}


def hint(one: DocumentType) -> str:
    """What is said under a type: whom it concerns, and its formats when they are not all of them."""
    names = [FORMATS[family][0] for family in FORMATS if family in one.formats]
    said = "" if len(names) == len(FORMATS) else f"Formats : {', '.join(names)}."
    about = f"{one.about.rstrip('.')}." if one.about else ""
    return f"{about} {said}".strip()


def kbis_valid_until(issued_on: date, months: int) -> date:
    """The last day on which a Kbis is taken for recent: usage wants three months, the mutual decides."""
    return months_later(issued_on, months)


def kbis_date(text: str, today: date, months: int | None = None) -> date:
    """The date that stands on a Kbis, which is not to come; `months`: and for how long it is recent enough."""
    issued_on = french_date(text, today)
    if issued_on > today:
        raise Refused("Cette date est à venir. Recopiez celle qui est en haut du Kbis, après « à jour au ».")
    if months and kbis_valid_until(issued_on, months) < today:
        raise Refused(f"Ce Kbis a plus de {months} mois. Demandez-en un récent au greffe, puis envoyez-le.")
    return issued_on

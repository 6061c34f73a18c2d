"""What companies send to the mutual: the types that they know, how long a Kbis is good, why one is refused."""

from datetime import date

from portal.rules import Refused
from portal.rules.dates import french_date
from portal.rules.terminations import months_later

KBIS, BANK_DETAILS, GROUP = "KBIS", "BANK_DETAILS", "GROUP"
TYPES = {KBIS: "Kbis", BANK_DETAILS: "RIB ou Coordonnées SEPA", GROUP: "Dépôt document groupe"}

# Why the mutual refuses; another reason is written.
REFUSALS = {
    "ILLEGIBLE": "Le document n’est pas lisible. Envoyez-le de nouveau, bien net et entier.",
    "INCOMPLETE": "Il manque une page. Envoyez le document entier.",
    "OTHER_DOCUMENT": "Ce n’est pas le document annoncé.",
    "OTHER_COMPANY": "Le document n’est pas au nom de cette entreprise.",
    "OUTDATED": "Le document est trop ancien. Envoyez-en un récent.",
    "OTHER_IBAN": "L’IBAN saisi n’est pas celui du document. Vérifiez-le, puis renvoyez les deux.",
}


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

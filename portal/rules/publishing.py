"""What the mutual publishes, and how long it must stay: Code de la mutualité, art. L. 221-6-6."""

from datetime import date
from typing import NamedTuple

from portal.rules import Refused
from portal.rules.dates import months_after

NOTICE_MONTHS = 2  # between the announcement and the end of the access
KEPT_MONTHS = 5 * 12  # after the end of the membership, for contractual and pre-contractual documents


class Nature(NamedTuple):
    label: str
    contractual: bool = False


NATURES = {
    "CONTRACT": Nature("Contrat, avenant ou conditions", contractual=True),
    "NOTICE": Nature("Notice d’information", contractual=True),
    "COVER": Nature("Tableau de garanties", contractual=True),
    "STATEMENT": Nature("Bordereau ou relevé"),
    "FORM": Nature("Formulaire ou modèle"),
    "GUIDE": Nature("Guide ou fiche pratique"),
    "OTHER": Nature("Autre document"),
}


def earliest_withdrawal(contractual: bool, today: date, membership_ended_on: date | None = None) -> date:
    """The first day on which a document may be out of reach, when that is announced today.

    Raises Refused for a contractual document as long as the membership goes on.
    """
    announced = months_after(today, NOTICE_MONTHS)
    if not contractual:
        return announced
    if membership_ended_on is None:
        raise Refused(
            "Un document contractuel reste accessible pendant l’adhésion et cinq ans après sa fin : "
            "indiquez le jour où elle a pris fin."
        )
    return max(announced, months_after(membership_ended_on, KEPT_MONTHS))


def check_withdrawal(on: date, contractual: bool, today: date, membership_ended_on: date | None = None) -> None:
    """Raises Refused when the day is too early."""
    earliest = earliest_withdrawal(contractual, today, membership_ended_on)
    if on < earliest:
        lasts = "un document contractuel reste accessible cinq ans après l’adhésion, et " if contractual else ""
        raise Refused(f"Au plus tôt le {earliest:%d/%m/%Y} : {lasts}un retrait s’annonce deux mois avant.")

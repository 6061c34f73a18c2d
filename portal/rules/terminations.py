"""Why and when a cover ends: the reasons offered to HR, the codes kept in the data, and the last day."""

from calendar import monthrange
from datetime import date
from typing import NamedTuple

from portal.rules import Refused
from portal.rules.dates import french_date, month_end

MONTHS_AHEAD, MONTHS_BACK = 12, 3  # how far a last day is announced, and how far back it goes without a warning

# The codes of the data, which the load accepts; GROSS is « faute grave », SERIOUS is « faute lourde » (DSN 62.002).
GROUPS = {
    "DISMISSAL": "Licenciement",
    "DISMISSAL_ECONOMIC": "Licenciement économique",
    "DISMISSAL_GROSS": "Licenciement pour faute grave",
    "DISMISSAL_SERIOUS": "Licenciement pour faute lourde",
    "MUTUAL_TERMINATION": "Rupture conventionnelle",
    "RESIGNATION": "Démission",
    "FIXED_TERM_END": "Fin de CDD ou de contrat d’apprentissage",
    "TRIAL_END": "Fin de période d’essai",
    "RETIREMENT": "Retraite",
    "COURT": "Prise d’acte ou résiliation judiciaire",
    "DEATH": "Décès",
    "TRANSFER": "Mutation ou changement de collège",
    "OTHER": "Autre motif",
}


class Reason(NamedTuple):
    label: str
    group: str  # a key of GROUPS: what is stored


# Faute grave, economic and judicial ends stay out of HR's list: the mutual has no use for them,
# only faute lourde counts.
REASONS = {
    "demission": Reason("Démission", "RESIGNATION"),
    "licenciement": Reason("Licenciement (hors faute lourde)", "DISMISSAL"),
    "faute-lourde": Reason("Licenciement pour faute lourde", "DISMISSAL_SERIOUS"),
    "rupture-conventionnelle": Reason("Rupture conventionnelle", "MUTUAL_TERMINATION"),
    "fin-cdd": Reason("Fin de CDD ou de contrat d’apprentissage", "FIXED_TERM_END"),
    "essai-employeur": Reason("Fin de période d’essai, par l’employeur", "TRIAL_END"),
    "essai-salarie": Reason("Fin de période d’essai, par le salarié", "TRIAL_END"),
    "retraite": Reason("Retraite", "RETIREMENT"),
    "deces": Reason("Décès", "DEATH"),
    "mutation": Reason("Mutation ou changement de collège", "TRANSFER"),
    "dispense": Reason("Dispense d’adhésion", "OTHER"),
    "autre": Reason("Autre motif", "OTHER"),
}

# For one dependent alone, the employee staying; who leaves with the employee keeps the employee's reason.
DEPENDENT_REASONS = {
    "separation": Reason("Divorce, séparation ou fin du PACS", "OTHER"),
    "fin-de-charge": Reason("N’est plus à charge", "OTHER"),
    "couvert-ailleurs": Reason("Couvert par une autre mutuelle", "OTHER"),
    "deces": Reason("Décès", "DEATH"),
    "demande": Reason("Demande du salarié", "OTHER"),
    "autre": Reason("Autre motif", "OTHER"),
}


def read_last_day(text: str, effective_on: date, today: date) -> tuple[date, str | None]:
    """The last day as typed, with its warning or None; raises Refused when it is no date, or one out of bounds."""
    last_day = french_date(text, today)
    return last_day, check_last_day(last_day, effective_on, today)


def check_last_day(
    last_day: date, effective_on: date, today: date, ahead: int = MONTHS_AHEAD, back: int = MONTHS_BACK
) -> str | None:
    """A warning in French, or None; raises Refused before the first day of cover, or beyond so many months ahead.

    `ahead` and `back` are months from today, both limits included. No law sets them: a contract may say otherwise.
    """
    if last_day < effective_on:
        raise Refused(f"Au plus tôt le {effective_on:%d/%m/%Y}, premier jour de la couverture.")
    latest = months_later(today, ahead)
    if last_day > latest:
        raise Refused(f"Au plus tard le {latest:%d/%m/%Y} : une radiation s’annonce au plus {ahead} mois à l’avance.")
    if last_day < months_later(today, -back):
        return (
            f"Cette date remonte à plus de {back} mois : des remboursements ont pu être versés depuis."
            " Vérifiez la date ; la mutuelle vous dira si elle la retient."
        )
    return None


def end_of_cover(last_day: date, rule: str) -> date:
    """The last day of cover, from the last day in the company (DSN 62.001) and the contract's `coverage_end_rule`.

    The rule is CONTRACT_END_DATE or END_OF_MONTH, each contract's own choice; raises ValueError for another one.
    """
    if rule == "END_OF_MONTH":
        return month_end(last_day)
    if rule == "CONTRACT_END_DATE":
        return last_day
    raise ValueError(rule)


def months_later(day: date, count: int) -> date:
    """The same day of the month so many months later, or the last one of a shorter month; a negative count goes back.

    So expires a delay counted in months: Code de procédure civile, art. 641.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))

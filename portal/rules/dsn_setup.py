"""What payroll software is told of a contract (« fiche de paramétrage »), by heading of the DSN (CT2026)."""

from datetime import date
from typing import NamedTuple

PAYMENT_MODES = {"Chèque": "01", "Virement": "02", "Prélèvement": "05"}  # S21.G00.20.010
# A price that follows the household: the payroll counts the dependents who make it.
BY_HOUSEHOLD = {"SINGLE_FAMILY", "SINGLE_DUO_FAMILY", "ADULT_CHILD"}
FREE = "À votre choix, unique dans la déclaration"
UNUSED = "À laisser vide"


class Line(NamedTuple):
    heading: str  # « S21.G00.15.001 »
    label: str
    value: str


def period(billing_frequency: str, on: date) -> str:
    """The period of a payment made that day, as S21.G00.55.004 writes it: 2026M11, 2026T04, 2026S02, 2026A00."""
    if billing_frequency == "Annuelle":
        return f"{on.year}A00"
    if billing_frequency == "Semestrielle":
        return f"{on.year}S{(on.month + 5) // 6:02}"
    if billing_frequency == "Trimestrielle":
        return f"{on.year}T{(on.month + 2) // 3:02}"
    return f"{on.year}M{on.month:02}"


def membership(contract: str, insurer_code: str) -> list[Line]:
    """Block 15: one a contract and a declaration."""
    return [
        Line("S21.G00.15.001", "Référence du contrat", contract),
        Line("S21.G00.15.002", "Code organisme", insurer_code),
        Line("S21.G00.15.003", "Code délégataire de gestion", UNUSED),
        Line("S21.G00.15.004", "Personnel couvert", "01 (oui)"),
        Line("S21.G00.15.005", "Identifiant technique de l’adhésion", FREE),
    ]


def affiliation(option: str, population: str, structure: str) -> list[Line]:
    """Block 70: one an employee who is covered."""
    counted = "À renseigner" if structure in BY_HOUSEHOLD else UNUSED
    return [
        Line("S21.G00.70.004", "Code option", option),
        Line("S21.G00.70.005", "Code population", population),
        Line("S21.G00.70.008", "Nombre d’adultes ayants droit", counted),
        Line("S21.G00.70.011", "Nombre d’enfants ayants droit", counted),
        Line("S21.G00.70.012", "Identifiant technique de l’affiliation", FREE),
        Line("S21.G00.70.013", "Identifiant technique de l’adhésion", "Celui de S21.G00.15.005"),
        Line("S21.G00.70.014", "Date de début de l’affiliation", "Seulement si elle diffère du contrat de travail"),
        Line("S21.G00.70.015", "Date de fin de l’affiliation", "Seulement si elle diffère du contrat de travail"),
    ]


def contribution(contract: str) -> list[Line]:
    """Blocks 78, 79 and 81: one an affiliation and a period."""
    return [
        Line("S21.G00.78.001", "Code de base assujettie", "31"),
        Line("S21.G00.78.005", "Identifiant technique de l’affiliation", "Celui de S21.G00.70.012"),
        Line("S21.G00.78.006", "Numéro du contrat", contract),
        Line("S21.G00.79.001", "Composant de base assujettie", "20 (montant forfaitaire)"),
        Line("S21.G00.81.001", "Code de cotisation", "059"),
        Line("S21.G00.81.004", "Montant", "Parts de l’employeur et du salarié ensemble"),
    ]


def payment(contract: str, insurer_code: str, payment_method: str, billing_frequency: str, on: date) -> list[Line]:
    """Blocks 20 and 55: what is paid, and the contract that it is paid for; the period is that of `on`."""
    mode = PAYMENT_MODES.get(payment_method)
    return [
        Line("S21.G00.20.001", "Identifiant de l’organisme", insurer_code),
        Line("S21.G00.20.010", "Mode de paiement", f"{mode} ({payment_method.lower()})" if mode else payment_method),
        Line("S21.G00.55.003", "Référence du contrat", contract),
        Line("S21.G00.55.004", "Période d’affectation", f"{period(billing_frequency, on)} pour la période en cours"),
    ]

"""What an « habilitation » opens: the actions that a company gives to its colleagues, its accountant, its broker."""

import datetime
from enum import IntFlag


class Action(IntFlag):
    SEE = 1
    MOVE = 2
    ENROL = 4
    MONEY = 8
    DOCUMENTS = 16
    WRITE = 32
    MANAGE = 64


ALL = int(Action.SEE | Action.MOVE | Action.ENROL | Action.MONEY | Action.DOCUMENTS | Action.WRITE | Action.MANAGE)

# (what it is called, what it opens)
LABELS = {
    Action.SEE: ("Consulter", "contrats, salariés et bénéficiaires"),
    Action.MOVE: ("Gérer les mouvements", "radiations, adresses, collèges, réembauches"),
    Action.ENROL: ("Affilier", "affiliations, adhésions et dispenses"),
    Action.MONEY: ("Cotisations", "règlements, échéancier et bordereaux"),
    Action.DOCUMENTS: ("Documents", "justificatifs, attestations, Kbis et RIB"),
    Action.WRITE: ("Écrire à la mutuelle", "demandes et réclamations"),
    Action.MANAGE: ("Gérer les habilitations", "inviter, changer et retirer des droits"),
}

# The action behind each word of @requires; a word that is not here is no company's.
BEHIND = {
    "see": Action.SEE,
    "reveal": Action.SEE,
    "export": Action.SEE,
    "portfolio": Action.SEE,
    "move": Action.MOVE,
    "affiliate": Action.ENROL,
    "enrol": Action.ENROL,
    "money": Action.MONEY,
    "mandate": Action.MONEY,
    "documents": Action.DOCUMENTS,
    "write": Action.WRITE,
    "habilitate": Action.MANAGE,
}

# Documents that are seen with contributions alone.
OF_MONEY = ("CONTRIBUTION_STATEMENT", "SEPA_MANDATE", "FORMAL_NOTICE")

ASKED_AGAIN_AFTER = datetime.timedelta(days=365)  # « Encore habilités ? »


def behind(right: str | None) -> Action:
    """The action that a word of @requires asks of the grants; to see, for a page that asks nothing more."""
    return BEHIND.get(right or "", Action.SEE)


def labels(actions: int) -> list[str]:
    """What a grant's actions are called, in the order in which they are offered."""
    return [label for action, (label, _) in LABELS.items() if actions & action]

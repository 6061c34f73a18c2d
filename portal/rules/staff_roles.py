"""What a member of the mutual's staff may do at the desk: duties, given one by one, and the roles that group them.

All of them see the desk and read files; an administrator has every duty.
"""

from enum import IntFlag


class Duty(IntFlag):
    MEMBERS = 1
    EXCHANGES = 2
    MONEY = 4
    REGISTRATIONS = 8
    PUBLISHING = 16
    LOADS = 32
    CONFIGURE = 64
    USERS = 128
    AUDIT = 256


ALL = int(sum(Duty))
USUAL = int(Duty.MEMBERS | Duty.EXCHANGES | Duty.MONEY | Duty.REGISTRATIONS | Duty.PUBLISHING)

# What two people agree to: who gives roles, and who agrees to bank accounts (otherwise one person makes both).
BY_TWO = int(Duty.USERS | Duty.MONEY)

# (what it is called, what it opens)
LABELS = {
    Duty.MEMBERS: ("Adhérents", "mouvements, adhésions, dispenses, justificatifs, documents, campagnes"),
    Duty.EXCHANGES: ("Échanges", "demandes, réclamations, courriels et SMS"),
    Duty.MONEY: ("Comptabilité", "coordonnées bancaires, mandats, prélèvements, impayés"),
    Duty.REGISTRATIONS: ("Inscriptions", "accepter, compléter ou refuser les inscriptions"),
    Duty.PUBLISHING: ("Communication", "publications et actualités"),
    Duty.LOADS: ("Système de gestion", "chargements et transmissions"),
    Duty.CONFIGURE: ("Configuration", "identité, délais, textes, garanties et contrats"),
    Duty.USERS: ("Utilisateurs", "accès et rôles de la mutuelle et des entreprises"),
    Duty.AUDIT: ("Contrôle", "journal et données consultées"),
}

# The duties behind each word of @requires: one of them is enough. A word that is not here asks for none.
BEHIND = {
    "staff_members": Duty.MEMBERS,
    "staff_exchanges": Duty.EXCHANGES,
    "staff_money": Duty.MONEY,
    "staff_registrations": Duty.REGISTRATIONS,
    "staff_publish": Duty.PUBLISHING,
    "staff_loads": Duty.LOADS,
    "staff_configure": Duty.CONFIGURE,
    "staff_users": Duty.USERS,
    "staff_audit": Duty.AUDIT,
    "move": Duty.MEMBERS,
    "affiliate": Duty.MEMBERS,
    "enrol": Duty.MEMBERS,
    "money": Duty.MONEY,
    "reveal": Duty.MEMBERS | Duty.MONEY,
    "habilitate": Duty.USERS,
}
WORDS = {word for word in BEHIND if word.startswith("staff_")}


def opens(duties: int, right: str) -> bool:
    """Whether these duties open what a word of @requires asks for."""
    asked = BEHIND.get(right)
    return asked is None or bool(duties & asked)


def labels(duties: int) -> list[str]:
    """What they are called, in the order in which they are offered."""
    return [label for duty, (label, _) in LABELS.items() if duties & duty]

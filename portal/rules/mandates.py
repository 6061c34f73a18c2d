"""SEPA mandates: their schemes, what a reference may hold, when one lapses."""

import re
from datetime import date

from portal.rules.terminations import months_later

CORE, B2B = "CORE", "B2B"
# What each is called, and what it changes for who signs (EPC016-06 and EPC222-07).
SCHEMES = {
    CORE: ("Prélèvement SEPA CORE", "Vous pouvez contester un prélèvement pendant 8 semaines."),
    B2B: (
        "Prélèvement SEPA interentreprises (B2B)",
        "Aucune contestation d’un prélèvement autorisé, et vous remettez le mandat à votre banque avant le premier.",
    ),
}
LASTS = 36  # months without a collection, after which a mandate is worth nothing any more (EPC016-06, 4.1)
REFERENCE = re.compile(r"[A-Za-z0-9+?/:().,' -]{1,35}")


def lapses_on(used_on: date) -> date:
    """The day from which a mandate that was signed or used that day last is lapsed."""
    return months_later(used_on, LASTS)


def is_reference(text: str) -> bool:
    """What the banks take for a RUM: up to 35 Latin signs, no accent."""
    return REFERENCE.fullmatch(text) is not None


def is_creditor_identifier(text: str) -> bool:
    """An ICS whose key is right, whatever the three signs of the creditor’s own."""
    from stdnum.eu import at_02  # noqa: PLC0415  slow to import, and only a start needs it

    return text.isascii() and at_02.is_valid(text)

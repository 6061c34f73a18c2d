"""What a spreadsheet leaves in a cell that it could not calculate."""

import re

from portal.rules import Refused

UNCALCULATED = "#CALC!"  # as Excel writes some; here, also a formula whose result no spreadsheet ever wrote
# In English as the files hold them, in French as a CSV shows them.
FAULT = re.compile(
    "#(?:N/A|N/D|REF!|VALUE!|VALEUR!|NAME\\?|NOM\\?|DIV/0!|NULL!|NUL!|NUM!|NOMBRE!|CALC!|SPILL!|PROPAGATION!)"
)


def refuse_fault(text: str) -> None:
    """Refuse what is no value but the word of a spreadsheet for having none."""
    if text[:1] == "#" and FAULT.fullmatch(text):
        raise Refused(f"Le tableur n’a pas de valeur ici : il indique {text}. Corrigez la formule, ou tapez la valeur.")

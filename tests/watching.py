"""What no log may hold: a NIR or an IBAN, whoever wrote it and however (message, arguments, exception, spaced)."""

import logging
import re

NIR = re.compile(r"(?<!\d)[12] ?\d\d ?\d\d ?\d[\dAB] ?\d{3} ?\d{3} ?\d\d(?!\d)")
IBAN = re.compile(r"\b[A-Z]{2}\d\d(?: ?[0-9A-Z]{4}){3,7}(?: ?[0-9A-Z]{1,3})?\b")
FORMAT = logging.Formatter("%(message)s")  # with the exception and its words


def is_nir(text):
    digits = text.replace(" ", "").replace("2A", "19").replace("2B", "18")
    return digits.isdigit() and 97 - int(digits[:13]) % 97 == int(digits[13:])


def is_iban(text):
    text = text.replace(" ", "")
    return int("".join(str(int(sign, 36)) for sign in text[4:] + text[:4])) % 97 == 1


def secrets_in(text):
    """The kinds of what was found; never what was."""
    for space in ("\u00a0", "\u202f", "\\xa0", "\\u202f"):  # and as `repr` writes them
        text = text.replace(space, " ")
    found = {"NIR" for one in NIR.findall(text) if is_nir(one)}
    return found | {"IBAN" for one in IBAN.findall(text) if is_iban(one)}


class Watch(logging.Handler):
    """Hears every record of the process, and notes where one was written that holds a secret."""

    def __init__(self):
        super().__init__(logging.NOTSET)
        self.heard, self.leaks = 0, []

    def emit(self, record):
        self.heard += 1
        kinds = secrets_in(FORMAT.format(record))
        if kinds:
            self.leaks.append(f"{', '.join(sorted(kinds))} : {record.name}, {record.filename}:{record.lineno}")

"""How a form asks a rule: the same check, and the same sentence, as an import or a load."""

import re

from wtforms.validators import ValidationError

from portal.formats import date_fr
from portal.rules import Refused, dates, identifiers

TIDY = [lambda typed: " ".join((typed or "").split())]  # filters of a box whose spaces mean nothing
# A NIR, with or without its key, or an IBAN.
SECRET = re.compile(r"[1-478]\d{4}(\d\d|2[AB])\d{6}(\d\d)?|[A-Z]{2}\d{2}[A-Z0-9]{11,30}", re.IGNORECASE)


def is_secret(text):
    """It reads as a NIR or an IBAN: it must not stay in an address."""
    return bool(SECRET.fullmatch(re.sub(r"[\s.-]", "", text)))


GAP = r"[\s.\u00a0\u202f-]?"
# In the middle of a text: a plausible month tells a NIR from other numbers of as many digits.
NIR_INSIDE = re.compile(
    rf"(?<![A-Z0-9])[1-478]{GAP}\d{GAP}\d{GAP}(?:0{GAP}[1-9]|1{GAP}[0-2]|[2-9]{GAP}\d){GAP}(?:\d{GAP}\d|2{GAP}[AB])"
    rf"(?:{GAP}\d){{6}}(?:{GAP}\d{GAP}\d)?(?![A-Z0-9])",
    re.IGNORECASE,
)
IBAN_INSIDE = re.compile(rf"(?<![A-Z0-9])[A-Z]{{2}}\d{{2}}(?:{GAP}[A-Z0-9]){{11,30}}", re.IGNORECASE)
IBAN_LENGTHS = range(15, 35)


def holds_secret(text):
    """A NIR or a right IBAN is written somewhere in it."""
    return bool(NIR_INSIDE.search(text)) or any(map(starts_with_iban, IBAN_INSIDE.findall(text)))


def starts_with_iban(text):
    """The words after an IBAN may look like the rest of it: each length is tried."""
    signs = re.sub(r"[\s.-]", "", text)
    return any(is_iban(signs[:length]) for length in IBAN_LENGTHS if length <= len(signs))


def is_iban(signs):
    try:
        identifiers.iban(signs)
    except Refused:
        return False
    return True


NOT_IN_MESSAGES = (
    "N’écrivez ni n° de sécurité sociale ni IBAN dans un message\u00a0: choisissez la personne concernée, "
    "ou joignez le document."
)


def no_secret(form, field):
    """A validator for long texts, which are kept as they are written, and searched."""
    if holds_secret(field.data or ""):
        raise ValidationError(NOT_IN_MESSAGES)


def typed_day(field, today):
    """The date of a filter's box; None without one, or with one that cannot be read, which is said at the box."""
    if not (field.data or "").strip():
        return None
    try:
        return dates.french_date(field.data, today)
    except Refused as refused:
        field.errors = [str(refused)]
        return None


def by_rule(rule):
    """A validator that keeps the canonical form, or says at the field what the rule refuses."""

    def validate(form, field):
        try:
            field.data = rule(field.data)
        except Refused as refused:
            raise ValidationError(str(refused)) from None

    return validate


def day_of(field, today):
    """The day that a box says, written again as it was read; raises ValidationError."""
    try:
        found = dates.french_date(field.data or "", today)
    except Refused as refused:
        raise ValidationError(str(refused)) from None
    field.data = date_fr(found)
    return found


def whole(most):
    """A validator for a number from 1 to `most`."""

    def check(form, field):
        said = field.data or ""
        if not (said.isascii() and said.isdigit() and len(said) < 9 and 0 < int(said) <= most):
            raise ValidationError(f"Écrivez un nombre entier, de 1 à {most}.")
        field.data = str(int(said))

    return check

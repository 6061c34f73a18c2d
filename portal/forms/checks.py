"""How a form asks a rule: the same check, and the same sentence, as an import or a load."""

import re

from wtforms.validators import ValidationError

from portal.rules import Refused

# A NIR, with or without its key, or an IBAN.
SECRET = re.compile(r"[1-478]\d{4}(\d\d|2[AB])\d{6}(\d\d)?|[A-Z]{2}\d{2}[A-Z0-9]{11,30}", re.IGNORECASE)


def is_secret(text):
    """It reads as a NIR or an IBAN: it must not stay in an address."""
    return bool(SECRET.fullmatch(re.sub(r"[\s.-]", "", text)))


def by_rule(rule):
    """A validator that keeps the canonical form, or says at the field what the rule refuses."""

    def validate(form, field):
        try:
            field.data = rule(field.data)
        except Refused as refused:
            raise ValidationError(str(refused)) from None

    return validate

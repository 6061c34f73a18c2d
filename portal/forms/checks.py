"""How a form asks a rule: the same check, and the same sentence, as an import or a load."""

from wtforms.validators import ValidationError

from portal.rules import Refused


def by_rule(rule):
    """A validator that keeps the canonical form, or says at the field what the rule refuses."""

    def validate(form, field):
        try:
            field.data = rule(field.data)
        except Refused as refused:
            raise ValidationError(str(refused)) from None

    return validate

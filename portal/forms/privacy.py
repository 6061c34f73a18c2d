"""« Exporter les données »: why everything that is held on a person is given."""

from itertools import starmap

from wtforms import Form, RadioField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

REASONS = {
    "ACCESS": "La personne demande ses données (droit d’accès)",
    "PORTABILITY": "La personne les demande pour un autre organisme (portabilité)",
    "CONTROL": "Le délégué à la protection des données les contrôle",
    "AUTHORITY": "Une autorité les demande (CNIL, justice)",
}


class ExportForm(Form):
    """The reason is kept in the audit trail: one of a few, so that nobody's name is written there."""

    motif = RadioField("Pourquoi\u202f?", choices=list(starmap(SelectChoice, REASONS.items())), validate_choice=False)

    def validate_motif(self, field):
        if field.data not in REASONS:
            raise ValidationError("Choisissez pourquoi ces données sont exportées.")

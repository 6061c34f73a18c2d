"""« Mon compte »: how the portal looks for one person, and how it writes to them."""

from itertools import starmap

from flask_wtf import FlaskForm
from wtforms import RadioField, SelectField
from wtforms.fields.choices import SelectChoice

from portal.models import Delivery, MessageKind
from portal.rendering import SIZES

APPEARANCES = [("auto", "Comme l’appareil"), ("light", "Claire"), ("dark", "Sombre")]


class Display(FlaskForm):
    apparence = RadioField("Apparence", choices=list(starmap(SelectChoice, APPEARANCES)))
    lignes = SelectField("Lignes par page", choices=[SelectChoice(size, str(size)) for size in SIZES], coerce=int)


DELIVERIES = [(Delivery.AT_ONCE, "Tout de suite"), (Delivery.DAILY, "Une fois par jour"), (Delivery.NONE, "Jamais")]
KINDS = {
    "affiliations": MessageKind.IMPORT,
    "adhesions": MessageKind.ENROLMENT,
    "pieces": MessageKind.PROOF,
    "demandes": MessageKind.REQUEST,
}


def wanted(label):
    return RadioField(label, choices=list(starmap(SelectChoice, DELIVERIES)), default=Delivery.AT_ONCE)


class Notifications(FlaskForm):
    """How each kind of e-mail is wanted; those of security are not to be chosen."""

    affiliations = wanted("Fichiers d’affiliations")
    adhesions = wanted("Adhésions des salariés")
    pieces = wanted("Pièces justificatives")
    demandes = wanted("Demandes et réclamations")

    @classmethod
    def of(cls, deliveries):
        """`deliveries`: by kind, as the user chose them."""
        return cls(formdata=None, **{name: deliveries[kind] for name, kind in KINDS.items() if kind in deliveries})

    def kinds(self):
        return [self[name] for name in KINDS]

    def deliveries(self):
        return {kind: Delivery(self[name].data) for name, kind in KINDS.items()}

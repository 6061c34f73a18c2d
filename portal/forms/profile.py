"""« Mon compte »: how the portal looks for one person."""

from itertools import starmap

from flask_wtf import FlaskForm
from wtforms import RadioField, SelectField
from wtforms.fields.choices import SelectChoice

from portal.rendering import SIZES

APPEARANCES = [("auto", "Comme l’appareil"), ("light", "Claire"), ("dark", "Sombre")]


class Display(FlaskForm):
    apparence = RadioField("Apparence", choices=list(starmap(SelectChoice, APPEARANCES)))
    lignes = SelectField("Lignes par page", choices=[SelectChoice(size, str(size)) for size in SIZES], coerce=int)

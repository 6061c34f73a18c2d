"""The code of a document, as it is typed."""

from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import InputRequired, ValidationError

from portal import documents


class CodeForm(FlaskForm):
    code = StringField("Code de contrôle", [InputRequired("Écrivez le code imprimé sur le document.")])

    def validate_code(self, field):
        signs = documents.read_code(field.data)
        if signs is None:
            raise ValidationError("Ce code a 16 lettres et chiffres, par quatre. Relisez-le sur le document.")
        field.data = "-".join(signs[place : place + 4] for place in range(0, len(signs), 4))

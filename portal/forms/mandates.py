"""The SEPA mandate: for which company, of which scheme, signed by whom and where."""

from wtforms import RadioField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, ValidationError

from portal.forms.changes import SentOnce, text
from portal.forms.checks import no_secret
from portal.forms.guests import is_name_of
from portal.rules.mandates import SCHEMES


class MandateForm(SentOnce):
    """`companies`: [(code, label)], those that have a bank account on file."""

    entreprise = SelectField("Entreprise", [InputRequired("Choisissez l’entreprise.")])
    schema = RadioField("Type de mandat", [InputRequired("Choisissez le type de mandat.")])
    adresse = text("Adresse de l’entreprise", "Écrivez l’adresse de l’entreprise : le mandat la porte.", most=140)

    def __init__(self, typed, companies, **given):
        super().__init__(typed, **given)
        first = [] if len(companies) == 1 else [SelectChoice("", "Choisissez")]
        self.entreprise.choices = [*first, *(SelectChoice(*pair) for pair in companies)]
        self.schema.choices = [SelectChoice(key, f"{name}. {hint}") for key, (name, hint) in SCHEMES.items()]


class SignatureForm(SentOnce):
    """The name of who is signed in, and the place: both are on the mandate."""

    signature = text("Vos prénom et nom, pour signer", "Écrivez vos prénom et nom.")
    lieu = text("Fait à", "Écrivez la ville où vous signez.", most=60)

    def __init__(self, typed, user, **given):
        super().__init__(typed, **given)
        self.user = user

    def validate_signature(self, field):
        if not is_name_of(field.data, self.user.first_name, self.user.last_name):
            said = f"{self.user.first_name} {self.user.last_name.upper()}"
            raise ValidationError(f"Écrivez vos prénom et nom, ainsi\u00a0: {said}.")

    def validate_lieu(self, field):
        no_secret(self, field)

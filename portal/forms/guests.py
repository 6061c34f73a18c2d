"""What an employee who opened a link types, besides the steps of the enrolment: the birth date that lets them in."""

from wtforms import Form, StringField
from wtforms.validators import InputRequired, ValidationError

from portal.rules import Refused, dates


class BirthDateForm(Form):
    naissance = StringField("Votre date de naissance", [InputRequired("Indiquez votre date de naissance.")])

    def __init__(self, typed, today):
        super().__init__(typed)
        self.today, self.born = today, None

    def validate_naissance(self, field):
        try:
            self.born = dates.french_date(field.data, self.today, birth=True)
        except Refused as refused:
            raise ValidationError(str(refused)) from None

    def refuse(self):
        self.naissance.errors = [
            "Ce n’est pas la date que nous avons. Vérifiez-la. Si elle est juste, demandez à votre service RH de "
            "corriger celle qu’il a indiquée."
        ]

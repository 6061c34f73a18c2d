"""« Vérifier une couverture »: of whom, by their NIR and birth date or by their card, and for which day of care."""

import re

from wtforms import Form, StringField
from wtforms.validators import Length, ValidationError

from portal.formats import date_fr
from portal.forms.checks import by_rule
from portal.rules import Refused, cover, dates, identifiers

EITHER = "Indiquez le n° d’adhérent de la carte, ou le n° de sécurité sociale avec la date de naissance."
NUMBER = re.compile(r"[0-9A-Za-z._/-]+")
LONG = Length(max=60, message="Cette réponse est trop longue. Recopiez ce qui est écrit sur la carte.")


class CoverForm(Form):
    adherent = StringField("Numéro d’adhérent", [LONG])
    nir = StringField("N° de sécurité sociale", [LONG])
    naissance = StringField("Date de naissance", [LONG])
    soins = StringField("Date des soins", [LONG])

    def __init__(self, typed, today):
        super().__init__(typed, soins=date_fr(today))
        self.today, self.born_on, self.care_on = today, None, None

    def validate_adherent(self, field):
        field.data = "".join((field.data or "").split())
        if not field.data and not (self.nir.data or "").strip():
            raise ValidationError(EITHER)
        if field.data and not NUMBER.fullmatch(field.data):
            raise ValidationError("Un n° d’adhérent n’a que des chiffres et des lettres. Recopiez-le depuis la carte.")

    def validate_nir(self, field):
        if (field.data or "").strip():
            by_rule(identifiers.nir)(self, field)

    def validate_naissance(self, field):
        if not (field.data or "").strip():
            if (self.nir.data or "").strip():
                raise ValidationError("Avec le n° de sécurité sociale, indiquez la date de naissance du patient.")
            return
        try:
            self.born_on = dates.french_date(field.data, self.today, birth=True)
        except Refused as refused:
            raise ValidationError(str(refused)) from None
        field.data = date_fr(self.born_on)

    def validate_soins(self, field):
        try:
            self.care_on = cover.day_of_care(field.data or "", self.today)
        except Refused as refused:
            raise ValidationError(str(refused)) from None
        field.data = date_fr(self.care_on)

    @property
    def identifiers(self):
        """What names the patient, for the door; the card's number goes before."""
        return {
            "member_number": self.adherent.data,
            "nir": "" if self.adherent.data else self.nir.data,
            "birth_date": self.born_on,
        }

"""What a certificate of the end of a cover needs beside the data: the days of the contract of employment."""

from wtforms import Form, StringField
from wtforms.validators import InputRequired, ValidationError

from portal.rules import Refused, dates


class TerminationCertificateForm(Form):
    """From the first to the last day of work: portability is counted in them (CSS, L. 911-8)."""

    embauche = StringField("Premier jour du contrat de travail", [InputRequired("Indiquez le premier jour.")])
    fin = StringField("Dernier jour du contrat de travail", [InputRequired("Indiquez le dernier jour.")])

    def __init__(self, typed, person, today):
        """By default those of the cover, which are often the same."""
        given = {"embauche": f"{person.effective_on:%d/%m/%Y}", "fin": f"{person.terminated_on:%d/%m/%Y}"}
        super().__init__(typed, **given)
        self.person, self.today = person, today
        self.hired_on = self.last_day = None

    def validate_embauche(self, field):
        self.hired_on = self.day_of(field)
        if self.hired_on > self.person.effective_on:
            raise ValidationError(f"Au plus tard le {self.person.effective_on:%d/%m/%Y}, où la couverture commence.")

    def validate_fin(self, field):
        self.last_day, end = self.day_of(field), self.person.terminated_on
        if self.last_day > end:
            raise ValidationError(f"Au plus tard le {end:%d/%m/%Y}, où la couverture prend fin.")
        if self.last_day < max(end.replace(day=1), self.person.effective_on):
            raise ValidationError(f"La couverture dure jusqu’au {end:%d/%m/%Y} : indiquez un jour du même mois.")

    def day_of(self, field):
        try:
            return dates.french_date(field.data, self.today)
        except Refused as refused:
            raise ValidationError(str(refused)) from None

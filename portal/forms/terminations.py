"""What is asked to end a cover: the last day and the reason."""

from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, ValidationError

from portal.forms.changes import SentOnce
from portal.rules import Refused, terminations

LAST_DAYS = {True: "Dernier jour dans l’entreprise", False: "Dernier jour de couverture demandé"}


class TerminationForm(SentOnce):
    """`date` and `motif`, out of an address while one looks at what follows, out of a form when one decides."""

    date = StringField("", [InputRequired("Indiquez le dernier jour.")])
    motif = SelectField("Motif", [InputRequired("Choisissez le motif.")])

    def __init__(self, typed, today, for_employees, effective_on, **given):
        """`for_employees`: they leave the company, otherwise only the cover; `effective_on`: no last day before."""
        super().__init__(typed, **given)
        self.today, self.effective_on = today, effective_on
        self.reasons = terminations.REASONS if for_employees else terminations.DEPENDENT_REASONS
        self.motif.choices = [("", "Choisir"), *((key, reason.label) for key, reason in self.reasons.items())]
        self.date.label.text = LAST_DAYS[for_employees]
        self.last_day = self.warning = None

    @property
    def asked(self):
        """Both boxes hold something: it can be said what follows."""
        return bool(self.date.data and self.motif.data)

    @property
    def reason(self):
        return self.reasons[self.motif.data]

    def validate_date(self, field):
        try:
            self.last_day, self.warning = terminations.read_last_day(field.data, self.effective_on, self.today)
        except Refused as refused:
            raise ValidationError(str(refused)) from None
        field.data = f"{self.last_day:%d/%m/%Y}"

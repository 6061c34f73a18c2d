"""« Nouvelle campagne »: which document, of whom, until when; and another last day for one that is open."""

from datetime import timedelta
from itertools import starmap

from wtforms import BooleanField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from portal import campaigns
from portal.forms.accounts import ACCOUNT, OfAnAccount
from portal.forms.changes import SentOnce, text
from portal.forms.checks import day_of, no_secret
from portal.models import BeneficiaryRole
from portal.rules import proofs, waivers

LONGEST = timedelta(days=366)
OLDEST = 120  # years
EVERYONE = "tous"
AUDIENCES = {EVERYONE: "Toutes les entreprises", ACCOUNT: "Un compte"}
ROLES = {
    "salaries": ("Les salariés", (BeneficiaryRole.EMPLOYEE,)),
    "conjoints": ("Les conjoints", (BeneficiaryRole.SPOUSE,)),
    "enfants": ("Les enfants", (BeneficiaryRole.CHILD,)),
    "famille": ("Toute la famille", tuple(BeneficiaryRole)),
}
# A waiver's proofs have a campaign of their own, which the register of waivers opens by itself.
DOCUMENTS = {code: proof for code, proof in proofs.PROOFS.items() if code not in waivers.PROOFS}


def last_day(field, today):
    """The day that a box says: to come, and within a year; raises ValidationError."""
    if not (field.data or "").strip():
        raise ValidationError("Indiquez la date limite.")
    day = day_of(field, today)
    if day <= today:
        raise ValidationError("Cette date est passée\u00a0: indiquez un jour à venir.")
    if day > today + LONGEST:
        raise ValidationError("Cette date est à plus d’un an. Rapprochez-la.")
    return day


class CampaignForm(OfAnAccount, SentOnce):
    """`find(typed)` gives accounts: of the door. Once it is valid, `wanted` says what is asked of whom."""

    document = SelectField("Justificatif demandé", validate_choice=False)
    nom = text("Nom de la campagne", "Donnez un nom à la campagne.", 120)
    qui = RadioField("À qui\u202f?", validate_choice=False)
    age_min = StringField("Âge, à partir de")
    age_max = StringField("Âge, jusqu’à")
    pour = RadioField("De quelles entreprises\u202f?", validate_choice=False)
    limite = StringField("Date limite")
    sauf = BooleanField("Ne pas le demander à ceux qui l’ont envoyé depuis moins d’un an")

    def __init__(self, typed, today, find):
        super().__init__(typed, **({} if typed else {"qui": "enfants", "pour": EVERYONE, "sauf": True}))
        self.today, self.due_on, self.youngest, self.oldest = today, None, None, None
        kinds = ((code, proof.label) for code, proof in DOCUMENTS.items())
        self.document.choices = [SelectChoice("", "Choisissez"), *starmap(SelectChoice, kinds)]
        self.qui.choices = [SelectChoice(key, label) for key, (label, _) in ROLES.items()]
        self.pour.choices = list(starmap(SelectChoice, AUDIENCES.items()))
        self.limite.flags.required = self.document.flags.required = self.compte.flags.required = True
        self.look_up(find)

    def validate_document(self, field):
        if field.data not in DOCUMENTS:
            raise ValidationError("Choisissez le justificatif à demander.")

    def validate_nom(self, field):
        no_secret(self, field)

    def validate_qui(self, field):
        if field.data not in ROLES:
            raise ValidationError("Dites à qui le demander.")

    def validate_pour(self, field):
        if field.data not in AUDIENCES:
            raise ValidationError("Dites de quelles entreprises.")

    def validate_age_min(self, field):
        self.youngest = years(field)

    def validate_age_max(self, field):
        self.oldest = years(field)
        if self.youngest is not None and self.oldest is not None and self.oldest < self.youngest:
            raise ValidationError("Cet âge est sous le premier. Corrigez l’un des deux.")

    def validate_limite(self, field):
        self.due_on = last_day(field, self.today)

    @property
    def wanted(self):
        since = self.today - timedelta(days=365) if self.sauf.data else None
        who = ROLES[self.qui.data][1]
        proof = DOCUMENTS[self.document.data]
        return campaigns.Wanted(proof, who, self.due_on, self.account, self.youngest, self.oldest, since)


def years(field):
    """A whole number of years, or None; raises ValidationError."""
    typed = (field.data or "").strip()
    if not typed:
        return None
    if not (typed.isascii() and typed.isdigit() and len(typed) <= 3) or int(typed) > OLDEST:
        raise ValidationError("Écrivez un âge en années, ainsi\u00a0: 18.")
    return int(typed)


class ExtensionForm(SentOnce):
    limite = StringField("Nouvelle date limite")

    def __init__(self, typed, today, until):
        """`until`: the last day so far."""
        super().__init__(typed)
        self.today, self.until, self.due_on = today, until, None
        self.limite.flags.required = True

    def validate_limite(self, field):
        self.due_on = last_day(field, self.today)
        if self.due_on <= self.until:
            raise ValidationError("Cette date n’est pas après la date limite actuelle.")

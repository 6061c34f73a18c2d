"""What HR may change of a person: address, name, contact details, college, and a new start."""

import re
import uuid
from contextlib import suppress
from itertools import starmap

from wtforms import Form, HiddenField, RadioField, SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, Optional, ValidationError
from wtforms.widgets import CheckboxInput

from portal.exchange.affiliation_cells import tidy
from portal.formats import phone_fr, search_key
from portal.forms.checks import by_rule
from portal.rules import Refused, affiliations, dates, identifiers, places, terminations

KEY = re.compile(r"[0-9a-f-]{36}")
FRANCE = "france"
TITLES = [("M.", "M."), ("Mme", "Mme")]


class SentOnce(Form):
    """A form that knows which version of the person it was drawn from; with its key, sent twice, it does one thing."""

    version = HiddenField()
    form_key = HiddenField()

    COLUMNS: dict[str, str] = {}  # box → column of the person

    def __init__(self, typed=None, **given):
        super().__init__(typed, **given)
        if not self.form_key.data:
            self.form_key.data = str(uuid.uuid4())

    @property
    def key(self):
        return self.form_key.data if KEY.fullmatch(self.form_key.data or "") else None

    @property
    def seen(self):
        """The version that was on the screen; 0, which nobody has, when the form does not say."""
        text = next(iter(self.version.raw_data or ()), "")  # what came: `data` is what is there now when nothing did
        return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0

    def follow(self, replaced, person):
        """A box that still holds what somebody else replaced (by column) takes what is there now; the others stay."""
        for name, column in self.COLUMNS.items():
            if column in replaced and (self[name].data or "").strip() == replaced[column]:
                self[name].data = getattr(person, column)


def text(label, missing="", most=100, *checks, **drawn):
    """A box for words, kept as a cell of a file would be; `missing`: what to say when it must be filled."""
    filled = DataRequired(missing) if missing else Optional()  # spaces alone say nothing
    too_long = Length(max=most, message=f"Au plus {most} caractères. Raccourcissez.")
    return StringField(label, [filled, too_long, *checks], filters=[lambda typed: tidy(typed or "")], **drawn)


def name(label, missing="", by=by_rule):
    """A name of somebody; `by`: unless_kept, where one from the mutual may stand already."""
    return text(label, missing, 255, by(affiliations.name_of_person))


class From(SentOnce):
    """A change from a day on, which may be to come."""

    depuis = StringField("À partir du", [InputRequired("Indiquez à partir de quel jour.")])

    def __init__(self, typed, today, earliest=None, **given):
        super().__init__(typed, **given)
        self.today, self.earliest, self.since = today, earliest, None
        if not self.depuis.data and typed is None:
            self.depuis.data = f"{today:%d/%m/%Y}"

    def validate_depuis(self, field):
        latest = terminations.months_later(self.today, terminations.MONTHS_AHEAD)
        try:
            self.since = dates.french_date(field.data, self.today)
        except Refused as refused:
            raise ValidationError(str(refused)) from None
        if self.earliest and self.since < self.earliest:
            raise ValidationError(f"Au plus tôt le {self.earliest:%d/%m/%Y}.")
        if self.since > latest:
            raise ValidationError(f"Au plus tard le {latest:%d/%m/%Y}.")
        field.data = f"{self.since:%d/%m/%Y}"


class AddressForm(From):
    """An address, its town proposed by its postal code; a doubt about them is said once, then accepted."""

    numero = text("N°", most=20)
    rue = text("Rue", "Indiquez la rue, ou le lieu-dit.")
    complement = text("Complément d’adresse")
    code_postal = text("Code postal", most=20)
    ville = text("Ville", "Indiquez la ville.")
    pays = text("Pays", "Indiquez le pays.", most=60)
    pour = RadioField("Qui déménage ?", default="seul")
    averti = HiddenField()

    COLUMNS = {
        "numero": "street_number",
        "rue": "street",
        "complement": "complement",
        "code_postal": "postal_code",
        "ville": "city",
        "pays": "country",
    }

    def __init__(self, typed, today, person, others):
        """`others`: how many of the household would follow."""
        given = {name: getattr(person, column) for name, column in self.COLUMNS.items()}
        super().__init__(typed, today, version=person.version, pour="foyer" if others else "seul", **given)
        self.pour.choices = [("foyer", f"Tout le foyer ({others + 1} personnes)"), ("seul", "Cette personne seule")]
        self.pays.data = self.pays.data or "France"
        self.doubt = None

    @property
    def in_france(self):
        return search_key(self.pays.data or "") == FRANCE

    @property
    def towns(self):
        """The towns of the postal code; one alone is written by itself."""
        return places.towns((self.code_postal.data or "").strip()) if self.in_france else ()

    def propose(self):
        """Write the only town of a code, and say what does not agree."""
        if len(self.towns) == 1 and not self.ville.data:
            self.ville.data = self.towns[0]
        if self.in_france and self.code_postal.data:
            self.doubt = places.town_warning(self.code_postal.data.strip(), self.ville.data or "?")
            if self.towns and not self.ville.data:
                self.doubt = None

    def validate_code_postal(self, field):
        if self.in_france:
            by_rule(identifiers.postal_code)(self, field)

    def validate(self, extra_validators=None):
        """A doubt stops the first sending, and no other of the same code and town."""
        right = super().validate(extra_validators)
        if not right:
            return False
        self.propose()
        told, now = self.averti.data, search_key(f"{self.code_postal.data}{self.ville.data}")
        self.averti.data = now if self.doubt else ""
        return not self.doubt or told == now

    def values(self):
        return {column: self[name].data or "" for name, column in self.COLUMNS.items()}


def unless_kept(rule):
    """What is there already came from the mutual: it is no fault of who changes something else."""
    check = by_rule(rule)

    def check_new(form, field):
        if field.data != field.object_data:
            check(form, field)

    return check_new


class NameForm(SentOnce):
    civilite = SelectField("Civilité", choices=list(starmap(SelectChoice, TITLES)))
    naissance = name("Nom de naissance", "Indiquez le nom de naissance.", unless_kept)
    usage = name("Nom d’usage", by=unless_kept)
    prenom = name("Prénom", "Indiquez le prénom.", unless_kept)

    COLUMNS = {"civilite": "title", "naissance": "birth_name", "usage": "used_name", "prenom": "first_name"}

    def __init__(self, typed, person):
        given = {name: getattr(person, column) for name, column in self.COLUMNS.items()}
        super().__init__(typed, version=person.version, **given)

    def values(self):
        return {column: self[name].data or "" for name, column in self.COLUMNS.items()}


class PhoneField(StringField):
    """A telephone number, kept in E.164 form and shown as it is said in France; what cannot be read stays as typed."""

    def _value(self):
        return phone_fr(self.data or "")

    def process_formdata(self, typed):
        super().process_formdata(typed)
        if self.data == phone_fr(self.object_data or ""):
            self.data = self.object_data
        elif self.data:
            with suppress(Refused):
                self.data = identifiers.phone(self.data)


class ContactForm(SentOnce):
    fixe = PhoneField("Téléphone fixe", [Optional(), unless_kept(identifiers.phone)])
    portable = PhoneField("Téléphone portable", [Optional(), unless_kept(identifiers.phone)])
    courriel = StringField("Courriel", [Optional(), unless_kept(identifiers.email)])

    COLUMNS = {"fixe": "phone", "portable": "mobile", "courriel": "email"}

    def __init__(self, typed, person):
        given = {name: getattr(person, column) for name, column in self.COLUMNS.items()}
        super().__init__(typed, version=person.version, **given)

    def values(self):
        return {column: (self[name].data or "").strip() for name, column in self.COLUMNS.items()}


class CollegeForm(From):
    """Another contract of the same account: `contracts` come through the door."""

    contrat = SelectField("Collège et contrat", [InputRequired("Choisissez le collège et le contrat.")])

    def __init__(self, typed, today, contracts, **given):
        super().__init__(typed, today, **given)
        self.contracts = {str(contract.public_id): contract for contract in contracts}
        self.contrat.choices = [("", "Choisir"), *((key, label_of(one)) for key, one in self.contracts.items())]

    @property
    def contract(self):
        return self.contracts[self.contrat.data]


class RehireForm(CollegeForm):
    """A new start, with those of the household who come back."""

    foyer = SelectMultipleField("Ayants droit qui reviennent", option_widget=CheckboxInput())

    def __init__(self, typed, today, contracts, dependents, **given):
        super().__init__(typed, today, contracts, **given)
        self.dependents = {str(one.public_id): one for one in dependents}
        self.foyer.choices = [(key, one.full_name) for key, one in self.dependents.items()]

    @property
    def back(self):
        return [self.dependents[key] for key in self.foyer.data or ()]


def label_of(contract):
    """« ATELIERS COMBE-NOIRE – SIÈGE · 002 Cadres · HJ204118, Cadres Plus »."""
    category = contract.category
    where = f"{category.company.label} · {category.code} {category.label}"
    return f"{where} · {contract.number}, {contract.plan.label}"

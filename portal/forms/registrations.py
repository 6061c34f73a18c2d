"""« Inscription »: the profession, the address, the details that each profession gives; then the mutual's decision."""

import re

from wtforms import Form, PasswordField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional, ValidationError
from wtforms.widgets import TextArea

from portal.formats import phone_fr
from portal.forms.changes import SentOnce, text
from portal.forms.checks import by_rule, no_secret
from portal.forms.filters import Filter, SharedSelect
from portal.forms.supporting_documents import RefusalForm
from portal.forms.uploads import UploadField
from portal.models import Registration, RegistrationState, UserRole
from portal.rules import Refused, identifiers, passwords
from portal.rules import registrations as rules

CONTRACT = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,31}")
MOST_ACCOUNTS = 500  # given at once


class ProfessionForm(Form):
    profession = RadioField(
        "Votre profession",
        [InputRequired("Sélectionnez votre profession.")],
        choices=[SelectChoice(word, known.label) for word, known in rules.PROFESSIONS.items()],
    )


class EmailForm(Form):
    courriel = StringField("Courriel", [InputRequired("Indiquez votre courriel."), by_rule(identifiers.email)])


class DetailsForm(Form):
    """What a profession says of itself. The boxes of the others are not there."""

    prenom = text("Prénom", "Indiquez votre prénom.", 60)
    nom = text("Nom", "Indiquez votre nom.", 60)
    organisation = text("Société", "Indiquez le nom de votre société ou de votre cabinet.")
    telephone = StringField("Téléphone", [InputRequired("Indiquez un téléphone."), by_rule(identifiers.phone)])
    genre = RadioField("Votre numéro professionnel", [InputRequired("Choisissez le numéro que vous donnez.")])
    numero = StringField("Numéro", [InputRequired("Indiquez ce numéro.")])
    siret = StringField("SIRET", [InputRequired("Indiquez le SIRET."), by_rule(identifiers.siret)])
    contrat = text("Numéro de contrat", "Indiquez le numéro de l’un de vos contrats.", 32)
    comptes = TextAreaField(
        "Comptes demandés",
        [
            InputRequired("Indiquez les entreprises que vous gérez."),
            Length(max=4_000, message="Au plus 4 000 caractères. Raccourcissez."),
            no_secret,
        ],
    )
    pieces = UploadField("Justificatif", multiple=True, missing="Joignez le justificatif demandé.")
    mot_de_passe = PasswordField("Choisissez un mot de passe", [InputRequired("Choisissez un mot de passe.")])
    confirmation = PasswordField("Le même, une seconde fois", [InputRequired("Écrivez-le une seconde fois.")])

    def __init__(self, typed, row, profession, today):
        super().__init__(typed, **given(row))
        self.row, self.profession, self.today = row, profession, today
        self.organisation.label.text, self.pieces.label.text = profession.organisation, profession.proof
        self.genre.choices = [SelectChoice(kind, f"N° {kind}") for kind in profession.numbers]
        if row.kept:
            self.pieces.missing, self.pieces.flags.required = "", False
        for name in self.left_out():
            del self[name]

    def left_out(self):
        """The boxes that are not for this profession, or not any more."""
        one = self.profession
        asked = {"siret": one.has_siret, "contrat": one.has_contract, "comptes": one.asks_accounts}
        asked |= {"numero": bool(one.numbers), "genre": len(one.numbers) > 1}
        asked |= dict.fromkeys(("mot_de_passe", "confirmation"), not self.row.password_hash)
        return [name for name, wanted in asked.items() if not wanted]

    @property
    def number_kind(self):
        if "genre" in self:
            return self.genre.data
        return self.profession.numbers[0] if self.profession.numbers else ""

    def validate_numero(self, field):
        if self.number_kind not in self.profession.numbers:
            return  # said at the other box
        try:
            field.data = rules.number_of(self.number_kind, field.data, self.today)
        except Refused as refused:
            raise ValidationError(str(refused)) from None

    def validate_contrat(self, field):
        if not CONTRACT.fullmatch(field.data):
            raise ValidationError("Un n° de contrat n’a que des lettres et des chiffres. Recopiez-le du contrat.")

    def validate_mot_de_passe(self, field):
        about = [self.prenom.data, self.nom.data, self.organisation.data, self.row.email.split("@")[0]]
        if sentence := passwords.refusal(field.data, about=[word or "" for word in about]):
            raise ValidationError(sentence)

    def validate_confirmation(self, field):
        if field.data != self.mot_de_passe.data:
            raise ValidationError("Les deux mots de passe ne sont pas les mêmes.")

    def values(self):
        """What the form says, by column of the registration, the password apart."""
        said = {column: self[name].data for name, column in COLUMNS.items() if name in self}
        return said | {"number_kind": self.number_kind}


COLUMNS = {
    "prenom": "first_name",
    "nom": "last_name",
    "organisation": "organisation",
    "telephone": "phone",
    "siret": "siret",
    "contrat": "contract_number",
    "numero": "number",
    "comptes": "asked_for",
}


def given(row):
    """What was said already, by box."""
    said = {name: getattr(row, column) for name, column in COLUMNS.items()}
    return said | {"genre": row.number_kind, "telephone": phone_fr(row.phone)}


# ── At the mutual ────────────────────────────────────────────────────────────────────────────────────────────────

STATES = {
    "": ("À décider", RegistrationState.RECEIVED),
    "completer": ("À compléter", RegistrationState.INCOMPLETE),
    "acceptees": ("Acceptées", RegistrationState.ACCEPTED),
    "refusees": ("Refusées", RegistrationState.REFUSED),
    "toutes": ("Toutes", None),
}


class RegistrationFilter(Filter):
    """Narrows the list; an unknown value narrows nothing."""

    etat = SelectField(
        "État",
        choices=[SelectChoice(word, label) for word, (label, _) in STATES.items()],
        widget=SharedSelect(),
    )
    profession = SelectField(
        "Profession",
        choices=[SelectChoice("", "Toutes"), *(SelectChoice(key, one.label) for key, one in rules.PROFESSIONS.items())],
        widget=SharedSelect(),
    )

    def asked(self, roles):
        """What `narrow` takes. `roles`: word of a profession → UserRole."""
        _, state = STATES.get(self.etat.data or "", STATES[""])
        return {"state": state, "of_role": roles.get(self.profession.data)}

    @staticmethod
    def narrow(registrations, state, of_role):
        if state:
            registrations = registrations.where(Registration.state == state)
        return registrations.where(Registration.role == of_role) if of_role else registrations


class AcceptForm(SentOnce):
    """The accounts that are given, by their codes; a health professional has none."""

    comptes = TextAreaField("Comptes donnés", [Optional(), Length(max=8_000, message="Au plus 8 000 caractères.")])

    def __init__(self, typed, row, find, proposed=()):
        """`find(codes)`: the accounts of these codes, through the door; `proposed`: codes."""
        super().__init__(typed, version=row.version, comptes="\n".join(proposed))
        self.asks_accounts = row.role != UserRole.HEALTH_PROFESSIONAL
        self.find, self.accounts = find, []

    def validate(self, extra_validators=None):
        """After the boxes: an empty one, too, must say that an account is needed."""
        super().validate(extra_validators)
        if self.asks_accounts and not self.comptes.errors and (fault := self.fault()):
            self.comptes.errors = [fault]
        return not self.errors

    def fault(self):
        codes = list(dict.fromkeys(re.split(r"[\s,;]+", (self.comptes.data or "").strip().upper())))
        if codes == [""]:
            return "Écrivez le code d’au moins un compte : sans compte, cet accès n’ouvrirait rien."
        if len(codes) > MOST_ACCOUNTS:
            return f"Au plus {MOST_ACCOUNTS} comptes à la fois."
        self.accounts = self.find(codes)
        missing = [code for code in codes if code not in {account.code for account in self.accounts}]
        return f"Compte inconnu : {', '.join(missing)[:200]}." if missing else None


class RegistrationRefusal(RefusalForm):
    READY = rules.REFUSALS
    READER = "la personne"

    def validate_precision(self, field):
        no_secret(self, field)


class MoreForm(RegistrationRefusal):
    """What is missing."""

    READY = rules.MORE


class TickedRefusal(RegistrationRefusal):
    """The same reason for all that are ticked."""

    READER = "chaque personne"
    # Of several lines: Return in a box of one line presses the first button of the form, which is another one's.
    precision = text("Précision", most=200, widget=TextArea(), render_kw={"rows": 2})


class TickedMore(TickedRefusal):
    """The same is missing for all that are ticked."""

    READY = rules.MORE

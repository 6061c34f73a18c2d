"""What a company sends to the mutual: its type, what it says, its files; and the mutual's decision."""

from itertools import starmap

from wtforms import HiddenField, PasswordField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, ValidationError

from portal import document_types
from portal.exchange import uploads
from portal.formats import SPACE, date_fr
from portal.forms.changes import SentOnce
from portal.forms.checks import by_rule
from portal.forms.filters import Filter, SharedSelect
from portal.forms.supporting_documents import RefusalForm
from portal.forms.uploads import UploadField
from portal.models import Sending, SendingState
from portal.rules import Refused, identifiers
from portal.rules import sendings as rules

WHOLE = "compte"  # in the place of a company: the whole account
# What a list may be narrowed to; in « Reçus », what the mutual has not decided.
STATES = {
    "recus": ("Reçus", SendingState.RECEIVED),
    "acceptes": ("Acceptés", SendingState.ACCEPTED),
    "refuses": ("Refusés", SendingState.REFUSED),
    "retires": ("Retirés", SendingState.WITHDRAWN),
}
WORDS = {rules.KBIS: "kbis", rules.BANK_DETAILS: "rib", rules.GROUP: "groupe"}  # in addresses; others: their code


class Deposited(UploadField):
    """Formats and limit in the words that users know."""

    @property
    def promise(self):
        *most, last = [extension[1:] for kind in self.kinds for extension in uploads.KINDS[kind].extensions]
        said = f"Les formats acceptés sont{SPACE}: {', '.join(most)} et {last}."
        return f"{said} Taille max.{SPACE}: 4{SPACE}Mo par fichier, 20{SPACE}Mo ensemble."


class SendingForm(SentOnce):
    """One form for all types: each has its own questions, and those of the others are not read."""

    type = RadioField(
        "Veuillez choisir un type de document",
        [InputRequired("Choisissez le type de document.")],
    )
    entreprise = SelectField("Entreprise")
    siret = StringField("SIRET du Kbis")
    extrait = StringField("Date du Kbis")
    titulaire = StringField("Titulaire du compte", [Length(max=140, message="Au plus 140 caractères. Raccourcissez.")])
    iban = StringField("IBAN")
    bic = StringField("BIC")
    mot_de_passe = PasswordField("Votre mot de passe")
    preuve = StringField("Code à six chiffres", [Length(max=60, message="Ce code est trop long.")])
    preuve_cle = HiddenField()
    note = TextAreaField("Message à la mutuelle", [Length(max=300, message="Au plus 300 caractères. Raccourcissez.")])
    fichiers = Deposited(
        "Déposez le fichier à télécharger ou cliquez ici",
        kinds=uploads.ALL,
        multiple=True,
        missing="Choisissez au moins un fichier.",
    )

    def __init__(self, typed, companies, today, months, whole=False, pays_from=None, **proofs):
        """`companies`: those of the account, through the door; `whole`: a group's document may be about all of it.

        `months`: how long a Kbis is recent. `pays_from(company, iban)`: the mutual has this very account already.
        `proofs`: what bank details ask for, None or nothing where they do not: `password(typed)` and `code(typed)`, or
        `key(form, answer)`, of a passkey, in the place of both.
        """
        super().__init__(typed)
        self.types = document_types.offered()
        self.type.choices = [SelectChoice(code, one.label) for code, one in self.types.items()]
        self.fichiers.kinds = [kind for kind in uploads.ALL if any(kind in one.kinds for one in self.types.values())]
        self.companies = {company.code: company for company in companies}
        self.today, self.months, self.issued_on = today, months, None
        self.pays_from = pays_from
        self.password, self.code, self.passkey = (proofs.get(name) for name in ("password", "code", "key"))
        self.by_key = bool(self.passkey and typed and "preuve_cle" in typed)
        everyone = [(WHOLE, "Tout le compte")] if whole else []
        choices = [*everyone, *((code, f"{one.label}, {code}") for code, one in self.companies.items())]
        self.entreprise.choices = choices if len(choices) == 1 else [("", "Choisissez"), *choices]

    @property
    def company(self):
        """None for the whole account, or before one is chosen."""
        return self.companies.get(self.entreprise.data)

    @property
    def chosen(self):
        """The type of document, None before one is chosen."""
        return self.types.get(self.type.data)

    def of(self, kind):
        return self.type.data == kind

    @property
    def hints(self):
        """Type → what is said under it: whom it concerns, and its formats where they are fewer."""
        return {code: rules.hint(one) for code, one in self.types.items()}

    def validate_entreprise(self, field):
        if not field.data:
            raise ValidationError("Choisissez l’entreprise.")
        if field.data == WHOLE and (self.chosen is None or self.chosen.of_company):
            raise ValidationError("Ce document est celui d’une seule entreprise : choisissez-la.")

    def validate_siret(self, field):
        if self.of(rules.KBIS):
            by_rule(identifiers.siret)(self, field)

    def validate_extrait(self, field):
        if self.of(rules.KBIS):
            self.issued_on = kbis_date(field, self.today, self.months)

    def validate_titulaire(self, field):
        field.data = " ".join((field.data or "").split())
        if self.of(rules.BANK_DETAILS) and not field.data:
            raise ValidationError("Recopiez le titulaire, comme il est écrit sur le RIB.")

    def validate_iban(self, field):
        if not self.of(rules.BANK_DETAILS):
            return
        by_rule(identifiers.iban)(self, field)
        if self.company and self.pays_from and self.pays_from(self.company, field.data):
            raise ValidationError("La mutuelle a déjà ce compte pour cette entreprise : il n’y a rien à changer.")

    def validate_bic(self, field):
        if self.of(rules.BANK_DETAILS) and (field.data or "").strip():
            by_rule(identifiers.bic)(self, field)

    def validate_mot_de_passe(self, field):
        if not (self.of(rules.BANK_DETAILS) and self.password) or self.by_key:
            return
        if not field.data:
            raise ValidationError("Indiquez votre mot de passe : un changement de compte le demande.")
        if not self.password(field.data):
            raise ValidationError("Ce n’est pas votre mot de passe. Vérifiez-le, puis réessayez.")

    def validate_fichiers(self, field):
        """Those that this type does not take are not kept."""
        if self.chosen is None:
            return
        right = {uploads.KINDS[kind].mime_type for kind in self.chosen.kinds}
        wrong = [file for file in field.files if file.mime_type not in right]
        field.files = [file for file in field.files if file.mime_type in right]
        if wrong:
            formats = uploads.formats_of(self.chosen.kinds)
            names = ", ".join(file.file_name for file in wrong)
            raise ValidationError(f"{names}{SPACE}: pour ce type de document, envoyez un fichier {formats}.")

    def validate(self, *args, **options):
        """The code, or the key, last: a right one is used up, and what is refused for something else is sent again."""
        right = super().validate(*args, **options)
        if not right or not self.of(rules.BANK_DETAILS):
            return right
        if self.by_key:
            return self.passkey(self, self.preuve_cle.data or "")
        if self.code and not self.code(self.preuve.data or ""):
            self.preuve.errors = ["Ce code n’est pas le bon, ou a déjà servi. Attendez le suivant, puis écrivez-le."]
            return False
        return right

    def draft(self, account):
        """A Sending that is not written yet."""
        row = Sending(account=account, company=self.company, document_type=self.type.data)
        row.document_name = self.chosen.label
        row.note = (self.note.data or "").strip()
        if self.of(rules.KBIS):
            row.siret, row.issued_on = self.siret.data, self.issued_on
        return row


def kbis_date(field, today, months=None):
    """The date that a box says of a Kbis; raises ValidationError."""
    try:
        found = rules.kbis_date(field.data or "", today, months)
    except Refused as refused:
        raise ValidationError(str(refused)) from None
    field.data = date_fr(found)
    return found


class SendingFilter(Filter):
    """Narrows a list of sendings; an unknown value narrows nothing."""

    etat = SelectField(
        "État",
        choices=[SelectChoice("", "Tous"), *(SelectChoice(k, v[0]) for k, v in STATES.items())],
        widget=SharedSelect(),
    )
    genre = SelectField("Type de document", widget=SharedSelect())

    def __init__(self, typed):
        super().__init__(typed)
        known = document_types.in_force.items()
        self.kinds = {WORDS.get(code, code.lower()): code for code, _ in known}
        words = ((word, document_types.label(code)) for word, code in self.kinds.items())
        self.genre.choices = [SelectChoice("", "Tous"), *starmap(SelectChoice, words)]

    def asked(self):
        """What `narrow` takes."""
        _, state = STATES.get(self.etat.data, ("", None))
        return {"state": state, "of_type": self.kinds.get(self.genre.data)}

    @staticmethod
    def narrow(sendings, state, of_type):
        if state:
            sendings = sendings.where(Sending.state == state)
        return sendings.where(Sending.document_type == of_type) if of_type else sendings

    @property
    def in_force(self):
        return self.etat.data in STATES or self.genre.data in self.kinds


class QueueFilter(SendingFilter):
    """The same above the mutual's queue: what is to be done, unless another state is asked for."""

    etat = SelectField(
        "État",
        choices=[
            SelectChoice("", "À traiter"),
            *(SelectChoice(word, label) for word, (label, _) in STATES.items() if word != "recus"),
            SelectChoice("tous", "Tous"),
        ],
        widget=SharedSelect(),
    )

    def asked(self):
        asked = super().asked()
        is_known = asked["state"] or self.etat.data == "tous"
        return asked if is_known else asked | {"state": SendingState.RECEIVED}


class AcceptForm(SentOnce):
    """What the mutual read on a Kbis: as the company typed it, or mended."""

    siret = StringField("SIRET")
    extrait = StringField("Date du Kbis")

    def __init__(self, typed, sending, today):
        given = {"siret": sending.siret, "extrait": date_fr(sending.issued_on) if sending.issued_on else ""}
        super().__init__(typed, version=sending.version, **given)
        self.sending, self.today, self.issued_on = sending, today, None

    @property
    def asks(self):
        return self.sending.document_type == rules.KBIS

    def validate_siret(self, field):
        if self.asks:
            by_rule(identifiers.siret)(self, field)

    def validate_extrait(self, field):
        if self.asks:
            self.issued_on = kbis_date(field, self.today)


class SendingRefusal(RefusalForm):
    """Why the mutual refuses what a company sent."""

    READY = rules.REFUSALS
    READER = "l’entreprise"


class TickedRefusal(SendingRefusal):
    """The same reason for all that are ticked."""

    READER = "chaque entreprise"

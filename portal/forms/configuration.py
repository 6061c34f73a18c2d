"""« Configuration », one form a section: how the mutual presents itself, who answers, its delays."""

import re

from wtforms import BooleanField, Form, HiddenField, StringField
from wtforms.validators import Optional, ValidationError

from portal.exchange import uploads
from portal.forms.changes import text
from portal.forms.checks import TIDY, whole
from portal.forms.document_types import DocumentTypes
from portal.forms.natures import Natures
from portal.rules import Refused, colours, identifiers

SITE = re.compile(r"https://[^\s/]+\.[^\s/]+(/\S*)?")


class Section(Form):
    """The settings of one section; `seen`: what was on the screen. A box that is emptied takes its first value back."""

    seen = HiddenField()

    BOXES: dict[str, str] = {}  # box → setting
    MAY_BE_EMPTY: set[str] = set()

    def __init__(self, typed, base, now_in_force, seen):
        """`base`: the settings of the environment, `now_in_force`: those that the boxes show."""
        given = {box: str(getattr(now_in_force, setting)) for box, setting in self.BOXES.items()}
        super().__init__(typed, seen=seen, **given)
        self.base = base
        self.before = {setting: str(getattr(now_in_force, setting)) for setting in self.BOXES.values()}

    def values(self):
        """Setting → text to keep, None for that of the environment."""
        said = {setting: (self[box].data or "").strip() for box, setting in self.BOXES.items()}
        return {name: text if self.differs(name, text) else None for name, text in said.items()}

    def differs(self, name, said):
        return said != str(getattr(self.base, name)) and bool(said or name in self.MAY_BE_EMPTY)

    def blame(self, wrong):
        """Say at its box what a check of the settings refused (WrongSetting)."""
        named = [box for box, setting in self.BOXES.items() if setting.upper() in wrong.name]
        sentence = wrong.sentence[:1].upper() + wrong.sentence[1:]
        if named:
            self[named[0]].errors = [*self[named[0]].errors, sentence]
        else:
            self.form_errors.append(sentence)


def site(form, field):
    if field.data and not SITE.fullmatch(field.data.strip()):
        raise ValidationError("Écrivez une adresse qui commence par https://, ainsi\u00a0: https://www.exemple.fr.")


def address(form, field):
    try:
        field.data = identifiers.email(field.data or "") if field.data else ""
    except Refused as refused:
        raise ValidationError(str(refused)) from None


def phone(form, field):
    try:
        identifiers.phone(field.data or "")
    except Refused as refused:
        raise ValidationError(str(refused)) from None


class Identity(Section):
    """Names, address, colour and logo."""

    portail = text("Nom du portail", most=40)
    mutuelle = text("Nom de la mutuelle", most=80)
    adresse = text("Adresse de la mutuelle", most=200)
    couleur = StringField("Couleur de la mutuelle", [Optional()], filters=TIDY)
    d_origine = BooleanField("Garder la couleur d’origine du portail")
    sans_logo = BooleanField("Revenir au logo d’origine")

    BOXES = {
        "portail": "brand_name",
        "mutuelle": "insurer_name",
        "adresse": "insurer_address",
        "couleur": "colour",
    }
    MAY_BE_EMPTY = {"colour"}
    KINDS = ("png", "jpeg")

    def __init__(self, typed, base, now_in_force, seen, sent=None):
        """`sent`: the file of a logo, as the browser sent it."""
        super().__init__(typed, base, now_in_force, seen)
        if typed is None:
            self.d_origine.data = not now_in_force.colour
        self.couleur.data = self.couleur.data or colours.OURS
        self.sent, self.picture, self.logo_error = sent if sent and sent.filename else None, None, ""

    def validate_couleur(self, field):
        try:
            field.data = "" if self.d_origine.data else colours.colour(field.data or "")
        except Refused as refused:
            raise ValidationError(str(refused)) from None

    def validate(self, **options):
        right = super().validate(**options)
        if self.sent:
            try:
                self.picture = picture_of(self.sent, self.KINDS)
            except Refused as refused:
                self.logo_error = str(refused)
                self.form_errors.append(f"Logo\u00a0: {refused}")
        return right and not self.logo_error


def picture_of(sent, kinds):
    """The bytes of an image that somebody sends, checked and written again; raises Refused."""
    kind = uploads.kind_of(sent.filename, kinds)
    uploads.check_size(sent.stream)
    with uploads.checked(sent.stream, kind) as content:
        content.seek(0)
        return content.read()


class Contacts(Section):
    """Who answers, where, when."""

    courriel = StringField("Adresse électronique", [Optional(), address], filters=TIDY)
    telephone = StringField("Téléphone", [Optional(), phone], filters=TIDY)
    horaires = text("Horaires", most=100)
    dpo = StringField("Délégué à la protection des données", [Optional(), address], filters=TIDY)
    mediateur = text("Médiateur", most=250)
    espace = StringField("Espace des adhérents", [Optional(), site], filters=TIDY)
    app_store = StringField("Application, App Store", [Optional(), site], filters=TIDY)
    play_store = StringField("Application, Google Play", [Optional(), site], filters=TIDY)
    operateur = text("Opérateur de tiers payant", most=80)
    tiers_payant = text("Conditions du tiers payant", most=400)

    BOXES = {
        "courriel": "support_email",
        "telephone": "support_phone",
        "horaires": "support_hours",
        "dpo": "dpo_email",
        "mediateur": "ombudsman",
        "espace": "individual_space_url",
        "app_store": "app_store_url",
        "play_store": "play_store_url",
        "operateur": "third_party_operator",
        "tiers_payant": "third_party_terms",
    }
    MAY_BE_EMPTY = {"app_store_url", "play_store_url"}


def days(label, most=366):
    return StringField(label, [Optional(), whole(most)], filters=TIDY)


class Delays(Section):
    """When papers are asked for, reminded of, too old."""

    relance = days("Jours entre deux relances d’une même pièce")
    rappels = text("Rappels automatiques, en jours avant l’échéance", most=40)
    grace = days("Jours après l’échéance avant qu’une pièce expire")
    scolaire = text("Certificats de scolarité, demandés du … au …", most=11)
    kbis = days("Mois pendant lesquels un Kbis est récent", 24)

    BOXES = {
        "relance": "reminder_days",
        "rappels": "reminders_before",
        "grace": "proof_grace_days",
        "scolaire": "school_campaign",
        "kbis": "kbis_months",
    }


SECTIONS = {
    "identite": Identity,
    "contacts": Contacts,
    "delais": Delays,
    "natures": Natures,
    "documents": DocumentTypes,
}

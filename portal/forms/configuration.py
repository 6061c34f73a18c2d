"""« Configuration »: how the mutual presents itself, its delays, the natures of requests, one form a section."""

import re

from wtforms import BooleanField, FieldList, Form, FormField, HiddenField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from portal import wording
from portal.exchange import uploads
from portal.forms.changes import text
from portal.forms.checks import no_secret
from portal.rules import Refused, colours, identifiers, threads

SITE = re.compile(r"https://[^\s/]+\.[^\s/]+(/\S*)?")
LONG = "Au plus 4\u00a0000 caractères. Raccourcissez."
TIDY = [lambda typed: " ".join((typed or "").split())]


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


def whole(most):
    def check(form, field):
        said = field.data or ""
        if not (said.isascii() and said.isdigit() and 0 < int(said) <= most):
            raise ValidationError(f"Écrivez un nombre entier, de 1 à {most}.")
        field.data = str(int(said))

    return check


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


class NatureForm(Form):
    """One nature: what it is called, in how many days an answer is promised, whether it is offered."""

    code = HiddenField()
    nom = StringField(
        "Nom", [Optional(), Length(max=60, message="Au plus 60 caractères. Raccourcissez.")], filters=TIDY
    )
    jours = StringField("Jours ouvrés", [Optional(), whole(threads.MOST_DAYS)], filters=TIDY)
    proposee = BooleanField("Proposée")

    def validate_nom(self, field):
        no_secret(self, field)


class Natures(Form):
    """The natures of requests and of complaints, with an empty line for one more of each."""

    seen = HiddenField(validators=[InputRequired()])
    demandes = FieldList(FormField(NatureForm))
    reclamations = FieldList(FormField(NatureForm))

    KINDS = {"demandes": threads.REQUEST, "reclamations": threads.COMPLAINT}
    BOXES = {"demandes": "natures"}

    def __init__(self, typed, base, now_in_force, seen):
        known = {box: now_in_force.natures_by_kind[kind] for box, kind in self.KINDS.items()}
        given = {box: [*map(shown, natures, natures.values()), {"proposee": True}] for box, natures in known.items()}
        super().__init__(typed, seen=seen, **given)
        self.known, self.base = known, base

    def validate(self, **options):
        right = super().validate(**options)
        for box, entries in ((name, self[name].entries) for name in self.KINDS):
            for entry in entries:
                if entry.code.data in self.known[box] and not entry.nom.data:
                    entry.nom.errors = ["Donnez un nom à cette nature, ou ne la proposez plus."]
                    right = False
                if entry.nom.data and box == "demandes" and not entry.jours.data and not entry.jours.errors:
                    entry.jours.errors = ["Indiquez le délai promis."]
                    right = False
            if not any(entry.nom.data and entry.proposee.data for entry in entries):
                self.form_errors.append("Proposez au moins une nature de demande et une de réclamation.")
                right = False
        return right

    def arranged(self):
        """Kind → code → [name, days, offered], of those that differ from the portal's or were added."""
        return {self.KINDS[box]: dict(self.changed(box)) for box in self.KINDS}

    def changed(self, box):
        number = 1 + max((int(code[4:]) for code in self.known[box] if threads.OWN.fullmatch(code)), default=0)
        first = self.base.natures_by_kind[self.KINDS[box]]
        for entry in self[box].entries:
            code, name = entry.code.data, entry.nom.data
            if code not in self.known[box]:
                if not name:
                    continue
                code, number = f"OWN_{number}" if box == "demandes" else f"OWN_{number + 500}", number + 1
            promised = int(entry.jours.data or (self.known[box][code].days if code in self.known[box] else 10))
            said = threads.Nature(name, promised, bool(entry.proposee.data))
            if said != first.get(code):
                yield code, list(said)


def shown(code, nature):
    return {"code": code, "nom": nature.label, "jours": str(nature.days), "proposee": nature.offered}


SECTIONS = {"identite": Identity, "contacts": Contacts, "delais": Delays, "natures": Natures}


class WordingForm(Form):
    """The words of one message; `source`: the template that they make, once it was checked."""

    seen = HiddenField()
    objet = text("Objet", most=150)
    texte = TextAreaField("Texte", [InputRequired("Écrivez le texte."), Length(max=4_000, message=LONG)])
    bouton = text("Bouton", most=60)

    def __init__(self, typed, is_text, words, seen):
        super().__init__(typed, seen=seen, objet=words.subject, texte=words.body, bouton=words.action)
        self.is_text, self.source = is_text, ""
        self.texte.render_kw = {"rows": 4 if is_text else 12}

    def validate_objet(self, field):
        if not (self.is_text or field.data):
            raise ValidationError("Donnez un objet.")

    @property
    def words(self):
        body = (self.texte.data or "").replace("\r\n", "\n").strip()
        return wording.Words("", body, "") if self.is_text else wording.Words(self.objet.data, body, self.bouton.data)

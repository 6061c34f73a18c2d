"""What an employee types besides the steps of the enrolment: birth date, signature and code, the case of a waiver."""

from collections import Counter
from dataclasses import dataclass, replace

from wtforms import BooleanField, Form, RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, ValidationError

from portal import household, signing
from portal.exchange import affiliation_cells as cells
from portal.formats import email_masked, phone_masked, search_key
from portal.forms.changes import SentOnce
from portal.models import Channel, GuestLink
from portal.rules import Refused, dates, identifiers, waivers


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


# ── Signing ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Signed(SentOnce):
    """A name typed as a signature, and where the code goes: `name`, `channel` and `recipient`, once they are right."""

    signature = StringField("Vos prénom et nom, pour signer")
    envoi = RadioField("Où envoyer votre code de signature\u202f?", validate_choice=False)
    contact = StringField("Votre portable ou votre e-mail")  # asked where none is known

    def __init__(self, typed, home, link, **given):
        super().__init__(typed, **given)
        for name in ("signature", "envoi", "contact"):  # last on the page: what is wrong is told in its order
            self._fields[name] = self._fields.pop(name)
        self.names = names_of(home)
        self.ways = ways_to(home, link)
        self.envoi.choices = [SelectChoice(key, way.label) for key, way in self.ways.items()]
        if typed is None and len(self.ways) == 1:
            self.envoi.data = next(iter(self.ways))
        for box in (self.signature, self.envoi, self.contact):
            box.flags.required = True
        self.name, self.channel, self.recipient = "", None, ""

    def validate_signature(self, field):
        self.name = " ".join((field.data or "").split())[: GuestLink.typed_name.max_length]
        if not is_name_of(self.name, *self.names):
            first_name, *last = self.names
            raise ValidationError(f"Écrivez vos prénom et nom, ainsi\u00a0: {first_name} {last[-1].upper()}.")

    def validate_envoi(self, field):
        way = self.ways.get(field.data) if self.ways else None
        if self.ways and way is None:
            raise ValidationError("Choisissez où envoyer le code.")
        if way:
            self.channel, self.recipient = way.channel, way.recipient

    def validate_contact(self, field):
        if self.ways:
            return
        self.channel = Channel.EMAIL if "@" in (field.data or "") else Channel.SMS
        try:
            self.recipient = RULES[self.channel](field.data or "")
        except Refused as refused:
            raise ValidationError(str(refused)) from None


RULES = {Channel.EMAIL: identifiers.email, Channel.SMS: identifiers.mobile}


def names_of(home):
    """First name, birth name, and the name that is used where it is another."""
    texts = home.employee.cells
    return [texts[place] for place in (cells.FIRST_NAME, cells.BIRTH_NAME, cells.USED_NAME) if texts[place]]


BESIDE = ("monsieur", "madame", "mme", "mr", "m", "nee", "ne", "epouse")


def is_name_of(typed, first_name, *last_names):
    """Whether a signature is the first name and one of the last names, whatever the order, the case and the accents.

    What may stand beside them is another of these names, or what says how they are borne: « Mme Courbet née Lacroix ».
    """
    names = first_name, *last_names
    folded = search_key if all(map(search_key, names)) else letters  # of a name in other letters, nothing is left
    first, *last = map(folded, names)
    pieces = [(word, False, False) for word in (*BESIDE, first, *last)]
    pieces += [(first, True, False), *((name, False, True) for name in last)]
    text, reached, seen = folded(typed), [(0, False, False)], set()
    while reached:  # each place once: words that begin alike would keep an expression busy for ever
        state = at, has_first, has_last = reached.pop()
        if state not in seen:
            seen.add(state)
            followed = (piece for piece in pieces if piece[0] and text.startswith(piece[0], at))
            reached += ((at + len(word), has_first or one, has_last or other) for word, one, other in followed)
    return (len(text), True, True) in seen


def letters(text):
    return "".join(filter(str.isalnum, text.casefold()))


@dataclass(frozen=True)
class Way:
    """Where a code may go."""

    label: str
    channel: Channel
    recipient: str


def ways_to(home, link):
    """By what the employee can be reached: what they gave, and where the link came."""
    came = link.unseal()
    numbers, addresses = household.reached_by(home, came)
    ways = [Way(f"Par SMS au {phone_masked(one)}", Channel.SMS, one) for one in numbers]
    ways += [Way(f"Par courriel à {email_masked(one)}", Channel.EMAIL, one) for one in addresses]
    alike = Counter(way.label for way in ways)  # masked, two of a person are often written the same
    told = {True: "celui de votre lien", False: "celui de vos coordonnées"}
    ways = [
        replace(way, label=f"{way.label} ({told[way.recipient == came]})") if alike[way.label] > 1 else way
        for way in ways
    ]
    return {str(place): way for place, way in enumerate(ways)}


class SignatureForm(Signed):
    """The last look: what is declared, then the signature."""

    exact = BooleanField("Ce que j’ai indiqué est exact et complet, pour moi et pour les personnes de ma famille.")
    notice = BooleanField("J’ai reçu la notice d’information et les statuts de la mutuelle, et je les accepte.")

    def validate_exact(self, field):
        if not field.data:
            raise ValidationError("Relisez, corrigez s’il le faut, puis cochez cette case.")

    def validate_notice(self, field):
        if not field.data:
            raise ValidationError("Lisez la notice et les statuts, puis cochez cette case.")


class CodeForm(Form):
    code = StringField("Votre code à 6 chiffres", [InputRequired("Écrivez le code que vous avez reçu.")])

    def validate_code(self, field):
        """Half a code is a slip of the finger: it is said, and does not use one of the five tries."""
        if sum(sign.isdecimal() and sign.isascii() for sign in field.data) != signing.DIGITS:
            raise ValidationError("Le code a six chiffres. Écrivez les six.")


# ── Staying out ──────────────────────────────────────────────────────────────────────────────────────────────────


class WaiverForm(Signed):
    """« Je demande à ne pas être couvert »: the questions of one case, and the consequences that are accepted."""

    occasion = RadioField("Quand demandez-vous cette dispense\u202f?", validate_choice=False)
    couverture = RadioField("Par quoi êtes-vous couvert\u202f?", validate_choice=False)
    embauche = StringField("Votre date d’embauche")
    fin = StringField("")
    consequences = BooleanField(
        "Mon employeur m’a informé des conséquences de mon choix, et je demande à ne pas être couvert."
    )

    PLACES = {"occasion": "occasion", "cover": "couverture", "hired_on": "embauche", "valid_until": "fin"}

    def __init__(self, typed, reason, home, link, today, **given):
        super().__init__(typed, home, link, **given)
        self.reason, self.case, self.home, self.today = reason, waivers.CASES[reason], home, today
        self.occasion.choices = [SelectChoice(key, waivers.OCCASIONS[key]) for key in self.case.occasions]
        self.couverture.choices = [SelectChoice(key, waivers.COVERS[key]) for key in self.case.covers]
        self.fin.label.text = self.case.until
        if len(self.case.occasions) == 1:
            self.occasion.data = self.case.occasions[0]
        for box in (self.occasion, self.couverture, self.embauche, self.fin):
            box.flags.required = True

    def words(self):
        """What is kept of the answers until the code has signed them."""
        typed = {name: [self[name].data or ""] for name in household.WAIVER_BOXES if name != "cas"}
        return {"cas": [self.reason], **typed}

    def validate(self, extra_validators=None):
        super().validate(extra_validators)
        home = household.Household(self.home.answers | {household.WAIVER: self.words()}, self.home.offer, self.today)
        try:
            faults = waivers.faults(household.waiver_asked(home), self.today)
        except Refused:
            faults = {place: said for place in ("hired_on", "valid_until") if (said := self.refusal_of(place))}
        for field, sentence in faults.items():
            if field in self.PLACES:
                self[self.PLACES[field]].errors = [sentence]
            else:
                self.form_errors.append(sentence)
        return not self.errors

    def refusal_of(self, place):
        """What the rule of dates says of what was typed."""
        try:
            dates.french_date(self[self.PLACES[place]].data or "", self.today)
        except Refused as refused:
            return str(refused)
        return ""

    def validate_consequences(self, field):
        if not field.data:
            raise ValidationError("Lisez ce que vous perdez, puis cochez cette case.")

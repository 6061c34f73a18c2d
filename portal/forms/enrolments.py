"""The six steps of an enrolment: the boxes of each, which know neither who types nor at what address."""

from itertools import starmap

from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, FieldList, Form, FormField, HiddenField, RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import Select

from portal import household
from portal.exchange import affiliation_cells as cells
from portal.exchange.affiliation_cells import TITLES
from portal.exchange.affiliation_check import Context
from portal.formats import iban_grouped, nir_grouped
from portal.forms.boxes import Sparing
from portal.forms.changes import SentOnce
from portal.household import AWAITED, MOST_CHILDREN, NAMES, NOBODY, PRESENT
from portal.rules import Refused, affiliations, dates, places

FEW = 5  # contracts that are shown one by one; more make a list
LONGEST = 500  # characters kept of a box
NOT_WORDS = {"version", "form_key"}


def text(label):
    return StringField(label, render_kw={"autocomplete": "off"})


class StepForm(SentOnce):
    """One step. `typed`: what a browser sent, or what the draft keeps of it (None: nothing yet).

    Its boxes have no validators: the rules of the affiliation file check them, everybody's together.
    """

    averti = HiddenField()

    step = ""
    to_employee = False  # who types
    required: tuple[str, ...] = ()
    Meta = Sparing

    def __init__(self, typed=None, **given):
        super().__init__(typed, **given)
        self.doubts, self.doubt = [], None
        mark(self, self.required)

    def words(self):
        """What was sent in the boxes of this step, as it was: {name: [texts]}."""
        return {box.name: kept(box) for box in self if box.name not in NOT_WORDS and box.raw_data}

    def show(self, home):
        """Write in the boxes what the rules made of the words: their safe repairs."""
        for member in home.asked_by(self.step):
            write(self, member)

    def tell(self, errors):
        """Put each sentence, by name of box, above its box."""
        for name, sentence in errors.items():
            self[name].errors = [sentence]

    def accepts(self, doubts, *known):
        """Nothing doubtful, or nothing that was not told already; otherwise it is told now."""
        told, self.averti.data = self.averti.data or "", household.mark_of(*doubts, *known)
        self.doubts = [] if told == self.averti.data else doubts
        return told == self.averti.data


def mark(form, names):
    """Say of these boxes that they must be filled."""
    for name in names:
        form[name].flags.required = True


def kept(box):
    return [typed[:LONGEST] for typed in box.raw_data]


GROUPED = {cells.NIR: nir_grouped, cells.REIMBURSEMENT_IBAN: iban_grouped, cells.CONTRIBUTION_IBAN: iban_grouped}


def write(boxes, member):
    """The canonical words of somebody, as people read them; those that are wrong stay as they are."""
    for place, title in enumerate(TITLES):
        text, name = member.cells[place], NAMES[place]
        if name in boxes and text and text != household.KEY:
            right = title not in member.checked.errors
            boxes[name].data = GROUPED[place](text) if right and place in GROUPED else text


class ContractStep(StepForm):
    """« Bulletin d’adhésion individuel »: the contracts come through the door."""

    step = "garantie"
    required = ("contrat", "datedeffet")

    contrat = RadioField("Choisissez une garantie pour cette adhésion", validate_choice=False)
    datedeffet = text("Date d’effet")

    def __init__(self, typed=None, offers=(), **given):
        super().__init__(typed, **given)
        self.offers = {offer.contract_number: offer for offer in offers}
        self.contrat.choices = [(number, label_of(one)) for number, one in self.offers.items()]
        if len(self.offers) == 1 and typed is None:
            self.contrat.data = next(iter(self.offers))
        if len(self.offers) > FEW:
            self.contrat.widget, self.contrat.type = Select(), "SelectField"
            self.contrat.choices.insert(0, ("", "Choisir"))

    @property
    def offer(self):
        return self.offers.get(self.contrat.data)

    def limits(self, today):
        """What the contracts say of the first day, in French."""
        days = {offer.subscribed_on for offer in self.offers.values()}
        earliest = f"le {min(days):%d/%m/%Y}" if len(days) == 1 else "à la souscription du contrat"
        latest = dates.months_after(today, Context.max_ahead_months)
        doubtful = dates.months_before(today, Context.max_retroactive_months)
        return (
            f"Au plus tôt {earliest}, au plus tard le {latest:%d/%m/%Y}. "
            f"Avant le {doubtful:%d/%m/%Y}, la mutuelle peut la refuser."
        )

    def check(self, today):
        """Say what is wrong before there is a draft; the household, None where there is no contract at all."""
        if not self.offers:
            self.contrat.errors = ["Aucune garantie ne vous est ouverte dans ce compte."]
            return None
        latest = max(self.offers.values(), key=lambda offer: offer.subscribed_on)
        home = household.Household({self.step: self.words()}, self.offer or latest, today)
        self.show(home)
        self.tell(home.errors(self.step))
        return home


def label_of(offer):
    """« Essentielle · ATELIERS COMBE-NOIRE, 002 Cadres (contrat HJ204118) »."""
    where = f"{offer.company_label}, {offer.category_code} {offer.category_label}"
    return f"{offer.plan_label} · {where} (contrat {offer.contract_number})"


def one_of(label, *answers):
    """Buttons; the rules of the file read the answer."""
    return RadioField(label, choices=list(starmap(SelectChoice, answers)), validate_choice=False)


def sex():
    return one_of("Sexe", ("M", "Masculin"), ("F", "Féminin"))


class EmployeeStep(StepForm):
    step = "salarie"
    required = ("civilite", "nom", "prenom", "datedenaissance", "nssociale", "sexe", "typedassure", "autreregime")

    civilite = one_of("État civil", ("Mme", "Madame"), ("M.", "Monsieur"))
    nom = text("Nom")
    nomdusage = text("Nom d’usage")
    prenom = text("Prénom")
    datedenaissance = text("Date de naissance")
    nssociale = text("N° S. Sociale")
    sexe = sex()
    typedassure = one_of("Type d’assuré", ("Assuré social", "Assuré social"), ("MSA", "MSA"), ("TI", "TI"))
    autreregime = one_of(
        "Est-il couvert par un autre régime complémentaire Frais de Santé ou par la C.M.U.\u202f?",
        ("Non", "Non"),
        ("Oui", "Oui"),
    )
    matricule = text("Matricule")
    autre = HiddenField()  # whom it was told that this might be, and who it is not


class AddressStep(StepForm):
    """Where the employee lives; the town is proposed by the postal code."""

    step = "coordonnees"
    required = ("rue", "codepostal", "ville")

    telfixe = text("N° Tél fixe")
    portable = text("Portable")
    email = text("E-mail")
    n = text("N°")
    rue = text("Rue")
    complement = text("Complément")
    codepostal = text("Code Postal")
    ville = text("Ville")
    pays = text("Pays")

    @property
    def towns(self):
        """The towns of the postal code, in France."""
        abroad = household.search_key(self.pays.data or "France") != "france"
        return () if abroad else places.towns((self.codepostal.data or "").strip())

    def propose(self, home):
        """Write the only town of a code, and say what does not agree."""
        if len(self.towns) == 1 and not self.ville.data:
            self.ville.data = self.towns[0]
        self.doubt = home and home.town_doubt()


class AccountsStep(StepForm):
    step = "comptes"

    ibanprestation = text("IBAN")
    bicprestation = text("BIC")
    ibancotisation = text("IBAN")
    biccotisation = text("BIC")


class SpouseStep(StepForm):
    step = "conjoint"
    required = ("presence", "nom", "prenom", "datedenaissance", "sexe", "lien")

    presence = one_of(
        "Un conjoint sur le contrat",
        (NOBODY, "Pas de conjoint sur le contrat"),
        (PRESENT, "Un conjoint est présent sur le contrat"),
        (AWAITED, "Un conjoint doit aussi rejoindre le contrat mais je n’ai pas toutes les informations le concernant"),
    )
    lien = one_of(
        "Lien avec le salarié",
        ("Conjoint", "Conjoint"),
        ("Concubin", "Concubin"),
        ("PACS", "Partenaire lié par un PACS"),
    )
    nom = text("Nom")
    nomdusage = text("Nom d’usage")
    prenom = text("Prénom")
    datedenaissance = text("Date de naissance")
    sexe = sex()
    nssociale = text("N° S. Sociale")


class Child(Form):
    """One child: the situation is asked past the contract's age alone."""

    required = ("nom", "prenom", "datedenaissance", "sexe", "situation")
    Meta = Sparing

    nom = text("Nom")
    nomdusage = text("Nom d’usage")
    prenom = text("Prénom")
    datedenaissance = text("Date de naissance")
    sexe = sex()
    nssociale = text("N° S. Sociale")
    situation = one_of(
        "Situation",
        ("Étudiant", "Étudiant"),
        ("Apprenti", "Apprenti"),
        ("Handicap", "En situation de handicap"),
    )

    def __init__(self, *typed, **given):
        super().__init__(*typed, **given)
        mark(self, self.required)
        self.too_old, self.too_old_to_study, self.until, self.proof = False, False, None, ""
        self.whose = ""  # before each of its faults, in the list of all


class ChildrenStep(StepForm):
    step = "enfants"
    required = ("presence",)

    presence = one_of(
        "Des enfants sur le contrat",
        (NOBODY, "Pas d’enfant sur le contrat"),
        (PRESENT, "Un ou des enfants sont présents sur le contrat"),
        (
            AWAITED,
            "Un ou des enfants doivent aussi rejoindre le contrat mais je n’ai pas toutes les informations "
            "les concernant",
        ),
    )
    enfants = FieldList(FormField(Child), min_entries=1)
    dautres = BooleanField(
        "D’autres enfants doivent aussi rejoindre le contrat mais je n’ai pas toutes les informations les concernant"
    )

    def numbered(self):
        """(number, boxes) of each child that stands in the form."""
        return [(int(entry.name.rpartition("-")[2]), entry.form) for entry in self.enfants]

    def words(self):
        words = super().words()
        for _, boxes in self.numbered()[:MOST_CHILDREN]:
            words |= {box.name: kept(box) for box in boxes if box.raw_data}
        return words

    def show(self, home):
        """Also what the contract says of the age of each child."""
        boxes = dict(self.numbered())
        for member in home.children:
            child = boxes.get(member.child)
            if child is not None:
                write(child, member)
                child.too_old, child.too_old_to_study = home.too_old(member), home.too_old_to_study(member)
                until = home.covered_until(member)
                child.until = until if until and until >= home.covered_from(member) else None
                child.proof = home.asked_of(member, self.to_employee)

    def tell(self, errors):
        children = {box.name: box for _, boxes in self.numbered() for box in boxes}
        for place, (_, child) in enumerate(self.numbered(), 1):
            child.whose = f"Enfant {place}"
        for name, sentence in errors.items():
            box = children.get(name) or self[name]
            box.errors = [sentence]
        if errors.keys() & children.keys():
            self.enfants.errors = [entry.errors for entry in self.enfants]


STEPS = {form.step: form for form in (ContractStep, EmployeeStep, AddressStep, AccountsStep, SpouseStep, ChildrenStep)}


def with_a_child_more(words):
    """The same words, with the boxes of one more child."""
    numbers = household.numbers_of_children(words)
    if len(numbers) >= MOST_CHILDREN:
        return words
    return words | {f"enfants-{max(numbers, default=-1) + 1}-nom": [""]}


def without_child(words, number):
    return {name: texts for name, texts in words.items() if not name.startswith(f"enfants-{number}-")}


class WhenToRemind(SentOnce):
    """When to remind of those who are still to be added, if anybody is."""

    rappel = StringField("Me le rappeler le")

    def __init__(self, typed, today, awaited, **given):
        super().__init__(typed, **{"rappel": f"{affiliations.reminder_proposed(today):%d/%m/%Y}"} | given)
        self.today, self.awaited, self.day = today, awaited, None

    def validate(self, extra_validators=None):
        if self.awaited:
            try:
                self.day = affiliations.reminder_day(self.rappel.data or "", self.today)
            except Refused as refused:
                self.rappel.errors = [str(refused)]
        return not self.rappel.errors


# What the boxes ask of the employee themselves, where it is said otherwise than to HR.
YOURS = {
    "salarie": {
        "nssociale": "N° de Sécurité sociale",
        "typedassure": "Votre régime",
        "autreregime": ("Êtes-vous couvert par un autre régime complémentaire Frais de Santé ou par la C.M.U.\u202f?"),
    },
    "coordonnees": {"telfixe": "Téléphone fixe"},
    "conjoint": {"lien": "Son lien avec vous", "nssociale": "N° de Sécurité sociale"},
}


def speak_to_employee(form):
    form.to_employee = True
    for name, label in YOURS.get(form.step, {}).items():
        form[name].label.text = label


def as_typed(words):
    """What the draft keeps of a step, as a browser would send it; None when it keeps nothing."""
    return MultiDict(words) if words else None

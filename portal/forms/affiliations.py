"""What is typed to affiliate: a file, the cells of one of its rows, one person; the file’s own rules check it all."""

from itertools import starmap

from wtforms import FileField, HiddenField, RadioField, SelectField, StringField, validators
from wtforms.fields.choices import SelectChoice

from portal.exchange import affiliation_cells as cells
from portal.exchange import workbooks
from portal.exchange.affiliation_cells import NAMES, TITLES
from portal.exchange.affiliation_check import ASKED
from portal.exchange.affiliation_offers import CODES
from portal.exchange.affiliation_template import WORDS
from portal.formats import search_key
from portal.forms.changes import SentOnce
from portal.forms.enrolments import STEPS
from portal.rules import dependents

LABELS = tuple(title.replace("'", "’") for title in TITLES)

# ── A file ───────────────────────────────────────────────────────────────────────────────────────────────────────

# How files begin that are no table: the worker looks closer at the others.
OTHER_FILES = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"MZ", b"\x7fELF", b"Rar!", b"7z\xbc\xaf", b"{\\rtf")
BOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\xff\xfe", b"\xfe\xff")


class UploadForm(SentOnce):
    """The file itself stays out of the form: `refusal` says what can be said at once of its bytes."""

    fichier = FileField("Fichier des salariés", [validators.InputRequired("Choisissez le fichier à envoyer.")])

    def refusal(self, data):
        said = None
        if not data:
            said = workbooks.EMPTY
        elif len(data) > workbooks.MOST_BYTES:
            said = "Ce fichier est trop lourd. La limite est de 4 Mo : envoyez-le en plusieurs fois."
        elif data.startswith(OTHER_FILES) or (b"\0" in data[:4096] and not data.startswith(BOOKS)):
            said = workbooks.REFUSALS["other"]
        self.fichier.errors = [said] if said else []
        return said


# ── The cells of a row ───────────────────────────────────────────────────────────────────────────────────────────


class Cells(SentOnce):
    """Boxes that stand for cells of a row, by their place among the columns of the file."""

    PLACES: tuple[int, ...] = ()

    def box(self, place):
        return self[NAMES[place]]

    def texts(self):
        """The 30 texts of the row."""
        row = [""] * len(TITLES)
        for place in self.PLACES:
            row[place] = (self.box(place).data or "").strip()
        return row

    def require(self, places):
        for place in places:
            if place in self.PLACES:
                self.box(place).flags.required = True

    def show(self, texts):
        """Write in the boxes what the rules made of the cells: their safe repairs."""
        for place in self.PLACES:
            self.box(place).data = texts[place]

    def tell(self, errors):
        """Put each sentence, by title of column, above its box; what has no box is said above all."""
        for place, title in enumerate(TITLES):
            if title in errors:
                box = self.box(place) if place in self.PLACES else self.instead(place)
                if box is None:
                    self.form_errors.append(f"{LABELS[place]} : {errors[title]}")
                elif not box.errors:
                    box.errors = [errors[title]]

    def instead(self, place):
        """The box where what is wrong with a cell that has none is said."""


def made_of(base, places):
    """A form class with a box for each of these columns."""
    return type(base.__name__, (base,), {"PLACES": places, **{NAMES[place]: box_of(place) for place in places}})


def box_of(place):
    if place in WORDS:
        return SelectField(LABELS[place], choices=answers((word, word) for word in WORDS[place]), validate_choice=False)
    if place in CODES:
        return SelectField(LABELS[place], validate_choice=False)
    return StringField(LABELS[place])


def answers(pairs):
    return [SelectChoice("", "Choisir"), *starmap(SelectChoice, pairs)]


class RowOfFile(Cells):
    """A row of a file, to be mended: what was typed stays, even where it is no valid choice."""

    vue = HiddenField()  # the mark of the row that is on the screen

    def __init__(self, typed, texts, notes, offers, mark):
        """`notes`: errors, warnings and repairs of the row, {kind: {column: sentence}}."""
        super().__init__(typed, vue=mark, **dict(zip(NAMES, texts, strict=True)))
        self.now = []
        for place in CODES:
            self.box(place).choices = answers(codes(place, offers))
        for place in (*WORDS, *CODES):
            box = self.box(place)
            if box.data and box.data not in [choice.value for choice in box.choices]:
                box.choices = [*box.choices, SelectChoice(box.data, f"{box.data} (tel que lu)")]
        self.warnings = notes.get("warnings", {})
        self.tell(notes.get("errors", {}))

    @property
    def wrong(self):
        """The boxes in error, which stand first."""
        return [self.box(place) for place in self.PLACES if self.box(place).errors]

    @property
    def others(self):
        return [self.box(place) for place in self.PLACES if not self.box(place).errors]

    def overtake(self, texts, mark):
        """What the row holds by now, where it is not what was typed: (column, text); the form may be sent again."""
        typed = self.texts()
        self.now = [(LABELS[place], texts[place]) for place in self.PLACES if texts[place] != typed[place]]
        self.vue.data = mark

    def warning_of(self, box):
        return self.warnings.get(TITLES[NAMES.index(box.name)], "")


def codes(place, offers):
    """(code, code and label) of the companies, colleges or plans of these contracts."""
    company, college, plan = CODES
    found = {
        company: {one.company_code: one.company_label for one in offers},
        college: {one.category_code: one.category_label for one in offers},
        plan: {one.plan_code: one.plan_label for one in offers},
    }[place]
    return [(code, f"{code} – {label}") for code, label in sorted(found.items())]


RowForm = made_of(RowOfFile, tuple(range(len(TITLES))))

# ── One person ───────────────────────────────────────────────────────────────────────────────────────────────────

WHO = (cells.BIRTH_NAME, cells.FIRST_NAME, cells.BIRTH_DATE, cells.NIR)


class Identity(Cells):
    """Who it is, before anything else."""

    def texts(self):
        row = super().texts()
        row[cells.TYPE] = "Salarié"
        return row


class OnePerson(Cells):
    """Doubts are said once, then accepted: `averti` holds those that were."""

    averti = HiddenField()

    def __init__(self, typed, offers, **given):
        super().__init__(typed, **given)
        self.offers = {offer.contract_number: offer for offer in offers}
        self.doubts = []

    def accepts(self, warnings):
        """What was told already, or nothing to tell; otherwise it is told now."""
        now = search_key(" ".join(warnings.values()))[:200]
        told, self.averti.data = self.averti.data or "", now
        self.doubts = [] if told == now else [(title.replace("'", "’"), text) for title, text in warnings.items()]
        return not self.doubts


class Employee(OnePerson):
    """The short form: its contract stands for the three codes."""

    contrat = SelectField("Contrat", validate_choice=False)

    def __init__(self, typed, offers, **given):
        super().__init__(typed, offers, **given)
        self.typed = typed
        self.contrat.choices = answers((number, label_of(one)) for number, one in self.offers.items())
        if len(self.offers) == 1 and typed is None:
            self.contrat.data = next(iter(self.offers))
        self.contrat.flags.required = True
        self.require(ASKED[cells.EMPLOYEE])

    @property
    def offer(self):
        return self.offers.get(self.contrat.data)

    def words_by_step(self):
        """What a whole enrolment keeps of the boxes, which have the same names in its steps."""
        return {name: STEPS[name](self.typed).words() for name in ("garantie", "salarie", "coordonnees")}

    def texts(self):
        row = super().texts()
        row[cells.TYPE] = "Salarié"
        if self.offer:
            codes_of = (self.offer.company_code, self.offer.category_code, self.offer.plan_code)
            for place, code in zip(CODES, codes_of, strict=True):
                row[place] = code
        return row

    def instead(self, place):
        if place in CODES and not self.offer:
            self.contrat.errors = ["Choisissez le contrat."]
        return self.contrat if place in CODES else None


ROLES = (("Conjoint", "Conjoint, concubin ou partenaire"), ("Enfant", "Enfant"))


class Dependent(OnePerson):
    """A spouse or a child of an employee: the contract and the address are the employee’s."""

    type = RadioField("Qui est-ce ?", choices=list(starmap(SelectChoice, ROLES)))

    def __init__(self, typed, offers, employee_number, **given):
        super().__init__(typed, offers, **given)
        self.employee_number = employee_number
        self.type.flags.required = True
        self.require((cells.BIRTH_NAME, cells.FIRST_NAME, cells.BIRTH_DATE, cells.GENDER, cells.EFFECTIVE_ON))

    def texts(self):
        row = super().texts()
        row[cells.TYPE], row[cells.MATRICULE] = self.type.data or "", self.employee_number
        row[cells.SITUATION if self.type.data == "Conjoint" else cells.RELATIONSHIP] = ""
        return row

    def instead(self, place):
        return self.type if place == cells.TYPE else None


IdentityForm = made_of(Identity, WHO)
EmployeeForm = made_of(
    Employee,
    (
        *(cells.CIVILITY, cells.BIRTH_NAME, cells.USED_NAME, cells.FIRST_NAME, cells.BIRTH_DATE, cells.GENDER),
        *(cells.NIR, cells.MATRICULE, cells.EFFECTIVE_ON, cells.NUMBER, cells.STREET, cells.COMPLEMENT),
        *(cells.POSTAL_CODE, cells.CITY, cells.COUNTRY, cells.PHONE, cells.MOBILE, cells.EMAIL),
    ),
)
DependentForm = made_of(
    Dependent,
    (
        *(cells.BIRTH_NAME, cells.USED_NAME, cells.FIRST_NAME, cells.BIRTH_DATE, cells.GENDER, cells.NIR),
        *(cells.EFFECTIVE_ON, cells.RELATIONSHIP, cells.SITUATION),
    ),
)


def label_of(offer):
    """« ATELIERS COMBE-NOIRE – SIÈGE · 002 Cadres · HJ204118, Cadres Plus »."""
    where = f"{offer.company_label} · {offer.category_code} {offer.category_label}"
    return f"{where} · {offer.contract_number}, {offer.plan_label}"


def proofs():
    """What is asked of a spouse, by link, in a few words."""
    links = (("PACS", "CIVIL_PARTNER"), ("concubin", "COHABITING_PARTNER"))
    return " ; ".join(f"{word}, {in_sentence(dependents.proof_needed(link).label)}" for word, link in links)


def in_sentence(label):
    return label[:1].lower() + label[1:]

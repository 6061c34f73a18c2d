"""« Types de documents »: what companies may send, as the mutual names, orders, offers and retires it."""

import json
from itertools import starmap

from wtforms import BooleanField, FieldList, Form, FormField, HiddenField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput

from portal.forms.changes import text
from portal.forms.checks import TIDY, no_secret, whole
from portal.rules import sendings as rules

MOST_NAME = 60


class TypeForm(Form):
    """One type: its place in the list, what it is called, whom it concerns, what it takes, whether it is offered."""

    code = HiddenField()
    rang = StringField("Rang", [Optional(), whole(99)], filters=TIDY)
    nom = StringField("Nom", [Optional(), Length(max=MOST_NAME, message="Au plus 60 caractères. Raccourcissez.")])
    pour = text("Qui est concerné", most=100)
    formats = SelectMultipleField(
        "Formats",
        choices=[SelectChoice(family, label) for family, (label, _) in rules.FORMATS.items()],
        option_widget=CheckboxInput(),
        validate_choice=False,
    )
    entreprise = BooleanField("D’une seule entreprise")
    propose = BooleanField("Proposé aux entreprises")

    def validate_nom(self, field):
        field.data = " ".join((field.data or "").split())
        no_secret(self, field)

    def validate_pour(self, field):
        no_secret(self, field)

    @property
    def feeds(self):
        """It changes what the mutual knows of a company: never retired, nor about more than one."""
        return self.code.data in rules.FEEDING

    @property
    def said(self):
        formats = tuple(family for family in rules.FORMATS if family in (self.formats.data or ()))
        of_company, offered = self.entreprise.data or self.feeds, self.propose.data or self.feeds
        return rules.DocumentType(self.nom.data, self.pour.data or "", formats, bool(of_company), bool(offered))


class DocumentTypes(Form):
    """The types in their order, with an empty line for one more."""

    seen = HiddenField(validators=[InputRequired()])
    types = FieldList(FormField(TypeForm), max_entries=rules.MOST_TYPES + 1)

    BOXES: dict[str, str] = {}

    def __init__(self, typed, base, now_in_force, seen):
        self.known, self.base = now_in_force.types_of_documents, base
        rows = list(starmap(shown, enumerate(self.known.items(), 1)))
        if len(rows) < rules.MOST_TYPES:
            rows.append(shown(len(rows) + 1, ("", rules.DocumentType(""))))
        super().__init__(typed, seen=seen, types=rows)

    def validate(self, **options):
        right = super().validate(**options)
        for entry in self.types.entries:
            if entry.code.data in self.known and not entry.nom.data:
                entry.nom.errors = ["Donnez un nom à ce type, ou ne le proposez plus."]
                right = False
            if entry.nom.data and not entry.said.formats:
                entry.formats.errors = ["Cochez au moins un format."]
                right = False
        names = [entry.nom.data.casefold() for entry in self.types.entries if entry.nom.data]
        if len(set(names)) < len(names):
            self.form_errors.append("Deux types ont le même nom. Distinguez-les.")
            right = False
        return right

    def values(self):
        """Setting → text to keep, None for that of the environment."""
        said = self.arranged()
        same = list(said.items()) == list(self.base.types_of_documents.items())
        return {"document_types": None if same else json.dumps([[code, *one] for code, one in said.items()])}

    def arranged(self):
        """Code → DocumentType by rank, the new one with a code of its own; what was not sent back stays as it was."""
        named = [entry for entry in self.types.entries if entry.nom.data]
        number = max((int(code[4:]) for code in self.known if rules.OWN.fullmatch(code)), default=0)
        said = {}
        for entry in sorted(named, key=lambda entry: int(entry.rang.data or 100)):
            code = entry.code.data
            if code not in self.known:
                number += 1
                code = f"OWN_{number}"
            said[code] = entry.said
        return said | {code: one for code, one in self.known.items() if code not in said}


def shown(rank, line):
    code, one = line
    words = {"code": code, "rang": str(rank), "nom": one.label, "pour": one.about, "formats": list(one.formats)}
    return words | {"entreprise": one.of_company, "propose": one.offered}

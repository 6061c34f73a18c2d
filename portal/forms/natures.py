"""« Natures et délais promis »: what requests and complaints are about, as the mutual arranges it."""

from wtforms import BooleanField, FieldList, Form, FormField, HiddenField, StringField
from wtforms.validators import InputRequired, Length, Optional

from portal import configuration
from portal.forms.checks import TIDY, no_secret, whole
from portal.rules import threads


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

    def values(self):
        """Setting → text to keep, None for that of the environment."""
        return {"natures": configuration.as_text(self.arranged())}

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

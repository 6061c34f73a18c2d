"""A plan, and the rules of a contract, as the mutual's staff changes them."""

from itertools import starmap

from wtforms import BooleanField, Form, HiddenField, RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional, ValidationError

from portal.forms.changes import text
from portal.forms.checks import day_of
from portal.rules.dependents import CHILD_ENDS

ENDS = {"END_OF_MONTH": "À la fin du mois du départ", "CONTRACT_END_DATE": "Le dernier jour dans l’entreprise"}
OLDEST = 30


class PlanForm(Form):
    """Its label, and the last day on which it can be chosen."""

    seen = HiddenField()
    nom = text("Nom de la garantie", "Donnez un nom.", 120)
    fin = StringField("Proposée jusqu’au", [Optional()])

    def __init__(self, typed, plan, seen, today):
        end = plan.valid_to
        super().__init__(typed, nom=plan.label, fin=f"{end:%d/%m/%Y}" if end else "", seen=seen)
        self.plan, self.today, self.end = plan, today, None

    def validate_fin(self, field):
        self.end = day_of(field, self.today)
        if self.end and self.end < self.plan.valid_from:
            raise ValidationError(f"Au plus tôt le {self.plan.valid_from:%d/%m/%Y}, où la garantie s’ouvre.")

    def columns(self):
        return {"label": self.nom.data, "valid_to": self.end}


def age(form, field):
    said = (field.data or "").strip()
    if not (said.isascii() and said.isdigit() and len(said) <= 3 and int(said) <= OLDEST):
        raise ValidationError(f"Écrivez un âge en années, de 0 à {OLDEST}.")


class RulesForm(Form):
    """When cover ends, until what age a child is covered, whether a branch imposes the scheme."""

    seen = HiddenField()
    fin = RadioField(
        "Fin de la couverture d’un salarié qui part",
        choices=list(starmap(SelectChoice, ENDS.items())),
        validate_choice=False,
    )
    enfant = StringField("Âge limite d’un enfant à charge", [InputRequired("Indiquez un âge."), age])
    etudiant = StringField("Âge limite d’un enfant qui étudie", [InputRequired("Indiquez un âge."), age])
    limite = RadioField(
        "Fin de la couverture d’un enfant qui atteint cet âge",
        choices=list(starmap(SelectChoice, CHILD_ENDS.items())),
        validate_choice=False,
    )
    branche = BooleanField("Un accord de branche impose ce régime\u00a0: il n’est jamais suspendu")

    def __init__(self, typed, contract, seen):
        ages = {"enfant": str(contract.child_max_age), "etudiant": str(contract.child_student_max_age)}
        given = {"fin": contract.coverage_end_rule, "branche": contract.is_branch_mandated}
        super().__init__(typed, seen=seen, limite=contract.child_end_rule, **given, **ages)

    def validate_fin(self, field):
        if field.data not in ENDS:
            raise ValidationError("Choisissez quand finit la couverture.")

    def validate_limite(self, field):
        if field.data not in CHILD_ENDS:
            raise ValidationError("Choisissez quand finit la couverture d’un enfant.")

    def validate_etudiant(self, field):
        if not (self.enfant.errors or field.errors) and int(field.data) < int(self.enfant.data):
            raise ValidationError("Cet âge ne peut pas être plus bas que celui de l’enfant à charge.")

    def columns(self):
        return {
            "coverage_end_rule": self.fin.data,
            "child_max_age": int(self.enfant.data),
            "child_student_max_age": int(self.etudiant.data),
            "child_end_rule": self.limite.data,
            "is_branch_mandated": self.branche.data,
        }

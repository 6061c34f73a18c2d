"""The filters above the list of people, and the search by NIR."""

from functools import partial
from itertools import starmap

from flask_wtf import FlaskForm
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from portal import database
from portal.formats import search_key, search_words
from portal.forms.checks import by_rule, typed_day
from portal.forms.filters import Filter, SharedSelect
from portal.models import Beneficiary, BeneficiaryRole, db
from portal.rules import identifiers

ROLES = {"salarie": BeneficiaryRole.EMPLOYEE, "conjoint": BeneficiaryRole.SPOUSE, "enfant": BeneficiaryRole.CHILD}
KINDS = [("", "Toutes"), ("salarie", "Salarié"), ("conjoint", "Conjoint"), ("enfant", "Enfant")]
SITUATIONS = [
    ("", "Actifs"),
    ("radies", "Radiés"),
    ("tous", "Actifs et radiés"),
    ("a-venir", "Radiation à venir"),
    ("age-limite", "Enfants proches de l’âge limite"),
]
SOON = 60  # days


class BeneficiaryFilter(Filter):
    """Narrows the list; an unknown value narrows nothing, a date that cannot be read says so at its field."""

    q = StringField("Nom, prénom ou n° d’adhérent")
    qualite = SelectField(
        "Qualité",
        choices=list(starmap(SelectChoice, KINDS)),
        widget=SharedSelect(),
    )
    du = StringField("Début filtre date")
    au = StringField("Fin filtre date")
    situation = SelectField(
        "Situation",
        choices=list(starmap(SelectChoice, SITUATIONS)),
        widget=SharedSelect(),
    )
    nom = StringField("Nom")
    prenom = StringField("Prénom")
    numero = StringField("Numéro d’adhérent")
    contrat = StringField("Id contrat")

    def __init__(self, arguments, today, ages):
        """`today`: the day that « actifs » means. `ages()`: at which ages children leave the contracts."""
        super().__init__(arguments)
        self.today, self.ages = today, ages
        self.since, self.until = typed_day(self.du, today), typed_day(self.au, today)

    def words(self):
        """What narrows the list, box by box, for the audit trail: what it may not hold is left out."""
        used = {box.name: (box.data or "").strip()[:100] for box in self if not box.errors}
        return {name: word for name, word in used.items() if word and name not in self.secrets()}

    def narrow(self, people):
        people = self.by_words(people)
        role = ROLES.get(self.qualite.data)
        if role is not None:
            people = people.where(Beneficiary.role == role)
        if self.since:
            people = people.where(Beneficiary.effective_on >= self.since)
        if self.until:
            people = people.where(Beneficiary.effective_on <= self.until)
        return self.by_situation(people)

    def by_words(self, people):
        for word in search_words(self.q.data or ""):
            people = people.where(database.contains(db, Beneficiary.search_key, word))
        for word in search_words(self.nom.data or ""):  # the name that is shown, or the beginning of the birth name
            shown = database.contains(db, Beneficiary.name_key, word)
            people = people.where(shown | Beneficiary.search_key.startswith(word))
        for word in search_words(self.prenom.data or ""):
            people = people.where(database.contains(db, Beneficiary.first_name_key, word))
        if (self.contrat.data or "").strip():
            people = people.where(Beneficiary.of_contract(self.contrat.data.strip()))
        if search_key(self.numero.data or ""):
            people = people.where(database.contains(db, Beneficiary.member_number, self.numero.data.strip()))
        return people

    def by_situation(self, people):
        situation = self.situation.data
        if situation == "tous":
            return people
        if situation == "radies":
            return people.where(Beneficiary.terminated_on < self.today)
        people = people.where(Beneficiary.active_on(self.today))
        if situation == "a-venir":
            return people.where(Beneficiary.terminated_on >= self.today)
        if situation == "age-limite":
            return people.where(Beneficiary.reaching_age(self.ages(), self.today, SOON))
        return people

    @property
    def more_is_used(self):
        """The rarer boxes hold something: they stay open."""
        return any((box.data or "").strip() for box in (self.nom, self.prenom, self.numero))

    def left_out(self):
        """The labels of the filters that could not be read, and so narrow nothing."""
        return [field.label.text for field in (self.du, self.au) if field.errors]

    def in_force(self):
        """What narrows the list now, to be taken away one by one: (parameter, what to write)."""
        words = {
            "q": f"« {self.q.data} »",
            "qualite": f"Qualité : {dict(KINDS).get(self.qualite.data)}",
            "du": f"Effet depuis le {self.du.data}",
            "au": f"Effet jusqu’au {self.au.data}",
            "situation": dict(SITUATIONS).get(self.situation.data),
            "nom": f"Nom : {self.nom.data}",
            "prenom": f"Prénom : {self.prenom.data}",
            "numero": f"N° {self.numero.data}",
            "contrat": f"Contrat {self.contrat.data}",
        }
        return [
            (name, text) for name, text in words.items() if (self[name].data or "").strip() and not self[name].errors
        ]


class NirSearch(FlaskForm):
    """Sent by POST: a NIR never stands in an address."""

    nir = StringField(
        "N° de sécurité sociale",
        [
            InputRequired("Indiquez le n° de sécurité sociale."),
            by_rule(partial(identifiers.nir, provisional=True)),
        ],
    )

"""« Habilitation »: to whom, where, what it opens, from a day to a day."""

from functools import reduce
from itertools import starmap
from operator import or_

from wtforms import RadioField, SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional, ValidationError
from wtforms.widgets import CheckboxInput

from portal import clock, database, grants
from portal.formats import search_words
from portal.forms.changes import SentOnce, text
from portal.forms.checks import by_rule, day_of
from portal.forms.filters import Filter, SharedSelect
from portal.models import PermissionGrant, UserRole, db
from portal.rules import identifiers
from portal.rules.rights import LABELS, Action
from portal.threads import Place

STATES = {"": "En cours", "confirmer": "À confirmer", "terminees": "Terminées", "toutes": "Toutes"}
PROFILES = {
    UserRole.COMPANY: "Collègue, expert-comptable ou gestionnaire de paie",
    UserRole.BROKER: "Courtier",
}
OFFERED = {str(int(action)): action for action in LABELS if action != Action.SEE}


class GrantFilter(Filter):
    """Narrows the list; an unknown value narrows nothing."""

    q = StringField("Nom ou courriel")
    etat = SelectField(
        "État", choices=list(starmap(SelectChoice, STATES.items())), validate_choice=False, widget=SharedSelect()
    )

    def narrow(self, grants, now):
        """`grants` are whole (PermissionGrant.whole)."""
        today, last_day = clock.day_of(now), PermissionGrant.valid_to
        if self.etat.data == "terminees":
            grants = grants.where(last_day < today)
        elif self.etat.data == "confirmer":
            grants = grants.where(PermissionGrant.to_confirm(now))
        elif self.etat.data != "toutes":
            grants = grants.where(last_day.is_null() | (last_day >= today))
        for word in search_words(self.q.data or ""):
            grants = grants.where(database.contains(db, PermissionGrant.search_key, word))
        return grants

    def in_force(self):
        """What narrows the list now, to be taken away one by one: (parameter, what to write)."""
        words = {"q": (self.q.data or "").strip()[:60], "etat": STATES.get(self.etat.data or "", "")}
        return [(name, written) for name, written in words.items() if written and (name == "q" or self.etat.data)]


TOO_MUCH = "Vous ne pouvez donner que les droits que vous avez vous-même ici, et pas plus longtemps que vous."
STRETCHED = (
    "Cette habilitation comprend des droits que vous n’avez pas\u00a0: "
    "vous pouvez la raccourcir ou la retirer, pas l’allonger."
)


class ChangeForm(SentOnce):
    """What a grant opens, and when; what its giver could not give stays in it, and then it is made no longer."""

    droits = SelectMultipleField(
        "Ce qui est ouvert, en plus de la consultation", option_widget=CheckboxInput(), validate_choice=False
    )
    du = StringField("Du", [InputRequired("Indiquez à partir de quel jour.")])
    au = StringField("Au", [Optional()])

    def __init__(self, typed, today, may_give, grant=None, **given):
        """`may_give(place, until)`: grants.may_give; `grant`: the one that is changed."""
        super().__init__(typed, **given)
        self.today, self.may_give, self.grant = today, may_give, grant
        self.starts_on = self.ends_on = None
        offered = self.offered
        self.droits.choices = [
            SelectChoice(key, f"{label}\u00a0: {what}")
            for key, (label, what) in ((key, LABELS[action]) for key, action in OFFERED.items() if action & offered)
        ]

    @property
    def place(self):
        return Place(self.grant.account_id, self.grant.company, self.grant.category)

    @property
    def offered(self):
        """What may be given at least today."""
        return self.may_give(self.place, self.today)

    @property
    def actions(self):
        """What is ticked; to see, always."""
        return int(Action.SEE) | sum(int(OFFERED[key]) for key in set(self.droits.data or ()) & OFFERED.keys())

    @property
    def kept(self):
        """What the grant has and its giver may not give, whatever is ticked."""
        return self.grant.actions & ~self.offered if self.grant else 0

    def validate_du(self, field):
        self.starts_on = day_of(field, self.today)

    def validate_au(self, field):
        self.ends_on = day_of(field, self.today)
        if self.starts_on and self.ends_on < self.starts_on:
            raise ValidationError("Ce jour vient avant le premier. Corrigez l’un des deux.")
        if self.ends_on < self.today:
            raise ValidationError("Ce jour est passé. Pour mettre fin à une habilitation, choisissez « Retirer ».")

    def validate(self, *args, **options):
        return super().validate(*args, **options) and self.is_the_givers_to_give()

    def is_the_givers_to_give(self):
        """Both the actions and the days: what is right for a week may be too much for ever."""
        allowed = self.may_give(self.place, self.ends_on)
        if not allowed or self.actions & ~allowed & ~self.kept:
            self.droits.errors = [TOO_MUCH]
        elif self.kept and self.is_stretched():
            self.au.errors = [STRETCHED]
        return not self.errors

    def is_stretched(self):
        before, until = self.grant.valid_from, self.grant.valid_to
        return self.starts_on < before or (until is not None and (self.ends_on is None or self.ends_on > until))

    def values(self):
        """What the form says, by column of the grant."""
        return {"actions": self.actions | self.kept, "valid_from": self.starts_on, "valid_to": self.ends_on}

    @classmethod
    def of(cls, typed, today, may_give, grant):
        """The form of a grant: as it is, or as it is sent."""
        given = {
            "droits": [key for key, action in OFFERED.items() if grant.actions & action],
            "du": f"{grant.valid_from:%d/%m/%Y}",
            "au": f"{grant.valid_to:%d/%m/%Y}" if grant.valid_to else "",
            "version": str(grant.version),
        }
        return cls(typed, today, may_give, grant, **({} if typed else given))


class GrantForm(ChangeForm):
    """A new one. `places`: [(key, label, Place)], through the door; `giver`: who gives it."""

    courriel = StringField("Courriel", [InputRequired("Indiquez son adresse."), by_rule(identifiers.email)])
    prenom = text("Prénom", "Indiquez le prénom.", 60)
    nom = text("Nom", "Indiquez le nom.", 60)
    profil = RadioField(
        "Qui est-ce\u202f?", choices=list(starmap(SelectChoice, PROFILES.items())), default=UserRole.COMPANY
    )
    lieu = SelectField("Pour", validate_choice=False)

    def __init__(self, typed, today, may_give, places, giver):
        self.places, self.giver = {key: place for key, _, place in places}, giver
        super().__init__(typed, today, may_give, du=f"{today:%d/%m/%Y}")
        self.lieu.choices = [SelectChoice(key, label) for key, label, _ in places]

    @property
    def place(self):
        return self.places.get(self.lieu.data)

    @property
    def offered(self):
        """In one of the places at least: which one is said on the same page."""
        return reduce(or_, (self.may_give(place, self.today) for place in self.places.values()), 0)

    @property
    def person(self):
        return self.courriel.data.lower(), self.prenom.data, self.nom.data, UserRole(self.profil.data)

    def validate_courriel(self, field):
        if field.data.lower() == self.giver.identifier:
            raise ValidationError("C’est votre adresse\u00a0: seule une autre personne peut vous donner des droits.")
        if grants.is_no_companys(field.data.lower()):
            raise ValidationError("Cette adresse ne peut pas recevoir d’habilitation ici. Écrivez à la mutuelle.")

    def validate_lieu(self, field):
        if field.data not in self.places:
            raise ValidationError("Choisissez le compte, l’entreprise ou le collège.")

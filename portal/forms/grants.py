"""« Habilitation »: to whom, where, what it opens, from a day to a day."""

from functools import reduce
from itertools import starmap
from operator import or_

from wtforms import PasswordField, RadioField, SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional, ValidationError
from wtforms.widgets import CheckboxInput

from portal import clock, database
from portal.formats import search_words
from portal.forms.changes import SentOnce, text
from portal.forms.checks import by_rule, day_of
from portal.forms.filters import Filter
from portal.models import PermissionGrant, UserRole, db
from portal.rules import identifiers
from portal.rules.rights import LABELS, Action

STATES = {"": "En cours", "confirmer": "À confirmer", "terminees": "Terminées", "toutes": "Toutes"}
PROFILES = {
    UserRole.COMPANY: "Collègue, expert-comptable ou gestionnaire de paie",
    UserRole.BROKER: "Courtier",
}
OFFERED = {str(int(action)): action for action in LABELS if action != Action.SEE}


class GrantFilter(Filter):
    """Narrows the list; an unknown value narrows nothing."""

    q = StringField("Nom ou courriel")
    etat = SelectField("État", choices=list(starmap(SelectChoice, STATES.items())), validate_choice=False)

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


class ChangeForm(SentOnce):
    """What a grant opens, and when. `allowed`: the actions that its giver may give there."""

    droits = SelectMultipleField(
        "Ce qui est ouvert, en plus de la consultation", option_widget=CheckboxInput(), validate_choice=False
    )
    du = StringField("Du", [InputRequired("Indiquez à partir de quel jour.")])
    au = StringField("Au", [Optional()])
    mot_de_passe = PasswordField("Votre mot de passe")

    def __init__(self, typed, today, allowed, password=None, **given):
        """`password(typed)`: it is the user's, who must say it; None when they have just signed in."""
        super().__init__(typed, **given)
        self.today, self.allowed, self.password = today, allowed, password
        self.starts_on = self.ends_on = None
        self.droits.choices = [
            SelectChoice(key, f"{LABELS[action][0]}\u00a0: {LABELS[action][1]}")
            for key, action in OFFERED.items()
            if action & self.offered
        ]

    @property
    def offered(self):
        return self.allowed

    @property
    def actions(self):
        """What is ticked, of what may be given; to see, always."""
        return int(Action.SEE) | sum(int(OFFERED[key]) for key in set(self.droits.data or ()) & OFFERED.keys())

    def validate_droits(self, _):
        if self.actions & ~self.allowed & ~Action.SEE:
            raise ValidationError("Vous ne pouvez donner que les droits que vous avez vous-même ici.")

    def validate_du(self, field):
        self.starts_on = day_of(field, self.today)

    def validate_au(self, field):
        self.ends_on = day_of(field, self.today)
        if self.starts_on and self.ends_on < self.starts_on:
            raise ValidationError("Ce jour vient avant le premier. Corrigez l’un des deux.")
        if self.ends_on < self.today:
            raise ValidationError("Ce jour est passé. Pour mettre fin à une habilitation, choisissez « Retirer ».")

    def validate_mot_de_passe(self, field):
        if self.password and not self.password(field.data or ""):
            raise ValidationError("Ce n’est pas votre mot de passe actuel.")

    def values(self):
        """What the form says, by column of the grant."""
        return {"actions": self.actions, "valid_from": self.starts_on, "valid_to": self.ends_on}

    @staticmethod
    def given(grant):
        return {
            "droits": [key for key, action in OFFERED.items() if grant.actions & action],
            "du": f"{grant.valid_from:%d/%m/%Y}",
            "au": f"{grant.valid_to:%d/%m/%Y}" if grant.valid_to else "",
            "version": str(grant.version),
        }


class GrantForm(ChangeForm):
    """A new one. `places`: [(key, label, Place)], through the door; `may_give(place)`: the actions to choose from."""

    courriel = StringField(
        "Courriel", [InputRequired("Indiquez l’adresse de la personne."), by_rule(identifiers.email)]
    )
    prenom = text("Prénom", "Indiquez le prénom.", 60)
    nom = text("Nom", "Indiquez le nom.", 60)
    profil = RadioField("Qui est-ce ?", choices=list(starmap(SelectChoice, PROFILES.items())), default=UserRole.COMPANY)
    lieu = SelectField("Pour", validate_choice=False)

    def __init__(self, typed, today, places, may_give, password=None, **given):
        self.places = {key: place for key, _, place in places}
        self.given_in = {key: may_give(place) for key, place in self.places.items()}
        super().__init__(typed, today, 0, password, du=f"{today:%d/%m/%Y}", **given)
        self.lieu.choices = [SelectChoice(key, label) for key, label, _ in places]
        self.allowed = self.given_in.get(self.lieu.data, 0)

    @property
    def offered(self):
        """What may be given in one of the places: the choice of the place comes on the same page."""
        return reduce(or_, self.given_in.values(), 0)

    @property
    def place(self):
        return self.places.get(self.lieu.data)

    @property
    def person(self):
        return self.courriel.data.lower(), self.prenom.data, self.nom.data, UserRole(self.profil.data)

    def validate_lieu(self, field):
        if field.data not in self.places:
            raise ValidationError("Choisissez le compte, l’entreprise ou le collège.")

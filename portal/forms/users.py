"""« Utilisateurs »: the filters above the list, a new member of the staff, what they may do."""

from functools import reduce
from itertools import starmap
from operator import or_

from wtforms import SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, ValidationError
from wtforms.widgets import CheckboxInput

from portal import clock, users
from portal.formats import search_words
from portal.forms.changes import SentOnce, text
from portal.forms.checks import by_rule
from portal.forms.filters import Filter, SharedSelect
from portal.models import NO_PASSWORD, ROLE_LABELS, User, UserRole
from portal.rules import identifiers
from portal.rules.retention import TERMS
from portal.rules.staff_roles import LABELS

STATES = {"": "Actifs", "invites": "Invités", "a-confirmer": "À confirmer", "fermes": "Fermés", "tous": "Tous"}


class UserFilter(Filter):
    """Narrows the list; an unknown value narrows nothing."""

    q = StringField("Nom, entreprise ou courriel")
    profil = SelectField("Profil", validate_choice=False, widget=SharedSelect())
    etat = SelectField(
        "État", choices=list(starmap(SelectChoice, STATES.items())), validate_choice=False, widget=SharedSelect()
    )

    def __init__(self, arguments):
        super().__init__(arguments)
        profiles = ((role.value, ROLE_LABELS[role]) for role in UserRole)
        self.profil.choices = [SelectChoice("", "Tous"), *starmap(SelectChoice, profiles)]

    def narrow(self, found):
        if self.profil.data in {role.value for role in UserRole}:
            found = found.where(User.role == UserRole(self.profil.data))
        if self.etat.data == "fermes":
            found = found.where(User.disabled_at.is_null(False))
        elif self.etat.data != "tous":
            found = found.where(User.disabled_at.is_null())
        if self.etat.data == "a-confirmer":
            found = found.where(User.awaits_a_second(clock.now() - TERMS["proposal"].time))
        if self.etat.data == "invites":
            found = found.where(User.password_hash == NO_PASSWORD)
        words = search_words(self.q.data or "")
        return users.matching(found, words) if words else found


class DutiesForm(SentOnce):
    """What a member of the staff may do."""

    roles = SelectMultipleField("Ses rôles", option_widget=CheckboxInput(), validate_choice=False)

    def __init__(self, typed=None, duties=0, **given):
        super().__init__(typed, roles=[str(int(duty)) for duty in LABELS if duties & duty], **given)
        self.roles.choices = [
            SelectChoice(str(int(duty)), f"{label}\u00a0: {opened}") for duty, (label, opened) in LABELS.items()
        ]

    @property
    def duties(self):
        return reduce(or_, (int(duty) for duty in LABELS if str(int(duty)) in (self.roles.data or ())), 0)


class InvitationForm(DutiesForm):
    prenom = text("Prénom", "Indiquez le prénom.")
    nom = text("Nom", "Indiquez le nom.")
    courriel = StringField("Courriel", [InputRequired("Indiquez le courriel."), by_rule(identifiers.email)])

    def validate_roles(self, field):
        if not self.duties:
            raise ValidationError("Cochez au moins un rôle.")

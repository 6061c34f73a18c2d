"""The filters above the list of movements."""

import datetime

from wtforms import SelectField, StringField

from portal import database
from portal.formats import search_key, search_words
from portal.forms.checks import typed_day
from portal.forms.filters import Filter, SharedSelect, start_of
from portal.models import Beneficiary, Movement, MovementKind, MovementState, db

KINDS = {
    "affiliation": MovementKind.AFFILIATION,
    "radiation": MovementKind.TERMINATION,
    "reembauche": MovementKind.REHIRE,
    "college": MovementKind.CATEGORY,
    "adresse": MovementKind.ADDRESS,
    "nom": MovementKind.NAME,
    "contact": MovementKind.CONTACT,
}
IN_PROGRESS = "en-cours"  # recorded or handed over
STATES = {
    "enregistree": MovementState.RECORDED,
    "transmise": MovementState.HANDED_OVER,
    "traitee": MovementState.PROCESSED,
    "refusee": MovementState.REFUSED,
    "reprise": MovementState.TAKEN_BACK,
}


class MovementFilter(Filter):
    """Narrows the list; an unknown value narrows nothing, a date that cannot be read says so at its field."""

    q = StringField("Nom, prénom ou n° d’adhérent")
    nature = SelectField("Nature", widget=SharedSelect())
    etat = SelectField("État", widget=SharedSelect())
    du = StringField("Demandé depuis le")
    au = StringField("Demandé jusqu’au")

    def __init__(self, arguments, today, kinds, states):
        """`kinds`, `states`: how they are written in French."""
        super().__init__(arguments)
        self.today = today
        self.nature.choices = [("", "Toutes"), *((key, kinds[kind]) for key, kind in KINDS.items())]
        self.etat.choices = [
            ("", "Tous"),
            (IN_PROGRESS, "En cours"),
            *((key, states[state]) for key, state in STATES.items()),
        ]
        self.since, self.until = typed_day(self.du, today), typed_day(self.au, today)

    def narrow(self, movements):
        """`movements` are joined to their people."""
        for word in search_words(self.q.data or ""):
            written = Movement.label.contains(word)  # of those whose row is gone
            movements = movements.where(database.contains(db, Beneficiary.search_key, word) | written)
        if self.nature.data in KINDS:
            movements = movements.where(Movement.kind == KINDS[self.nature.data])
        if self.etat.data in STATES:
            movements = movements.where(Movement.state == STATES[self.etat.data])
        if self.etat.data == IN_PROGRESS:
            movements = movements.where(Movement.state.in_(Movement.IN_PROGRESS))
        if self.since:
            movements = movements.where(Movement.created_at >= start_of(self.since))
        if self.until:
            movements = movements.where(Movement.created_at < start_of(self.until + datetime.timedelta(days=1)))
        return movements

    def in_force(self):
        """What narrows the list now, to be taken away one by one: (parameter, what to write)."""
        words = {
            "q": f"« {self.q.data} »" if search_key(self.q.data or "") else "",
            "nature": dict(self.nature.choices).get(self.nature.data) if self.nature.data else "",
            "etat": dict(self.etat.choices).get(self.etat.data) if self.etat.data else "",
            "du": f"Depuis le {self.du.data}" if self.since else "",
            "au": f"Jusqu’au {self.au.data}" if self.until else "",
        }
        return [(name, written) for name, written in words.items() if written]

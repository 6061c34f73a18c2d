"""The filters above the register of waivers, and what HR types to decide, renew or end one."""

import datetime
from itertools import starmap

from wtforms import Form, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, ValidationError

from portal import database
from portal.formats import search_key, search_words
from portal.forms.changes import SentOnce, text
from portal.forms.checks import is_secret
from portal.models import Waiver, WaiverState, db
from portal.rules import Refused, dates
from portal.rules import waivers as rules

STATES = {
    "": ("En cours", Waiver.OPEN),
    "demandee": ("À décider", (WaiverState.REQUESTED,)),
    "en-vigueur": ("En vigueur", (WaiverState.IN_FORCE,)),
    "terminee": ("Terminées", (WaiverState.ENDED,)),
    "refusee": ("Refusées", (WaiverState.REFUSED,)),
    "toutes": ("Toutes", tuple(WaiverState)),
}
TO_DO = {"": "Tout", "renouveler": "À renouveler sous 30 jours", "retard": "Échéance dépassée", "piece": "Sans pièce"}
PROVED = [code for code, case in rules.CASES.items() if case.proof]  # by a document


class RegisterFilter(Form):
    """Narrows the register; an unknown value narrows nothing."""

    q = StringField("Nom, prénom ou matricule")
    cas = SelectField("Cas")
    etat = SelectField("État", choices=[SelectChoice(key, label) for key, (label, _) in STATES.items()])
    a = SelectField("À faire", choices=list(starmap(SelectChoice, TO_DO.items())))

    def __init__(self, arguments, today):
        super().__init__(arguments)
        self.today = today
        self.cas.choices = [("", "Tous"), *((code, case.label) for code, case in rules.CASES.items())]

    def secrets(self):
        """The boxes that hold a NIR or an IBAN: it must not stay in an address."""
        return [box.name for box in self if is_secret(box.data or "")]

    def narrow(self, waivers):
        _, states = STATES.get(self.etat.data or "", STATES[""])
        waivers = waivers.where(Waiver.state.in_(states))
        for word in search_words(self.q.data or ""):
            waivers = waivers.where(database.contains(db, Waiver.search_key, word))
        if self.cas.data in rules.CASES:
            waivers = waivers.where(Waiver.reason == self.cas.data)
        return waivers.where(*self.to_do())

    def to_do(self):
        soon = self.today + datetime.timedelta(days=rules.DAYS_BEFORE)
        return {
            "renouveler": [Waiver.due_on <= soon],
            "retard": [Waiver.due_on < self.today],
            "piece": [Waiver.proved_on.is_null(), Waiver.reason.in_(PROVED)],
        }.get(self.a.data, [])

    def words(self):
        """What narrows the list, box by box, for the audit trail: what it may not hold is left out."""
        used = {box.name: (box.data or "").strip()[:100] for box in self}
        return {name: word for name, word in used.items() if word and name not in self.secrets()}

    def in_force(self):
        """What narrows the list now, to be taken away one by one: (parameter, what to write)."""
        words = {
            "q": f"«\u202f{self.q.data}\u202f»" if search_key(self.q.data or "") else "",
            "cas": rules.CASES[self.cas.data].label if self.cas.data in rules.CASES else "",
            "etat": STATES[self.etat.data][0] if self.etat.data in STATES and self.etat.data else "",
            "a": TO_DO.get(self.a.data, "") if self.a.data else "",
        }
        return [(name, written) for name, written in words.items() if written]


# ── What is decided of one ───────────────────────────────────────────────────────────────────────────────────────


class Decided(SentOnce):
    """What is done of a waiver, as it was on the screen: `seen`, its version."""

    def __init__(self, typed, waiver, today, **given):
        super().__init__(typed, version=str(waiver.version), **given)
        self.waiver, self.today, self.on = waiver, today, None

    def day_of(self, field):
        try:
            self.on = dates.french_date(field.data or "", self.today)
        except Refused as refused:
            raise ValidationError(str(refused)) from None


class RefusalForm(Decided):
    refus = text(
        "Pourquoi cette demande est refusée", "Indiquez pourquoi\u00a0: la réponse est gardée avec la demande.", 200
    )


class RenewalForm(Decided):
    """Until a later day where the case has a last day; for one more year where it is proved each year."""

    jusqu = StringField("Nouvelle date de fin")

    def __init__(self, typed, waiver, today, **given):
        super().__init__(typed, waiver, today, **given)
        self.case = rules.CASES[waiver.reason]
        self.jusqu.label.text = self.case.until
        self.jusqu.flags.required = True

    def validate_jusqu(self, field):
        if self.case.until:
            self.day_of(field)
        fault = rules.renewal_fault(self.case, self.waiver.asked, self.on)
        if fault:
            raise ValidationError(fault)


class EndForm(Decided):
    fin = StringField("Dernier jour de la dispense", [InputRequired("Indiquez le dernier jour.")])
    motif = text("Pourquoi elle se termine", "Indiquez pourquoi\u00a0: la raison est gardée au registre.", 200)

    def validate_fin(self, field):
        self.day_of(field)
        if self.on < self.waiver.effect_on:
            raise ValidationError(f"Au plus tôt le {self.waiver.effect_on:%d/%m/%Y}, où elle commence.")
        latest = rules.months_later(self.today, rules.MONTHS_AHEAD)
        if self.on > latest:
            raise ValidationError(f"Au plus tard le {latest:%d/%m/%Y}.")

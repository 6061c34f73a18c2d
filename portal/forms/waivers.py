"""The filters above the register of waivers, and what HR types to record, prove, decide, renew or end one."""

import datetime
from itertools import starmap

from wtforms import RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, ValidationError

from portal import database
from portal.formats import search_key, search_words
from portal.forms.changes import SentOnce, name, text
from portal.forms.filters import Filter, SharedSelect
from portal.forms.uploads import UploadField
from portal.models import Waiver, WaiverState, db
from portal.rules import Refused, dates, identifiers
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


class RegisterFilter(Filter):
    """Narrows the register; an unknown value narrows nothing."""

    q = StringField("Nom, prénom ou matricule")
    cas = SelectField("Cas", widget=SharedSelect())
    etat = SelectField(
        "État", choices=[SelectChoice(key, label) for key, (label, _) in STATES.items()], widget=SharedSelect()
    )
    a = SelectField("À faire", choices=list(starmap(SelectChoice, TO_DO.items())), widget=SharedSelect())

    def __init__(self, arguments, today):
        super().__init__(arguments)
        self.today = today
        self.cas.choices = [("", "Tous"), *((code, case.label) for code, case in rules.CASES.items())]

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


# ── What HR has on paper ─────────────────────────────────────────────────────────────────────────────────────────


class ProofForm(SentOnce):
    piece = UploadField("La pièce", multiple=True, missing="Choisissez un fichier, ou prenez une photo.")


def answers(label, known):
    return RadioField(label, choices=list(starmap(SelectChoice, known.items())), validate_choice=False)


class RecordForm(SentOnce):
    """A request that HR has in writing: who, the college, the questions of its case, and its proof if it is there."""

    civilite = answers("État civil", {"M.": "Monsieur", "Mme": "Madame"})
    nom = name("Nom de naissance", "Indiquez le nom de naissance.")
    nomdusage = name("Nom d’usage")
    prenom = name("Prénom", "Indiquez le prénom.")
    naissance = StringField("Né(e) le", [InputRequired("Indiquez la date de naissance.")])
    matricule = text("Matricule", most=32)
    courriel = text("E-mail", most=254)
    portable = text("Portable", most=30)
    college = SelectField("Collège", validate_choice=False)
    demande = StringField("Date de la demande écrite", [InputRequired("Indiquez le jour de la demande.")])
    effet = StringField("À partir du", [InputRequired("Indiquez à partir de quel jour.")])
    occasion = answers("Quand la dispense est demandée", rules.OCCASIONS)
    couverture = answers("Par quoi le salarié est couvert", rules.COVERS)
    embauche = StringField("Date d’embauche")
    fin = StringField("")
    piece = UploadField("Pièce justificative", multiple=True)

    DAYS = {"naissance": "birth_date", "demande": "requested_on", "effet": "effect_on"}
    PLACES = DAYS | {"occasion": "occasion", "couverture": "cover", "embauche": "hired_on", "fin": "valid_until"}
    PERSON = {
        "civilite": "title",
        "nom": "birth_name",
        "nomdusage": "used_name",
        "prenom": "first_name",
        "matricule": "employee_number",
        "courriel": "email",
        "portable": "mobile",
    }

    def __init__(self, typed, reason, colleges, today, **given):
        """`colleges`: [(key, label, row)], through the door."""
        super().__init__(typed, **given)
        self.reason, self.case, self.today = reason, rules.CASES[reason], today
        self.rows = {key: row for key, _, row in colleges}
        self.college.choices = [
            SelectChoice("", "Choisissez"),
            *(SelectChoice(key, label) for key, label, _ in colleges),
        ]
        if len(self.rows) == 1:
            self.college.data = next(iter(self.rows))
        self.occasion.choices = [SelectChoice(key, rules.OCCASIONS[key]) for key in self.case.occasions]
        self.couverture.choices = [SelectChoice(key, rules.COVERS[key]) for key in self.case.covers]
        self.fin.label.text = self.case.until
        if len(self.case.occasions) == 1:
            self.occasion.data = self.case.occasions[0]
        for box in (self.civilite, self.college, self.occasion, self.couverture, self.embauche, self.fin):
            box.flags.required = True
        self.read, self.asked = {}, None

    @classmethod
    def boxes_of(cls, person, category):
        """What is known of somebody, by box. `person`: as waivers.record takes it."""
        boxes = {box: person.get(column) or "" for box, column in cls.PERSON.items()}
        born = person.get("birth_date")
        return boxes | {"naissance": f"{born:%d/%m/%Y}" if born else "", "college": category.key}

    @property
    def category(self):
        return self.rows.get(self.college.data)

    def validate_civilite(self, field):
        if field.data not in ("M.", "Mme"):
            raise ValidationError("Choisissez Monsieur ou Madame.")

    def validate_college(self, field):
        if self.category is None:
            raise ValidationError("Choisissez le collège du salarié.")

    def validate_courriel(self, field):
        self.contact(field, "email", identifiers.email)

    def validate_portable(self, field):
        self.contact(field, "mobile", identifiers.mobile)

    def contact(self, field, column, rule):
        try:
            self.read[column] = rule(field.data) if field.data else ""
        except Refused as refused:
            raise ValidationError(str(refused)) from None

    def validate(self, extra_validators=None):
        super().validate(extra_validators)
        days = {box: self.day_of(box) for box in self.asked_days() if self[box].data or box in ("embauche", "fin")}
        if not self.errors:
            self.asked = self.asked_of(days)
            for column, sentence in rules.faults(self.asked, self.today).items():
                box = next(box for box, place in self.PLACES.items() if place == column)
                self[box].errors = [sentence]
        return not self.errors

    def asked_days(self):
        return (*self.DAYS, *(["embauche"] if self.case.hired else []), *(["fin"] if self.case.until else []))

    def day_of(self, box):
        """The day of a box; None when it is empty, or wrong, which is then said."""
        if not (self[box].data or "").strip():
            return None
        try:
            return dates.french_date(self[box].data, self.today, birth=box == "naissance")
        except Refused as refused:
            self[box].errors = [str(refused)]
        return None

    def asked_of(self, days):
        self.read["birth_date"] = days["naissance"]
        return rules.Asked(
            reason=self.reason,
            requested_on=days["demande"],
            effect_on=days["effet"],
            occasion=self.occasion.data or "",
            cover=self.couverture.data or "" if self.case.covers else "",
            hired_on=days.get("embauche"),
            valid_until=days.get("fin"),
        )

    def person(self):
        """Who, as waivers.record takes it."""
        return {column: self[box].data or "" for box, column in self.PERSON.items()} | self.read

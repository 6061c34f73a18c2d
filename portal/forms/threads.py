"""Requests and complaints: the filters above the list, what opens one, an answer, a rating."""

import datetime
from itertools import starmap

from wtforms import Form, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, Optional, ValidationError

from portal import natures
from portal.exchange import uploads
from portal.forms.changes import SentOnce, text
from portal.forms.checks import no_secret, typed_day
from portal.forms.filters import Filter, SharedSelect, start_of
from portal.forms.uploads import UploadField
from portal.models import MessageThread, ThreadState
from portal.rules import threads as rules

STATES = {
    "ouvertes": MessageThread.OPEN,
    "recues": (ThreadState.RECEIVED,),
    "en-cours": (ThreadState.IN_PROGRESS,),
    "a-vous": (ThreadState.AWAITING_ANSWER,),
    "traitees": (ThreadState.TREATED,),
    "closes": (ThreadState.CLOSED,),
}
LABELS = {
    "ouvertes": "Pas encore traitées",
    "recues": "Reçues",
    "en-cours": "En cours",
    "a-vous": "En attente de votre réponse",
    "traitees": "Traitées",
    "closes": "Closes",
}
MOST = 10_000  # characters of a message
# The words of the filters, as users have known them: what is listed, of one kind and of the other.
LISTED = {rules.REQUEST: ("demande", "Demandes lues ?", "Toutes demandes", "Voir toutes les demandes")}
LISTED[rules.COMPLAINT] = ("dysfonctionnement", "Dysfonctionnements lus ?", "Tous", "Voir tous")


class ThreadFilter(Filter):
    """Narrows the list; an unknown value narrows nothing, a date that cannot be read says so at its field."""

    q = StringField("N°, nature ou mots du message")
    etat = SelectField(widget=SharedSelect())
    lues = SelectField(widget=SharedSelect())
    nature = SelectField("Nature", widget=SharedSelect())
    du = StringField("Créée depuis le")
    au = StringField("Créée jusqu’au")

    def __init__(self, arguments, kind, today):
        super().__init__(arguments)
        self.today = today
        listed, read, every, whole = LISTED[kind]
        self.etat.label.text, self.lues.label.text = f"État {listed}", read
        self.lues.choices = [SelectChoice("", whole), SelectChoice("non", "Non lues")]
        self.etat.choices = [SelectChoice("", every), *starmap(SelectChoice, LABELS.items())]
        known = natures.of(kind).items()
        self.nature.choices = [SelectChoice("", "Toutes"), *(SelectChoice(code, one.label) for code, one in known)]
        self.since, self.until = typed_day(self.du, today), typed_day(self.au, today)

    @property
    def unread_alone(self):
        return self.lues.data == "non"

    @property
    def more_is_used(self):
        return bool(self.nature.data or self.du.data or self.au.data)

    def narrow(self, threads):
        threads = MessageThread.holding(threads, self.q.data or "")
        if self.etat.data in STATES:
            threads = threads.where(MessageThread.state.in_(STATES[self.etat.data]))
        if natures.label(self.nature.data):
            threads = threads.where(MessageThread.nature == self.nature.data)
        if self.since:
            threads = threads.where(MessageThread.created_at >= start_of(self.since))
        if self.until:
            threads = threads.where(MessageThread.created_at < start_of(self.until + datetime.timedelta(days=1)))
        return threads

    def in_force(self):
        """What narrows the list now, to be taken away one by one: (parameter, what to write)."""
        words = {
            "q": f"«\u202f{self.q.data}\u202f»" if (self.q.data or "").strip() else "",
            "etat": LABELS.get(self.etat.data, ""),
            "lues": "Non lues" if self.unread_alone else "",
            "nature": natures.label(self.nature.data),
            "du": f"Depuis le {self.since:%d/%m/%Y}" if self.since else "",
            "au": f"Jusqu’au {self.until:%d/%m/%Y}" if self.until else "",
        }
        return [(name, written) for name, written in words.items() if written]


def born(row):
    return f"{row.full_name}, né{'e' if row.title == 'Mme' else ''} le {row.birth_date:%d/%m/%Y}"


# ── Written ──────────────────────────────────────────────────────────────────────────────────────────────────────


def lines(typed):
    """A text as it is kept: no carriage returns, and no empty lines around it."""
    return (typed or "").replace("\r\n", "\n").replace("\r", "\n").strip()


def long_text(label, missing="", most=MOST):
    """`missing`: what to say when it must be filled."""
    checks = [DataRequired(missing)] if missing else [Optional()]
    too_long = Length(max=most, message=f"Au plus {most} caractères. Raccourcissez, ou joignez un document.")
    size = {"rows": 7 if most == MOST else 3}
    return TextAreaField(label, [*checks, too_long, no_secret], filters=[lines], render_kw=size)


class AnswerForm(SentOnce):
    reponse = long_text("Votre réponse", "Écrivez votre réponse.")
    pieces = UploadField("Joindre un document", kinds=uploads.ALL, multiple=True)


class RatingForm(Form):
    note = RadioField(
        "Évaluez la résolution",
        choices=[SelectChoice(str(one), f"{one} sur 5") for one in rules.RATINGS],
        validators=[InputRequired("Choisissez de 1 à 5 étoiles.")],
    )
    commentaire = long_text("Un commentaire", most=1000)

    @property
    def rating(self):
        return int(self.note.data)


class NewThreadForm(SentOnce):
    """`places`: [(key, label, threads.Place)], through the door; `people`: whom the search found, {public id: row}."""

    nature = SelectField("Nature", validate_choice=False)
    detail = text("Détail", "Dites en quelques mots de quoi il s’agit.", 150)
    message = long_text("Votre message", "Écrivez votre message.")
    lieu = SelectField("Entreprise concernée", validate_choice=False)
    qui = text("Personne concernée")
    personne = RadioField("Laquelle\u202f?", validate_choice=False)
    suivi = RadioField("Comment être prévenu de la réponse", default="EMAIL")
    pour = RadioField("Qui réclame\u202f?", validate_choice=False)
    pieces = UploadField("Joindre un document", kinds=uploads.ALL, multiple=True)

    def __init__(self, typed, kind, places, people=(), mobile=None, **given):
        super().__init__(typed, **given)
        self.kind, self.places = kind, {key: place for key, _, place in places}
        self.nature.choices = [
            SelectChoice("", "Choisissez"),
            *(SelectChoice(code, one.label) for code, one in natures.offered(kind).items()),
        ]
        self.lieu.choices = list(starmap(SelectChoice, ((key, label) for key, label, _ in places)))
        self.people = {str(row.public_id): row for row in people}
        self.personne.choices = [
            *(SelectChoice(key, born(row)) for key, row in self.people.items()),
            SelectChoice("", "Aucune"),
        ]
        means = rules.FOLLOW_UPS if mobile else {key: words for key, words in rules.FOLLOW_UPS.items() if key != "SMS"}
        self.suivi.choices = list(starmap(SelectChoice, means.items()))
        self.pour.choices = list(starmap(SelectChoice, rules.COMPLAINANTS.items()))
        for box in (self.nature, self.lieu, self.suivi, self.pour):
            box.flags.required = True

    @property
    def is_complaint(self):
        return self.kind == rules.COMPLAINT

    @property
    def person(self):
        return self.people.get(self.personne.data or "")

    def validate_nature(self, field):
        if field.data not in natures.offered(self.kind):
            raise ValidationError("Choisissez la nature.")

    def validate_detail(self, field):
        no_secret(self, field)

    def validate_lieu(self, field):
        if field.data not in self.places:
            raise ValidationError("Choisissez l’entreprise concernée.")

    def validate_personne(self, field):
        if field.data in self.people or field.data == "" or field.data is None and not self.qui.data:
            return
        found = "Choisissez la personne." if self.people else "Personne ne porte ce nom dans ce compte."
        raise ValidationError(f"{found} Sinon, videz le champ « Personne concernée ».")

    def validate_pour(self, field):
        if self.is_complaint and field.data not in rules.COMPLAINANTS:
            raise ValidationError("Dites qui réclame : la réponse et les recours ne sont pas les mêmes.")

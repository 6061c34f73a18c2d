"""The mutual's queue of requests and complaints: its filters, an answer, a note, and to whom a thread is passed on."""

from itertools import starmap

from wtforms import Form, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from portal import natures
from portal.exchange import uploads
from portal.forms.changes import SentOnce, text
from portal.forms.checks import no_secret
from portal.forms.filters import Filter, SharedSelect
from portal.forms.threads import long_text
from portal.forms.uploads import UploadField
from portal.models import MessageThread, ThreadState
from portal.rules import threads as rules

QUEUES = {
    "": "À traiter",
    "prendre": "À prendre",
    "miens": "Les miens",
    "retard": "En retard",
    "attente": "En attente de l’entreprise",
    "toutes": "Toutes",
}
THEN = {
    ThreadState.TREATED: "Traitée",
    ThreadState.AWAITING_ANSWER: "En attente de la réponse de l’entreprise",
    ThreadState.IN_PROGRESS: "Encore en cours à la mutuelle",
}


class QueueFilter(Filter):
    """Narrows the queue; an unknown value narrows nothing."""

    q = StringField("N°, nature ou mots du message")
    etat = SelectField("File", choices=list(starmap(SelectChoice, QUEUES.items())), widget=SharedSelect())
    nature = SelectField("Nature", widget=SharedSelect())

    def __init__(self, arguments, kind, user, today):
        super().__init__(arguments)
        self.user, self.today = user, today
        known = natures.of(kind).items()
        self.nature.choices = [SelectChoice("", "Toutes"), *(SelectChoice(code, one.label) for code, one in known)]

    def narrow(self, threads):
        return queued(MessageThread.holding(threads, self.q.data or ""), self.user, self.today, **self.asked())

    def asked(self):
        """What `queued` takes besides."""
        queue, nature = self.etat.data or "", self.nature.data
        return {"queue": queue if queue in QUEUES else None, "nature": nature if natures.label(nature) else None}

    def in_force(self):
        words = {
            "q": f"«\u202f{self.q.data}\u202f»" if (self.q.data or "").strip() else "",
            "etat": QUEUES.get(self.etat.data, "") if self.etat.data else "",
            "nature": natures.label(self.nature.data),
        }
        return [(name, written) for name, written in words.items() if written]


def queued(threads, user, today, queue, nature):
    """Those of a queue of QUEUES for this user, that day; None for all, as for `nature`."""
    to_do, is_open = MessageThread.to_do(), MessageThread.state.in_(MessageThread.OPEN)
    narrowed = threads.where(
        *{
            "": [to_do],
            "prendre": [to_do, MessageThread.assignee.is_null()],
            "miens": [is_open, MessageThread.assignee == user],
            "retard": [is_open, MessageThread.due_on < today],
            "attente": [MessageThread.state == ThreadState.AWAITING_ANSWER],
        }.get(queue, [])
    )
    return narrowed.where(MessageThread.nature == nature) if nature else narrowed


class ReplyForm(SentOnce):
    """`version`: the last message that was on the screen. `prepared`: the answers that are ready."""

    modele = SelectField("Réponse préparée", validate_choice=False)
    reponse = long_text("Réponse à l’entreprise", "Écrivez la réponse.")
    pieces = UploadField("Joindre un document", kinds=uploads.ALL, multiple=True)
    ensuite = RadioField("Et ensuite", choices=list(starmap(SelectChoice, THEN.items())), validate_choice=False)
    issue = SelectField("Suite donnée à la réclamation", validate_choice=False)
    cause = SelectField("Ce qui était en cause", validate_choice=False)

    def __init__(self, typed, thread, prepared, **given):
        given = {"version": str(thread.last_message), "ensuite": ThreadState.TREATED.value} | given
        super().__init__(typed, **given)
        self.thread, self.prepared = thread, {str(one.public_id): one for one in prepared}
        first = SelectChoice("", "Choisissez")
        self.modele.choices = [first, *(SelectChoice(key, one.title) for key, one in self.prepared.items())]
        self.issue.choices = [first, *starmap(SelectChoice, rules.OUTCOMES.items())]
        self.cause.choices = [first, *starmap(SelectChoice, rules.CAUSES.items())]

    @property
    def concludes(self):
        return self.thread.is_complaint and self.ensuite.data == ThreadState.TREATED

    def insert(self):
        """Write the prepared answer that is chosen after what is there already."""
        chosen = self.prepared.get(self.modele.data or "")
        if chosen:
            self.reponse.data = "\n\n".join(filter(None, (self.reponse.data, chosen.body)))

    def validate_ensuite(self, field):
        if field.data not in set(THEN):
            raise ValidationError("Dites où en est l’échange une fois cette réponse envoyée.")

    def validate_issue(self, field):
        if self.concludes and field.data not in rules.OUTCOMES:
            raise ValidationError("Dites si la réclamation est fondée : un rejet doit indiquer les recours.")

    def validate_cause(self, field):
        if self.concludes and field.data not in rules.CAUSES:
            raise ValidationError("Dites ce qui était en cause : le registre en garde la trace.")


class PreparedForm(SentOnce):
    """A text to answer with: chosen by its title."""

    titre = text("Titre", "Donnez un titre, pour la choisir dans la liste.")
    texte = long_text("Texte", "Écrivez le texte.")

    def validate_titre(self, field):
        no_secret(self, field)


class NoteForm(SentOnce):
    note = long_text("Note interne", "Écrivez la note.", 2_000)


class PassForm(SentOnce):
    """`colleagues`: users of the mutual."""

    a = SelectField("Confier à", validate_choice=False)
    mot = text("Un mot pour votre collègue", most=300)

    def __init__(self, typed, thread, colleagues, **given):
        super().__init__(typed, version=str(thread.last_message), **given)
        self.colleagues = {str(one.public_id): one for one in colleagues}
        self.a.choices = [
            SelectChoice("", "Choisissez"),
            *(SelectChoice(key, one.full_name) for key, one in self.colleagues.items()),
        ]

    def validate_a(self, field):
        if field.data not in self.colleagues:
            raise ValidationError("Choisissez un collègue.")


class GiveForm(Form):
    """To whom those that are ticked are given. `colleagues`: users of the mutual."""

    a = SelectField("Confier à", validate_choice=False)

    def __init__(self, typed, colleagues):
        super().__init__(typed)
        self.colleagues = {str(one.public_id): one for one in colleagues}
        known = ((key, one.full_name) for key, one in self.colleagues.items())
        self.a.choices = [SelectChoice("", "Choisissez"), *starmap(SelectChoice, known)]

    def validate_a(self, field):
        if field.data not in self.colleagues:
            raise ValidationError("Choisissez un collègue.")

"""Supporting documents: the filters above their lists, what is deposited, why the mutual refuses."""

import datetime
from itertools import starmap

from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from portal import database
from portal.formats import search_key, search_words
from portal.forms.boxes import Sparing
from portal.forms.changes import SentOnce, text
from portal.forms.filters import Filter, SharedSelect
from portal.forms.uploads import UploadField
from portal.models import Beneficiary, DocumentRequest, Employee, RequestState, Waiver, db
from portal.rules import proofs

SOON = 7  # days
STATES = {
    "": ("Attendus", DocumentRequest.OPEN),
    "recus": ("Reçus", (RequestState.RECEIVED,)),
    "acceptes": ("Acceptés", (RequestState.ACCEPTED,)),
    "refuses": ("Refusés, à renvoyer", (RequestState.REFUSED,)),
    "expires": ("Expirés", (RequestState.EXPIRED,)),
    "annules": ("Annulés", (RequestState.CANCELLED,)),
    "tous": ("Tous", tuple(RequestState)),
}
DEADLINES = {"": "Toutes", "retard": "Dépassée", "semaine": "Dans les 7 jours"}
OTHER = "OTHER"  # a reason of the mutual’s own words
QUEUES = {"": "À examiner", "refuses": "Refusés", "acceptes": "Acceptés"}
CONTACTS = {"": "Tous", "sans": "Sans contact", "avec": "Avec un contact"}


class ProofFilter(Filter):
    """Narrows the list; an unknown value narrows nothing."""

    q = StringField("Nom ou prénom")
    campagne = SelectField("Campagne")
    etat = SelectField(
        "État", choices=[SelectChoice(key, label) for key, (label, _) in STATES.items()], widget=SharedSelect()
    )
    echeance = SelectField("Date limite", choices=list(starmap(SelectChoice, DEADLINES.items())), widget=SharedSelect())
    contact = SelectField("Contact", choices=list(starmap(SelectChoice, CONTACTS.items())), widget=SharedSelect())

    def __init__(self, arguments, today, campaigns):
        """`campaigns`: their names, through the door."""
        super().__init__(arguments)
        self.today, self.campaigns = today, campaigns
        self.campagne.choices = [("", "Toutes"), *((name, name) for name in campaigns)]

    @property
    def looks_at_people(self):
        """Whether `narrow` takes whole requests (DocumentRequest.whole); their own columns are enough otherwise."""
        return bool(search_words(self.q.data or "")) or self.contact.data in ("sans", "avec")

    def narrow(self, requests):
        requests = self.by_words(requests)
        _, states = STATES.get(self.etat.data or "", STATES[""])
        requests = requests.where(DocumentRequest.state.in_(states))
        if self.campagne.data in self.campaigns:
            requests = requests.where(DocumentRequest.campaign == self.campagne.data)
        if self.echeance.data == "retard":
            requests = requests.where(DocumentRequest.late(self.today))
        elif self.echeance.data == "semaine":
            soon = self.today + datetime.timedelta(days=SOON)
            requests = requests.where(DocumentRequest.due_on.between(self.today, soon))
        if self.contact.data in ("sans", "avec"):
            nobody = DocumentRequest.unreachable(self.today)
            requests = requests.where(nobody if self.contact.data == "sans" else ~nobody)
        return requests

    def by_words(self, requests):
        """The person whose document it is, or the employee who answers for them."""
        for word in search_words(self.q.data or ""):
            person = database.contains(db, Beneficiary.search_key, word)
            employee = database.contains(db, Employee.search_key, word)
            requests = requests.where(person | employee | database.contains(db, Waiver.name_key, word))
        return requests

    def words(self):
        """What narrows the list, box by box, for the audit trail: what it may not hold is left out."""
        used = {box.name: (box.data or "").strip()[:100] for box in self}
        return {name: word for name, word in used.items() if word and name not in self.secrets()}

    def in_force(self):
        """What narrows the list now, to be taken away one by one: (parameter, what to write)."""
        state = STATES.get(self.etat.data or "", STATES[""])[0]
        words = {
            "q": f"« {self.q.data} »" if search_key(self.q.data or "") else "",
            "campagne": self.campagne.data if self.campagne.data in self.campaigns else "",
            "etat": state if self.etat.data in STATES and self.etat.data else "",
            "echeance": f"Date limite : {DEADLINES.get(self.echeance.data, '')}" if self.echeance.data else "",
            "contact": CONTACTS.get(self.contact.data, "") if self.contact.data else "",
        }
        return [(name, written) for name, written in words.items() if written]


class DepositForm(SentOnce):
    """The files that answer one request, photographs or PDF."""

    pieces = UploadField("Votre document", multiple=True, missing="Choisissez un fichier, ou prenez une photo.")


class RefusalForm(SentOnce):
    """Why the mutual refuses: a sentence that is ready, or its own."""

    READY = proofs.REFUSALS
    READER = "le salarié"  # who is told why

    motif = SelectField("Raison")
    precision = text("Précision", most=200)

    class Meta(Sparing):
        """Its boxes tell nothing of who looks at them."""

    def __init__(self, typed=None, **given):
        super().__init__(typed, **given)
        self.motif.choices = list({"": "Choisissez", **self.READY, OTHER: "Autre raison"}.items())

    def validate_motif(self, field):
        if not field.data:
            raise ValidationError(f"Choisissez la raison : {self.READER} la lira.")

    def validate(self, extra_validators=None):
        super().validate(extra_validators)
        if self.motif.data == OTHER and not (self.precision.data or "").strip():
            self.precision.errors = [f"Écrivez la raison en une phrase : {self.READER} la lira."]
        return not self.errors

    @property
    def why(self):
        """The sentence that is told."""
        said = [self.READY.get(self.motif.data, ""), (self.precision.data or "").strip()]
        return " ".join(filter(None, said))


class TickedRefusal(RefusalForm):
    """The same reason for all that are ticked in the mutual's queue."""

    READER = "chaque salarié"


class QueueFilter(Filter):
    """Narrows the mutual's queue."""

    etat = SelectField("État", choices=list(starmap(SelectChoice, QUEUES.items())), widget=SharedSelect())
    STATES = {"": RequestState.RECEIVED, "refuses": RequestState.REFUSED, "acceptes": RequestState.ACCEPTED}

    @property
    def state(self):
        """Of the requests that are listed."""
        return self.STATES.get(self.etat.data or "", RequestState.RECEIVED)

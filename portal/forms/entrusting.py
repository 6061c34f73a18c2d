"""How HR gives an enrolment to its employee: who it is, and by what means the link goes."""

from wtforms.validators import StopValidation

from portal import household
from portal.forms.changes import SentOnce
from portal.forms.enrolments import ContractStep, kept, mark, one_of, text, write
from portal.models import GuestChannel
from portal.rules import Refused, identifiers

BY_STEP = {
    "garantie": {"contrat": "contrat", "datedeffet": "datedeffet"},
    "coordonnees": {"courriel": "email", "portable": "portable"},
    "salarie": {"nom": "nom", "prenom": "prenom", "datedenaissance": "datedenaissance"},
}


class WhoForm:
    """The boxes of who it is, which stand before those of the means: what is wrong is told in the order of the page."""

    nom = text("Nom")
    prenom = text("Prénom")
    datedenaissance = text("Date de naissance")


class MeansForm(SentOnce):
    """`recipient`: the address or the number, checked; "" for a letter."""

    canal = one_of(
        "Comment lui donner le lien\u202f?",
        (GuestChannel.EMAIL.value, "Par courriel"),
        (GuestChannel.SMS.value, "Par SMS"),
        (GuestChannel.LETTER.value, "Par une lettre à imprimer et à remettre"),
    )
    courriel = text("Son courriel")
    portable = text("Son portable")

    def __init__(self, typed=None, **given):
        super().__init__(typed, **given)
        self.canal.flags.required = True
        self.recipient = ""

    @property
    def channel(self):
        return GuestChannel(self.canal.data)

    def validate_canal(self, field):
        if field.data not in list(GuestChannel):
            raise StopValidation("Choisissez comment lui donner le lien.")

    def validate_courriel(self, field):
        if self.canal.data == GuestChannel.EMAIL:
            self.recipient = checked(identifiers.email, field, "Indiquez son courriel.")

    def validate_portable(self, field):
        if self.canal.data == GuestChannel.SMS:
            self.recipient = checked(identifiers.mobile, field, "Indiquez son portable.")


def checked(rule, field, missing):
    if not (field.data or "").strip():
        raise StopValidation(missing)
    try:
        field.data = rule(field.data)
    except Refused as refused:
        raise StopValidation(str(refused)) from None
    return field.data


class InvitationForm(WhoForm, MeansForm, ContractStep):
    """Somebody new: the contract, the first day, who they are, and the means, on one page."""

    def __init__(self, typed=None, offers=(), **given):
        super().__init__(typed, offers=offers, **given)
        mark(self, BY_STEP["salarie"])

    def words_by_step(self):
        """What the draft keeps of each step."""
        return {
            step: {name: kept(self[box]) for box, name in names.items() if self[box].raw_data}
            for step, names in BY_STEP.items()
        }

    def home(self, today):
        """The household as far as it is known; None where there is no contract at all."""
        if not self.offers:
            return None
        latest = max(self.offers.values(), key=lambda offer: offer.subscribed_on)
        return household.Household(self.words_by_step(), self.offer or latest, today)

    def show(self, home):
        """Write in the boxes what the rules made of the words: their safe repairs."""
        write(self, home.employee)
        self.datedeffet.data = home.employee.cells[household.cells.EFFECTIVE_ON] or self.datedeffet.data

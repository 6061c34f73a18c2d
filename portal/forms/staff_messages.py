"""The filters above the e-mails and texts: what failed, unless another state is asked for."""

from wtforms import Form, SelectField

from portal.models import Channel, MessageKind, MessageState, OutboxMessage

KINDS = {
    "securite": MessageKind.SECURITY,
    "affiliations": MessageKind.IMPORT,
    "departs": MessageKind.MOVEMENT,
    "adhesions": MessageKind.ENROLMENT,
    "pieces": MessageKind.PROOF,
    "demandes": MessageKind.REQUEST,
    "recapitulatifs": MessageKind.DIGEST,
    "annonces": MessageKind.NOTICE,
}
FAILED = "echecs"
STATES = {
    FAILED: MessageState.FAILED,
    "attente": MessageState.WAITING,
    "envoyes": MessageState.SENT,
    "regroupes": MessageState.GROUPED,
    "repris": MessageState.TAKEN_BACK,
    "non-souhaites": MessageState.UNWANTED,
}
EVERY = "tous"
CHANNELS = {"courriel": (Channel.EMAIL, "Courriel"), "sms": (Channel.SMS, "SMS")}


class MessageFilter(Form):
    """Narrows the list; an unknown value narrows nothing, and no state means what failed."""

    etat = SelectField("État")
    nature = SelectField("Nature")
    canal = SelectField("Canal")

    def __init__(self, arguments, kinds, states):
        """`kinds`, `states`: how they are written in French."""
        super().__init__(arguments)
        self.etat.choices = [*((key, states[state]) for key, state in STATES.items()), (EVERY, "Tous")]
        self.nature.choices = [("", "Toutes"), *((key, kinds[kind]) for key, kind in KINDS.items())]
        self.canal.choices = [("", "Tous"), *((key, label) for key, (_, label) in CHANNELS.items())]
        if self.etat.data not in (*STATES, EVERY):
            self.etat.data = FAILED

    def narrow(self, messages):
        messages = self.narrow_but_state(messages)
        state = STATES.get(self.etat.data)
        return messages.where(OutboxMessage.state == state) if state else messages

    def narrow_but_state(self, messages):
        if self.nature.data in KINDS:
            messages = messages.where(OutboxMessage.kind == KINDS[self.nature.data])
        if self.canal.data in CHANNELS:
            messages = messages.where(OutboxMessage.channel == CHANNELS[self.canal.data][0])
        return messages

    def in_force(self):
        """What narrows the list beside the failures that it opens with: (parameter, what to write)."""
        boxes = (self.etat, self.nature, self.canal)
        chosen = [(box.name, dict(box.choices).get(box.data)) for box in boxes if box.data and box.data != FAILED]
        return [(name, words) for name, words in chosen if words]

"""How a message is told in French: its kind, what became of it, and why when it did not arrive."""

import re
from types import SimpleNamespace

from portal.formats import ago, datetime_fr
from portal.models import Channel, MessageKind, MessageState

KINDS = {
    MessageKind.SECURITY: "Sécurité",
    MessageKind.IMPORT: "Fichiers d’affiliations",
    MessageKind.MOVEMENT: "Départs",
    MessageKind.ENROLMENT: "Adhésions",
    MessageKind.PROOF: "Pièces justificatives",
    MessageKind.REQUEST: "Demandes",
    MessageKind.DIGEST: "Récapitulatifs",
    MessageKind.NOTICE: "Annonces légales",
}
STATES = {
    MessageState.WAITING: "En attente",
    MessageState.SENT: "Envoyé",
    MessageState.FAILED: "Échec",
    MessageState.TAKEN_BACK: "Repris avant l’envoi",
    MessageState.GROUPED: "Dans un récapitulatif",
    MessageState.UNWANTED: "Non souhaité",
}
TONES = {
    MessageState.WAITING: ("info", "clock"),
    MessageState.SENT: ("ok", "circle-check"),
    MessageState.FAILED: ("danger", "circle-x"),
    MessageState.TAKEN_BACK: ("", "arrow-back-up"),
    MessageState.GROUPED: ("", "mail-check"),
    MessageState.UNWANTED: ("", "ban"),
}
CHANNELS = {Channel.EMAIL: ("Courriel", "mail"), Channel.SMS: ("SMS", "device-mobile")}

# What a fault means, by how its word begins (carriers.py): the first that fits.
REASONS = (
    ("Outdated", "Périmé avant d’avoir pu partir"),
    ("ValueError", "L’adresse ne peut pas recevoir de courriel"),
    ("5", "Refusé par le serveur du destinataire"),
    ("4", "Le serveur du destinataire demande d’attendre"),
    ("HTTP 4", "Refusé par la passerelle de SMS"),
    ("HTTP", "La passerelle de SMS est en panne"),
    ("TimeoutError", "Le serveur ne répond pas à temps"),
    ("SMTPAuthentication", "Notre serveur d’envoi refuse le mot de passe du portail"),
    ("SSL", "La liaison chiffrée avec le serveur a échoué"),
    ("SMTP", "Le serveur a coupé la liaison"),
    ("Connection", "Le serveur ne répond pas"),
    ("", "Le message n’a pas pu être remis au serveur"),
)


def tell(message, now):
    tone, icon = TONES[message.state]
    channel, channel_icon = CHANNELS[message.channel]
    return SimpleNamespace(
        public_id=message.public_id,
        at=message.created_at,
        age=ago(message.created_at, now),
        kind=KINDS.get(message.kind, message.kind),
        channel=channel,
        channel_icon=channel_icon,
        recipient=message.recipient,
        subject=message.subject,
        state=STATES[message.state],
        tone=tone,
        icon=icon,
        settled_at=message.settled_at if message.state != MessageState.WAITING else None,
        why=why(message.last_error) if message.state in (MessageState.WAITING, MessageState.FAILED) else "",
        tries=message.attempts,
        next_try=next_try(message, now),
        can_be_sent_again=message.state == MessageState.FAILED and message.content is not None,
    )


def why(error):
    """« Refusé par le serveur du destinataire (550 5.1.1) »; nothing for no error."""
    if not error:
        return ""
    reason = next(words for start, words in REASONS if error.startswith(start))
    code = re.search(r"\d{3}.*", error)
    return f"{reason} ({code[0]})" if code else reason


def next_try(message, now):
    if message.state != MessageState.WAITING or message.not_before <= now:
        return ""
    return datetime_fr(message.not_before)

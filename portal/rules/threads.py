"""Requests and complaints: what they are about, in how many days an answer is promised, and what a refusal must say."""

import json
import re
from typing import Any, NamedTuple

from portal.rules import Refused

REQUEST, COMPLAINT = "REQUEST", "COMPLAINT"


class Nature(NamedTuple):
    """What a thread is about; `days`: « jours ouvrés » of the promised answer, unless the mutual says others."""

    label: str
    days: int
    offered: bool = True  # to who writes; what was written under it keeps its name


# By kind of thread: code → nature, in the order of the list.
NATURES = {
    REQUEST: {
        "ENROLMENT": Nature("Adhésion", 3),
        "TERMINATION": Nature("Radiation", 3),
        "PORTABILITY": Nature("Portabilité", 3),
        "CARD": Nature("Attestation de tiers payant", 2),
        "CONTRIBUTIONS": Nature("Cotisations", 5),
        "CONTRACT": Nature("Modification de contrat", 10),
        "DSN": Nature("DSN et fiche de paramétrage", 5),
        "BENEFITS": Nature("Prestations et remboursements", 5),
        "PORTAL": Nature("Utilisation du portail", 2),
        "OTHER": Nature("Autre demande", 5),
    },
    COMPLAINT: {
        "DELAY": Nature("Délai de traitement", 10),
        "ENROLMENT_FAULT": Nature("Adhésion ou radiation mal traitée", 10),
        "CONTRIBUTIONS_FAULT": Nature("Appel de cotisations, prélèvement", 10),
        "BENEFITS_FAULT": Nature("Remboursement, prise en charge", 10),
        "CARD_FAULT": Nature("Carte de tiers payant", 10),
        "CONTRACT_FAULT": Nature("Contrat et garanties", 10),
        "PORTAL_FAULT": Nature("Fonctionnement du portail", 10),
        "CONTACT_FAULT": Nature("Accueil et information", 10),
        "OTHER_FAULT": Nature("Autre dysfonctionnement", 10),
    },
}
ALL = {code: nature for natures in NATURES.values() for code, nature in natures.items()}
FOLLOW_UPS = {"EMAIL": "Par courriel", "SMS": "Par SMS", "NONE": "Aucun : je consulte le portail"}
FOLLOWED = {"EMAIL": "courriel", "SMS": "SMS", "NONE": "sur le portail"}
RATINGS = (1, 2, 3, 4, 5)

# Who complains: only the member, as a consumer, may go to the ombudsman (L. 612-1 of the Code de la consommation).
COMPANY, MEMBER = "COMPANY", "MEMBER"
COMPLAINANTS = {COMPANY: "L’entreprise", MEMBER: "Un salarié ou un membre de sa famille"}
ACCEPTED, PARTLY, REFUSED = "ACCEPTED", "PARTLY", "REFUSED"
OUTCOMES = {
    ACCEPTED: "Favorable : la réclamation est fondée",
    PARTLY: "Partiellement favorable",
    REFUSED: "Défavorable : la réclamation est rejetée",
}
# What went wrong, for the register: the recommendation asks that complaints mend what caused them.
CAUSES = {
    "DELAY": "Délai non tenu",
    "ERROR": "Erreur de traitement",
    "INFORMATION": "Information absente ou peu claire",
    "SYSTEM": "Panne ou défaut d’un outil",
    "CONTRACT": "Application du contrat contestée",
    "PARTNER": "Prestataire ou partenaire",
    "UNFOUNDED": "Aucun dysfonctionnement constaté",
}


OWN = re.compile(r"OWN_\d{1,3}")  # the code of a nature that the mutual added
MOST_DAYS = 60


def arranged(text: str, days: dict[str, int]) -> dict[str, dict[str, Nature]]:
    """The natures as the mutual has them, by kind: renamed, with other days, no longer offered, or added.

    `text`: JSON, kind → code → [label, days, offered], "" when nothing was changed. `days`: see `days_of`.
    """
    changes: dict[str, dict[str, Any]] = json.loads(text) if text else {}
    own = {
        kind: {code: nature._replace(days=days.get(code, nature.days)) for code, nature in natures.items()}
        for kind, natures in NATURES.items()
    }
    return {kind: own[kind] | {code: Nature(*said) for code, said in changes.get(kind, {}).items()} for kind in NATURES}


def days_of(text: str) -> dict[str, int]:
    """« CARD=1 CONTRACT=15 »: the days that the mutual promises instead of those above; Refused says what is wrong."""
    days = {}
    for word in text.replace(",", " ").split():
        code, _, count = word.partition("=")
        if code not in ALL or not (count.isascii() and count.isdigit() and 0 < int(count) <= MOST_DAYS):
            raise Refused("écrivez des natures et des jours ouvrés, de 1 à 60, ainsi : CARD=1 CONTRACT=15.")
        days[code] = int(count)
    return days


def recourse(complainant: str, ombudsman: str) -> str:
    """What an answer that refuses must say after it, whole paragraphs; `ombudsman`: name, address and site."""
    again = (
        "Si cette réponse ne vous satisfait pas, vous pouvez demander un nouvel examen en répondant dans ce fil : "
        "une autre personne que celle qui vous a répondu l’étudiera."
    )
    if complainant == MEMBER:
        return (
            f"{again}\n\nL’adhérent peut aussi saisir gratuitement le médiateur : {ombudsman}. Il le fait par écrit, "
            "dans l’année qui suit sa réclamation, tant qu’aucun tribunal n’est saisi. Il garde le droit d’agir en "
            "justice."
        )
    return (
        f"{again}\n\nL’entreprise peut aussi porter ce désaccord devant le tribunal compétent. Le médiateur "
        f"({ombudsman}) ne peut être saisi que par un adhérent, pour ce qui le concerne : un salarié qui s’estime "
        "lésé peut s’adresser à lui gratuitement, dans l’année qui suit sa propre réclamation écrite."
    )


def unanswered(complainant: str, ombudsman: str) -> str:
    """What may be done once the two months are over without an answer."""
    if complainant == MEMBER:
        return (
            f"Sans réponse dans ce délai, l’adhérent peut saisir gratuitement le médiateur : {ombudsman}, par écrit, "
            "dans l’année qui suit sa réclamation."
        )
    return "Sans réponse dans ce délai, relancez la mutuelle dans ce fil ; le tribunal compétent peut aussi être saisi."

"""A line of a history in French: what it is, where it stands, its icon and its page at the desk."""

from types import SimpleNamespace

from flask import url_for

from portal import document_types
from portal.formats import euros, plural
from portal.models import EnrolmentState, MandateState
from portal.rules import proofs, threads, waivers
from portal.views import actions, awaited, exchanged, fates, reports, sent, told
from portal.views import waivers as waived

# What the filter offers: key → (label, rooms).
KINDS = {
    "mouvements": ("Mouvements", ("movements", "imports")),
    "adhesions": ("Adhésions et dispenses", ("enrolments", "waivers")),
    "pieces": ("Justificatifs", ("asked", "received")),
    "documents": ("Documents", ("sendings", "documents")),
    "demandes": ("Demandes et réclamations", ("threads",)),
    "cotisations": ("Cotisations et règlements", ("statements", "payments", "formal_notices", "mandates")),
    "habilitations": ("Habilitations", ("grants",)),
    "courriels": ("Courriels et SMS", ("messages",)),
    "journal": ("Journal", ("events",)),
    "consultations": ("Consultations par la mutuelle", ("readings",)),
}
OF_AUDIT = {"consultations"}  # for who reads the trail
MANDATES = {
    MandateState.TO_SIGN: "à signer",
    MandateState.SIGNED: "signé",
    MandateState.REVOKED: "révoqué",
}
ENROLMENTS = {EnrolmentState.SUBMITTED: "envoyée", EnrolmentState.WITH_EMPLOYEE: "chez le salarié"}


def tell(lines):
    return [one(line) for line in lines]


def one(line):
    icon, words, state, url = ROOMS[line.room](line)
    return SimpleNamespace(at=line.at, is_day=line.is_day, by=line.by, icon=icon, words=words, state=state, url=url)


def named(words, *more):
    """« Affiliation, Zoé BARBAUD »."""
    return ", ".join(filter(None, (words, *more)))


def movement(line):
    kind = told.KINDS.get(line.what, line.what)
    return "arrows-exchange", named(kind, line.label), told.STATES.get(line.state, ""), ""


def imported(line):
    state = reports.STATES.get(line.state, ("",))[0]
    return "file-import", f"Fichier d’affiliations {line.label}", state, url_for("imports.show", id=line.ref)


def enrolment(line):
    words = named(f"Adhésion {line.what}", line.label)
    return "user-plus", words, ENROLMENTS.get(line.state, ""), url_for("enrolments.show", id=line.ref)


def waiver(line):
    words = named("Dispense", waivers.CASES[line.what].label if line.what in waivers.CASES else "", line.label)
    return "ban", words, waived.STATES.get(line.state, ("",))[0], url_for("waivers.show", id=line.ref)


def proof_label(code):
    return proofs.PROOFS[code].label if code in proofs.PROOFS else code


def asked(line):
    state = awaited.STATES.get(line.state, ("",))[0]
    words = f"Pièce demandée : {proof_label(line.what)}"
    return "paperclip", words, state, url_for("staff_proofs.show", id=line.ref)


def received(line):
    words = f"Justificatif reçu : {proof_label(line.what)}"
    state = awaited.STATES[line.state][0] if line.state else "À l’examen"
    return "clipboard-check", words, state, url_for("staff_proofs.show", id=line.ref)


def sending(line):
    words = f"Document reçu de l’entreprise : {document_types.label(line.what)}"
    return "file-upload", words, sent.STATES.get(line.state, ("",))[0], url_for("staff_sendings.show", id=line.ref)


def document(line):
    return "files", f"Document : {line.label}", "", ""


def thread(line):
    kind = exchanged.WORDS[line.what]
    state = exchanged.TO_STAFF.get(line.state, ("",))[0]
    url = url_for("staff_threads.show", room=kind.key, id=line.ref)
    name = "Réclamation" if line.what == threads.COMPLAINT else "Demande"
    return kind.icon, named(f"{name} n° {line.amount}", line.label), state, url


def statement(line):
    words = f"Bordereau {line.label} : {euros(line.amount)}"
    return "receipt-euro", words, "", url_for("statements.show", id=line.ref)


def payment(line):
    return "receipt-euro", f"Règlement {line.label} : {euros(line.amount)}", line.what, ""


def formal_notice(line):
    return "alert-triangle", f"Mise en demeure : {euros(line.amount)}", "", url_for("staff_arrears.index")


def mandate(line):
    state = MANDATES.get(line.state, "")
    return "writing", f"Mandat SEPA {line.label}", state, url_for("mandates.show", id=line.ref)


def grant(line):
    return "key", f"Habilitation de {line.label}", "", url_for("granting.edit", id=line.ref)


def message(line):
    channel, icon = fates.CHANNELS[line.what]
    return icon, named(channel, line.label), fates.STATES.get(line.state, ""), ""


def event(line):
    return "history", actions.words(line.what), "Journal", url_for("staff_trail.show", number=line.ref)


def reading(line):
    """A page that somebody of the mutual opened that day, the last time at that hour."""
    words = f"Page ouverte : {actions.OBJECTS.get(line.what, line.what)}"
    return "eye", words, f"{plural(line.amount, 'fois', 'fois')} ce jour-là", ""


ROOMS = {
    "movements": movement,
    "imports": imported,
    "enrolments": enrolment,
    "waivers": waiver,
    "asked": asked,
    "received": received,
    "sendings": sending,
    "documents": document,
    "threads": thread,
    "statements": statement,
    "payments": payment,
    "formal_notices": formal_notice,
    "mandates": mandate,
    "grants": grant,
    "messages": message,
    "events": event,
    "readings": reading,
}

"""The screens of the mutual's own staff, under /gestion: closed to everybody else by the right « staff »."""

from portal.history import union
from portal.models import (
    DocumentRequest,
    MessageThread,
    OutboxMessage,
    Registration,
    RegistrationState,
    RequestState,
    Sending,
    SendingState,
)
from portal.views.staff import (
    accesses,
    answering,
    arrears,
    campaigns,
    configuration,
    debits,
    desk,
    dossiers,
    figures,
    guarantees,
    hand_overs,
    loads,
    messages,
    notices,
    prepared_answers,
    publication,
    publications,
    register,
    registrations,
    search,
    seen,
    sendings,
    supporting_documents,
    threads,
    trail,
    users,
    viewing,
    wording,
)

MODULES = (desk, threads, answering, register, prepared_answers, supporting_documents, sendings)
MODULES += (publications, publication, notices, messages, registrations, debits, arrears)
MODULES += (configuration, wording, guarantees)
MODULES += (search, dossiers, trail, seen, figures, loads, hand_overs, campaigns, users, accesses, viewing)

# Their group of the menu, below the others.
MENU = (
    (
        "Gestion",
        (
            ("adjustments-horizontal", "À traiter", "desk.index", {}),
            ("user-search", "Recherche", "staff_search.index", {}),
            ("messages", "Demandes reçues", "staff_threads.index", {"room": "demandes"}),
            ("message-report", "Réclamations reçues", "staff_threads.index", {"room": "reclamations"}),
            ("clipboard-check", "Justificatifs reçus", "staff_proofs.index", {}),
            ("file-upload", "Documents reçus", "staff_sendings.index", {}),
            ("user-plus", "Inscriptions", "staff_registrations.index", {}),
            ("receipt-euro", "Prélèvements", "staff_debits.index", {}),
            ("hourglass", "Impayés", "staff_arrears.index", {}),
            ("folders", "Publications", "staff_publications.index", {}),
            ("info-circle", "Actualités publiées", "staff_notices.index", {}),
            ("mail-forward", "Courriels et SMS", "staff_messages.index", {}),
            ("file-import", "Chargements", "staff_loads.index", {}),
            ("users", "Utilisateurs", "staff_users.index", {}),
            ("wand", "Configuration", "configuration.index", {}),
            ("calendar-event", "Chiffres", "staff_figures.index", {}),
            ("history", "Journal", "staff_trail.index", {}),
        ),
    ),
)


MOST = 100  # beyond, the menu does not count them one by one


def counts(user):
    """What waits for someone, by entry of the menu; in one statement."""
    received = user.document_requests().where(DocumentRequest.state == RequestState.RECEIVED)
    sent = user.sendings().where(Sending.state == SendingState.RECEIVED)
    asked = user.registrations().where(Registration.state == RegistrationState.RECEIVED)
    waiting = [
        OutboxMessage.up_to(MOST, messages.failures(user), "staff_messages"),
        DocumentRequest.up_to(MOST, received, "staff_proofs"),
        Sending.up_to(MOST, sent, "staff_sendings"),
        Registration.up_to(MOST, asked, "staff_registrations"),
        *(MessageThread.up_to(MOST, rows, f"staff-{room}") for room, rows in threads.to_do(user).items()),
    ]
    return dict(union(waiting).tuples())

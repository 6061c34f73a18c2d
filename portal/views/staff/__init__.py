"""The screens of the mutual's own staff, under /gestion: closed to everybody else by the right « staff »."""

from flask import g
from flask_login import current_user

from portal.history import union
from portal.models import (
    DocumentRequest,
    Registration,
    RegistrationState,
    RequestState,
    Sending,
    SendingState,
    User,
    db,
)
from portal.prepared import written_once
from portal.views.staff import (
    accesses,
    admitting,
    agreeing,
    answering,
    arrears,
    campaigns,
    configuration,
    debits,
    deciding,
    desk,
    dossiers,
    figures,
    guarantees,
    hand_overs,
    handling,
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
    settling,
    supporting_documents,
    threads,
    trail,
    users,
    viewing,
    wording,
)
from portal.views.tally import few

MODULES = (desk, threads, answering, register, prepared_answers, supporting_documents, deciding, sendings)
MODULES += (settling, handling, admitting)
MODULES += (publications, publication, notices, messages, registrations, debits, arrears)
MODULES += (configuration, wording, guarantees)
MODULES += (search, dossiers, trail, seen, figures, loads, hand_overs, campaigns, users, accesses, agreeing)
MODULES += (viewing,)

# Their group of the menu.
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
    """What waits for someone, by entry of the menu; in one statement, unless the page counted it with its own."""
    return g.pop("queues", None) or dict(waiting(role=user.role))


@written_once(db)
def waiting(*, role):
    """(entry, how many), as the whole staff sees them."""
    return union([rows.model.up_to(MOST, rows, name) for name, rows in queues(User(role=role)).items()]).tuples()


def queues(user):
    return {
        "staff_messages": messages.failures(user),
        "staff_proofs": user.document_requests().where(DocumentRequest.state == RequestState.RECEIVED),
        "staff_sendings": user.sendings().where(Sending.state == SendingState.RECEIVED),
        "staff_registrations": user.registrations().where(Registration.state == RegistrationState.RECEIVED),
        **{f"staff-{room}": rows for room, rows in threads.to_do(user).items()},
    }


def countings(user):
    """The same among what a page counts (`tally`), which then says so with `keep_counts`."""
    return {name: few(rows, MOST) for name, rows in queues(user).items()}


def keep_counts(tally):
    g.queues = {name: tally.count(name) for name in queues(current_user)}

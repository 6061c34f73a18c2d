"""« À traiter »: the first page of the mutual's staff, each queue with its age and what is late."""

from types import SimpleNamespace

from flask import Blueprint, current_app, url_for
from flask_login import current_user

from portal import clock, desk
from portal.access import requires
from portal.rendering import render
from portal.views.enrolled import age
from portal.views.scope import may

blueprint = Blueprint("desk", __name__, url_prefix="/gestion")

# What each queue is called, what it asks, its icon, and where it is.
QUEUES = {
    desk.COMPLAINTS: (
        "Réclamations",
        "À accuser ou à répondre",
        "message-report",
        "staff_threads.index",
        "reclamations",
    ),
    desk.REQUESTS: ("Demandes", "À répondre", "messages", "staff_threads.index", "demandes"),
    desk.REGISTRATIONS: (
        "Inscriptions",
        "À accepter, à compléter ou à refuser",
        "user-plus",
        "staff_registrations.index",
        "",
    ),
    desk.BANKS: ("Coordonnées bancaires", "À comparer, puis à confirmer", "building", "staff_sendings.index", ""),
    desk.DOCUMENTS: (
        "Documents d’entreprise",
        "Kbis et documents à examiner",
        "file-upload",
        "staff_sendings.index",
        "",
    ),
    desk.PROOFS: ("Justificatifs", "À examiner", "clipboard-check", "staff_proofs.index", ""),
    desk.MOVEMENTS: ("Mouvements", "À transmettre au logiciel de gestion", "arrows-exchange", "movements.index", ""),
    desk.ALARMS: (
        "Alertes",
        "À regarder : ce qui ressemble à une attaque, ces sept derniers jours",
        "alert-triangle",
        "staff_trail.index",
        "",
    ),
    desk.ACCESSES: ("Accès à confirmer", "Proposés par une personne, à une seconde", "users", "staff_users.index", ""),
    desk.MESSAGES: ("Courriels et SMS", "En échec, à renvoyer", "mail-forward", "staff_messages.index", ""),
}

WORDS = {desk.ALARMS: {"quoi": "alertes"}, desk.ACCESSES: {"etat": "a-confirmer"}}  # of an address


@blueprint.get("")
@requires("staff")
def index():
    waiting = desk.waiting(current_user, clock.today())
    lines = [line(name, waiting[name]) for name in QUEUES if is_mine(name)]
    return render("desk", lines=sorted(lines, key=lambda one: (not one.late, not one.count)))


def is_mine(name):
    """The queue is of this person's duties."""
    endpoint = QUEUES[name][3]
    return may("staff_money" if name == desk.BANKS else current_app.view_functions[endpoint].right)


def line(name, queue):
    label, asks, icon, endpoint, room = QUEUES[name]
    return SimpleNamespace(
        label=label,
        asks=asks,
        icon=icon,
        url=url_for(endpoint, **({"room": room} if room else {}), **WORDS.get(name, {})),
        is_promised=name in desk.PROMISED,
        count=queue.count,
        late=queue.late,
        since=queue.since,
        age=age(queue.since) if queue.since else "",
    )

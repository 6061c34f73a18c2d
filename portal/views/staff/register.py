"""The register of requests and complaints, as a workbook: what the queue shows, with its clock and what was decided."""

from flask import Blueprint
from flask_login import current_user

from portal import clock
from portal.access import audit, requires
from portal.exchange.spreadsheets import Column
from portal.models import MessageThread, ThreadRound, db
from portal.rules import threads as rules
from portal.views import exchanged, roster
from portal.views.staff.threads import ROOM, ROOMS, asked, of_kind

blueprint = Blueprint("register", __name__, url_prefix="/gestion")

COLUMNS = (
    *(Column("N°"), Column("Envoyée le", "date"), Column("Compte"), Column("Entreprise"), Column("Nature")),
    *(Column("Objet"), Column("Qui réclame"), Column("État"), Column("Suivie par")),
    *(Column("Accusé au plus tard le", "date"), Column("Accusé le", "date")),
    *(Column("Réponse au plus tard le", "date"), Column("Réponse le", "date")),
    *(Column("Suite donnée"), Column("En cause"), Column("Satisfaction"), Column("Rouverte le", "date")),
)


@blueprint.post(f"/{ROOM}/telechargement")
@requires("staff_exchanges")
def download(room):
    """Exactly what the address filters, as a file; written down."""
    rows = asked(room).narrow(of_kind(room))
    with db.atomic():
        audit("threads.export", after={"rows": rows.count(), "kind": ROOMS[room]})
    whole = MessageThread.whole(rows, current_user).order_by(MessageThread.number)
    return roster.send(room, COLUMNS, lines(whole.iterator(), ThreadRound.by_thread(rows)), "xlsx")


def lines(rows, rounds):
    """One a thread; before it, one for each time it was opened again: its clock, what was decided, its rating."""
    for row in rows:
        told = exchanged.told(row, clock.today(), to_staff=True)
        for before in rounds.get(row.id, ()):
            yield cells(row, told, before, f"{before.rating} sur 5" if before.rating else "", before.ended_at)
        yield cells(row, told, row, told.satisfaction, None)


def cells(row, told, of, satisfaction, reopened):
    """`of`: the thread itself, or an earlier round of it."""
    days = (of.acknowledge_by, of.acknowledged_at, of.answer_by, of.answered_at)
    written = [clock.day_of(day) if hasattr(day, "hour") else day for day in days]
    about = (row.number, clock.day_of(row.created_at), told.account, told.place, told.nature, row.subject)
    who = (rules.COMPLAINANTS.get(row.complainant, ""), told.state[0], told.assignee)
    return [
        *about,
        *who,
        *written,
        rules.OUTCOMES.get(of.outcome, ""),
        rules.CAUSES.get(of.cause, ""),
        satisfaction,
        clock.day_of(reopened) if reopened else None,
    ]

"""The mutual’s queue of requests and complaints, what is due first; one thread as the mutual reads it; the register."""

from flask import Blueprint, flash, request, url_for
from flask_login import current_user

from portal import clock
from portal.access import audit, requires
from portal.exchange.spreadsheets import Column
from portal.forms.staff_threads import NoteForm, PassForm, QueueFilter, ReplyForm
from portal.models import AnswerDraft, MessageThread, db, fn
from portal.rendering import Page, address, get_or_404, page_size, redirect_whole, render
from portal.rules import threads as rules
from portal.views import exchanged, roster
from portal.views.recording import by
from portal.views.threads import ROOM, ROOMS, unsent

blueprint = Blueprint("staff_threads", __name__, url_prefix="/gestion")

# What is due first, then the oldest.
URGENCY = (fn.COALESCE(MessageThread.due_on, "9999-12-31"), MessageThread.written_at, MessageThread.id)


@blueprint.get(f"/{ROOM}")
@requires("staff")
def index(room):
    form = asked(room)
    if form.secrets():
        flash("Un n° de sécurité sociale ne s’écrit pas ici : cherchez par le n° ou les mots du message.", "warn")
        return redirect_whole(address(**dict.fromkeys(form.secrets())))
    found = MessageThread.whole(form.narrow(of_kind(room)), current_user).order_by(*URGENCY)
    page = Page(found, page_size(current_user.rows_per_page), rows=lambda rows: exchanged.tell(rows, to_staff=True))
    return render("staff_threads", form=form, page=page, room=room, words=words(room), averages=averages(room))


def asked(room):
    return QueueFilter(request.args, ROOMS[room], by(), clock.today())


def of_kind(room):
    return current_user.threads().where(MessageThread.kind == ROOMS[room])


def words(room):
    return exchanged.WORDS[ROOMS[room]]


def averages(room):
    """(average rating, how many) of what was rated; None when nothing was."""
    rated = of_kind(room).where(MessageThread.rating.is_null(False))
    average, count = rated.select(fn.AVG(MessageThread.rating), fn.COUNT(MessageThread.id)).tuples().get()
    return (f"{float(average):.1f}".replace(".", ","), count) if count else None


def found(room, id):
    return get_or_404(MessageThread.whole(of_kind(room), current_user), MessageThread.public_id == id)


@blueprint.get(f"/{ROOM}/<uuid:id>")
@requires("staff")
def show(room, id):
    return page(room, found(room, id))


def page(room, thread, status=200, **forms):
    """Its page; `forms`: the one that is wrong, or that was overtaken."""
    draft = AnswerDraft.of(thread, by())
    where = {"room": room, "id": thread.public_id}
    typed = unsent(url_for("staff_answering.reply", **where), "reponse") or (draft.text if draft else "")
    written = unsent(url_for("staff_answering.note", **where), "note")
    drawn = {
        "reply": ReplyForm(None, thread, current_user.prepared_answers(), reponse=typed),
        "note": NoteForm(None, note=written),
        "passing": PassForm(None, thread, current_user.colleagues()),
    } | forms
    return render(
        "staff_thread",
        status,
        row=thread,
        thread=exchanged.told(thread, clock.today(), to_staff=True),
        messages=exchanged.conversation(thread, by(), inside=True),
        complainant=rules.COMPLAINANTS.get(thread.complainant, ""),
        others=[one.user.full_name for one in thread.others_writing(by(), clock.now() - AnswerDraft.RECENT)],
        piece_url=lambda one: url_for("staff_answering.download", piece=one.public_id, **where),
        room=room,
        words=words(room),
        draft=draft,
        **drawn,
    )


def counts(user):
    """Room → threads that wait for the mutual; in one statement."""
    waiting = user.threads().where(MessageThread.state.in_(MessageThread.WITH_MUTUAL))
    counted = waiting.select(MessageThread.kind, fn.COUNT(MessageThread.id)).group_by(MessageThread.kind)
    by_kind = dict(counted.tuples())
    return {f"staff-{room}": by_kind.get(kind, 0) for room, kind in ROOMS.items()}


# ── The register ─────────────────────────────────────────────────────────────────────────────────────────────────

COLUMNS = (
    *(Column("N°"), Column("Envoyée le", "date"), Column("Compte"), Column("Entreprise"), Column("Nature")),
    *(Column("Objet"), Column("Qui réclame"), Column("État"), Column("Suivie par")),
    *(Column("Accusé au plus tard le", "date"), Column("Accusé le", "date")),
    *(Column("Réponse au plus tard le", "date"), Column("Réponse le", "date")),
    *(Column("Suite donnée"), Column("En cause"), Column("Satisfaction")),
)


@blueprint.post(f"/{ROOM}/telechargement")
@requires("staff")
def download(room):
    """Exactly what the address filters, as a file; written down."""
    rows = asked(room).narrow(of_kind(room))
    with db.atomic():
        audit("threads.export", after={"rows": rows.count(), "kind": ROOMS[room]})
    whole = MessageThread.whole(rows, current_user).order_by(MessageThread.number)
    return roster.send(room, COLUMNS, map(cells, whole.iterator()), "xlsx")


def cells(row):
    told = exchanged.told(row, clock.today(), to_staff=True)
    days = (row.acknowledge_by, row.acknowledged_at, row.answer_by, row.answered_at)
    written = [clock.day_of(day) if hasattr(day, "hour") else day for day in days]
    about = (row.number, clock.day_of(row.created_at), told.account, told.place, told.nature, row.subject)
    who = (rules.COMPLAINANTS.get(row.complainant, ""), told.state[0], told.assignee)
    return [
        *about,
        *who,
        *written,
        rules.OUTCOMES.get(row.outcome, ""),
        rules.CAUSES.get(row.cause, ""),
        told.satisfaction,
    ]

"""Several requests or complaints at once: taken in charge, given to a colleague, closed; each as it would be alone."""

from functools import partial

from flask import Blueprint, request, url_for
from flask_login import current_user

from portal import clock, threads
from portal.access import requires
from portal.forms.staff_threads import GiveForm
from portal.models import MessageThread, ThreadState, db
from portal.rules import Refused
from portal.views.recording import by
from portal.views.staff import threads as queue
from portal.views.staff import together
from portal.views.staff.threads import ROOM

blueprint = Blueprint("staff_handling", __name__, url_prefix="/gestion")

MEANWHILE = "Quelqu’un y a écrit ou agi depuis que la liste est affichée."
OVER = "C’est déjà clos."
OWED = "Elle attend votre réponse\u00a0: répondez d’abord."


@blueprint.post(f"/{ROOM}/prise-en-charge")
@requires("staff_exchanges")
def take(room):
    """Those that nobody follows: what a colleague follows is taken from its page."""

    def act(row, seen, now):
        is_to_do(row)
        if row.assignee_id:
            raise Refused("Vous la suivez déjà." if row.assignee_id == by().id else "Un collègue la suit déjà.")
        threads.take(row, by(), now, seen)

    return told(room, together.decide(chosen(room), "thread.take", act, MEANWHILE), "prise en charge")


@blueprint.post(f"/{ROOM}/attribution")
@requires("staff_exchanges")
def give(room):
    """To one colleague, who is told once of all."""
    form = giving(request.form)
    if not form.validate():
        return queue.page_of(room, form, 422, ticked=together.ticked())
    colleague = form.colleagues[form.a.data]

    def act(row, seen, now):
        is_to_do(row)
        if row.assignee_id == colleague.id:
            raise Refused("Ce collègue la suit déjà.")
        threads.pass_on(row, by(), colleague, "", now, seen, tells=False)

    with db.atomic():
        decided = together.decide(chosen(room), "thread.pass", act, MEANWHILE)
        threads.tell_colleague(colleague, decided.done, clock.now())
    return told(room, decided, "confiée", f" à {colleague.full_name}, qu’un courriel prévient")


@blueprint.post(f"/{ROOM}/cloture")
@requires("staff_exchanges")
def close(room):
    """What the mutual still owes an answer to is not closed with others."""

    def act(row, seen, now):
        if row.state in MessageThread.WITH_MUTUAL:
            raise Refused(OWED)
        if row.state == ThreadState.CLOSED:
            raise Refused(OVER)
        threads.close(row, by(), now, seen)

    return told(room, together.decide(chosen(room), "thread.close", act, MEANWHILE), "close")


def giving(typed=None):
    return GiveForm(typed, current_user.colleagues())


def chosen(room):
    return together.chosen(queue.of_kind(room), MessageThread)


def is_to_do(row):
    if not row.is_open:
        raise Refused(OVER if row.state == ThreadState.CLOSED else "Elle est déjà traitée.")


def told(room, decided, word, more=""):
    one = queue.words(room).one
    nothing = f"Cochez d’abord les {one}s, à gauche de leur nature."
    listed = url_for("staff_threads.index", room=room)

    def again(status, **left):
        return queue.page_of(room, giving(), status, **left)

    return together.answer(decided, one, word, f"{more}.", nothing, listed, again, partial(named, room))


def named(room, row):
    return f"n°\u00a0{row.number}, {row.subject}", url_for("staff_threads.show", room=room, id=row.public_id)

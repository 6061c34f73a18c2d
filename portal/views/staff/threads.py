"""The mutual’s queue of requests and complaints, what is due first; one thread as the mutual reads it."""

from functools import partial

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user

from portal import clock, threads
from portal.access import polled, requires
from portal.formats import sort_key
from portal.forms.staff_threads import GiveForm, NoteForm, PassForm, QueueFilter, ReplyForm, queued
from portal.models import AnswerDraft, MessageThread, ThreadRound, ThreadState, User, db, digest, fn
from portal.prepared import written_once
from portal.rendering import (
    Sought,
    address,
    get_or_404,
    page_size,
    redirect_whole,
    render,
    render_region,
    telling_total,
    wants_fragment,
)
from portal.rules import threads as rules
from portal.views import exchanged
from portal.views.recording import by
from portal.views.staff import together
from portal.views.threads import ROOM, ROOMS, unsent

blueprint = Blueprint("staff_threads", __name__, url_prefix="/gestion")


@blueprint.get(f"/{ROOM}")
@requires("staff_exchanges")
def index(room):
    form = asked(room)
    if form.secrets():
        flash("Un n° de sécurité sociale ne s’écrit pas ici : cherchez par le n° ou les mots du message.", "warn")
        return redirect_whole(address(**dict.fromkeys(form.secrets())))
    return page_of(room, GiveForm(None, current_user.colleagues()))


def page_of(room, giving, status=200, **more):
    """The list that the address filters; `giving`: to whom those that are ticked are given."""
    form, size = asked(room), page_size(current_user.rows_per_page)
    if form.q.data:
        page = exchanged.page_of(form.narrow(of_kind(room)), size, True, to_staff=True)
    else:
        page = Sought(found_in(form, room), size, partial(exchanged.tell, to_staff=True))
    more |= together.of_list("staff_threads.index", room=room)
    known = {"room": room, "words": words(room), "averages": averages(room), "giving": giving}
    return render("staff_threads", status, form=form, page=page, **known, **more)


def found_in(form, room):
    known = partial(listed, form.user.id, form.today, role=form.user.role, kind=ROOMS[room], **form.asked())
    return telling_total(known, lambda: form.narrow(of_kind(room)).count())


@written_once(db)
def listed(user, today, size, before, *, role, kind, queue, nature):
    """A page of the queue as this user reads it, its rows with how many there are in all."""
    threads = User(id=user, role=role).threads(today).where(MessageThread.kind == kind)
    found = queued(threads, user, today, queue, nature)
    ids = found.select(MessageThread.id).order_by(*exchanged.IN_ORDER[True]).limit(size).offset(before)
    total = found.select(fn.COUNT(MessageThread.id)).alias("total")
    return exchanged.whole(ids, True, User(id=user)).select_extend(total)


def asked(room):
    return QueueFilter(request.args, ROOMS[room], by(), clock.today())


def of_kind(room):
    return current_user.threads().where(MessageThread.kind == ROOMS[room])


def words(room):
    return exchanged.WORDS[ROOMS[room]]


def averages(room):
    """(average rating, how many) of what was rated; None when nothing was."""
    [(average, count)] = rated(role=current_user.role, kind=ROOMS[room])
    return (f"{float(average):.1f}".replace(".", ","), count) if count else None


@written_once(db)
def rated(*, role, kind):
    found = ThreadRound.rated(User(role=role).threads().where(MessageThread.kind == kind), "rating").alias("rated")
    return found.select_from(fn.AVG(found.c.rating), fn.COUNT(found.c.rating)).tuples()


def found(room, id):
    return get_or_404(MessageThread.whole(of_kind(room), current_user), MessageThread.public_id == id)


@blueprint.get(f"/{ROOM}/<uuid:id>")
@requires("staff_exchanges")
def show(room, id):
    return page(room, found(room, id))


def page(room, thread, status=200, **forms):
    """Its page; `forms`: the one that is wrong, or that was overtaken."""
    draft = AnswerDraft.of(thread, by())
    where = {"room": room, "id": thread.public_id}
    typed = unsent(url_for("staff_answering.reply", **where), "reponse") or (draft.text if draft else "")
    written = unsent(url_for("staff_answering.note", **where), "note")
    drawn = {
        "reply": ReplyForm(None, thread, prepared(), reponse=typed),
        "note": NoteForm(None, note=written),
        "passing": PassForm(None, thread, current_user.colleagues()),
    } | forms
    return render("staff_thread", status, words=words(room), draft=draft, **shown(room, thread), **drawn)


def prepared():
    return sorted(current_user.prepared_answers(), key=lambda one: sort_key(one.title))


def shown(room, thread):
    """What others may change while one writes: where it stands, who is writing, the messages."""
    others = others_writing(thread)
    where = {"room": room, "id": thread.public_id}
    messages = exchanged.conversation(thread, by(), inside=True)
    return {
        "room": room,
        "row": thread,
        "thread": exchanged.told(thread, clock.today(), to_staff=True),
        "messages": messages,
        "contested": contested(messages) if thread.is_complaint and thread.is_open else "",
        "complainant": rules.COMPLAINANTS.get(thread.complainant, ""),
        "others": others,
        "news_url": url_for("staff_threads.news", apres=mark(thread, others), **where),
        "piece_url": lambda one: url_for("staff_answering.download", piece=one.public_id, **where),
    }


def contested(messages):
    """Who gave the answer after which a complaint was opened again."""
    events = [one for one in messages if one.code in (ThreadState.TREATED, threads.REOPENED)]
    last = next((place for place in reversed(range(len(events))) if events[place].code == threads.REOPENED), 0)
    treated = [one.signed for one in events[:last] if one.code == ThreadState.TREATED]
    return treated[-1].removesuffix(", mutuelle") if treated else ""


def others_writing(thread):
    return [one.user.full_name for one in thread.others_writing(by(), clock.now() - AnswerDraft.RECENT)]


def mark(thread, others):
    """Other once somebody wrote, acted, or began to write."""
    return f"{thread.last_message}-{digest(', '.join(others))[:8]}"


@blueprint.get(f"/{ROOM}/<uuid:id>/nouveautes")
@requires("staff_exchanges")
@polled
def news(room, id):
    """What changed since the page was drawn; nothing when nothing did."""
    thread = found(room, id)
    if not wants_fragment():
        return redirect(url_for("staff_threads.show", room=room, id=id), 303)
    if request.args.get("apres") == mark(thread, others_writing(thread)):
        return "", 204
    return render_region("staff_thread_news", **shown(room, thread))


def to_do(user):
    """Room → threads that wait for the mutual."""
    waiting = user.threads().where(MessageThread.to_do())
    return {room: waiting.where(MessageThread.kind == kind) for room, kind in ROOMS.items()}

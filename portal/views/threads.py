"""« Demandes » and « Réclamations »: the list, and beside it the thread that is read; what is new in it."""

from flask import Blueprint, current_app, flash, redirect, request, url_for
from flask_login import current_user

from portal import clock, threads
from portal.access import polled, requires
from portal.forms.threads import AnswerForm, RatingForm, ThreadFilter
from portal.models import AnswerDraft, MessageThread, ThreadFollower, UnsentWords
from portal.rendering import address, get_or_404, page_size, redirect_whole, render, render_region, wants_fragment
from portal.rules import threads as rules
from portal.views import exchanged
from portal.views.recording import by
from portal.views.scope import current_scope

blueprint = Blueprint("threads", __name__)

ROOMS = {"demandes": rules.REQUEST, "reclamations": rules.COMPLAINT}
ROOM = "<any(demandes, reclamations):room>"
SHORTEST = 10  # threads of a list that stands beside the one that is read


@blueprint.get(f"/{ROOM}")
@requires("write")
def index(room):
    return page(room)


def page(room, thread=None, status=200, **forms):
    """The list of a room, filtered as the address says; `thread`: the one that is open, whole."""
    kind = ROOMS[room]
    form = ThreadFilter(request.args, kind, clock.today())
    if form.secrets():
        flash("Un n° de sécurité sociale ne s’écrit pas ici : cherchez par le n° ou les mots du message.", "warn")
        return redirect_whole(address(**dict.fromkeys(form.secrets())))
    found, size = form.narrow(visible(kind, form.unread_alone)), page_size(current_user.rows_per_page)
    listed = exchanged.page_of(found, min(size, SHORTEST) if thread else size, form.q.data)
    shown = opened(thread, **forms) if thread else {"thread": None}
    return render(
        "threads",
        status,
        form=form,
        page=listed,
        unread=unread_in_scope(kind),
        room=room,
        words=exchanged.WORDS[kind],
        everyone=not current_scope().account,
        **shown,
    )


def visible(kind, unread_alone=False):
    return in_scope(current_user.unread_threads() if unread_alone else current_user.threads(), kind)


def unread_in_scope(kind):
    """How many are not read: the frame has counted them everywhere, so that an account is asked only if there are."""
    everywhere = current_scope().unread[kind]
    return visible(kind, unread_alone=True).count() if everywhere and current_scope().account else everywhere


def in_scope(query, kind):
    """Those of the chosen account; of a company that was chosen, its own and those of its colleges."""
    scope = current_scope()
    query = query.where(MessageThread.kind == kind)
    if not scope.account:
        return query
    query = query.where(MessageThread.account == scope.account.account_id)
    if scope.is_whole_account:
        return query
    of_company = MessageThread.category.is_null() & MessageThread.company.in_({row.company_id for row in scope.chosen})
    return query.where(MessageThread.category.in_([row.category_id for row in scope.chosen]) | of_company)


def found(room, id):
    mine = current_user.threads().where(MessageThread.kind == ROOMS[room])
    return get_or_404(MessageThread.whole(mine, current_user), MessageThread.public_id == id)


# ── One thread ───────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get(f"/{ROOM}/<uuid:id>")
@requires("write")
def show(room, id):
    """Reading it marks it as read: the one page that writes."""
    thread = found(room, id)
    if thread.unread and not current_user.viewer:
        ThreadFollower.read(thread, by())
        thread.unread = 0
    return page(room, thread)


def opened(thread, answer=None, rating=None):
    """What is shown of the thread that is open, with its forms."""
    room = threads.PATHS[thread.kind]
    path = url_for("answering.create", room=room, id=thread.public_id, perimetre=None)
    draft, kept = AnswerDraft.and_unsent(thread, by(), path, clock.now())
    typed = in_box(kept, "reponse")
    return addresses(thread) | {
        "thread": exchanged.told(thread, clock.today()),
        "messages": exchanged.conversation(thread, by()),
        "last": thread.last_said,
        "answer": answer or AnswerForm(None, reponse=typed or (draft.text if draft else "")),
        "rating": rating or RatingForm(),
        "draft": draft,
        "is_fragment": wants_fragment(),
        "about": about(thread),
        "complaint": clock_of(thread) if thread.is_complaint else None,
    }


def unsent(path, box):
    """What was typed in the box of a form that a session did not outlive."""
    return in_box(UnsentWords.of(by(), path, clock.now()), box)


def in_box(kept, box):
    return next(iter(kept.unseal().get(box, [])), "") if kept else ""


def addresses(thread):
    """Of what is in it: a file, and what came after a message."""
    where = {"room": threads.PATHS[thread.kind], "id": thread.public_id}
    drawn = request.args.get("vu", thread.state)  # the state that the head of the page shows
    return {
        "piece_url": lambda one: url_for("answering.download", piece=one.public_id, **where),
        "news_url": lambda last: url_for("threads.news", apres=last, vu=drawn, **where),
        "turned": None if drawn == thread.state else exchanged.told(thread, clock.today()),
        "whole_url": url_for("threads.show", **where),
    }


def about(thread):
    """The page of the person it is about, for who may see them."""
    if not thread.beneficiary_id:
        return None
    person = thread.beneficiary
    # Who sees the thread sees its college, and so the person, unless they have left it since.
    if person.category_id != thread.category_id and not current_user.person(person.public_id):
        return None
    return url_for("employees.show", id=person.public_id)


def clock_of(thread):
    """What who complains may count on: acknowledged and answered, or until when; what may be done without an answer."""
    late = thread.answered_at is None and thread.answer_by and thread.answer_by < clock.today()
    said = rules.unanswered(thread.complainant, current_app.settings.ombudsman) if late else ""
    return {"row": thread, "for": rules.COMPLAINANTS.get(thread.complainant, ""), "late": said}


@blueprint.get(f"/{ROOM}/<uuid:id>/nouveautes")
@requires("write")
@polled
def news(room, id):
    """The messages alone when there is something new since the one that the page has; otherwise nothing."""
    thread = found(room, id)
    if not wants_fragment():
        return redirect(url_for("threads.show", room=room, id=id), 303)
    if request.args.get("apres") == str(thread.last_said):
        return "", 204
    messages = exchanged.conversation(thread, by())
    return render_region("thread_messages", messages=messages, last=thread.last_said, **addresses(thread))


# ── What waits, for the menu and « Accueil » ─────────────────────────────────────────────────────────────────────


def unread_counts():
    """Room → threads that somebody answered and the user has not read."""
    return {room: current_scope().unread[kind] for room, kind in ROOMS.items()}

"""« Actualités »: what the mutual says now, unread first; marked as read, or as unread again."""

from types import SimpleNamespace

from flask import Blueprint, redirect, request, url_for
from flask_login import current_user

from portal import clock, notices
from portal.access import requires, safe_path
from portal.models import Notice, db
from portal.rendering import Page, get_or_404, page_size, render
from portal.views.recording import by

blueprint = Blueprint("notices", __name__, url_prefix="/actualites")


@blueprint.get("")
@requires("see")
def index():
    return render("notices", page=Page(listed(), page_size(current_user.rows_per_page), rows=tell))


def listed():
    """Those of the user, with whether they read them: unread, then important, then the latest first."""
    was_read = Notice.read_by(current_user.id)
    order = was_read.asc(), Notice.is_important.desc(), Notice.starts_on.desc(), Notice.id.desc()
    return current_user.notices().select(Notice, was_read.alias("was_read")).order_by(*order)


def tell(rows):
    return [
        SimpleNamespace(
            id=row.public_id,
            title=row.title,
            paragraphs=[part.split("\n") for part in row.body.split("\n\n")],
            is_important=row.is_important,
            since=row.starts_on,
            was_read=bool(row.was_read),
        )
        for row in rows
    ]


MOST = 50  # that « Accueil » counts
SHOWN = 3


def for_home():
    """(the first that are unread, how many there are in all)."""
    rows = tell(listed().limit(MOST))
    return [row for row in rows if not row.was_read][:SHOWN], len(rows)


@blueprint.post("/<uuid:id>/lue")
@requires("see")
def read(id):
    return mark(id, lambda notice: notices.read(notice, by(), clock.now()))


@blueprint.post("/<uuid:id>/non-lue")
@requires("see")
def unread_again(id):
    return mark(id, lambda notice: notices.unread(notice, by()))


def mark(id, verb):
    """Nothing is told about it: the page that comes back shows it."""
    notice = get_or_404(current_user.notices(), Notice.public_id == id)
    with db.atomic():
        verb(notice)
    return redirect(safe_path(request.form.get("vers") or url_for("notices.index")), 303)

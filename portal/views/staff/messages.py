"""« Courriels et SMS »: what the portal wrote, what became of it, and « Renvoyer » for what failed."""

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user

from portal import clock
from portal.access import audit, requires, safe_path
from portal.formats import plural
from portal.forms.staff_messages import MessageFilter
from portal.models import OutboxMessage, db
from portal.rendering import Page, Sort, get_or_404, page_size, render
from portal.views import fates

blueprint = Blueprint("staff_messages", __name__, url_prefix="/gestion/messages")

SORTS = {
    "date": (OutboxMessage.created_at, OutboxMessage.id),
    "nature": (OutboxMessage.kind, OutboxMessage.id),
    "destinataire": (OutboxMessage.recipient, OutboxMessage.id),
    "etat": (OutboxMessage.state, OutboxMessage.id),
}


@blueprint.get("")
@requires("staff_exchanges")
def index():
    form, sort = asked()
    page = Page(sort.of(form.narrow(current_user.messages())), page_size(current_user.rows_per_page), rows=told)
    failed = failures(current_user, form).count()
    return render("staff_messages", form=form, sort=sort, page=page, failed=failed)


def asked():
    """The filters and the order of the address: the latest first."""
    form = MessageFilter(request.args, fates.KINDS, fates.STATES)
    return form, Sort(SORTS, request.args.get("tri") or "-date")


def told(messages):
    now = clock.now()
    return [fates.tell(message, now) for message in messages]


def failures(user, form=None):
    """What can be sent again; of the filters but the state."""
    failed = user.messages().where(OutboxMessage.can_be_sent_again())
    return form.narrow_but_state(failed) if form else failed


@blueprint.post("/<uuid:id>/renvoi")
@requires("staff_exchanges")
def send_again(id):
    message = get_or_404(current_user.messages(), OutboxMessage.public_id == id)
    with db.atomic():
        sent = OutboxMessage.send_again([message.id], clock.now())
        if sent:
            audit("message.send_again", on=message)
    say(sent)
    return redirect(back(), 303)


@blueprint.post("/renvoi")
@requires("staff_exchanges")
def send_all_again():
    """Everything that failed, as far as the filters of the address show it."""
    form, _ = asked()
    with db.atomic():
        sent = OutboxMessage.send_again(failures(current_user, form).select(OutboxMessage.id), clock.now())
        if sent:
            audit("message.send_all_again", after={"messages": sent})
    say(sent)
    return redirect(back(), 303)


def say(sent):
    if sent:
        verb = "partent" if sent > 1 else "part"
        flash(f"{plural(sent, 'message')} {verb} de nouveau, dans la minute.", "ok")
    else:
        flash("Rien n’est à renvoyer : ce qui avait échoué est déjà reparti.", "info")


def back():
    return safe_path(request.form.get("vers") or url_for("staff_messages.index"))

"""« Transmissions »: what goes to the management system, numbered; what waits for the next; each one as a zip."""

from flask import Blueprint, Response, flash, redirect, url_for
from flask_login import current_user

from portal import clock
from portal.access import audit, fresh, requires
from portal.exchange import hand_over
from portal.exchange.archives import Member, archive
from portal.formats import in_paris
from portal.models import HandOver, db
from portal.rendering import Page, get_or_404, page_size, render
from portal.views import files, roster

blueprint = Blueprint("staff_hand_overs", __name__, url_prefix="/gestion/transmissions")


@blueprint.get("")
@requires("staff_loads")
def index():
    made = current_user.hand_overs().order_by(HandOver.number.desc())
    page = Page(made, page_size(current_user.rows_per_page))
    return render("staff_hand_overs", page=page, counts=HandOver.counts(page.rows))


@blueprint.post("")
@requires("staff_loads")
def create():
    """Take all that waits into the next number; sent twice, the second finds nothing left."""
    with db.atomic():
        made = HandOver.open(clock.now())
        if made:
            audit("hand_over.open", on=made, after={"number": made.number})
    if made is None:
        flash("Rien n’attend\u00a0: tout ce qui devait partir est déjà dans une transmission.", "info")
    else:
        flash(f"La transmission n°\u00a0{made.number} est prête\u00a0: téléchargez-la.", "ok")
    return redirect(url_for(".index"), 303)


@blueprint.post("/<int:number>/fichier")
@requires("staff_loads")
@fresh()
def download(number):
    """The delivery as one zip, the same each time; NIR and IBAN stand in it in clear: written down each time."""
    found = get_or_404(current_user.hand_overs(), HandOver.number == number)
    audit("hand_over.download", on=found, after={"number": number})
    response = Response(roster.connected(delivered(found)), mimetype="application/zip")
    response.headers["Content-Disposition"] = files.named("attachment", f"transmission-{number:06}.zip")
    return response


def delivered(delivery):
    """The bytes of the zip; it is delivered once the very last went out: cut short, no tool opens it."""
    yield from archive(members_of(delivery))
    hand_over.delivered(delivery, clock.now())


def members_of(delivery):
    at = in_paris(delivery.created_at)
    for path, pieces in hand_over.Contents(delivery):
        yield Member(f"{delivery.number:06}/{path}", at, pieces)

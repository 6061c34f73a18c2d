"""Several « Justificatifs reçus » decided at once: those that are ticked in the list, all accepted or all refused."""

from contextlib import suppress

from flask import Blueprint, flash, redirect, request, url_for

from portal import clock, proofs
from portal.access import audit, requires
from portal.formats import plural
from portal.forms.supporting_documents import TickedRefusal
from portal.models import DocumentRequest, Outdated, db
from portal.rendering import address
from portal.views.roster import uuid_or_404
from portal.views.staff import supporting_documents as queue

blueprint = Blueprint("staff_deciding", __name__, url_prefix="/gestion/justificatifs")

MOST = 100  # rows of the longest page
NOTHING = "Cochez d’abord les justificatifs, à gauche de leur nom."


@blueprint.post("/acceptation")
@requires("staff_members")
def accept():
    done, late = decide("proof.accept", queue.approve)
    return told(f"{plural(done, 'justificatif')} {'acceptés' if done > 1 else 'accepté'}", done, late)


@blueprint.post("/refus")
@requires("staff_members")
def refuse():
    """With one reason for all; each employee who can be reached is told, and HR once for all of its own."""
    form, refused = TickedRefusal(request.form), []
    if not form.validate():
        return queue.page(form, ticked(), 422)

    def act(row, seen, now):
        refused.append(proofs.refuse(row, form.why, now, seen, tells_hr=False))

    with db.atomic():
        done, late = decide("proof.refuse", act)
        proofs.tell_hr(refused, "proof_refused", clock.now())
    return told(f"{plural(done, 'justificatif')} {'refusés' if done > 1 else 'refusé'}", done, late)


def ticked():
    """{public id: version that was on the screen} of what is ticked, as far as it can be read."""
    pairs = (text.partition(".") for text in request.form.getlist("qui")[:MOST])
    return {id: int(seen) for id, _, seen in pairs if seen.isascii() and seen.isdigit() and len(seen) < 9}


def decide(action, act):
    """(how many were decided, how many somebody had decided before): each whole, or as it was."""
    seen, now, done = ticked(), clock.now(), 0
    ids = [uuid_or_404(id) for id in seen]
    found = list(DocumentRequest.whole(queue.requests()).where(DocumentRequest.public_id.in_(ids)))
    for row in sorted(found, key=lambda one: one.id):
        with suppress(Outdated), db.atomic():
            act(row, seen[str(row.public_id)], now)
            audit(action, on=row, account=row.category.account_id)
            done += 1
    return done, len(found) - done


def told(said, done, late):
    if done:
        flash(f"{said}. Les salariés qui peuvent être joints sont prévenus.", "ok")
    if late:
        others = f"{plural(late, 'justificatif')} {'étaient déjà traités' if late > 1 else 'était déjà traité'}"
        flash(f"{others} par quelqu’un d’autre.", "warn")
    if not done and not late:
        flash(NOTHING, "warn")
    return redirect(address(url_for("staff_proofs.index")), 303)

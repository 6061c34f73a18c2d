"""Several « Justificatifs reçus » decided at once: those that are ticked in the list, all accepted or all refused."""

from functools import partial

from flask import Blueprint, request, url_for

from portal import clock, proofs
from portal.access import requires
from portal.forms.supporting_documents import TickedRefusal
from portal.models import DocumentRequest, db
from portal.views.staff import supporting_documents as queue
from portal.views.staff import together

blueprint = Blueprint("staff_deciding", __name__, url_prefix="/gestion/justificatifs")

NOTHING = "Cochez d’abord les justificatifs, à gauche de leur nom."
MEANWHILE = "Quelqu’un d’autre l’a déjà traité."


@blueprint.post("/acceptation")
@requires("staff_members")
def accept():
    return told(decide("proof.accept", queue.approve), "accepté")


@blueprint.post("/refus")
@requires("staff_members")
def refuse():
    """With one reason for all; each employee who can be reached is told, and HR once for all of its own."""
    form, refused = TickedRefusal(request.form), []
    if not form.validate():
        return queue.page(form, together.ticked(), 422)

    def act(row, seen, now):
        refused.append(proofs.refuse(row, form.why, now, seen, tells_hr=False))

    with db.atomic():
        decided = decide("proof.refuse", act)
        proofs.tell_hr(refused, "proof_refused", clock.now())
    return told(decided, "refusé")


def decide(action, act):
    rows = together.chosen(DocumentRequest.whole(queue.requests()), DocumentRequest)
    return together.decide(rows, action, act, MEANWHILE, lambda row: row.category.account_id)


def told(decided, word):
    after = ". Les salariés qui peuvent être joints sont prévenus."
    again, listed = partial(queue.page, TickedRefusal(), ()), url_for("staff_proofs.index")
    return together.answer(decided, "justificatif", word, after, NOTHING, listed, again, named)


def named(row):
    one = queue.told(row)
    return f"{one['document']}, {one['name']}", url_for("staff_proofs.show", id=row.public_id)

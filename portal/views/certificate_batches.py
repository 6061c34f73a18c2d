"""« Attestations d’affiliation » of everyone who was ticked in the list: who gets one, and all of them as one zip."""

from functools import partial

from flask import Blueprint, flash, redirect, url_for
from flask_login import current_user

from portal import certificates, clock, documents
from portal.access import audit, requires
from portal.models import Selection, db
from portal.rendering import get_or_404, render
from portal.views import archives

blueprint = Blueprint("certificate_batches", __name__, url_prefix="/salaries/attestations")


def chosen(id):
    """Those of a selection who get a certificate, and the others with the reason."""
    kept, today = get_or_404(current_user.selections(), Selection.public_id == id), clock.today()
    people = current_user.people(kept.people)
    told = [(person, certificates.not_affiliated(person, today)) for person in people]
    able = [person for person, why in told if not why]
    followers = current_user.followers([person for person in able if person.is_employee])
    return kept, certificates.shared(able, followers), [(person, why) for person, why in told if why]


@blueprint.get("/<uuid:id>")
@requires("documents")
def show(id):
    kept, able, staying = chosen(id)
    return render("certificates", kept=kept, able=able, staying=staying)


@blueprint.post("/<uuid:id>")
@requires("documents")
def download(id):
    kept, able, _ = chosen(id)
    if not able:
        flash("Aucune attestation ne peut être établie pour ces personnes.", "warn")
        return redirect(url_for(".show", id=id), 303)
    now = clock.now()
    with db.atomic():
        asked = [certificates.affiliation(person, members, now) for person, members in able]
        people = [str(person.public_id) for person, _ in able]
        audit("certificate.affiliations", on=kept, account=able[0][0].account_id, after={"people": people})
    return archives.send("attestations-affiliation", [("", row.title, partial(documents.made, row)) for row in asked])

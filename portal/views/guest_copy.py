"""What the employee signed: what becomes of it, their own copy, and the way to the documents that are awaited."""

from flask import Blueprint, abort, flash, redirect, url_for

from portal import documents, entrusting, guest_session
from portal.guest_session import guest
from portal.models import EnrolmentState, GuestPurpose
from portal.rendering import render
from portal.rules import waivers as rules
from portal.views import files

blueprint = Blueprint("guest_copy", __name__, url_prefix="/salarie/<uuid:id>/copie")

COPY = GuestPurpose.COPY


@blueprint.get("")
@guest(COPY)
def show(link):
    enrolment = link.enrolment.read_whole()
    waiver = entrusting.waiver_of(enrolment) if enrolment.state != EnrolmentState.SUBMITTED else None
    return render(
        "guest_copy",
        link=link,
        enrolment=enrolment,
        waiver=waiver,
        case=rules.CASES[waiver.reason] if waiver else None,
        awaited=entrusting.awaited(enrolment, waiver),
        bulletin=bulletin_of(enrolment),
    )


def bulletin_of(enrolment):
    """What was printed of an enrolment that is sent; None otherwise."""
    person = enrolment.movement and enrolment.movement.beneficiary_id
    return documents.latest("ENROLMENT_FORM", person) if person else None


@blueprint.post("/bulletin")
@guest(COPY)
def bulletin(link):
    document = bulletin_of(link.enrolment.read_whole()) or abort(404)
    try:
        file = documents.made(document)
    except documents.NotMade:
        flash("Votre bulletin n’a pas pu être préparé. Réessayez dans une minute.", "danger")
        return redirect(url_for("guest_copy.show", id=link.public_id), 303)
    guest_session.audit("document.download", link, on=document)
    return files.attachment(file)

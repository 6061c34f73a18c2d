"""What the employee signed: what becomes of it, their own copy, and the way to the documents that are awaited."""

from flask import Blueprint

from portal import entrusting
from portal.guest_session import guest
from portal.models import EnrolmentState, GuestPurpose
from portal.rendering import render
from portal.rules import waivers as rules

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
    )

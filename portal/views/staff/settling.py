"""Several « Documents reçus » decided at once: those that are ticked, each as it would be alone."""

from functools import partial

from flask import Blueprint, request, url_for
from flask_login import current_user

from portal import clock, sendings
from portal.access import requires
from portal.forms.sendings import TickedRefusal
from portal.models import Sending, db
from portal.rules import Refused
from portal.rules import sendings as kinds
from portal.views import sent
from portal.views.staff import comparing, together
from portal.views.staff import sendings as queue

blueprint = Blueprint("staff_settling", __name__, url_prefix="/gestion/documents")

NOTHING = "Cochez d’abord les documents, à gauche de leur nom."
UNREAD = "Personne ne l’a encore lu\u00a0: ouvrez-le d’abord."
BY_TWO = "Un compte bancaire se confirme seul, l’IBAN sous les yeux."


@blueprint.post("/acceptation")
@requires("staff_members")
def accept():
    """What has a doubt, or is a bank account, is left to be looked at alone."""

    def act(row, seen, now):
        if row.document_type == kinds.BANK_DETAILS:
            raise Refused(BY_TWO)
        is_read(row)
        for tone, doubt in comparing.checks(row):
            if tone == comparing.WARN:
                raise Refused(doubt)
        sendings.accept(row, now, seen, row.siret, row.issued_on, tells=False)

    return decide("sending.accept", act, "sending_accepted", "accepté")


@blueprint.post("/refus")
@requires("staff_members")
def refuse():
    """With one reason for all."""
    form = TickedRefusal(request.form)
    if not form.validate():
        return queue.queue(form, 422, ticked=together.ticked())

    def act(row, seen, now):
        is_read(row)
        sendings.refuse(row, form.why, now, seen, tells=False)

    return decide("sending.refuse", act, "sending_refused", "refusé")


def is_read(row):
    if row.can_be_withdrawn:
        raise Refused(UNREAD)


def decide(action, act, template, word):
    """Each author is told once of all theirs."""
    rows = together.chosen(Sending.whole(current_user.sendings()), Sending)
    with db.atomic():
        decided = together.decide(rows, action, act, queue.MEANWHILE)
        sendings.tell_authors(decided.done, template, clock.now())
    after = ". Les entreprises sont prévenues." if len(decided.done) > 1 else ". L’entreprise est prévenue."
    again, listed = partial(queue.queue, TickedRefusal()), url_for("staff_sendings.index")
    return together.answer(decided, "document", word, after, NOTHING, listed, again, named)


def named(row):
    where = row.company.label if row.company_id else row.account.name
    (one,) = sent.tell([row])
    return f"{one.document}, {where}", url_for("staff_sendings.show", id=row.public_id)

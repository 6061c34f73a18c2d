"""What was sent to the mutual, as both sides see it: words, state, files."""

from types import SimpleNamespace

from flask import abort

from portal import document_types
from portal.models import Sending, SendingState
from portal.rules import sendings as rules
from portal.views.files import SHOWN

# State → what is written, tone, icon.
STATES = {
    SendingState.RECEIVED: ("Reçu", "info", "clock"),
    SendingState.ACCEPTED: ("Accepté", "ok", "circle-check"),
    SendingState.REFUSED: ("Refusé", "danger", "circle-x"),
    SendingState.WITHDRAWN: ("Retiré", "", "arrow-back-up"),
}

FATES = {SendingState.RECEIVED: "à confirmer par la mutuelle", SendingState.REFUSED: "refusé"}


def tell(rows):
    """Rows of Sending.whole, with their files and words."""
    return [told(row, files=[file(one) for one in row.kept]) for row in Sending.with_files(rows)]


def listed(rows):
    """Rows of the mutual's queue, which says how many files each has."""
    return [told(row, file_count=row.file_count) for row in rows]


def told(row, **more):
    return SimpleNamespace(
        id=row.public_id,
        version=row.version,
        type=row.document_type,
        document=document_types.label(row.document_type, row.document_name),
        company=row.company.label if row.company_id else "Tout le compte",
        account=row.account.name,
        author=row.author.full_name,
        sent_at=row.sent_at,
        read_at=row.read_at,
        settled_at=row.settled_at,
        state=STATES[row.state],
        remark=row.remark,
        note=row.note,
        siret=row.siret,
        issued_on=row.issued_on,
        is_open=row.is_open,
        can_be_withdrawn=row.can_be_withdrawn,
        **more,
    )


def file(one):
    kept = one.file
    return SimpleNamespace(id=one.public_id, name=kept.file_name, size=kept.size, shown=kept.mime_type in SHOWN)


def file_of(row, piece):
    """The file of a sending that came through the door; 404 when it is another’s, or gone."""
    (row,) = Sending.with_files([row])
    return next((one.file for one in row.kept if one.public_id == piece), None) or abort(404)


def asked(row, iban=""):
    """The bank details that a sending asks for; None when it asks for none. `iban`: when it is revealed."""
    details = row.proposed() if row.document_type == rules.BANK_DETAILS else None
    if details is None:
        return None
    fate = "remplacé" if details.until else "en vigueur" if details.since else FATES[row.state]
    return SimpleNamespace(
        holder=details.holder,
        bank=details.bank,
        bic=details.bic,
        iban=iban,
        fate=fate,
        is_awaited=row.state == SendingState.RECEIVED,
    )

"""The demonstration of « Documents »: one in each state, a bank account in force and another that awaits the mutual."""

import datetime
import io
import json
from typing import NamedTuple

from portal import clock, configuration, storage
from portal.demonstration.draw import days_ago, iban
from portal.demonstration.proofs import photograph
from portal.models import (
    BankDetails,
    Company,
    HandOver,
    ScanState,
    Sending,
    SendingState,
    SentFile,
    StoredFile,
    User,
)
from portal.rules import sendings as rules

RECEIVED, ACCEPTED, REFUSED, WITHDRAWN = SendingState


class Sent(NamedTuple):
    """`company`: which of the account’s, from 0; None for the whole account. `read`: by the mutual."""

    kind: str
    company: int | None
    days: int  # ago
    state: SendingState
    name: str
    read: bool = True
    note: str = ""
    remark: str = ""


AGREEMENT = "OWN_1"  # the code that « Configuration » gives to the first type that is added
# What the mutual of the demonstration added to the types of the portal.
OWN_TYPES = {
    AGREEMENT: rules.DocumentType(
        "Accord d’entreprise ou décision unilatérale", "Qui met en place ou change son régime", ("pdf", "images"), False
    ),
}
# Of the guide's account, the oldest first.
SENT = (
    Sent(rules.BANK_DETAILS, 0, 160, ACCEPTED, "rib-siege.png"),
    Sent(rules.KBIS, 0, 41, ACCEPTED, "kbis-siege.png"),
    Sent(AGREEMENT, None, 24, ACCEPTED, "accord-collectif.png", note="L’accord signé, pour le dossier."),
    Sent(rules.GROUP, None, 15, WITHDRAWN, "effectifs.csv", read=False),
    Sent(rules.KBIS, 1, 9, REFUSED, "kbis-lavans.png", remark=rules.REFUSALS["INCOMPLETE"]),
    Sent(rules.BANK_DETAILS, 0, 3, RECEIVED, "nouveau-rib-siege.png", note="Nous changeons de banque."),
    Sent(rules.GROUP, None, 1, RECEIVED, "effectifs-du-mois.csv", read=False),
)


def make_sendings(draw, account):
    """`account`: the guide's."""
    types = rules.TYPES | OWN_TYPES
    told = json.dumps([[code, *one] for code, one in types.items()])
    configuration.put("document_types", told, User.known("admin@demo.example"), days_ago(200))
    companies = list(Company.select().where(Company.account == account["id"]).order_by(Company.id))
    author, reader = User.known("rh@demo.example"), User.known("gestion@demo.example")
    for one in SENT:
        company = None if one.company is None else companies[one.company]
        row = send(draw, one, account, company, author, reader)
        if one.kind == rules.BANK_DETAILS:
            ask_for(draw, row, company, iban(draw))
        if one.kind == rules.KBIS and one.state == ACCEPTED:
            company.identify(row.siret, row.issued_on)


def send(draw, one, account, company, author, reader):
    at, settled = days_ago(one.days), days_ago(max(one.days - 2, 0))
    row = Sending(public_id=draw.uuid(), account=account["id"], company=company, document_type=one.kind)
    row.document_name = (rules.TYPES | OWN_TYPES)[one.kind].label
    row.state, row.note, row.remark, row.author, row.sent_at = one.state, one.note, one.remark, author, at
    if one.read:
        row.read_at, row.reader, row.version = at + datetime.timedelta(hours=5), reader, 2
    if one.state != RECEIVED:
        row.settled_at = settled
    if one.kind == rules.KBIS:
        row.siret, row.issued_on = company.siret, clock.day_of(at) - datetime.timedelta(days=6)
    row.hand_over = HandOver.select().first() if one.state == ACCEPTED else None
    row.save(force_insert=True)
    if one.state != WITHDRAWN:
        join(draw, row, one, company, at)
    return row


def join(draw, row, one, company, at):
    """Its file: a picture that says what it would be, or a list."""
    is_list = one.name.endswith(".csv")
    file = StoredFile(public_id=draw.uuid(), account=row.account_id, holder="", scan=ScanState.OURS)
    file.mime_type = "text/csv" if is_list else "image/png"
    label = company.label if company else row.account.name
    content = io.BytesIO(b"Mois;Effectif\n1;38\n") if is_list else photograph(row.document_name, label, at)
    storage.keep(file, content, one.name, at)
    file.attach(at)
    SentFile.create(public_id=draw.uuid(), sending=row, file=file)


def ask_for(draw, row, company, iban):
    """The bank account that a RIB asks for: in force once it was accepted."""
    details = BankDetails(public_id=draw.uuid(), company=company, sending=row, holder=company.label)
    details.since, details.hand_over = row.settled_at if row.state == ACCEPTED else None, row.hand_over
    details.seal(iban)
    details.save(force_insert=True)

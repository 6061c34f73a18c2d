"""What companies send to the mutual: kept, withdrawn, read, decided; and what an accepted one changes."""

from portal import document_types, mandates, outbox
from portal.models import BankDetails, MessageKind, Outdated, Sending, SendingState, SentFile, User, db
from portal.readers import can_see, letter
from portal.rules import Refused, identifiers
from portal.rules import sendings as rules
from portal.rules.rights import Action
from portal.transitions import change, held

# ── From the company ─────────────────────────────────────────────────────────────────────────────────────────────


def send(draft, files, by, now, form_key=None):
    """Keep what somebody sends; the files of a group are independent: each is a sending of its own, decided alone.

    `draft`: a Sending that is not written. `files`: StoredFile that wait. The sendings; [] when that very form was kept
    already.
    """
    with db.atomic():
        if form_key and Sending.select().where(Sending.form_key == form_key).exists():
            return []
        apart = [[file] for file in files] if draft.document_type == rules.GROUP else [files]
        return [keep(draft, some, by, now, form_key if place == 0 else None) for place, some in enumerate(apart)]


def keep(draft, files, by, now, form_key):
    row = Sending.create(
        account=draft.account_id,
        company=draft.company_id,
        document_type=draft.document_type,
        document_name=draft.document_name,
        note=draft.note,
        siret=draft.siret,
        issued_on=draft.issued_on,
        author=by,
        sent_at=now,
        form_key=form_key,
    )
    for file in files:
        file.attach(now)
        SentFile.create(sending=row, file=file)
    return row


def propose(sending, holder, iban, bic, now):
    """The bank details that a RIB asks for: those in force stay until the mutual confirms them.

    Whoever sees the company is told, so that a change that nobody there asked for does not pass unnoticed.
    """
    known_bic, bank = identifiers.bank_of(iban)
    row = BankDetails(company=sending.company_id, sending=sending, holder=holder, bic=bic or known_bic or "")
    row.bank = bank or ""
    row.seal(iban)
    row.save(force_insert=True)
    tell_company(sending, "bank_details_asked", now)
    return row


def withdraw(sending, now):
    """Take it back before anybody read it: its files leave too. Raises Outdated when the mutual was faster."""
    with db.atomic():
        row = sending.hold()
        if not row.can_be_withdrawn:
            raise Outdated(row)
        for one in Sending.with_files([row])[0].kept:
            one.file.drop(now)
        BankDetails.delete().where(BankDetails.sending == row).execute()
        change(row, SendingState.WITHDRAWN, settled_at=now, siret="", issued_on=None)


# ── At the mutual ────────────────────────────────────────────────────────────────────────────────────────────────


def read(sending, by, now):
    """It is in somebody's hands from now on: True for the first. Raises Outdated when it was withdrawn."""
    with db.atomic():
        row = sending.hold()
        if row.state == SendingState.WITHDRAWN:
            raise Outdated(row)
        if not row.can_be_withdrawn:
            return False
        change(row, SendingState.RECEIVED, read_at=now, reader=by)
    return True


def agree(sending, by, now, version):
    """The first of two people finds a bank account right: whoever that was, they are not the second.

    True when somebody else had agreed already: then it can be accepted. Raises Refused, Outdated.
    """
    with db.atomic():
        row = decide(sending, version)
        proposed = row.proposed()
        first = proposed.approver(now)
        if first is not None and first.id == by.id:
            raise Refused("Vous avez déjà donné votre accord\u00a0: une autre personne doit confirmer ce compte.")
        if first is None:
            proposed.approve(by, now)
            change(row, SendingState.RECEIVED)
    return first is not None


def accept(sending, now, version, siret="", issued_on=None, tells=True):
    """It is right, and changes what it is for; raises Outdated when somebody decided meanwhile.

    `siret`, `issued_on`: what the mutual read on a Kbis. False when it says less than a later Kbis already did.
    `tells`: its author, unless several are decided together, of which each author is told at once.
    """
    with db.atomic():
        row = decide(sending, version)
        newest = True
        if row.document_type == rules.KBIS:
            row.siret, row.issued_on = siret, issued_on
            newest = row.company.hold().identify(siret, issued_on)
        if row.document_type == rules.BANK_DETAILS:
            row.company.hold()
            proposed = row.proposed()
            proposed.confirm(now)
            mandates.end_on_another_account(row.company, proposed.unseal(), now)
            tell_company(row, "bank_details_changed", now)
        change(row, SendingState.ACCEPTED, settled_at=now, siret=row.siret, issued_on=row.issued_on)
        if tells and row.document_type != rules.BANK_DETAILS:
            tell_authors([row], "sending_accepted", now)
    return newest


def refuse(sending, why, now, version, tells=True):
    """It changes nothing, and its author is told to read why; raises Outdated when somebody decided meanwhile."""
    with db.atomic():
        row = decide(sending, version)
        change(row, SendingState.REFUSED, settled_at=now, remark=why)
        if tells:
            tell_authors([row], "sending_refused", now)


def decide(sending, version):
    """It is in somebody's hands, and not decided; raises Outdated."""
    row = held(sending, version, SendingState.RECEIVED)
    if not row.read_at:
        raise Outdated(row)
    return row


# ── Told by e-mail, without a name nor a number ──────────────────────────────────────────────────────────────────


def tell_company(row, template, now):
    """Each of HR who sees the whole company, and the author."""
    readers = {user.id: user for user in (*User.of_company(row.company, action=Action.DOCUMENTS), *authors(row))}
    outbox.write_many([message(user, row, template, now) for user in readers.values()])


def tell_authors(rows, template, now):
    """One e-mail to each author who still sees what they sent, however many of theirs are decided."""
    told = {}
    for row in rows:
        for user in authors(row):
            told.setdefault(user.id, (user, []))[1].append(row)
    outbox.write_many([message(user, some[0], template, now, some) for user, some in told.values()])


def authors(row):
    return [row.author] if can_see(row.author, row) else []


def message(user, row, template, now, rows=()):
    """`rows`: all that it tells of, where they may be several."""
    names = dict.fromkeys(document_types.label(one.document_type, one.document_name) for one in rows or [row])
    several = len(rows) > 1
    where = {"link": "/documents"} if several else {"link": f"/documents/{row.public_id}", "about": row}
    words = {"document": ", ".join(names), "count": max(1, len(rows))}
    return letter(user, template, now, kind=MessageKind.PROOF, **where, **words)

"""Erases what is held on people whose time is over, or on the order of the data protection officer (RGPD art. 17).

Each table of `privacy.HELD` has its fate here. What stays, stays for a law that `rules.retention` names. The audit
trail is not touched: it knows people by ids, which lead to nobody any more, and its chain goes on. Its events are the
journal of erasures: backups carry it, and so does `AUDIT_HEADS_DIR`, so that what is restored is erased again.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from portal import audit_heads, clock, database, privacy, storage
from portal.models import (
    AuditEvent,
    Beneficiary,
    ContributionStatement,
    Document,
    DocumentRequest,
    MessageThread,
    Movement,
    MovementState,
    OutboxMessage,
    Reminder,
    ReminderBatch,
    RequestState,
    StatementLine,
    StoredFile,
    SupportingDocument,
    ThreadMessage,
    ThreadRound,
    db,
    document_words,
    message_words,
)
from portal.rules import Refused
from portal.rules.retention import ACCOUNT_LINES, PERSON, PROOF

ACTION = "person.erase"
JOURNAL = "erasures.txt"
NOBODY = "Personne effacée"
GONE, BLANK, KEPT = "à effacer", "à vider de tout nom", "à garder"
WORDS = "(effacé)"


@dataclass
class Line:
    """What becomes of rows of one table; `why`: of those that stay in some form."""

    label: str
    fate: str
    count: int
    why: str = ""


# ── Who, and whether it may be ───────────────────────────────────────────────────────────────────────────────────


def people_with(person):
    """Who is erased with somebody: the whole household with an employee, whose cover was theirs; otherwise alone."""
    if not person.is_employee:
        return [person]
    at_home = Beneficiary.household_number == person.household_number, Beneficiary.account == person.account_id
    return list(Beneficiary.select().where(*at_home).order_by(Beneficiary.role.desc(), Beneficiary.id))


def refuse_unless_over(people, today, ordered):
    """Raises Refused while a contract, a delivery or a time to bring an action needs any of them."""
    for one in people:
        if one.terminated_on is None or one.terminated_on >= today:
            raise Refused("Cette personne, ou quelqu’un de son foyer, est encore couverte : rien n’est effacé.")
        if not ordered and one.terminated_on + PERSON.time > today:
            raise Refused(
                f"La couverture a fini le {one.terminated_on:%d/%m/%Y} : le dossier se garde {PERSON.days} jours "
                f"({PERSON.reason}). Sur ordre du délégué à la protection des données : --ordered."
            )
    ids = [one.id for one in people]
    waiting = Movement.beneficiary.in_(ids) & (Movement.state == MovementState.RECORDED)
    proofs = (
        SupportingDocument.select()
        .join(DocumentRequest)
        .where(
            DocumentRequest.beneficiary.in_(ids),
            SupportingDocument.outcome == RequestState.ACCEPTED,
            SupportingDocument.hand_over.is_null(),
        )
    )
    if Movement.select().where(waiting).exists() or proofs.exists():
        raise Refused("Un mouvement ou un justificatif attend encore d’être transmis : « hand-over » d’abord.")


# ── What becomes of it ───────────────────────────────────────────────────────────────────────────────────────────


def foreseen(people, now):
    """[Line] of what `erase` would do."""
    lines = {}
    for person in people:
        for table, rows in privacy.held(person).items():
            for fate, some, why in fates(table, rows, clock.day_of(now)):
                line = lines.setdefault((table, fate), Line(privacy.HELD[table].label, fate, 0, why))
                line.count += len(some)
    return [line for line in lines.values() if line.count]


def fates(table, rows, today):
    """(fate, rows, why) of the rows of a table."""
    if table is AuditEvent:
        return [(KEPT, rows, PROOF)]
    if table in (MessageThread, ThreadMessage, ThreadRound):
        return [(BLANK, rows, "le registre des demandes compte ce qui a été reçu, sans dire de qui")]
    if table is StatementLine:
        recent = [row for row in rows if row.ends_on + ACCOUNT_LINES.time > today]
        old = [row for row in rows if row.ends_on + ACCOUNT_LINES.time <= today]
        return [(KEPT, recent, ACCOUNT_LINES.reason), (BLANK, old, "les sommes restent, sans le nom")]
    return [(GONE, rows, "")]


def erase(people, settings, now, by_order=False):
    """Nothing of them is left in the base, the store and the folders of messages. Raises Unavailable, OSError.

    Rows go in one transaction; what they named in files is taken away after it, by the worker if this is stopped.
    False when the database still has some of it in its log, which somebody reads.
    """
    letters, ids = [], [str(one.public_id) for one in people]
    note(settings, now, ids)  # first: what is noted and not erased is erased at the next restoration, never the reverse
    with db.atomic():
        for person in people:
            rows = privacy.held(person)
            letters += [f"{row.id}.{row.public_id.hex}" for row in rows[OutboxMessage]]
            forget(rows, now)
            counts = {table._meta.table_name: len(found) for table, found in rows.items() if found}
            after = {"rows": counts, "ordered": by_order}
            AuditEvent.write(ACTION, on=person, account=person.account_id, after=after, now=now)
    forget_letters(letters, settings)
    while storage.take_away():
        pass
    return rub_out()


def forget(rows, now):
    """In the caller's transaction: those that point first, those that they point to after."""
    today = clock.day_of(now)
    drop_letters(rows[Reminder], now)
    for table in reversed(privacy.HELD):
        for fate, some, _ in fates(table, rows[table], today):
            if some and fate != KEPT:
                key = table._meta.primary_key
                (blank if fate == BLANK else gone)(table, key.in_([row.get_id() for row in some]), some, now)


def gone(table, those, rows, now):
    if table is StoredFile:
        StoredFile.drop_where(those, now)
        return
    if table is Document:
        document_words.drop(db, [row.id for row in rows])
    table.delete().where(those).execute()


def blank(table, those, rows, now):
    """The row stays for what it counts; nothing in it leads to anybody."""
    if table is StatementLine:
        drop_statements([row.statement_id for row in rows], now)
        empty = {"beneficiary": None, "label": NOBODY, "member_number": "", "name_key": ""}
    elif table is ThreadMessage:
        message_words.drop(db, [row.id for row in rows])
        empty = {"body": WORDS}
    elif table is ThreadRound:
        empty = {"rating_comment": ""}
    else:
        empty = {"subject": WORDS, "beneficiary": None, "rating_comment": "", "copy": None}
    table.update(empty).where(those).execute()


def drop_statements(ids, now):
    """The PDF of a statement names everybody in it; asked for again, it is made of what is left."""
    these = ContributionStatement.id.in_(ids)
    documents = ContributionStatement.select(ContributionStatement.document).where(these)
    made = Document.select().where(Document.id.in_(documents))
    StoredFile.drop_where(StoredFile.id.in_([row.file_id for row in made]), now)
    document_words.drop(db, [row.id for row in made])
    Document.delete().where(Document.id.in_([row.id for row in made])).execute()


def drop_letters(reminders, now):
    """Letters of several people are one PDF, which was printed long ago."""
    batches = [row.batch_id for row in reminders if row.batch_id]
    held = ReminderBatch.select(ReminderBatch.letters).where(ReminderBatch.id.in_(batches))
    StoredFile.drop_where(StoredFile.id.in_(held), now)


# ── Outside the tables ───────────────────────────────────────────────────────────────────────────────────────────


def forget_letters(names, settings):
    """What a folder got in the place of a mail server, or of a gateway of texts."""
    for url, ending in ((settings.smtp_url, "eml"), (settings.sms_url, "sms.json")):
        address = urlsplit(url)
        for name in names if address.scheme == "file" else ():
            with suppress(FileNotFoundError):
                (Path(unquote(address.path)) / f"{name}.{ending}").unlink()


def rub_out():
    """What was erased leaves the files of the database too."""
    for index in (message_words, document_words):
        index.merge(db)
    names = [table._meta.table_name for table in (*privacy.HELD, ContributionStatement) if table is not AuditEvent]
    return database.rub_out(db, [*names, message_words.name, document_words.name])


# ── The journal ──────────────────────────────────────────────────────────────────────────────────────────────────


def note(settings, now, ids):
    """A line for each in the folder of the heads, where there is one. Raises OSError."""
    if settings.audit_heads_dir:
        for name in ids:
            audit_heads.append(settings, now, name, name_of_file=JOURNAL)


def noted(settings):
    """The ids of the folder of the heads."""
    path = Path(settings.audit_heads_dir) / JOURNAL
    lines = path.read_text().splitlines() if settings.audit_heads_dir and path.exists() else ()
    return {line.split()[1] for line in lines}


def again(ids, settings, now):
    """After a restoration: who was erased since the backup is erased again; how many people."""
    people = [one for name in sorted(ids) for one in privacy.found(name)]
    if people:
        erase(people, settings, now, by_order=True)
    return len(people)

"""Documents that the portal prints: asked for with their cause, made once, known again by the code that is on them."""

import hashlib
import io
import json
import logging
import re
import secrets
import threading
import time
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import NamedTuple

from peewee import IntegrityError, InterfaceError, OperationalError

from portal import clock, printing, reach, storage
from portal.faults import place_of
from portal.formats import sort_key
from portal.models import Document, db, document_words

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # 32 signs (Crockford): no I, L, O, U
LENGTH = 16  # of 5 bits: 80 bits
MEANT = str.maketrans("ILO", "110")  # what people type for a sign that looks like it
PDF = "application/pdf"
PATIENCE = 20.0  # seconds that a download waits for another process that is making it
TYPES = {
    "ENROLMENT_FORM": "Bulletin d’adhésion individuel",
    "AFFILIATION_CERTIFICATE": "Attestation d’affiliation",
    "TERMINATION_CERTIFICATE": "Attestation de radiation",
    "COMPLAINT_COPY": "Copie de réclamation",
    "DSN_SETUP_SHEET": "Fiche de paramétrage DSN",
    "CONTRIBUTION_STATEMENT": "Bordereau d’appel de cotisations",
    "SEPA_MANDATE": "Mandat de prélèvement SEPA",
    "FORMAL_NOTICE": "Mise en demeure",
}


class Folder(NamedTuple):
    """Where « Espace documentaire » files what is printed."""

    name: str
    toolbox: str  # a key of library.TOOLBOXES
    types: tuple[str, ...]


OTHERS = "autres"  # of any other type
FOLDERS = {
    "bulletins": Folder("Bulletins d’adhésion", "salarie", ("ENROLMENT_FORM",)),
    "attestations": Folder("Attestations", "salarie", ("AFFILIATION_CERTIFICATE", "TERMINATION_CERTIFICATE")),
    "fiches-dsn": Folder("Fiches de paramétrage DSN", "entreprise", ("DSN_SETUP_SHEET",)),
    "bordereaux": Folder("Bordereaux d’appel", "entreprise", ("CONTRIBUTION_STATEMENT", "FORMAL_NOTICE")),
    "mandats": Folder("Mandats de prélèvement", "entreprise", ("SEPA_MANDATE",)),
    "reclamations": Folder("Copies de réclamations", "entreprise", ("COMPLAINT_COPY",)),
    OTHERS: Folder("Autres documents", "", ()),
}
FILED = {kind: key for key, folder in FOLDERS.items() for kind in folder.types}
log = logging.getLogger(__name__)


TOLD = 1.0  # seconds between two looks at how far a document is


class NotMade(Exception):
    """It could not be made this time."""


class NotYet(NotMade):
    """It is long: the worker makes it."""


class Stopped(Exception):
    """Who was making it is told to end."""


# ── The code that is checked ─────────────────────────────────────────────────────────────────────────────────────


def draw_code():
    """« 7KQM-2XVD-90RT-HC4W »: 80 bits; only its hash is kept."""
    signs = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return "-".join(signs[place : place + 4] for place in range(0, LENGTH, 4))


def read_code(typed):
    """The signs of a code as it was typed, whatever its case and spaces; None when it cannot be one."""
    signs = re.sub(r"[\s.–—-]", "", typed).upper().translate(MEANT)
    return signs if len(signs) == LENGTH and set(signs) <= set(ALPHABET) else None


def hash_of(signs):
    return hashlib.sha256(f"document {signs}".encode()).hexdigest()


def find(typed):
    """The document of a code, as it was typed; None when no document has it."""
    signs = read_code(typed)
    return Document.of_code(hash_of(signs)) if signs else None


# ── Asked for ────────────────────────────────────────────────────────────────────────────────────────────────────


def ask(template, context, now, *, title, document_type, account, contract=None, beneficiary=None, fingerprint=None):
    """Have prints/<template>.html printed with these words (as JSON takes them), in the caller's transaction."""
    asked = row_of(now, title, document_type, account, contract, beneficiary)
    asked.template, asked.fingerprint = template, fingerprint
    asked.seal(context)
    return enter(asked)


def ask_once(template, context, now, **about):
    """The same, unless these very words were asked for today about the same person or contract: then that document."""
    place = [getattr(about.get(name), "id", about.get(name)) for name in ("account", "contract", "beneficiary")]
    said = json.dumps([clock.day_of(now).isoformat(), template, place, context], sort_keys=True)
    fingerprint = hashlib.sha256(said.encode()).hexdigest()
    known = Document.of_fingerprint(fingerprint)
    if known:
        return known
    try:
        with db.atomic():
            return ask(template, context, now, fingerprint=fingerprint, **about)
    except IntegrityError:  # another click was a little faster
        return Document.of_fingerprint(fingerprint)


def file(data, now, code=None, *, title, document_type, account, contract=None, beneficiary=None):
    """Keep a PDF that was made elsewhere; `code`: the one that is printed on it, of `draw_code`."""
    filed = row_of(now, title, document_type, account, contract, beneficiary)
    stored = put_away(filed, data, now)
    with db.atomic():
        stored.attach(now)
        filed.file, filed.check_hash = stored, code and hash_of(read_code(code))
        return enter(filed)


def row_of(now, title, document_type, account, contract, beneficiary):
    row = Document(account=account, contract=contract, beneficiary=beneficiary, created_at=now)
    row.title = title = title[: Document.title.max_length]  # a name of the mutual's own system has no other bound
    row.document_type, row.published_on, row.title_key = document_type, clock.day_of(now), sort_key(title)
    names = (beneficiary.first_name, beneficiary.last_name) if beneficiary else ()
    row.initials = " ".join(f"{name[:1].upper()}." for name in names)
    return row


def enter(row):
    """Write it, with the words by which « Espace documentaire » finds it.

    Those that it says are none of them: its file is sealed, and an index of what it says would be readable.
    """
    row.save(force_insert=True)
    document_words.put(db, {row.id: " ".join(known_by(row))})
    return row


def known_by(row):
    person, contract = row.beneficiary, row.contract
    words = [row.title, TYPES.get(row.document_type, ""), FOLDERS[FILED.get(row.document_type, OTHERS)].name]
    if person:
        words.append(person.member_number)
    if contract:
        words.append(contract.number)
    if person or contract:
        words.append((person or contract).category.company.label)
    return words


def put_away(row, data, now):
    return storage.file_away(io.BytesIO(data), f"{row.title}.pdf", PDF, account=row.account_id, now=now)


def latest(document_type, person_id):
    """The last document of a type about a person; None without one."""
    about = Document.select().where(Document.beneficiary == person_id, Document.document_type == document_type)
    return about.where(Document.withdrawn_at.is_null()).order_by(Document.id.desc()).first()


# ── Made ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def made(document):
    """The file of a document, made now when nobody did yet; raises NotMade, and NotYet of a long one."""
    if document.file_id is None and document.is_long:
        raise NotMade if document.has_failed(clock.now()) else NotYet
    give_up = time.monotonic() + PATIENCE
    row = document
    while row.file_id is None and row.context is not None:
        if row.lease(clock.now()):
            make(row)
        elif time.monotonic() > give_up:
            raise NotMade
        else:
            time.sleep(0.1)
        row = Document.get_by_id(row.id)
    if row.file_id is None:
        raise NotMade
    return row.file


def make(row, stopped=lambda: False):
    """Print a document that was leased, and file it: of two that are made at the same time, one is kept.

    `stopped`: whether a long one is to be given up, for another to make.
    """
    now, code = clock.now(), draw_code()
    try:
        with leased_meanwhile(row) as progress:
            data = drawn(row, code, progress, stopped)
        stored = put_away(row, data, now)
    except Stopped:
        row.give_back(tried=False)
        raise NotMade from None
    except Exception as fault:
        row.give_back()
        log_fault(row, fault)
        raise NotMade from None
    with db.atomic():
        if row.complete(stored, hash_of(read_code(code))):
            stored.attach(now)
        else:
            stored.drop(now)


def drawn(row, code, progress, stopped):
    """Its bytes; a long one is drawn by a process of its own, which says how far it is."""
    words = {"title": row.title, "code": code} | row.unseal()
    if not row.is_long:
        return printing.pdf(row.template, **words)

    def laid_out(page):
        progress.pages = page
        if stopped():
            raise Stopped

    return printing.pdf_apart(row.template, laid_out, **words)


@contextmanager
def leased_meanwhile(row):
    """Renew its lease as long as it takes, from a thread of its own: nobody makes it a second time meanwhile.

    It tells how many pages are laid out too: the `pages` of what it gives.
    """
    progress, over = SimpleNamespace(pages=0), threading.Event()
    every = min(TOLD, row.LEASE.total_seconds() / 3)

    def renew():
        told, renewed = 0, time.monotonic()
        while not over.wait(every):
            pages, due = progress.pages, time.monotonic() - renewed >= row.LEASE.total_seconds() / 3
            if pages == told and not due:
                continue
            with suppress(OperationalError, InterfaceError), db.connection_context():  # the next turn tries again
                reach.as_the_mutual(db, "a document that is being made")
                row.renew(clock.now(), pages)
                told, renewed = pages, time.monotonic()

    keeper = threading.Thread(target=renew, daemon=True)
    keeper.start()
    try:
        yield progress
    finally:
        over.set()
        keeper.join()


def log_fault(row, fault):
    """Where it happened: the words of an exception may be those of the document."""
    log.error("document %s: %s", row.public_id, place_of(fault))


def make_due(now):
    """Make the documents that wait, a few at a time: how many. Long ones have a turn of their own."""
    return sum(make_leased(row, now) for row in list(waiting(now, False).limit(5)))


def make_long(now, stopped):
    """Make the next of the long ones, which may take a minute; `stopped`: whether the worker is told to end."""
    return sum(make_leased(row, now, stopped) for row in list(waiting(now, True).limit(1)))


def waiting(now, are_long):
    """One that failed too often waits for who asks for it."""
    tried_less = Document.attempts < Document.MOST_ATTEMPTS
    return Document.to_make(now).where(tried_less, Document.are_long(are_long)).order_by(Document.id)


def make_leased(row, now, *more):
    """Whether it was made."""
    if not row.lease(now):
        return False
    try:
        make(row, *more)
    except NotMade:
        return False
    return True

"""Everything that is held on one person: which rows of which tables, and all of it in one archive (RGPD art. 15, 20).

`HELD` is the one table that says how each table is reached from a person; what is named in `LEFT` is not followed, and
why. A table or a foreign key that is in neither fails a test: what is added tomorrow is decided tomorrow.
"""

import json
import tempfile
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from markupsafe import Markup, escape
from peewee import ForeignKeyField

from portal import history, storage
from portal.exchange import staging
from portal.folder import Unavailable
from portal.formats import search_key
from portal.models import (
    AnswerDraft,
    AuditEvent,
    Beneficiary,
    Document,
    DocumentRequest,
    Enrolment,
    GuestLink,
    ImportRow,
    IndividualProduct,
    KeyField,
    ManagedAccount,
    MessageThread,
    Movement,
    OutboxMessage,
    Reading,
    Reminder,
    SealedField,
    Selection,
    StatementLine,
    StoredFile,
    SupportingDocument,
    ThreadFile,
    ThreadFollower,
    ThreadMessage,
    ThreadRound,
    UnsentWords,
    Waiver,
    vault,
)
from portal.vault import Tampered

# ── Which rows ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Held:
    """A table that tells of people: by which foreign keys it leads to them, by which keys of others it is led to."""

    label: str
    by: tuple[str, ...] = ()
    also: Callable[["Trail"], list[Any]] = lambda trail: []


class Trail:
    """What was found of a person so far: {table: rows}."""

    def __init__(self, person):
        self.person, self.rows = person, {Beneficiary: [person]}

    def ids(self, table):
        return [row.id for row in self.rows.get(table, ())]

    def led_to(self, table, name):
        """The numbers that a key of these rows holds."""
        return [number for row in self.rows.get(table, ()) if (number := getattr(row, f"{name}_id"))]

    @property
    def names(self):
        """{table: ids} as messages and audit events name these rows."""
        named = (table for table in self.rows if "public_id" in table._meta.fields)
        return {table._meta.table_name: [str(row.public_id) for row in self.rows[table]] for table in named}

    @property
    def identities(self):
        """What drafts and rows of files hold in the place of who they are about (`affiliation_check`)."""
        one = self.person
        born = one.birth_date.isoformat()
        said = {
            f"nom:{search_key(name)} {search_key(one.first_name)} {born}" for name in (one.birth_name, one.used_name)
        }
        if one.nir is not None:
            said.add(f"nir:{one.unseal('nir')}")
        return [index for text in said for index in vault.indexes(text, "identity", [one.account_id])]


def waivers_of(trail):
    """A waiver knows nobody by number: the same account, first name, birth name and birth date."""
    one = trail.person
    same = (Waiver.account == one.account_id) & (Waiver.birth_date == one.birth_date)
    rows = Waiver.select(Waiver.id, Waiver.birth_name, Waiver.first_name).where(same)
    wanted = search_key(one.birth_name), search_key(one.first_name)
    found = [row.id for row in rows if (search_key(row.birth_name), search_key(row.first_name)) == wanted]
    return [Waiver.id.in_(found)] if found else []


def files_of(trail):
    held = (Document, "file"), (SupportingDocument, "file"), (ThreadFile, "file")
    return [StoredFile.id.in_([number for one in held for number in trail.led_to(*one)])]


def words_of(trail):
    """What was typed on a page of theirs: an address holds the id of a row. None is older than a day."""
    ids = [name for names in trail.names.values() for name in names]
    kept = UnsentWords.select(UnsentWords.id, UnsentWords.path)
    return [UnsentWords.id.in_([row.id for row in kept if any(name in row.path for name in ids)])]


def ticked(trail):
    return [Selection.people.cast("TEXT").contains(str(trail.person.public_id))]


# Table → how it is reached. The order is that of the search: a table comes after those that lead to it.
HELD = {
    Beneficiary: Held("Identité, coordonnées et couverture"),
    IndividualProduct: Held("Produits individuels", ("beneficiary",)),
    Movement: Held("Mouvements", ("beneficiary",)),
    ImportRow: Held(
        "Lignes de fichiers d’affiliations",
        ("beneficiary", "movement"),
        lambda trail: [ImportRow.identity.in_(trail.identities)],
    ),
    Enrolment: Held("Adhésions", ("movement",), lambda trail: [Enrolment.identity.in_(trail.identities)]),
    Waiver: Held("Dispenses", ("enrolment",), waivers_of),
    GuestLink: Held("Liens envoyés", ("beneficiary", "enrolment")),
    DocumentRequest: Held("Justificatifs demandés", ("beneficiary", "waiver")),
    SupportingDocument: Held("Justificatifs reçus", ("request",)),
    MessageThread: Held("Demandes et réclamations", ("beneficiary",)),
    ThreadMessage: Held("Messages", ("thread",)),
    ThreadFile: Held("Pièces des messages", ("message",)),
    ThreadFollower: Held("Qui suit les demandes", ("thread",)),
    ThreadRound: Held("Demandes rouvertes : avant", ("thread",)),
    AnswerDraft: Held("Brouillons de réponses", ("thread",)),
    StatementLine: Held("Lignes de bordereaux", ("beneficiary",)),
    Document: Held("Documents", ("beneficiary",), lambda trail: [Document.id.in_(trail.led_to(MessageThread, "copy"))]),
    StoredFile: Held("Fichiers", (), files_of),
    Reminder: Held("Relances", ("request", "link")),
    OutboxMessage: Held(
        "Courriels et SMS",
        (),
        lambda trail: [
            history.named(OutboxMessage, trail.names),
            OutboxMessage.id.in_(trail.led_to(Reminder, "message")),
        ],
    ),
    UnsentWords: Held("Saisies interrompues", (), words_of),
    Selection: Held("Listes où la personne est cochée", (), ticked),
    Reading: Held("Pages ouvertes par la mutuelle", (), lambda trail: [history.named(Reading, trail.names)]),
    AuditEvent: Held("Journal d’audit", (), lambda trail: [history.named(AuditEvent, trail.names)]),
}

THEIRS = "le fichier n’est pas celui de la personne : il est à l’entreprise, à la mutuelle ou à un utilisateur"
# « table.column » → why this key is not followed from rows that tell of the person.
LEFT = {
    "movement.cause": "le mouvement d’un autre membre du foyer : il est dans ce qui est tenu sur lui",
    "outbox_message.digest": "un courriel qui en regroupe d’autres : le leur est suivi",
    "message_thread.copy": "suivi dans l’autre sens : le document est trouvé par la demande",
    "document.file": "suivi dans l’autre sens : le fichier est trouvé par sa ligne",
    "supporting_document.file": "suivi dans l’autre sens : le fichier est trouvé par sa ligne",
    "thread_file.file": "suivi dans l’autre sens : le fichier est trouvé par sa ligne",
    "reminder.message": "suivi dans l’autre sens : le message est trouvé par la relance",
    "contribution_statement.document": "le bordereau est à l’entreprise ; la ligne de la personne est suivie",
    **dict.fromkeys(("sepa_mandate.document", "formal_notice.document", "publication.file", "sent_file.file"), THEIRS),
    **dict.fromkeys(("registration_file.file", "file_load.file"), THEIRS),
    "reminder_batch.letters": "les lettres de plusieurs personnes en un PDF ; la relance de chacune est suivie",
}
NOBODY = "ne dit rien d’une personne couverte"
OF_USERS = "est d’un utilisateur du portail, qui se lit dans son profil"
# Tables where no row is looked for, and why.
NOT_HELD = {
    **dict.fromkeys(("managed_account", "company", "employee_category", "plan", "group_contract"), NOBODY),
    **dict.fromkeys(("contribution_tariff", "payment", "payment_allocation", "contribution_statement"), NOBODY),
    **dict.fromkeys(("direct_debit", "debit_batch", "sepa_mandate", "formal_notice", "bank_details"), NOBODY),
    **dict.fromkeys(("sending", "sent_file", "document_campaign", "hand_over", "configured_value"), NOBODY),
    **dict.fromkeys(("library_folder", "publication", "notice", "prepared_answer", "audit_head", "throttle"), NOBODY),
    **dict.fromkeys(("user", "user_session", "one_time_link", "permission_grant", "favourite"), OF_USERS),
    **dict.fromkeys(("notification_choice", "library_visit", "notice_reading", "calendar_feed"), OF_USERS),
    **dict.fromkeys(("registration", "registration_file", "second_factor", "recovery_code", "passkey"), OF_USERS),
    **dict.fromkeys(("trusted_device", "reminder_batch"), OF_USERS),
    "affiliation_import": "le fichier d’une entreprise ; la ligne de la personne est suivie (import_row)",
    "file_load": "le fichier de la mutuelle, gardé le temps de le charger",
}


def held(person):
    """{table: its rows about this person}, a statement a table; in the order of HELD."""
    trail = Trail(person)
    for table, how in HELD.items():
        if table is Beneficiary:
            continue
        keys = [table._meta.fields[name] for name in how.by]
        where = [key.in_(ids) for key in keys if (ids := trail.ids(key.rel_model))] + how.also(trail)
        found = table.select().where(reduce(or_, where)).order_by(table._meta.primary_key) if where else ()
        trail.rows[table] = list(found)
    return trail.rows


def found(typed):
    """The people whom a public id, or a NIR, names."""
    typed = typed.strip().replace(" ", "")
    try:
        return list(Beneficiary.select().where(Beneficiary.public_id == uuid.UUID(typed)))
    except ValueError:
        accounts = [number for (number,) in ManagedAccount.select(ManagedAccount.id).tuples()]
        indexes = vault.indexes(typed, "nir", accounts)
        at_once = Beneficiary.INDEXES_AT_ONCE
        cut = (indexes[start : start + at_once] for start in range(0, len(indexes), at_once))
        return [one for some in cut for one in Beneficiary.select().where(Beneficiary.nir_index.in_(some))]


# ── In one archive ───────────────────────────────────────────────────────────────────────────────────────────────

# What the portal keeps to find, to sign or to send once: it says nothing more of the person.
TECHNICAL = {"id", "form_key", "nir_index", "identity", "key", "digest", "fingerprint", "previous_hash", "hash"}
UNREADABLE = "(ne s’ouvre pas avec les clés de ce portail)"


def export(person):
    """The archive of what is held, a file to be closed: `resume.html`, `donnees/`, `fichiers/`. Raises Unavailable."""
    rows = held(person)
    told = {table: [values(row) for row in found] for table, found in rows.items()}
    file = tempfile.TemporaryFile()  # noqa: SIM115 – the caller closes it; in no folder, it is gone then
    try:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for table, lines in told.items():
                text = json.dumps(lines, ensure_ascii=False, indent=1, default=str)
                archive.writestr(f"donnees/{table._meta.table_name}.json", text)
            lost = [row for row in rows[StoredFile] if row.dropped_at is None and not put(archive, row)]
            archive.writestr("resume.html", summary(person, told, lost))
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def put(archive, row):
    """A file as it was sent; False when the store has it no more, or keys do not open it."""
    try:
        with archive.open(f"fichiers/{row.public_id}-{safe(row.unseal('name'))}", "w") as out:
            for piece in storage.pieces(row):
                out.write(piece)
        return True
    except Tampered:
        return False
    except Unavailable as fault:
        if str(fault) not in ("ENOENT", "NoSuchKey", "404"):  # the store itself is away
            raise
        return False


def safe(name):
    """A name of a file that leaves no folder."""
    return "".join(sign if sign.isalnum() or sign in "._- " else "_" for sign in name).lstrip(".")[-100:] or "fichier"


def values(row):
    """{column: what it holds, in clear} of what is not technical."""
    kept = {}
    for name, column in row._meta.fields.items():
        if name in TECHNICAL or name.endswith("_hash") or isinstance(column, KeyField):
            continue
        key = column.object_id_name if isinstance(column, ForeignKeyField) else name
        kept[key] = in_clear(row, name) if isinstance(column, SealedField) else getattr(row, key)
    return kept


def in_clear(row, name):
    """What the vault holds for this very place; JSON as it was before it was sealed."""
    sealed = getattr(row, name)
    if not sealed:
        return None
    try:
        if isinstance(row, ImportRow):
            return [json.loads(line) for line in staging.open_row(row.source, row).split("\n")]
        text = vault.open(sealed, row._meta.table_name, name, row.public_id)
    except Tampered:
        return UNREADABLE
    return json.loads(text) if text[:1] in ("{", "[") else text


def summary(person, told, lost):
    """A page that a person reads, of plain HTML without a script nor a style of elsewhere."""
    parts = [Markup("<h1>Données de {}</h1>").format(person.full_name)]
    where = "Les mêmes données sont dans le dossier « donnees », les pièces dans « fichiers »."
    parts.append(Markup("<p>N° adhérent {}. {}</p>").format(person.member_number, where))
    if lost:
        parts.append(Markup("<p>Fichiers qui ne se lisent plus : {}.</p>").format(len(lost)))
    for table, lines in told.items():
        parts.append(Markup("<h2>{} ({})</h2>").format(HELD[table].label, len(lines)))
        parts.extend(Markup("<dl>{}</dl>").format(Markup("").join(map(entry, line.items()))) for line in lines)
    body = Markup("\n").join(parts)
    title = escape(person.full_name)
    return f'<!doctype html>\n<html lang="fr"><meta charset="utf-8"><title>Données de {title}</title>\n{body}</html>\n'


def entry(pair):
    name, value = pair
    if value in (None, "", [], {}):
        return Markup("")
    said = json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (dict, list)) else value
    return Markup("<dt>{}</dt><dd>{}</dd>").format(name, said)

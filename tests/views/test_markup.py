"""Markup in every column of text stays text, on every page of every profile."""

import json
import re
from html.parser import HTMLParser

import pytest
from peewee import CharField, TextField

from portal import clock
from portal.exchange import staging
from portal.models import (
    TABLES,
    AffiliationImport,
    AnswerDraft,
    AuditEvent,
    Beneficiary,
    Enrolment,
    FileLoad,
    ImportRow,
    MessageThread,
    Movement,
    Selection,
    StoredFile,
    SupportingDocument,
    ThreadMessage,
    ThreadRound,
    User,
    vault,
)
from tests.walking import World

# Words of the portal's own, hashes, identifiers whose form is checked: no markup is ever kept in them.
CODES = {
    "managed_account": "code",
    "company": "code siret",
    "employee_category": "code",
    "plan": "code contract_nature contribution_structure",
    "group_contract": "number billing_frequency coverage_end_rule child_end_rule",
    "beneficiary": "member_number household_number title sex nir_index termination_reason reimbursement_bic "
    "contribution_bic",
    "stored_file": "holder digest mime_type scan",
    "movement": "kind state member_number reason form_key",
    "document": "document_type check_hash fingerprint initials template",
    "user": "identifier title role password_hash appearance",
    "permission_grant": "form_key",
    "affiliation_import": "sha256 state form_key",
    "import_row": "identity verdict action",
    "user_session": "token_hash address challenge",
    "one_time_link": "token_hash",
    "passkey": "credential_id",
    "recovery_code": "code_hash",
    "trusted_device": "token_hash",
    "throttle": "key",
    "notification_choice": "kind delivery",
    "outbox_message": "channel kind object_type object_id recipient state",
    "enrolment": "form_key state step identity number signed_by",
    "guest_link": "purpose token_hash channel code_hash code_channel decision",
    "waiver": "form_key title reason occasion cover state",
    "document_campaign": "document_type form_key",
    "document_request": "document_type origin state",
    "supporting_document": "outcome form_key",
    "reminder": "channel",
    "sending": "document_type state siret form_key",
    "bank_details": "bic",
    "message_thread": "kind nature follow_up state form_key complainant outcome cause",
    "thread_message": "event form_key",
    "thread_round": "outcome cause",
    "unsent_words": "path",
    "contribution_statement": "number called_hash",
    "statement_line": "member_number",
    "payment": "reference payment_method",
    "contribution_tariff": "amount_type pro_rata term",
    "audit_event": "user_role address request_id action object_type object_id previous_hash hash",
    "audit_head": "hash",
    "reading": "endpoint object_type object_id address",
    "publication": "toolbox nature audience form_key",
    "notice": "form_key",
    "calendar_feed": "token_hash",
    "sepa_mandate": "reference scheme state bic creditor_identifier code_hash code_channel form_key",
    "registration": "role state token_hash key_hash siret number_kind number password_hash",
    "debit_batch": "number scheme",
    "direct_debit": "sequence end_to_end reason",
    "configured_value": "name text",
    "file_load": "kind state form_key",
}
# On no page: by what somebody is found, told a browser from another, written to.
ON_NO_PAGE = {
    *("beneficiary.employee_number", "import_row.matricule", "user_session.agent", "waiver.mobile"),
    "sending.document_name",  # of a type that is no longer known: here it is one of ours
}
TYPED = {"rue", "complement", "ville", "n"}  # fields of an enrolment that take any text
NAMES = {"nom", "nomdusage", "prenom"}  # those that take no « < »: one that is wrong shows no last look
NAME = """O'" onerror zq{n} {{{{7*191}}}}"""
LONG = """'"><img zq{n}={n} src=x onerror=zq()>{{{{7*191}}}}<script zq{n}=1>zq()</script>"""
SHORT = """'"><b zq{n}>{{{{7*191}}}}"""
SCHEMES = re.compile(r"(/(?!/)|#|\?|mailto:|tel:|data:image/|https://|$)", re.IGNORECASE)


class Payloads(dict):
    """A text of markup for each column, which tells by its number where it was kept."""

    def __call__(self, name, most=10_000):
        return (LONG if most >= 150 else SHORT).format(n=self.number(name))

    def number(self, name):
        return self.setdefault(name, len(self) + 1)


def columns():
    """Every column of text that is not of CODES: [(table, field)]."""
    for table in TABLES:
        codes = CODES.get(table._meta.table_name, "").split()
        for field in table._meta.sorted_fields:
            if isinstance(field, CharField | TextField) and field.name not in codes:
                yield table, field


def fill(payload):
    """Write markup in every row that is there, sealed words and lists of sentences too."""
    for table, field in columns():
        text = payload(f"{table._meta.table_name}.{field.name}", getattr(field, "max_length", 10_000))
        table.update({field: table._meta.primary_key.cast("TEXT").concat(text)}).execute()  # some stand once
    MessageThread.update(rating=1).execute()
    SupportingDocument.update(outcome="REFUSED").execute()
    free = {field.name for table, field in columns() if table is Beneficiary}
    for row in Movement.select():
        row.before, row.after = (
            {name: payload(f"movement.{which}") if name in free else text for name, text in (values or {}).items()}
            for which, values in (("before", row.before), ("after", row.after))
        )
        row.save()
    for row in StoredFile.select():
        row.seal("name", payload("stored_file.name") + ".pdf")
        row.save()
    for row in Enrolment.select():
        answers = row.unseal()
        for words in answers.values():
            for name in words:
                if name.rpartition("-")[2] in TYPED:
                    words[name] = [payload("enrolment.answers")]
                elif name.rpartition("-")[2] in NAMES:
                    words[name] = [NAME.format(n=payload.number("enrolment.names"))]
        row.seal(answers)
        row.save()
    for row in ImportRow.select(ImportRow, AffiliationImport).join(AffiliationImport):
        cells, values = staging.parsed(staging.open_row(row.source, row))
        text = "\n".join(map(json.dumps, ([payload("import_row.content")] * len(cells), values)))
        sealed = vault.seal(text, "import_row", "content", staging.place(row.source, row.line))
        notes = {kind: dict.fromkeys(said, payload("import_row.notes")) for kind, said in row.notes.items()}
        ImportRow.update(content=sealed, notes=notes).where(ImportRow.id == row.id).execute()
    AffiliationImport.update(unknown_columns=[payload("affiliation_import.unknown_columns")]).execute()
    FileLoad.update(faults=[payload("file_load.faults")]).execute()
    for row in Selection.select().where(Selection.outcome.is_null(False)):
        row.outcome["words"] = payload("selection.outcome")
        row.save()
    for thread in MessageThread.select():
        at, text = clock.now(), payload("thread_round.rating_comment")
        ThreadMessage.create(thread=thread, event="REOPENED", created_at=at)
        ThreadRound.create(thread=thread, ended_at=at, rating=1, rating_comment=text)
        for user in User.select():
            AnswerDraft.keep(thread, user, payload("answer_draft.body"), clock.now())
    event = {"label": payload("audit_event.before")}, {"label": payload("audit_event.after")}
    return AuditEvent.write("user.changed", on=User.get(), before=event[0], after=event[1])


class Reader(HTMLParser):
    """What stands in a page: `marks` that are text, `faults` that became markup or an address."""

    def __init__(self):
        super().__init__()
        self.marks, self.faults = set(), []

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name.startswith("zq"):
                self.faults.append(self.get_starttag_text())
            if name in ("href", "src", "action", "formaction") and not SCHEMES.match(value or ""):
                self.faults.append(self.get_starttag_text())
            self.note(value or "")

    def handle_data(self, data):
        self.note(data)
        if "1337" in data:
            self.faults.append(f"calculated: {data}")

    def note(self, text):
        self.marks |= {int(number) for number in re.findall(r"zq(\d+)", text, re.IGNORECASE)}


def read(answer):
    reader = Reader()
    reader.feed(answer.get_data(as_text=True))
    reader.close()
    return reader


@pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="session")
def test_markup_in_every_column_of_text_stays_text_on_every_page_of_every_profile(app, database):
    world, payload = World(), Payloads()
    world.pages["journal-evenement"] = f"/gestion/journal/{fill(payload).number}"
    marks, faults = set(), []
    for name, _, answer in world.walk(app):
        page = read(answer)
        marks |= page.marks
        faults += [f"{name}: {fault}" for fault in page.faults]
    assert not faults, "\n".join(faults)
    print(f"{len(payload)} columns, {len(world.pages)} pages, 0 read as markup")
    assert {name for name, number in payload.items() if number not in marks} == ON_NO_PAGE

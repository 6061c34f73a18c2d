"""What is held on a person: every table and key is decided, all of it is in the export, and erased it is nowhere."""

import base64
import datetime
import io
import json
import subprocess
import zipfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from peewee import ForeignKeyField

from portal import clock, database, outbox, privacy, proofs, snapshots, storage
from portal.models import (
    TABLES,
    AuditEvent,
    Beneficiary,
    BeneficiaryRole,
    DocumentRequest,
    IndividualProduct,
    MessageThread,
    Movement,
    Selection,
    StatementLine,
    StoredFile,
    SupportingDocument,
    ThreadFile,
    ThreadMessage,
    UnsentWords,
    db,
    message_words,
)
from portal.privacy import HELD, LEFT, NOT_HELD
from portal.rules import proofs as rules
from tests import factories

NIR = "294063947803145"
IBAN = "FR7630006000011234567890189"
NAME, FIRST, MAIL, MOBILE = "Xylandre", "Quiterie", "quiterie.xylandre@exemple.fr", "+33612349876"
LETTER = b"%PDF-1.4 le certificat de Quiterie Xylandre %%EOF"


def undecided(tables, held, left, not_held):
    """What nobody decided: a table in neither list, a key to rows that tell of a person that is not followed."""
    for table in tables:
        name = table._meta.table_name
        if (table in held) == (name in not_held):
            yield name
        for key, column in table._meta.fields.items():
            if isinstance(column, ForeignKeyField) and column.rel_model in held:
                followed = table in held and key in held[table].by
                if followed == (f"{name}.{key}" in left):
                    yield f"{name}.{key}"


def test_every_table_and_every_key_to_a_person_is_exported_or_left_for_a_reason(figure):
    assert not list(undecided(TABLES, HELD, LEFT, NOT_HELD)), "portal/privacy.py says what is held on a person"
    known = {table._meta.table_name for table in TABLES}
    assert set(NOT_HELD) <= known and all(LEFT.values()) and all(NOT_HELD.values())
    assert {name.partition(".")[0] for name in LEFT} <= known
    figure("PRI-1", len(TABLES), "tables, each decided")


def test_a_table_or_a_key_without_a_decision_is_found():
    held = {table: how for table, how in HELD.items() if table is not StatementLine}
    assert "statement_line" in list(undecided(TABLES, held, LEFT, NOT_HELD))
    left = {name: why for name, why in LEFT.items() if name != "movement.cause"}
    assert list(undecided(TABLES, HELD, left, NOT_HELD)) == ["movement.cause"]


def test_a_table_comes_after_those_that_lead_to_it():
    order = list(HELD)
    for table, how in HELD.items():
        for key in how.by:
            assert order.index(table._meta.fields[key].rel_model) < order.index(table), (table, key)


@pytest.fixture
def person(hr):
    """One of whom something is in every room, with somebody of whom nothing must be told."""
    contract = hr.contracts().first()
    one = factories.beneficiary(contract, NAME, FIRST, NIR, email=MAIL, mobile=MOBILE)
    one.seal("reimbursement_iban", IBAN)
    one.save()
    IndividualProduct.create(beneficiary=one, plan=contract.plan)
    movement = Movement.create(
        category=one.category, beneficiary=one, kind="NAME", label=one.full_name, state="PROCESSED"
    )
    movement.after = {"used_name": NAME}
    movement.seal({"nir": NIR})
    movement.save()
    row = proofs.ask(one, rules.HOME_ADDRESS, "2026", proofs.INSURER, clock.now())
    SupportingDocument.create(request=row, file=kept(LETTER, f"{NAME}.pdf"))
    factories.message(about=row, to=MAIL, told=f"Bonjour {FIRST}")
    thread = factories.thread(hr, body=f"La carte de {FIRST} {NAME} ?")
    MessageThread.update(beneficiary=one, subject=f"Carte de {NAME}").where(MessageThread.id == thread.id).execute()
    ThreadFile.create(message=ThreadMessage.get(ThreadMessage.thread == thread), file=kept(LETTER + b"2", "carte.pdf"))
    factories.lines(factories.statement(one.contract), [one])
    factories.waiver(one.category, last_name=NAME, first_name=FIRST, birth_date=one.birth_date, email=MAIL)
    Selection.create(user_id=hr.id, people=[str(one.public_id)])
    UnsentWords.keep(hr, f"/salaries/{one.public_id}/nom", {"nom": [NAME]}, clock.now())
    AuditEvent.write("nir.reveal", on=one, account=one.account_id, by=hr)
    return one


def kept(content, name):
    row = storage.file_away(io.BytesIO(content), name, "application/pdf", account=None)
    with db.atomic():
        row.attach()
    return row


def archive_of(person):
    with privacy.export(person) as file, zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_archive_tells_all_of_the_person_and_nothing_of_others(person):
    other = factories.beneficiary(person.contract, "Zorbignac", "Anatole")
    factories.lines(factories.statement(person.contract, months_ago=3), [other])
    pieces = archive_of(person)
    tables = {name: json.loads(text) for name, text in pieces.items() if name.startswith("donnees/")}
    assert len(tables) == len(HELD)
    for name in (
        *("beneficiary", "individual_product", "movement", "document_request", "supporting_document"),
        *("message_thread", "thread_message", "thread_file", "statement_line", "waiver", "outbox_message"),
        *("stored_file", "unsent_words", "selection", "audit_event"),
    ):
        assert tables[f"donnees/{name}.json"], name
    (told,) = tables["donnees/beneficiary.json"]
    assert (told["nir"], told["reimbursement_iban"], told["email"]) == (NIR, IBAN, MAIL)
    assert "nir_index" not in told and "search_key" not in told
    assert {LETTER, LETTER + b"2"} <= set(pieces.values())
    whole = b"".join(pieces.values()).decode(errors="replace")
    assert "Zorbignac" not in whole and f"Bonjour {FIRST}" in whole
    page = pieces["resume.html"].decode()
    assert f"<h1>Données de {FIRST} {NAME.upper()}</h1>" in page and NIR in page


def test_what_is_typed_stays_words_in_the_summary(person):
    Beneficiary.update(city="<script>alert(1)</script>").where(Beneficiary.id == person.id).execute()
    (read,) = Beneficiary.select().where(Beneficiary.id == person.id)
    assert b"<script>" not in archive_of(read)["resume.html"]


def test_a_file_that_the_store_lost_is_said_and_stops_nothing(person):
    row = SupportingDocument.select().join(DocumentRequest).where(DocumentRequest.beneficiary == person).get().file
    storage.store.place.delete(row.digest)
    assert "Fichiers qui ne se lisent plus : 1." in archive_of(person)["resume.html"].decode().replace("\u00a0", " ")


def test_a_person_is_found_by_the_id_of_the_file_or_by_the_nir(person):
    assert [one.id for one in privacy.found(str(person.public_id))] == [person.id]
    assert [one.id for one in privacy.found("2 94 06 39 478 031 45\n")] == [person.id]
    assert not privacy.found("184127645108946") and not privacy.found("")


# ── Erased ───────────────────────────────────────────────────────────────────────────────────────────────────────

CANARIES = {
    *(NAME.lower(), FIRST.lower(), MAIL, MOBILE, NIR, IBAN.lower(), "le certificat de"),
    *(NIR.encode().hex(), base64.b64encode(NIR.encode()).decode().lower()),
    *(NAME.encode().hex(), base64.b64encode(NAME.encode()).decode().lower()),
}


@pytest.fixture
def over(person):
    """The same, three years after the end of the cover, of which no statement is young enough to be kept."""
    left = clock.today() - datetime.timedelta(days=1_100)
    Beneficiary.update(effective_on=left, terminated_on=left).where(Beneficiary.id == person.id).execute()
    then = clock.today() - datetime.timedelta(days=4_000)
    StatementLine.update(starts_on=then, ends_on=then).execute()
    return Beneficiary.get_by_id(person.id)


def raw(app, tmp_path):
    """All the bytes that are on the disk: base, log, files, messages; of PostgreSQL, what it dumps."""
    if database.is_sqlite(db):
        base = snapshots.path_of_sqlite()
        pieces = [path.read_bytes() for path in base.parent.glob(f"{base.name}*")]
    else:
        with snapshots.run("pg_dump", "--inserts", "--enable-row-security", stdout=subprocess.PIPE) as dump:
            pieces = [dump.stdout.read()]
    folders = {unquote(urlsplit(url).path) for url in (app.settings.storage_url, app.settings.smtp_url)}
    for folder in {*folders, tmp_path}:
        pieces += [path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()]
    return b"\n".join(pieces).decode("latin-1").lower()


def met(text):
    return sorted(word for word in CANARIES if word in text)


def test_nothing_of_who_was_erased_is_left_in_a_raw_file(app, over, hr, tmp_path):
    outbox.send_due(app.settings, clock.now())
    factories.message(about=over, to=MAIL, told=f"Bonjour {FIRST}")
    assert {NAME.lower(), FIRST.lower(), MAIL, MOBILE} <= set(met(raw(app, tmp_path))), "a test that cannot fail"
    events = AuditEvent.select().count()
    said = run(app, "person", "erase", over.public_id)
    assert "Effacé : 1 personne" in said and NAME not in said
    db.connect(reuse_if_open=True)
    assert not met(raw(app, tmp_path))
    assert not list(AuditEvent.faults()) and AuditEvent.select().count() == events + 1
    assert not privacy.found(str(over.public_id)) and not Beneficiary.select().where(Beneficiary.id == over.id)
    assert not StoredFile.held().exists()
    assert MessageThread.get().subject == ThreadMessage.get().body == "(effacé)"
    assert not list(MessageThread.select().where(MessageThread.id.in_(message_words.matching(db, NAME))))
    assert [line.label for line in StatementLine.select()] == ["Personne effacée"]
    assert "Tout est en ordre." in run(app, "verify")


def test_what_the_law_keeps_stays_and_is_said(app, over):
    StatementLine.update(ends_on=clock.today()).execute()
    said = run(app, "person", "erase", "-", "--dry-run", typed=f"{NIR}\n")
    assert "Lignes de bordereaux : 1 à garder (comptes : dix ans" in said and "rien n’a été effacé" in said
    db.connect(reuse_if_open=True)
    assert Beneficiary.get_by_id(over.id).nir
    run(app, "person", "erase", over.public_id)
    db.connect(reuse_if_open=True)
    line = StatementLine.get()
    assert (line.beneficiary_id, NAME.upper() in line.label.upper()) == (None, True)


@pytest.mark.parametrize(
    ("days", "option", "sentence"),
    [(None, "--ordered", "encore couverte"), (-9, "--ordered", "encore couverte"), (300, "", "--ordered")],
)
def test_nobody_is_erased_who_is_covered_or_whose_time_is_not_over(app, over, days, option, sentence):
    left = days and clock.today() - datetime.timedelta(days=days)
    Beneficiary.update(terminated_on=left).where(Beneficiary.id == over.id).execute()
    assert sentence in run(app, "person", "erase", over.public_id, *filter(None, [option]), fails=True)


def test_an_order_erases_before_the_term_but_not_what_waits_for_a_delivery(app, over):
    left = clock.today() - datetime.timedelta(days=300)
    Beneficiary.update(terminated_on=left).where(Beneficiary.id == over.id).execute()
    Movement.update(state="RECORDED").execute()
    assert "hand-over" in run(app, "person", "erase", over.public_id, "--ordered", fails=True)
    db.connect(reuse_if_open=True)
    Movement.update(state="PROCESSED").execute()
    run(app, "person", "erase", over.public_id, "--ordered")


def test_the_household_goes_with_the_employee_and_a_child_alone(app, over):
    home = {"household_number": over.household_number, "terminated_on": over.terminated_on}
    for name in ("Un", "Deux"):
        factories.beneficiary(over.contract, NAME, name, role=BeneficiaryRole.CHILD, **home)
    child = Beneficiary.get(Beneficiary.first_name == "Un")
    assert "1 personne" in run(app, "person", "erase", child.public_id)
    assert "2 personnes" in run(app, "person", "erase", over.public_id)
    db.connect(reuse_if_open=True)
    assert not Beneficiary.select().where(Beneficiary.household_number == over.household_number).exists()


# ── By command ───────────────────────────────────────────────────────────────────────────────────────────────────


def run(app, *command, typed="", fails=False):
    result = app.test_cli_runner().invoke(args=[str(word) for word in command], input=typed)
    assert isinstance(result.exception, SystemExit | None), result.exception
    assert (result.exit_code == 1) == fails, result.output
    return result.output.replace("\u00a0", " ")


def test_the_command_writes_an_archive_that_its_user_alone_reads(app, person, tmp_path):
    path = tmp_path / "une.zip"
    assert NIR not in run(app, "person", "export", "-", "--out", path, typed=f"{NIR}\n")
    assert path.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(path) as archive:
        assert NIR in archive.read("donnees/beneficiary.json").decode()
    db.connect(reuse_if_open=True)
    event = AuditEvent.select().order_by(AuditEvent.number.desc()).get()
    assert (event.action, event.object_id) == ("person.export", str(person.public_id))
    assert "existe déjà" in run(app, "person", "export", person.public_id, "--out", path, fails=True)


@pytest.mark.parametrize("who", [NIR, "n-importe-quoi", "00000000-0000-4000-8000-000000000001"])
def test_a_nir_as_an_argument_and_an_unknown_id_are_refused(app, person, tmp_path, who):
    said = run(app, "person", "export", who, "--out", tmp_path / "une.zip", fails=True)
    assert NIR not in said and not (tmp_path / "une.zip").exists()

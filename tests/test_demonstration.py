"""The demonstration: its sign-ins, its figures, the same data for the same seed, and no secret in clear."""

import pytest

from portal import (
    arrears,
    campaigns,
    clock,
    contributions,
    credentials,
    demonstration,
    enrolments,
    guests,
    printing,
    proofs,
    rejecting,
    statements,
    storage,
)
from portal.formats import date_fr, euros
from portal.models import (
    TABLES,
    AffiliationImport,
    AuditEvent,
    BankDetails,
    Beneficiary,
    Company,
    ContributionStatement,
    DebitBatch,
    DocumentCampaign,
    DocumentRequest,
    EmployeeCategory,
    Enrolment,
    FileLoad,
    FormalNotice,
    GroupContract,
    GuestLink,
    GuestPurpose,
    ImportRow,
    ImportState,
    IndividualProduct,
    MessageThread,
    MovementState,
    OutboxMessage,
    Payment,
    Registration,
    Reminder,
    RequestState,
    SealedField,
    Sending,
    SendingState,
    StatementLine,
    SupportingDocument,
    ThreadMessage,
    User,
    Waiver,
)
from portal.rules import identifiers, waivers

SECRET = {"nir", "nir_index", "reimbursement_iban", "contribution_iban", "password_hash", "created_at", "at", "hash"}
SECRET |= {"answers", "content", "identity", "context", "token_hash", "digest"}


@pytest.fixture
def loaded(app, database):
    list(demonstration.load(app.settings))
    return {user.identifier.partition("@")[0]: user for user in User.select()}


def test_each_sign_in_has_its_share(app, loaded):
    signing_in = {"rh", "multi", "autre", "courtier", "sante", "gestion", "admin"}
    assert set(loaded) >= signing_in
    assert all(credentials.verify(loaded[name], app.settings.demo_password) for name in signing_in)
    rh, multi, other, broker = (loaded[name] for name in ("rh", "multi", "autre", "courtier"))
    assert rh.beneficiaries().count() == 67
    assert rh.beneficiaries().where(Beneficiary.role == 0).count() == 38
    assert (rh.accounts().count(), rh.companies().count(), rh.categories().count()) == (1, 2, 3)
    assert multi.accounts().count() == 105
    requests = multi.threads().where(MessageThread.kind == "REQUEST")
    assert (requests.count(), multi.unread_threads().count()) == (13, 2)
    assert requests.where(MessageThread.state == "IN_PROGRESS").count() == 2
    assert broker.accounts().count() == 12
    theirs = {account.id for account in other.accounts()}
    assert len(theirs) == 1
    assert not any(theirs & {account.id for account in user.accounts()} for user in (rh, multi, broker))
    assert loaded["sante"].beneficiaries().count() == 0
    assert loaded["gestion"].accounts().count() == 106


def test_nobody_of_the_guide_s_account_has_left(loaded):
    assert loaded["rh"].beneficiaries().where(Beneficiary.active_on(clock.today())).count() == 67


def test_sealed_values_open_and_are_valid_and_stand_nowhere_in_clear(loaded, app, database, figure):
    found = []
    for person in Beneficiary.select().where(Beneficiary.nir.is_null(False)).limit(1000):
        number = identifiers.nir(person.unseal("nir"))
        assert identifiers.nir_warnings(number, person.birth_date, person.sex) == []
        found.append(number)
        for column in ("reimbursement_iban", "contribution_iban"):
            if getattr(person, column):
                found.append(identifiers.iban(person.unseal(column)))
    raw = dump(database)
    assert len(found) > 1000
    assert b"Benali" in raw
    for number in found:
        assert number.encode() not in raw
        assert number[:13].encode() not in raw
    figure("SEC-1", len(found), "sealed values sought in the raw database, none found")


def dump(database):
    """Every byte of every table, as someone who took the file would read it."""
    from portal import database as databases

    if databases.is_sqlite(database):
        database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        with open(databases.real(database).database, "rb") as file:
            return file.read()
    rows = (database.execute_sql(f'SELECT t::text FROM "{t._meta.table_name}" t').fetchall() for t in TABLES)
    return "\n".join(row for table in rows for (row,) in table).encode()


def everything():
    """All rows of all tables, but what is sealed, hashed or dated by the clock."""
    for table in TABLES:
        fields = table._meta.fields.items()
        columns = [
            field
            for name, field in fields
            if not (name in SECRET | {"previous_hash"} or isinstance(field, SealedField))
        ]
        yield from table.select(*columns).order_by(table._meta.primary_key).tuples()


def test_the_same_seed_gives_the_same_data_and_another_gives_other(app, database, monkeypatch):
    monkeypatch.setattr(demonstration, "MANAGED", 15)
    seen = []
    for seed in (1, 1, 2):
        with database.atomic() as transaction:
            list(demonstration.load(app.settings, seed=seed))
            seen.append(list(map(str, everything())))
            transaction.rollback()
    assert strip_ids(seen[0]) == strip_ids(seen[1])
    assert strip_ids(seen[0]) != strip_ids(seen[2])


def strip_ids(rows):
    """Sequences of PostgreSQL do not go back: what is compared is all but the numbers they draw."""
    import re

    return [re.sub(r"(?<![\w'-])\d+(?![\w'-])", "#", row) for row in rows]


def test_scale_multiplies(app, database, monkeypatch):
    monkeypatch.setattr(demonstration, "MANAGED", 15)
    list(demonstration.load(app.settings, scale=2))
    assert User.known("multi@demo.example").accounts().count() == 30
    assert IndividualProduct.select().count() > 0


def test_the_command_fills_an_empty_base_once(app, database, monkeypatch):
    monkeypatch.setattr(demonstration, "MANAGED", 15)
    runner = app.test_cli_runner()
    assert "bénéficiaires" in runner.invoke(args=["demo", "load"]).output
    again = runner.invoke(args=["demo", "load"])
    assert again.exit_code == 1
    assert "déjà" in again.output
    assert "rh@demo.example" in runner.invoke(args=["demo", "sign-ins"]).output


def test_seeds_give_identifiers_that_are_valid_and_stand_once(app, database, monkeypatch):
    monkeypatch.setattr(demonstration, "MANAGED", 15)
    for seed in (3, 4):
        with database.atomic() as transaction:
            list(demonstration.load(app.settings, seed=seed))
            sirets = [identifiers.siret(siret) for (siret,) in Company.select(Company.siret).tuples()]
            people = list(Beneficiary.select().where(Beneficiary.nir.is_null(False)))
            nirs = [identifiers.nir(person.unseal("nir")) for person in people]
            transaction.rollback()
        assert len(set(sirets)) == len(sirets)
        assert len(set(nirs)) == len(nirs)


def test_cover_starts_after_birth_and_subscription_and_ends_after_it_started(loaded):
    wrong = (
        (Beneficiary.effective_on > Beneficiary.terminated_on)
        | (Beneficiary.effective_on < Beneficiary.birth_date)
        | (Beneficiary.effective_on < GroupContract.subscribed_on)
    )
    assert Beneficiary.select().join(GroupContract).where(wrong).count() == 0
    empty = EmployeeCategory.id.not_in(Beneficiary.select(Beneficiary.category))
    assert EmployeeCategory.select().where(empty).count() == 0


def test_enrolments_are_begun_sent_and_awaited(loaded):
    rh = loaded["rh"]
    states = sorted((row.state, row.step) for row in rh.enrolments())
    assert states == [
        *(("DRAFT", "conjoint"), ("DRAFT", "coordonnees"), ("DRAFT", "salarie")),
        *[("SUBMITTED", "verification")] * 2,
        ("WITH_EMPLOYEE", "comptes"),
    ]
    for row in Enrolment.whole(rh.enrolments()):
        home = enrolments.household_of(row)
        assert [home.errors(step) for step in row.saved] == [{}] * len(row.saved)
    assert [row.spouse_awaited for row in rh.enrolments().where(Enrolment.number.is_null(False))] == [False, True]


def test_two_or_three_of_the_guide_s_account_leave_soon(loaded):
    assert loaded["rh"].beneficiaries().where(Beneficiary.terminated_on.is_null(False)).count() in (2, 3)


def test_a_file_is_done_and_another_waits_with_errors(loaded):
    done, waiting = loaded["rh"].imports().order_by(AffiliationImport.created_at)
    assert (done.state, waiting.state) == (ImportState.DONE, ImportState.CHECKED)
    became = {row.movement.state for row in done.rows}
    assert became == {MovementState.PROCESSED, MovementState.HANDED_OVER}
    verdicts = [row.verdict for row in waiting.rows.order_by(ImportRow.line)]
    assert verdicts == ["CREATE", "CREATE", "ERROR", "ERROR", "ERROR", "CREATE", "WARNING", "UPDATE"]


def test_a_campaign_was_announced_and_reminders_were_delivered(app, loaded):
    campaign = DocumentCampaign.get()
    assert campaign.announced_at
    assert campaign.asked == DocumentRequest.select().where(DocumentRequest.campaign == campaign.label).count() > 0
    assert campaigns.counted([campaign])[0].open > 0
    sent = list(Reminder.select())
    became = {(bool(one.author_id), one.message.state) for one in sent}
    assert became == {(True, "SENT"), (False, "SENT"), (False, "FAILED")}
    assert OutboxMessage.select().where(OutboxMessage.can_be_sent_again()).get().unseal()["text"]
    assert all(one.request.reminded_at == one.created_at and one.link_id for one in sent)
    proofs.each_day(app.settings, clock.now())  # tells the same people nothing twice
    assert DocumentCampaign.select().count() == 1


def test_the_staff_have_a_document_to_examine_and_it_opens(loaded):
    waiting = loaded["gestion"].document_requests().where(DocumentRequest.state == RequestState.RECEIVED).get()
    (document,) = waiting.received()
    assert storage.content(document.file).startswith(b"\x89PNG")
    assert {one.outcome for one in SupportingDocument.select()} == {"", "ACCEPTED", "REFUSED"}


def test_documents_are_in_each_state_and_open_and_a_bank_account_awaits_the_mutual(loaded):
    rows = Sending.with_files(loaded["rh"].sendings())
    assert {row.state for row in rows} == set(SendingState)
    kept = [one.file for row in rows for one in row.kept]
    assert len(kept) == len(rows) - 1
    assert all(storage.content(file) for file in kept)
    in_force, asked = loaded["rh"].bank_details().order_by(BankDetails.id)
    assert (bool(in_force.since), asked.since, in_force.company_id) == (True, None, asked.company_id)
    assert identifiers.iban(asked.unseal()) != identifiers.iban(in_force.unseal())
    assert {row.hand_over_id is None for row in rows if row.state == "ACCEPTED"} == {False}


def test_a_waiver_that_no_document_proves_has_no_day_when_one_came(loaded):
    without = [code for code, case in waivers.CASES.items() if case.proof is None]
    found = list(Waiver.select().where(Waiver.reason.in_(without)))
    assert found and not [row for row in found if row.proved_on]


def test_an_enrolment_is_in_its_employee_s_hands(loaded):
    link = GuestLink.get(GuestLink.purpose == GuestPurpose.ENROL)
    assert (link.enrolment.state, bool(link.opened_at)) == ("WITH_EMPLOYEE", True)
    assert OutboxMessage.about(link).get().state == "SENT"
    born = link.enrolment.unseal()["salarie"]["datedenaissance"][0]
    assert f"{guests.born_on(link):%d/%m/%Y}" == born


def test_movements_are_in_each_state(loaded):
    states = {movement.state for movement in loaded["rh"].movements()}
    assert states == set(MovementState)


def test_a_contract_in_arrears_was_given_formal_notice_and_its_letter_says_what_is_owed(app, loaded):
    notice = FormalNotice.get()
    today = clock.today()
    contract = GroupContract.get_by_id(notice.contract_id)
    owed = arrears.of_contract(contract, ContributionStatement.select(), today)
    assert owed.notice == notice and owed.count >= 1
    assert owed.steps.notice_from <= notice.given_on < today
    words = notice.document.unseal()
    assert (words["contract"], words["due_on"]) == (contract.number, date_fr(notice.oldest_due_on))


def test_nobody_leaves_arrears_older_than_these_last_months_and_the_oldest_was_given_notice(loaded):
    today, row = clock.today(), ContributionStatement
    late = [one for one in row.select().where(row.total > row.settled) if one.state(today) == "LATE"]
    assert len(late) >= 3
    assert max((today - one.due_on).days for one in late) <= 100
    ours = {contract.id for contract in loaded["rh"].contracts()}
    owed = arrears.read(list(arrears.late(row.select(), today).tuples()))
    oldest, *others = [one for one in owed if one.contract.id not in ours]
    assert oldest.notice == FormalNotice.get()
    assert all((today - one.due_on).days <= 60 for one in others)


def test_the_mutual_says_something_to_all_and_to_one_account(loaded):
    assert {one.title for one in loaded["rh"].notices()} == {
        "Nouvelles cartes de tiers payant",
        "Votre conseillère change",
    }
    assert [one.title for one in loaded["autre"].notices()] == ["Nouvelles cartes de tiers payant"]
    assert loaded["gestion"].all_notices().count() == 4
    asked = [(row.state, len(row.kept)) for row in loaded["gestion"].registrations().order_by(Registration.sent_at)]
    assert asked == [("REFUSED", 1), ("INCOMPLETE", 1), ("RECEIVED", 1), ("RECEIVED", 1), ("RECEIVED", 1)]


def test_everybody_who_works_here_was_seen_and_files_were_loaded(loaded):
    seen = AuditEvent.last_of([user.id for user in loaded.values()])
    assert seen.keys() >= {loaded[name].id for name in demonstration.PEOPLE}
    assert loaded["paie"].id not in seen
    assert max(seen.values()) < clock.now()
    events = [event.at for event in AuditEvent.select().order_by(AuditEvent.number)]
    assert events == sorted(events)
    assert {load.state for load in FileLoad.select()} == {"DONE", "FAILED"}
    assert all(load.created + load.updated + load.unchanged == load.done for load in FileLoad.select())


def test_a_statement_is_to_be_paid_by_transfer_whatever_the_day(app, loaded):
    due = [row for row in open_statements(loaded["rh"]) if row.contract.payment_method == "Virement"]
    assert len(due) == 1
    payee = statements.to_transfer(due[0], app.settings.payee, False, clock.today())
    assert (payee["reference"], payee["cents"]) == (due[0].number, due[0].total)
    words = statements.words(due[0], app.settings.payee, clock.now())
    assert "<svg" in str(printing.html("contribution_statement", title="", code="", **words))


def open_statements(user):
    rows = ContributionStatement.whole(user.statements())
    return list(rows.where(rows.model.issued_on <= clock.today(), rows.model.total > rows.model.settled))


def test_a_file_of_debits_is_what_the_bank_takes_and_one_came_back_with_what_it_had_paid(app, loaded):
    batch = DebitBatch.get()
    debits = list(batch.debits)
    assert batch.count == len(debits) > 5
    assert batch.total == sum(one.amount for one in debits)
    assert batch.unseal().count("<DrctDbtTxInf>") == batch.count
    assert "pain.008.001.08" in batch.unseal()
    (told,) = rejecting.unpaid(loaded["rh"].statements())
    assert told.why == "la provision du compte était insuffisante"
    (back,) = loaded["rh"].payments().where(Payment.amount < 0)
    assert (back.undoes.amount, back.contract_id) == (-back.amount, told.statement.contract_id)
    late = [row.number for row in open_statements(loaded["rh"]) if row.state(clock.today()) == "LATE"]
    assert told.statement.number in late
    assert batch.created_at.date() < batch.collected_on < back.paid_on <= clock.today()
    contributions.settle_contracts([back.contract_id])  # says nothing else
    assert loaded["rh"].payments().where(Payment.amount < 0).count() == 1


def test_a_line_that_mends_the_statement_before_is_told_and_disputed(loaded):
    line = StatementLine.get(StatementLine.is_correction)
    changes = statements.Changes(line.statement)
    told = {one.member: (one.kind, why) for one, _, why in changes.rows}
    kind, why = told[line.member_number]
    assert kind == "IN"
    assert why.startswith("entrée le ")
    assert why.endswith(f"dont régularisation\u00a0: {euros(line.total)}")
    assert changes.amount == sum(one.amount for one, _, _ in changes.rows)
    thread = MessageThread.get(MessageThread.beneficiary == line.beneficiary_id)
    assert (thread.subject, thread.state) == (statements.disputed(line)["detail"], "IN_PROGRESS")
    assert thread in loaded["rh"].threads()
    said = ThreadMessage.select().where(ThreadMessage.thread == thread).order_by(ThreadMessage.id)
    assert [message.by_staff for message in said if not message.event] == [False, True]

"""What must hold: `verify` says so when it does, and names what does not, whatever the fault."""

import datetime
import os

import pytest

from portal import audit_heads, clock, storage
from portal import database as databases
from portal.models import (
    AuditEvent,
    Beneficiary,
    ContributionStatement,
    DebitBatch,
    DirectDebit,
    GroupContract,
    Payment,
    PaymentAllocation,
    SepaMandate,
    StatementLine,
    StoredFile,
    db,
)
from tests import factories
from tests.test_backups import NIR, portal, run  # noqa: F401  a fixture

pytestmark = pytest.mark.superuser
DAY = datetime.timedelta(days=1)


@pytest.fixture
def debits(portal, hr):  # noqa: F811
    """A file of direct debits with its one line."""
    company, statement = hr.companies().first(), ContributionStatement.get()
    batch = DebitBatch(number="P1", scheme="CORE", collected_on=clock.today(), count=1, total=7, created_at=clock.now())
    batch.seal("<xml/>")
    batch.save(force_insert=True)
    mandate = factories.mandate(company, hr)
    DirectDebit.create(batch=batch, statement=statement, mandate=mandate, amount=7, sequence="RCUR", end_to_end="E1")
    for _ in range(2):
        AuditEvent.write("test.write")
    return batch


def test_a_portal_that_was_used_is_in_order(portal, debits):  # noqa: F811
    said = run(portal, "verify")
    assert said.count("en ordre.") == 10 and "faute" not in said


def unchecked(statement, *values):
    """What somebody who is in the database itself may do."""
    if databases.is_sqlite(db):
        db.execute_sql("PRAGMA foreign_keys = 0")
        db.execute_sql(statement.replace("%s", "?"), values)
        db.execute_sql("PRAGMA foreign_keys = 1")
        return
    with db.atomic():
        db.execute_sql("SET LOCAL session_replication_role = replica")
        db.execute_sql(statement, values)


def spoil_an_index():
    """Of SQLite, bytes of its file; of PostgreSQL, what its catalogue says."""
    if not databases.is_sqlite(db):
        db.execute_sql("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'payment_reference'::regclass")
        return
    (page,) = db.execute_sql("SELECT rootpage FROM sqlite_master WHERE name = 'payment_reference'").fetchone()
    (size,) = db.execute_sql("PRAGMA page_size").fetchone()
    db.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    path = databases.real(db).database
    db.close_all()
    with open(path, "r+b") as file:
        file.seek(page * size - 20)
        file.write(b"x" * 20)


def drop_an_index():
    db.execute_sql("DROP INDEX payment_reference")


def lose_a_parent():
    unchecked("UPDATE payment SET contract_id = 987654")


def change_the_trail():
    unchecked_trail("UPDATE audit_event SET action = 'test.other' WHERE number = 1")


def unchecked_trail(statement):
    if databases.is_sqlite(db):
        for verb in ("update", "delete"):
            db.execute_sql(f"DROP TRIGGER IF EXISTS audit_event_no_{verb}")
    unchecked(statement)


def cut_the_trail():
    """Its end, and the head too: the trail itself has nothing to say."""
    last = AuditEvent.select().order_by(AuditEvent.number.desc()).get()
    unchecked_trail(f"DELETE FROM audit_event WHERE number = {last.number}")
    unchecked(f"UPDATE audit_head SET number = {last.number - 1}, hash = '{last.previous_hash}'")
    assert not list(AuditEvent.faults())


def open_twice():
    person = Beneficiary.get(Beneficiary.nir.is_null(False))
    twin = {"household_number": "other", "role": person.role}
    factories.beneficiary(GroupContract.get_by_id(person.contract_id), "Durand", "Zoé", nir=NIR, **twin)


def open_twice_without_a_number():
    person = Beneficiary.get(Beneficiary.nir.is_null())
    contract = GroupContract.get_by_id(person.contract_id)
    same = {"household_number": person.household_number, "birth_date": person.birth_date, "role": person.role}
    factories.beneficiary(contract, person.birth_name, person.first_name, **same)


def move_a_sealed_value():
    mandate = SepaMandate.get()
    sealed = Beneficiary.get(Beneficiary.nir.is_null(False)).nir
    SepaMandate.update(iban=sealed).where(SepaMandate.id == mandate.id).execute()


def overpay():
    payment = Payment.select().order_by(Payment.id).first()
    Payment.update(amount=1).where(Payment.id == payment.id).execute()


def settle_too_much():
    late = ContributionStatement.get(ContributionStatement.settled == 0, ContributionStatement.total > 0)
    PaymentAllocation.create(statement=late, payment=None, amount=late.total + 1)
    ContributionStatement.update(settled=late.total + 1).where(ContributionStatement.id == late.id).execute()


def lose_a_file():
    storage.store.place.delete(StoredFile.get().digest)


def spoil_a_file():
    storage.store.place.put(StoredFile.get().digest, [b"\x01" + b"x" * 100])


def leave_a_file():
    storage.store.place.put("ab" * 32, [b"x"])
    old = (clock.now() - 3 * DAY).timestamp()
    os.utime(storage.store.place.file("ab" * 32), (old, old))


FAULTS = {
    "an index that is spoilt": (spoil_an_index, "  – "),
    "an index less": (drop_an_index, "payment_reference : les modèles disent"),
    "parent": (lose_a_parent, "payment.contract_id : 2 fois"),
    "trail": (change_the_trail, "L’événement n° 1 a été modifié"),
    "end of the trail": (cut_the_trail, "Le journal a été coupé"),
    "lines": (lambda: StatementLine.update(employer=1).execute(), "ses lignes ne font pas son total"),
    "settled": (lambda: ContributionStatement.update(settled=3).execute(), "n’est pas la somme de ses règlements"),
    "over its total": (settle_too_much, "réglé au-delà de son total"),
    "payment": (overpay, "il règle plus que son montant"),
    "given back": (lambda: Payment.update(given_back=10**9).execute(), "il règle plus que son montant"),
    "debits": (lambda: DirectDebit.update(amount=8).execute(), "Prélèvements P1"),
    "twice": (open_twice, "2 affiliations ouvertes"),
    "twice without a NIR": (open_twice_without_a_number, "2 affiliations ouvertes"),
    "sealed": (move_a_sealed_value, "sepa_mandate.iban"),
    "index": (lambda: Beneficiary.update(nir_index="0" * 32).execute(), "son NIR ne se retrouve pas"),
    "no file": (lose_a_file, "manque."),
    "another file": (spoil_a_file, "ne s’ouvre pas"),
    "a file too many": (leave_a_file, "n’a pas de ligne"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_named(portal, debits, fault):  # noqa: F811
    plant, said = FAULTS[fault]
    audit_heads.note(portal.settings, clock.now())
    plant()
    output = run(portal, "verify", fails=True)
    assert said in output
    assert fault != "an index that is spoilt" or "– SQLite : " in output or "– PostgreSQL : " in output
    assert NIR not in output and "Durand" not in output

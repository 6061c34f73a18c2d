"""What must hold at any instant, after any crash and any restoration: each is a name and the faults that were found.

A fault is one French sentence, with ids and no personal data; an invariant without a fault holds.
"""

from peewee import JOIN, ForeignKeyField, fn

from portal import audit_heads, clock, database, storage
from portal.exchange import staging
from portal.models import (
    TABLES,
    AffiliationImport,
    AuditEvent,
    Beneficiary,
    ContributionStatement,
    DebitBatch,
    DirectDebit,
    ImportRow,
    Payment,
    PaymentAllocation,
    SealedField,
    StatementLine,
    db,
    vault,
)
from portal.vault import Tampered


def all_of(settings):
    """(name, faults) of each invariant: faults come as they are found."""
    yield "Structure de la base", structure_faults()
    yield "Liens entre les lignes", link_faults()
    yield "Journal d’audit", AuditEvent.faults()
    yield "Journal d’audit, comparé à ce qui est noté au-dehors", audit_heads.faults(settings)
    yield "Sommes d’argent", money_faults()
    yield "Affiliations en double", twice_faults()
    yield "Valeurs chiffrées", sealed_faults()
    yield "Recherche par NIR", index_faults()
    yield "Fichiers", file_faults()


# ── The base itself ──────────────────────────────────────────────────────────────────────────────────────────────


def structure_faults():
    yield from database.damage(db)
    yield from database.differences(db, TABLES)


def link_faults():
    """Rows that refer to a row that is not there: constraints may have been off while somebody wrote."""
    for table in TABLES:
        for field in table._meta.sorted_fields:
            if isinstance(field, ForeignKeyField):
                there = field.rel_model.alias()
                lost = table.select(fn.COUNT(field)).join(
                    there, JOIN.LEFT_OUTER, on=(field == getattr(there, field.rel_field.name))
                )
                count = lost.where(field.is_null(False), getattr(there, field.rel_field.name).is_null()).scalar()
                if count:
                    names = f"{table._meta.table_name}.{field.column_name}"
                    yield f"{names} : {count} fois vers une ligne qui n’existe pas."


# ── Money ────────────────────────────────────────────────────────────────────────────────────────────────────────


def money_faults():
    yield from lines_faults()
    yield from settled_faults()
    yield from payment_faults()
    yield from debit_faults()


def lines_faults():
    total = database.summed(StatementLine.employer + StatementLine.employee)
    statement = ContributionStatement
    rows = (
        statement.select(statement.number).join(StatementLine).group_by(statement.id).having(total != statement.total)
    )
    for (number,) in rows.tuples():
        yield f"Bordereau {number} : ses lignes ne font pas son total."


def settled_faults():
    """What is settled of a statement is what its payments and credit notes give, less what it gives itself."""
    statement = ContributionStatement
    got = sums_by(PaymentAllocation.statement)
    given = sums_by(PaymentAllocation.credit)
    for id, number, total, settled in statement.select(
        statement.id, statement.number, statement.total, statement.settled
    ).tuples():
        if settled != got.get(id, 0) - given.get(id, 0):
            yield f"Bordereau {number} : ce qui est réglé n’est pas la somme de ses règlements."
        if not min(0, total) <= settled <= max(0, total):
            yield f"Bordereau {number} : il est réglé au-delà de son total."


def sums_by(column):
    """Id → cents that are allocated."""
    rows = PaymentAllocation.select(column, database.summed(PaymentAllocation.amount)).where(column.is_null(False))
    return dict(rows.group_by(column).tuples())


def payment_faults():
    spent = sums_by(PaymentAllocation.payment)
    rows = Payment.select(Payment.id, Payment.reference, Payment.amount, Payment.given_back)
    for id, reference, amount, given_back in rows.tuples():
        if spent.get(id, 0) + given_back > max(0, amount):
            yield f"Paiement {reference} : il règle plus que son montant."


def debit_faults():
    count, total = fn.COUNT(DirectDebit.id), database.summed(DirectDebit.amount)
    rows = DebitBatch.select(DebitBatch.number).join(DirectDebit, JOIN.LEFT_OUTER).group_by(DebitBatch.id)
    for (number,) in rows.having((count != DebitBatch.count) | (total != DebitBatch.total)).tuples():
        yield f"Prélèvements {number} : le fichier n’annonce pas ce que ses lignes demandent."


# ── People ───────────────────────────────────────────────────────────────────────────────────────────────────────


def twice_faults():
    """The same person, covered twice at once by one contract in one role."""
    who = Beneficiary
    alike = (who.contract, who.role, who.household_number, who.name_key, who.first_name_key, who.birth_date)
    known = (who.contract, who.role, who.nir_index)
    yield from twice(known, who.nir_index.is_null(False))
    yield from twice(alike, who.nir_index.is_null())


def twice(columns, condition):
    open_ = Beneficiary.select(fn.COUNT(Beneficiary.id), fn.MIN(Beneficiary.id)).where(
        condition, Beneficiary.terminated_on.is_null()
    )
    for count, first in open_.group_by(*columns).having(fn.COUNT(Beneficiary.id) > 1).tuples():
        yield f"Bénéficiaire n° {first} : {count} affiliations ouvertes à l’identique au même contrat."


# ── What is sealed ───────────────────────────────────────────────────────────────────────────────────────────────


def sealed_faults():
    """Every value of the vault opens in its place."""
    for table in TABLES:
        for field in table._meta.sorted_fields:
            if isinstance(field, SealedField):
                for row in rows_with(table, field):
                    if not opens(table, field, row):
                        yield f"{table._meta.table_name}.{field.name}, ligne {row.id} : la valeur ne s’ouvre pas."


def rows_with(table, field):
    if table is ImportRow:  # its place is the line of its file
        return ImportRow.select(ImportRow, AffiliationImport).join(AffiliationImport).iterator()
    return table.select(table.id, table.public_id, field).where(field.is_null(False), field != b"").iterator()


def opens(table, field, row):
    try:
        if table is ImportRow:
            staging.open_row(row.source, row)
        else:
            vault.open(getattr(row, field.name), table._meta.table_name, field.name, row.public_id)
    except Tampered:
        return False
    return True


def index_faults():
    """Each NIR is found by its blind index, and what has no NIR has none."""
    columns = (Beneficiary.id, Beneficiary.public_id, Beneficiary.account, Beneficiary.nir, Beneficiary.nir_index)
    for person in Beneficiary.select(*columns).iterator():
        try:
            nir = Beneficiary.open_nir(person.public_id, person.nir)
        except Tampered:  # which is said apart
            continue
        possible = vault.indexes(nir, "nir", [person.account_id]) if nir else [None]
        if person.nir_index not in possible:
            yield f"Bénéficiaire n° {person.id} : son NIR ne se retrouve pas."


# ── Files ────────────────────────────────────────────────────────────────────────────────────────────────────────


def file_faults():
    """Each row has its file, which opens to its end under the hash that names it; each old file has its row."""
    yield from (f"Le fichier {row.public_id} manque." for row in storage.missing())
    yield from (f"Le fichier {row.public_id} ne s’ouvre pas." for row in storage.unreadable())
    yield from (f"Le fichier {name[:16]}… n’a pas de ligne." for name in storage.strays(clock.now()))

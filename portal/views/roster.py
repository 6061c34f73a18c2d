"""The list of people as it is read, page by page or whole: shared by the screen and its download."""

import uuid

from flask import Response, abort, send_file
from flask_login import current_user

from portal import clock, reach
from portal.exchange.spreadsheets import Column, write_csv, write_xlsx
from portal.formats import phone_fr
from portal.models import (
    IN_ORDER,
    Beneficiary,
    BeneficiaryRole,
    Company,
    EmployeeCategory,
    GroupContract,
    ManagedAccount,
    Plan,
    db,
    fn,
)
from portal.prepared import written_once
from portal.rendering import Sort
from portal.views.scope import current_scope

MANY = 20  # accounts: beyond, the list is read along its own order instead of being sorted

SORTS = {
    "nom": IN_ORDER,
    "prenom": (Beneficiary.first_name_key, *IN_ORDER),
    "numero": (Beneficiary.member_number,),
    "civilite": (Beneficiary.title, *IN_ORDER),
    "naissance": (Beneficiary.birth_date, *IN_ORDER),
    "contrat": (GroupContract.number, *IN_ORDER),
    "effet": (Beneficiary.effective_on, *IN_ORDER),
    "qualite": (Beneficiary.role, *IN_ORDER),
}

ROLES = {BeneficiaryRole.EMPLOYEE: "Salarié", BeneficiaryRole.SPOUSE: "Conjoint", BeneficiaryRole.CHILD: "Enfant"}


def visible(counted=False):
    """The people of the scope; never more than the door opens. `counted`: the order does not matter."""
    scope = current_scope()
    in_order = bool(scope.account) or (scope.account_count > MANY and not counted)
    people = current_user.beneficiaries(in_order, scope.account and scope.account.account_id)
    return scope.narrow(people, Beneficiary.category, Beneficiary.account)


def ids(people, sort):
    """Their ids alone: cut first, read afterwards, so that page 3,000 does not read 2,999 pages of rows."""
    people = people.select(Beneficiary.id)
    return sort.of(people.join(GroupContract) if sort.key == "contrat" else people)


def rows(sort):
    """How to read the rows of a page, from the query of its ids."""
    return lambda cut: read(cut, order=sort.word)


@written_once(db)
def read(cut, *, order):
    return whole(cut, Sort(SORTS, order))


def whole(cut, sort):
    people = Beneficiary.among(cut).select(
        Beneficiary.public_id,
        Beneficiary.member_number,
        Beneficiary.household_number,
        Beneficiary.role,
        Beneficiary.title,
        Beneficiary.birth_name,
        Beneficiary.used_name,
        Beneficiary.first_name,
        Beneficiary.birth_date,
        Beneficiary.effective_on,
        Beneficiary.terminated_on,
        GroupContract.number.alias("contract_number"),
        ManagedAccount.name.alias("account_name"),
    )
    joined = people.join(GroupContract).switch(Beneficiary).join(ManagedAccount)
    return sort.of(joined).namedtuples()


def uuid_or_404(text):
    try:
        return text if isinstance(text, uuid.UUID) else uuid.UUID(text)
    except ValueError:
        abort(404)


# ── The download ─────────────────────────────────────────────────────────────────────────────────────────────────

COLUMNS = (
    ("Num Adhérent", "text"),
    ("Civilité", "text"),
    ("Nom", "text"),
    ("Nom de naissance", "text"),
    ("Prénom", "text"),
    ("Né(e) le", "date"),
    ("Id contrat", "text"),
    ("Nature contrat", "text"),
    ("Produit", "text"),
    ("Date effet", "date"),
    ("Radié le", "date"),
    ("Qualité", "text"),
    ("Compte", "text"),
    ("Code Entreprise", "text"),
    ("Libellé entreprise", "text"),
    ("Code collège", "text"),
    ("Libellé collège", "text"),
    ("N°", "text"),
    ("Rue", "text"),
    ("Complément", "text"),
    ("Code Postal", "text"),
    ("Ville", "text"),
    ("Pays", "text"),
    ("Tél fixe", "text"),
    ("Portable", "text"),
    ("E-mail", "text"),
)
NIR = ("N° S. Sociale", "text")


def download(people, file_format, with_nir):
    """The file, made as it is read: its size in memory does not follow the number of rows."""
    columns = [Column(*column) for column in (*COLUMNS, *((NIR,) if with_nir else ()))]
    return send("beneficiaires", columns, read_cells(people, with_nir), file_format)


def send(name, columns, cells, file_format, title="Bénéficiaires"):
    """A table as a file to keep: `csv` as it is read, or `xlsx`, whose sheet has that title."""
    name = f"{name}-{clock.today():%Y-%m-%d}.{file_format}"
    if file_format == "csv":
        disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(connected(write_csv(columns, cells)), mimetype="text/csv", headers=disposition)
    mimetype = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    file = write_xlsx(columns, cells, title)
    response = send_file(file, mimetype, as_attachment=True, download_name=name, max_age=0)
    response.call_on_close(file.close)
    return response


def connected(chunks):
    """A file that is made as it goes out is read once the request gave its connection back: this one is its own."""
    return read_for(current_user._get_current_object(), chunks)


def read_for(user, chunks):
    opened = db.connect(reuse_if_open=True)
    try:
        if opened:
            reach.of_user(db, user, clock.today())
        yield from chunks
    finally:
        if opened:
            db.close()


def read_cells(people, with_nir):
    joined = people.join(GroupContract).join(Plan).switch(Beneficiary).join(EmployeeCategory).join(Company)
    read = joined.join(ManagedAccount).select(
        *(Beneficiary.public_id, Beneficiary.nir) if with_nir else (),
        Beneficiary.member_number,
        Beneficiary.title,
        fn.COALESCE(fn.NULLIF(Beneficiary.used_name, ""), Beneficiary.birth_name),
        Beneficiary.birth_name,
        Beneficiary.first_name,
        Beneficiary.birth_date,
        GroupContract.number,
        Plan.contract_nature,
        Plan.label,
        Beneficiary.effective_on,
        Beneficiary.terminated_on,
        Beneficiary.role,
        ManagedAccount.name,
        Company.code,
        Company.label,
        EmployeeCategory.code,
        EmployeeCategory.label,
        Beneficiary.street_number,
        Beneficiary.street,
        Beneficiary.complement,
        Beneficiary.postal_code,
        Beneficiary.city,
        Beneficiary.country,
        Beneficiary.phone,
        Beneficiary.mobile,
        Beneficiary.email,
    )
    for row in read.tuples().iterator():
        secret, row = (row[:2], list(row[2:])) if with_nir else ((), list(row))
        row[11] = ROLES[row[11]]
        row[23], row[24] = phone_fr(row[23]), phone_fr(row[24])
        yield [*row, Beneficiary.open_nir(*secret)] if with_nir else row

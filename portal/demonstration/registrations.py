"""Registrations of the demonstration: three that wait for the mutual, one to be completed, one that was refused."""

import datetime

from portal import storage
from portal.demonstration.draw import days_ago
from portal.demonstration.proofs import photograph
from portal.models import Company, GroupContract, Registration, RegistrationFile, ScanState, StoredFile, User, UserRole
from portal.registrations import profession
from portal.rules import registrations as rules

# Address, names, firm, profession, kind and number, accounts asked for, state, sent (days ago), remark.
ASKED = (
    (
        *("claire.moret@ateliers.example", "Claire", "Moret", "Ateliers Combe-Noire", UserRole.COMPANY),
        *("", "", "", "RECEIVED", 4, ""),
    ),
    (
        *("p.vuillermoz@courtage.example", "Paul", "Vuillermoz", "Vuillermoz Assurances", UserRole.BROKER),
        *("ORIAS", "12065432", "Ateliers Combe-Noire\nVerreries de la Saine", "RECEIVED", 2, ""),
    ),
    (
        *("pharmacie.saine@sante.example", "Anne", "Gros", "Pharmacie de la Saine", UserRole.HEALTH_PROFESSIONAL),
        *("FINESS", "390781235", "", "RECEIVED", 1, ""),
    ),
    (
        *("paie@groupe-lizon.example", "Luc", "Faivre", "Groupe du Lizon", UserRole.MULTI_ACCOUNT_MANAGER),
        *("", "", "Les douze sociétés du groupe", "INCOMPLETE", 9, rules.MORE["MISSING"]),
    ),
    (
        *("contact@inconnue.example", "Jean", "Petit", "Petit et Fils", UserRole.COMPANY),
        *("", "", "", "REFUSED", 20, rules.REFUSALS["NO_CONTRACT"]),
    ),
)


def make_registrations(draw, account, password):
    """`account`: the guide's; `password`: the hash of the demonstration's."""
    company = Company.select().where(Company.account == account["id"]).order_by(Company.id).first()
    contract = GroupContract.select().where(GroupContract.category.in_(company.categories)).order_by(GroupContract.id)
    desk = User.known("gestion@demo.example")
    for email, first, last, firm, role, kind, number, accounts, state, days, remark in ASKED:
        at, has_siret = days_ago(days), role in (UserRole.COMPANY, UserRole.MULTI_ACCOUNT_MANAGER)
        decided = state != "RECEIVED"
        row = Registration.create(
            public_id=draw.uuid(),
            email=email,
            role=role,
            state=state,
            first_name=first,
            last_name=last,
            organisation=firm,
            phone=draw.phone(),
            siret=company.siret if has_siret and state != "REFUSED" else "",
            contract_number=contract.first().number if role == UserRole.COMPANY and state != "REFUSED" else "",
            number_kind=kind,
            number=number,
            asked_for=accounts,
            password_hash="" if state == "REFUSED" else password,
            created_at=at,
            touched_at=at,
            sent_at=at,
            settled_at=at + datetime.timedelta(days=1) if state == "REFUSED" else None,
            decided_by=desk if decided else None,
            remark=remark,
        )
        join(draw, row, at)


def join(draw, row, at):
    """The proof, as a photograph."""
    file = StoredFile(public_id=draw.uuid(), holder="", scan=ScanState.OURS, mime_type="image/png")
    storage.keep(file, photograph(profession(row).proof, row.organisation, at), "justificatif.png", at)
    file.attach(at)
    RegistrationFile.create(public_id=draw.uuid(), registration=row, file=file)

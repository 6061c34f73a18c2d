"""Fictional accounts, people and sign-ins, drawn by a seeded generator.

The same seed gives the same data all through a month, on either database: dates are drawn around the first day of the
month, so that a demonstration is never old; those of enrolments, around the day. Nothing that is drawn depends on what
a database answers.
"""

import datetime
import time

from portal import clock, credentials, database
from portal.demonstration.accounts import make_accounts, make_colleges, make_companies, make_contracts, make_plans
from portal.demonstration.arrears import give_one_notice
from portal.demonstration.awaited import make_document_requests
from portal.demonstration.debits import debit_once
from portal.demonstration.draw import Draw, insert
from portal.demonstration.enrolling import entrust_one, make_enrolments
from portal.demonstration.files import make_imports
from portal.demonstration.grants import make_grants
from portal.demonstration.library import make_certificates
from portal.demonstration.mandates import make_mandates
from portal.demonstration.money import make_money
from portal.demonstration.movements import make_movements
from portal.demonstration.notices import make_notices
from portal.demonstration.people import People
from portal.demonstration.proofs import make_proofs
from portal.demonstration.publications import make_publications
from portal.demonstration.readings import make_readings
from portal.demonstration.registrations import make_registrations
from portal.demonstration.sendings import make_sendings
from portal.demonstration.threads import make_threads
from portal.demonstration.trail import make_trail
from portal.demonstration.waivers import make_waivers
from portal.models import AuditEvent, GroupContract, PermissionGrant, User, UserRole, db
from portal.rules import rights, staff_roles

SIGN_INS = {
    "rh@demo.example": "RH d’un compte : deux entreprises, trois collèges",
    "multi@demo.example": "gestionnaire de 105 comptes",
    "autre@demo.example": "RH d’un autre compte, sans rien de commun",
    "courtier@demo.example": "courtier, 12 de ces comptes",
    "sante@demo.example": "professionnel de santé",
    "gestion@demo.example": "la mutuelle : traite ce que les utilisateurs envoient",
    "admin@demo.example": "la mutuelle : aussi les utilisateurs, les droits, l’audit",
}
PEOPLE = {
    "rh": ("M.", "Karim", "Benali", "Ateliers Combe-Noire", UserRole.COMPANY),
    "multi": ("Mme", "Sylvie", "Monneret", "Fiduciaire du Lizon", UserRole.MULTI_ACCOUNT_MANAGER),
    "autre": ("Mme", "Inès", "Ravinel", "Verreries de la Saine", UserRole.COMPANY),
    "courtier": ("M.", "Hugo", "Perrier", "Cabinet Perrier", UserRole.BROKER),
    "sante": ("Mme", "Léa", "Forestier", "Cabinet du Tacon", UserRole.HEALTH_PROFESSIONAL),
    "gestion": ("M.", "Loïc", "Mathieu", "", UserRole.STAFF),
    "admin": ("Mme", "Nadia", "Courbet", "", UserRole.ADMIN),
}
MANAGED, PORTFOLIO = 105, 12


def load(settings, seed=1, scale=1, watched=lambda rows, label: rows):
    """Fill an empty database, all at once; yields a line a thing. `scale` multiplies accounts and people.

    `watched` is given the accounts, whose people are what takes long, and gives them one after the other.
    """
    began = time.monotonic()
    with db.atomic():
        draw = Draw(seed, clock.today().replace(day=1))
        plans = make_plans()
        accounts = make_accounts(draw, MANAGED * scale)
        contracts = make_contracts(draw, make_colleges(draw, make_companies(draw, accounts)), plans)
        people = People(draw, [plans["REN-OPT"], plans["REN-HOSP"]])
        for account in watched(accounts, "Démonstration"):
            people.fill(account, contracts[account["id"]])
        people.flush()
        managed, other = accounts[:-1], accounts[-1]
        make_users(settings, draw, managed, other)
        make_movements(draw, managed[0])
        make_document_requests(draw, managed)
        make_enrolments(draw, managed[0], people)
        make_waivers(draw, managed[0])
        make_imports(draw, managed[0], people.nir)
        make_proofs(draw, managed[0])
        entrust_one(draw, managed[0], people)
        make_certificates(draw, managed[0])
        make_sendings(draw, managed[0])
        make_money(draw, managed[0])
        make_threads(draw, managed)
        make_notices(draw, managed[0])
        make_publications(draw, managed[0])
        password = User.known("rh@demo.example").password_hash
        make_mandates(draw, managed, settings.creditor)
        debit_once(draw, managed[0], settings)
        give_one_notice(draw, managed[1:], settings)
        make_grants(draw, managed[0], password)
        make_registrations(draw, managed[0], password)
        make_readings(managed[0])
        make_trail(draw)
        figures = {"accounts": len(accounts), "beneficiaries": people.total}
        AuditEvent.write("demo.load", after={"seed": seed, "scale": scale, **figures})
    database.refresh_statistics(db)
    yield f"{len(accounts)} comptes, {GroupContract.select().count()} contrats, {people.total} bénéficiaires."
    yield f"{len(SIGN_INS)} utilisateurs. Fait en {time.monotonic() - began:.0f} s."


def make_users(settings, draw, accounts, other):
    """The sign-ins of the demonstration; one hash serves them all, as one password does."""
    password = credentials.hash_password(settings.demo_password)
    opened = {"rh": accounts[:1], "multi": accounts, "autre": [other], "courtier": accounts[1 : PORTFOLIO + 1]}
    since = datetime.date(2020, 1, 1)
    for name, (title, first, last, organisation, role) in PEOPLE.items():
        user = User.create(
            public_id=draw.uuid(),
            identifier=f"{name}@demo.example",
            title=title,
            first_name=first,
            last_name=last,
            organisation=organisation,
            phone=draw.phone(),
            role=role,
            duties=staff_roles.USUAL if role == UserRole.STAFF else 0,
            password_hash=password,
            created_at=datetime.datetime.combine(draw.month, datetime.time()),
        )
        actions = rights.ALL if role != UserRole.BROKER else rights.ALL & ~rights.Action.MANAGE
        given = {"user": user.id, "valid_from": since, "actions": actions, "version": 1, **PermissionGrant.named(user)}
        moments = {"created_at": user.created_at, "confirmed_at": user.created_at}
        accounts_of = opened.get(name, ())
        insert(
            PermissionGrant,
            [{**given, **moments, "account": account["id"], "public_id": draw.uuid()} for account in accounts_of],
        )

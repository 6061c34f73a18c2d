"""Fictional accounts, people and sign-ins, drawn by a seeded generator.

The same seed gives the same data all through a month, on either database: dates are drawn around the first day of the
month, so that a demonstration is never old; those of enrolments, around the day. Nothing that is drawn depends on what
a database answers.
"""

import datetime
import math
import random
import time
import uuid
from collections import Counter
from functools import partial
from itertools import count
from pathlib import Path
from statistics import NormalDist

from portal import bulletins, clock, credentials, database, documents, enrolments
from portal.demonstration_arrears import give_one_notice
from portal.demonstration_debits import debit_once
from portal.demonstration_files import make_imports
from portal.demonstration_grants import make_grants
from portal.demonstration_library import make_certificates
from portal.demonstration_mandates import make_mandates
from portal.demonstration_money import make_money
from portal.demonstration_notices import make_notices
from portal.demonstration_proofs import entrust, make_proofs
from portal.demonstration_publications import make_publications
from portal.demonstration_readings import make_readings
from portal.demonstration_registrations import make_registrations
from portal.demonstration_sendings import make_sendings
from portal.demonstration_threads import make_threads
from portal.demonstration_trail import make_trail
from portal.demonstration_waivers import make_waivers
from portal.formats import search_key, sort_key
from portal.last_look import summary
from portal.models import (
    ADDRESS,
    AuditEvent,
    Beneficiary,
    BeneficiaryRole,
    Company,
    DocumentRequest,
    EmployeeCategory,
    Enrolment,
    EnrolmentState,
    GroupContract,
    HandOver,
    IndividualProduct,
    ManagedAccount,
    Movement,
    MovementKind,
    MovementState,
    PermissionGrant,
    Plan,
    User,
    UserRole,
    db,
    vault,
)
from portal.rules import proofs, rights, staff_roles
from portal.rules.dates import month_end, months_before
from portal.rules.dependents import BIRTHDAY
from portal.rules.identifiers import nir_key

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
OTHER = "Verreries de la Saine;Champagnole;verrerie;Mme Inès Ravinel;44"
COMBE_NOIRE = 4127  # the guide's own account, the first of all
WORDS = Path(__file__).parent / "data" / "demonstration"
CHUNK = 1_000


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
        make_waivers(draw, managed[0], days_ago)
        make_imports(draw, managed[0], people.nir)
        make_proofs(draw, managed[0], days_ago)
        entrust_one(draw, managed[0], people)
        make_certificates(draw, managed[0], days_ago)
        make_sendings(draw, managed[0], days_ago, iban)
        make_money(draw, managed[0])
        make_threads(draw, managed, days_ago)
        make_notices(draw, managed[0], days_ago)
        make_publications(draw, managed[0], days_ago)
        password = User.known("rh@demo.example").password_hash
        make_mandates(draw, managed, days_ago, iban, settings.creditor)
        debit_once(draw, managed[0], settings, days_ago)
        give_one_notice(draw, managed[1:], settings, days_ago)
        make_grants(draw, managed[0], days_ago, password)
        make_registrations(draw, managed[0], days_ago, password)
        make_readings(managed[0], days_ago)
        make_trail(draw, days_ago)
        figures = {"accounts": len(accounts), "beneficiaries": people.total}
        AuditEvent.write("demo.load", after={"seed": seed, "scale": scale, **figures})
    database.refresh_statistics(db)
    yield f"{len(accounts)} comptes, {GroupContract.select().count()} contrats, {people.total} bénéficiaires."
    yield f"{len(SIGN_INS)} utilisateurs. Fait en {time.monotonic() - began:.0f} s."


def insert(model, rows):
    """Dicts with the same columns, in one prepared statement: three times faster than insert_many."""
    fields = [field for name, field in model._meta.fields.items() if rows and name in rows[0]]
    columns = ", ".join(f'"{field.column_name}"' for field in fields)
    statement = f'INSERT INTO "{model._meta.table_name}" ({columns}) VALUES ({", ".join([db.param] * len(fields))})'  # nosec B608
    for start in range(0, len(rows), CHUNK):
        values = [[field.db_value(row[field.name]) for field in fields] for row in rows[start : start + CHUNK]]
        db.cursor().executemany(statement, values)


def insert_and_number(model, rows, *key):
    """Insert, and write into each row the id that the database gave it."""
    insert(model, rows)
    columns = [getattr(model, name) for name in key]
    ids = {tuple(values): number for number, *values in model.select(model.id, *columns).tuples()}
    for row in rows:
        row["id"] = ids[tuple(row[name] for name in key)]
    return rows


class Draw:
    """Everything that is drawn, from one generator."""

    def __init__(self, seed, month):
        generator = random.Random(f"trait-d-union {seed}")  # nosec B311
        self.random, self.choice, self.sample = generator.random, generator.choice, generator.sample
        self.between, self.shuffle, self.bits = generator.randint, generator.shuffle, generator.getrandbits
        self.weighted = lambda values, weights: generator.choices(values, weights)[0]
        self.month = month
        words = {path.stem: path.read_text(encoding="utf-8").split("\n") for path in WORDS.glob("*.txt")}
        self.words = {name: [line for line in lines if line] for name, lines in words.items()}
        self.towns = dict(reversed(line.split(" ", 1)) for line in self.words["towns"])

    def uuid(self):
        return uuid.UUID(int=self.bits(128), version=4)

    def word(self, kind):
        return self.choice(self.words[kind])

    def phone(self):
        return f"+3319900{self.between(0, 9999):04}"

    def first_name(self, sex, born):
        return self.word(f"first-names-{sex.lower()}{'-young' if born.year > 1999 else ''}")

    def born(self, youngest, oldest):
        """The birth date of someone whose age, in years, is between these."""
        return self.month - datetime.timedelta(days=self.between(int(youngest * 365.25), int(oldest * 365.25)))


# ── Accounts, plans, contracts ───────────────────────────────────────────────────────────────────────────────────

PLANS = (
    ("ESS-BASE", "Essentielle", "Santé collective obligatoire", "UNIFORM_FAMILY"),
    ("ESS-CONF", "Essentielle Confort", "Santé collective obligatoire", "SINGLE_FAMILY"),
    ("CAD-PLUS", "Cadres Plus", "Santé collective obligatoire", "SINGLE_DUO_FAMILY"),
    ("FAM-MOD", "Famille Modulable", "Santé collective obligatoire", "ADULT_CHILD"),
    ("REN-OPT", "Renfort optique", "Santé individuelle facultative", "SINGLE_ONLY"),
    ("REN-HOSP", "Renfort hospitalisation", "Santé individuelle facultative", "SINGLE_ONLY"),
)
STAFF = (("001", "Ensemble du personnel"),)
TWO_COLLEGES = (  # the articles say who is an executive: the others are those they leave out
    ("001", "Non-cadres (hors art. 2.1 et 2.2 ANI 17/11/2017)"),
    ("002", "Cadres (art. 2.1 et 2.2 ANI 17/11/2017)"),
)
# How the three contracts of the guide’s account are paid.
PAID_BY = (("Prélèvement", "Trimestrielle"), ("Prélèvement", "Trimestrielle"), ("Virement", "Mensuelle"))
CALLED = (("Mme", "Service paie"), ("M.", "Le directeur"), ("Madame, Monsieur", "Service du personnel"))
SMALLEST, LARGEST = 8, 400


def make_plans():
    """Code → id."""
    opened = datetime.date(2008, 1, 1)
    names = ("code", "label", "contract_nature", "contribution_structure")
    rows = [dict(zip(names, plan, strict=True), valid_from=opened) for plan in PLANS]
    return {row["code"]: row["id"] for row in insert_and_number(Plan, rows, "code")}


def make_accounts(draw, managed):
    """The managed ones, those of the guide's pictures first, and one that shares nothing with them."""
    known = draw.words["accounts"][:managed]
    lines = [*known, *made_accounts(draw, managed - len(known)), OTHER]
    codes = draw.sample(range(1_000, max(10_000, 4 * managed)), managed + 1)
    codes = [COMBE_NOIRE, *(code for code in codes if code != COMBE_NOIRE)][: managed + 1]
    rows = [make_account(draw, *line.split(";"), code=code) for line, code in zip(lines, codes, strict=True)]
    return insert_and_number(ManagedAccount, rows, "code")


def made_accounts(draw, wanted):
    """« name;town;activity;contact;people »: each name once, and sizes that are mostly small."""
    surnames = draw.words["surnames"]
    names = [f"{kind} {one} et {two}" for kind in draw.words["kinds"] for one in surnames for two in surnames]
    bell = [NormalDist(3.42, 0.95).inv_cdf((place + 0.5) / wanted) for place in range(wanted)]
    sizes = [min(LARGEST, max(SMALLEST, round(math.exp(value)))) for value in bell]
    draw.shuffle(sizes)
    for name, size in zip(draw.sample(names, wanted), sizes, strict=True):
        sex = draw.choice("FM")
        contact = f"{'Mme' if sex == 'F' else 'M.'} {draw.first_name(sex, draw.born(30, 60))} {draw.word('surnames')}"
        yield f"{name};{draw.choice(list(draw.towns))};{draw.word('activities')};{contact};{size}"


def make_account(draw, name, town, activity, contact, people, code):
    written = f"C{code:06}"
    keys = (name, written, town, activity, contact.split()[-1])
    return {
        "code": written,
        "name": name,
        "first_name": "",
        "description": f"{town}, {activity}",
        "contact": contact,
        "phone": draw.phone(),
        "email": f"rh@{search_key(name)[:30]}.example",
        "name_key": sort_key(name),
        "search_key": " ".join(map(search_key, keys)),
        "number": code,
        "people": int(people),
    }


def make_companies(draw, accounts):
    rows = []
    for place, account in enumerate(accounts):
        branches = ["Siège", "Lavans"] if place == 0 else [""] if draw.random() < 0.8 else ["Siège", "Atelier"]
        siren = luhn(f"{99_900_000 + place}")  # numbers that no company has: they begin with 999
        for rank, branch in enumerate(branches, 1):
            label = f"{account['name']} – {branch}" if branch else account["name"]
            code, siret = f"{account['number']:05}{rank:02}", luhn(f"{siren}{rank:04}")
            keys = f"{search_key(label)} {search_key(code)} {siret}"
            row = {"account": account["id"], "code": code, "label": label, "siret": siret, "search_key": keys}
            several = rank == 1 and account["people"] > 12 and (place == 0 or draw.random() < 0.5)
            rows.append(row | {"colleges": TWO_COLLEGES if several else STAFF})
    return insert_and_number(Company, rows, "code")


def make_colleges(draw, companies):
    rows = []
    for company in companies:
        for code, label in company["colleges"]:
            title, recipient = draw.choice(CALLED)
            row = {"account": company["account"], "company": company["id"], "code": code, "label": label}
            row |= {"call_recipient_title": title, "call_recipient_label": recipient, "payer": company["label"]}
            row["contribution_payer"] = draw.choice(("Entreprise", "Entreprise", "Entreprise et salarié"))
            rows.append(row)
    return insert_and_number(EmployeeCategory, rows, "company", "code")


def make_contracts(draw, colleges, plans):
    """Account → its contracts: one a college, sometimes a second that gives more."""
    numbers, rows = count(204_117), []
    for place, college in enumerate(colleges):
        first = "CAD-PLUS" if college["code"] == "002" else draw.choice(("ESS-BASE", "ESS-BASE", "FAM-MOD"))
        more = place > 2 and college["code"] == "001" and draw.random() < 0.15
        for plan in (first, "ESS-CONF") if more else (first,):
            rows.append(make_contract(draw, college, plans[plan]) | {"number": f"HJ{next(numbers)}"})
    for row, (method, frequency) in zip(rows, PAID_BY, strict=False):
        row |= {"payment_method": method, "billing_frequency": frequency}
    by_account: dict[int, list[dict]] = {}
    for row in insert_and_number(GroupContract, rows, "number"):
        by_account.setdefault(row["account"], []).append(row)
    return by_account


def make_contract(draw, college, plan):
    return {
        "public_id": draw.uuid(),
        "category": college["id"],
        "account": college["account"],
        "plan": plan,
        "payer": college["payer"],
        "payment_method": draw.choice(("Prélèvement", "Prélèvement", "Virement", "Chèque")),
        "billing_frequency": draw.choice(("Mensuelle", "Trimestrielle", "Trimestrielle", "Annuelle")),
        "subscribed_on": datetime.date(draw.month.year - draw.between(4, 15), draw.choice((1, 4, 7)), 1),
        "employer_share": draw.choice((5_000, 5_000, 6_000, 6_250, 7_500, 10_000)),
        "coverage_end_rule": draw.choice(("END_OF_MONTH", "CONTRACT_END_DATE")),
        "child_max_age": draw.choice((20, 21)),
        "child_student_max_age": draw.choice((25, 26, 28)),
        "child_end_rule": BIRTHDAY,
        "is_branch_mandated": False,
    }


def luhn(digits):
    total = 0
    for position, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if position % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return f"{digits}{-total % 10}"


# ── People ───────────────────────────────────────────────────────────────────────────────────────────────────────

EMPLOYEE, SPOUSE, CHILD = BeneficiaryRole
GUIDE_HOUSEHOLDS = [1] * 20 + [2] * 11 + [3] * 4 + [4, 4, 5]  # 38 employees, 67 people
# How many come and go in each month of the year, January first.
COME = (9, 4, 4, 6, 4, 3, 3, 2, 14, 7, 4, 2)
GO = (3, 2, 3, 3, 4, 9, 6, 8, 5, 3, 3, 9)
REASONS = ("RESIGNATION", "RESIGNATION", "DISMISSAL", "FIXED_TERM_END", "MUTUAL_TERMINATION", "TRIAL_END")
OTHER_SEX = {"F": "M", "M": "F"}


class People:
    """The households of each account, written a thousand people at a time."""

    def __init__(self, draw, options):
        self.draw, self.options = draw, options
        self.rows, self.chosen = [], {}
        self.nirs: Counter[str] = Counter()
        self.total, self.number = 0, 400_000
        self.year = [months_before(draw.month, months) for months in range(1, 13)]
        self.come = [COME[month.month - 1] for month in self.year]
        self.go = [GO[month.month - 1] for month in self.year]

    def fill(self, account, contracts):
        """As many people as this account has, at least one household a contract; nobody has left the guide's own."""
        ours = account["number"] == COMBE_NOIRE
        sizes, leaving = self.sizes(account["people"], ours), [4, 2, 1] if ours else []
        weights = [1 if contract["plan"] == contracts[0]["plan"] else 0.4 for contract in contracts]
        for place, size in enumerate(sizes):
            among = contracts[place] if place < len(contracts) else self.draw.weighted(contracts, weights)
            if ours:
                end = self.going(leaving.pop()) if size == 1 and leaving else (None, "")
                self.household(among, size, end)
            else:
                self.household(among, size, self.end())

    def sizes(self, people, ours):
        if ours:
            sizes = list(GUIDE_HOUSEHOLDS)
            self.draw.shuffle(sizes)
            return sizes
        sizes = []
        while people > 0:
            sizes.append(min(people, self.draw.choice((1, 1, 1, 1, 2, 2, 3, 4, 5))))
            people -= sizes[-1]
        return sizes

    def end(self):
        """(last day, reason): gone some time ago, going soon, or neither."""
        drawn, reason = self.draw.random(), self.draw.choice(REASONS)
        if drawn < 0.06:
            return month_end(self.draw.weighted(self.year, self.go)), reason
        if drawn < 0.105:
            return month_end(months_before(self.draw.month, self.draw.between(13, 48))), reason
        return self.going(self.draw.between(1, 5)) if drawn > 0.985 else (None, "")

    def going(self, months):
        return month_end(months_before(self.draw.month, -months)), "RESIGNATION"

    def since(self, contract, born):
        """An adult's first day: one in five came within the last year, in the months when people are hired."""
        recent = self.draw.random() < 0.2
        month = self.draw.weighted(self.year, self.come) if recent else None
        month = month or months_before(self.draw.month, self.draw.between(13, 180))
        day = month if self.draw.random() < 0.7 else month.replace(day=self.draw.between(2, 28))
        return max(day, contract["subscribed_on"], born + datetime.timedelta(days=18 * 366))

    def household(self, contract, size, end):
        draw = self.draw
        born, sex = draw.born(22, 64), draw.choice("FM")
        since = self.since(contract, born)
        surname = draw.word("surnames")
        members = [(EMPLOYEE, born, sex, surname)]
        couple = size > 1 and born < draw.month.replace(year=draw.month.year - 26) and draw.random() < 0.8
        if couple:
            other = OTHER_SEX[sex] if draw.random() < 0.95 else sex
            years = datetime.timedelta(days=draw.between(-1500, 1500))
            members.append((SPOUSE, min(born + years, draw.born(21, 21)), other, draw.word("surnames")))
        eldest = min(25.8, (draw.month - born).days / 365.25 - 20)
        youngest = max(0.1, eldest - 20)
        births = sorted(draw.born(youngest, eldest) for _ in range(size - len(members)))
        members += [(CHILD, birth, draw.choice("FM"), surname) for birth in births]
        came = [max(since, birth) for _, birth, _, _ in members]
        until = end if end[0] and end[0] > max(came) else (None, "")
        shared = self.shared(contract, until)
        for (role, birth, sex, name), day in zip(members, came, strict=True):
            used = surname if role == SPOUSE and sex == "F" and draw.random() < 0.6 else ""
            if role == EMPLOYEE and sex == "F" and couple and draw.random() < 0.5:
                used = members[1][3]
            self.person(shared, role, birth, sex, (name, used), day)
        if len(self.rows) >= CHUNK:
            self.flush()

    def shared(self, contract, until):
        """What the members of a household have in common, the columns that stay empty included."""
        draw, town = self.draw, self.draw.choice(list(self.draw.towns))
        return {
            "account": contract["account"],
            "category": contract["category"],
            "contract": contract["id"],
            "household_number": f"F{self.number + 1:08}",
            "terminated_on": until[0],
            "termination_reason": until[1],
            "street_number": f"{draw.between(1, 120)}{draw.choice(('', '', '', ' bis'))}",
            "street": draw.word("streets"),
            "complement": draw.choice(("", "", "", "Bâtiment B", "Appartement 12")),
            "postal_code": draw.towns[town],
            "city": town,
            "country": "France",
            "reimbursement_bic": "",
            "contribution_bic": "",
            "employee_number": "",
            "provisional": False,
            "version": 1,
        }

    def person(self, shared, role, born, sex, names, since):
        draw = self.draw
        self.number += 1
        public_id, member, first, (birth, used) = draw.uuid(), f"{self.number:08}", draw.first_name(sex, born), names
        reached = [draw.random() < share for share in (0.3, 0.7, 0.6)] if role == EMPLOYEE else [False] * 3
        self.rows.append(
            shared
            | {
                "public_id": public_id,
                "member_number": member,
                "role": role,
                "title": "Mme" if sex == "F" else "M.",
                "birth_name": birth,
                "used_name": used,
                "first_name": first,
                "birth_date": born,
                "sex": sex,
                "effective_on": since,
                "phone": draw.phone() if reached[0] else "",
                "mobile": draw.phone() if reached[1] else "",
                "email": f"{search_key(first)}.{search_key(birth)}@example.com" if reached[2] else "",
                "name_key": sort_key(used or birth),
                "first_name_key": sort_key(first),
                "search_key": " ".join((search_key(birth), search_key(used), search_key(first), member)),
            }
            | self.sealed(shared["account"], public_id, role, born, sex)
        )
        if role == EMPLOYEE and draw.random() < 0.1:
            self.chosen[member] = draw.choice(self.options)

    def sealed(self, account, public_id, role, born, sex):
        """NIR and IBAN that no one has: communes from 990 to 998, a bank that does not exist."""
        seal = partial(vault.seal, table="beneficiary", row=public_id)
        values = {"nir": None, "nir_index": None, "reimbursement_iban": None, "contribution_iban": None}
        if role != CHILD or self.draw.random() < 0.8:
            nir = self.nir(born, sex)
            values |= {"nir": seal(nir, column="nir"), "nir_index": vault.index(nir, "nir", account)}
        if role == EMPLOYEE:
            values["reimbursement_iban"] = seal(iban(self.draw), column="reimbursement_iban")
            if self.draw.random() < 0.1:
                values["contribution_iban"] = seal(iban(self.draw), column="contribution_iban")
        return values

    def nir(self, born, sex):
        """Each once: the place in the register is counted for each month and sex, and stirred (997 is a prime)."""
        start = f"{'2' if sex == 'F' else '1'}{born:%y%m}39"
        rank, commune = divmod(self.nirs[start], 9)
        self.nirs[start] += 1
        thirteen = f"{start}{990 + commune}{rank * 389 % 997 + 1:03}"
        return thirteen + nir_key(thirteen)

    def flush(self):
        insert(Beneficiary, self.rows)
        number = Beneficiary.member_number
        members = (
            Beneficiary.select(Beneficiary.id, number).where(number.in_(list(self.chosen) or [""])).order_by(number)
        )
        insert(IndividualProduct, [{"beneficiary": id, "plan": self.chosen[of]} for id, of in members.tuples()])
        self.total += len(self.rows)
        self.rows, self.chosen = [], {}


def iban(draw):
    """A French IBAN with its RIB key and its own (ISO 13616), at bank 99999."""
    bank, branch, account = 99_999, draw.between(1, 99_999), draw.between(1, 10**11 - 1)
    key = 97 - (89 * bank + 15 * branch + 3 * account) % 97
    number = f"{bank:05}{branch:05}{account:011}{key:02}"
    return f"FR{98 - int(number + '152700') % 97:02}{number}"


# ── Movements ────────────────────────────────────────────────────────────────────────────────────────────────────


def make_movements(draw, account):
    """A few in each state, about people of the guide's account as they are: nobody comes, goes or changes by them."""
    people = Beneficiary.select().where(Beneficiary.account == account["id"]).order_by(Beneficiary.member_number)
    leaving = list(people.where(Beneficiary.terminated_on.is_null(False)))
    stay = people.where(Beneficiary.terminated_on.is_null(), Beneficiary.role == EMPLOYEE)
    moved, renamed, back, *others = stay
    reached = next(person for person in others if person.email)
    other = next(
        one
        for one in GroupContract.select()
        .join(EmployeeCategory)
        .where(EmployeeCategory.account == account["id"])
        .order_by(GroupContract.id)
        if one.id != back.contract_id
    )
    morning = datetime.datetime.combine(draw.month, datetime.time(8, 30))
    given = HandOver.create(number=1, created_at=morning, written_at=morning)
    state, kind = MovementState, MovementKind
    for person, now in zip(leaving, (state.PROCESSED, state.HANDED_OVER, state.RECORDED), strict=False):
        after = {"terminated_on": person.terminated_on.isoformat(), "termination_reason": person.termination_reason}
        before = {"terminated_on": None, "termination_reason": ""}
        move(draw, person, kind.TERMINATION, now, before, after, person.terminated_on, given, reason="RESIGNATION")
    here = {name: getattr(moved, name) for name in ADDRESS}
    before = here | {"street_number": "8", "street": "rue de la Poyat", "complement": ""}
    move(draw, moved, kind.ADDRESS, state.PROCESSED, before, here, draw.month, given)
    after = {"used_name": draw.word("surnames")}
    why = "Joignez la copie de l’acte de mariage."
    move(draw, renamed, kind.NAME, state.REFUSED, {"used_name": ""}, after, draw.month, given, remark=why)
    move(draw, reached, kind.CONTACT, state.RECORDED, {"email": ""}, {"email": reached.email}, draw.month)
    here = {name: getattr(back, name) for name in ADDRESS}
    move(draw, back, kind.ADDRESS, state.TAKEN_BACK, here, here | {"street_number": "2 bis"}, draw.month)
    after = {"contract": other.id, "category": other.category_id}
    before = {"contract": back.contract_id, "category": back.category_id}
    move(draw, back, kind.CATEGORY, state.RECORDED, before, after, month_end(months_before(draw.month, -3)))


def move(draw, person, kind, state, before, after, on, given=None, **more):
    """One movement, asked some days before the month by the RH of the account."""
    asked = datetime.datetime.combine(draw.month, datetime.time(9, 12)) - datetime.timedelta(days=draw.between(2, 20))
    waits = on > draw.month and kind == MovementKind.CATEGORY
    Movement.create(
        public_id=draw.uuid(),
        category=person.category_id,
        beneficiary=person.id,
        kind=kind,
        state=state,
        label=person.full_name,
        member_number=person.member_number,
        effective_on=on,
        before=before,
        after=after,
        author_id=User.known("rh@demo.example").id,
        created_at=asked,
        applied_at=None if waits else asked,
        version=person.version,
        hand_over=given
        if state in (MovementState.PROCESSED, MovementState.HANDED_OVER, MovementState.REFUSED)
        else None,
        settled_at=asked if state not in Movement.IN_PROGRESS else None,
        **more,
    )


# ── Supporting documents ─────────────────────────────────────────────────────────────────────────────────────────

# In the guide's account: who, whether their household can be written to, what is asked, its state, days from the first
# of the month to the deadline, and whether the mutual reminded. The first two are late whatever the day: from today.
AWAITED = (
    ("CHILD", True, proofs.SCHOOL_CERTIFICATE, "AWAITED", -8, True),
    ("CHILD", False, proofs.SCHOOL_CERTIFICATE, "AWAITED", -8, True),
    ("SPOUSE", True, proofs.COHABITATION, "AWAITED", 33, False),
    ("CHILD", True, proofs.SCHOOL_CERTIFICATE, "AWAITED", 37, False),
    ("EMPLOYEE", True, proofs.HEALTH_RIGHTS, "AWAITED", 37, True),
    ("SPOUSE", True, proofs.CIVIL_PARTNERSHIP, "AWAITED", 41, False),
    ("EMPLOYEE", True, proofs.BANK_DETAILS, "REFUSED", 49, False),
    ("CHILD", True, proofs.SCHOOL_CERTIFICATE, "RECEIVED", 37, False),
    ("SPOUSE", True, proofs.COHABITATION, "ACCEPTED", 20, False),
    ("EMPLOYEE", True, proofs.BANK_DETAILS, "EXPIRED", -70, True),
)


def make_document_requests(draw, accounts):
    """Those of the guide's account in each state; elsewhere, the certificates of the children who are old enough."""
    ours, *others = [account["id"] for account in accounts]
    covered = Beneficiary.select().where(Beneficiary.terminated_on.is_null()).order_by(Beneficiary.member_number)
    people = list(covered.where(Beneficiary.account == ours))
    reached = {one.household_number for one in people if one.is_employee and (one.mobile or one.email)}
    for role, contact, *asked in AWAITED:
        able = [one for one in people if one.role.name == role]
        draw.shuffle(able)
        able.sort(key=lambda one: one.birth_date if role == "CHILD" else draw.month)  # the eldest children study
        able.sort(key=lambda one: (one.household_number in reached) != contact)
        people.remove(able[0])
        await_document(draw, able[0], *asked)
    born = [draw.month - datetime.timedelta(days=years * 366) for years in (24, 21)]
    students = covered.where(Beneficiary.account.in_(others), Beneficiary.role == CHILD)
    for person in students.where(Beneficiary.birth_date.between(*born)):
        await_document(draw, person, proofs.SCHOOL_CERTIFICATE, "AWAITED", draw.choice((-8, 37, 37)), False)


def await_document(draw, person, proof, state, days, reminded):
    """One document asked for before the month; the mutual reminds three weeks later."""
    late = state == "AWAITED" and days < 0
    due = (clock.today() if late else draw.month) + datetime.timedelta(days=days)
    sent = min(due, draw.month) - datetime.timedelta(days=45)
    at = datetime.datetime.combine(draw.month, datetime.time(10, 5))
    DocumentRequest.create(
        public_id=draw.uuid(),
        category=person.category_id,
        beneficiary=person.id,
        campaign=proofs.campaign(proof, draw.month) if proof.yearly else f"Mise à jour des dossiers {draw.month.year}",
        document_type=proof.code,
        restricted=proof.restricted,
        origin="INSURER",
        sent_on=sent,
        due_on=due,
        insurer_reminded_on=sent + datetime.timedelta(days=21) if reminded else None,
        state=state,
        remark=proofs.REFUSALS["ILLEGIBLE"] if state == "REFUSED" else "",
        received_at=at if state in ("RECEIVED", "ACCEPTED", "REFUSED") else None,
        settled_at=at if state in ("ACCEPTED", "REFUSED", "EXPIRED") else None,
    )


# ── Enrolments ───────────────────────────────────────────────────────────────────────────────────────────────────

# Of the guide's account: days ago, the steps that are typed. The last one is told that it will go.
BEGUN = ((2, 4), (12, 2), (86, 1))
ENTRUSTED = 4  # days ago


def make_enrolments(draw, account, people):
    """Drafts at several steps, and two that were sent, of people who are covered: one whose spouse is awaited."""
    author, contract = User.known("rh@demo.example"), first_contract(account)
    for days, typed in BEGUN:
        begin(draw, author, contract, days, dict(list(household_of_nobody(draw, contract, people).items())[:typed]))
    Enrolment.update(warned_at=clock.now()).where(Enrolment.updated_at < days_ago(84)).execute()
    covered = Beneficiary.select().where(
        Beneficiary.contract == contract, Beneficiary.role == EMPLOYEE, Beneficiary.terminated_on.is_null()
    )
    latest = list(covered.order_by(Beneficiary.effective_on.desc(), Beneficiary.member_number).limit(2))
    for number, (person, days) in enumerate(zip(reversed(latest), (40, 18), strict=True), 1):
        send(draw, author, contract, person, days, number, household_of_nobody(draw, contract, people))


def first_contract(account):
    ours = GroupContract.select().join(EmployeeCategory).where(EmployeeCategory.account == account["id"])
    return ours.order_by(GroupContract.id).first()


def entrust_one(draw, account, people):
    """One that its employee completes: HR said who it is, the employee has begun."""
    author, contract = User.known("rh@demo.example"), first_contract(account)
    steps = dict(list(household_of_nobody(draw, contract, people).items())[:3])
    entrust(draw, begin(draw, author, contract, ENTRUSTED, steps), author, days_ago)


def days_ago(days):
    """An instant of working hours of that day: not the same each day, always the same for a day."""
    return clock.instant(clock.today() - datetime.timedelta(days=days), datetime.time(8 + days * 5 % 9, days * 37 % 60))


def household_of_nobody(draw, contract, people):
    """What is typed of somebody who is not covered, step by step."""
    sex = draw.choice(("M", "F"))
    born = draw.month.replace(day=12) - datetime.timedelta(days=draw.between(24, 50) * 365)
    first, name = draw.first_name(sex, born), draw.word("surnames")
    who = {"nom": name, "prenom": first, "datedenaissance": f"{born:%d/%m/%Y}", "sexe": sex}
    said = {"civilite": "Mme" if sex == "F" else "M.", "typedassure": "Assuré social", "autreregime": "Non"}
    town = draw.choice(list(draw.towns))
    reached = {"email": f"{search_key(first)}.{search_key(name)}@example.com"}
    where = {"rue": draw.word("streets"), "codepostal": draw.towns[town], "ville": town}
    return {
        "garantie": {"contrat": contract.number, "datedeffet": f"{month_end(draw.month):%d/%m/%Y}"},
        "salarie": who | said | {"nssociale": people.nir(born, sex)},
        "coordonnees": reached | where,
        "comptes": {"ibanprestation": iban(draw)},
        "conjoint": {"presence": "aucun"},
        "enfants": {"presence": "aucun"},
    }


def begin(draw, author, contract, days, steps):
    """A draft with these steps, as it would have been typed that day."""
    at, category = days_ago(days), contract.category
    row = Enrolment(public_id=draw.uuid(), account=category.account_id, category=category, contract=contract)
    row.author, row.created_at, row.version = author, at, 0
    answers = {}
    for step, words in steps.items():
        kept = {name: [text] for name, text in words.items()}
        noted = enrolments.note(row, None, enrolments.NEXT, author, at)
        enrolments.write(row, answers, step, kept, enrolments.offer_of(row), noted)
        answers[step] = kept
    row.step = enrolments.following(step)
    row.save(force_insert=True)
    return row


def words_of(person):
    """What was typed of somebody who is covered."""
    return {
        "civilite": person.title,
        "nom": person.birth_name,
        "nomdusage": person.used_name,
        "prenom": person.first_name,
        "datedenaissance": f"{person.birth_date:%d/%m/%Y}",
        "sexe": person.sex,
        "nssociale": person.unseal("nir"),
    }


def send(draw, author, contract, person, days, number, steps):
    """What was sent of somebody who is covered since; the second one's spouse is awaited."""
    steps["conjoint"] = {"presence": "attendu" if number == 2 else "aucun"}
    steps["garantie"]["datedeffet"] = f"{person.effective_on:%d/%m/%Y}"
    steps["salarie"] |= words_of(person)
    row = begin(draw, author, contract, days, steps)
    at, given = days_ago(days), HandOver.select().first()
    after = {"base_scheme": "GENERAL"}
    move(draw, person, MovementKind.AFFILIATION, MovementState.PROCESSED, {}, after, person.effective_on, given)
    row.movement = Movement.select().where(Movement.beneficiary == person).order_by(Movement.id.desc()).first()
    Movement.update(created_at=at, settled_at=at).where(Movement.id == row.movement_id).execute()
    row.state, row.submitted_at, row.updated_at, row.step = EnrolmentState.SUBMITTED, at, at, enrolments.LAST_LOOK
    row.number = f"A-{clock.day_of(at).year}-{number:06}"
    row.search_key = f"{search_key(row.label)} {search_key(row.number)}"
    row.spouse_awaited, row.awaited_until = number == 2, clock.today() + datetime.timedelta(days=5)
    row.save()
    print_bulletin(draw, row, person, at)


def print_bulletin(draw, row, person, at):
    title = f"Bulletin d’adhésion individuel, {person.full_name}"
    asked = documents.row_of(at, title, "ENROLMENT_FORM", row.account_id, row.contract_id, person)
    asked.public_id, asked.template = draw.uuid(), "enrolment_form"
    asked.seal(bulletins.words(row, person, summary(enrolments.household_of(row), filed=True), at))
    documents.enter(asked)


# ── Requests and sign-ins ────────────────────────────────────────────────────────────────────────────────────────


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

"""Accounts, their companies and colleges, plans and contracts."""

import datetime
import math
from itertools import count
from statistics import NormalDist

from portal.demonstration.draw import insert_and_number
from portal.formats import search_key, sort_key
from portal.models import Company, EmployeeCategory, GroupContract, ManagedAccount, Plan
from portal.rules.dependents import BIRTHDAY

OTHER = "Verreries de la Saine;Champagnole;verrerie;Mme Inès Ravinel;44"
COMBE_NOIRE = 4127  # the guide's own account, the first of all
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

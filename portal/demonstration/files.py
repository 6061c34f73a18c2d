"""The files of affiliations of the demonstration: one that is done, one whose rows wait to be mended and confirmed."""

import csv
import datetime
import hashlib
import io
from dataclasses import replace

from portal.exchange import staging
from portal.exchange.affiliation_cells import TITLES
from portal.exchange.affiliation_check import check_rows
from portal.exchange.many import fields, insert
from portal.exchange.recognising import Recognised, context, offers
from portal.models import (
    AffiliationImport,
    Beneficiary,
    BeneficiaryRole,
    HandOver,
    ImportRow,
    ImportState,
    Movement,
    MovementKind,
    MovementState,
    User,
)

EMPLOYEE, CHILD = BeneficiaryRole.EMPLOYEE, BeneficiaryRole.CHILD
LATEST = 6  # employees of the file that is done


def make_imports(draw, account, nir):
    """`account`: the guide's; `nir(birth date, sex)` draws a number."""
    user = User.known("rh@demo.example")
    make_done(draw, account["id"], user)
    make_waiting(draw, account["id"], user, nir)


def sent(draw, account, user, name, at, rows):
    """A file as somebody sent it, to be read."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";")
    writer.writerow(TITLES)
    writer.writerows([row.get(title, "") for title in TITLES] for row in rows)
    data = text.getvalue().encode()
    source = AffiliationImport(public_id=draw.uuid(), account=account, author=user, file_name=name, created_at=at)
    source.sha256, source.size = hashlib.sha256(data).hexdigest(), len(data)
    source.keep(data)
    source.save(force_insert=True)
    return source


# ── The one that is done ─────────────────────────────────────────────────────────────────────────────────────────


def make_done(draw, account, user):
    """The employees who came last, affiliated by a file of which the mutual has done nearly all."""
    people = list(covered(account).order_by(Beneficiary.effective_on.desc(), Beneficiary.id).limit(LATEST))
    first_day = min(person.effective_on for person in people)
    at = datetime.datetime.combine(first_day, datetime.time(8, 12))
    codes = {offer.contract_id: offer for offer in offers(user, account)}
    rows = [cells_of(person, codes[person.contract_id], place) for place, person in enumerate(people, 1)]
    source = sent(draw, account, user, "embauches.xlsx", at, rows)
    then = replace(context(user, account), today=first_day, max_ahead_months=24)
    checked = check_rows([(line, [row[title] for title in TITLES]) for line, row in enumerate(rows, 2)], then)
    values = (staging.staged(source, Recognised(row, "CREATE", one)) for row, one in zip(checked, people, strict=True))
    insert(ImportRow, fields(ImportRow, staging.STAGED), values)
    for line, person in enumerate(people, 2):
        movement = affiliation(draw, person, user, at, handed_over=line == 2)
        row = ImportRow.update(movement=movement, confirmed_at=at)
        row.where(ImportRow.source == source, ImportRow.line == line).execute()
    moments = {"checked_at": at, "confirmed_at": at, "asked_by": user}
    source.move(ImportState.DONE, content=None, total=len(rows), done=len(rows), **moments)


def covered(account):
    """Its employees, whom the mutual knows."""
    people = Beneficiary.select().where(Beneficiary.account == account, Beneficiary.role == EMPLOYEE)
    return people.where(Beneficiary.terminated_on.is_null(), Beneficiary.nir.is_null(False), ~Beneficiary.provisional)


def cells_of(person, offer, number):
    return {
        **dict.fromkeys(TITLES, ""),
        "Type": "Salarié",
        "Matricule": person.employee_number or f"CN{number:03}",
        "Civilité": person.title,
        "Nom": person.birth_name,
        "Nom d'usage": person.used_name,
        "Prénom": person.first_name,
        "Date de naissance": f"{person.birth_date:%d/%m/%Y}",
        "Sexe": person.sex,
        "N° S. Sociale": person.unseal("nir"),
        "Code Entreprise": offer.company_code,
        "Code collège": offer.category_code,
        "Garantie": offer.plan_code,
        "Date d'effet": f"{person.effective_on:%d/%m/%Y}",
        "N°": person.street_number,
        "Rue": person.street,
        "Code Postal": person.postal_code,
        "Ville": person.city,
        "E-mail": person.email,
    }


def affiliation(draw, person, user, at, handed_over):
    return Movement.create(
        public_id=draw.uuid(),
        category=person.category_id,
        beneficiary=person,
        kind=MovementKind.AFFILIATION,
        state=MovementState.HANDED_OVER if handed_over else MovementState.PROCESSED,
        label=person.full_name,
        member_number=person.member_number,
        effective_on=person.effective_on,
        before={},
        after={"effective_on": person.effective_on.isoformat(), "contract": person.contract_id},
        author_id=user.id,
        created_at=at,
        applied_at=at,
        version=person.version,
        hand_over=HandOver.get(),
        settled_at=None if handed_over else at,
    )


# ── The one that waits ───────────────────────────────────────────────────────────────────────────────────────────


def make_waiting(draw, account, user, nir):
    """Right rows, and one of each thing that a person mends: a number too short, a code, a lost zero, a doubt."""
    at = datetime.datetime.combine(draw.month, datetime.time(7, 48))
    offered = offers(user, account)
    newcomer = Newcomers(draw, nir, offered)
    short, unknown, doubtful = newcomer(), newcomer(), newcomer()
    short["N° S. Sociale"] = short["N° S. Sociale"][:-1]
    unknown["Code collège"] = "AGENTS"
    rows = [newcomer(), newcomer(), short, newcomer.child_of(short), unknown]
    rows += [newcomer(**{"Code Postal": "1000", "Ville": "Bourg-en-Bresse"}), doubtful | {"Autre régime": "Oui"}]
    known = covered(account).order_by(Beneficiary.id).first()
    offer = next(one for one in offered if one.contract_id == known.contract_id)
    rows.append(cells_of(known, offer, 0) | {"Tél fixe": "01 99 00 21 10"})
    staging.read(sent(draw, account, user, "entrees-du-mois.csv", at, rows), lambda: at)


class Newcomers:
    """Rows of people whom nobody covers yet, right unless told otherwise."""

    def __init__(self, draw, nir, offered):
        self.draw, self.nir, self.offered, self.count = draw, nir, offered, 0

    def __call__(self, **others):
        self.count += 1
        sex, born = self.draw.choice("MF"), self.draw.born(22, 50)
        offer = self.draw.choice(self.offered)
        return {
            "Type": "Salarié",
            "Matricule": f"CN{700 + self.count}",
            "Civilité": "M." if sex == "M" else "Mme",
            "Nom": self.draw.word("surnames"),
            "Prénom": self.draw.first_name(sex, born),
            "Date de naissance": f"{born:%d/%m/%Y}",
            "Sexe": sex,
            "N° S. Sociale": self.nir(born, sex),
            "Code Entreprise": offer.company_code,
            "Code collège": offer.category_code,
            "Garantie": offer.plan_code,
            "Date d'effet": f"{self.draw.month:%d/%m/%Y}",
            "N°": str(self.draw.between(1, 90)),
            "Rue": self.draw.word("streets"),
            "Code Postal": "39200",
            "Ville": "Saint-Claude",
            **others,
        }

    def child_of(self, employee):
        born = self.draw.born(3, 15)
        names = {"Nom": employee["Nom"], "Prénom": self.draw.first_name("F", born), "Sexe": "F"}
        rest = {"Date de naissance": f"{born:%d/%m/%Y}", "Situation": "À charge"}
        return {"Type": "Enfant", "Matricule": employee["Matricule"], **names, **rest}

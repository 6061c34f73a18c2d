"""The tables by domain, what can be asked of them, and what can be done to them."""

import base64
import datetime
import hashlib
import json
import secrets
import uuid
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import cached_property, reduce
from itertools import groupby
from operator import attrgetter, or_

from flask_login import UserMixin
from peewee import (
    JOIN,
    SQL,
    AutoField,
    BigIntegerField,
    BlobField,
    BooleanField,
    Case,
    CharField,
    DatabaseProxy,
    DateField,
    DateTimeField,
    Field,
    ForeignKeyField,
    IntegerField,
    JSONField,
    Model,
    OperationalError,
    Select,
    TextField,
    UUIDField,
    Value,
    fn,
)
from playhouse.fields import EnumField, IntEnumField

from portal import clock, database, reach
from portal.formats import iban_masked, search_key, sort_key
from portal.full_text import TextIndex
from portal.prepared import part_written_once, written_once
from portal.rules import Refused, dependents, identifiers, mandates, proofs, rights, staff_roles, threads
from portal.rules.contributions import BANDS, Tariff
from portal.rules.dates import age
from portal.rules.retention import TERMS
from portal.rules.waivers import Asked, due_on
from portal.vault import Vault

db = DatabaseProxy()
vault = Vault()


class Table(Model):
    class Meta:
        database = db
        legacy_table_names = False

    @classmethod
    def among(cls, ids):
        """The rows of a query of ids that came through the door: a list is cut first, and read afterwards."""
        return cls.select().where(cls.id.in_(ids))

    @classmethod
    def page_of(cls, query, number, size):
        """(the ids of a page of a query, how many rows it has in all): one statement, for what takes long to find."""
        rows = list(query.select(cls.id, fn.COUNT(SQL("1")).over()).paginate(number, size).tuples())
        return [row for row, _ in rows], rows[0][1] if rows else query.order_by().count()

    @classmethod
    def up_to(cls, most, query, name):
        """A row of this name and how many rows a query of this table has, `most` at most: others are not looked at."""
        return query.select(cls.id).limit(most).select_from(Value(name), fn.COUNT(SQL("1")))


class KeyField(Field):
    """A key made by formats.sort_key or search_key: ASCII, compared byte by byte."""

    field_type = "KEY"


class PublicId(UUIDField):
    """What stands in addresses: drawn at random, so that nothing is learnt by counting."""

    def __init__(self, **options):
        super().__init__(default=uuid.uuid4, unique=True, **options)


class SealedField(BlobField):
    """A value of the vault; the row's `public_id` is its place."""


# ── Accounts, companies, colleges ────────────────────────────────────────────────────────────────────────────────


class ManagedAccount(Table):
    code = CharField(32, unique=True)
    name = CharField()
    first_name = CharField(default="")
    description = CharField(default="")
    contact = CharField(default="")
    phone = CharField(default="")
    email = CharField(default="")
    name_key = KeyField(index=True)
    search_key = KeyField()

    @classmethod
    def hold(cls, account_id):
        """Make those who add people to this account queue until the end of the transaction."""
        return database.locked(db, cls.select(cls.id).where(cls.id == account_id)).get()

    @staticmethod
    def patterns(words):
        """What `User.accounts_like` compares names with: each word’s initials; all the words, the likeliest first."""
        typed = " ".join(words)
        return [initials_pattern(word) for word in words], (f"{typed}%", initials_pattern(typed), f"% {typed}%")


class Company(Table):
    account = ForeignKeyField(ManagedAccount, backref="companies")
    code = CharField(32, unique=True)
    label = CharField()
    siret = CharField(14)
    kbis_on = DateField(null=True)  # the date of the last Kbis that the mutual accepted
    search_key = KeyField(default="")

    def hold(self):
        """This company as it is now, held until the end of the transaction."""
        return database.locked(db, Company.select().where(Company.id == self.id)).get()

    def identify(self, siret, kbis_on):
        """What an accepted Kbis says of it; an older one than the last changes nothing: False."""
        if self.kbis_on and self.kbis_on > kbis_on:
            return False
        keys = f"{search_key(self.label)} {search_key(self.code)} {siret}"
        changed = Company.update(siret=siret, kbis_on=kbis_on, search_key=keys)
        changed.where(Company.id == self.id).execute()
        return True


class EmployeeCategory(Table):
    """A company's college: one row of « Liste des entreprises »."""

    account = ForeignKeyField(ManagedAccount, backref="categories")
    company = ForeignKeyField(Company, backref="categories")
    code = CharField(32)
    label = CharField()
    call_recipient_title = CharField(default="")
    call_recipient_label = CharField(default="")
    contribution_payer = CharField(default="")

    class Meta:
        indexes = ((("company", "code"), True),)

    @property
    def key(self):
        """What stands in forms for it, with the company's code, which is of one company alone."""
        return f"{self.company.code}.{self.code}"

    @classmethod
    def with_companies(cls, categories):
        """These colleges with their companies, in the order of both."""
        joined = categories.select(cls, Company).join(Company)
        return list(joined.order_by(Company.label, cls.label, cls.id).limit(cls.MOST_OFFERED))

    MOST_OFFERED = 500  # in one list: beyond, an account is chosen first


# ── Plans and contracts ──────────────────────────────────────────────────────────────────────────────────────────


class Plan(Table):
    code = CharField(32, unique=True)
    label = CharField()
    contract_nature = CharField()
    contribution_structure = CharField(32)
    valid_from = DateField()
    valid_to = DateField(null=True)


class GroupContract(Table):
    public_id = PublicId()
    number = CharField(32, unique=True)
    category = ForeignKeyField(EmployeeCategory, backref="contracts")
    plan = ForeignKeyField(Plan)
    payer = CharField()
    payment_method = CharField(32)
    billing_frequency = CharField(32)
    subscribed_on = DateField()
    employer_share = IntegerField()  # hundredths of a percent
    former_shares = JSONField(null=True)  # [[the day that it changed, the share until then]], the oldest first
    coverage_end_rule = CharField(32)
    child_max_age = IntegerField()
    child_student_max_age = IntegerField()
    child_end_rule = CharField(16, default=dependents.BIRTHDAY)  # of dependents.CHILD_ENDS
    is_branch_mandated = BooleanField(default=False)  # a branch agreement imposes the scheme: it is never suspended

    @property
    def child_rules(self):
        """Until what age a child is covered, a student, and when that age ends the cover."""
        return self.child_max_age, self.child_student_max_age, self.child_end_rule

    def share_of(self, start):
        """The employer’s share of a period that starts that day: a change counts from the first that follows."""
        former = (share for changed, share in self.former_shares or () if start.isoformat() < changed)
        return next(former, self.employer_share)

    @classmethod
    def naming(cls, word):
        """The condition that its number, or its company's name, code or SIRET, holds a key; with the company."""
        return database.contains(db, fn.LOWER(cls.number), word) | database.contains(db, Company.search_key, word)

    @classmethod
    def with_child_rules(cls, age, rule):
        return cls.select(cls.id).where(cls.child_max_age == age, cls.child_end_rule == rule)

    def head_count(self, on):
        """Who is covered that day: role → number."""
        counted = self.beneficiaries.where(Beneficiary.active_on(on), Beneficiary.effective_on <= on)
        return dict(counted.select(Beneficiary.role, fn.COUNT(Beneficiary.id)).group_by(Beneficiary.role).tuples())


# ── People who are covered ───────────────────────────────────────────────────────────────────────────────────────


class BeneficiaryRole(IntEnum):
    EMPLOYEE = 0
    SPOUSE = 1
    CHILD = 2


class Beneficiary(Table):
    public_id = PublicId()
    account = ForeignKeyField(ManagedAccount, index=False)
    category = ForeignKeyField(EmployeeCategory, backref="beneficiaries", index=False)
    contract = ForeignKeyField(GroupContract, backref="beneficiaries")
    member_number = CharField(32, unique=True)
    household_number = CharField(32, index=True)
    employee_number = CharField(32, default="")  # the company's own « matricule »
    provisional = BooleanField(default=False)  # affiliated here; the mutual has not given a member number yet
    role = IntEnumField(BeneficiaryRole)
    title = CharField(8)
    birth_name = CharField()
    used_name = CharField(default="")
    first_name = CharField()
    birth_date = DateField()
    sex = CharField(1)
    nir = SealedField(null=True)
    nir_index = CharField(32, null=True, index=True)
    effective_on = DateField()
    terminated_on = DateField(null=True)
    termination_reason = CharField(32, default="")
    street_number = CharField(default="")
    street = CharField(default="")
    complement = CharField(default="")
    postal_code = CharField(default="")
    city = CharField(default="")
    country = CharField(default="")
    phone = CharField(default="")
    mobile = CharField(default="")
    email = CharField(default="")
    reimbursement_iban = SealedField(null=True)
    reimbursement_bic = CharField(11, default="")
    contribution_iban = SealedField(null=True)
    contribution_bic = CharField(11, default="")
    iban_private = BooleanField(null=True)  # True: given by the employee to the mutual, HR does not see it
    name_key = KeyField()
    first_name_key = KeyField()
    search_key = KeyField()
    version = IntegerField(default=1)

    class Meta:
        indexes = (
            # Counts, searches and head-counts, answered without touching the rows.
            (("category", "search_key", "terminated_on"), False),
            (("category", "role", "effective_on", "terminated_on"), False),
        )

    @property
    def last_name(self):
        return self.used_name or self.birth_name

    @property
    def full_name(self):
        return f"{self.first_name} {self.last_name.upper()}"

    def seal(self, column, text):
        setattr(self, column, vault.seal(text, "beneficiary", column, self.public_id))

    def unseal(self, column):
        """The clear value of a sealed column: the caller audits."""
        return vault.open(getattr(self, column), "beneficiary", column, self.public_id)

    def is_kept_from(self, user, column):
        """Whether the employee gave this value to the mutual alone: the company's side never sees it."""
        return column.endswith("_iban") and bool(self.iban_private) and not user.is_staff

    def household(self, user):
        """Those of the same household and account whom the user may see, the employee first; `products`: labels."""
        at_home = (self.household_number, self.account_id)
        return with_products(household(user.id, clock.today(), user.acting, *at_home, role=user.role))

    @classmethod
    def locked(cls, ids):
        """These people as they are now, held until the end of the transaction."""
        return list(database.locked(db, cls.among(list(ids)).order_by(cls.id)))

    def hold(self, version):
        """This very person, held, if nobody changed them since that version; otherwise raises Outdated."""
        person = next(iter(Beneficiary.locked([self.id])), None)
        if person is None or person.version != version:
            raise Outdated(person)
        return person

    @classmethod
    def change(cls, pairs):
        """Write new values, by column, of people: those who get the same in one statement. {} only counts a version."""
        alike = {}
        for person, values in pairs:
            values = {name: getattr(value, "id", value) for name, value in values.items()}
            for name, value in values.items():
                setattr(person, column(name), value)
            if NAMES & values.keys():
                values |= person.keys()
            alike.setdefault(tuple(values.items()), []).append(person.id)
        for values, ids in alike.items():
            written = cls.update(
                {cls._meta.fields[name]: value for name, value in values} | {cls.version: cls.version + 1}
            )
            written.where(cls.id.in_(ids)).execute()

    def keys(self):
        """What the person is sorted and found by."""
        names = (self.birth_name, self.used_name, self.first_name, self.member_number)
        return {
            "name_key": sort_key(self.last_name),
            "first_name_key": sort_key(self.first_name),
            "search_key": " ".join(search_key(name) for name in names),
        }

    @property
    def is_employee(self):
        return self.role == BeneficiaryRole.EMPLOYEE

    def rehire(self, contract, effective_on, dependents, by, now, version, form_key=None):
        """Cover again somebody who had left, and these of the household with them; raises Outdated."""
        values = {
            "contract": contract.id,
            "category": contract.category_id,
            "effective_on": effective_on,
            "terminated_on": None,
            "termination_reason": "",
        }
        with db.atomic():
            change = Change(self.hold(version), MovementKind.REHIRE, values, effective_on)
            others = Beneficiary.locked([one.id for one in dependents])
            back = [Change(one, MovementKind.REHIRE, values, effective_on, cause=change) for one in others]
            return Movement.record([change, *back], by, now, form_key)

    def covered_dependents(self):
        """Those of the household who are covered with the employee."""
        return Beneficiary.dependents_of([self])

    @classmethod
    def dependents_of(cls, employees, on=None):
        """The covered dependents of these employees, in one query: today, or on a day that may be long past."""
        if not employees:
            return []
        same_household = cls.household_number.in_([one.household_number for one in employees])
        found = cls.select().where(
            cls.account.in_({one.account_id for one in employees}),
            same_household,
            cls.role != BeneficiaryRole.EMPLOYEE,
            cls.active_on(on or clock.today()),
        )
        return list(found.order_by(cls.id))

    @classmethod
    def terminate(cls, leaving, by, now, form_key=None):
        """People leave: `leaving` is (person, last day of cover, reason); employees take their dependents with them.

        Who cannot leave is given back with the reason, the others go: (movements, [(person, sentence)]).
        """
        with db.atomic():
            wanted = {person.id: (end, reason) for person, end, reason in leaving}
            people = cls.locked(wanted)
            refused = [(person, why) for person in people if (why := person.stays_covered(wanted[person.id][0]))]
            kept = {person.id for person, _ in refused}
            changes = {person.id: person.leave(*wanted[person.id]) for person in people if person.id not in kept}
            employees = {
                (person.account_id, person.household_number): changes[person.id]
                for person in people
                if person.is_employee and person.id in changes
            }
            first = min((change.values["terminated_on"] for change in employees.values()), default=None)
            for dependent in cls.dependents_of([change.person for change in employees.values()], first):
                cause = employees.get((dependent.account_id, dependent.household_number))
                end = cause.values["terminated_on"] if cause else None
                if end and dependent.id not in changes and not dependent.stays_covered(end):
                    changes[dependent.id] = dependent.leave(end, cause.values["termination_reason"], cause)
            return Movement.record(changes.values(), by, now, form_key), refused

    def leave(self, end, reason, cause=None):
        values = {"terminated_on": end, "termination_reason": reason}
        return Change(self, MovementKind.TERMINATION, values, end, reason, cause)

    def stays_covered(self, end):
        """Why the cover cannot end that day; None when it can."""
        if self.terminated_on and self.terminated_on <= end:
            return f"Déjà radié{'e' * (self.sex == 'F')} au {self.terminated_on:%d/%m/%Y}."
        if end < self.effective_on:
            return f"Couvert{'e' * (self.sex == 'F')} depuis le {self.effective_on:%d/%m/%Y} seulement."
        return None

    def modify(self, kind, values, effective_on, by, now, version, form_key=None, household=False):
        """Record one change of this person, and of the covered dependents when `household`; raises Outdated."""
        with db.atomic():
            person = self.hold(version)
            change = Change(person, kind, values, effective_on)
            others = person.covered_dependents() if household else []
            follow = [
                Change(other, kind, values, effective_on, cause=change) for other in others if other.id != person.id
            ]
            return Movement.record([change, *follow], by, now, form_key)

    @classmethod
    def move_to(cls, people, contract, effective_on, by, now, form_key=None):
        """Another college, or another contract, for employees and their dependents from a day on.

        Those who are there already, or not covered that day, are given back: (movements, [(person, sentence)]).
        """
        with db.atomic():
            changes, refused = {}, []
            values = {"contract": contract.id, "category": contract.category_id}
            for person in cls.locked([person.id for person in people]):
                if why := person.stays_where(contract, effective_on):
                    refused.append((person, why))
                else:
                    changes[person.id] = Change(person, MovementKind.CATEGORY, values, effective_on)
            causes = {(c.person.account_id, c.person.household_number): c for c in changes.values()}
            for dependent in cls.dependents_of([change.person for change in causes.values()], effective_on):
                cause = causes.get((dependent.account_id, dependent.household_number))
                if cause and dependent.id not in changes and dependent.contract_id != contract.id:
                    changes[dependent.id] = Change(dependent, MovementKind.CATEGORY, values, effective_on, cause=cause)
            return Movement.record(changes.values(), by, now, form_key), refused

    def stays_where(self, contract, on):
        """Why the person cannot change to this contract that day; None when they can."""
        if not self.is_employee:
            return "Un ayant droit suit son salarié : changez le collège du salarié."
        if self.contract_id == contract.id:
            return "Déjà dans ce collège et ce contrat."
        if self.terminated_on and self.terminated_on < on:
            return f"Radié{'e' * (self.sex == 'F')} au {self.terminated_on:%d/%m/%Y}."
        if on < self.effective_on:
            return f"Couvert{'e' * (self.sex == 'F')} depuis le {self.effective_on:%d/%m/%Y} seulement."
        return None

    SEALED = ("nir", "reimbursement_iban", "contribution_iban")

    @classmethod
    def reseal(cls, after, most=1_000):
        """Seal under the first key what another key sealed, a batch at a time: (last id seen or None, rows changed)."""
        with db.atomic():
            rows = list(cls.select().where(cls.id > after).order_by(cls.id).limit(most))
            old = [row for row in rows if any(row.is_old(column) for column in cls.SEALED)]
            for row in old:
                for column in filter(row.is_old, cls.SEALED):
                    row.seal(column, row.unseal(column))
                if row.nir is not None:
                    row.nir_index = vault.index(row.unseal("nir"), "nir", row.account_id)
                row.save(only=[*cls.SEALED, "nir_index"])
        return (rows[-1].id if rows else None), len(old)

    def is_old(self, column):
        sealed = getattr(self, column)
        return sealed is not None and not vault.is_current(sealed)

    @classmethod
    def of_contract(cls, number):
        return cls.contract.in_(GroupContract.select(GroupContract.id).where(GroupContract.number == number))

    @staticmethod
    def open_nir(public_id, sealed):
        """A NIR read without its model, row after row of a file: the caller audits."""
        return vault.open(sealed, "beneficiary", "nir", public_id) if sealed else ""

    @classmethod
    def listed(cls):
        """The columns of a list, without the sealed ones."""
        return (
            cls.public_id,
            cls.member_number,
            cls.role,
            cls.title,
            cls.birth_name,
            cls.used_name,
            cls.first_name,
            cls.birth_date,
            cls.effective_on,
            cls.terminated_on,
        )

    @classmethod
    def active_on(cls, day):
        """Covered on that day, or to be: a termination is the last day of cover."""
        return cls.terminated_on.is_null() | (cls.terminated_on >= day)

    @classmethod
    def named_by(cls, nir):
        """Who has this NIR, in any account, and the children of their household who have none: a condition.

        It costs the same whether anybody has it or not.
        """
        accounts = [account for (account,) in ManagedAccount.select(ManagedAccount.id).tuples()]
        holder, holders = cls.alias(), []
        for start in range(0, len(accounts), cls.INDEXES_AT_ONCE):
            indexes = vault.indexes(nir, "nir", accounts[start : start + cls.INDEXES_AT_ONCE])
            holders += list(
                holder.select(holder.id, holder.account, holder.household_number)
                .where(holder.nir_index.in_(indexes))
                .tuples()
            )
        condition = cls.id.in_([number for number, _, _ in holders])
        child = (cls.role == BeneficiaryRole.CHILD) & cls.nir_index.is_null()
        for _, account, household_number in holders:
            condition |= child & (cls.account == account) & (cls.household_number == household_number)
        return condition

    INDEXES_AT_ONCE = 5_000

    @classmethod
    def reaching_age(cls, ages, on, within):
        """Children who will be too old for their contract within so many days; `ages`: User.child_ages()."""
        limits = [
            cls.contract.in_(GroupContract.with_child_rules(age, rule))
            & cls.birth_date.between(*(years_before(day, age) for day in birthdays))
            for age, rule in ages
            for birthdays in [dependents.birthdays_that_end(on, on + datetime.timedelta(days=within), rule)]
        ]
        return (cls.role == BeneficiaryRole.CHILD) & reduce(or_, limits, cls.id.is_null())

    @classmethod
    def employed(cls, people, first, last):
        """Employees, joined to their college: those there on the first day, who came since, who went before the last.

        Counted once at the first day, then followed by who came and who went: three readings instead of twelve.
        """
        people = people.where(cls.role == BeneficiaryRole.EMPLOYEE).join(EmployeeCategory)
        there = people.where(cls.effective_on <= first, cls.active_on(first))
        came = people.where(cls.effective_on > first, cls.effective_on <= last)
        return there, came, people.where(cls.terminated_on >= first, cls.terminated_on < last)


# The list in its first order (a surname, then each household together, the employee first), for those who see nearly
# everything and for those who see one account. The search key ends with the member number: no two people are equal, and
# the order is the index's to its last column. The door, the search and the situation are read from it too.
IN_ORDER = (
    Beneficiary.name_key,
    Beneficiary.household_number,
    Beneficiary.role,
    Beneficiary.category,
    Beneficiary.search_key,
)
LOOKED_AT = (Beneficiary.terminated_on, Beneficiary.id)
Beneficiary.add_index(Beneficiary.index(*IN_ORDER, *LOOKED_AT, name="beneficiary_in_order"))
Beneficiary.add_index(Beneficiary.index(Beneficiary.account, *IN_ORDER, *LOOKED_AT, name="beneficiary_of_account"))
# Partial: what the management system loads is in neither.
Beneficiary.add_index(
    Beneficiary.index(
        Beneficiary.account,
        Beneficiary.employee_number,
        where=SQL("employee_number <> ''"),
        name="beneficiary_employee_number",
    )
)
Beneficiary.add_index(Beneficiary.index(Beneficiary.account, where=SQL("provisional"), name="beneficiary_provisional"))


def years_before(day, years):
    """The same day so many years before; 28 February for a 29th that did not exist."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


class IndividualProduct(Table):
    beneficiary = ForeignKeyField(Beneficiary, backref="individual_products", on_delete="CASCADE")
    plan = ForeignKeyField(Plan)

    class Meta:
        indexes = ((("beneficiary", "plan"), True),)


# ── Files ────────────────────────────────────────────────────────────────────────────────────────────────────────


class ScanState(StrEnum):
    CLEAN = "CLEAN"  # the antivirus found nothing
    NOT_SCANNED = "NOT_SCANNED"  # no antivirus is configured
    OURS = "OURS"  # made by the portal itself


class StoredFile(Table):
    """A file of the store: encrypted under a key of its own, which the vault seals here (see portal.storage).

    It waits until something is attached to it; what waits for a day, and what is dropped, the worker takes away. What
    refers to one does so with `on_delete="SET NULL"`.
    """

    public_id = PublicId()
    account = ForeignKeyField(ManagedAccount, null=True, index=False)
    holder = CharField(64)  # who sent it: User.holder, what a guest is called by the caller, "" for the portal
    digest = CharField(64, null=True, unique=True)  # its name in the store; none once it was taken away
    size = IntegerField()  # bytes
    mime_type = CharField(100)
    name = SealedField()
    key = SealedField(null=True)  # without it, the content cannot be read any more
    scan = CharField(16)
    created_at = DateTimeField(default=clock.now)
    attached_at = DateTimeField(null=True)
    dropped_at = DateTimeField(null=True, index=True)

    class Meta:
        indexes = (
            (("account", "size"), False),
            (("holder", "created_at"), False),
            (("attached_at", "created_at"), False),
        )

    SEALED = ("name", "key")
    WAITS = TERMS["stored_file"].time

    def seal(self, column, text):
        setattr(self, column, vault.seal(text, "stored_file", column, self.public_id))

    def unseal(self, column):
        return vault.open(getattr(self, column), "stored_file", column, self.public_id)

    @property
    def file_name(self):
        """A title may hold a date, « du 27/11/2026 »: a slash would make folders of it in a zip."""
        return self.unseal("name").replace("/", "-")

    @property
    def is_image(self):
        return self.mime_type.startswith("image/")

    def add(self, most_today=None, most_bytes=None):
        """Write the row; raises Refused when this holder sent `most_today` files already, or the account is full."""
        with db.atomic():
            database.serialise(db, hash_of(f"files of {self.holder} {self.account_id}"))
            if most_today is not None and self.holder:
                ((sent,),) = sent_since(self.holder, self.created_at - self.WAITS)
                if sent >= most_today:
                    raise Refused(f"La limite est de {most_today} fichiers par jour. Recommencez demain.")
            if most_bytes is not None and self.account_id:
                ((held,),) = bytes_of(self.account_id)
                if held + self.size > most_bytes:
                    raise Refused("L’espace de ce compte est plein. Demandez à la mutuelle de l’agrandir.")
            self.save(force_insert=True)

    @classmethod
    def held(cls):
        """What is in the store, or should be."""
        return cls.select().where(cls.dropped_at.is_null()).order_by(cls.id)

    @classmethod
    def waiting(cls, holder):
        """What somebody sent that is attached to nothing yet."""
        return cls.select().where(cls.holder == holder, cls.attached_at.is_null(), cls.dropped_at.is_null())

    def attach(self, now=None):
        """Keep it for good, in the caller's transaction; raises Refused when it is attached or dropped already."""
        self.attached_at = now or clock.now()
        mine = StoredFile.update(attached_at=self.attached_at).where(
            StoredFile.id == self.id, StoredFile.attached_at.is_null(), StoredFile.dropped_at.is_null()
        )
        if mine.execute() != 1:
            raise Refused("Ce fichier n’est plus là. Choisissez-le de nouveau.")

    def drop(self, now=None):
        """Make it unreadable, in the caller's transaction; the worker takes it out of the store."""
        self.drop_where(StoredFile.id == self.id, now or clock.now())

    @classmethod
    def drop_unattached(cls, now):
        """What waited for a day is not awaited any more: how many."""
        return cls.drop_where(cls.attached_at.is_null() & (cls.created_at < now - cls.WAITS), now)

    @classmethod
    def drop_where(cls, condition, now):
        gone = {"dropped_at": now, "key": None, "name": b"", "size": 0}
        return cls.update(gone).where(condition, cls.dropped_at.is_null()).execute()

    @classmethod
    def reseal(cls, after, most=1_000):
        """Seal names and keys under the first key of the vault: (last id seen or None, rows changed).

        The files themselves stay as they are: each has a key of its own.
        """
        with db.atomic():
            seen = cls.select().where(cls.id > after, cls.dropped_at.is_null()).order_by(cls.id).limit(most)
            rows = list(database.locked(db, seen))
            old = [row for row in rows if not all(vault.is_current(getattr(row, column)) for column in cls.SEALED)]
            for row in old:
                for column in cls.SEALED:
                    row.seal(column, row.unseal(column))
                row.save(only=cls.SEALED)
        return (rows[-1].id if rows else None), len(old)


# ── What moves between companies and the mutual (each room's issue adds its columns) ─────────────────────────────


class MovementKind(StrEnum):
    AFFILIATION = "AFFILIATION"
    TERMINATION = "TERMINATION"
    REHIRE = "REHIRE"
    CATEGORY = "CATEGORY"
    ADDRESS = "ADDRESS"
    NAME = "NAME"
    CONTACT = "CONTACT"


class MovementState(StrEnum):
    RECORDED = "RECORDED"
    HANDED_OVER = "HANDED_OVER"
    PROCESSED = "PROCESSED"
    REFUSED = "REFUSED"
    TAKEN_BACK = "TAKEN_BACK"


ADDRESS = ("street_number", "street", "complement", "postal_code", "city", "country")
# What each kind of movement may change of a person.
CHANGED = {
    MovementKind.TERMINATION: ("terminated_on", "termination_reason"),
    MovementKind.REHIRE: ("contract", "category", "effective_on", "terminated_on", "termination_reason"),
    MovementKind.CATEGORY: ("contract", "category"),
    MovementKind.ADDRESS: ADDRESS,
    MovementKind.NAME: ("title", "birth_name", "used_name", "first_name"),
    MovementKind.CONTACT: ("phone", "mobile", "email"),
}
NAMES = {"birth_name", "used_name", "first_name", "member_number"}
# The columns of these hold their own dates: they are written at once, even for a day to come.
DATED = (MovementKind.AFFILIATION, MovementKind.TERMINATION, MovementKind.REHIRE)


class Outdated(Exception):
    """Somebody changed the person meanwhile; `person` is how they are now (None when the row is gone)."""

    def __init__(self, person):
        super().__init__("changed meanwhile")
        self.person = person


class NotTakenBack(Exception):
    """A movement that can no longer be undone; str() is the French sentence to show."""


@dataclass
class Change:
    """What is asked for one person: the new `values` by column (CHANGED); `cause` is what brings it about."""

    person: Beneficiary
    kind: MovementKind
    values: dict
    effective_on: datetime.date
    reason: str = ""
    cause: "Change | None" = None


class HandOver(Table):
    """One numbered delivery of movements and documents to the management system; its files can be written again."""

    number = IntegerField(unique=True)
    created_at = DateTimeField()
    written_at = DateTimeField(null=True)

    @staticmethod
    def waiting():
        """Table → its rows that wait for the next delivery."""
        return {
            Movement: Movement.state == MovementState.RECORDED,
            SupportingDocument: SupportingDocument.id.in_(accepted()),
            Sending: Sending.hand_over.is_null() & (Sending.state == SendingState.ACCEPTED),
            BankDetails: BankDetails.hand_over.is_null() & BankDetails.since.is_null(False),
        }

    @classmethod
    def counts(cls, deliveries):
        """{delivery's id, None for what waits for the next: {table's name: how many of its rows}}, in one statement."""
        parts = [part for table, those in cls.waiting().items() for part in cls.counts_of(table, those, deliveries)]
        found = {one: {} for one in (None, *(delivery.id for delivery in deliveries))}
        for name, id, count in reduce(lambda whole, part: whole.union_all(part), parts).tuples():
            found[id][name] = count
        return found

    @staticmethod
    def counts_of(table, those, deliveries):
        name, count = Value(table._meta.table_name), fn.COUNT(table.id)
        yield table.select(name, SQL("CAST(NULL AS INTEGER)"), count).where(those)
        if deliveries:
            taken = table.hand_over.in_([delivery.id for delivery in deliveries])
            yield table.select(name, table.hand_over, count).where(taken).group_by(table.hand_over)

    @classmethod
    def open(cls, now):
        """Take every movement, paper and new bank account that waits into the next number; None when none does."""
        waiting = cls.waiting()
        with db.atomic():
            database.serialise(db, hash_of("hand-over"))
            if not any(table.select().where(those).exists() for table, those in waiting.items()):
                return None
            made = cls.create(number=(cls.select(fn.MAX(cls.number)).scalar() or 0) + 1, created_at=now)
            after = {"number": made.number}
            for table, those in waiting.items():
                moved = {"state": MovementState.HANDED_OVER} if table is Movement else {}
                after[table._meta.table_name] = table.update(hand_over=made, **moved).where(those).execute()
            AuditEvent.write("hand_over", after=after, now=now)
        return made


class Movement(Table):
    """A change asked of the mutual: an affiliation, a termination, a new address; who, when, and what became of it.

    It takes effect here at once, or on its day. `before` and `after` hold the columns that it changes; `secrets` is the
    sealed JSON of the NIR and IBAN that an affiliation brings.
    """

    public_id = PublicId()
    category = ForeignKeyField(EmployeeCategory, backref="movements", index=False)
    beneficiary = ForeignKeyField(Beneficiary, null=True, backref="movements", on_delete="SET NULL")
    kind = CharField(32)
    state = CharField(32, default=MovementState.RECORDED)
    label = CharField(default="")  # the person's name then: the row may go
    member_number = CharField(32, default="")  # theirs then: a provisional one changes
    effective_on = DateField(default=clock.today)
    reason = CharField(32, default="")
    before = JSONField(null=True)
    after = JSONField(null=True)
    secrets = SealedField(null=True)
    cause = ForeignKeyField("self", null=True, backref="consequences", on_delete="SET NULL")
    author_id = IntegerField(null=True)
    created_at = DateTimeField(default=clock.now)
    applied_at = DateTimeField(null=True)
    version = IntegerField(default=0)  # the person's, once it was recorded
    hand_over = ForeignKeyField(HandOver, null=True, backref="movements")
    settled_at = DateTimeField(null=True)
    remark = CharField(default="")  # why it was refused, or what the mutual made of it
    form_key = CharField(64, null=True, unique=True)

    IN_PROGRESS = (MovementState.RECORDED, MovementState.HANDED_OVER)

    class Meta:
        indexes = (
            (("category", "created_at"), False),
            (("state", "effective_on"), False),
        )

    @property
    def is_in_progress(self):
        return self.state in self.IN_PROGRESS

    @property
    def can_be_taken_back(self):
        return self.state == MovementState.RECORDED and self.cause_id is None

    @classmethod
    def sent(cls, form_key):
        """What this very form has done already; None the first time."""
        return cls.get_or_none(cls.form_key == form_key) if form_key else None

    @classmethod
    def record(cls, changes, by, now, form_key=None):
        """Write changes down, and make those whose day has come: all or none, in a few statements for many people.

        The caller has locked and checked the people (`Beneficiary.locked`). The movements, those with a cause last.
        """
        drawn = [(change, uuid.uuid4()) for change in changes]
        public_ids = {id(change): public_id for change, public_id in drawn}
        rows = {True: [], False: []}
        today = clock.today()
        for change, public_id in drawn:
            at_once = change.kind in DATED or change.effective_on <= today
            row = cls(
                public_id=public_id,
                category=change.person.category_id,
                beneficiary=change.person.id,
                kind=change.kind,
                label=change.person.full_name[: cls.label.max_length],
                member_number=change.person.member_number,
                effective_on=change.effective_on,
                reason=change.reason,
                before=to_json({name: getattr(change.person, column(name)) for name in change.values}),
                after=to_json(change.values),
                author_id=by and by.id,
                applied_at=now if at_once else None,
                created_at=now,
                version=change.person.version + 1,
            )
            row.asked = change
            rows[change.cause is None].append(row)
        with db.atomic():
            if form_key and rows[True]:
                rows[True][0].form_key = form_key
            ids = insert_many(cls, rows[True])
            for row in rows[False]:
                row.cause_id = ids[public_ids[id(row.asked.cause)]]
            insert_many(cls, rows[False])
            made = [*rows[True], *rows[False]]
            Beneficiary.change([(row.asked.person, row.asked.values if row.applied_at else {}) for row in made])
        return made

    @classmethod
    def apply_due(cls, now, most=500):
        """Make the changes whose day has come; how many."""
        due = cls.select().where(cls.state.in_(cls.IN_PROGRESS), cls.effective_on <= clock.today())
        with db.atomic():
            rows = list(due.where(cls.applied_at.is_null()).order_by(cls.effective_on, cls.id).limit(most))
            people = {person.id: person for person in Beneficiary.locked([row.beneficiary_id for row in rows])}
            for row in rows:
                if row.beneficiary_id in people:
                    Beneficiary.change([(people[row.beneficiary_id], from_json(row.after))])
            cls.update(applied_at=now).where(cls.id.in_([row.id for row in rows])).execute()
        return len(rows)

    def take_back(self, now):
        """Undo it, and what it brought about, as long as it was not handed over; NotTakenBack says why not."""
        with db.atomic():
            row = database.locked(db, Movement.select().where(Movement.id == self.id)).get()
            if row.state != MovementState.RECORDED:
                raise NotTakenBack("Ce mouvement est déjà transmis à la mutuelle : il ne se reprend plus ici.")
            undone = [row, *Movement.select().where(Movement.cause == row, Movement.state == MovementState.RECORDED)]
            people = {person.id: person for person in Beneficiary.locked([one.beneficiary_id for one in undone])}
            for one in undone:
                one.undo(people.get(one.beneficiary_id))
            ids = [one.id for one in undone]
            Movement.update(state=MovementState.TAKEN_BACK, settled_at=now).where(Movement.id.in_(ids)).execute()
            Enrolment.reopen(ids, now)
            self.state = MovementState.TAKEN_BACK

    def undo(self, person):
        """Put back what was there before, unless something newer stands on it."""
        if person is None or self.applied_at is None:
            return
        newer = Movement.select().where(
            Movement.beneficiary == person, Movement.id > self.id, Movement.state.in_(Movement.IN_PROGRESS)
        )
        if self.kind == MovementKind.AFFILIATION:
            if newer.where(Movement.cause != self.id).exists() or newer.where(Movement.cause.is_null()).exists():
                raise NotTakenBack(f"{self.label} a d’autres mouvements depuis : reprenez-les d’abord.")
            Document.withdraw(person)
            Beneficiary.delete().where(Beneficiary.id == person.id).execute()
            return
        now_there = to_json({name: getattr(person, column(name)) for name in self.after})
        if now_there != self.after:
            raise NotTakenBack(
                f"La fiche de {self.label} a changé depuis : reprenez d’abord le changement plus récent."
            )
        Beneficiary.change([(person, from_json(self.before))])

    def refuse(self, why, now):
        """The mutual will not do it: what it had changed here is put back."""
        with db.atomic():
            people = Beneficiary.locked([self.beneficiary_id])
            self.undo(next(iter(people), None))
            self.state, self.remark, self.settled_at = MovementState.REFUSED, why, now
            self.save(only=[Movement.state, Movement.remark, Movement.settled_at])

    def seal(self, values):
        """NIR and IBAN, by column."""
        self.secrets = vault.seal(json.dumps(values), "movement", "secrets", self.public_id) if values else None

    def unseal(self):
        """The clear NIR and IBAN, by column: the caller audits."""
        return json.loads(vault.open(self.secrets, "movement", "secrets", self.public_id)) if self.secrets else {}


def column(name):
    """The attribute that holds a column's plain value: the id of a relation, not the row."""
    field = Beneficiary._meta.fields[name]
    return field.object_id_name if isinstance(field, ForeignKeyField) else name


def to_json(values):
    """Columns of a person as JSON: days in ISO."""
    return {name: value.isoformat() if isinstance(value, datetime.date) else value for name, value in values.items()}


def from_json(values):
    fields = Beneficiary._meta.fields
    days = {name for name in values if isinstance(fields[name], DateField)}
    return {
        name: datetime.date.fromisoformat(value) if value and name in days else value for name, value in values.items()
    }


def insert_many(table, rows, at_once=200):
    """Save rows made here and now, many in a statement: their ids by public id, which they get too."""
    fields = [field for field in table._meta.sorted_fields if not isinstance(field, AutoField)]
    ids = {}
    for start in range(0, len(rows), at_once):
        some = rows[start : start + at_once]
        table.insert_many([[row.__data__.get(field.name) for field in fields] for row in some], fields).execute()
        drawn = table.public_id.in_([row.public_id for row in some])
        ids |= dict(table.select(table.public_id, table.id).where(drawn).tuples())
    for row in rows:
        row.id = ids[row.public_id]
    return ids


def rewrite(row, names, execute=None):
    """Write these columns of a row again: peewee takes longer to put such a statement together than it does to run.

    `execute`: what runs it, another than the database.
    """
    fields = [row._meta.fields[name] for name in names]
    sets = ", ".join(f"{field.column_name} = {db.param}" for field in fields)
    values = [field.db_value(row.__data__[field.name]) for field in fields]
    table = row._meta.table_name
    sql = f"UPDATE {table} SET {sets} WHERE id = {db.param}"  # nosec B608
    execute = execute or db.execute_sql
    execute(sql, [*values, row.id])


class Selection(Table):
    """People ticked in a list, kept while one decides what to do with them; used once."""

    public_id = PublicId()
    user_id = IntegerField(index=True)
    people = JSONField()  # their public ids
    created_at = DateTimeField(default=clock.now)
    used_at = DateTimeField(null=True)
    outcome = JSONField(null=True)

    MOST = 500

    def use(self, now):
        """Once: True for the first who asks, even at the same time."""
        used = Selection.update(used_at=now).where(Selection.id == self.id, Selection.used_at.is_null())
        return used.execute() == 1

    def conclude(self, outcome):
        Selection.update(outcome=outcome).where(Selection.id == self.id).execute()

    @classmethod
    def purge(cls, now):
        return cls.delete().where(cls.created_at < now - TERMS["selection"].time).execute()


class Document(Table):
    """A document of an account, perhaps of one contract; one of a person is seen with that person alone.

    What the portal prints has a `template` and its sealed `context` until its file is made (portal.documents).
    """

    public_id = PublicId()
    account = ForeignKeyField(ManagedAccount)
    contract = ForeignKeyField(GroupContract, null=True, backref="documents")
    beneficiary = ForeignKeyField(Beneficiary, null=True, backref="documents", on_delete="SET NULL")
    title = CharField()
    title_key = KeyField(default="")
    document_type = CharField(32)
    published_on = DateField()
    created_at = DateTimeField(null=True)
    file = ForeignKeyField(StoredFile, null=True, on_delete="SET NULL", index=False)
    check_hash = CharField(64, null=True, unique=True)  # of the code that is printed on it
    fingerprint = CharField(64, null=True, unique=True)  # of what it says, where the same is issued once a day
    initials = CharField(8, default="")  # of whom it is about, for who checks the code
    withdrawn_at = DateTimeField(null=True)  # what it says was undone
    template = CharField(32, default="")
    context = SealedField(null=True)
    leased_until = DateTimeField(null=True)
    attempts = IntegerField(default=0)
    pages_drawn = IntegerField(default=0)  # while it is made

    LEASE = datetime.timedelta(seconds=60)
    MOST_ATTEMPTS = 5  # of the worker; who asks for it has it tried again
    LONG = 30_000  # bytes of what it says: some three hundred lines, two seconds and a hundred megabytes

    @property
    def can_be_read(self):
        """It has its file, or will be given it at the first download; others are only announced."""
        return self.file_id is not None or self.context is not None

    @property
    def is_long(self):
        """The worker alone makes it, in a process whose memory and time are not those of a page."""
        return self.context is not None and len(self.context) > self.LONG

    @classmethod
    def are_long(cls, long):
        """The same as a condition."""
        return fn.LENGTH(cls.context) > cls.LONG if long else fn.LENGTH(cls.context) <= cls.LONG

    def is_being_made(self, now):
        """It waits for the worker, or is in its hands."""
        under_way = self.leased_until is not None and self.leased_until >= now
        return self.file_id is None and self.context is not None and (self.attempts < self.MOST_ATTEMPTS or under_way)

    def has_failed(self, now):
        """The worker tried too often, and no more by itself."""
        return self.file_id is None and self.context is not None and not self.is_being_made(now)

    def try_again(self):
        Document.update(attempts=0).where(Document.id == self.id).execute()

    def seal(self, context):
        """`context`: what the template says, as JSON takes it."""
        self.context = vault.seal(json.dumps(context), "document", "context", self.public_id)

    def unseal(self):
        return json.loads(vault.open(self.context, "document", "context", self.public_id))

    @classmethod
    def to_make(cls, now):
        """What was not made yet and that nobody is making."""
        free = cls.leased_until.is_null() | (cls.leased_until < now)
        return cls.select().where(cls.context.is_null(False), free)

    def lease(self, now):
        """Make it, for a minute: True for the first who asks; a lease that ran out was a process that died."""
        mine = Document.update(leased_until=now + self.LEASE, attempts=Document.attempts + 1, pages_drawn=0)
        free = Document.leased_until.is_null() | (Document.leased_until < now)
        leased = mine.where(Document.id == self.id, Document.context.is_null(False), free).execute() == 1
        self.leased_until = now + self.LEASE
        return leased

    def renew(self, now, pages):
        """It is still being made: a long one takes more than a minute. Nothing when the lease was lost."""
        held = Document.update(leased_until=now + self.LEASE, pages_drawn=pages).where(
            Document.id == self.id, Document.leased_until == self.leased_until
        )
        if held.execute():
            self.leased_until = now + self.LEASE

    def give_back(self, tried=True):
        """`tried`: and it failed; else who was making it had to end."""
        attempts = Document.attempts if tried else Document.attempts - 1
        Document.update(leased_until=None, attempts=attempts).where(Document.id == self.id).execute()

    def complete(self, file, check_hash):
        """Its file and the hash of its code, in the caller's transaction; False when the lease was lost."""
        mine = Document.update(file=file, check_hash=check_hash, context=None, leased_until=None).where(
            Document.id == self.id, Document.context.is_null(False), Document.leased_until == self.leased_until
        )
        return mine.execute() == 1

    @classmethod
    def of_code(cls, check_hash):
        return cls.get_or_none(cls.check_hash == check_hash)

    @classmethod
    def of_fingerprint(cls, fingerprint):
        return cls.get_or_none(cls.fingerprint == fingerprint)

    @classmethod
    def withdraw(cls, person):
        """What was made for somebody whose affiliation is undone says nothing any more."""
        gone = {"withdrawn_at": clock.now(), "fingerprint": None}
        cls.update(gone).where(cls.beneficiary == person).execute()

    @classmethod
    def reseal(cls, after, most=1_000):
        """Seal what is still to be made under the first key: (last id seen or None, rows changed)."""
        with db.atomic():
            rows = list(cls.select().where(cls.id > after, cls.context.is_null(False)).order_by(cls.id).limit(most))
            old = [row for row in rows if not vault.is_current(row.context)]
            for row in old:
                row.seal(row.unseal())
                row.save(only=[cls.context])
        return (rows[-1].id if rows else None), len(old)


# Partial: a document is in it for the time that it takes to be made.
Document.add_index(Document.index(Document.id, where=SQL("context IS NOT NULL"), name="document_to_make"))


# ── People who sign in, and what they may see ────────────────────────────────────────────────────────────────────


class UserRole(StrEnum):
    COMPANY = "company"
    MULTI_ACCOUNT_MANAGER = "multi_account_manager"
    BROKER = "broker"
    HEALTH_PROFESSIONAL = "health_professional"
    STAFF = "staff"
    ADMIN = "admin"


ROLE_LABELS = {
    UserRole.COMPANY: "Espace Entreprise",
    UserRole.MULTI_ACCOUNT_MANAGER: "Gestionnaire multi-compte",
    UserRole.BROKER: "Courtier",
    UserRole.HEALTH_PROFESSIONAL: "Professionnel de santé",
    UserRole.STAFF: "Gestionnaire de la mutuelle",
    UserRole.ADMIN: "Administrateur de la mutuelle",
}


NO_PASSWORD = "!"  # nosec B105


class User(UserMixin, Table):
    public_id = PublicId()
    identifier = CharField(254, unique=True)  # an e-mail, in lower case
    title = CharField(8, default="")
    first_name = CharField()
    last_name = CharField()
    organisation = CharField(default="")
    phone = CharField(default="")
    role = EnumField(UserRole, max_length=32)
    password_hash = CharField()
    appearance = CharField(8, default="auto")
    rows_per_page = IntegerField(default=25)
    duties = IntegerField(default=0)  # rules.staff_roles: of a member of the staff; an administrator has them all
    asked_duties = IntegerField(null=True)  # those that a second person is to agree to
    duties_asked_by = ForeignKeyField("self", null=True, index=False, on_delete="SET NULL")
    duties_asked_at = DateTimeField(null=True)
    factor_asked_by = ForeignKeyField("self", null=True, index=False, on_delete="SET NULL")  # to take it away
    factor_asked_at = DateTimeField(null=True)
    disabled_at = DateTimeField(null=True)
    created_at = DateTimeField(default=clock.now)

    session = token = None  # of the browser that is signed in, set when they are read
    viewer = None  # the member of the staff who looks at the portal as this person, and changes nothing
    acting = rights.Action.SEE  # what the door must let this person do, set by the view that is asked for

    def get_id(self):
        """What the browser's cookie holds: the token of a session, so that ending the row signs out."""
        return self.token

    @property
    def full_name(self):
        return f"{self.first_name} {self.last_name}"

    @property
    def initials(self):
        return (self.first_name[:1] + self.last_name[:1]).upper()

    @property
    def has_password(self):
        """Someone invited has not chosen one yet."""
        return self.password_hash != NO_PASSWORD

    @property
    def role_label(self):
        return ROLE_LABELS[self.role]

    @property
    def is_staff(self):
        return self.role in (UserRole.STAFF, UserRole.ADMIN)

    def opens(self, right):
        """Whether the duties of a member of the staff open what a word of @requires asks for."""
        return self.role != UserRole.STAFF or staff_roles.opens(self.duties, right)

    @property
    def is_active(self):
        return self.disabled_at is None

    def proposed_duties(self, now):
        """Those that a second person may still agree to; None when there are none, or when that was long ago."""
        return self.asked_duties if self.is_proposed("duties", now) else None

    # What a second person agrees to about an access, and the columns that say it: filled and emptied together.
    PROPOSED = {
        "duties": ("asked_duties", "duties_asked_by", "duties_asked_at"),
        "factor": ("factor_asked_by", "factor_asked_at"),
    }

    def is_proposed(self, what, now):
        """Whether a second person may still agree to that."""
        at = getattr(self, f"{what}_asked_at")
        return at is not None and at > now - TERMS["proposal"].time

    @classmethod
    def awaits_a_second(cls, after):
        """Something was proposed about them after that instant."""
        return (cls.duties_asked_at > after) | (cls.factor_asked_at > after)

    @classmethod
    def asked_since(cls, after):
        """The instant of that proposal; of their roles where there are two."""
        return Case(None, [(cls.duties_asked_at > after, cls.duties_asked_at)], cls.factor_asked_at)

    @classmethod
    def drop_proposals(cls, what, *of):
        """Nobody agrees any more to that about those users: how many were waiting."""
        emptied = dict.fromkeys(cls.PROPOSED[what])
        some = reduce(or_, (getattr(cls, name).is_null(False) for name in emptied))
        return cls.update(emptied).where(some, *of).execute()

    @classmethod
    def lapsed(cls, what, now):
        """About whom it was asked of a second person, and nobody agreed in time."""
        emptied, at = cls.PROPOSED[what], getattr(cls, f"{what}_asked_at")
        some = reduce(or_, (getattr(cls, name).is_null(False) for name in emptied))
        return cls.select().where(some, at.is_null() | (at <= now - TERMS["proposal"].time)).order_by(cls.id)

    @classmethod
    def invite(cls, identifier, first_name, last_name, role, account_codes=()):
        """A user who has no password yet: only a one-time link gives one. ValueError says what is wrong."""
        accounts = list(ManagedAccount.select().where(ManagedAccount.code.in_(list(account_codes))))
        missing = set(account_codes) - {account.code for account in accounts}
        if missing:
            raise ValueError(f"Compte inconnu : {', '.join(sorted(missing))}.")
        if cls.select().where(cls.identifier == identifier).exists():
            raise ValueError("Cet identifiant est déjà pris.")
        with db.atomic():
            user = cls.create(
                identifier=identifier,
                first_name=first_name,
                last_name=last_name,
                role=role,
                password_hash=NO_PASSWORD,
                duties=staff_roles.USUAL if role == UserRole.STAFF else 0,
            )
            for account in accounts:
                PermissionGrant.create(user=user, account=account, **PermissionGrant.named(user))
        return user

    @classmethod
    def of_category(cls, category, on=None):
        """Those of companies, brokers included, whom a grant in force lets see a college."""
        return cls.of_place(category.account_id, category.company_id, category.id, on)

    @classmethod
    def of_place(cls, account, company, category, on=None, action=rights.Action.SEE):
        """The same of a college, a whole company (`category` None) or a whole account (both None), by their ids."""
        grants = PermissionGrant.in_force(cls.id, on or clock.today(), action)
        grants = grants.where(PermissionGrant.holds(account, company, category))
        active = cls.disabled_at.is_null() & cls.role.not_in([UserRole.STAFF, UserRole.ADMIN])
        return list(cls.select().where(active, fn.EXISTS(grants)).order_by(cls.id))

    @classmethod
    def of_company(cls, company, on=None, action=rights.Action.SEE):
        """Those of companies, brokers included, whom a grant in force lets act for a whole company."""
        grants = PermissionGrant.in_force(cls.id, on or clock.today(), action).where(
            PermissionGrant.account == company.account_id,
            PermissionGrant.company.is_null() | (PermissionGrant.company == company.id),
            PermissionGrant.category.is_null(),
        )
        active = cls.disabled_at.is_null() & cls.role.not_in([UserRole.STAFF, UserRole.ADMIN])
        return list(cls.select().where(active, fn.EXISTS(grants)).order_by(cls.id))

    @classmethod
    def of_audience(cls, row, on=None):
        """Those of companies, brokers included, who may read a publication, as a query."""
        readers = [UserRole.COMPANY, UserRole.MULTI_ACCOUNT_MANAGER, UserRole.BROKER]
        active = cls.select().where(cls.disabled_at.is_null(), cls.role.in_(readers))
        if row.audience == Audience.EVERYONE:
            return active
        grants = PermissionGrant.in_force(cls.id, on or clock.today())
        company, category = PermissionGrant.company, PermissionGrant.category
        if row.audience == Audience.PLAN:
            opened = (
                GroupContract.select(GroupContract.id)
                .join(EmployeeCategory)
                .where(
                    GroupContract.plan == row.plan_id,
                    EmployeeCategory.account == PermissionGrant.account,
                    company.is_null() | (company == EmployeeCategory.company),
                    category.is_null() | (category == EmployeeCategory.id),
                )
            )
            return active.where(fn.EXISTS(grants.where(fn.EXISTS(opened))))
        of = row.category.company_id if row.category_id else row.company_id
        return active.where(
            fn.EXISTS(
                grants.where(
                    PermissionGrant.account == row.account_id,
                    company.is_null() | (company == of),
                    category.is_null() | (category == row.category_id),
                )
            )
        )

    @classmethod
    def any_at_all(cls):
        return cls.select(cls.id).exists()

    @classmethod
    def known(cls, identifier):
        return cls.get_or_none(cls.identifier == identifier.strip().lower())

    def change_password(self, password_hash, now, but=None):
        """A new password ends every other session, and no browser is trusted any more."""
        with db.atomic():
            User.update(password_hash=password_hash).where(User.id == self.id).execute()
            TrustedDevice.forget(self)
            UserSession.end_all(self, now, but=but)
            OneTimeLink.update(used_at=now).where(OneTimeLink.user == self, OneTimeLink.used_at.is_null()).execute()

    # The tenancy door: every row a page shows starts from one of these queries.

    def categories(self, on=None):
        """Companies × colleges that the grants in force open; the mutual's staff see them all."""
        return self.opened(EmployeeCategory.select(), on)

    def opened(self, query, on=None):
        """The rows of a query on colleges, or joined to them, whose own college the user may see: for a few rows."""
        return query if self.is_staff else query.where(self.opens_college(on))

    def opens_college(self, on=None):
        grants = PermissionGrant.in_force(self.id, on or clock.today(), self.acting)
        return fn.EXISTS(grants.where(PermissionGrant.opens(EmployeeCategory)))

    def opens_account(self, on=None):
        grants = PermissionGrant.in_force(self.id, on or clock.today(), self.acting)
        return fn.EXISTS(grants.where(PermissionGrant.account == ManagedAccount.id))

    def actions(self, on, *where):
        """What the grants in force let this person do, together, as an expression; the mutual's staff, all."""
        if self.is_staff:
            return Value(rights.ALL)
        return PermissionGrant.in_force(self.id, on).where(*where).select(PermissionGrant.all_actions())

    def users(self):
        """Everybody who signs in: the mutual's staff alone."""
        return User.select().where(self.is_staff)

    def grants_with_places(self):
        """What this person was given, as the mutual reads it, the latest first."""
        given = PermissionGrant.whole(PermissionGrant.select().where(PermissionGrant.user == self.id))
        return given.order_by(PermissionGrant.valid_from.desc(), PermissionGrant.id.desc())

    def managed_grants(self):
        """The habilitations of all who may act where this person manages them; the mutual's staff, all."""
        company_side = User.select(User.id).where(User.role.not_in([UserRole.STAFF, UserRole.ADMIN]))
        given = PermissionGrant.select().where(PermissionGrant.user.in_(company_side))
        if self.is_staff:
            return given
        mine, there = PermissionGrant.alias(), PermissionGrant
        managed = mine.select(mine.id).where(
            mine.id.in_(there.in_force(self.id, clock.today(), rights.Action.MANAGE)),
            mine.account == there.account,
            mine.company.is_null() | (mine.company == there.company),
            mine.category.is_null() | (mine.category == there.category),
        )
        return given.where(fn.EXISTS(managed))

    def able(self, action):
        """The same door, which opens where this action is allowed."""
        return at_the_door(self.id, self.role, action)

    def own_grants(self):
        """The habilitations of this person that are in force."""
        mine = PermissionGrant.in_force(self.id, clock.today())
        columns = ("account", "company", "category", "actions", "valid_to")
        return mine.select(*(getattr(PermissionGrant, name) for name in columns))

    def accounts(self, on=None):
        if self.is_staff:
            return ManagedAccount.select()
        grants = PermissionGrant.in_force(self.id, on or clock.today(), self.acting)
        return ManagedAccount.select().where(ManagedAccount.id.in_(grants.select(PermissionGrant.account)))

    def companies(self):
        return Company.select().where(Company.id.in_(self.categories().select(EmployeeCategory.company)))

    def contracts(self):
        return self.of_colleges(GroupContract)

    def beneficiaries(self, in_order=False, account=None):
        """`in_order`: they will be read along the index of their order, since nearly all are this user’s.

        `account`: the one whose people will be asked for.
        """
        if self.is_staff:
            return Beneficiary.select()
        category, seen = Beneficiary.category, self.category_ids(account=account)
        held = database.held_row_by_row(db, category, seen) if in_order else category.in_(seen)
        return Beneficiary.select().where(held)

    def statements(self):
        """Statements of contributions."""
        return ContributionStatement.select().where(ContributionStatement.contract.in_(self.contract_ids()))

    def statement(self, public_id):
        """One statement with all that its page tells of it; None when the user may not see it."""
        return next(iter(statement(self.id, clock.today(), self.acting, public_id, role=self.role)), None)

    def statement_lines(self):
        return StatementLine.select().where(
            StatementLine.statement.in_(self.statements().select(ContributionStatement.id))
        )

    def payments(self):
        return Payment.select().where(Payment.contract.in_(self.contract_ids()))

    def calendar_feeds(self):
        """The private addresses of this person’s calendars, of the accounts that they still see."""
        here = CalendarFeed.account.in_(self.account_ids())
        return CalendarFeed.select().where(CalendarFeed.user == self.id, here)

    def contract_ids(self):
        return contract_ids(self.id, clock.today(), self.acting, role=self.role)

    def movements(self):
        return self.of_colleges(Movement)

    def enrolments(self):
        """Drafts and what was sent: colleagues finish what one of them began."""
        return self.of_colleges(Enrolment)

    def waivers(self):
        return self.of_colleges(Waiver)

    def document_requests(self):
        return self.of_colleges(DocumentRequest)

    def supporting_documents(self):
        """The files that were received for these requests."""
        asked = self.document_requests().select(DocumentRequest.id)
        return SupportingDocument.select().where(SupportingDocument.request.in_(asked))

    @property
    def holder(self):
        """How the files that this user sends are marked."""
        return f"user:{self.id}"

    def waiting_files(self):
        """Files that were sent with a form that had to be sent again."""
        return StoredFile.waiting(self.holder)

    def imports(self, on=None):
        """Files of affiliations, for who sees the whole of their account, or sent them and still sees some of it."""
        seen = AffiliationImport.account.in_(self.ids_of_whole_accounts(on))
        mine = (AffiliationImport.author == self.id) & AffiliationImport.account.in_(self.account_ids(on))
        return AffiliationImport.select().where(seen | mine)

    def sendings(self):
        """Documents of the companies and accounts that the user sees whole; and those that they sent themselves."""
        if self.is_staff:
            return Sending.select()
        of_company = Sending.company.in_(self.ids_of_whole_companies())
        of_account = Sending.company.is_null() & Sending.account.in_(self.ids_of_whole_accounts())
        still_seen = Sending.company.is_null() | Sending.company.in_(self.companies().select(Company.id))
        here = Sending.account.in_(self.account_ids())
        return Sending.select().where(of_company | of_account | ((Sending.author == self.id) & here & still_seen))

    def bank_details(self):
        """Those of the companies that the user sees whole."""
        return BankDetails.select().where(BankDetails.company.in_(self.ids_of_whole_companies()))

    def mandates(self):
        """SEPA mandates of the companies that the user sees whole."""
        return SepaMandate.select().where(SepaMandate.company.in_(self.ids_of_whole_companies()))

    def debit_batches(self):
        """Files for the mutual's bank: its staff alone."""
        return DebitBatch.select().where(self.is_staff)

    def campaigns(self):
        """Campaigns of supporting documents, with who opened them: the mutual's staff alone."""
        opened = DocumentCampaign.select(DocumentCampaign, User).join(User, JOIN.LEFT_OUTER)
        return opened.where(self.is_staff)

    def file_loads(self):
        """Files for the management system's tables: the mutual's staff alone."""
        return FileLoad.select().where(self.is_staff)

    def hand_overs(self):
        return HandOver.select().where(self.is_staff)

    def people(self, public_ids):
        """These people with contract, plan, college, company and account, by name; without those who are not seen."""
        named = (
            Beneficiary.select(Beneficiary, GroupContract, Plan, EmployeeCategory, Company, ManagedAccount)
            .join(GroupContract)
            .join(Plan)
            .switch(Beneficiary)
            .join(EmployeeCategory)
            .join(Company)
            .join(ManagedAccount)
        )
        seen = Beneficiary.category.in_(self.category_ids())
        return list(named.where(Beneficiary.public_id.in_(list(public_ids)), seen).order_by(*IN_ORDER))

    def followers(self, employees):
        """The covered dependents of these employees, as far as the user may see them."""
        ids = [dependent.id for dependent in Beneficiary.dependents_of(employees)]
        return list(self.beneficiaries().where(Beneficiary.id.in_(ids)).order_by(*IN_ORDER)) if ids else []

    def selections(self):
        return Selection.select().where(Selection.user_id == self.id)

    def select_people(self, public_ids):
        """Keep who was ticked, as far as the user may see them; None when that is nobody."""
        kept = self.beneficiaries().where(Beneficiary.public_id.in_(list(public_ids))).select(Beneficiary.public_id)
        people = [str(public_id) for (public_id,) in kept.tuples()]
        return Selection.create(user_id=self.id, people=people) if people else None

    def threads(self, on=None):
        """Requests and complaints of the places that a grant opens whole: who sees one college sees its people's."""
        if self.is_staff:
            return MessageThread.select()
        mine = MessageThread.account.in_(self.account_ids(on))
        # Most see their accounts whole: the grants of each thread are looked up for the others alone.
        whole = MessageThread.account.in_(self.ids_of_whole_accounts(on))
        return MessageThread.select().where(mine, whole | self.opens_thread(on))

    def opens_thread(self, on=None):
        grants = PermissionGrant.in_force(self.id, on or clock.today(), self.acting)
        place = MessageThread.account, MessageThread.company, MessageThread.category
        return fn.EXISTS(grants.where(PermissionGrant.holds(*place)))

    def unread_threads(self):
        """Those of these in which somebody answered since the user read them."""
        unread = ThreadFollower.select(ThreadFollower.thread).where(
            ThreadFollower.user == self.id, ThreadFollower.unread > NONE
        )
        return self.threads().where(MessageThread.id.in_(unread))

    def notices(self):
        """What the mutual says now to everyone, or to an account or a college that the user sees; its staff, all."""
        shown = Notice.select().where(Notice.shown(clock.today()))
        if self.is_staff:
            return shown
        here = Notice.account.is_null() | Notice.account.in_(self.account_ids())
        return shown.where(here, Notice.category.is_null() | Notice.category.in_(self.category_ids()))

    def all_notices(self):
        """Those to come and those that are over too: the mutual's staff alone look after them."""
        return Notice.select().where(self.is_staff)

    def prepared_answers(self):
        """The mutual's staff alone answer with them."""
        return PreparedAnswer.select().where(self.is_staff)

    def colleagues(self):
        """Of the mutual, to whom a thread may be passed on."""
        staff = User.role.in_([UserRole.STAFF, UserRole.ADMIN]) & User.disabled_at.is_null()
        return User.select().where(self.is_staff, staff).order_by(User.last_name, User.first_name, User.id)

    def sees_whole(self, account_id):
        """Whether a grant opens all of this account."""
        return bool(whole_account(self.id, clock.today(), self.acting, account_id, role=self.role))

    def companies_of(self, account_id, most):
        """The companies of one account, by name: `most` of them."""
        return companies_of(self.id, clock.today(), self.acting, account_id, most, role=self.role)

    def whole_account_ids(self, on=None):
        """Accounts that a grant opens whole."""
        if self.is_staff:
            return ManagedAccount.select(ManagedAccount.id)
        whole = PermissionGrant.in_force(self.id, on or clock.today(), self.acting).where(
            PermissionGrant.company.is_null(), PermissionGrant.category.is_null()
        )
        return whole.select(PermissionGrant.account)

    def whole_company_ids(self, on=None):
        """Companies that a grant opens whole."""
        companies = Company.select(Company.id)
        if self.is_staff:
            return companies
        whole = PermissionGrant.in_force(self.id, on or clock.today(), self.acting).where(
            PermissionGrant.account == Company.account,
            PermissionGrant.company.is_null() | (PermissionGrant.company == Company.id),
            PermissionGrant.category.is_null(),
        )
        return companies.where(fn.EXISTS(whole))

    # The same ids to stand within another query, on the right of IN, written once.

    def account_ids(self, on=None):
        return account_ids(self.id, on or clock.today(), self.acting, role=self.role)

    def ids_of_whole_accounts(self, on=None):
        return ids_of_whole_accounts(self.id, on or clock.today(), self.acting, role=self.role)

    def ids_of_whole_companies(self, on=None):
        return ids_of_whole_companies(self.id, on or clock.today(), self.acting, role=self.role)

    def documents(self):
        """Those of a person whom the user sees; of a contract; those of an account, for who sees all of it."""
        people = Beneficiary.select(Beneficiary.id).where(
            Beneficiary.id == Document.beneficiary, Beneficiary.category.in_(self.category_ids())
        )
        of_nobody = Document.beneficiary.is_null()
        paid = Document.document_type.in_(rights.OF_MONEY)
        paying = category_ids(self.id, clock.today(), rights.Action.MONEY, None, role=self.role, within=False)
        priced = GroupContract.select(GroupContract.id).where(GroupContract.category.in_(paying))
        seen = of_nobody & Document.contract.in_(self.contract_ids()) & (~paid | Document.contract.in_(priced))
        payers = self.able(rights.Action.MONEY).ids_of_whole_accounts()
        whole = of_nobody & Document.contract.is_null() & Document.account.in_(self.ids_of_whole_accounts())
        whole &= ~paid | Document.account.in_(payers)
        present = Document.withdrawn_at.is_null()
        # In the order of what each costs: who is somebody's is looked up last.
        return Document.select().where(present, whole | seen | fn.EXISTS(people))

    def publications(self, on=None):
        """What the mutual published for this person: to everyone, or for what they see the whole of; its staff, all."""
        today = on or clock.today()
        shown = Publication.select().where(Publication.shown(today))
        if self.is_staff:
            return shown
        plans = self.contracts().select(GroupContract.plan)
        seen = (self.ids_of_whole_accounts(on), self.ids_of_whole_companies(on), self.category_ids(on), plans)
        return shown.where(Publication.addressed(*seen))

    def all_publications(self):
        """Those to come and those withdrawn too: the mutual's staff alone look after them."""
        return Publication.select().where(self.is_staff)

    def library_folders(self):
        """Where the mutual's staff may publish."""
        return LibraryFolder.select().where(self.is_staff)

    def plans(self):
        """Products: the mutual's staff alone address something to all who have one."""
        return Plan.select().where(self.is_staff)

    def documents_of(self, person):
        """What was printed for a person, the latest first."""
        return documents_of(self.id, clock.today(), self.acting, person.id, role=self.role)

    def documents_of_contract(self, contract, most=10):
        """A contract's own documents; then the last that were made of those of its people: the latest first, both."""
        found = self.documents().where(Document.contract == contract)
        own = found.where(Document.beneficiary.is_null()).order_by(Document.published_on.desc(), Document.id.desc())
        of_people = found.where(Document.beneficiary.is_null(False)).order_by(Document.id.desc()).limit(most)
        return list(own), sorted(of_people, key=attrgetter("published_on", "id"), reverse=True)

    def of_colleges(self, table):
        """The rows of a table whose colleges the user may see; those of the mutual's staff are all, unasked."""
        rows = table.select()
        return rows if self.is_staff else rows.where(table.category.in_(self.category_ids()))

    def category_ids(self, on=None, account=None):
        """Of all that the user may see, or of one account: what opens the others is not looked up then."""
        asked = self.id, on or clock.today(), self.acting, account
        return category_ids(*asked, role=self.role, within=account is not None)

    def person(self, public_id):
        """One person with contract, plan, college, company and account; None when the user may not see them."""
        return next(iter(person(self.id, clock.today(), self.acting, public_id, role=self.role)), None)

    def person_at_home(self, public_id):
        """(the same person or None, those of their household whom the user may see, as `Beneficiary.household`)."""
        members = with_products(home(self.id, clock.today(), self.acting, public_id, role=self.role))
        return next((member for member in members if member.public_id == public_id), None), members

    def enrolment(self, public_id):
        """One enrolment, read whole; None when the user may not see it."""
        return next(iter(enrolment(self.id, clock.today(), self.acting, public_id, role=self.role)), None)

    def drafts_of(self, account_id, identities):
        """The enrolments of an account that are begun for the employee who has one of these blind indexes."""
        return drafts_of(self.id, clock.today(), self.acting, account_id, *identities, role=self.role)

    def employees_numbered(self, account_id, number, company_id):
        """The employees of a company who are covered under this number of its own."""
        people = self.beneficiaries().where(Beneficiary.account == account_id, Beneficiary.employee_number == number)
        of_company = EmployeeCategory.select(EmployeeCategory.id).where(EmployeeCategory.company == company_id)
        people = people.where(Beneficiary.role == BeneficiaryRole.EMPLOYEE, Beneficiary.category.in_(of_company))
        return list(people.where(Beneficiary.active_on(clock.today())).order_by(Beneficiary.id).limit(1))

    def waiting_in_files(self, account_id, identities):
        """The rows of files, with their files, in which who has one of these blind indexes waits to be affiliated."""
        return waiting_in_files(self.id, clock.today(), self.acting, account_id, *identities, role=self.role)

    def movements_of(self, person, most):
        """What was asked for a person, the latest first, with who asked for it."""
        return movements_of(self.id, clock.today(), self.acting, person.id, role=self.role, most=most)

    def scope_rows(self, codes=(), recent=()):
        """What the frame of a page says, in one statement; at least a row, each with what holds for all of them:
        how many accounts, threads not read, and without `codes` the documents that are awaited.

        The accounts of these codes, or the only one that there is, have a row for each company and college of theirs;
        the favourites and those looked at last have a row too.
        """
        asked, recent = tuple(codes) or ("",), tuple(recent) or ("",)
        shape = {"role": self.role, "asked": len(asked), "everywhere": not codes}
        return scope_rows(self.id, clock.today(), *asked, *recent, **shape)

    def find_by_nir(self, nir):
        """The people with this very number, in the accounts that the user may see."""
        accounts = [account for (account,) in self.accounts().select(ManagedAccount.id).tuples()]
        return self.beneficiaries().where(Beneficiary.nir_index.in_(vault.indexes(nir, "nir", accounts)))

    def covered(self, on, member_number="", nir="", birth_date=None):
        """The one person whom these very identifiers name and who is covered that day, with contract and plan, or None.

        For health professionals alone, who have no account: never a list. A child may be named by the NIR of a parent.
        """
        if self.role != UserRole.HEALTH_PROFESSIONAL:
            return None
        found = Beneficiary.select(Beneficiary, GroupContract, Plan).join(GroupContract).join(Plan)
        found = found.where(Beneficiary.effective_on <= on, Beneficiary.active_on(on), ~Beneficiary.provisional)
        if birth_date:
            found = found.where(Beneficiary.birth_date == birth_date)
        with reach.own(db, "what is on a card, asked by a health professional"):
            named = Beneficiary.named_by(nir) if nir else Beneficiary.member_number == member_number
            # Somebody who is covered twice is first of all covered by their own employer.
            order = Beneficiary.role, Beneficiary.effective_on.desc(), Beneficiary.id
            return found.where(named).order_by(*order).first()

    def child_ages(self):
        """(age, when it ends the cover) of the children of this user's contracts."""
        rules = GroupContract.child_max_age, GroupContract.child_end_rule
        return list(self.contracts().select(*rules).distinct().order_by(*rules).tuples())

    def covered_in(self, account_ids):
        """Who is covered now in these accounts."""
        return self.beneficiaries().where(Beneficiary.account.in_(account_ids), Beneficiary.active_on(clock.today()))

    def head_counts(self, account_ids, by=Beneficiary.account):
        """How many people are covered now in each of these accounts, or in each of their colleges: id → number."""
        return dict(self.covered_in(account_ids).select(by, fn.COUNT(Beneficiary.id)).group_by(by).tuples())

    def find_accounts(self, words):
        """Accounts whose name, code, description or companies hold every word (keys), the likeliest first.

        « ac » finds « Ateliers Combe-Noire » by its initials as well as « Acier Jura » by its start.
        """
        return self.accounts_like(words, *ManagedAccount.patterns(words))

    def accounts_like(self, words, initials, likely):
        """The same; `initials` and `likely`: what `ManagedAccount.patterns` makes of the words."""
        accounts = self.accounts()
        for word, letters in zip(words, initials, strict=True):
            companies = self.companies().where(database.contains(db, Company.search_key, word)).select(Company.account)
            accounts = accounts.where(
                database.contains(db, ManagedAccount.search_key, word)
                | ManagedAccount.id.in_(companies)
                | ManagedAccount.name_key.ilike(letters)
            )
        rank = Case(None, [(ManagedAccount.name_key.ilike(pattern), at) for at, pattern in enumerate(likely)], 3)
        starred = Case(None, [(ManagedAccount.id.in_(self.favourite_ids()), 0)], 1)
        return accounts.order_by(rank, starred, ManagedAccount.name_key, ManagedAccount.id)

    # What belongs to this person alone.

    def favourite_ids(self):
        return Favourite.select(Favourite.account).where(Favourite.user == self.id)

    def favourite_codes(self):
        starred = self.accounts().where(ManagedAccount.id.in_(self.favourite_ids())).select(ManagedAccount.code)
        return [code for (code,) in starred.tuples()]

    def toggle_favourite(self, account):
        """Star an account, or take the star back; True when it is starred now."""
        with db.atomic():
            removed = Favourite.delete().where(Favourite.user == self, Favourite.account == account).execute()
            if not removed:
                Favourite.create(user=self, account=account)
        return not removed

    def registrations(self):
        """Those that were sent: the mutual's staff alone decide them."""
        sent = Registration.select().where(Registration.sent_at.is_null(False))
        return sent.where(self.is_staff)

    def audit_events(self):
        """Who did what: the mutual's staff alone read it."""
        return AuditEvent.select().where(self.is_staff)

    def readings(self):
        """Which pages the mutual's staff opened: who reads the trail reads them."""
        return Reading.select().where(self.is_staff and self.opens("staff_audit"))

    def find_companies(self, words):
        """Companies whose name, code or SIRET hold every word (keys), by name; with their account."""
        found = self.companies_with_accounts()
        for word in words:
            found = found.where(database.contains(db, Company.search_key, word))
        return found.order_by(Company.label, Company.id)

    def companies_with_accounts(self):
        return self.companies().select(Company, ManagedAccount).join(ManagedAccount)

    def colleges_of(self, accounts):
        """The colleges of these accounts (a query) that the user may see, with company and account, by company."""
        found = self.categories().select(EmployeeCategory, Company, ManagedAccount).join(Company).join(ManagedAccount)
        found = found.where(EmployeeCategory.account.in_(accounts.select(ManagedAccount.id)))
        return found.order_by(ManagedAccount.name_key, ManagedAccount.id, Company.code, EmployeeCategory.code)

    def contracts_with_plans(self):
        """Contracts with plan, college and company, by company and college."""
        found = self.contracts().select(GroupContract, Plan, EmployeeCategory, Company).join(Plan)
        found = found.switch(GroupContract).join(EmployeeCategory).join(Company)
        return found.order_by(Company.label, EmployeeCategory.label, GroupContract.id)

    def contracts_with_banks(self):
        """Contracts with college and company, and its `bank`: the account on file, of one seen whole, or None."""
        on_file = (
            (BankDetails.company == Company.id) & BankDetails.in_force() & Company.id.in_(self.whole_company_ids())
        )
        found = self.contracts().select(GroupContract, EmployeeCategory, Company, BankDetails)
        found = found.join(EmployeeCategory).join(Company)
        return found.join(BankDetails, JOIN.LEFT_OUTER, on=on_file, attr="bank")

    def companies_with_banks(self):
        """Companies with their account, and `bank`: the bank account on file, or None."""
        on_file = (BankDetails.company == Company.id) & BankDetails.in_force()
        found = self.companies_with_accounts().switch(Company).select_extend(BankDetails)
        return found.join(BankDetails, JOIN.LEFT_OUTER, on=on_file, attr="bank")

    def accounts_counted(self):
        """Accounts with `head_count`: how many people are covered, or soon will be."""
        people = Beneficiary.select(fn.COUNT(Beneficiary.id)).where(
            Beneficiary.account == ManagedAccount.id, Beneficiary.active_on(clock.today())
        )
        return self.accounts().select_extend(people.alias("head_count"))

    def find_people(self, words):
        """People whose names or member number hold every word (keys), by name."""
        found = self.beneficiaries(in_order=True)
        for word in words:
            found = found.where(database.contains(db, Beneficiary.search_key, word))
        return found.order_by(*IN_ORDER)

    def messages(self):
        """E-mails and texts: the mutual's staff alone look after them."""
        return OutboxMessage.select().where(self.is_staff)

    def deliveries(self):
        """How this person wants messages, by kind; a kind that is not there, at once."""
        chosen = NotificationChoice.select(NotificationChoice.kind, NotificationChoice.delivery)
        return dict(chosen.where(NotificationChoice.user == self.id).tuples())

    def choose_deliveries(self, deliveries):
        """{kind: Delivery}; what waits already follows it too."""
        rows = [{"user": self.id, "kind": kind, "delivery": delivery} for kind, delivery in deliveries.items()]
        written = NotificationChoice.insert_many(rows).on_conflict(
            conflict_target=[NotificationChoice.user, NotificationChoice.kind], preserve=[NotificationChoice.delivery]
        )
        written.execute()

    def factors(self):
        """Applications that show codes, and the one that is being added."""
        return SecondFactor.select().where(SecondFactor.user == self).order_by(SecondFactor.id)

    def passkeys(self):
        return Passkey.of(self)

    def trusted_devices(self, now):
        return TrustedDevice.of(self, now)

    def open_sessions(self, now):
        return (
            UserSession.select()
            .where(
                UserSession.user == self,
                UserSession.ended_at.is_null(),
                ~UserSession.factor_due,
                UserSession.started_at > now - LONGEST,
                UserSession.seen_at > now - (IDLE_STAFF if self.is_staff else IDLE),
            )
            .order_by(UserSession.seen_at.desc())
        )


class PermissionGrant(Table):
    """An « habilitation »: a user may act for an account, one of its companies, or one college, from a day to a day."""

    user = ForeignKeyField(User, backref="grants")
    account = ForeignKeyField(ManagedAccount)
    company = ForeignKeyField(Company, null=True)
    category = ForeignKeyField(EmployeeCategory, null=True)
    valid_from = DateField(default=clock.today)
    valid_to = DateField(null=True)  # the last day
    public_id = PublicId()
    actions = IntegerField(default=rights.ALL)  # rules.rights
    name = CharField(default="")  # of whom it was given to, as who gave it wrote it
    search_key = KeyField(default="")
    author = ForeignKeyField(User, null=True, index=False)  # none: the mutual
    created_at = DateTimeField(default=clock.now)
    confirmed_at = DateTimeField(default=clock.now)  # when it was given, or « Encore habilité » was last said
    asked_at = DateTimeField(null=True)  # when that was last asked of who manages it
    version = IntegerField(default=1)
    form_key = CharField(64, null=True, unique=True)

    class Meta:
        indexes = ((("user", "account"), False),)

    ADMINISTRATORS = (UserRole.COMPANY, UserRole.MULTI_ACCOUNT_MANAGER)  # a broker does not keep a company's rights

    @classmethod
    def named(cls, user, name=""):
        """The columns by which a grant of this user is shown and found; `name`: what who gives it calls them."""
        name = name or user.full_name
        return {"name": name, "search_key": f"{search_key(name)} {search_key(user.identifier)}"}

    @classmethod
    def holds(cls, account, company, category):
        """The grants that hold a college, a whole company (`category` None) or a whole account (both None)."""
        whole = cls.company.is_null() | (cls.company == company)
        return (cls.account == account) & whole & (cls.category.is_null() | (cls.category == category))

    @classmethod
    def whole(cls, grants):
        """These grants with their user, account, company and college."""
        joined = grants.select(cls, User, ManagedAccount, Company, EmployeeCategory).join(
            User, on=(cls.user == User.id)
        )
        joined = joined.switch(cls).join(ManagedAccount, on=(cls.account == ManagedAccount.id))
        joined = joined.switch(cls).join(Company, JOIN.LEFT_OUTER, on=(cls.company == Company.id))
        return joined.switch(cls).join(EmployeeCategory, JOIN.LEFT_OUTER, on=(cls.category == EmployeeCategory.id))

    @classmethod
    def administrators(cls, account, on):
        """The grants of who manages the rights of a whole account, and can sign in."""
        whole = (cls.account == account) & cls.company.is_null() & cls.category.is_null()
        lasting = cls.valid_to.is_null() | (cls.valid_to >= on)
        came = User.disabled_at.is_null() & (User.password_hash != NO_PASSWORD)
        active = User.select(User.id).where(came, User.role.in_(cls.ADMINISTRATORS))
        managing = cls.actions.bin_and(rights.Action.MANAGE) != 0
        return cls.select().where(whole, managing, cls.valid_from <= on, lasting, cls.user.in_(active))

    def is_over(self, on):
        return self.valid_to is not None and self.valid_to < on

    @property
    def is_administrators(self):
        return self.company_id is None and self.category_id is None and bool(self.actions & rights.Action.MANAGE)

    @classmethod
    def to_confirm(cls, now):
        """Given or confirmed a year ago: are they still right?"""
        on = clock.day_of(now)
        alive = cls.valid_to.is_null() | (cls.valid_to >= on)
        return (cls.confirmed_at <= now - rights.ASKED_AGAIN_AFTER) & alive

    @classmethod
    def opens(cls, category):
        """The grants that hold a college; `category`: the table, or its alias."""
        return cls.holds(category.account, category.company, category.id)

    @classmethod
    def all_actions(cls):
        """What the grants of a query let do together, 0 when there are none."""
        return fn.COALESCE(database.all_bits(db, cls.actions, rights.Action), 0)

    @classmethod
    def in_force(cls, user, on, action=rights.Action.SEE):
        return cls.select(cls.id).where(
            cls.user == user,
            cls.valid_from <= on,
            cls.valid_to.is_null() | (cls.valid_to >= on),
            cls.actions.bin_and(action) != 0,
        )


class Favourite(Table):
    user = ForeignKeyField(User)
    account = ForeignKeyField(ManagedAccount)

    class Meta:
        indexes = ((("user", "account"), True),)


# ── Affiliations by file ─────────────────────────────────────────────────────────────────────────────────────────


class ImportState(StrEnum):
    WAITING = "WAITING"  # to be read
    CHECKED = "CHECKED"  # every row is staged, the user decides
    CONFIRMING = "CONFIRMING"  # valid rows are being affiliated
    DONE = "DONE"  # nothing is left to confirm
    FAILED = "FAILED"  # could not be read
    DROPPED = "DROPPED"


class AffiliationImport(Table):
    """A file that HR sent: read, checked and saved by the worker; its rows are mended in the page."""

    public_id = PublicId()
    account = ForeignKeyField(ManagedAccount)
    author = ForeignKeyField(User, index=False)
    asked_by = ForeignKeyField(User, null=True, index=False)  # whose rights confirm it
    file_name = CharField()
    sha256 = CharField(64)
    size = IntegerField()
    content = SealedField(null=True)  # the file, until it is read
    state = CharField(16, default=ImportState.WAITING, index=True)
    fault = CharField(500, default="")  # why it could not be read, or what was left aside
    wrong_template = BooleanField(default=False)
    unknown_columns = JSONField(default=list)
    total = IntegerField(default=0)
    done = IntegerField(default=0)
    created_at = DateTimeField(default=clock.now)
    checked_at = DateTimeField(null=True)
    confirmed_at = DateTimeField(null=True)
    leased_until = DateTimeField(null=True)
    attempts = IntegerField(default=0)
    with_warnings = BooleanField(default=True)  # whether rows with a warning are confirmed too
    form_key = CharField(64, null=True, unique=True)

    class Meta:
        indexes = ((("account", "created_at"), False),)

    WORK = (ImportState.WAITING, ImportState.CONFIRMING)
    LEASE = datetime.timedelta(seconds=60)
    MOST_ATTEMPTS = 3

    @cached_property
    def place(self):
        """Where its rows are in the vault: written once, for thousands of them."""
        return str(self.public_id)

    @property
    def is_at_work(self):
        return self.state in self.WORK

    @property
    def percent(self):
        return min(99, self.done * 100 // self.total) if self.total else 0

    @classmethod
    def send(cls, account_id, author, file_name, data, form_key):
        """Keep a file for the worker to read."""
        sha256 = hashlib.sha256(data).hexdigest()
        sent = cls(account=account_id, author=author, file_name=file_name[-255:], sha256=sha256, size=len(data))
        sent.form_key = form_key
        sent.keep(data)
        sent.save(force_insert=True)
        return sent

    @classmethod
    def same_as(cls, sent):
        """What tells the same file, sent earlier for the same account."""
        return (cls.account == sent.account_id) & (cls.sha256 == sent.sha256) & (cls.id < sent.id)

    @classmethod
    def sent_by(cls, author, form_key):
        """What this very form has sent already; None the first time."""
        return cls.get_or_none(cls.author == author, cls.form_key == form_key) if form_key else None

    def hold(self):
        """Keep it from being confirmed or dropped until the end of the transaction; False when it is already."""
        checked = AffiliationImport.state == ImportState.CHECKED
        held = AffiliationImport.update(state=ImportState.CHECKED).where(AffiliationImport.id == self.id, checked)
        return held.execute() == 1

    def ask_to_confirm(self, by, with_warnings):
        """Have the worker affiliate what is ready; False when somebody else was faster, or when it is not the time."""
        asked = AffiliationImport.update(
            state=ImportState.CONFIRMING, asked_by=by, with_warnings=with_warnings, fault="", done=0, leased_until=None
        ).where(AffiliationImport.id == self.id, AffiliationImport.state == ImportState.CHECKED)
        return asked.execute() == 1

    def drop(self):
        """Forget the rows that were not confirmed: how many; None when it is not the time."""
        over = (ImportState.CHECKED, ImportState.FAILED)
        with db.atomic():
            dropped = AffiliationImport.update(state=ImportState.DROPPED, content=None).where(
                AffiliationImport.id == self.id, AffiliationImport.state.in_(over)
            )
            if dropped.execute() != 1:
                return None
            pending = ImportRow.delete().where(ImportRow.source == self.id, ImportRow.confirmed_at.is_null())
            return pending.execute()

    @classmethod
    def purge(cls, now):
        """Forget the words of files that are over with; the movements that came of them stay."""
        over = cls.state.in_((ImportState.DONE, ImportState.DROPPED, ImportState.FAILED))
        return cls.delete().where(over, cls.created_at < now - TERMS["affiliation_import"].time).execute()

    def keep(self, data):
        """Seal the file in the row: it is committed with it, and gone once read."""
        text = base64.b64encode(data).decode()
        self.content = vault.seal(text, "affiliation_import", "content", self.public_id)

    def file(self):
        return base64.b64decode(vault.open(self.content, "affiliation_import", "content", self.public_id))

    @classmethod
    def take(cls, now):
        """The next import that asks for work, leased to this worker; a lease that ran out was a worker that died."""
        free = cls.leased_until.is_null() | (cls.leased_until < now)
        due = cls.select(cls.id, cls.attempts).where(cls.state.in_(cls.WORK), free).order_by(cls.id)
        for candidate in list(due.limit(5)):
            mine = cls.update(leased_until=now + cls.LEASE, attempts=candidate.attempts + 1).where(
                cls.id == candidate.id, cls.attempts == candidate.attempts, free
            )
            if mine.execute() == 1:
                return cls.get_by_id(candidate.id)
        return None

    def progress(self, done, total, now):
        """Say how far it is, and keep the lease."""
        self.done, self.total, self.leased_until = done, total, now + self.LEASE
        self.save(only=["done", "total", "leased_until"])

    def move(self, state, **values):
        """To another state, the lease given back."""
        for name, value in {"state": state, "leased_until": None, "attempts": 0, **values}.items():
            setattr(self, name, value)
        names = ["state", "leased_until", "attempts", *values]
        self.save(only=names)


class ImportRow(Table):
    """A row of the file: its words (sealed), what is said of them, and what was made of it."""

    source = ForeignKeyField(AffiliationImport, backref="rows", on_delete="CASCADE", index=False)
    line = IntegerField()  # the sheet's own number
    content = SealedField()  # JSON: the words of the cells, and the values when they are right
    matricule = CharField(64, default="")
    identity = CharField(32, default="")  # blind: the same person has the same
    verdict = CharField(16)  # CREATE, UPDATE, UNCHANGED, WARNING, ERROR
    action = CharField(16, default="")  # CREATE, UPDATE, "" (nothing to do)
    notes = JSONField(default=dict)  # errors, warnings, repairs: {column: sentence}
    beneficiary = ForeignKeyField(Beneficiary, null=True, on_delete="SET NULL", index=False)  # recognised
    movement = ForeignKeyField(Movement, null=True, on_delete="SET NULL", index=False)  # what came of it
    confirmed_at = DateTimeField(null=True)

    class Meta:
        indexes = (
            (("source", "line"), True),
            (("source", "verdict"), False),
            (("source", "matricule"), False),
            (("source", "identity"), False),
        )


# ── Signing in ───────────────────────────────────────────────────────────────────────────────────────────────────

LONGEST = datetime.timedelta(hours=12)
IDLE = datetime.timedelta(minutes=30)
IDLE_STAFF = datetime.timedelta(minutes=15)
SEEN_EVERY = datetime.timedelta(seconds=10)  # how finely idleness is written down: not one write a page


def initials_pattern(word):
    """« ac » → « a% c% »: words that start with these letters, in this order."""
    return "% ".join(word.replace(" ", "")) + "%"


def digest(token):
    return hashlib.sha256(token.encode()).hexdigest()


class UserSession(Table):
    """A signed-in browser: the token is drawn here, given to the browser, and only its hash is kept.

    `factor_due`: the password alone was shown, the second factor is still to be: until then it is no sign-in.
    `proved_at`: when the user last showed all that they sign in with.
    """

    public_id = PublicId()
    user = ForeignKeyField(User, backref="sessions", on_delete="CASCADE")
    token_hash = CharField(64, unique=True)
    started_at = DateTimeField()
    seen_at = DateTimeField()
    ended_at = DateTimeField(null=True)
    address = CharField(64)
    agent = CharField(255)
    factor_due = BooleanField(default=False)
    proved_at = DateTimeField(null=True)
    challenge = CharField(86, default="")  # that a passkey is to answer, once
    viewing = ForeignKeyField(User, null=True, index=False, on_delete="SET NULL")  # whose pages are looked at
    viewing_until = DateTimeField(null=True)

    @classmethod
    def start(cls, user, now, address, agent, factor_due=False):
        """A new session and its token (256 bits)."""
        token = secrets.token_urlsafe(32)
        browser = {"address": address, "agent": agent[:255], "factor_due": factor_due, "proved_at": now}
        return cls.create(user=user, token_hash=digest(token), started_at=now, seen_at=now, **browser), token

    def renew(self, now):
        """Everything was shown: a new token, the old one opens nothing any more. None when the session has ended."""
        token = secrets.token_urlsafe(32)
        whole = {"token_hash": digest(token), "factor_due": False, "proved_at": now, "seen_at": now}
        same = (UserSession.token_hash == self.token_hash) & UserSession.ended_at.is_null()
        if UserSession.update(whole).where(UserSession.id == self.id, same).execute() != 1:
            return None
        self.token_hash, self.factor_due, self.proved_at = whole["token_hash"], False, now
        return token

    @classmethod
    def of(cls, token, now):
        """The live session of a token, its user loaded; None when ended, idle too long or too old."""
        session = next(iter(live_session(digest(token), clock.day_of(now))), None)
        if session and not session.alive(now):
            reach.of_nobody(db)
            return None
        return session

    @classmethod
    def owner(cls, token):
        """Whose session this was, live or not, as long as the row is there; nobody's when half of a sign-in made it."""
        found = cls.select(cls, User).join(User).where(cls.token_hash == digest(token), ~cls.factor_due).first()
        return found.user if found and found.user.is_active else None

    def alive(self, now):
        return self.user.is_active and now - self.seen_at <= self.idle and now - self.started_at <= LONGEST

    def challenge_with(self, challenge):
        UserSession.update(challenge=challenge).where(UserSession.id == self.id).execute()

    def spend_challenge(self):
        """The challenge that was given, once: "" for whoever comes second, and when there is none."""
        kept, self.challenge = self.challenge, ""
        same = (UserSession.id == self.id) & (UserSession.challenge == kept)
        return kept if kept and UserSession.update(challenge="").where(same).execute() == 1 else ""

    @property
    def idle(self):
        return IDLE_STAFF if self.user.is_staff else IDLE

    @property
    def browser(self):
        """« Firefox, Linux » out of what the browser says of itself."""
        names = ("Edg", "Firefox", "Chrome", "Safari")
        systems = ("Windows", "Android", "iPhone", "Mac OS", "Linux")
        name = next((name for name in names if name in self.agent), "Navigateur")
        system = next((f", {system}" for system in systems if system in self.agent), "")
        return name.replace("Edg", "Edge") + system

    def touch(self, now):
        if now - self.seen_at >= SEEN_EVERY:
            self.seen_at = now
            seen = UserSession.update(seen_at=now).where(UserSession.id == self.id, UserSession.ended_at.is_null())
            with suppress(OperationalError), database.without_waiting(db):  # reading goes on while someone writes
                seen.execute()

    def end(self, now):
        UserSession.update(ended_at=now).where(UserSession.id == self.id, UserSession.ended_at.is_null()).execute()

    VIEWED_FOR = datetime.timedelta(minutes=30)

    def view_as(self, user, now):
        """Look at the portal as somebody else, or as oneself again (None)."""
        until = now + self.VIEWED_FOR if user else None
        UserSession.update(viewing=user, viewing_until=until).where(UserSession.id == self.id).execute()

    def viewed(self, now):
        """Whose pages are looked at; None once the time is over, or when their access was closed."""
        if self.viewing_id is None or self.viewing_until <= now:
            return None
        shown = User.get_or_none(User.id == self.viewing_id, User.disabled_at.is_null())
        if shown:
            reach.of_user(db, shown, clock.day_of(now))
        return shown

    @classmethod
    def end_all(cls, user, now, but=None):
        ended = cls.update(ended_at=now).where(cls.user == user, cls.ended_at.is_null())
        return (ended.where(cls.id != but.id) if but else ended).execute()

    @classmethod
    def purge(cls, now):
        """Forget those that ended, and those of a year ago that nobody ended; the audit trail keeps who signed in."""
        old = cls.started_at < now - TERMS["user_session"].time
        return cls.delete().where(cls.ended_at.is_null(False) | old).execute()


class OneTimeLink(Table):
    """A link sent by e-mail that works once: only its hash is kept."""

    user = ForeignKeyField(User, on_delete="CASCADE")
    token_hash = CharField(64, unique=True)
    expires_at = DateTimeField()
    used_at = DateTimeField(null=True)

    LASTS = datetime.timedelta(minutes=30)

    @classmethod
    def draw(cls, user, now, lasts=LASTS):
        token = secrets.token_urlsafe(32)
        cls.create(user=user, token_hash=digest(token), expires_at=now + lasts)
        return token

    @classmethod
    def usable(cls, token, now):
        found = cls.select(cls, User).join(User).where(cls.token_hash == digest(token))
        link = found.where(cls.used_at.is_null(), cls.expires_at >= now).first()
        return link if link and link.user.is_active else None

    def use(self, now):
        """Once: True for the first who asks, False for all others, even at the same time."""
        used = OneTimeLink.update(used_at=now).where(OneTimeLink.id == self.id, OneTimeLink.used_at.is_null())
        return used.execute() == 1

    @classmethod
    def purge(cls, now):
        """Forget those that expired a day ago, used or not."""
        return cls.delete().where(cls.expires_at < now - TERMS["one_time_link"].time).execute()


class SecondFactor(Table):
    """An application that shows codes (TOTP): its seed is sealed, and each of its codes is taken once."""

    public_id = PublicId()
    user = ForeignKeyField(User, on_delete="CASCADE")
    name = CharField(60, default="")
    seed = SealedField()  # base32, 160 bits
    last_step = IntegerField(default=0)  # of thirty seconds: that of the last code that was taken
    created_at = DateTimeField()
    confirmed_at = DateTimeField(null=True)

    @classmethod
    def begin(cls, user, seed, now):
        """One that is still to be confirmed, instead of any that was left there."""
        with db.atomic():
            database.serialise(db, hash_of(f"factor {user.id}"))
            cls.delete().where(cls.user == user, cls.confirmed_at.is_null()).execute()
            begun = cls(user=user, created_at=now)
            begun.seed = vault.seal(seed, "second_factor", "seed", begun.public_id)
            begun.save(force_insert=True)
        return begun

    @classmethod
    def begun(cls, user):
        return cls.select().where(cls.user == user, cls.confirmed_at.is_null()).order_by(cls.id.desc()).first()

    @classmethod
    def of(cls, user):
        """Those that count, the oldest first."""
        return cls.select().where(cls.user == user, cls.confirmed_at.is_null(False)).order_by(cls.id)

    def unseal(self):
        return vault.open(self.seed, "second_factor", "seed", self.public_id)

    def confirm(self, name, step, now):
        """Its first code was right: it counts from now on. False when another click did this."""
        values = {"name": name, "last_step": step, "confirmed_at": now}
        waiting = SecondFactor.confirmed_at.is_null()
        return SecondFactor.update(values).where(SecondFactor.id == self.id, waiting).execute() == 1

    def take(self, step):
        """Use the code of a step: True once, False for all others, even at the same time."""
        taken = SecondFactor.update(last_step=step).where(SecondFactor.id == self.id, SecondFactor.last_step < step)
        return taken.execute() == 1

    def rename(self, name):
        SecondFactor.update(name=name).where(SecondFactor.id == self.id).execute()

    def remove(self, keep_one):
        """Without the last go the codes of recovery and the trusted browsers; False when that one is to be kept."""
        with db.atomic():
            database.serialise(db, hash_of(f"factor {self.user_id}"))
            others = SecondFactor.of(self.user_id).where(SecondFactor.id != self.id).exists()
            if keep_one and not others:
                return False
            if not others:
                SecondFactor.forget(self.user_id)
            self.delete_instance()
        return True

    @classmethod
    def forget(cls, user):
        """Every one of them, with what goes with them."""
        with db.atomic():
            for table in (RecoveryCode, TrustedDevice, Passkey, cls):
                table.delete().where(table.user == user).execute()
            User.drop_proposals("factor", User.id == user)

    @classmethod
    def purge(cls, now):
        """Forget those that nobody confirmed."""
        late = cls.created_at < now - TERMS["second_factor"].time
        return cls.delete().where(cls.confirmed_at.is_null(), late).execute()


class Passkey(Table):
    """A key that a browser, a telephone or a USB stick holds, beside an application of codes; only its public half."""

    public_id = PublicId()
    user = ForeignKeyField(User, on_delete="CASCADE")
    name = CharField(60)
    credential_id = CharField(1400, unique=True)  # base64url
    public_key = BlobField()  # COSE
    sign_count = BigIntegerField()
    created_at = DateTimeField()
    seen_at = DateTimeField(null=True)

    @classmethod
    def add(cls, user, name, credential_id, public_key, sign_count, now):
        values = {"credential_id": credential_id, "public_key": public_key, "sign_count": sign_count}
        return cls.create(user=user, name=name, created_at=now, **values)

    @classmethod
    def of(cls, user):
        return cls.select().where(cls.user == user).order_by(cls.id)

    def note_use(self, sign_count, now):
        """It answered; False when it did so elsewhere meanwhile, with another count."""
        same = (Passkey.id == self.id) & (Passkey.sign_count == self.sign_count)
        return Passkey.update(sign_count=sign_count, seen_at=now).where(same).execute() == 1


class RecoveryCode(Table):
    """One of the codes that somebody wrote down for the day when they have no second factor; its hash alone is kept."""

    user = ForeignKeyField(User, on_delete="CASCADE")
    code_hash = CharField(255)  # as that of a password
    used_at = DateTimeField(null=True)

    @classmethod
    def replace(cls, user, hashes):
        """New ones end those that there were."""
        with db.atomic():
            database.serialise(db, hash_of(f"factor {user.id}"))
            cls.delete().where(cls.user == user).execute()
            cls.insert_many([{"user": user.id, "code_hash": hashed} for hashed in hashes]).execute()

    @classmethod
    def left(cls, user):
        return cls.select().where(cls.user == user, cls.used_at.is_null())

    def use(self, now):
        """Once: True for the first who asks, False for all others, even at the same time."""
        used = RecoveryCode.update(used_at=now).where(RecoveryCode.id == self.id, RecoveryCode.used_at.is_null())
        return used.execute() == 1


class TrustedDevice(Table):
    """A browser that is not asked for the second factor for a while: the hash of what its cookie holds."""

    public_id = PublicId()
    user = ForeignKeyField(User, on_delete="CASCADE")
    token_hash = CharField(64, unique=True)
    label = CharField(60)
    created_at = DateTimeField()
    seen_at = DateTimeField()
    expires_at = DateTimeField()

    LASTS = datetime.timedelta(days=30)

    @classmethod
    def trust(cls, user, label, now):
        """The token (256 bits) for its cookie."""
        token = secrets.token_urlsafe(32)
        dates = {"created_at": now, "seen_at": now, "expires_at": now + cls.LASTS}
        cls.create(user=user, token_hash=digest(token), label=label[:60], **dates)
        return token

    @classmethod
    def of(cls, user, now):
        return cls.select().where(cls.user == user, cls.expires_at > now).order_by(cls.seen_at.desc(), cls.id)

    @classmethod
    def met(cls, user, tokens, now):
        """Whether one of these tokens is of a browser that this user trusts."""
        hashes = [digest(token) for token in tokens]
        seen = cls.update(seen_at=now).where(cls.user == user, cls.expires_at > now, cls.token_hash.in_(hashes))
        return bool(hashes) and seen.execute() > 0

    @classmethod
    def forget(cls, user):
        return cls.delete().where(cls.user == user).execute()

    @classmethod
    def purge(cls, now):
        return cls.delete().where(cls.expires_at <= now).execute()


class Throttle(Table):
    """Failures of one account or one address; each makes the next try wait longer, never for ever."""

    key = CharField(80, primary_key=True)
    failures = IntegerField()
    free_at = DateTimeField()
    forget_at = DateTimeField()

    @classmethod
    def wait(cls, keys, now):
        """Seconds to wait before the next try under any of these keys; 0 when it may go on."""
        latest = cls.select(fn.MAX(cls.free_at)).where(cls.key.in_(list(keys)), cls.forget_at > now).scalar()
        if isinstance(latest, str):
            latest = datetime.datetime.fromisoformat(latest)
        return max(0, int((latest - now).total_seconds()) + 1) if latest and latest > now else 0

    @classmethod
    def count(cls, key, now, free, slowest=900):
        """Note one more try before it is made, so that tries at the same time are counted too."""
        with db.atomic():
            database.serialise(db, hash_of(key))
            row = cls.get_or_none(cls.key == key)
            failures = row.failures + 1 if row and row.forget_at > now else 1
            wait = min(slowest, 2 ** min(failures - free, 10) * 15) if failures >= free else 0
            values = {
                "failures": failures,
                "free_at": now + datetime.timedelta(seconds=wait),
                # A day after the first failure: an office that makes one mistake a day is not slowed down for good.
                "forget_at": row.forget_at if failures > 1 else now + datetime.timedelta(hours=24),
            }
            cls.insert(key=key, **values).on_conflict(conflict_target=[cls.key], update=values).execute()

    @classmethod
    def allow(cls, key, now, most, within):
        """Count one of the `most` that a window of time allows; seconds to wait when all are taken, otherwise 0."""
        with db.atomic():
            database.serialise(db, hash_of(key))
            row = cls.get_or_none(cls.key == key)
            if row is None or row.forget_at <= now:
                row = cls(failures=0, forget_at=now + within)
            if row.failures >= most:
                return int((row.forget_at - now).total_seconds()) + 1
            values = {"failures": row.failures + 1, "free_at": now, "forget_at": row.forget_at}
            cls.insert(key=key, **values).on_conflict(conflict_target=[cls.key], update=values).execute()
        return 0

    @classmethod
    def left(cls, key, now, most):
        """Seconds until one more of those is allowed (`allow`); 0 when one is."""
        row = cls.get_or_none(cls.key == key)
        full = row is not None and row.forget_at > now and row.failures >= most
        return int((row.forget_at - now).total_seconds()) + 1 if full else 0

    @classmethod
    def take(cls, key, number, now, most, within):
        """Count `number` of the `most` that a window allows, in one statement; seconds to wait when they are too many.

        What is refused is not counted: what is smaller may still go.
        """
        if number > most:
            return int(within.total_seconds())
        over = cls.forget_at <= now
        written = cls.insert(key=key, failures=number, free_at=now, forget_at=now + within).on_conflict(
            conflict_target=[cls.key],
            update={
                cls.failures: Case(None, [(over, number)], cls.failures + number),
                cls.forget_at: Case(None, [(over, now + within)], cls.forget_at),
            },
            where=over | (cls.failures + number <= most),
        )
        if list(written.returning(cls.failures)):
            return 0
        row = cls.get(cls.key == key)
        return max(1, int((row.forget_at - now).total_seconds()) + 1)

    @classmethod
    def forgive(cls, key):
        cls.delete().where(cls.key == key).execute()

    @classmethod
    def purge(cls, now):
        return cls.delete().where(cls.forget_at < now).execute()

    @classmethod
    def take_back(cls, key, now):
        """A try that succeeded is no failure."""
        cls.update(failures=cls.failures - 1, free_at=now).where(cls.key == key, cls.failures > 0).execute()


def hash_of(text):
    """A number of 63 bits for an advisory lock."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> 1


# ── E-mails and SMS waiting to go ────────────────────────────────────────────────────────────────────────────────


class Channel(StrEnum):
    EMAIL = "EMAIL"
    SMS = "SMS"


class MessageKind(StrEnum):
    SECURITY = "SECURITY"  # links and codes: goes first, and always at once
    IMPORT = "IMPORT"
    MOVEMENT = "MOVEMENT"
    ENROLMENT = "ENROLMENT"
    PROOF = "PROOF"
    REQUEST = "REQUEST"
    DIGEST = "DIGEST"  # what was kept for once a day
    NOTICE = "NOTICE"  # what the law has announced: always at once

    @property
    def is_wished(self):
        """Its readers may have none of it."""
        return self not in (MessageKind.SECURITY, MessageKind.NOTICE)


class MessageState(StrEnum):
    WAITING = "WAITING"
    SENT = "SENT"
    FAILED = "FAILED"  # for good, unless someone sends it again
    TAKEN_BACK = "TAKEN_BACK"  # before it went
    GROUPED = "GROUPED"  # told in a digest
    UNWANTED = "UNWANTED"  # its user had chosen to have none of this kind when it would have gone


class Delivery(StrEnum):
    AT_ONCE = "AT_ONCE"
    DAILY = "DAILY"
    NONE = "NONE"


class NotificationChoice(Table):
    """How a user wants messages of one kind; without a row, at once."""

    user = ForeignKeyField(User, backref="notification_choices", on_delete="CASCADE", index=False)
    kind = CharField(16)
    delivery = CharField(16)

    class Meta:
        indexes = ((("user", "kind"), True),)


class OutboxMessage(Table):
    """An e-mail or a text, written in the transaction of its cause; the worker sends it.

    `content` is the sealed JSON of `to`, `text`, `html` and `link` (the page it is about); nothing of it stays once the
    message has gone. `object_type` and `object_id` name what it is about, as in the audit trail.
    """

    public_id = PublicId()
    channel = CharField(8, default=Channel.EMAIL)
    kind = CharField(16)
    user = ForeignKeyField(User, null=True, backref="outbox_messages", on_delete="SET NULL")  # none: no user of ours
    object_type = CharField(32, default="")
    object_id = CharField(64, default="")
    recipient = CharField(64)  # masked: « j•••@exemple.fr »
    subject = CharField(default="")
    content = SealedField(null=True)
    created_at = DateTimeField()
    not_before = DateTimeField()
    not_after = DateTimeField(null=True)  # of no more use afterwards: a code, a link
    state = CharField(16, default=MessageState.WAITING)
    settled_at = DateTimeField(null=True)  # when it went, failed for good, or was taken back
    leased_until = DateTimeField(null=True)  # a worker has it in hand
    attempts = IntegerField(default=0)
    last_error = CharField(default="")
    digest = ForeignKeyField("self", null=True, backref="grouped", on_delete="SET NULL", index=False)

    class Meta:
        indexes = (
            (("state", "not_before"), False),
            (("object_type", "object_id"), False),
        )

    LEASE = datetime.timedelta(minutes=5)

    def seal(self, content):
        self.content = vault.seal(json.dumps(content), "outbox_message", "content", self.public_id)

    def unseal(self):
        """What was written: {"to", "text", "html", "link"}; {} once it has gone."""
        return json.loads(vault.open(self.content, "outbox_message", "content", self.public_id)) if self.content else {}

    @classmethod
    def about(cls, row):
        """What was written about a row, the latest first."""
        kind, public_id = named(row)
        return cls.select().where(cls.object_type == kind, cls.object_id == public_id).order_by(cls.id.desc())

    @classmethod
    def free(cls, now):
        """Not in a worker's hands; a lease that ran out was a worker that died."""
        return (cls.state == MessageState.WAITING) & (cls.leased_until.is_null() | (cls.leased_until < now))

    @classmethod
    def chosen(cls, delivery):
        """An e-mail to a user who wants this kind so."""
        choices = NotificationChoice.select(NotificationChoice.id).where(
            NotificationChoice.user == cls.user,
            NotificationChoice.kind == cls.kind,
            NotificationChoice.delivery == delivery,
        )
        return (cls.channel == Channel.EMAIL) & fn.EXISTS(choices)

    @classmethod
    def due(cls, now):
        """What may go now: security first, then what waits longest."""
        urgent = Case(None, [(cls.kind == MessageKind.SECURITY, 0)], 1)
        ready = cls.select().where(cls.free(now), cls.not_before <= now, ~cls.chosen(Delivery.DAILY))
        return ready.order_by(urgent, cls.not_before, cls.id)

    @classmethod
    def claim(cls, now, most):
        """Take messages in hand, so that no other worker sends them: the rows, in the order to send."""
        claimed = claimed_messages(now, now + cls.LEASE, most=most)
        return sorted(claimed, key=lambda row: (row.kind != MessageKind.SECURITY, row.not_before, row.id))

    @classmethod
    def forget_unwanted(cls, now):
        """What would go now, had its user not chosen to have none of it."""
        unwanted = cls.update(state=MessageState.UNWANTED, settled_at=now, content=None)
        return unwanted.where(cls.free(now), cls.not_before <= now, cls.chosen(Delivery.NONE)).execute()

    def settle(self, state, now, error="", execute=None):
        """Its end; what was written is kept only where it may be sent again. `execute`: what writes it (`rewrite`)."""
        self.state, self.settled_at, self.leased_until, self.last_error = state, now, None, error or self.last_error
        if state != MessageState.FAILED or self.is_outdated(now):
            self.content = None
        rewrite(self, ("state", "settled_at", "leased_until", "last_error", "content"), execute)

    def is_outdated(self, now):
        return self.not_after is not None and self.not_after < now

    def put_off(self, until, error="", execute=None):
        """Give it back, to be tried again from then on."""
        self.not_before, self.leased_until, self.last_error = until, None, error or self.last_error
        rewrite(self, ("not_before", "leased_until", "last_error", "attempts"), execute)

    @classmethod
    def awaiting_digest(cls, until, now):
        """The ids of the users who have something for a digest that tells what was due until then."""
        kept = cls.select(cls.user).distinct().where(cls.for_digest(until, now)).order_by(cls.user)
        return [user_id for (user_id,) in kept.tuples()]

    @classmethod
    def for_digest(cls, until, now):
        return cls.free(now) & (cls.not_before <= until) & cls.chosen(Delivery.DAILY)

    @classmethod
    def group(cls, user_id, until, now):
        """Take what a user has for a digest, in the caller's transaction: no message of its own tells it any more."""
        taken = cls.update(state=MessageState.GROUPED, settled_at=now)
        rows = taken.where(cls.user == user_id, cls.for_digest(until, now)).returning(cls).execute()
        return sorted(rows, key=lambda message: message.id)

    def tell_instead_of(self, grouped):
        """This digest, just written, tells these."""
        told = OutboxMessage.update(digest=self.id, content=None)
        told.where(OutboxMessage.id.in_([message.id for message in grouped])).execute()

    @classmethod
    def take_back(cls, messages, now):
        """Keep these from going: how many it was in time for. `messages`: ids, or a query of ids."""
        taken = cls.update(state=MessageState.TAKEN_BACK, settled_at=now, content=None)
        return taken.where(cls.id.in_(messages), cls.free(now)).execute()

    @classmethod
    def send_again(cls, messages, now):
        """Try again what failed for good: how many. `messages`: ids, or a query of ids."""
        again = cls.update(state=MessageState.WAITING, settled_at=None, not_before=now, attempts=0, last_error="")
        return again.where(cls.id.in_(messages), cls.can_be_sent_again()).execute()

    @classmethod
    def can_be_sent_again(cls):
        return (cls.state == MessageState.FAILED) & cls.content.is_null(False)

    @classmethod
    def purge(cls, now):
        """Forget that there was a message at all."""
        return cls.delete().where(cls.settled_at < now - TERMS["outbox_message"].time).execute()

    @classmethod
    def purge_words(cls, now):
        """Forget the words of what failed for good."""
        past = cls.settled_at < now - TERMS["outbox_words"].time
        return cls.update(content=None).where(past, cls.content.is_null(False)).execute()

    @classmethod
    def reseal(cls, after, most=1_000):
        """Seal under the first key what another key sealed, a batch at a time: (last id seen or None, rows changed)."""
        with db.atomic():
            rows = list(cls.select().where(cls.id > after, cls.content.is_null(False)).order_by(cls.id).limit(most))
            old = [row for row in rows if not vault.is_current(row.content)]
            for row in old:
                content = row.content
                row.seal(row.unseal())
                # Not what a worker has sent meanwhile: it keeps nothing.
                cls.update(content=row.content).where(cls.id == row.id, cls.content == content).execute()
        return (rows[-1].id if rows else None), len(old)


@written_once(db)
def claimed_messages(now, until, most):
    """Asked again: on PostgreSQL, who waited for another worker finds them taken."""
    due = OutboxMessage.due(now).select(OutboxMessage.id).limit(most)
    mine = OutboxMessage.update(leased_until=until, attempts=OutboxMessage.attempts + 1)
    still = OutboxMessage.free(now), OutboxMessage.not_before <= now
    return mine.where(OutboxMessage.id.in_(due), *still).returning(OutboxMessage)


# ── Enrolments: typed by HR, or begun by HR and finished by the employee ─────────────────────────────────────────


class EnrolmentState(StrEnum):
    DRAFT = "DRAFT"  # HR is typing
    WITH_EMPLOYEE = "WITH_EMPLOYEE"  # the employee has a link
    SUBMITTED = "SUBMITTED"
    DECLINED = "DECLINED"  # the employee asks for a waiver instead
    DISCARDED = "DISCARDED"


class Enrolment(Table):
    """An « adhésion salarié »: a draft from its first « Suivant », then what was sent to the mutual.

    `answers` is the sealed JSON of the words that browsers sent, {step: {field: [texts]}}. `saved` tells of each step
    who wrote it last (`by`), when (`at`), at which `version`, from which page (`key`), whether by a button (`sent`),
    and whether it is `right`; nothing of what it holds.
    """

    public_id = PublicId()
    account = ForeignKeyField(ManagedAccount, index=False)
    category = ForeignKeyField(EmployeeCategory, index=False)
    contract = ForeignKeyField(GroupContract)
    author = ForeignKeyField(User, index=False)
    form_key = CharField(64, null=True, unique=True)  # of the first « Suivant »: sent twice, it makes one draft
    state = CharField(16, default=EnrolmentState.DRAFT)
    step = CharField(16)  # where to resume
    answers = SealedField()
    saved = JSONField(default=dict)
    label = CharField(default="")  # « Prénom NOM », once they are typed
    search_key = KeyField(default="")
    identity = CharField(32, default="", index=True)  # blind: the same person has the same
    version = IntegerField(default=1)  # of the answers: two tabs on one draft do not write over each other
    created_at = DateTimeField(default=clock.now)
    updated_at = DateTimeField(default=clock.now)
    warned_at = DateTimeField(null=True)  # when it was said that the draft would go
    number = CharField(16, null=True, unique=True)  # « A-2026-000123 », once it is sent
    submitted_at = DateTimeField(null=True)
    movement = ForeignKeyField(Movement, null=True, on_delete="SET NULL")
    signed_name = CharField(default="")  # by the employee: what they typed,
    signed_at = DateTimeField(null=True)  # when,
    signed_by = CharField(16, default="")  # and through what the code went (EMAIL, SMS)
    spouse_awaited = BooleanField(default=False)  # « … mais je n’ai pas toutes les informations »
    children_awaited = BooleanField(default=False)
    awaited_until = DateField(null=True)  # when to remind of those who are still to be added

    class Meta:
        indexes = (
            (("category", "state", "updated_at"), False),
            (("state", "updated_at"), False),
        )

    OPEN = (EnrolmentState.DRAFT, EnrolmentState.WITH_EMPLOYEE)
    DAYS = TERMS["enrolment"].days  # that a draft is kept without a change
    WARNED = 7  # days before, it is said that it will go
    DAYS_DISCARDED = 7  # that a draft can be restored

    @property
    def is_open(self):
        return self.state in self.OPEN

    @property
    def kept_until(self):
        """The last day of a draft that nobody changes any more: never before it was announced for long enough."""
        days = self.DAYS_DISCARDED if self.state == EnrolmentState.DISCARDED else self.DAYS
        ends = [self.updated_at + datetime.timedelta(days=days)]
        if self.warned_at:
            ends.append(self.warned_at + datetime.timedelta(days=self.WARNED))
        return clock.day_of(max(ends))

    @classmethod
    def begun_by(cls, author, form_key):
        """What this very form has begun already; None the first time."""
        return cls.get_or_none(cls.author == author, cls.form_key == form_key) if form_key else None

    @classmethod
    def whole(cls, enrolments):
        """The same enrolments, with contract, plan, college, company, account and author."""
        author = (User.id, User.identifier, User.first_name, User.last_name, User.role, User.disabled_at)
        account = ManagedAccount.id, ManagedAccount.code, ManagedAccount.name
        return (
            enrolments.select(cls, GroupContract, Plan, EmployeeCategory, Company, *account, *author)
            .join(GroupContract)
            .join(Plan)
            .switch(cls)
            .join(EmployeeCategory)
            .join(Company)
            .switch(cls)
            .join(ManagedAccount)
            .switch(cls)
            .join(User)
        )

    @classmethod
    def reopen(cls, movements, now):
        """Drafts again, with their numbers, of what these movements came from: how many."""
        opened = cls.update(
            state=EnrolmentState.DRAFT,
            movement=None,
            submitted_at=None,
            updated_at=now,
            warned_at=None,
            version=cls.version + 1,
            signed_name="",
            signed_at=None,
            signed_by="",
            spouse_awaited=False,
            children_awaited=False,
            awaited_until=None,
        )
        sent = cls.movement.in_(list(movements)), cls.state == EnrolmentState.SUBMITTED
        copies = GuestLink.enrolment.in_(cls.select(cls.id).where(*sent)), GuestLink.purpose == GuestPurpose.COPY
        GuestLink.update(cancelled_at=now).where(*copies, GuestLink.cancelled_at.is_null()).execute()
        return opened.where(*sent).execute()

    @classmethod
    def spouses_came(cls, employees):
        """Nobody awaits the spouses of these employees any more; children are awaited until HR says that all came."""
        if employees:
            sent = Movement.select(Movement.id).where(Movement.beneficiary.in_(employees))
            cls.update(spouse_awaited=False).where(cls.movement.in_(sent), cls.spouse_awaited).execute()

    def read_whole(self):
        return Enrolment.whole(Enrolment.select()).where(Enrolment.id == self.id).get()

    def copy_link(self):
        """The link to their copy that the employee was sent (EMAIL, SMS); None when they could not be."""
        last = self.links.where(GuestLink.purpose == GuestPurpose.COPY).order_by(GuestLink.id.desc()).first()
        return last if last and last.channel != GuestChannel.LETTER else None

    def hold(self):
        """This enrolment as it is now, held until the end of the transaction; None when it is gone."""
        return next(iter(held_enrolment(self.id)), None)

    opened = None, {}  # what was sealed, and what is in it: it is opened once

    def seal(self, answers):
        self.answers = vault.seal(json.dumps(answers), "enrolment", "answers", self.public_id)
        self.opened = self.answers, answers

    def unseal(self):
        """{step: {field: [texts]}}, to be read and not changed; nothing of what is not begun."""
        if not self.answers:
            return {}
        if self.opened[0] is not self.answers:
            answers = json.loads(vault.open(self.answers, "enrolment", "answers", self.public_id))
            self.opened = self.answers, answers
        return self.opened[1]


class GuestPurpose(StrEnum):
    ENROL = "ENROL"  # complete and sign one’s own enrolment
    COPY = "COPY"  # read again what was signed
    DEPOSIT = "DEPOSIT"  # send the documents that are awaited of a household


class GuestChannel(StrEnum):
    EMAIL = "EMAIL"
    SMS = "SMS"
    LETTER = "LETTER"


class Decision(StrEnum):
    ENROL = "ENROL"
    WAIVE = "WAIVE"


class GuestLink(Table):
    """A link given to an employee, who is no user: it opens nothing before their birth date confirms who they are."""

    public_id = PublicId()
    purpose = CharField(16)
    enrolment = ForeignKeyField(Enrolment, null=True, backref="links", on_delete="CASCADE")
    beneficiary = ForeignKeyField(Beneficiary, null=True, backref="guest_links", on_delete="CASCADE")  # the employee
    token_hash = CharField(64, unique=True)
    channel = CharField(16)  # GuestChannel
    recipient = SealedField(null=True)  # address or number; none for a letter
    author = ForeignKeyField(User, null=True, index=False)  # none: by itself
    created_at = DateTimeField(default=clock.now)
    expires_at = DateTimeField()
    opened_at = DateTimeField(null=True)  # the birth date was confirmed, the first time
    left_at = DateTimeField(null=True)  # « Quitter »: the sessions begun before it are over
    birth_tries = IntegerField(default=0)  # birth dates that were not the employee’s
    cancelled_at = DateTimeField(null=True)
    used_at = DateTimeField(null=True)  # signed, or declined
    told_at = DateTimeField(null=True)  # that it ran out
    code_hash = CharField(64, default="")  # of the code that signs
    code_sent_at = DateTimeField(null=True)
    code_expires_at = DateTimeField(null=True)
    code_tries = IntegerField(default=0)
    code_channel = CharField(16, default="")  # where the code went: EMAIL, SMS
    code_to = SealedField(null=True)
    decision = CharField(16, default="")  # what the code signs: Decision
    typed_name = CharField(default="")  # with it, once it is right
    seen_version = IntegerField(null=True)  # of the enrolment's answers that were looked at last

    DAYS = 30
    MOST_BIRTH_TRIES = 10  # of some 16,000 likely days: the throttle alone would let thousands be tried in 30 days

    def seal(self, recipient):
        self.recipient = vault.seal(recipient, "guest_link", "recipient", self.public_id) if recipient else None

    def unseal(self):
        """The address or the number; "" for a letter."""
        return vault.open(self.recipient, "guest_link", "recipient", self.public_id) if self.recipient else ""

    @classmethod
    def live(cls, now):
        """What makes a link work: neither expired, cancelled nor used, nor tried with too many birth dates."""
        return (
            (cls.expires_at > now)
            & cls.cancelled_at.is_null()
            & cls.used_at.is_null()
            & (cls.birth_tries < cls.MOST_BIRTH_TRIES)
        )

    @property
    def is_blocked(self):
        """Too many birth dates were tried."""
        return self.birth_tries >= self.MOST_BIRTH_TRIES

    @classmethod
    def whole(cls):
        """Links with whom they are about."""
        return (
            cls.select(cls, Enrolment, Beneficiary)
            .join(Enrolment, JOIN.LEFT_OUTER)
            .switch(cls)
            .join(Beneficiary, JOIN.LEFT_OUTER)
        )

    @classmethod
    def usable(cls, token, now):
        """The link of this token, as long as it works."""
        return cls.whole().where(cls.token_hash == digest(token), cls.live(now)).first()

    @classmethod
    def known(cls, public_id, now):
        """The link of this id, as long as it works."""
        return cls.whole().where(cls.public_id == public_id, cls.live(now)).first()

    @classmethod
    def ended_by(cls, public_id):
        """The link of this id, once it was used: the browser that used it goes on to what came of it."""
        return cls.whole().where(cls.public_id == public_id, cls.used_at.is_null(False)).first()

    def copy(self, now):
        """The link to read again what this one signed."""
        same = GuestLink.enrolment == self.enrolment_id, GuestLink.purpose == GuestPurpose.COPY
        return GuestLink.whole().where(*same, GuestLink.live(now)).order_by(GuestLink.id.desc()).first()

    def miss(self):
        """Count a try of the birth date before it is looked at; False when there were too many."""
        left = GuestLink.birth_tries < self.MOST_BIRTH_TRIES
        counted = GuestLink.update(birth_tries=GuestLink.birth_tries + 1).where(GuestLink.id == self.id, left)
        return counted.execute() == 1

    def open(self, now):
        """The employee is known: that try was no failure, and the first time is kept."""
        values = {"birth_tries": GuestLink.birth_tries - 1, "opened_at": fn.COALESCE(GuestLink.opened_at, now)}
        GuestLink.update(values).where(GuestLink.id == self.id).execute()

    def leave(self, now):
        """End every session that this link has opened until now."""
        GuestLink.update(left_at=now).where(GuestLink.id == self.id).execute()

    def use(self, now):
        """Once: True for the first who asks, False for all others, even at the same time."""
        used = GuestLink.update(used_at=now, code_hash="").where(GuestLink.id == self.id, GuestLink.live(now))
        return used.execute() == 1


class WaiverState(StrEnum):
    REQUESTED = "REQUESTED"  # by the employee: HR has to look at it
    IN_FORCE = "IN_FORCE"
    ENDED = "ENDED"
    REFUSED = "REFUSED"


class Waiver(Table):
    """A « dispense d’affiliation »: who is not covered, by which case of the law, with what proof, until when."""

    public_id = PublicId()
    account = ForeignKeyField(ManagedAccount, index=False)
    category = ForeignKeyField(EmployeeCategory, index=False)
    enrolment = ForeignKeyField(Enrolment, null=True, on_delete="SET NULL")
    author = ForeignKeyField(User, null=True, index=False)  # none: the employee themselves
    form_key = CharField(64, null=True, unique=True)
    title = CharField(8, default="")
    birth_name = CharField()
    used_name = CharField(default="")
    first_name = CharField()
    birth_date = DateField()
    employee_number = CharField(32, default="")
    name_key = KeyField()
    search_key = KeyField(default="")
    email = CharField(254, default="")  # where the employee is reminded
    mobile = CharField(default="")
    reason = CharField(32)  # rules.waivers
    occasion = CharField(16, default="")
    cover = CharField(32, default="")  # which other cover
    hired_on = DateField(null=True)
    requested_on = DateField()
    effect_on = DateField()
    valid_until = DateField(null=True)
    review_due_on = DateField(null=True)  # when a proof is to be given again
    reviewed_on = DateField(null=True)
    due_on = DateField(null=True)  # the nearest of valid_until and review_due_on
    proved_on = DateField(null=True)  # when the last proof came
    reminded_at = DateTimeField(null=True)  # of this due_on
    ended_on = DateField(null=True)  # the last day, once it has ended
    state = CharField(16, default=WaiverState.IN_FORCE)
    remark = CharField(default="")  # why it was refused, or ended
    signed_name = CharField(default="")
    created_at = DateTimeField(default=clock.now)
    version = IntegerField(default=1)

    class Meta:
        indexes = (
            (("category", "state", "name_key"), False),
            (("state", "due_on"), False),
        )

    OPEN = (WaiverState.REQUESTED, WaiverState.IN_FORCE)

    @property
    def last_name(self):
        return self.used_name or self.birth_name

    @property
    def full_name(self):
        return f"{self.first_name} {self.last_name.upper()}"

    @property
    def sorted_by(self):
        return f"{sort_key(self.last_name)} {sort_key(self.first_name)}"

    @property
    def is_open(self):
        return self.state in self.OPEN

    @property
    def asked(self):
        """What the rules of waivers are asked about."""
        return Asked(**{name: getattr(self, name) for name in Asked._fields})

    @classmethod
    def sent(cls, form_key):
        """What this very form has recorded already; None the first time."""
        return cls.get_or_none(cls.form_key == form_key) if form_key else None

    def hold(self, version):
        """This waiver as it is now, held until the end of the transaction; raises Outdated when somebody changed it."""
        row = database.locked(db, Waiver.select().where(Waiver.id == self.id)).first()
        if row is None or row.version != version:
            raise Outdated(row)
        return row

    def keep(self):
        """Write the row, with what is drawn from it."""
        self.name_key = self.sorted_by
        names = (self.birth_name, self.used_name, self.first_name, self.employee_number)
        self.search_key = " ".join(search_key(name) for name in names)
        self.due_on = due_on(self.valid_until, self.review_due_on) if self.is_open else None
        self.version += self.id is not None
        self.save(force_insert=self.id is None)
        return self

    @classmethod
    def whole(cls, waivers):
        """The same waivers, with college, company and account."""
        joined = waivers.select(cls, EmployeeCategory, Company, ManagedAccount).join(EmployeeCategory)
        return joined.join(Company).join(ManagedAccount)

    def same_person(self):
        """What tells the same person in the same account."""
        names = (Waiver.birth_date == self.birth_date) & (Waiver.name_key == self.sorted_by)
        return (Waiver.account == self.account_id) & names


# ── Supporting documents: what is awaited of whom, and the reminders ─────────────────────────────────────────────


class RequestState(StrEnum):
    AWAITED = "AWAITED"
    RECEIVED = "RECEIVED"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"  # another one is awaited
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


class DocumentCampaign(Table):
    """A campaign that was opened here, by the staff or by itself: its requests carry its name."""

    public_id = PublicId()
    label = CharField(unique=True)
    document_type = CharField(32)  # "WAIVERS": the proof of each waiver
    sent_on = DateField()
    due_on = DateField()
    author = ForeignKeyField(User, null=True, index=False)  # none: by itself
    asked = IntegerField(default=0)  # how many were asked at its opening
    created_at = DateTimeField(default=clock.now)
    announced_at = DateTimeField(null=True)  # when everybody who can be reached had been written to
    form_key = CharField(64, null=True, unique=True)

    WAIVERS = "WAIVERS"


class DocumentRequest(Table):
    """A supporting document that is awaited of a beneficiary, or for a waiver: one line of « Suivi des pièces »."""

    public_id = PublicId()
    category = ForeignKeyField(EmployeeCategory, index=False)
    beneficiary = ForeignKeyField(Beneficiary, null=True, backref="document_requests", on_delete="CASCADE")
    waiver = ForeignKeyField(Waiver, null=True, backref="document_requests", on_delete="CASCADE")
    campaign = CharField()
    document_type = CharField(32)  # rules.proofs
    restricted = BooleanField(default=False)  # tells of health: HR sees that it came, never what it is
    origin = CharField(16)  # ENROLMENT, RENEWAL, INSURER, WAIVER
    sent_on = DateField()
    due_on = DateField(null=True)
    insurer_reminded_on = DateField(null=True)  # « Date relance Mutuelle »
    state = CharField(16, default=RequestState.AWAITED)
    remark = CharField(default="")  # why it was refused
    reminded_at = DateTimeField(null=True)  # by the user, or by itself before the deadline
    received_at = DateTimeField(null=True)
    settled_at = DateTimeField(null=True)
    version = IntegerField(default=1)

    class Meta:
        indexes = (
            (("campaign", "beneficiary", "document_type"), True),
            (("campaign", "waiver", "document_type"), True),
            (("category", "state", "due_on"), False),
            (("state", "due_on"), False),
            (("state", "received_at"), False),
        )

    OPEN = (RequestState.AWAITED, RequestState.REFUSED)
    MANY = 100  # beyond, the menu does not count them one by one

    @property
    def is_open(self):
        return self.state in self.OPEN

    @classmethod
    def awaited(cls, *columns):
        """Those that are still to be sent, or sent again."""
        return cls.select(*(columns or [cls.id])).where(cls.state.in_(cls.OPEN))

    @classmethod
    def whole(cls, requests):
        """These requests with whom they are about, the employee who answers for them, and where they work."""
        joined = (
            requests.select(
                cls,
                *(Beneficiary.id, *Beneficiary.listed(), Beneficiary.mobile, Beneficiary.email, Beneficiary.sex),
                *(Employee.id, Employee.public_id, Employee.member_number, Employee.title, Employee.role),
                *(Employee.birth_name, Employee.used_name, Employee.first_name, Employee.mobile, Employee.email),
                *(Waiver.id, Waiver.public_id, Waiver.title, Waiver.birth_name, Waiver.used_name, Waiver.first_name),
                *(Waiver.birth_date, Waiver.mobile, Waiver.email),
                *(EmployeeCategory.id, EmployeeCategory.code, EmployeeCategory.label, EmployeeCategory.account),
                *(Company.id, Company.code, Company.label),
                *(ManagedAccount.id, ManagedAccount.code, ManagedAccount.name),
            )
            .join(Beneficiary, JOIN.LEFT_OUTER)
            .join(Employee, JOIN.LEFT_OUTER, on=(Employee.id == answering_id()), attr="employee")
            .switch(cls)
            .join(Waiver, JOIN.LEFT_OUTER)
            .switch(cls)
            .join(EmployeeCategory)
        )
        return joined.join(Company).join(ManagedAccount)

    @classmethod
    def late(cls, on):
        return cls.state.in_(cls.OPEN) & (cls.due_on < on)

    def hold(self):
        """This request as it is now, held until the end of the transaction."""
        return database.locked(db, DocumentRequest.select().where(DocumentRequest.id == self.id)).get()

    def sent(self):
        """What was sent about it, with its message, the latest first."""
        reminders = Reminder.select(Reminder, OutboxMessage).join(OutboxMessage, JOIN.LEFT_OUTER)
        return list(reminders.where(Reminder.request == self).order_by(Reminder.id.desc()))

    def received(self):
        """The files that came for it, with who deposited them, the latest first."""
        documents = (
            SupportingDocument.select(SupportingDocument, StoredFile, User)
            .join(StoredFile, JOIN.LEFT_OUTER)
            .switch(SupportingDocument)
            .join(User, JOIN.LEFT_OUTER)
        )
        return list(documents.where(SupportingDocument.request == self).order_by(SupportingDocument.id.desc()))

    @classmethod
    def unreachable(cls, on):
        """Nobody can be written to; of `whole` requests. `reach` says the same of one."""

        def means(who):
            return ((who.mobile != "") & ~land_line(who.mobile)) | (who.email != "")

        grown_up = Beneficiary.birth_date <= years_before(on, ADULT)
        household = Employee.id.is_null(False) & (means(Employee) | (grown_up & means(Beneficiary)))
        return ~fn.COALESCE(household | means(Waiver), False)

    @property
    def answering(self):
        """The employee who answers for it, of a `whole` request; None when the household has none, or for a waiver."""
        return getattr(self.beneficiary, "employee", None) if self.beneficiary_id else None

    def matters(self, on):
        """The cover that it is for goes on, or had ended when it was asked for; of a `whole` request."""
        left = self.beneficiary.terminated_on if self.beneficiary_id else None
        return left is None or left >= on or left < self.sent_on

    def reach(self, on):
        """How to write to somebody about it, of a `whole` request: a rules.proofs.Reach, or None."""
        if self.waiver_id:
            return proofs.reach((self.waiver.mobile, self.waiver.email), ("", ""), False)
        person, employee = self.beneficiary, self.answering
        if employee is None:
            return None
        grown_up = age(person.birth_date, on) >= ADULT
        return proofs.reach((employee.mobile, employee.email), (person.mobile, person.email), grown_up)


def land_line(number):
    """At which no text arrives: `identifiers.takes_texts` of a column."""
    starts = [fn.SUBSTR(number, 1, size).in_(starts) for size, starts in identifiers.LAND_LINES.items()]
    return reduce(or_, starts) & (fn.SUBSTR(number, 1, len(identifiers.FICTION)) != identifiers.FICTION)


Employee = Beneficiary.alias("employee")
Household = Beneficiary.alias("household")
ADULT = 18


def answering_id():
    """The id of the employee who answers for a beneficiary: themselves, or the one of their household."""
    employees = Household.select(Household.id).where(
        Household.household_number == Beneficiary.household_number,
        Household.account == Beneficiary.account,
        Household.role == BeneficiaryRole.EMPLOYEE,
    )
    first = employees.order_by(Household.terminated_on.is_null().desc(), Household.id).limit(1)
    return Case(None, [(Beneficiary.role == BeneficiaryRole.EMPLOYEE, Beneficiary.id)], first)


class SupportingDocument(Table):
    """A file that was received for a request: by HR, or by the employee through their link; and what came of it."""

    public_id = PublicId()
    request = ForeignKeyField(DocumentRequest, backref="documents", on_delete="CASCADE")
    file = ForeignKeyField(StoredFile, null=True, on_delete="SET NULL")
    author = ForeignKeyField(User, null=True, index=False)  # none: the employee
    received_at = DateTimeField(default=clock.now)
    outcome = CharField(16, default="")  # ACCEPTED, REFUSED; nothing yet
    remark = CharField(default="")
    hand_over = ForeignKeyField(HandOver, null=True, backref="documents")
    form_key = CharField(64, null=True, unique=True)  # of the sending, on its first file


def accepted():
    """The ids of what the mutual accepted and no delivery holds yet.

    A newcomer's documents wait for the number that the mutual gives: the management system could not file them before.
    The proof of a waiver is for the company to keep, and about somebody whom that system does not know.
    """
    waiting = SupportingDocument.hand_over.is_null(), SupportingDocument.outcome == RequestState.ACCEPTED
    found = SupportingDocument.select(SupportingDocument.id).join(StoredFile).switch(SupportingDocument)
    found = found.join(DocumentRequest).join(Beneficiary)
    return found.where(*waiting, StoredFile.dropped_at.is_null(), ~Beneficiary.provisional)


class ReminderBatch(Table):
    """Documents that were chosen to be reminded of: looked at first, then sent once, and perhaps taken back."""

    public_id = PublicId()
    user = ForeignKeyField(User, backref="reminder_batches", on_delete="CASCADE")
    requests = JSONField()  # their ids
    created_at = DateTimeField(default=clock.now)
    sent_at = DateTimeField(null=True)
    leaves_at = DateTimeField(null=True)  # until then it may be taken back
    taken_back_at = DateTimeField(null=True)
    letters = ForeignKeyField(StoredFile, null=True, on_delete="SET NULL")  # as one PDF

    MOST = 5_000

    def use(self, now, leaves_at):
        """Once: True for the first who asks, even at the same time."""
        used = ReminderBatch.update(sent_at=now, leaves_at=leaves_at)
        return used.where(ReminderBatch.id == self.id, ReminderBatch.sent_at.is_null()).execute() == 1

    def hold(self):
        """This batch as it is now, held until the end of the transaction."""
        return database.locked(db, ReminderBatch.select().where(ReminderBatch.id == self.id)).get()

    @classmethod
    def begin(cls, user, ids):
        return cls.create(user=user, requests=ids)

    @property
    def size(self):
        """How many of its documents there are still, whoever may see them."""
        with reach.own(db, "how many there are, to tell whether some are not seen"):
            return DocumentRequest.select().where(DocumentRequest.id.in_(self.requests)).count()

    @property
    def told(self):
        """How many documents a message was written about."""
        return self.reminders.where(Reminder.message.is_null(False)).count()

    @classmethod
    def purge(cls, now):
        """Forget what was looked at and never sent."""
        unsent = cls.sent_at.is_null() & cls.letters.is_null()
        return cls.delete().where(unsent, cls.created_at < now - TERMS["reminder_batch"].time).execute()


class Reminder(Table):
    """A « relance » sent about a supporting document, and the message that carried it."""

    public_id = PublicId()
    request = ForeignKeyField(DocumentRequest, backref="reminders", on_delete="CASCADE")
    batch = ForeignKeyField(ReminderBatch, null=True, backref="reminders", on_delete="SET NULL")
    channel = CharField(16)  # SMS, EMAIL, LETTER
    message = ForeignKeyField(OutboxMessage, null=True, on_delete="SET NULL")
    link = ForeignKeyField(GuestLink, null=True, on_delete="SET NULL")  # by which the document may be deposited
    author = ForeignKeyField(User, null=True, index=False)  # none: by itself, before the deadline
    created_at = DateTimeField(default=clock.now)
    taken_back_at = DateTimeField(null=True)


# ── What companies send: documents, and what they say of the company ─────────────────────────────────────────────


class SendingState(StrEnum):
    RECEIVED = "RECEIVED"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"


class Sending(Table):
    """A document that a company sent to the mutual, of one or several files: what it says, and what became of it."""

    public_id = PublicId()
    account = ForeignKeyField(ManagedAccount, backref="sendings", index=False)
    company = ForeignKeyField(Company, null=True, backref="sendings")  # none: it is about the whole account
    document_type = CharField(16)  # rules.sendings
    document_name = CharField(60, default="")  # what that type was called then: a hand-over says it
    state = CharField(16, default=SendingState.RECEIVED)
    note = CharField(300, default="")
    siret = CharField(14, default="")  # what a Kbis says,
    issued_on = DateField(null=True)  # and its date
    author = ForeignKeyField(User, index=False)
    sent_at = DateTimeField(default=clock.now)
    read_at = DateTimeField(null=True)  # by the mutual: it is withdrawn until then
    reader = ForeignKeyField(User, null=True, index=False)
    settled_at = DateTimeField(null=True)
    remark = CharField(default="")  # why it was refused
    version = IntegerField(default=1)
    hand_over = ForeignKeyField(HandOver, null=True, backref="sendings")
    form_key = CharField(64, null=True, unique=True)

    class Meta:
        indexes = (
            (("account", "sent_at"), False),
            (("state", "sent_at"), False),
        )

    REMEMBERED = datetime.timedelta(days=60)  # « Accueil » says for so long that one was refused

    @property
    def can_be_withdrawn(self):
        return self.state == SendingState.RECEIVED and self.read_at is None

    @property
    def is_open(self):
        """It was read, and is to be decided."""
        return self.state == SendingState.RECEIVED and self.read_at is not None

    @classmethod
    def whole(cls, sendings):
        """These sendings with account, company, and who sent them."""
        joined = sendings.select(cls, ManagedAccount, Company, User).join(ManagedAccount)
        return (
            joined.switch(cls)
            .join(Company, JOIN.LEFT_OUTER, on=(cls.company == Company.id))
            .switch(cls)
            .join(User, on=(cls.author == User.id))
        )

    @classmethod
    def with_files(cls, rows):
        """These rows, their files in `kept`, in one query; none once it was withdrawn."""
        rows = list(rows)
        found = SentFile.select(SentFile, StoredFile).join(StoredFile)
        found = found.where(SentFile.sending.in_([row.id for row in rows]), StoredFile.dropped_at.is_null())
        by_sending = {}
        for one in found.order_by(SentFile.id):
            by_sending.setdefault(one.sending_id, []).append(one)
        for row in rows:
            row.kept = by_sending.get(row.id, [])
        return rows

    @classmethod
    def listed(cls, ids, *more):
        """The same as a list tells them, from a query of their ids: of account, company and author, their names."""
        of = ManagedAccount.id, ManagedAccount.name, Company.id, Company.label
        return cls.whole(cls.among(ids)).select(cls, *of, *AUTHOR, *more)

    @classmethod
    def file_count(cls):
        """How many files of a row are kept, as an expression."""
        kept = SentFile.select(fn.COUNT(SentFile.id)).join(StoredFile)
        return kept.where(SentFile.sending == cls.id, StoredFile.dropped_at.is_null())

    @classmethod
    def to_send_again(cls, now):
        """Refused of late, and nothing of the same type came after it for the same company."""
        later = cls.alias()
        same_company = (later.company == cls.company) | (later.company.is_null() & cls.company.is_null())
        same = (later.account == cls.account) & (later.document_type == cls.document_type) & same_company
        newer = later.select(later.id).where(same, later.id > cls.id, later.state != SendingState.WITHDRAWN)
        return (cls.state == SendingState.REFUSED) & (cls.settled_at > now - cls.REMEMBERED) & ~fn.EXISTS(newer)

    def hold(self):
        """This sending as it is now, held until the end of the transaction."""
        return database.locked(db, Sending.select().where(Sending.id == self.id)).get()

    def proposed(self):
        """The bank details that it asks for; None when it asks for none."""
        return BankDetails.select().where(BankDetails.sending == self).first()


class SentFile(Table):
    public_id = PublicId()
    sending = ForeignKeyField(Sending, backref="files", on_delete="CASCADE")
    file = ForeignKeyField(StoredFile, null=True, on_delete="SET NULL", index=False)


class BankDetails(Table):
    """The bank account of a company: asked for with a RIB, in force once the mutual confirmed it, then replaced."""

    public_id = PublicId()
    company = ForeignKeyField(Company, backref="bank_details")
    sending = ForeignKeyField(Sending, null=True, unique=True, on_delete="SET NULL")
    holder = CharField()  # the name of the account’s holder
    iban = SealedField()
    bic = CharField(11, default="")
    bank = CharField(default="")  # its name, where the register tells
    since = DateTimeField(null=True)  # when the mutual confirmed it
    until = DateTimeField(null=True)  # when another one took its place
    hand_over = ForeignKeyField(HandOver, null=True, backref="bank_details")
    approved_by = ForeignKeyField(User, null=True, index=False, on_delete="SET NULL")  # the first of two
    approved_at = DateTimeField(null=True)

    APPROVED_FOR = TERMS["proposal"].time

    def approve(self, by, now):
        """The first of two people agrees; what was approved long ago is to be looked at again."""
        self.approved_by, self.approved_at = by, now
        self.save(only=["approved_by", "approved_at"])

    def approver(self, now):
        """Who agreed lately, or None."""
        lately = self.approved_at and self.approved_at > now - self.APPROVED_FOR
        return self.approved_by if lately else None

    def seal(self, iban):
        self.iban = vault.seal(iban, "bank_details", "iban", self.public_id)

    @property
    def masked(self):
        return iban_masked(self.unseal())

    def unseal(self):
        """The clear IBAN: the caller audits."""
        return vault.open(self.iban, "bank_details", "iban", self.public_id)

    @classmethod
    def of(cls, company):
        """Those in force of a company; None when it has none."""
        return cls.get_or_none(cls.company == company, cls.in_force())

    @classmethod
    def in_force(cls):
        return cls.since.is_null(False) & cls.until.is_null()

    def confirm(self, now):
        """In the place of those in force, in the caller's transaction, which holds the company."""
        BankDetails.update(until=now).where(BankDetails.company == self.company_id, BankDetails.in_force()).execute()
        self.since = now
        self.save(only=[BankDetails.since])


# One in force a company, whoever confirms at the same time.
BankDetails.add_index(
    BankDetails.index(
        BankDetails.company,
        unique=True,
        where=SQL("since IS NOT NULL AND until IS NULL"),
        name="bank_details_in_force",
    )
)


# ── Requests and complaints ──────────────────────────────────────────────────────────────────────────────────────


class ThreadState(StrEnum):
    RECEIVED = "RECEIVED"
    IN_PROGRESS = "IN_PROGRESS"
    AWAITING_ANSWER = "AWAITING_ANSWER"  # of the company
    TREATED = "TREATED"
    CLOSED = "CLOSED"


class MessageThread(Table):
    """A « demande » or a « réclamation »: what a company and the mutual write to each other about one thing.

    It is seen by who sees its place whole: the college where there is one (of a person), else the company, else the
    account.
    """

    public_id = PublicId()
    number = IntegerField(unique=True)
    kind = CharField(16)  # rules.threads: REQUEST, COMPLAINT
    nature = CharField(32)
    subject = CharField(150)  # « Détail »
    account = ForeignKeyField(ManagedAccount, index=False)
    company = ForeignKeyField(Company, null=True, index=False)
    category = ForeignKeyField(EmployeeCategory, null=True, index=False)
    beneficiary = ForeignKeyField(Beneficiary, null=True, backref="threads", on_delete="SET NULL")
    author = ForeignKeyField(User, null=True, index=False)
    follow_up = CharField(8, default="EMAIL")  # of the author: EMAIL, SMS, NONE
    state = CharField(16, default=ThreadState.RECEIVED)
    assignee = ForeignKeyField(User, null=True, index=False)
    created_at = DateTimeField(default=clock.now)
    written_at = DateTimeField(default=clock.now)  # the last that both sides can read
    due_on = DateField(null=True)  # until when the mutual answers, while it is its turn
    treated_at = DateTimeField(null=True)
    last_message = IntegerField(default=0)  # the last of all, notes too: what two people answering compare
    last_said = IntegerField(default=0)  # the last that both sides can read
    rating = IntegerField(null=True)  # 1 to 5
    rating_comment = CharField(1000, default="")
    rated_at = DateTimeField(null=True)
    form_key = CharField(64, null=True, unique=True)
    # A complaint's alone.
    complainant = CharField(16, default="")
    acknowledge_by = DateField(null=True)
    acknowledged_at = DateTimeField(null=True)
    answer_by = DateField(null=True)
    answered_at = DateTimeField(null=True)
    outcome = CharField(16, default="")
    cause = CharField(16, default="")
    copy = ForeignKeyField(Document, null=True, on_delete="SET NULL", index=False)

    class Meta:
        indexes = (
            (("account", "kind", "written_at"), False),
            (("kind", "state", "due_on", "written_at"), False),
            (("kind", "rating"), False),
            (("kind", "written_at"), False),
        )

    WITH_MUTUAL = (ThreadState.RECEIVED, ThreadState.IN_PROGRESS)
    OPEN = (*WITH_MUTUAL, ThreadState.AWAITING_ANSWER)
    OVER = (ThreadState.TREATED, ThreadState.CLOSED)

    @property
    def is_open(self):
        return self.state in self.OPEN

    @property
    def is_complaint(self):
        return self.kind == "COMPLAINT"

    @classmethod
    def to_do(cls):
        """What the mutual has to do: what is its turn, and every complaint that is open, whose clock never stops."""
        return cls.state.in_(cls.WITH_MUTUAL) | ((cls.kind == "COMPLAINT") & (cls.state == ThreadState.AWAITING_ANSWER))

    def hold(self):
        """This thread as it is now, held until the end of the transaction."""
        return database.locked(db, MessageThread.select().where(MessageThread.id == self.id)).get()

    @classmethod
    def whole(cls, threads, reader=None):
        """These threads with their place, whom they are about, who wrote and who answers; `unread` for the reader."""
        unread = ThreadFollower.select(ThreadFollower.unread).where(
            ThreadFollower.thread == cls.id, ThreadFollower.user == (reader.id if reader else None)
        )
        joined = (
            threads.select(
                cls,
                *(ManagedAccount.id, ManagedAccount.code, ManagedAccount.name),
                *(Company.id, Company.code, Company.label),
                *(EmployeeCategory.id, EmployeeCategory.code, EmployeeCategory.label),
                *(Beneficiary.id, Beneficiary.category, *Beneficiary.listed()),
                *(User.id, User.first_name, User.last_name, User.role),
                *(Assignee.id, Assignee.first_name, Assignee.last_name),
                fn.COALESCE(unread, 0).alias("unread"),
            )
            .join(ManagedAccount)
            .switch(cls)
            .join(Company, JOIN.LEFT_OUTER)
            .switch(cls)
            .join(EmployeeCategory, JOIN.LEFT_OUTER)
            .switch(cls)
            .join(Beneficiary, JOIN.LEFT_OUTER)
            .switch(cls)
            .join(User, JOIN.LEFT_OUTER, on=(cls.author == User.id), attr="author")
        )
        return joined.switch(cls).join(Assignee, JOIN.LEFT_OUTER, on=(cls.assignee == Assignee.id), attr="assignee")

    @classmethod
    def holding(cls, threads, typed):
        """Those of which one message holds every word, notes apart; the first holds number, nature and subject too."""
        matching = message_words.matching(db, typed)
        if matching is None:
            return threads
        written = ThreadMessage.select(ThreadMessage.thread)
        written = written.where(database.found_first(db, ThreadMessage.id, matching))
        return threads.where(database.found_first(db, cls.id, written))

    def conversation(self, inside=False):
        """[(message, its files)] in order, with who wrote each; `inside`: the notes of the mutual too."""
        said = (
            ThreadMessage.select(ThreadMessage, User, ThreadFile, StoredFile)
            .join(User, JOIN.LEFT_OUTER)
            .switch(ThreadMessage)
            .join(ThreadFile, JOIN.LEFT_OUTER, attr="joined")
            .join(StoredFile, JOIN.LEFT_OUTER)
            .where(ThreadMessage.thread == self)
            .order_by(ThreadMessage.id, ThreadFile.id)
        )
        rows = said if inside else said.where(~ThreadMessage.internal)
        return [with_files(list(same)) for _, same in groupby(rows, attrgetter("id"))]

    def was_answered(self, form_key):
        """This very form has sent its message."""
        sent = ThreadMessage.thread == self, ThreadMessage.form_key == form_key
        return form_key is not None and ThreadMessage.select(ThreadMessage.id).where(*sent).exists()

    def others_writing(self, user, since):
        """Colleagues of the mutual who have begun an answer that is not sent."""
        drafts = AnswerDraft.select(AnswerDraft, User).join(User)
        theirs = AnswerDraft.thread == self, AnswerDraft.user != user, AnswerDraft.saved_at > since
        return list(drafts.where(*theirs, User.role.in_([UserRole.STAFF, UserRole.ADMIN])))


def with_files(rows):
    """(a message, its files): out of its rows, one for each file that was joined to it."""
    joined = (row.joined for row in rows if getattr(row, "joined", None) is not None)
    return rows[0], [one for one in joined if one.file_id and one.file.dropped_at is None]


class ThreadMessage(Table):
    """What was written in a thread, or an event of it: taken, passed on, treated, closed."""

    public_id = PublicId()
    thread = ForeignKeyField(MessageThread, index=False, on_delete="CASCADE")
    author = ForeignKeyField(User, null=True, index=False)
    by_staff = BooleanField(default=False)
    internal = BooleanField(default=False)  # never shown to users
    event = CharField(16, default="")  # threads.EVENTS; "" for what was written
    body = TextField(default="")
    created_at = DateTimeField(default=clock.now)
    form_key = CharField(64, null=True, unique=True)

    class Meta:
        indexes = ((("thread", "id"), False),)


class ThreadRound(Table):
    """What ended a thread that was opened again since: its clock, what was decided, how it was rated."""

    thread = ForeignKeyField(MessageThread, index=False, on_delete="CASCADE")
    ended_at = DateTimeField(default=clock.now)
    rating = IntegerField(null=True)
    rating_comment = CharField(1000, default="")
    rated_at = DateTimeField(null=True)
    acknowledge_by = DateField(null=True)
    acknowledged_at = DateTimeField(null=True)
    answer_by = DateField(null=True)
    answered_at = DateTimeField(null=True)
    outcome = CharField(16, default="")
    cause = CharField(16, default="")

    class Meta:
        indexes = ((("thread", "ended_at"), False),)

    OF_THREAD = ("rating", "rating_comment", "rated_at", "acknowledge_by", "acknowledged_at", "answer_by")
    OF_THREAD += ("answered_at", "outcome", "cause")

    @classmethod
    def keep(cls, thread, now):
        """Of a held thread that is opened again; nothing when it was neither answered by its clock nor rated."""
        if thread.rating or thread.answered_at:
            cls.create(thread=thread, ended_at=now, **{name: getattr(thread, name) for name in cls.OF_THREAD})

    @classmethod
    def of(cls, thread):
        """Its rounds, the first first."""
        return list(cls.select().where(cls.thread == thread).order_by(cls.id))

    @classmethod
    def by_thread(cls, threads):
        """{id of a thread: its rounds, the first first}"""
        rows = cls.select().where(cls.thread.in_(threads.select(MessageThread.id))).order_by(cls.thread, cls.id)
        return {number: list(same) for number, same in groupby(rows, attrgetter("thread_id"))}

    @classmethod
    def rated(cls, threads, *columns):
        """Ratings of these threads, with columns that both tables have: what they are now, and of earlier rounds."""
        before = threads.join(cls, on=(cls.thread == MessageThread.id))
        now, before = (
            query.where(table.rating.is_null(False)).select(*(getattr(table, one) for one in columns))
            for query, table in ((threads, MessageThread), (before, cls))
        )
        return now.union_all(before)


message_words = TextIndex("message_words")


class ThreadFile(Table):
    """A file that was joined to a message."""

    public_id = PublicId()
    message = ForeignKeyField(ThreadMessage, backref="files", on_delete="CASCADE")
    file = ForeignKeyField(StoredFile, null=True, on_delete="SET NULL")


# Written in the text: of a bound value, neither database knows that the partial index below holds it, and SQLite plans
# its statement anew each time (1 ms on every page).
NONE = SQL("0")


class ThreadFollower(Table):
    """Who wrote in a thread is told of what comes next, and has not read so many messages of it."""

    thread = ForeignKeyField(MessageThread, index=False, on_delete="CASCADE")
    user = ForeignKeyField(User, index=False, on_delete="CASCADE")
    unread = IntegerField(default=0)

    class Meta:
        indexes = ((("thread", "user"), True),)

    @classmethod
    def follow(cls, thread, user, unread=0):
        kept = cls.insert(thread=thread, user=user, unread=unread)
        kept.on_conflict(conflict_target=[cls.thread, cls.user], update={cls.unread: unread}).execute()

    @classmethod
    def of(cls, thread):
        """Those who follow it and are still active."""
        followers = User.select().join(cls).where(cls.thread == thread, User.disabled_at.is_null())
        return list(followers.order_by(User.id))

    @classmethod
    def read(cls, thread, user):
        """All of it is read; False when it was already."""
        mine = cls.update(unread=0).where(cls.thread == thread, cls.user == user, cls.unread > NONE)
        return bool(mine.execute())


# Partial: what is not read is counted on every page.
ThreadFollower.add_index(
    ThreadFollower.index(ThreadFollower.user, where=SQL("unread > 0"), name="thread_follower_unread")
)


class AnswerDraft(Table):
    """An answer that is being written: each has one in a thread, and finds it again until it is sent."""

    public_id = PublicId()
    thread = ForeignKeyField(MessageThread, index=False, on_delete="CASCADE")
    user = ForeignKeyField(User, index=False, on_delete="CASCADE")
    body = SealedField()
    saved_at = DateTimeField(default=clock.now)

    class Meta:
        indexes = ((("thread", "user"), True),)

    RECENT = datetime.timedelta(hours=1)  # somebody may still be writing it

    @classmethod
    def keep(cls, thread, user, text, now):
        """Instead of the one that was kept before; an empty text keeps none."""
        with db.atomic():
            database.serialise(db, hash_of(f"draft {thread.id} {user.id}"))
            cls.forget(thread, user)
            if text.strip():
                kept = cls(thread=thread, user=user, saved_at=now)
                kept.body = vault.seal(text, "answer_draft", "body", kept.public_id)
                kept.save(force_insert=True)

    @classmethod
    def of(cls, thread, user):
        return cls.get_or_none(cls.thread == thread, cls.user == user)

    @classmethod
    def and_unsent(cls, thread, user, path, now):
        """(the draft, the words that a session did not outlive at that path), each None when there is none."""
        left = (UnsentWords.user == User.id) & UnsentWords.at(path, now)
        found = User.select(User.id, cls, UnsentWords).where(User.id == user.id)
        found = found.join(cls, JOIN.LEFT_OUTER, on=((cls.user == User.id) & (cls.thread == thread)), attr="draft")
        row = found.switch(User).join(UnsentWords, JOIN.LEFT_OUTER, on=left, attr="unsent").get()
        return getattr(row, "draft", None), getattr(row, "unsent", None)

    @classmethod
    def forget(cls, thread, user):
        return cls.delete().where(cls.thread == thread, cls.user == user).execute()

    @property
    def text(self):
        return vault.open(self.body, "answer_draft", "body", self.public_id)

    @classmethod
    def purge(cls, now):
        return cls.delete().where(cls.saved_at < now - TERMS["answer_draft"].time).execute()


class PreparedAnswer(Table):
    """A text that the mutual's staff answer with, prepared in advance."""

    public_id = PublicId()
    title = CharField(100, unique=True)
    body = TextField()
    updated_at = DateTimeField(default=clock.now)
    version = IntegerField(default=1)

    @classmethod
    def add(cls, title, body, now):
        """Raises IntegrityError when another has this title."""
        return cls.create(title=title, body=body, updated_at=now)

    def change(self, title, body, seen, now):
        """Raises Outdated when a colleague changed it since version `seen`, IntegrityError as `add`."""
        mine = PreparedAnswer.id == self.id, PreparedAnswer.version == seen
        values = {"title": title, "body": body, "updated_at": now, "version": PreparedAnswer.version + 1}
        if not PreparedAnswer.update(values).where(*mine).execute():
            raise Outdated(self)

    def remove(self):
        self.delete_instance()


Assignee = User.alias("assignee")


# ── What is typed when a session ends ────────────────────────────────────────────────────────────────────────────


class UnsentWords(Table):
    """What somebody typed in a form that their session did not outlive: there again after they sign in, a day long."""

    public_id = PublicId()
    user = ForeignKeyField(User, index=False, on_delete="CASCADE")
    path = CharField()
    words = SealedField()  # JSON, {field: [texts]}
    kept_at = DateTimeField(default=clock.now)

    class Meta:
        indexes = ((("user", "path"), True),)

    MOST = 100_000  # characters
    LASTS = datetime.timedelta(days=1)

    @classmethod
    def keep(cls, user, path, words, now):
        """Keep these words for that user on that page, instead of any that were kept before."""
        with db.atomic():
            database.serialise(db, hash_of(f"unsent {user.id} {path}"))
            cls.forget(user, path)
            kept = cls(user=user, path=path, kept_at=now)
            kept.words = vault.seal(json.dumps(words), "unsent_words", "words", kept.public_id)
            kept.save(force_insert=True)
        return kept

    @classmethod
    def at(cls, path, now):
        """A condition: kept on that page, and not for too long."""
        return (cls.path == path) & (cls.kept_at > now - cls.LASTS)

    @classmethod
    def of(cls, user, path, now):
        """What is kept for that user on that page; None when nothing is."""
        return next(iter(unsent_words(user.id, path, now - cls.LASTS)), None)

    @classmethod
    def forget(cls, user, path):
        return cls.delete().where(cls.user == user, cls.path == path).execute()

    def unseal(self):
        """{field: [texts]}"""
        return json.loads(vault.open(self.words, "unsent_words", "words", self.public_id))

    @classmethod
    def purge(cls, now):
        return cls.delete().where(cls.kept_at < now - TERMS["unsent_words"].time).execute()


# ── Contributions: what is called, what is paid ──────────────────────────────────────────────────────────────────


class StatementState(StrEnum):
    UPCOMING = "UPCOMING"  # announced; its day of issue has not come
    DUE = "DUE"
    PARTLY = "PARTLY"
    LATE = "LATE"
    SETTLED = "SETTLED"
    CREDIT = "CREDIT"


class ContributionStatement(Table):
    """A « bordereau d’appel »: what is due for a contract and a period, in cents; a negative total is a credit note.

    Once it is issued it never changes: what was wrong is on the next. `settled` follows the payments.
    """

    public_id = PublicId()
    number = CharField(32, unique=True)
    contract = ForeignKeyField(GroupContract, backref="statements", index=False)
    plan = ForeignKeyField(Plan, index=False)
    period_start = DateField()
    period_end = DateField()
    payer = CharField()
    issued_on = DateField(index=True)
    due_on = DateField(index=True)
    total = BigIntegerField()
    settled = BigIntegerField(default=0)  # by payments and credit notes; of a credit note, what it settled (negative)
    computed = BooleanField(default=False)  # by the portal; the others are loaded
    employer_share = IntegerField(null=True)  # with which the portal computed it, in hundredths of a percent
    called_hash = CharField(64, null=True)  # who was called what for its period, so far; None: to be read from lines
    document = ForeignKeyField(Document, null=True, on_delete="SET NULL", index=False)

    class Meta:
        indexes = ((("contract", "period_start"), False),)

    @property
    def rest(self):
        """Cents that are still due; negative of a credit note that was not used up."""
        return self.total - self.settled

    def state(self, today):
        if self.total < 0:
            return StatementState.CREDIT
        if self.issued_on > today:
            return StatementState.UPCOMING
        if self.rest == 0:
            return StatementState.SETTLED
        if self.due_on < today:
            return StatementState.LATE
        return StatementState.PARTLY if self.settled else StatementState.DUE

    @classmethod
    def in_state(cls, state, today):
        """The condition that makes that state."""
        issued, open_ = cls.issued_on <= today, (cls.total != cls.settled) & (cls.total >= 0)
        return {
            StatementState.UPCOMING: (cls.issued_on > today) & (cls.total >= 0),
            StatementState.DUE: issued & open_ & (cls.due_on >= today) & (cls.settled == 0),
            StatementState.PARTLY: issued & open_ & (cls.due_on >= today) & (cls.settled != 0),
            StatementState.LATE: issued & open_ & (cls.due_on < today),
            StatementState.SETTLED: issued & (cls.total == cls.settled) & (cls.total >= 0),
            StatementState.CREDIT: cls.total < 0,
        }[state]

    @classmethod
    def naming(cls, typed):
        """The condition that its number, its contract's or its product's name holds what was typed."""
        contracts = GroupContract.select(GroupContract.id).where(GroupContract.number.contains(typed))
        plans = Plan.select(Plan.id).where(Plan.label.contains(typed))
        return cls.number.contains(typed) | cls.contract.in_(contracts) | cls.plan.in_(plans)

    @classmethod
    def whole(cls, statements):
        """These statements with their plan, contract, college and company, in the same query."""
        joined = statements.select(cls, Plan, GroupContract, EmployeeCategory, Company).join(Plan).switch(cls)
        return joined.join(GroupContract).join(EmployeeCategory).join(Company)

    @property
    def is_note(self):
        """A credit note of the management system’s: it gives a sum back, and compares with no period."""
        return self.total < 0 and not self.computed

    @cached_property
    def before(self):
        """The statement of the same contract and product that came before; None when it is the first."""
        return ContributionStatement.get_or_none(ContributionStatement.id == self.before_id(self))

    @classmethod
    def told(cls, statements):
        """These statements whole; the one `before` of each, its rejected `debit` and its PDF too, or None."""
        before, debit = cls.alias(), DirectDebit.alias()
        rows = cls.whole(statements).select_extend(before, debit, Document).switch(cls)
        rows = rows.join(before, JOIN.LEFT_OUTER, on=(before.id == cls.before_id()), attr="before")
        rows = rows.switch(cls).join(debit, JOIN.LEFT_OUTER, on=(debit.id == cls.rejected_id()), attr="debit")
        return rows.switch(cls).join(Document, JOIN.LEFT_OUTER)

    @classmethod
    def before_id(cls, of=None):
        """The one that came before the one of the query around it, or before `of`, as a part of a query."""
        row, of = cls.alias(), of or cls
        alike = row.contract == of.contract, row.plan == of.plan, row.period_start < of.period_start
        calls = row.computed | (row.total >= 0)  # a credit note that was loaded is beside the periods
        return row.select(row.id).where(*alike, calls).order_by(row.period_start.desc(), row.id.desc()).limit(1)

    @classmethod
    def rejected_id(cls):
        """The last debit of one that is still to pay, if the bank rejected it, as a part of a query."""
        row, live = DirectDebit.alias(), DirectDebit.alias()
        again = live.select(live.id).where(live.statement == cls.id, live.rejected_on.is_null())
        back = row.statement == cls.id, cls.total > cls.settled, ~fn.EXISTS(again)
        return row.select(row.id).where(*back).order_by(row.rejected_on.desc(), row.id.desc()).limit(1)


class StatementLine(Table):
    """What a statement calls for one employee, as it was when it was issued; a correction is of a period before."""

    public_id = PublicId()
    statement = ForeignKeyField(ContributionStatement, backref="lines", index=False, on_delete="CASCADE")
    beneficiary = ForeignKeyField(Beneficiary, null=True, on_delete="SET NULL")
    member_number = CharField(32)
    label = CharField()
    name_key = KeyField()
    is_correction = BooleanField(default=False)
    band = CharField(64)  # « Isolé », « 2 adultes, 1 enfant »
    price = BigIntegerField()  # cents a month
    employer = BigIntegerField()
    employee = BigIntegerField()
    starts_on = DateField()
    ends_on = DateField()
    portion = IntegerField()  # ten-thousandths of the period

    class Meta:
        indexes = ((("statement", "name_key"), False),)

    @property
    def total(self):
        return self.employer + self.employee


# Partial: few lines are corrections, and those of a contract are asked for at each of its statements.
StatementLine.add_index(
    StatementLine.index(StatementLine.statement, where=SQL("is_correction"), name="statement_line_corrections")
)


class Payment(Table):
    """Money that came for a contract, in cents; what the bank took back is negative."""

    public_id = PublicId()
    reference = CharField(32, unique=True)
    contract = ForeignKeyField(GroupContract, backref="payments", index=False)
    paid_on = DateField(index=True)
    payment_method = CharField(32)
    amount = BigIntegerField()
    # Written by the portal: the debit that this one had paid was rejected, and no file has said so yet.
    undoes = ForeignKeyField("self", null=True, unique=True, on_delete="CASCADE")
    # So much of it was rejected or given back, the last on that day; settlements say it with what settles what.
    given_back = BigIntegerField(default=0)
    given_back_on = DateField(null=True)

    class Meta:
        indexes = ((("contract", "paid_on"), False),)

    @classmethod
    def naming(cls, typed):
        """The condition that its reference or its contract's number holds what was typed."""
        contracts = GroupContract.select(GroupContract.id).where(GroupContract.number.contains(typed))
        return cls.reference.contains(typed) | cls.contract.in_(contracts)

    @classmethod
    def whole(cls, payments):
        """These payments with their contract, college and company, in the same query."""
        joined = payments.select(cls, GroupContract, EmployeeCategory, Company).join(GroupContract)
        return joined.join(EmployeeCategory).join(Company)

    @classmethod
    def with_settled(cls, payments):
        """These payments, each with what it settles in `settles`: [(cents, statement)], the oldest first.

        They are read one by one, in one query: their order must tell any two apart.
        """
        part, statement = PaymentAllocation, ContributionStatement
        told = statement.id, statement.public_id, statement.number, statement.total
        rows = payments.select_extend(part.amount, *told).switch(cls)
        rows = rows.join(part, JOIN.LEFT_OUTER, on=(part.payment == cls.id), attr="part")
        rows = rows.join(statement, JOIN.LEFT_OUTER, on=(part.statement == statement.id))
        for _, some in groupby(rows.order_by_extend(statement.due_on, statement.id).iterator(), key=attrgetter("id")):
            parts = list(some)
            payment, parts = parts[0], [one.part for one in parts if getattr(one, "part", None)]
            payment.settles = [(one.amount, one.statement) for one in parts]
            yield payment

    @property
    def left(self):
        """Cents that settle nothing yet, of one that `with_settled` gave."""
        return max(0, self.amount) - self.given_back - sum(cents for cents, _ in self.settles)


class PaymentAllocation(Table):
    """So many cents of a statement are settled by a payment, or by a credit note of the same contract."""

    statement = ForeignKeyField(ContributionStatement, backref="settled_by", on_delete="CASCADE")
    payment = ForeignKeyField(Payment, null=True, backref="allocations", on_delete="CASCADE")
    credit = ForeignKeyField(ContributionStatement, null=True, backref="settles", on_delete="CASCADE")
    amount = BigIntegerField()


class ContributionTariff(Table):
    """What a contract costs from a day on, and whether the portal computes its statements.

    A price is in cents a month (EUR), or in thousandths of a percent of the PMSS (PCT_PMSS).
    """

    contract = ForeignKeyField(GroupContract, backref="tariffs", index=False)
    valid_from = DateField()
    amount_type = CharField(16)
    single = IntegerField(null=True)
    duo = IntegerField(null=True)
    family = IntegerField(null=True)
    adult = IntegerField(null=True)
    child = IntegerField(null=True)
    paying_children = IntegerField(default=2)  # those after them are free
    pro_rata = CharField(16)  # rules.contributions
    term = CharField(16)  # rules.calls
    called_by_portal = BooleanField(default=False)

    class Meta:
        indexes = ((("contract", "valid_from"), True),)

    @classmethod
    def rules(cls, contract, share=None):
        """Those of a contract with its plan, as the rules take them."""
        return [row.rule(contract, share=share) for row in cls.by_contract(contract).get(contract.id, ())]

    @classmethod
    def by_contract(cls, contract=None):
        """Contract id → its tariffs, in the order of their days; of one contract, or of all."""
        rows, found = cls.select().order_by(cls.contract, cls.valid_from), {}
        for row in rows.where(cls.contract == contract) if contract else rows:
            found.setdefault(row.contract_id, []).append(row)
        return found

    def rule(self, contract, plan=None, share=None):
        """As the rules take it; `contract`: with its plan. Another plan or share: those of a statement of before."""
        structure = (plan or contract.plan).contribution_structure
        share = contract.employer_share if share is None else share
        amounts = {band: getattr(self, band.lower()) or 0 for band in BANDS[structure]}
        how = {"pro_rata": self.pro_rata, "paying_children": self.paying_children}
        return Tariff(self.valid_from, structure, amounts, share, self.amount_type, **how)


# ── The audit trail ──────────────────────────────────────────────────────────────────────────────────────────────


def reseal(table, column, after, most=1_000):
    """Seal one column under the first key, a batch at a time: (last id seen or None, rows changed).

    What somebody writes meanwhile is sealed under the first key already, and stays.
    """
    name, value = table._meta.table_name, getattr(table, column)
    with db.atomic():
        rows = list(
            table.select(table.id, table.public_id, value).where(table.id > after).order_by(table.id).limit(most)
        )
        changed = 0
        for row in rows:
            sealed = getattr(row, column)
            if sealed and not vault.is_current(sealed):
                again = vault.seal(vault.open(sealed, name, column, row.public_id), name, column, row.public_id)
                changed += table.update({value: again}).where(table.id == row.id, value == sealed).execute()
    return (rows[-1].id if rows else None), changed


def named(row):
    """How what is written about a row names it: (its table, its id); ("", "") about none."""
    if row is None:
        return "", ""
    return row._meta.table_name, str(getattr(row, "public_id", None) or row.get_id())


class AuditEvent(Table):
    """Who did what, on what, from where, when; append-only (triggers) and chained: each row signs the one before."""

    number = BigIntegerField(primary_key=True)
    at = DateTimeField()
    user_id = IntegerField(null=True)
    user_role = CharField(32)
    address = CharField(64)
    request_id = CharField(32)
    action = CharField(64)
    object_type = CharField(32)
    object_id = CharField(64)
    account_id = IntegerField(null=True)
    before = JSONField(null=True)
    after = JSONField(null=True)
    previous_hash = CharField(64)
    hash = CharField(64)

    class Meta:
        # Each way in which the trail is asked ends with the order of its list: it is read, not sorted.
        indexes = (
            (("object_type", "object_id"), False),
            (("at", "number"), False),
            (("user_id", "at", "number"), False),
            (("account_id", "at", "number"), False),
            (("action", "at", "number"), False),
            (("address", "at", "number"), False),
        )

    SIGNED = [
        "number",
        "at",
        "user_id",
        "user_role",
        "address",
        "request_id",
        "action",
        "object_type",
        "object_id",
        "account_id",
        "before",
        "after",
        "previous_hash",
    ]

    @classmethod
    def was_done(cls, action, by):
        """Whether this user ever did this."""
        return cls.select().where(cls.user_id == by.id, cls.action == action).exists()

    @classmethod
    def last_of(cls, users):
        """When each of these users (ids) last did something that is written down: signed in, at least."""
        done = cls.select(cls.user_id, fn.MAX(cls.at)).where(cls.user_id.in_(users)).group_by(cls.user_id)
        return {user: database.as_instant(at) for user, at in done.tuples()}

    @classmethod
    def write(
        cls, action, on=None, account=None, before=None, after=None, by=None, origin=None, now=None, role="command"
    ):
        """Add a link to the chain, in the caller's transaction: what is rolled back was never done.

        `on`: the row acted on. `origin`: (address, request id) of the browser, or nothing for a command.
        `role`: what acts when no user does. `before`, `after`: what changed, never a NIR, an IBAN or a password.
        """
        with db.atomic():
            database.serialise(db, hash_of("audit"))
            head = AuditHead.get_or_none() or AuditHead(id=1, number=0, hash="0" * 64)
            address, request_id = origin or ("", "")
            object_type, object_id = named(on)
            event = cls(
                number=head.number + 1,
                at=now or clock.now(),
                user_id=by and by.id,
                user_role=by.role.value if by else role,
                address=address,
                request_id=request_id,
                action=action,
                object_type=object_type,
                object_id=object_id,
                account_id=account,
                before=before,
                after=after,
                previous_hash=head.hash,
            )
            event.hash = event.signature()
            event.save(force_insert=True)
            AuditHead.insert(id=1, number=event.number, hash=event.hash).on_conflict(
                conflict_target=[AuditHead.id], update={"number": event.number, "hash": event.hash}
            ).execute()
        return event

    @classmethod
    def about(cls, row, most=20, movements=True):
        """The last events about one row, with who did them (None for a command); without what tells of `movements`."""
        return events_about(row._meta.table_name, str(row.public_id), most=most, movements=movements)

    def signature(self):
        """SHA-256 of the row in canonical JSON, the hash of the row before among its values."""
        values = {name: getattr(self, name) for name in self.SIGNED}
        values["at"] = values["at"].isoformat(timespec="microseconds")
        canonical = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()

    @classmethod
    def faults(cls):
        """One sentence for each break of the chain: a row changed, removed, added or moved."""
        number, previous = 0, "0" * 64
        for event in cls.select().order_by(cls.number).iterator():
            number += 1
            if event.number != number:
                yield f"Il manque l’événement n° {number} : le suivant porte le n° {event.number}."
                number = event.number
            elif event.previous_hash != previous:
                yield f"L’événement n° {number} ne suit pas celui qui le précède : il a été déplacé ou remplacé."
            if event.signature() != event.hash:
                yield f"L’événement n° {number} a été modifié."
            previous = event.hash
        head = AuditHead.get_or_none()
        if (head.number, head.hash) != (number, previous) if head else number:
            yield f"Le journal s’arrête au n° {number} : sa fin ne correspond pas à la dernière écriture."


class AuditHead(Table):
    """The last link of the chain, kept apart: cutting the end of the trail shows."""

    id = IntegerField(primary_key=True)
    number = BigIntegerField()
    hash = CharField(64)


# ── « Espace documentaire »: what the mutual publishes, and to whom ──────────────────────────────────────────────


class Audience(StrEnum):
    """To whom something is addressed."""

    EVERYONE = "EVERYONE"
    ACCOUNT = "ACCOUNT"
    COMPANY = "COMPANY"
    CATEGORY = "CATEGORY"
    PLAN = "PLAN"


class LibraryFolder(Table):
    public_id = PublicId()
    parent = ForeignKeyField("self", null=True, backref="folders", on_delete="CASCADE")
    name = CharField(100)
    name_key = KeyField()

    @classmethod
    def at(cls, parent, name):
        """The folder of that name there, made when there is none; in the caller's transaction."""
        database.serialise(db, hash_of("library folders"))
        here = cls.parent.is_null() if parent is None else cls.parent == parent
        known = cls.get_or_none(here, cls.name_key == sort_key(name))
        return known or cls.create(parent=parent, name=name, name_key=sort_key(name))

    @classmethod
    def paths(cls):
        """« GARANTIES/2026 », by the number of the folder."""
        rows = {row.id: row for row in cls.select()}

        def path(row):
            return f"{path(rows[row.parent_id])}/{row.name}" if row.parent_id else row.name

        return {number: path(row) for number, row in rows.items()}


class Publication(Table):
    """One version of a document that the mutual publishes; the latest of a series has no `superseded_at`."""

    public_id = PublicId()
    series = UUIDField(index=True)
    number = IntegerField(default=1)
    folder = ForeignKeyField(LibraryFolder, backref="publications")
    toolbox = CharField(16, default="")  # a key of library.TOOLBOXES
    title = CharField(200)
    title_key = KeyField()
    nature = CharField(16)  # a key of rules.publishing.NATURES
    audience = CharField(16)
    account = ForeignKeyField(ManagedAccount, null=True)
    company = ForeignKeyField(Company, null=True)
    category = ForeignKeyField(EmployeeCategory, null=True)
    plan = ForeignKeyField(Plan, null=True)
    published_on = DateField()  # nobody but the mutual sees it before
    shown_at = DateTimeField(index=True)  # when it could first be seen: what is new since then
    created_at = DateTimeField(default=clock.now)
    author = ForeignKeyField(User, null=True, index=False)
    file = ForeignKeyField(StoredFile, null=True, on_delete="SET NULL", index=False)
    note = CharField(200, default="")  # what is new in this version
    superseded_at = DateTimeField(null=True)
    withdrawn_on = DateField(null=True)  # nobody but the mutual sees it from that day on
    withdrawal_told_at = DateTimeField(null=True)
    withdrawal_reason = CharField(200, default="")
    read_at = DateTimeField(null=True)  # its text is in the index
    attempts = IntegerField(default=0)
    form_key = CharField(64, null=True, unique=True)

    MOST_ATTEMPTS = 3

    @classmethod
    def current(cls):
        """The latest version of each."""
        return cls.superseded_at.is_null()

    @classmethod
    def shown(cls, on):
        return (cls.published_on <= on) & (cls.withdrawn_on.is_null() | (cls.withdrawn_on > on))

    @classmethod
    def addressed(cls, accounts, companies, categories, plans):
        """What is for everyone, or for one of these (queries of ids)."""
        return (
            (cls.audience == Audience.EVERYONE)
            | ((cls.audience == Audience.ACCOUNT) & cls.account.in_(accounts))
            | ((cls.audience == Audience.COMPANY) & cls.company.in_(companies))
            | ((cls.audience == Audience.CATEGORY) & cls.category.in_(categories))
            | ((cls.audience == Audience.PLAN) & cls.plan.in_(plans))
        )

    def versions(self):
        """All of its series, the latest first."""
        return Publication.select().where(Publication.series == self.series).order_by(Publication.number.desc())

    @classmethod
    def whole(cls, publications):
        """With whom they are for, their author and their file."""
        found = publications.select(cls, ManagedAccount, Company, EmployeeCategory, Plan, User, StoredFile)
        for table in (ManagedAccount, Company, EmployeeCategory, Plan, StoredFile):
            found = found.join(table, JOIN.LEFT_OUTER).switch(cls)
        return found.join(User, JOIN.LEFT_OUTER, on=(cls.author == User.id), attr="author")

    @classmethod
    def sent(cls, form_key):
        return cls.get_or_none(cls.form_key == form_key) if form_key else None

    @classmethod
    def to_read(cls):
        """Those whose text is to be put in the index."""
        waiting = cls.read_at.is_null() & cls.file.is_null(False) & (cls.attempts < cls.MOST_ATTEMPTS)
        return cls.select().where(waiting).order_by(cls.id)


publication_words = TextIndex("publication_words")  # of names, folders and the texts of PDFs
document_words = TextIndex("document_words")  # of what the portal prints, without what it says
Publication.add_index(Publication.index(Publication.audience, Publication.account, name="publication_audience"))
# Partial: a publication is in it until its text is read.
Publication.add_index(Publication.index(Publication.id, where=SQL("read_at IS NULL"), name="publication_to_read"))


class LibraryVisit(Table):
    """When somebody last looked at the library, and when they did the time before: what came since then is new."""

    user = ForeignKeyField(User, unique=True, on_delete="CASCADE")
    last_at = DateTimeField()
    before = DateTimeField(null=True)

    ONE_VISIT = datetime.timedelta(hours=1)
    FIRST = datetime.timedelta(days=30)  # what is new for who never came

    @classmethod
    def of(cls, user):
        """The row of this person, unsaved for who never came."""
        return cls.get_or_none(cls.user == user.id) or cls(user=user.id)

    def since(self, now):
        """Since when things are new, as they look at the library now."""
        if self.last_at is None:
            return now - self.FIRST
        return (self.last_at if now - self.last_at > self.ONE_VISIT else self.before) or now - self.FIRST

    def note(self, now):
        """They are looking at it now."""
        mine = LibraryVisit.id == self.id
        if self.last_at is None:
            noted = LibraryVisit.insert(user=self.user_id, last_at=now).on_conflict_ignore()
        elif now - self.last_at > self.ONE_VISIT:
            noted = LibraryVisit.update(before=self.last_at, last_at=now).where(mine)
        elif now - self.last_at > self.ONE_VISIT / 10:
            noted = LibraryVisit.update(last_at=now).where(mine)
        else:
            return
        with suppress(OperationalError), database.without_waiting(db):  # reading goes on while someone writes
            noted.execute()


# ── The mutual's notices ─────────────────────────────────────────────────────────────────────────────────────────


class Notice(Table):
    """Words of the mutual to everyone, to an account or to a college of it, on « Accueil » from a day to a day."""

    public_id = PublicId()
    title = CharField(120)
    body = TextField()
    is_important = BooleanField(default=False)
    account = ForeignKeyField(ManagedAccount, null=True)  # none: everyone
    category = ForeignKeyField(EmployeeCategory, null=True)  # of that account; none: all of it
    starts_on = DateField()
    ends_on = DateField(null=True)  # the last day
    withdrawn_at = DateTimeField(null=True)
    author = ForeignKeyField(User, index=False)
    created_at = DateTimeField(default=clock.now)
    version = IntegerField(default=1)
    form_key = CharField(64, null=True, unique=True)

    @classmethod
    def shown(cls, on):
        return cls.withdrawn_at.is_null() & (cls.starts_on <= on) & (cls.ends_on.is_null() | (cls.ends_on >= on))

    @classmethod
    def sent(cls, form_key):
        return cls.get_or_none(cls.form_key == form_key) if form_key else None

    @classmethod
    def read_by(cls, user_id):
        """True for what this user has read."""
        return fn.EXISTS(cls.readings().where(NoticeReading.user == user_id))

    @classmethod
    def readings(cls):
        return NoticeReading.select(NoticeReading.id).where(NoticeReading.notice == cls.id)

    @classmethod
    def whole(cls, notices):
        """With the account, the college and its company, and how many have read it (`readers`)."""
        readers = cls.readings().select(fn.COUNT(NoticeReading.id)).alias("readers")
        joined = notices.select(cls, ManagedAccount, EmployeeCategory, Company, readers)
        joined = joined.join(ManagedAccount, JOIN.LEFT_OUTER).switch(cls)
        return joined.join(EmployeeCategory, JOIN.LEFT_OUTER).join(Company, JOIN.LEFT_OUTER)


class NoticeReading(Table):
    notice = ForeignKeyField(Notice, on_delete="CASCADE")
    user = ForeignKeyField(User, on_delete="CASCADE", index=False)
    read_at = DateTimeField()

    class Meta:
        indexes = ((("user", "notice"), True),)


# ── Calendars that read due dates ────────────────────────────────────────────────────────────────────────────────


class CalendarFeed(Table):
    """The private address at which a calendar reads the due dates of an account; only the hash of its token is kept."""

    public_id = PublicId()
    user = ForeignKeyField(User, on_delete="CASCADE", index=False)
    account = ForeignKeyField(ManagedAccount, on_delete="CASCADE")
    token_hash = CharField(64, unique=True)
    created_at = DateTimeField()

    class Meta:
        indexes = ((("user", "account"), True),)

    @classmethod
    def draw(cls, user, account, now):
        """(a feed with a new token, the token); the address that there was before ends."""
        token = secrets.token_urlsafe(32)
        values = {"token_hash": digest(token), "created_at": now}
        with db.atomic():
            drawn = cls.insert(public_id=uuid.uuid4(), user=user.id, account=account.id, **values)
            drawn.on_conflict(conflict_target=[cls.user, cls.account], update=values).execute()
            return cls.get(cls.user == user.id, cls.account == account.id), token

    @classmethod
    def of(cls, token):
        """That of a token, with user and account; None when it ended, or when its user may not see the account."""
        found = cls.select(cls, User, ManagedAccount).join(User).switch(cls).join(ManagedAccount)
        feed = found.where(cls.token_hash == digest(token), User.disabled_at.is_null()).first()
        if feed is None:
            return None
        feed.user.acting = rights.Action.MONEY
        return feed if feed.user.calendar_feeds().where(cls.id == feed.id).exists() else None

    @property
    def statements(self):
        """What is called of the account, as far as its user may see it."""
        ours = GroupContract.select(GroupContract.id).join(EmployeeCategory)
        ours = ours.where(EmployeeCategory.account == self.account_id)
        return self.user.statements().where(ContributionStatement.contract.in_(ours))

    @classmethod
    def purge(cls, now):
        """Forget those whose user is disabled, or lost the account: a later grant does not open them again."""
        off = User.select(User.id).where(User.disabled_at.is_null(False))
        staff = User.select(User.id).where(User.role.in_([UserRole.STAFF, UserRole.ADMIN]))
        held = PermissionGrant.in_force(cls.user, clock.day_of(now), rights.Action.MONEY)
        held = held.where(PermissionGrant.account == cls.account)
        return cls.delete().where(cls.user.in_(off) | (cls.user.not_in(staff) & ~fn.EXISTS(held))).execute()


# ── Direct debit ─────────────────────────────────────────────────────────────────────────────────────────────────


class MandateState(StrEnum):
    TO_SIGN = "TO_SIGN"
    SIGNED = "SIGNED"
    REVOKED = "REVOKED"  # or given up before it was signed
    EXPIRED = "EXPIRED"  # never written: signed, and not used for 36 months


class SepaMandate(Table):
    """A company lets the mutual debit its account: what it says stays as it was signed; one signed a company."""

    public_id = PublicId()
    reference = CharField(35, unique=True)  # the RUM
    company = ForeignKeyField(Company, backref="mandates")
    scheme = CharField(4)  # rules.mandates: CORE, B2B
    state = CharField(16, default=MandateState.TO_SIGN)
    holder = CharField(70)  # of the account
    address = CharField()  # of the company
    iban = SealedField()
    bic = CharField(11, default="")
    bank = CharField(default="")
    creditor_identifier = CharField(35)  # the ICS, with the name and the address that go with it
    creditor_name = CharField()
    creditor_address = CharField()
    author = ForeignKeyField(User, index=False)
    created_at = DateTimeField()
    code_hash = CharField(64, default="")  # of the code that signs
    code_sent_at = DateTimeField(null=True)
    code_expires_at = DateTimeField(null=True)
    code_tries = IntegerField(default=0)
    code_channel = CharField(16, default="")
    code_to = SealedField(null=True)
    signer = ForeignKeyField(User, null=True, index=False)
    typed_name = CharField(default="")  # with the code, once it is right
    place = CharField(default="")
    signed_at = DateTimeField(null=True)
    revoked_at = DateTimeField(null=True)
    last_used_on = DateField(null=True)  # the day of the last collection
    document = ForeignKeyField(Document, null=True, on_delete="SET NULL", index=False)
    version = IntegerField(default=1)
    form_key = CharField(64, null=True, unique=True)

    def seal(self, iban):
        self.iban = vault.seal(iban, "sepa_mandate", "iban", self.public_id)

    @property
    def masked(self):
        return iban_masked(self.unseal())

    def unseal(self):
        """The clear IBAN, for the mandate itself and for the bank."""
        return vault.open(self.iban, "sepa_mandate", "iban", self.public_id)

    @classmethod
    def live(cls, now):
        """What makes the code of a mandate work (portal.signing)."""
        return cls.state == MandateState.TO_SIGN

    @classmethod
    def whole(cls, mandates):
        """These mandates with company and account, in the same query."""
        return mandates.select(cls, Company, ManagedAccount).join(Company).join(ManagedAccount)

    @classmethod
    def of_company(cls, company, state):
        """Those of a company in a state, held until the end of the transaction."""
        return list(database.locked(db, cls.select().where(cls.company == company, cls.state == state)))

    def hold(self):
        """This mandate as it is now, held until the end of the transaction."""
        return database.locked(db, SepaMandate.select().where(SepaMandate.id == self.id)).get()

    def state_on(self, day):
        """As `state`; a mandate that was not used for so long opens nothing any more."""
        if self.state != MandateState.SIGNED:
            return MandateState(self.state)
        used_on = self.last_used_on or clock.day_of(self.signed_at)
        return MandateState.EXPIRED if mandates.lapses_on(used_on) <= day else MandateState.SIGNED


# One that is signed a company, whoever signs at the same time.
SepaMandate.add_index(
    SepaMandate.index(SepaMandate.company, unique=True, where=SQL("state = 'SIGNED'"), name="sepa_mandate_signed")
)


# ── Registrations: who asks for an access, and what the mutual decides ───────────────────────────────────────────


class RegistrationState(StrEnum):
    ASKED = "ASKED"  # a link went to the address, and nobody opened it yet
    CONFIRMED = "CONFIRMED"  # it was opened: the details are to come
    RECEIVED = "RECEIVED"  # the mutual has it to decide
    INCOMPLETE = "INCOMPLETE"  # the mutual asked for more
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"


class Registration(Table):
    """Somebody who asks for an access: their address, once confirmed, then who they are, and what was decided.

    Two keys, of which only hashes are kept: that of the last link that was sent, and that of the browser that used it.
    """

    public_id = PublicId()
    email = CharField(254)  # in lower case
    role = EnumField(UserRole, max_length=32)
    state = CharField(16, default=RegistrationState.ASKED)
    token_hash = CharField(64, null=True, unique=True)
    token_until = DateTimeField(null=True)
    key_hash = CharField(64, null=True, unique=True)
    key_until = DateTimeField(null=True)
    first_name = CharField(default="")
    last_name = CharField(default="")
    organisation = CharField(default="")
    phone = CharField(32, default="")
    siret = CharField(14, default="")  # of a company, or of the firm that manages several accounts
    contract_number = CharField(32, default="")
    number_kind = CharField(8, default="")  # rules.registrations
    number = CharField(14, default="")
    asked_for = TextField(default="")  # the accounts that are asked for, in the words of who asks
    password_hash = CharField(default="")  # until an access is opened, or refused
    created_at = DateTimeField(default=clock.now)
    touched_at = DateTimeField(default=clock.now)
    sent_at = DateTimeField(null=True)
    settled_at = DateTimeField(null=True)
    decided_by = ForeignKeyField(User, null=True, index=False, on_delete="SET NULL")  # none: the contact, by e-mail
    user = ForeignKeyField(User, null=True, on_delete="SET NULL")  # to whom it gave an access
    remark = CharField(default="")  # why more is asked for, or why it was refused
    version = IntegerField(default=1)

    class Meta:
        indexes = ((("state", "sent_at"), False),)

    PENDING = (
        RegistrationState.ASKED,
        RegistrationState.CONFIRMED,
        RegistrationState.RECEIVED,
        RegistrationState.INCOMPLETE,
    )
    BEING_WRITTEN = (RegistrationState.CONFIRMED, RegistrationState.INCOMPLETE)
    UNFINISHED_FOR = TERMS["registration_unfinished"].time
    MORE_FOR = TERMS["registration_incomplete"].time
    SETTLED_FOR = TERMS["registration"].time

    @property
    def full_name(self):
        return f"{self.first_name} {self.last_name}"

    @property
    def holder(self):
        """Who sends its files."""
        return f"registration:{self.id}"

    @classmethod
    def pending(cls, email):
        return cls.get_or_none(cls.email == email, cls.state.in_(cls.PENDING))

    def hold(self):
        return database.locked(db, Registration.select().where(Registration.id == self.id)).get()

    def draw(self, lasts, now):
        """The token of a new link, for the caller's message; the link before works no more."""
        token = secrets.token_urlsafe(32)
        self.token_hash, self.token_until, self.touched_at = digest(token), now + lasts, now
        return token

    @classmethod
    def of_link(cls, token, now):
        return cls.get_or_none(cls.token_hash == digest(token), cls.token_until >= now, cls.state.in_(cls.PENDING))

    def use_link(self, now, lasts):
        """The key of the browser that used the link, once; None for all others, even at the same time."""
        key = secrets.token_urlsafe(32)
        state = Registration.state
        confirmed = Case(state, [(RegistrationState.ASKED, RegistrationState.CONFIRMED)], state)
        used = Registration.update(
            state=confirmed, token_hash=None, key_hash=digest(key), key_until=now + lasts, touched_at=now
        ).where(Registration.id == self.id, Registration.token_hash == self.token_hash)
        return key if used.execute() == 1 else None

    @classmethod
    def of_browser(cls, key, now):
        return cls.get_or_none(cls.key_hash == digest(key), cls.key_until >= now) if key else None

    @property
    def kept(self):
        """Its files that are still there."""
        files = RegistrationFile.select(RegistrationFile, StoredFile).join(StoredFile)
        return list(
            files.where(RegistrationFile.registration == self, StoredFile.dropped_at.is_null()).order_by(
                RegistrationFile.id
            )
        )

    @classmethod
    def purge(cls, now):
        """Forget what nobody finished, and a year later what was decided; their files leave too."""
        states, last = RegistrationState, cls.touched_at
        old = cls.state.in_([states.ASKED, states.CONFIRMED]) & (last < now - cls.UNFINISHED_FOR)
        old |= (cls.state == states.INCOMPLETE) & (last < now - cls.MORE_FOR)
        old |= cls.settled_at < now - cls.SETTLED_FOR
        ids = [number for (number,) in cls.select(cls.id).where(old).limit(1_000).tuples()]
        if not ids:
            return 0
        with db.atomic():
            files = RegistrationFile.select(RegistrationFile.file).where(RegistrationFile.registration.in_(ids))
            StoredFile.drop_where(StoredFile.id.in_(files), now)
            return cls.delete().where(cls.id.in_(ids)).execute()


# One under way an address, however often it is asked.
Registration.add_index(
    Registration.index(
        Registration.email,
        unique=True,
        where=SQL("state IN ('ASKED', 'CONFIRMED', 'RECEIVED', 'INCOMPLETE')"),
        name="registration_pending",
    )
)


class RegistrationFile(Table):
    public_id = PublicId()
    registration = ForeignKeyField(Registration, backref="files", on_delete="CASCADE")
    file = ForeignKeyField(StoredFile, null=True, on_delete="SET NULL", index=False)


class DebitBatch(Table):
    """A file of direct debits for the mutual's bank: of one collection day and one scheme; it holds IBAN, sealed."""

    public_id = PublicId()
    number = CharField(32, unique=True)
    scheme = CharField(4)
    collected_on = DateField(index=True)
    count = IntegerField()
    total = BigIntegerField()
    content = SealedField()
    author = ForeignKeyField(User, null=True, index=False)  # none: by the command
    created_at = DateTimeField()

    def seal(self, text):
        self.content = vault.seal(text, "debit_batch", "content", self.public_id)

    def unseal(self):
        """The file in clear: the caller audits."""
        return vault.open(self.content, "debit_batch", "content", self.public_id)

    def facts(self):
        """What the audit trail keeps."""
        return {"number": self.number, "count": self.count, "total": self.total}

    @classmethod
    def last_number(cls, start):
        return cls.select(fn.MAX(cls.number)).where(cls.number.startswith(start)).scalar()


class DirectDebit(Table):
    """One collection that a file asks for; a statement has one that the bank did not reject."""

    batch = ForeignKeyField(DebitBatch, backref="debits")
    statement = ForeignKeyField(ContributionStatement, backref="debits")
    mandate = ForeignKeyField(SepaMandate, backref="debits")
    amount = BigIntegerField()
    sequence = CharField(4)  # rules.collections
    end_to_end = CharField(35, unique=True)
    rejected_on = DateField(null=True)
    reason = CharField(4, default="")  # why: a code of ISO 20022


# Never the same statement twice, whoever makes a file at the same time.
DirectDebit.add_index(
    DirectDebit.index(DirectDebit.statement, unique=True, where=SQL("rejected_on IS NULL"), name="direct_debit_once")
)


# ── Arrears ──────────────────────────────────────────────────────────────────────────────────────────────────────


class FormalNotice(Table):
    """A « mise en demeure » for what a contract owed: one for the same oldest statement, whoever gives it."""

    public_id = PublicId()
    contract = ForeignKeyField(GroupContract, backref="formal_notices", index=False)
    oldest_due_on = DateField()  # of the oldest statement that was late
    amount = BigIntegerField()  # cents that were late in all
    given_on = DateField()
    author = ForeignKeyField(User, index=False)
    created_at = DateTimeField()
    document = ForeignKeyField(Document, null=True, on_delete="SET NULL", index=False)

    class Meta:
        indexes = ((("contract", "oldest_due_on"), True),)


# ── Configuration ────────────────────────────────────────────────────────────────────────────────────────────────


class ConfiguredValue(Table):
    """What the mutual settled on its own pages: above the environment, in every process within seconds."""

    name = CharField(60, unique=True)  # of a setting (portal.settings)
    text = TextField()
    content = BlobField(null=True)  # the picture of the logo
    changed_at = DateTimeField()
    changed_by = ForeignKeyField(User, null=True, on_delete="SET NULL", index=False)


class LoadState(StrEnum):
    TO_CONFIRM = "TO_CONFIRM"  # by whoever gives it, who is asked for the password first
    WAITING = "WAITING"
    DONE = "DONE"
    FAILED = "FAILED"  # nothing of it was written
    ABANDONED = "ABANDONED"  # before it was confirmed


class FileLoad(Table):
    """A file of the management system, given at the desk: the worker loads all of it, or nothing."""

    public_id = PublicId()
    kind = CharField(32)  # management_system.KINDS
    author = ForeignKeyField(User, index=False)
    file = ForeignKeyField(StoredFile, null=True, on_delete="SET NULL", index=False)  # until it is loaded
    file_name = CharField()
    state = CharField(16, default=LoadState.WAITING, index=True)
    faults = JSONField(default=list)  # sentences
    total = IntegerField(default=0)  # lines, about
    done = IntegerField(default=0)
    created = IntegerField(default=0)
    updated = IntegerField(default=0)
    unchanged = IntegerField(default=0)
    attempts = IntegerField(default=0)
    leased_until = DateTimeField(null=True)
    created_at = DateTimeField(default=clock.now)
    ended_at = DateTimeField(null=True)
    form_key = CharField(64, null=True, unique=True)

    LEASE = datetime.timedelta(minutes=5)
    MOST_ATTEMPTS = 3

    @property
    def is_at_work(self):
        return self.state == LoadState.WAITING

    @property
    def is_to_confirm(self):
        return self.state == LoadState.TO_CONFIRM

    def confirm(self):
        """Let the worker have it; False when that was done already."""
        mine = FileLoad.id == self.id, FileLoad.state == LoadState.TO_CONFIRM
        return FileLoad.update(state=LoadState.WAITING).where(*mine).execute() == 1

    def abandon(self, now):
        """Give it up before it is confirmed, with its file; False when it does not wait for that any more."""
        mine = FileLoad.id == self.id, FileLoad.state == LoadState.TO_CONFIRM
        with db.atomic():
            ended = {"state": LoadState.ABANDONED, "ended_at": now, "file": None}
            if FileLoad.update(ended).where(*mine).execute() != 1:
                return False
            self.file.drop(now)
        return True

    @property
    def percent(self):
        return min(99, self.done * 100 // self.total) if self.total else 0

    @classmethod
    def take(cls, now):
        """The oldest that waits, leased to this worker; None while another has it: files lean on those before them.

        A lease that ran out was a worker that died.
        """
        oldest = cls.select().where(cls.state == LoadState.WAITING).order_by(cls.id).first()
        if oldest is None or (oldest.leased_until and oldest.leased_until >= now):
            return None
        taken = {"leased_until": now + cls.LEASE, "attempts": oldest.attempts + 1, "done": 0}
        return cls.get_by_id(oldest.id) if cls.update(taken).where(*oldest.mine()).execute() == 1 else None

    def mine(self):
        """As long as no other worker took it, its lease over."""
        return (FileLoad.id == self.id, FileLoad.state == LoadState.WAITING, FileLoad.attempts == self.attempts)

    def give_back(self, until, attempts):
        """It is tried again then; `attempts`: those that count."""
        FileLoad.update(leased_until=until, attempts=attempts).where(*self.mine()).execute()

    def progress(self, done, total, now):
        """Say how far it is, and keep the lease."""
        told = {"done": done, "total": total, "leased_until": now + self.LEASE}
        FileLoad.update(told).where(*self.mine()).execute()

    def end(self, state, now, **told):
        """Its file is not needed any more: who gave it has it still. Raises Outdated when another worker took it."""
        with db.atomic():
            ended = {"state": state, "ended_at": now, "leased_until": None, "file": None, **told}
            if FileLoad.update(ended).where(*self.mine()).execute() != 1:
                raise Outdated(None)
            if self.file_id:
                self.file.drop(now)

    @classmethod
    def purge(cls, now):
        """Forget the files that were loaded or refused; the audit trail says what they changed."""
        return cls.delete().where(cls.ended_at < now - TERMS["file_load"].time).execute()

    @classmethod
    def forget_unconfirmed(cls, now):
        """Those that nobody confirmed, with their files: how many."""
        old = (cls.state == LoadState.TO_CONFIRM) & (cls.created_at < now - TERMS["file_load_unconfirmed"].time)
        with db.atomic():
            StoredFile.drop_where(StoredFile.id.in_(cls.select(cls.file).where(old)), now)
            return cls.delete().where(old).execute()


class Reading(Table):
    """A page that a member of the mutual's staff opened on a day: of which row, how often, last from where."""

    user = ForeignKeyField(User, on_delete="CASCADE", index=False)
    day = DateField(index=True)
    endpoint = CharField(64)
    object_type = CharField(32)  # "" for a list
    object_id = CharField(64)
    times = IntegerField(default=1)
    first_at = DateTimeField()
    last_at = DateTimeField()
    address = CharField(64)

    class Meta:
        indexes = (
            (("user", "day", "endpoint", "object_id"), True),
            (("object_type", "object_id"), False),
        )

    @classmethod
    def count(cls, user, day, endpoint, row, address, at):
        """Once more; `row`: (table, id) as the audit trail names it."""
        kind, name = row
        whole = {"user": user, "day": day, "endpoint": endpoint, "object_type": kind, "object_id": name}
        once = {"first_at": at, "last_at": at, "address": address}
        again = {"times": cls.times + 1, "last_at": at, "address": address}
        key = [cls.user, cls.day, cls.endpoint, cls.object_id]
        cls.insert(**whole, **once).on_conflict(conflict_target=key, update=again).execute()

    @classmethod
    def purge(cls, now):
        return cls.delete().where(cls.day < clock.day_of(now - TERMS["reading"].time)).execute()


TABLES = Table.__subclasses__()


# ── The queries of every page and of one person, written once ────────────────────────────────────────────────────


def at_the_door(user, role, acting):
    door = User(id=user, role=role)
    door.acting = acting
    return door


@part_written_once(db)
def category_ids(user, day, acting, account, *, role, within):
    """Those of `User.categories`, found from the grants: what many of them open costs less so, and few next to nothing.

    `within`: of this account alone. A college that two grants open stands twice.
    """
    here = EmployeeCategory.account == account if within else True
    if at_the_door(user, role, acting).is_staff:
        return EmployeeCategory.select(EmployeeCategory.id).where(here)
    opened = PermissionGrant.opens(EmployeeCategory)
    grants = PermissionGrant.in_force(user, day, acting)
    return grants.select(EmployeeCategory.id).join(EmployeeCategory, on=opened).where(here)


@part_written_once(db)
def account_ids(user, day, acting, *, role):
    return at_the_door(user, role, acting).accounts(day).select(ManagedAccount.id)


@part_written_once(db)
def ids_of_whole_accounts(user, day, acting, *, role):
    return at_the_door(user, role, acting).whole_account_ids(day)


@part_written_once(db)
def ids_of_whole_companies(user, day, acting, *, role):
    return at_the_door(user, role, acting).whole_company_ids(day)


@written_once(db)
def whole_account(user, day, acting, account, *, role):
    whole = ids_of_whole_accounts(user, day, acting, role=role)
    return ManagedAccount.select(ManagedAccount.id).where(ManagedAccount.id == account, ManagedAccount.id.in_(whole))


@written_once(db)
def companies_of(user, day, acting, account, most, *, role):
    seen = category_ids(user, day, acting, account, role=role, within=True)
    of_colleges = EmployeeCategory.select(EmployeeCategory.company).where(EmployeeCategory.id.in_(seen))
    found = Company.select().where(Company.id.in_(of_colleges), Company.account == account)
    return found.order_by(Company.label, Company.code).limit(most)


@written_once(db)
def sent_since(holder, since):
    """How many files this holder sent."""
    sent = StoredFile.select(fn.COUNT(StoredFile.id))
    return sent.where(StoredFile.holder == holder, StoredFile.created_at > since).tuples()


@written_once(db)
def bytes_of(account):
    """What the files of an account weigh together."""
    return StoredFile.select(fn.COALESCE(fn.SUM(StoredFile.size), 0)).where(StoredFile.account == account).tuples()


@part_written_once(db)
def contract_ids(user, day, acting, *, role):
    contracts = GroupContract.select(GroupContract.id)
    if at_the_door(user, role, acting).is_staff:
        return contracts
    return contracts.where(GroupContract.category.in_(category_ids(user, day, acting, None, role=role, within=False)))


@written_once(db)
def live_session(token_hash, day):
    """The session and its user, for whom the connection reads from then on."""
    whole = ~UserSession.factor_due & User.disabled_at.is_null()
    also = reach.columns(db, User.id, User.role, day, whole)
    live = UserSession.select(UserSession, User, *also).join(User)
    return live.where(UserSession.token_hash == token_hash, UserSession.ended_at.is_null())


@written_once(db)
def scope_rows(user, day, *codes, role, asked, everywhere):
    """`codes`: of the accounts that are asked for, as many as `asked`; then of those looked at last."""
    user, account, category = User(id=user, role=role), ManagedAccount, EmployeeCategory
    whole, unread = common_to_rows(user, day, everywhere).cte("whole"), unread_threads(user, day)
    only = Select((whole,), (whole.c.only_id,))
    starred = account.id.in_(user.favourite_ids())
    chosen = account.code.in_(codes[:asked]) | (account.id == only)
    shown = chosen | database.found_first(db, account.id, user.favourite_ids()) | account.code.in_(codes[asked:])
    joined = (category.account == account.id) & chosen
    if not user.is_staff:
        shown, joined = shown & user.opens_account(day), joined & user.opens_college(day)
    awaited = DocumentRequest.awaited(fn.COUNT(DocumentRequest.id)).where(DocumentRequest.category == category.id)
    actions = user.actions(day, PermissionGrant.opens(category))
    if everywhere:  # the colleges of an only account have what all have together
        awaited = actions = Value(0)
    return (
        whole.select_from(
            *(whole.c.account_count, whole.c.awaited_in_all, whole.c.actions_in_all),
            *(unread.c.unread_requests, unread.c.unread_complaints),
            *(account.id.alias("account_id"), account.code.alias("account_code"), account.name.alias("account_name")),
            *(account.description, starred.alias("starred")),
            *(Company.id.alias("company_id"), Company.code.alias("company_code"), Company.label.alias("company_label")),
            *(category.id.alias("category_id"), category.code.alias("category_code")),
            category.label.alias("category_label"),
            *(category.call_recipient_title, category.call_recipient_label, category.contribution_payer),
            *(awaited.alias("awaited"), actions.alias("actions")),
        )
        .join(unread, JOIN.CROSS)
        .join(account, JOIN.LEFT_OUTER, on=shown)
        .join(category, JOIN.LEFT_OUTER, on=joined)
        .join(Company, JOIN.LEFT_OUTER, on=(Company.id == category.company))
        .order_by(account.name_key, Company.code, category.code)
        .namedtuples()
    )


def common_to_rows(user, day, everywhere):
    """What the frame says of all that a user may see: one row. `only_id`: of the account of who sees one alone.

    The accounts and the actions come of one reading of the grants: whoever holds a hundred has them read once.
    """
    awaited = DocumentRequest.awaited().limit(DocumentRequest.MANY)
    if user.is_staff:
        seen, account, actions = ManagedAccount.select(), ManagedAccount.id, Value(rights.ALL)
        count = fn.COUNT(account)
    else:
        awaited = awaited.where(DocumentRequest.category.in_(user.category_ids(day)))
        seen, account = PermissionGrant.in_force(user.id, day), PermissionGrant.account
        actions, count = PermissionGrant.all_actions(), fn.COUNT(account.distinct())
    return seen.select(
        count.alias("account_count"),
        Case(None, [(count == 1, fn.MIN(account))]).alias("only_id"),
        (awaited.select_from(fn.COUNT(SQL("1"))) if everywhere else Value(0)).alias("awaited_in_all"),
        actions.alias("actions_in_all"),
    )


def unread_threads(user, day):
    """How many of each kind hold something that this user has not read, and may write in: one row."""
    writer = at_the_door(user.id, user.role, rights.Action.WRITE)
    kinds = {"unread_requests": threads.REQUEST, "unread_complaints": threads.COMPLAINT}
    counts = (fn.COUNT(Case(None, [(MessageThread.kind == kind, 1)])).alias(name) for name, kind in kinds.items())
    followed = ThreadFollower.select(*counts).join(MessageThread)
    followed = followed.where(ThreadFollower.user == user.id, ThreadFollower.unread > NONE)
    return (followed if user.is_staff else followed.where(writer.opens_thread(day))).alias("unread")


@written_once(db)
def person(user, day, acting, public_id, *, role):
    return at_the_door(user, role, acting).opened(placed(Beneficiary.public_id == public_id), day)


@written_once(db)
def home(user, day, acting, public_id, *, role):
    """The household of this person, in the order of `household`."""
    asked, product = Beneficiary.alias(), Plan.alias()
    same = (asked.household_number == Beneficiary.household_number) & (asked.account == Beneficiary.account)
    members = (
        placed(asked.public_id == public_id, fn.COALESCE(product.label, "").alias("product"))
        .switch(Beneficiary)
        .join(asked, on=same)
        .switch(Beneficiary)
        .join(IndividualProduct, JOIN.LEFT_OUTER)
        .join(product, JOIN.LEFT_OUTER)
        .order_by(Beneficiary.role, Beneficiary.birth_date, Beneficiary.id, product.label)
    )
    return at_the_door(user, role, acting).opened(members, day)


def placed(about, *more):
    """People with their contract, plan, college, company and account."""
    return (
        Beneficiary.select(
            Beneficiary,
            *(GroupContract.id, GroupContract.public_id, GroupContract.number),
            *(Plan.id, Plan.label, Plan.contract_nature),
            *(EmployeeCategory.id, EmployeeCategory.code, EmployeeCategory.label),
            *(Company.id, Company.label),
            *(ManagedAccount.id, ManagedAccount.name),
            *more,
        )
        .join(GroupContract)
        .join(Plan)
        .switch(Beneficiary)
        .join(EmployeeCategory)
        .join(Company)
        .join(ManagedAccount)
        .where(about)
    )


def with_products(rows):
    """People, each once, with the labels of their individual products, of which each row has one or none."""
    members = {}
    for row in rows:
        member = members.setdefault(row.id, row)
        member.products = [*getattr(member, "products", ()), *filter(None, [row.product])]
    return list(members.values())


@written_once(db)
def enrolment(user, day, acting, public_id, *, role):
    whole = Enrolment.whole(Enrolment.select()).where(Enrolment.public_id == public_id)
    return at_the_door(user, role, acting).opened(whole, day)


@written_once(db)
def statement(user, day, acting, public_id, *, role):
    told = ContributionStatement.told(ContributionStatement.select())
    return at_the_door(user, role, acting).opened(told.where(ContributionStatement.public_id == public_id), day)


@written_once(db)
def drafts_of(user, day, acting, account, *identities, role):
    about = Enrolment.account == account, Enrolment.identity.in_(identities), Enrolment.state.in_(Enrolment.OPEN)
    drafts = Enrolment.select().join(EmployeeCategory).where(*about).order_by(Enrolment.id)
    return at_the_door(user, role, acting).opened(drafts, day)


@written_once(db)
def waiting_in_files(user, day, acting, account, *identities, role):
    files = at_the_door(user, role, acting).imports(day).where(AffiliationImport.account == account)
    rows = ImportRow.select(ImportRow, AffiliationImport).join(AffiliationImport)
    return rows.where(
        ImportRow.source.in_(files.where(AffiliationImport.state.in_(OPEN)).select(AffiliationImport.id)),
        ImportRow.identity.in_(identities),
        ImportRow.confirmed_at.is_null(),
    ).limit(1)


OPEN = (ImportState.CHECKED, ImportState.CONFIRMING)  # somebody waits in such a file


@written_once(db)
def held_enrolment(id):
    return database.locked(db, Enrolment.select().where(Enrolment.id == id))


@written_once(db)
def unsent_words(user, path, since):
    kept = UnsentWords.user == user, UnsentWords.path == path, UnsentWords.kept_at > since
    return UnsentWords.select().where(*kept)


@written_once(db)
def household(user, day, acting, number, account, *, role):
    members = (
        Beneficiary.select(Beneficiary.id, *Beneficiary.listed(), Plan.label.alias("product"))
        .join(IndividualProduct, JOIN.LEFT_OUTER)
        .join(Plan, JOIN.LEFT_OUTER)
        .switch(Beneficiary)
        .join(EmployeeCategory)
        .where(Beneficiary.household_number == number, Beneficiary.account == account)
        .order_by(Beneficiary.role, Beneficiary.birth_date, Beneficiary.id, Plan.label)
    )
    return at_the_door(user, role, acting).opened(members, day).objects()


AUTHOR = User.id, User.first_name, User.last_name  # what a page says of who did something


def with_authors(movements):
    """Movements with who asked for them and whom they are about, in the same query."""
    return (
        movements.select(
            Movement,
            *AUTHOR,
            *(Beneficiary.id, Beneficiary.public_id, Beneficiary.member_number),
        )
        .join(User, JOIN.LEFT_OUTER, on=(Movement.author_id == User.id), attr="author")
        .switch(Movement)
        .join(Beneficiary, JOIN.LEFT_OUTER)
    )


@written_once(db)
def movements_of(user, day, acting, person, *, role, most):
    about = Movement.select().where(Movement.beneficiary == person).order_by(Movement.id.desc()).limit(most)
    return at_the_door(user, role, acting).opened(with_authors(about).switch(Movement).join(EmployeeCategory), day)


@written_once(db)
def documents_of(user, day, acting, person, *, role):
    about = (
        Document.select()
        .join(Beneficiary)
        .join(EmployeeCategory)
        .where(Document.beneficiary == person, Document.withdrawn_at.is_null())
        .order_by(Document.id.desc())
    )
    return at_the_door(user, role, acting).opened(about, day)


MOVEMENT = "movement."


@written_once(db)
def events_about(kind, public_id, *, most, movements):
    events = AuditEvent.select(AuditEvent, *AUTHOR)
    events = events.join(User, JOIN.LEFT_OUTER, on=(AuditEvent.user_id == User.id), attr="author")
    events = events.where(AuditEvent.object_type == kind, AuditEvent.object_id == public_id)
    if not movements:
        events = events.where(fn.SUBSTR(AuditEvent.action, 1, len(MOVEMENT)) != MOVEMENT)
    return events.order_by(AuditEvent.number.desc()).limit(most)

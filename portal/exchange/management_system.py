"""The files of the mutual's management system: the columns of each kind, how they are read, and what they refer to."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from portal import clock
from portal.exchange import loading
from portal.exchange.columns import age, code, codes, day, email, nir, one_of, optional, postal_code, share, words
from portal.exchange.contribution_files import Payments, Statements, Tariffs
from portal.exchange.households import Households
from portal.exchange.loading import (
    CENTURY,
    Column,
    Key,
    Kind,
    Mirror,
    Outcome,
    Progress,
    Records,
    Report,
)
from portal.exchange.many import among, draw_uuids, in_words, insert
from portal.exchange.settling import Settling
from portal.exchange.statement_lines import StatementLines
from portal.formats import search_key, sort_key
from portal.models import (
    Beneficiary,
    BeneficiaryRole,
    Company,
    DocumentRequest,
    EmployeeCategory,
    GroupContract,
    IndividualProduct,
    ManagedAccount,
    Plan,
    vault,
)
from portal.rules import Refused, identifiers, proofs

EMPLOYEE, SPOUSE, CHILD = (role.value for role in BeneficiaryRole)
ROLES = {"Assuré": EMPLOYEE, "Conjoint": SPOUSE, "Enfant": CHILD}
STRUCTURES = ("SINGLE_ONLY", "UNIFORM_FAMILY", "SINGLE_FAMILY", "SINGLE_DUO_FAMILY", "ADULT_CHILD")
TERMINATION_REASONS = (
    *("DISMISSAL", "DISMISSAL_ECONOMIC", "DISMISSAL_GROSS", "DISMISSAL_SERIOUS", "MUTUAL_TERMINATION", "RESIGNATION"),
    *("FIXED_TERM_END", "TRIAL_END", "RETIREMENT", "COURT", "DEATH", "TRANSFER", "OTHER"),
)


# ── Accounts and companies ───────────────────────────────────────────────────────────────────────────────────────


class Accounts(Kind):
    label = "Comptes"
    key = ("account_code",)
    columns = (
        Column("account_code", code),
        Column("name", words),
        optional("first_name", words),
        optional("description", words),
        optional("contact", words),
        optional("phone", identifiers.phone),
        optional("email", email),
    )
    fields = ("code", "name", "first_name", "description", "contact", "phone", "email", "name_key", "search_key")

    def __init__(self, report: Report, today: date) -> None:
        super().__init__(report, today)
        self.mirror = Mirror(ManagedAccount, ("code",), self.fields)

    def record(self, row: tuple) -> tuple[Key, tuple]:
        account_code, name, first_name, description, *_ = row
        found_by = " ".join(map(search_key, (name, first_name, account_code, description)))
        return account_code, (*row, sort_key(name), found_by)


class Companies(Kind):
    """A row is a company and one of its colleges: what is said of a company must be said alike on all its rows."""

    label = "Entreprises et collèges"
    key = ("company_code", "category_code")
    columns = (
        Column("company_code", code),
        Column("account_code", code),
        Column("label", words),
        Column("siret", identifiers.siret),
        Column("category_code", code),
        Column("category_label", words),
        optional("call_recipient_title", words),
        optional("call_recipient_label", words),
        Column("contribution_payer", one_of("Entreprise", "Salarié", "Entreprise et salarié")),
    )
    company_fields = ("account", "code", "label", "siret", "search_key")
    category_fields = ("account", "company", "code", "label", *(column.name for column in columns[-3:]))

    def __init__(self, report: Report, today: date) -> None:
        super().__init__(report, today)
        self.accounts = dict(ManagedAccount.select(ManagedAccount.code, ManagedAccount.id).tuples())
        self.owners = dict(Company.select(Company.code, Company.account).tuples())
        self.told: dict[str, tuple[int, tuple]] = {}
        self.mirror = self.categories = Mirror(EmployeeCategory, ("company", "code"), self.category_fields)
        self.companies = Mirror(Company, ("code",), self.company_fields)

    def record(self, row: tuple) -> tuple[Key, tuple]:
        company_code, account_code, name, siret, category_code, *_ = row
        account = self.accounts.get(account_code)
        if account is None:
            self.report.fault("account_code", "Ce compte est inconnu. Chargez-le d’abord, ou corrigez le code.")
        elif self.owners.get(company_code, account) != account:
            self.report.fault("account_code", "Cette entreprise est dans un autre compte, et un chargement l’y laisse.")
        line, told = self.told.setdefault(company_code, (self.report.line, row[:4]))
        for column, one, other in zip(self.columns, told, row, strict=False):
            if one != other:
                self.report.fault(column.name, f"La ligne {line} dit autre chose de cette entreprise. Accordez-les.")
        found_by = " ".join((search_key(name), search_key(company_code), siret))
        return (company_code, category_code), ((account, company_code, name, siret, found_by), (account, *row[4:]))

    def write(self, records: Records) -> tuple[set[Key], set[Key]]:
        companies = {company_code: company for (company_code, _), (company, _) in records.items()}
        _, renamed = self.companies.apply(companies)
        ids = {company_code: row for company_code, (row, _) in self.companies.find(companies).items()}
        keys = {(ids[company], category): (company, category) for company, category in records}
        categories = {
            (company, category): (records[key][1][0], company, *records[key][1][1:])
            for (company, category), key in keys.items()
        }
        created, updated = ({keys[key] for key in some} for some in self.categories.apply(categories))
        return created, (updated | {key for key in records if key[0] in renamed}) - created


# ── Plans and contracts ──────────────────────────────────────────────────────────────────────────────────────────


class Products(Kind):
    label = "Produits"
    key = ("plan_code",)
    columns = (
        Column("plan_code", code),
        Column("label", words),
        Column("contract_nature", words),
        Column("contribution_structure", one_of(*STRUCTURES)),
        Column("valid_from", day),
        optional("valid_to", day, blank=None),
    )
    fields = ("code", *(column.name for column in columns[1:]))

    def __init__(self, report: Report, today: date) -> None:
        super().__init__(report, today)
        self.mirror = Mirror(Plan, ("code",), self.fields)

    def record(self, row: tuple) -> tuple[Key, tuple]:
        *_, valid_from, valid_to = row
        if valid_to and valid_to < valid_from:
            self.report.fault("valid_to", "Cette date est avant le début de validité. Corrigez l’une des deux.")
        return row[0], tuple(row)


class Contracts(Kind):
    label = "Contrats"
    key = ("contract_number",)
    columns = (
        Column("contract_number", code),
        Column("company_code", code),
        Column("category_code", code),
        Column("plan_code", code),
        Column("payer", words),
        Column("payment_method", one_of("Prélèvement", "Virement", "Chèque", "Télérèglement")),
        Column("billing_frequency", one_of("Mensuelle", "Trimestrielle", "Semestrielle", "Annuelle")),
        Column("subscribed_on", day),
        Column("employer_share_percent", share),
        Column("coverage_end_rule", one_of("CONTRACT_END_DATE", "END_OF_MONTH")),
        Column("child_max_age", age),
        Column("child_student_max_age", age),
    )
    fields = (
        *("number", "category", "plan", "payer", "payment_method", "billing_frequency", "subscribed_on"),
        *("employer_share", "coverage_end_rule", "child_max_age", "child_student_max_age"),
    )

    def __init__(self, report: Report, today: date) -> None:
        super().__init__(report, today)
        joined = EmployeeCategory.select(Company.code, EmployeeCategory.code, EmployeeCategory.id).join(Company)
        self.categories = {(company, category): row for company, category, row in joined.tuples()}
        self.companies = {company for company, _ in self.categories}
        self.owners = dict(EmployeeCategory.select(EmployeeCategory.id, EmployeeCategory.account).tuples())
        self.plans = dict(Plan.select(Plan.code, Plan.id).tuples())
        self.held = dict(GroupContract.select(GroupContract.number, GroupContract.category).tuples())
        row = GroupContract
        shares = row.select(row.number, row.employer_share, row.former_shares).tuples()
        self.shares = {number: (share, former or []) for number, share, former in shares}
        self.changed_on = today.isoformat()
        self.mirror = Mirror(GroupContract, ("number",), self.fields)

    def record(self, row: tuple) -> tuple[Key, tuple]:
        number, company_code, category_code, plan_code, *rest = row
        category, plan = self.categories.get((company_code, category_code)), self.plans.get(plan_code)
        if company_code not in self.companies:
            self.report.fault("company_code", "Cette entreprise est inconnue. Chargez-la d’abord, ou corrigez le code.")
        elif category is None:
            self.report.fault("category_code", "Ce collège est inconnu dans cette entreprise. Corrigez le code.")
        elif self.owners[self.held.get(number, category)] != self.owners[category]:
            self.report.fault("company_code", "Ce contrat est dans un autre compte, et un chargement l’y laisse.")
        if plan is None:
            self.report.fault("plan_code", "Ce produit est inconnu. Chargez-le d’abord, ou corrigez le code.")
        if row[-1] < row[-2]:
            self.report.fault("child_student_max_age", "Cet âge est inférieur à celui des autres enfants. Corrigez-le.")
        return number, (number, category, plan, *rest)

    def write(self, records: Records) -> tuple[set[Key], set[Key]]:
        created, updated = self.mirror.apply(records)
        for number in updated:
            self.keep_share(number, records[number][SHARE])
            category = records[number][1]
            if self.held[number] != category:
                # The college of a person is that of the contract.
                moved = Beneficiary.update(category=category, version=Beneficiary.version + 1)
                moved.where(Beneficiary.of_contract(number), Beneficiary.category != category).execute()
        return created, updated

    def keep_share(self, number: Key, share: int) -> None:
        """A file says no day: the share until today is kept, for periods that started before."""
        old, former = self.shares[number]
        if old != share and all(day != self.changed_on for day, _ in former):
            former = [*former, [self.changed_on, old]]
            GroupContract.update(former_shares=former).where(GroupContract.number == number).execute()


SHARE = Contracts.fields.index("employer_share")


# ── People who are covered ───────────────────────────────────────────────────────────────────────────────────────


class People(Mirror):
    """Beneficiaries. Their NIR is sealed when it is new or another; their individual products come after them."""

    drawn = ("public_id", "nir")

    def __init__(self, kind: "Beneficiaries") -> None:
        super().__init__(Beneficiary, ("member_number",), PERSON)
        self.kind = kind
        self.settling = Settling(PERSON, clock.now())

    def apply(self, records: Records) -> tuple[set[Key], set[Key]]:
        created, updated = super().apply(self.settling.adjust(records))
        wanted = self.kind.products
        others = self.hold([key for key in records if key in wanted or key not in created], wanted) - created
        if unseen := others - updated:
            seen = Beneficiary.update(version=Beneficiary.version + 1)
            seen.where(Beneficiary.member_number.in_(unseen)).execute()
        return created, updated | others

    def find(self, records: Records) -> dict[Key, tuple[int, tuple]]:
        """An index made by a former key of the vault is as good as that of today."""
        found = super().find(records)
        for key, (row, old) in found.items():
            new = records[key]
            if old[NIR_INDEX] != new[NIR_INDEX] and old[NIR_INDEX] in self.indexes(key, new):
                found[key] = (row, (*old[:NIR_INDEX], new[NIR_INDEX], *old[NIR_INDEX + 1 :]))
        return found

    def indexes(self, key: Key, record: tuple) -> list[str]:
        nir = self.kind.nirs[key]
        return vault.indexes(nir, "nir", record[:1]) if nir else []

    def draw(self, keys: Sequence[Key]) -> Iterable[tuple]:
        drawn = draw_uuids(len(keys))
        return zip(drawn, self.seal(keys, map(in_words, drawn)), strict=True)

    def seal(self, keys: Sequence[Key], public_ids: Iterable[UUID | str]) -> list[bytes | None]:
        nirs = map(self.kind.nirs.__getitem__, keys)
        return vault.seal_each(list(nirs), "beneficiary", "nir", public_ids)

    def change(self, key: Key, row: int, old: tuple, new: tuple) -> dict[str, Any]:
        self.kind.heed(key, old, new)
        values = super().change(key, row, old, new)
        if "nir_index" in values:
            (values["nir"],) = self.seal([key], [Beneficiary.get_by_id(row).public_id])
        return values

    def hold(self, keys: list[Key], wanted: dict[Key, tuple[int, ...]]) -> set[Key]:
        """Make individual products those of the file; the keys of the people for whom they changed."""
        ids = dict(among("SELECT member_number, id FROM beneficiary WHERE member_number", keys))
        products = "SELECT beneficiary_id, plan_id, id FROM individual_product WHERE beneficiary_id"
        held = {row[:2]: row[2] for row in among(products, list(ids.values()))}
        asked = {(row, plan) for key, row in ids.items() for plan in wanted.get(key, ())}
        gone, came = held.keys() - asked, sorted(asked - held.keys())
        if gone:
            IndividualProduct.delete().where(IndividualProduct.id.in_([held[pair] for pair in gone])).execute()
        insert(IndividualProduct, (IndividualProduct.beneficiary, IndividualProduct.plan), came)
        changed = {row for row, _ in (*gone, *came)}
        return {key for key, row in ids.items() if row in changed}


PERSON = (
    *("account", "category", "contract", "member_number", "household_number", "role", "title"),
    *("birth_name", "used_name", "first_name", "birth_date", "sex", "nir_index", "effective_on", "terminated_on"),
    *("termination_reason", "street_number", "street", "complement", "postal_code", "city", "country"),
    *("phone", "mobile", "email", "name_key", "first_name_key", "search_key"),
)
NIR_INDEX = PERSON.index("nir_index")
ACCOUNT, HOUSEHOLD, ROLE = map(PERSON.index, ("account", "household_number", "role"))


UNKNOWN = (None, None, None)  # contract, college, account


def folded(number: str) -> str:
    """`search_key` of what does not come again, and is seldom more than letters and digits."""
    return number.lower() if number.isalnum() else search_key(number)


class Beneficiaries(Kind):
    label = "Bénéficiaires"
    key = ("member_number",)
    columns = (
        Column("member_number", code, again=0),
        Column("household_number", code, again=0),
        Column("role", one_of(**ROLES)),
        Column("title", one_of("M.", "Mme")),
        Column("birth_name", words),
        optional("used_name", words),
        Column("first_name", words),
        Column("birth_date", day, again=CENTURY),
        Column("sex", one_of("M", "F")),
        optional("nir", nir, again=0),
        Column("contract_number", code),
        Column("effective_on", day),
        optional("terminated_on", day, blank=None),
        optional("termination_reason", one_of(*TERMINATION_REASONS)),
        *(optional(name, words) for name in ("street_number", "street", "complement")),
        *(optional(name, words) for name in ("postal_code", "city", "country")),
        *(optional(name, identifiers.phone) for name in ("phone", "mobile")),  # a household's come one after another
        optional("email", email, again=0),
        optional("individual_products", codes, blank=()),
    )

    def __init__(self, report: Report, today: date) -> None:
        super().__init__(report, today)
        college = (GroupContract.id, EmployeeCategory.id, EmployeeCategory.account)
        contracts = GroupContract.select(GroupContract.number, *college).join(EmployeeCategory).tuples()
        self.contracts = {number: found for number, *found in contracts}
        self.plans = dict(Plan.select(Plan.code, Plan.id).tuples())
        self.mirror: Mirror = People(self)
        self.latest_birth = today.isoformat()
        self.households = Households(report, today)
        # Of one chunk, by member number.
        self.lines: dict[Key, int] = {}
        self.nirs: dict[Key, str] = {}
        self.products: dict[Key, tuple] = {}

    def records(self, lines: Sequence[int], columns: Sequence[Sequence]) -> Records:
        """One column after another: a hundred thousand people are a few thousand steps."""
        numbers, households, roles, _, birth_names, used_names, first_names, *_, nirs = columns[:10]
        signed = [self.contracts.get(number, UNKNOWN) for number in columns[10]]
        for self.report.line, row in zip(lines, zip(*columns, strict=True), strict=True):
            self.check(row)
        contracts, categories, accounts = zip(*signed, strict=True)
        self.households.hear(zip(accounts, households, strict=True), [role == EMPLOYEE for role in roles], lines)
        self.lines, self.nirs = dict(zip(numbers, lines, strict=True)), dict(zip(numbers, nirs, strict=True))
        asked = zip(numbers, columns[-1], strict=True)
        self.products = {number: tuple(map(self.plans.get, products)) for number, products in asked if products}
        last_names = [used or birth for used, birth in zip(used_names, birth_names, strict=True)]
        named = (map(search_key, names) for names in (birth_names, used_names, first_names))
        found_by = zip(*named, map(folded, numbers), strict=True)
        values = (
            *(accounts, categories, contracts, *columns[:9], self.indexes(nirs, accounts), *columns[11:23]),
            *(map(sort_key, last_names), map(sort_key, first_names)),
            [f"{birth} {used} {first} {number}" for birth, used, first, number in found_by],
        )
        return dict(zip(numbers, zip(*values, strict=True), strict=True))

    def indexes(self, nirs: Sequence[str], accounts: Sequence[Any]) -> list[str | None]:
        return [vault.index(nir, "nir", on) if nir else None for nir, on in zip(nirs, accounts, strict=True)]

    def check(self, row: tuple) -> None:
        """What the columns of a row say of one another, and of what is there."""
        fault, birth_date, (effective_on, terminated_on, reason) = self.report.fault, row[7], row[11:14]
        if row[10] not in self.contracts:
            fault("contract_number", "Ce contrat est inconnu. Chargez-le d’abord, ou corrigez le numéro.")
        if birth_date > self.latest_birth:
            fault("birth_date", "Cette date de naissance est dans l’avenir. Corrigez-la.")
        if effective_on < birth_date:
            fault("effective_on", "Cette date est avant la naissance. Corrigez l’une des deux.")
        if terminated_on and terminated_on < effective_on:
            fault("terminated_on", "Cette date est avant la date d’effet. Corrigez l’une des deux.")
        if reason and not terminated_on:
            fault("terminated_on", "Cette date est obligatoire avec un motif de radiation.")
        if row[17] and row[19] in ("", "France"):
            try:
                postal_code(row[17])
            except Refused as refused:
                fault("postal_code", str(refused))
        for product in row[-1]:
            if product not in self.plans:
                fault("individual_products", f"Le produit {product} est inconnu. Chargez-le d’abord, ou corrigez-le.")

    def heed(self, number: Key, old: tuple, new: tuple) -> None:
        """A person who is there already stays in the account, and an employee does not leave dependents alone."""
        line = self.lines[number]
        if old[ACCOUNT] != new[ACCOUNT]:
            said = "Cette personne est dans un autre compte, et un chargement l’y laisse. Donnez-lui un autre numéro."
            self.report.fault("contract_number", said, line)
        elif old[ROLE] == EMPLOYEE and (new[ROLE], new[HOUSEHOLD]) != (EMPLOYEE, old[HOUSEHOLD]):
            self.households.left[old[ACCOUNT], old[HOUSEHOLD]] = line

    def refused(self, cells: Mapping[str, str]) -> None:
        if cells["role"] not in ("Conjoint", "Enfant"):
            self.households.excused.add(cells["household_number"])

    def finish(self) -> None:
        self.households.check()


# ── Supporting documents ─────────────────────────────────────────────────────────────────────────────────────────


class Requests(Mirror):
    """Supporting documents that are awaited. What became of one is not the file's to say: a load leaves it as it is."""

    drawn = ("public_id", "origin")

    def __init__(self) -> None:
        super().__init__(DocumentRequest, ("beneficiary", "campaign", "document_type"), REQUEST)

    def draw(self, keys: Sequence[Key]) -> Iterable[tuple]:
        return zip(draw_uuids(len(keys)), ["INSURER"] * len(keys), strict=True)


REQUEST = (
    *("beneficiary", "campaign", "document_type", "category", "restricted"),
    *("sent_on", "due_on", "insurer_reminded_on"),
)


class DocumentRequests(Kind):
    label = "Justificatifs"
    key = ("campaign", "member_number", "document_type")
    columns = (
        Column("campaign", words),
        Column("member_number", code, again=0),
        Column("document_type", proofs.by_words),
        Column("sent_on", day),
        optional("due_on", day, blank=None),
        optional("insurer_reminded_on", day, blank=None),
    )

    def __init__(self, report: Report, today: date) -> None:
        super().__init__(report, today)
        self.mirror = Requests()
        self.people: dict[str, tuple[int, int]] = {}  # of one chunk: member number → id, college

    def look_up(self, rows: list[tuple]) -> None:
        people = "SELECT member_number, id, category_id FROM beneficiary WHERE member_number"
        self.people = {number: (id, category) for number, id, category in among(people, [row[1] for row in rows])}

    def record(self, row: tuple) -> tuple[Key, tuple]:
        campaign, member_number, proof, sent_on, due_on, _ = row
        beneficiary, category = self.people.get(member_number) or self.unknown_member()
        if due_on and due_on < sent_on:
            self.report.fault("due_on", "Cette date est avant la date d’envoi. Corrigez l’une des deux.")
        key = (beneficiary, campaign, proof.code)
        return key, (*key, category, proof.restricted, *row[3:])

    def unknown_member(self) -> tuple[None, None]:
        said = "Ce numéro d’adhérent est inconnu. Chargez d’abord les bénéficiaires, ou corrigez le numéro."
        self.report.fault("member_number", said)
        return None, None


KINDS: dict[str, type[Kind]] = {
    "accounts": Accounts,
    "companies": Companies,
    "products": Products,
    "contracts": Contracts,
    "beneficiaries": Beneficiaries,
    "statements": Statements,
    "statement-lines": StatementLines,
    "payments": Payments,
    "tariffs": Tariffs,
    "document-requests": DocumentRequests,
}


def load(
    kind: str,
    path: Path,
    progress: Progress | None = None,
    now: datetime | None = None,
    within: Callable[[Outcome], None] | None = None,
) -> Outcome:
    """Load one file of a kind, all of it or nothing; the rest as `loading.load` says."""
    return loading.load(kind, KINDS[kind], path, progress, now, within)

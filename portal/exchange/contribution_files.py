"""Files of contributions: statements, payments (what settles what is said again then), and what contracts cost."""

import re
from datetime import date, timedelta
from typing import Any

from portal import contributions
from portal.exchange.columns import cents, code, day, one_of, optional, words
from portal.exchange.loading import Column, Key, Kind, Mirror, Records, Report
from portal.models import ContributionStatement, ContributionTariff, GroupContract, Payment, Plan
from portal.rules import Refused
from portal.rules.calls import TERMS
from portal.rules.contributions import BANDS, EUR, PCT_PMSS, PRO_RATA

METHODS = ("Prélèvement", "Virement", "Chèque", "Télérèglement")


class OfContract(Mirror):
    """Rows of contracts: the one that a row leaves is settled anew too."""

    def __init__(self, kind: "OfContracts", *about: Any) -> None:
        super().__init__(*about)
        self.kind = kind

    def change(self, key: Key, row: int, old: tuple, new: tuple) -> dict[str, Any]:
        self.kind.changed.add(old[self.names.index("contract")])
        return super().change(key, row, old, new)


class OfContracts(Kind):
    """Rows that are each of one contract; those of the contracts that changed are settled anew."""

    def __init__(self, report: Report, today: date) -> None:
        super().__init__(report, today)
        self.contracts = dict(GroupContract.select(GroupContract.number, GroupContract.id).tuples())
        self.changed: set[int] = set()

    def contract(self, number: str) -> int | None:
        if number not in self.contracts:
            said = "Ce contrat est inconnu. Chargez-le d’abord, ou corrigez le numéro."
            self.report.fault("contract_number", said)
        return self.contracts.get(number)

    def write(self, records: Records) -> tuple[set[Key], set[Key]]:
        created, updated = super().write(records)
        self.changed |= {records[key][1] for key in created | updated}
        return created, updated

    def finish(self) -> None:
        if not self.report.count:
            contributions.settle_contracts(self.changed)


# ── Statements ───────────────────────────────────────────────────────────────────────────────────────────────────

STATEMENT = (
    *("number", "contract", "plan", "period_start", "period_end"),
    *("payer", "issued_on", "due_on", "total"),
)
ISSUED_ON = STATEMENT.index("issued_on")


class Issued(OfContract):
    """Statements. Once it is issued, one never changes: the file that says otherwise is refused."""

    kind: "Statements"

    def change(self, key: Key, row: int, old: tuple, new: tuple) -> dict[str, Any]:
        values = super().change(key, row, old, new)
        if old[ISSUED_ON] <= self.kind.today.isoformat():
            self.kind.refuse_change(key, values)
        return values


class Statements(OfContracts):
    label = "Bordereaux"
    key = ("statement_number",)
    columns = (
        Column("statement_number", code, again=0),
        Column("contract_number", code),
        Column("product", code),
        Column("period_start", day),
        Column("period_end", day),
        Column("payer", words),
        Column("issued_on", day),
        Column("due_on", day),
        Column("total", cents, again=0),
    )
    TOLD = dict(zip(STATEMENT, (column.name for column in columns), strict=True))

    def __init__(self, report: Report, today: date) -> None:
        super().__init__(report, today)
        self.plans = dict(Plan.select(Plan.code, Plan.id).tuples())
        self.mirror = Issued(self, ContributionStatement, ("number",), STATEMENT)
        self.lines: dict[Key, int] = {}  # of one chunk

    def look_up(self, rows: list[tuple]) -> None:
        self.lines = {}

    def record(self, row: tuple) -> tuple[Key, tuple]:
        number, contract_number, product, start, end, payer, issued_on, due_on, total = row
        fault, plan = self.report.fault, self.plans.get(product)
        if plan is None:
            fault("product", "Ce produit est inconnu. Chargez-le d’abord, ou corrigez le code.")
        if end < start:
            fault("period_end", "Cette date est avant le début de la période. Corrigez l’une des deux.")
        if due_on < issued_on:
            fault("due_on", "Cette échéance est avant la date du bordereau. Corrigez l’une des deux.")
        self.lines[number] = self.report.line
        return number, (number, self.contract(contract_number), plan, start, end, payer, issued_on, due_on, total)

    def refuse_change(self, number: Key, values: dict[str, Any]) -> None:
        said = "Ce bordereau est émis et ne change plus. Portez la correction sur le suivant, ou sur un avoir."
        self.report.fault(self.TOLD[next(iter(values))], said, self.lines[number])


# ── Payments ─────────────────────────────────────────────────────────────────────────────────────────────────────


def paid(text: str) -> int:
    amount = cents(text)
    if not amount:
        raise Refused("Ce montant est nul. Retirez la ligne, ou corrigez-le.")
    return amount


AHEAD = timedelta(days=31)  # a debit that is sent to the bank may be dated of its collection


class Payments(OfContracts):
    label = "Règlements"
    key = ("payment_reference",)
    columns = (
        Column("payment_reference", code, again=0),
        Column("contract_number", code),
        Column("paid_on", day),
        Column("payment_method", one_of(*METHODS)),
        Column("amount", paid, again=0),
    )

    def __init__(self, report: Report, today: date) -> None:
        super().__init__(report, today)
        self.latest = (today + AHEAD).isoformat()
        fields = ("reference", "contract", "paid_on", "payment_method", "amount")
        self.mirror = OfContract(self, Payment, ("reference",), fields)

    def record(self, row: tuple) -> tuple[Key, tuple]:
        reference, contract_number, paid_on, *rest = row
        if paid_on > self.latest:
            self.report.fault("paid_on", "Ce règlement est daté de plus d’un mois après ce jour. Corrigez la date.")
        return reference, (reference, self.contract(contract_number), paid_on, *rest)


# ── What contracts cost ──────────────────────────────────────────────────────────────────────────────────────────

PRICE = re.compile(r"([0-9]{1,6})(?:\.([0-9]{1,3}))?")
PRICES = ("single", "duo", "family", "adult", "child")


def price(text: str) -> int:
    """A price a month in euros, or a percentage of the PMSS: in thousandths of either."""
    match = PRICE.fullmatch(text)
    if not match:
        raise Refused("Ce prix est mal écrit. Écrivez des euros (41.80) ou un pourcentage du PMSS (1.25).")
    return int(match[1]) * 1_000 + int((match[2] or "").ljust(3, "0"))


def count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 3):
        raise Refused("Un nombre d’enfants s’écrit en chiffres, de 0 à 99.")
    return int(text)


class Tariffs(Kind):
    """Prices of contracts from a day on, and whether the portal computes their statements."""

    label = "Tarifs"
    key = ("contract_number", "valid_from")
    columns = (
        Column("contract_number", code),
        Column("valid_from", day),
        Column("amount_type", one_of(EUR, PCT_PMSS)),
        *(optional(name, price, blank=None) for name in PRICES),
        optional("paying_children", count, blank=2),
        Column("pro_rata", one_of(*PRO_RATA)),
        Column("term", one_of(*TERMS)),
        Column("called_by_portal", one_of(Oui=True, Non=False)),
    )

    def __init__(self, report: Report, today: date) -> None:
        super().__init__(report, today)
        joined = GroupContract.select(GroupContract.number, GroupContract.id, Plan.contribution_structure).join(Plan)
        self.contracts = {number: found for number, *found in joined.tuples()}
        fields = ("contract", *(column.name for column in self.columns[1:]))
        self.mirror = Mirror(ContributionTariff, ("contract", "valid_from"), fields)

    def record(self, row: tuple) -> tuple[Key, tuple]:
        number, valid_from, amount_type, *rest = row
        contract, structure = self.contracts.get(number) or (None, None)
        if contract is None:
            said = "Ce contrat est inconnu. Chargez-le d’abord, ou corrigez le numéro."
            self.report.fault("contract_number", said)
        prices = [self.whole(name, amount, amount_type) for name, amount in zip(PRICES, rest, strict=False)]
        for band in BANDS.get(structure or "", ()):
            if prices[PRICES.index(band.lower())] is None:
                self.report.fault(band.lower(), "Ce prix est obligatoire avec la structure de ce contrat.")
        return (contract, valid_from), (contract, valid_from, amount_type, *prices, *rest[len(PRICES) :])

    def whole(self, name: str, thousandths: int | None, amount_type: str) -> int | None:
        """In cents for euros."""
        if thousandths is None or amount_type == PCT_PMSS:
            return thousandths
        if thousandths % 10:
            self.report.fault(name, "Un prix en euros a deux décimales au plus. Corrigez-le.")
        return thousandths // 10

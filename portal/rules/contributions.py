"""What a contract costs: structures, the PMSS, pro rata, the two parts, and what changes from a statement to the next.

Amounts are whole cents. Rounding is decided here and nowhere else: to the nearest cent, a half away from zero. What is
rounded is the price of a month, then the part of a month that is due, then the employer’s part; the employee pays the
rest, so that the parts add up to the line and the lines to the statement.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

from portal.rules import Refused
from portal.rules.dates import month_end, months_after, months_before

# ── The PMSS ─────────────────────────────────────────────────────────────────────────────────────────────────────

# « Plafond mensuel de la Sécurité sociale », in euros, by year (arrêtés of each December); the same all through a year.
PMSS = {
    2015: 3_170,
    2016: 3_218,
    2017: 3_269,
    2018: 3_311,
    2019: 3_377,
    2020: 3_428,
    2021: 3_428,
    2022: 3_428,
    2023: 3_666,
    2024: 3_864,
    2025: 3_925,
    2026: 4_005,
}


Table = Mapping[int, int] | None  # the PMSS of years that are not above


def pmss_of(year: int, more: Table = None) -> int:
    """In whole euros; `more`: the years that the mutual added since. Refused when a year is not known yet."""
    known = PMSS | dict(more or {})
    if year not in known:
        raise Refused(f"Le PMSS de {year} n’est pas connu. Ajoutez-le au réglage PMSS, ainsi : {year}=4005.")
    return known[year]


def pmss_table(text: str) -> dict[int, int]:
    """« 2027=4090 2028=4180 » as a dict; Refused says what is wrong."""
    table = {}
    for word in text.replace(",", " ").split():
        year, _, amount = word.partition("=")
        if not (
            year.isascii() and year.isdigit() and amount.isascii() and amount.isdigit() and 2000 < int(year) < 2200
        ):
            raise Refused("écrivez des années et des montants en euros, ainsi : 2027=4090 2028=4180.")
        table[int(year)] = int(amount)
    return table


def rounded(numerator: int, denominator: int) -> int:
    """The nearest whole number to a quotient, a half away from zero; `denominator` is positive."""
    nearest = (2 * abs(numerator) + denominator) // (2 * denominator)
    return nearest if numerator >= 0 else -nearest


# ── Structures and prices ────────────────────────────────────────────────────────────────────────────────────────

SINGLE_ONLY, UNIFORM_FAMILY, SINGLE_FAMILY = "SINGLE_ONLY", "UNIFORM_FAMILY", "SINGLE_FAMILY"
SINGLE_DUO_FAMILY, ADULT_CHILD = "SINGLE_DUO_FAMILY", "ADULT_CHILD"
STRUCTURES = {
    SINGLE_ONLY: "Salarié seul",
    UNIFORM_FAMILY: "Uniforme, quelle que soit la famille",
    SINGLE_FAMILY: "Isolé / Famille",
    SINGLE_DUO_FAMILY: "Isolé / Duo / Famille",
    ADULT_CHILD: "Adulte / Enfant",
}
# The prices that a structure has.
BANDS = {
    SINGLE_ONLY: ("SINGLE",),
    UNIFORM_FAMILY: ("FAMILY",),
    SINGLE_FAMILY: ("SINGLE", "FAMILY"),
    SINGLE_DUO_FAMILY: ("SINGLE", "DUO", "FAMILY"),
    ADULT_CHILD: ("ADULT", "CHILD"),
}
WORDS = {"SINGLE": "Isolé", "DUO": "Duo", "FAMILY": "Famille", "ADULT": "Adulte", "CHILD": "Enfant"}
EUR, PCT_PMSS = "EUR", "PCT_PMSS"
# What is due of a month in which somebody comes or goes.
STARTED_MONTH, DAILY, FROM_NEXT_MONTH = "STARTED_MONTH", "DAILY", "FROM_NEXT_MONTH"
PRO_RATA = {
    STARTED_MONTH: "Tout mois commencé est dû",
    DAILY: "Au prorata des jours couverts",
    FROM_NEXT_MONTH: "Dû à partir du premier jour du mois suivant l’entrée",
}
MONTHS = {"Mensuelle": 1, "Trimestrielle": 3, "Semestrielle": 6, "Annuelle": 12}
WHOLE = 10_000  # a portion is in ten-thousandths of its period


class Price(NamedTuple):
    """One price of a tariff: `share`, in thousandths of a percent of the PMSS; `parts`, employer’s and employee’s."""

    band: str
    share: int | None
    cents: int | None
    parts: tuple[int, int] | None


@dataclass(frozen=True)
class Tariff:
    """What a contract costs a month from a day on.

    `amounts`: by band, in cents (EUR) or in thousandths of a percent of the PMSS (PCT_PMSS: 1250 is 1,25 %).
    `employer_share`: hundredths of a percent. `paying_children`: the others are free (ADULT_CHILD).
    """

    valid_from: date
    structure: str
    amounts: Mapping[str, int]
    employer_share: int
    amount_type: str = EUR
    pro_rata: str = STARTED_MONTH
    paying_children: int = 2

    def amount(self, band: str, month: date, more: Table = None) -> int:
        """Cents a month of one price; raises Refused when the PMSS of the year is not known."""
        amount = self.amounts[band]
        return rounded(amount * pmss_of(month.year, more), 1_000) if self.amount_type == PCT_PMSS else amount

    def prices(self, month: date, more: Table = None) -> list["Price"]:
        """Each of its prices; in cents unless the PMSS of that year is not known yet."""
        found = []
        for band in BANDS[self.structure]:
            try:
                cents = self.amount(band, month, more)
            except Refused:
                cents = None
            share = self.amounts[band] if self.amount_type == PCT_PMSS else None
            halves = parts(cents, self.employer_share) if cents is not None else None
            found.append(Price(WORDS[band], share, cents, halves))
        return found

    def price(self, adults: int, children: int, month: date, more: Table = None) -> int:
        """Cents a month of a household."""
        if self.structure == ADULT_CHILD:
            paying = min(children, self.paying_children)
            return adults * self.amount("ADULT", month, more) + (
                paying * self.amount("CHILD", month, more) if paying else 0
            )
        return self.amount(band(self.structure, adults + children), month, more)


def band(structure: str, insured: int) -> str:
    """The price that a household of so many insured pays, where it is one of several."""
    bands = BANDS[structure]
    return bands[min(insured, len(bands)) - 1]


def named(structure: str, adults: int, children: int) -> str:
    """The band of a household in words: « Duo », « 2 adultes, 1 enfant »."""
    if structure != ADULT_CHILD:
        return WORDS[band(structure, adults + children)]
    words = [f"{adults} adulte{'s' if adults > 1 else ''}"]
    if children:
        words.append(f"{children} enfant{'s' if children > 1 else ''}")
    return ", ".join(words)


def parts(total: int, employer_share: int) -> tuple[int, int]:
    """(employer’s, employee’s) of an amount in cents."""
    employer = rounded(total * employer_share, WHOLE)
    return employer, total - employer


# ── Periods, and what one household owes for one ─────────────────────────────────────────────────────────────────


def period(frequency: str, on: date) -> tuple[date, date]:
    """First and last day of the period of a « périodicité » that holds a day."""
    months = MONTHS[frequency]
    start = months_before(on, (on.month - 1) % months)
    return start, month_end(months_after(start, months - 1))


def months_of(start: date, end: date) -> Iterator[date]:
    """The first day of each month of a period."""
    month = start.replace(day=1)
    while month <= end:
        yield month
        month = months_after(month, 1)


Days = tuple[date, date | None]  # the first and the last of a cover


class Member(NamedTuple):
    """Somebody of a household, and the days of their cover; `earlier`: those before, when they left and came back."""

    is_adult: bool
    starts_on: date
    ends_on: date | None = None
    earlier: tuple[Days, ...] = ()

    @classmethod
    def of(cls, is_adult: bool, stays: Iterable[Days], start: date, end: date = date.max) -> "Member | None":
        """What a period sees of somebody, whose stays are given with the latest first; None when it sees nothing."""
        seen = [
            (max(first, start), last if last and last < end else None)
            for first, last in stays
            if first <= end and (last is None or last >= start)
        ]
        return cls(is_adult, *seen[0], tuple(seen[1:])) if seen else None

    @property
    def stays(self) -> tuple[Days, ...]:
        return ((self.starts_on, self.ends_on), *self.earlier)

    def within(self, start: date, end: date) -> "Member | None":
        return Member.of(self.is_adult, self.stays, start, end)

    def covers(self, day: date) -> bool:
        return any(first <= day and (last is None or day <= last) for first, last in self.stays)


def within(household: Sequence[Member], start: date, end: date) -> tuple[Member, ...]:
    """Those of a household whom a period sees; nobody when it does not see the employee, who is first."""
    seen = [member.within(start, end) for member in household]
    return tuple(member for member in seen if member) if seen[0] else ()


class Owed(NamedTuple):
    """What a household owes for a period: `price`, a month at its end; `portion`, of the whole period."""

    band: str
    price: int
    employer: int
    employee: int
    starts_on: date
    ends_on: date
    portion: int

    @property
    def total(self) -> int:
        return self.employer + self.employee


class Month(NamedTuple):
    band: str
    price: int
    parts: tuple[int, int]  # employer’s, employee’s
    share: Fraction  # of the month that is due


def in_force(tariffs: Sequence[Tariff], day: date) -> Tariff | None:
    """The tariff of a day, of several in the order of their first days."""
    return next((tariff for tariff in reversed(tariffs) if tariff.valid_from <= day), None)


def owed(
    tariffs: Sequence[Tariff], household: Sequence[Member], start: date, end: date, more: Table = None
) -> Owed | None:
    """What a household, its employee first, owes for a period; None when nothing is due.

    It counts each month as it is on its first covered day: who comes later counts from the next. The parts are those of
    each month, as payroll holds them back.
    """
    months = [month_of(tariffs, household, month, more) for month in months_of(start, end)]
    due = [month for month in months if month is not None]
    if not due:
        return None
    employer, employee = (sum(month.parts[place] for month in due) for place in (0, 1))
    portion = sum((month.share for month in due), Fraction(0)) * WHOLE / len(months)
    stays = household[0].stays
    covered = max(start, min(first for first, _ in stays)), min(end, max(last or end for _, last in stays))
    last = due[-1]
    return Owed(last.band, last.price, employer, employee, *covered, rounded(portion.numerator, portion.denominator))


def month_of(tariffs: Sequence[Tariff], household: Sequence[Member], month: date, more: Table) -> Month | None:
    """What a household owes for one month, from its first day on."""
    last_of_month = month_end(month)
    spells = [(max(month, first), min(last_of_month, last or last_of_month)) for first, last in household[0].stays]
    spells = [spell for spell in spells if spell[0] <= spell[1]]
    first_day = min(first for first, _ in spells) if spells else last_of_month
    tariff = in_force(tariffs, first_day)
    if not spells or tariff is None:
        return None
    share = min(Fraction(1), sum((part_due(tariff.pro_rata, *spell) for spell in spells), Fraction(0)))
    if not share:
        return None
    present = household if tariff.structure not in (SINGLE_ONLY, UNIFORM_FAMILY) else household[:1]
    here = [member.is_adult for member in present if member.covers(first_day)]
    adults, children = sum(here), len(here) - sum(here)
    price = tariff.price(adults, children, month, more)
    amount = rounded(price * share.numerator, share.denominator)
    return Month(named(tariff.structure, adults, children), price, parts(amount, tariff.employer_share), share)


def part_due(pro_rata: str, first_day: date, last_day: date) -> Fraction:
    """Of a month, for the days of it that are covered."""
    if pro_rata == DAILY:
        return Fraction((last_day - first_day).days + 1, month_end(first_day).day)
    return Fraction(0 if pro_rata == FROM_NEXT_MONTH and first_day.day > 1 else 1)


# ── What one more household would cost ───────────────────────────────────────────────────────────────────────────


class Hire(NamedTuple):
    """A whole month of theirs, in cents; `months`: those until a day in which something is due."""

    band: str
    price: int
    employer: int
    employee: int
    tariff: Tariff
    months: list[tuple[date, Owed]]

    @property
    def totals(self) -> tuple[int, int]:
        """(employer’s, employee’s) of all these months."""
        return sum(due.employer for _, due in self.months), sum(due.employee for _, due in self.months)


def with_shares(
    tariffs: Sequence[Tariff], frequency: str, share_of: Callable[[date], int], since: date, until: date
) -> list[Tariff]:
    """The tariffs from a day until another, each with the employer’s share of the period in which it counts.

    `share_of`: of the period that starts on a day; where the share changes within a tariff, there are two of it.
    """
    first, _ = period(frequency, since)
    starts = {month for month in months_of(first, until) if period(frequency, month)[0] == month}
    found: list[tuple[Tariff, Tariff]] = []
    for day in sorted(starts | {max(tariff.valid_from, first) for tariff in tariffs}):
        tariff, share = in_force(tariffs, day), share_of(period(frequency, day)[0])
        if tariff is None or (found and found[-1][0] is tariff and found[-1][1].employer_share == share):
            continue
        known = bool(found) and found[-1][0] is tariff
        found.append((tariff, replace(tariff, employer_share=share, valid_from=day if known else tariff.valid_from)))
    return [one for _, one in found]


def hire(tariffs: Sequence[Tariff], household: Sequence[Member], until: date, more: Table = None) -> Hire | None:
    """What a household, its employee first, would cost from the employee’s first day; None when no tariff is known."""
    start = household[0].starts_on
    due = [(month, owed(tariffs, household, month, month_end(month), more)) for month in months_of(start, until)]
    months = [(month, one) for month, one in due if one is not None]
    following = months_after(start.replace(day=1), 1)  # what comes in at the end of a year may be due from the next
    first = months[0][1] if months else owed(tariffs, household, following, month_end(following), more)
    if first is None:
        return None
    tariff = in_force(tariffs, first.starts_on) or tariffs[0]
    return Hire(first.band, first.price, *parts(first.price, tariff.employer_share), tariff, months)


# ── What changed since the statement before ──────────────────────────────────────────────────────────────────────

IN, OUT, CHANGED = "IN", "OUT", "CHANGED"
FAMILY, PRICE, PORTION, SHARE, CORRECTION = "FAMILY", "PRICE", "PORTION", "SHARE", "CORRECTION"


class Charged(NamedTuple):
    """What a statement says of one employee; `correction`: of periods before, in the same total."""

    band: str
    price: int
    employer: int
    employee: int
    portion: int
    correction: int = 0

    @property
    def total(self) -> int:
        return self.employer + self.employee


class Difference(NamedTuple):
    """One employee whose amount is another than on the statement before; `employer`, `employee`: so much more."""

    member: str
    kind: str
    causes: tuple[str, ...]
    before: int
    after: int
    employer: int
    employee: int

    @property
    def amount(self) -> int:
        return self.after - self.before


NOTHING = Charged("", 0, 0, 0, 0)


def differences(before: Mapping[str, Charged], after: Mapping[str, Charged]) -> list[Difference]:
    """Who came, left or pays another amount, by member number: their amounts add up to that of the two totals."""
    found = []
    for member in [*before, *(one for one in after if one not in before)]:
        old, new = before.get(member, NOTHING), after.get(member, NOTHING)
        kind = OUT if member not in after else IN if member not in before else CHANGED
        moved = new.employer - old.employer, new.employee - old.employee
        if kind != CHANGED or any(moved):
            causes = causes_of(old, new) if kind == CHANGED else (CORRECTION,) if new.correction else ()
            found.append(Difference(member, kind, causes, old.total, new.total, *moved))
    return found


def causes_of(old: Charged, new: Charged) -> tuple[str, ...]:
    """Why an amount is another: several causes may come together."""
    causes = (
        (FAMILY, old.band != new.band),
        (PRICE, old.band == new.band and old.price != new.price),
        (PORTION, old.portion != new.portion),
        (CORRECTION, old.correction != new.correction),
    )
    return tuple(cause for cause, is_so in causes if is_so) or (SHARE,)


# ── Days ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def days_late(due_on: date, today: date) -> int:
    """How many days after its due date; 0 until the end of that day."""
    return max(0, (today - due_on).days)


def next_period(start: date, end: date) -> tuple[date, date]:
    """The period of the same length that follows."""
    length = (end.year - start.year) * 12 + end.month - start.month + 1
    following = end + timedelta(days=1)
    return following, month_end(months_after(following, length - 1))

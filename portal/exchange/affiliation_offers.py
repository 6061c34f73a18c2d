"""The contracts that one may affiliate to, and the one that three codes of a row name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from portal.exchange import affiliation_cells as cells
from portal.exchange.affiliation_file import LISTS
from portal.formats import search_key
from portal.rules.dependents import BIRTHDAY, CHILD_ENDS_AFTER

CODES = (cells.COMPANY, cells.COLLEGE, cells.PLAN)
MISSING = "missing"
MOST_NAMED = 6  # codes in a sentence


@dataclass(frozen=True)
class Offer:
    """A contract that the user may affiliate to: a company, a college, a plan."""

    contract_id: int
    contract_number: str
    company_code: str
    company_label: str
    category_id: int
    category_code: str
    category_label: str
    plan_code: str
    plan_label: str
    subscribed_on: date
    child_max_age: int
    child_student_max_age: int
    child_end_rule: str = BIRTHDAY

    @property
    def child_end(self) -> str:
        """When a child's age ends the cover, after that age in a sentence."""
        return CHILD_ENDS_AFTER[self.child_end_rule]


@dataclass(frozen=True)
class Choice:
    """The codes as they should be written, the contract they name, or what is wrong with each."""

    codes: tuple[str, str, str]
    offer: Offer | None = None
    errors: tuple[str, str, str] = ("", "", "")
    warning: str = ""


class Offers:
    """Contracts by the codes of their company, college and plan; only those that the user may see are named."""

    def __init__(self, offers: Sequence[Offer]) -> None:
        self.offers = offers
        self.made: dict[tuple[str, ...], Choice] = {}

    @staticmethod
    def codes_of(offer: Offer) -> tuple[str, str, str]:
        return offer.company_code, offer.category_code, offer.plan_code

    def choose(self, codes: tuple[str, ...]) -> Choice:
        if codes not in self.made:
            self.made[codes] = self.make(*codes)
        return self.made[codes]

    def make(self, company: str, college: str, plan: str) -> Choice:
        offers = self.offers
        company, wrong = one_code(company, {one.company_code: one.company_label for one in offers}, UNKNOWN_COMPANY)
        if wrong:
            return Choice((company, college, plan), errors=(wrong, "", ""))
        offers = [one for one in offers if one.company_code == company]
        college, wrong_college = one_code(
            college, {one.category_code: one.category_label for one in offers}, UNKNOWN_COLLEGE
        )
        if not wrong_college:
            offers = [one for one in offers if one.category_code == college]
        plan, wrong_plan = one_code(plan, {one.plan_code: one.plan_label for one in offers}, UNKNOWN_PLAN)
        if wrong_college or wrong_plan:
            return Choice((company, college, plan), errors=("", wrong_college, wrong_plan))
        found = sorted((one for one in offers if one.plan_code == plan), key=lambda one: one.subscribed_on)
        several = f"Deux contrats ont cette garantie : le plus récent, n° {found[-1].contract_number}, est pris."
        return Choice((company, college, plan), found[-1], warning=several if len(found) > 1 else "")


UNKNOWN_COMPANY = "Cette entreprise est inconnue dans ce compte."
UNKNOWN_COLLEGE = "Ce collège est inconnu dans cette entreprise."
UNKNOWN_PLAN = "Cette garantie est inconnue dans ce collège."


def one_code(typed: str, labels: dict[str, str], unknown: str) -> tuple[str, str]:
    """(the code that was meant, or as typed; what is wrong): its case, its first zeros or its label may do."""
    if not typed:
        return typed, MISSING
    if typed in labels:
        return typed, ""
    key, zeroless = search_key(typed), typed.lstrip("0")
    for alike in (
        lambda code: search_key(code) == key,
        lambda code: code.lstrip("0") == zeroless,
        lambda code: search_key(labels[code]) == key,
    ):
        if len(found := [code for code in labels if alike(code)]) == 1:
            return found[0], ""
    valid = sorted(labels)
    if len(valid) > MOST_NAMED:
        return typed, f"{unknown} Choisissez un code de l’onglet « {LISTS} »."
    return typed, f"{unknown} Écrivez {' ou '.join(valid)}." if valid else unknown

"""What follows when people leave, told before they do: who goes with them, until when, and what the law then gives."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from portal.models import Beneficiary
from portal.rules import Refused
from portal.rules.portability import (
    Continuation,
    Portability,
    continuation,
    employee_steps,
    employer_steps,
    portability,
)
from portal.rules.terminations import check_last_day, end_of_cover

HOW_COVER_ENDS = {
    "END_OF_MONTH": "à la fin du mois, comme le prévoit le contrat",
    "CONTRACT_END_DATE": "ce jour même, comme le prévoit le contrat",
}
ALONE = "Un ayant droit se retire depuis sa fiche, sauf si son salarié est radié avec lui."


@dataclass
class Leaver:
    """Somebody who would leave, with those who would follow, and what the law gives them (None for a dependent)."""

    person: Beneficiary
    end: object
    followers: list
    portability: Portability | None = None
    continuation: Continuation | None = None

    @property
    def how(self):
        return HOW_COVER_ENDS[self.person.contract.coverage_end_rule]

    @property
    def names(self):
        """« Isabelle et Clémence BENOÎT-GONIN »: the surname once when it is the same."""
        alike = {one.last_name for one in self.followers} == {self.person.last_name}
        written = [one.first_name if alike else one.full_name for one in self.followers]
        listed = " et ".join(filter(None, (", ".join(written[:-1]), written[-1])))
        return f"{listed} {self.person.last_name.upper()}" if alike else listed


def household(person):
    return person.account_id, person.household_number


class Leaving:
    """What a valid form would do to people: `going` (Leaver), `staying` ((person, sentence)), and the sums of many."""

    def __init__(self, people, followers, form, today):
        self.people, self.form, self.today = people, form, today
        self.led = {household(person) for person in people if person.is_employee}
        self.for_employees = bool(self.led)
        self.households = {}
        for dependent in followers:
            self.households.setdefault(household(dependent), []).append(dependent)
        self.going, self.staying = [], []
        for person in people:
            self.place(person)
        led = {one.id for leaver in self.going for one in leaver.followers}
        self.going = [one for one in self.going if one.person.id not in led]

    def place(self, person):
        end = end_of_cover(self.form.last_day, person.contract.coverage_end_rule)
        why = self.why_not(person, end)
        if why:
            self.staying.append((person, why))
            return
        leaver = Leaver(person, end, [])
        if person.is_employee:
            around = self.households.get(household(person), ())
            leaver.followers = [one for one in around if not one.stays_covered(end)]
            leaver.portability = portability(self.form.motif.data, person.effective_on, self.form.last_day)
            ends_on = leaver.portability.ends_on
            leaver.continuation = continuation(self.form.motif.data, self.form.last_day, ends_on)
        self.going.append(leaver)

    def why_not(self, person, end):
        if self.for_employees and not person.is_employee and household(person) not in self.led:
            return ALONE
        try:
            check_last_day(self.form.last_day, person.effective_on, self.today)
        except Refused:
            return f"Couvert{'e' * (person.sex == 'F')} depuis le {person.effective_on:%d/%m/%Y} seulement."
        return person.stays_covered(end)

    @property
    def asked(self):
        """What the model's verb takes."""
        return [(one.person, one.end, self.form.reason.group) for one in self.going]

    @property
    def alone(self):
        return self.going[0] if len(self.people) == len(self.going) == 1 else None

    @cached_property
    def count(self):
        return len(self.going) + self.followed

    @cached_property
    def followed(self):
        return sum(len(one.followers) for one in self.going)

    @property
    def ends(self):
        """(last day of cover, why that day, how many people), the earliest first."""
        counted = Counter()
        for one in self.going:
            counted[one.end, one.how] += 1 + len(one.followers)
        return [(end, how, number) for (end, how), number in sorted(counted.items())]

    @property
    def portabilities(self):
        """(months, until, how many employees) for those to whom the law presumably gives it, the longest first."""
        given = [one.portability for one in self.going if one.portability and one.portability.months]
        counted = Counter((one.months, one.ends_on) for one in given)
        return [(*key, number) for key, number in sorted(counted.items(), reverse=True)]

    @property
    def employees(self):
        return [one for one in self.going if one.portability]

    @property
    def by_email(self):
        return sum(bool(one.person.email) for one in self.employees)

    @property
    def warnings(self):
        """What to look at again before confirming."""
        told = [self.form.warning] if self.form.warning else []
        past = sum(one.end < self.today for one in self.going)
        if past and not told:
            told.append("Cette radiation est rétroactive : la couverture aura déjà pris fin. Vérifiez la date.")
        return told

    @property
    def employer_steps(self):
        return employer_steps(self.form.motif.data) if self.for_employees else ()

    @property
    def employee_steps(self):
        return employee_steps(self.form.motif.data) if self.for_employees else ()

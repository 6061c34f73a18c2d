"""Households of each account: who came, who left, and when."""

import datetime
from collections import Counter
from functools import partial

from portal.demonstration.accounts import COMBE_NOIRE
from portal.demonstration.draw import CHUNK, iban, insert
from portal.formats import search_key, sort_key
from portal.models import Beneficiary, BeneficiaryRole, IndividualProduct, vault
from portal.rules.dates import month_end, months_before
from portal.rules.identifiers import nir_key

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

"""The answers of an enrolment, read as the rows of a household and checked together, as those of a file are."""

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass

from portal.exchange import affiliation_cells as cells
from portal.exchange.affiliation_cells import NAMES, TITLES
from portal.exchange.affiliation_check import Context, check_rows
from portal.exchange.affiliation_offers import CODES
from portal.formats import search_key
from portal.rules import Refused, affiliations, dates, dependents, identifiers, places, proofs, waivers

WHO = (cells.BIRTH_NAME, cells.USED_NAME, cells.FIRST_NAME, cells.BIRTH_DATE, cells.GENDER, cells.NIR)
# The columns of the file that each step asks for.
STEPS = {
    "garantie": (cells.EFFECTIVE_ON,),
    "salarie": (cells.CIVILITY, *WHO, cells.BASE_SCHEME, cells.MATRICULE, cells.OTHER_COVER),
    "coordonnees": (
        *(cells.NUMBER, cells.STREET, cells.COMPLEMENT, cells.POSTAL_CODE, cells.CITY, cells.COUNTRY),
        *(cells.PHONE, cells.MOBILE, cells.EMAIL),
    ),
    "comptes": (
        *(cells.REIMBURSEMENT_IBAN, cells.REIMBURSEMENT_BIC),
        *(cells.CONTRIBUTION_IBAN, cells.CONTRIBUTION_BIC),
    ),
    "conjoint": (*WHO, cells.RELATIONSHIP),
    "enfants": (*WHO, cells.SITUATION),
}
# Of each step: its title, and a shorter one beside it.
STEP_TITLES = {
    "garantie": ("Bulletin d’adhésion individuel", "Bulletin d’adhésion"),
    "salarie": ("Le salarié", "Le salarié"),
    "coordonnees": ("Coordonnées du salarié", "Coordonnées"),
    "comptes": ("Coordonnées comptes bancaires", "Comptes bancaires"),
    "conjoint": ("Le conjoint du salarié", "Conjoint"),
    "enfants": ("Les enfants à charge du salarié", "Enfants à charge"),
    "verification": ("Vérification et envoi", "Vérification et envoi"),
}
YOUR_TITLES = STEP_TITLES | {
    "salarie": ("Vous", "Vous"),
    "coordonnees": ("Vos coordonnées", "Vos coordonnées"),
    "comptes": ("Vos comptes bancaires", "Vos comptes bancaires"),
    "conjoint": ("Votre conjoint", "Votre conjoint"),
    "enfants": ("Vos enfants à charge", "Vos enfants à charge"),
    "verification": ("Relire et signer", "Relire et signer"),
}
CONTRACT, PRESENCE, OTHERS, OTHER_PERSON = "contrat", "presence", "dautres", "autre"
PRIVATE = "prive"  # a word of « comptes »: the employee gave these, HR does not see them
NOBODY, PRESENT, AWAITED = "aucun", "present", "attendu"
CHILD = re.compile(r"enfants-([0-9]{1,2})-([a-z]+)")
MOST_CHILDREN = 15
EMPLOYEE_LINE, SPOUSE_LINE, CHILDREN_LINE = 1, 2, 3
KEY = "ADHESION"  # what holds the household together where there is no « matricule »

# What the file leaves free and an enrolment asks for, or asks for in other words.
ASKED = {
    cells.CIVILITY: "Choisissez Madame ou Monsieur.",
    cells.GENDER: "Choisissez Masculin ou Féminin.",
    cells.BASE_SCHEME: "Choisissez le type d’assuré.",
    cells.OTHER_COVER: "Répondez par Non ou par Oui.",
    cells.RELATIONSHIP: "Choisissez le lien avec le salarié.",
}
ACCOUNTS = (
    (cells.REIMBURSEMENT_IBAN, cells.REIMBURSEMENT_BIC),
    (cells.CONTRIBUTION_IBAN, cells.CONTRIBUTION_BIC),
)
# Columns that the boxes of the steps call otherwise.
CALLED = {TITLES[cells.CIVILITY]: "État civil"}
# Warnings that are no doubts: what they ask for is told beside the box.
PROOFS_ASKED = (TITLES[cells.RELATIONSHIP], TITLES[cells.SITUATION])
LINE = re.compile(r"(celui de|déjà à) la ligne ([0-9]+)")
TWICE = "Cette personne figure déjà à la ligne {}. Corrigez ses noms ou sa naissance, ou retirez-la."


def first(words, name):
    return next(iter(words.get(name) or ()), "").strip()


def box(place, child=None):
    """The name of the box of a column; of one of the children, by their number."""
    return NAMES[place] if child is None else f"enfants-{child}-{NAMES[place]}"


def numbers_of_children(words):
    """The numbers of the children that stand in the form."""
    return sorted({int(match[1]) for name in words if (match := CHILD.fullmatch(name))})


def numbers_of_typed_children(words):
    """Those of whom something is typed; the first blank one when nothing is."""
    typed = {name: texts for name, texts in words.items() if first(words, name)}
    return numbers_of_children(typed) or numbers_of_children(words)[:1] or [0]


@dataclass
class Member:
    """Somebody of the household: the step that asks for them, their number among the children, their checked row."""

    step: str
    child: int | None
    checked: object
    asked: tuple = ()  # columns that are blank and that an enrolment asks for

    @property
    def cells(self):
        return self.checked.cells

    @property
    def name(self):
        """« Prénom NOM », or nothing."""
        last = self.cells[cells.USED_NAME] or self.cells[cells.BIRTH_NAME]
        return f"{self.cells[cells.FIRST_NAME]} {last.upper()}".strip()


class Household:
    """What a draft says of everybody. `offer`: its contract (affiliation_offers.Offer)."""

    def __init__(self, answers, offer, today):
        self.answers, self.offer, self.today = answers, offer, today
        rows = list(self.rows())
        checked = check_rows([(line, texts) for line, _, _, texts in rows], Context(offers=(offer,), today=today))
        self.members = [self.member(step, child, row) for (_, step, child, _), row in zip(rows, checked, strict=True)]
        self.effective_on = self.day(self.employee, cells.EFFECTIVE_ON)

    # The rows

    def words(self, step):
        return self.answers.get(step) or {}

    def presence(self, step):
        return first(self.words(step), PRESENCE)

    def rows(self):
        """(line, step, number of the child, the 30 texts) of everybody."""
        yield EMPLOYEE_LINE, "salarie", None, self.employee_row()
        if self.presence("conjoint") == PRESENT:
            yield SPOUSE_LINE, "conjoint", None, self.row("Conjoint", {"conjoint": None})
        if self.presence("enfants") == PRESENT:
            standing = numbers_of_children(self.words("enfants")) or [0]
            for number in numbers_of_typed_children(self.words("enfants")):
                yield CHILDREN_LINE + standing.index(number), "enfants", number, self.row("Enfant", {"enfants": number})

    def employee_row(self):
        texts = self.row("Salarié", dict.fromkeys(("garantie", "salarie", "coordonnees", "comptes")))
        codes = (self.offer.company_code, self.offer.category_code, self.offer.plan_code)
        for place, code in zip(CODES, codes, strict=True):
            texts[place] = code
        return texts

    def row(self, kind, steps):
        texts = [""] * len(TITLES)
        for step, child in steps.items():
            if words := self.words(step):
                for place in STEPS[step]:
                    texts[place] = first(words, box(place, child))
        texts[cells.TYPE] = kind
        texts[cells.MATRICULE] = first(self.words("salarie"), NAMES[cells.MATRICULE]) or KEY
        return texts

    # Who they are

    def member(self, step, child, row):
        asked = tuple(place for place in STEPS[step] if place in ASKED and not row.cells[place])
        return Member(step, child, row, asked)

    @property
    def employee(self):
        return self.members[0]

    @property
    def spouse(self):
        return next((member for member in self.members if member.step == "conjoint"), None)

    @property
    def children(self):
        return [member for member in self.members if member.step == "enfants"]

    def day(self, member, place):
        """A day as the rules read it; None when they could not."""
        with suppress(Refused):
            return dates.french_date(member.cells[place], self.today)
        return None

    @property
    def identity(self):
        return self.employee.checked.identity

    @property
    def first_wrong(self):
        """The first step that is not answered, or not right; None when all may be sent."""
        return next((step for step in STEPS if step not in self.answers or self.errors(step)), None)

    # Children, by the contract's rules

    def born(self, member):
        return self.day(member, cells.BIRTH_DATE)

    def covered_from(self, member):
        """The first day of a dependent: the employee's, or the day of birth."""
        return max(filter(None, (self.effective_on or self.today, self.born(member))))

    def too_old(self, member):
        """Whether a child is past the first limit of the contract: then alone is the situation asked."""
        return self.past(self.offer.child_max_age, member)

    def too_old_to_study(self, member):
        """Whether a child is past every limit, and covered with a handicap alone."""
        return self.past(self.offer.child_student_max_age, member)

    def past(self, age, member):
        born = self.born(member)
        limit = born and dependents.last_day(born, age, self.offer.child_end_rule)
        return bool(limit) and self.covered_from(member) > limit

    def status(self, member):
        """What was said of a child's situation; « à charge » when it was not asked."""
        said = cells.read(cells.STATUS, member.cells[cells.SITUATION], self.today).value
        return said if said and self.too_old(member) else "DEPENDENT"

    def covered_until(self, member):
        """The last day that the age of a child gives; None without a limit, or without a birth date."""
        limits = self.offer.child_max_age, self.offer.child_student_max_age, self.offer.child_end_rule
        born = self.born(member)
        return born and dependents.child_covered_until(born, self.status(member), *limits)

    def proof(self, member):
        """The document that is asked for a dependent, or None."""
        if member.step == "conjoint":
            link = cells.read(cells.LINK, member.cells[cells.RELATIONSHIP], self.today).value
            return dependents.proof_needed(link) if link else None
        if member.step != "enfants" or not self.born(member):
            return None
        limit = self.offer.child_max_age, self.offer.child_end_rule
        return dependents.child_proof_needed(self.born(member), self.status(member), self.covered_from(member), *limit)

    def asked_of(self, member, to_employee=False):
        """How that document is called; to the company, nothing that tells of somebody's health. "" when none is."""
        proof = self.proof(member)
        if proof is None:
            return ""
        return proof.label if to_employee else proofs.shown_to_hr(proof.code)

    def asked(self, to_employee=False):
        """[(name, words)] of the documents that will be asked for."""
        found = [(member.name, self.asked_of(member, to_employee)) for member in self.members]
        return [one for one in found if one[1]]

    def values(self, member):
        """What is sent of somebody who is right (Checked.values)."""
        typed = first(self.words("salarie"), NAMES[cells.MATRICULE])
        values = member.checked.values | {"matricule": self.employee.cells[cells.MATRICULE] if typed else ""}
        return values | ({"child_status": self.status(member)} if member.step == "enfants" else {})

    @property
    def awaited(self):
        """(spouse, children): whether they are to be added later."""
        others = bool(first(self.words("enfants"), OTHERS))
        children = self.presence("enfants")
        return self.presence("conjoint") == AWAITED, children == AWAITED or (children == PRESENT and others)

    # What is wrong, what is doubtful

    def errors(self, step):
        """What is wrong in a step: name of the box → sentence."""
        found = {}
        if step == "garantie" and first(self.words(step), CONTRACT) != self.offer.contract_number:
            found[CONTRACT] = "Choisissez la garantie."
        if step in ("conjoint", "enfants") and self.presence(step) not in (NOBODY, PRESENT, AWAITED):
            found[PRESENCE] = "Choisissez une des réponses."
        for member in self.asked_by(step):
            for place in STEPS[step]:
                if place in member.asked:
                    found[box(place, member.child)] = ASKED[place]
                elif sentence := member.checked.errors.get(TITLES[place]):
                    found[box(place, member.child)] = without_lines(sentence)
            if earlier := self.same_before(member):
                found.setdefault(box(cells.BIRTH_NAME, member.child), without_lines(TWICE.format(earlier.checked.line)))
        return found

    def same_before(self, member):
        """Who stands in the household already under the same names and birth date; None."""
        before = self.members[: self.members.index(member)]
        identity = member.checked.identity
        return next((one for one in before if identity and one.checked.identity == identity), None)

    def asked_by(self, step):
        """Whom a step asks about."""
        about = step if step in ("conjoint", "enfants") else "salarie"
        return [member for member in self.members if member.step == about]

    def doubts(self, step, to_employee=False):
        """What deserves a look in a step, and stops nobody twice: (label of the box, sentence)."""
        if step == "comptes" and self.words(step).get(PRIVATE) and not to_employee:
            return []  # a doubt would tell HR of which bank the employee is
        found = []
        for member in self.asked_by(step):
            said = member.checked.warnings | self.compared(member)
            titles = [TITLES[place] for place in STEPS[step] if TITLES[place] in said]
            about = [title for title in titles if title not in PROOFS_ASKED]
            found += [(self.whose(member) + called(title), without_lines(said[title])) for title in about]
        if step == "coordonnees" and (doubt := self.town_doubt()):
            found.append(("Ville", doubt))
        return [(label, said_to_you(sentence)) for label, sentence in found] if to_employee else found

    def compared(self, member):
        """What two answers say against each other, where the file compares nothing: title of the column → sentence."""
        texts, born, parent = member.cells, self.born(member), self.born(self.employee)
        found = {cells.CIVILITY: affiliations.civility_warning(texts[cells.CIVILITY], texts[cells.GENDER])}
        if member.step == "enfants" and born and parent:
            found[cells.BIRTH_DATE] = affiliations.parent_warning(born, parent)
        for iban, bic in ACCOUNTS:
            if texts[iban] and texts[bic]:
                found[bic] = identifiers.bic_warning(texts[bic], texts[iban])
        return {TITLES[place]: sentence for place, sentence in found.items() if sentence}

    def whose(self, member):
        """« Enfant 2, » before what is said of one of several children."""
        several = member.step == "enfants" and len(self.children) > 1
        return f"Enfant {member.checked.line - CHILDREN_LINE + 1}, " if several else ""

    def town_doubt(self):
        texts = self.employee.cells
        if search_key(texts[cells.COUNTRY] or "France") != "france":
            return None
        with suppress(Refused):
            return places.town_warning(identifiers.postal_code(texts[cells.POSTAL_CODE]), texts[cells.CITY])
        return None

    @property
    def somebody_else(self):
        """The public id of whom the employee was said not to be."""
        return first(self.words("salarie"), OTHER_PERSON)


# ── What the employee and HR each have no say in ─────────────────────────────────────────────────────────────────

# HR says these of the employee; the birth date opened the link, and the employee does not change it.
HR_ALONE = {"salarie": (NAMES[cells.BIRTH_DATE], NAMES[cells.MATRICULE], OTHER_PERSON)}


def typed_by_employee(step, words, before):
    """What is kept of a step that the employee sent: theirs, but for what is HR's; their IBAN, for the mutual alone."""
    alone = HR_ALONE.get(step, ())
    kept = {name: texts for name, texts in words.items() if name not in alone}
    kept |= {name: before[name] for name in alone if name in before}
    if step != "comptes" or not has_account(kept):
        return kept
    same = all(first(kept, NAMES[place]) == first(before, NAMES[place]) for place in STEPS[step])
    private = not same or before.get(PRIVATE)
    return kept | ({PRIVATE: ["oui"]} if private else {})


def typed_by_hr(step, words, before):
    """What is kept of a step that HR sent: the IBAN that the employee gave, unless HR gave another."""
    words = {name: texts for name, texts in words.items() if name != PRIVATE}
    return before if step == "comptes" and before.get(PRIVATE) and not has_account(words) else words


def has_account(words):
    return any(first(words, NAMES[place]) for place in STEPS["comptes"])


def shown_to_hr(answers):
    """The answers without the IBAN that the employee gave: only that they did."""
    private = answers.get("comptes", {}).get(PRIVATE)
    return answers | {"comptes": {PRIVATE: private}} if private else answers


# ── What else the employee answers ───────────────────────────────────────────────────────────────────────────────

WAIVER = "dispense"  # among the answers: what was typed to stay out of the cover
WAIVER_BOXES = ("cas", "occasion", "couverture", "embauche", "fin", "contact")


def waiver_asked(home):
    """What the employee answered to stay out, as the rules of waivers read it; raises Refused for a date."""
    said = {name: first(home.words(WAIVER), name) for name in WAIVER_BOXES}
    case = waivers.CASES.get(said["cas"])
    if case is None or said["cas"] not in waivers.OFFERED:
        return None
    hired = dates.french_date(said["embauche"], home.today) if case.hired and said["embauche"] else None
    until = dates.french_date(said["fin"], home.today) if case.until and said["fin"] else None
    effect_on = home.effective_on or home.today
    return waivers.Asked(said["cas"], home.today, effect_on, said["occasion"], said["couverture"], hired, until)


def reached_by(home, *others):
    """(mobile numbers, e-mail addresses) of the employee: those of the draft, then others that are known."""
    texts = home.employee.cells
    numbers = [readable(identifiers.mobile, text) for text in (texts[cells.MOBILE], *others)]
    addresses = [readable(identifiers.email, text) for text in (texts[cells.EMAIL], *others)]
    return [list(dict.fromkeys(filter(None, some))) for some in (numbers, addresses)]


def readable(rule, text):
    with suppress(Refused):
        return rule(text)
    return None


# ── How it is said ────────────────────────────────────────────────────────────────────────────────────────────────

# What the rules of the file say to HR, and how it is said to the employee.
SAID_TO_YOU = (
    ("Voyez-le avec le salarié.", "Vous pouvez la demander\u00a0: «\u00a0Je demande à ne pas être couvert\u00a0»."),
    ("le lien avec le salarié", "son lien avec vous"),
    ("plus jeune que le salarié", "plus jeune que vous"),
    ("déjà celui du salarié", "déjà le vôtre"),
    ("à la place du salarié", "à votre place"),
)


def called(title):
    """What the box of a column is called in the steps."""
    return CALLED.get(title, title).replace("'", "’")


def said_to_you(sentence):
    """A sentence of the rules, to the employee who reads it."""
    for to_hr, to_you in SAID_TO_YOU:
        sentence = sentence.replace(to_hr, to_you)
    return sentence


def without_lines(sentence):
    """A sentence of the file, where nobody has a line."""
    return LINE.sub(who_instead, sentence)


def who_instead(match):
    number = int(match[2])
    who = {EMPLOYEE_LINE: "du salarié", SPOUSE_LINE: "du conjoint"}.get(number, f"de l’enfant {number - 2}")
    return f"celui {who}" if match[1] == "celui de" else f"déjà dans cette adhésion, à la place {who}"


def mark_of(*told):
    """What stands in a form for doubts that were told: nothing can be read in it."""
    text = " ".join(" ".join(part) if isinstance(part, tuple) else str(part) for part in told)
    return hashlib.sha256(text.encode()).hexdigest()[:16] if text else ""

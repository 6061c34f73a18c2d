"""The rows of a pre-affiliation workbook, checked one by one, against one another and against what is known."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any

from portal.exchange import affiliation_cells as cells
from portal.exchange.affiliation_cells import CHILD, COLUMNS, EMPLOYEE, SPOUSE, TITLES, Read, as_text
from portal.exchange.affiliation_file import NEEDED
from portal.exchange.affiliation_offers import CODES, MISSING, Offer, Offers
from portal.formats import date_fr, search_key
from portal.rules import Refused, affiliations, dependents, identifiers, proofs

# ── What is known besides the file ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class KnownEmployee:
    """An employee who is covered, or whose affiliation was asked for, outside this file."""

    contract_id: int
    effective_on: date
    terminated_on: date | None = None
    street_number: str = ""
    street: str = ""
    complement: str = ""
    postal_code: str = ""
    city: str = ""
    country: str = ""
    several: bool = False  # others have the same number: nobody knows who is meant


Find = Callable[[set[str]], dict[str, KnownEmployee]]


def nobody(_: set[str]) -> dict[str, KnownEmployee]:
    return {}


@dataclass(frozen=True)
class Context:
    """What the rows are checked against; `find_employees` is given « Matricule », its ASCII letters in capitals."""

    offers: Sequence[Offer]
    today: date
    find_employees: Find = nobody
    max_retroactive_months: int = 3
    max_ahead_months: int = 12


# ── The verdict ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Checked:
    """A row and what to say of it, column title → sentences. `values` is empty when there is an error.

    `cells` are the texts after the safe repairs: to show, to keep, to mend, to check again.
    """

    line: int
    cells: list[str]
    values: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    warnings: dict[str, str] = field(default_factory=dict)
    repairs: dict[str, str] = field(default_factory=dict)
    matricule: str = ""
    # What tells the person: names and birth date, otherwise the NIR, or nothing. Made blind before it is stored.
    identity: str = ""

    @property
    def verdict(self) -> str:
        return "error" if self.errors else "warning" if self.warnings else "ok"

    @property
    def doubts(self) -> dict[str, str]:
        """The warnings that somebody has to look at: not that a document is awaited, which is told anyway."""
        proof = self.values.get("proof")
        told = awaited(proof) if proof else None
        return {title: text for title, text in self.warnings.items() if text != told}


class Row(Checked):
    """A row while it is checked: what its cells mean, by their place; "" for a blank or what could not be read."""

    __slots__ = ("found", "identities", "offer", "effective_on", "address", "proof")

    found: list[Any]
    identities: list[str]
    offer: Offer | None
    effective_on: date | None
    address: dict[str, str]
    proof: str  # the code of the document that is asked for, or nothing

    def value(self, place: int) -> Any:
        return self.found[place]

    def error(self, place: int, sentence: str) -> None:
        note(self.errors, place, sentence)

    def warning(self, place: int, sentence: str) -> None:
        note(self.warnings, place, sentence)

    def repair(self, place: int, text: str, sentence: str) -> None:
        self.cells[place] = text
        note(self.repairs, place, sentence)

    @property
    def role(self) -> Any:
        return self.found[cells.TYPE]


def note(said: dict[str, str], place: int, sentence: str) -> None:
    title = TITLES[place]
    said[title] = f"{said[title]} {sentence}" if title in said else sentence


def check_rows(rows: Iterable[tuple[int, Sequence[Any]]], context: Context) -> list[Checked]:
    """What to say of each row, in the order of the rows; never raises for what a row holds.

    The rows are checked together: people twice, dependents of an employee of the file, wherever they stand. To check a
    mended row again, give it with the others of the same matricule and the same identity, before and after; the
    cells of a Checked get the same verdict, without its repairs.
    """
    people = list(read_cells(list(rows), context.today))
    Check(people, context).run()
    return [finished(person) for person in people]


def read_cells(rows: list[tuple[int, Sequence[Any]]], today: date) -> Iterator[Row]:
    """Each row read cell by cell: a column after the other, and each text once."""
    columns = list(zip(*(padded(values) for _, values in rows), strict=True))
    found = [
        read_texts(column, set(texts), today) if any(texts) else ALL_BLANK
        for column, texts in zip(COLUMNS, columns, strict=False)
    ]
    noted = [
        place
        for place, reads in enumerate(found)
        if reads is not ALL_BLANK and any(any(read[2:]) for read in reads.values())
    ]
    reads = [[reads[text] for text in texts] for reads, texts in zip(found, columns, strict=False)]
    for (line, _), row in zip(rows, zip(*reads, strict=True), strict=True):
        person = Row(line, [read.text for read in row])
        person.found = [read.value for read in row]
        person.identities, person.offer, person.effective_on, person.address, person.proof = [], None, None, {}, ""
        for place in noted:
            error, warning, repair = row[place][2:]
            for said, sentence in ((person.errors, error), (person.warnings, warning), (person.repairs, repair)):
                if sentence:
                    note(said, place, sentence)
        yield person


ALL_BLANK = {"": cells.BLANK}


def padded(values: Sequence[Any]) -> list[str]:
    texts = [value if type(value) is str else as_text(value) for value in values[: len(COLUMNS)]]
    return texts + [""] * (len(COLUMNS) - len(texts))


def read_texts(column: cells.Column, texts: Iterable[str], today: date) -> dict[str, Read]:
    return {text: cells.read_cell(column, text, today) if text else cells.BLANK for text in texts}


class Check:
    """The rows of a file, checked one against the other and against what is known."""

    def __init__(self, people: list[Row], context: Context) -> None:
        self.people = people
        self.context = context
        self.offers = Offers(context.offers)
        self.employees: dict[str, Row] = {}  # matricule → the first of them
        self.known: dict[str, KnownEmployee] = {}

    def run(self) -> None:
        by_line = sorted(self.people, key=lambda person: person.line)
        for person in by_line:
            self.identify(person)
            self.check_alone(person)
        self.check_matricules(by_line)
        self.check_twice(by_line)
        for person in by_line:
            if person.role == EMPLOYEE:
                self.check_employee(person)
        for person in by_line:
            if person.role in (SPOUSE, CHILD):
                self.check_dependent(person)
        self.check_spouses(by_line)

    # Each row by itself

    def identify(self, person: Row) -> None:
        found = person.found
        name, first_name, birth = found[cells.BIRTH_NAME], found[cells.FIRST_NAME], found[cells.BIRTH_DATE]
        nir = found[cells.NIR]
        if name and first_name and birth:
            person.identities.append(f"nom:{search_key(name)} {search_key(first_name)} {birth.isoformat()}")
        if nir:
            person.identities.append(f"nir:{nir}")
        person.identity = person.identities[0] if person.identities else ""
        person.matricule = person.value(cells.MATRICULE)

    def check_alone(self, person: Row) -> None:
        self.ask(person, ASKED.get(person.role, ASKED_OF_ALL))
        nir, birth = person.value(cells.NIR), person.value(cells.BIRTH_DATE)
        if nir:
            for sentence in identifiers.nir_warnings(nir, birth or None, person.value(cells.GENDER) or None):
                person.warning(cells.NIR, sentence)
        if birth and person.role in (EMPLOYEE, SPOUSE):
            on = max(person.value(cells.EFFECTIVE_ON) or self.context.today, self.context.today)
            if young := affiliations.age_warning(birth, on):
                person.warning(cells.BIRTH_DATE, young)
        self.check_address(person)
        self.fill_bic(person, cells.REIMBURSEMENT_IBAN, cells.REIMBURSEMENT_BIC)
        self.fill_bic(person, cells.CONTRIBUTION_IBAN, cells.CONTRIBUTION_BIC)

    def ask(self, person: Row, places: Iterable[int]) -> None:
        without = cells.POSTAL_CODE if is_abroad(person) else None  # some countries have none
        for place in places:
            if not person.cells[place] and place != without:
                person.error(place, COLUMNS[place].missing)

    def check_address(self, person: Row) -> None:
        """An employee's, or that of a dependent who lives elsewhere: then it is whole."""
        texts = person.cells
        if person.role != EMPLOYEE and not any(texts[place] for place in ADDRESS[:-1]):
            return
        if person.role in (SPOUSE, CHILD):
            self.ask(person, ADDRESS_NEEDED)
        texts[cells.COUNTRY] = texts[cells.COUNTRY] or "France"
        if texts[cells.POSTAL_CODE] and texts[cells.COUNTRY] == "France":
            self.check_postal_code(person)
        person.address = {name: texts[place] for name, place in zip(ADDRESS_NAMES, ADDRESS, strict=True)}

    def check_postal_code(self, person: Row) -> None:
        text = person.cells[cells.POSTAL_CODE]
        if match := DRESSED_CODE.fullmatch(text):
            text = match[1] + match[2]
            person.repair(cells.POSTAL_CODE, text, f"Écrit en 5 chiffres : {text}.")
        if LOST_ZERO.fullmatch(text):
            person.repair(cells.POSTAL_CODE, f"0{text}", f"Zéro en tête rétabli : 0{text}.")
            return
        try:
            identifiers.postal_code(text)
        except Refused as refused:
            if TITLES[cells.POSTAL_CODE] not in person.errors:
                person.error(cells.POSTAL_CODE, str(refused))

    def fill_bic(self, person: Row, iban: int, bic: int) -> None:
        number = person.value(iban)
        if person.cells[bic] and not person.cells[iban]:
            person.warning(bic, "Sans IBAN, ce BIC ne sert à rien. Ajoutez l’IBAN, ou videz la case.")
        if not number or person.cells[bic]:
            return
        if found := identifiers.bank_of(number)[0]:
            person.found[bic] = found
            person.repair(bic, found, "BIC rempli d’après l’IBAN.")

    # One against the other

    def check_matricules(self, people: list[Row]) -> None:
        """One employee a matricule; those of the dependents who come alone are looked for outside the file."""
        for person in people:
            if person.role != EMPLOYEE or not person.matricule:
                continue
            first = self.employees.setdefault(person.matricule, person)
            if first is not person and not set(first.identities) & set(person.identities):
                person.error(cells.MATRICULE, OTHER_EMPLOYEE.format(first.line))
                if TITLES[cells.MATRICULE] not in first.errors:
                    first.error(cells.MATRICULE, OTHER_EMPLOYEE.format(person.line))
        elsewhere = {one.matricule for one in people if one.role in (SPOUSE, CHILD)} - self.employees.keys() - {""}
        self.known = self.context.find_employees(elsewhere) if elsewhere else {}

    def check_twice(self, people: list[Row]) -> None:
        """Who is in two rows: of one household before any other, where a second row is one too many."""
        met: dict[tuple[str, ...], Row] = {}
        for person in people:
            at_home = [(person.matricule, identity) for identity in person.identities]
            anywhere = [(identity,) for identity in person.identities]
            for places in (at_home, anywhere):
                if earlier := [met[place] for place in places if place in met]:
                    self.compare(person, min(earlier, key=lambda one: one.line))
                    break
            for place in (*at_home, *anywhere):
                met.setdefault(place, person)

    def compare(self, person: Row, earlier: Row) -> None:
        """Two rows of which the NIR, or the names and the birth date, are the same."""
        line = earlier.line
        names = {person.identity, earlier.identity}
        nirs = {person.value(cells.NIR), earlier.value(cells.NIR)}
        if len(names) == 2 and all(name.startswith("nom:") for name in names):
            person.error(cells.NIR, f"Ce n° est déjà celui de la ligne {line}. Corrigez l’un des deux, ou videz-le.")
        elif person.matricule == earlier.matricule:
            person.error(cells.MATRICULE, f"Cette personne figure déjà à la ligne {line}. Gardez une seule ligne.")
        elif len(nirs) == 2 and "" not in nirs:
            same = f"La ligne {line} porte les mêmes noms et la même naissance. Vérifiez les deux n°."
            person.warning(cells.BIRTH_NAME, same)
        elif person.role == earlier.role == EMPLOYEE:
            place = cells.NIR if person.value(cells.NIR) else cells.BIRTH_NAME
            person.error(place, f"Ce salarié figure déjà à la ligne {line}, sous un autre matricule. Gardez une ligne.")
        else:  # both parents cover a child, an employee is the spouse of another
            person.warning(cells.BIRTH_NAME, f"Cette personne figure aussi à la ligne {line}. Vérifiez qu’il le faut.")

    def check_spouses(self, people: list[Row]) -> None:
        spouses: dict[str, list[Row]] = defaultdict(list)
        for person in people:
            if person.role == SPOUSE and person.matricule:
                spouses[person.matricule].append(person)
        for household in spouses.values():
            for earlier, person in pairwise(household):
                person.warning(
                    cells.TYPE, f"Ce salarié a déjà un conjoint, à la ligne {earlier.line}. Vérifiez les deux."
                )

    # Employees

    def check_employee(self, person: Row) -> None:
        person.offer = self.find_offer(person, [person.cells[place] for place in CODES])
        person.effective_on = person.value(cells.EFFECTIVE_ON) or None
        self.check_dates(person)
        if person.value(cells.OTHER_COVER) is True:
            person.warning(
                cells.OTHER_COVER, "Une dispense d’affiliation est peut-être possible. Voyez-le avec le salarié."
            )

    def find_offer(self, person: Row, codes: list[str]) -> Offer | None:
        choice = self.offers.choose(tuple(codes))
        if choice.offer and choice.codes == tuple(codes) and not choice.warning:
            return choice.offer
        for place, sentence in zip(CODES, choice.errors, strict=True):
            if sentence and sentence != MISSING:  # which is said already, here or on the employee's row
                person.error(place, sentence)
        for place, code, typed in zip(CODES, choice.codes, codes, strict=True):
            if person.cells[place] and code != typed:
                if search_key(code) == search_key(typed):
                    person.cells[place] = code
                else:
                    person.repair(place, code, f"« {typed} » est lu « {code} ».")
        if choice.warning:
            person.warning(cells.PLAN, choice.warning)
        return choice.offer

    def check_dates(self, person: Row) -> None:
        """The date of effect against the contract, the birth and today."""
        day, birth, context = person.effective_on, person.value(cells.BIRTH_DATE) or date.min, self.context
        if day is None:
            return
        since = person.offer.subscribed_on if person.offer else date.min
        if sentence := affiliations.effective_fault(day, since, birth, context.today, context.max_ahead_months):
            person.error(cells.EFFECTIVE_ON, sentence)
            return
        late = affiliations.effective_warning(day, context.today, context.max_retroactive_months)
        if late and person.cells[cells.EFFECTIVE_ON]:
            person.warning(cells.EFFECTIVE_ON, late)

    # Dependents

    def check_dependent(self, person: Row) -> None:
        if not person.matricule:
            return
        employee = self.employees.get(person.matricule)
        if employee:
            if employee.errors:
                person.error(cells.MATRICULE, f"Corrigez d’abord la ligne {employee.line}, celle du salarié.")
            self.follow(person, employee.offer, employee.effective_on, employee.address, employee.cells)
            return
        known = self.known.get(person.matricule)
        offer = next((one for one in self.context.offers if known and one.contract_id == known.contract_id), None)
        if not known or not offer or known.several:
            person.error(cells.MATRICULE, SEVERAL if known and known.several else UNKNOWN)
            self.follow(person, None, None, {}, person.cells)
            return
        if not person.cells[cells.EFFECTIVE_ON]:
            since = f"Indiquez la date d’effet : le salarié est couvert depuis le {date_fr(known.effective_on)}."
            person.error(cells.EFFECTIVE_ON, since)
        elif not still_covered(known, person.value(cells.EFFECTIVE_ON) or None):
            person.error(
                cells.MATRICULE, "Ce salarié n’est plus couvert à cette date. Corrigez le matricule ou la date."
            )
        theirs = [""] * len(COLUMNS)
        for place, code in zip(CODES, (offer.company_code, offer.category_code, offer.plan_code), strict=True):
            theirs[place] = code
        address = {name: getattr(known, name) for name in ADDRESS_NAMES}
        self.follow(person, offer, known.effective_on, address, theirs)

    def follow(
        self, person: Row, offer: Offer | None, since: date | None, address: dict[str, str], theirs: list[str]
    ) -> None:
        """A dependent has the contract, the date and the address of the employee, or says why not."""
        person.offer = offer
        if any(person.cells[place] for place in CODES):
            own = self.find_offer(person, [person.cells[place] or theirs[place] for place in CODES])
            if own and offer and self.offers.codes_of(own) != self.offers.codes_of(offer):
                person.error(
                    cells.PLAN, "Ce n’est pas la garantie du salarié. Laissez les trois codes vides, ou corrigez-les."
                )
        person.address = person.address or address
        birth, own_date = person.value(cells.BIRTH_DATE) or date.min, person.value(cells.EFFECTIVE_ON) or None
        if own_date and since and own_date < since:
            person.error(
                cells.EFFECTIVE_ON, f"Au plus tôt le {date_fr(since)}, date d’effet du salarié. Corrigez la date."
            )
        person.effective_on = own_date or (max(since, birth) if since else None)
        self.check_dates(person)
        if person.role == CHILD:
            self.check_child(person)
        else:
            self.check_link(person)

    def check_child(self, person: Row) -> None:
        birth, offer, on = person.value(cells.BIRTH_DATE), person.offer, person.effective_on
        status = person.value(cells.SITUATION) or "DEPENDENT"
        if not (birth and offer and on):
            return
        limit, student_limit, rule = offer.child_max_age, offer.child_student_max_age, offer.child_end_rule
        if sentence := dependents.child_age_fault(birth, status, on, limit, student_limit, rule):
            person.error(cells.SITUATION if status == "DEPENDENT" else cells.BIRTH_DATE, sentence)
        elif proof := dependents.child_proof_needed(birth, status, on, limit, rule):
            self.ask_for(person, cells.SITUATION, proof)

    def check_link(self, person: Row) -> None:
        link = person.value(cells.RELATIONSHIP)
        if not person.cells[cells.RELATIONSHIP]:
            person.warning(cells.RELATIONSHIP, "Lien laissé vide. Choisissez Conjoint, Concubin ou PACS.")
        elif link and (proof := dependents.proof_needed(link)):
            self.ask_for(person, cells.RELATIONSHIP, proof)

    def ask_for(self, person: Row, place: int, proof: dependents.Proof) -> None:
        person.proof = proof.code
        person.warning(place, awaited(proof.code))


def awaited(proof: str) -> str:
    return f"Pièce attendue : {proofs.shown_to_hr(proof)}."


def still_covered(known: KnownEmployee, day: date | None) -> bool:
    return known.terminated_on is None or (day is not None and day <= known.terminated_on)


def is_abroad(person: Row) -> bool:
    return person.cells[cells.COUNTRY] not in ("", "France")


OTHER_EMPLOYEE = "La ligne {} donne ce matricule à un autre salarié. Corrigez l’un des deux."
UNKNOWN = "Ce matricule est inconnu. Ajoutez la ligne du salarié, ou corrigez le matricule."
SEVERAL = "Plusieurs salariés ont ce matricule. Mettez à sa place le n° d’adhérent du salarié."
LOST_ZERO = re.compile(r"[0-9]{4}")
DRESSED_CODE = re.compile(r"(?=[0-9]{2} |F)(?:F ?-? ?)?([0-9]{2}) ?([0-9]{3})")  # « 39 200 », « F-39200 »
ADDRESS = (cells.NUMBER, cells.STREET, cells.COMPLEMENT, cells.POSTAL_CODE, cells.CITY, cells.COUNTRY)
ADDRESS_NAMES = ("street_number", "street", "complement", "postal_code", "city", "country")
ADDRESS_NEEDED = (cells.STREET, cells.POSTAL_CODE, cells.CITY)
ASKED_OF_ALL = (*NEEDED, cells.GENDER)
ASKED = {EMPLOYEE: (*ASKED_OF_ALL, cells.CIVILITY, cells.NIR, *CODES, cells.EFFECTIVE_ON, *ADDRESS_NEEDED)}

# ── What goes out ────────────────────────────────────────────────────────────────────────────────────────────────


VALUES = (
    *("role", "matricule", "title", "birth_name", "used_name", "first_name", "birth_date", "sex", "nir", "base_scheme"),
    *("effective_on", *ADDRESS_NAMES, "phone", "mobile", "email"),
    *("reimbursement_iban", "reimbursement_bic", "contribution_iban", "contribution_bic"),
    *("other_cover", "relationship", "child_status", "proof"),
)


def finished(person: Row) -> Checked:
    kept = (person.line, person.cells, {} if person.errors else values(person))
    return Checked(*kept, person.errors, person.warnings, person.repairs, person.matricule, person.identity)


def values(person: Row) -> dict[str, Any]:
    """What a right row asks for: VALUES, and its `offer`."""
    found = person.found
    spouse, child = person.role == SPOUSE, person.role == CHILD
    return {
        "role": person.role,
        "matricule": person.matricule,
        "title": found[cells.CIVILITY] or ("M." if found[cells.GENDER] == "M" else "Mme"),
        "birth_name": found[cells.BIRTH_NAME],
        "used_name": found[cells.USED_NAME],
        "first_name": found[cells.FIRST_NAME],
        "birth_date": found[cells.BIRTH_DATE],
        "sex": found[cells.GENDER],
        "nir": found[cells.NIR],
        "base_scheme": found[cells.BASE_SCHEME] or "GENERAL",
        "effective_on": person.effective_on,
        **person.address,
        "phone": found[cells.PHONE],
        "mobile": found[cells.MOBILE],
        "email": found[cells.EMAIL],
        "reimbursement_iban": found[cells.REIMBURSEMENT_IBAN],
        "reimbursement_bic": found[cells.REIMBURSEMENT_BIC],
        "contribution_iban": found[cells.CONTRIBUTION_IBAN],
        "contribution_bic": found[cells.CONTRIBUTION_BIC],
        "other_cover": found[cells.OTHER_COVER] is True,
        "relationship": found[cells.RELATIONSHIP] if spouse else "",
        "child_status": found[cells.SITUATION] if child else "",
        "proof": person.proof,
        "offer": person.offer,
    }

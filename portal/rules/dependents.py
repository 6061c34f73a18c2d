"""Who may be covered with the employee: the links of a spouse, the statuses of a child, their proofs and ages."""

from datetime import date, timedelta
from typing import NamedTuple

from portal.rules.dates import month_end

SPOUSE_LINKS = {
    "SPOUSE": "Conjoint",
    "CIVIL_PARTNER": "Partenaire de PACS",
    "COHABITING_PARTNER": "Concubin",
}
CHILD_STATUSES = {
    "DEPENDENT": "À charge",
    "STUDENT": "Étudiant",
    "APPRENTICE": "Apprenti",
    "DISABLED": "En situation de handicap",
}
# When the age that a contract sets ends the cover of a child: that day, or later.
BIRTHDAY, END_OF_MONTH, END_OF_YEAR = "BIRTHDAY", "END_OF_MONTH", "END_OF_YEAR"
CHILD_ENDS = {
    BIRTHDAY: "Le jour de cet anniversaire",
    END_OF_MONTH: "À la fin du mois de cet anniversaire",
    END_OF_YEAR: "Le 31 décembre de l’année de cet anniversaire",
}
# The same after an age, in a sentence.
CHILD_ENDS_AFTER = {
    BIRTHDAY: "",
    END_OF_MONTH: ", et jusqu’à la fin du mois de cet anniversaire",
    END_OF_YEAR: ", et jusqu’au 31 décembre de l’année de cet anniversaire",
}


class Proof(NamedTuple):
    code: str
    label: str
    yearly: bool = False  # asked again every school year
    restricted: bool = False  # tells of health: from the employee to the mutual, not shown to HR afterwards


CIVIL_PARTNERSHIP = Proof("CIVIL_PARTNERSHIP", "Copie du PACS")
COHABITATION = Proof("COHABITATION", "Certificat de concubinage, ou justificatif de domicile aux deux noms")
CHILD_PROOFS = {
    "STUDENT": Proof("SCHOOL_CERTIFICATE", "Certificat de scolarité", yearly=True),
    "APPRENTICE": Proof("APPRENTICESHIP_CONTRACT", "Contrat d’apprentissage"),
    "DISABLED": Proof(
        "DISABILITY", "Carte mobilité inclusion mention invalidité, ou notification de la MDPH", restricted=True
    ),
}


def proof_needed(link: str) -> Proof | None:
    """The document that proves the link of a spouse, or None for a marriage; raises KeyError for an unknown link.

    Source: the guide. How long people must have lived together is each contract's own: nothing here checks it.
    """
    return {"SPOUSE": None, "CIVIL_PARTNER": CIVIL_PARTNERSHIP, "COHABITING_PARTNER": COHABITATION}[link]


def child_proof_needed(
    birth_date: date, status: str, on: date, child_max_age: int, end_rule: str = BIRTHDAY
) -> Proof | None:
    """The document that keeps a child covered beyond the contract's first limit; None until that limit is passed.

    Nothing is asked of a younger child, who is covered whatever the status: least of all a proof of disability (RGPD,
    art. 5: no more data than needed). Raises KeyError for an unknown status.
    """
    if status not in CHILD_STATUSES:
        raise KeyError(status)
    return CHILD_PROOFS.get(status) if on > last_day(birth_date, child_max_age, end_rule) else None


def child_covered_until(
    birth_date: date, status: str, child_max_age: int, child_student_max_age: int, end_rule: str = BIRTHDAY
) -> date | None:
    """The last day on which a child's age lets the contract cover it; None: no limit, which is for a disability.

    Ages are years of the contract, and when they end the cover is its own rule: no law sets them. « Jusqu'à 20 ans »
    covers the day of the 20th birthday and not the next one, or the rest of its month, or of its year; born on 29
    February, the birthday is 1 March in a common year. Raises KeyError for an unknown status.
    """
    limit = {
        "DEPENDENT": child_max_age,
        "STUDENT": child_student_max_age,
        "APPRENTICE": child_student_max_age,
        "DISABLED": None,
    }[status]
    return None if limit is None else last_day(birth_date, limit, end_rule)


def child_age_fault(
    birth_date: date,
    status: str,
    on: date,
    child_max_age: int,
    child_student_max_age: int,
    end_rule: str = BIRTHDAY,
) -> str | None:
    """Why a child is too old for the contract on that day, in French, or None; the convention is child_covered_until's.

    A child who is not born yet on that day has no fault of age. Raises KeyError for an unknown status.
    """
    until = child_covered_until(birth_date, status, child_max_age, child_student_max_age, end_rule)
    if until is None or on <= until:
        return None
    if status != "DEPENDENT":
        return (
            f"L’enfant a dépassé {child_student_max_age} ans, l’âge limite du contrat pour un étudiant ou un apprenti."
            " Corrigez sa date de naissance ou retirez-le."
        )
    if on <= last_day(birth_date, child_student_max_age, end_rule):
        return (
            f"L’enfant a dépassé {child_max_age} ans, l’âge limite du contrat pour un enfant à charge."
            " Indiquez s’il est étudiant, apprenti ou en situation de handicap, sinon retirez-le."
        )
    return (
        f"L’enfant a dépassé {child_max_age} ans, l’âge limite du contrat pour un enfant à charge."
        " Indiquez s’il est en situation de handicap, sinon retirez-le."
    )


def last_day(birth_date: date, age: int, end_rule: str) -> date:
    """The last day of a cover that this age ends, by the rule of its contract."""
    day = birthday(birth_date, age)
    return {END_OF_MONTH: month_end(day), END_OF_YEAR: date(day.year, 12, 31)}.get(end_rule, day)


def birthdays_that_end(first: date, last: date, end_rule: str) -> tuple[date, date]:
    """The birthdays, from one to another, by which a cover ends between two days; none when they stand reversed."""
    if end_rule == END_OF_MONTH:
        return first.replace(day=1), last if last == month_end(last) else last.replace(day=1) - timedelta(1)
    if end_rule == END_OF_YEAR:
        return date(first.year, 1, 1), date(last.year - ((last.month, last.day) != (12, 31)), 12, 31)
    return first, last


def birthday(birth_date: date, age: int) -> date:
    """The day somebody turns that age; who was born on 29 February turns on 1 March in a common year."""
    try:
        return birth_date.replace(year=birth_date.year + age)
    except ValueError:
        return date(birth_date.year + age, 3, 1)

"""Dates as people type them, and the few steps of the calendar that the trade counts in."""

import re
from calendar import monthrange
from datetime import date

from portal.rules import Refused

MONTHS = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)
YEARS = range(1900, 2200)

FRENCH = re.compile(r"(?P<day>[0-9]{1,2})(?P<mark>[/. -])(?P<month>[0-9]{1,2})(?P=mark)(?P<year>[0-9]{4}|[0-9]{2})")
DIGITS = re.compile(r"(?P<day>[0-9]{2})(?P<month>[0-9]{2})(?P<year>[0-9]{4}|[0-9]{2})")
ISO = re.compile(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})")


def french_date(text: str, today: date, birth: bool = False) -> date:
    """A date typed 27/03/1985, 27.3.85, 1/6/26, 01062026 or 2026-06-01; two digits of birth year lie in the past."""
    typed = text.strip()
    match = FRENCH.fullmatch(typed) or DIGITS.fullmatch(typed) or ISO.fullmatch(typed)
    if not match:
        raise Refused("Écrivez la date ainsi : 27/03/1985.")
    day, month, year = int(match["day"]), int(match["month"]), int(match["year"])
    if len(match["year"]) == 2:
        year = _birth_year(year, (month, day), today) if birth else _near_year(year, today)
    return _existing(day, month, year)


def iso_date(text: str) -> date:
    """A date written exactly 2026-11-23."""
    # Python also reads 20261123 and 2026-W48-1: the two hyphens and the length tell them apart.
    if len(text) == 10 and text[4] == text[7] == "-":
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise Refused("Cette date n’existe pas ou est mal écrite. Écrivez-la ainsi : 2026-11-23.")


def age(birth: date, on: date) -> int:
    """Whole years lived on a day; who was born on 29 February turns on 1 March in a common year."""
    return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))


def month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def months_before(day: date, count: int) -> date:
    """The first day of the month that is so many months before."""
    year, month = divmod(day.year * 12 + day.month - 1 - count, 12)
    return date(year, month + 1, 1)


def _birth_year(digits: int, month_and_day: tuple[int, int], today: date) -> int:
    year = today.year - today.year % 100 + digits
    return year - 100 if (year, *month_and_day) > (today.year, today.month, today.day) else year


def _near_year(digits: int, today: date) -> int:
    first = today.year - 50
    return first + (digits - first) % 100


def _existing(day: int, month: int, year: int) -> date:
    if month not in range(1, 13):
        raise Refused(f"Le mois {month} n’existe pas. Corrigez le mois, de 1 à 12.")
    if year not in YEARS:
        raise Refused(f"L’année va de {YEARS.start} à {YEARS.stop - 1}. Corrigez l’année de la date.")
    if (day, month) == (29, 2) and monthrange(year, 2)[1] == 28:
        raise Refused(f"Le 29 février {year} n’existe pas. Corrigez le jour, le mois ou l’année.")
    if day not in range(1, monthrange(year, month)[1] + 1):
        raise Refused(f"Le {day} {MONTHS[month - 1]} n’existe pas. Corrigez le jour ou le mois.")
    return date(year, month, day)

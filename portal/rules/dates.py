"""Dates as people type them, and the few steps of the calendar that the trade counts in."""

import re
import unicodedata
from calendar import monthrange
from datetime import date, timedelta
from functools import lru_cache

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

# What spreadsheets and other programs write besides.
WORDED = re.compile(r"(?P<day>[0-9]{1,2})(?:er)?[ ./-]+(?P<month>[a-z]{3,9})[ ./-]+(?P<year>[0-9]{4}|[0-9]{2})")
# No 27031985 is read so: where the month stands here, its year has 19, 20 or 21.
YEAR_FIRST = re.compile(r"(?P<year>[0-9]{4})([./]?)(?P<month>0[1-9]|1[0-2])\2(?P<day>[0-9]{2})")
HOUR = re.compile(
    r"[ T](?:à )?[0-9]{1,2}[:h](?:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?Z?$"
)  # of a day: nobody is asked it
MARKS = re.compile(r" ?([/.\u2010-\u2013-]) ?(?=[0-9])")  # « 27 / 03 / 1985 », or with a hyphen that does not break
WEEKDAY = re.compile(r"^(?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche),? +", re.IGNORECASE)
SERIAL = re.compile(r"[1-9][0-9]{4}")  # five digits: from 1927 on
SERIAL_START = date(1899, 12, 30)


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


def spreadsheet_date(text: str, today: date, birth: bool = False) -> date:
    """A date as typed, or as a spreadsheet may leave it: « mercredi 27 mars 1985 », 1985/03/27, 31133, with an hour."""
    typed = WEEKDAY.sub("", HOUR.sub("", text.strip()))
    if FRENCH.fullmatch(typed):  # as nearly all of them are
        return french_date(typed, today, birth)
    typed = MARKS.sub(lambda mark: mark[1] if mark[1] in "/." else "-", typed)
    if SERIAL.fullmatch(typed):
        return SERIAL_START + timedelta(int(typed))
    if worded := WORDED.fullmatch(_unaccented(typed)):
        found = [place for place, month in enumerate(MONTHS, 1) if _unaccented(month).startswith(worded["month"])]
        if len(found) == 1:
            return french_date(f"{worded['day']}/{found[0]}/{worded['year']}", today, birth)
    match = YEAR_FIRST.fullmatch(typed)
    if match and int(match["year"]) in YEARS:
        return _existing(int(match["day"]), int(match["month"]), int(match["year"]))
    return french_date(typed, today, birth)


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


@lru_cache(maxsize=1024)
def months_before(day: date, count: int) -> date:
    """The first day of the month that is so many months before."""
    year, month = divmod(day.year * 12 + day.month - 1 - count, 12)
    return date(year, month + 1, 1)


@lru_cache(maxsize=1024)
def months_after(day: date, count: int) -> date:
    """The same day so many months later, or the last one of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _unaccented(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.lower())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _birth_year(digits: int, month_and_day: tuple[int, int], today: date) -> int:
    year = today.year - today.year % 100 + digits
    return year - 100 if (year, *month_and_day) > (today.year, today.month, today.day) else year


def _near_year(digits: int, today: date) -> int:
    first = today.year - 50
    return first + (digits - first) % 100


def _existing(day: int, month: int, year: int) -> date:
    try:
        found = date(year, month, day)
    except ValueError:
        found = None
    if found is None or year not in YEARS:
        raise Refused(_date_fault(day, month, year))
    return found


def _date_fault(day: int, month: int, year: int) -> str:
    if month not in range(1, 13):
        return f"Le mois {month} n’existe pas. Corrigez le mois, de 1 à 12."
    if year not in YEARS:
        return f"L’année va de {YEARS.start} à {YEARS.stop - 1}. Corrigez l’année de la date."
    if (day, month) == (29, 2):
        return f"Le 29 février {year} n’existe pas. Corrigez le jour, le mois ou l’année."
    return f"Le {day} {MONTHS[month - 1]} n’existe pas. Corrigez le jour ou le mois."

"""How dates, amounts, identifiers and names are written in French, and the keys they are searched and sorted by."""

import re
import unicodedata
from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from portal.rules.dates import MONTHS

PARIS = ZoneInfo("Europe/Paris")
SPACE = "\u00a0"  # no line break: before a colon, within a number or an identifier
THIN_SPACE = "\u202f"  # no line break: between thousands, before € and %
MINUS = "\u2212"
NOTHING = "—"

DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
SHORT_MONTHS = ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.")

NIR_MASK = "• •• •• •• ••• ••• ••".replace(" ", SPACE)
IBAN_MASK = "•••• •••• •••• ••••".replace(" ", SPACE)

# Letters that Unicode does not decompose, and that people type without their stroke.
LETTERS = str.maketrans(
    {"œ": "oe", "æ": "ae", "ß": "ss", "þ": "th", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "ı": "i"}
)
NOT_KEY = re.compile(r"[^a-z0-9]+")
SEARCH_WORDS = 8
# « d’Hélène », but « de Hamza »: nothing in the letters of a name tells a mute h. The first names that French has
# always elided are told here; every other h is kept apart, which offends nobody.
MUTE_H = re.compile(
    r"h(?:adrien|ector|eloise|elene?|enri|ermance|ermine|ermione|erve$|ilaire|ilarion|ippolyte|onor|orace|ortense"
    r"|ubert|ugo$|ugues|ugue?tte|yacinthe)"
)
VOWEL = re.compile(r"[aeiou]|y[bcdfghjklmnpqrstvwxz]")  # Yves and Yvonne, not Yasmine nor Yann


def iban_masked(iban: str) -> str:
    """The account of a company, told from another by its last four figures and no more."""
    return IBAN_MASK[:-4] + iban[-4:]


def iban_hidden(iban: str) -> str:
    """DE89 •••• •••• •••• •••0 00: the groups of its own country, without what is between the start and the end."""
    return iban_grouped(iban[:4] + "•" * (len(iban) - 7) + iban[-3:])


@lru_cache(maxsize=16384)
def date_fr(day: date | None) -> str:
    """27/03/1985."""
    if day is None:
        return NOTHING
    iso = day.isoformat()
    return f"{iso[8:10]}/{iso[5:7]}/{iso[:4]}"


@lru_cache(maxsize=16384)
def datetime_fr(instant: datetime | None) -> str:
    """20/11/2026 à 17:42 in Paris, from an instant stored in UTC without its zone."""
    if instant is None:
        return NOTHING
    iso = in_paris(instant).isoformat()
    return f"{iso[8:10]}/{iso[5:7]}/{iso[:4]}{SPACE}à{SPACE}{iso[11:16]}"


def ago(instant: datetime, now: datetime) -> str:
    """à l’instant, il y a 5 min, il y a 3 h, hier, il y a 12 jours: both stored in UTC."""
    seconds = (now - instant).total_seconds()
    if seconds < 60:
        return "à l’instant"
    if seconds < 3_600:
        return f"il y a {int(seconds // 60)}{SPACE}min"
    days = (in_paris(now).date() - in_paris(instant).date()).days
    if seconds < 86_400 and (days == 0 or seconds < 43_200):
        return f"il y a {int(seconds // 3_600)}{SPACE}h"
    return "hier" if days == 1 else f"il y a {number(days)}{SPACE}jours"


def in_paris(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC).astimezone(PARIS)


def time_fr(instant: datetime) -> str:
    """17:42 in Paris."""
    return in_paris(instant).strftime("%H:%M")


def long_date(day: date) -> str:
    """lundi 23 novembre 2026; the first of a month is 1er."""
    number_of_day = "1er" if day.day == 1 else day.day
    return f"{DAYS[day.weekday()]} {number_of_day} {MONTHS[day.month - 1]} {day.year}"


def month_fr(day: date) -> str:
    """nov. 2026."""
    return f"{SHORT_MONTHS[day.month - 1]} {day.year}"


def number(value: float) -> str:
    """7 842, −12, 4,5."""
    digits = f"{abs(value):,}".translate({ord(","): THIN_SPACE, ord("."): ","})
    return MINUS + digits if value < 0 else digits


def euros(cents: int) -> str:
    """−1 234,56 €, from an amount in cents."""
    whole, rest = divmod(abs(cents), 100)
    sign = MINUS if cents < 0 else ""
    return f"{sign}{number(whole)},{rest:02}{THIN_SPACE}€"


def percent(value: int) -> str:
    """85 %."""
    return f"{number(value)}{THIN_SPACE}%"


def share(hundredths: int) -> str:
    """62,5 % out of hundredths of a percent."""
    text = f"{hundredths / 100:.2f}".rstrip("0").rstrip(".").replace(".", ",")
    return f"{text}{THIN_SPACE}%"


def plural(count: int, one: str, many: str | None = None) -> str:
    """1 bénéficiaire, 67 bénéficiaires; in French 0 is singular."""
    word = one if abs(count) < 2 else many or f"{one}s"
    return f"{number(count)}{SPACE}{word}"


def weight(size: int) -> str:
    """« 12 Ko », « 1,2 Mo »: rounded up, since what is just above 4 Mo does not weigh 4 Mo."""
    if size < 1024 * 1024:
        return f"{-(-size // 1024)}{SPACE}Ko"
    tenths = -(-size * 10 // (1024 * 1024))
    return f"{tenths // 10},{tenths % 10}{SPACE}Mo"


def nir_grouped(nir: str) -> str:
    """2 94 06 39 478 031 45."""
    groups = (nir[:1], nir[1:3], nir[3:5], nir[5:7], nir[7:10], nir[10:13], nir[13:])
    return SPACE.join(group for group in groups if group)


def iban_grouped(iban: str) -> str:
    """FR76 3000 6000 0112 3456 7890 189."""
    return SPACE.join(iban[start : start + 4] for start in range(0, len(iban), 4))


def phone_fr(phone: str) -> str:
    """01 99 00 10 01 for a French E.164 number, the international form for the others."""
    if phone.startswith("+33") and len(phone) == 12:
        return SPACE.join((f"0{phone[3]}", phone[4:6], phone[6:8], phone[8:10], phone[10:]))
    return _phone_abroad(phone)


def email_masked(address: str) -> str:
    """j•••@exemple.fr."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain if len(domain) <= 40 else '…' + domain[-39:]}"


def phone_masked(phone: str) -> str:
    """06 •• •• •• 42; all but the country and the last two figures of a number abroad."""
    written = phone_fr(phone)
    kept = 2 if phone.startswith("+33") else len(written.partition(SPACE)[0])
    return written[:kept] + re.sub(r"\d", "•", written[kept:-2]) + written[-2:]


@lru_cache(maxsize=65536)
def search_key(text: str) -> str:
    """The letters a–z and digits of a text, accents and ligatures folded: « O’Neill » is oneill, « Zoé » is zoe."""
    if text.isascii() and text.isalnum():
        return text.lower()
    return NOT_KEY.sub("", _folded(text))


def search_words(text: str) -> list[str]:
    """The keys of the words typed in a search, each once, at most eight."""
    keys = dict.fromkeys(search_key(word) for word in text.split())
    return [key for key in keys if key][:SEARCH_WORDS]


@lru_cache(maxsize=65536)
def sort_key(text: str) -> str:
    """Like the search key, its words kept apart by one space: « DE LA TOUR » comes before « DELATOUR »."""
    return NOT_KEY.sub(" ", _folded(text)).strip()


def initials(first_name: str, last_name: str) -> str:
    return (first_name.strip()[:1] + last_name.strip()[:1]).upper()


def of_name(name: str) -> str:
    """« de Corentin LAMY », « d’Éloïse MARTIN », « d’Yves », « de Yann », « d’Hélène », « de Hamza »."""
    first, _, _ = sort_key(name).partition(" ")
    return f"d’{name}" if VOWEL.match(first) or MUTE_H.match(first) else f"de {name}"


def upper_name(name: str) -> str:
    """BENOÎT-GONIN: a name in capitals keeps its accents."""
    return name.upper()


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    # Decomposed first: ℡ is TEL only then, and İ leaves a dot behind.
    letters = unicodedata.normalize("NFKD", text).casefold().translate(LETTERS)
    return "".join(letter for letter in unicodedata.normalize("NFKD", letters) if not unicodedata.combining(letter))


def _phone_abroad(phone: str) -> str:
    import phonenumbers  # noqa: PLC0415  slow to import, and few numbers need it

    try:
        number_abroad = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return phone
    written = phonenumbers.format_number(number_abroad, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    return written.replace(" ", SPACE)

"""Who may be affiliated and from when: the dates that an affiliation may have, and how a name is written."""

import re
import unicodedata
from datetime import date, timedelta

from portal.rules import Refused
from portal.rules.dates import age, french_date, months_after, months_before

OLDEST = 120  # years
YOUNGEST = 16  # of an employee or a spouse: below, the date is doubtful

# Written in small letters before another word of a name; « La », « Le » and « Les » take a capital.
PARTICLES = {"de", "du", "des", "van", "von", "der", "den"}
NAME_PART = re.compile(r"[^\W\d_]+(?:['’](?=[^\W\d_]))?|[\W\d_]+")
NAME_CHARACTERS = 80  # of each name in a DSN (S21.G00.30.002 to .004), whose alphabet is ISO-8859-1
PLAIN_NAME = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ '’.-]*[A-Za-zÀ-ÖØ-öø-ÿ][A-Za-zÀ-ÖØ-öø-ÿ '’.-]*")
LIKE_APOSTROPHES = "`´"


def birth_date(day: date, today: date) -> date:
    """The same day, when somebody alive may be born then."""
    if day > today:
        raise Refused("Cette date est dans l’avenir. Corrigez la date de naissance.")
    if age(day, today) > OLDEST:
        raise Refused(f"Cette date donne plus de {OLDEST} ans. Corrigez l’année de naissance.")
    return day


def effective_fault(day: date, subscribed_on: date, birth: date, today: date, max_ahead_months: int) -> str | None:
    """Why a cover cannot begin on that day, in French, or None."""
    if day < subscribed_on:
        return f"Au plus tôt le {subscribed_on:%d/%m/%Y}, date de souscription du contrat. Corrigez la date."
    if day < birth:
        return "Cette date est avant la naissance. Corrigez l’une des deux."
    if day > (last := months_after(today, max_ahead_months)):
        return f"Au plus tard le {last:%d/%m/%Y}. Corrigez la date."
    return None


def effective_warning(day: date, today: date, max_retroactive_months: int) -> str | None:
    """What to say of a cover that began long ago, in French, or None."""
    if day >= months_before(today, max_retroactive_months):
        return None
    return f"Cette date remonte à plus de {max_retroactive_months} mois : la mutuelle peut la refuser. Vérifiez-la."


def age_warning(birth: date, on: date) -> str | None:
    """What to say of an employee or a spouse who would be a child, in French, or None."""
    if age(birth, on) >= YOUNGEST:
        return None
    return f"Cette personne a moins de {YOUNGEST} ans. Vérifiez la date de naissance."


def civility_warning(civility: str, sex: str) -> str | None:
    """What to say of a civility (M. or Mme) and a sex (M or F) that are not those of one person, in French, or None.

    The sex is held against the NIR elsewhere: the three are compared two by two.
    """
    if {"M.": "F", "Mme": "M"}.get(civility) != sex:
        return None
    told, typed = ("Monsieur", "féminin") if sex == "F" else ("Madame", "masculin")
    return f"L’état civil indiqué est {told}, le sexe est {typed}. Vérifiez les deux."


def parent_warning(birth: date, parent_birth: date) -> str | None:
    """What to say of a child who is not younger than the employee, in French, or None."""
    if birth > parent_birth:
        return None
    return "Cet enfant n’est pas plus jeune que le salarié. Vérifiez les deux dates de naissance."


REMINDED_AFTER = 15  # days
REMINDED_AGAIN = 30  # days
REMINDED_WITHIN = 12  # months


def reminder_proposed(today: date) -> date:
    """When to remind of a spouse or children who are still to be added, unless HR says otherwise."""
    return today + timedelta(days=REMINDED_AFTER)


def reminder_repeated(today: date) -> date:
    """When to remind again of who was not added after the first reminder."""
    return today + timedelta(days=REMINDED_AGAIN)


def reminder_day(text: str, today: date) -> date:
    """The day that HR chose for it: to come, and within a year."""
    day = french_date(text, today)
    if day <= today:
        raise Refused("Choisissez un jour à venir pour le rappel.")
    if day > (last := months_after(today, REMINDED_WITHIN)):
        raise Refused(f"Au plus tard le {last:%d/%m/%Y}. Corrigez la date du rappel.")
    return day


def name_of_person(text: str) -> str:
    """The same name, when registers may hold it: Latin letters, no emoji; what no letter tells apart is nobody's.

    Raises Refused. Papers write every name so (carte Vitale, titre de séjour), and a DSN has no other letters.
    """
    if len(text) > NAME_CHARACTERS:
        raise Refused(f"Un nom a {NAME_CHARACTERS} caractères au plus. Écrivez-le plus court.")
    if PLAIN_NAME.fullmatch(text):
        return text
    letters = [sign for sign in text if sign.isalpha()]
    if not letters:
        raise Refused("Un nom s’écrit avec des lettres. Corrigez-le.")
    if not all(unicodedata.name(letter, "").startswith(("LATIN ", "MODIFIER ")) for letter in letters):
        raise Refused(
            "Un nom s’écrit en lettres latines, comme sur la carte Vitale ou le titre de séjour. Corrigez-le."
        )
    strange = (one for one in text if unicodedata.category(one)[0] in "SC" and one not in LIKE_APOSTROPHES)
    if sign := next(strange, ""):
        raise Refused(f"Un nom n’a pas de signe «\u202f{sign}\u202f». Retirez-le.")
    return text


def name_with_capitals(name: str) -> str:
    """« DE LA TOUR-D'AUVERGNE » is « de La Tour-d'Auvergne »; a name of both sizes of letters stays as it is."""
    if not (name.isupper() or name.islower()):
        return name
    parts = NAME_PART.findall(name)
    last = max((place for place, part in enumerate(parts) if part[0].isalpha()), default=0)
    written = "".join(_part(part, place < last) for place, part in enumerate(parts))
    # A few letters change each time they are written in capitals: these names stay as they are.
    again = NAME_PART.findall(written)
    stable = [part.lower() for part in again] == [part.lower() for part in parts]
    return written if stable and not (written.isupper() and written != name) else name


def _part(part: str, followed: bool) -> str:
    small = part.lower()
    if followed and (small in PARTICLES or small in ("d'", "d’")):
        return small
    return part.capitalize()

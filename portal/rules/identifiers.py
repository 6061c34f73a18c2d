"""The identifiers that people type, from the NIR to the e-mail address, made canonical or refused."""

import re
from datetime import date
from functools import cache, lru_cache

from stdnum.fr import siren as siren_number
from stdnum.fr import siret as siret_number

from portal.rules import Refused
from portal.rules.dates import MONTHS

SPACES = r"\s\u200b-\u200f\u202a-\u202e\u2060\ufeff"
SEPARATORS = re.compile(rf"[{SPACES}./\-\u2010-\u2015]+")

# The pattern of the DSN (S21.G00.30.001), part by part: where it starts, its values, what to say when it fails.
NIR_PARTS = (
    (0, r"[1-478]", "Le n° de sécurité sociale commence par 1 ou 2. Corrigez le premier chiffre."),
    (1, r"[0-9]{2}", "L’année de naissance (2e et 3e caractères) s’écrit avec deux chiffres. Corrigez-la."),
    (
        3,
        r"(?:0[1-9]|1[0-2]|20|3[0-9]|4[0-2]|[5-9][0-9])",
        "Le mois de naissance (4e et 5e caractères) n’existe pas. Corrigez-le.",
    ),
    (
        5,
        r"(?:0[1-9]|[1-9][0-9]|2[AB])",
        "Le département de naissance (6e et 7e caractères) va de 01 à 99, ou s’écrit 2A ou 2B. Corrigez-le.",
    ),
    (
        7,
        r"(?!999999)(?!000)[0-9]{3}",
        "La commune ou le pays de naissance (8e au 10e caractère) n’existe pas. Corrigez ces trois chiffres.",
    ),
    (10, r"(?!000)[0-9]{3}", "Le n° d’ordre (11e au 13e caractère) va de 001 à 999. Corrigez-le."),
    (13, r"[0-9]{2}", "La clé (2 derniers caractères) s’écrit avec deux chiffres. Corrigez-la."),
)
NIR = re.compile("".join(pattern for _, pattern, _ in NIR_PARTS))
NIR_LENGTH = 15

# The birth years of a department (checked by the DSN too, CCH-11), and what stands for it in other years.
DEPARTMENT_YEARS = {
    "2A": (range(1976, 2200), "20"),
    "2B": (range(1976, 2200), "20"),
    "20": (range(1900, 1976), "2A ou 2B"),
    "96": (range(1900, 1968), "99"),
}

# schwifty knows a national key for these countries but not how to check it, and warns: mod 97 alone must do.
UNCHECKED_NATIONAL_KEYS = ("AL", "FO", "GL", "HU", "MA", "SE")
FRENCH_IBAN_LENGTH = 27
FRENCH_IBAN = re.compile(r"FR(?!0[01]|99)[0-9]{12}[0-9A-Z]{11}[0-9]{2}")
# How a letter counts in the key of an IBAN, then in the clé RIB.
IBAN_DIGITS = str.maketrans({letter: str(int(letter, 36)) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"})
RIB_DIGITS = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "12345678912345678923456789")

# Overseas numbers typed as at home (0692…) are unknown to the region FR.
FRENCH_REGIONS = ("FR", "RE", "GP", "MQ", "GF", "YT", "PM", "NC", "PF", "WF")
PHONE_SEPARATORS = re.compile(rf"[{SPACES}./()\-\u2010-\u2015]+")
BANK_AND_COUNTRY = 6  # characters of a BIC: below, a bank has one for each of its towns and branches
FRENCH_KINDS = ("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "voip", "uan")
# How the land lines of France begin, overseas too (0262 and 0269 are of Réunion and Mayotte): by their first signs.
LAND_LINES = {
    4: ("+331", "+332", "+333", "+334", "+335", "+338", "+339"),
    7: ("+262262", "+262269", "+590590", "+594594", "+596596"),
}
FICTION = "+3319900"  # kept for stories: nobody’s; those of the demonstration are the mobiles of its people
PHONE = re.compile(r"\+?[0-9]{4,17}")

EMAIL_LENGTHS = range(6, 101)
# The commonest local parts: only their domain has to be asked of the library, and domains come again.
PLAIN_LOCAL_PART = re.compile(r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*")
LONGEST_LOCAL_PART = 64
POSTAL_CODE = re.compile(r"[0-9]{5}")
EDGE_SPACES = re.compile(rf"^[{SPACES}]+|[{SPACES}]+$")


def nir(text: str, provisional: bool = False) -> str:
    """The 15 characters of a NIR, key checked; those in 3, 4, 7 or 8 only where provisional ones are accepted."""
    value = text if NIR.fullmatch(text) else _nir_as_typed(text)
    if value[0] > "2" and not provisional:
        raise Refused(f"Un n° qui commence par {value[0]} est provisoire. Indiquez le n° définitif (1 ou 2 en tête).")
    if not _has_key(value):
        expected = nir_key(value[:13])
        raise Refused(
            f"La clé (2 derniers chiffres) ne correspond pas : {expected} attendu, {value[13:]} saisi."
            " Vérifiez les 15 chiffres."
        )
    return value


def nir_key(thirteen: str) -> str:
    """The key of the 13 well-formed characters that a DSN carries without it (Corsica counts as 19 and 18)."""
    return f"{97 - _counted(thirteen) % 97:02}"


def _has_key(value: str) -> bool:
    root, key = divmod(_counted(value), 100)
    return root % 97 + key == 97


def _counted(value: str) -> int:
    return int(value if value.isdigit() else value.replace("2A", "19").replace("2B", "18"))


def nir_warnings(number: str, birth_date: date | None, sex: str | None) -> list[str]:
    """What a canonical NIR says against the birth date and the sex (M or F): to be shown, never to refuse."""
    warnings = [_sex_warning(number, sex)]
    if birth_date:
        warnings += [_birth_warning(number, birth_date), _department_warning(number, birth_date)]
    return [warning for warning in warnings if warning]


def siren(text: str) -> str:
    """The 9 digits of a SIREN, key checked."""
    value = _digits(text, "Le SIREN", 9)
    if not siren_number.is_valid(value):
        raise Refused("La clé (dernier chiffre) du SIREN ne correspond pas. Vérifiez les 9 chiffres.")
    return value


def siret(text: str) -> str:
    """The 14 digits of a SIRET, key checked, with the exception of La Poste."""
    value = _digits(text, "Le SIRET", 14)
    if not siret_number.is_valid(value):
        raise Refused("La clé (dernier chiffre) du SIRET ne correspond pas. Vérifiez les 14 chiffres.")
    return value


def iban(text: str) -> str:
    """An IBAN without spaces; length, key and national key (the French clé RIB) checked."""
    value = _compact(text, "L’IBAN")
    # Raised outside the except: a library's exception holds the IBAN, and ours would carry it as its context.
    if not _is_french_iban(value) and (fault := _iban_fault(value)):
        raise Refused(fault)
    return value


def sepa_warning(number: str) -> str:
    """What to say, in French, of an IBAN to which no SEPA transfer goes, or nothing; of a right one."""
    if number.startswith("FR"):
        return ""
    from schwifty import IBAN  # noqa: PLC0415  slow to import, and few pages need it

    if IBAN(number, allow_invalid=True).in_sepa_zone:
        return ""
    return "Ce compte est hors de la zone SEPA : la mutuelle ne pourra pas y virer. Demandez un autre compte."


def bic(text: str) -> str:
    """The 8 or 11 characters of a BIC, its country checked."""
    value = _compact(text, "Le BIC")
    if not _is_bic(value):
        raise Refused("Le BIC a 8 ou 11 caractères, par exemple AGRIFRPPXXX. Recopiez-le depuis le RIB.")
    return value


def bank_of(number: str) -> tuple[str | None, str | None]:
    """The BIC and the name of the bank that keeps an account, each None when the register does not tell."""
    if FRENCH_IBAN.fullmatch(number):
        return _bank_in_france(number[4:9])
    return _bank(number)


@lru_cache(maxsize=1024)
def _bank_in_france(code: str) -> tuple[str | None, str | None]:
    """The same for every account of a bank: what is kept holds the number of nobody's."""
    return _bank(f"FR00{code}{'0' * (FRENCH_IBAN_LENGTH - 9)}", allow_invalid=True)


def _bank(number: str, allow_invalid: bool = False) -> tuple[str | None, str | None]:
    from schwifty import IBAN  # noqa: PLC0415  slow to import, and few pages need it
    from schwifty.exceptions import SchwiftyException  # noqa: PLC0415

    try:
        account = IBAN(number, allow_invalid=allow_invalid)
        return (str(account.bic) if account.bic else None), account.bank_name or None
    except SchwiftyException:
        return None, None


def bic_warning(code: str, number: str) -> str | None:
    """What to say, in French, of a BIC that is not of the bank that keeps the account; None where none is known."""
    known, name = bank_of(number)
    if not known or known[:BANK_AND_COUNTRY] == code[:BANK_AND_COUNTRY]:
        return None
    return f"Cet IBAN est d’une autre banque{f' ({name})' if name else ''}, dont le BIC est {known}. Vérifiez les deux."


def phone(text: str) -> str:
    """A telephone number in E.164 form (+33…); overseas France as typed there, other countries with + or 00."""
    typed = PHONE_SEPARATORS.sub("", text)
    if not PHONE.fullmatch(typed):
        raise Refused("Écrivez le téléphone en chiffres, par exemple 01 99 00 10 01.")
    if french := _assigned_in_france().fullmatch(typed):
        return f"+33{french[1]}"
    value = _phone_elsewhere("+" + typed[2:] if typed.startswith("00") else typed)
    if not value:
        raise Refused(
            "Ce téléphone n’existe pas. Corrigez-le ; hors de France, commencez par + et l’indicatif du pays."
        )
    return value


def mobile(text: str) -> str:
    """A telephone number that takes texts: in France, one that is no land line."""
    number = phone(text)
    if is_land_line(number):
        raise Refused("C’est le numéro d’un téléphone fixe : un SMS n’y arrive pas. Indiquez un portable.")
    return number


def takes_texts(number: str) -> bool:
    """Whether a text can arrive at a telephone number (E.164, "" for none): in France, at no land line."""
    return bool(number) and (number.startswith(FICTION) or not is_land_line(number))


def is_land_line(number: str) -> bool:
    return any(number[:length] in starts for length, starts in LAND_LINES.items())


def email(text: str) -> str:
    """An e-mail address of 6 to 100 ASCII characters, its domain in lower case; nothing is asked of the network."""
    typed = EDGE_SPACES.sub("", text)
    if not typed.isascii():
        raise Refused("Le courriel s’écrit sans accent ni caractère spécial, ainsi : prenom.nom@exemple.fr.")
    if len(typed) not in EMAIL_LENGTHS:
        raise Refused("Le courriel a de 6 à 100 caractères. Écrivez-le ainsi : prenom.nom@exemple.fr.")
    local, _, domain = typed.partition("@")
    if len(local) <= LONGEST_LOCAL_PART and PLAIN_LOCAL_PART.fullmatch(local) and (checked := _checked_domain(domain)):
        return f"{local}@{checked}"
    value = _checked_email(typed)
    if not value:
        raise Refused("Écrivez le courriel ainsi : prenom.nom@exemple.fr.")
    return value


def postal_code(text: str) -> str:
    """The 5 digits of a French postal code; a lost leading zero is refused, never guessed."""
    value = EDGE_SPACES.sub("", text)
    if not POSTAL_CODE.fullmatch(value):
        raise Refused("Le code postal a 5 chiffres, par exemple 39200. Corrigez-le.")
    return value


def _compact(text: str, name: str) -> str:
    value = SEPARATORS.sub("", text)
    if not value:
        raise Refused(f"Indiquez {name[0].lower()}{name[1:]}.")
    # '²'.isalnum() and '٣'.isdigit() are true, and int('²', 36) raises: ASCII first.
    if not (value.isascii() and value.isalnum()):
        raise Refused(f"{name} ne contient que des chiffres et des lettres sans accent. Retirez les autres signes.")
    return value.upper()


def _digits(text: str, name: str, length: int) -> str:
    value = _compact(text, name)
    if not value.isdigit():
        raise Refused(f"{name} ne contient que des chiffres. Retirez les lettres.")
    if len(value) != length:
        raise Refused(f"{name} a {len(value)} chiffre{'s' * (len(value) > 1)} : il en faut {length}.")
    if not value.strip("0"):
        raise Refused(f"{name} ne peut pas avoir que des zéros. Recopiez celui de l’avis de situation INSEE.")
    return value


def _nir_as_typed(text: str) -> str:
    value = _compact(text, "Le n° de sécurité sociale")
    if len(value) != NIR_LENGTH:
        kind = "chiffre" if value.isdigit() else "caractère"
        raise Refused(
            f"Le n° de sécurité sociale a {len(value)} {kind}{'s' * (len(value) > 1)} : il en faut {NIR_LENGTH}."
        )
    if not NIR.fullmatch(value):
        raise Refused(_nir_fault(value))
    return value


def _nir_fault(value: str) -> str:
    return next(say for start, pattern, say in NIR_PARTS if not re.compile(pattern).match(value, start))


def _sex_warning(number: str, sex: str | None) -> str | None:
    expected = "M" if int(number[0]) % 2 else "F"
    if sex not in ("M", "F") or sex == expected:
        return None
    told, typed = ("d’un homme", "féminin") if expected == "M" else ("d’une femme", "masculin")
    return f"Le n° de sécurité sociale est celui {told}, le sexe indiqué est {typed}."


def _birth_warning(number: str, birth: date) -> str | None:
    month = int(number[3:5])
    # The NIR has two digits of the year: the nearest year that ends so is the kindest reading.
    year = birth.year + (int(number[1:3]) - birth.year + 50) % 100 - 50
    if year == birth.year and month in (birth.month, *range(13, 100)):
        return None
    told, typed = f"{year}", f"{birth.year}"
    if month <= 12:  # above, the civil status was incomplete, and the month tells nothing
        told, typed = f"{MONTHS[month - 1]} {told}", f"{MONTHS[birth.month - 1]} {typed}"
    return f"Le n° de sécurité sociale indique {told}, la date de naissance {typed}."


def _department_warning(number: str, birth: date) -> str | None:
    department = number[5:7]
    years, other = DEPARTMENT_YEARS.get(department, (range(birth.year, birth.year + 1), ""))
    if birth.year in years:
        return None
    return f"Le département {department} ne vaut pas pour une naissance en {birth.year} : {other} est attendu."


def _is_french_iban(value: str) -> bool:
    """Both keys computed here: the library, fifty times slower, is asked of what fails and of other countries."""
    if not FRENCH_IBAN.fullmatch(value):
        return False
    account = value[4:]
    whole = int(f"{account}FR{value[2:4]}".translate(IBAN_DIGITS))
    return whole % 97 == 1 and int(account.translate(RIB_DIGITS)) % 97 == 0


def _iban_fault(value: str) -> str | None:
    from schwifty import IBAN, exceptions  # noqa: PLC0415  slow to import, and few pages need it

    try:
        IBAN(value, validate_bban=not value.startswith(UNCHECKED_NATIONAL_KEYS))
    except exceptions.InvalidCountryCode:
        return "L’IBAN commence par les deux lettres de son pays, FR pour la France. Recopiez-le depuis le RIB."
    except exceptions.InvalidLength:
        return _iban_length_fault(value)
    except exceptions.InvalidChecksumDigits:
        return "La clé de l’IBAN (3e et 4e caractères) ne correspond pas. Vérifiez tous les caractères."
    except exceptions.InvalidBBANChecksum:
        return "La clé du compte (en France, les 2 derniers chiffres) ne correspond pas. Vérifiez-les tous."
    except exceptions.SchwiftyException:
        return "L’IBAN n’a pas la forme de ceux de son pays. Recopiez-le depuis le RIB."
    return None


def _iban_length_fault(value: str) -> str:
    if value.startswith("FR"):
        return f"L’IBAN a {len(value)} caractères : il en faut {FRENCH_IBAN_LENGTH} en France."
    return "L’IBAN n’a pas la longueur de ceux de son pays. Recopiez-le depuis le RIB."


def _is_bic(value: str) -> bool:
    from schwifty import BIC  # noqa: PLC0415  slow to import, and few pages need it
    from schwifty.exceptions import SchwiftyException  # noqa: PLC0415

    try:
        return len(BIC(value, enforce_swift_compliance=True)) in (8, 11)
    except SchwiftyException:
        return False


@cache
def _assigned_in_france() -> re.Pattern[str]:
    """The library's own patterns of the numbers assigned in France, tried at once: a load reads 100,000 of them."""
    from phonenumbers import PhoneMetadata  # noqa: PLC0415  slow to import, and few pages need it

    france = PhoneMetadata.metadata_for_region("FR")
    patterns = (getattr(france, kind).national_number_pattern for kind in FRENCH_KINDS)
    return re.compile(rf"(?:0|\+33|0033)({'|'.join(patterns)})", re.ASCII)


def _phone_elsewhere(typed: str) -> str | None:
    import phonenumbers  # noqa: PLC0415  slow to import, and few pages need it

    for region in FRENCH_REGIONS:
        try:
            number = phonenumbers.parse(typed, region)
        except phonenumbers.NumberParseException:
            continue
        abroad = typed.startswith("+") and phonenumbers.is_valid_number(number)
        if abroad or phonenumbers.is_valid_number_for_region(number, region):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return None


@lru_cache(maxsize=4096)
def _checked_domain(domain: str) -> str:
    """A domain as the library writes it, or nothing when the whole address has to be seen."""
    return (_checked_email(f"prenom@{domain}") or "").partition("@")[2]


def _checked_email(typed: str) -> str | None:
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415  slow to import

    try:
        address = validate_email(typed, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        return None
    return address.ascii_email  # `normalized` would turn a domain in xn-- into accents

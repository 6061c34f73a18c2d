"""The thirty columns of the pre-affiliation workbook: how HR may write each cell, what is mended, what is refused."""

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple

from portal.formats import date_fr, search_key
from portal.rules import Refused, affiliations, identifiers
from portal.rules.cells import refuse_fault
from portal.rules.dates import spreadsheet_date

MOST_CHARACTERS = 255
MATRICULE_CHARACTERS = 32
# Control characters, and those that hide or turn what is shown.
INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ud800-\udfff\ufffe\uffff]"
)
# The mark that the portal's own CSV puts before what might run, and that people put before digits to keep them whole.
GUARDED = re.compile(r"'(?=\s*[=+\-@0-9])")
DECIMAL = re.compile(r"([0-9]+)[.,]0{1,2}")  # a whole number as a program that counts writes it
# How people say that a case holds nothing, besides signs alone; no word that is also a name.
NOTHING = {"neant", "aucun", "aucune", "vide", "null", "sansobjet", "nonrenseigne", "nonrenseignee", "noncommunique"}
DATE = re.compile(r"[0-9]{2}/[0-9]{2}/[0-9]{4}")
SCIENTIFIC = re.compile(r"([0-9])(?:[.,]([0-9]+))?[eE]\+?([0-9]+)")
NINE_DIGITS = re.compile(r"[1-9][0-9]{8}")
LABEL = re.compile(r"^IBAN ?:? ?(?=[A-Za-z]{2}[0-9]{2})", re.IGNORECASE)  # no country is « IB »
FRENCH_PHONE = re.compile(r"\+33([0-9]{9})")


class Read(NamedTuple):
    """What was read in a cell: its text as it is kept, what it means, and what to say of it."""

    text: str
    value: Any = ""
    error: str = ""
    warning: str = ""
    repair: str = ""


BLANK = Read("")
Reader = Callable[[str, date], Read]  # a tidy text that is not empty, and today


def as_text(cell: Any) -> str:
    """A raw cell as it would be typed."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "Oui" if cell else "Non"
    if isinstance(cell, date):
        return date_fr(cell)
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell)


def tidy(text: str) -> str:
    """One line, composed letters, single spaces within and none around, nothing invisible."""
    if text.isascii() and text.isprintable() and "  " not in text and text[:1] not in " '" and text[-1:] != " ":
        return text
    return " ".join(GUARDED.sub("", unicodedata.normalize("NFC", INVISIBLE.sub("", text)), count=1).split())


def read_cell(column: "Column", text: str, today: date) -> Read:
    """What a column makes of a cell as it was typed; « néant » or « - » is nothing where nothing may be."""
    kept = tidy(text)
    if column.may_be_blank and says_nothing(kept):
        return BLANK._replace(repair=f"« {kept} » est lu comme une case vide.") if kept else BLANK
    whole = DECIMAL.fullmatch(kept)
    if not whole:
        return read(column.read, text, today)
    found = read(column.read, whole[1], today)
    return found if found.error or found.repair else found._replace(repair=f"« {kept} » est lu « {found.text} ».")


def says_nothing(text: str) -> bool:
    key = search_key(text)
    return key in NOTHING or not any(letter.isalnum() for letter in text)


def read(reader: Reader, text: str, today: date) -> Read:
    """What a reader makes of a cell as it was typed."""
    kept = tidy(text)
    if not kept:
        return BLANK
    if len(kept) > MOST_CHARACTERS:
        return Read(kept, error=f"Ce texte a plus de {MOST_CHARACTERS} caractères. Écrivez-le plus court.")
    try:
        refuse_fault(kept)
        found = reader(kept, today)
    except Refused as refused:
        return Read(kept, error=str(refused))
    if not found.repair and kept != text and kept != unicodedata.normalize("NFC", text):
        return found._replace(repair="Espaces ou signes invisibles retirés.")
    return found


# ── Readers ──────────────────────────────────────────────────────────────────────────────────────────────────────


def words(text: str, today: date) -> Read:
    return Read(text, text)


def matricule(text: str, today: date) -> Read:
    kept = text.upper() if text.isascii() else text
    if len(kept) > MATRICULE_CHARACTERS:
        raise Refused(f"Un matricule a {MATRICULE_CHARACTERS} caractères au plus. Corrigez-le.")
    return Read(kept, kept)


def name(text: str, today: date) -> Read:
    kept = affiliations.name_with_capitals(affiliations.name_of_person(text))
    return Read(kept, kept, repair="" if kept == text else f"« {text} » est écrit « {kept} ».")


def one_of(*meanings: tuple[str, Any, str]) -> Reader:
    """A word of a list: (as it is kept, what it means, the keys of other ways of writing it)."""
    kept = {search_key(shown): (shown, value) for shown, value, _ in meanings}
    others = {key: (shown, value) for shown, value, same in meanings for key in same.split()}
    shown = [shown for shown, _, _ in meanings]
    sentence = f"Choisissez {', '.join(shown[:-1])} ou {shown[-1]}."

    def reader(text: str, today: date) -> Read:
        key = search_key(text)
        if key in kept:
            return Read(*kept[key])
        if key not in others:
            raise Refused(sentence)
        word, value = others[key]
        return Read(word, value, repair=f"« {text} » est lu « {word} ».")

    return reader


def birth_date(text: str, today: date) -> Read:
    return day(text, affiliations.birth_date(spreadsheet_date(text, today, birth=True), today))


def effective_date(text: str, today: date) -> Read:
    return day(text, spreadsheet_date(text, today))


def day(text: str, value: date) -> Read:
    kept = date_fr(value)
    return Read(kept, value, repair="" if kept == text else f"« {text} » est lu {kept}.")


def nir(text: str, today: date) -> Read:
    typed = text
    if match := SCIENTIFIC.fullmatch(text):
        typed = match[1] + (match[2] or "")
        if len(typed) != identifiers.NIR_LENGTH or match[3] != str(identifiers.NIR_LENGTH - 1):
            raise Refused(
                "Le n° de sécurité sociale est illisible : le tableur n’en a gardé que les premiers chiffres."
                " Mettez la colonne au format Texte, puis retapez les 15 chiffres."
            )
    value = identifiers.nir(typed, provisional=True)
    warning = ""
    if value[0] > "2":
        warning = f"Ce n° commence par {value[0]} : il est provisoire. Envoyez le n° définitif dès que vous l’aurez."
    return Read(value, value, warning=warning, repair="" if value == text else "Écrit en 15 caractères, sans espace.")


def iban(text: str, today: date) -> Read:
    value = identifiers.iban(LABEL.sub("", text))
    repair = "" if value == text else "Écrit sans espace, en capitales."
    return Read(value, value, warning=identifiers.sepa_warning(value), repair=repair)


def bic(text: str, today: date) -> Read:
    value = identifiers.bic(text)
    return Read(value, value, repair="" if value == text else "Écrit sans espace, en capitales.")


def phone(text: str, today: date) -> Read:
    """A number without its zero, or its +, is what a spreadsheet makes of it when it takes it for a number."""
    digits = identifiers.PHONE_SEPARATORS.sub("", text)
    mended = (
        f"0{digits}"
        if NINE_DIGITS.fullmatch(digits)
        else f"+{digits}"
        if re.fullmatch("33[1-9][0-9]{8}", digits)
        else ""
    )
    value = identifiers.phone(mended or text)
    if not mended:
        return Read(text, value)
    match = FRENCH_PHONE.fullmatch(value)
    shown = " ".join(re.findall("..", f"0{match[1]}")) if match else value
    return Read(shown, value, repair=f"Zéro en tête rétabli : {shown}.")


def mobile(text: str, today: date) -> Read:
    """A land line is kept, for people write theirs there: no text is sent to it."""
    found = phone(text, today)
    if identifiers.takes_texts(found.value):
        return found
    return found._replace(warning="C’est le numéro d’un téléphone fixe : aucun SMS n’y arrivera. Vérifiez-le.")


def email(text: str, today: date) -> Read:
    value = identifiers.email(text.removeprefix("mailto:"))
    return Read(value, value)


def street_number(text: str, today: date) -> Read:
    if DATE.fullmatch(text):
        raise Refused("Le tableur a changé ce n° en date. Mettez la cellule au format Texte, puis retapez-le.")
    return Read(text, text)


def country(text: str, today: date) -> Read:
    kept = "France" if search_key(text) in FRANCE else text
    return Read(kept, kept)


FRANCE = {"france", "fr", "fra", "francemetropolitaine"}

# ── Columns ──────────────────────────────────────────────────────────────────────────────────────────────────────

ROLES = (0, 1, 2)  # of BeneficiaryRole
EMPLOYEE, SPOUSE, CHILD = ROLES

ROLE = one_of(
    ("Salarié", EMPLOYEE, "salariee assure assuree employe employee adherent adherente"),
    ("Conjoint", SPOUSE, "conjointe epoux epouse mari femme partenaire concubin concubine"),
    ("Enfant", CHILD, "fils fille"),
)
TITLE = one_of(("M.", "M.", "mr monsieur h homme"), ("Mme", "Mme", "madame mlle melle mademoiselle mlles femme"))
SEX = one_of(("M", "M", "h homme masculin masc 1 garcon"), ("F", "F", "femme feminin fem 2 fille"))
SCHEME = one_of(
    ("Assuré social", "GENERAL", "assuresociale regimegeneral general rg cpam ss securitesociale"),
    ("MSA", "MSA", "regimeagricole agricole"),
    ("TI", "SELF_EMPLOYED", "travailleurindependant independant tns ssi rsi"),
)
YES_OR_NO = one_of(("Oui", True, "o yes y vrai true 1 x"), ("Non", False, "n no faux false 0"))
LINK = one_of(
    ("Conjoint", "SPOUSE", "conjointe marie mariee mariage epoux epouse"),
    ("Concubin", "COHABITING_PARTNER", "concubine concubinage unionlibre vielibre"),
    ("PACS", "CIVIL_PARTNER", "pacse pacsee partenaire partenairedepacs partenairepacs"),
)
STATUS = one_of(
    ("À charge", "DEPENDENT", "charge enfantacharge"),
    ("Étudiant", "STUDENT", "etudiante etudes scolarise scolarisee lyceen lyceenne"),
    ("Apprenti", "APPRENTICE", "apprentie apprentissage alternance alternant alternante"),
    ("Handicap", "DISABLED", "handicape handicapee ensituationdehandicap situationdehandicap"),
)


class Column(NamedTuple):
    """A heading, how its cells are read, what to say when a cell is blank and may not be, and other headings."""

    title: str
    read: Reader
    missing: str = ""
    aliases: str = ""  # keys

    @property
    def may_be_blank(self) -> bool:
        """Of somebody at least: dependents have a NIR when it is known."""
        return not self.missing or self.title == "N° S. Sociale"


COLUMNS = (
    Column("Type", ROLE, "Choisissez Salarié, Conjoint ou Enfant.", "typedebeneficiaire typebeneficiaire qualite"),
    Column("Matricule", matricule, "Indiquez le matricule du salarié.", "matriculesalarie numeromatricule nmatricule"),
    Column("Civilité", TITLE, "Choisissez M. ou Mme.", "civ titre"),
    Column("Nom", name, "Indiquez le nom.", "nomdenaissance nomdefamille nompatronymique"),
    Column("Nom d'usage", name, "", "nomusage nommarital nomdepouse"),
    Column("Prénom", name, "Indiquez le prénom.", "prenoms"),
    Column("Date de naissance", birth_date, "Indiquez la date de naissance.", "datenaissance neele nele nee ne ddn"),
    Column("Sexe", SEX, "Choisissez M ou F.", "genre"),
    Column(
        "N° S. Sociale",
        nir,
        "Indiquez le n° de sécurité sociale.",
        "nir nss numeross nss nossociale numerossociale nosecuritesociale nsecuritesociale ndesecuritesociale numsecu"
        " nsecu numerosecuritesociale numerodesecuritesociale securitesociale",
    ),
    Column("Type d'assuré", SCHEME, "", "typeassure regime regimedebase regimeobligatoire"),
    Column("Code Entreprise", words, "Indiquez le code de l’entreprise.", "entreprise codesociete societe"),
    Column("Code collège", words, "Indiquez le code du collège.", "college"),
    Column("Garantie", words, "Indiquez le code de la garantie.", "codegarantie produit codeproduit formule"),
    Column("Date d'effet", effective_date, "Indiquez la date d’effet.", "dateeffet effet datedeffetdelagarantie"),
    Column(
        "N°", street_number, "", "numero no num numerodevoie ndevoie nvoie numerovoie nderue nrue numeroderue numerorue"
    ),
    Column("Rue", words, "Indiquez la rue.", "voie adresse adresse1 nomdelavoie libellevoie"),
    Column("Complément", words, "", "complementadresse complementdadresse adresse2"),
    Column("Code Postal", words, "Indiquez le code postal.", "cp"),
    Column("Ville", words, "Indiquez la ville.", "commune localite"),
    Column("Pays", country),
    Column("Tél fixe", phone, "", "tel telephone telephonefixe fixe teldomicile"),
    Column("Portable", mobile, "", "mobile telportable telephoneportable telephonemobile telmobile gsm"),
    Column("E-mail", email, "", "mail courriel adresseemail adressemail adressecourriel"),
    Column("IBAN prestation", iban, "", "iban ibanprestations ibanremboursement"),
    Column("BIC prestation", bic, "", "bic bicprestations bicremboursement"),
    Column("IBAN cotisation", iban, "", "ibancotisations"),
    Column("BIC cotisation", bic, "", "biccotisations"),
    Column("Autre régime", YES_OR_NO, "", "autremutuelle autrecouverture autrecomplementaire"),
    Column("Lien", LINK, "", "lienconjoint lienduconjoint"),
    Column("Situation", STATUS, "", "situationenfant situationdelenfant"),
)
TITLES = tuple(column.title for column in COLUMNS)
NAMES = tuple(search_key(title) for title in TITLES)  # of the boxes of a form that stand for them
# Where each stands in a row.
TYPE, MATRICULE, CIVILITY, BIRTH_NAME, USED_NAME, FIRST_NAME, BIRTH_DATE, GENDER, NIR, BASE_SCHEME = range(10)
COMPANY, COLLEGE, PLAN, EFFECTIVE_ON, NUMBER, STREET, COMPLEMENT, POSTAL_CODE, CITY, COUNTRY = range(10, 20)
PHONE, MOBILE, EMAIL, REIMBURSEMENT_IBAN, REIMBURSEMENT_BIC, CONTRIBUTION_IBAN, CONTRIBUTION_BIC = range(20, 27)
OTHER_COVER, RELATIONSHIP, SITUATION = range(27, 30)

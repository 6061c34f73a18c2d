"""Every answer of an enrolment in French, block by block: for a last look, and for the bulletin."""

from contextlib import suppress

from portal.exchange import affiliation_cells as cells
from portal.formats import SPACE, iban_grouped, nir_grouped, phone_fr
from portal.household import AWAITED, KEY, PRESENT, PRIVATE, STEP_TITLES
from portal.rules import Refused, dependents, identifiers

SEXES = {"M": "Masculin", "F": "Féminin"}
SITUATIONS = {"STUDENT": ("étudiant", "étudiante"), "APPRENTICE": ("apprenti", "apprentie")}
DISABLED = "en situation de handicap"
LATER = {
    "conjoint": "Un conjoint doit aussi rejoindre le contrat\u202f: informations à compléter plus tard",
    "enfants": "Un ou des enfants doivent aussi rejoindre le contrat\u202f: informations à compléter plus tard",
}
PRIVATE_IBAN = "Donné par le salarié à la mutuelle"


def summary(home, to_employee=False, filed=False):
    """Every answer in French: [(step, title, [(label, value)])]; the employee alone is told what is theirs to know.

    `filed`: for a document of the company, where whoever has its documents reads it: nothing of anybody's health.
    """
    told = {
        "garantie": told_of_contract(home),
        "salarie": told_of_person(home, home.employee),
        "coordonnees": told_of_address(home.employee.cells),
        "comptes": told_of_accounts(home, to_employee),
        "conjoint": told_of_spouse(home, to_employee),
        "enfants": told_of_children(home, to_employee, filed),
    }
    return [(step, STEP_TITLES[step][0], [line for line in lines if line[1]]) for step, lines in told.items()]


def told_of_contract(home):
    offer = home.offer
    return [
        ("Garantie", offer.plan_label),
        ("Entreprise", f"{offer.company_label}, collège {offer.category_code} {offer.category_label}"),
        ("Contrat", offer.contract_number),
        ("Date d’effet", home.employee.cells[cells.EFFECTIVE_ON]),
    ]


def told_of_person(home, member):
    texts = member.cells
    matricule = texts[cells.MATRICULE] if texts[cells.MATRICULE] != KEY and member.step == "salarie" else ""
    return [
        ("État civil", {"M.": "Monsieur", "Mme": "Madame"}.get(texts[cells.CIVILITY], "")),
        ("Nom", texts[cells.BIRTH_NAME]),
        ("Nom d’usage", texts[cells.USED_NAME]),
        ("Prénom", texts[cells.FIRST_NAME]),
        ("Date de naissance", texts[cells.BIRTH_DATE]),
        ("N° S. Sociale", nir_grouped(texts[cells.NIR])),
        ("Sexe", SEXES.get(texts[cells.GENDER], "")),
        ("Type d’assuré", texts[cells.BASE_SCHEME]),
        ("Autre régime complémentaire", texts[cells.OTHER_COVER]),
        ("Matricule", matricule),
    ]


def told_of_address(texts):
    street = " ".join(filter(None, (texts[cells.NUMBER], texts[cells.STREET])))
    town = f"{texts[cells.POSTAL_CODE]} {texts[cells.CITY]}".strip()
    country = texts[cells.COUNTRY] if texts[cells.COUNTRY] != "France" else ""
    return [
        ("Adresse postale", ", ".join(filter(None, (street, texts[cells.COMPLEMENT], town, country)))),
        ("N° Tél fixe", telephone(texts[cells.PHONE])),
        ("Portable", telephone(texts[cells.MOBILE])),
        ("E-mail", texts[cells.EMAIL]),
    ]


def telephone(text):
    """A number as it will be kept: 0692… is Réunion’s, +262 692…; as it was typed where it cannot be read."""
    with suppress(Refused):
        return phone_fr(identifiers.phone(text)) if text else ""
    return text


def told_of_accounts(home, to_employee):
    if home.words("comptes").get(PRIVATE) and not to_employee:
        return [("Remboursement prestation", PRIVATE_IBAN)]
    texts = home.employee.cells
    asked = (
        ("Remboursement prestation", texts[cells.REIMBURSEMENT_IBAN], texts[cells.REIMBURSEMENT_BIC]),
        ("Cotisation", texts[cells.CONTRIBUTION_IBAN], texts[cells.CONTRIBUTION_BIC]),
    )
    return [(label, account(iban, bic) or "Aucun compte indiqué") for label, iban, bic in asked]


def account(iban, bic):
    """FR76 3000 6000 0112 3456 7890 189, BIC AGRIFRPPXXX (Crédit agricole)."""
    if not iban:
        return ""
    name = identifiers.bank_of(iban)[1]
    grouped = iban_grouped(iban).replace(SPACE, " ")  # on a phone it goes on below, between two groups
    return f"{grouped}{f', BIC {bic}' if bic else ''}{f' ({name})' if name else ''}"


def told_of_spouse(home, to_employee):
    if home.spouse is None:
        return [("Conjoint", LATER["conjoint"] if home.presence("conjoint") == AWAITED else "Pas de conjoint")]
    link = cells.read(cells.LINK, home.spouse.cells[cells.RELATIONSHIP], home.today).value
    return [
        ("Lien avec vous" if to_employee else "Lien avec le salarié", dependents.SPOUSE_LINKS.get(link, "")),
        *told_of_person(home, home.spouse),
        ("Pièce demandée", home.asked_of(home.spouse, to_employee)),
    ]


def told_of_children(home, to_employee, filed):
    if home.presence("enfants") == PRESENT:
        told = [
            (f"Enfant {number}", told_of_child(home, child, to_employee, filed))
            for number, child in enumerate(home.children, 1)
        ]
        return [*told, ("D’autres enfants", LATER["enfants"] if home.awaited[1] else "")]
    return [("Enfants", LATER["enfants"] if home.awaited[1] else "Pas d’enfant")]


def told_of_child(home, child, to_employee, filed):
    texts, document, status = child.cells, home.asked_of(child, to_employee), home.status(child)
    feminine = texts[cells.GENDER] == "F"
    situation = SITUATIONS.get(status, ("", ""))[feminine]
    if status == "DISABLED" and not filed:
        situation = DISABLED
    born = f"né{'e' * feminine} le {texts[cells.BIRTH_DATE]}"
    nir = f"n° S. Sociale {nir_grouped(texts[cells.NIR])}" if texts[cells.NIR] else ""
    asked = f"pièce demandée\u00a0: {document}" if document else ""
    return ", ".join(filter(None, (child.name, born, situation, nir, asked)))

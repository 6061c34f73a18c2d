"""Why a bank rejects or sends back a direct debit (ISO 20022 reason codes), and what is to be done about it."""

import re
from typing import NamedTuple

CODE = re.compile(r"[A-Z]{2}\d{2}|[A-Z]{4}")


class Reason(NamedTuple):
    """`why` and `what`: said to the company; `ends_mandate`: nothing more is collected by the mandate."""

    why: str
    what: str
    ends_mandate: bool = False


BY_TRANSFER = "Réglez ce bordereau par virement, avec sa référence."
SIGN_AGAIN = f"{BY_TRANSFER} Puis préparez et signez un nouveau mandat : celui-ci ne sert plus."
ACCOUNT = f"{BY_TRANSFER} Envoyez le RIB du bon compte dans « Documents », puis signez un nouveau mandat."
ASK_BANK = f"{BY_TRANSFER} Demandez la raison à votre banque avant le prélèvement suivant."

REASONS = {
    "AC01": Reason("l’IBAN n’est pas le bon", ACCOUNT, True),
    "AC04": Reason("le compte est clos", ACCOUNT, True),
    "AC06": Reason("le compte est bloqué", ASK_BANK),
    "AC13": Reason("le compte est celui d’un particulier, et le mandat est interentreprises", SIGN_AGAIN, True),
    "AG01": Reason("ce compte n’accepte pas les prélèvements", ACCOUNT, True),
    "AG02": Reason("la banque n’accepte pas cette opération", BY_TRANSFER),
    "AM04": Reason("la provision du compte était insuffisante", BY_TRANSFER),
    "AM05": Reason("la banque y a vu un doublon", ASK_BANK),
    "BE05": Reason("la banque n’a pas reconnu le créancier", ASK_BANK),
    "CNOR": Reason("la banque n’est pas joignable par prélèvement", ACCOUNT, True),
    "DNOR": Reason("la banque n’est pas joignable par prélèvement", ACCOUNT, True),
    "FF05": Reason("le type de prélèvement n’est pas celui du mandat", SIGN_AGAIN, True),
    "MD01": Reason("la banque n’a pas de mandat, ou il a été révoqué", SIGN_AGAIN, True),
    "MD02": Reason("le mandat est incomplet", SIGN_AGAIN, True),
    "MD06": Reason("le titulaire du compte a demandé le remboursement", BY_TRANSFER),
    "MD07": Reason("le titulaire du compte est décédé", SIGN_AGAIN, True),
    "MS02": Reason("le titulaire du compte a refusé ce prélèvement", ASK_BANK),
    "MS03": Reason("la banque ne dit pas pourquoi", ASK_BANK),
    "RC01": Reason("le BIC n’est pas celui du compte", ACCOUNT, True),
    "RR01": Reason("il manque des renseignements sur le compte", BY_TRANSFER),
    "SL01": Reason("le titulaire a demandé à sa banque de ne pas payer ce créancier", ASK_BANK),
}
OTHER = Reason("la banque l’a rejeté", ASK_BANK)


def reason(code: str) -> Reason:
    return REASONS.get(code, OTHER)

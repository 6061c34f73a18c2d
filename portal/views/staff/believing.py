"""What the portal knows of what a registration says: its contract, its number, the accounts that it names."""

import re

from flask_login import current_user

from portal import registrations
from portal.models import GroupContract, ManagedAccount, RegistrationState, User

WORDS = re.compile(r"[^\s,;:()]{2,32}")
MOST_WORDS = 500
MOST_ACCOUNTS = 20  # named on the page


def checks(row, account):
    """What the portal knows of what was said: [(tone, sentence)]."""
    lines = []
    if row.contract_number:
        known = current_user.contracts().where(GroupContract.number == row.contract_number).exists()
        together = f"Le contrat et le SIRET sont ceux du compte {account.name}." if account else ""
        apart = "Le contrat existe, mais d’une entreprise qui a un autre SIRET."
        lines.append(("ok", together) if account else ("warn", apart if known else "Ce n° de contrat n’existe pas."))
        same = account is not None and account.email.strip().lower() == row.email
        whose = "est celle" if same else "n’est pas celle"
        lines.append(("ok" if same else "warn", f"L’adresse {whose} du contact."))
    if row.number_kind:
        register = "registre de l’ORIAS" if row.number_kind == "ORIAS" else "répertoire national"
        lines.append(("ok", f"Le n° {row.number_kind} est bien formé. Vérifiez-le dans le {register}."))
    if registrations.profession(row).asks_accounts:
        lines += accounts_asked(row)
    if row.state == RegistrationState.RECEIVED and User.known(row.email):
        lines.append(("warn", "Cette adresse a un accès depuis : accepter y ajoutera ces comptes."))
    return lines


def accounts_asked(row):
    """The accounts whose code, or the number of a contract, stands among what is asked for."""
    words = list({word.upper() for word in WORDS.findall(row.asked_for)})[:MOST_WORDS]
    found = registrations.named_by(words, current_user.accounts())
    named = [f"{one.code}\u00a0: {one.name}." for one in found.order_by(ManagedAccount.code).limit(MOST_ACCOUNTS + 1)]
    if not named:
        yield "warn", "Rien de ce qui est demandé n’est un code de compte ni un n° de contrat."
    for sentence in named[:MOST_ACCOUNTS]:
        yield "ok", sentence
    if len(named) > MOST_ACCOUNTS:
        yield "warn", f"Plus de {MOST_ACCOUNTS} comptes sont reconnus\u00a0: seuls les premiers sont écrits ici."

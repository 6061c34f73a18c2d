"""What a document says beside what the mutual knows of its company: bank details, and checks made by themselves."""

from types import SimpleNamespace

from flask import current_app
from flask_login import current_user

from portal import clock
from portal.formats import date_fr, datetime_fr, search_key
from portal.models import BankDetails, Sending, SendingState
from portal.rules import sendings as rules
from portal.views import sent

OK, WARN = "ok", "warn"


def asked(row, revealed):
    """The bank details that are asked for, and those they would replace; None for another type."""
    found = sent.asked(row, row.proposed().unseal() if revealed else "")
    if found is not None and found.is_awaited:
        there = in_force(row)
        iban = there.unseal() if there and revealed else ""
        found.replaces = there and SimpleNamespace(holder=there.holder, bank=there.bank, iban=iban)
    return found


def in_force(row):
    details = current_user.bank_details()
    return details.where(BankDetails.company == row.company_id, BankDetails.in_force()).first()


def checks(row):
    """[(tone, sentence)] on a document that is to be decided."""
    if not row.is_open:
        return []
    waiting = row.proposed() if row.document_type == rules.BANK_DETAILS else None
    if waiting and (first := waiting.approver(clock.now())):
        return [(OK, f"{first.full_name} a donné son accord\u00a0: une autre personne confirme."), *more(row)]
    return more(row)


def more(row):
    of_type = {rules.KBIS: of_kbis, rules.BANK_DETAILS: of_bank_details}.get(row.document_type)
    return [*of_type(row), *later(row)] if of_type else []


def of_kbis(row):
    known, said = row.company.siret, row.siret
    until = rules.kbis_valid_until(row.issued_on, current_app.settings.kbis_months)
    if said == known:
        yield OK, "Le SIRET est celui que la mutuelle connaît."
    elif said[:9] == known[:9]:
        yield WARN, f"Le SIRET change d’établissement : {known} devient {said}."
    else:
        yield WARN, f"Le SIREN change, c’est une autre entreprise : {known} devient {said}."
    tone = OK if until >= clock.today() else WARN
    yield tone, f"Kbis du {date_fr(row.issued_on)}, récent jusqu’au {date_fr(until)}."
    if row.company.kbis_on and row.company.kbis_on > row.issued_on:
        yield WARN, f"Un Kbis du {date_fr(row.company.kbis_on)} est déjà accepté : celui-ci ne change rien."


def of_bank_details(row):
    details = row.proposed()
    yield OK, "Les clés de l’IBAN sont justes."
    if details.bank:
        yield OK, f"Banque : {details.bank}."
    else:
        yield WARN, "La banque n’est pas dans le registre : vérifiez-la sur le RIB."
    if search_key(details.holder) == search_key(row.company.label):
        yield OK, "Le titulaire est l’entreprise."
    else:
        yield WARN, f"Titulaire : {details.holder} ; entreprise : {row.company.label}."


def later(row):
    """Another of the same type and company that came afterwards, and waits too."""
    same = (Sending.company == row.company_id) & (Sending.document_type == row.document_type)
    waiting = current_user.sendings().where(same, Sending.id > row.id, Sending.state == SendingState.RECEIVED)
    for newer in waiting.order_by(Sending.id.desc()).limit(1):
        yield WARN, f"Un envoi plus récent attend aussi, du {datetime_fr(newer.sent_at)} : décidez celui-là d’abord."

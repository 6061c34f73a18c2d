"""What others await of a user, as « Accueil » says it: money, documents, a decision; each as `to_do.waiting` gives it.

What the user may not do where they see it is not counted.
"""

from flask import url_for
from flask_login import current_user

from portal import clock
from portal.formats import date_fr, plural
from portal.models import (
    AffiliationImport,
    ContributionStatement,
    DocumentRequest,
    ImportState,
    MandateState,
    PermissionGrant,
    Sending,
    SepaMandate,
    StatementState,
    Waiver,
    WaiverState,
)
from portal.rules.rights import ASKED_AGAIN_AFTER, Action
from portal.views import called, grants, mandates, sendings
from portal.views.scope import current_scope, may
from portal.views.tally import number


def lines(today):
    found = {}
    if may("money"):
        found["unpaid"] = unpaid(today)
    if may("documents"):
        found |= {"late_proofs": late_proofs(today), "proofs": proofs(today), "refused": refused()}
    if may("enrol"):
        found |= {"to_confirm": to_confirm(), "to_decide": to_decide()}
    if may("mandate"):
        found["to_sign"] = to_sign()
    if may("habilitate"):
        found["habilitations"] = habilitations(clock.now())
    return found


def unpaid(today):
    def tell(count, first):
        words = plural(count, "bordereau en retard", "bordereaux en retard")
        where = url_for("schedule.index", etat="retard")
        return "danger", "receipt-euro", words, "La date d’échéance est dépassée.", f"Depuis le {day(first)}", where

    row = ContributionStatement
    seen = called.in_scope(current_user.able(Action.MONEY).statements(), row)
    return number(seen.where(row.in_state(StatementState.LATE, today)), row.due_on), tell


def late_proofs(today):
    def tell(count, first):
        words = plural(count, "pièce justificative en retard", "pièces justificatives en retard")
        where = url_for("supporting_documents.index", echeance="retard")
        return "danger", "clipboard-check", words, "La date limite est dépassée.", f"Depuis le {day(first)}", where

    return number(asked().where(DocumentRequest.due_on < today), DocumentRequest.due_on), tell


def proofs(today):
    def tell(count, first):
        words = plural(count, "pièce justificative attendue", "pièces justificatives attendues")
        badge = f"Jusqu’au {day(first)}" if first else "Attendue" if count == 1 else "Attendues"
        where = url_for("supporting_documents.index")
        return "warn", "clipboard-check", words, "Un rappel aux salariés part d’ici.", badge, where

    due_on = DocumentRequest.due_on
    return number(asked().where((due_on >= today) | due_on.is_null()), due_on), tell


def asked():
    """Supporting documents of the scope that the mutual awaits."""
    requests = current_user.able(Action.DOCUMENTS).document_requests()
    awaited = requests.where(DocumentRequest.state.in_(DocumentRequest.OPEN))
    return current_scope().narrow(awaited, DocumentRequest.category)


def refused():
    """Documents that the mutual refused, and that were not sent again."""

    def tell(count, first):
        words = plural(count, "document refusé, à renvoyer", "documents refusés, à renvoyer")
        detail = "La mutuelle dit pourquoi dans « Documents »."
        return "warn", "file-upload", words, detail, since(first), url_for("sendings.index", etat="refuses")

    return number(sendings.in_scope().where(Sending.to_send_again(clock.now())), Sending.settled_at), tell


def to_confirm():
    """Files of affiliations that were checked: nobody is affiliated before somebody says so."""

    def tell(count, first):
        words = plural(count, "fichier d’affiliations à confirmer", "fichiers d’affiliations à confirmer")
        where = url_for("affiliations.index", _anchor="affiliations")
        return "warn", "file-import", words, "Rien n’est transmis avant.", since(first), where

    account, row = current_scope().account, AffiliationImport
    files = current_user.able(Action.ENROL).imports().where(row.state == ImportState.CHECKED)
    return number(files.where(row.account == account.account_id) if account else files, row.created_at), tell


def to_decide():
    """Waivers that employees ask for."""

    def tell(count, _):
        words = plural(count, "dispense à décider", "dispenses à décider")
        detail = "Un salarié la demande." if count == 1 else "Des salariés les demandent."
        return "warn", "ban", words, detail, "À décider", url_for("waivers.index", etat="demandee")

    waivers = current_user.able(Action.ENROL).waivers().where(Waiver.state == WaiverState.REQUESTED)
    return number(current_scope().narrow(waivers, Waiver.category)), tell


def to_sign():
    """Mandates that were prepared: nothing is debited before one is signed."""

    def tell(count, first):
        words = plural(count, "mandat de prélèvement à signer", "mandats de prélèvement à signer")
        where = url_for("mandates.index")
        return "warn", "writing", words, "Aucun prélèvement ne part avant.", since(first), where

    prepared = current_user.able(Action.MONEY).mandates().where(SepaMandate.state == MandateState.TO_SIGN)
    return number(mandates.in_chosen(prepared, SepaMandate.company), SepaMandate.created_at), tell


def habilitations(now):
    """« Encore habilités ? »: what was given or confirmed a year ago."""

    def tell(count, first):
        words = plural(count, "habilitation à confirmer", "habilitations à confirmer")
        detail = "Elle a" if count == 1 else "Elles ont"
        where = url_for("grants.index", etat="confirmer")
        return "warn", "key", words, f"{detail} plus d’un an.", since(first and first + ASKED_AGAIN_AFTER), where

    asked = current_user.managed_grants().where(PermissionGrant.to_confirm(now))
    return number(grants.in_scope(asked), PermissionGrant.confirmed_at), tell


def day(instant):
    return date_fr(instant.date())


def since(instant):
    return instant and f"Depuis le {date_fr(clock.day_of(instant))}"

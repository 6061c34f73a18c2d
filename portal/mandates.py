"""SEPA mandates: begun on the account on file, signed by a typed name and a code, printed, revoked."""

from portal import clock, documents, outbox, signing
from portal.formats import date_fr, datetime_fr, iban_grouped
from portal.models import BankDetails, Channel, MandateState, MessageKind, Outdated, SepaMandate, User, db
from portal.rules import mandates as rules
from portal.rules.rights import Action
from portal.transitions import change, held

DOCUMENT = "SEPA_MANDATE"


def begin(details, scheme, address, creditor, by, now, form_key=None):
    """A mandate to sign, on the bank details in force of a company; `creditor`: (ICS, name, address) of the mutual."""
    row = drafted(details, scheme, address, creditor, by, now, form_key)
    row.seal(details.unseal())
    row.save(force_insert=True)
    return row


def drafted(details, scheme, address, creditor, by, now, form_key=None):
    """The same, before its IBAN is sealed and the row is written."""
    identifier, name, where = creditor
    return SepaMandate(
        reference=f"RUM-{documents.draw_code()}",
        company=details.company_id,
        scheme=scheme,
        holder=details.holder[:70],
        address=address,
        bic=details.bic,
        bank=details.bank,
        creditor_identifier=identifier,
        creditor_name=name,
        creditor_address=where,
        author=by,
        created_at=now,
        form_key=form_key,
    )


def title(row):
    return f"Mandat de prélèvement SEPA, {row.company.label}"


def send_code(mandate, name, place, user, now):
    """Send a code to who signs, for this name and place; the seconds to wait when it is too early, 0 when it goes."""
    with db.atomic():
        wait = signing.send_code(
            mandate, Channel.EMAIL, user.identifier, user.first_name, now, "mandate_code", company=mandate.company.label
        )
        if not wait:
            said = {"typed_name": name, "place": place, "signer": user.id}
            SepaMandate.update(said).where(SepaMandate.id == mandate.id).execute()
    return wait


def sign(mandate, user, now):
    """The code was right: signed, once, in the place of the one before.

    Raises Outdated when it is no more to sign, or when the mutual confirmed another account of the company since.
    """
    with db.atomic():
        mandate.company.hold()  # who signs another of the same company at the same time waits
        row = mandate.hold()
        if row.state != MandateState.TO_SIGN or row.signer_id != user.id or not is_on_file(row):
            raise Outdated(row)
        for other in SepaMandate.of_company(row.company_id, MandateState.SIGNED):
            change(other, MandateState.REVOKED, revoked_at=now)
        change(row, MandateState.SIGNED, signed_at=now, code_hash="", code_to=None)
        row.document = documents.ask(
            "sepa_mandate",
            words(row),
            now,
            title=title(row),
            document_type=DOCUMENT,
            account=row.company.account_id,
        )
        row.save(only=[SepaMandate.document])
        tell_company(row.company, "mandate_signed", now, f"/cotisations/mandats/{row.public_id}", about=row)
    return row


def is_on_file(mandate):
    """Whether the account of a mandate is the one that the mutual has for the company."""
    there = BankDetails.of(mandate.company_id)
    return there is not None and there.unseal() == mandate.unseal()


def tell_company(company, template, now, link, about, **more):
    """Each of HR who sees the contributions of the whole company: what nobody there asked for never goes unnoticed."""
    words = {"kind": MessageKind.NOTICE, "about": about, "link": link, "company": company.label} | more
    readers = User.of_company(company, action=Action.MONEY)
    outbox.write_many([outbox.letter(user.identifier, template, now, user, **words) for user in readers])


def revoke(mandate, version, now):
    """No collection by it any more, or it is given up before it was signed; raises Outdated."""
    with db.atomic():
        row = held(mandate, version, mandate.state)
        if row.state == MandateState.REVOKED:
            raise Outdated(row)
        change(row, MandateState.REVOKED, revoked_at=now, code_hash="", code_to=None)
    return row


def end_on_another_account(company, iban, now):
    """The mandates of a company that would collect on another account than this one serve no more; they are told of."""
    with db.atomic():
        for row in SepaMandate.of_company(company, MandateState.SIGNED):
            if row.unseal() != iban:
                change(row, MandateState.REVOKED, revoked_at=now)
                tell_company(company, "mandate_ended", now, "/cotisations/mandats", about=row)


def off_file(mandates):
    """Ids of those that are on another account than the one on file, if there is one; the mandates may be of many."""
    details = BankDetails.select().where(
        BankDetails.company.in_({one.company_id for one in mandates}), BankDetails.in_force()
    )
    on_file = {one.company_id: one.unseal() for one in details}
    return {one.id for one in mandates if on_file.get(one.company_id, one.unseal()) != one.unseal()}


def words(row):
    """What the PDF says, as JSON takes it: the obligatory mentions (EPC016-06, EPC222-07), the IBAN whole."""
    return {
        "reference": row.reference,
        "is_b2b": row.scheme == rules.B2B,
        "scheme": rules.SCHEMES[row.scheme][0],
        "creditor": [
            ("Créancier", row.creditor_name),
            ("Adresse", row.creditor_address),
            ("Identifiant créancier SEPA (ICS)", row.creditor_identifier),
        ],
        "debtor": [
            ("Titulaire du compte", row.holder),
            ("Entreprise", f"{row.company.label}, SIRET {row.company.siret}"),
            ("Adresse", row.address),
            ("IBAN", iban_grouped(row.unseal())),
            ("BIC", row.bic),
            ("Banque", row.bank),
            ("Type de paiement", "Récurrent (répétitif)"),
        ],
        "creditor_name": row.creditor_name,
        "signature": {
            "name": row.typed_name,
            "at": datetime_fr(row.signed_at),
            "place": row.place,
            "how": f"un code envoyé à {row.signer.full_name} par courriel",
        },
        "signed_on": date_fr(clock.day_of(row.signed_at)),
    }

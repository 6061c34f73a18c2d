"""SEPA mandates of the demonstration, signed and to sign; one of each of some accounts."""

from portal import documents, mandates
from portal.demonstration.draw import days_ago, iban
from portal.models import BankDetails, Company, MandateState, User
from portal.rules.mandates import B2B, CORE

OTHERS = 12  # accounts besides
ADDRESS = "14 rue du Tomachon, 39200 Saint-Claude"


def make_mandates(draw, managed, creditor):
    """`creditor`: (ICS, name, address)."""
    ours, *others = managed[: OTHERS + 1]
    author = User.known("rh@demo.example")
    details = BankDetails.select().join(Company).where(Company.account == ours["id"], BankDetails.in_force()).first()
    sign(draw, drafted(draw, details, CORE, creditor, author, days_ago(150)), author, days_ago(149))
    drafted(draw, details, B2B, creditor, author, days_ago(2))
    manager = User.known("multi@demo.example")
    for account in others:
        company = Company.select().where(Company.account == account["id"]).order_by(Company.id).first()
        found = details_of(draw, company, iban(draw), days_ago(400))
        sign(draw, drafted(draw, found, CORE, creditor, manager, days_ago(300)), manager, days_ago(300))


def details_of(draw, company, iban, since):
    details = BankDetails(public_id=draw.uuid(), company=company, holder=company.label[:70], since=since)
    details.seal(iban)
    details.save(force_insert=True)
    return details


def drafted(draw, details, scheme, creditor, author, at):
    row = mandates.drafted(details, scheme, ADDRESS, creditor, author, at)
    row.public_id, row.reference = draw.uuid(), f"RUM-{draw.uuid().hex[:16].upper()}"
    row.seal(details.unseal())
    row.save(force_insert=True)
    return row


def sign(draw, row, user, at):
    """As `mandates.sign`, some time ago, and with ids that the seed gives."""
    row.state, row.signer, row.typed_name, row.place = MandateState.SIGNED, user, user.full_name, "Saint-Claude"
    row.signed_at, row.version = at, 2
    asked = documents.row_of(at, mandates.title(row), mandates.DOCUMENT, row.company.account_id, None, None)
    asked.public_id, asked.template = draw.uuid(), "sepa_mandate"
    asked.seal(mandates.words(row))
    row.document = documents.enter(asked)
    row.save()

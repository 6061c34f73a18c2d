"""What a hand-over tells of papers: supporting documents, what companies sent, their bank details; and the files."""

from collections.abc import Iterator

from portal.exchange import uploads
from portal.models import (
    BankDetails,
    Beneficiary,
    Company,
    DocumentRequest,
    HandOver,
    ManagedAccount,
    Sending,
    SentFile,
    StoredFile,
    SupportingDocument,
)
from portal.rules import proofs, sendings

FOLDER = "documents"
# The tables by name, their columns never change: the same delivery is the same when it is written again.
COLUMNS = {
    "documents.csv": (
        *("document", "received_at", "account_code", "member_number", "campaign", "document_type", "file"),
    ),
    "company-documents.csv": (
        *("document", "received_at", "accepted_at", "account_code", "company_code", "document_type"),
        *("siret", "issued_on", "file"),
    ),
    "bank-details.csv": (
        *("bank_details", "confirmed_at", "account_code", "company_code", "holder", "iban", "bic", "document"),
    ),
}


def told(delivery: HandOver) -> tuple[dict[str, list[tuple]], list[tuple[str, StoredFile]]]:
    """(the rows of each table in the order in which they came, the files that they name: path in the delivery, file)"""
    people, companies = supporting(delivery), sent(delivery)
    filled = (of_people(people), of_companies(companies), of_banks(delivery))
    tables = {name: list(rows) for name, rows in zip(COLUMNS, filled, strict=True)}
    return tables, [(path_of(paper), paper.file) for paper in (*people, *companies)]


def path_of(paper: SupportingDocument | SentFile) -> str:
    """Named by the document alone: a folder that is listed tells of nobody."""
    kinds = (kind for kind in uploads.KINDS.values() if kind.mime_type == paper.file.mime_type)
    return f"{FOLDER}/{paper.public_id}{next(kinds).extensions[0]}"


def supporting(delivery: HandOver) -> list[SupportingDocument]:
    """Supporting documents with their file and whose they are; none that was erased."""
    whole = (
        SupportingDocument.select(SupportingDocument, StoredFile, DocumentRequest, Beneficiary, ManagedAccount)
        .join(StoredFile)
        .switch(SupportingDocument)
        .join(DocumentRequest)
        .join(Beneficiary)
        .join(ManagedAccount)
    )
    held = SupportingDocument.hand_over == delivery, StoredFile.dropped_at.is_null()
    return list(whole.where(*held).order_by(SupportingDocument.id))


def of_people(documents: list[SupportingDocument]) -> Iterator[tuple]:
    for document in documents:
        asked, person = document.request, document.request.beneficiary
        whose = (person.account.code, person.member_number, asked.campaign)
        words = proofs.PROOFS[asked.document_type].label
        yield (document.public_id, instant(document.received_at), *whose, words, path_of(document))


def sent(delivery: HandOver) -> list[SentFile]:
    """The files that companies sent, with what they are of; none that was erased."""
    whole = SentFile.select(SentFile, StoredFile, Sending, ManagedAccount, Company).join(StoredFile).switch(SentFile)
    whole = whole.join(Sending).join(ManagedAccount).switch(Sending)
    whole = whole.left_outer_join(Company, on=(Sending.company == Company.id))
    held = Sending.hand_over == delivery, StoredFile.dropped_at.is_null()
    return list(whole.where(*held).order_by(SentFile.id))


def of_companies(pieces: list[SentFile]) -> Iterator[tuple]:
    """A line a file: that of a Kbis of two pages stands twice, under one document."""
    for piece in pieces:
        row = piece.sending
        moments = (instant(row.sent_at), instant(row.settled_at))
        whose = (row.account.code, row.company.code if row.company_id else "")
        kbis = (row.siret, row.issued_on.isoformat() if row.issued_on else "")
        words = row.document_name or sendings.TYPES[row.document_type].label
        yield (row.public_id, *moments, *whose, words, *kbis, path_of(piece))


def of_banks(delivery: HandOver) -> Iterator[tuple]:
    """Bank details that the mutual confirmed; the last line of a company is the one in force."""
    whole = BankDetails.select(BankDetails, Company, ManagedAccount, Sending).join(Company).join(ManagedAccount)
    whole = whole.switch(BankDetails).left_outer_join(Sending, on=(BankDetails.sending == Sending.id))
    for row in whole.where(BankDetails.hand_over == delivery).order_by(BankDetails.since, BankDetails.id):
        whose = (row.company.account.code, row.company.code)
        document = row.sending.public_id if row.sending_id else ""
        yield (row.public_id, instant(row.since), *whose, row.holder, row.unseal(), row.bic, document)


def instant(moment) -> str:
    return f"{moment.isoformat(timespec='seconds')}Z"

"""What the bank rejected: its `pain.002`, of any version, or a CSV of reference, day and reason."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from portal.formats import search_key
from portal.rules import Refused
from portal.rules.dates import french_date, iso_date
from portal.rules.rejects import CODE

HEADINGS = ("reference", "date", "motif")
MOST = 20_000
AMOUNT = re.compile(r"[0-9]{1,18}(\.[0-9]{1,5})?")
NOT_READ = "Ce fichier n’est ni un pain.002 de la banque, ni un CSV « reference;date;motif ». Vérifiez-le."


class Reject(NamedTuple):
    """One debit that was rejected; `line`: of the CSV, or the place of the transaction in the pain.002.

    `amount`: in cents, where the file says it.
    """

    line: int
    end_to_end: str
    on: date
    code: str
    amount: int | None = None


def read(content: bytes, today: date) -> list[Reject]:
    """The rejects of a file; Refused with a sentence for each fault, joined by a new line."""
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return list(of_report(content))
    rejects, faults = [], []
    for line, cells in lines_of(content):
        try:
            rejects.append(of_cells(line, cells, today))
        except Refused as refused:
            faults.append(f"Ligne {line} : {refused}")
    if faults:
        raise Refused("\n".join(faults[:100]))
    return rejects


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def lines_of(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells, blank lines left out; Refused when the heading is another."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")
    if "\0" in text:
        raise Refused(NOT_READ)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=";")
    try:
        heading = tuple(search_key(cell) for cell in next(rows, []))  # « Référence » too
        if heading[: len(HEADINGS)] != HEADINGS:
            raise Refused(NOT_READ)
        for number, cells in enumerate(rows, start=2):
            if number > MOST:
                raise Refused(f"Ce fichier a plus de {MOST} lignes. Chargez-le en plusieurs fois.")
            if any(cell.strip() for cell in cells):
                yield number, [cell.strip() for cell in cells]
    except csv.Error:
        raise Refused(NOT_READ) from None


def of_cells(line: int, cells: list[str], today: date) -> Reject:
    if len(cells) < len(HEADINGS):
        raise Refused("il manque une colonne. Écrivez la référence, la date et le motif.")
    reference, day, code = cells[0], cells[1], cells[2].upper()
    if not reference:
        raise Refused("la référence du prélèvement est obligatoire.")
    if not CODE.fullmatch(code):
        raise Refused("le motif est un code de la banque, ainsi : AM04.")
    on = iso_date(day) if day[4:5] == "-" else french_date(day, today)
    return Reject(line, reference, on, code)


# ── pain.002 ─────────────────────────────────────────────────────────────────────────────────────────────────────


def of_report(content: bytes) -> Iterator[Reject]:
    """Elements are known by their local names: the versions of the report differ in their namespace."""
    try:
        root = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        raise Refused(NOT_READ) from None
    report = child(root, "CstmrPmtStsRpt")
    if report is None:
        raise Refused(NOT_READ)
    group = child(report, "OrgnlGrpInfAndSts")
    if any(said(one, "PmtInfSts") == "RJCT" and child(one, "TxInfAndSts") is None for one in report):
        raise Refused("La banque a refusé un lot entier, sans dire quels prélèvements : voyez avec elle pourquoi.")
    transactions = [one for one in report.iter() if local(one) == "TxInfAndSts"]
    if group is not None and said(group, "GrpSts") == "RJCT" and not transactions:
        raise Refused("La banque a refusé le fichier entier, sans dire quels prélèvements : voyez avec elle pourquoi.")
    try:
        on = iso_date((said(child(report, "GrpHdr"), "CreDtTm") or "")[:10])
    except Refused:
        raise Refused("Ce pain.002 ne dit pas quand il a été fait. Demandez-le de nouveau à la banque.") from None
    for place, one in enumerate(transactions, start=1):
        if said(one, "TxSts") != "RJCT":
            continue
        code = next((text for name in ("Cd", "Prtry") if (text := found(one, "StsRsnInf", "Rsn", name))), "")
        name, amount = said(one, "OrgnlEndToEndId"), cents(found(one, "OrgnlTxRef", "Amt", "InstdAmt"))
        yield Reject(place, name, on, code if CODE.fullmatch(code) else "MS03", amount)


def cents(text: str) -> int | None:
    """« 123.45 », and up to five decimals (ISO 20022); None when it is not said."""
    return round(Decimal(text) * 100) if AMOUNT.fullmatch(text) else None


def local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def child(element: Any, name: str) -> Any:
    return next((one for one in element if local(one) == name), None) if element is not None else None


def said(element: Any, name: str) -> str:
    one = child(element, name)
    return (one.text or "").strip() if one is not None else ""


def found(element: Any, *names: str) -> str:
    """The text at the end of a path, "" when it stops on the way."""
    for name in names:
        element = child(element, name)
    return (element.text or "").strip() if element is not None else ""

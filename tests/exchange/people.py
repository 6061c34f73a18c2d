"""The rows of a pre-affiliation workbook, right by default, and the files that may hold them."""

import csv
import io
import zipfile
from datetime import date

import openpyxl

from portal.exchange.affiliation_cells import TITLES
from portal.exchange.affiliation_check import Context, KnownEmployee
from portal.exchange.affiliation_offers import Offer
from portal.rules.identifiers import nir_key

TODAY = date(2026, 11, 23)
OFFERS = [
    Offer(1, "SC-1", "AHL01", "ATELIERS", 11, "CAD", "Cadres", "CAD-PLUS", "Cadres Plus", date(2018, 1, 1), 20, 25),
    Offer(2, "SC-2", "AHL01", "ATELIERS", 12, "NCA", "Non-cadres", "ESS-BASE", "Essentielle", date(2018, 1, 1), 20, 25),
    Offer(3, "SC-3", "AHL01", "ATELIERS", 12, "NCA", "Non-cadres", "ESS-CONF", "Confort", date(2021, 1, 1), 20, 25),
    Offer(4, "SC-4", "PBM02", "PIPES", 13, "001", "Ensemble", "ESS-BASE", "Essentielle", date(2019, 4, 1), 20, 26),
]
IBAN = "FR7630006000011234567890189"
KNOWN = KnownEmployee(1, date(2020, 1, 1), street="rue Haute", postal_code="39200", city="Saint-Claude")


def context(**known):
    """`known`: employees who are not in the file, by matricule."""
    return Context(OFFERS, TODAY, lambda matricules: {one: known[one] for one in matricules if one in known})


def nir(thirteen):
    return thirteen + nir_key(thirteen)


def cells(**by_title):
    """The 30 cells of a row; the titles that are no Python names are given by those of SHORT."""
    given = {SHORT.get(name, name): value for name, value in by_title.items()}
    assert not given.keys() - set(TITLES), given.keys() - set(TITLES)
    return [given.get(title, "") for title in TITLES]


SHORT = {
    "used_name": "Nom d'usage",
    "birth": "Date de naissance",
    "nir": "N° S. Sociale",
    "scheme": "Type d'assuré",
    "company": "Code Entreprise",
    "college": "Code collège",
    "effective": "Date d'effet",
    "number": "N°",
    "postal_code": "Code Postal",
    "phone": "Tél fixe",
    "email": "E-mail",
    "iban": "IBAN prestation",
    "bic": "BIC prestation",
    "other": "Autre régime",
}


def employee(**others):
    return cells(
        **{
            "Type": "Salarié",
            "Matricule": "M1",
            "Civilité": "Mme",
            "Nom": "Orgebin",
            "Prénom": "Lucie",
            "birth": "10/09/1979",
            "Sexe": "F",
            "nir": nir("2790939966013"),
            "company": "AHL01",
            "college": "CAD",
            "Garantie": "CAD-PLUS",
            "effective": "15/12/2026",
            "Rue": "place du Neuf-Marché",
            "postal_code": "39200",
            "Ville": "Saint-Claude",
            "Pays": "France",
        }
        | others
    )


def spouse(**others):
    person = {"Type": "Conjoint", "Matricule": "M1", "Nom": "Clavelloux", "Prénom": "Mathieu", "birth": "01/09/1975"}
    return cells(**person | {"Sexe": "M", "Lien": "Conjoint"} | others)


def child(**others):
    person = {"Type": "Enfant", "Matricule": "M1", "Nom": "Clavelloux", "Prénom": "Jade", "birth": "19/11/2015"}
    return cells(**person | {"Sexe": "F", "Situation": "À charge"} | others)


def file(content):
    return io.BytesIO(content)


def xlsx(*rows, title="Salariés", other_sheets=()):
    """A workbook whose rows begin where they are: (row, column) of the first cell may be given by blanks."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for number, row in enumerate(rows, 1):
        for column, value in enumerate(row, 1):
            if value not in ("", None):
                sheet.cell(number, column, value)
    for name, others in other_sheets:
        other = book.create_sheet(name)
        for row in others:
            other.append(row)
    body = io.BytesIO()
    book.save(body)
    return body.getvalue()


def csv_text(*rows, separator=";"):
    body = io.StringIO()
    csv.writer(body, delimiter=separator, lineterminator="\r\n").writerows(rows)
    return body.getvalue()


def ods(*rows, repeated=1):
    """A workbook as LibreOffice writes it, by hand; each row `repeated` times."""
    lines = "".join(
        f'<table:table-row table:number-rows-repeated="{repeated}">'
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in row
        )
        + "</table:table-row>"
        for row in rows
    )
    names = "".join(f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ODS_NAMES)
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content{names}><office:body><office:spreadsheet>'
        f'<table:table table:name="Salariés">{lines}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": content,
            "META-INF/manifest.xml": "<manifest/>",
        }
    )


ODS_NAMES = ("office", "table", "text")


def zipped(members):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return body.getvalue()


def rezipped(content, drop=(), **changes):
    """The same workbook, some of its members changed, added or left out; names as in PARTS or as they are."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist() if name not in drop}
    return zipped(members | {PARTS.get(name, name): value for name, value in changes.items()})


PARTS = {"types": "[Content_Types].xml", "sheet": "xl/worksheets/sheet1.xml", "macros": "xl/vbaProject.bin"}

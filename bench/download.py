"""The download of 10,000 people as a workbook, beside a loop of openpyxl that writes the same cells."""

import tempfile
from io import BytesIO

from openpyxl import Workbook
from python_calamine import CalamineWorkbook

from app import create_app
from bench import apart
from bench.browser import signed_in_client
from bench.report import table, verdict

ROWS = 10_000
CPU, MEMORY = 1.5, 60
ADDRESS = "/salaries/telechargement?situation=tous"


def show(place):
    asked = apart.measured(download, place.settings)
    with tempfile.NamedTemporaryFile(suffix=".xlsx") as file:
        file.write(asked.gave)
        file.flush()
        bare = apart.measured(write_bare, file.name)
    heads = ("", "lignes", "octets", "CPU s", "CPU boucle nue s", "× CPU", "mémoire de plus, Mo", "boucle nue, Mo")
    grown, bare_grown = (use.peak - use.before for use in (asked, bare))
    ratio, memory = verdict(asked.cpu / bare.cpu, CPU), verdict(grown, MEMORY)
    row = ["Tableur .xlsx", bare.gave, len(asked.gave), asked.cpu, bare.cpu, ratio, memory, bare_grown]
    table(f"Téléchargement, {place.name}", heads, [row])


def download(settings):
    """What the portal answers to the button."""
    app = create_app(settings=settings)
    client, token = signed_in_client(app)
    client.post(f"{ADDRESS}&q=nobody", data={"csrf_token": token})  # what is imported at the first download
    yield
    answer = client.post(ADDRESS, data={"csrf_token": token, "format": "xlsx"})
    yield b"".join(answer.response)


def write_bare(path):
    """The same cells, straight to openpyxl; how many rows there are under the heading."""
    rows = [
        [None if cell == "" else cell for cell in row]
        for row in CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    ]
    yield
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows:
        sheet.append(row)
    book.save(BytesIO())
    yield len(rows) - 1

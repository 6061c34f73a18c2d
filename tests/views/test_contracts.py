"""« Liste des contrats »: found by number or company, and downloaded as it is filtered."""

import csv
import io

import openpyxl
import pytest

from portal.models import AuditEvent, Company, GroupContract
from tests.views.test_terminations import plain


@pytest.fixture
def numbers(hr):
    return [row.number for row in hr.contracts().order_by(GroupContract.number)]


def found(page, numbers):
    return [number for number in numbers if f">{number}</a>" in page]


def test_contracts_are_found_by_number_and_by_company(signed_in, hr, numbers):
    for typed in (numbers[1], numbers[1].lower()):
        page = signed_in.get("/contrats", query_string={"q": typed}).get_data(as_text=True)
        assert found(page, numbers) == numbers[1:2]
        assert "<strong>1\u00a0contrat</strong>" in page
    contract = hr.contracts().where(GroupContract.number == numbers[0]).get()
    Company.update(search_key="l eclair electricite").where(Company.id == contract.category.company_id).execute()
    page = signed_in.get("/contrats?q=Électricité").get_data(as_text=True)
    assert numbers[0] in found(page, numbers) and found(page, numbers) != numbers
    page = plain(signed_in.get("/contrats?q=introuvable"))
    assert "Aucun contrat ne correspond" in page and "0 contrat" in page


def test_a_number_of_social_security_does_not_stay_in_the_address(signed_in):
    answer = signed_in.get("/contrats?q=294063947803145")
    assert answer.status_code == 303 and "294063" not in answer.location


def test_what_is_filtered_is_downloaded_and_written_down(signed_in, numbers):
    answer = signed_in.post(f"/contrats/telechargement?q={numbers[1]}", data={"format": "csv"})
    rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff")), delimiter=";"))
    assert [row[0] for row in rows] == ["Contrat", numbers[1]]
    with signed_in.post("/contrats/telechargement") as answer:
        sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    assert [cell.value for cell in sheet["A"]] == ["Contrat", *numbers]
    assert [sheet.cell(2, column).is_date for column in (9, 10)] == [False, True]
    written = AuditEvent.select().where(AuditEvent.action == "contracts.export")
    assert [row.after["rows"] for row in written.order_by(AuditEvent.number)] == [1, len(numbers)]

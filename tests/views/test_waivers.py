"""« Dispenses »: the register, what narrows it, its file for an inspection, and what HR decides."""

import csv
import datetime
import io

import pytest

from portal import clock, proofs, storage, waivers
from portal.models import AuditEvent, DocumentRequest, Waiver, WaiverState
from tests import factories, files

REGISTER = "/dispenses"


@pytest.fixture
def college(hr):
    return hr.categories().first()


def text(client, path=REGISTER):
    return client.get(path).get_data(as_text=True)


def day(days):
    return clock.today() + datetime.timedelta(days=days)


def again(waiver):
    return Waiver.get_by_id(waiver.id)


def act(client, waiver, what, **boxes):
    return client.post(f"{REGISTER}/{waiver.public_id}/{what}", data={"version": waiver.version, **boxes})


def test_nobody_is_waived(signed_in):
    assert "Aucune dispense en cours" in text(signed_in)


def test_the_register_says_the_case_the_article_and_the_next_day(signed_in, college):
    factories.waiver(college, due_on=day(275))
    page = text(signed_in)
    for words in ("VUILLET Élodie", "Ayant droit d’une couverture collective", "CSS, art. D. 911-2, 3°", "attendue"):
        assert words in page


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", {"Vuillet", "Tissot", "Perrin"}),
        ("q=tisso", {"Tissot"}),
        ("cas=OP_CSS", {"Tissot"}),
        ("etat=demandee", {"Perrin"}),
        ("etat=terminee&tri=-echeance", {"Mouget"}),
        ("etat=toutes", {"Vuillet", "Tissot", "Perrin", "Mouget"}),
        ("a=renouveler", {"Vuillet", "Tissot"}),
        ("a=retard", {"Vuillet"}),
        ("a=piece", {"Vuillet", "Perrin"}),
        ("cas=nimporte&etat=quoi&a=rien", {"Vuillet", "Tissot", "Perrin"}),
    ],
)
def test_each_filter_narrows(signed_in, college, query, names):
    factories.waiver(college, review_due_on=day(-1))
    factories.waiver(college, "OP_CSS", "Tissot", valid_until=day(12), proved_on=day(-9))
    factories.waiver(college, "OP_DEPENDENT", "Perrin", state=WaiverState.REQUESTED)
    factories.waiver(college, "OP_DUE_BEFORE", "Mouget", state=WaiverState.ENDED, ended_on=day(-20))
    page = text(signed_in, f"{REGISTER}?{query}")
    assert {name for name in ("Vuillet", "Tissot", "Perrin", "Mouget") if f">{name.upper()} " in page} == names


def test_a_nir_does_not_stay_in_the_address(signed_in):
    answer = signed_in.get(REGISTER, query_string={"q": "2850375056083 15"})
    assert answer.status_code == 303
    assert "2850375" not in answer.location


def test_the_list_asks_as_much_for_twenty_as_for_two(signed_in, college, queries):
    for number in range(2):
        factories.waiver(college, last_name=f"Un{number}")
    text(signed_in)
    queries.clear()
    text(signed_in)
    few = len(queries)
    for number in range(18):
        factories.waiver(college, last_name=f"Deux{number}")
    queries.clear()
    text(signed_in)
    assert len(queries) == few


def test_the_file_for_an_inspection_holds_what_is_filtered_and_is_written_down(signed_in, college):
    factories.waiver(college)
    factories.waiver(college, "OP_CSS", "Tissot")
    answer = signed_in.post(f"{REGISTER}/telechargement?cas=OP_CSS", data={"format": "csv"})
    rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True).lstrip("\ufeff")), delimiter=";"))
    assert len(rows) == 2
    assert {"Tissot", "CSS, art. D. 911-2, 1°", "De droit", "En vigueur"} <= set(rows[1])
    assert AuditEvent.get(AuditEvent.action == "waivers.export").after["rows"] == 1
    with signed_in.post(f"{REGISTER}/telechargement") as workbook:
        assert workbook.data[:2] == b"PK"


def test_a_case_without_a_document_has_no_day_when_it_came(signed_in, college):
    """The row keeps the day of a document of another case, which was corrected since."""
    factories.waiver(college, "ACT_CDD_LT12", proved_on=day(-3), hired_on=day(-10), valid_until=day(60))
    answer = signed_in.post(f"{REGISTER}/telechargement", data={"format": "csv"})
    heads, row = csv.reader(io.StringIO(answer.get_data(as_text=True).lstrip("\ufeff")), delimiter=";")
    told = dict(zip(heads, row, strict=True))
    assert (told["Pièce"], told["Pièce reçue le"]) == ("", "")


def test_what_an_employee_asked_for_is_accepted_once(signed_in, college):
    waiver = factories.waiver(college, state=WaiverState.REQUESTED, review_due_on=None)
    assert "Accepter la dispense" in text(signed_in, f"{REGISTER}/{waiver.public_id}")
    assert act(signed_in, waiver, "accord").status_code == 303
    assert again(waiver).state == WaiverState.IN_FORCE
    act(signed_in, waiver, "accord")
    assert "a changé entre-temps" in text(signed_in)
    assert AuditEvent.select().where(AuditEvent.action == "waiver.accept").count() == 1


def test_hr_sees_that_the_proof_came_by_the_link_before_deciding(signed_in, college):
    """The employee sent it by their link: « attendue » would have HR ask for it again."""
    waiver = factories.waiver(college, state=WaiverState.REQUESTED, signed_name="Élodie Vuillet")
    waivers.await_proof(waiver, waiver.effect_on.year, clock.now())
    asked = DocumentRequest.get()
    assert "attendue" in text(signed_in) and "Ajouter la pièce" in text(signed_in, f"{REGISTER}/{waiver.public_id}")
    file = storage.file_away(io.BytesIO(files.pdf()), "a.pdf", "application/pdf", account=None)
    proofs.receive(asked, [file], None, clock.now())
    page = text(signed_in, f"{REGISTER}/{waiver.public_id}")
    assert "la mutuelle l’examine" in page and f"/justificatifs/{asked.public_id}" in page
    assert "Ajouter la pièce" not in page
    assert "reçue, à l’examen" in text(signed_in) and "attendue" not in text(signed_in)


def test_a_refusal_says_why(signed_in, college):
    waiver = factories.waiver(college, state=WaiverState.REQUESTED)
    wrong = act(signed_in, waiver, "refus")
    assert wrong.status_code == 422
    assert "Indiquez pourquoi" in wrong.get_data(as_text=True)
    act(signed_in, waiver, "refus", refus="La pièce est celle d’un contrat individuel.")
    assert again(waiver).state == WaiverState.REFUSED
    assert "La pièce est celle" in text(signed_in, f"{REGISTER}/{waiver.public_id}")


def test_a_yearly_waiver_is_renewed_for_a_year(signed_in, college):
    waiver = factories.waiver(college, effect_on=day(-360))
    before = waiver.review_due_on
    assert act(signed_in, waiver, "renouvellement").status_code == 303
    assert again(waiver).review_due_on.year == before.year + 1


def test_another_is_renewed_until_a_later_day_only(signed_in, college):
    waiver = factories.waiver(college, "OP_CSS", valid_until=day(20))
    assert act(signed_in, waiver, "renouvellement", jusqu=f"{day(10):%d/%m/%Y}").status_code == 422
    assert act(signed_in, waiver, "renouvellement", jusqu="").status_code == 422
    assert act(signed_in, waiver, "renouvellement", jusqu=f"{day(200):%d/%m/%Y}").status_code == 303
    assert again(waiver).valid_until == day(200)


def test_one_that_does_not_last_is_not_renewed(signed_in, college):
    waiver = factories.waiver(college, "OP_INDIVIDUAL", valid_until=day(20))
    assert "Renouveler la dispense" not in text(signed_in, f"{REGISTER}/{waiver.public_id}")
    assert act(signed_in, waiver, "renouvellement", jusqu=f"{day(200):%d/%m/%Y}").status_code == 422


def test_it_ends_on_a_day_that_hr_says(signed_in, college):
    waiver = factories.waiver(college)
    for wrong in ("", "31/02/2026", f"{day(-200):%d/%m/%Y}", f"{day(2000):%d/%m/%Y}"):
        assert act(signed_in, waiver, "fin", fin=wrong, motif="x").status_code == 422
    assert act(signed_in, waiver, "fin", fin=f"{day(-1):%d/%m/%Y}", motif="Divorce").status_code == 303
    assert (again(waiver).state, again(waiver).ended_on, again(waiver).remark) == ("ENDED", day(-1), "Divorce")

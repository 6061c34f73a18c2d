"""« Mouvements »: one list with its filters, its order, its pages, its download, and « Reprendre »."""

import datetime
import io

import openpyxl
import pytest

from portal import clock
from portal.models import AuditEvent, Beneficiary, GroupContract, Movement, MovementKind, MovementState
from tests import factories
from tests.views.test_terminations import fr, plain

DAY = datetime.timedelta(days=1)


@pytest.fixture
def moved(hr):
    """Three people, each with a movement of their own."""
    contracts = list(hr.contracts().order_by(GroupContract.id))
    Beneficiary.delete().execute()
    zoe, leo, anne = (factories.beneficiary(contracts[0], name, first) for name, first in NAMES)
    now = clock.now()
    zoe.modify(MovementKind.CONTACT, {"email": "zoe@exemple.fr"}, clock.today(), hr, now - 40 * DAY, 1)
    Beneficiary.terminate([(leo, clock.today(), "RESIGNATION")], hr, now - DAY)
    Beneficiary.move_to([anne], contracts[1], clock.today() + 9 * DAY, hr, now)
    Movement.update(state=MovementState.HANDED_OVER).where(Movement.kind == MovementKind.TERMINATION).execute()
    return zoe, leo, anne


NAMES = (("Barbaud", "Zoé"), ("Écuyer", "Léo"), ("O’Neill", "Anne"))


def labels(answer):
    text = plain(answer)
    return [first for _, first in NAMES if f" {first} " in text.partition("Liste des")[2] or f" {first} " in text]


def test_the_latest_come_first_with_what_they_change(signed_in, moved):
    text = plain(signed_in.get("/mouvements"))
    places = [text.index(name) for name in ("Anne O’NEILL", "Léo ÉCUYER", "Zoé BARBAUD")]
    assert places == sorted(places)
    for words in ("Changement de collège", "Cadres", "Fin de la couverture", "Démission", "Transmise", "à venir"):
        assert words in text
    assert "E-mail : zoe@exemple.fr" in text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=zoe", ["Zoé"]),
        ("q=ecuyer leo", ["Léo"]),
        ("nature=radiation", ["Léo"]),
        ("etat=enregistree", ["Zoé", "Anne"]),
        ("etat=transmise&nature=contact", []),
        ("du={week}", ["Léo", "Anne"]),
        ("au={week}", ["Zoé"]),
        ("du=31/02/2026&nature=x&etat=y&tri=z&page=99", ["Zoé", "Léo", "Anne"]),
    ],
)
def test_the_address_narrows_the_list(signed_in, moved, query, found):
    answer = signed_in.get(f"/mouvements?{query.format(week=fr(clock.today() - 7 * DAY))}")
    assert answer.status_code == 200
    assert labels(answer) == found


@pytest.mark.parametrize("column", ["date", "personne", "nature", "effet", "etat"])
def test_every_column_sorts_both_ways(signed_in, moved, column):
    up, down = (plain(signed_in.get(f"/mouvements?tri={way}{column}")) for way in ("", "-"))
    assert up != down


def test_an_empty_list_says_what_it_is_for(signed_in, hr):
    assert "s’affichent ici" in plain(signed_in.get("/mouvements"))
    assert "Aucun mouvement ne correspond" in plain(signed_in.get("/mouvements?q=personne"))


def test_a_nir_does_not_stay_in_the_address(signed_in, hr):
    assert signed_in.get("/mouvements?q=2 94 06 39 478 031 45").location == "/mouvements"


def test_another_company_s_movements_are_not_listed(signed_in, moved):
    other = factories.hr_user()
    person = other.beneficiaries().first()
    person.modify(MovementKind.CONTACT, {"email": "x@exemple.fr"}, clock.today(), other, clock.now(), 1)
    assert "x@exemple.fr" not in plain(signed_in.get("/mouvements"))
    assert "x@exemple.fr" not in signed_in.post("/mouvements/telechargement", {"format": "csv"}).get_data(as_text=True)


def test_the_list_asks_few_queries(signed_in, moved, queries):
    queries.clear()
    signed_in.get("/mouvements")
    assert len(queries) <= 5, queries


def test_a_download_is_what_is_filtered_and_is_written_down(signed_in, moved):
    text = signed_in.post("/mouvements/telechargement?q=zoe", {"format": "csv"}).get_data().decode("utf-8-sig")
    assert len(text.strip().split("\r\n")) == 2
    assert "zoe@exemple.fr" in text
    with signed_in.post("/mouvements/telechargement", {"format": "xlsx"}) as answer:
        sheet = openpyxl.load_workbook(io.BytesIO(answer.get_data())).active
    assert [cell.value for cell in sheet[1]][:4] == ["Demandé le", "Par", "Num Adhérent", "Personne"]
    assert sheet.max_row == 4
    assert isinstance(sheet["A2"].value, datetime.datetime)
    assert AuditEvent.select().where(AuditEvent.action == "movements.export").count() == 2


def test_one_comes_back_to_the_list_after_taking_back(signed_in, moved):
    movement = Movement.get(Movement.kind == MovementKind.CONTACT)
    answer = signed_in.post(f"/mouvements/{movement.public_id}/reprise", {"vers": "/mouvements?etat=enregistree"})
    assert answer.location == "/mouvements?etat=enregistree"
    elsewhere = signed_in.post(f"/mouvements/{movement.public_id}/reprise", {"vers": "//ailleurs.example"})
    assert elsewhere.location == "/"


def test_the_name_of_someone_whose_row_is_gone_is_still_found(signed_in, moved):
    Movement.update(beneficiary=None).where(Movement.kind == MovementKind.CONTACT).execute()
    assert labels(signed_in.get("/mouvements?q=barbaud")) == ["Zoé"]

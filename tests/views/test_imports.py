"""The report of a file: counts that filter, cells mended in the page, right rows confirmed, the others given back."""

import io
import re

import pytest

from portal import tasks
from portal.exchange import affiliation_file, staging
from portal.exchange.affiliation_cells import NAMES, TITLES
from portal.models import AuditEvent, Beneficiary, ImportRow, ImportState, Movement
from tests.exchange.test_affiliations import child, confirmed, newcomers, nir, read, sent, words
from tests.views.test_terminations import plain

NIR_NAME = NAMES[TITLES.index("N° S. Sociale")]


@pytest.fixture
def contract(hr):
    return hr.contracts().first()


@pytest.fixture
def mixed(hr, contract):
    """One right row, one wrong with a child who waits for it, one repaired, one doubtful."""
    short = words(contract, 2, **{"N° S. Sociale": nir(2)[:-1]})
    repaired = words(contract, 3, **{"Code Postal": "1000", "Ville": "Bourg-en-Bresse"})
    doubtful = words(contract, 4, **{"Autre régime": "Oui"})
    return read(hr, words(contract), short, child(contract, 2), repaired, doubtful)


def here(source, rest=""):
    return f"/affiliations/fichiers/{source.public_id}{rest}"


def row_of(source, line):
    return ImportRow.get(ImportRow.source == source, ImportRow.line == line)


def form_of(client, source, line):
    """What the browser would send of a row that is open."""
    page = client.get(here(source, f"?ligne={line}")).get_data(as_text=True)
    typed = dict(zip(NAMES, staging.cells_of(source, row_of(source, line)), strict=True))
    return typed | {"vue": re.search(r'name="vue"[^>]*value="([0-9a-f]+)"', page)[1]}


def mend(client, source, line, **changes):
    return client.post(here(source, f"/lignes/{line}"), form_of(client, source, line) | changes)


# ── The report ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_row_is_told_with_its_number_and_its_sentences(signed_in, mixed):
    text = plain(signed_in.get(here(mixed)))
    assert "Le n° de sécurité sociale a 14 chiffres : il en faut 15" in text
    assert "Corrigez d’abord la ligne 3, celle du salarié." in text
    assert "Zéro en tête rétabli : 01000." in text
    assert "Une dispense d’affiliation est peut-être possible." in text
    assert "Rien n’a encore été transmis à la mutuelle." in text
    assert "Affilier les 3 lignes prêtes" in text
    assert "Sans les avertissements (2)" in text


def test_no_whole_number_is_shown_on_the_report(signed_in, mixed):
    assert nir(2)[:-1] not in signed_in.get(here(mixed)).get_data(as_text=True)


@pytest.mark.parametrize(
    ("word", "lines"),
    [("creer", [2, 5]), ("erreur", [3, 4]), ("avertissement", [6]), ("modifier", []), ("bizarre", [2, 3, 4, 5, 6])],
)
def test_counts_filter(signed_in, mixed, word, lines):
    page = signed_in.fragment(here(mixed, f"?etat={word}&tri=ligne")).get_data(as_text=True)
    assert [int(line) for line in re.findall(r'<tr role="row" id="ligne-(\d+)"', page)] == lines


def test_what_is_urgent_comes_first(signed_in, mixed):
    page = signed_in.get(here(mixed, "?tri=urgence")).get_data(as_text=True)
    assert [int(line) for line in re.findall(r'<tr role="row" id="ligne-(\d+)"', page)] == [3, 4, 6, 2, 5]


def test_the_report_asks_few_queries(signed_in, hr, contract, queries):
    source = read(hr, *(words(contract, number) for number in range(1, 41)))
    signed_in.get(here(source))
    queries.clear()
    signed_in.get(here(source, "?lignes=100"))
    assert len(queries) <= 14


def test_a_file_that_is_read_shows_how_far_it_is_and_asks_again_by_itself(signed_in, hr, contract):
    source = sent(hr, words(contract))
    source.progress(30, 120, source.created_at)
    page = signed_in.get(here(source)).get_data(as_text=True)
    assert 'value="25"' in page
    assert 'hx-trigger="every 1s, click"' in page
    region = signed_in.fragment(here(source, "/avancement")).get_data(as_text=True)
    assert region.lstrip().startswith("<section")
    assert "30 lignes sur 120" in plain(signed_in.fragment(here(source, "/avancement")))
    source.move(ImportState.WAITING)
    tasks.import_next()
    over = signed_in.fragment(here(source, "/avancement"))
    assert over.headers["HX-Redirect"].partition("?")[0] == here(source)
    assert signed_in.get(here(source, "/avancement")).status_code in (302, 303)


def test_a_file_that_cannot_be_read_offers_the_template(signed_in, hr, contract):
    source = read(hr, data=b"Produit;Prix\nVis;1\n")
    text = plain(signed_in.get(here(source)))
    assert "ne suit pas le modèle" in text
    assert "Télécharger le modèle" in text


def test_the_same_file_is_recognised(signed_in, hr, contract):
    read(hr, words(contract))
    text = plain(signed_in.get(here(read(hr, words(contract)))))
    assert "Ce même fichier a déjà été envoyé" in text
    assert "Rien ne sera affilié deux fois" in text


# ── Mending ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_cell_is_mended_and_the_household_with_it(signed_in, mixed):
    answer = mend(signed_in, mixed, 3, **{NIR_NAME: nir(2)})
    assert answer.status_code == 303
    assert answer.location.endswith("#ligne-3")
    assert [row_of(mixed, line).verdict for line in (3, 4)] == ["CREATE", "CREATE"]
    assert "Ligne 3 : à créer." in plain(signed_in.get(answer.location.partition("#")[0]))
    event = AuditEvent.get(AuditEvent.action == "import.mend")
    assert event.after == {"line": 3, "verdict": "CREATE"}


def test_what_is_still_wrong_is_said_in_its_box_and_stays(signed_in, mixed):
    answer = mend(signed_in, mixed, 3, **{NIR_NAME: "1 80 01 39 478"})
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert re.search(rf'name="{NIR_NAME}"[^>]*value="180\s?', page.replace("1 80 01 39 478", "1800139478"))
    assert row_of(mixed, 3).verdict == "ERROR"


def test_somebody_else_mended_the_row_meanwhile(signed_in, hr, mixed):
    mine = form_of(signed_in, mixed, 3)
    staging.mend(mixed, 3, [mine[name] if name != "ville" else "Lons-le-Saunier" for name in NAMES], hr)
    answer = signed_in.post(here(mixed, "/lignes/3"), mine | {NIR_NAME: nir(2)})
    assert answer.status_code == 409
    text = plain(answer)
    assert "Cette ligne a changé pendant votre saisie." in text
    assert "Ville : Lons-le-Saunier" in text
    again = dict(re.findall(r'name="(vue)"[^>]*value="([0-9a-f]+)"', answer.get_data(as_text=True)))
    assert signed_in.post(here(mixed, "/lignes/3"), mine | {NIR_NAME: nir(2)} | again).status_code == 303
    assert row_of(mixed, 3).verdict == "CREATE"


def test_a_row_that_is_not_there_is_not_mended(signed_in, mixed):
    assert signed_in.post(here(mixed, "/lignes/99"), {}).status_code == 404


def test_a_row_that_is_affiliated_is_not_mended(signed_in, mixed):
    typed = form_of(signed_in, mixed, 2)
    confirmed(mixed)
    answer = signed_in.post(here(mixed, "/lignes/2"), typed | {"nom": "Autre"})
    assert answer.status_code == 303
    assert "ne se corrige plus" in plain(signed_in.get(answer.location))
    assert not Beneficiary.select().where(Beneficiary.birth_name == "Autre").exists()


# ── Confirming ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_right_rows_go_while_the_others_wait(signed_in, hr, mixed):
    answer = signed_in.post(here(mixed, "/confirmation"), {"avertissements": "1"})
    assert answer.status_code == 303
    assert "Affiliation en cours" in plain(signed_in.get(answer.location))
    tasks.import_next()
    text = plain(signed_in.get(answer.location))
    assert "3 lignes sont enregistrées." in text
    assert "Affiliée" in text
    assert len(newcomers()) == 3
    event = AuditEvent.get(AuditEvent.action == "import.confirm")
    assert event.after == {"rows": 3, "with_warnings": True}


def test_doubtful_rows_may_wait(signed_in, mixed):
    signed_in.post(here(mixed, "/confirmation"), {"avertissements": "0"})
    tasks.import_next()
    assert len(newcomers()) == 2
    assert row_of(mixed, 6).confirmed_at is None


def test_confirmed_twice_is_affiliated_once(signed_in, mixed):
    for _ in range(2):
        signed_in.post(here(mixed, "/confirmation"), {"avertissements": "1"})
    while tasks.import_next():
        pass
    signed_in.post(here(mixed, "/confirmation"), {"avertissements": "1"})
    while tasks.import_next():
        pass
    assert (len(newcomers()), Movement.select().count()) == (3, 3)
    assert AuditEvent.select().where(AuditEvent.action == "import.confirm").count() == 1


def test_rejected_rows_go_out_and_come_back_mended(signed_in, hr, mixed):
    signed_in.post(here(mixed, "/confirmation"), {"avertissements": "1"})
    tasks.import_next()
    with signed_in.post(here(mixed, "/rejets")) as answer:
        assert answer.mimetype.endswith("spreadsheetml.sheet")
        sheet = affiliation_file.read(io.BytesIO(answer.data))
    rows = [dict(zip(TITLES, map(str, cells), strict=True)) for _, cells in sheet.rows]
    assert [row["Prénom"] for row in rows] == ["Paul", "Léa"]
    rows[0]["N° S. Sociale"] = nir(2)
    again = confirmed(read(hr, *rows))
    assert again.state == ImportState.DONE
    assert len(newcomers()) == 5
    event = AuditEvent.get(AuditEvent.action == "import.export")
    assert event.after == {"rows": 2}


def test_nothing_is_ready_and_nothing_is_wrong_are_said(signed_in, hr, contract):
    wrong, right = read(hr, words(contract, Nom="")), read(hr, words(contract))
    answer = signed_in.post(here(wrong, "/confirmation"), {"avertissements": "1"})
    assert "Aucune ligne n’est prête" in plain(signed_in.get(answer.location))
    answer = signed_in.post(here(right, "/rejets"))
    assert "Plus aucune ligne n’est en erreur" in plain(signed_in.get(answer.location))


def test_a_dropped_file_forgets_what_was_not_affiliated(signed_in, hr, mixed):
    signed_in.post(here(mixed, "/confirmation"), {"avertissements": "1"})
    tasks.import_next()
    answer = signed_in.post(here(mixed, "/abandon"))
    assert "2 lignes oubliées" in plain(signed_in.get(answer.location))
    assert mixed.rows.count() == 3
    answer = signed_in.post(here(mixed, "/abandon"))
    assert "ne peut pas être abandonné" in plain(signed_in.get(answer.location))

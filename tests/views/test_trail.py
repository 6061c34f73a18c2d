"""« Journal », « Données consultées » and « Chiffres » at the mutual."""

import datetime
import io
import re
from pathlib import Path

import openpyxl
import pytest

from portal import clock
from portal.commands import audit_commands
from portal.models import AuditEvent, Beneficiary, Document, GroupContract, MessageThread, Movement, UserRole
from portal.views import actions
from tests import factories
from tests.views.test_terminations import plain

MOST = 10
PORTAL = Path(__file__).parents[2] / "portal"
TODAY = f"{clock.today():%d/%m/%Y}"


@pytest.fixture
def staff(client, database):
    client.sign_in(factories.user(role=UserRole.STAFF, first_name="Odile", last_name="Perrin"))
    return client


@pytest.fixture
def person(hr):
    return factories.beneficiary(GroupContract.select().order_by(GroupContract.id).first(), "Vuillermoz", "Zoé")


def write(action, by=None, on=None, address="192.0.2.7", **more):
    return AuditEvent.write(action, on=on, by=by, origin=(address, "r1"), **more)


def numbers(answer):
    return [int(number) for number in re.findall(r'href="/gestion/journal/(\d+)"', answer.get_data(as_text=True))]


# ── The search ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_box_narrows_the_trail(staff, hr, person):
    revealed = write("nir.reveal", hr, person, account=person.account_id)
    exported = write("movements.export", hr, account=person.account_id, address="198.51.100.9")
    old = write("password.change", hr, hr, now=clock.now() - datetime.timedelta(days=40))
    soon = f"{clock.today() - datetime.timedelta(days=30):%d/%m/%Y}"
    for query, expected in (
        (f"qui={hr.identifier}", {revealed, exported, old}),
        ("qui=monneret&quoi=nir.reveal", {revealed}),
        ("quoi=telechargements", {exported}),
        (f"objet={person.member_number}", {revealed}),
        (f"objet={person.account.code}", {revealed, exported}),
        (f"qui={hr.identifier}&au={soon}", {old}),
        (f"qui={hr.identifier}&du={TODAY}&au={TODAY}", {revealed, exported}),
        ("reseau=198.51.100.9", {exported}),
    ):
        assert set(numbers(staff.get(f"/gestion/journal?{query}"))) == {one.number for one in expected}, query


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("qui=inconnu", "Personne ne s’appelle"),
        ("objet=inconnu", "ni un n° d’adhérent"),
        ("du=31/02/2026", "février"),
        ("reseau=203.0.113.1", "Aucun événement ne correspond"),
    ],
)
def test_what_cannot_be_found_says_so(staff, query, words):
    answer = staff.get(f"/gestion/journal?{query}")
    assert words in plain(answer)
    assert numbers(answer) == []


def test_an_unknown_action_narrows_nothing(staff, hr):
    write("nir.reveal", hr)
    assert len(numbers(staff.get("/gestion/journal?quoi=x"))) == AuditEvent.select().count()


def test_the_latest_come_first_and_older_ones_follow_by_number(staff, hr):
    made = [write("nir.search", hr).number for _ in range(25)]
    first = staff.get("/gestion/journal?quoi=nir.search&lignes=10")
    assert numbers(first) == made[:-11:-1]
    assert f"avant={made[15]}" in first.get_data(as_text=True)
    assert numbers(staff.get(f"/gestion/journal?quoi=nir.search&lignes=10&avant={made[15]}")) == made[14:4:-1]
    assert "Plus anciens" not in plain(staff.get(f"/gestion/journal?quoi=nir.search&lignes=10&avant={made[9]}"))


def test_an_event_is_shown_whole_without_what_is_secret(staff, hr, person):
    event = write("grant.change", hr, person, before={"actions": 3, "code": "AB12"}, after={"to": "", "ok": True})
    text = plain(staff.get(f"/gestion/journal/{event.number}"))
    for words in ("Habilitation changée", "Sylvie MONNERET", "Zoé VUILLERMOZ", "masqué", "oui", event.hash):
        assert words in text
    assert "AB12" not in text
    assert staff.get("/gestion/journal/999999").status_code == 404


def test_the_page_says_when_the_chain_was_verified(app, staff):
    assert "n’a pas encore été vérifiée" in plain(staff.get("/gestion/journal"))
    result = app.test_cli_runner().invoke(audit_commands, ["verify"])
    assert result.exit_code == 0, result.output
    assert "Chaîne vérifiée de bout en bout" in plain(staff.get("/gestion/journal"))


def test_every_action_that_the_portal_writes_has_words():
    written = set()
    for module in PORTAL.rglob("*.py"):
        written |= set(re.findall(r'(?:audit|AuditEvent\.write|note)\(\s*(?:found, )?"([a-z_.]+)"', module.read_text()))
    assert len(written) > 80
    assert written - actions.WORDS.keys() == set()


@pytest.mark.parametrize("file_format", ["xlsx", "csv"])
def test_what_is_found_is_downloaded_and_that_is_written_down(staff, hr, file_format):
    for _ in range(3):
        write("nir.search", hr, after={"found": []})
    with staff.post("/gestion/journal/telechargement?quoi=nir.search", {"format": file_format}) as answer:
        assert answer.status_code == 200
        content = answer.get_data()
    if file_format == "csv":
        assert content.decode("utf-8-sig").count("Recherche par n° de sécurité sociale") == 3
    else:
        assert openpyxl.load_workbook(io.BytesIO(content)).active.max_row == 4
    event = AuditEvent.select().where(AuditEvent.action == "trail.export").get()
    assert event.after == {"rows": 3, "format": file_format, "filter": {"quoi": "nir.search"}}


def test_nothing_is_downloaded_of_filters_that_are_wrong(staff):
    assert staff.post("/gestion/journal/telechargement?qui=inconnu").status_code == 303
    assert not AuditEvent.select().where(AuditEvent.action == "trail.export").exists()


def test_a_nir_never_stays_in_the_address(staff):
    assert staff.get("/gestion/journal?objet=294063947803145").status_code == 303


def test_pages_ask_little_however_much_there_is(staff, hr, person, queries):
    for _ in range(2):
        for address in (
            f"/gestion/journal?qui={hr.identifier}&objet={person.member_number}",
            f"/gestion/journal/donnees-consultees?qui={hr.identifier}",
            "/gestion/chiffres",
        ):
            queries.clear()
            assert staff.get(address).status_code == 200
            assert len(queries) <= MOST, (address, queries)
        for _ in range(12):
            write("nir.reveal", hr, person, account=person.account_id)


# ── Whose data somebody saw ──────────────────────────────────────────────────────────────────────────────────────


def test_everyone_whose_data_was_seen_is_listed_once(staff, hr, person):
    others = list(Beneficiary.select().where(Beneficiary.id != person.id).order_by(Beneficiary.id).limit(3))
    write("nir.reveal", hr, person)
    write("nir.reveal", hr, person)
    write("nir.search", hr, after={"found": [str(others[0].public_id)]})
    document = Document.create(
        account=person.account, beneficiary=others[1], title="x", document_type="x", published_on=clock.today()
    )
    write("document.download", hr, document)
    moved = Movement.create(category=others[2].category, beneficiary=others[2], kind="NAME")
    write("movement.take_back", hr, moved)
    answer = staff.get(f"/gestion/journal/donnees-consultees?qui={hr.identifier}&du={TODAY}&au={TODAY}")
    text = plain(answer)
    assert "4 personnes" in text.replace("\u00a0", " ").replace("\u202f", " ")
    for one in (person, *others):
        assert one.member_number in text


def test_what_was_seen_before_or_after_is_left_out(staff, hr, person):
    write("nir.reveal", hr, person, now=clock.now() - datetime.timedelta(days=10))
    answer = staff.get(f"/gestion/journal/donnees-consultees?qui={hr.identifier}&du={TODAY}")
    assert person.member_number not in plain(answer)
    assert "n’a consulté les données de personne" in plain(answer)


def test_nobody_is_asked_for_without_one_person(staff, hr):
    factories.user(first_name="Sylvie", last_name="Monneret")
    assert "Qui a consulté" in plain(staff.get("/gestion/journal/donnees-consultees"))
    assert "Ce nom désigne 2 personnes" in plain(staff.get("/gestion/journal/donnees-consultees?qui=monneret"))
    assert staff.post("/gestion/journal/donnees-consultees/telechargement?qui=monneret").status_code == 303


def test_who_was_seen_is_downloaded(staff, hr, person):
    write("nir.reveal", hr, person)
    path = f"/gestion/journal/donnees-consultees/telechargement?qui={hr.identifier}"
    with staff.post(path, {"format": "xlsx"}) as answer:
        rows = list(openpyxl.load_workbook(io.BytesIO(answer.get_data())).active.values)
    assert rows[1][:3] == (person.member_number, person.full_name, 1)


# ── The figures ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_figures_of_nothing_say_so(staff):
    assert plain(staff.get("/gestion/chiffres")).count("Rien encore sur ces 24 mois") == 5


@pytest.mark.parametrize(("largest", "top"), [(0, 4), (5, 8), (9, 20), (81, 100), (8_100, 10_000), (10_001, 20_000)])
def test_a_scale_ends_a_little_above_its_largest_figure(app, largest, top):
    macros = app.jinja_env.get_template("macros/charts.html").module
    assert int(macros.ceiling([("juin", [largest, None])])) == top


def test_figures_are_drawn_and_told(staff, hr, person):
    Movement.create(category=person.category, beneficiary=person, kind="NAME")
    thread = factories.thread(hr)
    MessageThread.update(rating=4, rated_at=clock.now()).where(MessageThread.id == thread.id).execute()
    text = staff.get("/gestion/chiffres").get_data(as_text=True)
    assert text.count("<polyline") == 3 + 3 + 1  # nothing was answered yet
    drawn = text[text.index("Satisfaction, sur 5, mois") :].partition("</svg>")[0]
    assert re.findall(r'text-anchor="end">([^<]+)<', drawn) == ["0", "1", "2", "3", "4", "5"]  # no rating passes 5
    with staff.post("/gestion/chiffres/telechargement") as answer:
        rows = list(openpyxl.load_workbook(io.BytesIO(answer.get_data())).active.values)
    assert len(rows) == 25
    assert rows[-1][1] == 1
    assert AuditEvent.select().where(AuditEvent.action == "figures.export").count() == 1


@pytest.mark.parametrize("done", ["begin", "close", "download", "pass", "reopen", "take"])
def test_what_is_done_to_a_complaint_too_is_not_told_of_a_request_alone(done):
    assert "réclamation" in actions.words(f"thread.{done}")

"""Files of the management system from the desk: kept once, loaded whole or not at all; and the hand-overs."""

import datetime
import io
import json
import zipfile

import pytest
from peewee import OperationalError

from portal import clock, loads, storage
from portal.exchange import hand_over, management_system
from portal.folder import Unavailable
from portal.models import (
    AuditEvent,
    FileLoad,
    HandOver,
    LoadState,
    ManagedAccount,
    Movement,
    MovementKind,
    MovementState,
    OutboxMessage,
    StoredFile,
    UserRole,
    database,
    db,
)
from portal.views.staff import hand_overs
from tests import factories

PATH = "/gestion/chargements"
HEADING = "account_code;name;first_name;description;contact;phone;email\n"
GOOD = (HEADING + "C900;Laiterie du Haut;;;;;\nC901;Scierie Morel;;;;;\n").encode()
WRONG = (HEADING + "C900;Laiterie du Haut;;;;;\n;Sans code;;;;;\n").encode()


@pytest.fixture
def staff(client):
    client.sign_in(factories.user(UserRole.STAFF))
    return client


def give(client, content=GOOD, name="comptes.csv", kind="accounts", **more):
    return client.post(PATH, {"nature": kind, "fichier": (io.BytesIO(content), name), **more})


def work(app):
    return loads.load_next(app.settings, clock.now())


def test_a_file_is_loaded_by_the_worker_and_its_counts_stay(app, staff):
    where = give(staff).location
    assert "En attente de chargement" in staff.get(where).get_data(as_text=True)
    before = AuditEvent.select().where(AuditEvent.action == "load").count()
    assert work(app) == 1
    page = staff.get(where).get_data(as_text=True)
    assert "Tout le fichier est chargé" in page
    load = FileLoad.get()
    assert (load.state, load.created, load.updated, load.unchanged) == (LoadState.DONE, 2, 0, 0)
    assert ManagedAccount.select().where(ManagedAccount.code.in_(("C900", "C901"))).count() == 2
    assert AuditEvent.select().where(AuditEvent.action == "load").count() == before + 1
    assert work(app) == 0


def test_the_file_is_gone_once_it_is_loaded_and_its_sender_is_told(app, staff):
    give(staff)
    file = FileLoad.get().file
    messages = OutboxMessage.select().count()
    work(app)
    assert StoredFile.get_by_id(file.id).dropped_at is not None
    assert FileLoad.get().file_id is None
    assert OutboxMessage.select().count() == messages + 1


def test_a_wrong_file_writes_nothing_and_says_where(app, staff):
    where = give(staff, WRONG).location
    work(app)
    page = staff.get(where).get_data(as_text=True)
    assert "Rien n’a été écrit" in page
    assert "Ligne 3" in page
    assert not ManagedAccount.select().where(ManagedAccount.code == "C900").exists()


@pytest.mark.parametrize(
    ("content", "name", "kind", "said"),
    [
        (b"", "comptes.csv", "accounts", "vide"),
        (GOOD, "comptes.pdf", "accounts", "format n’est pas accepté"),
        (GOOD, "comptes.csv", "unknown", "Choisissez la nature du fichier"),
        (GOOD, "", "accounts", "Choisissez le fichier"),
    ],
)
def test_what_cannot_be_a_file_is_refused_at_its_field(staff, content, name, kind, said):
    answer = give(staff, content, name, kind)
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)
    assert not FileLoad.select().exists()


def test_a_heavy_file_is_refused_with_its_limit(staff, monkeypatch):
    monkeypatch.setattr(storage, "MOST_OF_TABLE", len(GOOD) - 1)
    answer = give(staff)
    assert answer.status_code == 422
    assert "trop lourd" in answer.get_data(as_text=True)


def test_the_same_form_sent_twice_keeps_one_file(staff):
    key = "9b2f6f0e-3a86-4a55-9d1e-1f3f8a7e2c11"
    first, second = give(staff, form_key=key), give(staff, form_key=key)
    assert first.location == second.location
    assert FileLoad.select().count() == 1


def test_the_same_file_twice_changes_nothing_the_second_time(app, staff):
    for _ in range(2):
        give(staff)
        work(app)
    last = FileLoad.select().order_by(FileLoad.id.desc()).first()
    assert (last.created, last.updated, last.unchanged) == (0, 0, 2)
    assert "Rien n’a changé" in staff.get(f"{PATH}/{last.public_id}").get_data(as_text=True)


def test_a_worker_that_died_leaves_its_file_to_another_and_three_times_is_enough(app, staff):
    where = give(staff).location
    later = clock.now()
    for _ in range(FileLoad.MOST_ATTEMPTS):
        assert FileLoad.take(later)
        assert FileLoad.take(later) is None
        later += FileLoad.LEASE + datetime.timedelta(seconds=1)
    assert loads.load_next(app.settings, later) == 1
    assert FileLoad.get().state == LoadState.FAILED
    assert "trois fois" in staff.get(where).get_data(as_text=True)


def test_a_fault_at_the_end_undoes_all_and_the_next_try_does_it(app, staff, monkeypatch):
    """What a kill would leave: the load and its outcome are one transaction."""
    give(staff)

    def die(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(FileLoad, "end", die)
        with pytest.raises(KeyboardInterrupt):
            work(app)
    assert not ManagedAccount.select().where(ManagedAccount.code == "C900").exists()
    assert FileLoad.get().state == LoadState.WAITING
    assert loads.load_next(app.settings, clock.now() + FileLoad.LEASE * 2) == 1
    assert FileLoad.get().created == 2


def test_a_file_waits_for_the_one_before_it(app, staff):
    """A contract leans on its company: what is tried again in a minute is not passed by."""
    give(staff)
    give(staff, kind="companies", name="entreprises.csv")
    first = FileLoad.take(clock.now())
    first.give_back(clock.now() + loads.REST, first.attempts - 1)
    assert work(app) == 0
    assert loads.load_next(app.settings, clock.now() + loads.REST * 2) == 1
    assert [row.state for row in FileLoad.select().order_by(FileLoad.id)] == [LoadState.DONE, LoadState.WAITING]


def test_what_a_kill_left_is_swept_and_nothing_else(app, staff):
    instance = app.settings.instance
    (instance / "chargement-abc").mkdir()
    (instance / "chargement-abc" / "comptes.csv").write_bytes(GOOD)
    (instance / "chargement-def").write_text("40")
    kept = {path.name for path in instance.iterdir()} - {"chargement-abc", "chargement-def"}
    loads.sweep(app.settings)
    assert {path.name for path in instance.iterdir()} == kept


def test_a_worker_whose_lease_was_over_writes_nothing(app, staff, monkeypatch):
    """Another one took the load meanwhile: what the first wrote is undone, and what it says is not heard."""
    give(staff)
    real = management_system.load

    def overtaken(*given, within, **more):
        assert FileLoad.take(clock.now() + FileLoad.LEASE * 2)
        return real(*given, within=within, **more)

    with monkeypatch.context() as patched:
        patched.setattr(management_system, "load", overtaken)
        assert work(app) == 1
    assert FileLoad.get().state == LoadState.WAITING
    assert not ManagedAccount.select().where(ManagedAccount.code == "C900").exists()
    assert loads.load_next(app.settings, clock.now() + FileLoad.LEASE * 4) == 1
    assert FileLoad.get().created == 2


def test_a_database_that_is_away_fails_no_load(app, staff, monkeypatch):
    give(staff)

    def away(*_, **__):
        raise OperationalError("gone")

    with monkeypatch.context() as patched:
        patched.setattr("portal.exchange.loading.fill", away)
        with pytest.raises(OperationalError):
            work(app)
    assert FileLoad.get().state == LoadState.WAITING
    assert loads.load_next(app.settings, clock.now() + FileLoad.LEASE * 2) == 1
    assert FileLoad.get().state == LoadState.DONE


def test_a_store_that_is_away_costs_no_attempt(app, staff, monkeypatch):
    give(staff)

    def away(*_):
        raise Unavailable("ENOENT")
        yield

    with monkeypatch.context() as patched:
        patched.setattr(storage, "pieces", away)
        assert work(app) == 0
    assert FileLoad.get().attempts == 0
    assert loads.load_next(app.settings, clock.now() + loads.REST * 2) == 1


def test_a_fault_of_ours_is_logged_as_a_place_and_tried_again(app, staff, monkeypatch, caplog):
    give(staff)

    def fail(*_, **__):
        raise RuntimeError("Laiterie du Haut")

    with monkeypatch.context() as patched:
        patched.setattr(management_system, "load", fail)
        assert work(app) == 1
    assert "RuntimeError" in caplog.text
    assert "Laiterie" not in caplog.text
    assert FileLoad.get().attempts == 1
    assert loads.load_next(app.settings, clock.now() + loads.REST * 2) == 1
    assert FileLoad.get().state == LoadState.DONE


def test_how_far_it_is_can_be_seen_meanwhile(app, staff, monkeypatch):
    where, seen = give(staff).location, []
    monkeypatch.setattr(loads, "TOLD_EVERY", 0)
    monkeypatch.setattr("portal.exchange.loading.CHUNK", 1)
    real = loads.Meter.update

    def look(meter, rows):
        real(meter, rows)
        load = FileLoad.get_by_id(meter.load.id) if database.is_sqlite(db) else elsewhere(meter.load.id)
        seen.append(loads.percent(load, app.settings))

    monkeypatch.setattr(loads.Meter, "update", look)
    work(app)
    assert seen == [33, 66]
    assert not list(app.settings.instance.glob("chargement-*"))
    assert staff.get(f"{where}/avancement").status_code == 303


def elsewhere(id):
    """The row as another connection sees it."""
    from concurrent.futures import ThreadPoolExecutor

    def read():
        with db.connection_context():
            return FileLoad.get_by_id(id)

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(read).result()


def test_the_region_asks_again_only_while_the_worker_is_at_it(app, staff):
    where = give(staff).location
    assert "every 1s" in staff.fragment(f"{where}/avancement").get_data(as_text=True)
    work(app)
    assert staff.fragment(f"{where}/avancement").headers["HX-Redirect"] == where


def test_only_the_desk_sees_loads_and_hand_overs(signed_in):
    for path in (PATH, "/gestion/transmissions"):
        assert signed_in.get(path).status_code == 403
    assert give(signed_in).status_code == 403
    assert signed_in.post("/gestion/transmissions").status_code == 403


def test_every_kind_of_file_is_offered(staff):
    page = staff.get(PATH).get_data(as_text=True)
    assert all(f'value="{kind}"' in page for kind in management_system.KINDS)


# ── Hand-overs ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def moved(hr):
    """A movement that waits."""
    person = factories.beneficiary(hr.contracts().first())
    return person.modify(MovementKind.CONTACT, {"phone": "+33199001001"}, clock.today(), hr, clock.now(), 1)[0]


def test_what_waits_is_taken_once_and_comes_as_the_command_writes_it(staff, moved, tmp_path):
    assert staff.post("/gestion/transmissions").status_code == 303
    assert Movement.get_by_id(moved.id).state == MovementState.HANDED_OVER
    staff.post("/gestion/transmissions")
    assert HandOver.select().count() == 1
    number = HandOver.get().number
    with staff.post(f"/gestion/transmissions/{number}/fichier") as answer:
        got = zipfile.ZipFile(io.BytesIO(answer.data))
    _, where, rows = hand_over.again(number, tmp_path)
    written = {
        f"{where.name}/{file.relative_to(where)}": file.read_bytes() for file in where.rglob("*") if file.is_file()
    }
    assert {name: got.read(name) for name in got.namelist()} == written
    manifest = json.loads(got.read(f"{where.name}/manifest.json"))
    assert sum(file["rows"] for file in manifest["files"].values()) == rows == 1
    assert AuditEvent.select().where(AuditEvent.action == "hand_over.download").count() == 1


def test_transmissions_are_counted_all_at_once(staff, hr, moved, queries):
    staff.post("/gestion/transmissions")
    another = factories.beneficiary(hr.contracts().first())
    another.modify(MovementKind.CONTACT, {"phone": "+33199001002"}, clock.today(), hr, clock.now(), 1)
    staff.get("/gestion/transmissions")
    queries.clear()
    text = staff.get("/gestion/transmissions").get_data(as_text=True)
    assert len(queries) <= 6, queries
    assert "<dt>Mouvements</dt><dd>1</dd>" in text
    assert 'data-label="Mouvements" class="ui-num">1</td>' in text
    assert 'data-label="RIB" class="ui-num">0</td>' in text


def test_it_is_delivered_when_the_last_byte_went_out_and_its_day_stays(staff, moved):
    staff.post("/gestion/transmissions")
    assert HandOver.get().written_at is None
    for _ in range(2):
        with staff.post(f"/gestion/transmissions/{HandOver.get().number}/fichier") as answer:
            assert answer.data
        at = HandOver.get().written_at
        assert at is not None
    assert HandOver.get().written_at == at
    assert "À télécharger" not in staff.get("/gestion/transmissions").get_data(as_text=True)


def test_a_delivery_that_was_cut_short_is_not_delivered(staff, moved):
    staff.post("/gestion/transmissions")
    with staff.post(f"/gestion/transmissions/{HandOver.get().number}/fichier", buffered=False) as answer:
        next(answer.iter_encoded())
    assert HandOver.get().written_at is None


def test_it_is_not_delivered_as_long_as_the_end_of_the_zip_is_not_read(staff, moved):
    staff.post("/gestion/transmissions")
    whole = list(hand_overs.delivered(HandOver.get()))
    assert HandOver.get().written_at is not None
    HandOver.update(written_at=None).execute()
    rest = hand_overs.delivered(HandOver.get())
    for _ in whole:
        next(rest)  # each was handed over, and nobody asked for what comes after the last
    assert HandOver.get().written_at is None
    assert zipfile.ZipFile(io.BytesIO(b"".join(whole))).testzip() is None


def test_nothing_waits(staff):
    answer = staff.post("/gestion/transmissions", follow_redirects=True)
    assert "Rien n’attend" in answer.get_data(as_text=True)
    assert staff.post("/gestion/transmissions/7/fichier").status_code == 404


def test_the_list_asks_no_more_for_many(staff, hr, queries):
    def asked():
        queries.clear()
        staff.get("/gestion/transmissions")
        return len(queries)

    HandOver.create(number=1, created_at=clock.now())
    few = asked()
    for number in range(2, 20):
        HandOver.create(number=number, created_at=clock.now())
    assert asked() == few


# ── Confirmed by who gives it ────────────────────────────────────────────────────────────────────────────────────


def test_eleven_minutes_after_the_sign_in_a_file_waits_for_the_password_and_is_not_lost(app, staff, at):
    at(minutes=11)
    where = give(staff).location
    load = FileLoad.get()
    assert load.state == LoadState.TO_CONFIRM and work(app) == 0
    assert "rien n’en est encore chargé" in staff.get(where).get_data(as_text=True)
    assert "À confirmer" in staff.get(PATH).get_data(as_text=True)
    asked = staff.post(f"{where}/confirmation")
    assert asked.status_code == 403 and "Confirmez que c’est bien vous" in asked.get_data(as_text=True)
    assert FileLoad.get().state == LoadState.TO_CONFIRM
    assert staff.post(f"{where}/confirmation", {"preuve_mot_de_passe": "pas le bon"}).status_code == 422
    answer = staff.post(f"{where}/confirmation", {"preuve_mot_de_passe": factories.PASSWORD})
    assert answer.status_code == 303 and FileLoad.get().state == LoadState.WAITING
    staff.post(f"{where}/confirmation")
    assert AuditEvent.select().where(AuditEvent.action == "load.confirm").count() == 1
    assert work(app) == 1 and FileLoad.get().state == LoadState.DONE


def test_a_file_that_waits_is_abandoned_once_with_its_file_and_never_loaded(app, staff, at):
    at(minutes=11)
    where = give(staff).location
    file = FileLoad.get().file
    assert "est abandonné" in staff.post(f"{where}/abandon", follow_redirects=True).get_data(as_text=True)
    assert StoredFile.get_by_id(file.id).dropped_at is not None
    page = staff.get(where).get_data(as_text=True)
    assert "Fichier abandonné" in page and "Charger ce fichier" not in page
    again = staff.post(f"{where}/abandon", follow_redirects=True).get_data(as_text=True)
    late = staff.post(f"{where}/confirmation", {"preuve_mot_de_passe": factories.PASSWORD}, follow_redirects=True)
    assert all("n’attendait plus" in text for text in (again, late.get_data(as_text=True)))
    assert work(app) == 0 and FileLoad.get().state == LoadState.ABANDONED
    assert AuditEvent.select().where(AuditEvent.action == "load.abandon").count() == 1
    assert "Abandonné" in staff.get(PATH).get_data(as_text=True)


def test_what_the_worker_has_is_not_abandoned(app, staff):
    where = give(staff).location
    assert "n’attendait plus" in staff.post(f"{where}/abandon", follow_redirects=True).get_data(as_text=True)
    assert work(app) == 1 and FileLoad.get().state == LoadState.DONE


def test_what_nobody_confirms_is_gone_after_a_day_and_its_file_too(app, staff, at):
    at(minutes=11)
    give(staff)
    file = FileLoad.get().file
    now = clock.now()
    assert FileLoad.forget_unconfirmed(now + datetime.timedelta(hours=23)) == 0
    assert FileLoad.forget_unconfirmed(now + datetime.timedelta(hours=25)) == 1
    assert not FileLoad.select().exists() and StoredFile.get_by_id(file.id).dropped_at is not None
    give(staff)
    FileLoad.get().confirm()
    assert FileLoad.forget_unconfirmed(clock.now() + datetime.timedelta(days=9)) == 0

"""What looks like an attack is told once a burst: in the trail, on the desk, in the log, and by e-mail."""

import dataclasses
import datetime
import shutil
import uuid

import pytest
from peewee import OperationalError

from portal import alarms, clock, outbox, tasks
from portal.models import AuditEvent, OutboxMessage, UserRole, db
from portal.views import actions
from tests import factories
from tests.views.test_terminations import plain

HOUR = datetime.timedelta(hours=1)
NOBODY = "00000000-0000-4000-8000-000000000000"


def told(kind=None):
    wanted = [alarms.ACTIONS[kind]] if kind else list(alarms.ACTIONS.values())
    return list(AuditEvent.select().where(AuditEvent.action.in_(wanted)).order_by(AuditEvent.number))


def letters():
    """(to whom, what) of the e-mails about security."""
    sent = [message for message in OutboxMessage.select() if message.subject == "Alerte de sécurité"]
    return [(message.unseal()["to"], message.unseal()["text"]) for message in sent]


def refuse(client, user, times, address="192.0.2.7"):
    for _ in range(times):
        typed = {"identifiant": getattr(user, "identifier", user), "mot_de_passe": "ce n’est pas celui-là"}
        client.post("/connexion", typed, environ_overrides={"REMOTE_ADDR": address})


@pytest.fixture
def patient(monkeypatch):
    """Nobody is slowed down: what comes in an hour comes in a second."""
    monkeypatch.setattr("portal.models.Throttle.wait", classmethod(lambda *_: 0))
    monkeypatch.setattr("portal.models.Throttle.allow", counted_but_for_codes())


def counted_but_for_codes():
    from portal.models import Throttle

    allow = Throttle.allow.__func__
    return classmethod(lambda cls, key, *rest: 0 if key.startswith("code-") else allow(cls, key, *rest))


def test_passwords_guessed_of_one_account_are_told_once(client, hr, patient, caplog):
    refuse(client, hr, 10)
    assert not told() and not letters()
    refuse(client, hr, 8)
    (event,) = told(alarms.GUESSED)
    assert (event.user_id, event.address, event.after) == (hr.id, "192.0.2.7", {"more_than": 10})
    ((to, words),) = letters()
    assert to == "dpo@mutuelle-haut-jura.example" and "pour un même accès" in words
    for name in (hr.identifier, hr.first_name, hr.last_name, "192.0.2.7"):
        assert name not in words
    assert [one.message for one in caplog.records if one.name == "portal.alarms"] == [
        f"alert: sign_in, more than 10 in an hour, user {hr.id}"
    ]


def test_who_answers_for_security_is_who_the_settings_say(app, client, hr, patient):
    app.settings = dataclasses.replace(app.settings, security_email="rssi@mutuelle.example")
    refuse(client, hr, 11)
    assert [to for to, _ in letters()] == ["rssi@mutuelle.example"]


def test_many_accounts_make_an_event_each_and_one_letter(app, database):
    now = clock.now()
    for user in [factories.user() for _ in range(5)]:
        for _ in range(12):
            alarms.note(alarms.CODES, user, ("192.0.2.7", ""), app.settings, now)
    assert len(told(alarms.CODES)) == 5 and len(letters()) == 1


def test_passwords_tried_on_many_accounts_from_one_address_and_from_many_are_told(app, client, database, patient):
    refuse(client, "personne@example.com", 26)
    (event,) = told()
    assert (event.action, event.user_id, event.user_role) == ("alert.sign_in_address", None, "visitor")
    for place in range(180):
        alarms.of_event("session.refused", None, (f"198.51.100.{place}", ""), app.settings, clock.now())
    assert [event.action for event in told()] == ["alert.sign_in_address", "alert.sign_in_portal"]
    assert len(letters()) == 2


def test_wrong_codes_after_the_right_password_are_told(client, hr, patient):
    factories.second_factor(hr)
    client.sign_in(hr)
    for _ in range(11):
        client.post("/connexion/code", {"code": "000000"})
    (event,) = told()
    assert (event.action, event.user_id) == ("alert.codes", hr.id)


def test_who_asks_for_what_is_not_theirs_is_told_and_who_mistypes_is_not(signed_in, hr):
    for _ in range(30):
        assert signed_in.get(f"/salaries/{uuid.uuid4()}").status_code == 404
    assert signed_in.get("/nulle-part").status_code == 404 and not told()
    assert signed_in.get("/gestion").status_code == 403
    (event,) = told()
    assert (event.action, event.user_id) == ("alert.refusals", hr.id)
    for _ in range(40):
        signed_in.get(f"/salaries/{uuid.uuid4()}")
    assert len(told()) == 1 and len(letters()) == 1


def test_a_page_that_asks_by_itself_for_what_has_gone_is_no_attack(app, signed_in):
    polled = next(
        rule
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], "polled", False) and rule.arguments
    )
    with app.test_request_context():
        address = app.url_for(polled.endpoint, **dict.fromkeys(polled.arguments, NOBODY) | {"room": "demandes"})
    codes = {signed_in.get(address).status_code for _ in range(35)}
    assert codes == {404} and not told()


def test_links_and_codes_of_documents_that_are_tried_are_told(client, database, patient):
    tokens = [f"{'x' * 41}{place:02}" for place in range(4)]
    places = {"/calendrier/{}.ics": 404, "/salarie/{}": 404, "/mot-de-passe/{}": 410, "/inscription/lien/{}": 410}
    for place, code in places.items():
        assert {client.get(place.format(token)).status_code for token in tokens} == {code}, place
    for _ in range(4):
        assert client.post("/verification", {"code": "ABCD-EFGH-JKMN-PQRS"}).status_code == 200
    assert not told(), "twenty of them"
    client.get(f"/salarie/{'y' * 43}")
    (event,) = told()
    assert (event.action, event.user_id, event.user_role) == ("alert.links", None, "visitor")


def test_the_day_after_it_is_another_burst(app, hr):
    now = clock.now()
    for later in (now, now + datetime.timedelta(minutes=59), now + datetime.timedelta(hours=25)):
        for _ in range(31):
            alarms.note(alarms.REFUSALS, hr, ("192.0.2.7", ""), app.settings, later)
    assert len(told(alarms.REFUSALS)) == 2 and len(letters()) == 2


def test_the_desk_shows_them_and_leads_to_the_family_of_the_trail(app, client, hr):
    for _ in range(31):
        alarms.note(alarms.REFUSALS, hr, ("192.0.2.7", ""), app.settings, clock.now())
    client.sign_in(factories.user(role=UserRole.STAFF))
    answer = client.get("/gestion")
    assert "Alertes À regarder" in plain(answer) and "/gestion/journal?quoi=alertes" in answer.get_data(as_text=True)
    shown = plain(client.get("/gestion/journal?quoi=alertes"))
    assert "Pages refusées ou inconnues, à la suite, à un accès" in shown
    assert set(alarms.ACTIONS.values()) < set(actions.FAMILIES[actions.KEYS["alertes"]])


def test_the_letter_leads_to_the_trail_of_its_kind(app, client, hr):
    for _ in range(31):
        alarms.note(alarms.REFUSALS, hr, ("192.0.2.7", ""), app.settings, clock.now())
    ((_, words),) = letters()
    link = next(word for word in words.split() if "/gestion/journal" in word)
    client.sign_in(factories.user(role=UserRole.STAFF))
    shown = client.get(link.removeprefix(app.settings.public_url)).get_data(as_text=True)
    assert shown.count("Pages refusées ou inconnues, à la suite, à un accès") >= 2, "in the list and in the filter"


def test_a_refusal_waits_for_no_writer(signed_in, monkeypatch, caplog):
    def locked(*_):
        raise OperationalError("database is locked")

    monkeypatch.setattr(alarms.Throttle, "take", locked)
    assert signed_in.get(f"/salaries/{uuid.uuid4()}").status_code == 404
    assert "a refusal was not counted (refusals)" in caplog.text


def test_one_refusal_is_one_statement(app, hr, queries):
    queries.clear()
    alarms.note(alarms.REFUSALS, hr, ("192.0.2.7", ""), app.settings, clock.now())
    assert len([sql for sql in queries if not sql.startswith("PRAGMA")]) == 1


# ── The machine ──────────────────────────────────────────────────────────────────────────────────────────────────


def full(free):
    usage = shutil.disk_usage("/")
    return lambda _: usage._replace(total=1_000, used=1_000 - free, free=free)


def test_a_disk_that_fills_is_told_once_a_day(app, database, monkeypatch):
    now = clock.now()
    monkeypatch.setattr(shutil, "disk_usage", full(151))
    alarms.watch_disks(app.settings, now)
    assert not told()
    monkeypatch.setattr(shutil, "disk_usage", full(149))
    for hours in range(24):
        alarms.watch_disks(app.settings, now + hours * HOUR)
    (event,) = told()
    assert (event.action, event.user_role) == ("alert.disk", "worker")
    ((_, words),) = letters()
    assert "moins de 15 % de place" in words
    alarms.watch_disks(app.settings, now + 24 * HOUR + HOUR)
    assert len(told()) == 2


def test_each_place_is_looked_at_for_itself_or_where_it_will_be(app, database, monkeypatch, tmp_path):
    """The files may be on a disk of their own."""
    looked, room = [], full(500)(None)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: looked.append(folder) or room)
    (tmp_path / "mes fichiers").mkdir()
    urls = {"storage_url": f"file://{tmp_path}/mes%20fichiers", "database_url": f"sqlite:///{tmp_path}/later/portal.db"}
    alarms.watch_disks(dataclasses.replace(app.settings, **urls), clock.now())
    assert {tmp_path / "mes fichiers", tmp_path} <= set(looked)


def test_the_worker_looks_at_the_disks_each_hour(app, database, monkeypatch):
    looked, now = [], clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    monkeypatch.setattr(alarms, "watch_disks", lambda settings, at: looked.append(at))
    watched = type("Watched", (), {"look": lambda self: app.settings})()
    look = tasks.looking(watched)
    for minutes in (0, 1, 59, 61, 90):
        monkeypatch.setattr(clock, "now", lambda minutes=minutes: now + datetime.timedelta(minutes=minutes))
        look()
    assert [(at - now).total_seconds() // 60 for at in looked] == [0, 61]


def test_the_folders_that_are_watched_are_those_that_the_portal_writes_to(app, tmp_path):
    chosen = dataclasses.replace(
        app.settings,
        instance=tmp_path,
        storage_url="file:///srv/files/store",
        database_url="sqlite:////srv/base/portal.db",
        audit_heads_dir="/mnt/heads",
    )
    assert {str(folder) for folder in alarms.folders(chosen)} == {
        str(tmp_path),
        "/srv/files/store",
        "/srv/base",
        "/mnt/heads",
    }
    elsewhere = dataclasses.replace(
        chosen, storage_url="s3://bucket/x", database_url="postgresql://x@db/portal", audit_heads_dir=""
    )
    assert alarms.folders(elsewhere) == {tmp_path}


def test_every_alarm_has_words_and_no_text_names_anybody(app, database):
    assert set(alarms.OF_EVENT) <= set(actions.WORDS)
    assert {alarms.GUESSED, alarms.GUESSING, alarms.SPRAYED, alarms.CODES, alarms.REFUSALS, alarms.LINKS} == set(
        alarms.BURSTS
    )
    for kind, burst in alarms.BURSTS.items():
        with db.atomic():
            alarms.write(kind, burst.words, "/gestion/journal", app.settings, clock.now())
    assert outbox.send_due(app.settings, clock.now()) == len(alarms.BURSTS)

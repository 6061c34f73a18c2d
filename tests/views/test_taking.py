"""What one account may take in an hour is bounded, across workers; the mutual is told of who reaches the bound."""

import dataclasses
import datetime
import threading

import pytest
from peewee import OperationalError

from portal import clock, taking
from portal.models import AuditEvent, Beneficiary, Throttle, User, UserRole, db
from portal.settings import Settings
from tests import factories
from tests.views.test_terminations import plain

NIR = "294063947803145"
HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def few(app):
    """A portal of small bounds."""
    small = {"rows_per_hour": 10, "people_per_hour": 60, "reveals_per_hour": 2, "files_per_hour": 2}
    app.settings = dataclasses.replace(app.settings, **small)
    return app.settings


def export(client):
    answer = client.post("/salaries/telechargement", data={"format": "csv"})
    text = answer.get_data(as_text=True) if answer.status_code == 200 else ""
    return answer, max(0, len(text.splitlines()) - 1)


def stopped():
    return AuditEvent.select().where(AuditEvent.action == taking.STOPPED)


def test_a_bot_takes_no_more_than_the_bound_in_an_hour(app, signed_in, hr, few):
    app.settings = few = dataclasses.replace(few, rows_per_hour=30)
    for number in range(3):
        factories.beneficiary(hr.contracts().first(), "Perrodin", f"Prénom{number}")
    here = hr.beneficiaries().count()
    taken = 0
    for _ in range(40):
        answer, rows = export(signed_in)
        taken += rows
    shown = sum(25 for _ in range(40) if signed_in.get("/salaries").status_code == 200)
    assert answer.status_code == 429
    assert (taken, shown) == (30 // here * here, 60 // 25 * 25) and taken
    later = clock.now() + HOUR + datetime.timedelta(minutes=1)
    assert taking.take(hr, taking.ROWS, here, few, later) == 0, "an hour later it goes on"


def test_what_one_stolen_account_takes_in_an_hour_at_the_default_bounds(database, hr, figure):
    """The figure of docs/threats.md: exports as large as they go, and pages of 100 people, as fast as answers come."""
    now, settings = clock.now(), Settings.__dataclass_fields__
    bounds = type(
        "Bounds",
        (),
        {name: settings[kind.setting].default for kind in taking.KINDS.values() for name in [kind.setting]},
    )
    taken = dict.fromkeys(taking.KINDS, 0)
    for kind, at_once in (
        (taking.ROWS, 25_000),
        (taking.ROWS, 10),
        (taking.PEOPLE, 100),
        (taking.REVEALS, 1),
        (taking.FILES, 1),
    ):
        for second in range(6_000):
            if taking.take(hr, kind, at_once, bounds, now + datetime.timedelta(seconds=second / 2)):
                break
            taken[kind] += at_once
    assert taken == {"rows": 60_000, "people": 30_000, "reveals": 120, "files": 300}
    for kind, count in taken.items():
        figure("RAT-4", count, f"{kind} in an hour", at_most=True)


def test_who_is_stopped_is_told_when_to_go_on_and_the_mutual_is_told_once(client, hr, few, caplog):
    client.sign_in(hr)
    person = hr.beneficiaries().first()
    person.seal("nir", NIR)
    person.save()
    address = f"/salaries/{person.public_id}/nir"
    assert [client.post(address).status_code for _ in range(4)] == [200, 200, 429, 429]
    answer = client.post(address)
    page = plain(answer)
    assert NIR not in page and "Reprenez dans" in page and "numéros affichés" in page
    assert few.support_phone.replace(" ", "") in page.replace("\u00a0", "").replace(" ", "")
    assert 3_500 < int(answer.headers["Retry-After"]) <= 3_601
    (event,) = stopped()
    assert (event.user_id, event.after, event.object_id) == (hr.id, {"kind": "reveals"}, str(hr.public_id))
    assert AuditEvent.select().where(AuditEvent.action == "nir.reveal").count() == 2
    assert [record.message for record in caplog.records if record.name == "portal.taking"] == [
        f"extraction: user {hr.id} reached its limit of reveals an hour"
    ]
    client.post("/deconnexion")
    client.sign_in(factories.user(role=UserRole.STAFF))
    assert "Alertes À regarder" in plain(client.get("/gestion"))


def test_a_refusal_in_a_transaction_tells_the_mutual_all_the_same(signed_in, hr, few):
    for _ in range(20):
        answer, _ = export(signed_in)
    assert answer.status_code == 429 and stopped().count() == 1
    assert not list(AuditEvent.faults())


def test_what_is_too_large_is_not_counted_and_another_account_is_free(database, hr, few):
    now = clock.now()
    assert taking.take(hr, taking.ROWS, 8, few, now) == 0
    assert taking.take(hr, taking.ROWS, 3, few, now) > 0 and taking.take(hr, taking.ROWS, 11, few, now) > 0
    assert taking.take(hr, taking.ROWS, 2, few, now) == 0
    assert taking.take(factories.user(), taking.ROWS, 10, few, now) == 0
    assert Throttle.get(Throttle.key == taking.key_of(hr, taking.ROWS)).failures == 10


def test_it_is_one_statement_and_holds_when_many_take_at_once(database, hr, few, queries):
    queries.clear()
    taking.take(hr, taking.FILES, 1, few, clock.now())
    assert len(queries) == 1
    Throttle.delete().execute()
    given, user = [], hr.id

    def take():
        with db.connection_context():
            given.append(taking.take(User(id=user), taking.ROWS, 1, few, clock.now()) == 0)

    workers = [threading.Thread(target=take) for _ in range(16)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert (len(given), sum(given)) == (16, 10)


def test_a_person_looked_at_counts_for_one(signed_in, hr, few):
    person = Beneficiary.get()
    codes = [signed_in.get(f"/salaries/{person.public_id}").status_code for _ in range(61)]
    assert codes == [200] * 60 + [429]


def test_every_download_and_reveal_of_the_trail_counts():
    from portal.views.actions import FAMILIES

    free = {"cover.check", "thread.copy"}  # one cover at a time, with what is on the card; a copy that is read later
    for family in ("Données affichées", "Téléchargements"):
        assert not {action for action in FAMILIES[family] if not taking.of_event(action, None)} - free


def test_people_are_written_by_the_hundredth_of_the_bound_and_none_is_forgotten(signed_in, hr, app, queries):
    app.settings = dataclasses.replace(app.settings, people_per_hour=1_000)
    person = Beneficiary.get()

    def pages(number):
        queries.clear()
        assert {signed_in.get(f"/salaries/{person.public_id}").status_code for _ in range(number)} == {200}
        return sum("throttle" in sql for sql in queries)

    assert (pages(10), pages(1)) == (0, 1)
    assert Throttle.get(Throttle.key == taking.key_of(hr, taking.PEOPLE)).failures == 11
    pages(5)
    codes = [signed_in.get("/salaries").status_code for _ in range(50)]
    assert (codes.count(200), codes[-1]) == ((1_000 - 16) // 25, 429)


def test_whoever_reads_while_another_writes_is_counted_later(database, hr, monkeypatch):
    def locked(*_):
        raise OperationalError("database is locked")

    looks, now = taking.Looks(), clock.now()
    few = type("Bounds", (), {"people_per_hour": 10})
    monkeypatch.setattr(taking, "take", locked)
    assert looks.add(hr, 6, few, now) == 0
    monkeypatch.undo()
    assert looks.add(hr, 4, few, now) == 0
    assert Throttle.get(Throttle.key == taking.key_of(hr, taking.PEOPLE)).failures == 10
    assert looks.add(hr, 1, few, now) > 0

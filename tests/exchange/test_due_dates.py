"""Due dates as a calendar: read back by another parser’s rules, an event a day, the same UIDs each time."""

import datetime

import icalendar
import pytest

from portal import clock
from portal.exchange import due_dates
from portal.models import ContributionStatement, GroupContract
from tests import factories

DAY = datetime.timedelta(days=1)
SITE = "https://portail.example/echeancier"


@pytest.fixture
def contract(hr):
    found = hr.contracts().order_by(GroupContract.id).first()
    factories.money(found)
    return found


def written(today=None):
    today = today or clock.today()
    return due_dates.calendar(ContributionStatement.select(), "Échéances", "clé", SITE, clock.now(), today)


def events(text):
    return {event["dtstart"].dt: event for event in icalendar.Calendar.from_ical(text).walk("VEVENT")}


def plain(words):
    return str(words).replace("\u00a0", " ").replace("\u202f", " ")


def test_each_day_says_what_is_due_and_whether_it_is_paid(contract):
    today, found = clock.today(), events(written())
    by_total = {row.total: row.due_on for row in ContributionStatement.select()}
    said = {total: plain(found[day]["summary"]) for total, day in by_total.items() if total > 0}
    assert said == {
        120_000: "Cotisations réglées : 1 200,00 €",
        130_000: "Cotisations en retard : 1 250,00 €",
        141_000: "Cotisations à régler : 710,00 €",
        99_900: "Cotisations à régler : 999,00 €",
        150_000: "Cotisations annoncées : 1 500,00 €",
    }
    half = found[today + 9 * DAY]
    assert "1 410,00 € (reste 710,00 €)" in plain(half["description"])
    assert contract.number in half["description"]
    assert (found[by_total[150_000]]["status"], half["status"]) == ("TENTATIVE", "CONFIRMED")


def test_days_are_whole_without_a_time_zone_and_lines_are_folded(contract):
    factories.statement(contract, due_on=clock.today(), number="B-" + "9" * 30)
    text = written()
    assert b"TZID" not in text
    assert b"DTSTART;VALUE=DATE:" in text
    assert text.endswith(b"END:VCALENDAR\r\n")
    assert max(map(len, text.split(b"\r\n"))) <= 75
    for event in events(text).values():
        assert event["dtend"].dt - event["dtstart"].dt == DAY
        assert event["dtstamp"].dt.utcoffset() == datetime.timedelta(0)
        assert type(event["dtstart"].dt) is datetime.date


def test_an_event_keeps_its_uid_when_its_day_changes_what_it_says(contract):
    before = {day: str(event["uid"]) for day, event in events(written()).items()}
    factories.statement(contract, 55_500, due_on=clock.today() + 9 * DAY)
    factories.payment(contract, 300_000)
    after = {day: str(event["uid"]) for day, event in events(written()).items()}
    assert after == before
    assert len(set(before.values())) == len(before)


def test_many_statements_of_a_day_are_one_event_and_the_first_are_told(contract):
    day = clock.today() + 40 * DAY
    for _ in range(15):
        factories.statement(contract, 1_000, due_on=day)
    told = plain(events(written())[day]["description"])
    assert told.count("contrat") == due_dates.MOST_TOLD
    assert told.endswith("… et 3 autres bordereaux.")


def test_what_was_due_long_ago_and_credit_notes_are_left_out(contract):
    later = clock.today() + datetime.timedelta(days=800)
    assert events(written(later)) == {}
    credit = ContributionStatement.get(ContributionStatement.total < 0)
    assert credit.number not in written().decode()

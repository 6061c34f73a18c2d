"""The mutual's figures: which month, in time or late, and how long."""

import datetime

import pytest

from portal import figures
from portal.models import MessageThread, Movement, ThreadMessage, ThreadRound, UserRole
from tests import factories

TODAY = datetime.date(2026, 11, 26)


@pytest.fixture
def staff(database):
    return factories.user(role=UserRole.STAFF)


def months(staff, promised=None):
    return figures.months(staff, TODAY, promised or {})


def moved(hr, at):
    category = hr.categories().get()
    Movement.create(category=category, kind="NAME", created_at=at)


def test_a_month_is_that_of_paris(staff, hr):
    moved(hr, datetime.datetime(2026, 10, 31, 22, 59))
    moved(hr, datetime.datetime(2026, 10, 31, 23, 0))  # midnight in Paris
    found = months(staff)
    assert [one.volumes["movements"] for one in found[-2:]] == [1, 1]
    assert [one.first for one in (found[0], found[-1])] == [datetime.date(2024, 12, 1), datetime.date(2026, 11, 1)]


def test_what_is_older_is_left_out(staff, hr):
    moved(hr, datetime.datetime(2024, 11, 30, 22, 59))
    assert sum(one.volumes["movements"] for one in months(staff)) == 0


def answered(hr, sent_on, answered_on, internal=False, kind="REQUEST"):
    """A request of five working days, or a complaint, sent and answered at noon."""
    thread = factories.thread(hr, kind=kind, **({"nature": "OTHER"} if kind == "REQUEST" else {}))
    sent = datetime.datetime.combine(sent_on, datetime.time(12))
    MessageThread.update(created_at=sent).where(MessageThread.id == thread.id).execute()
    at = datetime.datetime.combine(answered_on, datetime.time(12))
    ThreadMessage.create(thread=thread, by_staff=True, internal=internal, body="Oui.", created_at=at)
    return thread


def test_answers_in_time_and_late_ones_are_shared_with_their_median(staff, hr):
    answered(hr, datetime.date(2026, 11, 2), datetime.date(2026, 11, 3))
    answered(hr, datetime.date(2026, 11, 2), datetime.date(2026, 11, 9))  # the fifth working day
    answered(hr, datetime.date(2026, 11, 2), datetime.date(2026, 11, 10))
    last = months(staff)[-1]
    assert (last.kept["REQUEST"], last.days["REQUEST"]) == (67, 7)
    assert months(staff, {"OTHER": 1})[-1].kept["REQUEST"] == 33
    assert "COMPLAINT" not in last.kept


def test_notes_inside_the_mutual_answer_nobody(staff, hr):
    answered(hr, datetime.date(2026, 11, 2), datetime.date(2026, 11, 3), internal=True)
    assert months(staff)[-1].kept == {}


def test_satisfaction_is_the_average_of_what_was_rated_in_the_month(staff, hr):
    for rating, day in ((5, 2), (4, 3), (1, 4)):
        at = datetime.datetime(2026, 11, day, 12)
        thread = factories.thread(hr)
        MessageThread.update(rating=rating, rated_at=at).where(MessageThread.id == thread.id).execute()
    last = months(staff)[-1]
    assert (last.satisfaction, last.ratings) == (3.3, 3)


def test_what_was_rated_before_a_reopening_still_counts_in_its_month(staff, hr):
    thread = factories.thread(hr)
    MessageThread.update(rating=5, rated_at=datetime.datetime(2026, 11, 20, 12)).execute()
    ThreadRound.create(thread=thread, rating=2, rated_at=datetime.datetime(2026, 11, 3, 12))
    ThreadRound.create(thread=thread, rating=4, rated_at=datetime.datetime(2026, 10, 3, 12))
    before, last = months(staff)[-2:]
    assert (last.satisfaction, last.ratings, before.satisfaction, before.ratings) == (3.5, 2, 4, 1)


def test_the_first_answer_to_a_complaint_is_measured_by_its_own_clock(staff, hr):
    sent = datetime.date(2026, 11, 2)
    thread = answered(hr, sent, datetime.date(2026, 11, 20), kind="COMPLAINT")
    MessageThread.update(answer_by=datetime.date(2027, 1, 30)).execute()
    assert months(staff)[-1].kept["COMPLAINT"] == 100
    late = {"answer_by": datetime.date(2026, 11, 19), "answered_at": datetime.datetime(2026, 11, 20)}
    ThreadRound.create(thread=thread, **late)
    assert months(staff)[-1].kept["COMPLAINT"] == 0

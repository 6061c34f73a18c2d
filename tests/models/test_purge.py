"""What signing in leaves behind is forgotten once it is of no use, and nothing else is."""

import datetime

from portal import clock, tasks
from portal.models import OneTimeLink, Throttle, UserSession
from tests import factories

DAY = datetime.timedelta(days=1)


def test_what_is_over_goes_and_what_is_not_stays(database):
    user, now = factories.user(), clock.now()
    for key, forget_at in (("past", now - DAY), ("present", now + DAY)):
        Throttle.create(key=key, failures=1, free_at=now, forget_at=forget_at)
    links = {
        days: OneTimeLink.create(user=user, token_hash=str(days), expires_at=now - days * DAY) for days in (-1, 0.5, 2)
    }
    started = {"now": now, "ended": now, "yesterday": now - DAY, "a year ago": now - 366 * DAY}
    sessions = {name: UserSession.start(user, start, "", "")[0] for name, start in started.items()}
    sessions["ended"].end(now)
    tasks.purge(now, None)
    assert [row.key for row in Throttle.select()] == ["present"]
    assert {row.id for row in OneTimeLink.select()} == {links[-1].id, links[0.5].id}
    assert {row.id for row in UserSession.select()} == {sessions["now"].id, sessions["yesterday"].id}


def test_it_is_done_once_a_day(database, queries):
    now = clock.now()
    day = tasks.purge(now, None)
    queries.clear()
    assert tasks.purge(now, day) == day
    assert not queries
    assert tasks.purge(now + DAY, day) == day + DAY
    assert len(queries) == 13

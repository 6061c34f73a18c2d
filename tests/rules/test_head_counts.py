"""Who comes and goes, month by month."""

import datetime

from portal.rules import head_counts

DAYS = [datetime.date(2026, 1, 31), datetime.date(2026, 2, 28), datetime.date(2026, 3, 31)]


def test_a_day_of_leaving_still_counts():
    assert head_counts.follow([], [("Cadres", 1, DAYS[1])], [("Cadres", 1, DAYS[1])], DAYS) == {"Cadres": [0, 1, 0]}


def test_head_counts_follow_who_comes_and_goes():
    came = [("Cadres", 2, datetime.date(2026, 2, 1)), ("Employés", 3, DAYS[2])]
    went = [("Cadres", 1, datetime.date(2026, 2, 27))]
    found = head_counts.follow([("Cadres", 4)], came, went, DAYS)
    assert found == {"Cadres": [4, 5, 5], "Employés": [0, 0, 3]}

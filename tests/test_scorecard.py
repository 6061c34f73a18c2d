"""The scorecard names tests that are there and requirements that exist, and counts a failure as one."""

import re

from tests import scorecard
from tests.scorecard import FAILED, NOT_SHOWN, PARTLY, ROOT, SHOWN, Row


def functions(file):
    return set(re.findall(r"^def test_(\w+)", (ROOT / "tests" / file).read_text(), re.MULTILINE))


def test_every_row_names_tests_that_are_there():
    for row in scorecard.rows():
        for wanted in row.wanted:
            file, _, name = wanted.partition("::")
            assert name in functions(file) if name else functions(file), f"{row.row}: {wanted}"


def test_a_row_without_a_test_says_why_and_none_comes_twice():
    found = scorecard.rows()
    assert len({row.row for row in found}) == len(found) > 100
    assert [row.row for row in found if not row.wanted and not row.remark] == []


def test_what_was_counted_is_what_is_said():
    rows = [
        Row("A-1", "x", "a.py", "1.1.1", ""),
        Row("A-2", "x", "a.py::one", "1.1.2", "in part"),
        Row("A-3", "x", "a.py::two", "", ""),
        Row("A-4", "x", "", "", "no test"),
        Row("A-5", "x", "b.py", "", ""),
    ]
    scorecard.count(rows, [("a.py", "one", True), ("a.py", "one", True), ("a.py", "two", False)])
    assert [(row.passed, row.faults, row.state) for row in rows] == [
        (2, 1, FAILED),
        (2, 0, PARTLY),
        (0, 1, FAILED),
        (0, 0, NOT_SHOWN),
        (0, 0, FAILED),
    ]
    assert Row("A-6", "x", "a.py", "", "", passed=1).state == SHOWN


def test_the_page_tells_of_each_row_and_of_the_requirements_that_nothing_shows():
    rows = [Row("A-1", "Holds", "a.py", "1.2.4", "", passed=3), Row("A-2", "x", "", "6.2.1", "not tried")]
    page = scorecard.written(rows, [("a.py", "one", True)] * 3)
    assert "| A-1 | Holds | 3 | shown |" in page
    assert "| A-2 | x | – | not shown: not tried |" in page
    assert f"Of the {len(scorecard.applying())} requirements" in page
    assert "6.2.1" in page and "1.2.4" not in page.partition("| row |")[0]

"""The scorecard names tests that are there and requirements that exist, and counts a failure as one."""

import re
import subprocess
import sys

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
    figures = [("A-2", "700 kills"), ("A-2", "800 kills"), ("A-2", "≤ 5 s"), ("A-2", "≤ 3 s"), ("B-1", "9 kills")]
    scorecard.count(rows, [("a.py", "one", True), ("a.py", "one", True), ("a.py", "two", False)], figures)
    assert [row.figure for row in rows[:3]] == ["2", "2; 1,500 kills; ≤ 5 s", "–"]
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


def test_a_row_that_counted_less_than_it_asks_is_shown_in_part():
    row = Row("A-1", "x", "a.py", "", "", asks="400 kills in an import; 9 mails", passed=2)
    row.add("9 mails")
    row.add("6 kills in an import")
    assert (row.state, scorecard.said(row)) == (PARTLY, "shown in part: 6 of 400 kills in an import")
    row.add("394 kills in an import")
    assert scorecard.said(row) == SHOWN
    assert Row("A-2", "x", "a.py", "", "", asks="9 kills").state == FAILED


def test_a_row_asks_for_what_its_tests_count():
    said = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    for row in scorecard.rows():
        for _, of in row.asked:
            assert f'"{of}"' in said, f"{row.row}: {of}"


def report(path, module, **ends):
    said = '<properties><property name="A-1" value="1 kills"/></properties>'
    cases = (
        f'<testcase classname="tests.{module}" name="test_{name}[x]">{end}{said}</testcase>'
        for name, end in ends.items()
    )
    path.write_text(f"<testsuite>{''.join(cases)}</testsuite>")
    return path


def test_the_report_of_a_run_is_read_case_by_case(tmp_path):
    found = report(tmp_path / "a.xml", "views.test_a", one="", two="<failure/>", three="<error/>", four="<skipped/>")
    file = "views/test_a.py"
    assert list(scorecard.told(found)) == [(file, "one", True), (file, "two", False), (file, "three", False)]


def test_what_the_tests_of_a_run_saw_is_added_up(tmp_path):
    """As pytest writes it: the watch of every test counts the lines of logs that it heard."""
    told = tmp_path / "report.xml"
    said = "import logging\ndef test_one(): logging.warning('x')\ndef test_two(): logging.error('y')\n"
    (tmp_path / "test_x.py").write_text(said)
    (tmp_path / "conftest.py").write_text("from tests.conftest import watch\n")
    run = ["-m", "pytest", "-q", "-n", "0", f"--junitxml={told}", f"--rootdir={tmp_path}", str(tmp_path)]
    subprocess.run([sys.executable, *run], cwd=scorecard.ROOT, check=True, capture_output=True)
    assert [one[1:] for one in scorecard.counted(told)] == [("LOG-1", "1 lines of logs heard")] * 2


def test_a_file_that_was_run_again_counts_as_it_then_ran(tmp_path):
    before = [report(tmp_path / f"{name}.xml", f"test_{name}", one="<failure/>", two="") for name in "ab"]
    again = report(tmp_path / "again.xml", "test_a", one="")
    assert scorecard.latest([before[0], again]) == ([("test_a.py", "one", True)], [("A-1", "1 kills")])
    cases, figures = scorecard.latest([*before, again])
    assert ("test_b.py", "one", False) in cases and len(figures) == 3

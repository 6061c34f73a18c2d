"""Runs the tests of each requirement of security, and writes what was counted.

`python -m tests.scorecard [report.xml…]`: or counts it in the reports (`--junitxml`) of a run of the whole suite, and
of files that were mended and run again: each file counts in the last report that has it. With THOROUGH=1 the tests try
as often as the rows ask; a row that counted less than it asks is shown in part.
"""

import csv
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as tree
from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from portal import clock

ROOT = Path(__file__).parent.parent
HERE = ROOT / "docs" / "requirements"
SHOWN, PARTLY, FAILED, NOT_SHOWN = "shown", "shown in part", "FAILED", "not shown"
HEAD = """# Scorecard

Written by `make scorecard` on {day}. A figure is the number of cases that passed in that run, on SQLite and on
PostgreSQL where the database matters; then what these cases counted, on both together (≤: the most of any). A row that
no test shows says so. Rows, tests and the requirements of OWASP ASVS 5.0.0 that they answer: `docs/requirements/`.

{rows} rows: {states}. {cases} cases passed, {faults} failed.

Of the {applying} requirements of ASVS 5.0.0, levels 1 and 2, that apply here (by our own reading), {by_test} are
answered by a row with a test of this run; none is claimed by reading alone; {others} are not shown: {missing}.

| row | what holds | figure | state |
|---|---|---|---|
"""

FIGURE = re.compile(r"(≤ )?(\d+) (.+)")  # as the fixture `figure` of the tests writes it


@dataclass
class Row:
    row: str
    holds: str
    tests: str
    asvs: str
    remark: str
    asks: str = ""  # « 400 kills in an import, …; 40 … »: what the cases of a run have to count, on both databases
    passed: int = 0
    faults: int = 0
    counted: dict = field(default_factory=dict)  # {(≤ or "", of what): how many}

    @property
    def wanted(self):
        """Files of tests, or one test of a file: « views/test_x.py::what_holds »."""
        return self.tests.split()

    @property
    def figure(self):
        """The cases that passed, and what they counted."""
        counted = (f"{most}{count:,} {of}" for (most, of), count in self.counted.items())
        return "; ".join([f"{self.passed or '–'}", *counted])

    def add(self, said):
        most, count, of = FIGURE.fullmatch(said).groups(default="")
        known = self.counted.get((most, of), 0)
        self.counted[most, of] = max(known, int(count)) if most else known + int(count)

    @property
    def asked(self):
        return [
            (int(count), of) for count, _, of in (one.partition(" ") for one in filter(None, self.asks.split("; ")))
        ]

    @property
    def short(self):
        """What was counted less often than the row asks."""
        for count, of in self.asked:
            if self.counted.get(("", of), 0) < count:
                yield f"{self.counted.get(('', of), 0):,} of {count:,} {of}"

    @property
    def state(self):
        if self.faults or (self.wanted and not self.passed):
            return FAILED
        return (PARTLY if self.remark or any(self.short) else SHOWN) if self.wanted else NOT_SHOWN


def rows():
    with open(HERE / "security.csv", encoding="utf-8", newline="") as file:
        return [Row(**line) for line in csv.DictReader(file, delimiter=";", restval="")]


def applying():
    """Requirements of ASVS that apply, in their order."""
    with open(HERE / "asvs-5.0.0.csv", encoding="utf-8", newline="") as file:
        return [line["requirement"] for line in csv.DictReader(file, delimiter=";") if line["applies"] == "yes"]


def address(wanted):
    """What pytest calls it."""
    file, _, name = wanted.partition("::")
    return f"tests/{file}::test_{name}" if name else f"tests/{file}"


def run(addresses):
    """What pytest says of these, as `latest` gives it."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [sys.executable, "-m", "pytest", f"--junitxml={report}", *addresses]
        subprocess.run(command, cwd=ROOT, env=os.environ | {"THOROUGH": "1"}, check=False)
        return latest([report])


def told(report):
    """[(file, function, whether it passed)] of a report in JUnit's XML; a case that was left out is neither."""
    if not report.exists():
        raise SystemExit("pytest wrote no report: nothing was counted.")
    for case in tree.parse(report).iter("testcase"):  # noqa: S314  ours
        if case.find("skipped") is None:
            fine = case.find("failure") is None and case.find("error") is None
            yield file_of(case), case.get("name").partition("[")[0].removeprefix("test_"), fine


def file_of(case):
    return case.get("classname").removeprefix("tests.").replace(".", "/") + ".py"


def counted(report):
    """[(file, row, what a case of the file counted for it)]"""
    for case in tree.parse(report).iter("testcase"):  # noqa: S314  ours
        for one in case.iter("property"):
            yield file_of(case), one.get("name"), one.get("value")


def count(found, cases, figures):
    for row in found:
        for name, said in figures:
            if name == row.row:
                row.add(said)
        for file, name, fine in cases:
            if file in row.wanted or f"{file}::{name}" in row.wanted:
                row.passed += fine
                row.faults += not fine


def written(found, cases):
    """The page."""
    states = Counter(row.state for row in found)
    by_test = {one for row in found if row.state in (SHOWN, PARTLY) for one in row.asvs.split()}
    asked = applying()
    missing = [one for one in asked if one not in by_test]
    head = HEAD.format(
        day=f"{clock.today():%Y-%m-%d}",
        rows=len(found),
        states=", ".join(f"{states[state]} {state}" for state in (SHOWN, PARTLY, NOT_SHOWN, FAILED) if states[state]),
        cases=sum(fine for *_, fine in cases),
        faults=sum(not fine for *_, fine in cases),
        applying=len(asked),
        by_test=len(asked) - len(missing),
        others=len(missing),
        missing=", ".join(missing),
    )
    return head + "".join(f"| {row.row} | {row.holds} | {row.figure} | {said(row)} |\n" for row in found)


def said(row):
    why = "; ".join(filter(None, [row.remark, *row.short]))
    return f"{row.state}: {why}" if why else row.state


def latest(reports):
    """(cases, figures): [(file, function, whether it passed)] and [(row, what was counted)]."""
    cases, figures = {}, {}
    for report in map(Path, reports):
        run_again = by_file(told(report))
        cases |= run_again
        figures |= dict.fromkeys(run_again, []) | by_file(counted(report))
    return [case for of_file in cases.values() for case in of_file], [one[1:] for of in figures.values() for one in of]


def by_file(found):
    return {file: list(of_file) for file, of_file in groupby(sorted(found), key=itemgetter(0))}


def main(*reports):
    found = rows()
    wanted = {one for row in found for one in row.wanted}
    if reports:
        cases, figures = latest(reports)
    else:
        cases, figures = run(sorted(map(address, wanted)))
    cases = [case for case in cases if wanted & {case[0], "::".join(case[:2])}]
    count(found, cases, figures)
    (ROOT / "docs" / "scorecard.md").write_text(written(found, cases), encoding="utf-8")
    sys.exit(any(row.state == FAILED for row in found))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""What payroll software is told of a contract: headings, values, periods."""

import datetime
import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from portal.rules import dsn_setup
from portal.rules.dsn_setup import UNUSED, period


@pytest.mark.parametrize(
    ("frequency", "month", "expected"),
    [
        ("Mensuelle", 1, "2026M01"),
        ("Mensuelle", 12, "2026M12"),
        ("Trimestrielle", 3, "2026T01"),
        ("Trimestrielle", 4, "2026T02"),
        ("Trimestrielle", 12, "2026T04"),
        ("Semestrielle", 6, "2026S01"),
        ("Semestrielle", 7, "2026S02"),
        ("Annuelle", 7, "2026A00"),
    ],
)
def test_a_period_is_written_as_the_norm_writes_it(frequency, month, expected):
    assert period(frequency, datetime.date(2026, month, 15)) == expected


@given(some.dates(), some.sampled_from(["Mensuelle", "Trimestrielle", "Semestrielle", "Annuelle", "Autre"]))
def test_every_period_has_seven_signs_and_follows_the_calendar(day, frequency):
    written = period(frequency, day)
    assert re.fullmatch(r"\d{4}(M(0[1-9]|1[0-2])|T0[1-4]|S0[12]|A00)", f"{day.year:04}{written[len(str(day.year)) :]}")
    assert period(frequency, day.replace(day=1)) == written


def values(lines):
    return {line.heading: line.value for line in lines}


def test_the_contract_stands_the_same_in_each_block():
    told = values(dsn_setup.membership("HJ204117", "999000018"))
    assert (told["S21.G00.15.001"], told["S21.G00.15.002"]) == ("HJ204117", "999000018")
    assert values(dsn_setup.contribution("HJ204117"))["S21.G00.78.006"] == "HJ204117"
    paid = values(
        dsn_setup.payment("HJ204117", "999000018", "Prélèvement", "Trimestrielle", datetime.date(2026, 11, 26))
    )
    assert paid["S21.G00.55.003"] == "HJ204117"
    assert paid["S21.G00.20.010"] == "05 (prélèvement)"
    assert paid["S21.G00.55.004"].startswith("2026T04")


@pytest.mark.parametrize(("structure", "counted"), [("SINGLE_FAMILY", True), ("UNIFORM_FAMILY", False)])
def test_dependents_are_counted_where_they_make_the_price(structure, counted):
    told = values(dsn_setup.affiliation("ESS-BASE", "001", structure))
    assert (told["S21.G00.70.008"] != UNUSED) == counted
    assert (told["S21.G00.70.004"], told["S21.G00.70.005"]) == ("ESS-BASE", "001")

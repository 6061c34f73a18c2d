"""What a contract costs: structures, the PMSS, pro rata, parts that add up, and what changed since the last time."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from portal.rules import Refused
from portal.rules import contributions as rules
from portal.rules.contributions import Charged, Member, Tariff, band, named, owed, parts, period, rounded

D = datetime.date
EMPLOYEE = Member(True, D(2020, 1, 1))
SPOUSE = Member(True, D(2021, 5, 1))
CHILD = Member(False, D(2022, 3, 9))
JUNE = D(2026, 6, 1), D(2026, 6, 30)


def tariff(structure=rules.SINGLE_FAMILY, **values):
    amounts = {"SINGLE": 4_000, "DUO": 7_501, "FAMILY": 11_000, "ADULT": 3_500, "CHILD": 1_801}
    given_ = {"valid_from": D(2020, 1, 1), "structure": structure, "amounts": amounts, "employer_share": 5_000}
    return Tariff(**given_ | values)


def test_half_a_cent_goes_up_and_of_a_credit_down():
    assert [rounded(n, 2) for n in (1, 3, -1, -3, 4)] == [1, 2, -1, -2, 2]
    assert rounded(1_499, 1_000) == 1
    assert rounded(1_500, 1_000) == 2


@pytest.mark.parametrize(
    ("structure", "insured", "expected"),
    [
        ("SINGLE_ONLY", 4, "Isolé"),
        ("UNIFORM_FAMILY", 1, "Famille"),
        ("SINGLE_FAMILY", 1, "Isolé"),
        ("SINGLE_FAMILY", 2, "Famille"),
        ("SINGLE_DUO_FAMILY", 2, "Duo"),
        ("SINGLE_DUO_FAMILY", 6, "Famille"),
    ],
)
def test_a_household_pays_the_price_of_its_size(structure, insured, expected):
    assert named(structure, insured, 0) == expected
    assert rules.WORDS[band(structure, insured)] == expected


def test_adults_and_children_are_counted_and_the_third_child_is_free():
    adult_child = tariff(rules.ADULT_CHILD)
    assert adult_child.price(2, 3, D(2026, 6, 1)) == 2 * 3_500 + 2 * 1_801
    assert named(rules.ADULT_CHILD, 2, 1) == "2 adultes, 1 enfant"
    assert named(rules.ADULT_CHILD, 1, 0) == "1 adulte"


def test_a_share_of_the_pmss_follows_its_year():
    share = tariff(amounts={"SINGLE": 1_250, "FAMILY": 2_999}, amount_type=rules.PCT_PMSS)
    assert share.price(1, 0, D(2025, 12, 1)) == 4_906  # 1,25 % of 3 925 € is 49,0625 €
    assert share.price(1, 0, D(2026, 1, 1)) == 5_006  # 50,0625 €
    assert share.price(2, 0, D(2026, 1, 1)) == 12_011  # 2,999 % of 4 005 € is 120,10995 €


def test_a_year_whose_pmss_is_not_known_is_refused_until_the_mutual_says_it():
    with pytest.raises(Refused, match="2031"):
        rules.pmss_of(2031)
    assert rules.pmss_of(2031, rules.pmss_table("2030=4400, 2031=4500")) == 4_500


@pytest.mark.parametrize("wrong", ["2031", "2031=x", "1900=4000", "2031=-4"])
def test_a_table_of_the_pmss_that_is_wrong_is_refused(wrong):
    with pytest.raises(Refused):
        rules.pmss_table(wrong)


@pytest.mark.parametrize(
    ("frequency", "on", "expected"),
    [
        ("Mensuelle", D(2026, 2, 14), (D(2026, 2, 1), D(2026, 2, 28))),
        ("Trimestrielle", D(2026, 5, 31), (D(2026, 4, 1), D(2026, 6, 30))),
        ("Semestrielle", D(2026, 12, 1), (D(2026, 7, 1), D(2026, 12, 31))),
        ("Annuelle", D(2026, 7, 4), (D(2026, 1, 1), D(2026, 12, 31))),
    ],
)
def test_a_period_holds_its_day(frequency, on, expected):
    assert period(frequency, on) == expected
    assert rules.next_period(*expected)[0] == expected[1] + datetime.timedelta(1)


@pytest.mark.parametrize(
    ("pro_rata", "came", "left", "expected"),
    [
        (rules.STARTED_MONTH, D(2026, 6, 16), None, 4_000),
        (rules.STARTED_MONTH, D(2020, 1, 1), D(2026, 6, 1), 4_000),
        (rules.DAILY, D(2026, 6, 16), None, 2_000),
        (rules.DAILY, D(2020, 1, 1), D(2026, 6, 10), 1_333),
        (rules.FROM_NEXT_MONTH, D(2026, 6, 16), None, None),
        (rules.FROM_NEXT_MONTH, D(2026, 6, 1), None, 4_000),
        (rules.DAILY, D(2026, 7, 1), None, None),
        (rules.DAILY, D(2020, 1, 1), D(2026, 5, 31), None),
    ],
)
def test_a_month_of_coming_or_going_is_due_by_the_rule_of_the_contract(pro_rata, came, left, expected):
    found = owed([tariff(pro_rata=pro_rata)], [Member(True, came, left)], *JUNE)
    assert (found and found.total) == expected


def test_a_quarter_counts_each_month_as_the_household_is_then():
    born = Member(False, D(2026, 5, 12))
    found = owed([tariff()], [EMPLOYEE, born], D(2026, 4, 1), D(2026, 6, 30))
    assert found.total == 4_000 + 4_000 + 11_000  # born in May, counted from June
    assert (found.band, found.price, found.portion) == ("Famille", 11_000, 10_000)


def test_a_new_price_is_asked_from_its_day():
    dear = tariff(valid_from=D(2026, 6, 1), amounts={"SINGLE": 5_000, "FAMILY": 1})
    assert owed([tariff(), dear], [EMPLOYEE], D(2026, 4, 1), D(2026, 6, 30)).total == 4_000 + 4_000 + 5_000
    assert owed([dear], [EMPLOYEE], D(2026, 4, 1), D(2026, 4, 30)) is None


def test_a_portion_is_of_the_whole_period():
    found = owed([tariff(pro_rata=rules.DAILY)], [Member(True, D(2026, 6, 16))], D(2026, 4, 1), D(2026, 6, 30))
    assert (found.portion, found.starts_on, found.ends_on) == (1_667, D(2026, 6, 16), D(2026, 6, 30))


@pytest.mark.parametrize(
    ("pro_rata", "expected"),
    [
        (rules.DAILY, (10 + 11) * 10_000 // 30),
        (rules.STARTED_MONTH, 10_000),
        (rules.FROM_NEXT_MONTH, 10_000),  # there on the first
    ],
)
def test_who_leaves_and_comes_back_in_a_month_owes_both_stays_and_no_month_twice(pro_rata, expected):
    back = Member(True, D(2026, 6, 20), None, ((D(2020, 1, 1), D(2026, 6, 10)),))
    found = owed([tariff(pro_rata=pro_rata)], [back, CHILD], *JUNE)
    assert (found.band, found.portion, found.starts_on, found.ends_on) == ("Famille", expected, *JUNE)


def test_a_quarter_counts_the_months_before_somebody_left_and_came_back():
    back = Member(True, D(2026, 6, 20), None, ((D(2020, 1, 1), D(2026, 4, 10)),))
    found = owed([tariff()], [back], D(2026, 4, 1), D(2026, 6, 30))
    assert (found.total, found.portion) == (4_000 + 4_000, 6_667)


def test_a_period_sees_the_stays_that_touch_it():
    back = Member(True, D(2026, 6, 20), None, ((D(2020, 1, 1), D(2026, 4, 10)),))
    assert rules.within([back, CHILD], *JUNE) == (Member(True, D(2026, 6, 20)), Member(False, D(2026, 6, 1)))
    assert rules.within([back, CHILD], D(2026, 5, 1), D(2026, 5, 31)) == ()


@given(some.integers(-10_000_000, 10_000_000), some.integers(0, 10_000))
def test_the_two_parts_make_the_whole(total, share):
    employer, employee = parts(total, share)
    assert employer + employee == total
    assert abs(employer * 10_000 - total * share) <= 5_000  # half a cent at most


days = some.dates(D(2024, 1, 1), D(2027, 12, 31))
members = some.builds(Member, some.booleans(), days, some.one_of(some.none(), days))


@given(
    some.sampled_from(list(rules.STRUCTURES)),
    some.sampled_from(list(rules.PRO_RATA)),
    some.integers(0, 10_000),
    members,
    some.lists(members, max_size=5),
    some.sampled_from(list(rules.MONTHS)),
    days,
)
def test_a_line_adds_up_and_stays_within_its_period(structure, pro_rata, share, employee, others, frequency, on):
    start, end = period(frequency, on)
    wanted = tariff(structure, pro_rata=pro_rata, employer_share=share)
    line = owed([wanted], [employee._replace(is_adult=True), *others], start, end)
    if line is None:
        return
    assert line.employer + line.employee == line.total >= 0
    assert start <= line.starts_on <= line.ends_on <= end
    assert 0 < line.portion <= 10_000
    months = [
        owed([wanted], [employee._replace(is_adult=True), *others], *period("Mensuelle", month))
        for month in rules.months_of(start, end)
    ]
    assert line.total == sum(month.total for month in months if month)
    assert line.employer == sum(month.employer for month in months if month)


# ── What changed ─────────────────────────────────────────────────────────────────────────────────────────────────


def charged(band="Isolé", price=4_000, portion=10_000, correction=0, employer=None):
    employer = price * portion // 20_000 if employer is None else employer
    return Charged(band, price, employer, price * portion // 10_000 - employer, portion, correction)


@pytest.mark.parametrize(
    ("before", "after", "kind", "causes"),
    [
        (None, charged(), "IN", ()),
        (charged(), None, "OUT", ()),
        (charged(), charged("Famille", 11_000), "CHANGED", ("FAMILY",)),
        (charged(), charged(price=4_100), "CHANGED", ("PRICE",)),
        (charged(), charged(portion=5_000), "CHANGED", ("PORTION",)),
        (charged("Isolé", 4_000, 5_000), charged("Famille", 11_000), "CHANGED", ("FAMILY", "PORTION")),
        (charged(), charged(employer=3_000), "CHANGED", ("SHARE",)),
        (charged(), charged(correction=-120, employer=1_880), "CHANGED", ("CORRECTION",)),
    ],
)
def test_each_difference_has_its_cause(before, after, kind, causes):
    (found,) = rules.differences({"7": before} if before else {}, {"7": after} if after else {})
    assert (found.kind, found.causes) == (kind, causes)


def test_what_is_alike_is_no_difference():
    assert rules.differences({"7": charged()}, {"7": charged()}) == []


charges = some.builds(
    Charged,
    some.sampled_from(["Isolé", "Famille"]),
    some.integers(0, 20_000),
    some.integers(-9_000, 9_000),
    some.integers(-9_000, 9_000),
    some.integers(0, 10_000),
)
statement = some.dictionaries(some.sampled_from("abcdefgh"), charges)


@given(statement, statement)
def test_the_differences_add_up_to_that_of_the_totals(before, after):
    found = rules.differences(before, after)
    totals = [sum(one.total for one in side.values()) for side in (before, after)]
    assert sum(one.amount for one in found) == totals[1] - totals[0]
    assert all(one.amount == one.employer + one.employee for one in found)


def test_a_statement_is_late_from_the_day_after_its_due_date():
    assert [rules.days_late(D(2026, 6, 10), D(2026, 6, day)) for day in (9, 10, 11)] == [0, 0, 1]


# ── What one more employee would cost ────────────────────────────────────────────────────────────────────────────

YEAR_END = D(2026, 12, 31)


def test_a_hire_costs_each_month_until_the_end_of_the_year():
    found = rules.hire([tariff(pro_rata=rules.DAILY)], [Member(True, D(2026, 10, 16))], YEAR_END)
    assert (found.band, found.price, found.employer, found.employee) == ("Isolé", 4_000, 2_000, 2_000)
    assert [(month, due.total) for month, due in found.months] == [
        (D(2026, 10, 1), 2_065),  # 16 days of 31
        (D(2026, 11, 1), 4_000),
        (D(2026, 12, 1), 4_000),
    ]
    assert sum(found.totals) == 10_065


def test_each_period_has_the_employer_s_share_of_its_first_day():
    def share_of(start):
        return 6_000 if start >= D(2026, 10, 1) else 5_000

    known = [tariff(), tariff(valid_from=D(2026, 8, 1), amounts={"SINGLE": 5_000, "FAMILY": 9_000})]
    shared = rules.with_shares(known, "Trimestrielle", share_of, D(2026, 7, 15), YEAR_END)
    assert [(one.valid_from, one.amounts["SINGLE"], one.employer_share) for one in shared] == [
        (D(2020, 1, 1), 4_000, 5_000),
        (D(2026, 8, 1), 5_000, 5_000),  # within a quarter, whose share stays
        (D(2026, 10, 1), 5_000, 6_000),
    ]
    found = rules.hire(shared, [Member(True, D(2026, 7, 15))], YEAR_END)
    assert found.totals == (2_000 + 2 * 2_500 + 3 * 3_000, 2_000 + 2 * 2_500 + 3 * 2_000)
    assert rules.with_shares([], "Mensuelle", share_of, D(2026, 7, 15), YEAR_END) == []
    assert rules.with_shares([tariff(valid_from=D(2027, 6, 1))], "Mensuelle", share_of, D(2026, 7, 1), YEAR_END)


def test_a_hire_whose_first_month_is_next_year_costs_nothing_this_year():
    found = rules.hire([tariff(pro_rata=rules.FROM_NEXT_MONTH)], [Member(True, D(2026, 12, 2))], YEAR_END)
    assert (found.price, found.months, found.totals) == (4_000, [], (0, 0))


def test_a_hire_before_the_first_tariff_is_not_known_and_a_price_without_pmss_is_not_either():
    later = tariff(valid_from=D(2030, 1, 1))
    assert rules.hire([later], [Member(True, D(2026, 10, 1))], YEAR_END) is None
    unknown = tariff(amounts={"SINGLE": 1_250, "FAMILY": 2_999}, amount_type=rules.PCT_PMSS)
    assert [(price.share, price.cents) for price in unknown.prices(D(2199, 1, 1))] == [(1_250, None), (2_999, None)]
    assert unknown.prices(D(2026, 1, 1))[0] == rules.Price("Isolé", 1_250, 5_006, (2_503, 2_503))
    with pytest.raises(Refused):
        rules.hire([unknown], [Member(True, D(2199, 1, 1))], D(2199, 12, 31))


@given(
    some.dates(D(2026, 1, 1), YEAR_END),
    some.sampled_from(list(rules.STRUCTURES)),
    some.sampled_from(list(rules.PRO_RATA)),
    some.integers(0, 10_000),
    some.integers(0, 4),
)
def test_a_hire_is_called_exactly_what_was_said(day, structure, pro_rata, share, children):
    """The statements of the year add up to the simulation, whatever the frequency."""
    tariffs = [tariff(structure, pro_rata=pro_rata, employer_share=share)]
    household = [Member(True, day), *[Member(False, day)] * children]
    found = rules.hire(tariffs, household, YEAR_END)
    assert found.employer + found.employee == found.price
    for months in (1, 3, 6, 12):
        ends = range(months, 13, months)
        spans = [(D(2026, end - months + 1, 1), rules.month_end(D(2026, end, 1))) for end in ends]
        called = [one for one in (owed(tariffs, household, *span) for span in spans) if one]
        assert (sum(one.employer for one in called), sum(one.employee for one in called)) == found.totals

"""Waivers: every case of the law, what it asks, until when it lasts, and when it is proved again."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.rules.terminations import months_later
from portal.rules.waivers import (
    BASES,
    CASES,
    COVERS,
    OCCASIONS,
    OFFERED,
    PLAN_DOCUMENT,
    PROOFS,
    STATUTORY,
    Asked,
    doubts,
    due_on,
    faults,
    first_review,
    lasts,
    next_review,
    renewal_fault,
)

TODAY = date(2026, 11, 23)
DAYS = st.dates(date(2000, 1, 1), date(2090, 12, 31))
YEARLY = {"OP_OTHER_JOB", "OP_DEPENDENT", "ACT_OTHER", "ACT_PARTTIME_10"}


def asked(reason="OP_CSS", **values):
    """Right in each case, but for what a test changes."""
    case = CASES[reason]
    effect_on = values.get("effect_on", TODAY)
    until = {"OP_SHORT_CONTRACT": 2, "ACT_CDD_GE12": 24}.get(reason, 6)
    right = {
        "requested_on": min(effect_on, TODAY),
        "effect_on": effect_on,
        "occasion": case.occasions[0],
        "cover": case.covers[0] if case.covers else "",
        "hired_on": effect_on - timedelta(1) if case.hired else None,
        "valid_until": months_later(effect_on, until) if case.until else None,
    }
    return Asked(reason, **right | values)


def test_there_is_a_case_for_each_line_of_the_law():
    assert list(CASES) == [
        *("OP_CSS", "OP_INDIVIDUAL", "OP_OTHER_JOB", "OP_DEPENDENT", "OP_SHORT_CONTRACT", "OP_DUE_BEFORE"),
        *("ACT_CDD_LT12", "ACT_CDD_GE12", "ACT_PARTTIME_10", "ACT_CSS", "ACT_INDIVIDUAL", "ACT_OTHER"),
    ]


@pytest.mark.parametrize("reason", CASES)
def test_a_case_is_whole(reason):
    case = CASES[reason]
    assert case.basis == (STATUTORY if reason.startswith("OP_") else PLAN_DOCUMENT)
    assert case.basis in BASES
    assert ("R. 242-1-6" in case.article) == (case.basis == PLAN_DOCUMENT)
    assert "911-4" not in case.article  # the list of the acts’ cases is not there, whatever some pages say
    assert case.proof is None or PROOFS[case.proof.code] is case.proof
    assert not case.proof or not case.proof.restricted  # the employer keeps it: HR sees it
    assert set(case.occasions) <= set(OCCASIONS) and set(case.covers) <= set(COVERS)
    assert case.yearly == (reason in YEARLY)
    assert not (case.yearly and case.until)
    assert faults(asked(reason), TODAY) == {}


@pytest.mark.parametrize("reason", ["OP_DUE_BEFORE", "ACT_CDD_LT12"])
def test_two_cases_ask_for_no_proof(reason):
    assert [code for code, case in CASES.items() if case.proof is None].count(reason) == 1
    assert sum(case.proof is None for case in CASES.values()) == 2


def test_an_employee_is_offered_what_is_theirs_by_right_once():
    assert set(CASES) - set(OFFERED) == {"ACT_CSS", "ACT_INDIVIDUAL", "ACT_OTHER"}


@pytest.mark.parametrize(
    ("reason", "values", "field", "said"),
    [
        ("OP_CSS", {"requested_on": TODAY + timedelta(1)}, "requested_on", "avenir"),
        ("OP_CSS", {"effect_on": date(2027, 11, 24)}, "effect_on", "23/11/2027"),
        ("OP_CSS", {"valid_until": None}, "valid_until", "fin des droits"),
        ("OP_CSS", {"valid_until": TODAY - timedelta(1)}, "valid_until", "avant l’effet"),
        ("OP_DEPENDENT", {"occasion": ""}, "occasion", "Indiquez quand la dispense est demandée."),
        (
            "OP_DEPENDENT",
            {"occasion": "x"},
            "occasion",
            "à l’embauche, à la mise en place du régime dans l’entreprise ou",
        ),
        ("OP_INDIVIDUAL", {"occasion": "OTHER_COVER"}, "occasion", "à l’embauche ou à la mise en place"),
        ("OP_INDIVIDUAL", {"valid_until": date(2027, 11, 24)}, "valid_until", "23/11/2027"),
        ("ACT_INDIVIDUAL", {"valid_until": date(2027, 11, 24)}, "valid_until", "23/11/2027"),
        ("OP_OTHER_JOB", {"cover": ""}, "cover", "quelle couverture"),
        ("OP_OTHER_JOB", {"cover": "SPOUSE"}, "cover", "quelle couverture"),
        ("OP_DEPENDENT", {"cover": "OTHER_JOB"}, "cover", "quelle couverture"),
        ("OP_SHORT_CONTRACT", {"valid_until": date(2027, 2, 22)}, "valid_until", "trois mois ou plus"),
        ("OP_DUE_BEFORE", {"hired_on": None}, "hired_on", "date d’embauche"),
        ("OP_DUE_BEFORE", {"hired_on": TODAY}, "hired_on", "présent avant"),
        ("OP_DUE_BEFORE", {"hired_on": TODAY + timedelta(1)}, "hired_on", "après l’effet"),
        ("ACT_CDD_LT12", {"hired_on": TODAY, "valid_until": date(2027, 11, 22)}, "valid_until", "douze mois ou plus"),
        ("ACT_CDD_GE12", {"hired_on": TODAY, "valid_until": date(2027, 11, 21)}, "valid_until", "moins de douze"),
    ],
)
def test_what_a_case_does_not_allow_is_told_at_its_field(reason, values, field, said):
    found = faults(asked(reason, **values), TODAY)
    assert list(found) == [field]
    assert said in found[field]


@pytest.mark.parametrize(
    ("reason", "values"),
    [
        ("OP_INDIVIDUAL", {"valid_until": date(2027, 11, 23)}),
        ("OP_SHORT_CONTRACT", {"valid_until": date(2027, 2, 21)}),
        ("ACT_CDD_LT12", {"hired_on": TODAY, "valid_until": date(2027, 11, 21)}),
        ("ACT_CDD_GE12", {"hired_on": TODAY, "valid_until": date(2027, 11, 22)}),
        ("OP_CSS", {"effect_on": date(2027, 11, 23)}),
        ("ACT_CDD_LT12", {"hired_on": TODAY}),
    ],
)
def test_the_last_day_that_a_case_allows(reason, values):
    assert faults(asked(reason, **values), TODAY) == {}


def test_a_case_that_nobody_knows_is_no_case():
    with pytest.raises(KeyError):
        faults(asked()._replace(reason="XX"), TODAY)


def test_a_request_after_the_effect_or_a_waiver_that_is_over_are_doubtful():
    assert doubts(asked(), TODAY) == []
    late = asked(effect_on=TODAY - timedelta(9), requested_on=TODAY)
    assert len(doubts(late, TODAY)) == 1 and "cotisation est due" in doubts(late, TODAY)[0]
    over = asked(effect_on=date(2025, 1, 1), valid_until=TODAY - timedelta(1))
    assert any("déjà terminée" in sentence for sentence in doubts(over, TODAY))
    assert not any("déjà terminée" in sentence for sentence in doubts(over._replace(valid_until=TODAY), TODAY))


def test_a_year_from_january_to_december_lasts_twelve_months():
    assert lasts(date(2026, 1, 1), date(2026, 12, 31), 12)
    assert not lasts(date(2026, 1, 1), date(2026, 12, 30), 12)


@given(DAYS, st.integers(1, 24))
def test_a_contract_of_so_many_months_ends_the_day_before_the_anniversary(start, months):
    last = months_later(start, months) - timedelta(1)
    assert lasts(start, last, months)
    assert not lasts(start, last - timedelta(1), months)


@given(st.sampled_from(list(CASES)), DAYS, DAYS, DAYS, DAYS, DAYS)
def test_every_answer_is_either_right_or_told_in_a_sentence(reason, requested_on, effect_on, hired_on, until, today):
    case = CASES[reason]
    answers = Asked(reason, requested_on, effect_on, "HIRING", next(iter(case.covers), ""), hired_on, until)
    for name, sentence in faults(answers, today).items():
        assert name in Asked._fields and sentence.endswith(".")
    assert all(sentence.endswith(".") for sentence in doubts(answers, today))


@given(DAYS, DAYS, st.dates(date(2000, 1, 1), date(2090, 12, 31)))
def test_a_short_and_a_long_contract_share_every_length_between_them(hired_on, until, effect_on):
    short, long = (asked(code, hired_on=hired_on, valid_until=until) for code in ("ACT_CDD_LT12", "ACT_CDD_GE12"))
    told = ["valid_until" in faults(one._replace(effect_on=effect_on), effect_on) for one in (short, long)]
    assert told == [True, True] if until < effect_on else sum(told) == 1


# Proved again, ended


def test_a_yearly_proof_is_due_a_year_after_the_effect():
    assert first_review(CASES["OP_DEPENDENT"], date(2026, 1, 15)) == date(2027, 1, 15)
    assert first_review(CASES["OP_DEPENDENT"], date(2024, 2, 29)) == date(2025, 2, 28)
    assert first_review(CASES["OP_CSS"], date(2026, 1, 15)) is None


@pytest.mark.parametrize("today", [date(2026, 12, 20), date(2027, 1, 15), date(2027, 9, 1)])
def test_a_proof_given_early_or_late_keeps_the_anniversary(today):
    assert next_review(CASES["OP_DEPENDENT"], date(2027, 1, 15), today) == date(2028, 1, 15)


def test_a_proof_that_is_years_late_is_next_due_on_an_anniversary_to_come():
    assert next_review(CASES["OP_DEPENDENT"], date(2024, 1, 15), TODAY) == date(2027, 1, 15)


@given(DAYS, DAYS)
def test_the_next_review_is_an_anniversary_after_the_last_one_and_after_today(due, today):
    following = next_review(CASES["OP_OTHER_JOB"], due, today)
    assert following > due and following > today
    assert following.month == due.month
    assert next_review(CASES["OP_CSS"], due, today) is None


def test_an_individual_contract_is_not_prolonged():
    assert "affilié" in renewal_fault(CASES["OP_INDIVIDUAL"], asked("OP_INDIVIDUAL"), date(2028, 1, 1))


def test_what_is_prolonged_ends_later_and_keeps_to_its_case():
    before = asked("OP_CSS", valid_until=date(2027, 1, 31))
    assert "31/01/2027" in renewal_fault(CASES["OP_CSS"], before, date(2027, 1, 31))
    assert renewal_fault(CASES["OP_CSS"], before, date(2028, 1, 31)) == ""
    assert "date" in renewal_fault(CASES["OP_CSS"], before, None)
    short = asked("ACT_CDD_LT12", hired_on=TODAY)
    assert "douze mois" in renewal_fault(CASES["ACT_CDD_LT12"], short, date(2027, 11, 22))
    assert renewal_fault(CASES["OP_DEPENDENT"], asked("OP_DEPENDENT"), None) == ""


def test_the_next_thing_to_do_is_the_nearest():
    assert due_on(None, None) is None
    assert due_on(TODAY, None) == due_on(None, TODAY) == due_on(TODAY, TODAY + timedelta(1)) == TODAY

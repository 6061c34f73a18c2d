"""Supporting documents: their words, the campaigns of a school year, deadlines, and who is reminded."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.rules import Refused, proofs
from portal.rules.dependents import (
    CHILD_ENDS,
    CHILD_PROOFS,
    birthdays_that_end,
    child_age_fault,
    child_covered_until,
    child_proof_needed,
    last_day,
)

YEAR = proofs.school_year(date(2026, 11, 23))
DAYS = st.dates(date(2000, 1, 1), date(2100, 12, 31))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("Certificat de scolarité", "SCHOOL_CERTIFICATE"),
        ("Copie du PACS", "CIVIL_PARTNERSHIP"),
        ("Certificat de concubinage", "COHABITATION"),
        ("RIB", "BANK_DETAILS"),
        ("Contrat d'apprentissage", "APPRENTICESHIP_CONTRACT"),
    ],
)
def test_a_type_is_known_by_its_words(words, code):
    assert proofs.by_words(words).code == code


def test_an_unknown_type_is_refused_with_those_that_are_known():
    with pytest.raises(Refused, match="Certificat de scolarité"):
        proofs.by_words("Carte de pêche")


@pytest.mark.parametrize("proof", proofs.PROOFS.values(), ids=lambda proof: proof.code)
def test_every_type_has_words_that_lead_back_to_it_and_hr_reads_nothing_of_health(proof):
    assert proofs.by_words(proof.label) == proof
    assert proofs.shown_to_hr(proof.code) == (proofs.CONFIDENTIAL if proof.restricted else proof.label)


def test_what_proves_a_disability_is_confidential():
    assert "MDPH" not in proofs.shown_to_hr(CHILD_PROOFS["DISABLED"].code)


@given(DAYS)
def test_a_day_is_within_its_school_year_and_years_follow_one_another(day):
    year = proofs.school_year(day)
    assert year.start <= day <= year.end
    assert proofs.school_year(year.end + timedelta(1)).start == year.end + timedelta(1)


def test_a_certificate_has_one_campaign_a_school_year_whoever_asks_for_it():
    names = {proofs.campaign(proofs.SCHOOL_CERTIFICATE, day) for day in (YEAR.start, date(2027, 2, 1), YEAR.end)}
    assert names == {"Certificats de scolarité 2026-2027"}
    assert proofs.campaign(proofs.BANK_DETAILS, YEAR.start) == "Adhésions 2026"
    assert proofs.campaign(proofs.PROOFS["PAYSLIP"], YEAR.start) == "Dispenses 2026"


@pytest.mark.parametrize(
    ("born", "rule", "until"),
    [
        (date(2006, 5, 17), "BIRTHDAY", date(2026, 5, 17)),
        (date(2006, 5, 17), "END_OF_MONTH", date(2026, 5, 31)),
        (date(2006, 5, 17), "END_OF_YEAR", date(2026, 12, 31)),
        (date(2008, 2, 29), "BIRTHDAY", date(2028, 2, 29)),
        (date(2008, 2, 1), "END_OF_MONTH", date(2028, 2, 29)),
        (date(2006, 12, 31), "END_OF_YEAR", date(2026, 12, 31)),
    ],
)
def test_the_age_that_ends_the_cover_of_a_child_does_so_by_the_contract_s_rule(born, rule, until):
    assert child_covered_until(born, "DEPENDENT", 20, 25, rule) == until
    fault = (child_age_fault(born, "DEPENDENT", on, 20, 25, rule) for on in (until, until + timedelta(1)))
    assert [bool(one) for one in fault] == [False, True]
    asked = (child_proof_needed(born, "STUDENT", on, 20, rule) for on in (until, until + timedelta(1)))
    assert [bool(one) for one in asked] == [False, True]


@given(DAYS, st.integers(0, 400), st.sampled_from(list(CHILD_ENDS)), DAYS)
def test_the_birthdays_that_end_a_cover_between_two_days_are_all_and_only_those(first, within, rule, birthday):
    last = first + timedelta(within)
    start, end = birthdays_that_end(first, last, rule)
    assert (start <= birthday <= end) is (first <= last_day(birthday, 0, rule) <= last)


@pytest.mark.parametrize(("rule", "needed"), [("BIRTHDAY", True), ("END_OF_MONTH", True), ("END_OF_YEAR", False)])
def test_a_certificate_is_asked_by_the_contract_s_rule(rule, needed):
    assert proofs.certificate_needed(date(2007, 3, 1), "", YEAR, 20, 25, rule) is needed


@pytest.mark.parametrize(
    ("born", "status", "needed"),
    [
        (date(2005, 3, 1), "", True),  # 21 years old
        (date(2005, 3, 1), "STUDENT", True),
        (date(2005, 3, 1), "APPRENTICE", False),
        (date(2005, 3, 1), "DISABLED", False),
        (date(2005, 3, 1), "DEPENDENT", False),
        (date(2007, 6, 30), "", True),  # 20 within the school year
        (date(2007, 8, 31), "", False),  # 20 on its last day, which is still covered
        (date(2012, 1, 1), "", False),
        (date(2001, 9, 1), "", True),  # 25 on its first day
        (date(2001, 8, 31), "", False),  # past the students' limit before it begins
    ],
)
def test_who_is_asked_for_a_certificate(born, status, needed):
    assert proofs.certificate_needed(born, status, YEAR, 20, 25) is needed


@given(st.dates(date(1990, 1, 1), date(2026, 8, 31)), st.integers(16, 22), st.integers(0, 8))
def test_a_certificate_is_asked_only_where_it_can_keep_somebody_covered(born, first_limit, more):
    if proofs.certificate_needed(born, "", YEAR, first_limit, first_limit + more):
        assert child_covered_until(born, "DEPENDENT", first_limit, first_limit + more) < YEAR.end
        assert child_covered_until(born, "STUDENT", first_limit, first_limit + more) >= YEAR.start


@pytest.mark.parametrize(
    ("left", "told", "due"),
    [
        (16, 60, False),
        (15, 60, True),
        (12, 60, True),  # the worker was away
        (12, 13, False),  # asked for yesterday
        (12, 20, False),  # reminded within the week before the fifteenth day
        (4, 15, False),
        (3, 15, True),
        (3, 9, False),
        (0, 15, True),
        (-1, 60, False),
    ],
)
def test_a_day_calls_for_the_reminder_that_was_reached(left, told, due):
    deadline = date(2026, 11, 23)
    on, told_on = deadline - timedelta(left), deadline - timedelta(told)
    assert proofs.reminder_due(deadline, told_on, on, (15, 3), 7) is due


@given(
    st.integers(0, 90),
    st.lists(st.integers(0, 40), max_size=4),
    st.integers(1, 20),
    st.sets(st.integers(-5, 90)),
)
def test_reminders_are_each_sent_once_and_never_within_the_delay(asked, milestones, delay, away):
    deadline = date(2026, 11, 23)
    told = [deadline - timedelta(asked)]
    for left in range(asked, -6, -1):
        on = deadline - timedelta(left)
        if left not in away and proofs.reminder_due(deadline, told[-1], on, milestones, delay):
            told.append(on)
    assert len(told) - 1 <= len(set(milestones))
    assert all((after - before).days > delay for before, after in zip(told, told[1:], strict=False))
    assert all(on <= deadline for on in told)


def test_the_deadline_and_the_days_of_grace_are_good_days():
    deadline = date(2026, 10, 31)
    assert not deadline < proofs.expires_after(30, date(2026, 11, 30))
    assert deadline < proofs.expires_after(30, date(2026, 12, 1))


@pytest.mark.parametrize(
    ("employee", "person", "adult", "found"),
    [
        (("+33600000001", "a@b.fr"), ("", ""), False, ("SMS", "+33600000001", True)),
        (("", "a@b.fr"), ("+33600000002", ""), True, ("EMAIL", "a@b.fr", True)),
        (("", ""), ("+33600000002", "c@d.fr"), True, ("SMS", "+33600000002", False)),
        (("", ""), ("", "c@d.fr"), True, ("EMAIL", "c@d.fr", False)),
        (("", ""), ("+33600000002", "c@d.fr"), False, None),
        (("", ""), ("", ""), True, None),
        (("+33384450001", "a@b.fr"), ("", ""), False, ("EMAIL", "a@b.fr", True)),
        (("+33253001001", ""), ("+33600000002", ""), True, ("SMS", "+33600000002", False)),
        (("+262262123456", ""), ("", ""), False, None),
        (("+33199001001", "a@b.fr"), ("", ""), False, ("SMS", "+33199001001", True)),  # of the demonstration
        (("+262692123456", ""), ("", ""), False, ("SMS", "+262692123456", True)),
        (("+41791234567", ""), ("", ""), False, ("SMS", "+41791234567", True)),
    ],
)
def test_the_employee_is_written_to_by_sms_rather_and_a_minor_never(employee, person, adult, found):
    assert proofs.reach(employee, person, adult) == found


def test_a_reason_for_refusal_is_a_sentence():
    assert all(sentence.endswith(".") and len(sentence) < 120 for sentence in proofs.REFUSALS.values())

"""How long what the mutual publishes must stay, and how early its end is announced."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.rules import Refused, publishing
from portal.rules.dates import months_after

TODAY = date(2026, 11, 26)
DAYS = st.dates(date(2000, 1, 1), date(2100, 12, 31))


@pytest.mark.parametrize(
    ("contractual", "ended_on", "earliest"),
    [
        (False, None, date(2027, 1, 26)),
        (False, date(2026, 10, 1), date(2027, 1, 26)),  # not the length of a membership: the notice alone
        (True, date(2015, 12, 31), date(2027, 1, 26)),
        (True, date(2024, 2, 29), date(2029, 2, 28)),
        (True, date(2026, 12, 31), date(2031, 12, 31)),
    ],
)
def test_a_withdrawal_is_announced_two_months_before_and_a_contract_stays_five_years(contractual, ended_on, earliest):
    assert publishing.earliest_withdrawal(contractual, TODAY, ended_on) == earliest


def test_two_months_end_with_a_short_month():
    assert publishing.earliest_withdrawal(False, date(2026, 12, 31)) == date(2027, 2, 28)


def test_a_contractual_document_stays_as_long_as_the_membership():
    with pytest.raises(Refused, match="cinq ans après sa fin"):
        publishing.earliest_withdrawal(True, TODAY)


@given(DAYS, DAYS, st.integers(-400, 4000))
def test_a_day_is_accepted_from_the_earliest_on_and_no_other(today, ended_on, more):
    earliest = publishing.earliest_withdrawal(True, today, ended_on)
    assert earliest >= months_after(today, 2) and earliest >= months_after(ended_on, 60)
    on = earliest + timedelta(more)
    if more >= 0:
        publishing.check_withdrawal(on, True, today, ended_on)
    else:
        with pytest.raises(Refused, match=f"Au plus tôt le {earliest:%d/%m/%Y}"):
            publishing.check_withdrawal(on, True, today, ended_on)


def test_contracts_notices_and_covers_are_contractual_and_nothing_else():
    contractual = {key for key, nature in publishing.NATURES.items() if nature.contractual}
    assert contractual == {"CONTRACT", "NOTICE", "COVER"}

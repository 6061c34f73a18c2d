"""Every test fails when a NIR or an IBAN reaches a log; what watches for it sees them in whatever form."""

import logging

import pytest

from tests.watching import Watch, secrets_in

NIR, IBAN = "294063947803145", "FR7630006000011234567890189"


@pytest.fixture
def heard():
    """A log that leads nowhere else: the watch of every test must not hear what is planted here."""
    log, watch = logging.Logger("planted"), Watch()
    log.addHandler(watch)
    return log, watch


@pytest.mark.parametrize("secret", [NIR, "2 94 06 39 478 031 45", "2\u00a094\u202f06 39 478 031 45", IBAN])
def test_a_secret_is_heard_in_a_message_in_its_arguments_and_in_an_exception(heard, secret):
    log, watch = heard
    log.warning(f"importing {secret}")  # noqa: G004
    log.info("importing %s", {"nir": secret})
    try:
        raise ValueError(secret)
    except ValueError:
        log.exception("importing")
    assert len(watch.leaks) == 3 and not any(secret in told for told in watch.leaks)


def test_an_iban_in_groups_is_heard():
    assert secrets_in("RIB FR76 3000 6000 0112 3456 7890 189.") == {"IBAN"}


@pytest.mark.parametrize(
    "said",
    ["POST /salaries 200", "294063947803144", "req 1700000000000000", "c6188f64c26fef17", "2026-11-26T18:05:12Z"],
)
def test_what_is_none_is_not_heard(heard, said):
    log, watch = heard
    log.warning(said)
    assert watch.heard == 1 and not watch.leaks

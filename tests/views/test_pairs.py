"""A known and an unknown read the same, to the byte, as often as security asks (RAT-3, ACC-6); how long is told."""

import re
import statistics
import time

import pytest

from portal.models import Beneficiary, GroupContract, Registration, Throttle
from tests import factories
from tests.thorough import often

PAIRS = often(5, 200)
ACCOUNTS = "pairs of a known and an unknown account, the same bytes"
PEOPLE = "pairs of a known and an unknown person, the same bytes"
DRAWN = re.compile(rb'name="(csrf_token|form_key)" value="[^"]+"|[0-9a-f]{16}')  # anew at each page


class Compared:
    """What an answer says of one that is known and of one that is not, and how long it takes to."""

    def __init__(self, ask):
        self.ask, self.taken = ask, {True: [], False: []}

    def said(self, typed, known):
        Throttle.delete().execute()
        began = time.perf_counter()
        answer = self.ask(typed)
        self.taken[known].append(time.perf_counter() - began)
        body = DRAWN.sub(b"", answer.data.replace(typed.encode(), b"-"))
        return answer.status_code, answer.headers.get("Location"), body

    @property
    def apart(self):
        """Microseconds between the medians."""
        known, unknown = map(statistics.median, self.taken.values())
        return round(abs(known - unknown) * 1_000_000)


@pytest.fixture
def compare(figure, at):
    at()  # a page says when it was printed

    def all_of(row, of, ask, pairs):
        compared = Compared(ask)
        for known, unknown in pairs:
            assert compared.said(known, True) == compared.said(unknown, False), (known, unknown)
        figure(row, len(pairs), of)
        figure(row, compared.apart, "µs between the medians of the known and of the unknown", at_most=True)

    return all_of


@pytest.fixture
def addresses(client):
    """(of somebody who has an account, of nobody), as long as one another."""
    users = [factories.user(identifier=f"connu{number:04}@example.com") for number in range(PAIRS)]
    return [(user.identifier, user.identifier.replace("connu", "autre")) for user in users]


def test_at_the_sign_in(client, addresses, compare):
    token = client.token()
    words = {"mot_de_passe": "mauvais mot de passe", "csrf_token": token}
    compare("RAT-3", ACCOUNTS, lambda typed: client.post("/connexion", words | {"identifiant": typed}), addresses)


def test_when_a_password_is_forgotten(client, addresses, compare):
    token = client.token()

    def ask(typed):
        return client.post("/mot-de-passe-oublie", {"courriel": typed, "csrf_token": token})

    compare("RAT-3", ACCOUNTS, ask, addresses)


def test_at_a_registration(client, addresses, compare):
    token = client.token()

    def ask(typed):
        return client.post("/inscription/entreprise", {"courriel": typed, "csrf_token": token})

    compare("RAT-3", ACCOUNTS, ask, addresses)
    assert Registration.select().count() == PAIRS


def test_of_people_of_another_company(signed_in, hr, compare):
    """A number that somebody has elsewhere finds as little as one that nobody has."""
    contract = GroupContract.get_by_id(factories.hr_user().contracts().first().id)
    people = [factories.beneficiary(contract, f"Zzconnu{number:04}") for number in range(PAIRS)]
    assert Beneficiary.select().where(Beneficiary.contract == contract).count() >= PAIRS
    pairs = [(person.member_number, f"9{person.member_number[1:]}") for person in people]
    compare("ACC-6", PEOPLE, lambda typed: signed_in.get("/salaries", query_string={"numero": typed}), pairs)
    pairs = [(f"zzconnu{number:04}", f"zzautre{number:04}") for number in range(PAIRS)]
    compare("ACC-6", PEOPLE, lambda typed: signed_in.get("/salaries", query_string={"q": typed}), pairs)

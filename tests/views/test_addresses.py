"""Whose address a request has: the one that our proxy tells, or the connection's own; never one that is invented."""

import dataclasses

import pytest

from portal.models import AuditEvent, Throttle, UserSession
from tests import factories
from tests.thorough import often

PROXY = "192.0.2.80"
BROWSER = "198.51.100.4"


@pytest.fixture(params=[True, False], ids=["behind the proxy", "alone"])
def chosen_settings(chosen_settings, request):
    return dataclasses.replace(chosen_settings, behind_proxy=request.param)


@pytest.fixture
def told(client, chosen_settings):
    """(a browser, what the portal gets of its forged header)."""
    proxy = chosen_settings.behind_proxy
    client.environ_base["REMOTE_ADDR"] = PROXY if proxy else BROWSER
    # nginx puts the address in the place of what came; where a proxy adds it, the last is still the one.
    return client, (lambda forged: f"{forged}, {BROWSER}" if proxy else forged)


def headers(forwarded, forged):
    others = ("X-Real-IP", "Forwarded", "Client-IP", "True-Client-IP", "CF-Connecting-IP", "X-Client-IP")
    return {"X-Forwarded-For": forwarded(forged), **dict.fromkeys(others, forged)}


def tried(client, forwarded, token, number):
    data = {"identifiant": f"personne{number}@example.com", "mot_de_passe": "x", "csrf_token": token}
    forged = f"203.0.{number // 250}.{number % 250}"
    return client.post("/connexion", data, headers=headers(forwarded, forged)).status_code


def test_forged_addresses_are_one_address_that_is_slowed_down(told, at, figure):
    at()  # a slow machine would be let in again meanwhile
    client, forwarded = told
    token, forged = client.token(), often(30, 1_000)
    answers = [tried(client, forwarded, token, number) for number in range(forged)]
    assert answers == [422] * 20 + [429] * (forged - 20)
    figure("RAT-5", forged, "forged addresses, one counter")
    addresses = {key for (key,) in Throttle.select(Throttle.key).tuples() if key.startswith("address:")}
    assert addresses == {f"address:{BROWSER}"}


def test_sessions_and_the_trail_keep_the_true_address(told):
    client, forwarded = told
    user = factories.user()
    data = {"identifiant": user.identifier, "mot_de_passe": factories.PASSWORD}
    assert client.post("/connexion", data, headers=headers(forwarded, "203.0.113.9")).status_code == 303
    assert [row.address for row in UserSession.select()] == [BROWSER]
    assert {row.address for row in AuditEvent.select().where(AuditEvent.action == "session.start")} == {BROWSER}


def test_other_doors_that_count_by_address_are_told_the_same(told):
    """Forgotten passwords, checks of documents, links of employees, calendars."""
    client, forwarded = told
    token = client.token()
    posts = {
        "/mot-de-passe-oublie": {"identifiant": "x@example.com"},
        "/verification": {"code": "7KQM-2XVD-90RT-HC4W"},
        "/salarie/" + "x" * 43: {"naissance": "01/01/1990"},
    }
    for path, data in posts.items():
        client.post(path, {**data, "csrf_token": token}, headers=headers(forwarded, "203.0.113.9"))
    client.get("/calendrier/" + "x" * 43 + ".ics", headers=headers(forwarded, "203.0.113.9"))
    keys = {key for (key,) in Throttle.select(Throttle.key).tuples()}
    assert {key for key in keys if BROWSER in key} >= {f"check:{BROWSER}", f"calendar:{BROWSER}"}
    assert not [key for key in keys if "203.0" in key or PROXY in key]

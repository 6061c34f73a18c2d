"""Two processes side by side: what one of them ends, the other refuses from its next request."""

import http.client
import os
import subprocess
import sys

import pytest

from portal import clock
from portal.models import PermissionGrant, User, UserRole, UserSession, db
from portal.rules.rights import Action
from portal.rules.staff_roles import Duty
from tests import factories
from tests.conftest import KEYS


class Other:
    """A browser in front of the other process, with the cookie that this one gave."""

    def __init__(self, port, client):
        self.port, self.cookie = port, client.get_cookie("session").value

    def get(self, path):
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        line.request("GET", path, headers={"Cookie": f"session={self.cookie}", "Sec-Fetch-Site": "same-origin"})
        status = line.getresponse().status
        line.close()
        return status


@pytest.fixture
def port(app, database):
    chosen = app.settings
    environment = os.environ | {
        "INSTANCE": str(chosen.instance),
        "DATABASE_URL": chosen.database_url,
        "STORAGE_URL": chosen.storage_url,
        "DEMO": "1",
        "SECRET_KEY": chosen.secret_key,
        "VAULT_KEYS": ",".join(KEYS),
        "PUBLIC_URL": "http://localhost",
        "PEOPLE_TO_CONFIRM": "1",
    }
    command = [sys.executable, "-m", "tests.serving"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        yield int(process.stdout.readline())
        process.terminate()


def test_what_one_process_ends_the_other_refuses_from_the_next_request(app, client, port):
    hr = factories.hr_user()
    member = factories.user(role=UserRole.STAFF, duties=int(Duty.MONEY))
    admin = factories.user(role=UserRole.ADMIN)
    client.sign_in(admin)
    desk = f"/gestion/utilisateurs/{member.public_id}"

    def browser(user):
        here = app.test_client()
        here.sign_in(user)
        return here, Other(port, here)

    here, there = browser(hr)
    assert (there.get("/salaries"), there.get("/cotisations")) == (200, 200)
    seen = PermissionGrant.user == hr
    PermissionGrant.update(actions=Action.SEE).where(seen).execute()  # a right
    assert (there.get("/salaries"), there.get("/cotisations")) == (200, 403)
    person = hr.beneficiaries().first()
    assert there.get(f"/salaries/{person.public_id}") == 200
    PermissionGrant.update(valid_to="2021-01-01").where(seen).execute()  # the mandate
    assert there.get(f"/salaries/{person.public_id}") == 404
    here.post("/deconnexion")  # a sign-out
    assert there.get("/compte") == 303

    here, there = browser(member)
    assert (there.get("/gestion/impayes"), there.get("/gestion/demandes")) == (200, 403)
    client.post(f"{desk}/roles", {"roles": str(int(Duty.EXCHANGES))})  # a role, by the form of an administrator
    changed = User.get_by_id(member.id).duties
    assert changed != member.duties
    assert (there.get("/gestion/impayes"), there.get("/gestion/demandes")) == (403, 200)
    client.post(f"{desk}/sessions")  # all sessions
    assert there.get("/gestion/demandes") == 303
    here, there = browser(member)
    assert there.get("/compte") == 200
    client.post(f"{desk}/fermeture")  # the access
    assert there.get("/compte") == 303

    here, there = browser(hr)
    UserSession.get(UserSession.user == hr, UserSession.ended_at.is_null()).end(clock.now())  # one session
    assert there.get("/compte") == 303
    assert not db.is_closed()

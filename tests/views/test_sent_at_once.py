"""The same form sent by twenty at the same time does one thing, and each of them is told so or asked to come back."""

import threading

import pytest

from portal.models import Enrolment, EnrolmentState, MessageThread, Movement, MovementKind
from tests import enrolling, factories
from tests.enrolling import begin, fill
from tests.views.test_changes import form
from tests.views.test_threads import FORM

TIMES = 20
ENDS = {303, 503}  # done, by this one or by another; or too busy, and nothing was done


@pytest.fixture
def at_once(app, signed_in, figure):
    """Send a form so many times at the same time, each by a connection of its own: their answers."""

    def send(where, fields):
        fields = fields | {"csrf_token": signed_in.token()}
        cookie = signed_in.get_cookie("session").value
        browsers, ready, ends = [app.test_client() for _ in range(TIMES)], threading.Barrier(TIMES), []

        def one(browser):
            browser.set_cookie("session", cookie)
            ready.wait()
            ends.append(browser.post(where, fields).status_code)

        threads = [threading.Thread(target=one, args=[browser]) for browser in browsers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(ends) == TIMES and set(ends) <= ENDS and 303 in ends, ends
        figure("CON-2", TIMES, "times the same form at the same time, done once")

    return send


def test_a_change_is_one_movement(signed_in, hr, at_once):
    person = factories.beneficiary(hr.contracts().first(), "Lamy", "Corentin")
    where = f"/salaries/{person.public_id}/contact"
    at_once(where, form(signed_in, where) | {"courriel": "c.lamy@exemple.fr"})
    assert [row.kind for row in Movement.select()] == [MovementKind.CONTACT]


def test_an_enrolment_affiliates_once(signed_in, hr, at_once):
    draft = fill(signed_in, begin(signed_in, hr))
    where = f"/adhesion/{draft.public_id}/verification"
    at_once(where, enrolling.hidden(signed_in.get(where).get_data(as_text=True)))
    assert Movement.select().count() == 1
    assert Enrolment.get().state == EnrolmentState.SUBMITTED


def test_a_request_is_one_thread(signed_in, hr, at_once):
    where = "/demandes/nouvelle"
    at_once(where, enrolling.hidden(signed_in.get(where).get_data(as_text=True)) | FORM)
    assert MessageThread.select().count() == 1

"""A forgotten password: the same answer for all, a link that works once."""

import re
import threading

import pytest

from portal import clock, outbox
from portal.models import AuditEvent, OneTimeLink, OutboxMessage, UserSession, db
from tests import factories

NEW = "cheval correct pile agrafe montagne"


def link_of(app):
    text = OutboxMessage.select().order_by(OutboxMessage.id.desc()).get().unseal()["text"]
    return re.search(r"http://localhost(/mot-de-passe/\S+)", text)[1]


@pytest.fixture
def asked(client, hr, app):
    client.post("/mot-de-passe-oublie", {"courriel": hr.identifier})
    return link_of(app)


def test_a_known_and_an_unknown_address_get_the_same_answer(client, hr):
    known = client.post("/mot-de-passe-oublie", {"courriel": hr.identifier})
    unknown = client.post("/mot-de-passe-oublie", {"courriel": "inconnu@example.com"})
    assert (known.status_code, known.headers["Location"]) == (unknown.status_code, unknown.headers["Location"])
    assert OutboxMessage.select().count() == OneTimeLink.select().count() == 1
    assert AuditEvent.select().where(AuditEvent.action == "password.asked").count() == 2


def test_reading_the_link_uses_nothing(client, asked):
    for _ in range(3):
        assert client.get(asked).status_code == 200
    assert OneTimeLink.get().used_at is None


def test_the_link_gives_a_new_password_once_and_ends_every_session(app, client, hr, asked):
    other = app.test_client()
    other.sign_in(hr)
    form = {"mot_de_passe": NEW, "confirmation": NEW}
    assert client.post(asked, form).status_code == 303
    assert client.post(asked, form).status_code == 410
    assert client.get(asked).status_code == 410
    assert other.get("/salaries").status_code == 303
    assert UserSession.select().where(UserSession.ended_at.is_null()).count() == 0
    assert client.post("/connexion", {"identifiant": hr.identifier, "mot_de_passe": NEW}).status_code == 303


def test_the_link_lasts_thirty_minutes(client, asked, at):
    at(minutes=29)
    assert client.get(asked).status_code == 200
    at(minutes=31)
    assert client.get(asked).status_code == 410


def test_a_new_password_ends_the_other_links_too(client, hr, app, asked):
    client.post("/mot-de-passe-oublie", {"courriel": hr.identifier})
    second = link_of(app)
    client.post(second, {"mot_de_passe": NEW, "confirmation": NEW})
    assert client.get(asked).status_code == 410


def test_a_weak_or_different_password_is_explained_and_the_link_still_works(client, asked):
    weak = client.post(asked, {"mot_de_passe": "court", "confirmation": "court"})
    assert weak.status_code == 422
    assert "15 caractères" in weak.get_data(as_text=True)
    different = client.post(asked, {"mot_de_passe": NEW, "confirmation": NEW + "x"})
    assert "ne sont pas les mêmes" in different.get_data(as_text=True)
    assert client.post(asked, {"mot_de_passe": NEW, "confirmation": NEW}).status_code == 303


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "localhost:81"])
def test_the_host_that_was_asked_never_stands_in_the_link(client, hr, app, host):
    page = client.get("/mot-de-passe-oublie", base_url=f"http://{host}").get_data(as_text=True)
    data = {"courriel": hr.identifier, "csrf_token": re.search(r'name="csrf_token" value="([^"]+)"', page)[1]}
    client.post("/mot-de-passe-oublie", data, base_url=f"http://{host}", headers={"X-Forwarded-Host": host})
    assert OutboxMessage.select().count() == 1
    assert all("http://localhost/mot-de-passe/" in message.unseal()["text"] for message in OutboxMessage.select())


def test_the_link_used_at_the_same_time_by_many_works_for_one(database):
    user = factories.user()
    token = OneTimeLink.draw(user, clock.now())
    won = []
    link = OneTimeLink.usable(token, clock.now())
    threads = [threading.Thread(target=lambda: won.append(use_link(link))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 19 + [True]


def use_link(link):
    with db.connection_context():
        return link.use(clock.now())


def test_asking_again_and_again_sends_no_more(client, hr):
    for _ in range(8):
        client.post("/mot-de-passe-oublie", {"courriel": hr.identifier})
    assert OutboxMessage.select().count() == 5


def test_the_token_is_kept_as_a_hash_alone(client, asked):
    token = asked.rsplit("/", 1)[1]
    assert OneTimeLink.get().token_hash != token


def test_a_link_that_was_sent_is_not_kept_beside_its_hash(client, asked, app):
    assert outbox.send_due(app.settings, clock.now()) == 1
    assert OutboxMessage.get().content is None


def test_someone_under_attack_enters_with_the_new_password(client, hr, asked):
    for _ in range(7):
        client.post("/connexion", {"identifiant": hr.identifier, "mot_de_passe": "mauvais mot de passe"})
    client.post(asked, {"mot_de_passe": NEW, "confirmation": NEW})
    assert client.post("/connexion", {"identifiant": hr.identifier, "mot_de_passe": NEW}).status_code == 303


def test_the_mail_tells_nothing_but_the_first_name(client, hr, asked, app):
    text = OutboxMessage.get().unseal()["text"]
    assert hr.last_name not in text
    assert "ne sert qu’une fois" in text


def test_changing_it_asks_for_the_present_one(signed_in, hr):
    form = {"actuel": "pas le bon mot de passe", "mot_de_passe": NEW, "confirmation": NEW}
    refused = signed_in.post("/compte/mot-de-passe", form)
    assert refused.status_code == 422
    assert "mot de passe actuel" in refused.get_data(as_text=True)
    assert signed_in.post("/compte/mot-de-passe", {**form, "actuel": factories.PASSWORD}).status_code == 303
    assert signed_in.get("/salaries").status_code == 200


def test_the_present_password_cannot_be_guessed_faster_here(signed_in):
    form = {"actuel": "pas le bon mot de passe", "mot_de_passe": NEW, "confirmation": NEW}
    answers = [signed_in.post("/compte/mot-de-passe", form).status_code for _ in range(7)]
    assert answers == [422] * 5 + [429] * 2
